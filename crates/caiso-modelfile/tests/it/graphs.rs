//! Exchange formats, networks as text, programs among weights: a bad and a good content each.

use caiso_modelfile::Format;
use proptest::prelude::*;

use crate::fixtures::Message;
use crate::run::{input, lines, survives};

/// The codes and severities of the findings above low.
fn found(name: &str, bytes: &[u8]) -> Vec<String> {
    let all = lines(name, bytes).into_iter();
    let two = |line: String| line.split(' ').take(2).collect::<Vec<_>>().join(" ");
    all.map(two).filter(|line| !line.ends_with("low") && !line.ends_with("info")).collect()
}

fn reasons(name: &str, bytes: &[u8]) -> Vec<String> {
    input(name, bytes).tree.gaps().map(|(_, gap)| gap.reason.clone()).collect()
}

#[test]
fn python_layers_of_caffe_are_found_however_they_are_written() {
    let bad = [
        r#"layer { name: "type" type: "Python" python_param { module: "os" layer: "system" } }"#,
        "layer\n{\n name: 'a'\n type\n:\n 'Python'\n}\n",
        r#"layer { type: "Py\164hon" }"#,
        r#"layer { type: "\x50ython" }"#,
        r#"layer { type: "Py" 'thon' }"#,
        r#"layer { type: "ReLU" } layers: { type: "Python" }"#,
        "layer <\n type: \"Python\"\n>",
        "layer { name: \"a#b\" type: \"Python\" }",
        "layer [{ type: \"ReLU\" }, { type: \"Python\" }]",
        "layer { type: \"Python\"",
    ];
    for text in bad {
        assert_eq!(found("net.prototxt", text.as_bytes()), ["MF-CAF-001 high"], "{text}");
    }
    let good = [
        "layer {\n name: \"Python\" type: \"ReLU\" # type: \"Python\"\n}\n",
        r#"layer { type: "Data" transform { type: "Python" } }"#,
    ];
    for text in good {
        assert_eq!(found("net.prototxt", text.as_bytes()), [""; 0], "{text}");
        assert_eq!(input("net.prototxt", text.as_bytes()).format(), Some(Format::Caffe), "{text}");
    }
    let named = r#"layer { python_param { layer: "system" module: "os" } type: "Python" }"#;
    assert_eq!(lines("net.prototxt", named.as_bytes()), ["MF-CAF-001 high layer os.system"]);
}

#[test]
fn a_network_that_nests_too_deep_is_not_assessed_wholly() {
    let deep = format!("layer {{ type: \"ReLU\" }} {}", "a {".repeat(200));
    assert_eq!(reasons("net.prototxt", deep.as_bytes()).len(), 1);
}

#[test]
fn formats_that_are_not_read_say_so() {
    let cases: [(&[u8], &str); 9] = [
        (b"A\n3\n262656\n197888\n5\nUTF-8\n", "R object"),
        (b"RDX3\nX\n\0\0\0\x03", "R data"),
        (b"\x04\0\0\0\x01\0\0\0\x03\0\0\0V 1\x11\0\0\0torch.FloatTensor", "Torch7"),
        (b"{\"nodes\": [], \"arg_nodes\": [0], \"heads\": [[1, 0, 0]]}", "MXNet graph"),
        (b"{\"base_code\": {\"magic\": \"pir\"}, \"program\": {}}", "Paddle program"),
        (b"saved_model_schema_version: 1\nmeta_graphs {\n}\n", "TensorFlow SavedModel as text"),
        (b"node {\n name: \"a\"\n op: \"PyFunc\"\n attr {\n }\n}\n", "TensorFlow graph as text"),
        (b"\x1c\0\0\0ET12", "ExecuTorch"),
        (b"tjgg\x03\0\0\0", "GGML"),
    ];
    for (bytes, name) in cases {
        let reason = format!("the format {name} is recognised and not read");
        assert_eq!(reasons("model", bytes), [reason], "{name}");
    }
    let texts = ["nodes: a, b\n", "{\"nodes\": []}", "node name op attr are words\n", "A\nB\n3\n"];
    for text in texts {
        assert_eq!(reasons("notes.txt", text.as_bytes()), [""; 0], "{text}");
    }
}

/// A graph of TensorFlow with one node.
fn graph(operator: &str) -> Message {
    Message::default().message(1, Message::default().text(1, "n").text(2, operator))
}

#[test]
fn fields_that_tensorflow_steps_over_hide_no_graph() {
    let meta = |operator| Message::default().message(2, graph(operator));
    let unknown = || Message::default().text(15, "a");
    let with = |start: Message, operator| start.message(2, meta(operator)).finish();
    let bare = |operator| with(Message::default(), operator);
    let bad = [
        with(Message::default().number(1, 0), "WriteFile"),
        with(unknown(), "WriteFile"),
        bare("WriteFile"),
        Message::default().message(2, meta("WriteFile").text(15, "a")).finish(),
        graph("WriteFile").text(15, "a").finish(),
        Message::default().text(15, "a").message(1, node_of("WriteFile")).finish(),
    ];
    for (index, bytes) in bad.iter().enumerate() {
        assert_eq!(found("saved_model.pb", bytes), ["MF-TF-001 critical"], "{index}");
    }
    assert_eq!(found("saved_model.pb", &with(unknown(), "MatMul")), [""; 0]);
}

