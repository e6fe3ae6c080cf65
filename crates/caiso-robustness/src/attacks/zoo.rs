use caiso_core::{Meta, ParameterSet, Parameters, Severity};
use caiso_inference::{Access, Loss};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::attack::{Goal, Scope};
use crate::batch::Batch;
use crate::decision::{Grain, finish};
use crate::objective::Objective;
use crate::{Attack, Norm, RobustnessError};

caiso_core::unit! {
    /// ## What it does
    /// Zeroth-order optimisation: the attack of Carlini and Wagner with derivatives from differences of scores, some features
    /// at a time in random order, each with its own Adam. On trees the differences are as wide as their steps; where a difference
    /// shows nothing, the feature is probed more widely from then on.
    ///
    /// ## Why it matters
    /// It needs scores only, and shows that an interface which gives them gives its gradients as well.
    ///
    /// ## References
    /// - Chen et al.: ZOO, AISec 2017, <https://arxiv.org/abs/1708.03999>
    /// - MITRE ATLAS AML.T0043.001, AML.T0015
    pub(crate) static UNIT: Attack = Attack {
        meta: Meta {
            code: "RB-ZOO-001",
            name: "zoo",
            title: "Zeroth-order optimisation",
            severity: Severity::High,
            techniques: &["AML.T0043.001", "AML.T0015"],
            evidence: &["robustness-evasion-test"],
            since: "0.2.0",
            docs: DOCS,
        },
        access: Access::Scores,
        norms: &[Norm::L2],
        goal: Goal::Nearest,
        scope: Scope::Row,
        parameters: ParameterSet::of::<ZooParameters>(),
        run,
    };
}

/// Parameters of `zoo`.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ZooParameters {
    /// Steps for each weight of the margin.
    #[schemars(range(min = 1, max = 1_000_000))]
    steps: u32,
    /// Weights of the margin tried one after another, by bisection.
    #[schemars(range(min = 1, max = 30))]
    searches: u32,
    /// First weight of the margin against the squared distance.
    #[schemars(extend("exclusiveMinimum" = 0.0))]
    first_weight: f64,
    /// Features that move in one step; two queries each.
    #[schemars(range(min = 1, max = 100_000))]
    coordinates: u32,
    /// First step size of Adam as a share of a feature's extent; it falls to 0 over the steps.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 1.0))]
    step_size: f64,
    /// Half the width of a difference as a share of a feature's extent, at first.
    #[schemars(extend("exclusiveMinimum" = 0.0), range(max = 0.5))]
    difference: f64,
}

impl Default for ZooParameters {
    fn default() -> Self {
        Self {
            steps: 100,
            searches: 5,
            first_weight: 1.0,
            coordinates: 128,
            step_size: 0.02,
            difference: 1e-3,
        }
    }
}

const FIRST_DECAY: f32 = 0.9;
const SECOND_DECAY: f32 = 0.999;
/// How near the boundary the last point is, as a share of its distance.
const TOLERANCE: f64 = 1e-4;
/// Queries kept for the walk there.
const RESERVE: u64 = 16;
/// Factor by which a difference without effect is widened, and its limit as a share of the extent.
const WIDEN: f32 = 4.0;
const WIDEST: f32 = 0.5;

fn run(batch: &mut Batch<'_, '_>, parameters: &Parameters) -> Result<(), RobustnessError> {
    let parameters: ZooParameters = parameters.read();
    let (bins, objective) = (bins(batch), Objective::new(batch, Loss::Margin));
    batch.each_row(|batch, row| attack(batch, row, &parameters, &bins, &objective))
}

/// The median width of the steps that the score makes along each feature, where the model is made of trees; else 0.
fn bins(batch: &Batch<'_, '_>) -> Vec<f32> {
    let Some(trees) = batch.oracle.model.trees() else { return vec![0.0; batch.width] };
    let width = |(cells, feature): (&Vec<f32>, &crate::FeatureDomain)| {
        let within = |x: &&f32| (feature.lower..feature.upper).contains(&f64::from(**x));
        let ends: Vec<f32> = cells.iter().filter(within).copied().collect();
        let mut widths: Vec<f32> = ends.windows(2).map(|pair| pair[1] - pair[0]).collect();
        widths.sort_by(f32::total_cmp);
        widths.get(widths.len() / 2).map_or(0.0, |&width| width / feature.unit() as f32)
    };
    trees.cells().iter().zip(batch.task.domain.features()).map(width).collect()
}

fn attack(
    batch: &mut Batch<'_, '_>,
    row: usize,
    parameters: &ZooParameters,
    bins: &[f32],
    objective: &Objective,
) -> Result<(), RobustnessError> {
    let grain = Grain::of(batch, row);
    let free: Vec<usize> = (0..batch.width).filter(|&j| grain.least[j].is_finite()).collect();
    let mut search = Search {
        objective,
        half: (0..batch.width)
            .map(|j| {
                let (low, high) = batch.bounds_of(row);
                let half = (parameters.difference as f32 * (high[j] - low[j])).max(bins[j]);
                if grain.least[j].is_finite() { half.max(grain.least[j]) } else { 0.0 }
            })
            .collect(),
        order: free,
        next: 0,
        first: vec![0.0; batch.width],
        second: vec![0.0; batch.width],
        taken: vec![0; batch.width],
        seed: vec![0.0; batch.classes],
    };
    let (mut low, mut high) = (0.0, f64::INFINITY);
    let mut weight = parameters.first_weight;
    let mut stream = batch.stream(row);
    for _ in 0..parameters.searches {
        let before = batch.found[row].distance;
        let success = search.descend(batch, row, parameters, weight as f32, &mut stream)?;
        let Some(success) = success else { break };
        if success || batch.found[row].distance < before {
            high = weight;
        } else {
            low = weight;
        }
        weight = if high.is_finite() { 0.5 * (low + high) } else { 10.0 * weight };
    }
    finish(batch, row, Norm::L2, TOLERANCE)
}

