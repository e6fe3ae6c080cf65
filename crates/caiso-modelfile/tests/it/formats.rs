//! Identification by content.

use caiso_modelfile::{Format, InMemory, Limits, read};
use proptest::prelude::*;

use crate::fixtures::{Message, good, zip};

fn identify(bytes: &[u8]) -> Option<Format> {
    let tree = read("model", bytes, &Limits::default(), &InMemory);
    Some(tree.root()?.readings.first()?.format)
}

pub(crate) const MORTGAGE: &[u8] =
    include_bytes!("../../../../examples/mortgage/model/mortgage.onnx");

#[test]
fn each_format_is_recognised_by_its_content() {
    let user_block = [vec![0; 512], b"\x89HDF\r\n\x1a\n".to_vec()].concat();
    let tar = tar_header();
    let saved_model =
        Message::default().number(1, 1).message(2, Message::default().text(1, "m")).finish();
    let joblib = b"\x80\x04\x8c\x13joblib.numpy_pickle\x8c\x11NumpyArrayWrapper\x93.".as_slice();
    let cases: [(&[u8], Format); 25] = [
        (MORTGAGE, Format::Onnx),
        (&good(), Format::Onnx),
        (&saved_model, Format::SavedModel),
        (b"\x1c\0\0\0TFL3", Format::TensorFlowLite),
        (b"\x80\x04K\x01.", Format::Pickle),
        (b"\x80\x02}q\0.", Format::Pickle),
        (b"cos\nsystem\n(S'id'\ntR.", Format::Pickle),
        (b"(dp0\nS'a'\np1\nI1\ns.", Format::Pickle),
        (b"}q\0U\x01aq\x01K\x01s.", Format::Pickle),
        (joblib, Format::Joblib),
        (&zip(&["archive/data.pkl", "archive/data/0"]), Format::PyTorch),
        (&zip(&["m/data.pkl", "m/code/__torch__.py"]), Format::TorchScript),
        (&zip(&["metadata.json", "config.json", "model.weights.h5"]), Format::Keras),
        (&zip(&["a.npy", "b.npy"]), Format::NumpyArchive),
        (&zip(&["readme.txt"]), Format::Zip),
        (b"\x89HDF\r\n\x1a\n\0", Format::Hdf5),
        (&user_block, Format::Hdf5),
        (b"\x89HDF\r\n\x1a\n\0\0keras_version", Format::KerasHdf5),
        (b"\x02\0\0\0\0\0\0\0{\"", Format::Safetensors),
        (b"GGUF\x03\0\0\0", Format::Gguf),
        (b"\x93NUMPY\x01\0", Format::Numpy),
        (b"\x1f\x8b\x08", Format::Gzip),
        (b"7z\xbc\xaf\x27\x1c", Format::SevenZip),
        (&tar, Format::Tar),
        (b"\x7fELF\x02", Format::Executable),
    ];
    for (bytes, format) in cases {
        assert_eq!(identify(bytes), Some(format), "{:?}", &bytes[..bytes.len().min(32)]);
    }
}

/// The header of an empty file `a`, with its checksum.
fn tar_header() -> Vec<u8> {
    let mut header = vec![0; 512];
    header[0] = b'a';
    header[124..135].copy_from_slice(b"00000000000");
    header[148..156].copy_from_slice(b"        ");
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum: u32 = header.iter().map(|&byte: &u8| u32::from(byte)).sum();
    header[148..154].copy_from_slice(format!("{sum:06o}").as_bytes());
    header[154] = 0;
    header
}

#[test]
fn what_is_no_model_is_not_recognised() {
    let other_protobuf = Message::default().number(1, 3).number(7, 4).finish();
    for bytes in [b"".as_slice(), b"\0", &other_protobuf] {
        assert_eq!(identify(bytes), None, "{bytes:?}");
    }
    let texts: [&[u8]; 4] =
        [b"a,b\n1,2\n", b"{\"a\": 1}", b"The model is good.", b"Yes (I think so)."];
    for text in texts {
        assert_eq!(identify(text), Some(Format::Text), "{text:?}");
    }
}

#[test]
fn a_model_cut_in_half_is_still_known_as_one() {
    assert_eq!(identify(&MORTGAGE[..MORTGAGE.len() / 2]), Some(Format::Onnx));
    let torch = zip(&["archive/data.pkl", "archive/data/0"]);
    assert_eq!(identify(&torch[..60]), Some(Format::PyTorch));
}

proptest! {
    #[test]
    fn any_bytes_are_identified_without_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        let _ = identify(&bytes);
        for magic in [&b"PK\x03\x04"[..], b"PK\x05\x06", b"\x08\x08", b"\x80\x04", b"c", b"("] {
            let _ = identify(&[magic, &bytes].concat());
        }
    }
}
