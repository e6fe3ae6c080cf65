//! Statistics, intervals, tests and counter-based random streams.
//!
//! Pure arithmetic without any vocabulary of caiso. What is undefined is `None`, never a NaN.
//! Every function is checked against an independent oracle: `tests/fixtures/oracle.py` writes the
//! values that SciPy gives, the other tests use closed forms, enumeration and laws.

mod bulk;
mod distribution;
mod hypothesis;
mod interval;
mod multiple;
mod roc;
mod stream;

pub use distribution::{
    beta_cdf, beta_quantile, chi_squared_sf, gamma_cdf, gamma_sf, normal_cdf, normal_quantile,
    normal_sf,
};
pub use hypothesis::{TestResult, chi_squared, fisher_exact, mcnemar_exact, two_proportion_z};
pub use interval::{
    Interval, bonett_price, clopper_pearson, log_ratio, mean_of_proportions, newcombe, percentile,
    quantile, wilson,
};
pub use multiple::{benjamini_hochberg, holm};
pub use roc::Auc;
pub use stream::Stream;
