//! Rows under attack: what an attack may ask about them, and what it has found.
//!
//! An attack works on points in units of distance: each feature divided by its scale, so that norms and steps are plain
//! arithmetic. Whatever the model is asked for a decision is a valid input: within bounds, whole numbers whole, one category in
//! each one-hot group, immutable features untouched.

mod estimate;

use caiso_inference::arg_max;
use caiso_math::Stream;

use crate::measure::Measure;
use crate::norm::{Norm, clip, project};
use crate::oracle::{Gradients, Oracle};
use crate::pool::Pool;
use crate::{Domain, RobustnessError};

/// How much a distance may exceed epsilon by rounding, relative to the size of the numbers.
const ROUNDING: f64 = 1e-6;

/// What is the same for all rows of a run.
#[derive(Clone, Copy)]
pub(crate) struct Task<'a> {
    /// Name of the attack, for messages.
    pub(crate) attack: &'static str,
    /// Code of the attack: keys its random streams.
    pub(crate) code: &'static str,
    pub(crate) domain: &'a Domain,
    pub(crate) norm: Norm,
    /// Rows that decision-based attacks may start from.
    pub(crate) pool: &'a Pool,
    /// The data set: rows in the model's units, and their labels.
    pub(crate) data: (&'a [f32], &'a [usize]),
    pub(crate) seed: u64,
    /// Most queries for one row.
    pub(crate) queries: u64,
}

/// Rows under attack. Rows are numbered `0..len()`; a list of row numbers goes with points `[list.len(), width]`, so that
/// rows which are done can be left out.
pub(crate) struct Batch<'o, 'm> {
    pub(crate) task: Task<'o>,
    pub(crate) oracle: &'o mut Oracle<'m>,
    pub(crate) width: usize,
    pub(crate) classes: usize,
    /// Index of each row in the data set: keys its random streams.
    pub(crate) ids: Vec<usize>,
    /// True class of each row.
    pub(crate) labels: Vec<usize>,
    /// The class that each row shall be taken for; any other than its label if `None`.
    pub(crate) targets: Option<Vec<usize>>,
    /// Points to start from besides the rows, `[len, width]`, where an attack can: what an attack found before.
    pub(crate) starts: Option<Vec<f32>>,
    /// Radius of each row's ball; infinite where the nearest adversarial point is looked for.
    pub(crate) epsilons: Vec<f32>,
    /// The rows themselves, `[len, width]`.
    pub(crate) origin: Vec<f32>,
    /// The box that each row may move in, `[len, width]`: its bounds, and under L-infinity also its ball. Features that
    /// may not move have `low == high`.
    pub(crate) low: Vec<f32>,
    pub(crate) high: Vec<f32>,
    /// The rows and their boxes in the model's units.
    model_origin: Vec<f32>,
    model_low: Vec<f32>,
    model_high: Vec<f32>,
    /// Which adversarial example of a row is kept.
    pub(crate) measure: Measure,
    /// What is found, row by row.
    pub(crate) found: Vec<Found>,
    /// What one has to know about the attack itself; the same for all rows.
    pub(crate) notes: Vec<String>,
    /// For each row the least adversarial example so far, else the last point tried, in the model's units.
    pub(crate) adversarial: Vec<f32>,
    /// Buffers of the last call: rows, points in the model's units, logits, and which of them are adversarial.
    rows: Vec<usize>,
    input: Vec<f32>,
    logits: Vec<f32>,
    fooled: Vec<bool>,
    /// Points of the last forward in units of distance, kept for estimates of its gradient.
    points: Vec<f32>,
}

/// What is known about a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Found {
    /// Distance of the adversarial example that is kept, in the norm of the run; infinite if there is none.
    pub(crate) distance: f64,
    /// Its [`Measure`]; infinite if there is none.
    pub(crate) measured: f64,
    /// The class it is taken for.
    pub(crate) class: usize,
    /// The attack that found it.
    pub(crate) by: Option<&'static str>,
    /// Rows the model was asked to evaluate.
    pub(crate) queries: u64,
    /// The attack found no point to start from, which shows nothing about the model.
    pub(crate) init_failed: bool,
    /// The first gradient was zero in every feature that may move.
    pub(crate) without_gradient: bool,
    /// A gradient was taken.
    pub(crate) differentiated: bool,
    /// A distance below which it is proved that there is no adversarial example.
    pub(crate) lower_bound: f64,
}

