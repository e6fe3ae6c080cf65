use super::dense::floor_or_nan;

/// A function of each value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unary {
    Neg,
    Relu,
    /// `slope * x` below zero.
    LeakyRelu {
        slope: f32,
    },
    Sigmoid,
    /// `log(sigmoid(x))`.
    LogSigmoid,
    Tanh,
    Clip {
        low: f32,
        high: f32,
    },
    Floor,
    Ceil,
    /// To the nearest integer, halves to the even one.
    Round,
    /// -1, 0 or 1.
    Sign,
    /// Towards zero: what a cast to an integer does.
    Truncate,
    /// 1 for everything but 0: what a cast to a boolean does.
    NotZero,
    /// 1 above a threshold, else 0.
    Above {
        threshold: f32,
    },
}

impl Unary {
    /// Whether the derivative is zero wherever there is one.
    pub(super) fn is_piecewise_constant(self) -> bool {
        matches!(
            self,
            Self::Floor
                | Self::Ceil
                | Self::Round
                | Self::Sign
                | Self::Truncate
                | Self::NotZero
                | Self::Above { .. }
        )
    }

    pub(crate) fn apply(self, x: f32) -> f32 {
        match self {
            Self::Neg => -x,
            Self::Relu => floor_or_nan(x, 0.0),
            Self::LeakyRelu { slope } => {
                if x < 0.0 {
                    slope * x
                } else {
                    x
                }
            }
            Self::Sigmoid => {
                let decay = (-x.abs()).exp();
                if x < 0.0 { decay / (1.0 + decay) } else { 1.0 / (1.0 + decay) }
            }
            Self::LogSigmoid => x.min(0.0) - (-x.abs()).exp().ln_1p(),
            Self::Tanh => x.tanh(),
            Self::Clip { low, high } => {
                // In the order of the standard: where low > high, high wins.
                let raised = floor_or_nan(x, low);
                if raised > high { high } else { raised }
            }
            Self::Floor => x.floor(),
            Self::Ceil => x.ceil(),
            Self::Round => x.round_ties_even(),
            Self::Sign => {
                if x == 0.0 || x.is_nan() {
                    x
                } else {
                    x.signum()
                }
            }
            Self::Truncate => x.trunc(),
            Self::NotZero => f32::from(x != 0.0),
            Self::Above { threshold } => f32::from(x > threshold),
        }
    }

    /// The derivative at `x`. Where there is a kink it is the one from the left for ReLU (0) and from inside
    /// for clip (1), as in PyTorch. Saturating functions are differentiated from `x`, not from their value
    /// near 1, which would lose all relative accuracy.
    fn slope(self, x: f32) -> f32 {
        match self {
            Self::Neg => -1.0,
            Self::Relu => f32::from(x > 0.0),
            Self::LeakyRelu { slope } => {
                if x > 0.0 {
                    1.0
                } else {
                    slope
                }
            }
            Self::Sigmoid => {
                let decay = (-x.abs()).exp();
                decay / ((1.0 + decay) * (1.0 + decay))
            }
            Self::LogSigmoid => Self::Sigmoid.apply(-x),
            Self::Tanh => {
                let decay = (-2.0 * x.abs()).exp();
                4.0 * decay / ((1.0 + decay) * (1.0 + decay))
            }
            Self::Clip { low, high } => f32::from(x >= low && x <= high),
            Self::Floor
            | Self::Ceil
            | Self::Round
            | Self::Sign
            | Self::Truncate
            | Self::NotZero
            | Self::Above { .. } => 0.0,
        }
    }

    pub(super) fn forward(self, input: &[f32], out: &mut [f32]) {
        for (out, &x) in out.iter_mut().zip(input) {
            *out = self.apply(x);
        }
    }

    pub(super) fn backward(self, input: &[f32], seed: &[f32], gradient: &mut [f32]) {
        for ((gradient, seed), &x) in gradient.iter_mut().zip(seed).zip(input) {
            let slope = self.slope(x);
            // A zero slope stops a seed of any size, infinite ones too.
            *gradient += if slope == 0.0 { 0.0 } else { seed * slope };
        }
    }
}
