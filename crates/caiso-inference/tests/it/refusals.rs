//! What is refused, and how it is said; where logits are taken from.

use caiso_inference::{Classifier, Differentiable, Error, LogitTap, Loss, Model, OnnxModel};

use crate::encoder::{Attribute, DOUBLE, FLOAT, Graph, INT64};

fn message(graph: &Graph) -> String {
    OnnxModel::load(&graph.encode()).err().expect("it is refused").to_string()
}

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
fn all_unsupported_operators_are_named_at_once() {
    let mut graph = Graph::new(17)
        .input(&[4])
        .node("Det", &["x"], &["a"], &[])
        .node("com.acme:Scramble", &["a"], &["b"], &[])
        .node("Relu", &["b"], &["c"], &[])
        .node("org.nowhere:Twist", &["c"], &["scores"], &[])
        .node("NonZero", &["x"], &["unused"], &[])
        .output("scores");
    graph.import("com.acme", 2);
    assert_eq!(
        message(&graph),
        "3 operators are not supported: ai.onnx.Det (opset 17) in node n0; \
         com.acme.Scramble (opset 2) in node n1; \
         org.nowhere.Twist (domain not imported) in node n3"
    );
}

#[test]
fn what_mixes_rows_is_refused_with_its_reason() {
    let reason = |graph: Graph| {
        let message = message(&graph.output("y"));
        message.split_once(": ai.onnx.").map(|(_, rest)| rest.to_owned()).unwrap_or(message)
    };
    assert_eq!(
        reason(linear().ints("s", &[3, -1]).node("Reshape", &["scores", "s"], &["y"], &[])),
        "Reshape (opset 17) in node n1: a reshape to [3, -1] mixes the rows of a batch"
    );
    assert_eq!(
        reason(linear().node("Softmax", &["scores"], &["y"], &[Attribute::Int("axis", 0)])),
        "Softmax (opset 17) in node n1: axis = 0 mixes the rows of a batch"
    );
    assert_eq!(
        reason(
            linear()
                .floats("v", &[3], &[1.0; 3])
                .node("Transpose", &["scores"], &["t"], &[])
                .node("MatMul", &["v", "t"], &["u"], &[])
                .node("CumSum", &["t", "zero"], &["y"], &[])
                .ints("zero", &[1])
        ),
        "CumSum (opset 17) in node n3: axis = 1 mixes the rows of a batch"
    );
    assert_eq!(
        reason(linear().floats("c", &[2, 3], &[0.0; 6]).node("Add", &["scores", "c"], &["y"], &[])),
        "Add (opset 17) in node n1: a constant differs between the rows of a batch"
    );
    assert_eq!(
        reason(linear().node("Flatten", &["scores"], &["y"], &[Attribute::Int("axis", 0)])),
        "output \"y\": has shape [1, 3 batch], expected one score for each class of each row"
    );
}

