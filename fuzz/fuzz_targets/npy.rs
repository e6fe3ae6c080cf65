//! Arrays of NumPy.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let _ = caiso_data::Array::from_npy("data.npy", bytes);
});
