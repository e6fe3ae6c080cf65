//! Data sets.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = caiso_data::Table::from_csv("data.csv", bytes);
});
