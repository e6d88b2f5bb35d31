//! The operators on values, without fuel: what they mean, and how much they looked at.

use std::cmp::Ordering;

use super::ast::{Arithmetic, Comparison};
use super::value::Value;

/// Bytes of text handled for one unit of fuel.
pub(super) const TEXT_BYTES_PER_UNIT: usize = 16;
/// Scalars compared for one unit of fuel.
pub(super) const COMPARED_PER_UNIT: usize = 4;

const OUT_OF_RANGE: &str = "the result is out of range";

/// The fuel for handling a value as text; nothing for other kinds.
pub(super) fn text_units(value: &Value) -> usize {
    value.as_str().map_or(0, |text| text.len() / TEXT_BYTES_PER_UNIT)
}

/// Whether two values are equal, counting what is looked at; `None` when that is more than `limit`.
pub(super) fn equal(left: &Value, right: &Value, compared: &mut usize, limit: usize) -> Option<bool> {
    *compared += 1 + COMPARED_PER_UNIT * text_units(left).min(text_units(right));
    if *compared > limit {
        return None;
    }
    match (left, right) {
        (Value::List(left), Value::List(right)) => {
            if left.len() != right.len() {
                return Some(false);
            }
            let pairs = left.iter().zip(right.iter());
            all(pairs.map(|(left, right)| equal(left, right, compared, limit)))
        }
        (Value::Map(left), Value::Map(right)) => {
            if left.len() != right.len() {
                return Some(false);
            }
            let pairs = left.iter().zip(right.iter());
            all(pairs.map(
                |((name, left), (other, right))| {
                    if name == other { equal(left, right, compared, limit) } else { Some(false) }
                },
            ))
        }
        (left, right) => Some(left == right),
    }
}

/// Whether all are true; stops at the first that is false or unknown.
fn all(outcomes: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    for outcome in outcomes {
        if !outcome? {
            return Some(false);
        }
    }
    Some(true)
}

/// Whether the comparison holds; `None` for kinds without an order. NaN is in no order with anything.
pub(super) fn ordered(comparison: Comparison, left: &Value, right: &Value) -> Option<bool> {
    let order = match (left, right) {
        (Value::Bool(left), Value::Bool(right)) => Some(left.cmp(right)),
        (Value::Int(left), Value::Int(right)) => Some(left.cmp(right)),
        (Value::Double(left), Value::Double(right)) => left.partial_cmp(right),
        (Value::Duration(left), Value::Duration(right)) => Some(left.cmp(right)),
        (Value::Timestamp(left), Value::Timestamp(right)) => Some(left.cmp(right)),
        (Value::String(left), Value::String(right)) => Some(left.cmp(right)),
        _ => return None,
    };
    let wanted = match comparison {
        Comparison::Equal => Ordering::is_eq,
        Comparison::NotEqual => Ordering::is_ne,
        Comparison::Less => Ordering::is_lt,
        Comparison::LessOrEqual => Ordering::is_le,
        Comparison::Greater => Ordering::is_gt,
        Comparison::GreaterOrEqual => Ordering::is_ge,
    };
    Some(order.is_some_and(wanted))
}

/// Unary minus.
pub(super) fn negate(value: &Value) -> Result<Value, String> {
    if let Value::Double(number) = value {
        return Ok(Value::Double(-number));
    }
    let number = value.as_int().ok_or_else(|| format!("expected a number, got {}", value.kind()))?;
    number.checked_neg().map(Value::Int).ok_or_else(|| OUT_OF_RANGE.to_owned())
}

/// A sum, difference, product, quotient or remainder.
pub(super) fn compute(operator: Arithmetic, left: &Value, right: &Value) -> Result<Value, String> {
    let adds = operator == Arithmetic::Add;
    let subtracts = operator == Arithmetic::Subtract;
    let value = match (left, right) {
        (Value::Int(left), Value::Int(right)) => return int(operator, *left, *right),
        (Value::Double(left), Value::Double(right)) => Some(Value::Double(double(operator, *left, *right))),
        (Value::String(left), Value::String(right)) if adds => {
            Some(Value::from([&**left, &**right].concat()))
        }
        (Value::List(left), Value::List(right)) if adds => {
            Some(Value::List(left.iter().chain(right.iter()).cloned().collect()))
        }
        (Value::Duration(left), Value::Duration(right)) if adds => {
            left.checked_add(*right).map(Value::Duration)
        }
        (Value::Duration(left), Value::Duration(right)) if subtracts => {
            left.checked_sub(*right).map(Value::Duration)
        }
        (Value::Timestamp(at), Value::Duration(by)) | (Value::Duration(by), Value::Timestamp(at)) if adds => {
            at.checked_add(*by).ok().map(Value::Timestamp)
        }
        (Value::Timestamp(at), Value::Duration(by)) if subtracts => {
            at.checked_sub(*by).ok().map(Value::Timestamp)
        }
        (Value::Timestamp(left), Value::Timestamp(right)) if subtracts => {
            Some(Value::Duration(left.duration_since(*right)))
        }
        _ => {
            let symbol = operator.symbol();
            return Err(format!("`{symbol}` does not take {} and {}", left.kind(), right.kind()));
        }
    };
    value.ok_or_else(|| OUT_OF_RANGE.to_owned())
}

fn int(operator: Arithmetic, left: i64, right: i64) -> Result<Value, String> {
    if right == 0 && matches!(operator, Arithmetic::Divide | Arithmetic::Remainder) {
        return Err("division by zero".to_owned());
    }
    let value = match operator {
        Arithmetic::Add => left.checked_add(right),
        Arithmetic::Subtract => left.checked_sub(right),
        Arithmetic::Multiply => left.checked_mul(right),
        Arithmetic::Divide => left.checked_div(right),
        Arithmetic::Remainder => left.checked_rem(right),
    };
    value.map(Value::Int).ok_or_else(|| OUT_OF_RANGE.to_owned())
}

/// Floating point as IEEE 754 has it: dividing by zero gives an infinity or NaN.
fn double(operator: Arithmetic, left: f64, right: f64) -> f64 {
    match operator {
        Arithmetic::Add => left + right,
        Arithmetic::Subtract => left - right,
        Arithmetic::Multiply => left * right,
        Arithmetic::Divide => left / right,
        Arithmetic::Remainder => left % right,
    }
}
