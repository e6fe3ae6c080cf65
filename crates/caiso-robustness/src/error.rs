//! What can be wrong with the input of an attack.

use caiso_core::CheckError;

/// An attack that cannot be carried out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RobustnessError {
    /// Bounds that are not an interval of finite numbers.
    #[error(
        "feature `{feature}` has bounds [{lower}, {upper}], expected two finite numbers, the smaller first"
    )]
    Bounds {
        /// The feature.
        feature: String,
        /// Lower bound.
        lower: f64,
        /// Upper bound.
        upper: f64,
    },
    /// The model and the declared features differ in number.
    #[error("the model takes {model} inputs, {domain} features are declared")]
    Width {
        /// Inputs of the model.
        model: usize,
        /// Declared features.
        domain: usize,
    },
    /// The values are not whole rows with one label each.
    #[error(
        "{values} values and {labels} labels are not rows of {width} features with one label each"
    )]
    Shape {
        /// Number of values.
        values: usize,
        /// Number of labels.
        labels: usize,
        /// Features in a row.
        width: usize,
    },
    /// A value that is not finite.
    #[error("row {row}, feature `{feature}` is {value}, expected a finite number")]
    NotFinite {
        /// Row, from 1.
        row: usize,
        /// The feature.
        feature: String,
        /// The value.
        value: f32,
    },
    /// A label that is not a class of the model.
    #[error("row {row} has class {label}, the model knows {classes} classes, from 0")]
    Label {
        /// Row, from 1.
        row: usize,
        /// The label.
        label: usize,
        /// Classes of the model.
        classes: usize,
    },
    /// Nothing may move.
    #[error("no feature may move: each is immutable or has bounds without extent")]
    NothingFree,
    /// A one-hot group that names a feature twice or one that does not exist.
    #[error("one-hot groups name feature {feature} of {width} twice, or it does not exist")]
    OneHot {
        /// The feature, from 0.
        feature: usize,
        /// Number of features.
        width: usize,
    },
    /// An attack that needs more than the model lets one see.
    #[error("`{attack}` needs {needed}, the model gives {given}")]
    Access {
        /// Name of the attack.
        attack: &'static str,
        /// What it needs.
        needed: &'static str,
        /// What there is.
        given: &'static str,
    },
    /// A norm that the attack does not know.
    #[error("`{attack}` does not measure in {norm}, only in {known}")]
    Norm {
        /// Name of the attack.
        attack: &'static str,
        /// The norm asked for.
        norm: crate::Norm,
        /// Those it knows.
        known: String,
    },
    /// Texts and labels that differ in number.
    #[error("{labels} labels were given for {texts} texts")]
    Texts {
        /// Number of texts.
        texts: usize,
        /// Number of labels.
        labels: usize,
    },
    /// An attack on images, and a model that takes none.
    #[error("`{attack}` attacks images [channels, height, width], the model takes {shape:?}")]
    NotAnImage {
        /// Name of the attack.
        attack: &'static str,
        /// Shape of one input.
        shape: Vec<usize>,
    },
    /// An attack within an epsilon that was given none.
    #[error("`{attack}` attacks within an epsilon, and none was given")]
    NoEpsilon {
        /// Name of the attack.
        attack: &'static str,
    },
    /// Parameters that do not fit the problem or one another.
    #[error("`{attack}` cannot be run so: {reason}")]
    Parameter {
        /// Name of the attack.
        attack: &'static str,
        /// What is wrong.
        reason: String,
    },
    /// The queries that one row may cost are spent. Ends the attack on that row, not the run.
    #[error("the queries for this row are spent")]
    QueriesSpent,
    /// An attack that does not exist.
    #[error("no attack is named `{name}`; known: {known}")]
    NoSuchAttack {
        /// As given.
        name: String,
        /// The nearest name, or all.
        known: String,
    },
    /// No attack of a campaign fits the model.
    #[error("no attack fits the model and the norm: {reasons}")]
    NoAttack {
        /// Why each does not.
        reasons: String,
    },
    /// A row to attack that does not exist.
    #[error("row {row} was chosen, and there are {rows}, from 0")]
    NoSuchRow {
        /// The row, from 0.
        row: usize,
        /// Number of rows.
        rows: usize,
    },
    /// There is nothing to attack.
    #[error("there are no rows")]
    NoRows,
    /// The model failed.
    #[error("the model cannot be run")]
    Model(#[from] caiso_inference::Error),
    /// The budget was spent or the run was cancelled.
    #[error(transparent)]
    Check(#[from] CheckError),
}

/// Why an attack ended early, if that leaves the others and what it has found until then: the queries for a row are spent
/// (no reason is needed), a model that runs elsewhere died or refuses, or the run was cancelled.
pub(crate) fn ending(
    result: Result<(), RobustnessError>,
) -> Result<Option<String>, RobustnessError> {
    use caiso_inference::Error;
    match result {
        Ok(()) | Err(RobustnessError::QueriesSpent) => Ok(None),
        Err(RobustnessError::Model(error @ (Error::NoAnswer(_) | Error::BudgetSpent { .. }))) => {
            Ok(Some(error.to_string()))
        }
        Err(RobustnessError::Check(error @ CheckError::Cancelled)) => Ok(Some(error.to_string())),
        Err(error) => Err(error),
    }
}

impl From<RobustnessError> for CheckError {
    fn from(error: RobustnessError) -> Self {
        let remedy = match &error {
            RobustnessError::Check(error) => return error.clone(),
            RobustnessError::Bounds { .. } => "correct the feature's `bounds` in the manifest",
            RobustnessError::Width { .. } => {
                "declare one feature for each input of the model, in the model's order"
            }
            RobustnessError::OneHot { .. } => "name each feature in one group at most",
            RobustnessError::Texts { .. } => "give each text one label",
            RobustnessError::NotAnImage { .. } => "choose an attack that fits the model's inputs",
            RobustnessError::Access { .. } => "choose an attack that fits what the model gives",
            RobustnessError::Norm { .. } => "choose one of these norms",
            RobustnessError::NoEpsilon { .. } => "give an epsilon",
            RobustnessError::Parameter { .. } => "correct the parameters of the attack",
            RobustnessError::QueriesSpent => "allow more queries",
            RobustnessError::NoSuchAttack { .. } => "`caiso robustness list` shows all attacks",
            RobustnessError::NoAttack { .. } => "choose another norm or other attacks",
            RobustnessError::NoSuchRow { .. } => "choose rows of the data set",
            RobustnessError::Shape { .. } | RobustnessError::NoRows => {
                "give the model a labelled data set"
            }
            RobustnessError::NotFinite { .. } => "correct the value or leave the row out",
            RobustnessError::Label { .. } => {
                "list all `classes` in the manifest, in the order of the model's outputs"
            }
            RobustnessError::NothingFree => {
                "declare which features an attacker can change and between which bounds"
            }
            RobustnessError::Model(_) => {
                "export the model with differentiable operators that caiso knows"
            }
        };
        let mut reason = error.to_string();
        if let RobustnessError::Model(cause) = &error {
            reason = format!("{reason}: {cause}");
        }
        Self::not_assessable(reason, remedy)
    }
}