impl Found {
    const NOTHING: Self = Self {
        distance: f64::INFINITY,
        measured: f64::INFINITY,
        class: 0,
        by: None,
        queries: 0,
        init_failed: false,
        without_gradient: false,
        differentiated: false,
        lower_bound: 0.0,
    };

    pub(crate) fn is_adversarial(&self) -> bool {
        self.distance.is_finite()
    }
}

impl<'o, 'm> Batch<'o, 'm> {
    /// Rows in the model's units, `[ids.len(), width]`, each with its epsilon.
    pub(crate) fn new(
        task: Task<'o>,
        oracle: &'o mut Oracle<'m>,
        ids: &[usize],
        labels: &[usize],
        rows: &[f32],
        epsilons: &[f64],
    ) -> Self {
        let width = task.domain.width();
        let mut model_low = vec![0.0; rows.len()];
        let mut model_high = vec![0.0; rows.len()];
        let ends = model_low.chunks_exact_mut(width).zip(model_high.chunks_exact_mut(width));
        for ((row, (low, high)), &epsilon) in rows.chunks_exact(width).zip(ends).zip(epsilons) {
            let radius = if task.norm == Norm::Linf { epsilon } else { f64::INFINITY };
            task.domain.reach(row, radius, low, high);
        }
        let scaled = |values: &[f32]| task.domain.in_units(values);
        Self {
            width,
            classes: oracle.model.classes(),
            ids: ids.to_vec(),
            labels: labels.to_vec(),
            targets: None,
            starts: None,
            epsilons: epsilons.iter().map(|&epsilon| epsilon as f32).collect(),
            origin: scaled(rows),
            low: scaled(&model_low),
            high: scaled(&model_high),
            model_origin: rows.to_vec(),
            model_low,
            model_high,
            measure: Measure::Distance,
            found: vec![Found::NOTHING; ids.len()],
            notes: Vec::new(),
            adversarial: rows.to_vec(),
            rows: Vec::new(),
            input: Vec::new(),
            logits: Vec::new(),
            fooled: Vec::new(),
            points: Vec::new(),
            task,
            oracle,
        }
    }

    /// Number of rows.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// All row numbers.
    pub(crate) fn all(&self) -> Vec<usize> {
        (0..self.len()).collect()
    }

    /// The rows without an adversarial example so far.
    pub(crate) fn survivors(&self) -> Vec<usize> {
        (0..self.len()).filter(|&row| !self.found[row].is_adversarial()).collect()
    }

    /// Queries that a row may still cost.
    pub(crate) fn remaining(&self, row: usize) -> u64 {
        self.task.queries.saturating_sub(self.found[row].queries)
    }

    /// Row `row` in units of distance.
    pub(crate) fn origin_of(&self, row: usize) -> &[f32] {
        &self.origin[row * self.width..][..self.width]
    }

    /// Where the values of row `row` lie in `origin`, `low`, `high` and `adversarial`.
    pub(crate) fn span(&self, row: usize) -> std::ops::Range<usize> {
        row * self.width..(row + 1) * self.width
    }

    /// The box of row `row`.
    pub(crate) fn bounds_of(&self, row: usize) -> (&[f32], &[f32]) {
        let span = self.span(row);
        (&self.low[span.clone()], &self.high[span])
    }

    /// Values of `rows` gathered from an array `[len, width]`.
    pub(crate) fn gather(&self, rows: &[usize], values: &[f32]) -> Vec<f32> {
        rows.iter().flat_map(|&row| &values[self.span(row)]).copied().collect()
    }

    /// The adversarial examples of `rows` so far, in units of distance.
    pub(crate) fn nearest(&self, rows: &[usize]) -> Vec<f32> {
        self.task.domain.in_units(&self.gather(rows, &self.adversarial))
    }

