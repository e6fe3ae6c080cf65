//! From flags to attacks with their parameters.

use anyhow::{Context as _, Result, bail};
use caiso_core::{Parameters, nearest};
use caiso_robustness::{ATTACKS, Attack, Norm, find};
use serde_json::{Map, Value};

use crate::arguments::{AttackArguments, Global};

/// An attack as it is to be run.
pub(super) struct Chosen {
    pub(super) attack: &'static Attack,
    pub(super) norm: Norm,
    pub(super) parameters: Parameters,
}

/// The attacks named on the command line. What `--set` names has to be a parameter of at least one of them; a flag of its own
/// that none has is told on standard error, since scripts give the same flags to every attack.
pub(super) fn chosen(global: &Global, arguments: &AttackArguments) -> Result<Vec<Chosen>> {
    if let Some(epsilon) = arguments.eps.iter().find(|eps| !(eps.is_finite() && **eps >= 0.0)) {
        bail!("--eps {epsilon}: expected a number that is not negative");
    }
    let (given, flags) = given(arguments)?;
    let attacks: Vec<&'static Attack> =
        arguments.attack.iter().map(|name| named(name)).collect::<Result<_>>()?;
    for name in given.keys() {
        let knows = |attack: &&&Attack| names(attack).contains(name);
        if !attacks.iter().any(|attack| knows(&attack)) {
            if flags.contains(&name.as_str()) {
                if !global.quiet {
                    eprintln!("note: no attack named here has a parameter `{name}`");
                }
                continue;
            }
            let all: Vec<String> = attacks.iter().flat_map(|attack| names(attack)).collect();
            let near = nearest(name, all.iter().map(String::as_str));
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            bail!("no attack named here has a parameter `{name}`{near}");
        }
    }
    attacks
        .into_iter()
        .map(|attack| {
            let known = names(attack);
            let own = given.iter().filter(|(name, _)| known.contains(name));
            let own: Map<String, Value> = own.map(|(k, v)| (k.clone(), v.clone())).collect();
            let parameters = attack
                .parameters
                .resolve(&own)
                .with_context(|| format!("a parameter of `{}`", attack.meta.name))?;
            let norm = arguments.norm.unwrap_or(attack.norms[0]);
            Ok(Chosen { attack, norm, parameters })
        })
        .collect()
}

/// The attack with this name.
pub(super) fn named(name: &str) -> Result<&'static Attack> {
    find(name).with_context(|| {
        let near = nearest(name, ATTACKS.iter().map(|attack| attack.meta.name));
        let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
        format!("there is no attack `{name}`{near}; `caiso robustness list` shows all")
    })
}

fn names(attack: &Attack) -> Vec<String> {
    attack.parameters.properties().into_iter().map(|(name, _)| name).collect()
}

/// Parameters set by flags, and which of them have a flag of their own.
fn given(arguments: &AttackArguments) -> Result<(Map<String, Value>, Vec<&'static str>)> {
    let mut given = Map::new();
    let mut flags = Vec::new();
    let mut set = |name: &'static str, value: Option<Value>| {
        if let Some(value) = value {
            given.insert(name.to_owned(), value);
            flags.push(name);
        }
    };
    set("steps", arguments.steps.map(Value::from));
    set("step_size", arguments.step_size.map(Value::from));
    set("relative_step_size", arguments.rel_step_size.map(Value::from));
    set("restarts", arguments.restarts.map(Value::from));
    set("random_start", arguments.no_random_start.then_some(Value::Bool(false)));
    for pair in &arguments.set {
        let (name, value) =
            pair.split_once('=').with_context(|| format!("--set {pair}: expected NAME=VALUE"))?;
        // Numbers, lists and true/false are JSON; anything else is text.
        let value = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
        given.insert(name.replace('-', "_"), value);
    }
    Ok((given, flags))
}
