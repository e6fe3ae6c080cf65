//! A model file as a component with its model card.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use caiso_modelfile::{Description, Format, Tree};

use super::beside::task_of_class;
use super::document::{
    Approach, Component, DatasetChoice, Evidence, InputOutput, Kind, ModelCard, ModelParameters,
    Occurrence, Organization, Pedigree, Person, Property, QuantitativeAnalysis, Reference,
    property, sha256,
};
use super::licence::{licence, together};
use super::place::{Place, address, percent};
use super::said::Said;
use crate::{FileResult, Verdict};

/// Most findings of a file that are listed.
const MOST_FINDINGS: usize = 200;

/// What a file is for a bill of materials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Role {
    Model,
    /// Arrays and tables.
    Data,
    Other,
}

/// Formats that hold a model whatever lies in them.
const MODELS: &[Format] = &[
    Format::CatBoost,
    Format::CoreMl,
    Format::FrozenGraph,
    Format::Gguf,
    Format::Hdf5,
    Format::Keras,
    Format::KerasHdf5,
    Format::LightGbm,
    Format::MessagePack,
    Format::NeMo,
    Format::Onnx,
    Format::OpenVino,
    Format::Pmml,
    Format::PyTorch,
    Format::PyTorchLegacy,
    Format::Safetensors,
    Format::SavedModel,
    Format::Skops,
    Format::TensorFlowLite,
    Format::TorchModelArchive,
    Format::TorchScript,
    Format::XgBoost,
];

/// What the file is. `parts` are the paths of files that belong to a SavedModel beside or above them.
pub(super) fn role(
    place: &Place,
    tree: &Tree,
    description: &Description,
    parts: &BTreeSet<String>,
) -> Role {
    let Some(&format) = description.formats.first() else { return Role::Other };
    if parts.contains(&place.path) {
        return Role::Other;
    }
    let tables = ["pandas.", "numpy.", "scipy.sparse."];
    let is_table = description
        .facts
        .get("class")
        .is_some_and(|class| tables.iter().any(|module| class.starts_with(module)));
    match format {
        _ if description.formats.iter().any(|format| MODELS.contains(format)) => Role::Model,
        // Its other files hold the values and are parts of it.
        Format::TensorFlowCheckpoint if place.path.strip_suffix(".index").is_some() => Role::Model,
        Format::Numpy | Format::NumpyArchive => Role::Data,
        Format::Pickle | Format::Joblib if is_table => Role::Data,
        Format::Pickle | Format::Joblib => Role::Model,
        Format::Bzip2
        | Format::Gzip
        | Format::Lz4
        | Format::SevenZip
        | Format::Tar
        | Format::Xz
        | Format::Zip
        | Format::Zlib
        | Format::Zstandard
            if !is_table
                && (tree.holds(MODELS) || tree.holds(&[Format::Pickle, Format::Joblib])) =>
        {
            Role::Model
        }
        _ => Role::Other,
    }
}

