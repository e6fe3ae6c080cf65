//! Scans paths for model files: walking, mapping, jobs, results.
