//! Common corruptions of images that need nothing but arithmetic (Hendrycks and Dietterich, ICLR 2019).
//!
//! Pixels are shares of their range here: 0 is the lowest valid value, 1 the highest.

use caiso_math::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::image::Image;

/// Images with a side below this take the severities of CIFAR-10-C, others those of ImageNet-C.
const SMALL: usize = 64;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Corruption {
    /// Normal noise.
    GaussianNoise,
    /// Poisson noise, as of few photons.
    ShotNoise,
    /// Some pixels black, some white.
    ImpulseNoise,
    /// Normal noise in proportion to the pixel.
    SpeckleNoise,
    /// A Gaussian blur.
    GaussianBlur,
    /// A blur by a disc.
    DefocusBlur,
    /// All pixels lighter.
    Brightness,
    /// All pixels nearer to the mean of their channel.
    Contrast,
    /// Fewer and larger pixels.
    Pixelate,
    /// The loss of JPEG: the cosine transform of blocks of eight by eight pixels with the quantisation of luminance, each
    /// channel by itself.
    Jpeg,
}

impl Corruption {
    pub(crate) const ALL: [Self; 10] = [
        Self::GaussianNoise,
        Self::ShotNoise,
        Self::ImpulseNoise,
        Self::SpeckleNoise,
        Self::GaussianBlur,
        Self::DefocusBlur,
        Self::Brightness,
        Self::Contrast,
        Self::Pixelate,
        Self::Jpeg,
    ];

    /// Whether two applications differ.
    pub(crate) fn is_random(self) -> bool {
        matches!(
            self,
            Self::GaussianNoise | Self::ShotNoise | Self::ImpulseNoise | Self::SpeckleNoise
        )
    }

    /// The amount at severities 1 to 5: standard deviation, photons, share of pixels, standard deviation, standard deviation
    /// in pixels, radius in pixels, addition, factor, factor of the side, quality.
    fn amounts(self, small: bool) -> [f64; 5] {
        match (self, small) {
            (Self::GaussianNoise, true) => [0.04, 0.06, 0.08, 0.09, 0.10],
            (Self::GaussianNoise, false) => [0.08, 0.12, 0.18, 0.26, 0.38],
            (Self::ShotNoise, true) => [500.0, 250.0, 100.0, 75.0, 50.0],
            (Self::ShotNoise, false) => [60.0, 25.0, 12.0, 5.0, 3.0],
            (Self::ImpulseNoise, true) => [0.01, 0.02, 0.03, 0.05, 0.07],
            (Self::ImpulseNoise, false) => [0.03, 0.06, 0.09, 0.17, 0.27],
            (Self::SpeckleNoise, true) => [0.06, 0.1, 0.12, 0.16, 0.2],
            (Self::SpeckleNoise, false) => [0.15, 0.2, 0.35, 0.45, 0.6],
            (Self::GaussianBlur, true) => [0.4, 0.6, 0.7, 0.8, 1.0],
            (Self::GaussianBlur, false) => [1.0, 2.0, 3.0, 4.0, 6.0],
            (Self::DefocusBlur, true) => [0.6, 0.8, 1.0, 1.2, 1.6],
            (Self::DefocusBlur, false) => [3.0, 4.0, 6.0, 8.0, 10.0],
            (Self::Brightness, true) => [0.05, 0.1, 0.15, 0.2, 0.3],
            (Self::Brightness, false) => [0.1, 0.2, 0.3, 0.4, 0.5],
            (Self::Contrast, true) => [0.75, 0.5, 0.4, 0.3, 0.15],
            (Self::Contrast, false) => [0.4, 0.3, 0.2, 0.1, 0.05],
            (Self::Pixelate, true) => [0.95, 0.9, 0.85, 0.75, 0.65],
            (Self::Pixelate, false) => [0.6, 0.5, 0.4, 0.3, 0.25],
            (Self::Jpeg, true) => [80.0, 65.0, 58.0, 50.0, 40.0],
            (Self::Jpeg, false) => [25.0, 18.0, 15.0, 10.0, 7.0],
        }
    }

