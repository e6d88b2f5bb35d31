//! Text with placeholders, and JSON whose texts are such. Parsed once; rendering only ever inserts.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write,
};

use serde::Deserialize;
use serde_json::Value;

use super::Values;

const ALLOWED: &str = "allowed are {{target}}, {{key}}, {{incident}} and {{args.NAME}}";

/// Text in which `{{target}}`, `{{key}}`, `{{incident}}` and `{{args.NAME}}` stand for values of the call.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Template(Vec<Part>);

/// JSON whose texts are templates. A text that is exactly one placeholder takes the value with its JSON type.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "Value")]
pub enum JsonTemplate {
    /// Null, a boolean or a number.
    Fixed(Value),
    Text(Template),
    List(Vec<JsonTemplate>),
    Object(BTreeMap<String, JsonTemplate>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Target,
    Key,
    Incident,
    Arg(String),
}

impl TryFrom<String> for Template {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut rest = text.as_str();
        while let Some((before, after)) = rest.split_once("{{") {
            let (name, after) =
                after.split_once("}}").ok_or("a placeholder is not closed; end it with `}}`")?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(placeholder(name.trim())?);
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Template(parts))
    }
}

fn placeholder(name: &str) -> Result<Part, String> {
    match name {
        "target" => Ok(Part::Target),
        "key" => Ok(Part::Key),
        "incident" => Ok(Part::Incident),
        _ => match name.strip_prefix("args.") {
            Some(arg) if !arg.is_empty() && arg.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') => {
                Ok(Part::Arg(arg.to_owned()))
            }
            _ => Err(format!("unknown placeholder `{name}`; {ALLOWED}")),
        },
    }
}

impl Template {
    /// The text with its values as they are; escaping is the caller's. `None` when the whole template is one argument
    /// that the call does not have.
    pub(super) fn optional_text(&self, values: &Values<'_>) -> Result<Option<String>, String> {
        if let [Part::Arg(name)] = self.0.as_slice()
            && !values.args.contains_key(name)
        {
            return Ok(None);
        }
        let mut out = String::new();
        self.0.iter().try_for_each(|part| part.text(values).map(|text| out.push_str(&text)))?;
        Ok(Some(out))
    }

    /// The text as a path: each value is percent-encoded, so that it stays within its segment.
    pub(super) fn path(&self, values: &Values<'_>) -> Result<String, String> {
        let mut out = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Target | Part::Key | Part::Incident | Part::Arg(_) => {
                    percent_encode(&part.text(values)?, &mut out);
                }
            }
        }
        // A value cannot bring a `/`, but it can be a whole segment that servers resolve or drop.
        match self.odd_segment(&out) {
            Some(odd) => {
                Err(format!("the path would have the segment `{odd}`; the value cannot stand there"))
            }
            None => Ok(out),
        }
    }

    /// Whether it can be a path: absolute, without query and fragment, and already percent-encoded.
    pub(super) fn check_path(&self) -> Result<(), String> {
        if !matches!(self.0.first(), Some(Part::Text(text)) if text.starts_with('/')) {
            return Err(
                "the path must start with `/`; the host stands in the connector's configuration".to_owned()
            );
        }
        let mut probe = String::new();
        for part in &self.0 {
            match part {
                Part::Text(text) => probe.push_str(text),
                Part::Target | Part::Key | Part::Incident | Part::Arg(_) => probe.push('x'),
            }
        }
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"/-._~!$&'()*+,;=:@%".contains(&b);
        if let Some(odd) = probe.chars().find(|c| !u8::try_from(*c).is_ok_and(plain)) {
            return Err(format!("the path has `{}`; percent-encode it, or use `query`", odd.escape_debug()));
        }
        if self.odd_segment(&probe).is_some() {
            return Err("the path has an empty, `.` or `..` segment; write it without".to_owned());
        }
        Ok(())
    }

    /// An empty, `.` or `..` segment. Only a `/` that the template itself ends with may end the path.
    fn odd_segment<'a>(&self, path: &'a str) -> Option<&'a str> {
        let ends_in_slash = matches!(self.0.last(), Some(Part::Text(text)) if text.ends_with('/'));
        let path = if ends_in_slash { path.strip_suffix('/').unwrap_or(path) } else { path };
        path.split('/').skip(1).find(|segment| matches!(*segment, "" | "." | ".."))
    }

    pub(super) fn arguments<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        for part in &self.0 {
            match part {
                Part::Arg(name) => {
                    names.insert(name);
                }
                Part::Text(_) | Part::Target | Part::Key | Part::Incident => {}
            }
        }
    }

    /// The value for a place in JSON; `None` as for [`Template::optional_text`].
    fn json(&self, values: &Values<'_>) -> Result<Option<Value>, String> {
        match self.0.as_slice() {
            [Part::Arg(name)] => Ok(values.args.get(name).cloned()),
            _ => Ok(self.optional_text(values)?.map(Value::String)),
        }
    }
}

