//! Every container and every compressed stream, under a budget.
#![no_main]

use std::io;

use caiso_archive::{Budget, Limits, seven_zip, stream, tar, zip};

const LIMITS: Limits = Limits {
    entries: 1_000,
    expanded_total: 8 << 20,
    expanded_entry: 2 << 20,
    ratio: 1_000,
    ratio_after: 1 << 20,
    memory: 1 << 20,
};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let budget = Budget::new(LIMITS);
    let drain = |reader: &mut dyn io::Read, compressed: usize| {
        let _ = io::copy(&mut budget.reader(reader, compressed as u64), &mut io::sink());
    };
    if let Ok(archive) = zip::Archive::read(bytes, &LIMITS) {
        for entry in &archive.entries {
            assert!(entry.data.end <= bytes.len());
            let local = archive.open_local(entry, &LIMITS).and_then(Result::ok);
            for mut content in archive.open(entry, &LIMITS).into_iter().chain(local) {
                drain(&mut content, entry.data.len());
            }
        }
        assert!(archive.anomalies.iter().all(|anomaly| anomaly.range.end <= bytes.len()));
    }
    if let Ok(archive) = tar::Archive::read(bytes, &LIMITS) {
        assert!(archive.entries.iter().all(|entry| entry.data.end <= bytes.len()));
    }
    if let Ok(archive) = seven_zip::Archive::read(bytes, &LIMITS) {
        let _ = archive.read_each(&budget, |_, reader| io::copy(reader, &mut io::sink()).map(drop));
    }
    if let Some(kind) = stream::detect(bytes)
        && let Ok(mut stream) = stream::open(kind, bytes, &LIMITS)
    {
        drain(&mut stream, bytes.len());
        assert!(stream.consumed() <= bytes.len());
    }
});
