//! Sums of products by the names of axes.

use std::collections::BTreeMap;

use super::dense::multiply;
use super::graph::Builder;
use super::layout::Layout;
use super::movement::permuted;
use super::operators::{Fault, Op};
use super::reduce::reduced;
use super::value::{Rows, Value};
use crate::kernels::Reduction;

/// An operand: its value and the names of its axes; for rows without the batch, which has a name of its own.
struct Operand {
    value: Value,
    names: Vec<char>,
}

pub(super) fn einsum(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    let equation =
        String::from_utf8_lossy(op.text("equation")?.unwrap_or_default()).replace(' ', "");
    let refused = |what: &str| Fault::Unsupported(format!("equation {equation:?}: {what}"));
    let (left, right) = match equation.split_once("->") {
        Some((left, right)) => (left.to_owned(), Some(right.to_owned())),
        None => (equation.clone(), None),
    };
    let terms: Vec<&str> = left.split(',').collect();
    if terms.len() != op.inputs.len() {
        return Err(Fault::Graph(format!("{} inputs for equation {equation:?}", op.inputs.len())));
    }
    let mut widest = 0_usize;
    let mut spelled = Vec::new();
    for (index, term) in terms.iter().enumerate() {
        let letters = term.replace("...", "").chars().count();
        let rank = op.input(index)?.rank()?;
        let hidden =
            rank.checked_sub(letters).filter(|&hidden| hidden == 0 || term.contains("..."));
        let hidden = hidden
            .ok_or_else(|| Fault::Graph(format!("term {term:?} for a value of {rank} axes")))?;
        if hidden > 10 {
            return Err(refused("more than ten axes behind an ellipsis"));
        }
        widest = widest.max(hidden);
        spelled.push((*term, hidden));
    }
    // The axes behind an ellipsis get digits, the last one 9.
    let digits = |count: usize| -> String {
        "0123456789".chars().skip(10_usize.saturating_sub(count)).collect()
    };
    let names: Vec<Vec<char>> = spelled
        .iter()
        .map(|(term, hidden)| term.replace("...", &digits(*hidden)).chars().collect())
        .collect();
    let output: Vec<char> = if let Some(right) = right {
        right.replace("...", &digits(widest)).chars().collect()
    } else {
        let mut counts: BTreeMap<char, usize> = BTreeMap::new();
        for name in names.iter().flatten() {
            let count = counts.entry(*name).or_default();
            *count = count.saturating_add(1);
        }
        let once = counts.iter().filter(|(name, count)| **count == 1 || name.is_ascii_digit());
        once.map(|(name, _)| *name).collect()
    };
    let mut batch = None;
    let mut operands = Vec::new();
    for (index, mut names) in names.into_iter().enumerate() {
        let value = op.input(index)?.clone();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        sorted.dedup();
        if sorted.len() != names.len() {
            return Err(refused("an axis twice in one term"));
        }
        if let Value::Rows(rows) = &value {
            if rows.layout.outer || rows.layout.inner || rows.layout.axis >= names.len() {
                return Err(refused("an axis joined with the batch"));
            }
            let name = names.remove(rows.layout.axis);
            if *batch.get_or_insert(name) != name {
                return Err(refused("it mixes the rows of a batch"));
            }
        }
        operands.push(Operand { value, names });
    }
    let position = match batch {
        None => None,
        Some(batch) => {
            let named = |operand: &Operand| operand.names.contains(&batch);
            let position = output.iter().position(|&name| name == batch);
            if operands.iter().any(named) || position.is_none() {
                return Err(refused("it mixes the rows of a batch"));
            }
            position
        }
    };
    let wanted: Vec<char> = output.into_iter().filter(|name| Some(*name) != batch).collect();
    let mut operands = operands.into_iter();
    let mut result = operands.next().ok_or_else(|| Fault::Graph("it has no input".to_owned()))?;
    let mut rest: Vec<Operand> = operands.collect();
    while !rest.is_empty() {
        let next = rest.remove(0);
        let later: Vec<char> =
            rest.iter().flat_map(|operand| operand.names.iter().copied()).collect();
        let kept = |name: &char| wanted.contains(name) || later.contains(name);
        result = pair(builder, result, next, &kept)?;
    }
    let result = summed(builder, result, &|name| wanted.contains(name))?;
    let ordered = arranged(builder, &result, &wanted)?;
    Ok(vec![match (ordered, position) {
        (Value::Rows(rows), Some(axis)) => {
            Value::Rows(Rows { layout: Layout { axis, ..Layout::default() }, ..rows })
        }
        (value, _) => value,
    }])
}

