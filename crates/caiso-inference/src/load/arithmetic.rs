//! Functions of each value and operators of several values, with broadcasting.

use super::graph::Builder;
use super::operators::{Fault, Op};
use super::shape::{broadcast, broadcast_places};
use super::value::{Constant, Data, Dim, Rows, Value};
use crate::kernels::{Arithmetic, Choose, Kernel, Operand, Operator, Unary};

type Outputs = Result<Vec<Value>, Fault>;

/// A function of each value, by its name.
pub(super) fn function(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let float = |name, default| op.float(name, default);
    let function = match op.node.op_type {
        "Neg" => Unary::Neg,
        "Abs" => Unary::Abs,
        "Sqrt" => Unary::Sqrt,
        "Reciprocal" => Unary::Reciprocal,
        "Exp" => Unary::Exp,
        "Log" => Unary::Log,
        "Sin" => Unary::Sin,
        "Cos" => Unary::Cos,
        "Tan" => Unary::Tan,
        "Asin" => Unary::Asin,
        "Acos" => Unary::Acos,
        "Atan" => Unary::Atan,
        "Sinh" => Unary::Sinh,
        "Cosh" => Unary::Cosh,
        "Tanh" => Unary::Tanh,
        "Asinh" => Unary::Asinh,
        "Acosh" => Unary::Acosh,
        "Atanh" => Unary::Atanh,
        "Erf" => Unary::Erf,
        "Floor" => Unary::Floor,
        "Ceil" => Unary::Ceil,
        "Round" => Unary::Round,
        "Sign" => Unary::Sign,
        "Not" => Unary::Not,
        "IsNaN" => Unary::IsNan,
        "IsInf" => Unary::IsInf {
            negative: op.int("detect_negative", 1)? != 0,
            positive: op.int("detect_positive", 1)? != 0,
        },
        "Relu" => Unary::Relu,
        "LeakyRelu" => Unary::LeakyRelu { slope: float("alpha", 0.01)? },
        "ThresholdedRelu" => Unary::ThresholdedRelu { alpha: float("alpha", 1.0)? },
        "Elu" => Unary::Elu { alpha: float("alpha", 1.0)?, gamma: 1.0, scale: 1.0 },
        "Selu" => Unary::Elu {
            alpha: float("alpha", 1.673_263_2)?,
            gamma: float("gamma", 1.050_701)?,
            scale: 1.0,
        },
        "Celu" => {
            let alpha = float("alpha", 1.0)?;
            Unary::Elu { alpha, gamma: 1.0, scale: alpha }
        }
        "Gelu" => match op.text("approximate")? {
            None | Some(b"none") => Unary::Gelu,
            Some(b"tanh") => Unary::GeluTanh,
            Some(other) => {
                let other = String::from_utf8_lossy(other);
                return Err(Fault::Graph(format!("approximate = {other}, expected none or tanh")));
            }
        },
        "Mish" => Unary::Mish,
        "Swish" => Unary::Swish { alpha: float("alpha", 1.0)? },
        "Sigmoid" => Unary::Sigmoid,
        "HardSigmoid" => {
            Unary::HardSigmoid { alpha: float("alpha", 0.2)?, beta: float("beta", 0.5)? }
        }
        "HardSwish" => Unary::HardSwish,
        "Softplus" => Unary::Softplus,
        "Softsign" => Unary::Softsign,
        "Shrink" => Unary::Shrink { bias: float("bias", 0.0)?, lambd: float("lambd", 0.5)? },
        _ => return Err(Fault::Unsupported(String::new())),
    };
    Ok(vec![unary(builder, op.input(0)?, function)?])
}

pub(super) fn unary(builder: &mut Builder, value: &Value, unary: Unary) -> Result<Value, Fault> {
    if let Value::Constant(constant) = value
        && let Some(values) = constant.as_ints()
    {
        let apply = |&value: &i64| {
            Some(match unary {
                Unary::Neg => value.wrapping_neg(),
                Unary::Abs => value.wrapping_abs(),
                Unary::Sign => value.signum(),
                Unary::Not => i64::from(value == 0),
                Unary::Relu => value.max(0),
                _ => return None,
            })
        };
        let values: Option<Vec<i64>> = values.iter().map(apply).collect();
        let values =
            values.ok_or_else(|| Fault::Graph("it takes integers, expected floats".to_owned()))?;
        builder.spend(&constant.shape)?;
        return Ok(Constant::ints(constant.shape.clone(), values));
    }
    let result = builder.apply(Kernel::Unary(unary), value, |rows| Ok(rows.clone()))?;
    if let (true, Value::Rows(rows)) = (unary.is_logical(), &result) {
        builder.note_integers(rows.slot, Some(2));
    }
    Ok(result)
}

