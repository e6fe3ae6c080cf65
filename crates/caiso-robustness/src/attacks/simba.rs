use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, Loss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::decision::{Grain, finish};
use crate::image::Image;
use crate::norm::clip;
use crate::objective::Objective;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// The simple black-box attack: takes the directions of an orthonormal basis in random order, steps forwards or
    /// backwards in each and keeps the step if the score of the true class falls behind. The basis is the features
    /// themselves, or the low frequencies of an image.
    ///
    /// ## Why it matters
    /// It is a dozen lines and needs scores only; a model that falls to it is open to anybody who can ask it.
    ///
    /// ## References
    /// - Guo et al.: Simple Black-box Adversarial Attacks, ICML 2019, <https://arxiv.org/abs/1905.07121>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-SIMBA-001",
            name: "simba",
            title: "Simple black-box attack",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Scores,
        norms: &[Norm::L2, Norm::Linf, Norm::L1, Norm::L0],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<SimbaParameters>(),
        run,
    };
}

/// Parameters of `simba`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct SimbaParameters {
    /// Directions tried at most; after the last one of the basis they begin anew in another order.
    #[schemars(range(min = 1, max = 10_000_000))]
    steps: u32,
    /// Length of a step in units of distance.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    step_size: f64,
    /// The directions.
    basis: Basis,
    /// Share of the frequencies along each axis that the `dct` basis holds, the lowest first.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    frequencies: f64,
}

impl Default for SimbaParameters {
    fn default() -> Self {
        Self { steps: 5_000, step_size: 0.2, basis: Basis::Pixel, frequencies: 0.25 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Basis {
    /// The features themselves.
    Pixel,
    /// The low frequencies of the discrete cosine transform of each channel.
    Dct,
}

/// How near the boundary the last point is, as a share of its distance.
const TOLERANCE: f64 = 1e-3;

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: SimbaParameters = parameters.read();
    let waves = match parameters.basis {
        Basis::Pixel => None,
        Basis::Dct => Some(Waves::new(Image::of(batch)?, parameters.frequencies)),
    };
    let objective = Objective::new(batch, Loss::Margin);
    batch.each_row(|batch, row| attack(batch, row, &parameters, waves.as_ref(), &objective))
}

fn attack(
    batch: &mut Batch<'_, '_>,
    row: usize,
    parameters: &SimbaParameters,
    waves: Option<&Waves>,
    objective: &Objective,
) -> Result<(), RobustnessError> {
    let grain = Grain::of(batch, row);
    let mut order: Vec<usize> = match waves {
        None => (0..batch.width).filter(|&j| grain.least[j].is_finite()).collect(),
        Some(waves) => (0..waves.count()).collect(),
    };
    let mut seed = vec![0.0; batch.classes];
    let mut ahead =
        |batch: &Batch<'_, '_>| objective.value_and_seed(row, batch.logits(), &mut seed);
    let mut point = batch.origin_of(row).to_vec();
    batch.evaluate(&[row], &point)?;
    let mut best = ahead(batch);
    let mut stream = batch.stream(row);
    let mut candidate = point.clone();
    let mut direction = vec![0.0; point.len()];
    for step in 0..parameters.steps as usize {
        if order.is_empty() || batch.found[row].is_adversarial() {
            break;
        }
        let place = step % order.len();
        if place == 0 {
            stream.shuffle(&mut order);
        }
        direction.fill(0.0);
        match waves {
            None => direction[order[place]] = 1.0,
            Some(waves) => waves.write(order[place], &mut direction),
        }
        for way in [-1.0, 1.0] {
            let (low, high) = batch.bounds_of(row);
            for (j, value) in candidate.iter_mut().enumerate() {
                let length = (parameters.step_size as f32).max(match waves {
                    None => grain.least[j],
                    Some(_) => 0.0,
                });
                *value = if direction[j] == 0.0 {
                    point[j]
                } else {
                    point[j] + way * length * direction[j]
                };
            }
            clip(low, high, &mut candidate);
            if candidate == point {
                continue;
            }
            batch.evaluate(&[row], &candidate)?;
            let score = ahead(batch);
            if score > best {
                best = score;
                point.copy_from_slice(&candidate);
                break;
            }
        }
    }
    if batch.task.norm == Norm::L0 {
        return Ok(());
    }
    finish(batch, row, batch.task.norm, TOLERANCE)
}

/// The orthonormal basis of the discrete cosine transform (type II) of an image.
struct Waves {
    image: Image,
    /// Frequencies along the two axes.
    rows: usize,
    columns: usize,
    /// The waves of each axis, `[frequency, place]`.
    vertical: Vec<f32>,
    horizontal: Vec<f32>,
}

impl Waves {
    fn new(image: Image, share: f64) -> Self {
        let frequencies =
            |length: usize| ((length as f64 * share).ceil() as usize).clamp(1, length);
        let (rows, columns) = (frequencies(image.height), frequencies(image.width));
        let (vertical, horizontal) = (waves(rows, image.height), waves(columns, image.width));
        Self { image, rows, columns, vertical, horizontal }
    }

    fn count(&self) -> usize {
        self.image.channels * self.rows * self.columns
    }

    fn write(&self, index: usize, direction: &mut [f32]) {
        let (channel, wave) =
            (index / (self.rows * self.columns), index % (self.rows * self.columns));
        let (height, width) = (self.image.height, self.image.width);
        let vertical = &self.vertical[wave / self.columns * height..][..height];
        let horizontal = &self.horizontal[wave % self.columns * width..][..width];
        let plane = &mut direction[channel * self.image.plane()..][..self.image.plane()];
        for (line, down) in plane.chunks_exact_mut(width).zip(vertical) {
            for (value, across) in line.iter_mut().zip(horizontal) {
                *value = down * across;
            }
        }
    }
}

fn waves(frequencies: usize, length: usize) -> Vec<f32> {
    let n = length as f64;
    let wave = |k: usize, i: usize| {
        let scale = if k == 0 { (1.0 / n).sqrt() } else { (2.0 / n).sqrt() };
        (scale * libm::cos(std::f64::consts::PI * k as f64 * (i as f64 + 0.5) / n)) as f32
    };
    (0..frequencies).flat_map(|k| (0..length).map(move |i| wave(k, i))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waves_are_orthonormal() {
        let image = Image { channels: 2, height: 5, width: 4 };
        let waves = Waves::new(image, 1.0);
        assert_eq!(waves.count(), 40, "as many as pixels");
        let all: Vec<Vec<f32>> = (0..40)
            .map(|k| {
                let mut wave = vec![0.0; 40];
                waves.write(k, &mut wave);
                wave
            })
            .collect();
        for (i, a) in all.iter().enumerate() {
            for (j, b) in all.iter().enumerate() {
                let inner: f32 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((inner - f32::from(i == j)).abs() < 1e-6, "{i} {j} {inner}");
            }
        }
    }
}
