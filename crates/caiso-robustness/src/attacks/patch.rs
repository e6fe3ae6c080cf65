use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, CHUNK, Loss};
use caiso_math::Stream;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::image::Image;
use crate::objective::Objective;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Computes one square patch that, pasted over a part of any image, changes the decision: gradient steps on the mean
    /// cross-entropy of all rows, with the patch at a random or a fixed place.
    ///
    /// ## Why it matters
    /// A patch can be printed, needs no access to the image, and works on images that the attacker has never seen.
    ///
    /// ## References
    /// - Brown et al.: Adversarial Patch, 2017, <https://arxiv.org/abs/1712.09665>
    /// - MITRE ATLAS AML.T0043.000, AML.T0041, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-PATCH-001",
            name: "patch",
            title: "Adversarial patch",
            severity: Severity::High,
            techniques: &["AML.T0043.000", "AML.T0041", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Gradients,
        norms: &[Norm::L0, Norm::Linf, Norm::L2, Norm::L1],
        goal: Goal::Nearest,
        scope: Scope::DataSet,
        parameters: ParameterSet::of::<PatchParameters>(),
        run,
    };
}

/// Parameters of `patch`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct PatchParameters {
    /// Passes over the rows, each with one step.
    #[schemars(range(min = 1, max = 100_000))]
    steps: u32,
    /// Side of the patch as a share of the image's shorter side.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    size: f64,
    /// First length of a step as a share of a pixel's range; it falls to 0 over the steps.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    step_size: f64,
    /// Where the patch lies.
    place: Place,
    /// Random places at which the finished patch is tried on each row; a row falls if one of them does it.
    #[schemars(range(min = 1, max = 10_000))]
    placements: u32,
}

impl Default for PatchParameters {
    fn default() -> Self {
        Self { steps: 100, size: 0.3, step_size: 0.1, place: Place::Random, placements: 1 }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum Place {
    /// Anywhere within the image, for each row and step anew.
    Random,
    /// In the middle.
    Centre,
    /// In the corner.
    TopLeft,
}

/// Momentum of the steps.
const MOMENTUM: f32 = 0.9;
/// Lanes of the places at which the finished patch is tried.
const TRIAL: u32 = 0x4000_0000;

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: PatchParameters = parameters.read();
    let image = Image::of(batch)?;
    let shorter = image.height.min(image.width);
    let side = ((shorter as f64 * parameters.size).round() as usize).clamp(1, shorter);
    let mut patch = Patch::new(batch, image, side);
    let objective = Objective::new(batch, Loss::CrossEntropy);
    let rows = batch.all();
    let mut momentum = vec![0.0; patch.values.len()];
    for step in 0..parameters.steps {
        let mut sum = vec![0.0; patch.values.len()];
        for rows in rows.chunks(CHUNK) {
            let places: Vec<(usize, usize)> = rows
                .iter()
                .map(|&row| patch.place(parameters.place, &mut batch.stream(row).lane(step)))
                .collect();
            patch.add_gradient(batch, &objective, rows, &places, &mut sum)?;
        }
        let total: f32 = sum.iter().map(|slope: &f32| slope.abs()).sum();
        if total > 0.0 {
            let share = 1.0 - f64::from(step) / f64::from(parameters.steps);
            let length = (parameters.step_size * share) as f32;
            for (momentum, slope) in momentum.iter_mut().zip(&sum) {
                *momentum = MOMENTUM * *momentum + slope / total;
            }
            patch.step(length, &momentum);
        }
    }
    for trial in 0..parameters.placements {
        for rows in rows.chunks(CHUNK) {
            let mut points = batch.gather(rows, &batch.origin);
            for (point, &row) in points.chunks_exact_mut(batch.width).zip(rows) {
                let mut stream = batch.stream(row).lane(TRIAL + trial);
                patch.paste(patch.place(parameters.place, &mut stream), point);
            }
            batch.evaluate(rows, &points)?;
        }
        if parameters.place != Place::Random {
            break;
        }
    }
    Ok(())
}

/// A square of pixels, `[channels, side, side]` in units of distance.
struct Patch {
    image: Image,
    side: usize,
    values: Vec<f32>,
    /// Valid values of each channel.
    low: Vec<f32>,
    high: Vec<f32>,
}

impl Patch {
    /// A patch in the middle of the valid range.
    fn new(batch: &Batch<'_, '_>, image: Image, side: usize) -> Self {
        let ends = |end: fn(&crate::FeatureDomain) -> f64, pick: fn(f64, f64) -> f64, from: f64| {
            let features = batch.task.domain.features().chunks_exact(image.plane());
            let channel = |channel: &[crate::FeatureDomain]| {
                channel.iter().map(|f| end(f) / f.unit()).fold(from, pick) as f32
            };
            features.map(channel).collect::<Vec<f32>>()
        };
        // What is valid wherever the patch lies.
        let low = ends(|feature| feature.lower, f64::max, f64::NEG_INFINITY);
        let high = ends(|feature| feature.upper, f64::min, f64::INFINITY);
        let middles = low.iter().zip(&high).map(|(low, high)| 0.5 * (low + high));
        let values = middles.flat_map(|middle| std::iter::repeat_n(middle, side * side)).collect();
        Self { image, side, values, low, high }
    }

