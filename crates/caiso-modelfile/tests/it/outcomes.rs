//! What a reader is told about good and bad files.

use caiso_core::{CheckError, Outcome, Section, Severity};
use caiso_modelfile::{CHECKS, Format, Signature, applies};
use proptest::prelude::*;

use crate::fixtures::{Message, external, good, graph, node, onnx, tensor};
use crate::formats::MORTGAGE;
use crate::run::{input, run};

fn outcome(code: &str, bytes: &[u8]) -> Outcome {
    run(code, &input("model/test.onnx", bytes)).unwrap()
}

#[test]
fn every_unit_is_documented() {
    let mut codes: Vec<&str> = CHECKS.iter().map(|check| check.meta.code).collect();
    for check in CHECKS {
        for heading in ["## What it does", "## Why it matters", "## References"] {
            assert!(check.meta.docs.contains(heading), "{} lacks {heading}", check.meta.code);
        }
        assert_eq!(check.meta.section(), Section::Models);
    }
    let count = codes.len();
    codes.sort_unstable();
    codes.dedup();
    assert_eq!(codes.len(), count, "each code has one unit: {codes:?}");
}

#[test]
fn the_examples_model_is_described() {
    let input = input("model/mortgage.onnx", MORTGAGE);
    insta::assert_json_snapshot!("mortgage_MF-ID-001", run("MF-ID-001", &input).unwrap());
    let custom = run("MF-ONNX-001", &input).unwrap();
    assert!(custom.findings.is_empty() && custom.not_assessed.is_empty(), "{custom:?}");
    let external = run("MF-ONNX-002", &input).unwrap();
    assert!(external.findings.is_empty() && external.not_assessed.is_empty(), "{external:?}");
}

#[test]
fn a_name_that_promises_another_format_is_a_finding() {
    let pickle = b"\x80\x04\x8c\x02os\x94\x8c\x06system\x94\x93.";
    insta::assert_json_snapshot!(
        "masquerading_MF-ID-001",
        run("MF-ID-001", &input("model/test.onnx", pickle)).unwrap()
    );
    let findings =
        |path: &str, bytes: &[u8]| run("MF-ID-001", &input(path, bytes)).unwrap().findings;
    assert_eq!(findings("model/test.pkl", pickle).len(), 0);
    assert_eq!(findings("model/test.bin", pickle).len(), 0);
    assert_eq!(findings("model/test.bin", b"\x7fELF\x02\x01\x01").len(), 1);
    assert_eq!(findings("model/Test.ONNX", &good()).len(), 0);
}

#[test]
fn what_is_recognised_but_not_read_is_not_assessed() {
    let outcome = run("MF-ID-001", &input("model/test.gguf", b"GGUF\x03\0\0\0")).unwrap();
    assert_eq!(outcome.not_assessed.len(), 1);
    assert_eq!(outcome.facts["format"], "GGUF");
}

#[test]
fn what_cannot_be_read_says_why() {
    let reasons = |bytes: &[u8]| {
        let input = input("model/test.onnx", bytes);
        let onnx = CHECKS.iter().filter(|check| {
            check.meta.code == "MF-ID-001"
                || check.meta.code.starts_with("MF-ONNX-") && applies(check.meta.code, &input)
        });
        let said = onnx.map(|check| match run(check.meta.code, &input) {
            Ok(outcome) => {
                let reasons: Vec<&str> =
                    outcome.not_assessed.iter().map(|item| item.reason.as_str()).collect();
                let clear = matches!(input.format(), Some(Format::Text | Format::Pickle));
                assert!(clear || !reasons.is_empty(), "{}: {outcome:?}", check.meta.code);
                format!("{}: {}", check.meta.code, reasons.join("; "))
            }
            Err(error) => format!("{}: {error}", check.meta.code),
        });
        said.collect::<Vec<_>>().join("\n")
    };
    let not_text = onnx(&[("", 17)], graph(vec![Message::default().bytes(4, b"\xff\xfe")], vec![]));
    let cases = [
        ("cut in half", reasons(&MORTGAGE[..MORTGAGE.len() / 2])),
        ("a document", reasons(b"# Model card")),
        ("empty", reasons(b"")),
        ("a pickle", reasons(b"\x80\x04K\x01.")),
        ("a name that is not text", reasons(&not_text.finish())),
    ];
    let text = cases.map(|(case, reasons)| format!("{case}\n{reasons}")).join("\n\n");
    insta::assert_snapshot!(text);
}

