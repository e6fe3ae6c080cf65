//! Whatever the bytes, nothing panics, and every place lies in the file.

use caiso_core::{Parameters, RunContext};
use caiso_infra::{CHECKS, InfraInput};
use proptest::prelude::*;

const SEEDS: [&str; 3] = [
    include_str!("../fixtures/bundle.yaml"),
    include_str!("../fixtures/insecure.yaml"),
    include_str!("../fixtures/IN-K8S-000/bad.yaml"),
];

/// Parses and runs every rule.
fn assess(bytes: &[u8]) {
    let input = InfraInput::parse("deployment:d", &[("a.yaml", bytes)]);
    let lines = u64::try_from(bytes.split(|byte| *byte == b'\n').count()).unwrap();
    for problem in input.problems() {
        // The parser may report the end of the text as the line after the last.
        assert!(problem.line <= lines + 1, "{problem:?} in {lines} lines");
    }
    for check in CHECKS {
        let parameters: Parameters = check.parameters.resolve(&serde_json::Map::new()).unwrap();
        let Ok(outcome) = (check.run)(&input, &parameters, &RunContext::default()) else {
            continue;
        };
        for finding in &outcome.findings {
            assert!((1..=lines).contains(&finding.location.line.unwrap()), "{finding:?}");
            assert!(finding.location.column.unwrap() >= 1);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cut_manifests_do_not_panic(seed in 0..SEEDS.len(), from in 0.0..1.0, to in 0.0..1.0) {
        let bytes = SEEDS[seed].as_bytes();
        let at = |share: f64| (bytes.len() as f64 * share) as usize;
        let (from, to) = (at(from), at(to));
        assess(&bytes[from.min(to)..from.max(to)]);
    }

    #[test]
    fn mutated_manifests_do_not_panic(
        seed in 0..SEEDS.len(),
        changes in prop::collection::vec((0.0..1.0, prop::sample::select(b"{}[]:-&*!|>'\"%@`#,? \n\t0aZ~<\x00\xff\xc3".to_vec())), 1..24),
    ) {
        let mut bytes = SEEDS[seed].as_bytes().to_vec();
        for (share, byte) in changes {
            let at = (bytes.len() as f64 * share) as usize;
            bytes[at] = byte;
        }
        assess(&bytes);
    }

    #[test]
    fn swapped_values_do_not_panic(seed in 0..SEEDS.len(), swaps in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>()), 1..12)) {
        // Words change places: the YAML mostly stays valid, and values get types nobody expects.
        let mut words: Vec<&str> = SEEDS[seed].split_inclusive([' ', '\n', ',', '}', ']']).collect();
        for (a, b) in swaps {
            let (a, b) = (a.index(words.len()), b.index(words.len()));
            words.swap(a, b);
        }
        assess(words.concat().as_bytes());
    }

    #[test]
    fn any_bytes_do_not_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        assess(&bytes);
    }

    #[test]
    fn a_container_is_found_wherever_it_is_put(path in prop::collection::vec("[a-z]{1,6}", 1..12), key in "[a-zA-Z]{1,8}") {
        // An unknown resource that holds a pod specification under any path.
        let mut text = format!("apiVersion: example.com/v1\nkind: {key}Thing\nmetadata: {{name: n}}\n");
        for (depth, part) in path.iter().enumerate() {
            text += &format!("{}x{part}:\n", "  ".repeat(depth));
        }
        text += &format!("{}containers: [{{name: c, securityContext: {{privileged: true}}}}]\n", "  ".repeat(path.len()));
        prop_assert_eq!(crate::found("IN-K8S-001", &crate::input(&text)).len(), 1);
    }
}
