//! Limits hold, and say which one it was.

use std::io::{self, Read};

use caiso_archive::{ArchiveError, Budget, Limits};

fn error(budget: &Budget, length: u64, compressed: u64) -> Option<ArchiveError> {
    let mut reader = budget.reader(io::repeat(7).take(length), compressed);
    let error = io::copy(&mut reader, &mut io::sink()).err()?;
    Some(ArchiveError::of(&error).unwrap().clone())
}

#[test]
fn each_limit_is_named() {
    let limits = Limits {
        expanded_total: 1_000_000,
        expanded_entry: 400_000,
        ratio: 10,
        ratio_after: 50_000,
        ..Limits::default()
    };
    let budget = Budget::new(limits);
    assert_eq!(error(&budget, 400_000, 40_000), None);
    assert_eq!(budget.expanded(), 400_000);
    assert_eq!(error(&budget, 400_001, 400_000), Some(ArchiveError::Expanded { limit: 400_000 }));
    // Below the threshold, any ratio is fine.
    assert_eq!(error(&budget, 50_000, 1), None);
    let ratio = ArchiveError::Ratio { compressed: 5_000, ratio: 10 };
    assert_eq!(error(&budget, 60_000, 5_000), Some(ratio));
    assert_eq!(error(&budget, 390_000, 390_000), Some(ArchiveError::Expanded { limit: 1_000_000 }));
    // Once it is spent, it stays so.
    assert_eq!(error(&budget, 1, 1), Some(ArchiveError::Expanded { limit: 1_000_000 }));
}

#[test]
fn threads_share_a_budget() {
    let budget = Budget::new(Limits { expanded_total: 800_000, ..Limits::default() });
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| assert_eq!(error(&budget, 100_000, 100_000), None));
        }
    });
    assert_eq!(budget.expanded(), 800_000);
    assert!(error(&budget, 1, 1).is_some());
}