#[test]
fn custom_operators_are_findings_unless_the_file_defines_them() {
    let model = |nodes: Vec<Message>| onnx(&[("", 17), ("com.example", 1)], graph(nodes, vec![]));
    let function =
        Message::default().text(1, "Scale").text(10, "com.example").message(7, node("", "Mul"));
    let shadow = Message::default().text(1, "Relu").message(7, node("", "Neg"));
    let subgraph = Message::default()
        .text(1, "then_branch")
        .message(6, graph(vec![node("com.evil", "Run")], vec![]))
        .number(20, 5);
    let inside_if = node("", "If").message(5, subgraph);
    let bad = model(vec![
        node("com.example", "Scale"),
        node("com.example", "Scale"),
        node("com.microsoft", "FusedGemm"),
        inside_if,
    ]);
    insta::assert_json_snapshot!("custom_MF-ONNX-001", outcome("MF-ONNX-001", &bad.finish()));

    let defined = model(vec![node("com.example", "Scale")]).message(25, function);
    assert_eq!(outcome("MF-ONNX-001", &defined.finish()).findings, []);
    let shadowed = model(vec![node("", "Relu")]).message(25, shadow).finish();
    let findings = outcome("MF-ONNX-001", &shadowed).findings;
    assert_eq!(findings.len(), 1);
    assert!(findings[0].message.contains("its own `Relu`"), "{}", findings[0].message);
}

#[test]
fn external_data_outside_the_folder_is_a_finding() {
    let model =
        |tensors: Vec<Message>| onnx(&[("", 17)], graph(vec![node("", "Relu")], tensors)).finish();
    let bad = model(vec![
        external("w1", &[("location", "../../etc/shadow")]),
        external("w2", &[("location", "/etc/passwd"), ("offset", "0"), ("length", "16")]),
        external("w3", &[("location", "https://example.org/w")]),
        external("w4", &[]),
        external("w5", &[("location", "w.bin"), ("location", "..\\w.bin")]),
        external("w6", &[("location", "w.bin"), ("offset", "-1")]),
    ]);
    insta::assert_json_snapshot!("escape_MF-ONNX-002", outcome("MF-ONNX-002", &bad));

    let beside = outcome("MF-ONNX-002", &model(vec![external("w", &[("location", "w.bin")])]));
    assert!(beside.findings.is_empty());
    assert_eq!(beside.not_assessed.len(), 1, "its bytes are not covered by the digest");
    let inside = outcome("MF-ONNX-002", &model(vec![tensor("w", &[1.0])]));
    assert!(inside.findings.is_empty() && inside.not_assessed.is_empty());
}

#[test]
fn external_data_in_an_attribute_is_seen_too() {
    let constant = node("", "Constant").message(
        5,
        Message::default()
            .text(1, "value")
            .message(5, external("c", &[("location", "../c")]))
            .number(20, 4),
    );
    let bytes = onnx(&[("", 17)], graph(vec![constant], vec![])).finish();
    assert_eq!(outcome("MF-ONNX-002", &bytes).findings.len(), 1);
}

#[test]
fn a_missing_signature_is_a_finding() {
    let unsigned = input("model/test.onnx", &good());
    insta::assert_json_snapshot!("unsigned_MF-SIG-001", run("MF-SIG-001", &unsigned).unwrap());
    let signed_by = |bytes: &[u8]| {
        let path = "model/test.sig".to_owned();
        let mut signed = unsigned.clone();
        signed.signature = Some(Signature { path, bytes: bytes.to_vec(), signer: None });
        run("MF-SIG-001", &signed).unwrap()
    };
    assert_eq!(signed_by(b" \n").findings.len(), 1);
    let bundle = signed_by(br#"{"verificationMaterial": {}, "dsseEnvelope": {}}"#);
    assert!(bundle.findings.is_empty());
    assert_eq!(bundle.facts["signature form"], "Sigstore bundle");
    assert_eq!(bundle.not_assessed.len(), 1, "nobody has verified it");
}

#[test]
fn severities_follow_what_an_attacker_gains() {
    let of =
        |code: &str| CHECKS.iter().find(|check| check.meta.code == code).unwrap().meta.severity;
    assert_eq!(of("MF-ONNX-002"), Severity::Critical);
    assert_eq!(of("MF-ONNX-001"), Severity::High);
    assert_eq!(of("MF-SIG-001"), Severity::Medium);
}

proptest! {
    #[test]
    fn a_damaged_model_never_panics(at in 0..MORTGAGE.len(), byte in any::<u8>(), cut in 0..MORTGAGE.len()) {
        let mut damaged = MORTGAGE.to_vec();
        damaged[at] = byte;
        for bytes in [&damaged[..], &MORTGAGE[..cut]] {
            let input = input("model/test.onnx", bytes);
            for check in CHECKS {
                let _ = run(check.meta.code, &input);
            }
        }
    }
}

#[test]
fn no_beginning_of_a_model_passes_for_the_whole() {
    for cut in 0..MORTGAGE.len() {
        let input = input("model/test.onnx", &MORTGAGE[..cut]);
        for code in ["MF-ID-001", "MF-ONNX-001", "MF-ONNX-002"] {
            match run(code, &input) {
                Ok(outcome) => assert!(!outcome.not_assessed.is_empty(), "{code}, {cut} bytes"),
                Err(error) => assert!(matches!(error, CheckError::NotAssessable { .. })),
            }
        }
    }
}

#[test]
fn fixtures_are_what_they_say() {
    let outcome = outcome("MF-ID-001", &good());
    assert_eq!(outcome.facts["operator sets"], "ai.onnx 17");
    assert_eq!(outcome.facts["inputs"], "x: float [batch, 4]");
    assert_eq!(outcome.measurement("parameters").unwrap().value.known(), Some(2.0));
}
