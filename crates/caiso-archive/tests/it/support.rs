//! Python as a peer, and zip archives by hand.

use std::io::Read;
use std::process::{Command, Stdio};

/// Standard output of a Python script; `None` where there is no Python.
#[expect(clippy::disallowed_methods, reason = "the peer is another program")]
pub(crate) fn python(script: &str) -> Option<Vec<u8>> {
    let output =
        Command::new("python3").args(["-c", script]).stderr(Stdio::inherit()).output().ok()?;
    assert!(output.status.success(), "the script failed");
    Some(output.stdout)
}

/// Splits what a script wrote with `import sys; w = lambda b: sys.stdout.buffer.write(len(b).to_bytes(4, "little") + b)`.
pub(crate) fn chunks(mut bytes: &[u8]) -> Vec<Vec<u8>> {
    let mut chunks = Vec::new();
    while let Some((length, rest)) = bytes.split_first_chunk::<4>() {
        let (chunk, rest) = rest.split_at(u32::from_le_bytes(*length) as usize);
        chunks.push(chunk.to_vec());
        bytes = rest;
    }
    chunks
}

pub(crate) const WRITE: &str =
    "import sys\nw = lambda b: sys.stdout.buffer.write(len(b).to_bytes(4, 'little') + b)\n";

pub(crate) fn read_all(mut reader: impl Read) -> Vec<u8> {
    let mut content = Vec::new();
    reader.read_to_end(&mut content).unwrap();
    content
}

/// Values of one header.
#[derive(Clone, Debug)]
pub(crate) struct Fields {
    pub(crate) name: Vec<u8>,
    pub(crate) flags: u16,
    pub(crate) method: u16,
    pub(crate) crc: u32,
    pub(crate) compressed: u32,
    pub(crate) size: u32,
    pub(crate) extra: Vec<u8>,
    pub(crate) comment: Vec<u8>,
    pub(crate) attributes: u32,
}

/// One entry; either header may be absent.
#[derive(Clone, Debug)]
pub(crate) struct Part {
    pub(crate) before: Vec<u8>,
    pub(crate) local: Option<Fields>,
    pub(crate) central: Option<Fields>,
    pub(crate) data: Vec<u8>,
    pub(crate) after: Vec<u8>,
}

/// A stored entry on which all agree.
pub(crate) fn stored(name: &str, data: &[u8]) -> Part {
    let fields = Fields {
        name: name.as_bytes().to_vec(),
        flags: 0,
        method: 0,
        crc: crc32fast::hash(data),
        compressed: data.len() as u32,
        size: data.len() as u32,
        extra: Vec::new(),
        comment: Vec::new(),
        attributes: 0o100_644 << 16,
    };
    Part {
        before: Vec::new(),
        local: Some(fields.clone()),
        central: Some(fields),
        data: data.to_vec(),
        after: Vec::new(),
    }
}

impl Part {
    pub(crate) fn local(mut self, change: impl FnOnce(&mut Fields)) -> Self {
        change(self.local.as_mut().unwrap());
        self
    }

    pub(crate) fn central(mut self, change: impl FnOnce(&mut Fields)) -> Self {
        change(self.central.as_mut().unwrap());
        self
    }

    pub(crate) fn both(self, change: impl Fn(&mut Fields)) -> Self {
        self.local(&change).central(&change)
    }
}

fn put(bytes: &mut Vec<u8>, fields: &Fields) {
    bytes.extend(fields.flags.to_le_bytes());
    bytes.extend(fields.method.to_le_bytes());
    bytes.extend([0; 4]);
    for value in [fields.crc, fields.compressed, fields.size] {
        bytes.extend(value.to_le_bytes());
    }
    bytes.extend((fields.name.len() as u16).to_le_bytes());
    bytes.extend((fields.extra.len() as u16).to_le_bytes());
}

/// The archive of the parts, without comment.
pub(crate) fn zip(parts: &[Part]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut directory = Vec::new();
    let mut count = 0_u16;
    for part in parts {
        bytes.extend(&part.before);
        let offset = bytes.len() as u32;
        if let Some(local) = &part.local {
            bytes.extend(b"PK\x03\x04\x14\x00");
            put(&mut bytes, local);
            bytes.extend(&local.name);
            bytes.extend(&local.extra);
        }
        bytes.extend(&part.data);
        bytes.extend(&part.after);
        if let Some(central) = &part.central {
            count += 1;
            directory.extend(b"PK\x01\x02\x14\x03\x14\x00");
            put(&mut directory, central);
            directory.extend((central.comment.len() as u16).to_le_bytes());
            directory.extend([0; 4]);
            directory.extend(central.attributes.to_le_bytes());
            directory.extend(offset.to_le_bytes());
            directory.extend(&central.name);
            directory.extend(&central.extra);
            directory.extend(&central.comment);
        }
    }
    let start = bytes.len() as u32;
    bytes.extend(&directory);
    end(&mut bytes, count, directory.len() as u32, start, b"");
    bytes
}

/// Appends an end record.
pub(crate) fn end(bytes: &mut Vec<u8>, count: u16, size: u32, start: u32, comment: &[u8]) {
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(count.to_le_bytes());
    bytes.extend(count.to_le_bytes());
    bytes.extend(size.to_le_bytes());
    bytes.extend(start.to_le_bytes());
    bytes.extend((comment.len() as u16).to_le_bytes());
    bytes.extend(comment);
}
