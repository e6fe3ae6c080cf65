//! Export in the layout of [tlog-tiles](https://c2sp.org/tlog-tiles), readable by the tools of
//! others, with the bodies beside it.

use std::fs::{self, File};
use std::io::{BufWriter, Write as _};
use std::path::Path;

use caiso_ledger::{
    Opening, Record, TILE_WIDTH, encode_entries, encode_hashes, tiles_of, to_canonical,
};
use serde::Serialize;

use crate::error::{Result, damaged, read_error, write_error};
use crate::{Store, StoreError, log};

/// What an export holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Exported {
    /// Number of records.
    pub size: u64,
    /// Number of bodies; fewer than records if some were redacted.
    pub bodies: u64,
    /// Number of files written.
    pub files: u64,
}

/// One line of `bodies.jsonl`.
#[derive(Serialize)]
struct BodyLine {
    seq: u64,
    #[serde(flatten)]
    opening: Opening,
}

impl Store {
    /// Writes the log to a folder: `checkpoint`, `tile/…`, `tile/entries/…`, `ledger.vkey`, and
    /// `bodies.jsonl` with one canonical JSON object a line, `{envelope, salt, seq}`. The folder
    /// must be absent, empty, or hold an earlier export, which is then brought up to date.
    pub fn export(&self, folder: &Path) -> Result<Exported> {
        let mut connection = self.connect()?;
        let view = connection.transaction()?;
        let (checkpoint, note) = log::checkpoint(&view, self.verifier_key())?
            .ok_or_else(|| damaged("there is no checkpoint"))?;
        let size = checkpoint.size;
        prepare_folder(folder)?;

        let mut files = 0;
        let mut write = |path: String, bytes: &[u8]| {
            files += 1;
            write_file(&folder.join(path), bytes)
        };
        for tile in tiles_of(size) {
            let mut hashes = log::tile(&view, tile.level, tile.index)?;
            hashes.truncate(tile.width as usize);
            if hashes.len() as u64 != tile.width {
                return Err(damaged(format!("{} lacks hashes", tile.path())));
            }
            write(tile.path(), &encode_hashes(&hashes))?;
            if tile.level == 0 {
                let start = tile.index * TILE_WIDTH;
                let entries = (start..start + tile.width)
                    .map(|seq| log::entry(&view, seq))
                    .collect::<Result<Vec<_>>>()?;
                write(tile.entries_path(), &encode_entries(&entries)?)?;
            }
        }
        write("ledger.vkey".to_owned(), format!("{}\n", self.verifier_key()).as_bytes())?;

        let path = folder.join("bodies.jsonl");
        let mut output = BufWriter::new(File::create(&path).map_err(write_error(&path))?);
        let mut bodies = 0;
        for seq in 0..size {
            let record = Record::from_entry(&log::entry(&view, seq)?)?;
            if let Some(opening) = log::opening(&view, seq, &record)? {
                let mut line = to_canonical("body", &BodyLine { seq, opening })?;
                line.push(b'\n');
                output.write_all(&line).map_err(write_error(&path))?;
                bodies += 1;
            }
        }
        output.flush().map_err(write_error(&path))?;
        // Last, so that a folder with a checkpoint has everything the checkpoint speaks of.
        write("checkpoint".to_owned(), note.to_string().as_bytes())?;
        Ok(Exported { size, bodies, files: files + 1 })
    }
}

fn prepare_folder(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder).map_err(write_error(folder))?;
    let empty = fs::read_dir(folder).map_err(read_error(folder))?.next().is_none();
    let earlier = folder.join("checkpoint");
    if empty || earlier.try_exists().map_err(read_error(&earlier))? {
        Ok(())
    } else {
        Err(StoreError::ExportFolder { path: folder.to_owned() })
    }
}

/// Writes beside and renames, so that a reader never meets half a file.
fn write_file(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Some(parent) = path.parent() {
        fs::create_dir_all(parent).map_err(write_error(parent))?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    fs::write(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, path))
        .map_err(write_error(path))
}
