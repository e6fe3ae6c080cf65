//! The decision procedure as data: facts, nodes, tests, emissions.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::classify::Class;

/// A decision procedure: a graph without loops that is walked once from its start.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Procedure {
    /// Id.
    pub id: String,
    /// Version of the procedure.
    pub version: String,
    /// Version of the law it follows.
    pub law_version: String,
    /// How to walk it, in words.
    pub semantics: Vec<String>,
    /// Classes, the one that becomes the headline first.
    pub class_rank: Vec<Class>,
    /// Facts whose answer needs legal judgement and two people.
    pub legal_judgement_facts: Vec<String>,
    /// Questions, by name.
    pub facts: BTreeMap<String, Fact>,
    /// Obligations by the name of their set.
    pub obligation_sets: BTreeMap<String, Vec<String>>,
    /// Which further items an outcome makes applicable.
    pub(crate) applicability: ApplicabilityRules,
    /// Id of the first node.
    pub(crate) start: String,
    /// Nodes; every edge leads to a later one.
    pub(crate) nodes: Vec<Node>,
}

/// A question about the system.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fact {
    /// What an answer is.
    #[serde(rename = "type")]
    pub kind: FactKind,
    /// Allowed values of an `enum` or `set`.
    #[serde(default)]
    pub values: Vec<String>,
    /// Value in tests only; never applied to a real system.
    pub default: Value,
    /// The question.
    pub ask: String,
    /// Items of the AI Act that it comes from.
    pub cite: Vec<String>,
}

