//! What training programs write into a pickle beside the model: versions and traces of the training.

use std::collections::BTreeMap;

use caiso_pickle::{Decoder, Instruction};

/// Instructions that are looked through; such notes stand near the front.
const MOST_STEPS: usize = 1 << 18;
/// Instructions between a key and its value: the memo is written.
const MOST_BETWEEN: usize = 3;

/// Key in the pickle, and what it is called in a description.
#[rustfmt::skip] // One line each.
const NOTES: &[(&str, &str)] = &[
    ("_sklearn_version", "version of scikit-learn"),
    ("best_accuracy", "training best accuracy"),
    ("best_loss", "training best loss"),
    ("batch_size", "training batch size"),
    ("epoch", "training epoch"),
    ("epochs", "training epochs"),
    ("global_step", "training step"),
    ("learning_rate", "training learning rate"),
    ("lr", "training learning rate"),
    ("loss", "training loss"),
    ("pytorch-lightning_version", "version of pytorch-lightning"),
    ("val_loss", "training validation loss"),
    ("weight_decay", "training weight decay"),
];

/// The notes with their values: the first of each.
pub(super) fn read(bytes: &[u8]) -> BTreeMap<String, String> {
    let mut notes = BTreeMap::new();
    let mut decoder = Decoder::new(bytes);
    let mut key: Option<(&str, usize)> = None;
    let mut position = 0;
    for _ in 0..MOST_STEPS {
        let Ok(instruction) = decoder.read(position) else { break };
        position = instruction.end;
        if let Some((name, between)) = key {
            if let Some(value) = value(&instruction, bytes) {
                notes.entry(name.to_owned()).or_insert(value);
                key = None;
                continue;
            }
            key = (between < MOST_BETWEEN && is_memo(instruction.code))
                .then_some((name, between.saturating_add(1)));
        }
        if let Some(text) = text(&instruction, bytes)
            && let Some((_, name)) = NOTES.iter().find(|(key, _)| key.as_bytes() == text)
        {
            key = Some((name, 0));
        }
    }
    notes
}

/// `PUT`, `BINPUT`, `LONG_BINPUT`, `MEMOIZE`.
fn is_memo(code: u8) -> bool {
    matches!(code, b'p' | b'q' | b'r' | 0x94)
}

/// The text of `UNICODE`, `BINUNICODE`, `SHORT_BINUNICODE`.
fn text<'a>(instruction: &Instruction, bytes: &'a [u8]) -> Option<&'a [u8]> {
    matches!(instruction.code, b'V' | b'X' | 0x8c)
        .then(|| bytes.get(instruction.payload()))
        .flatten()
}

/// A short text, an integer (`BININT`, `BININT1`, `BININT2`), or a double (`BINFLOAT`).
fn value(instruction: &Instruction, bytes: &[u8]) -> Option<String> {
    match instruction.code {
        b'J' | b'K' | b'M' => Some(instruction.number.to_string()),
        b'G' => {
            let double = f64::from_bits(instruction.number.cast_unsigned());
            double.is_finite().then(|| double.to_string())
        }
        _ => {
            let text = std::str::from_utf8(text(instruction, bytes)?).ok()?;
            (text.len() <= 100).then(|| text.to_owned())
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn keys_and_their_values_are_found_in_every_spelling() {
        // {'epoch': 7, 'loss': 0.5, '_sklearn_version': '1.9.1', 'lr': [1]} by protocol 4 and 2.
        let four = b"\x80\x04}\x94(\x8c\x05epoch\x94K\x07\x8c\x04loss\x94G?\xe0\0\0\0\0\0\0\
                     \x8c\x10_sklearn_version\x94\x8c\x051.9.1\x94\x8c\x02lr\x94]\x94K\x01au.";
        let two = b"\x80\x02}q\0(X\x05\0\0\0epochq\x01K\x07X\x04\0\0\0lossq\x02G?\xe0\0\0\0\0\0\0\
                    X\x10\0\0\0_sklearn_versionq\x03X\x05\0\0\x001.9.1q\x04X\x02\0\0\0lrq\x05]q\x06K\x01au.";
        for bytes in [&four[..], &two[..]] {
            let notes = super::read(bytes);
            let notes: Vec<_> =
                notes.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            assert_eq!(
                notes,
                [
                    ("training epoch", "7"),
                    ("training loss", "0.5"),
                    ("version of scikit-learn", "1.9.1")
                ]
            );
        }
    }
}
