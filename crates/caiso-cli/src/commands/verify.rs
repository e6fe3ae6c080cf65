//! `caiso verify`.

use anyhow::{Context as _, Result, bail};
use caiso_ledger::Receipt;
use caiso_report::verify_html;
use serde_json::json;

use super::home;
use crate::arguments::{Format, Global, VerifyArguments};
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &VerifyArguments) -> Result<u8> {
    let path = &arguments.file;
    if let Some(signature) = &arguments.signature {
        let result = super::sign::verify_model(global, arguments, signature);
        return show(global, &path.display().to_string(), result);
    }
    let bytes = std::fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let key = if let Some(key) = &arguments.key {
        home::key(key)?
    } else {
        let file = home::home(global, None)?.join("keys/ledger.vkey");
        if !file.is_file() {
            bail!("give the ledger's verifier key with --key; there is none in {}", file.display());
        }
        home::key(&file.display().to_string())?
    };
    let result = if bytes.starts_with(b"c2sp.org/tlog-proof") {
        Receipt::parse(&bytes)
            .and_then(|receipt| receipt.verify(&key))
            .map(|found| (found.checked, found.not_checked))
            .map_err(anyhow::Error::from)
    } else {
        verify_html(&bytes, &key)
            .map(|found| (found.checked, found.not_checked))
            .map_err(anyhow::Error::from)
    };
    show(global, &path.display().to_string(), result)
}

/// Prints each check that was made and what was not checked.
pub(crate) fn show(
    global: &Global,
    file: &str,
    result: Result<(Vec<String>, Vec<String>)>,
) -> Result<u8> {
    match result {
        Ok((checked, not_checked)) => {
            if global.format == Format::Json {
                output::print_json(&json!({
                    "file": file, "verified": true, "checked": checked, "not_checked": not_checked
                }))?;
                return Ok(exit::PASS);
            }
            let mut text = String::new();
            for line in checked {
                text += &format!("checked      {line}\n");
            }
            for line in not_checked {
                text += &format!("not checked  {line}\n");
            }
            output::print(&(text + &format!("verified     {file}\n")))?;
            Ok(exit::PASS)
        }
        Err(error) => {
            if global.format == Format::Json {
                let reason = format!("{error:#}");
                output::print_json(&json!({"file": file, "verified": false, "reason": reason}))?;
            } else {
                crate::error::print(&error.context(format!("{file} is NOT verified")));
            }
            Ok(exit::FAIL)
        }
    }
}
