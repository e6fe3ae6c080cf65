//! Exit statuses, the same for every command.

use caiso_report::Verdict;

/// Pass.
pub(crate) const PASS: u8 = 0;
/// The gate failed.
pub(crate) const FAIL: u8 = 1;
/// Usage, unreadable input or internal error.
pub(crate) const ERROR: u8 = 2;
/// Nothing failed, something that applies could not be assessed.
pub(crate) const INCOMPLETE: u8 = 3;

/// Status of a verdict.
pub(crate) fn of(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Pass => PASS,
        Verdict::Fail => FAIL,
        Verdict::Incomplete => INCOMPLETE,
    }
}
