//! The `conditions` of a rule: tests of metrics and fields, joined by `all` and `any`, within bounds.

use serde::Deserialize;
use serde_json::Value;

use super::report::{Report, shorten};
use crate::{
    detect::{CONDITIONS_MAX, Condition, DEPTH_MAX, Operand, Test},
    document::Spanned,
};

/// Longest name of a field and longest text to compare with, in bytes.
const FIELD_MAX: usize = 256;
const TEXT_MAX: usize = 4_096;
/// Most values of one `in`.
const VALUES_MAX: usize = 256;

#[derive(Deserialize)]
pub(super) struct ConditionDocument {
    metric: Option<Spanned<String>>,
    field: Option<Spanned<String>>,
    operator: Option<Spanned<Operator>>,
    value: Option<Spanned<Value>>,
    all: Option<Spanned<Vec<Spanned<ConditionDocument>>>>,
    any: Option<Spanned<Vec<Spanned<ConditionDocument>>>>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Operator {
    Equals,
    NotEquals,
    GreaterThan,
    GreaterOrEqual,
    LessThan,
    LessOrEqual,
    Contains,
    StartsWith,
    EndsWith,
    Matches,
    In,
    Exists,
}

/// The conditions as one that needs all of them; what is wrong is reported and left out.
pub(super) fn read(list: &Spanned<Vec<Spanned<ConditionDocument>>>, report: &mut Report<'_>) -> Condition {
    let mut count = 0;
    let parts = parts(list, 1, &mut count, report);
    if count > CONDITIONS_MAX {
        report.at(list, format!("the rule has {count} conditions; at most {CONDITIONS_MAX}"));
    }
    Condition::All(parts)
}

fn parts(
    list: &Spanned<Vec<Spanned<ConditionDocument>>>,
    depth: usize,
    count: &mut usize,
    report: &mut Report<'_>,
) -> Vec<Condition> {
    if list.value.is_empty() {
        report.at(list, "the list of conditions is empty; add one");
    }
    if depth > DEPTH_MAX {
        report.at(list, format!("conditions are nested deeper than {DEPTH_MAX} levels"));
        return Vec::new();
    }
    list.value.iter().filter_map(|document| one(document, depth, count, report)).collect()
}

fn one(
    document: &Spanned<ConditionDocument>,
    depth: usize,
    count: &mut usize,
    report: &mut Report<'_>,
) -> Option<Condition> {
    *count += 1;
    let ConditionDocument { metric, field, operator, value, all, any } = &document.value;
    match (all, any, metric.as_ref().or(field.as_ref()), operator) {
        (Some(list), None, None, None) if value.is_none() => {
            Some(Condition::All(parts(list, depth + 1, count, report)))
        }
        (None, Some(list), None, None) if value.is_none() => {
            Some(Condition::Any(parts(list, depth + 1, count, report)))
        }
        (None, None, Some(name), Some(operator)) if metric.is_none() || field.is_none() => {
            if name.trim().is_empty() || name.len() > FIELD_MAX {
                report.at(name, format!("the name of a metric or field has 1 to {FIELD_MAX} bytes"));
            }
            let test = match (value, test(operator.value, value.as_ref().map(|value| &value.value))) {
                (_, Ok(test)) => Some(test),
                (Some(place), Err(message)) => {
                    report.at(place, message);
                    None
                }
                (None, Err(message)) => {
                    report.at(operator, message);
                    None
                }
            };
            test.map(|test| Condition::Test { field: name.value.as_str().into(), test })
        }
        _ => {
            let message =
                "a condition is `all`, or `any`, or `metric` (or `field`) with `operator` and `value`";
            report.at(document, message);
            None
        }
    }
}

fn test(operator: Operator, value: Option<&Value>) -> Result<Test, String> {
    match operator {
        Operator::Exists => match value {
            None | Some(Value::Bool(true)) => Ok(Test::Exists),
            Some(_) => Err("`exists` takes no value; what is absent fits no condition".to_owned()),
        },
        Operator::Equals => operand(value).map(Test::Equals),
        Operator::NotEquals => operand(value).map(Test::NotEquals),
        Operator::In => match value {
            Some(Value::Array(values)) if (1..=VALUES_MAX).contains(&values.len()) => {
                values.iter().map(|value| operand(Some(value))).collect::<Result<_, _>>().map(Test::In)
            }
            Some(_) | None => Err(format!("`in` needs a list of 1 to {VALUES_MAX} values")),
        },
        Operator::GreaterThan => number(value).map(Test::Greater),
        Operator::GreaterOrEqual => number(value).map(Test::GreaterOrEqual),
        Operator::LessThan => number(value).map(Test::Less),
        Operator::LessOrEqual => number(value).map(Test::LessOrEqual),
        Operator::Contains => text(value).map(Test::Contains),
        Operator::StartsWith => text(value).map(Test::StartsWith),
        Operator::EndsWith => text(value).map(Test::EndsWith),
        Operator::Matches => text(value).and_then(|pattern| {
            Test::matching(&pattern).map_err(|error| {
                let reason = error.lines().last().unwrap_or("").trim().trim_start_matches("error: ");
                format!("`{}` is not a usable regular expression: {}", shorten(&pattern), shorten(reason))
            })
        }),
    }
}

fn operand(value: Option<&Value>) -> Result<Operand, String> {
    match value {
        Some(Value::Number(_)) => number(value).map(Operand::Number),
        Some(Value::Bool(word)) => Ok(Operand::Text(word.to_string().into())),
        Some(Value::String(_)) => text(value).map(Operand::Text),
        Some(Value::Null | Value::Array(_) | Value::Object(_)) | None => {
            Err("the operator needs a `value` that is a number or text".to_owned())
        }
    }
}

fn number(value: Option<&Value>) -> Result<f64, String> {
    let number = value.and_then(Value::as_f64).filter(|number| number.is_finite());
    number.ok_or_else(|| "the operator needs a `value` that is a number".to_owned())
}

fn text(value: Option<&Value>) -> Result<Box<str>, String> {
    let text = value.and_then(Value::as_str).filter(|text| (1..=TEXT_MAX).contains(&text.len()));
    text.map(Box::from)
        .ok_or_else(|| format!("the operator needs a `value` that is text of 1 to {TEXT_MAX} bytes"))
}
