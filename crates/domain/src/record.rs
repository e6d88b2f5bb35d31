//! Records: one line of telemetry each, flat, that rules look at. A record is kept only where a rule sees something
//! in it.

#[cfg(test)]
mod tests;

use serde_json::Value;

use crate::{labels::Labels, mapping, text::cut_off, time::Timestamp};

/// Where the entries of the platform's own log come from, as records.
pub const AUDIT_SOURCE: &str = "ringfence.audit";
/// Most fields of one record, its deepest nesting, and the longest name.
pub const FIELDS_MAX: usize = 128;
pub const DEPTH_MAX: usize = 8;
pub const NAME_MAX: usize = 256;
/// Longest value in bytes; longer ones are cut.
pub const VALUE_MAX: usize = 4_096;
/// Most values of a list that are looked at.
const LIST_MAX: usize = 64;
/// The fields that say when it was, the first that is there.
const TIMES: [&str; 5] = ["timestamp", "@timestamp", "time", "ts", "eventTime"];

/// One line of telemetry.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    pub at: Option<Timestamp>,
    pub fields: Labels,
}

impl Record {
    /// Flattens an object: `{"user": {"name": "a"}}` has the field `user.name`. The field `source` is whoever sent
    /// it, whatever it says itself.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn read(value: &Value, source: &str) -> Result<Record, String> {
        let Value::Object(object) = value else {
            return Err("a record is a JSON object".to_owned());
        };
        let mut pairs = Vec::new();
        for (name, value) in object {
            flatten(name.clone(), value, 1, &mut pairs)?;
        }
        let at = TIMES.iter().find_map(|wanted| pairs.iter().find(|(name, _)| name == wanted));
        let at = at.and_then(|(_, text)| mapping::time_of(text));
        pairs.retain(|(name, value)| name != "source" && !value.is_empty());
        pairs.push(("source".to_owned(), source.to_owned()));
        Labels::from_pairs(pairs).map(|fields| Record { at, fields })
    }
}

fn flatten(
    name: String,
    value: &Value,
    depth: usize,
    pairs: &mut Vec<(String, String)>,
) -> Result<(), String> {
    if name.is_empty() || name.len() > NAME_MAX {
        return Err(format!("the name of a field has 1 to {NAME_MAX} bytes"));
    }
    if depth > DEPTH_MAX {
        let shown: String = name.chars().take(40).collect();
        return Err(format!("`{shown}` is nested deeper than {DEPTH_MAX} levels"));
    }
    match value {
        Value::Object(object) => {
            for (inner, value) in object {
                flatten(format!("{name}.{inner}"), value, depth + 1, pairs)?;
            }
            return Ok(());
        }
        Value::Array(values) if values.iter().any(|value| value.is_object() || value.is_array()) => {
            for (number, value) in values.iter().take(LIST_MAX).enumerate() {
                flatten(format!("{name}.{number}"), value, depth + 1, pairs)?;
            }
            return Ok(());
        }
        Value::Array(values) => {
            let texts: Vec<String> = values.iter().take(LIST_MAX).map(scalar).collect();
            pairs.push((name, cut_off(texts.join(","), VALUE_MAX)));
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {
            pairs.push((name, cut_off(scalar(value), VALUE_MAX)));
        }
    }
    if pairs.len() > FIELDS_MAX {
        return Err(format!("a record has at most {FIELDS_MAX} fields"));
    }
    Ok(())
}

fn scalar(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
