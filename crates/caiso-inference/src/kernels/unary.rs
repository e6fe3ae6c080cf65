use std::f32::consts::{FRAC_1_SQRT_2, FRAC_2_SQRT_PI};

use super::dense::floor_or_nan;

/// A function of each value.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Unary {
    Neg,
    Abs,
    Square,
    Sqrt,
    Reciprocal,
    Exp,
    Log,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Erf,
    Relu,
    /// `slope * x` below zero.
    LeakyRelu {
        slope: f32,
    },
    /// Zero up to `alpha`.
    ThresholdedRelu {
        alpha: f32,
    },
    /// `gamma * x`, below zero `gamma * alpha * (exp(x / scale) - 1)`: ELU, SELU and CELU.
    Elu {
        alpha: f32,
        gamma: f32,
        scale: f32,
    },
    /// `x` times the normal distribution function.
    Gelu,
    /// The same by way of tanh.
    GeluTanh,
    Mish,
    /// `x * sigmoid(alpha * x)`.
    Swish {
        alpha: f32,
    },
    Sigmoid,
    /// `log(sigmoid(x))`.
    LogSigmoid,
    /// `alpha * x + beta`, at least 0 and at most 1.
    HardSigmoid {
        alpha: f32,
        beta: f32,
    },
    HardSwish,
    Softplus,
    Softsign,
    /// Towards zero by `bias`, zero from `-lambd` to `lambd`.
    Shrink {
        bias: f32,
        lambd: f32,
    },
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
    /// 1 for 0.
    Not,
    IsNan,
    IsInf {
        negative: bool,
        positive: bool,
    },
    /// 1 above a threshold, else 0.
    Above {
        threshold: f32,
    },
}

impl Unary {
    /// Whether the derivative is zero wherever there is one.
    pub(super) fn is_piecewise_constant(self) -> bool {
        self.is_logical()
            || matches!(
                self,
                Self::Floor
                    | Self::Ceil
                    | Self::Round
                    | Self::Sign
                    | Self::Truncate
                    | Self::Above { .. }
            )
    }

    /// Whether the result is 0 or 1.
    pub(crate) fn is_logical(self) -> bool {
        matches!(self, Self::NotZero | Self::Not | Self::IsNan | Self::IsInf { .. })
    }

    #[inline]
    pub(crate) fn apply(self, x: f32) -> f32 {
        match self {
            Self::Neg => -x,
            Self::Abs => x.abs(),
            Self::Square => x * x,
            Self::Sqrt => x.sqrt(),
            Self::Reciprocal => 1.0 / x,
            Self::Exp => x.exp(),
            Self::Log => x.ln(),
            Self::Sin => x.sin(),
            Self::Cos => x.cos(),
            Self::Tan => x.tan(),
            Self::Asin => x.asin(),
            Self::Acos => x.acos(),
            Self::Atan => x.atan(),
            Self::Sinh => x.sinh(),
            Self::Cosh => x.cosh(),
            Self::Tanh => x.tanh(),
            Self::Asinh => libm::asinhf(x),
            Self::Acosh => libm::acoshf(x),
            Self::Atanh => libm::atanhf(x),
            Self::Erf => libm::erff(x),
            Self::Relu => floor_or_nan(x, 0.0),
            Self::LeakyRelu { slope } => {
                if x < 0.0 {
                    slope * x
                } else {
                    x
                }
            }
            Self::ThresholdedRelu { alpha } => {
                if x <= alpha {
                    0.0
                } else {
                    x
                }
            }
            Self::Elu { alpha, gamma, scale } => {
                if x < 0.0 {
                    gamma * alpha * (x / scale).exp_m1()
                } else {
                    gamma * x
                }
            }
            Self::Gelu => x * normal(x),
            Self::GeluTanh => x * Self::Sigmoid.apply(2.0 * gelu_argument(x)),
            Self::Mish => x * Self::Softplus.apply(x).tanh(),
            Self::Swish { alpha } => x * Self::Sigmoid.apply(alpha * x),
            Self::Sigmoid => {
                let decay = (-x.abs()).exp();
                if x < 0.0 { decay / (1.0 + decay) } else { 1.0 / (1.0 + decay) }
            }
            Self::LogSigmoid => x.min(0.0) - (-x.abs()).exp().ln_1p(),
            Self::HardSigmoid { alpha, beta } => {
                Self::Clip { low: 0.0, high: 1.0 }.apply(alpha * x + beta)
            }
            Self::HardSwish => x * Self::HardSigmoid { alpha: 1.0 / 6.0, beta: 0.5 }.apply(x),
            Self::Softplus => floor_or_nan(x, 0.0) + (-x.abs()).exp().ln_1p(),
            Self::Softsign => x / (1.0 + x.abs()),
            Self::Shrink { bias, lambd } => {
                if x < -lambd {
                    x + bias
                } else if x > lambd {
                    x - bias
                } else if x.is_nan() {
                    x
                } else {
                    0.0
                }
            }
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
            Self::Not => f32::from(x == 0.0),
            Self::IsNan => f32::from(x.is_nan()),
            Self::IsInf { negative, positive } => {
                f32::from((negative && x == f32::NEG_INFINITY) || (positive && x == f32::INFINITY))
            }
            Self::Above { threshold } => f32::from(x > threshold),
        }
    }

