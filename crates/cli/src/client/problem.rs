//! A refusal of the server as a sentence (RFC 9457).

use std::fmt;

use serde_json::Value;

/// An answer whose status is not a success.
#[derive(Debug)]
pub(crate) struct Refusal {
    message: String,
}

impl Refusal {
    pub(crate) fn read(what: &str, status: u16, body: &[u8]) -> Refusal {
        let problem: Option<Value> = serde_json::from_slice(body).ok();
        let said = problem.as_ref().and_then(sentence).unwrap_or_else(|| plain(body));
        let help = match status {
            401 => "; name a token with --token-file or RINGFENCE_TOKEN",
            404 if said.is_empty() => "; is this the address of a Ringfence server?",
            _ => "",
        };
        let message = if said.is_empty() {
            format!("the server refused `{what}` with status {status}{help}")
        } else {
            format!("{said}{help} (status {status})")
        };
        Refusal { message }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refusal {}

fn sentence(problem: &Value) -> Option<String> {
    // The Alertmanager part of the API answers with a bare JSON text.
    if let Value::String(text) = problem {
        return Some(text.clone());
    }
    let text = |name: &str| problem.get(name).and_then(Value::as_str).map(str::to_owned);
    let said = text("detail").or_else(|| text("title")).or_else(|| text("message"))?;
    let Some(errors) = problem.get("errors").and_then(Value::as_array).filter(|list| !list.is_empty()) else {
        return Some(said);
    };
    let more: Vec<String> = errors.iter().take(5).map(one_error).collect();
    Some(format!("{said}: {}", more.join("; ")))
}

fn one_error(error: &Value) -> String {
    let text = |name: &str| error.get(name).and_then(Value::as_str);
    match (text("pointer").or_else(|| text("field")), text("detail").or_else(|| text("message"))) {
        (Some(place), Some(said)) => format!("{place}: {said}"),
        (None, Some(said)) => said.to_owned(),
        _ => error.as_str().map_or_else(|| error.to_string(), str::to_owned),
    }
}

fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let line = text.lines().next().unwrap_or_default().trim();
    if line.starts_with('<') { String::new() } else { crate::output::shorten(line, 300) }
}
