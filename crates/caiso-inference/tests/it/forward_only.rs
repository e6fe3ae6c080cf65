//! Models that run forward and have no gradient.

use caiso_inference::{
    Access, Classifier, Differentiable, Error, LogitTap, Loss, Model, OnnxModel,
};

use crate::encoder::{Attribute, Graph, INT64};

const CAST_TO_INTEGER: [Attribute<'_>; 1] = [Attribute::Int("to", 7)];
const CAST_TO_FLOAT: [Attribute<'_>; 1] = [Attribute::Int("to", 1)];
const ROW: [f32; 4] = [0.5, -1.0, 2.0, 0.25];

/// `x` of four features times a constant matrix gives `scores` of three classes.
fn linear() -> Graph {
    Graph::new(17)
        .input(&[4])
        .floats("w", &[4, 3], &[0.5, -1.0, 2.0, 0.25, 1.5, -0.5, 1.0, 0.75, -2.0, 0.1, 0.2, 0.3])
        .node("MatMul", &["x", "w"], &["scores"], &[])
}

fn load(graph: &Graph) -> OnnxModel {
    OnnxModel::load(&graph.encode()).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn operators_without_gradient_are_named_and_the_model_still_answers() {
    let graph = linear()
        .node("Cast", &["scores"], &["c"], &CAST_TO_INTEGER)
        .node("Cast", &["c"], &["d"], &CAST_TO_FLOAT)
        .node("Floor", &["scores"], &["e"], &[])
        .node("Ceil", &["scores"], &["elsewhere"], &[])
        .node("Add", &["d", "e"], &["y"], &[])
        .output("y");
    let model = load(&graph);
    // The scores are 2.025, -0.45, -2.425 (the last weights times 0.25, -1, 2 and so on).
    let scores = load(&linear().output("scores")).logits(&ROW).unwrap();
    let expected: Vec<f32> = scores.iter().map(|x| x.trunc() + x.floor()).collect();
    assert_eq!(model.logits(&ROW).unwrap(), expected);
    assert!(model.differentiable().is_none());
    assert_eq!(model.access(), Access::Scores);
    let said: Vec<_> = model.spec().without_gradient.iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "ai.onnx.Cast (opset 17) in node n1: piecewise constant, without a gradient",
            "ai.onnx.Floor (opset 17) in node n3: piecewise constant, without a gradient",
        ]
    );
    let error = model.loss_and_gradient(&ROW, &[0], Loss::CrossEntropy).unwrap_err();
    assert!(matches!(error, Error::NoGradient), "{error}");
    let names = ["a", "b", "c"].map(str::to_owned).to_vec();
    assert!(Classifier::new(model, names).unwrap().differentiable().is_none());
}

#[test]
fn what_the_scores_do_not_need_blocks_nothing() {
    let graph = linear()
        .node("Round", &["scores"], &["elsewhere"], &[])
        .node("ArgMax", &["scores"], &["label"], &[Attribute::Int("axis", 1)])
        .output("scores")
        .output_of_type("label", INT64);
    let model = load(&graph);
    assert!(model.spec().without_gradient.is_empty());
    assert_eq!(model.access(), Access::Gradients);
}

#[test]
fn a_class_without_scores_gives_labels() {
    let graph = linear()
        .ints("s", &[0, 3, 1])
        .node("Cast", &["scores"], &["b"], &[Attribute::Int("to", 9)])
        .node("Cast", &["b"], &["i"], &CAST_TO_INTEGER)
        .node("Cast", &["i"], &["f"], &CAST_TO_FLOAT)
        .floats("v", &[3], &[1.0, 1.0, 0.0])
        .node("MatMul", &["f", "v"], &["sum"], &[])
        .node("Cast", &["sum"], &["label"], &[Attribute::Int("to", 9)])
        .output_of_type("label", INT64);
    let model = load(&graph);
    assert_eq!(model.spec().tap, LogitTap::Labels);
    assert_eq!(model.access(), Access::Labels);
    assert_eq!(model.classes(), 2);
    assert_eq!(model.logits(&[ROW, [0.0; 4]].concat()).unwrap(), [0.0, 1.0, 1.0, 0.0]);
    assert_eq!(model.predict(&[ROW, [0.0; 4]].concat()).unwrap(), [1, 0]);
}

#[test]
fn a_label_can_be_computed_with() {
    let graph = linear()
        .node(
            "ArgMax",
            &["scores"],
            &["label"],
            &[Attribute::Int("axis", 1), Attribute::Int("keepdims", 1)],
        )
        .node("Cast", &["label"], &["number"], &CAST_TO_FLOAT)
        .node("Add", &["scores", "number"], &["y"], &[])
        .output("y");
    let model = load(&graph);
    let scores = load(&linear().output("scores")).logits(&ROW).unwrap();
    let label = load(&linear().output("scores")).predict(&ROW).unwrap()[0];
    let expected: Vec<f32> = scores.iter().map(|x| x + label as f32).collect();
    assert_eq!(model.logits(&ROW).unwrap(), expected);
    assert_eq!(model.spec().without_gradient[0].operator, "ArgMax");
}
