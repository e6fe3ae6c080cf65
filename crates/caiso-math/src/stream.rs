//! Counter-based random numbers: Philox4x32-10.
//!
//! Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011,
//! <https://doi.org/10.1145/2063384.2063405>. A number depends on its key and counter alone, so
//! neither thread count, batch size nor sharding changes a result.

use crate::bulk::{self, GROUP, LANES};

pub(crate) const ROUNDS: usize = 10;
pub(crate) const MULTIPLIERS: [u32; 2] = [0xd251_1f53, 0xcd9e_8d57];
pub(crate) const WEYL: [u32; 2] = [0x9e37_79b9, 0xbb67_ae85];

/// One block of Philox4x32-10: four words from a 128-bit counter and a 64-bit key.
fn philox(counter: [u32; 4], key: [u32; 2]) -> [u32; 4] {
    let mut x = counter;
    let mut key = key;
    for _ in 0..ROUNDS {
        let a = u64::from(MULTIPLIERS[0]) * u64::from(x[0]);
        let b = u64::from(MULTIPLIERS[1]) * u64::from(x[2]);
        let (a_high, b_high) = ((a >> 32) as u32, (b >> 32) as u32);
        x = [b_high ^ x[1] ^ key[0], b as u32, a_high ^ x[3] ^ key[1], a as u32];
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    x
}

fn words(value: u64) -> [u32; 2] {
    [value as u32, (value >> 32) as u32]
}

/// A stream of random numbers that belongs to one (seed, check, row, lane).
///
/// The 64-bit key comes from seed and check code, the counter holds row (64 bits), lane (32 bits)
/// and block (32 bits): 2^34 words of 32 bits before a stream repeats.
///
/// ```
/// use caiso_math::Stream;
/// let mut row = Stream::new(7, "RB-PGD-001", 12);
/// let noise = row.next_f32() * 2.0 - 1.0;
/// assert_eq!(Stream::new(7, "RB-PGD-001", 12).next_f32() * 2.0 - 1.0, noise);
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    key: [u32; 2],
    row: [u32; 2],
    lane: u32,
    block: u32,
    words: [u32; 4],
    used: usize,
}

impl Stream {
    /// The stream of a row (or replicate, restart, tree …) of a check under a seed, in lane 0.
    pub fn new(seed: u64, check: &str, row: u64) -> Self {
        // FNV-1a of the code, then one block under the seed: related seeds or codes give
        // unrelated keys.
        let code = check.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        let [low, high] = words(code);
        let [key_low, key_high, ..] = philox([low, high, 0, 0], words(seed));
        Self {
            key: [key_low, key_high],
            row: words(row),
            lane: 0,
            block: 0,
            words: [0; 4],
            used: 4,
        }
    }

    /// The stream of the same row in another lane, from its beginning: one lane for each
    /// independent use within a row (restart, step).
    #[must_use]
    pub fn lane(&self, lane: u32) -> Self {
        Self { lane, block: 0, words: [0; 4], used: 4, ..*self }
    }

    /// Uniform over all 32-bit words.
    pub fn next_u32(&mut self) -> u32 {
        if self.used == 4 {
            let [low, high] = self.row;
            self.words = philox([self.block, self.lane, low, high], self.key);
            self.block = self.block.wrapping_add(1);
            self.used = 0;
        }
        let word = self.words[self.used];
        self.used += 1;
        word
    }

    /// Uniform over all 64-bit words.
    pub fn next_u64(&mut self) -> u64 {
        let low = u64::from(self.next_u32());
        u64::from(self.next_u32()) << 32 | low
    }

    /// Uniform in [0, 1) with 24 bits.
    pub fn next_f32(&mut self) -> f32 {
        (self.next_u32() >> 8) as f32 * (1.0 / 16_777_216.0)
    }

    /// Uniform in [0, 1) with 53 bits.
    pub fn next_f64(&mut self) -> f64 {
        (self.next_u64() >> 11) as f64 * (1.0 / 9_007_199_254_740_992.0)
    }

    /// Standard normal (Box and Muller 1958, the cosine half).
    pub fn next_normal(&mut self) -> f64 {
        // 1 - u is in (0, 1]. libm, not the platform, so that every machine gives equal bits.
        let radius = (-2.0 * libm::log(1.0 - self.next_f64())).sqrt();
        radius * libm::cos(std::f64::consts::TAU * self.next_f64())
    }

    /// Fills `values` with uniform numbers in [0, 1) with 24 bits, many at a time.
    ///
    /// What is left of the current block is passed over; a longer slice begins with the values of a shorter one.
    pub fn fill_uniform(&mut self, values: &mut [f32]) {
        for part in values.chunks_mut(GROUP) {
            let words = self.next_words();
            for (value, &word) in part.iter_mut().zip(words.as_flattened()) {
                *value = bulk::uniform(word);
            }
        }
    }

    /// Fills `values` with standard normals, none beyond 5.9, many at a time: several times as fast as
    /// [`next_normal`](Self::next_normal), of 24 bits instead of 53.
    ///
    /// What is left of the current block is passed over; a longer slice begins with the values of a shorter one.
    pub fn fill_normal(&mut self, values: &mut [f32]) {
        for part in values.chunks_mut(GROUP) {
            let [a, b, c, d] = self.next_words();
            let mut normals = [[0.0; LANES]; 4];
            let [first, second, third, fourth] = &mut normals;
            bulk::normals(&a, &b, first, second);
            bulk::normals(&c, &d, third, fourth);
            part.copy_from_slice(&normals.as_flattened()[..part.len()]);
        }
    }