/// What is known of each feature.
struct Search<'a> {
    objective: &'a Objective,
    /// Half the width of its next difference.
    half: Vec<f32>,
    /// The features that may move, in the order of their turns.
    order: Vec<usize>,
    next: usize,
    /// Adam's moments and steps.
    first: Vec<f32>,
    second: Vec<f32>,
    taken: Vec<i32>,
    seed: Vec<f32>,
}

impl Search<'_> {
    /// Descends on `|x - row|^2 + weight * max(margin, 0)` from the row itself. Answers whether an adversarial point was met,
    /// or `None` if the queries are spent.
    fn descend(
        &mut self,
        batch: &mut Batch<'_, '_>,
        row: usize,
        parameters: &ZooParameters,
        weight: f32,
        stream: &mut caiso_math::Stream,
    ) -> Result<Option<bool>, RobustnessError> {
        let width = batch.width;
        let mut point = batch.origin_of(row).to_vec();
        self.first.fill(0.0);
        self.second.fill(0.0);
        self.taken.fill(0);
        let mut met = false;
        let mut probes = Vec::new();
        let mut chosen = Vec::new();
        for step in 0..parameters.steps {
            // Ever shorter, so that it settles.
            let share = 1.0 - f64::from(step) / f64::from(parameters.steps);
            let step_size = (share * parameters.step_size) as f32;
            self.choose(parameters.coordinates as usize, stream, &mut chosen);
            if chosen.is_empty() {
                return Ok(Some(false));
            }
            if batch.remaining(row) < 2 * chosen.len() as u64 + 1 + RESERVE {
                return Ok(None);
            }
            probes.clear();
            probes.extend_from_slice(&point);
            let (low, high) = batch.bounds_of(row);
            for &j in &chosen {
                for end in [point[j] - self.half[j], point[j] + self.half[j]] {
                    let start = probes.len();
                    probes.extend_from_slice(&point);
                    probes[start + j] = end.max(low[j]).min(high[j]);
                }
            }
            batch.query(row, &probes)?;
            met |= batch.fooled().contains(&true);
            let active = self.loss(batch, row, 0) < 0.0;
            for (k, &j) in chosen.iter().enumerate() {
                let (behind, ahead) = (1 + 2 * k, 2 + 2 * k);
                let apart = probes[ahead * width + j] - probes[behind * width + j];
                let rise = self.loss(batch, row, ahead) - self.loss(batch, row, behind);
                let extent = {
                    let (low, high) = batch.bounds_of(row);
                    high[j] - low[j]
                };
                if rise == 0.0 {
                    self.half[j] = (self.half[j] * WIDEN).min(WIDEST * extent);
                }
                // The margin counts until the decision is wrong.
                let slope = if active && apart > 0.0 { rise / apart } else { 0.0 };
                let own = batch.origin_of(row)[j];
                let gradient = 2.0 * (point[j] - own) - weight * slope;
                let moved = point[j] - step_size * extent * self.adam(j, gradient);
                let (low, high) = batch.bounds_of(row);
                point[j] = moved.max(low[j]).min(high[j]);
            }
        }
        Ok(Some(batch.is_adversarial(row, &point)? || met))
    }

    /// The next features in random order; every feature has had its turn before one has another.
    fn choose(&mut self, count: usize, stream: &mut caiso_math::Stream, chosen: &mut Vec<usize>) {
        chosen.clear();
        while chosen.len() < count.min(self.order.len()) {
            if self.next == 0 {
                stream.shuffle(&mut self.order);
            }
            let j = self.order[self.next];
            self.next = (self.next + 1) % self.order.len();
            if !chosen.contains(&j) {
                chosen.push(j);
            }
        }
    }

    /// How far the wanted decision is ahead at a point of the last query: positive where the row is adversarial.
    fn loss(&mut self, batch: &Batch<'_, '_>, row: usize, point: usize) -> f32 {
        let logits = &batch.logits()[point * batch.classes..][..batch.classes];
        self.objective.value_and_seed(row, logits, &mut self.seed)
    }

    /// Adam's direction for one feature (Kingma and Ba 2015), with its own count of steps.
    fn adam(&mut self, j: usize, gradient: f32) -> f32 {
        self.taken[j] += 1;
        let (first, second) = (&mut self.first[j], &mut self.second[j]);
        *first = FIRST_DECAY * *first + (1.0 - FIRST_DECAY) * gradient;
        *second = SECOND_DECAY * *second + (1.0 - SECOND_DECAY) * gradient * gradient;
        let corrected = |decay: f32| (1.0 - f64::from(decay).powi(self.taken[j])) as f32;
        let (mean, square) = (*first / corrected(FIRST_DECAY), *second / corrected(SECOND_DECAY));
        mean / (square.sqrt() + 1e-8)
    }
}
