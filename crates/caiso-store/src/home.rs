//! The home folder: where things lie, who may write, and the log's key.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use caiso_ledger::{Signer, VerifierKey};

use crate::StoreError;
use crate::error::{Result, read_error, write_error};

/// The files of a home.
#[derive(Clone, Debug)]
pub(crate) struct Home {
    pub(crate) folder: PathBuf,
    pub(crate) database: PathBuf,
    pub(crate) keys: PathBuf,
    pub(crate) secret: PathBuf,
    pub(crate) verifier: PathBuf,
}

impl Home {
    pub(crate) fn new(folder: &Path) -> Self {
        let keys = folder.join("keys");
        Self {
            folder: folder.to_owned(),
            database: folder.join("caiso.db"),
            secret: keys.join("ledger.ed25519"),
            verifier: keys.join("ledger.vkey"),
            keys,
        }
    }

    /// Makes the folder where there is none, and takes the only right to write in it.
    pub(crate) fn lock(&self) -> Result<File> {
        create_private_folder(&self.folder)?;
        let path = self.folder.join("caiso.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(write_error(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut text = String::new();
                let pid =
                    file.read_to_string(&mut text).ok().and_then(|_| text.trim().parse().ok());
                return Err(StoreError::Locked { home: self.folder.clone(), pid });
            }
            Err(TryLockError::Error(error)) => return Err(write_error(&path)(error)),
        }
        file.set_len(0)
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(write_error(&path))?;
        Ok(file)
    }

    /// The signing key; made if there is none, unless the log already has records.
    pub(crate) fn signer(&self, log_has_records: bool) -> Result<Signer> {
        let signer = match read_text(&self.secret) {
            Ok(text) => Signer::from_secret_text(text.trim_end()).map_err(|error| {
                StoreError::WrongKey { path: self.secret.clone(), reason: error.to_string() }
            })?,
            Err(StoreError::File { source, .. })
                if source.kind() == std::io::ErrorKind::NotFound && !log_has_records =>
            {
                let signer = new_signer()?;
                create_private_folder(&self.keys)?;
                write_new(&self.secret, 0o600, &signer.to_secret_text())?;
                signer
            }
            Err(error) => return Err(error),
        };
        match self.verifier_key() {
            Ok(key) if key == *signer.verifier() => {}
            Ok(_) => {
                return Err(StoreError::WrongKey {
                    path: self.verifier.clone(),
                    reason: format!("it is not the public half of {}", self.secret.display()),
                });
            }
            // The process ended between the two files, or somebody removed the public one.
            Err(StoreError::NoLedger { .. }) => {
                write_new(&self.verifier, 0o644, &signer.verifier().to_string())?;
            }
            Err(error) => return Err(error),
        }
        Ok(signer)
    }

    pub(crate) fn verifier_key(&self) -> Result<VerifierKey> {
        if !self.verifier.try_exists().map_err(read_error(&self.verifier))? {
            let (home, missing) = (self.folder.clone(), self.verifier.clone());
            return Err(StoreError::NoLedger { home, missing });
        }
        read_text(&self.verifier)?.trim_end().parse().map_err(|error: caiso_ledger::LedgerError| {
            StoreError::WrongKey { path: self.verifier.clone(), reason: error.to_string() }
        })
    }
}

fn new_signer() -> Result<Signer> {
    let (mut seed, mut name) = ([0; 32], [0; 4]);
    getrandom::fill(&mut seed).map_err(StoreError::Random)?;
    getrandom::fill(&mut name).map_err(StoreError::Random)?;
    Ok(Signer::from_seed(&format!("caiso/{}", hex::encode(name)), &seed)?)
}

fn read_text(path: &Path) -> Result<String> {
    fs::read_to_string(path).map_err(read_error(path))
}

fn create_private_folder(path: &Path) -> Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path).map_err(write_error(path))
}

/// Writes a file that is either there whole or not at all.
fn write_new(path: &Path, mode: u32, line: &str) -> Result<()> {
    let temporary = path.with_extension("new");
    if temporary.try_exists().map_err(read_error(&temporary))? {
        fs::remove_file(&temporary).map_err(write_error(&temporary))?;
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    options
        .open(&temporary)
        .and_then(|mut file| writeln!(file, "{line}").and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(write_error(path))?;
    #[cfg(unix)]
    if let Some(folder) = path.parent() {
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(write_error(folder))?;
    }
    Ok(())
}