/// The component of a model. `said` is what the files beside it say, `datasets` are the data in the bill.
pub(super) fn component(
    result: &FileResult,
    place: &Place,
    description: &Description,
    mut said: Said,
    datasets: Vec<DatasetChoice>,
) -> Component {
    let fact =
        |keys: &[&str]| keys.iter().find_map(|key| description.facts.get(*key)).map(String::as_str);
    let of_file = Said {
        name: fact(&["metadata general.name", "metadata modelspec.title"]).map(str::to_owned),
        version: fact(&["metadata general.version", "metadata version", "model version"])
            .filter(|version| *version != "0")
            .map(str::to_owned),
        description: fact(&[
            "metadata general.description",
            "metadata modelspec.description",
            "metadata description",
            "description",
        ])
        .map(str::to_owned),
        author: fact(&["metadata general.author", "metadata modelspec.author", "metadata author"])
            .map(str::to_owned),
        task: fact(&["task"]).or_else(|| task(description)).map(str::to_owned),
        family: family(description),
        architecture: architecture(description),
        inputs: description.inputs.clone(),
        outputs: description.outputs.clone(),
        licences: fact(&["licence"])
            .map(|written| licence(written, fact(&["metadata general.license.link"])))
            .into_iter()
            .collect(),
        pedigree: ancestors(description),
        ..Said::default()
    };
    // The file is the better witness of what it is, the card of what it is for.
    said.architecture = of_file.architecture.clone().or(said.architecture);
    said.inputs = if of_file.inputs.is_empty() { said.inputs } else { of_file.inputs.clone() };
    said.outputs = if of_file.outputs.is_empty() { said.outputs } else { of_file.outputs.clone() };
    said.add(of_file);

    let mut references = said.references;
    for (key, kind) in [
        ("metadata general.url", "website"),
        ("metadata general.repo_url", "vcs"),
        ("metadata general.source.url", "source-distribution"),
    ] {
        let url = fact(&[key]).and_then(address);
        references.extend(url.map(|url| Reference { url, kind, hashes: Vec::new() }));
    }
    let named = said.datasets.into_iter().map(DatasetChoice::Named);
    let shown = |values: Vec<String>| {
        values.into_iter().map(|format| InputOutput { format }).collect::<Vec<_>>()
    };
    let card = ModelCard {
        model_parameters: ModelParameters {
            approach: said.task.as_deref().and_then(approach).map(|kind| Approach { kind }),
            task: said.task,
            architecture_family: said.family,
            model_architecture: said.architecture,
            datasets: datasets.into_iter().chain(named).collect(),
            inputs: shown(said.inputs),
            outputs: shown(said.outputs),
        },
        quantitative_analysis: (!said.metrics.is_empty())
            .then_some(QuantitativeAnalysis { performance_metrics: said.metrics }),
        considerations: said.considerations,
        properties: said.card_properties,
    };
    let mut properties = properties(result, place, description);
    properties.extend(said.properties);
    let organization = fact(&["metadata general.organization"]);
    Component {
        kind: Kind::MachineLearningModel,
        bom_ref: format!("model/{}", place.path),
        supplier: organization.map(|name| Organization { name: name.to_owned() }),
        authors: said.author.map(|name| Person { name }).into_iter().collect(),
        name: said.name.unwrap_or_else(|| name(place)),
        version: said.version,
        description: said.description,
        hashes: result.sha256.as_deref().map(sha256).unwrap_or_default(),
        licenses: together(said.licences),
        purl: purl(place.name(), result),
        pedigree: said.pedigree,
        external_references: references,
        evidence: Some(Evidence {
            occurrences: vec![Occurrence { location: place.path.clone(), line: None }],
        }),
        model_card: Some(card),
        properties,
        tags: said.tags,
        ..Component::default()
    }
}

/// The name of the file, or of its folder where every model of a kind has the same.
fn name(place: &Place) -> String {
    let stem = place.name().split('.').next().unwrap_or_default();
    let same = ["model", "pytorch_model", "saved_model", "tf_model", "flax_model", "adapter_model"];
    let folder = place.folder().rsplit('/').next().filter(|folder| !folder.is_empty());
    match folder.filter(|_| same.contains(&stem)) {
        Some(folder) => folder.to_owned(),
        None => place.name().to_owned(),
    }
}

/// A package URL that holds for this content wherever it lies.
fn purl(name: &str, result: &FileResult) -> Option<String> {
    let sha256 = result.sha256.as_deref()?;
    Some(format!("pkg:generic/{}?checksum=sha256:{sha256}", percent(name, b"-._~")))
}

/// What the scan says, and everything that the file says and CycloneDX has no field for.
fn properties(result: &FileResult, place: &Place, description: &Description) -> Vec<Property> {
    let formats = description.formats.iter().map(|format| format.name());
    let mut properties = vec![
        property("format", formats.collect::<Vec<_>>().join(" and ")),
        property("size", result.size.to_string()),
    ];
    let counts = [("parameters", description.parameters), ("tensors", description.tensors)];
    for (name, count) in counts {
        // No tensor at all: the parameters are in what the format does not count.
        let count = count.filter(|&count| count > 0);
        properties.extend(count.map(|count| property(name, count.to_string())));
    }
    for (name, counts) in
        [("data-types", &description.elements), ("operators", &description.operators)]
    {
        if !counts.is_empty() {
            let all = counts.iter().map(|(name, count)| format!("{name} {count}"));
            properties.push(property(name, all.collect::<Vec<_>>().join(", ")));
        }
    }
    for (key, value) in &description.facts {
        let name = match key.split_once(' ') {
            Some((group @ ("metadata" | "training" | "signature"), name)) => {
                format!("{group}:{}", name.replace(' ', "-"))
            }
            _ => key.replace(' ', "-"),
        };
        properties.push(property(&name, value.clone()));
    }
    properties.extend(verdict(result, place));
    properties
}

