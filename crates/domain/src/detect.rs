//! Detection: which rules an alert fits. A rule is a list of label matchers and a tree of conditions over metrics,
//! labels and annotations. `Rules` finds the few rules that can match by one value or field that each of them needs,
//! so that a thousand rules cost little more than ten.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use regex::Regex;

use crate::{
    labels::Labels,
    matcher::{Matcher, Operator as MatcherOperator},
    severity::Severity,
    time::Span,
};

/// At most this many conditions in one rule, and this many levels of `all` and `any`.
pub const CONDITIONS_MAX: usize = 64;
pub const DEPTH_MAX: usize = 8;
/// Longest regular expression, in bytes, and the size it may compile to.
pub const REGEX_MAX: usize = 1_000;
const REGEX_COMPILED_MAX: usize = 1 << 18;
/// Annotations with this in front are the metrics of an alert.
pub const METRIC_PREFIX: &str = "metric_";

/// A rule: alerts that fit open incidents of this type.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub id: String,
    pub matchers: Vec<Matcher>,
    pub condition: Option<Condition>,
    pub incident_type: String,
    pub severity: Option<Severity>,
    /// False: nothing is done before a person starts it.
    pub auto_response: bool,
    /// How long nobody may answer before it escalates.
    pub escalation: Option<Span>,
    /// Whether an informational alert opens an incident all the same.
    pub open: bool,
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
}

impl Condition {
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

/// All rules of a content, with the index that finds the ones to try.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    all: Vec<Rule>,
    /// Name, then value: rules that need exactly that.
    by_value: BTreeMap<Box<str>, BTreeMap<Box<str>, Vec<u32>>>,
    /// Rules that need some value of that name.
    by_field: BTreeMap<Box<str>, Vec<u32>>,
    /// Rules that are tried on everything.
    others: Vec<u32>,
}

/// What a rule cannot do without.
enum Need {
    Values(Box<str>, Vec<Box<str>>),
    Field(Box<str>),
    Nothing,
}

impl From<Vec<Rule>> for Rules {
    fn from(mut all: Vec<Rule>) -> Rules {
        // By id, so that nothing depends on the order of files.
        all.sort_by(|a, b| a.id.cmp(&b.id));
        let mut rules = Rules::default();
        for (number, rule) in (0u32..).zip(&all) {
            match need_of(rule) {
                Need::Values(name, values) => {
                    let of_name = rules.by_value.entry(name).or_default();
                    values.into_iter().for_each(|value| of_name.entry(value).or_default().push(number));
                }
                Need::Field(name) => rules.by_field.entry(name).or_default().push(number),
                Need::Nothing => rules.others.push(number),
            }
        }
        Rules { all, ..rules }
    }
}

impl Rules {
    pub fn iter(&self) -> impl Iterator<Item = &Rule> {
        self.all.iter()
    }

    pub fn len(&self) -> usize {
        self.all.len()
    }

    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The rules that fit, by id.
    pub fn matching<'a>(&'a self, subject: Subject<'_>) -> Vec<&'a Rule> {
        let candidates = self.candidates(subject);
        let rules = candidates.into_iter().filter_map(|number| self.all.get(number as usize));
        rules.filter(|rule| rule.matches(subject)).collect()
    }

    /// The numbers of the rules that have what they need, each once, in order.
    pub fn candidates(&self, subject: Subject<'_>) -> Vec<u32> {
        let mut found = self.others.clone();
        let mut look = |name: &str, value: &str| {
            found.extend(self.by_value.get(name).and_then(|values| values.get(value)).into_iter().flatten());
            found.extend(self.by_field.get(name).into_iter().flatten());
        };
        for (name, value) in subject.labels.iter().chain(subject.annotations.iter()) {
            look(name, value);
            if let Some(metric) = name.strip_prefix(METRIC_PREFIX) {
                look(metric, value);
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn need_of(rule: &Rule) -> Need {
    let by_matcher = rule.matchers.iter().filter_map(matcher_values);
    let by_condition = rule.condition.iter().flat_map(required).filter_map(test_values);
    let fewest = by_matcher.chain(by_condition).min_by_key(|(_, values)| values.len());
    if let Some((name, values)) = fewest {
        return Need::Values(name, values);
    }
    let matcher = rule.matchers.iter().find(|matcher| !matcher.matches_value(""));
    let field = matcher.map(|matcher| matcher.name.clone());
    let asked = || rule.condition.iter().flat_map(required).next().map(|(field, _)| Box::from(field));
    field.or_else(asked).map_or(Need::Nothing, Need::Field)
}

/// The tests that must hold whatever else does.
fn required(condition: &Condition) -> Vec<(&str, &Test)> {
    match condition {
        Condition::All(parts) => parts.iter().flat_map(required).collect(),
        Condition::Any(parts) => match parts.as_slice() {
            [one] => required(one),
            _ => Vec::new(),
        },
        Condition::Test { field, test } => vec![(field, test)],
    }
}

/// The only values that fit, if the matcher names them.
fn matcher_values(matcher: &Matcher) -> Option<(Box<str>, Vec<Box<str>>)> {
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-|".contains(&b));
    let values: Vec<Box<str>> = match matcher.operator {
        MatcherOperator::Equal => vec![matcher.value.clone()],
        MatcherOperator::Match if plain(&matcher.value) => matcher.value.split('|').map(Box::from).collect(),
        MatcherOperator::Match | MatcherOperator::NotEqual | MatcherOperator::NotMatch => return None,
    };
    values.iter().all(|value| !value.is_empty()).then(|| (matcher.name.clone(), values))
}

fn test_values((field, test): (&str, &Test)) -> Option<(Box<str>, Vec<Box<str>>)> {
    let text = |operand: &Operand| match operand {
        Operand::Text(text) => Some(text.clone()),
        Operand::Number(_) => None,
    };
    let values = match test {
        Test::Equals(operand) => text(operand).map(|text| vec![text]),
        Test::In(operands) => operands.iter().map(text).collect(),
        Test::Exists
        | Test::NotEquals(_)
        | Test::Greater(_)
        | Test::GreaterOrEqual(_)
        | Test::Less(_)
        | Test::LessOrEqual(_)
        | Test::Contains(_)
        | Test::StartsWith(_)
        | Test::EndsWith(_)
        | Test::Matches(_) => None,
    };
    values.map(|values| (field.into(), values))
}
