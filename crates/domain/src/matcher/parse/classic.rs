//! The classic syntax: a Prometheus label name, an operator, and the rest of the text as the value, quoted or
//! not. `\"`, `\\` and `\n` are escapes; any other backslash stands for itself.

use crate::matcher::{Matcher, Operator};

/// Longer operators first, or `=~` would be read as `=` and a value that begins with `~`.
const OPERATORS: [(&str, Operator); 4] =
    [("=~", Operator::Match), ("=", Operator::Equal), ("!=", Operator::NotEqual), ("!~", Operator::NotMatch)];

pub(super) fn one(text: &str) -> Result<Matcher, String> {
    let wrong = || format!("`{text}` is not a matcher such as name=\"value\"");
    let rest = text.trim_start_matches(is_blank);
    let end = rest.find(|c: char| !is_name(c)).ok_or_else(wrong)?;
    let (name, rest) = rest.split_at(end);
    if name.is_empty() || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(wrong());
    }
    let rest = rest.trim_start_matches(is_blank);
    let found = OPERATORS.iter().find_map(|(sign, op)| rest.strip_prefix(sign).map(|rest| (*op, rest)));
    let (operator, rest) = found.ok_or_else(wrong)?;
    let value = unescape(rest.trim_matches(is_blank))?;
    Matcher::new(name, operator, &value)
}

pub(super) fn list(text: &str) -> Result<Vec<Matcher>, String> {
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    let mut parts = split(text);
    // What stands behind the last comma may be missing.
    if parts.last().is_some_and(|last| last.trim().is_empty()) {
        parts.pop();
    }
    parts.into_iter().map(one).collect()
}

/// Cuts at the commas that are not inside quotes.
fn split(text: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (i, c) in text.char_indices() {
        match c {
            ',' if !quoted => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            ',' => {}
            '"' if escaped => escaped = false,
            '"' => quoted = !quoted,
            '\\' => escaped = !escaped,
            _ => escaped = false,
        }
    }
    parts.push(&text[start..]);
    parts
}

fn unescape(raw: &str) -> Result<String, String> {
    let unbalanced =
        || format!("the value `{raw}` holds a double quote that is neither escaped nor around it");
    let inner = match raw.strip_prefix('"') {
        Some(rest) => closed(rest).ok_or_else(unbalanced)?,
        None => raw,
    };
    let mut value = String::with_capacity(inner.len());
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => return Err(unbalanced()),
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some(c @ ('"' | '\\')) => value.push(c),
                Some(other) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            c => value.push(c),
        }
    }
    Ok(value)
}

/// The text before its closing quote, unless that quote is escaped itself.
fn closed(text: &str) -> Option<&str> {
    let inner = text.strip_suffix('"')?;
    let slashes = inner.bytes().rev().take_while(|b| *b == b'\\').count();
    (slashes % 2 == 0).then_some(inner)
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{c}')
}