/// What the scan says about a file. Messages name it by its place, not as it was named to the scan.
pub(super) fn verdict(result: &FileResult, place: &Place) -> Vec<Property> {
    let (scanned, named) = (format!("`{}`", result.path), format!("`{}`", place.path));
    let verdict = match result.verdict {
        Verdict::Clean => "clean",
        Verdict::Findings => "findings",
        Verdict::Incomplete => "incomplete",
    };
    let mut properties = vec![property("scan:verdict", verdict)];
    let worst =
        result.max_severity.map(|severity| property("scan:max-severity", severity.to_string()));
    properties.extend(worst);
    for finding in result.findings.iter().take(MOST_FINDINGS) {
        let message = finding.message.replace(&scanned, &named);
        let text = format!("{} {}: {message}", finding.code, finding.severity);
        properties.push(property("scan:finding", text));
    }
    for gap in result.not_inspected.iter().take(MOST_FINDINGS) {
        let part = gap.part.as_ref().map(|part| format!("{part}: "));
        let mut text = format!("{}{}", part.unwrap_or_default(), gap.reason);
        if let Some(bytes) = gap.bytes {
            let _ = write!(text, " (bytes {} to {})", bytes.start, bytes.end);
        }
        properties.push(property("scan:not-inspected", text));
    }
    properties
}

/// The class or architecture that the file names, else what it is built of.
fn architecture(description: &Description) -> Option<String> {
    let named = description.facts.get("architecture");
    // `Sequential` alone says little; a class with its module says all.
    if named.is_some_and(|named| named.contains(['.', ' ']) || description.operators.is_empty()) {
        return named.cloned();
    }
    let mut operators: Vec<(&String, &u64)> = description.operators.iter().collect();
    operators.sort_by(|a, b| b.1.cmp(a.1).then_with(|| a.0.cmp(b.0)));
    let shown = operators.iter().take(12).map(|(name, count)| format!("{name} ×{count}"));
    let mut shown = shown.collect::<Vec<_>>().join(", ");
    if operators.len() > 12 {
        let _ = write!(shown, ", {} other operators", operators.len() - 12);
    }
    match named {
        Some(named) => Some(format!("{named}: {shown}")),
        None => (!shown.is_empty()).then_some(shown),
    }
}