    /// Notes something about the attack that holds for every row, once.
    pub(crate) fn note(&mut self, note: String) {
        if !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The random stream of a row; every independent use of it takes its own lane.
    pub(crate) fn stream(&self, row: usize) -> Stream {
        Stream::new(self.task.seed, self.task.code, self.ids[row] as u64)
    }

    /// Brings the points of `rows` into their balls and boxes.
    pub(crate) fn project(&self, rows: &[usize], points: &mut [f32]) {
        for (&row, point) in rows.iter().zip(points.chunks_exact_mut(self.width)) {
            let (low, high) = self.bounds_of(row);
            let epsilon = self.epsilons[row];
            if epsilon.is_finite() {
                project(self.task.norm, epsilon, self.origin_of(row), low, high, point);
            } else {
                clip(low, high, point);
            }
        }
    }

    /// Lets the rows move as far as is valid, for an attack that comes back to their balls by itself.
    pub(crate) fn leave_balls(&mut self) {
        let domain = self.task.domain;
        let rows = self.model_origin.chunks_exact(self.width);
        let low = self.model_low.chunks_exact_mut(self.width);
        let high = self.model_high.chunks_exact_mut(self.width);
        for (row, (low, high)) in rows.zip(low.zip(high)) {
            domain.reach(row, f64::INFINITY, low, high);
        }
        self.low = domain.in_units(&self.model_low);
        self.high = domain.in_units(&self.model_high);
    }

    /// Whether logits make a row adversarial.
    pub(crate) fn fools(&self, row: usize, logits: &[f32]) -> bool {
        let class = arg_max(logits);
        match &self.targets {
            Some(targets) => class == targets[row],
            None => class != self.labels[row],
        }
    }

    /// Evaluates points where gradients are to be taken. Whole numbers and categories are relaxed here, so that only
    /// [`record`](Self::record) tells whether a point is adversarial.
    pub(crate) fn forward(
        &mut self,
        rows: &[usize],
        points: &[f32],
    ) -> Result<(), RobustnessError> {
        self.load(rows, points);
        match self.oracle.gradients {
            Gradients::Estimated { .. } => {
                self.points.clear();
                self.points.extend_from_slice(points);
                self.spend(1)?;
                self.oracle.ask(&self.input, &mut self.logits)
            }
            source => {
                if source == Gradients::Own {
                    self.spend(1)?;
                }
                let session = self.oracle.session(self.task.attack)?;
                session.forward(&self.input)?;
                self.logits.clear();
                self.logits.extend_from_slice(session.outputs().0);
                Ok(())
            }
        }
    }

    /// The logits of the last [`forward`](Self::forward), [`query`](Self::query) or [`evaluate`](Self::evaluate),
    /// `[points, classes]`.
    pub(crate) fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Which points of the last [`record`](Self::record), [`query`](Self::query) or [`evaluate`](Self::evaluate) are
    /// adversarial.
    pub(crate) fn fooled(&self) -> &[bool] {
        &self.fooled
    }

    /// The gradient of some function of the logits at the points of the last forward, `[points, width]`. `seed` is given
    /// each point's place in the list, its logits, and room for the derivative of the function with respect to them.
    pub(crate) fn backward(
        &mut self,
        mut seed: impl FnMut(usize, &[f32], &mut [f32]),
        gradients: &mut [f32],
    ) -> Result<(), RobustnessError> {
        let classes = self.classes;
        if let Gradients::Estimated { pairs, deviation } = self.oracle.gradients {
            let mut seeds = vec![0.0; self.logits.len()];
            for (k, (logits, into)) in
                self.logits.chunks_exact(classes).zip(seeds.chunks_exact_mut(classes)).enumerate()
            {
                seed(k, logits, into);
            }
            return self.estimate(&seeds, pairs, deviation, gradients);
        }
        let session = self.oracle.session(self.task.attack)?;
        let (logits, seeds) = session.outputs();
        for (k, (logits, into)) in
            logits.chunks_exact(classes).zip(seeds.chunks_exact_mut(classes)).enumerate()
        {
            seed(k, logits, into);
        }
        session.backward(gradients)?;
        // Without units there is nothing to multiply with.
        for gradient in gradients.chunks_exact_mut(self.width) {
            for (gradient, &unit) in gradient.iter_mut().zip(self.task.domain.units()) {
                *gradient *= unit as f32;
            }
        }
        Ok(())
    }

    /// Evaluates points and takes the gradient of a loss there. `loss` is given each point's place in the list, its logits
    /// and room for the derivative, and returns the loss. Notes rows whose first gradient is zero.
    pub(crate) fn loss_and_gradient(
        &mut self,
        rows: &[usize],
        points: &[f32],
        mut loss: impl FnMut(usize, &[f32], &mut [f32]) -> f32,
        losses: &mut [f32],
        gradients: &mut [f32],
    ) -> Result<(), RobustnessError> {
        self.forward(rows, points)?;
        self.backward(|k, logits, seed| losses[k] = loss(k, logits, seed), gradients)?;
        for (&row, gradient) in rows.iter().zip(gradients.chunks_exact(self.width)) {
            let span = self.span(row);
            let found = &mut self.found[row];
            if !std::mem::replace(&mut found.differentiated, true) {
                let ends = self.low[span.clone()].iter().zip(&self.high[span]);
                let mut movable = gradient.iter().zip(ends).filter(|(_, (low, high))| low < high);
                // A row in which nothing can move needs no gradient.
                found.without_gradient = movable.clone().next().is_some()
                    && movable.all(|(&slope, _)| slope == 0.0 || slope.is_nan());
            }
        }
        Ok(())
    }

    /// Decides the points of the last forward and keeps what is adversarial. Asks the model again only where the forward
    /// was at relaxed points or of another model.
    pub(crate) fn record(&mut self) -> Result<(), RobustnessError> {
        if self.oracle.gradients == Gradients::Surrogate || !self.task.domain.is_continuous() {
            self.decide()?;
        }
        self.keep();
        Ok(())
    }

    /// Decides points of several rows and keeps what is adversarial.
    pub(crate) fn evaluate(
        &mut self,
        rows: &[usize],
        points: &[f32],
    ) -> Result<(), RobustnessError> {
        self.load(rows, points);
        self.decide()?;
        self.keep();
        Ok(())
    }

    /// Decides several points of one row, `[points, width]`, and keeps what is adversarial.
    pub(crate) fn query(&mut self, row: usize, points: &[f32]) -> Result<(), RobustnessError> {
        self.evaluate(&vec![row; points.len() / self.width], points)
    }

    /// Whether one point of a row is adversarial.
    pub(crate) fn is_adversarial(
        &mut self,
        row: usize,
        point: &[f32],
    ) -> Result<bool, RobustnessError> {
        self.evaluate(&[row], point)?;
        Ok(self.fooled[0])
    }

    /// The row with the low and the high end of its box, in the model's units.
    pub(crate) fn in_model_units(&self, row: usize) -> [&[f32]; 3] {
        let all = [&self.model_origin, &self.model_low, &self.model_high];
        all.map(|values| &values[self.span(row)])
    }

    /// Decides a valid point of a row that is in the model's units, and keeps it if it is adversarial.
    pub(crate) fn evaluate_in_model_units(
        &mut self,
        row: usize,
        point: &[f32],
    ) -> Result<(), RobustnessError> {
        self.rows = vec![row];
        self.input = point.to_vec();
        self.decide()?;
        self.keep();
        Ok(())
    }

    /// Runs an attack on one row after another; a row whose queries are spent ends, the others go on.
    pub(crate) fn each_row(
        &mut self,
        mut attack: impl FnMut(&mut Self, usize) -> Result<(), RobustnessError>,
    ) -> Result<(), RobustnessError> {
        for row in 0..self.len() {
            match attack(self, row) {
                Ok(()) | Err(RobustnessError::QueriesSpent) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Runs an attack on some of the rows and takes over what it finds there.
    pub(crate) fn among(
        &mut self,
        rows: &[usize],
        attack: impl FnOnce(&mut Batch<'_, 'm>) -> Result<(), RobustnessError>,
    ) -> Result<(), RobustnessError> {
        let pick = |values: &[usize]| rows.iter().map(|&row| values[row]).collect::<Vec<_>>();
        let mut part = Batch {
            width: self.width,
            classes: self.classes,
            ids: pick(&self.ids),
            labels: pick(&self.labels),
            targets: self.targets.as_deref().map(pick),
            starts: self.starts.as_ref().map(|starts| self.gather(rows, starts)),
            epsilons: rows.iter().map(|&row| self.epsilons[row]).collect(),
            origin: self.gather(rows, &self.origin),
            low: self.gather(rows, &self.low),
            high: self.gather(rows, &self.high),
            model_origin: self.gather(rows, &self.model_origin),
            model_low: self.gather(rows, &self.model_low),
            model_high: self.gather(rows, &self.model_high),
            measure: self.measure.clone(),
            found: rows.iter().map(|&row| self.found[row]).collect(),
            notes: std::mem::take(&mut self.notes),
            adversarial: self.gather(rows, &self.adversarial),
            rows: Vec::new(),
            input: Vec::new(),
            logits: Vec::new(),
            fooled: Vec::new(),
            points: Vec::new(),
            task: self.task,
            oracle: &mut *self.oracle,
        };
        let result = attack(&mut part);
        let Batch { found, adversarial, notes, .. } = part;
        self.notes = notes;
        for (k, &row) in rows.iter().enumerate() {
            self.found[row] = found[k];
            let span = self.span(row);
            self.adversarial[span].copy_from_slice(&adversarial[k * self.width..][..self.width]);
        }
        match result {
            Err(RobustnessError::QueriesSpent) => Ok(()),
            other => other,
        }
    }

    /// Writes points in the model's units to the input buffer, within the boxes of their rows. A value that has not moved is
    /// the row's own, bit for bit.
    fn load(&mut self, rows: &[usize], points: &[f32]) {
        self.rows.clear();
        self.rows.extend_from_slice(rows);
        self.input.resize(points.len(), 0.0);
        let width = self.width;
        let units = self.task.domain.units();
        let pairs = self.input.chunks_exact_mut(width).zip(points.chunks_exact(width));
        for (&row, (input, point)) in rows.iter().zip(pairs) {
            let span = row * width..(row + 1) * width;
            let low = &self.model_low[span.clone()];
            let high = &self.model_high[span.clone()];
            let ends = low.iter().zip(high);
            if units.is_empty() {
                for (input, (&value, (&low, &high))) in input.iter_mut().zip(point.iter().zip(ends))
                {
                    *input = value.max(low).min(high);
                }
                continue;
            }
            let own = self.origin[span.clone()].iter().zip(&self.model_origin[span]);
            let values = point.iter().zip(units).zip(own).zip(ends);
            for (input, (((&value, &unit), (&scaled, &own)), (&low, &high))) in
                input.iter_mut().zip(values)
            {
                let moved = (f64::from(value) * unit) as f32;
                *input = if value == scaled { own } else { moved }.max(low).min(high);
            }
        }
    }

    /// Asks the model under attack about the valid points nearest to the input buffer.
    fn decide(&mut self) -> Result<(), RobustnessError> {
        self.spend(1)?;
        if !self.task.domain.is_continuous() {
            let width = self.width;
            for (&row, point) in self.rows.iter().zip(self.input.chunks_exact_mut(width)) {
                let span = row * width..(row + 1) * width;
                let (low, high) = (&self.model_low[span.clone()], &self.model_high[span.clone()]);
                self.task.domain.snap(&self.model_origin[span], low, high, point);
            }
        }
        self.oracle.ask(&self.input, &mut self.logits)
    }

    /// Keeps what is adversarial among the points of the input buffer.
    fn keep(&mut self) {
        let width = self.width;
        self.fooled.clear();
        for (k, &row) in self.rows.iter().enumerate() {
            let point = &self.input[k * width..][..width];
            let logits = &self.logits[k * self.classes..][..self.classes];
            let span = row * width..(row + 1) * width;
            let mut fools = self.fools(row, logits);
            if fools {
                let own = &self.model_origin[span.clone()];
                let distances = self.task.domain.distances(own, point);
                let distance = distances.in_norm(self.task.norm);
                let epsilon = f64::from(self.epsilons[row]);
                fools = distance <= epsilon + ROUNDING * epsilon.max(1.0) || epsilon.is_infinite();
                let target = self.targets.as_ref().map(|targets| targets[row]);
                let measured = self.measure.of(
                    self.task.domain,
                    self.task.norm,
                    (own, point),
                    &distances,
                    (logits, self.labels[row], target),
                );
                if fools && measured < self.found[row].measured {
                    self.found[row].measured = measured;
                    self.found[row].distance = distance;
                    self.found[row].class = arg_max(logits);
                    self.found[row].by = Some(self.task.attack);
                    self.adversarial[span].copy_from_slice(point);
                }
            } else if !self.found[row].is_adversarial() && self.epsilons[row].is_finite() {
                self.adversarial[span].copy_from_slice(point);
            }
            self.fooled.push(fools);
        }
    }

    /// Counts queries for each point of the input buffer.
    fn spend(&mut self, each: u64) -> Result<(), RobustnessError> {
        let limit = self.task.queries;
        for (k, &row) in self.rows.iter().enumerate() {
            let queries = self.found[row].queries.saturating_add(each);
            if queries > limit {
                for &row in &self.rows[..k] {
                    self.found[row].queries -= each;
                }
                return Err(RobustnessError::QueriesSpent);
            }
            self.found[row].queries = queries;
        }
        Ok(())
    }
}
