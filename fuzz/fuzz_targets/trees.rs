//! Models of trees: loading, and evaluation of what loads.
#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(model) = caiso_inference::load(bytes)
        && model.features() <= 10_000
        && model.classes() <= 10_000
    {
        model.logits(&vec![0.5; 2 * model.features()]).expect("whole rows");
    }
});
