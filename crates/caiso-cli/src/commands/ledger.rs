//! `caiso ledger`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use caiso_ledger::Receipt;
use caiso_store::{Disclose, LogLine};
use serde_json::{Value, json};

use super::{home, verify};
use crate::arguments::{Format, Global, LedgerArguments, LedgerCommand};
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &LedgerArguments) -> Result<u8> {
    let system = arguments.system.as_deref();
    let json = global.format == Format::Json;
    match &arguments.command {
        LedgerCommand::Log { last } => log(global, system, *last),
        LedgerCommand::Show { seq } => {
            let store = home::open_read_only(global, system)?;
            check_seq(*seq, store.size()?)?;
            let shown = store.show(*seq)?;
            let statement = match &shown.opening {
                Some(opening) => serde_json::from_slice(opening.envelope.unverified_payload())?,
                None => Value::Null,
            };
            let leaf = hex::encode(shown.leaf_hash);
            output::print_json(&json!({
                "seq": seq, "leaf_hash": leaf, "record": shown.record, "statement": statement
            }))?;
            Ok(exit::PASS)
        }
        LedgerCommand::Prove { seq, output: file, without_body } => {
            let store = home::open_read_only(global, system)?;
            check_seq(*seq, store.size()?)?;
            let disclose = if *without_body { Disclose::RecordOnly } else { Disclose::Body };
            let receipt = store.prove(*seq, disclose)?.to_string();
            let Some(file) = file else {
                output::print(&receipt)?;
                return Ok(exit::PASS);
            };
            output::write_file(file, receipt.as_bytes())?;
            if !global.quiet {
                let key = store.verifier_key();
                eprintln!(
                    "wrote  {}\nverify caiso ledger verify-receipt {} --key '{key}'",
                    file.display(),
                    file.display()
                );
            }
            Ok(exit::PASS)
        }
        LedgerCommand::Verify { against } => verify_log(global, system, against.as_deref()),
        LedgerCommand::VerifyReceipt { file, key } => {
            let bytes =
                std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
            let key = home::key(key)?;
            let result = Receipt::parse(&bytes).and_then(|receipt| receipt.verify(&key));
            let result = result.map(|found| (found.checked, found.not_checked));
            verify::show(global, &file.display().to_string(), result.map_err(Into::into))
        }
        LedgerCommand::Export { folder } => {
            let store = home::open_read_only(global, system)?;
            let exported = store.export(folder)?;
            if json {
                output::print_json(&json!({"size": exported.size, "folder": folder}))?;
            } else {
                output::print(&format!(
                    "exported {} records to {}\n",
                    exported.size,
                    folder.display()
                ))?;
            }
            Ok(exit::PASS)
        }
        LedgerCommand::Redact { seq, reason } => {
            let store = home::open(global, system)?;
            check_seq(*seq, store.size()?)?;
            let sealed = store.redact(*seq, &home::actor(None), reason)?;
            output::print(&format!(
                "erased the body of #{seq}; the redaction is record #{}\n",
                sealed.seq
            ))?;
            Ok(exit::PASS)
        }
    }
}

fn check_seq(seq: u64, size: u64) -> Result<()> {
    if seq >= size {
        bail!("the ledger has no record #{seq}; it has {size} records, numbered from 0");
    }
    Ok(())
}

fn log(global: &Global, system: Option<&Path>, last: Option<u64>) -> Result<u8> {
    let store = home::open_read_only(global, system)?;
    let size = store.size()?;
    let from = last.map_or(0, |last| size.saturating_sub(last));
    let limit = usize::try_from(size.saturating_sub(from)).unwrap_or(usize::MAX);
    let lines = store.log(from, limit)?;
    if global.format == Format::Json {
        let rows: Vec<Value> = lines
            .iter()
            .map(|LogLine { seq, record }| json!({"seq": seq, "record": record}))
            .collect();
        output::print_json(&rows)?;
        return Ok(exit::PASS);
    }
    let text: String = lines
        .iter()
        .map(|LogLine { seq, record }| {
            format!(
                "#{seq:<5} {:.0}  {:<11} {:<12} {}\n",
                record.time,
                record.action,
                record.outcome.as_deref().unwrap_or("-"),
                record.object
            )
        })
        .collect();
    output::print(&text)?;
    Ok(exit::PASS)
}

fn verify_log(global: &Global, system: Option<&Path>, against: Option<&Path>) -> Result<u8> {
    let store = home::open_read_only(global, system)?;
    let checkpoint = against
        .map(|path| {
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        })
        .transpose()?;
    let found = store.verify(checkpoint.as_deref())?;
    let root = &found.root;
    if global.format == Format::Json {
        let checks: Vec<Value> = found
            .checks
            .iter()
            .map(|check| json!({"what": check.what, "count": check.count}))
            .collect();
        let failures: Vec<Value> =
            found.failures.iter().map(|f| json!({"seq": f.seq, "what": f.what})).collect();
        output::print_json(&json!({
            "verified": found.passed(), "origin": found.origin, "size": found.size, "root": root,
            "checks": checks, "failures": failures, "failure_count": found.failure_count,
            "not_checked": found.not_checked,
        }))?;
    } else {
        let mut text = String::new();
        for check in &found.checks {
            text += &format!("checked      {:>6}  {}\n", check.count, check.what);
        }
        for line in &found.not_checked {
            text += &format!("not checked          {line}\n");
        }
        for failure in &found.failures {
            let place = failure.seq.map(|seq| format!("#{seq}: ")).unwrap_or_default();
            text += &format!("FAILED       {place}{}\n", failure.what);
        }
        let word = if found.passed() { "verified" } else { "NOT verified" };
        text += &format!("{word}  {} records of {}, root {root}\n", found.size, found.origin);
        output::print(&text)?;
    }
    Ok(if found.passed() { exit::PASS } else { exit::FAIL })
}
