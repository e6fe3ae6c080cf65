//! Random numbers many at a time: the same arithmetic in several lanes, which compilers turn into vector
//! instructions.
//!
//! Only additions, multiplications, divisions and square roots in a fixed order, so that every machine gives equal bits.

use std::f32::consts::{FRAC_PI_2, LN_2, SQRT_2};

use crate::stream::{MULTIPLIERS, ROUNDS, WEYL};

/// Blocks of Philox computed side by side.
pub(crate) const LANES: usize = 8;

/// Numbers that one call makes.
pub(crate) const GROUP: usize = 4 * LANES;

/// `LANES` consecutive blocks of Philox4x32-10, word by word.
pub(crate) fn philox(counter: [u32; 4], key: [u32; 2]) -> [[u32; LANES]; 4] {
    let mut x = counter.map(|word| [word; LANES]);
    for (lane, block) in x[0].iter_mut().enumerate() {
        *block = block.wrapping_add(lane as u32);
    }
    let mut key = key;
    for _ in 0..ROUNDS {
        let [first, second, third, fourth] = &mut x;
        for lane in 0..LANES {
            let a = u64::from(MULTIPLIERS[0]) * u64::from(first[lane]);
            let b = u64::from(MULTIPLIERS[1]) * u64::from(third[lane]);
            first[lane] = (b >> 32) as u32 ^ second[lane] ^ key[0];
            second[lane] = b as u32;
            third[lane] = (a >> 32) as u32 ^ fourth[lane] ^ key[1];
            fourth[lane] = a as u32;
        }
        key = [key[0].wrapping_add(WEYL[0]), key[1].wrapping_add(WEYL[1])];
    }
    x
}

/// Uniform in [0, 1) with 24 bits.
pub(crate) fn uniform(word: u32) -> f32 {
    // As a signed number, which every processor converts at once.
    (word >> 8) as i32 as f32 * (1.0 / 16_777_216.0)
}

/// Two standard normals from two words (Box and Muller 1958), for each lane.
pub(crate) fn normals(
    radii: &[u32; LANES],
    angles: &[u32; LANES],
    cosines: &mut [f32; LANES],
    sines: &mut [f32; LANES],
) {
    for lane in 0..LANES {
        // In (0, 1), so that the logarithm is finite.
        let u = ((radii[lane] >> 8) as i32 as f32 + 0.5) * (1.0 / 16_777_216.0);
        let radius = (-2.0 * log(u)).max(0.0).sqrt();
        let (sine, cosine) = sine_and_cosine(angles[lane]);
        cosines[lane] = radius * cosine;
        sines[lane] = radius * sine;
    }
}

/// The natural logarithm of a normal positive number, to a few units in the last place.
fn log(x: f32) -> f32 {
    // x = 2^exponent * m with m in [sqrt(1/2), sqrt(2)).
    let bits = x.to_bits();
    let above = bits.wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits());
    let exponent = above as i32 >> 23;
    let m = f32::from_bits(bits.wrapping_sub((exponent << 23) as u32));
    debug_assert!((0.5 * SQRT_2..=SQRT_2).contains(&m), "{x} is {m} * 2^{exponent}");
    // log m = 2 artanh s, whose series converges fast for |s| < 0.172.
    let s = (m - 1.0) / (m + 1.0);
    let q = s * s;
    let series = 1.0 + q * (1.0 / 3.0 + q * (1.0 / 5.0 + q * (1.0 / 7.0 + q * (1.0 / 9.0))));
    exponent as f32 * LN_2 + 2.0 * s * series
}

/// Sine and cosine of an angle that is uniform over the circle if the word is uniform.
fn sine_and_cosine(word: u32) -> (f32, f32) {
    // Two bits for the quadrant, the rest for an angle in [-pi/4, pi/4), where Taylor's series converge fast.
    let part = (word << 2) as i32 >> 8;
    let x = part as f32 * (FRAC_PI_2 / 16_777_216.0);
    let q = x * x;
    let sine = x * (1.0 - q * (1.0 / 6.0 - q * (1.0 / 120.0 - q * (1.0 / 5_040.0))));
    let cosine = 1.0 - q * (0.5 - q * (1.0 / 24.0 - q * (1.0 / 720.0 - q * (1.0 / 40_320.0))));
    let quadrant = word >> 30;
    // Quarter turns swap the two and change signs.
    let swap = 0u32.wrapping_sub(quadrant & 1);
    let (s, c) = (sine.to_bits(), cosine.to_bits());
    let (s, c) = ((s & !swap) | (c & swap), (c & !swap) | (s & swap));
    let negative_sine = (quadrant & 2) << 30;
    let negative_cosine = ((quadrant + 1) & 2) << 30;
    (f32::from_bits(s ^ negative_sine), f32::from_bits(c ^ negative_cosine))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_libm() {
        for k in (0..1 << 24).step_by(997).chain((1 << 24) - 50..1 << 24) {
            let u = (k as f32 + 0.5) * (1.0 / 16_777_216.0);
            let exact = libm::log(f64::from(u));
            let close = (f64::from(log(u)) - exact).abs() <= 3e-7 * exact.abs().max(0.05);
            assert!(close, "{u}: {} {exact}", log(u));
        }
    }

    #[test]
    fn sines_and_cosines_are_those_of_libm() {
        for word in (0..=u32::MAX).step_by(65_537) {
            let (sine, cosine) = sine_and_cosine(word);
            let part = f64::from((word << 2) as i32 >> 8) / 16_777_216.0;
            let angle = std::f64::consts::FRAC_PI_2 * (f64::from(word >> 30) + part);
            assert!((f64::from(sine) - libm::sin(angle)).abs() < 1e-6, "{word}");
            assert!((f64::from(cosine) - libm::cos(angle)).abs() < 1e-6, "{word}");
        }
    }
}
