//! OpenVINO intermediate representation: XML beside a file of weights
//! (<https://docs.openvino.ai/2025/documentation/openvino-ir-format.html>).

use std::collections::BTreeMap;

use caiso_core::Severity::{High, Medium};

use crate::Format;
use crate::readers::Reader;
use crate::suspicion::Suspicions;
use crate::tree::{Facts, Reading};
use crate::xml::{self, Element, Item};

/// What the file says and holds.
#[derive(Clone, Debug, Default)]
pub(crate) struct OpenVino {
    pub(crate) name: String,
    pub(crate) version: String,
    /// `opset1 MatMul` to number of layers.
    pub(crate) layers: BTreeMap<String, u64>,
    /// Element type to number of constants.
    pub(crate) constants: BTreeMap<String, u64>,
    /// `x: f32 [1,4]`.
    pub(crate) inputs: Vec<String>,
    /// Elements of the floating-point constants.
    pub(crate) parameters: u64,
    /// The end of the last constant: the file of weights has at least this many bytes.
    pub(crate) weights: u64,
    /// `Runtime_version`, `conversion_parameters/input_model`.
    pub(crate) information: Vec<(String, String)>,
    pub(crate) problems: Suspicions,
}

impl OpenVino {
    /// For the description of a file.
    pub(crate) fn describe(&self) -> Vec<(&'static str, String)> {
        let counted = |map: &BTreeMap<String, u64>| {
            let all = map.iter().map(|(kind, count)| format!("{kind} {count}"));
            all.collect::<Vec<_>>().join(", ")
        };
        let information = self.information.iter().map(|(key, value)| format!("{key}: {value}"));
        vec![
            ("graph", self.name.clone()),
            ("ir version", self.version.clone()),
            ("layers", counted(&self.layers)),
            ("constants", counted(&self.constants)),
            ("inputs", self.inputs.join(", ")),
            ("parameters", self.parameters.to_string()),
            ("bytes of weights", self.weights.to_string()),
            ("information", information.collect::<Vec<_>>().join(", ")),
        ]
    }
}

pub(crate) const READER: Reader = Reader {
    claims: |artifact| {
        xml::root(artifact.bytes).is_some_and(|(name, version)| name == "net" && version)
    },
    read: |artifact, scope| {
        let mut facts = OpenVino::default();
        let mut problems = Suspicions::default();
        let mut layer = Layer::default();
        let text = xml::decode(artifact.bytes);
        let walked = xml::walk(&text, &mut problems, &mut |item, problems| {
            if let Item::Open(element) = item {
                open(&element, &mut layer, &mut facts, problems);
            }
        });
        if let Err(reason) = walked {
            scope.gap(None, reason);
        }
        facts.problems = problems;
        Some(Reading::new(Format::OpenVino, Facts::OpenVino(facts)))
    },
};

/// The layer whose data comes next.
#[derive(Default)]
struct Layer {
    name: String,
    kind: String,
}

const MOST: usize = 2_000;

