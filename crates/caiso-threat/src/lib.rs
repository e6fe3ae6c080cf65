//! MITRE ATLAS: techniques of findings and coverage of tests.
