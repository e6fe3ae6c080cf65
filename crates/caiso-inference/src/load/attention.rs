//! Attention (Vaswani et al., "Attention Is All You Need", 2017), in the form of operator set 23.

use super::arithmetic::{choose, combine, unary};
use super::dense::multiply;
use super::graph::Builder;
use super::layout::Layout;
use super::movement::{permuted, select};
use super::operators::{Fault, Op};
use super::reduce::softmax_along;
use super::shape::{offsets, places};
use super::value::{Constant, Rows, Value};
use crate::kernels::{Operator, Unary};

/// `softmax(scale * q * transposed(k) + mask) * v` for each head.
pub(super) fn attention(builder: &mut Builder, op: &Op<'_>) -> Result<Vec<Value>, Fault> {
    if op.optional(4).is_some() || op.optional(5).is_some() || op.optional(6).is_some() {
        return Err(Fault::Unsupported("keys and values of the past, or padded ones".to_owned()));
    }
    let flat = op.rows(0)?.shape.len() == 2;
    let count = |name| -> Result<usize, Fault> {
        usize::try_from(op.int(name, 0)?).map_err(|_| Fault::Graph(format!("{name} is negative")))
    };
    let (query_heads, value_heads) = (count("q_num_heads")?, count("kv_num_heads")?);
    let mut parts = Vec::with_capacity(3);
    for (index, heads) in [query_heads, value_heads, value_heads].into_iter().enumerate() {
        parts.push(heads_of(builder, op.rows(index)?, heads)?);
    }
    let [query, key, value] = parts.as_slice() else {
        return Err(Fault::Graph("expected three inputs".to_owned()));
    };
    let &[heads, queries, width] = query.shape.as_slice() else {
        return Err(Fault::Graph(format!("queries of shape {:?}", query.shape)));
    };
    let (key, value) = (shared(builder, key, heads)?, shared(builder, value, heads)?);
    let &[_, keys, _] = key.shape.as_slice() else {
        return Err(Fault::Graph(format!("keys of shape {:?}", key.shape)));
    };
    let scale = op.float("scale", 1.0 / (width as f32).sqrt())?;
    let turned = permuted(
        builder,
        &Value::Rows(key.clone()),
        &key.shape,
        &[0, 2, 1],
        vec![heads, width, keys],
    )?;
    let scale = Constant::floats(Vec::new(), vec![scale]);
    let query = combine(builder, Operator::Mul, &Value::Rows(query.clone()), &scale)?;
    let mut scores = multiply(builder, &query, &turned)?;
    let cap = op.float("softcap", 0.0)?;
    if cap > 0.0 {
        let cap = Constant::floats(Vec::new(), vec![cap]);
        let ratio = combine(builder, Operator::Div, &scores, &cap)?;
        let squashed = unary(builder, &ratio, Unary::Tanh)?;
        scores = combine(builder, Operator::Mul, &squashed, &cap)?;
    }
    let never = Constant::floats(Vec::new(), vec![f32::NEG_INFINITY]);
    if op.int("is_causal", 0)? != 0 {
        let size = builder.spend(&[queries, keys])?;
        let behind = |place: usize| {
            let (query, key) = (place.checked_div(keys), place.checked_rem(keys));
            i64::from(key <= query)
        };
        let mask = Constant::ints(vec![queries, keys], (0..size).map(behind).collect());
        scores = choose(builder, [&mask, &scores, &never])?;
    }
    if let Some(mask) = op.optional(3) {
        let boolean = match mask {
            Value::Rows(rows) => builder.is_integer(rows.slot),
            Value::Constant(constant) => constant.as_ints().is_some(),
            _ => false,
        };
        scores = if boolean {
            choose(builder, [mask, &scores, &never])?
        } else {
            combine(builder, Operator::Add, &scores, mask)?
        };
    }
    let weights = softmax_along(builder, &scores, -1, false)?;
    let result = multiply(builder, &weights, &Value::Rows(value))?;
    let Value::Rows(rows) = result else { return Err(Fault::Unsupported(String::new())) };
    let width = rows.shape.last().copied().unwrap_or(0);
    Ok(vec![if flat {
        let out = vec![queries, heads.saturating_mul(width)];
        permuted(builder, &Value::Rows(rows), &[heads, queries, width], &[1, 0, 2], out)?
    } else {
        Value::Rows(rows)
    }])
}

/// As `[heads, sequence, width]`, from that or from `[sequence, heads * width]`.
fn heads_of(builder: &mut Builder, rows: &Rows, heads: usize) -> Result<Rows, Fault> {
    let &[sequence, all] = rows.shape.as_slice() else { return Ok(rows.clone()) };
    let width = all.checked_div(heads).filter(|_| all.is_multiple_of(heads));
    let width = width.ok_or_else(|| Fault::Graph(format!("{heads} heads of {all} values")))?;
    let out = vec![heads, sequence, width];
    let value = Value::Rows(rows.clone());
    match permuted(builder, &value, &[sequence, heads, width], &[1, 0, 2], out)? {
        Value::Rows(rows) => Ok(rows),
        _ => Err(Fault::Unsupported(String::new())),
    }
}

/// Each head as often as groups of queries share it.
fn shared(builder: &mut Builder, rows: &Rows, heads: usize) -> Result<Rows, Fault> {
    let &[own, sequence, width] = rows.shape.as_slice() else {
        return Err(Fault::Graph(format!("keys or values of shape {:?}", rows.shape)));
    };
    if own == heads {
        return Ok(rows.clone());
    }
    let group = heads.checked_div(own).filter(|_| heads.is_multiple_of(own));
    let group = group.ok_or_else(|| Fault::Graph(format!("{own} heads for {heads}")))?;
    let block = sequence.saturating_mul(width);
    let starts = (0..heads).filter_map(|head| Some(head.checked_div(group)?.saturating_mul(block)));
    let map = places(&[starts.collect(), offsets(block, 1, false)]);
    let value = Value::Rows(rows.clone());
    match select(builder, &value, vec![heads, sequence, width], map, Layout::default())? {
        Value::Rows(rows) => Ok(rows),
        _ => Err(Fault::Unsupported(String::new())),
    }
}
