//! `caiso explain`.

use anyhow::{Context as _, Result, bail};
use caiso_assess::registry;
use caiso_compliance::Frameworks;
use caiso_threat::Atlas;

use super::{checks, home, threat};
use crate::arguments::{ExplainArguments, Global};
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &ExplainArguments) -> Result<u8> {
    let what = arguments.what.trim();
    let text = if let Some(number) = what.strip_prefix('#') {
        evidence(global, arguments, number)?
    } else if let Some(check) =
        registry().iter().find(|check| check.meta.code.eq_ignore_ascii_case(what))
    {
        checks::text(check)
    } else if what.contains(':') {
        requirement(what)?
    } else if let Some(found) = threat::describe(Atlas::embedded(), what) {
        threat::as_text(&found)
    } else {
        let known = registry();
        let near = caiso_core::nearest(what, known.iter().map(|check| check.meta.code));
        let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        bail!(
            "nothing is named `{what}`{near} (a check code, #evidence, framework:requirement or AML.… id)"
        );
    };
    output::print(&text)?;
    Ok(exit::PASS)
}

fn evidence(global: &Global, arguments: &ExplainArguments, number: &str) -> Result<String> {
    let seq: u64 = number.parse().with_context(|| format!("`#{number}` is not a record number"))?;
    let store = home::open_read_only(global, arguments.system.as_deref())?;
    let size = store.size()?;
    if seq >= size {
        bail!("the ledger has no record #{seq}; it has {size} records, numbered from 0");
    }
    let shown = store.show(seq)?;
    let mut text = format!(
        "#{seq}  {}  {}  {:.0}  by {}\n",
        shown.record.action, shown.record.object, shown.record.time, shown.record.actor
    );
    let Some(opening) = shown.opening else {
        return Ok(text + "its body was erased; the record alone remains\n");
    };
    let Ok(statement) =
        serde_json::from_slice::<caiso_core::Statement>(opening.envelope.unverified_payload())
    else {
        return Ok(text + &format!("`caiso ledger show {seq}` prints the statement\n"));
    };
    for subject in &statement.subject {
        text += &format!("about       {} sha256 {}\n", subject.name, subject.sha256());
    }
    let run = &statement.predicate;
    text += &format!(
        "parameters  {}\nseed        {}\nanswer      {}\n",
        run.parameters, run.seed, run.outcome.summary
    );
    for finding in &run.outcome.findings {
        text += &format!(
            "{:<11} {}\n            {}\n            fix: {}\n",
            finding.severity, finding.message, finding.location, finding.remediation
        );
    }
    for key in Frameworks::embedded().requirements_of_check(&run.check) {
        text += &format!("supports    {key}\n");
    }
    Ok(text + &format!("receipt     caiso ledger prove {seq} -o evidence-{seq}.tlog-proof\n"))
}

fn requirement(key: &str) -> Result<String> {
    let frameworks = Frameworks::embedded();
    let Some((catalog, found)) = frameworks.requirement(key) else {
        let keys: Vec<String> = frameworks.requirements().map(|(key, ..)| key).collect();
        let near = caiso_core::nearest(key, keys.iter().map(String::as_str));
        let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        bail!("no requirement has the key `{key}`{near}");
    };
    let mut text = format!(
        "{key}\n{} · {}\n{}\n\n{}\n\nsource      {} {}\n",
        catalog.about.name,
        found.reference,
        found.title,
        found.summary,
        found.source.citation,
        found.source.url
    );
    for applies in &found.applies_from {
        let date = applies.date.map_or_else(|| "no date".to_owned(), |date| date.to_string());
        text += &format!("applies     {date}: {}\n", applies.when);
    }
    for (kind, coverage) in frameworks.kinds_for(key) {
        text += &format!("evidence    {} ({coverage:?})\n", kind.title);
    }
    Ok(text + "Own words, not the authoritative text.\n")
}
