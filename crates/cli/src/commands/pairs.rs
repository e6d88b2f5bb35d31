//! `NAME=VALUE` on the command line: labels, arguments, targets.

use serde_json::{Map, Value, json};

/// One `NAME=VALUE`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) name: String,
    pub(crate) value: String,
}

impl std::str::FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Pair, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() => {
                Ok(Pair { name: name.to_owned(), value: value.to_owned() })
            }
            Some(_) | None => Err(format!("`{text}` is not of the form NAME=VALUE")),
        }
    }
}

/// As an object whose values are text.
pub(crate) fn object(pairs: &[Pair]) -> Value {
    pairs.iter().map(|pair| (pair.name.clone(), json!(pair.value))).collect::<Map<_, _>>().into()
}

/// As an object whose values are numbers or truth values where they look like one.
pub(crate) fn arguments(pairs: &[Pair]) -> Value {
    let value = |text: &str| match serde_json::from_str::<Value>(text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) => value,
        Ok(_) | Err(_) => json!(text),
    };
    pairs.iter().map(|pair| (pair.name.clone(), value(&pair.value))).collect::<Map<_, _>>().into()
}

/// As a list of kind and name.
pub(crate) fn targets(pairs: &[Pair]) -> Value {
    pairs.iter().map(|pair| json!({ "kind": pair.name, "name": pair.value })).collect()
}

#[cfg(test)]
mod tests;
