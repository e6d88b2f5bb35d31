//! Label matchers as in the Prometheus Alertmanager: `name="v"`, `!=`, `=~`, `!~`. Regular expressions are
//! anchored at both ends and run in linear time. [`parse`] and [`parse_list`] read their text form.

mod parse;

#[cfg(test)]
mod tests;

use std::fmt;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::labels::Labels;

pub use parse::{parse, parse_list};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Operator {
    #[serde(rename = "=")]
    Equal,
    #[serde(rename = "!=")]
    NotEqual,
    #[serde(rename = "=~")]
    Match,
    #[serde(rename = "!~")]
    NotMatch,
}

/// One condition on one label. An absent label counts as an empty one.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(try_from = "Raw", into = "Raw")]
pub struct Matcher {
    pub name: Box<str>,
    pub operator: Operator,
    pub value: Box<str>,
    regex: Option<Regex>,
}

#[derive(Serialize, Deserialize)]
struct Raw {
    name: Box<str>,
    operator: Operator,
    value: Box<str>,
}

impl TryFrom<Raw> for Matcher {
    type Error = String;

    fn try_from(raw: Raw) -> Result<Matcher, String> {
        Matcher::new(&raw.name, raw.operator, &raw.value)
    }
}

impl From<Matcher> for Raw {
    fn from(matcher: Matcher) -> Raw {
        Raw { name: matcher.name, operator: matcher.operator, value: matcher.value }
    }
}

impl Matcher {
    /// Compiles the matcher; a regular expression that is wrong or too large is refused with the reason.
    pub fn new(name: &str, operator: Operator, value: &str) -> Result<Matcher, String> {
        if name.is_empty() {
            return Err("a matcher needs a label name".to_owned());
        }
        let regex = match operator {
            Operator::Equal | Operator::NotEqual => None,
            Operator::Match | Operator::NotMatch => Some(
                regex::RegexBuilder::new(&format!("^(?:{value})$"))
                    .size_limit(1 << 20)
                    .build()
                    .map_err(|error| format!("`{value}` is not a usable regular expression: {error}"))?,
            ),
        };
        Ok(Matcher { name: name.into(), operator, value: value.into(), regex })
    }

    pub fn matches(&self, labels: &Labels) -> bool {
        self.matches_value(labels.get(&self.name).unwrap_or(""))
    }

    pub fn matches_value(&self, value: &str) -> bool {
        let by_regex = || self.regex.as_ref().is_some_and(|regex| regex.is_match(value));
        match self.operator {
            Operator::Equal => *self.value == *value,
            Operator::NotEqual => *self.value != *value,
            Operator::Match => by_regex(),
            Operator::NotMatch => !by_regex(),
        }
    }
}

impl PartialEq for Matcher {
    fn eq(&self, other: &Matcher) -> bool {
        (&self.name, self.operator, &self.value) == (&other.name, other.operator, &other.value)
    }
}

impl fmt::Display for Operator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Operator::Equal => "=",
            Operator::NotEqual => "!=",
            Operator::Match => "=~",
            Operator::NotMatch => "!~",
        })
    }
}

/// The text form that [`parse`] reads back to the same matcher.
impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if parse::is_bare(&self.name) {
            f.write_str(&self.name)?;
        } else {
            quote(f, &self.name)?;
        }
        write!(f, "{}", self.operator)?;
        quote(f, &self.value)
    }
}

/// Escapes only what both syntaxes read alike.
fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for c in text.chars() {
        match c {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            c => write!(f, "{c}")?,
        }
    }
    f.write_str("\"")
}
