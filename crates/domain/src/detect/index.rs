//! Finding the few rules that can fit something, by one value or field that each of them needs.

use std::collections::BTreeMap;

use super::{Condition, METRIC_PREFIX, On, Operand, Over, RULE_LABEL, Rule, Subject, Test};
use crate::matcher::{Matcher, Operator as MatcherOperator};

/// All rules of a content, with the index that finds the ones to try.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    all: Vec<Rule>,
    /// What says of an alert what it is.
    alerts: Index,
    /// What is seen over several alerts.
    watched: Index,
    records: Index,
}

/// Finds the rules that have what they need.
#[derive(Debug, Clone, Default)]
struct Index {
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
            match rule.on {
                On::Records => rules.records.insert(number, need_of(rule)),
                On::Alerts if rule.over.is_some() => rules.watched.insert(number, need_of(rule)),
                On::Alerts => rules.alerts.insert(number, need_of(rule)),
            }
            if rule.detects() {
                let own = Need::Values(RULE_LABEL.into(), vec![rule.id.as_str().into()]);
                rules.alerts.insert(number, own);
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

    pub fn get(&self, id: &str) -> Option<&Rule> {
        self.all.binary_search_by(|rule| rule.id.as_str().cmp(id)).ok().and_then(|at| self.all.get(at))
    }

    /// The rules that say what an alert is, by id: those that fit it, and the one that made it.
    pub fn matching<'a>(&'a self, subject: Subject<'_>) -> Vec<&'a Rule> {
        let made = subject.labels.get(RULE_LABEL);
        let fits = |rule: &&Rule| match rule.detects() {
            true => made == Some(rule.id.as_str()),
            false => rule.matches(subject),
        };
        self.numbered(self.alerts.candidates(subject)).filter(fits).collect()
    }

    /// The rules that may see something in an alert, beside others.
    pub fn watching(&self, subject: Subject<'_>) -> impl Iterator<Item = &Rule> {
        self.numbered(self.watched.candidates(subject))
    }

    /// The rules that may see something in a record.
    pub fn of_records(&self, subject: Subject<'_>) -> impl Iterator<Item = &Rule> {
        self.numbered(self.records.candidates(subject))
    }

    /// The numbers of the rules that may say what an alert is.
    pub fn candidates(&self, subject: Subject<'_>) -> Vec<u32> {
        self.alerts.candidates(subject)
    }

    fn numbered(&self, numbers: Vec<u32>) -> impl Iterator<Item = &Rule> {
        numbers.into_iter().filter_map(|number| self.all.get(number as usize))
    }
}

impl Index {
    fn insert(&mut self, number: u32, need: Need) {
        match need {
            Need::Values(name, values) => {
                let of_name = self.by_value.entry(name).or_default();
                values.into_iter().for_each(|value| of_name.entry(value).or_default().push(number));
            }
            Need::Field(name) => self.by_field.entry(name).or_default().push(number),
            Need::Nothing => self.others.push(number),
        }
    }

    /// The numbers of the rules that have what they need, each once, in order.
    fn candidates(&self, subject: Subject<'_>) -> Vec<u32> {
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

/// Whether the index finds the rule by something that it needs, so that it is not tried on everything.
pub fn is_indexed(rule: &Rule) -> bool {
    !matches!(need_of(rule), Need::Nothing)
}

fn need_of(rule: &Rule) -> Need {
    let by_matcher = rule.matchers.iter().filter_map(matcher_values);
    // What holds for a while has to be seen ending too, so any value of the field counts.
    let held = matches!(rule.over, Some(Over::Hold(_)));
    let by_condition = rule.condition.iter().filter(|_| !held).flat_map(required).filter_map(test_values);
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
