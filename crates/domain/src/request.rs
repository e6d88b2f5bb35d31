//! The HTTP requests that `actions.yaml` gives for a verb: how to apply it, how to read back that it holds, and how
//! to take it back. Texts are templates over the call's target, key, incident and arguments; they are parsed once,
//! and what is rendered into them is never parsed again. Sending is the job of the connectors.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::RangeInclusive,
};

use serde::Deserialize;
use serde_json::{Map, Value};

mod template;
#[cfg(test)]
mod tests;

pub use template::{JsonTemplate, Template};

/// Headers that content may not set: the transport and the connector's configuration own them.
const RESERVED_HEADERS: [&str; 14] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "idempotency-key",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "x-api-key",
];

/// Most characters of an answer that are quoted in a message.
const QUOTED_CHARS: usize = 100;

/// What is asked for one verb.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Requests {
    pub apply: Request,
    pub verify: Option<Verify>,
    pub revert: Option<Request>,
}

/// One request and what its answer must be for it to count as done.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawRequest")]
pub struct Request {
    pub method: Method,
    pub path: Template,
    pub query: BTreeMap<String, Template>,
    pub headers: BTreeMap<String, Template>,
    pub body: Option<JsonTemplate>,
    pub expect: Expect,
}

/// How to read whether the verb holds on its target. In content the request's fields and `holds` stand side by side.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawVerify")]
pub struct Verify {
    pub request: Request,
    /// What the answer is while the verb holds.
    pub holds: Expect,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum Method {
    #[default]
    Get,
    Post,
    Put,
    Patch,
    Delete,
}

/// What an answer must be: one of the statuses, and these values at these places of its JSON body.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(try_from = "RawExpect")]
pub struct Expect {
    pub status: Vec<RangeInclusive<u16>>,
    /// By JSON pointer (RFC 6901).
    pub json: BTreeMap<String, JsonTemplate>,
}

/// What templates may name.
#[derive(Debug, Clone, Copy)]
pub struct Values<'a> {
    pub target: &'a str,
    pub key: &'a str,
    pub incident: &'a str,
    pub args: &'a Map<String, Value>,
}

/// A request ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    pub method: Method,
    /// Starts with `/`, percent-encoded.
    pub path_and_query: String,
    /// Printable ASCII only.
    pub headers: Vec<(String, String)>,
    /// JSON text.
    pub body: Option<String>,
}

impl Requests {
    /// The names of all arguments that the templates use.
    pub fn arguments(&self) -> BTreeSet<&str> {
        let mut names = BTreeSet::new();
        self.apply.arguments(&mut names);
        if let Some(verify) = &self.verify {
            verify.request.arguments(&mut names);
            verify.holds.arguments(&mut names);
        }
        if let Some(revert) = &self.revert {
            revert.arguments(&mut names);
        }
        names
    }
}

impl Request {
    /// Fills the templates, each value escaped for its place. A query parameter, header or member of the body whose
    /// whole value is one argument that the call does not have is left out; anywhere else a missing argument fails.
    pub fn render(&self, values: &Values<'_>) -> Result<Rendered, String> {
        let mut path_and_query = self.path.path(values)?;
        let mut separator = '?';
        for (name, template) in &self.query {
            let Some(value) = template.optional_text(values)? else { continue };
            path_and_query.push(separator);
            template::percent_encode(name, &mut path_and_query);
            path_and_query.push('=');
            template::percent_encode(&value, &mut path_and_query);
            separator = '&';
        }
        let mut headers = Vec::with_capacity(self.headers.len());
        for (name, template) in &self.headers {
            let Some(value) = template.optional_text(values)? else { continue };
            if !value.bytes().all(|b| (0x20..0x7f).contains(&b)) {
                return Err(format!(
                    "header `{name}`: the value has a character that is not printable ASCII"
                ));
            }
            headers.push((name.clone(), value));
        }
        let body = self.body.as_ref().map(|body| body.render(values)).transpose()?;
        let body = body.flatten().map(|body| body.to_string());
        Ok(Rendered { method: self.method, path_and_query, headers, body })
    }

    fn arguments<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        let texts = self.query.values().chain(self.headers.values());
        std::iter::once(&self.path).chain(texts).for_each(|template| template.arguments(names));
        self.body.iter().for_each(|body| body.arguments(names));
        self.expect.arguments(names);
    }
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::Get => "GET",
            Method::Post => "POST",
            Method::Put => "PUT",
            Method::Patch => "PATCH",
            Method::Delete => "DELETE",
        }
    }
}

impl Expect {
    /// Whether this status is one of those listed.
    pub fn allows(&self, status: u16) -> bool {
        self.status.iter().any(|range| range.contains(&status))
    }

    /// Checks an answer; `json` is `None` when the body is not JSON. The error says the first thing that differs.
    pub fn check(&self, status: u16, json: Option<&Value>, values: &Values<'_>) -> Result<(), String> {
        if !self.allows(status) {
            return Err(format!("the status is {status}, expected {}", self.status_text()));
        }
        if self.json.is_empty() {
            return Ok(());
        }
        let json = json.ok_or("the body is not JSON")?;
        for (pointer, template) in &self.json {
            let expected = template.render(values)?;
            let found = json.pointer(pointer);
            if !same(expected.as_ref(), found) {
                return Err(format!(
                    "`{pointer}` is {}, expected {}",
                    shown(found),
                    shown(expected.as_ref())
                ));
            }
        }
        Ok(())
    }

