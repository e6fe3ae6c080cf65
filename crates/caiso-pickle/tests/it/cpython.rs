//! Against CPython: the listing of `pickletools`, and the imports that both unpicklers make.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use caiso_pickle::{Decoder, End, EventKind, Limits, analyse, opcode_name};
use serde::Deserialize;

const CASES: usize = 4000;

#[derive(Deserialize)]
struct Case {
    pickle: String,
    ops: Vec<(usize, String, usize, Option<String>)>,
    error: Option<String>,
    python: Load,
    c: Load,
}

#[derive(Deserialize)]
struct Load {
    log: Vec<(String, String)>,
    error: Option<String>,
}

fn cases(seed: u32) -> Option<Vec<(Vec<u8>, Case)>> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/cpython.py");
    let output =
        Command::new("python3").arg(script).args([seed.to_string(), CASES.to_string()]).output();
    let output = match output {
        Ok(output) => output,
        Err(error) => {
            let ci = std::env::var_os("CI").is_some_and(|value| value == "true");
            assert!(!ci, "python3 is needed to compare with CPython: {error}");
            eprintln!("skipped: python3 does not start ({error})");
            return None;
        }
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cases: Vec<_> = String::from_utf8(output.stdout)
        .unwrap()
        .lines()
        .map(|line| {
            let case: Case = serde_json::from_str(line).unwrap();
            let bytes: Vec<u8> = (0..case.pickle.len())
                .step_by(2)
                .map(|at| u8::from_str_radix(&case.pickle[at..at + 2], 16).unwrap())
                .collect();
            (bytes, case)
        })
        .collect();
    assert_eq!(cases.len(), CASES);
    Some(cases)
}

/// What `pickletools` refuses in a text argument and the unpicklers accept, or judge only later.
const TEXT: [u8; 10] = *b"FILSVPgpci";

#[test]
fn listings_agree() {
    let Some(cases) = cases(1) else { return };
    let (mut instructions, mut refused) = (0, 0);
    for (pickle, case) in &cases {
        let context = || format!("{pickle:02x?} {:?}", case.error);
        let mut decoder = Decoder::new(pickle);
        let mut position = 0;
        for (at, name, end, number) in &case.ops {
            let found =
                decoder.read(position).unwrap_or_else(|error| panic!("{error} {}", context()));
            assert_eq!((found.start, found.end), (*at, *end), "{}", context());
            assert_eq!(opcode_name(found.code), Some(name.as_str()), "{}", context());
            let fixed = matches!(found.code, b'J' | b'K' | b'M' | b'h' | b'j' | b'q' | b'r')
                || matches!(found.code, 0x80 | 0x82 | 0x83 | 0x84 | 0x95);
            if fixed {
                let number: u64 = number.as_ref().unwrap().parse::<i128>().unwrap() as u64;
                // A length beyond the largest one saturates.
                let number = if found.code == 0x95 { number.min(i64::MAX as u64) } else { number };
                assert_eq!(number.cast_signed(), found.number, "{}", context());
            }
            position = found.end;
            instructions += 1;
        }
        if case.error.is_some() {
            refused += 1;
            // The instruction that is refused there is refused here, but for the contents of text.
            if let Ok(found) = decoder.read(position) {
                let counted = matches!(found.code, b'X' | 0x8c | 0x8d)
                    && std::str::from_utf8(&pickle[found.payload()]).is_err();
                assert!(TEXT.contains(&found.code) || counted, "{found:?} {}", context());
            }
        } else {
            assert_eq!(pickle[position - 1], b'.', "{}", context());
        }
    }
    assert!(instructions > 20_000 && refused > 300, "{instructions} {refused}");
}

/// Keeps what the log keeps: four imports of each global.
fn first_four(log: &[(String, String)]) -> Vec<String> {
    let mut seen: BTreeMap<&(String, String), usize> = BTreeMap::new();
    log.iter()
        .filter(|global| {
            let count = seen.entry(global).or_default();
            *count += 1;
            *count <= 4
        })
        .map(|(module, name)| format!("{module}:{name}"))
        .collect()
}

#[test]
fn imports_agree() {
    let Some(cases) = cases(2) else { return };
    let (mut loaded, mut imports, mut different) = (0, 0, 0);
    let mut unseen = Vec::new();
    for (pickle, case) in &cases {
        let analysis = analyse(pickle, &Limits::default());
        let Some(stream) = analysis.streams.first().filter(|stream| stream.range.start == 0) else {
            assert!(case.python.error.is_some() && case.c.error.is_some(), "{pickle:02x?}");
            continue;
        };
        let context = || {
            format!(
                "b\"{}\"\nC {:?}\nPython {:?}\n{:?} at {}",
                pickle.escape_ascii(),
                case.c.error,
                case.python.error,
                stream.end,
                stream.range.end
            )
        };
        // Up to a name that is computed, at which CPython has no string and stops here.
        let ours: Vec<String> = stream
            .events
            .iter()
            .filter_map(|event| match &event.kind {
                EventKind::Import { global, by }
                    if by.chars().all(|by| by.is_uppercase() || by == '_') =>
                {
                    Some(global.as_ref().map(|name| format!("{}:{}", name.module, name.name)))
                }
                _ => None,
            })
            .take_while(Option::is_some)
            .flatten()
            .collect();
        let differs =
            stream.events.iter().any(|event| matches!(event.kind, EventKind::Difference(_)));
        // From a file, older versions of the C unpickler drop the rest of a frame here: what they read is
        // neither what stands in the file in order nor what Python reads.
        let straddled = stream.events.iter().any(|event| {
            matches!(
                &event.kind,
                EventKind::Difference(difference)
                    if difference.kind == caiso_pickle::DifferenceKind::FrameStraddled
            )
        });
        for load in [Some(&case.python), (!straddled).then_some(&case.c)].into_iter().flatten() {
            let theirs = first_four(&load.log);
            imports += theirs.len();
            assert!(ours.starts_with(&theirs), "{theirs:?} {ours:?} {}", context());
            if load.error.is_none() {
                loaded += 1;
                assert_eq!(theirs, ours, "{}", context());
                assert!(stream.end == End::Stop, "{}", context());
            }
        }
        if case.python.error.is_none() != case.c.error.is_none() || case.python.log != case.c.log {
            different += 1;
            if !differs {
                unseen.push(context());
            }
        }
    }
    let shown = unseen.iter().take(5).cloned().collect::<Vec<_>>().join("\n\n");
    assert!(unseen.is_empty(), "{} differences were not seen:\n{shown}", unseen.len());
    assert!(loaded > 3000 && imports > 2000 && different > 10, "{loaded} {imports} {different}");
}
