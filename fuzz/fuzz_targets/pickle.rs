//! Pickles: analysis and judgement.
#![no_main]

use caiso_pickle::{Catalog, Limits, analyse, judge, looks_like_pickle};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = looks_like_pickle(bytes);
    let analysis = analyse(bytes, &Limits::default());
    let _ = judge(&analysis, Catalog::embedded());
});
