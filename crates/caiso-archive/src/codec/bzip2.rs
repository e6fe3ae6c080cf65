//! Decoder of one bzip2 stream.
//!
//! Own code, since it must never panic, must say where the stream ended, and must hold one block at a time.
//! The format is described by its implementation, <https://sourceware.org/bzip2/>, and by
//! <https://github.com/dsnet/compress/blob/master/doc/bzip2-format.pdf>.

use crate::ArchiveError;

const WHAT: &str = "the bzip2 stream";
const BLOCK: u64 = 0x3141_5926_5359;
const END: u64 = 0x1772_4538_5090;
/// Longest Huffman code.
const LONGEST: usize = 20;
/// Bits of a code that are looked up at once.
const QUICK: usize = 10;
/// Symbols decoded with one table before the next selector.
const GROUP: usize = 50;

/// Reads one stream, from `BZh` to the checksum of the whole.
pub(crate) struct Decoder<'a> {
    bits: Bits<'a>,
    /// Most bytes of a block before the run lengths are expanded.
    block_size: usize,
    /// Inverse transform: the low byte is the character, the rest the next index.
    block: Vec<u32>,
    /// Bytes of the block still to be emitted.
    left: usize,
    next: u32,
    last: Option<u8>,
    run: u8,
    /// Repetitions of `last` still to be written.
    repeat: usize,
    crc: u32,
    block_crc: u32,
    stream_crc: u32,
    in_block: bool,
    done: bool,
}

fn damaged(detail: &(impl ToString + ?Sized)) -> ArchiveError {
    ArchiveError::damaged(WHAT, detail)
}

