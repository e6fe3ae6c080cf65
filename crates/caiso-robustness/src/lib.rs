//! Evasion attacks and robustness measurements.