    /// Corrupts an image in place. `severity` is 1 to 5.
    pub(crate) fn apply(
        self,
        image: Image,
        severity: usize,
        stream: &mut Stream,
        pixels: &mut [f32],
    ) {
        let small = image.height.min(image.width) < SMALL;
        let amount = self.amounts(small)[severity - 1];
        match self {
            Self::GaussianNoise => {
                add_noise(stream, pixels, |value, noise| value + amount as f32 * noise);
            }
            Self::SpeckleNoise => {
                add_noise(stream, pixels, |value, noise| value + amount as f32 * noise * value);
            }
            Self::ShotNoise => {
                for value in pixels.iter_mut() {
                    let expected = f64::from(value.clamp(0.0, 1.0)) * amount;
                    *value = (poisson(stream, expected) as f64 / amount) as f32;
                }
            }
            Self::ImpulseNoise => {
                for value in pixels.iter_mut() {
                    let draw = stream.next_f64();
                    if draw < amount {
                        *value = f32::from(draw < amount / 2.0);
                    }
                }
            }
            Self::GaussianBlur => blur(image, &gaussian(amount), pixels),
            Self::DefocusBlur => defocus(image, amount, pixels),
            Self::Brightness => pixels.iter_mut().for_each(|value| *value += amount as f32),
            Self::Contrast => {
                for plane in pixels.chunks_exact_mut(image.plane()) {
                    let mean = plane.iter().sum::<f32>() / image.plane() as f32;
                    for value in plane {
                        *value = mean + amount as f32 * (*value - mean);
                    }
                }
            }
            Self::Pixelate => pixelate(image, amount, pixels),
            Self::Jpeg => jpeg(image, amount, pixels),
        }
        for value in pixels {
            *value = value.clamp(0.0, 1.0);
        }
    }
}

fn add_noise(stream: &mut Stream, pixels: &mut [f32], noisy: impl Fn(f32, f32) -> f32) {
    let mut noise = vec![0.0; pixels.len()];
    stream.fill_normal(&mut noise);
    for (value, noise) in pixels.iter_mut().zip(noise) {
        *value = noisy(*value, noise);
    }
}

/// A Poisson number as a binomial one of so many trials that nobody can tell.
fn poisson(stream: &mut Stream, expected: f64) -> u64 {
    const TRIALS: u64 = 1 << 40;
    stream.binomial(TRIALS, expected / TRIALS as f64)
}

/// Half of a Gaussian kernel, from its middle, with sum 1 over the whole.
fn gaussian(deviation: f64) -> Vec<f32> {
    let radius = (4.0 * deviation).ceil().max(1.0) as usize;
    let weights: Vec<f64> = (0..=radius)
        .map(|k| libm::exp(-0.5 * (k as f64 / deviation) * (k as f64 / deviation)))
        .collect();
    let total = 2.0 * weights.iter().sum::<f64>() - weights[0];
    weights.into_iter().map(|weight| (weight / total) as f32).collect()
}

/// Blurs along both axes with a symmetric kernel; beyond the edge lies the edge.
fn blur(image: Image, kernel: &[f32], pixels: &mut [f32]) {
    let (height, width) = (image.height, image.width);
    for plane in pixels.chunks_exact_mut(image.plane()) {
        for (length, stride, other, lines) in [(width, 1, width, height), (height, width, 1, width)]
        {
            for line in 0..lines {
                let values: Vec<f32> =
                    (0..length).map(|i| plane[line * other + i * stride]).collect();
                for i in 0..length {
                    let beside = (1..kernel.len()).map(|k| {
                        kernel[k] * (values[i.saturating_sub(k)] + values[(i + k).min(length - 1)])
                    });
                    plane[line * other + i * stride] = kernel[0] * values[i] + beside.sum::<f32>();
                }
            }
        }
    }
}

