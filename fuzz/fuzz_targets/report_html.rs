//! HTML reports handed to `caiso verify`.
#![no_main]

use caiso_ledger::Signer;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let signer = Signer::from_seed("fuzz", &[7; 32]).expect("a valid name");
    let _ = caiso_report::verify_html(bytes, signer.verifier());
});
