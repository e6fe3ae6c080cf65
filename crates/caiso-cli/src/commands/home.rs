//! The system, its home folder and its store.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use caiso_assess::LoadedSystem;
use caiso_ledger::VerifierKey;
use caiso_store::Store;
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::arguments::Global;

/// Loads the system at `place` or the nearest one.
pub(crate) fn system(place: Option<&Path>) -> Result<LoadedSystem> {
    let start = std::env::current_dir().context("the current folder cannot be read")?;
    Ok(LoadedSystem::load(place, &start)?)
}

/// The home folder: `--home`, or `.caiso` beside the manifest, or `.caiso` here.
pub(crate) fn home(global: &Global, system: Option<&Path>) -> Result<PathBuf> {
    if let Some(home) = &global.home {
        return Ok(home.clone());
    }
    let start = std::env::current_dir().context("the current folder cannot be read")?;
    let folder = match system {
        Some(place) if place.is_dir() => place.to_owned(),
        Some(place) => place.parent().unwrap_or(Path::new(".")).to_owned(),
        None => start
            .ancestors()
            .find(|folder| folder.join(caiso_assess::MANIFEST_NAME).is_file())
            .unwrap_or(&start)
            .to_owned(),
    };
    Ok(folder.join(".caiso"))
}

/// The store, for writing.
pub(crate) fn open(global: &Global, system: Option<&Path>) -> Result<Store> {
    let home = home(global, system)?;
    Ok(Store::open(&home, Box::new(Timestamp::now))?)
}

/// The store, for reading.
pub(crate) fn open_read_only(global: &Global, system: Option<&Path>) -> Result<Store> {
    let home = home(global, system)?;
    Store::open_read_only(&home).with_context(|| {
        format!("no readable ledger in {}; `caiso assess` makes one", home.display())
    })
}

/// A date argument, or today in UTC: the same day on every machine.
pub(crate) fn date(given: Option<&str>) -> Result<Date> {
    match given {
        None => Ok(TimeZone::UTC.to_datetime(Timestamp::now()).date()),
        Some(text) => {
            text.parse().map_err(|_| caiso_assess::AssessError::Date(text.to_owned()).into())
        }
    }
}

/// A verifier key: the text itself, or a file that holds it.
pub(crate) fn key(given: &str) -> Result<VerifierKey> {
    let path = Path::new(given);
    let text = if path.is_file() {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?
    } else {
        given.to_owned()
    };
    text.trim().parse().with_context(|| {
        format!("`{given}` is neither a verifier key (name+id+key) nor a file that holds one")
    })
}

/// Who acts, where no name is given.
pub(crate) fn actor(given: Option<&str>) -> String {
    let name = given.map(str::to_owned);
    let name = name.or_else(|| std::env::var("USER").ok()).filter(|name| !name.is_empty());
    format!("user:{}", name.unwrap_or_else(|| "unknown".to_owned()))
}
