//! The arithmetic of skill: model and constant predictor side by side.

use caiso_math::{Interval, normal_quantile};

/// A mean loss of a model beside that of the predictor that always answers with the base rates.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Losses {
    /// Mean loss of the model.
    pub(crate) model: f64,
    /// Mean loss of the base rates.
    pub(crate) reference: f64,
    /// Standard error of the skill score.
    standard_error: f64,
}

impl Losses {
    /// From the loss of each row under model and base rates. The base rates are those of the same
    /// rows; both losses here are proper scores, for which a row's deviation from the mean is its
    /// influence on the mean although the rates move with it, so the delta method needs no more.
    fn of(model: &[f64], reference: &[f64]) -> Self {
        let n = model.len() as f64;
        let mean = |losses: &[f64]| losses.iter().sum::<f64>() / n;
        let (a, b) = (mean(model), mean(reference));
        // Influence of a row on 1 - a / b.
        let squares: f64 = model
            .iter()
            .zip(reference)
            .map(|(row, base)| a * (base - b) / (b * b) - (row - a) / b)
            .map(|influence| influence * influence)
            .sum();
        let standard_error = (squares / (n - 1.0) / n).sqrt();
        Self { model: a, reference: b, standard_error }
    }

    /// 1 - model / reference: 1 is perfect, 0 as good as the base rates.
    pub(crate) fn skill(&self) -> f64 {
        1.0 - self.model / self.reference
    }

    /// Normal interval of the skill score by the delta method (the infinitesimal jackknife, Efron
    /// 1982, <https://doi.org/10.1137/1.9781611970319>).
    pub(crate) fn interval(&self, level: f64) -> Option<Interval> {
        let margin = normal_quantile(f64::midpoint(1.0, level))? * self.standard_error;
        Some(Interval { low: self.skill() - margin, high: (self.skill() + margin).min(1.0) })
    }
}

/// Brier's score (1950, the sum over all classes, from 0 to 2) and logarithmic loss in nats, with
/// those of the base rates. Two or more classes must occur.
///
/// The second is `None` where a true class has probability 0: its loss is infinite.
pub(crate) fn losses(
    actual: &[usize],
    probabilities: &[f32],
    classes: usize,
) -> (Losses, Option<Losses>) {
    let n = actual.len() as f64;
    let mut rates = vec![0.0; classes];
    for &class in actual {
        rates[class] += 1.0 / n;
    }
    let brier = |of: &mut dyn Iterator<Item = f64>, class: usize| -> f64 {
        of.enumerate().map(|(k, p)| if k == class { (1.0 - p) * (1.0 - p) } else { p * p }).sum()
    };
    let rows = || actual.iter().copied().zip(probabilities.chunks_exact(classes));
    let squared = Losses::of(
        &rows()
            .map(|(c, row)| brier(&mut row.iter().map(|&p| f64::from(p)), c))
            .collect::<Vec<_>>(),
        &rows().map(|(c, _)| brier(&mut rates.iter().copied(), c)).collect::<Vec<_>>(),
    );
    let finite = rows().all(|(class, row)| row[class] > 0.0);
    let logarithmic = finite.then(|| {
        Losses::of(
            &rows().map(|(class, row)| -f64::from(row[class]).ln()).collect::<Vec<_>>(),
            &rows().map(|(class, _)| -rates[class].ln()).collect::<Vec<_>>(),
        )
    });
    (squared, logarithmic)
}

/// How decisions and truth meet.
#[derive(Clone, Debug)]
pub(crate) struct Confusion {
    /// `[true class][predicted class]`.
    pub(crate) counts: Vec<Vec<u64>>,
}

impl Confusion {
    pub(crate) fn of(actual: &[usize], predicted: &[usize], classes: usize) -> Self {
        let mut counts = vec![vec![0; classes]; classes];
        for (&truth, &answer) in actual.iter().zip(predicted) {
            counts[truth][answer] += 1;
        }
        Self { counts }
    }

