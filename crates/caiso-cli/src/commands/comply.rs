//! `caiso comply`.

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use caiso_compliance::{Answers, Classification, FactKind, Frameworks, State, classify, posture};
use serde_json::json;

use super::home;
use crate::arguments::{ComplyArguments, ComplyCommand, Format, Global};
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &ComplyArguments) -> Result<u8> {
    match &arguments.command {
        ComplyCommand::Status { system, as_of, framework, state } => status(
            global,
            system.as_deref(),
            as_of.as_deref(),
            framework.as_deref(),
            state.as_deref(),
        ),
        ComplyCommand::Classify { system, answers, questions } => {
            if *questions {
                return list_questions(global);
            }
            let frameworks = Frameworks::embedded();
            let answers = match answers {
                Some(path) => {
                    let bytes = std::fs::read(path)
                        .with_context(|| format!("cannot read {}", path.display()))?;
                    let file = path.display().to_string();
                    Answers::read(&frameworks.procedure, &file, &bytes)
                        .map_err(caiso_assess::AssessError::Manifest)?
                }
                None => caiso_assess::answers(&home::system(system.as_deref())?)?,
            };
            let found = classify(frameworks, &answers);
            show_classification(global, &found)?;
            Ok(if found.provisional { exit::INCOMPLETE } else { exit::PASS })
        }
    }
}

fn show_classification(global: &Global, found: &Classification) -> Result<()> {
    if global.format == Format::Json {
        return output::print_json(found);
    }
    let class = found.headline.map_or("undetermined", caiso_compliance::Class::title);
    let mark = if found.provisional { "  PROVISIONAL" } else { "" };
    let mut text = format!("class        {class}{mark}\nlaw          {}\n", found.law_version);
    for date in &found.dates {
        text += &format!("applies      {} from {}\n", date.of, date.from);
    }
    for step in &found.path {
        let emitted = if step.emitted.is_empty() {
            String::new()
        } else {
            format!("  → {}", step.emitted.join(", "))
        };
        let answer = format!("{:?}", step.answer).to_lowercase();
        text += &format!(
            "{:<12} {:<8} {} ({}){emitted}\n",
            step.stage,
            answer,
            step.question,
            step.cite.join(", ")
        );
    }
    for open in &found.open {
        for (fact, ask) in &open.unanswered {
            text += &format!("open         {fact}: {ask}\n");
        }
    }
    if !found.legal_judgement.is_empty() {
        text += &format!(
            "judgement    two people must sign off: {}\n",
            found.legal_judgement.join(", ")
        );
    }
    text += "An own-words analysis of the law, not legal advice.\n";
    output::print(&text)
}

fn list_questions(global: &Global) -> Result<u8> {
    let facts = &Frameworks::embedded().procedure.facts;
    if global.format == Format::Json {
        let rows: Vec<serde_json::Value> = facts
            .iter()
            .map(|(name, fact)| {
                json!({"fact": name, "question": fact.ask, "type": fact.kind,
                    "values": fact.values, "cite": fact.cite})
            })
            .collect();
        output::print_json(&rows)?;
    } else {
        let text: String = facts
            .iter()
            .map(|(name, fact)| {
                let answers = match fact.kind {
                    FactKind::Bool => "true or false".to_owned(),
                    FactKind::Number => "a number".to_owned(),
                    FactKind::Enum => format!("one of: {}", fact.values.join(", ")),
                    FactKind::Set => format!("any of: [{}]", fact.values.join(", ")),
                };
                format!("{name:<32} {}\n{:<32} {answers}\n", fact.ask, "")
            })
            .collect();
        output::print(&text)?;
    }
    Ok(exit::PASS)
}

fn status(
    global: &Global,
    place: Option<&Path>,
    as_of: Option<&str>,
    framework: Option<&str>,
    state: Option<&str>,
) -> Result<u8> {
    let system = home::system(place)?;
    let as_of = home::date(as_of)?;
    let frameworks = Frameworks::embedded();
    let ids: Vec<&str> =
        frameworks.catalogs.iter().map(|catalog| catalog.about.id.as_str()).collect();
    if let Some(framework) = framework
        && !ids.contains(&framework)
    {
        bail!("no framework is named `{framework}`; known: {}", ids.join(", "));
    }
    let words: Vec<&str> = State::ALL.iter().map(|state| state.as_str()).collect();
    if let Some(state) = state
        && !words.contains(&state)
    {
        bail!("no state is named `{state}`; known: {}", words.join(", "));
    }
    let store = home::open_read_only(global, place)?;
    let mut states = caiso_assess::states_at(&system, &store, as_of)?;
    let counts = posture(&states);
    states.retain(|row| {
        row.scored
            && framework.is_none_or(|wanted| row.framework == wanted)
            && state.is_none_or(|wanted| row.state.as_str() == wanted)
    });
    if global.format == Format::Json {
        output::print_json(&json!({
            "system": system.manifest.system.name, "as_of": as_of.to_string(),
            "posture": counts, "requirements": states,
        }))?;
        return Ok(exit::PASS);
    }
    let mut text = format!("as of {as_of}\n");
    for (id, found) in &counts {
        if framework.is_some_and(|wanted| wanted != id) {
            continue;
        }
        let parts: Vec<String> = found
            .states
            .iter()
            .filter(|(_, count)| **count > 0)
            .map(|(state, count)| format!("{count} {state}"))
            .collect();
        text += &format!("{id:<14} {}\n", parts.join(" · "));
    }
    if framework.is_some() || state.is_some() || global.verbose {
        for row in &states {
            text += &format!("{:<15} {:<30} {}\n", row.state.as_str(), row.key, row.title);
            if global.verbose {
                text += &format!("{:<15} {}\n", "", row.why.join("; "));
            }
        }
    } else {
        text += "next  caiso comply status --framework eu-ai-act --state gap\n";
    }
    output::print(&text)?;
    Ok(exit::PASS)
}