/// The family: as the file names it, else by the operators that only one family has.
fn family(description: &Description) -> Option<String> {
    let class = description.facts.get("architecture").map(String::as_str).unwrap_or_default();
    let format = description.formats.first();
    if format == Some(&Format::Gguf) && !class.is_empty() {
        return Some(class.to_owned());
    }
    let has = |names: &[&str]| {
        description.operators.keys().any(|operator| {
            let operator = operator.rsplit("::").next().unwrap_or(operator);
            names.iter().any(|name| operator.eq_ignore_ascii_case(name))
        })
    };
    let named = |words: &[&str]| words.iter().any(|word| class.contains(word));
    // PMML names a model with what it does: `TreeModel classification`.
    let does = |word: &str| description.operators.keys().any(|name| name.starts_with(word));
    let boosted = matches!(format, Some(Format::CatBoost | Format::LightGbm | Format::XgBoost));
    let family = if boosted || named(&["GradientBoosting", "XGB", "LGBM", "CatBoost"]) {
        "gradient-boosted decision trees"
    } else if named(&["RandomForest", "ExtraTrees"]) {
        "random forest"
    } else if has(&["TreeEnsembleClassifier", "TreeEnsembleRegressor", "TreeEnsemble"])
        || (does("MiningModel") && does("TreeModel"))
    {
        "ensemble of decision trees"
    } else if named(&["DecisionTree"]) || does("TreeModel") {
        "decision tree"
    } else if has(&["Attention", "MultiHeadAttention", "GroupQueryAttention"]) {
        "transformer"
    } else if has(&["LSTM", "GRU", "RNN", "UNIDIRECTIONAL_SEQUENCE_LSTM"]) {
        "recurrent neural network"
    } else if has(&[
        "Conv",
        "Conv1D",
        "Conv2D",
        "ConvTranspose",
        "CONV_2D",
        "DEPTHWISE_CONV_2D",
        "ConvInteger",
        "QLinearConv",
    ]) {
        "convolutional neural network"
    } else if named(&["LogisticRegression", "LinearRegression", "Ridge", "Lasso", "SGDClassifier"])
        || has(&["LinearClassifier", "LinearRegressor"])
        || does("RegressionModel")
    {
        "linear model"
    } else if named(&[".svm."])
        || does("SupportVectorMachineModel")
        || has(&["SVMClassifier", "SVMRegressor"])
    {
        "support vector machine"
    } else if named(&["MLPClassifier", "MLPRegressor"])
        || has(&["Dense", "FULLY_CONNECTED"])
        || (has(&["Gemm", "MatMul"])
            && has(&["Relu", "LeakyRelu", "Tanh", "Sigmoid", "Gelu", "Elu", "RELU", "LOGISTIC"]))
    {
        "feed-forward neural network"
    } else if named(&["KMeans", "DBSCAN", "AgglomerativeClustering"]) {
        "clustering"
    } else {
        return None;
    };
    Some(family.to_owned())
}

/// The last part of the class: `sklearn.svm._classes.SVC` to `SVC`.
fn class(description: &Description) -> &str {
    let class = description.facts.get("architecture").map(String::as_str).unwrap_or_default();
    class.rsplit('.').next().unwrap_or_default()
}

fn task(description: &Description) -> Option<&'static str> {
    let has = |ending: &str| description.operators.keys().any(|name| name.ends_with(ending));
    let class = class(description);
    task_of_class(class).or(match class {
        "SVC" | "NuSVC" | "LinearSVC" | "GaussianNB" | "MultinomialNB" | "BernoulliNB" => {
            Some("classification")
        }
        "SVR" | "NuSVR" | "LinearSVR" | "LinearRegression" | "Ridge" | "Lasso" | "ElasticNet" => {
            Some("regression")
        }
        "KMeans" | "MiniBatchKMeans" | "DBSCAN" => Some("clustering"),
        "IsolationForest" => Some("anomaly-detection"),
        "PCA" | "NMF" | "TruncatedSVD" => Some("dimensionality-reduction"),
        _ if has("Classifier") || has("ZipMap") => Some("classification"),
        _ if has("Regressor") => Some("regression"),
        _ => None,
    })
}

/// How models for a task are trained; `None` where there are several ways.
fn approach(task: &str) -> Option<&'static str> {
    match task {
        "clustering" | "anomaly-detection" | "dimensionality-reduction" => Some("unsupervised"),
        "reinforcement-learning" => Some("reinforcement-learning"),
        "regression" | "tabular-regression" => Some("supervised"),
        task if task.ends_with("classification") && !task.starts_with("zero-shot") => {
            Some("supervised")
        }
        _ => None,
    }
}

/// The models that a GGUF file says it was made from.
fn ancestors(description: &Description) -> Option<Pedigree> {
    let mut ancestors = Vec::new();
    for number in 0..100 {
        let key = |what: &str| format!("metadata general.base_model.{number}.{what}");
        let Some(name) = description.facts.get(&key("name")) else { break };
        let url = description.facts.get(&key("repo_url")).and_then(|url| address(url));
        ancestors.push(Component {
            kind: Kind::MachineLearningModel,
            name: name.clone(),
            version: description.facts.get(&key("version")).cloned(),
            external_references: url
                .map(|url| Reference { url, kind: "vcs", hashes: Vec::new() })
                .into_iter()
                .collect(),
            ..Component::default()
        });
    }
    (!ancestors.is_empty()).then_some(Pedigree { ancestors })
}
