//! Scans files and folders for models, and hashes them for signatures.
//!
//! [`find`] lists what there is to look at, [`scan`] looks at it on several threads and gives one
//! [`FileResult`] for each target, in the order of the targets. Large files are mapped, what is expanded
//! from them lies in mapped temporary files, so that memory stays small whatever the size. [`bom`] writes down
//! what was found as a bill of materials.
#![expect(
    clippy::disallowed_methods,
    reason = "an edge: reads the files that were named and keeps expanded content"
)]

mod bom;
mod content;
mod data_files;
mod find;
mod resources;
mod result;
mod run;

pub use bom::{Bom, BomOptions, Document, bom};
pub use content::{Content, Spool};
pub use find::{Kind, ScanError, Target, find, standard_input};
pub use resources::{ResourcesError, resources};
pub use result::{FileResult, NotInspected, Verdict};
pub use run::{Options, scan};