/// An operator of two values, by its name; of any number where its result does not depend on their order.
pub(super) fn operator(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let operator = match op.node.op_type {
        "Add" | "Sum" | "Mean" => Operator::Add,
        "Sub" => Operator::Sub,
        "Mul" => Operator::Mul,
        "Div" => Operator::Div,
        "Pow" => Operator::Pow,
        "Mod" if op.int("fmod", 0)? != 0 => Operator::Remainder,
        "Mod" => Operator::Mod,
        "Min" => Operator::Min,
        "Max" => Operator::Max,
        "PRelu" => Operator::PRelu,
        "Equal" => Operator::Equal,
        "Less" => Operator::Less,
        "LessOrEqual" => Operator::LessOrEqual,
        "Greater" => Operator::Greater,
        "GreaterOrEqual" => Operator::GreaterOrEqual,
        "And" => Operator::And,
        "Or" => Operator::Or,
        "Xor" => Operator::Xor,
        _ => return Err(Fault::Unsupported(String::new())),
    };
    let mut result = op.input(0)?.clone();
    for index in 1..op.inputs.len() {
        result = combine(builder, operator, &result, op.input(index)?)?;
    }
    if op.node.op_type == "Mean" {
        let count = Constant::floats(Vec::new(), vec![op.inputs.len() as f32]);
        result = combine(builder, Operator::Div, &result, &count)?;
    }
    Ok(vec![result])
}

/// An operator of two values, each broadcast to their common shape.
///
/// The shapes here are those of rows, so a constant of fewer axes than a whole batch has aligns with the
/// last axes of a row.
pub(super) fn combine(
    builder: &mut Builder,
    operator: Operator,
    left: &Value,
    right: &Value,
) -> Result<Value, Fault> {
    if let (Value::Constant(left), Value::Constant(right)) = (left, right) {
        return constants(builder, operator, left, right);
    }
    if let (Operator::Pow, Value::Constant(exponent)) = (operator, right)
        && let Some(numbers) = exponent.numbers()
        && let (1, Some(&number)) = (numbers.len(), numbers.first())
        && exponent.shape.len() <= left.shape()?.len()
    {
        // Powers that have a kernel of their own.
        if number == 2.0 {
            return unary(builder, left, Unary::Square);
        } else if number == 0.5 {
            return unary(builder, left, Unary::Sqrt);
        } else if number == -1.0 {
            return unary(builder, left, Unary::Reciprocal);
        } else if number == 1.0 {
            return Ok(left.clone());
        }
    }
    let integers = [left, right].iter().all(|value| match value {
        Value::Rows(rows) => builder.is_integer(rows.slot),
        Value::Constant(constant) => constant.as_floats().is_none(),
        _ => false,
    });
    let operator =
        if operator == Operator::Div && integers { Operator::IntegerDiv } else { operator };
    let (shapes, rows) = aligned(&[left, right])?;
    let [left_shape, right_shape] = shapes.as_slice() else {
        return Err(Fault::Graph("expected two inputs".to_owned()));
    };
    let out = broadcast(left_shape, right_shape).ok_or_else(|| {
        Fault::Graph(format!("shapes {left_shape:?} and {right_shape:?} do not broadcast"))
    })?;
    builder.spend(&out)?;
    let mut inputs = Vec::new();
    let mut operands = Vec::new();
    for (value, shape) in [(left, left_shape), (right, right_shape)] {
        operands.push(match value {
            Value::Constant(constant) => Operand::Constant(expand(constant, shape, &out)?),
            Value::Rows(rows) => {
                inputs.push(rows);
                Operand::Slot { map: (*shape != out).then(|| broadcast_places(shape, &out)) }
            }
            Value::Label(_) | Value::Unsupported => continue,
        });
    }
    let operands = <[Operand; 2]>::try_from(operands)
        .map_err(|_| Fault::Unsupported("it computes with class names".to_owned()))?;
    let layout = rows.layout_for(out.len());
    let kernel = Kernel::Arithmetic(Arithmetic::new(operator, operands));
    let result = Rows { layout, ..builder.push(kernel, &inputs, out)? };
    if operator.is_logical() {
        builder.note_integers(result.slot, Some(2));
    }
    Ok(Value::Rows(result))
}

/// The shapes of several values as parts of a row, one of which is that of rows.
fn aligned<'v>(values: &[&'v Value]) -> Result<(Vec<Vec<usize>>, &'v Rows), Fault> {
    let mut all = values.iter().filter_map(|value| match value {
        Value::Rows(rows) => Some(rows),
        _ => None,
    });
    let rows =
        all.next().ok_or_else(|| Fault::Unsupported("it computes with class names".to_owned()))?;
    let mut shapes = Vec::with_capacity(values.len());
    for value in values {
        shapes.push(match value {
            Value::Rows(other) => {
                rows.check_alignment(other)?;
                other.shape.clone()
            }
            _ => rows.align(value.shape()?)?,
        });
    }
    Ok((shapes, rows))
}

