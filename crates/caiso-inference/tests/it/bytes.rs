//! Bytes that are not, or no longer, an ONNX file.

use caiso_inference::onnx::{Budget, DecodeError, Model as File};
use caiso_inference::{Error, Loss, Model, OnnxModel};
use proptest::prelude::*;

use crate::encoder::{bytes, number, text};

const FILES: [&[u8]; 7] = [
    include_bytes!("../../../../examples/mortgage/model/mortgage.onnx"),
    include_bytes!("../fixtures/torch-legacy.onnx"),
    include_bytes!("../fixtures/image-legacy.onnx"),
    include_bytes!("../fixtures/conv-legacy.onnx"),
    include_bytes!("../fixtures/logistic-three-names.onnx"),
    include_bytes!("../fixtures/perceptron-two.onnx"),
    include_bytes!("../fixtures/one-vs-rest.onnx"),
];

/// Runs what can be loaded.
fn exercise(bytes: &[u8]) {
    if let Ok(file) = File::decode(bytes) {
        let _ = (file.operators(), file.external_data(), file.parameter_count());
    }
    if let Ok(model) = OnnxModel::load(bytes)
        && model.features() < 10_000
        && model.classes() < 10_000
    {
        let rows = vec![0.5; 2 * model.features()];
        assert_eq!(model.logits(&rows).unwrap().len(), 2 * model.classes());
        if let Some(model) = model.differentiable() {
            let (losses, gradients) =
                model.loss_and_gradient(&rows, &[0, 1], Loss::CrossEntropy).unwrap();
            assert_eq!((losses.len(), gradients.len()), (2, rows.len()));
        }
    }
}

#[test]
fn a_file_cut_anywhere_is_an_error_that_says_where() {
    for file in FILES {
        let mut named = 0;
        for end in 0..file.len() {
            match OnnxModel::load(&file[..end]) {
                Err(Error::Decode(DecodeError::Truncated { offset, left, .. })) => {
                    // The content that is cut off runs to the end of what there is.
                    assert!(offset + left <= end, "{end}");
                    named += 1;
                }
                // Cut between two fields of the file: no graph yet, or no operator sets.
                Err(_) => exercise(&file[..end]),
                Ok(_) => assert!(end + 20 > file.len(), "loads from {end} bytes"),
            }
        }
        assert!(named > file.len() * 9 / 10, "{named} of {}", file.len());
    }
    let error = OnnxModel::load(&FILES[0][..2000]).err().unwrap().to_string();
    assert_eq!(
        error,
        "the ONNX file is cut off: ModelProto.graph at byte 22 needs 5038 bytes, 1978 are left; \
         copy or export the file again"
    );
}

#[test]
fn what_is_no_onnx_file_at_all_is_said_to_be_none() {
    for (bytes, message) in [
        (&b""[..], "not an ONNX model: there is no graph among the 0 fields found"),
        (b"PK\x03\x04 zip", "not an ONNX file: field number 0 at byte 2"),
        (b"{\"json\": 1}", "not an ONNX file: "),
        (b"\x80\x04\x95pickle", "the ONNX file is cut off"),
        (
            b"\x3a\x00\x3a\x00",
            "the ONNX file can be read in several ways: ModelProto.graph occurs a second time at byte 4",
        ),
    ] {
        let error = OnnxModel::load(bytes).err().unwrap().to_string();
        assert!(error.starts_with(message), "{bytes:?}: {error}");
    }
}

#[test]
fn nesting_and_numbers_are_bounded() {
    // A graph in an attribute of a node of a graph, and so on.
    let mut graph = Vec::new();
    for _ in 0..2000 {
        let attribute = [text(1, "body"), bytes(6, &graph), number(20, 5)].concat();
        graph = bytes(1, &[text(4, "If"), bytes(5, &attribute)].concat());
    }
    let error = File::decode(&bytes(7, &graph)).unwrap_err();
    assert!(matches!(error, DecodeError::Budget { what: "nested levels", .. }), "{error}");

    let many = bytes(7, &bytes(1, &text(1, "a").repeat(50)));
    let small = Budget { depth: 8, items: 20, elements: 20 };
    let error = File::decode_within(&many, small).unwrap_err();
    assert!(matches!(error, DecodeError::Budget { limit: 20, .. }), "{error}");

    let tensor = bytes(5, &bytes(4, &[0; 400]));
    let error = File::decode_within(&bytes(7, &tensor), small).unwrap_err();
    assert!(
        matches!(error, DecodeError::Budget { what: "tensor elements in lists", .. }),
        "{error}"
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(3000))]

    #[test]
    fn changed_bytes_never_panic(
        which in 0..FILES.len(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let mut file = FILES[which].to_vec();
        for (at, value) in changes {
            let at = at.index(file.len());
            file[at] = value;
        }
        exercise(&file);
    }

    #[test]
    fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        exercise(&bytes);
    }
}

/// Models of trees, in each of the forms that are read.
const TREES: [&[u8]; 5] = [
    include_bytes!("../fixtures/trees/xgboost-two.model.json"),
    include_bytes!("../fixtures/trees/xgboost-two-ubjson.ubj"),
    include_bytes!("../fixtures/trees/xgboost-linear.model.json"),
    include_bytes!("../fixtures/trees/lightgbm-two.model.txt"),
    include_bytes!("../fixtures/trees/lightgbm-zero.model.txt"),
];

proptest! {
    /// Whatever loads also answers.
    #[test]
    fn damaged_trees_are_refused_or_answer(
        which in 0..TREES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..6),
        end in any::<prop::sample::Index>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = TREES[which].to_vec();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        if let Ok(model) = caiso_inference::load(&bytes) {
            let rows = vec![0.5; 2 * model.features().min(1000)];
            if model.features() <= 1000 {
                prop_assert_eq!(model.logits(&rows).unwrap().len(), 2 * model.classes());
            }
        }
    }
}

#[test]
fn other_formats_are_named_as_such() {
    for bytes in [&b"PK\x03\x04"[..], b"", b"\x80\x04\x95", b"tree of life"] {
        let message = caiso_inference::load(bytes).err().unwrap().to_string();
        assert!(
            message.starts_with("the file is not one of the models that are read: ONNX, XGBoost"),
            "{message}"
        );
    }
    let message = caiso_inference::load(b"{\"a\": [1, 2}").err().unwrap().to_string();
    assert_eq!(
        message,
        "the XGBoost model cannot be read: expected `,` or `]` at line 1 column 12"
    );
    let message = caiso_inference::load(b"{\"a\": []}").err().unwrap().to_string();
    assert_eq!(message, "document: \"learner\" is missing");
    let message = caiso_inference::load(b"tree\nversion=v4\n").err().unwrap().to_string();
    assert_eq!(
        message,
        "the LightGBM model cannot be read: the line \"end of trees\" is missing, it is cut off"
    );
}