    /// The derivative at `x`. Where there is a kink it is the one from the left for ReLU and its kin (0) and
    /// from inside for clip (1), as in PyTorch. Saturating functions are differentiated from `x`, not from
    /// their value near 1, which would lose all relative accuracy.
    #[inline]
    fn slope(self, x: f32) -> f32 {
        match self {
            Self::Neg => -1.0,
            Self::Abs => {
                if x == 0.0 {
                    0.0
                } else {
                    x.signum()
                }
            }
            Self::Square => 2.0 * x,
            Self::Sqrt => 0.5 / x.sqrt(),
            Self::Reciprocal => -1.0 / (x * x),
            Self::Exp => x.exp(),
            Self::Log => 1.0 / x,
            Self::Sin => x.cos(),
            Self::Cos => -x.sin(),
            Self::Tan => 1.0 / (x.cos() * x.cos()),
            Self::Asin => 1.0 / ((1.0 - x) * (1.0 + x)).sqrt(),
            Self::Acos => -1.0 / ((1.0 - x) * (1.0 + x)).sqrt(),
            Self::Atan => 1.0 / (1.0 + x * x),
            Self::Sinh => x.cosh(),
            Self::Cosh => x.sinh(),
            Self::Tanh => {
                let decay = (-2.0 * x.abs()).exp();
                4.0 * decay / ((1.0 + decay) * (1.0 + decay))
            }
            Self::Asinh => 1.0 / 1.0_f32.hypot(x),
            Self::Acosh => 1.0 / ((x - 1.0) * (x + 1.0)).sqrt(),
            Self::Atanh => 1.0 / ((1.0 - x) * (1.0 + x)),
            Self::Erf => FRAC_2_SQRT_PI * (-x * x).exp(),
            Self::Relu => f32::from(x > 0.0),
            Self::LeakyRelu { slope } => {
                if x > 0.0 {
                    1.0
                } else {
                    slope
                }
            }
            Self::ThresholdedRelu { alpha } => f32::from(x > alpha),
            Self::Elu { alpha, gamma, scale } => {
                if x > 0.0 {
                    gamma
                } else {
                    gamma * alpha / scale * (x / scale).exp()
                }
            }
            Self::Gelu => {
                normal(x) + x * (FRAC_2_SQRT_PI * 0.5 * FRAC_1_SQRT_2) * (-0.5 * x * x).exp()
            }
            Self::GeluTanh => {
                let u = gelu_argument(x);
                let inner = GELU_SCALE * (1.0 + 3.0 * GELU_CUBE * x * x);
                let sigmoid = Self::Sigmoid;
                sigmoid.apply(2.0 * u) + x * sigmoid.slope(2.0 * u) * 2.0 * inner
            }
            Self::Mish => {
                let softplus = Self::Softplus.apply(x);
                softplus.tanh() + x * Self::Tanh.slope(softplus) * Self::Sigmoid.apply(x)
            }
            Self::Swish { alpha } => {
                let (sigmoid, z) = (Self::Sigmoid, alpha * x);
                sigmoid.apply(z) + z * sigmoid.slope(z)
            }
            Self::Sigmoid => {
                let decay = (-x.abs()).exp();
                decay / ((1.0 + decay) * (1.0 + decay))
            }
            Self::LogSigmoid => Self::Sigmoid.apply(-x),
            Self::HardSigmoid { alpha, beta } => {
                let z = alpha * x + beta;
                if z > 0.0 && z < 1.0 { alpha } else { 0.0 }
            }
            Self::HardSwish => {
                if x <= -3.0 {
                    0.0
                } else if x < 3.0 {
                    x / 3.0 + 0.5
                } else {
                    1.0
                }
            }
            Self::Softplus => Self::Sigmoid.apply(x),
            Self::Softsign => 1.0 / ((1.0 + x.abs()) * (1.0 + x.abs())),
            Self::Shrink { lambd, .. } => f32::from(x < -lambd || x > lambd),
            Self::Clip { low, high } => f32::from(x >= low && x <= high),
            Self::Floor
            | Self::Ceil
            | Self::Round
            | Self::Sign
            | Self::Truncate
            | Self::NotZero
            | Self::Not
            | Self::IsNan
            | Self::IsInf { .. }
            | Self::Above { .. } => 0.0,
        }
    }

