//! Tests of the whole way from bytes to gradients.

mod bytes;
mod classic;
mod conformance;
mod encoder;
mod exports;
mod forward_only;
mod gradients;
mod images;
mod independence;
mod kernels;
mod recorded;
mod refusals;
mod trees;