/// The values of a constant, seen as `shape`, at each place of `out`.
fn expand(constant: &Constant, shape: &[usize], out: &[usize]) -> Result<Vec<f32>, Fault> {
    let values = constant.numbers().ok_or_else(not_the_batch)?;
    let places = broadcast_places(shape, out);
    Ok(places.iter().filter_map(|&place| values.get(place as usize).copied()).collect())
}

fn not_the_batch() -> Fault {
    Fault::Unsupported("it computes with the number of rows, or with texts".to_owned())
}

fn constants(
    builder: &mut Builder,
    operator: Operator,
    left: &Constant,
    right: &Constant,
) -> Result<Value, Fault> {
    let out = broadcast(&left.shape, &right.shape).ok_or_else(|| {
        Fault::Graph(format!("shapes {:?} and {:?} do not broadcast", left.shape, right.shape))
    })?;
    builder.spend(&out)?;
    let (left_places, right_places) =
        (broadcast_places(&left.shape, &out), broadcast_places(&right.shape, &out));
    if let (Some(left), Some(right)) = (left.as_dims(), right.as_dims()) {
        let pairs = left_places.iter().zip(&right_places);
        let values =
            pairs.map(|(&a, &b)| whole(operator, *left.get(a as usize)?, *right.get(b as usize)?));
        let values: Option<Vec<Dim>> = values.collect();
        return values.map(|values| Constant::dims(out, values)).ok_or_else(|| {
            Fault::Unsupported(
                "arithmetic on integers that overflows or depends on the number of rows".to_owned(),
            )
        });
    }
    let (left, right) = (expand(left, &left.shape, &out)?, expand(right, &right.shape, &out)?);
    let pairs = left.into_iter().zip(right);
    let values = pairs.map(|(a, b)| operator.apply(a, b));
    Ok(if operator.is_logical() {
        Constant::ints(out, values.map(|value| value as i64).collect())
    } else {
        Constant::floats(out, values.collect())
    })
}

/// An operator on integers that may be multiples of the number of rows.
pub(super) fn whole(operator: Operator, left: Dim, right: Dim) -> Option<Dim> {
    let truth = |holds: bool| Some(Dim::Known(i64::from(holds)));
    match (left, right) {
        (Dim::Known(a), Dim::Known(b)) => Some(Dim::Known(match operator {
            Operator::Add => a.checked_add(b)?,
            Operator::Sub => a.checked_sub(b)?,
            Operator::Mul => a.checked_mul(b)?,
            Operator::Div | Operator::IntegerDiv => a.checked_div(b)?,
            Operator::Mod => a.checked_rem(b)?.checked_add(b)?.checked_rem(b)?,
            Operator::Remainder => a.checked_rem(b)?,
            Operator::Pow => a.checked_pow(u32::try_from(b).ok()?)?,
            Operator::Min => a.min(b),
            Operator::Max => a.max(b),
            Operator::Equal => i64::from(a == b),
            Operator::Less => i64::from(a < b),
            Operator::LessOrEqual => i64::from(a <= b),
            Operator::Greater => i64::from(a > b),
            Operator::GreaterOrEqual => i64::from(a >= b),
            Operator::And => i64::from(a != 0 && b != 0),
            Operator::Or => i64::from(a != 0 || b != 0),
            Operator::Xor => i64::from((a != 0) != (b != 0)),
            Operator::PRelu => return None,
        })),
        (Dim::Batch(a), Dim::Batch(b)) => match operator {
            Operator::Add => Some(Dim::Batch(a.checked_add(b)?)),
            Operator::Sub if a == b => Some(Dim::Known(0)),
            Operator::Sub => Some(Dim::Batch(a.checked_sub(b)?)),
            Operator::Div if a.checked_rem(b)? == 0 => Some(Dim::Known(a.checked_div(b)?)),
            Operator::Equal if a == b => truth(true),
            _ => None,
        },
        (Dim::Batch(a), Dim::Known(b)) => match operator {
            Operator::Add | Operator::Sub if b == 0 => Some(left),
            Operator::Mul => Some(Dim::Batch(a.checked_mul(b)?)),
            Operator::Div if a.checked_rem(b)? == 0 => Some(Dim::Batch(a.checked_div(b)?)),
            // A number of rows is positive.
            Operator::Equal | Operator::Less | Operator::LessOrEqual if a > 0 && b <= 0 => {
                truth(false)
            }
            Operator::Greater | Operator::GreaterOrEqual if a > 0 && b <= 0 => truth(true),
            Operator::Max if a > 0 && b <= 1 => Some(left),
            _ => None,
        },
        (Dim::Known(_), Dim::Batch(_)) => match operator {
            Operator::Add | Operator::Mul | Operator::Max | Operator::Equal => {
                whole(operator, right, left)
            }
            Operator::Less => whole(Operator::Greater, right, left),
            Operator::Greater => whole(Operator::Less, right, left),
            _ => None,
        },
    }
}

