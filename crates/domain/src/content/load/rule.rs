//! `rules/*.yaml`: which alerts and records open incidents of which type when they do not say it themselves.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Files, Known,
    condition::{self, ConditionDocument},
    over::{self, CountDocument},
    report::{Report, Seen, read_reported, shorten, unknown},
};
use crate::{
    content::Rule,
    detect::On,
    document::{Problem, Spanned},
    matcher::{self, Matcher},
    severity::Severity,
    time::Span,
};

const ESCALATION_LEAST: Span = Span::secs(1);
const ESCALATION_MOST: Span = Span::secs(30 * 86_400);

#[derive(Deserialize)]
struct RuleDocument {
    id: Spanned<String>,
    #[serde(default)]
    on: On,
    r#match: Option<Spanned<Vec<Spanned<String>>>>,
    conditions: Option<Spanned<Vec<Spanned<ConditionDocument>>>>,
    /// How long it has to hold.
    r#for: Option<Spanned<String>>,
    /// How often it has to fit within a window.
    count: Option<Spanned<CountDocument>>,
    /// Label of the alert to make, and field that keeps apart what is seen.
    #[serde(default)]
    by: BTreeMap<String, Spanned<String>>,
    /// Rules that tell of the same.
    #[serde(default)]
    unless: Vec<Spanned<String>>,
    r#type: Spanned<String>,
    severity: Option<Severity>,
    auto_response: bool,
    /// How long nobody may answer before it escalates.
    escalation_time: Option<Spanned<String>>,
    /// Open an incident also when the severity is informational.
    #[serde(default)]
    open: bool,
}

/// The rules by path. A rule with a problem is left out.
pub(super) fn read<'a>(
    files: &Files<'a>,
    known: Known<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<&'a str, Rule> {
    let mut seen = Seen::default();
    let mut rules = BTreeMap::new();
    let (mut ids, mut named) = (BTreeMap::new(), Vec::new());
    for &(path, text) in files {
        let (document, mut report) = read_reported::<RuleDocument>(path, text, problems);
        let Some(document) = document else { continue };
        let before = report.count();
        report.id("the rule", &document.id);
        seen.insert("the rule", &document.id, &mut report);
        let rule = check(&document, known, &mut report);
        if report.count() == before {
            rules.insert(path, rule);
        }
        ids.insert(document.id.value, document.on);
        named.extend(document.unless.into_iter().map(|other| (path, document.on, other)));
    }
    for (path, on, other) in &named {
        if let Some(message) = cannot_tell(&ids, *on, other) {
            Report::new(path, problems).at(other, message);
        }
    }
    rules
}

/// Why this rule can never have told of what a rule sees that looks at `on`, if it cannot. One that was left out for its
/// own problems is not reported again.
fn cannot_tell(ids: &BTreeMap<String, On>, on: On, other: &Spanned<String>) -> Option<String> {
    let words = |on: On| match on {
        On::Alerts => "alerts",
        On::Records => "records",
    };
    match ids.get(&other.value) {
        None => Some(unknown("rule", &shorten(other), ids.keys().map(String::as_str))),
        Some(its) if *its == on => None,
        Some(its) => Some(format!(
            "`{}` looks at {} and this rule at {}, so it never tells of the same; name one with `on: {}`",
            shorten(other),
            words(*its),
            words(on),
            words(on)
        )),
    }
}

fn check(document: &RuleDocument, known: Known<'_>, report: &mut Report<'_>) -> Rule {
    let condition = document.conditions.as_ref().map(|list| condition::read(list, report));
    let matchers = document.r#match.as_ref().map_or_else(Vec::new, |list| {
        let matchers = matchers(list, report);
        let all_read = matchers.len() == list.value.len();
        if all_read && condition.is_none() && matchers.iter().all(|matcher| matcher.matches_value("")) {
            let message = "the matchers fit an alert without labels, so they fit nearly all; \
                           add one that needs a label, such as alertname=\"NodeDown\"";
            report.at(list, message);
        }
        matchers
    });
    if document.r#match.is_none() && condition.is_none() {
        report.at(&document.id, "the rule needs `match`, `conditions` or both, or it would never fit");
    }
    let name = document.r#type.as_str();
    let resolved = known.types.map(|types| (types, types.resolve(name)));
    let incident_type = match resolved {
        Some((types, None)) => {
            report.at(&document.r#type, unknown("incident type", &shorten(name), types.names()));
            name.to_owned()
        }
        Some((_, Some(found))) => found.name.clone(),
        None => name.to_owned(),
    };
    let on = document.on;
    let over = over::read(document.r#for.as_ref(), document.count.as_ref(), report);
    over::unless(&document.unless, &document.id, over.as_ref(), report);
    let by = over::by(&document.by, on, over.as_ref(), report);
    let rule = Rule {
        id: document.id.value.clone(),
        on,
        matchers,
        condition,
        over,
        by,
        unless: document.unless.iter().map(|id| id.as_str().into()).collect(),
        incident_type,
        severity: document.severity,
        auto_response: document.auto_response,
        escalation: document
            .escalation_time
            .as_ref()
            .map(|text| report.span("the escalation time", text, ESCALATION_LEAST, ESCALATION_MOST)),
        open: document.open,
    };
    over::cost(&rule, &document.id, report);
    rule
}

fn matchers(list: &Spanned<Vec<Spanned<String>>>, report: &mut Report<'_>) -> Vec<Matcher> {
    let mut matchers = Vec::new();
    for text in &list.value {
        match matcher::parse(text) {
            Ok(matcher) => matchers.push(matcher),
            Err(message) => report.at(text, one_line(&message)),
        }
    }
    matchers
}

/// The regular expression library draws its errors over several lines; the first and the last say it.
fn one_line(message: &str) -> String {
    let first = message.lines().next().unwrap_or("").trim_end_matches("regex parse error:").trim_end();
    let last = message.lines().skip(1).last().unwrap_or("").trim().trim_start_matches("error: ");
    format!("{first} {last}").trim_end().to_owned()
}
