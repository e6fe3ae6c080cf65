//! `caiso.yaml`.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = caiso_core::manifest::read("caiso.yaml", bytes);
});
