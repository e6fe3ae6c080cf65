//! Recurrent layers.

use super::dense::{dense, transpose};
use super::graph::Builder;
use super::layout::Layout;
use super::movement::select;
use super::operators::{Fault, Op};
use super::value::{Rows, Value};
use crate::kernels::{Cell, Concat, Kernel, Recurrent};

/// LSTM, GRU and RNN: the whole sequence, the last state and for an LSTM the last cell.
pub(super) fn recurrent(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    let Value::Rows(x) = op.input(0)? else {
        return Err(Fault::Unsupported("input 0 does not depend on the model's input".to_owned()));
    };
    let batch_first = op.int("layout", 0)? != 0;
    let expected = Layout { axis: usize::from(!batch_first), ..Layout::default() };
    let (&[steps, features], true) = (x.shape.as_slice(), x.layout == expected) else {
        return Err(Fault::Unsupported(format!(
            "input 0 has shape {:?}, expected [sequence, batch, features]",
            x.dims()
        )));
    };
    let directions: &[bool] = match op.text("direction")?.unwrap_or(b"forward") {
        b"forward" => &[false],
        b"reverse" => &[true],
        b"bidirectional" => &[false, true],
        other => {
            let other = String::from_utf8_lossy(other);
            return Err(Fault::Graph(format!("direction = {other}")));
        }
    };
    if op.node.attribute("clip").is_some()
        || op.int("input_forget", 0)? != 0
        || op.optional(7).is_some()
    {
        return Err(Fault::Unsupported("clip, input_forget or peepholes".to_owned()));
    }
    if let Some(Value::Constant(lengths)) = op.optional(4) {
        let whole = |length: &i64| usize::try_from(*length) == Ok(steps);
        if !lengths.as_ints().is_some_and(|lengths| lengths.iter().all(whole)) {
            return Err(Fault::Unsupported("sequences of different lengths".to_owned()));
        }
    } else if op.optional(4).is_some() {
        return Err(Fault::Unsupported("lengths that depend on the input".to_owned()));
    }
    let (weights_shape, weights) = op.floats(1)?;
    let (recurrent_shape, recurrent) = op.floats(2)?;
    let count = directions.len();
    let &[_, wide, hidden] = recurrent_shape.as_slice() else {
        return Err(Fault::Graph(format!("input 2 has shape {recurrent_shape:?}")));
    };
    let cell = cell(op, count)?;
    if weights_shape != [count, wide, features]
        || recurrent_shape != [count, wide, hidden]
        || Some(wide) != hidden.checked_mul(cell.gates())
        || [steps, features, hidden].contains(&0)
    {
        return Err(Fault::Graph(format!(
            "weights of shape {weights_shape:?} and {recurrent_shape:?} for {features} features"
        )));
    }
    let biases = match op.optional(3) {
        Some(_) => Some(op.floats(3)?.1),
        None => None,
    };
    let mut states: Vec<Option<Rows>> = Vec::new();
    for index in [5, 6] {
        states.push(match op.optional(index) {
            Some(value) if !is_zero(builder, value) => Some(builder.slot_of(value, x)?),
            _ => None,
        });
    }
    if cell != Cell::Lstm {
        states.truncate(1);
    }
    let mut layers = Vec::new();
    for (direction, &reverse) in directions.iter().enumerate() {
        let part = |values: &[f32], size: usize| -> Vec<f32> {
            values.iter().skip(direction.saturating_mul(size)).take(size).copied().collect()
        };
        let own = part(&recurrent, wide.saturating_mul(hidden));
        let bias = biases.as_ref().map_or_else(
            || vec![0.0; wide.saturating_mul(2)],
            |biases| part(biases, wide.saturating_mul(2)),
        );
        let (of_input, of_state) = bias.split_at_checked(wide).unwrap_or_default();
        // Those of a GRU's candidate stay with the state, which the reset multiplies.
        let candidate = wide.saturating_sub(hidden);
        let apart = |index: usize| matches!(cell, Cell::Gru { .. }) && index >= candidate;
        let sum = of_input.iter().zip(of_state).enumerate();
        let sum = sum.map(|(index, (a, b))| if apart(index) { *a } else { a + b }).collect();
        let turned = transpose(&part(&weights, wide.saturating_mul(features)), wide, features);
        let Value::Rows(given) = dense(builder, x, &turned, features, wide, Some(sum))? else {
            return Err(Fault::Unsupported(String::new()));
        };
        let mut inputs = vec![given];
        let mut initial = [false, false];
        for (state, initial) in states.iter().zip(&mut initial) {
            let Some(state) = state else { continue };
            let places = (0..hidden).map(|i| direction.saturating_mul(hidden).saturating_add(i));
            let places = places.map(|place| u32::try_from(place).unwrap_or(u32::MAX)).collect();
            let state = Value::Rows(state.clone());
            let part = select(builder, &state, vec![hidden], places, Layout::default())?;
            if let Value::Rows(rows) = part {
                inputs.push(rows);
                *initial = true;
            }
        }
        let of_state = of_state.get(candidate..).unwrap_or_default().to_vec();
        let layer = Recurrent::new(cell, [steps, hidden], reverse, &own, of_state, initial);
        let shape = vec![steps, layer.width()];
        let inputs: Vec<&Rows> = inputs.iter().collect();
        layers.push(builder.push(Kernel::Recurrent(layer), &inputs, shape)?);
    }
    let all: Vec<usize> = (0..steps).collect();
    let mut sequence = joined(builder, &layers, hidden, 0, &[&all, &all])?;
    let last = [steps.saturating_sub(1)];
    let ends: [&[usize]; 2] = if directions == [true] { [&[0], &[0]] } else { [&last, &[0]] };
    let state = joined(builder, &layers, hidden, 0, &ends)?;
    // [sequence, directions, batch, hidden], or the batch first.
    sequence.layout.axis = if batch_first { 0 } else { 2 };
    let one = |rows: Rows| {
        let axis = usize::from(!batch_first);
        let layout = Layout { axis, ..Layout::default() };
        Value::Rows(Rows { shape: vec![count, hidden], layout, ..rows })
    };
    let mut outputs = vec![Value::Rows(sequence), one(state)];
    if cell == Cell::Lstm {
        let cells = joined(builder, &layers, hidden, hidden, &ends)?;
        outputs.push(one(cells));
    }
    Ok(outputs)
}