impl Part {
    fn text(&self, values: &Values<'_>) -> Result<String, String> {
        match self {
            Part::Text(text) => Ok(text.clone()),
            Part::Target => Ok(values.target.to_owned()),
            Part::Key => Ok(values.key.to_owned()),
            Part::Incident => Ok(values.incident.to_owned()),
            Part::Arg(name) => match values.args.get(name) {
                Some(Value::String(text)) => Ok(text.clone()),
                Some(value @ (Value::Bool(_) | Value::Number(_))) => Ok(value.to_string()),
                Some(Value::Null) | None => Err(format!("argument `{name}` is missing")),
                Some(Value::Array(_) | Value::Object(_)) => Err(format!(
                    "argument `{name}` is a list or mapping; it can only be a whole value of a JSON body"
                )),
            },
        }
    }
}

impl TryFrom<Value> for JsonTemplate {
    type Error = String;

    fn try_from(value: Value) -> Result<Self, String> {
        match value {
            Value::Null | Value::Bool(_) | Value::Number(_) => Ok(JsonTemplate::Fixed(value)),
            Value::String(text) => Template::try_from(text).map(JsonTemplate::Text),
            Value::Array(items) => {
                items.into_iter().map(Self::try_from).collect::<Result<_, _>>().map(JsonTemplate::List)
            }
            Value::Object(members) => {
                members.into_iter().map(member).collect::<Result<_, _>>().map(JsonTemplate::Object)
            }
        }
    }
}

fn member((name, value): (String, Value)) -> Result<(String, JsonTemplate), String> {
    if name.contains("{{") {
        return Err(format!("a placeholder cannot stand in the name `{name}`; only values are filled in"));
    }
    Ok((name, value.try_into()?))
}

impl JsonTemplate {
    /// The filled value; `None` when the whole of it is one argument that the call does not have.
    pub(super) fn render(&self, values: &Values<'_>) -> Result<Option<Value>, String> {
        match self {
            JsonTemplate::Fixed(value) => Ok(Some(value.clone())),
            JsonTemplate::Text(template) => template.json(values),
            JsonTemplate::List(items) => {
                let rendered = items.iter().filter_map(|item| item.render(values).transpose());
                rendered.collect::<Result<Vec<_>, _>>().map(|items| Some(Value::Array(items)))
            }
            JsonTemplate::Object(members) => {
                let rendered = members.iter().filter_map(|(name, member)| {
                    member.render(values).transpose().map(|value| Ok((name.clone(), value?)))
                });
                rendered.collect::<Result<_, String>>().map(|members| Some(Value::Object(members)))
            }
        }
    }

    pub(super) fn arguments<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        match self {
            JsonTemplate::Fixed(_) => {}
            JsonTemplate::Text(template) => template.arguments(names),
            JsonTemplate::List(items) => items.iter().for_each(|item| item.arguments(names)),
            JsonTemplate::Object(members) => members.values().for_each(|member| member.arguments(names)),
        }
    }
}

/// Appends `text` with every byte encoded that is not unreserved (RFC 3986 section 2.3).
pub(super) fn percent_encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(out, "%{byte:02X}");
        }
    }
}
