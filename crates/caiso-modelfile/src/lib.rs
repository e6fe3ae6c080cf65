//! Model files: identification, description, detectors.