#[test]
fn graphs_that_contradict_themselves_are_refused() {
    let cases = [
        (
            Graph::new(29).input(&[4]).node("Relu", &["x"], &["y"], &[]).output("y"),
            "operator set ai.onnx: version 29 is not between 7 and 28; export the model with an operator set in that range",
        ),
        (
            Graph::new(17).input_of_type("x", DOUBLE, &[4]).output("x"),
            "input \"x\": has type double, expected float (32 bits)",
        ),
        (
            Graph::new(17).input_of_type("ids", INT64, &[4]).output("x"),
            "input \"ids\": has type int64, expected float (32 bits)",
        ),
        (
            Graph::new(17).input(&[]).output("x"),
            "input \"x\": has one axis only, expected [batch, features]",
        ),
        (
            Graph::new(17).input(&[4]).input_of_type("z", FLOAT, &[1]).output("x"),
            "graph: it has 2 inputs [\"x\", \"z\"], expected a single one that holds all features",
        ),
        (
            linear().node("Relu", &["nothing"], &["y"], &[]).output("y"),
            "node 1 \"n1\" (Relu): takes \"nothing\", which nothing before it yields",
        ),
        (
            linear().node("Relu", &["x"], &["scores"], &[]).output("scores"),
            "node 1 \"n1\" (Relu): yields \"scores\", which there is already",
        ),
        (
            Graph::new(17)
                .input(&[5])
                .floats("w", &[4, 3], &[0.0; 12])
                .node("MatMul", &["x", "w"], &["y"], &[])
                .output("y"),
            "node 0 \"n0\" (MatMul): weights of shape [4, 3] do not fit rows that end in 5 values",
        ),
        (
            linear()
                .floats("c", &[4], &[0.0; 4])
                .node("Add", &["scores", "c"], &["y"], &[])
                .output("y"),
            "node 1 \"n1\" (Add): shapes [3] and [4] do not broadcast",
        ),
        (
            Graph::new(17)
                .input(&[4])
                .floats("w", &[4, 3], &[0.0; 7])
                .node("MatMul", &["x", "w"], &["y"], &[])
                .output("y"),
            "initializer \"w\": 12 values of type float cannot be read from its data",
        ),
        (linear().output("elsewhere"), "graph: no output depends on the input"),
        (
            linear().node("Neg", &["scores"], &["y"], &[]).output("y").output("scores"),
            "graph: its outputs [\"y\", \"scores\"] hold different scores, expected one output",
        ),
        (
            Graph::new(17).input(&[2, 3]).output("x").node("Relu", &["x"], &["y"], &[]).output("y"),
            "graph: its outputs [\"x\", \"y\"] hold different scores, expected one output",
        ),
        (
            Graph::new(17).input(&[2, 3]).node("Relu", &["x"], &["y"], &[]).output("y"),
            "output \"y\": has rows of shape [2, 3], expected one score for each class",
        ),
    ];
    for (graph, expected) in cases {
        assert_eq!(message(&graph), expected);
    }
}

#[test]
fn logits_are_found_behind_the_ends_that_models_have() {
    let row = [0.5, -1.0, 2.0, 0.25];
    let bare = load(&linear().output("scores"));
    let logits = bare.logits(&row).unwrap();
    assert_eq!(bare.spec().tap, LogitTap::Output);
    let same = |graph: Graph, tap| {
        let model = load(&graph);
        assert_eq!(model.spec().tap, tap);
        assert_eq!(model.logits(&row).unwrap(), logits);
    };
    let softmax = || linear().node("Softmax", &["scores"], &["p"], &[]);
    let axis = || [Attribute::Int("axis", 1), Attribute::Int("keepdims", 0)];
    same(softmax().output("p"), LogitTap::Softmax);
    same(softmax().output("scores").output("p"), LogitTap::Output);
    same(linear().node("Sigmoid", &["scores"], &["p"], &[]).output("p"), LogitTap::Sigmoids);
    let label = || softmax().node("ArgMax", &["p"], &["label"], &axis());
    same(label().output_of_type("label", INT64), LogitTap::ArgMax);
    same(label().output_of_type("label", INT64).output("p"), LogitTap::Softmax);
    let l1 = [Attribute::Text("norm", "L1")];
    same(
        softmax().node("ai.onnx.ml:Normalizer", &["p"], &["q"], &l1).output("q"),
        LogitTap::Softmax,
    );
}

/// `z` of one column, and what is made of it.
fn single() -> Graph {
    Graph::new(17).input(&[4]).floats("w", &[4, 1], &[0.5, 0.25, -1.0, 2.0]).node(
        "MatMul",
        &["x", "w"],
        &["z"],
        &[],
    )
}

#[test]
fn one_score_becomes_two_logits() {
    let row = [1.0, 2.0, 3.0, 4.0];
    let logits = |graph: Graph, tap| {
        let model = load(&graph);
        assert_eq!((model.spec().tap, model.classes()), (tap, 2));
        model.logits(&row).unwrap()
    };
    assert_eq!(logits(single().output("z"), LogitTap::SingleOutput), [0.0, 6.0]);
    let sigmoid = || single().node("Sigmoid", &["z"], &["p"], &[]);
    assert_eq!(logits(sigmoid().output("p"), LogitTap::Sigmoid), [0.0, 6.0]);
    let pair = |order: [&str; 2]| {
        sigmoid()
            .floats("one", &[], &[1.0])
            .node("Sub", &["one", "p"], &["q"], &[])
            .node("Concat", &order, &["pair"], &[Attribute::Int("axis", 1)])
            .output("pair")
    };
    assert_eq!(logits(pair(["q", "p"]), LogitTap::Sigmoid), [0.0, 6.0]);
    assert_eq!(logits(pair(["p", "q"]), LogitTap::Sigmoid), [6.0, 0.0]);

    let model = load(&pair(["p", "q"]));
    let (losses, gradient) = model.loss_and_gradient(&row, &[1], Loss::CrossEntropy).unwrap();
    // log(1 + e^6), and its derivative sigmoid(6) times the weights: where a probability would be 1.
    assert!((losses[0] - 6.002_475_7).abs() < 1e-6);
    let slope = 0.997_527_4;
    for (gradient, weight) in gradient.iter().zip([0.5, 0.25, -1.0, 2.0]) {
        assert!((gradient - slope * weight).abs() < 1e-6, "{gradient} {weight}");
    }
}

