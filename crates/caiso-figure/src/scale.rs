//! Linear axes with ticks at round numbers.

/// Numbers beyond this are drawn at it, so that differences stay finite.
const LARGEST: f64 = 1e300;

/// A finite number, or nothing.
pub(crate) fn finite(value: f64) -> Option<f64> {
    value.is_finite().then(|| value.clamp(-LARGEST, LARGEST))
}

/// Maps values onto a length of the canvas.
pub(crate) struct Scale {
    low: f64,
    high: f64,
    from: f64,
    to: f64,
    step: f64,
}

impl Scale {
    /// An axis over all finite values; over the whole unit interval if they lie in it, because
    /// shares read best against nothing and everything.
    pub(crate) fn over(values: impl IntoIterator<Item = f64>, from: f64, to: f64) -> Self {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in values.into_iter().filter_map(finite) {
            low = low.min(value);
            high = high.max(value);
        }
        if low > high || (low >= 0.0 && high <= 1.0 && high - low > 0.3) {
            (low, high) = (0.0, 1.0);
        }
        if high - low <= low.abs().max(high.abs()) * 1e-9 {
            let margin = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            (low, high) = (low - margin, high + margin);
        }
        let mut step = nice_step((high - low) / 5.0);
        let (mut first, mut last) = ((low / step).floor(), (high / step).ceil());
        // Rounding can leave a long axis; coarser steps end that.
        while last - first > 12.0 {
            step *= 2.0;
            (first, last) = ((low / step).floor(), (high / step).ceil());
        }
        Self { low: first * step, high: last * step, from, to, step }
    }

    /// Position of a value, held inside the axis.
    pub(crate) fn at(&self, value: f64) -> f64 {
        let share = (value - self.low) / (self.high - self.low);
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Positions and labels of the ticks.
    pub(crate) fn ticks(&self) -> Vec<(f64, String)> {
        let (first, last) = ((self.low / self.step).round(), (self.high / self.step).round());
        let decimals = (-self.step.log10().floor()).clamp(0.0, 9.0) as usize;
        let scientific = self.low.abs().max(self.high.abs()) >= 1e6 || self.step < 1e-6;
        (0..=(last - first).clamp(0.0, 24.0) as u32)
            .map(|index| {
                let value = (first + f64::from(index)) * self.step;
                let label = if value == 0.0 {
                    "0".to_owned()
                } else if scientific {
                    format!("{value:.1e}")
                } else {
                    format!("{value:.decimals$}")
                };
                (self.at(value), label)
            })
            .collect()
    }
}

/// The smallest of 1, 2, 5 times a power of ten that is at least `step`.
fn nice_step(step: f64) -> f64 {
    let step = step.max(f64::MIN_POSITIVE * 1e8);
    let power = 10_f64.powf(step.log10().floor());
    let ratio = step / power;
    let factor = match ratio {
        _ if ratio <= 1.0 + 1e-9 => 1.0,
        _ if ratio <= 2.0 + 1e-9 => 2.0,
        _ if ratio <= 5.0 + 1e-9 => 5.0,
        _ => 10.0,
    };
    factor * power
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(values: &[f64]) -> Vec<String> {
        Scale::over(values.iter().copied(), 0.0, 100.0)
            .ticks()
            .into_iter()
            .map(|tick| tick.1)
            .collect()
    }

    #[test]
    fn ticks_are_round_numbers() {
        assert_eq!(labels(&[0.1, 0.9]), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
        assert_eq!(labels(&[0.0, 0.1]), ["0", "0.02", "0.04", "0.06", "0.08", "0.10"]);
        assert_eq!(labels(&[-0.2, 0.13]), ["-0.2", "-0.1", "0", "0.1", "0.2"]);
        assert_eq!(labels(&[0.0, 41.0]), ["0", "10", "20", "30", "40", "50"]);
        assert_eq!(labels(&[]), ["0", "0.2", "0.4", "0.6", "0.8", "1.0"]);
    }

    #[test]
    fn every_value_lies_on_the_axis() {
        for values in [vec![3.0, 3.0], vec![0.0], vec![1e300, -1e300], vec![f64::MAX, 1.0]] {
            let scale = Scale::over(values.clone(), 10.0, 90.0);
            for value in values.into_iter().filter_map(finite) {
                let at = scale.at(value);
                assert!((10.0..=90.0).contains(&at), "{value} at {at}");
            }
        }
    }
}
