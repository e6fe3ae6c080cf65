//! Answers on file: one JSON line for each, after a line that names the endpoint.
#![deny(
    clippy::arithmetic_side_effects,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used
)]

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::ClientError;
use crate::inputs::Key;

/// Longest line that is read: an answer of some hundred thousand classes.
const MAX_LINE_BYTES: u64 = 8 << 20;

/// First line.
#[derive(Serialize, Deserialize, PartialEq)]
struct Header {
    caiso_journal: u32,
    /// SHA-256 of the parts of the description on which answers depend.
    endpoint: String,
}

/// Every other line.
#[derive(Serialize, Deserialize)]
struct Line<'a> {
    /// SHA-256 of the input.
    #[serde(borrow)]
    input: std::borrow::Cow<'a, str>,
    /// Probabilities, scores, or the index of the class.
    answer: Vec<f32>,
}

/// The file that answers are appended to.
pub(crate) struct Journal {
    file: File,
}

/// What a journal holds.
pub(crate) struct Contents {
    pub(crate) answers: HashMap<Key, Vec<f32>>,
    /// Bytes of the lines that are whole.
    whole: u64,
    /// Whether the last line was not written to its end.
    pub(crate) torn: bool,
}

impl Journal {
    /// Opens or begins the journal of the endpoint with this digest, `width` values an answer.
    pub(crate) fn open(
        path: &Path,
        endpoint: &str,
        width: usize,
    ) -> Result<(Self, Contents), ClientError> {
        let wrong = |problem: String| ClientError::Journal { path: path.to_owned(), problem };
        let unusable = |error: std::io::Error| wrong(error.to_string());
        let mut file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(path)
            .map_err(unusable)?;
        if let Err(error) = file.try_lock() {
            return Err(wrong(match error {
                std::fs::TryLockError::WouldBlock => "another process writes it".to_owned(),
                std::fs::TryLockError::Error(error) => error.to_string(),
            }));
        }
        let contents = read(&file, path, endpoint, width)?;
        file.set_len(contents.whole).map_err(unusable)?;
        file.seek(SeekFrom::End(0)).map_err(unusable)?;
        if contents.whole == 0 {
            let header = Header { caiso_journal: 1, endpoint: endpoint.to_owned() };
            write_line(&mut file, &header).map_err(unusable)?;
        }
        Ok((Self { file }, contents))
    }

    /// Reads the journal of the endpoint with this digest.
    pub(crate) fn replay(
        path: &Path,
        endpoint: &str,
        width: usize,
    ) -> Result<Contents, ClientError> {
        let wrong = |problem: String| ClientError::Journal { path: path.to_owned(), problem };
        let file = File::open(path).map_err(|error| wrong(error.to_string()))?;
        let contents = read(&file, path, endpoint, width)?;
        if contents.whole == 0 { Err(wrong("is empty".to_owned())) } else { Ok(contents) }
    }

    /// Adds answers; they are in the file when this returns.
    pub(crate) fn append(&mut self, answers: &[(Key, Vec<f32>)]) -> std::io::Result<()> {
        let mut lines = Vec::new();
        for (key, answer) in answers {
            let line = Line { input: hex(key).into(), answer: answer.clone() };
            write_line(&mut lines, &line)?;
        }
        self.file.write_all(&lines)
    }
}

fn write_line(out: &mut impl std::io::Write, value: &impl Serialize) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(value)?;
    line.push(b'\n');
    out.write_all(&line)
}

fn read(file: &File, path: &Path, endpoint: &str, width: usize) -> Result<Contents, ClientError> {
    let wrong = |problem: String| ClientError::Journal { path: path.to_owned(), problem };
    let mut contents = Contents { answers: HashMap::new(), whole: 0, torn: false };
    let mut reader = BufReader::new(file);
    let mut line = Vec::new();
    for number in 1_u64.. {
        line.clear();
        reader
            .by_ref()
            .take(MAX_LINE_BYTES)
            .read_until(b'\n', &mut line)
            .map_err(|error| wrong(error.to_string()))?;
        if line.is_empty() {
            break;
        }
        if !line.ends_with(b"\n") {
            if line.len() as u64 == MAX_LINE_BYTES {
                return Err(wrong(format!("line {number} has more than {MAX_LINE_BYTES} bytes")));
            }
            contents.torn = true;
            break;
        }
        if number == 1 {
            let header: Option<Header> = serde_json::from_slice(&line).ok();
            let Some(header) = header.filter(|header| header.caiso_journal == 1) else {
                return Err(wrong("is no journal of answers; give another file".to_owned()));
            };
            if header.endpoint != endpoint {
                let problem = "holds the answers of an endpoint that is asked, or answers, in another way; \
                               give another file";
                return Err(wrong(problem.to_owned()));
            }
        } else {
            let entry = serde_json::from_slice::<Line<'_>>(&line)
                .ok()
                .filter(|entry| entry.answer.len() == width)
                .and_then(|entry| Some((key(&entry.input)?, entry.answer)));
            let Some((key, answer)) = entry else {
                return Err(wrong(format!("line {number} is no answer of {width} values")));
            };
            contents.answers.entry(key).or_insert(answer);
        }
        contents.whole = contents.whole.saturating_add(line.len() as u64);
    }
    Ok(contents)
}

fn hex(key: &Key) -> String {
    hex::encode(key)
}

fn key(text: &str) -> Option<Key> {
    let mut key = Key::default();
    hex::decode_to_slice(text, &mut key).ok()?;
    Some(key)
}