/// Whether a block, or the end of the stream, follows the header.
pub(crate) fn starts_block(bytes: &[u8]) -> bool {
    let magic = |magic: u64| bytes.get(4..10) == magic.to_be_bytes().get(2..);
    magic(BLOCK) || magic(END)
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, ArchiveError> {
        let level = match bytes {
            [b'B', b'Z', b'h', level @ b'1'..=b'9', ..] => level.wrapping_sub(b'0'),
            _ => return Err(ArchiveError::NotThisFormat("bzip2")),
        };
        Ok(Self {
            bits: Bits { bytes, next: 4, window: 0, count: 0 },
            block_size: usize::from(level).saturating_mul(100_000),
            block: Vec::new(),
            left: 0,
            next: 0,
            last: None,
            run: 0,
            repeat: 0,
            crc: u32::MAX,
            block_crc: 0,
            stream_crc: 0,
            in_block: false,
            done: false,
        })
    }

    /// What follows the last byte read.
    pub(crate) fn rest(&self) -> &'a [u8] {
        let unread = usize::try_from(self.bits.count / 8).unwrap_or(0);
        self.bits.bytes.get(self.bits.next.saturating_sub(unread)..).unwrap_or_default()
    }

    pub(crate) fn read(&mut self, out: &mut [u8]) -> Result<usize, ArchiveError> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            let written = self.emit(out)?;
            if written > 0 || self.done {
                return Ok(written);
            }
            if self.in_block {
                self.finish_block()?;
            }
            match self.bits.take48()? {
                BLOCK => self.start_block()?,
                END => {
                    let expected = self.bits.take(32)?;
                    let found = self.stream_crc;
                    self.bits.align();
                    self.done = true;
                    if expected != found {
                        return Err(ArchiveError::Checksum { what: WHAT, expected, found });
                    }
                }
                _ => return Err(damaged("neither a block nor its end begins where one must")),
            }
        }
    }

    fn finish_block(&mut self) -> Result<(), ArchiveError> {
        self.in_block = false;
        let found = !self.crc;
        if found != self.block_crc {
            let expected = self.block_crc;
            return Err(ArchiveError::Checksum { what: "a bzip2 block", expected, found });
        }
        self.stream_crc = self.stream_crc.rotate_left(1) ^ found;
        Ok(())
    }

    fn start_block(&mut self) -> Result<(), ArchiveError> {
        self.block_crc = self.bits.take(32)?;
        if self.bits.take(1)? == 1 {
            return Err(ArchiveError::Unsupported("a randomised bzip2 block".to_owned()));
        }
        let origin = self.bits.take(24)?;
        let symbols = self.symbols()?;
        self.symbols_to_block(symbols)?;
        let mut starts = [0_u32; 256];
        for &value in &self.block {
            if let Some(count) = starts.get_mut((value & 0xff) as usize) {
                *count = count.wrapping_add(1);
            }
        }
        let mut sum = 0_u32;
        for start in &mut starts {
            sum = sum.wrapping_add(std::mem::replace(start, sum));
        }
        for index in 0..self.block.len() {
            let value = self.block.get(index).copied().unwrap_or_default() & 0xff;
            let Some(start) = starts.get_mut(value as usize) else { continue };
            if let Some(slot) = self.block.get_mut(*start as usize) {
                *slot |= u32::try_from(index).unwrap_or_default() << 8;
            }
            *start = start.wrapping_add(1);
        }
        let Some(first) = self.block.get(origin as usize) else {
            return Err(damaged("a block's origin lies outside of it"));
        };
        self.next = first >> 8;
        self.left = self.block.len();
        self.last = None;
        self.run = 0;
        self.crc = u32::MAX;
        self.in_block = true;
        Ok(())
    }

    /// The bytes that occur in the block, in order.
    fn symbols(&mut self) -> Result<Vec<u8>, ArchiveError> {
        let groups = self.bits.take(16)?;
        let mut symbols = Vec::with_capacity(256);
        for group in 0..16_u8 {
            if groups >> 15_u8.saturating_sub(group) & 1 == 0 {
                continue;
            }
            let used = self.bits.take(16)?;
            for low in 0..16_u8 {
                if used >> 15_u8.saturating_sub(low) & 1 == 1 {
                    symbols.push(group << 4 | low);
                }
            }
        }
        if symbols.is_empty() {
            return Err(damaged("a block uses no symbol"));
        }
        Ok(symbols)
    }

    /// Decodes the Huffman codes, run lengths and move-to-front ranks of a block.
    fn symbols_to_block(&mut self, mut front: Vec<u8>) -> Result<(), ArchiveError> {
        let alphabet = front.len().saturating_add(2);
        let end = front.len().saturating_add(1);
        let tables = self.bits.take(3)? as usize;
        if !(2..=6).contains(&tables) {
            return Err(damaged(&format!("a block has {tables} code tables, expected 2 to 6")));
        }
        let selectors = self.selectors(tables)?;
        let tables: Vec<Table> =
            (0..tables).map(|_| Table::read(&mut self.bits, alphabet)).collect::<Result<_, _>>()?;
        self.block.clear();
        let (mut run, mut weight) = (0_usize, 1_usize);
        for selector in selectors {
            let Some(table) = tables.get(usize::from(selector)) else {
                return Err(damaged("a selector names no code table"));
            };
            for _ in 0..GROUP {
                let symbol = usize::from(table.symbol(&mut self.bits)?);
                if symbol < 2 {
                    run = run.saturating_add(weight << symbol);
                    weight = weight.saturating_mul(2).min(1 << 24);
                    if run > self.block_size {
                        return Err(damaged("a run is longer than its block"));
                    }
                    continue;
                }
                if run > 0 {
                    let byte = front.first().copied().unwrap_or_default();
                    let length = self.block.len().saturating_add(run);
                    if length > self.block_size {
                        return Err(damaged("a block is longer than the stream allows"));
                    }
                    self.block.resize(length, u32::from(byte));
                    (run, weight) = (0, 1);
                }
                if symbol == end {
                    return Ok(());
                }
                if self.block.len() >= self.block_size {
                    return Err(damaged("a block is longer than the stream allows"));
                }
                let rank = symbol.saturating_sub(1);
                let Some(recent) = front.get_mut(..=rank) else {
                    return Err(damaged("a symbol lies outside of its alphabet"));
                };
                recent.rotate_right(1);
                self.block.push(u32::from(front.first().copied().unwrap_or_default()));
            }
        }
        Err(damaged("a block has no end"))
    }

    fn selectors(&mut self, tables: usize) -> Result<Vec<u8>, ArchiveError> {
        let count = self.bits.take(15)?;
        let mut front = [0_u8, 1, 2, 3, 4, 5];
        let mut selectors = Vec::with_capacity(count as usize);
        for _ in 0..count {
            let mut rank = 0_usize;
            while self.bits.take(1)? == 1 {
                rank = rank.saturating_add(1);
                if rank >= tables {
                    return Err(damaged("a selector names no code table"));
                }
            }
            if let Some(recent) = front.get_mut(..=rank) {
                recent.rotate_right(1);
            }
            selectors.extend(front.first());
        }
        Ok(selectors)
    }

    /// Writes what is ready: four equal bytes are followed by a count of further ones.
    fn emit(&mut self, out: &mut [u8]) -> Result<usize, ArchiveError> {
        let mut written = 0_usize;
        for slot in out.iter_mut() {
            if self.repeat > 0 {
                self.repeat = self.repeat.saturating_sub(1);
                *slot = self.last.unwrap_or_default();
            } else {
                let Some(mut byte) = self.step()? else { break };
                if self.run == 4 {
                    self.run = 0;
                    let count = byte;
                    let last = self.last;
                    if count > 0 {
                        self.repeat = usize::from(count).saturating_sub(1);
                        byte = last.unwrap_or_default();
                    } else {
                        self.last = None;
                        let Some(next) = self.step()? else { break };
                        byte = next;
                        self.last = Some(byte);
                        self.run = 1;
                    }
                } else if self.last == Some(byte) {
                    self.run = self.run.saturating_add(1);
                } else {
                    self.last = Some(byte);
                    self.run = 1;
                }
                *slot = byte;
            }
            self.crc = crc_step(self.crc, *slot);
            written = written.saturating_add(1);
        }
        Ok(written)
    }

    /// The next byte of the inverse transform.
    fn step(&mut self) -> Result<Option<u8>, ArchiveError> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        let Some(&entry) = self.block.get(self.next as usize) else {
            return Err(damaged("a block refers outside of itself"));
        };
        self.left = left;
        self.next = entry >> 8;
        let [byte, ..] = entry.to_le_bytes();
        Ok(Some(byte))
    }
}

