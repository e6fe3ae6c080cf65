//! The main job: plan, run, seal, judge.
//!
//! [`assess`] takes a described system through every check that applies, seals each result in
//! the ledger, derives the posture and answers with one [`Report`](caiso_report::Report).
#![expect(
    clippy::disallowed_methods,
    reason = "an edge: reads the system's files and measures time"
)]

mod assemble;
mod assess;
mod error;
mod gate;
mod load;
mod parameters;
mod plan;
mod redteam;
mod review;
mod rows;
mod sections;
mod step;

pub use assess::{Assessment, Event, Options, SingleRun, assess, run_one};
pub use error::AssessError;
pub use load::{LoadedSystem, MANIFEST_NAME, SystemFile};
pub use parameters::{Registered, registry};
pub use plan::glob as matches;
pub use redteam::{Redteam, RedteamEvent, RedteamOptions, RedteamTarget, redteam};
pub use review::{coverage_of, states_at};
pub use sections::compliance::answers;
