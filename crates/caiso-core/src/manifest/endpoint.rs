//! Models behind HTTP endpoints: how they are asked, and how their answers are read.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Feature;
use crate::Located;

/// A place where the system answers requests.
///
/// With `url` alone it is a component of the system and nothing more. With `body`, `answer` and `classes` it
/// is a model that can be asked:
///
/// ```yaml
/// endpoints:
///   - name: scoring
///     url: https://scoring.example.org/v1/predict
///     headers: { Authorization: "Bearer ${SCORING_TOKEN}" }
///     body: { instances: "{{rows}}" }
///     answer: { probabilities: /predictions }
///     classes: [refused, granted]
///     input_shape: [12]
///     rate: 20
///     budget: 10000
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Endpoint {
    /// Name, unique among the endpoints.
    pub name: Located<String>,
    /// Address; nothing is sent to it unless a command that attacks or evaluates it is given. `${NAME}` stands
    /// for a variable of the environment.
    pub url: Located<String>,
    /// Method of the requests.
    #[serde(default)]
    pub method: Method,
    /// Headers of every request. `${NAME}` stands for a variable of the environment, so that no secret is
    /// written here; such values are neither printed nor recorded.
    #[serde(default)]
    pub headers: BTreeMap<String, Located<String>>,
    /// Body of a request: JSON in which strings of the form `{{…}}` are placeholders.
    ///
    /// Many inputs in one request: `{{rows}}` is an array of inputs, each nested as `input_shape` says;
    /// `{{records}}` an array of objects with a member for each of the `features`; `{{texts}}` an array of
    /// texts. One input: `{{row}}`, `{{record}}`, `{{text}}`, or `{{NAME}}` for the value of one feature. The
    /// last two may stand within a longer string. A feature with an `encoding` is sent by name as the value
    /// that is encoded, in rows as its number.
    pub body: Option<Located<Value>>,
    /// Where the answer has what.
    pub answer: Option<Answer>,
    /// The classes in the order of the answer's values; as in the target column of the data set.
    #[serde(default)]
    pub classes: Located<Vec<String>>,
    /// What the answer calls the classes, in the same order, where that differs from `classes`.
    #[serde(default)]
    pub labels: Located<Vec<String>>,
    /// Inputs in the order in which they are sent.
    #[serde(default)]
    pub features: Vec<Feature>,
    /// Shape of one input: `[12]` for a table, `[1, 28, 28]` for an image. Default: one value for each of the
    /// `features`.
    pub input_shape: Option<Located<Vec<usize>>>,
    /// Smallest and largest valid value of inputs that `features` does not describe.
    pub bounds: Option<Located<[f64; 2]>>,
    /// The labelled data set that it is assessed on.
    pub dataset: Option<Located<String>>,
    /// Most inputs in one request, where the body takes many.
    #[serde(default = "defaults::batch")]
    #[schemars(range(min = 1))]
    pub batch: Located<usize>,
    /// Most requests in a second; none means no limit.
    pub rate: Option<Located<f64>>,
    /// Most requests at a time.
    #[serde(default = "defaults::concurrency")]
    #[schemars(range(min = 1, max = 64))]
    pub concurrency: Located<usize>,
    /// Seconds after which a request has failed.
    #[serde(default = "defaults::timeout")]
    pub timeout: Located<f64>,
    /// How often a request is repeated that timed out, broke off, or was answered with status 408, 429, 500,
    /// 502, 503 or 504.
    #[serde(default = "defaults::retries")]
    pub retries: u32,
    /// Seconds before the first repetition; each further one waits twice as long, at most 30 seconds. A
    /// `Retry-After` of the answer counts where it is longer.
    #[serde(default = "defaults::backoff")]
    pub backoff: Located<f64>,
    /// Most inputs that are asked, in total; none means no limit. Repeated inputs count once.
    pub budget: Option<Located<u64>>,
    /// Certificates of the authorities that its TLS certificate may come from: a PEM file, relative to the
    /// manifest. Default: those that the machine trusts.
    pub tls_roots: Option<Located<String>>,
    /// Go through the proxy that the environment names (`HTTPS_PROXY`, `HTTP_PROXY`, `ALL_PROXY`, `NO_PROXY`).
    #[serde(default)]
    pub proxy: bool,
}

/// Method of a request with a body.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    /// `POST`.
    #[default]
    Post,
    /// `PUT`.
    Put,
    /// `PATCH`.
    Patch,
}

impl Method {
    /// As it is sent.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
        }
    }
}

/// What an answer holds for each input, and where: a JSON Pointer (RFC 6901).
///
/// In the answer to many inputs a part `*` of the pointer stands for the position of the input
/// (`/predictions/*/scores`); without it, the pointer leads to the array that has one entry for each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// Probabilities: an array in the order of the classes, an object by class, or, of two classes, the one
    /// number of the second.
    Probabilities(Located<String>),
    /// Scores whose largest is the decision: an array or an object as above, or, of two classes, one number
    /// that is above zero for the second.
    Scores(Located<String>),
    /// The class alone.
    Label(Located<String>),
}

impl Answer {
    /// The pointer.
    pub fn pointer(&self) -> &Located<String> {
        match self {
            Self::Probabilities(pointer) | Self::Scores(pointer) | Self::Label(pointer) => pointer,
        }
    }
}

mod defaults {
    use crate::Located;

    pub(super) fn batch() -> Located<usize> {
        32.into()
    }
    pub(super) fn concurrency() -> Located<usize> {
        1.into()
    }
    pub(super) fn timeout() -> Located<f64> {
        30.0.into()
    }
    pub(super) fn retries() -> u32 {
        4
    }
    pub(super) fn backoff() -> Located<f64> {
        0.5.into()
    }
}