#[test]
fn one_against_the_rest_is_normalised_in_logarithms() {
    let coefficients: Vec<f32> = (0..12).map(|i| (i as f32 - 5.0) / 4.0).collect();
    let graph = Graph::new(17)
        .input(&[4])
        .node(
            "ai.onnx.ml:LinearClassifier",
            &["x"],
            &["label", "scores"],
            &[
                Attribute::Floats("coefficients", &coefficients),
                Attribute::Floats("intercepts", &[0.5, -0.25, 0.0]),
                Attribute::Texts("classlabels_strings", &["low", "middle", "high"]),
                Attribute::Text("post_transform", "LOGISTIC"),
            ],
        )
        .node("ai.onnx.ml:Normalizer", &["scores"], &["p"], &[Attribute::Text("norm", "L1")])
        .output_of_type("label", INT64)
        .output("p");
    let model = load(&graph);
    assert_eq!(model.spec().tap, LogitTap::OneVsRest);
    assert_eq!(model.spec().labels, ["low", "middle", "high"]);
    let row = [1.0, -0.5, 0.25, 2.0];
    let sigmoids: Vec<f64> = (0..3)
        .map(|class| {
            let terms = (0..4).map(|i| f64::from(coefficients[4 * class + i] * row[i]));
            let z = terms.sum::<f64>() + [0.5, -0.25, 0.0][class];
            1.0 / (1.0 + (-z).exp())
        })
        .collect();
    let total: f64 = sigmoids.iter().sum();
    for (probability, sigmoid) in model.probabilities(&row).unwrap().iter().zip(&sigmoids) {
        assert!((f64::from(*probability) - sigmoid / total).abs() < 1e-6);
    }
}

#[test]
fn calls_that_do_not_fit_the_model_are_refused() {
    let model = load(&linear().output("scores"));
    let rows = [0.0; 8];
    let said = |result: Result<_, Error>| {
        result.map(|_: (Vec<f32>, Vec<f32>)| ()).unwrap_err().to_string()
    };
    let call = |rows: &[f32], labels: &[usize]| {
        said(model.loss_and_gradient(rows, labels, Loss::CrossEntropy))
    };
    assert_eq!(call(&rows[..7], &[0, 1]), "7 values are not 2 rows of 4 features");
    assert_eq!(call(&rows, &[0]), "8 values are not 1 row of 4 features");
    assert_eq!(call(&rows, &[0, 3]), "row 1 has class 3, the model knows 3 classes, from 0");
    let mut gradients = [0.0; 4];
    let error = model.session().backward(&mut gradients).unwrap_err();
    assert_eq!(error.to_string(), "backward was asked for before any forward");
    assert_eq!(
        model.logits(&rows[..3]).unwrap_err().to_string(),
        "3 values are not whole rows of 4 features"
    );
    assert!(model.logits(&[]).unwrap().is_empty());
    assert_eq!(model.loss_and_gradient(&[], &[], Loss::Margin).unwrap(), (vec![], vec![]));
}

#[test]
fn queries_are_counted_by_rows() {
    let model = load(&linear().output("scores"));
    let labels = ["a", "b", "c"].map(str::to_owned).to_vec();
    let classifier = Classifier::new(model, labels).unwrap();
    classifier.predict(&[0.0; 12]).unwrap();
    classifier.loss_and_gradient(&[0.0; 8], &[0, 1], Loss::CrossEntropy).unwrap();
    assert_eq!(classifier.queries(), 5);
    assert_eq!(classifier.labels()[2], "c");
    let model = load(&linear().output("scores"));
    assert!(Classifier::new(model, vec!["a".to_owned()]).is_err());
}
