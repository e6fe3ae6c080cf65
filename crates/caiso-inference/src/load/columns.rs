//! What prepares columns before a model in `ai.onnx.ml`: missing values, thresholds, categories, choices.

use super::graph::Builder;
use super::operators::{Fault, Op};
use super::value::{Data, Rows, Value};
use crate::kernels::{Concat, Impute, Kernel, Select, Unary};

type Outputs = Result<Vec<Value>, Fault>;

fn graph(problem: impl Into<String>) -> Fault {
    Fault::Graph(problem.into())
}

fn features(rows: &Rows) -> Result<usize, Fault> {
    let last = rows.shape.last().copied();
    last.ok_or_else(|| graph("input 0 has no features"))
}

/// A number for each missing value.
pub(super) fn imputer(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let features = features(&rows)?;
    let (values, replaced) = match op.float_list("imputed_value_floats")? {
        Some(values) => (values.to_vec(), op.float("replaced_value_float", 0.0)?),
        None => return Err(Fault::Unsupported("imputed values that are no floats".to_owned())),
    };
    let values = match values.as_slice() {
        &[value] => vec![value; features],
        values if values.len() == features => values.to_vec(),
        values => {
            return Err(graph(format!("{} imputed values for {features} features", values.len())));
        }
    };
    let kernel = Kernel::Impute(Impute { replaced, values });
    Ok(vec![Value::Rows(builder.push(kernel, &[&rows], rows.shape.clone())?)])
}

/// 1 above a threshold, 0 elsewhere.
pub(super) fn binarizer(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let kernel = Kernel::Unary(Unary::Above { threshold: op.float("threshold", 0.0)? });
    Ok(vec![Value::Rows(builder.push(kernel, &[&rows], rows.shape.clone())?)])
}

/// For each category 1 if the value is that, 0 elsewhere, along a new axis.
pub(super) fn one_hot_encoder(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let Some(categories) = op.int_list("cats_int64s")? else {
        return Err(Fault::Unsupported("categories that are texts".to_owned()));
    };
    if op.int("zeros", 1)? == 0 {
        return Err(Fault::Unsupported("zeros = 0".to_owned()));
    }
    #[expect(clippy::cast_precision_loss, reason = "refused where it is not exact")]
    let exact = |&category: &i64| {
        let number = category as f32;
        (category.unsigned_abs() <= 1 << 24).then_some(number)
    };
    let numbers: Option<Vec<f32>> = categories.iter().map(exact).collect();
    let numbers =
        numbers.ok_or_else(|| Fault::Unsupported("categories above 16777216".to_owned()))?;
    let mut shape = rows.shape.clone();
    shape.push(numbers.len());
    let encoded = builder.push(Kernel::Categories { numbers }, &[&rows], shape)?;
    Ok(vec![Value::Rows(encoded)])
}

/// Columns of the input by their numbers.
pub(super) fn columns_of(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let rows = op.rows(0)?.clone();
    let places = op.constant(1)?;
    let Data::Ints(places) = &places.data else { return Err(graph("columns are no integers")) };
    let &[features] = rows.shape.as_slice() else {
        return Err(Fault::Unsupported(format!("rows of shape {:?}", rows.shape)));
    };
    let place = |&place: &i64| {
        let known = usize::try_from(place).ok().filter(|place| *place < features);
        let place = known.and_then(|place| u32::try_from(place).ok());
        place.ok_or_else(|| graph("a column that there is not"))
    };
    let map: Vec<u32> = places.iter().map(place).collect::<Result<_, _>>()?;
    let shape = vec![map.len()];
    Ok(vec![Value::Rows(builder.push(Kernel::Select(Select { map }), &[&rows], shape)?)])
}

/// Inputs side by side.
pub(super) fn feature_vectorizer(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let inputs: Vec<Rows> =
        (0..op.inputs.len()).map(|index| op.rows(index).cloned()).collect::<Result<_, _>>()?;
    let parts: Vec<usize> = inputs.iter().map(features).collect::<Result<_, _>>()?;
    if let Some(declared) = op.int_list("inputdimensions")?
        && !declared.iter().map(|&n| usize::try_from(n).ok()).eq(parts.iter().copied().map(Some))
    {
        return Err(graph(format!("inputdimensions {declared:?} for inputs of {parts:?} columns")));
    }
    let shape = vec![parts.iter().fold(0_usize, |sum, part| sum.saturating_add(*part))];
    let inputs: Vec<&Rows> = inputs.iter().collect();
    Ok(vec![Value::Rows(builder.push(Kernel::Concat(Concat { parts }), &inputs, shape)?)])
}
