//! The vocabulary of caiso: units, outcomes, evidence statements and the manifest.