/// The kind of cell, if its functions are those of the standard.
fn cell(op: &Op<'_>, directions: usize) -> Result<Cell, Fault> {
    let functions = op.texts("activations")?.unwrap_or_default();
    let (cell, usual): (Cell, &[&str]) = match op.node.op_type {
        "LSTM" => (Cell::Lstm, &["sigmoid", "tanh", "tanh"]),
        "GRU" => {
            let multiply_first = op.int("linear_before_reset", 0)? != 0;
            (Cell::Gru { multiply_first }, &["sigmoid", "tanh"])
        }
        _ => match functions.first().map(|name| name.to_lowercase()).as_deref() {
            Some("relu") => (Cell::Relu, &["relu"]),
            Some("sigmoid") => (Cell::Sigmoid, &["sigmoid"]),
            _ => (Cell::Tanh, &["tanh"]),
        },
    };
    let mut expected = std::iter::repeat_n(usual, directions).flatten();
    let same = functions
        .iter()
        .all(|name| expected.next().is_some_and(|usual| *usual == name.to_lowercase()));
    if same { Ok(cell) } else { Err(Fault::Unsupported(format!("activations = {functions:?}"))) }
}

fn is_zero(builder: &Builder, value: &Value) -> bool {
    match value {
        Value::Constant(constant) => {
            constant.as_floats().is_some_and(|values| values.iter().all(|value| *value == 0.0))
        }
        Value::Rows(rows) => builder
            .constant_of(rows.slot)
            .is_some_and(|values| values.iter().all(|value| *value == 0.0)),
        _ => false,
    }
}

/// Blocks of `hidden` values at some places of each direction, side by side: `[places, directions, hidden]`.
fn joined(
    builder: &mut Builder,
    layers: &[Rows],
    hidden: usize,
    offset: usize,
    places: &[&[usize]; 2],
) -> Result<Rows, Fault> {
    let mut parts = Vec::new();
    for (layer, places) in layers.iter().zip(places) {
        let width = layer.shape.last().copied().unwrap_or(0);
        let map = places.iter().flat_map(|place| {
            let start = place.saturating_mul(width).saturating_add(offset);
            (start..start.saturating_add(hidden)).map(|at| u32::try_from(at).unwrap_or(u32::MAX))
        });
        let map: Vec<u32> = map.collect();
        let value = Value::Rows(layer.clone());
        let shape = vec![places.len(), hidden];
        if let Value::Rows(rows) = select(builder, &value, shape, map, Layout::default())? {
            parts.push(rows);
        }
    }
    let count = parts.first().and_then(|rows| rows.shape.first()).copied().unwrap_or(0);
    let shape = vec![count, parts.len(), hidden];
    match parts.as_slice() {
        [part] => Ok(Rows::new(part.slot, shape)),
        parts => {
            let kernel = Concat { parts: vec![hidden; parts.len()] };
            builder.push(Kernel::Concat(kernel), &parts.iter().collect::<Vec<_>>(), shape)
        }
    }
}