    /// The next eight whole blocks, word by word.
    fn next_words(&mut self) -> [[u32; LANES]; 4] {
        let [low, high] = self.row;
        let words = bulk::philox([self.block, self.lane, low, high], self.key);
        self.block = self.block.wrapping_add(LANES as u32);
        self.used = 4;
        words
    }

    /// Uniform over `0..n` without bias (Lemire 2019, <https://doi.org/10.1145/3230636>).
    ///
    /// # Panics
    /// If `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        assert!(n > 0, "there is no number below 0");
        let rejected = n.wrapping_neg() % n;
        loop {
            let product = u128::from(self.next_u64()) * u128::from(n);
            if product as u64 >= rejected {
                return (product >> 64) as u64;
            }
        }
    }

    /// Puts `items` into uniformly random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }

    /// Number of successes in `n` trials that each succeed with `probability`.
    ///
    /// Inversion for small means, else the transformed rejection of Hörmann 1993 (BTRS),
    /// <https://doi.org/10.1080/00949659308811496>; constant time in `n`.
    ///
    /// # Panics
    /// If `probability` is not in [0, 1].
    pub fn binomial(&mut self, n: u64, probability: f64) -> u64 {
        assert!((0.0..=1.0).contains(&probability), "{probability} is not a probability");
        if probability > 0.5 {
            return n - self.binomial(n, 1.0 - probability);
        }
        if n == 0 || probability == 0.0 {
            return 0;
        }
        if n as f64 * probability < 10.0 {
            self.binomial_by_inversion(n, probability)
        } else {
            self.binomial_by_rejection(n, probability)
        }
    }

    fn binomial_by_inversion(&mut self, n: u64, p: f64) -> u64 {
        let odds = p / (1.0 - p);
        // n p < 10 and p <= 1/2, so this is at least e^-14.
        let mut mass = libm::exp(n as f64 * libm::log1p(-p));
        let mut u = self.next_f64();
        let mut k = 0;
        while u > mass && k < n {
            u -= mass;
            mass *= odds * (n - k) as f64 / (k + 1) as f64;
            k += 1;
        }
        k
    }

    fn binomial_by_rejection(&mut self, n: u64, p: f64) -> u64 {
        let size = n as f64;
        let deviation = (size * p * (1.0 - p)).sqrt();
        let b = 1.15 + 2.53 * deviation;
        let a = -0.0873 + 0.0248 * b + 0.01 * p;
        let centre = size * p + 0.5;
        let squeeze = 0.92 - 4.2 / b;
        let alpha = (2.83 + 5.1 / b) * deviation;
        let log_odds = libm::log(p / (1.0 - p));
        let mode = ((size + 1.0) * p).floor();
        let at_mode = libm::lgamma(mode + 1.0) + libm::lgamma(size - mode + 1.0);
        loop {
            let u = self.next_f64() - 0.5;
            let v = self.next_f64();
            let edge = 0.5 - u.abs();
            let k = ((2.0 * a / edge + b) * u + centre).floor();
            if !(0.0..=size).contains(&k) {
                continue;
            }
            if edge >= 0.07 && v <= squeeze {
                return k as u64;
            }
            let height = libm::log(v * alpha / (a / (edge * edge) + b));
            let density = at_mode - libm::lgamma(k + 1.0) - libm::lgamma(size - k + 1.0)
                + (k - mode) * log_odds;
            if height <= density {
                return k as u64;
            }
        }
    }

    /// Draws `n` times from cells with probabilities proportional to `weights` and writes how
    /// often each cell came up to `counts`. With the cells of a count cube as weights this is the
    /// row bootstrap, at a cost that does not depend on the number of rows.
    ///
    /// # Panics
    /// If the lengths differ, or all weights are 0 while `n` is not.
    pub fn multinomial(&mut self, n: u64, weights: &[u64], counts: &mut [u64]) {
        assert_eq!(weights.len(), counts.len(), "one count for each weight");
        let mut left = n;
        let mut total: u64 = weights.iter().sum();
        assert!(total > 0 || n == 0, "there is no cell to draw from");
        for (&weight, count) in weights.iter().zip(counts) {
            *count = if weight == 0 || left == 0 {
                0
            } else if weight == total {
                left
            } else {
                self.binomial(left, weight as f64 / total as f64)
            };
            left -= *count;
            total -= weight;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::philox;

    #[test]
    fn blocks_side_by_side_are_the_blocks_one_by_one() {
        for block in [0, 77, u32::MAX - 3] {
            let (row, key) = ([5, 6, 7], [8, 9]);
            let words = crate::bulk::philox([block, row[0], row[1], row[2]], key);
            for lane in 0..crate::bulk::LANES {
                let one = philox([block.wrapping_add(lane as u32), row[0], row[1], row[2]], key);
                assert_eq!(words.map(|word| word[lane]), one);
            }
        }
    }

    /// The vectors of Random123 1.14, `tests/kat_vectors`, `philox4x32 10`.
    #[test]
    fn known_answers_of_random123() {
        let cases = [
            ([0; 4], [0; 2], [0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8]),
            ([u32::MAX; 4], [u32::MAX; 2], [0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd]),
            (
                [0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344],
                [0xa409_3822, 0x299f_31d0],
                [0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1],
            ),
        ];
        for (counter, key, expected) in cases {
            assert_eq!(philox(counter, key), expected);
        }
    }
}
