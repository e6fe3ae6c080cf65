//! `caiso.yaml`: the description of an AI system.

mod endpoint;
mod gate;
mod read;
mod system;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub use endpoint::{Answer, Endpoint, Method};
pub use gate::{Acceptance, Gate};
pub use read::{MAX_MANIFEST_BYTES, read};
pub use system::{
    Dataset, DatasetRole, Deployment, Feature, Inputs, Model, Protected, Stage, System,
};

/// A description of an AI system under governance: what it is for, what it is made of, and which
/// policy it has to meet.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of this format; always 1.
    #[schemars(range(min = 1, max = 1))]
    pub caiso: u32,
    /// The system.
    pub system: System,
    /// Model files.
    #[serde(default)]
    pub models: Vec<Model>,
    /// Data files.
    #[serde(default)]
    pub datasets: Vec<Dataset>,
    /// Places where the system answers requests.
    #[serde(default)]
    pub endpoints: Vec<Endpoint>,
    /// Infrastructure manifests.
    #[serde(default)]
    pub deployments: Vec<Deployment>,
    /// Parameters of checks, by code. Thresholds belong to `gate.thresholds`.
    #[serde(default)]
    pub checks: BTreeMap<String, Map<String, Value>>,
    /// The policy that turns results into pass or fail.
    #[serde(default)]
    pub gate: Gate,
}

impl Manifest {
    /// JSON schema of `caiso.yaml` (draft 2020-12).
    pub fn schema() -> Value {
        schemars::schema_for!(Self).to_value()
    }

    /// The data set with this name.
    pub fn dataset(&self, name: &str) -> Option<&Dataset> {
        self.datasets.iter().find(|dataset| *dataset.name == name)
    }
}