/// What an answer to a fact is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FactKind {
    /// Yes or no.
    Bool,
    /// One of the values.
    Enum,
    /// Any of the values.
    Set,
    /// A number of at least zero.
    Number,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ApplicabilityRules {
    pub(crate) carried: BTreeMap<String, Vec<String>>,
    pub(crate) only_if: BTreeMap<String, Vec<String>>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Node {
    pub(crate) id: String,
    pub(crate) stage: String,
    #[serde(rename = "q")]
    pub(crate) question: String,
    pub(crate) cite: Vec<String>,
    pub(crate) test: Test,
    yes: String,
    no: String,
    unknown: String,
    #[serde(default)]
    emit_yes: Vec<Emit>,
    #[serde(default)]
    emit_no: Vec<Emit>,
    #[serde(default)]
    emit_unknown: Vec<Emit>,
}

impl Node {
    pub(crate) fn next(&self, truth: crate::Truth) -> (&str, &[Emit]) {
        match truth {
            crate::Truth::Yes => (&self.yes, &self.emit_yes),
            crate::Truth::No => (&self.no, &self.emit_no),
            crate::Truth::Unknown => (&self.unknown, &self.emit_unknown),
        }
    }

    pub(crate) fn emissions(&self) -> impl Iterator<Item = &Emit> {
        self.emit_yes.iter().chain(&self.emit_no).chain(&self.emit_unknown)
    }
}

/// End of the walk.
pub(crate) const END: &str = "END";

/// What a node asks.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "RawTest")]
pub(crate) enum Test {
    All(Vec<Test>),
    Any(Vec<Test>),
    Not(Box<Test>),
    /// The boolean fact is true.
    Holds(String),
    /// The enum fact has one of the values.
    In(String, Vec<String>),
    /// The set fact has one of the values.
    HasAny(String, Vec<String>),
    /// The set fact has any value at all.
    NonEmpty(String),
    /// The number is greater.
    Greater(String, f64),
    /// This was emitted before.
    Emitted(String),
    /// Something with this beginning was emitted before.
    EmittedPrefix(String),
    /// This is the only Annex III point emitted.
    OnlyPoint(String),
}

impl Test {
    /// Facts the test reads.
    pub(crate) fn facts(&self) -> Vec<&str> {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().flat_map(Self::facts).collect(),
            Self::Not(part) => part.facts(),
            Self::Holds(fact)
            | Self::In(fact, _)
            | Self::HasAny(fact, _)
            | Self::NonEmpty(fact)
            | Self::Greater(fact, _) => vec![fact],
            Self::Emitted(_) | Self::EmittedPrefix(_) | Self::OnlyPoint(_) => Vec::new(),
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTest {
    all: Option<Vec<Test>>,
    any: Option<Vec<Test>>,
    not: Option<Box<Test>>,
    fact: Option<String>,
    r#in: Option<Vec<String>>,
    has_any: Option<Vec<String>>,
    nonempty: Option<bool>,
    gt: Option<f64>,
    emitted: Option<String>,
    emitted_prefix: Option<String>,
    only_point: Option<String>,
}

impl TryFrom<RawTest> for Test {
    type Error = String;
    fn try_from(raw: RawTest) -> Result<Self, String> {
        let test = match raw {
            RawTest { all: Some(parts), .. } => Self::All(parts),
            RawTest { any: Some(parts), .. } => Self::Any(parts),
            RawTest { not: Some(part), .. } => Self::Not(part),
            RawTest { fact: Some(fact), r#in: Some(values), .. } => Self::In(fact, values),
            RawTest { fact: Some(fact), has_any: Some(values), .. } => Self::HasAny(fact, values),
            RawTest { fact: Some(fact), nonempty: Some(true), .. } => Self::NonEmpty(fact),
            RawTest { fact: Some(fact), gt: Some(bound), .. } => Self::Greater(fact, bound),
            RawTest { fact: Some(fact), nonempty: None, .. } => Self::Holds(fact),
            RawTest { emitted: Some(tag), .. } => Self::Emitted(tag),
            RawTest { emitted_prefix: Some(start), .. } => Self::EmittedPrefix(start),
            RawTest { only_point: Some(point), .. } => Self::OnlyPoint(point),
            _ => return Err("a test needs all, any, not, fact, emitted or only_point".to_owned()),
        };
        Ok(test)
    }
}

/// What a node adds to the result.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(crate) enum Emit {
    Class(Class),
    /// A prohibited practice.
    Hit(String),
    /// Date of the class or hit emitted by the same node.
    From(Date),
    Flag(String),
    /// Conformity assessment procedure.
    Route(String),
    /// An Annex III point.
    Point(String),
    /// Every value of this set fact as an Annex III point.
    Points(String),
    MarkingFrom(Date),
    Set(String),
    Obligation(String),
    /// Takes an obligation set back.
    DropSet(String),
}

impl TryFrom<String> for Emit {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        let (kind, value) = text.split_once(':').ok_or("an emission is kind:value")?;
        let date = || value.parse::<Date>().map_err(|error| format!("{text}: {error}"));
        Ok(match kind {
            "class" => Self::Class(
                serde_json::from_value(Value::from(value))
                    .map_err(|error| format!("{text}: {error}"))?,
            ),
            "hit" => Self::Hit(value.to_owned()),
            "from" => Self::From(date()?),
            "flag" => Self::Flag(value.to_owned()),
            "route" => Self::Route(value.to_owned()),
            "point" => Self::Point(value.to_owned()),
            "points" => Self::Points(value.to_owned()),
            "marking_from" => Self::MarkingFrom(date()?),
            "set" => Self::Set(value.to_owned()),
            "obl" => Self::Obligation(value.to_owned()),
            "drop" => Self::DropSet(
                value.strip_prefix("set:").ok_or("only a set can be dropped")?.to_owned(),
            ),
            _ => return Err(format!("unknown emission {text}")),
        })
    }
}

impl Procedure {
    /// The node with this id.
    pub(crate) fn node(&self, id: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.id == id)
    }

    /// Items that only the walk decides about: they apply exactly when it emits them.
    pub(crate) fn decided(&self) -> BTreeSet<&str> {
        let emitted = self.nodes.iter().flat_map(Node::emissions).filter_map(|emit| match emit {
            Emit::Obligation(item) => Some(item.as_str()),
            _ => None,
        });
        self.obligation_sets.values().flatten().map(String::as_str).chain(emitted).collect()
    }

    /// First thing that is wrong with the procedure; `has` tells whether the AI Act has an item.
    pub(crate) fn validate(&self, has: impl Fn(&str) -> bool) -> Result<(), String> {
        if self.class_rank != Class::RANKED {
            return Err("class_rank differs from the ranking of the code".to_owned());
        }
        for name in &self.legal_judgement_facts {
            self.facts.get(name).ok_or_else(|| format!("no fact is named {name}"))?;
        }
        for (name, fact) in &self.facts {
            crate::Answer::of(name, fact, &fact.default).map_err(|error| error.to_string())?;
            let bare = matches!(fact.kind, FactKind::Bool | FactKind::Number);
            if bare != fact.values.is_empty() {
                return Err(format!("fact {name}: values do not fit its type"));
            }
        }
        let items = self.facts.values().flat_map(|fact| &fact.cite);
        let items = items.chain(self.nodes.iter().flat_map(|node| &node.cite));
        let items = items.chain(self.obligation_sets.values().flatten());
        let items = items.chain(self.applicability.carried.keys());
        if let Some(item) = items.into_iter().find(|item| !has(item)) {
            return Err(format!("the AI Act catalog has no item {item}"));
        }
        if self.nodes.first().is_none_or(|node| node.id != self.start) {
            return Err("the first node is not the start".to_owned());
        }
        for (position, node) in self.nodes.iter().enumerate() {
            let later: BTreeSet<&str> =
                self.nodes.iter().skip(position + 1).map(|node| node.id.as_str()).collect();
            if later.contains(node.id.as_str()) {
                return Err(format!("two nodes are named {}", node.id));
            }
            for next in [&node.yes, &node.no, &node.unknown] {
                if next != END && !later.contains(next.as_str()) {
                    return Err(format!("node {}: {next} is no later node", node.id));
                }
            }
            self.validate_test(&node.test).map_err(|error| format!("node {}: {error}", node.id))?;
            for emit in node.emissions() {
                let known = match emit {
                    Emit::Hit(item) | Emit::Route(item) | Emit::Obligation(item) => has(item),
                    Emit::Set(set) | Emit::DropSet(set) => self.obligation_sets.contains_key(set),
                    Emit::Points(fact) => self.facts.contains_key(fact),
                    _ => true,
                };
                if !known {
                    return Err(format!("node {}: {emit:?} refers to nothing", node.id));
                }
            }
        }
        Ok(())
    }

    fn validate_test(&self, test: &Test) -> Result<(), String> {
        let typed = |name: &str, kind: FactKind| match self.facts.get(name) {
            Some(fact) if fact.kind == kind => Ok(fact),
            _ => Err(format!("{name} is no fact of type {kind:?}")),
        };
        let allowed = |fact: &Fact, values: &[String]| match values
            .iter()
            .find(|value| !fact.values.contains(value))
        {
            Some(value) => Err(format!("{value} is no value of the fact")),
            None => Ok(()),
        };
        match test {
            Test::All(parts) | Test::Any(parts) => {
                parts.iter().try_for_each(|part| self.validate_test(part))
            }
            Test::Not(part) => self.validate_test(part),
            Test::Holds(name) => typed(name, FactKind::Bool).map(|_| ()),
            Test::In(name, values) => allowed(typed(name, FactKind::Enum)?, values),
            Test::HasAny(name, values) => allowed(typed(name, FactKind::Set)?, values),
            Test::NonEmpty(name) => typed(name, FactKind::Set).map(|_| ()),
            Test::Greater(name, _) => typed(name, FactKind::Number).map(|_| ()),
            Test::Emitted(_) | Test::EmittedPrefix(_) | Test::OnlyPoint(_) => Ok(()),
        }
    }
}
