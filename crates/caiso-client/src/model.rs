//! Endpoints as models.

use std::collections::HashMap;
use std::path::Path;

use caiso_core::manifest::{Answer, Endpoint};
use caiso_core::sha256_hex;
use caiso_inference::{Access, Error, Model, ModelSpec, TextModel, TextSpec};
use serde_json::{Value, json};

use crate::answer::Reader;
use crate::inputs::Inputs;
use crate::journal::{Contents, Journal};
use crate::target::{Answers, Target};
use crate::template::Template;
use crate::transport::Transport;
use crate::{ClientError, Warning};

/// How many inputs are asked more than once by a check of repeatability.
const REPEATED: usize = 4;

/// What an endpoint's description leaves to the caller.
#[derive(Clone, Copy)]
pub struct Connection<'a> {
    /// The value of a variable of the environment.
    pub environment: &'a dyn Fn(&str) -> Option<String>,
    /// Content of the file that `tls_roots` names, if it names one.
    pub tls_roots: Option<&'a [u8]>,
    /// Where answers are kept.
    pub recording: Recording<'a>,
}

/// Where answers are kept.
#[derive(Clone, Copy, Debug)]
pub enum Recording<'a> {
    /// In memory.
    Memory,
    /// In memory and in a file, which is made if there is none; answers that it has already are not asked again.
    Journal(&'a Path),
    /// Answers come from this file alone, and no connection is opened.
    Replay(&'a Path),
}

/// A model of numbers behind an HTTP endpoint.
pub struct HttpModel {
    target: Target,
    spec: ModelSpec,
}

impl HttpModel {
    /// Sets up the endpoint. Nothing is sent before the first question.
    pub fn connect(endpoint: &Endpoint, connection: Connection<'_>) -> Result<Self, ClientError> {
        let shape = match &endpoint.input_shape {
            Some(shape) => shape.value.clone(),
            None => vec![endpoint.features.len()],
        };
        let described = shape.iter().product::<usize>() > 0;
        let target = connect(endpoint, connection, shape.clone())?;
        let wrong = |problem: &str| ClientError::Description {
            endpoint: endpoint.name.value.clone(),
            problem: problem.to_owned(),
        };
        if target.template.takes_text() {
            return Err(wrong("it takes texts, and is asked about rows of numbers"));
        }
        if !described {
            return Err(wrong("its inputs are not described; give `features` or `input_shape`"));
        }
        let mut spec = ModelSpec::new(shape, target.reader.classes());
        spec.tap = target.reader.kind.tap();
        spec.labels.clone_from(&endpoint.classes.value);
        Ok(Self { target, spec })
    }

    /// Asks some of the rows, `[rows, features]`, more than once. What differs becomes a [`Warning`]; the
    /// questions count.
    pub fn check_repeatability(&self, rows: &[f32]) -> Result<(), Error> {
        let end = rows.len().min(REPEATED * self.spec.features);
        let inputs = self.inputs(rows.get(..end).unwrap_or_default())?;
        self.target.repeat(inputs)
    }

    /// How many inputs were asked so far.
    pub fn queries(&self) -> u64 {
        self.target.queries()
    }

    /// What is odd about its answers so far.
    pub fn warnings(&self) -> Vec<Warning> {
        self.target.warnings()
    }

    fn inputs<'a>(&self, rows: &'a [f32]) -> Result<Inputs<'a>, Error> {
        let features = self.spec.features;
        if !rows.len().is_multiple_of(features) {
            return Err(Error::Rows { values: rows.len(), features, expected: None });
        }
        Ok(Inputs::Rows { values: rows, features })
    }
}

impl Model for HttpModel {
    fn spec(&self) -> &ModelSpec {
        &self.spec
    }

    fn access(&self) -> Access {
        self.target.reader.kind.access()
    }

    fn logits(&self, rows: &[f32]) -> Result<Vec<f32>, Error> {
        self.target.logits(self.inputs(rows)?)
    }
}

/// A classifier of texts behind an HTTP endpoint.
pub struct HttpTextModel {
    target: Target,
    spec: TextSpec,
}

