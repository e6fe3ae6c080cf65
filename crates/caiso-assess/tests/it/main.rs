//! Integration tests of the assessment.

mod registry;