/// One Huffman table in canonical form.
struct Table {
    shortest: usize,
    /// Symbol and length of each code that starts with these [`QUICK`] bits and is no longer; 0 where it is.
    quick: Vec<(u16, u8)>,
    /// First code that is longer than the length, left-aligned to [`LONGEST`] bits.
    limits: [u32; LONGEST + 1],
    /// For each length, its first code (left-aligned) and the index of its first symbol.
    firsts: [(u32, usize); LONGEST + 1],
    symbols: Vec<u16>,
}

impl Table {
    fn read(bits: &mut Bits<'_>, alphabet: usize) -> Result<Self, ArchiveError> {
        let mut length = bits.take(5)? as usize;
        let mut lengths = Vec::with_capacity(alphabet);
        for _ in 0..alphabet {
            loop {
                if !(1..=LONGEST).contains(&length) {
                    return Err(damaged("a code length is out of range"));
                }
                if bits.take(1)? == 0 {
                    break;
                }
                length = match bits.take(1)? {
                    0 => length.saturating_add(1),
                    _ => length.saturating_sub(1),
                };
            }
            lengths.push(length);
        }
        let mut table = Self {
            quick: vec![(0, 0); 1 << QUICK],
            shortest: lengths.iter().copied().min().unwrap_or(1),
            limits: [0; LONGEST + 1],
            firsts: [(0, 0); LONGEST + 1],
            symbols: Vec::with_capacity(alphabet),
        };
        let mut code = 0_u32;
        for length in 1..=LONGEST {
            let shift = LONGEST.saturating_sub(length);
            if let Some(first) = table.firsts.get_mut(length) {
                *first = (code, table.symbols.len());
            }
            for (symbol, _) in (0_u16..).zip(&lengths).filter(|(_, of)| **of == length) {
                table.symbols.push(symbol);
                if let Some(unused) = QUICK.checked_sub(length) {
                    let from = (code >> LONGEST.saturating_sub(QUICK)) as usize;
                    let to = from.saturating_add(1 << unused);
                    let length = u8::try_from(length).unwrap_or_default();
                    table.quick.get_mut(from..to).unwrap_or_default().fill((symbol, length));
                }
                code = code.saturating_add(1 << shift);
            }
            if let Some(limit) = table.limits.get_mut(length) {
                *limit = code;
            }
        }
        if code > 1 << LONGEST {
            return Err(damaged("a code table has more codes than there is room for"));
        }
        Ok(table)
    }