/// Blurs with a disc whose edge pixels count in proportion; beyond the edge lies the edge.
fn defocus(image: Image, radius: f64, pixels: &mut [f32]) {
    let reach = radius.ceil() as isize;
    let mut kernel = Vec::new();
    for y in -reach..=reach {
        for x in -reach..=reach {
            let weight = (radius + 0.5 - (x as f64).hypot(y as f64)).clamp(0.0, 1.0);
            if weight > 0.0 {
                kernel.push((y, x, weight as f32));
            }
        }
    }
    let total: f32 = kernel.iter().map(|(.., weight)| weight).sum();
    let (height, width) = (image.height, image.width);
    for plane in pixels.chunks_exact_mut(image.plane()) {
        let values = plane.to_vec();
        for y in 0..height {
            for x in 0..width {
                let terms = kernel.iter().map(|&(down, right, weight)| {
                    let row = y.saturating_add_signed(down).min(height - 1);
                    let column = x.saturating_add_signed(right).min(width - 1);
                    weight * values[row * width + column]
                });
                plane[y * width + x] = terms.sum::<f32>() / total;
            }
        }
    }
}

/// Averages over `factor` times as many cells along each axis, which become the new pixels.
fn pixelate(image: Image, factor: f64, pixels: &mut [f32]) {
    let (height, width) = (image.height, image.width);
    let cells = |length: usize| ((length as f64 * factor) as usize).max(1);
    let (rows, columns) = (cells(height), cells(width));
    for plane in pixels.chunks_exact_mut(image.plane()) {
        let (mut sums, mut counts) = (vec![0.0; rows * columns], vec![0.0; rows * columns]);
        let cell = |y: usize, x: usize| y * rows / height * columns + x * columns / width;
        for y in 0..height {
            for x in 0..width {
                sums[cell(y, x)] += plane[y * width + x];
                counts[cell(y, x)] += 1.0;
            }
        }
        for y in 0..height {
            for x in 0..width {
                plane[y * width + x] = sums[cell(y, x)] / counts[cell(y, x)];
            }
        }
    }
}

/// Quantisation of luminance (ITU-T T.81, table K.1).
const LUMINANCE: [u8; 64] = [
    16, 11, 10, 16, 24, 40, 51, 61, 12, 12, 14, 19, 26, 58, 60, 55, 14, 13, 16, 24, 40, 57, 69, 56,
    14, 17, 22, 29, 51, 87, 80, 62, 18, 22, 37, 56, 68, 109, 103, 77, 24, 35, 55, 64, 81, 104, 113,
    92, 49, 64, 78, 87, 103, 121, 120, 101, 72, 92, 95, 98, 112, 100, 103, 99,
];

/// Transforms blocks of eight by eight, rounds to the steps of a quality (as the library of the Independent JPEG Group scales
/// them) and transforms back.
fn jpeg(image: Image, quality: f64, pixels: &mut [f32]) {
    let scale = if quality < 50.0 { 5_000.0 / quality } else { 200.0 - 2.0 * quality };
    let steps = LUMINANCE.map(|step| {
        let step = ((f64::from(step) * scale + 50.0) / 100.0).floor();
        step.clamp(1.0, 255.0) as f32
    });
    let mut waves = [[0.0_f32; 8]; 8];
    for (k, wave) in waves.iter_mut().enumerate() {
        let length = if k == 0 { 0.125_f64.sqrt() } else { 0.5 };
        for (i, value) in wave.iter_mut().enumerate() {
            let angle = std::f64::consts::PI * k as f64 * (i as f64 + 0.5) / 8.0;
            *value = (length * libm::cos(angle)) as f32;
        }
    }
    let (height, width) = (image.height, image.width);
    for plane in pixels.chunks_exact_mut(image.plane()) {
        for top in (0..height).step_by(8) {
            for left in (0..width).step_by(8) {
                let mut block = [[0.0_f32; 8]; 8];
                for (y, line) in block.iter_mut().enumerate() {
                    for (x, value) in line.iter_mut().enumerate() {
                        let place = (top + y).min(height - 1) * width + (left + x).min(width - 1);
                        *value = (plane[place] * 255.0).round() - 128.0;
                    }
                }
                let mut spectrum = transform(&block, |k, i| waves[k][i]);
                for (value, step) in spectrum.as_flattened_mut().iter_mut().zip(steps) {
                    *value = (*value / step).round() * step;
                }
                let block = transform(&spectrum, |i, k| waves[k][i]);
                for (y, line) in block.iter().enumerate().take(height - top) {
                    for (x, value) in line.iter().enumerate().take(width - left) {
                        plane[(top + y) * width + left + x] = (value + 128.0).round() / 255.0;
                    }
                }
            }
        }
    }
}

