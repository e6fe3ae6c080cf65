//! Configuration checks on Kubernetes objects at line precision.
//!
//! An [`InfraInput`] is the manifests of one deployment, parsed once: every object, also those in a
//! `List`, and every pod specification in any object, also in custom resources that no schema is
//! known of (inference services, training jobs, notebooks, workflows). [`CHECKS`] holds the checks;
//! `IN-K8S-000` lists what could not be read. Manifests are checked as they stand: nothing is
//! fetched from a cluster, and templates are not rendered.

#![deny(
    clippy::arithmetic_side_effects,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

mod image;
mod labels;
mod manifests;
mod pods;
mod report;
mod rules;
mod secret;
mod yaml;

pub use manifests::InfraInput;
pub use rules::ALL as CHECKS;
