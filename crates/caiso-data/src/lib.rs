//! Columnar datasets with clear errors.
