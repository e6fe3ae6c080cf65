//! Laws for any bytes.

use caiso_pickle::{Catalog, Limits, analyse, judge, looks_like_pickle};
use proptest::prelude::*;

use crate::assemble::{global, join, reduce, text};

/// Bytes that are mostly opcodes.
fn opcodes() -> impl Strategy<Value = Vec<u8>> {
    let codes: Vec<u8> =
        (0..=255).filter(|&code| caiso_pickle::opcode_name(code).is_some()).collect();
    let byte = prop_oneof![
        4 => proptest::sample::select(codes),
        1 => any::<u8>(),
        1 => proptest::sample::select(b"\n\x00\x01\x02oscsystem(".to_vec()),
    ];
    proptest::collection::vec(byte, 0..400)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    /// Nothing panics, spans lie in the input, and streams and gaps do not overlap.
    #[test]
    fn any_bytes(bytes in prop_oneof![opcodes(), proptest::collection::vec(any::<u8>(), 0..400)]) {
        let analysis = analyse(&bytes, &Limits::default());
        judge(&analysis, Catalog::embedded());
        looks_like_pickle(&bytes);
        let mut end = 0;
        for stream in &analysis.streams {
            prop_assert!(stream.range.end <= bytes.len());
            for event in &stream.events {
                prop_assert!(event.span.end <= bytes.len());
            }
            if stream.depth == 0 && !analysis.streams.iter().any(|stream| stream.depth > 0) {
                prop_assert!(stream.range.end >= end || stream.resynchronised);
                end = end.max(stream.range.end);
            }
        }
        for gap in &analysis.gaps {
            prop_assert!(gap.range.start < gap.range.end && gap.range.end <= bytes.len());
        }
    }

    /// Small limits end the analysis, and say so or have not been met.
    #[test]
    fn small_limits(bytes in opcodes(), steps in 0_u64..50) {
        let limits = Limits { steps, values: 4, memo: 4, stack: 4, streams: 2, events: 3, text: 64 };
        let analysis = analyse(&bytes, &limits);
        prop_assert!(analysis.steps <= steps.saturating_mul(2) + 1);
        let events: usize = analysis.streams.iter().map(|stream| stream.events.len()).sum();
        prop_assert!(events <= 12);
    }

    /// Whatever stands before a payload, the payload is found.
    #[test]
    fn nothing_hides_a_payload(before in proptest::collection::vec(any::<u8>(), 0..60)) {
        let payload = reduce(&global("os", "system"), &[text("echo")]);
        let file = join(&[&before, b"\x80\x04", &payload, b"."]);
        let concerns = judge(&analyse(&file, &Limits::default()), Catalog::embedded());
        let found = concerns.iter().any(|concern| concern.global == "os.system");
        // The bytes before may be a constant that takes the payload in, which Python does as well.
        let taken = analyse(&file, &Limits::default())
            .streams
            .iter()
            .any(|stream| stream.range.start < before.len() && stream.range.end > before.len());
        prop_assert!(found || taken, "{concerns:?}");
    }

    /// The same bytes give the same analysis.
    #[test]
    fn repeatable(bytes in opcodes()) {
        prop_assert_eq!(analyse(&bytes, &Limits::default()), analyse(&bytes, &Limits::default()));
    }
}
