//! `caiso robustness list`.

use anyhow::Result;
use caiso_core::{Meta, ParameterSet};
use caiso_inference::Access;
use caiso_robustness::{ATTACKS, Attack, Goal, Looks, Scope, TEXT_ATTACKS, TextAttack, find_text};
use serde_json::{Value, json};

use super::options::named;
use crate::arguments::{AttackListArguments, Format, Global};
use crate::commands::checks::parameter_table;
use crate::{exit, output};

pub(crate) fn run(global: &Global, arguments: &AttackListArguments) -> Result<u8> {
    if let Some(attack) = arguments.attack.as_deref().and_then(find_text) {
        return of_texts(global, attack);
    }
    let one = arguments.attack.as_deref().map(named).transpose()?;
    let attacks: Vec<&Attack> = one.map_or_else(|| ATTACKS.to_vec(), |attack| vec![attack]);
    if global.format == Format::Json {
        let texts =
            TEXT_ATTACKS.iter().filter(|_| one.is_none()).map(|attack| describe_text(attack));
        let all: Vec<Value> = attacks.into_iter().map(describe).chain(texts).collect();
        output::print_json(&all)?;
    } else if global.format == Format::Markdown {
        output::print(&reference(&attacks))?;
    } else if let Some(attack) = one {
        output::print(&page(&attack.meta, &head(attack), &attack.parameters))?;
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

fn of_texts(global: &Global, attack: &TextAttack) -> Result<u8> {
    if global.format == Format::Json {
        output::print_json(&[describe_text(attack)])?;
    } else {
        output::print(&page(&attack.meta, &head_of_texts(attack), &attack.parameters))?;
    }
    Ok(exit::PASS)
}

fn describe_text(attack: &TextAttack) -> Value {
    json!({
        "name": attack.meta.name,
        "code": attack.meta.code,
        "title": attack.meta.title,
        "access": access(attack.access),
        "scope": "text",
        "looks": attack.looks,
        "techniques": attack.meta.techniques,
        "parameters": attack.parameters.schema(),
        "documentation": attack.meta.docs,
    })
}

/// What an attack needs and gives, in a line.
fn head(attack: &Attack) -> String {
    format!(
        "needs {} · looks for {} · norms: {}",
        access(attack.access),
        goal(attack.goal),
        norms(attack)
    )
}

fn head_of_texts(attack: &TextAttack) -> String {
    format!("texts · needs {} · {}", access(attack.access), looks(attack.looks))
}

fn looks(looks: Looks) -> &'static str {
    match looks {
        Looks::Same => "looks the same",
        Looks::Mistyped => "looks mistyped",
    }
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
    text += "\nof texts\n";
    for attack in TEXT_ATTACKS {
        text += &format!(
            "{:<15} {:<10} {:<31} {}\n",
            attack.meta.name,
            access(attack.access),
            looks(attack.looks),
            attack.meta.title
        );
    }
    text
}

fn page(meta: &Meta, head: &str, parameters: &ParameterSet) -> String {
    let mut text = format!(
        "# {}: {}\n\n{} · {head}\n\n{}\n\n## Parameters\n",
        meta.name,
        meta.title,
        meta.code,
        meta.docs.trim(),
    );
    for (name, schema) in parameters.properties() {
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
        text += &section(&attack.meta, &head(attack), &attack.parameters);
    }
    for attack in TEXT_ATTACKS {
        text += &section(&attack.meta, &head_of_texts(attack), &attack.parameters);
    }
    text
}

fn section(meta: &Meta, head: &str, parameters: &ParameterSet) -> String {
    let docs: String = meta.docs.lines().map(|line| format!("{}\n", line.trim())).collect();
    format!(
        "\n## {}: {}\n\n{} · {head} · since {}\n\n{}{}",
        meta.name,
        meta.title,
        meta.code,
        meta.since,
        docs.replace("## ", "### "),
        parameter_table(parameters)
    )
}
