//! Places in what a source sent: paths into the body or the alert, headers, and texts made of them.

use std::{fmt, str::FromStr};

use serde_json::Value;

use super::Scope;
use crate::text::cut_off;

/// Most parts of one path.
const PARTS_MAX: usize = 16;
/// Most values that one path may find.
const FOUND_MAX: usize = 4_096;
/// Longest text that is rendered, in bytes; what is longer is cut.
const RENDERED_MAX: usize = 64 * 1024;

/// `/a/b` from the body, `./a/b` from the alert, as in JSON Pointer; `*` stands for each item of a list, and `.`
/// alone for the alert itself. `~1` is a `/` in a name, `~0` a `~`, `~2` a `*` that is a name.
#[derive(Debug, Clone, PartialEq)]
pub struct Path {
    relative: bool,
    parts: Vec<Part>,
    written: Box<str>,
}

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Name(Box<str>),
    Each,
}

/// A path, `header NAME`, or `=` and a text in which `{path}` and `{header NAME}` stand for what is there.
#[derive(Debug, Clone, PartialEq)]
pub struct Text {
    pieces: Vec<Piece>,
    written: Box<str>,
}

#[derive(Debug, Clone, PartialEq)]
enum Piece {
    Fixed(Box<str>),
    Path(Path),
    /// The name in lower case.
    Header(Box<str>),
}

impl FromStr for Path {
    type Err = String;

    fn from_str(text: &str) -> Result<Path, String> {
        let wrong =
            || format!("`{text}` is not a path; write `/a/b` from the body or `./a/b` from the alert");
        let (relative, rest) = match text.strip_prefix('.') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let rest = match rest {
            "" if relative => None,
            "/" if !relative => None,
            rest => Some(rest.strip_prefix('/').ok_or_else(wrong)?),
        };
        let parts: Vec<Part> = rest.into_iter().flat_map(|rest| rest.split('/')).map(part).collect();
        if parts.len() > PARTS_MAX {
            return Err(format!("a path of {} parts; use at most {PARTS_MAX}", parts.len()));
        }
        if parts.iter().any(|part| matches!(part, Part::Name(name) if name.is_empty())) {
            return Err(wrong());
        }
        Ok(Path { relative, parts, written: text.into() })
    }
}

fn part(text: &str) -> Part {
    match text {
        "*" => Part::Each,
        text => Part::Name(text.replace("~2", "*").replace("~1", "/").replace("~0", "~").into()),
    }
}

impl Path {
    /// Everything at this place.
    pub(super) fn all<'a>(&self, body: &'a Value, alert: &'a Value) -> Vec<&'a Value> {
        let mut found = vec![if self.relative { alert } else { body }];
        for part in &self.parts {
            found = found.into_iter().flat_map(|value| step(value, part)).take(FOUND_MAX).collect();
        }
        found.retain(|value| !value.is_null());
        found
    }

    /// Replaces text that holds JSON by what it holds. Text that does not begin an object or a list stays.
    pub(super) fn decode(&self, body: &mut Value) -> Result<(), String> {
        let mut at = body;
        for part in &self.parts {
            let Part::Name(name) = part else { return Ok(()) };
            let Some(next) = at.get_mut(&**name) else { return Ok(()) };
            at = next;
        }
        let Value::String(text) = &*at else { return Ok(()) };
        if !text.trim_start().starts_with(['{', '[']) {
            return Ok(());
        }
        let held = serde_json::from_str(text).map_err(|error| format!("the text is not JSON: {error}"))?;
        *at = held;
        Ok(())
    }
}

fn step<'a>(value: &'a Value, part: &Part) -> Vec<&'a Value> {
    match (part, value) {
        (Part::Each, Value::Array(items)) => items.iter().collect(),
        (Part::Name(name), Value::Object(fields)) => fields.get(&**name).into_iter().collect(),
        (Part::Name(name), Value::Array(items)) => {
            name.parse::<usize>().ok().and_then(|index| items.get(index)).into_iter().collect()
        }
        (Part::Each | Part::Name(_), _) => Vec::new(),
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}

impl FromStr for Text {
    type Err = String;

    fn from_str(text: &str) -> Result<Text, String> {
        let written = text.into();
        let Some(template) = text.strip_prefix('=') else {
            return Ok(Text { pieces: vec![piece(text)?], written });
        };
        let mut pieces = Vec::new();
        let mut rest = template;
        while let Some((fixed, after)) = rest.split_once('{') {
            let unclosed = || format!("`{text}` has a `{{` without a `}}`");
            let (inside, after) = after.split_once('}').ok_or_else(unclosed)?;
            if !fixed.is_empty() {
                pieces.push(Piece::Fixed(fixed.into()));
            }
            pieces.push(piece(inside)?);
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Fixed(rest.into()));
        }
        Ok(Text { pieces, written })
    }
}

fn piece(text: &str) -> Result<Piece, String> {
    match text.strip_prefix("header ") {
        Some(name) if !name.trim().is_empty() => Ok(Piece::Header(name.trim().to_ascii_lowercase().into())),
        Some(_) => Err("`header` needs the name of one".to_owned()),
        None => text.parse().map(Piece::Path),
    }
}

impl Text {
    /// `None` where any of the places has nothing.
    pub(crate) fn render(&self, scope: Scope<'_>) -> Option<String> {
        let mut text = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Fixed(fixed) => text.push_str(fixed),
                Piece::Header(name) => text.push_str(scope.headers.get(&**name)?),
                Piece::Path(path) => text.push_str(&joined(&path.all(scope.body, scope.alert))?),
            }
            if text.len() > RENDERED_MAX {
                text = cut_off(text, RENDERED_MAX);
                break;
            }
        }
        Some(text).filter(|text| !text.trim().is_empty())
    }
}

/// What stands at a place as one text; of several, each with a comma between.
fn joined(found: &[&Value]) -> Option<String> {
    let texts: Vec<String> = found.iter().filter_map(|value| scalar(value)).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

/// Text, number or boolean as text; a list of them with commas.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(yes) => Some(yes.to_string()),
        Value::Array(items) if !items.is_empty() && items.iter().all(|item| item.is_string()) => {
            Some(items.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(","))
        }
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written)
    }
}
