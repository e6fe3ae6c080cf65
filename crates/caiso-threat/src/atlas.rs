//! The ATLAS matrix.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// How far a technique has been seen in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Maturity {
    /// Shown to work in research.
    Feasible,
    /// Shown to work against a real system, in an exercise.
    Demonstrated,
    /// Used by an adversary.
    Realized,
}

/// An adversary's goal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tactic {
    /// `AML.TA0002`.
    pub id: String,
    /// Name.
    pub name: String,
    /// The like tactic of MITRE ATT&CK.
    #[serde(default)]
    pub attack_id: Option<String>,
    /// One sentence of our own.
    pub summary: String,
    /// Official text in Markdown, if it was loaded.
    #[serde(default)]
    pub description: Option<String>,
}

impl Tactic {
    /// The name as the ATLAS Navigator writes it: `ai-model-access`.
    pub fn phase_name(&self) -> String {
        self.name.to_lowercase().replace(' ', "-")
    }
}

/// A way to reach a goal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Technique {
    /// `AML.T0043`, or `AML.T0043.000` for a sub-technique.
    pub id: String,
    /// Name.
    pub name: String,
    /// The technique above a sub-technique.
    #[serde(default)]
    pub parent: Option<String>,
    /// Ids of its tactics; a sub-technique has those of its parent.
    #[serde(default)]
    pub tactics: Vec<String>,
    /// How far it has been seen.
    pub maturity: Maturity,
    /// The like technique of MITRE ATT&CK.
    #[serde(default)]
    pub attack_id: Option<String>,
    /// One sentence of our own.
    pub summary: String,
    /// Official text in Markdown, if it was loaded.
    #[serde(default)]
    pub description: Option<String>,
}

/// A control against techniques.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mitigation {
    /// `AML.M0013`.
    pub id: String,
    /// Name.
    pub name: String,
    /// The like mitigation of MITRE ATT&CK.
    #[serde(default)]
    pub attack_id: Option<String>,
    /// `Policy`, `Technical - ML`, `Technical - Cyber`.
    pub categories: Vec<String>,
    /// Ids of the techniques it works against.
    pub techniques: Vec<String>,
    /// One sentence of our own.
    pub summary: String,
    /// Official text in Markdown, if it was loaded.
    #[serde(default)]
    pub description: Option<String>,
}

/// The ATLAS matrix.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Atlas {
    /// Name.
    pub name: String,
    /// Version of the ATLAS data.
    pub version: String,
    /// Tactics in matrix order.
    pub tactics: Vec<Tactic>,
    /// Techniques in matrix order, each followed by its sub-techniques.
    pub techniques: Vec<Technique>,
    /// Mitigations.
    pub mitigations: Vec<Mitigation>,
    #[serde(skip)]
    index: BTreeMap<String, usize>,
}

static EMBEDDED: LazyLock<Atlas> = LazyLock::new(|| {
    let text = include_str!(concat!(env!("OUT_DIR"), "/atlas.json"));
    serde_json::from_str::<Atlas>(text).expect("the embedded data is checked by a test").arranged()
});

impl Atlas {
    /// The matrix built into caiso; loaded at first use.
    pub fn embedded() -> &'static Self {
        &EMBEDDED
    }

    /// Puts sub-techniques after their parents, lets them inherit its tactics, builds the index.
    fn arranged(mut self) -> Self {
        let mut subs: BTreeMap<String, Vec<Technique>> = BTreeMap::new();
        let mut parents = Vec::new();
        for technique in self.techniques {
            match &technique.parent {
                Some(parent) => subs.entry(parent.clone()).or_default().push(technique),
                None => parents.push(technique),
            }
        }
        self.techniques = Vec::new();
        for parent in parents {
            let mut below = subs.remove(&parent.id).unwrap_or_default();
            below.sort_by(|a, b| a.id.cmp(&b.id));
            for sub in &mut below {
                sub.tactics.clone_from(&parent.tactics);
            }
            self.techniques.push(parent);
            self.techniques.extend(below);
        }
        self.index = self.techniques.iter().map(|of| of.id.clone()).zip(0..).collect();
        self
    }

    /// The technique or sub-technique with this id.
    pub fn technique(&self, id: &str) -> Option<&Technique> {
        self.techniques.get(*self.index.get(id)?)
    }

    /// The tactic with this id.
    pub fn tactic(&self, id: &str) -> Option<&Tactic> {
        self.tactics.iter().find(|tactic| tactic.id == id)
    }

    /// The mitigation with this id.
    pub fn mitigation(&self, id: &str) -> Option<&Mitigation> {
        self.mitigations.iter().find(|mitigation| mitigation.id == id)
    }

    /// Mitigations of the technique; a sub-technique has those of its parent too.
    pub fn mitigations_of(&self, technique: &Technique) -> impl Iterator<Item = &Mitigation> {
        let (id, parent) = (technique.id.clone(), technique.parent.clone());
        self.mitigations.iter().filter(move |mitigation| {
            mitigation.techniques.iter().any(|of| *of == id || parent.as_ref() == Some(of))
        })
    }
}
