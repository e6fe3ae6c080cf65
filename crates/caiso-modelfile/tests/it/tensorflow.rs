//! TensorFlow SavedModels and graphs.

use caiso_modelfile::Format;
use proptest::prelude::*;

use crate::fixtures::Message;
use crate::run::{assert_clean, input, lines, run, survives};

const KERAS_3: &[u8] = include_bytes!("../fixtures/tensorflow/keras3.pb");
const KERAS_2: &[u8] = include_bytes!("../fixtures/tensorflow/keras2.pb");
const MODULE: &[u8] = include_bytes!("../fixtures/tensorflow/module.pb");
const FILES: &[u8] = include_bytes!("../fixtures/tensorflow/files.pb");
const FROZEN: &[u8] = include_bytes!("../fixtures/tensorflow/frozen.pb");
const PYTHON: &[u8] = include_bytes!("../fixtures/tensorflow/pyfunc.pb");
const META: &[u8] = include_bytes!("../fixtures/tensorflow/model.meta");
const KERAS_METADATA: &[u8] = include_bytes!("../fixtures/tensorflow/keras_metadata.pb");
const FINGERPRINT: &[u8] = include_bytes!("../fixtures/tensorflow/fingerprint.pb");
const INDEX: &[u8] = include_bytes!("../fixtures/tensorflow/variables.index");

#[test]
fn what_tensorflow_writes_is_clean() {
    assert_clean("saved_model.pb", KERAS_3, Format::SavedModel);
    assert_clean("saved_model.pb", KERAS_2, Format::SavedModel);
    assert_clean("saved_model.pb", MODULE, Format::SavedModel);
    assert_clean("frozen.pb", FROZEN, Format::FrozenGraph);
    assert_clean("model.meta", META, Format::FrozenGraph);
    assert_clean("fingerprint.pb", FINGERPRINT, Format::SavedModel);
    assert_clean("variables.index", INDEX, Format::TensorFlowCheckpoint);
    assert_clean("variables.data-00000-of-00001", &[0x3f; 64], Format::TensorFlowCheckpoint);
}

#[test]
fn a_saved_model_is_described() {
    let outcome = run("MF-ID-001", &input("saved_model.pb", MODULE)).unwrap();
    insta::assert_json_snapshot!(outcome.facts);
    let outcome = run("MF-ID-001", &input("frozen.pb", FROZEN)).unwrap();
    assert!(outcome.summary.ends_with(", 8 parameters"), "{}", outcome.summary);
}

#[test]
fn operators_on_files_and_python_are_found() {
    insta::assert_json_snapshot!(run("MF-TF-001", &input("saved_model.pb", FILES)).unwrap());
    assert_eq!(lines("graph.pb", PYTHON), ["MF-TF-001 high operator PyFunc"]);
}

#[test]
fn layers_of_keras_2_are_handed_on() {
    let input = input("keras_metadata.pb", KERAS_METADATA);
    assert_eq!(input.format(), Some(Format::KerasConfiguration));
    let layers: Vec<&str> =
        input.tree.nodes.iter().skip(1).map(|node| node.path.as_str()).collect();
    assert!(layers.contains(&"root.layer-0 (Keras metadata)"), "{layers:?}");
}

fn node(name: &str, operator: &str) -> Message {
    Message::default().text(1, name).text(2, operator)
}

/// A node with a function attribute.
fn call(name: &str, function: &str) -> Message {
    let value = Message::default().message(10, Message::default().text(1, function));
    node(name, "StatefulPartitionedCall")
        .message(5, Message::default().text(1, "f").message(2, value))
}

fn function(name: &str, nodes: Vec<Message>) -> Message {
    let start = Message::default().message(1, Message::default().text(1, name));
    nodes.into_iter().fold(start, |function, node| function.message(3, node))
}

fn graph(nodes: Vec<Message>, functions: Vec<Message>) -> Message {
    let library = functions
        .into_iter()
        .fold(Message::default(), |library, function| library.message(1, function));
    nodes
        .into_iter()
        .fold(Message::default(), |graph, node| graph.message(1, node))
        .message(2, library)
}

fn saved_model(graph: Message, saver: &str, asset: Option<&str>) -> Vec<u8> {
    let about = Message::default().text(4, "serve").text(5, "2.21.0");
    let mut meta = Message::default().message(1, about).message(2, graph);
    meta = meta.message(3, Message::default().text(2, saver));
    if let Some(asset) = asset {
        meta = meta.message(6, Message::default().text(2, asset));
    }
    Message::default().number(1, 1).message(2, meta).finish()
}

#[test]
fn the_savers_operators_are_expected_in_its_function_only() {
    let save = || function("save", vec![node("s", "SaveV2"), node("m", "MergeV2Checkpoints")]);
    let model = |nodes, functions| saved_model(graph(nodes, functions), "c:0", None);
    assert_eq!(lines("saved_model.pb", &model(vec![call("c", "save")], vec![save()])), [""; 0]);
    let also_served = model(vec![call("c", "save"), call("d", "save")], vec![save()]);
    let expected =
        ["MF-TF-001 critical operator MergeV2Checkpoints", "MF-TF-001 critical operator SaveV2"];
    assert_eq!(lines("saved_model.pb", &also_served), expected);
    let other = function("serve", vec![call("x", "save")]);
    assert_eq!(lines("m.pb", &model(vec![call("c", "save")], vec![save(), other])), expected);
    let named_alike = function("save", vec![node("w", "WriteFile")]);
    assert_eq!(
        lines("m.pb", &model(vec![call("c", "save")], vec![named_alike])),
        ["MF-TF-001 critical operator WriteFile"]
    );
}

#[test]
fn operators_that_tensorflow_does_not_have_are_findings_unless_the_file_defines_them() {
    let bytes =
        graph(vec![node("a", "Evil>Run"), node("b", "mine")], vec![function("mine", vec![])]);
    assert_eq!(lines("g.pb", &bytes.finish()), ["MF-TF-001 medium operator Evil>Run"]);
}

#[test]
fn printing_to_a_file_is_found() {
    let print = |to: &str| {
        let value = Message::default().text(2, to);
        let attribute = Message::default().text(1, "output_stream").message(2, value);
        graph(vec![node("p", "PrintV2").message(5, attribute)], vec![]).finish()
    };
    assert_eq!(lines("g.pb", &print("file:///tmp/x")), ["MF-TF-001 high operator PrintV2"]);
    assert_eq!(lines("g.pb", &print("stderr")), [""; 0]);
}

#[test]
fn assets_outside_the_folder_are_findings() {
    let model = |asset| saved_model(graph(vec![node("a", "NoOp")], vec![]), "", Some(asset));
    assert_eq!(
        lines("m.pb", &model("../../etc/passwd")),
        ["MF-TF-002 high asset ../../etc/passwd"]
    );
    assert_eq!(lines("m.pb", &model("vocabulary.txt")), [""; 0]);
}

#[test]
fn a_cut_off_model_is_not_assessed_wholly() {
    for cut in [MODULE.len() / 3, MODULE.len() - 1] {
        let input = input("saved_model.pb", &MODULE[..cut]);
        assert!(input.tree.gaps().next().is_some(), "{cut}");
    }
}

proptest! {
    #[test]
    fn a_damaged_graph_never_panics(at in 0..FILES.len(), byte in any::<u8>(), cut in 0..FILES.len()) {
        let mut damaged = FILES.to_vec();
        damaged[at] = byte;
        survives("saved_model.pb", &damaged);
        survives("saved_model.pb", &FILES[..cut]);
    }
}
