//! ONNX: what loaders read differently and what should not be there.

use caiso_core::Severity;
use caiso_modelfile::Format;

use crate::fixtures::{Message, good, graph, node, onnx, tensor};
use crate::run::{assert_clean, findings, worst};

const EVERYTHING: &[u8] = include_bytes!("../fixtures/onnx/everything.onnx");

fn structure(model: Message) -> Option<Severity> {
    worst("MF-ONNX-003", "m.onnx", &model.finish())
}

fn model(nodes: Vec<Message>, tensors: Vec<Message>) -> Message {
    onnx(&[("", 17)], graph(nodes, tensors))
}

#[test]
fn real_models_are_clean() {
    assert_clean("everything.onnx", EVERYTHING, Format::Onnx);
    assert_eq!(worst("MF-ONNX-003", "m.onnx", &good()), None);
}

#[test]
fn what_loaders_read_differently_is_found() {
    let relu = || vec![node("", "Relu")];
    let high = Some(Severity::High);
    let twice = vec![tensor("w", &[1.0]), tensor("w", &[2.0])];
    assert_eq!(structure(model(relu(), twice)), high);
    assert_eq!(structure(model(vec![node("", "Relu"), node("", "Neg")], vec![])), high);
    let short = Message::default().number(1, 4).number(2, 1).text(8, "w").bytes(9, &[0; 8]);
    assert_eq!(structure(model(relu(), vec![short])), high);
    let two_graphs = model(relu(), vec![]).message(7, graph(relu(), vec![]));
    assert_eq!(structure(two_graphs), high);
}

#[test]
fn metadata_that_encodes_a_program_is_found() {
    let property = |text: &str| {
        let entry = Message::default().text(1, "note").text(2, text);
        model(vec![node("", "Relu")], vec![]).message(14, entry)
    };
    assert_eq!(structure(property("trained for 3 epochs")), None);
    let script = "IyEvYmluL3NoCmVjaG8gaGVsbG8gd29ybGQK";
    assert_eq!(structure(property(script)), Some(Severity::High));
}

#[test]
fn a_pickle_behind_the_model_is_judged() {
    let bytes =
        [&good()[..], b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93\x8c\x02id\x85R."].concat();
    let worst = findings("m.onnx", &bytes).into_iter().map(|finding| finding.severity).max();
    assert!(worst >= Some(Severity::High));
}
