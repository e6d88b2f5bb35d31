//! Detection: which rules an alert fits. A rule is a list of label matchers and a tree of conditions over metrics,
//! labels and annotations; it may need more than one look, over time or by number. `Rules` finds the few rules that
//! can match by one value or field that each of them needs, so that a thousand rules cost little more than ten.

mod index;
#[cfg(test)]
mod tests;

use regex::Regex;
use serde::{Deserialize, Serialize};

use crate::{labels::Labels, matcher::Matcher, severity::Severity, text::cut, time::Span};

pub use index::{Rules, is_indexed};

/// At most this many conditions in one rule, and this many levels of `all` and `any`.
pub const CONDITIONS_MAX: usize = 64;
pub const DEPTH_MAX: usize = 8;
/// Longest regular expression, in bytes, and the size it may compile to.
pub const REGEX_MAX: usize = 1_000;
const REGEX_COMPILED_MAX: usize = 1 << 18;
/// Annotations with this in front are the metrics of an alert.
pub const METRIC_PREFIX: &str = "metric_";
/// The label of an alert that a rule made: which rule it was.
pub const RULE_LABEL: &str = "rule";
/// Most labels that what a rule has seen is kept apart by, and the longest value of one, in bytes.
pub const BY_MAX: usize = 8;
pub const BY_VALUE_MAX: usize = 256;

/// A rule: alerts and records that fit open incidents of this type.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub id: String,
    pub on: On,
    pub matchers: Vec<Matcher>,
    pub condition: Option<Condition>,
    /// What more than one fit it needs.
    pub over: Option<Over>,
    /// What is seen is kept apart by these: label of the alert that it makes, and field that the value is taken from.
    pub by: Vec<(Box<str>, Box<str>)>,
    /// Rules that tell of the same: what one of them has told of already is not counted here.
    pub unless: Vec<Box<str>>,
    pub incident_type: String,
    pub severity: Option<Severity>,
    /// False: nothing is done before a person starts it.
    pub auto_response: bool,
    /// How long nobody may answer before it escalates.
    pub escalation: Option<Span>,
    /// Whether an informational alert opens an incident all the same.
    pub open: bool,
}

/// What a rule looks at.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum On {
    #[default]
    Alerts,
    Records,
}

/// What has to come together before a rule has found something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// It holds without a break for this long.
    Hold(Span),
    /// It fits this often within a window, or with so many different values of a field.
    Count {
        threshold: u32,
        window: Span,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        distinct: Option<Box<str>>,
    },
}

impl Over {
    /// For how long what was found is taken to go on.
    pub fn span(&self) -> Span {
        match self {
            Over::Hold(span) => *span,
            Over::Count { window, .. } => *window,
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    All(Vec<Condition>),
    Any(Vec<Condition>),
    Test { field: Box<str>, test: Test },
}

/// What is asked of one value. A value that is absent fits no test, whichever it is.
#[derive(Debug, Clone)]
pub enum Test {
    Exists,
    Equals(Operand),
    NotEquals(Operand),
    In(Vec<Operand>),
    Greater(f64),
    GreaterOrEqual(f64),
    Less(f64),
    LessOrEqual(f64),
    Contains(Box<str>),
    StartsWith(Box<str>),
    EndsWith(Box<str>),
    Matches(Regex),
}

/// What a rule compares with: numbers by value, text by each byte.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    Number(f64),
    Text(Box<str>),
}

/// What an alert or record says, for conditions to ask.
#[derive(Debug, Clone, Copy)]
pub struct Subject<'a> {
    pub labels: &'a Labels,
    pub annotations: &'a Labels,
}

impl Subject<'_> {
    /// A metric of this name, else the label, else the annotation. Empty text counts as absent.
    pub fn get(&self, name: &str) -> Option<&str> {
        let metric = self.annotations.iter().find(|(key, _)| key.strip_prefix(METRIC_PREFIX) == Some(name));
        let metric = metric.map(|(_, value)| value).filter(|value| !value.is_empty());
        let label = || self.labels.get(name).filter(|value| !value.is_empty());
        let annotation = || self.annotations.get(name).filter(|value| !value.is_empty());
        metric.or_else(label).or_else(annotation)
    }
}