fn node_of(operator: &str) -> Message {
    Message::default().text(1, "n").text(2, operator)
}

#[test]
fn openvino_that_reads_outside_itself_is_found() {
    let net = |head: &str, layer: &str| {
        format!(
            "<?xml version=\"1.0\"?>{head}<net name=\"n\" version=\"11\"><layers>\
             <layer id=\"0\" name=\"x\" type=\"{layer}\" version=\"opset1\"/></layers>\
             <edges/></net>"
        )
    };
    let entity = "<!DOCTYPE net [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>";
    assert_eq!(found("m.xml", net(entity, "Relu").as_bytes()), ["MF-OV-001 high"]);
    assert_eq!(found("m.xml", net("", "Relu").as_bytes()), [""; 0]);
}

#[test]
fn core_ml_models_that_need_other_code_are_found() {
    let model = |kind, content| {
        let about = Message::default().message(100, Message::default().text(1, "caiso"));
        Message::default().number(1, 4).message(2, about).message(kind, content).finish()
    };
    let relu = Message::default().message(1, Message::default().text(1, "relu"));
    assert_eq!(found("m.mlmodel", &model(500, relu)), [""; 0]);
    let custom = Message::default().text(10, "MyModel");
    let mut bytes = model(555, custom);
    assert_eq!(found("m.mlmodel", &bytes), ["MF-CML-001 medium"]);
    bytes.extend(Message::default().text(15, "a field that Core ML steps over").finish());
    assert_eq!(found("m.mlmodel", &bytes), ["MF-CML-001 medium"]);
}

#[test]
fn a_content_of_several_formats_is_found() {
    let zip = crate::fixtures::zip(&["readme.txt"]);
    let both = [b"\x80\x04K\x01.".as_slice(), &zip].concat();
    assert!(found("m.bin", &both).contains(&"MF-ID-002 medium".to_owned()));
    assert_eq!(found("m.bin", &zip), [""; 0]);
}

#[test]
fn a_program_that_is_called_weights_is_found() {
    let program = [b"\x7fELF\x02\x01\x01".as_slice(), &[0; 64]].concat();
    let name = b"weights.bin";
    let tar = |content: &[u8]| {
        let mut header = vec![0; 512];
        header[..name.len()].copy_from_slice(name);
        header[100..107].copy_from_slice(b"0000644");
        header[124..135].copy_from_slice(format!("{:011o}", content.len()).as_bytes());
        header[148..156].copy_from_slice(b"        ");
        header[156] = b'0';
        header[257..265].copy_from_slice(b"ustar\x0000");
        let sum: u32 = header.iter().map(|&byte: &u8| u32::from(byte)).sum();
        header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
        header[154] = 0;
        header.extend_from_slice(content);
        header.resize(header.len().next_multiple_of(512) + 1024, 0);
        header
    };
    assert_eq!(found("m.tar", &tar(&program)), ["MF-ID-003 high"]);
    assert_eq!(found("m.tar", &tar(b"label one\nlabel two\n")), [""; 0]);
}

#[test]
fn code_in_extensions_of_pmml_is_found_however_it_is_divided() {
    let model = |inside: &str| {
        format!("<?xml version=\"1.0\"?><PMML version=\"4.4\"><Header/>{inside}</PMML>")
            .into_bytes()
    };
    let bad = [
        "<Extension value=\"java.lang.Runtime.getRun&#x74;ime().exec(1)\"/>",
        "<Extension><code>os.system(1)</code></Extension>",
        "<Extension><code value=\"os.system(1)\"/></Extension>",
        "<Extension>os.sys<![CDATA[tem(]]>1)</Extension>",
        "<Extension>os.sys<!-- -->tem(1)</Extension>",
        "<Extension>o&#115;.syste&#x6d;(1)</Extension><Header/>",
    ];
    for text in bad {
        assert_eq!(found("m.pmml", &model(text)), ["MF-PMML-001 high"], "{text}");
    }
    let good =
        "<p:Extension xmlns:p=\"http://www.dmg.org/PMML-4_4\">notes</p:Extension>os.system(1)";
    assert_eq!(found("m.pmml", &model(good)), [""; 0]);
    assert_eq!(found("m.pmml", &model("<Apply function=\"min max\"/>")), ["MF-PMML-001 medium"]);
    assert_eq!(found("m.pmml", &model("<Apply function=\"max\"/>")), [""; 0]);
}

proptest! {
    #[test]
    fn any_text_after_a_layer_is_read_without_a_panic(text in "[a-z{}<>:\"'\\\\#\n0-7xuU \\[\\]]{0,200}") {
        survives("net.prototxt", format!("layer {{ type: \"ReLU\" }} layer {{ type: {text}").as_bytes());
    }
}
