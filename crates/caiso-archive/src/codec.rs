//! Decoders of one compressed member over a slice, each of which knows where its input ended.

use std::io::{ErrorKind, Read};

use deflate64::InflaterManaged;
use flate2::{Decompress, FlushDecompress, Status};
use lzma_rust2::{Action, LzmaStream, XzStream};
use ruzstd::decoding::errors::{FrameDecoderError, ReadFrameHeaderError};
use ruzstd::decoding::{BlockDecodingStrategy, FrameDecoder};

use crate::ArchiveError;
use crate::bytes::{array, u32_at};

pub(crate) mod bzip2;
pub(crate) mod lz4;

/// One member: reads until its own end, never beyond.
pub(crate) enum Codec<'a> {
    Stored(&'a [u8]),
    Inflate(Pushed<'a, Box<Decompress>>),
    Deflate64(Pushed<'a, Box<InflaterManaged>>),
    Bzip2(Box<bzip2::Decoder<'a>>),
    Lzma(Pushed<'a, Box<LzmaStream>>),
    Xz(Pushed<'a, Box<XzStream>>, u64),
    Zstd(&'a [u8], Box<FrameDecoder>),
    Lz4(Box<lz4::Decoder<'a>>),
}

/// A decoder that is handed its input.
pub(crate) struct Pushed<'a, D> {
    bytes: &'a [u8],
    position: usize,
    decoder: D,
    done: bool,
}

impl<'a, D> Pushed<'a, D> {
    fn new(input: &'a [u8], decoder: D) -> Self {
        Self { bytes: input, position: 0, decoder, done: false }
    }

    /// Takes over what one step did.
    fn advance(&mut self, consumed: usize, done: bool) {
        self.position = self.position.saturating_add(consumed);
        self.done = done;
    }

    fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.position..).unwrap_or_default()
    }
}

impl<'a> Codec<'a> {
    pub(crate) fn deflate(input: &'a [u8]) -> Self {
        Self::Inflate(Pushed::new(input, Box::new(Decompress::new(false))))
    }

    pub(crate) fn zlib(input: &'a [u8]) -> Self {
        Self::Inflate(Pushed::new(input, Box::new(Decompress::new(true))))
    }

    pub(crate) fn deflate64(input: &'a [u8]) -> Self {
        Self::Deflate64(Pushed::new(input, Box::new(InflaterManaged::new())))
    }

    pub(crate) fn bzip2(input: &'a [u8]) -> Result<Self, ArchiveError> {
        Ok(Self::Bzip2(Box::new(bzip2::Decoder::new(input)?)))
    }

    /// The `.lzma` format: properties, dictionary size, size, raw stream.
    pub(crate) fn lzma_alone(input: &'a [u8], memory: u64) -> Result<Self, ArchiveError> {
        let (Some(properties), Some(size)) = (input.first_chunk(), array(input, 5)) else {
            return Err(truncated("the lzma header", input));
        };
        let data = input.get(13..).unwrap_or_default();
        Self::lzma(*properties, u64::from_le_bytes(size), data, memory)
    }

    /// Entry of a zip: version, length of the properties, properties, raw stream.
    pub(crate) fn lzma_zip(input: &'a [u8], size: u64, memory: u64) -> Result<Self, ArchiveError> {
        let (Some([_, _, 5, 0]), Some(properties)) = (array(input, 0), array(input, 4)) else {
            return Err(ArchiveError::damaged("the lzma header", "its properties are not 5 bytes"));
        };
        Self::lzma(properties, size, input.get(9..).unwrap_or_default(), memory)
    }

    fn lzma(
        properties: [u8; 5],
        size: u64,
        data: &'a [u8],
        memory: u64,
    ) -> Result<Self, ArchiveError> {
        let what = "the lzma dictionary";
        let dictionary = u32_at(&properties, 1).unwrap_or_default();
        // The decoder holds no more than the content, where its size is known.
        let needed = u64::from(dictionary).min(size);
        if needed > memory {
            return Err(ArchiveError::Memory { what, needed, limit: memory });
        }
        let [byte, ..] = properties;
        let stream = LzmaStream::new_with_props(size, byte, dictionary, None)
            .map_err(|error| ArchiveError::damaged("the lzma header", &error))?;
        Ok(Self::Lzma(Pushed::new(data, Box::new(stream))))
    }

    pub(crate) fn xz(input: &'a [u8], memory: u64) -> Self {
        // The decoder counts its tables too, which the limit on dictionaries does not mean.
        let limit = u32::try_from((memory / 1024).saturating_add(512)).unwrap_or(u32::MAX);
        let stream = XzStream::new_mem_limit(false, limit);
        Self::Xz(Pushed::new(input, Box::new(stream)), memory)
    }

    pub(crate) fn zstd(mut input: &'a [u8], memory: u64) -> Result<Self, ArchiveError> {
        let mut decoder = FrameDecoder::new();
        decoder.set_max_window_size(memory);
        decoder.init(&mut input).map_err(|error| zstd_error(&error, input))?;
        Ok(Self::Zstd(input, Box::new(decoder)))
    }

    pub(crate) fn lz4(input: &'a [u8]) -> Result<Self, ArchiveError> {
        Ok(Self::Lz4(Box::new(lz4::Decoder::new(input)?)))
    }

    /// The input after what was read; after the end, what follows the member.
    pub(crate) fn rest(&self) -> &'a [u8] {
        match self {
            Self::Stored(input) | Self::Zstd(input, _) => input,
            Self::Inflate(pushed) => pushed.rest(),
            Self::Deflate64(pushed) => pushed.rest(),
            Self::Bzip2(decoder) => decoder.rest(),
            Self::Lzma(pushed) => pushed.rest(),
            Self::Xz(pushed, _) => pushed.rest(),
            Self::Lz4(decoder) => decoder.rest(),
        }
    }

    /// Expands into `out`; 0 at the end of the member.
    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, ArchiveError> {
        if out.is_empty() {
            return Ok(0);
        }
        match self {
            Self::Stored(input) => {
                let count = input.len().min(out.len());
                let (now, rest) = input.split_at_checked(count).unwrap_or_default();
                if let Some(out) = out.get_mut(..count) {
                    out.copy_from_slice(now);
                }
                *input = rest;
                Ok(count)
            }
            Self::Inflate(pushed) => inflate(pushed, out),
            Self::Deflate64(pushed) => {
                let what = "the deflate64 stream";
                push(pushed, what, |decoder, input| {
                    let step = decoder.inflate(input, out);
                    if step.data_error {
                        return Err(ArchiveError::damaged(what, "its codes are invalid"));
                    }
                    Ok((step.bytes_consumed, step.bytes_written, decoder.finished()))
                })
            }
            Self::Bzip2(decoder) => decoder.read(out),
            Self::Lzma(pushed) => {
                let what = "the lzma stream";
                let ended_before = pushed.done;
                let count = push(pushed, what, |decoder, input| {
                    let (input, action) = portion(input);
                    let step = decoder.process(input, out, action).map_err(|error| {
                        lzma_error(what, &error, decoder.memory_usage(), u64::MAX)
                    })?;
                    Ok((
                        step.bytes_consumed,
                        step.bytes_produced,
                        step.status == lzma_rust2::Status::StreamEnd,
                    ))
                })?;
                if pushed.done && !ended_before {
                    // It had taken some bytes more to look ahead.
                    let unused = pushed.decoder.unused_input().len();
                    pushed.position = pushed.position.saturating_sub(unused);
                }
                Ok(count)
            }
            Self::Xz(pushed, memory) => {
                let what = "the xz stream";
                push(pushed, what, |decoder, input| {
                    let (input, action) = portion(input);
                    let step = decoder.process(input, out, action).map_err(|error| {
                        lzma_error(what, &error, decoder.memory_usage(), *memory)
                    })?;
                    Ok((
                        step.bytes_consumed,
                        step.bytes_produced,
                        step.status == lzma_rust2::Status::StreamEnd,
                    ))
                })
            }
            Self::Zstd(input, decoder) => zstd(input, decoder, out),
            Self::Lz4(decoder) => decoder.read(out),
        }
    }
}

impl Read for Codec<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        Ok(Self::read(self, out)?)
    }
}

fn truncated(what: &'static str, input: &[u8]) -> ArchiveError {
    ArchiveError::Truncated { what, offset: input.len() }
}

fn inflate(
    pushed: &mut Pushed<'_, Box<Decompress>>,
    out: &mut [u8],
) -> Result<usize, ArchiveError> {
    let what = "the deflate stream";
    if pushed.done {
        return Ok(0);
    }
    loop {
        let (before_in, before_out) = (pushed.decoder.total_in(), pushed.decoder.total_out());
        let status = pushed
            .decoder
            .decompress(pushed.rest(), out, FlushDecompress::None)
            .map_err(|error| ArchiveError::damaged(what, &error))?;
        let consumed = pushed.decoder.total_in().saturating_sub(before_in);
        let produced = pushed.decoder.total_out().saturating_sub(before_out);
        pushed
            .advance(usize::try_from(consumed).unwrap_or(usize::MAX), status == Status::StreamEnd);
        if produced > 0 || pushed.done {
            return Ok(usize::try_from(produced).unwrap_or(0));
        }
        if consumed == 0 {
            return Err(truncated(what, pushed.bytes));
        }
    }
}

/// Steps a decoder until it gives output or ends.
fn push<D>(
    pushed: &mut Pushed<'_, D>,
    what: &'static str,
    mut step: impl FnMut(&mut D, &[u8]) -> Result<(usize, usize, bool), ArchiveError>,
) -> Result<usize, ArchiveError> {
    if pushed.done {
        return Ok(0);
    }
    loop {
        let rest = pushed.rest();
        let (consumed, produced, done) = step(&mut pushed.decoder, rest)?;
        pushed.advance(consumed, done);
        if produced > 0 || pushed.done {
            return Ok(produced);
        }
        if consumed == 0 {
            return Err(truncated(what, pushed.bytes));
        }
    }
}

/// A little of the input at a time: an error costs the output of what was handed over with it.
fn portion(input: &[u8]) -> (&[u8], Action) {
    match input.get(..4096).unwrap_or(input) {
        [] => (input, Action::Finish),
        portion => (portion, Action::Run),
    }
}

fn lzma_error(
    what: &'static str,
    error: &std::io::Error,
    usage: Option<u32>,
    limit: u64,
) -> ArchiveError {
    let needed = u64::from(usage.unwrap_or_default()).saturating_mul(1024);
    match error.kind() {
        ErrorKind::UnexpectedEof => ArchiveError::Truncated { what, offset: 0 },
        ErrorKind::OutOfMemory => ArchiveError::Memory { what, needed, limit },
        ErrorKind::Unsupported => ArchiveError::Unsupported(format!("{what}: {error}")),
        _ => ArchiveError::damaged(what, &error),
    }
}

fn zstd(
    input: &mut &[u8],
    decoder: &mut FrameDecoder,
    out: &mut [u8],
) -> Result<usize, ArchiveError> {
    while decoder.can_collect() == 0 && !decoder.is_finished() {
        decoder
            .decode_blocks(&mut *input, BlockDecodingStrategy::UptoBlocks(1))
            .map_err(|error| zstd_error(&error, input))?;
    }
    let count = Read::read(decoder, out)
        .map_err(|error| ArchiveError::damaged("the zstd frame", &error))?;
    if count == 0
        && let (Some(expected), Some(found)) =
            (decoder.get_checksum_from_data(), decoder.get_calculated_checksum())
        && expected != found
    {
        return Err(ArchiveError::Checksum { what: "the zstd frame", expected, found });
    }
    Ok(count)
}

fn zstd_error(error: &FrameDecoderError, input: &[u8]) -> ArchiveError {
    let what = "the zstd frame";
    match error {
        FrameDecoderError::WindowSizeTooBig { requested, max } => {
            ArchiveError::Memory { what: "the zstd window", needed: *requested, limit: *max }
        }
        FrameDecoderError::DictNotProvided { dict_id } => {
            ArchiveError::Unsupported(format!("a zstd frame with dictionary {dict_id}"))
        }
        FrameDecoderError::ReadFrameHeaderError(ReadFrameHeaderError::BadMagicNumber(_)) => {
            ArchiveError::NotThisFormat("zstd")
        }
        _ if input.is_empty() => truncated(what, input),
        error => ArchiveError::damaged(what, &error),
    }
}