impl HttpTextModel {
    /// Sets up the endpoint. Nothing is sent before the first question.
    pub fn connect(endpoint: &Endpoint, connection: Connection<'_>) -> Result<Self, ClientError> {
        let target = connect(endpoint, connection, Vec::new())?;
        if !target.template.takes_text() {
            let problem = "it takes rows of numbers, and is asked about texts".to_owned();
            return Err(ClientError::Description {
                endpoint: endpoint.name.value.clone(),
                problem,
            });
        }
        let spec = TextSpec {
            classes: target.reader.classes(),
            tap: target.reader.kind.tap(),
            labels: endpoint.classes.value.clone(),
        };
        Ok(Self { target, spec })
    }

    /// Asks some of the texts more than once. What differs becomes a [`Warning`]; the questions count.
    pub fn check_repeatability(&self, texts: &[String]) -> Result<(), Error> {
        self.target.repeat(Inputs::Texts(&texts[..texts.len().min(REPEATED)]))
    }

    /// How many texts were asked so far.
    pub fn queries(&self) -> u64 {
        self.target.queries()
    }

    /// What is odd about its answers so far.
    pub fn warnings(&self) -> Vec<Warning> {
        self.target.warnings()
    }
}

impl TextModel for HttpTextModel {
    fn spec(&self) -> &TextSpec {
        &self.spec
    }

    fn access(&self) -> Access {
        self.target.reader.kind.access()
    }

    fn logits(&self, texts: &[String]) -> Result<Vec<f32>, Error> {
        self.target.logits(Inputs::Texts(texts))
    }
}

fn connect(
    endpoint: &Endpoint,
    connection: Connection<'_>,
    shape: Vec<usize>,
) -> Result<Target, ClientError> {
    let wrong = |problem: String| ClientError::Description {
        endpoint: endpoint.name.value.clone(),
        problem,
    };
    let (Some(body), Some(answer)) = (&endpoint.body, &endpoint.answer) else {
        let problem =
            "`caiso.yaml` does not say how it is asked; give `body`, `answer` and `classes`";
        return Err(wrong(problem.to_owned()));
    };
    let labels =
        if endpoint.labels.is_empty() { &endpoint.classes.value } else { &endpoint.labels.value };
    let template = Template::new(body, &endpoint.features, shape).map_err(wrong)?;
    let reader = Reader::new(answer, labels.clone(), template.takes_many());
    let digest = digest(endpoint, body, answer);
    let width = reader.kind.width(labels.len());
    let mut warnings = Vec::new();
    let (kept, journal) = match connection.recording {
        Recording::Memory => (HashMap::new(), None),
        Recording::Journal(path) => {
            let (journal, Contents { answers, torn, .. }) = Journal::open(path, &digest, width)?;
            warnings.extend(torn.then_some(Warning::TornJournal));
            (answers, Some(journal))
        }
        Recording::Replay(path) => (Journal::replay(path, &digest, width)?.answers, None),
    };
    let transport = match connection.recording {
        Recording::Replay(_) => None,
        _ => Some(Transport::new(endpoint, connection.tls_roots, connection.environment)?),
    };
    Ok(Target {
        shown: format!("{} {}", endpoint.method.as_str(), endpoint.url.value),
        transport,
        template,
        reader,
        batch: endpoint.batch.value.max(1),
        concurrency: endpoint.concurrency.value,
        budget: endpoint.budget.as_ref().map(|budget| budget.value),
        answers: Answers::new(kept, journal, warnings),
    })
}

/// SHA-256 of all that an answer depends on: not of the limits, nor of any secret.
fn digest(endpoint: &Endpoint, body: &Value, answer: &Answer) -> String {
    let described = json!({
        "url": endpoint.url,
        "method": endpoint.method,
        "headers": endpoint.headers,
        "body": body,
        "answer": answer,
        "classes": endpoint.classes,
        "labels": endpoint.labels,
        "features": endpoint.features,
        "input_shape": endpoint.input_shape,
    });
    sha256_hex(described.to_string().as_bytes())
}