/// One of two values by a condition.
pub(super) fn where_(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let inputs = [op.input(0)?, op.input(1)?, op.input(2)?];
    Ok(vec![choose(builder, inputs)?])
}

pub(super) fn choose(builder: &mut Builder, inputs: [&Value; 3]) -> Result<Value, Fault> {
    if let [Value::Constant(condition), Value::Constant(yes), Value::Constant(no)] = inputs {
        return chosen(builder, condition, yes, no);
    }
    let (shapes, like) = aligned(&inputs)?;
    let mut out = Vec::new();
    for shape in &shapes {
        out = broadcast(&out, shape)
            .ok_or_else(|| Fault::Graph(format!("shapes {shapes:?} do not broadcast")))?;
    }
    let layout = like.layout_for(out.len());
    let mut slots = Vec::new();
    let mut maps = Vec::new();
    for (value, shape) in inputs.iter().zip(&shapes) {
        slots.push(builder.slot_of(value, like)?);
        builder.spend(&out)?;
        maps.push((*shape != out).then(|| broadcast_places(shape, &out)));
    }
    let maps =
        <[_; 3]>::try_from(maps).map_err(|_| Fault::Graph("expected three inputs".to_owned()))?;
    let slots: Vec<&Rows> = slots.iter().collect();
    let kernel = Kernel::Choose(Choose { maps });
    let result = Rows { layout, ..builder.push(kernel, &slots, out)? };
    let integers = |value: &Value| match value {
        Value::Rows(rows) => builder.is_integer(rows.slot),
        Value::Constant(constant) => constant.as_ints().is_some(),
        _ => false,
    };
    if inputs.iter().skip(1).all(|value| integers(value)) {
        builder.note_integers(result.slot, None);
    } else {
        builder.note_floats(result.slot);
    }
    Ok(Value::Rows(result))
}

fn chosen(
    builder: &mut Builder,
    condition: &Constant,
    yes: &Constant,
    no: &Constant,
) -> Result<Value, Fault> {
    let wrong = || Fault::Graph("the operands do not fit each other".to_owned());
    let holds = condition.as_ints().ok_or_else(wrong)?;
    let out = broadcast(&yes.shape, &no.shape)
        .and_then(|shape| broadcast(&shape, &condition.shape))
        .ok_or_else(wrong)?;
    builder.spend(&out)?;
    let parts = broadcast_places(&condition.shape, &out)
        .into_iter()
        .zip(broadcast_places(&yes.shape, &out).into_iter().zip(broadcast_places(&no.shape, &out)));
    let pick = parts.map(|(condition, (yes, no))| {
        let holds = holds.get(condition as usize).is_some_and(|&holds| holds != 0);
        (holds, if holds { yes } else { no } as usize)
    });
    if let (Some(yes), Some(no)) = (yes.as_dims(), no.as_dims()) {
        let dims = pick.filter_map(|(holds, at)| if holds { yes.get(at) } else { no.get(at) });
        return Ok(Constant::dims(out, dims.copied().collect()));
    }
    let (Data::Floats(yes), Data::Floats(no)) = (&yes.data, &no.data) else { return Err(wrong()) };
    let values = pick.filter_map(|(holds, at)| if holds { yes.get(at) } else { no.get(at) });
    Ok(Constant::floats(out, values.copied().collect()))
}

pub(super) fn clip(builder: &mut Builder, op: &Op<'_>) -> Outputs {
    let value = op.input(0)?;
    if op.opset < 11 {
        let low = op.float("min", f32::NEG_INFINITY)?;
        let high = op.float("max", f32::INFINITY)?;
        return Ok(vec![unary(builder, value, Unary::Clip { low, high })?]);
    }
    let constant = |index: usize, default: f32| match op.optional(index) {
        None => Some(default),
        Some(Value::Constant(constant)) => match constant.numbers()?.as_slice() {
            &[bound] => Some(bound),
            _ => None,
        },
        Some(_) => None,
    };
    let is_float = !matches!(value, Value::Constant(constant) if constant.as_floats().is_none());
    if let (true, Some(low), Some(high)) =
        (is_float, constant(1, f32::NEG_INFINITY), constant(2, f32::INFINITY))
    {
        return Ok(vec![unary(builder, value, Unary::Clip { low, high })?]);
    }
    let mut result = value.clone();
    for (index, operator) in [(1, Operator::Max), (2, Operator::Min)] {
        if let Some(bound) = op.optional(index) {
            result = combine(builder, operator, &result, bound)?;
        }
    }
    Ok(vec![result])
}
