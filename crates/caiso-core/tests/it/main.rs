//! Integration tests of the vocabulary.

mod manifest;
