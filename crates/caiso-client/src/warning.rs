//! What is odd about an endpoint and yet usable.

use std::fmt;

/// Something to know about results that were obtained from an endpoint.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Probabilities that do not add up to 1, by more than rounding to two decimals explains. Their logits are
    /// relative to their sum.
    Sum {
        /// How many answers.
        answers: u64,
        /// The sum that is furthest from 1.
        worst: f32,
    },
    /// The same input, asked twice in the same way, had two answers: the output is randomised or the model
    /// behind it changes. The first answer is kept.
    Randomised {
        /// How many inputs were asked twice.
        asked: usize,
        /// How many had two answers.
        differing: usize,
        /// The largest difference of a value.
        largest: f32,
    },
    /// An input had another answer together with others than alone.
    Batching {
        /// How many inputs were asked both ways.
        asked: usize,
        /// How many had two answers.
        differing: usize,
        /// The largest difference of a value.
        largest: f32,
    },
    /// The last line of the journal was not written to its end; its input is asked again.
    TornJournal,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sum { answers, worst } => write!(
                f,
                "the probabilities of {answers} answers do not add up to 1 (one adds up to {worst}); they are \
                 taken relative to their sum"
            ),
            Self::Randomised { asked, differing, largest } => write!(
                f,
                "{differing} of {asked} inputs had another answer when they were asked again (by up to \
                 {largest}): the output is randomised, and minimum changes and robust accuracy are too"
            ),
            Self::Batching { asked, differing, largest } => write!(
                f,
                "{differing} of {asked} inputs had another answer together with others than alone (by up to \
                 {largest}); ask with `batch: 1`"
            ),
            Self::TornJournal => {
                write!(f, "the last line of the journal was cut off; its input is asked again")
            }
        }
    }
}
