//! Catalogs of obligations, the EU AI Act classification, and requirement states.
//!
//! Three questions, each a pure function over embedded data:
//!
//! - What is asked? [`Frameworks`] holds five catalogs, the crosswalk between them and the map
//!   from evidence kinds to requirements.
//! - What is this system under the EU AI Act? [`classify`] walks a decision procedure on
//!   [`Answers`] in three-valued logic.
//! - Where does the system stand on a date? [`assess`] gives every requirement a [`State`] and
//!   the reasons for it; [`posture`] counts them.
//!
//! No state here says that a requirement is met: automatic evidence ends at `evidence-ready`,
//! and only a named person attests.

mod answers;
mod applicability;
mod catalog;
mod classify;
mod evidence;
mod frameworks;
mod logic;
mod procedure;
mod situation;
mod standing;
mod states;

pub use answers::{Answer, AnswerError, Answers};
pub use applicability::{Applicability, Applies, InForce, applicability};
pub use catalog::{
    About, AppliesFrom, Catalog, Certainty, Citation, EvidenceMode, Requirement, Source,
};
pub use classify::{Class, ClassDate, Classification, Open, Step, classify};
pub use evidence::{
    AboutEvidenceMap, CheckEvidence, Coverage, EvidenceKind, EvidenceMap, Refresh, Support,
};
pub use frameworks::{CatalogError, Crosswalk, Frameworks, Pair, Sources};
pub use logic::Truth;
pub use procedure::{Fact, FactKind, Procedure};
pub use situation::{
    Attestation, EvidenceItem, FailedFinding, NotApplicable, RiskAcceptance, Run, Situation,
};
pub use standing::StaleEvidence;
pub use states::{FrameworkPosture, RequirementState, State, assess, posture};
