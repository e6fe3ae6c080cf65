//! From flags to attacks with their parameters.

use anyhow::{Context as _, Result, bail};
use caiso_core::{Parameters, nearest};
use caiso_robustness::{ATTACKS, Attack, Norm, find};
use serde_json::{Map, Value};

use crate::arguments::AttackArguments;

/// An attack as it is to be run.
pub(super) struct Chosen {
    pub(super) attack: &'static Attack,
    pub(super) norm: Norm,
    pub(super) parameters: Parameters,
}

/// The attacks named on the command line. Every flag has to be a parameter of at least one of them.
pub(super) fn chosen(arguments: &AttackArguments) -> Result<Vec<Chosen>> {
    let given = given(arguments)?;
    let attacks: Vec<&'static Attack> =
        arguments.attack.iter().map(|name| named(name)).collect::<Result<_>>()?;
    for name in given.keys() {
        let knows = |attack: &&&Attack| names(attack).contains(name);
        if !attacks.iter().any(|attack| knows(&attack)) {
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

/// Parameters set by flags.
fn given(arguments: &AttackArguments) -> Result<Map<String, Value>> {
    let mut given = Map::new();
    let mut set = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            given.insert(name.to_owned(), value);
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
    Ok(given)
}