    fn symbol(&self, bits: &mut Bits<'_>) -> Result<u16, ArchiveError> {
        let code = bits.peek20();
        let start = (code >> LONGEST.saturating_sub(QUICK)) as usize;
        if let Some(&(symbol, length @ 1..)) = self.quick.get(start) {
            bits.skip(length.into())?;
            return Ok(symbol);
        }
        for (length, &limit) in self.limits.iter().enumerate().skip(self.shortest) {
            if code < limit {
                let Some(&(first, index)) = self.firsts.get(length) else { break };
                let shift = LONGEST.saturating_sub(length);
                let index = index.saturating_add((code.saturating_sub(first) >> shift) as usize);
                bits.skip(length)?;
                return self.symbols.get(index).copied().ok_or_else(|| damaged("a code is unused"));
            }
        }
        Err(damaged("a code is unused"))
    }
}

/// Bits, the highest first.
struct Bits<'a> {
    bytes: &'a [u8],
    next: usize,
    window: u64,
    count: u32,
}

impl Bits<'_> {
    fn fill(&mut self) {
        while self.count <= 56 {
            let Some(&byte) = self.bytes.get(self.next) else { break };
            self.window = self.window << 8 | u64::from(byte);
            self.next = self.next.saturating_add(1);
            self.count = self.count.saturating_add(8);
        }
    }

    fn take(&mut self, count: u32) -> Result<u32, ArchiveError> {
        if self.count < count {
            self.fill();
        }
        let Some(rest) = self.count.checked_sub(count) else {
            return Err(ArchiveError::Truncated { what: WHAT, offset: self.bytes.len() });
        };
        self.count = rest;
        let mask = (1_u64 << count).wrapping_sub(1);
        Ok(u32::try_from(self.window >> rest & mask).unwrap_or_default())
    }

    fn take48(&mut self) -> Result<u64, ArchiveError> {
        Ok(u64::from(self.take(24)?) << 24 | u64::from(self.take(24)?))
    }

    /// The next 20 bits, zeros beyond the end.
    fn peek20(&mut self) -> u32 {
        if self.count < 20 {
            self.fill();
        }
        let bits = match self.count.checked_sub(20) {
            Some(rest) => self.window >> rest,
            None => self.window << 20_u32.saturating_sub(self.count),
        };
        u32::try_from(bits & 0xf_ffff).unwrap_or_default()
    }

    fn skip(&mut self, count: usize) -> Result<(), ArchiveError> {
        self.take(u32::try_from(count).unwrap_or(u32::MAX)).map(drop)
    }

    fn align(&mut self) {
        self.count &= !7;
    }
}

const CRC: [u32; 256] = {
    let mut table = [0_u32; 256];
    let mut byte = 0_u32;
    #[expect(clippy::indexing_slicing, reason = "computed at compile time")]
    while byte < 256 {
        let mut crc = byte << 24;
        let mut bit = 0;
        while bit < 8 {
            crc = if crc >> 31 == 1 { crc << 1 ^ 0x04c1_1db7 } else { crc << 1 };
            bit += 1;
        }
        table[byte as usize] = crc;
        byte += 1;
    }
    table
};

fn crc_step(crc: u32, byte: u8) -> u32 {
    let [high, ..] = crc.to_be_bytes();
    crc << 8 ^ CRC.get(usize::from(high ^ byte)).copied().unwrap_or_default()
}