    fn status_text(&self) -> String {
        let text = |range: &RangeInclusive<u16>| {
            let (low, high) = (range.start(), range.end());
            if low == high { low.to_string() } else { format!("{low}-{high}") }
        };
        self.status.iter().map(text).collect::<Vec<_>>().join(", ")
    }

    fn arguments<'a>(&'a self, names: &mut BTreeSet<&'a str>) {
        self.json.values().for_each(|template| template.arguments(names));
    }
}

impl Default for Expect {
    fn default() -> Self {
        Expect { status: vec![200..=299], json: BTreeMap::new() }
    }
}

/// At most `max` characters of a text from outside, with every control character and every other character that
/// does not print written as an escape.
pub fn excerpt(text: &str, max: usize) -> String {
    let mut out = String::new();
    for (count, c) in text.chars().enumerate() {
        if count == max {
            out.push('…');
            break;
        }
        match c {
            '"' | '\'' => out.push(c),
            c => out.extend(c.escape_debug()),
        }
    }
    out
}

/// Equality of JSON, with `1` and `1.0` being the same number.
fn same(expected: Option<&Value>, found: Option<&Value>) -> bool {
    match (expected, found) {
        (Some(Value::Number(a)), Some(Value::Number(b))) if a.is_f64() != b.is_f64() => {
            a.as_f64() == b.as_f64()
        }
        (expected, found) => expected == found,
    }
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(
        || "missing".to_owned(),
        |value| format!("`{}`", excerpt(&value.to_string(), QUOTED_CHARS)),
    )
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRequest {
    method: Method,
    path: Template,
    #[serde(default)]
    query: BTreeMap<String, Template>,
    #[serde(default)]
    headers: BTreeMap<String, Template>,
    body: Option<JsonTemplate>,
    #[serde(default)]
    expect: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawVerify {
    #[serde(default)]
    method: Method,
    path: Template,
    #[serde(default)]
    query: BTreeMap<String, Template>,
    #[serde(default)]
    headers: BTreeMap<String, Template>,
    body: Option<JsonTemplate>,
    holds: Expect,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpect {
    status: Option<Vec<Value>>,
    #[serde(default)]
    json: BTreeMap<String, JsonTemplate>,
}

impl TryFrom<RawRequest> for Request {
    type Error = String;

    fn try_from(raw: RawRequest) -> Result<Self, String> {
        let RawRequest { method, path, query, headers, body, expect } = raw;
        path.check_path()?;
        headers.keys().try_for_each(|name| check_header_name(name))?;
        if method == Method::Get && body.is_some() {
            return Err("a GET request has no body; use `query`, or another method".to_owned());
        }
        Ok(Request { method, path, query, headers, body, expect })
    }
}

impl TryFrom<RawVerify> for Verify {
    type Error = String;

    fn try_from(raw: RawVerify) -> Result<Self, String> {
        let RawVerify { method, path, query, headers, body, holds } = raw;
        let expect = Expect::default();
        let request = RawRequest { method, path, query, headers, body, expect }.try_into()?;
        Ok(Verify { request, holds })
    }
}

impl TryFrom<RawExpect> for Expect {
    type Error = String;

    fn try_from(raw: RawExpect) -> Result<Self, String> {
        let status = match raw.status {
            None => Expect::default().status,
            Some(list) if list.is_empty() => {
                return Err("`status` is empty; name one, or leave it out".to_owned());
            }
            Some(list) => list.iter().map(status_range).collect::<Result<_, _>>()?,
        };
        let bad = raw.json.keys().find(|pointer| !pointer.is_empty() && !pointer.starts_with('/'));
        if let Some(pointer) = bad {
            return Err(format!("`{pointer}` is not a JSON pointer; it starts with `/`, such as `/state`"));
        }
        Ok(Expect { status, json: raw.json })
    }
}

/// A status such as `204`, or a range of them such as `"200-299"`.
fn status_range(value: &Value) -> Result<RangeInclusive<u16>, String> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let (low, high) = text.split_once('-').unwrap_or((&text, &text));
    let number = |text: &str| text.trim().parse::<u16>().ok().filter(|n| (100..=599).contains(n));
    match (number(low), number(high)) {
        (Some(low), Some(high)) if low <= high => Ok(low..=high),
        _ => Err(format!("`{text}` is not an HTTP status; write `204`, or a range such as `200-299`")),
    }
}

fn check_header_name(name: &str) -> Result<(), String> {
    // A token of RFC 9110 section 5.6.2.
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    if name.is_empty() || !name.bytes().all(token) {
        return Err(format!("`{name}` is not the name of an HTTP header"));
    }
    let lower = name.to_ascii_lowercase();
    if RESERVED_HEADERS.contains(&lower.as_str()) || lower.starts_with("proxy-") {
        return Err(format!(
            "header `{name}` cannot be set by content; credentials belong in the connector's configuration"
        ));
    }
    Ok(())
}