impl Rule {
    pub fn matches(&self, subject: Subject<'_>) -> bool {
        self.matchers.iter().all(|matcher| matcher.matches(subject.labels))
            && self.condition.as_ref().is_none_or(|condition| condition.holds(subject))
    }

    /// Whether it makes an alert of its own from what it sees, instead of saying what an alert is.
    pub fn detects(&self) -> bool {
        self.on == On::Records || self.over.is_some()
    }

    /// Whether everything is there to say that it does not hold: what is absent says nothing.
    pub fn denies(&self, subject: Subject<'_>) -> bool {
        let asked =
            |condition: &Condition| condition.fields().iter().all(|field| subject.get(field).is_some());
        self.matchers.iter().all(|matcher| matcher.matches(subject.labels))
            && self.condition.as_ref().is_some_and(|condition| asked(condition) && !condition.holds(subject))
    }

    /// The values that keep what is seen here apart from the rest, by label; `None` if one is absent.
    pub fn key(&self, subject: Subject<'_>) -> Option<Labels> {
        let pairs: Option<Vec<(String, String)>> = self
            .by
            .iter()
            .map(|(label, field)| {
                subject.get(field).map(|value| (label.to_string(), cut(value, BY_VALUE_MAX).to_owned()))
            })
            .collect();
        pairs.and_then(|pairs| Labels::from_pairs(pairs).ok())
    }
}

impl Condition {
    /// Every field that it asks for.
    fn fields(&self) -> Vec<&str> {
        match self {
            Condition::All(parts) | Condition::Any(parts) => {
                parts.iter().flat_map(Condition::fields).collect()
            }
            Condition::Test { field, .. } => vec![field],
        }
    }

    pub fn holds(&self, subject: Subject<'_>) -> bool {
        match self {
            Condition::All(parts) => parts.iter().all(|part| part.holds(subject)),
            Condition::Any(parts) => parts.iter().any(|part| part.holds(subject)),
            Condition::Test { field, test } => subject.get(field).is_some_and(|value| test.fits(value)),
        }
    }
}

impl Test {
    /// Compiles a regular expression of linear time that has to fit somewhere in the value.
    ///
    /// # Errors
    /// Why it is wrong or too large.
    pub fn matching(pattern: &str) -> Result<Test, String> {
        if pattern.len() > REGEX_MAX {
            return Err(format!("the regular expression is longer than {REGEX_MAX} bytes"));
        }
        let built = regex::RegexBuilder::new(pattern).size_limit(REGEX_COMPILED_MAX).build();
        built.map(Test::Matches).map_err(|error| error.to_string())
    }

    pub fn fits(&self, value: &str) -> bool {
        let number = || value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        match self {
            Test::Exists => true,
            Test::Equals(operand) => operand.equals(value),
            Test::NotEquals(operand) => !operand.equals(value),
            Test::In(operands) => operands.iter().any(|operand| operand.equals(value)),
            Test::Greater(bound) => number().is_some_and(|number| number > *bound),
            Test::GreaterOrEqual(bound) => number().is_some_and(|number| number >= *bound),
            Test::Less(bound) => number().is_some_and(|number| number < *bound),
            Test::LessOrEqual(bound) => number().is_some_and(|number| number <= *bound),
            Test::Contains(text) => value.contains(&**text),
            Test::StartsWith(text) => value.starts_with(&**text),
            Test::EndsWith(text) => value.ends_with(&**text),
            Test::Matches(regex) => regex.is_match(value),
        }
    }
}

impl Operand {
    fn equals(&self, value: &str) -> bool {
        match self {
            Operand::Number(wanted) => value.trim().parse::<f64>().is_ok_and(|number| number == *wanted),
            Operand::Text(wanted) => **wanted == *value,
        }
    }
}

impl PartialEq for Test {
    fn eq(&self, other: &Test) -> bool {
        // The debug form shows each operand and the text of an expression, so equal forms are equal tests.
        format!("{self:?}") == format!("{other:?}")
    }
}
