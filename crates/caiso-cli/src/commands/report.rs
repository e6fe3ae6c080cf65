//! `caiso report`.

use anyhow::{Context as _, Result};
use caiso_report::{LedgerHead, Report};
use caiso_store::{Disclose, Store};

use super::{assess, home};
use crate::arguments::{Global, ReportArguments};
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &ReportArguments) -> Result<u8> {
    let outputs = assess::parse_outputs(&arguments.output)?;
    let system = home::system(arguments.system.as_deref())?;
    let store = home::open_read_only(global, arguments.system.as_deref())?;
    let (report, receipt) = last(&store, &system.manifest.system.name)?;
    let html = assess::write(&outputs, &report, &receipt)?;
    if let Some(folder) = &arguments.figures {
        for check in report.checks.iter().filter(|check| !check.figures.is_empty()) {
            let component = check.component.replace(':', "-");
            let name = format!("{}-{component}", check.code);
            output::write_figures(folder, &name, &check.figures)?;
        }
    }
    assess::print(global.format, &report, &receipt, html.as_deref())?;
    Ok(exit::PASS)
}

/// The last sealed report of a system with its receipt.
pub(crate) fn last(store: &Store, system: &str) -> Result<(Report, String)> {
    let seq = store.assessments(system)?.into_iter().next();
    let seq = seq.with_context(|| {
        format!("the ledger holds no assessment of `{system}`; `caiso assess` makes one")
    })?;
    let mut report: Report = serde_json::from_str(&store.assessment(seq)?.report)
        .context("the last report was sealed by another version of caiso")?;
    let receipt = store.prove(seq, Disclose::Body)?;
    report.ledger = Some(LedgerHead::of_receipt(&receipt, store.verifier_key())?);
    Ok((report, receipt.to_string()))
}
