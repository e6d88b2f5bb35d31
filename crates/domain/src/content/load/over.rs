//! What a rule needs beyond one fit: `for`, `count` and `by`; and what it may cost to try.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::report::{Report, shorten};
use crate::{
    detect::{BY_MAX, Condition, On, Over, Rule, Test, is_indexed},
    document::Spanned,
    matcher::Operator,
    sighting::OWN_LABELS,
    time::Span,
};

const HOLD_LEAST: Span = Span::secs(1);
const WINDOW_LEAST: Span = Span::secs(1);
const SPAN_MOST: Span = Span::secs(86_400);
/// Below this a count is no count; above, too much would have to be kept of each key.
const THRESHOLD: std::ops::RangeInclusive<u64> = 2..=1_000;
/// Most rules that one rule leaves what they tell of to.
const UNLESS_MAX: usize = 8;
/// Longest name of a label or field, in bytes.
const NAME_MAX: usize = 256;
/// What one rule may cost, in units of one plain comparison; less where no index finds the rule, so that it is
/// tried on everything.
const COST_MAX: usize = 2_000;
const COST_MAX_ON_ALL: usize = 100;

#[derive(Deserialize)]
pub(super) struct CountDocument {
    threshold: Spanned<u64>,
    window: Spanned<String>,
    distinct: Option<Spanned<String>>,
}

/// What has to come together; what is wrong is reported.
pub(super) fn read(
    hold: Option<&Spanned<String>>,
    count: Option<&Spanned<CountDocument>>,
    report: &mut Report<'_>,
) -> Option<Over> {
    if let (Some(hold), Some(_)) = (hold, count) {
        report.at(hold, "a rule has `for` or `count`, not both; write two rules");
    }
    if let Some(count) = count {
        return Some(read_count(&count.value, report));
    }
    hold.map(|text| Over::Hold(report.span("the time that it has to hold", text, HOLD_LEAST, SPAN_MOST)))
}

fn read_count(document: &CountDocument, report: &mut Report<'_>) -> Over {
    let (least, most) = THRESHOLD.into_inner();
    let threshold = document.threshold.value;
    if !THRESHOLD.contains(&threshold) {
        report.at(
            &document.threshold,
            format!("a threshold of {threshold} is out of bounds; use {least} to {most}"),
        );
    }
    let distinct = document.distinct.as_ref().map(|field| {
        name("the field whose values are counted", field, report);
        Box::from(field.as_str())
    });
    Over::Count {
        threshold: u32::try_from(threshold.min(most)).unwrap_or(u32::MAX),
        window: report.span("the window", &document.window, WINDOW_LEAST, SPAN_MOST),
        distinct,
    }
}

/// The labels by which what is seen is kept apart, with the field that each is taken from.
pub(super) fn by(
    document: &BTreeMap<String, Spanned<String>>,
    on: On,
    over: Option<&Over>,
    report: &mut Report<'_>,
) -> Vec<(Box<str>, Box<str>)> {
    let Some(first) = document.values().next() else { return Vec::new() };
    if on == On::Alerts && !matches!(over, Some(Over::Count { .. })) {
        report.at(first, "`by` keeps records or counts apart; an alert is held by itself, so leave it out");
    }
    if document.len() > BY_MAX {
        report.at(first, format!("`by` has {} labels; at most {BY_MAX}", document.len()));
    }
    for (label, field) in document {
        if OWN_LABELS.contains(&label.as_str()) {
            let message = format!("the label `{label}` is written by the rule itself; use another name");
            report.at(field, message);
        }
        if label.trim().is_empty() || label.len() > NAME_MAX {
            report.at(field, format!("the name of a label has 1 to {NAME_MAX} bytes"));
        }
        name("the field", field, report);
    }
    document.iter().map(|(label, field)| (label.as_str().into(), field.as_str().into())).collect()
}

/// The rules that tell of the same: others than this one, for what is counted.
pub(super) fn unless(
    others: &[Spanned<String>],
    id: &Spanned<String>,
    over: Option<&Over>,
    report: &mut Report<'_>,
) {
    let Some(first) = others.first() else { return };
    if !matches!(over, Some(Over::Count { .. })) {
        report.at(first, "`unless` leaves out of a count what other rules tell of; add `count`");
    }
    if others.len() > UNLESS_MAX {
        report.at(first, format!("`unless` names {} rules; at most {UNLESS_MAX}", others.len()));
    }
    for own in others.iter().filter(|other| other.value == id.value) {
        report.at(own, "the rule names itself; name others that tell of the same");
    }
}

fn name(what: &str, text: &Spanned<String>, report: &mut Report<'_>) {
    if text.trim().is_empty() || text.len() > NAME_MAX {
        report.at(text, format!("{what} has a name of 1 to {NAME_MAX} bytes"));
    }
}

/// Refuses a rule that costs too much to try.
pub(super) fn cost<T>(rule: &Rule, place: &Spanned<T>, report: &mut Report<'_>) {
    let of_matcher = |operator: &Operator, value: &str| match operator {
        Operator::Equal | Operator::NotEqual => 1,
        Operator::Match | Operator::NotMatch => regex_cost(value),
    };
    let matchers: usize = rule.matchers.iter().map(|m| of_matcher(&m.operator, &m.value)).sum();
    let cost = matchers + rule.condition.as_ref().map_or(0, of_condition);
    let id = shorten(&rule.id);
    if cost > COST_MAX {
        let message = format!(
            "rule `{id}` costs {cost} to try, at most {COST_MAX}; use fewer or shorter regular expressions"
        );
        report.at(place, message);
    } else if cost > COST_MAX_ON_ALL && !is_indexed(rule) {
        let message = format!(
            "rule `{id}` costs {cost} and is tried on everything, where at most {COST_MAX_ON_ALL} is allowed; \
             add a matcher such as alertname=\"…\", so that it is tried only where it can fit"
        );
        report.at(place, message);
    }
}

fn of_condition(condition: &Condition) -> usize {
    match condition {
        Condition::All(parts) | Condition::Any(parts) => parts.iter().map(of_condition).sum(),
        Condition::Test { test, .. } => match test {
            Test::Exists
            | Test::Equals(_)
            | Test::NotEquals(_)
            | Test::Greater(_)
            | Test::GreaterOrEqual(_)
            | Test::Less(_)
            | Test::LessOrEqual(_)
            | Test::StartsWith(_)
            | Test::EndsWith(_) => 1,
            Test::In(values) => 1 + values.len() / 8,
            Test::Contains(text) => 2 + text.len() / 64,
            Test::Matches(regex) => regex_cost(regex.as_str()),
        },
    }
}

/// Linear in the text that is looked at, with a factor that grows with the expression.
fn regex_cost(pattern: &str) -> usize {
    5 + pattern.len() / 4
}