    /// Rows of a true class.
    pub(crate) fn rows(&self, class: usize) -> u64 {
        self.counts[class].iter().sum()
    }

    pub(crate) fn n(&self) -> u64 {
        self.counts.iter().flatten().sum()
    }

    pub(crate) fn right(&self) -> u64 {
        (0..self.counts.len()).map(|class| self.counts[class][class]).sum()
    }

    /// The most frequent true class, the first of equals.
    pub(crate) fn majority(&self) -> usize {
        let most = (0..self.counts.len()).map(|class| self.rows(class)).max();
        (0..self.counts.len()).find(|&class| Some(self.rows(class)) == most).unwrap_or(0)
    }

    /// (right, rows) of every true class that occurs, with the class.
    pub(crate) fn recalls(&self) -> Vec<(usize, (u64, u64))> {
        (0..self.counts.len())
            .map(|class| (class, (self.counts[class][class], self.rows(class))))
            .filter(|(_, (_, rows))| *rows > 0)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use caiso_math::{Stream, percentile};

    /// Rows of a noisy binary forecaster.
    fn rows(n: u64) -> (Vec<usize>, Vec<f32>) {
        let mut stream = Stream::new(3, "test", 0);
        let mut actual = Vec::new();
        let mut probabilities = Vec::new();
        for _ in 0..n {
            let chance = 0.05 + 0.5 * stream.next_f64();
            actual.push(usize::from(stream.next_f64() < chance));
            let told = (chance * 0.9 + 0.02) as f32;
            probabilities.extend([1.0 - told, told]);
        }
        (actual, probabilities)
    }

    #[test]
    fn losses_are_their_definitions() {
        // Half and half: Brier of the base rates 0.5, log loss ln 2.
        let (brier, log) = losses(&[0, 1], &[0.75, 0.25, 0.5, 0.5], 2);
        assert!((brier.reference - 0.5).abs() < 1e-15);
        assert!((brier.model - f64::midpoint(2.0 * 0.0625, 2.0 * 0.25)).abs() < 1e-15);
        let log = log.unwrap();
        assert!((log.reference - std::f64::consts::LN_2).abs() < 1e-15);
        assert!((log.model + f64::midpoint(0.75_f64.ln(), 0.5_f64.ln())).abs() < 1e-15);
        assert!(losses(&[0, 1], &[0.75, 0.25, 1.0, 0.0], 2).1.is_none());
    }

    #[test]
    fn the_base_rates_have_no_skill() {
        let (brier, log) = losses(&[0, 0, 0, 1], &[0.75, 0.25].repeat(4), 2);
        for losses in [brier, log.unwrap()] {
            assert!(losses.skill().abs() < 1e-12);
            let interval = losses.interval(0.95).unwrap();
            assert!(interval.high - interval.low < 1e-12);
        }
    }

    #[test]
    fn intervals_agree_with_a_row_bootstrap() {
        let (actual, probabilities) = rows(800);
        let (brier, log) = losses(&actual, &probabilities, 2);
        let (mut briers, mut logs) = (Vec::new(), Vec::new());
        for replicate in 0..1000 {
            let mut stream = Stream::new(4, "test", replicate);
            let (mut y, mut p) = (Vec::new(), Vec::new());
            for _ in 0..actual.len() {
                let row = stream.below(actual.len() as u64) as usize;
                y.push(actual[row]);
                p.extend_from_slice(&probabilities[2 * row..2 * row + 2]);
            }
            let (a, b) = losses(&y, &p, 2);
            briers.push(a.skill());
            logs.push(b.unwrap().skill());
        }
        for (ours, mut replicates) in [(brier, briers), (log.unwrap(), logs)] {
            let ours = ours.interval(0.95).unwrap();
            let theirs = percentile(&mut replicates, 0.95).unwrap();
            let width = theirs.high - theirs.low;
            assert!((ours.low - theirs.low).abs() < 0.1 * width, "{ours:?} {theirs:?}");
            assert!((ours.high - theirs.high).abs() < 0.1 * width, "{ours:?} {theirs:?}");
        }
    }
}
