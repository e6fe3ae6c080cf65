//! Receipts: parsing, the disclosure in them, and verification with a key.
#![no_main]

use caiso_ledger::{Receipt, Signer};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    if let Ok(receipt) = Receipt::parse(bytes) {
        let _ = receipt.unverified_disclosure();
        let signer = Signer::from_seed("fuzz", &[7; 32]).expect("a valid name");
        let _ = receipt.verify(signer.verifier());
    }
});
