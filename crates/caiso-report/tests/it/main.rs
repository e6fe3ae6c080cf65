//! Reports in all their forms.

mod agreement;
mod catalogs;
mod fixture;
mod fixture_findings;
mod generator;
mod ledger;
mod page;
mod snapshots;
mod verification;