/// Sums over the axes that nothing else names.
fn summed(
    builder: &mut Builder,
    operand: Operand,
    kept: &dyn Fn(&char) -> bool,
) -> Result<Operand, Fault> {
    let dropped: Vec<i64> = (0_i64..)
        .zip(&operand.names)
        .filter(|(_, name)| !kept(name))
        .map(|(axis, _)| match &operand.value {
            Value::Rows(_) => axis.saturating_add(1),
            _ => axis,
        })
        .collect();
    if dropped.is_empty() {
        return Ok(operand);
    }
    let value = plain(operand.value);
    let value = reduced(builder, &value, Reduction::Sum, &dropped, false)?;
    Ok(Operand { value, names: operand.names.into_iter().filter(|name| kept(name)).collect() })
}

/// With the batch as first axis: names count without it.
fn plain(value: Value) -> Value {
    match value {
        Value::Rows(rows) => Value::Rows(Rows { layout: Layout::default(), ..rows }),
        other => other,
    }
}

/// A value with its axes in the order of `wanted`.
fn arranged(builder: &mut Builder, operand: &Operand, wanted: &[char]) -> Result<Value, Fault> {
    let shape = operand.value.shape()?.to_vec();
    let place = |name: &char| operand.names.iter().position(|own| own == name);
    let order: Option<Vec<usize>> = wanted.iter().map(place).collect();
    let order =
        order.ok_or_else(|| Fault::Graph("an axis of the output has no source".to_owned()))?;
    let out: Vec<usize> = order.iter().filter_map(|&axis| shape.get(axis).copied()).collect();
    if order.iter().copied().eq(0..shape.len()) {
        return Ok(plain(operand.value.clone()));
    }
    permuted(builder, &operand.value, &shape, &order, out)
}

fn with_shape(value: Value, shape: Vec<usize>) -> Value {
    match value {
        Value::Rows(rows) => Value::Rows(Rows { shape, ..rows }),
        Value::Constant(constant) => constant.with_shape(shape),
        other => other,
    }
}

/// The product of two operands, summed over the axes that are not kept.
fn pair(
    builder: &mut Builder,
    left: Operand,
    right: Operand,
    kept: &dyn Fn(&char) -> bool,
) -> Result<Operand, Fault> {
    let left = {
        let names = right.names.clone();
        summed(builder, left, &|name| kept(name) || names.contains(name))?
    };
    let right = {
        let names = left.names.clone();
        summed(builder, right, &|name| kept(name) || names.contains(name))?
    };
    let mut lengths: BTreeMap<char, usize> = BTreeMap::new();
    for operand in [&left, &right] {
        for (&name, &length) in operand.names.iter().zip(operand.value.shape()?) {
            if *lengths.entry(name).or_insert(length) != length {
                return Err(Fault::Unsupported(format!("axis {name} has two lengths")));
            }
        }
    }
    let both = |name: &&char| right.names.contains(name);
    let pick = |names: &[char], with: &dyn Fn(&&char) -> bool| -> Vec<char> {
        names.iter().filter(|name| with(name)).copied().collect()
    };
    let outer = pick(&left.names, &|name| both(name) && kept(name));
    let inner = pick(&left.names, &|name| both(name) && !kept(name));
    let first = pick(&left.names, &|name| !both(name));
    let second = pick(&right.names, &|name| !left.names.contains(name));
    let size = |names: &[char]| -> usize {
        let lengths = names.iter().filter_map(|name| lengths.get(name));
        lengths.fold(1, |product, &length| product.saturating_mul(length))
    };
    let (m, k, n) = (size(&first), size(&inner), size(&second));
    let mut left_shape = vec![m, k];
    let mut right_shape = vec![k, n];
    if !outer.is_empty() {
        left_shape.insert(0, size(&outer));
        right_shape.insert(0, size(&outer));
    }
    let a = arranged(builder, &left, &[&outer[..], &first, &inner].concat())?;
    let b = arranged(builder, &right, &[&outer[..], &inner, &second].concat())?;
    let product = multiply(builder, &with_shape(a, left_shape), &with_shape(b, right_shape))?;
    let names = [outer, first, second].concat();
    let shape = names.iter().filter_map(|name| lengths.get(name).copied()).collect();
    Ok(Operand { value: with_shape(product, shape), names })
}
