//! `caiso attest`.

use anyhow::{Context as _, Result, bail};
use caiso_compliance::Frameworks;
use caiso_ledger::{IN_TOTO, Link, to_canonical};
use caiso_store::{Attestation, Change, Entry};
use jiff::Span;
use serde_json::json;

use super::home;
use crate::arguments::{AttestArguments, Format, Global};
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &AttestArguments) -> Result<u8> {
    let key = &arguments.requirement;
    let frameworks = Frameworks::embedded();
    let Some((_, requirement)) = frameworks.requirement(key) else {
        let keys: Vec<String> = frameworks.requirements().map(|(key, ..)| key).collect();
        let near = caiso_core::nearest(key, keys.iter().map(String::as_str));
        let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        bail!("no requirement has the key `{key}`{near}");
    };
    if !requirement.assessable {
        bail!("{key} is a heading; attest what lies below it");
    }
    for (flag, text) in [
        ("--person", &arguments.person),
        ("--role", &arguments.role),
        ("--statement", &arguments.statement),
    ] {
        if text.trim().is_empty() {
            bail!("{flag} must not be empty: an attestation is a named person's statement");
        }
    }
    let system = home::system(arguments.system.as_deref())?;
    let today = home::date(None)?;
    let expires = match &arguments.expires {
        Some(text) => home::date(Some(text))?,
        None => today.saturating_add(Span::new().years(1)),
    };
    if expires < today {
        bail!("--expires {expires} lies in the past");
    }
    let store = home::open(global, arguments.system.as_deref())?;
    let size = store.size()?;
    if let Some(seq) = arguments.evidence.iter().find(|seq| **seq >= size) {
        bail!("the ledger has no record #{seq}; it has {size} records");
    }
    let name = system.manifest.system.name.value.clone();
    let statement = json!({
        "_type": caiso_ledger::STATEMENT_TYPE,
        "subject": [{"name": system.subject.name, "digest": system.subject.digest}],
        "predicateType": "urn:caiso:predicate:attestation:v1",
        "predicate": {
            "system": name,
            "requirement": key,
            "person": arguments.person,
            "role": arguments.role,
            "statement": arguments.statement,
            "evidence": arguments.evidence,
            "expires": expires.to_string(),
        },
    });
    let sealed = store.append(Entry {
        actor: home::actor(None),
        action: "attestation".to_owned(),
        object: format!("{key} system:{name}"),
        outcome: None,
        links: arguments
            .evidence
            .iter()
            .map(|&seq| Link { rel: "evidence".to_owned(), seq })
            .collect(),
        statement: to_canonical(IN_TOTO, &statement).context("the statement cannot be written")?,
        change: Some(Change::Attestation(Attestation {
            system: name,
            requirement: key.clone(),
            who: arguments.person.clone(),
            role: arguments.role.clone(),
            statement: arguments.statement.clone(),
            evidence: arguments.evidence.clone(),
            expires: Some(expires.to_string()),
        })),
    })?;
    if global.format == Format::Json {
        output::print_json(
            &json!({"seq": sealed.seq, "requirement": key, "expires": expires.to_string()}),
        )?;
    } else {
        output::print(&format!(
            "sealed #{}: {} attests {} ({}) until {expires}\nnext  caiso assess\n",
            sealed.seq, arguments.person, requirement.reference, requirement.title
        ))?;
    }
    Ok(exit::PASS)
}
