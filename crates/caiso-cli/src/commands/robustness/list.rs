//! `caiso robustness list`.

use anyhow::Result;
use caiso_inference::Access;
use caiso_robustness::{ATTACKS, Attack, Goal, Scope};
use serde_json::{Value, json};

use super::options::named;
use crate::arguments::{AttackListArguments, Format, Global};
use crate::commands::checks::parameter_table;
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &AttackListArguments) -> Result<u8> {
    let one = arguments.attack.as_deref().map(named).transpose()?;
    let attacks: Vec<&Attack> = one.map_or_else(|| ATTACKS.to_vec(), |attack| vec![attack]);
    if global.format == Format::Json {
        output::print_json(&attacks.into_iter().map(describe).collect::<Vec<_>>())?;
    } else if global.format == Format::Markdown {
        output::print(&reference(&attacks))?;
    } else if let Some(attack) = one {
        output::print(&page(attack))?;
    } else {
        output::print(&table(&attacks))?;
    }
    Ok(exit::PASS)
}

fn describe(attack: &Attack) -> Value {
    json!({
        "name": attack.meta.name,
        "code": attack.meta.code,
        "title": attack.meta.title,
        "access": access(attack.access),
        "norms": attack.norms,
        "goal": goal(attack.goal),
        "scope": match attack.scope { Scope::Row => "row", Scope::DataSet => "data set" },
        "techniques": attack.meta.techniques,
        "parameters": attack.parameters.schema(),
        "documentation": attack.meta.docs,
    })
}

fn access(access: Access) -> &'static str {
    match access {
        Access::Labels => "labels",
        Access::Scores => "scores",
        Access::Gradients => "gradients",
    }
}

fn goal(goal: Goal) -> &'static str {
    match goal {
        Goal::WithinEpsilon => "within epsilon",
        Goal::Nearest => "nearest",
    }
}

fn norms(attack: &Attack) -> String {
    attack.norms.iter().map(|norm| norm.as_str()).collect::<Vec<_>>().join(" ")
}

fn table(attacks: &[&Attack]) -> String {
    let mut text =
        format!("{:<15} {:<10} {:<15} {:<15} title\n", "attack", "needs", "looks for", "norms");
    for attack in attacks {
        text += &format!(
            "{:<15} {:<10} {:<15} {:<15} {}\n",
            attack.meta.name,
            access(attack.access),
            goal(attack.goal),
            norms(attack),
            attack.meta.title
        );
    }
    text
}

fn page(attack: &Attack) -> String {
    let mut text = format!(
        "# {}: {}\n\n{} · needs {} · looks for {} · {}\n\n{}\n\n## Parameters\n",
        attack.meta.name,
        attack.meta.title,
        attack.meta.code,
        access(attack.access),
        goal(attack.goal),
        norms(attack),
        attack.meta.docs.trim(),
    );
    for (name, schema) in attack.parameters.properties() {
        let words = schema.get("description").and_then(Value::as_str).unwrap_or_default();
        let default = schema.get("default").map(|value| format!(" [default: {value}]"));
        text += &format!(
            "  {name} ({}){}\n      {}\n",
            caiso_core::describe(&schema),
            default.unwrap_or_default(),
            words.replace('\n', " ")
        );
    }
    text
}

/// The reference of the attacks.
fn reference(attacks: &[&Attack]) -> String {
    let mut text = String::from("# Attacks\n\nWritten by `cargo xtask docs` from the code.\n");
    for attack in attacks {
        let meta = &attack.meta;
        let docs: String = meta.docs.lines().map(|line| format!("{}\n", line.trim())).collect();
        text += &format!(
            "\n## {}: {}\n\n{} · needs {} · looks for {} · norms: {} · since {}\n\n{}",
            meta.name,
            meta.title,
            meta.code,
            access(attack.access),
            goal(attack.goal),
            norms(attack),
            meta.since,
            docs.replace("## ", "### ")
        );
        text += &parameter_table(&attack.parameters);
    }
    text
}