    /// Row and column of the patch's first pixel.
    fn place(&self, place: Place, stream: &mut Stream) -> (usize, usize) {
        let (down, right) = (self.image.height - self.side, self.image.width - self.side);
        match place {
            Place::Random => {
                let mut below = |most: usize| stream.below(most as u64 + 1) as usize;
                (below(down), below(right))
            }
            Place::Centre => (down / 2, right / 2),
            Place::TopLeft => (0, 0),
        }
    }

    /// The stretches of an image that the patch covers, line by line.
    fn lines(&self, (down, right): (usize, usize)) -> impl Iterator<Item = usize> {
        let (image, side) = (self.image, self.side);
        (0..image.channels).flat_map(move |channel| {
            (0..side).map(move |y| channel * image.plane() + (down + y) * image.width + right)
        })
    }

    fn paste(&self, place: (usize, usize), point: &mut [f32]) {
        for (start, line) in self.lines(place).zip(self.values.chunks_exact(self.side)) {
            point[start..start + self.side].copy_from_slice(line);
        }
    }

    /// Adds to `sum` how the loss of some rows rises with the patch's pixels.
    fn add_gradient(
        &self,
        batch: &mut Batch<'_, '_>,
        objective: &Objective,
        rows: &[usize],
        places: &[(usize, usize)],
        sum: &mut [f32],
    ) -> Result<(), RobustnessError> {
        let mut points = batch.gather(rows, &batch.origin);
        for (point, &place) in points.chunks_exact_mut(batch.width).zip(places) {
            self.paste(place, point);
        }
        let loss = |k: usize, logits: &[f32], seed: &mut [f32]| {
            objective.value_and_seed(rows[k], logits, seed)
        };
        let (mut losses, mut gradients) = (vec![0.0; rows.len()], vec![0.0; points.len()]);
        batch.loss_and_gradient(rows, &points, loss, &mut losses, &mut gradients)?;
        for (gradient, &place) in gradients.chunks_exact(batch.width).zip(places) {
            for (start, line) in self.lines(place).zip(sum.chunks_exact_mut(self.side)) {
                for (sum, slope) in line.iter_mut().zip(&gradient[start..]) {
                    *sum += if slope.is_nan() { 0.0 } else { *slope };
                }
            }
        }
        Ok(())
    }

    /// A step along the signs of a direction.
    fn step(&mut self, length: f32, direction: &[f32]) {
        let each = self.side * self.side;
        for (k, (value, &slope)) in self.values.iter_mut().zip(direction).enumerate() {
            let (low, high) = (self.low[k / each], self.high[k / each]);
            let moved = *value + length * (high - low) * crate::ascent::sign(slope);
            *value = moved.max(low).min(high);
        }
    }
}