    pub(super) fn forward(self, input: &[f32], out: &mut [f32]) {
        // Cheap functions in loops of their own, which are vectorised; the others spend their time in the
        // mathematical library.
        match self {
            Self::Neg => each(input, out, |x| Self::Neg.apply(x)),
            Self::Abs => each(input, out, |x| Self::Abs.apply(x)),
            Self::Square => each(input, out, |x| Self::Square.apply(x)),
            Self::Sqrt => each(input, out, |x| Self::Sqrt.apply(x)),
            Self::Reciprocal => each(input, out, |x| Self::Reciprocal.apply(x)),
            Self::Relu => each(input, out, |x| Self::Relu.apply(x)),
            Self::LeakyRelu { slope } => each(input, out, |x| Self::LeakyRelu { slope }.apply(x)),
            Self::HardSwish => each(input, out, |x| Self::HardSwish.apply(x)),
            Self::HardSigmoid { alpha, beta } => {
                each(input, out, |x| Self::HardSigmoid { alpha, beta }.apply(x));
            }
            Self::Clip { low, high } => each(input, out, |x| Self::Clip { low, high }.apply(x)),
            _ => each(input, out, |x| self.apply(x)),
        }
    }

    pub(super) fn backward(self, input: &[f32], seed: &[f32], gradient: &mut [f32]) {
        match self {
            Self::Relu => each_slope(input, seed, gradient, |x| Self::Relu.slope(x)),
            Self::LeakyRelu { slope } => {
                each_slope(input, seed, gradient, |x| Self::LeakyRelu { slope }.slope(x));
            }
            Self::HardSwish => each_slope(input, seed, gradient, |x| Self::HardSwish.slope(x)),
            Self::Clip { low, high } => {
                each_slope(input, seed, gradient, |x| Self::Clip { low, high }.slope(x));
            }
            _ => each_slope(input, seed, gradient, |x| self.slope(x)),
        }
    }
}

/// The normal distribution function, with relative accuracy where it is small.
fn normal(x: f32) -> f32 {
    0.5 * libm::erfcf(-x * FRAC_1_SQRT_2)
}

/// The square root of 2 / pi.
const GELU_SCALE: f32 = FRAC_2_SQRT_PI * FRAC_1_SQRT_2;
const GELU_CUBE: f32 = 0.044_715;

fn gelu_argument(x: f32) -> f32 {
    GELU_SCALE * (x + GELU_CUBE * x * x * x)
}

fn each(input: &[f32], out: &mut [f32], apply: impl Fn(f32) -> f32) {
    for (out, &x) in out.iter_mut().zip(input) {
        *out = apply(x);
    }
}

fn each_slope(input: &[f32], seed: &[f32], gradient: &mut [f32], slope: impl Fn(f32) -> f32) {
    for ((gradient, seed), &x) in gradient.iter_mut().zip(seed).zip(input) {
        let slope = slope(x);
        // A zero slope stops a seed of any size, infinite ones too.
        *gradient += if slope == 0.0 { 0.0 } else { seed * slope };
    }
}