fn open(element: &Element<'_>, layer: &mut Layer, facts: &mut OpenVino, problems: &mut Suspicions) {
    for (key, value) in element.attributes() {
        let library = [".so", ".dll", ".dylib", ".cl"]
            .iter()
            .any(|end| value.len() > end.len() && value.to_ascii_lowercase().ends_with(end));
        if library || key == "library" {
            let message =
                format!("`{key}` names the library `{value}`, which the runtime may load");
            problems.add_at(High, &format!("layer {}", layer.name), message);
        }
    }
    match element.name {
        "net" if element.parents.is_empty() => {
            facts.name = element.text("name");
            facts.version = element.text("version");
        }
        "layer" => {
            let (set, kind) = (element.text("version"), element.text("type"));
            *layer = Layer { name: element.text("name"), kind: kind.clone() };
            let listed = format!("{set} {kind}").trim().to_owned();
            if facts.layers.len() < MOST || facts.layers.contains_key(&listed) {
                let count = facts.layers.entry(listed.clone()).or_default();
                *count = count.saturating_add(1);
                // Once for each kind of layer.
                if *count == 1 && !is_of_openvino(&set, &kind) {
                    let message = format!(
                        "layers `{kind}` are of `{set}`, which is no operator set of OpenVINO: the runtime \
                         has to load a library for them"
                    );
                    problems.add_at(Medium, &format!("layer {listed}"), message);
                }
            }
        }
        "data" if layer.kind == "Const" && element.parent() == "layer" => {
            constant(element, &layer.name, facts, problems);
        }
        "data" if layer.kind == "Parameter" && facts.inputs.len() < MOST => {
            let (kind, shape) = (element.text("element_type"), element.text("shape"));
            facts.inputs.push(format!("{}: {kind} [{shape}]", layer.name));
        }
        _ if element.parents.iter().any(|parent| parent == "rt_info")
            && element.parents.len() <= 4
            && !element.parents.iter().any(|parent| parent == "layer")
            && element.get("value").is_some()
            && facts.information.len() < 200 =>
        {
            let key = match element.parent() {
                "rt_info" => element.name.to_owned(),
                parent => format!("{parent}/{}", element.name),
            };
            facts.information.push((key, element.text("value")));
        }
        _ => {}
    }
}

/// Whether an operator set is one that OpenVINO brings. Before version 10 layers had none.
fn is_of_openvino(set: &str, kind: &str) -> bool {
    let number = set.strip_prefix("opset").is_some_and(|number| number.parse::<u8>().is_ok());
    let internal = matches!(set, "" | "experimental" | "ie_internal_opset" | "SubgraphOps");
    (number || internal || set == "util") && kind != "FrameworkNode"
}

/// A constant's bytes in the file of weights have to be as many as its type and shape need.
fn constant(element: &Element<'_>, layer: &str, facts: &mut OpenVino, problems: &mut Suspicions) {
    let part = format!("constant {layer}");
    let kind = element.text("element_type");
    let number = |key| element.get(key).and_then(|value| value.trim().parse::<u64>().ok());
    let (Some(offset), Some(size)) = (number("offset"), number("size")) else {
        return problems.add_at(
            High,
            &part,
            "its place in the file of weights is no number of bytes",
        );
    };
    let Some(end) = offset.checked_add(size) else {
        let message = format!("it lies {size} bytes from {offset} on, which no file can hold");
        return problems.add_at(High, &part, message);
    };
    facts.weights = facts.weights.max(end);
    if facts.constants.len() < MOST || facts.constants.contains_key(&kind) {
        let count = facts.constants.entry(kind.clone()).or_default();
        *count = count.saturating_add(1);
    }
    let bits: u64 = match kind.as_str() {
        "f64" | "i64" | "u64" => 64,
        "f32" | "i32" | "u32" => 32,
        "f16" | "bf16" | "i16" | "u16" => 16,
        "i8" | "u8" | "boolean" | "f8e4m3" | "f8e5m2" | "f8e8m0" => 8,
        "i4" | "u4" | "nf4" | "f4e2m1" => 4,
        _ => return,
    };
    let axes = element.text("shape");
    let axes = axes.split(',').map(str::trim).filter(|axis| !axis.is_empty());
    let elements = axes
        .map(|axis| axis.parse::<u64>().ok())
        .try_fold(1_u64, |all, axis| all.checked_mul(axis?));
    let needed =
        elements.and_then(|elements| elements.checked_mul(bits)).map(|bits| bits.div_ceil(8));
    if let (Some(elements), true) = (elements, kind.contains('f')) {
        facts.parameters = facts.parameters.saturating_add(elements);
    }
    if needed != Some(size) {
        let needed =
            needed.map_or_else(|| "another number of".to_owned(), |needed| needed.to_string());
        let message =
            format!("it takes {size} bytes of the weights, and its shape needs {needed} bytes");
        problems.add_at(High, &part, message);
    }
}
