//! Values, and what the names of an expression stand for in one evaluation.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::EvalError;

/// A value. Cloning is cheap: texts, lists and maps are shared.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    Bool(bool),
    Int(i64),
    Double(f64),
    String(Arc<str>),
    Duration(SignedDuration),
    Timestamp(Timestamp),
    List(Arc<[Value]>),
    /// A map or a record; a record's absent fields are simply not there.
    Map(Arc<BTreeMap<String, Value>>),
}

impl Value {
    /// A list of values.
    pub fn list(items: impl IntoIterator<Item = Value>) -> Self {
        Self::List(items.into_iter().collect())
    }

    /// A map, or a record with these fields present.
    pub fn map<N: Into<String>>(entries: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self::Map(Arc::new(entries.into_iter().map(|(name, value)| (name.into(), value)).collect()))
    }

    /// The boolean, if it is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The integer, if it is one.
    pub fn as_int(&self) -> Option<i64> {
        if let Self::Int(number) = self { Some(*number) } else { None }
    }

    /// The text, if it is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The elements, if it is a list.
    pub fn as_list(&self) -> Option<&[Value]> {
        if let Self::List(items) = self { Some(items) } else { None }
    }

    /// The entries, if it is a map or record.
    pub fn as_map(&self) -> Option<&BTreeMap<String, Value>> {
        if let Self::Map(entries) = self { Some(entries) } else { None }
    }

    /// The kind of value, for messages.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Bool(_) => "a bool",
            Self::Int(_) => "an int",
            Self::Double(_) => "a double",
            Self::String(_) => "a string",
            Self::Duration(_) => "a duration",
            Self::Timestamp(_) => "a timestamp",
            Self::List(_) => "a list",
            Self::Map(_) => "a map",
        }
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Double(value)
    }
}

impl From<&str> for Value {
    fn from(value: &str) -> Self {
        Self::String(value.into())
    }
}

impl From<String> for Value {
    fn from(value: String) -> Self {
        Self::String(value.into())
    }
}

impl From<SignedDuration> for Value {
    fn from(value: SignedDuration) -> Self {
        Self::Duration(value)
    }
}

impl From<Timestamp> for Value {
    fn from(value: Timestamp) -> Self {
        Self::Timestamp(value)
    }
}

impl<T: Into<Value>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        Self::list(items.into_iter().map(Into::into))
    }
}

/// What a bound function does: the receiver, if any, comes first. It must depend on its arguments only.
type Body<'a> = Box<dyn Fn(&[Value]) -> Result<Value, EvalError> + 'a>;

/// What the declared names stand for in one evaluation.
#[derive(Default)]
pub struct Bindings<'a> {
    variables: BTreeMap<String, Value>,
    functions: BTreeMap<String, Body<'a>>,
}

impl<'a> Bindings<'a> {
    /// With nothing bound.
    pub fn new() -> Self {
        Self::default()
    }

    /// Binds a declared variable.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, value: impl Into<Value>) -> Self {
        self.variables.insert(name.into(), value.into());
        self
    }

    /// Binds a declared function or method; a method's receiver is its first argument.
    #[must_use]
    pub fn function(
        mut self,
        name: impl Into<String>,
        body: impl Fn(&[Value]) -> Result<Value, EvalError> + 'a,
    ) -> Self {
        self.functions.insert(name.into(), Box::new(body));
        self
    }

    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.variables.get(name)
    }

    pub(super) fn call(&self, name: &str, arguments: &[Value]) -> Option<Result<Value, EvalError>> {
        self.functions.get(name).map(|body| body(arguments))
    }
}

impl fmt::Debug for Bindings<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let functions: Vec<_> = self.functions.keys().collect();
        f.debug_struct("Bindings").field("variables", &self.variables).field("functions", &functions).finish()
    }
}

/// Reads a length of time as CEL writes it: `90s`, `1h30m`, `1.5h`, `-250ms`. Units are h, m, s, ms, us and ns.
/// `None` when it is not one, or exceeds about 292 years.
pub fn parse_duration(text: &str) -> Option<SignedDuration> {
    let (negative, rest) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if rest == "0" {
        return Some(SignedDuration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut total: i64 = 0;
    let mut rest = rest;
    while !rest.is_empty() {
        let (part, after) = duration_part(rest)?;
        total = total.checked_add(part)?;
        rest = after;
    }
    Some(SignedDuration::from_nanos(if negative { -total } else { total }))
}

/// One number with its unit, in nanoseconds, and what follows it. Digits beyond nanoseconds are dropped.
fn duration_part(text: &str) -> Option<(i64, &str)> {
    const UNITS: [(&str, i64); 6] = [
        ("ns", 1),
        ("us", 1_000),
        ("ms", 1_000_000),
        ("s", 1_000_000_000),
        ("m", 60_000_000_000),
        ("h", 3_600_000_000_000),
    ];
    let (whole, rest) = digits(text);
    let (fraction, rest) = match rest.strip_prefix('.') {
        Some(rest) => digits(rest),
        None => ("", rest),
    };
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let &(unit, scale) = UNITS.iter().find(|(unit, _)| rest.starts_with(unit))?;
    let whole = if whole.is_empty() { 0 } else { whole.parse::<i64>().ok()? };
    let nanoseconds = whole.checked_mul(scale)?;
    let mut carried: i128 = 0;
    let mut divisor: i128 = 1;
    for digit in fraction.bytes().take(15) {
        carried = carried * 10 + i128::from(digit - b'0');
        divisor *= 10;
    }
    let part = i64::try_from(carried * i128::from(scale) / divisor).ok()?;
    Some((nanoseconds.checked_add(part)?, &rest[unit.len()..]))
}

fn digits(text: &str) -> (&str, &str) {
    let end = text.bytes().position(|byte| !byte.is_ascii_digit()).unwrap_or(text.len());
    text.split_at(end)
}