/// `W * block * W^T`.
fn transform(block: &[[f32; 8]; 8], wave: impl Fn(usize, usize) -> f32) -> [[f32; 8]; 8] {
    let mut half = [[0.0; 8]; 8];
    for (k, line) in half.iter_mut().enumerate() {
        for (x, value) in line.iter_mut().enumerate() {
            *value = (0..8).map(|y| wave(k, y) * block[y][x]).sum();
        }
    }
    let mut whole = [[0.0; 8]; 8];
    for (line, half) in whole.iter_mut().zip(&half) {
        for (k, value) in line.iter_mut().enumerate() {
            *value = (0..8).map(|x| wave(k, x) * half[x]).sum();
        }
    }
    whole
}

#[cfg(test)]
mod tests {
    use super::*;

    const IMAGE: Image = Image { channels: 2, height: 11, width: 9 };

    fn picture() -> Vec<f32> {
        (0..198).map(|k| 0.5 + 0.4 * (k as f32 * 0.37).sin()).collect()
    }

    fn corrupted(corruption: Corruption, severity: usize) -> Vec<f32> {
        let mut pixels = picture();
        corruption.apply(IMAGE, severity, &mut Stream::new(1, "test", 0), &mut pixels);
        pixels
    }

    fn change(a: &[f32], b: &[f32]) -> f32 {
        a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum::<f32>().sqrt()
    }

    #[test]
    fn corruptions_grow_with_severity_and_stay_in_range() {
        for corruption in Corruption::ALL {
            let sizes: Vec<f32> = (1..=5)
                .map(|severity| {
                    let pixels = corrupted(corruption, severity);
                    assert!(pixels.iter().all(|v| (0.0..=1.0).contains(v)), "{corruption:?}");
                    change(&pixels, &picture())
                })
                .collect();
            assert!(sizes[0] > 0.0 && sizes[4] > sizes[0], "{corruption:?}: {sizes:?}");
        }
    }

    #[test]
    fn blurs_keep_what_is_flat_and_the_mean_of_what_is_not() {
        let mut flat = vec![0.3; 198];
        for corruption in [Corruption::GaussianBlur, Corruption::DefocusBlur, Corruption::Pixelate]
        {
            corruption.apply(IMAGE, 5, &mut Stream::new(1, "test", 0), &mut flat);
            assert!(flat.iter().all(|v| (v - 0.3).abs() < 1e-6), "{corruption:?}");
        }
        // A spot in the middle is spread symmetrically.
        let image = Image { channels: 1, height: 9, width: 9 };
        for corruption in [Corruption::GaussianBlur, Corruption::DefocusBlur] {
            let mut spot = vec![0.0; 81];
            spot[40] = 1.0;
            corruption.apply(image, 5, &mut Stream::new(1, "test", 0), &mut spot);
            assert!((spot.iter().sum::<f32>() - 1.0).abs() < 1e-5, "{corruption:?}");
            assert!((spot[39] - spot[49]).abs() < 1e-7 && spot[39] > 0.0 && spot[40] >= spot[39]);
        }
    }

    #[test]
    fn shot_noise_has_the_mean_and_variance_of_photons() {
        let image = Image { channels: 1, height: 100, width: 60 };
        let mut pixels = vec![0.4; 6_000];
        Corruption::ShotNoise.apply(image, 5, &mut Stream::new(2, "test", 0), &mut pixels);
        let n = pixels.len() as f32;
        let mean = pixels.iter().sum::<f32>() / n;
        let variance = pixels.iter().map(|v| (v - mean) * (v - mean)).sum::<f32>() / n;
        // 50 photons for white; four standard errors.
        let expected = 0.4 / 50.0;
        assert!((mean - 0.4).abs() < 4.0 * (expected / n).sqrt(), "{mean}");
        assert!((variance / expected - 1.0).abs() < 4.0 * (2.0 / n).sqrt(), "{variance}");
    }

    #[test]
    fn the_cosine_transform_is_undone_by_its_transpose() {
        // The finest steps leave rounding only.
        let mut pixels = picture();
        jpeg(IMAGE, 100.0, &mut pixels);
        let largest = pixels.iter().zip(picture()).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(largest < 3.0 / 255.0, "{largest}");
    }
}
