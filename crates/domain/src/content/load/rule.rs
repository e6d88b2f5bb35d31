//! `rules/*.yaml`: which alerts open incidents of which type when they do not say it themselves.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Files, Known,
    report::{Report, Seen, shorten, unknown},
};
use crate::{
    content::Rule,
    document::{Problem, Spanned, read as read_document},
    matcher,
    severity::Severity,
};

#[derive(Deserialize)]
struct RuleDocument {
    id: Spanned<String>,
    r#match: Spanned<Vec<Spanned<String>>>,
    r#type: Spanned<String>,
    severity: Option<Severity>,
    auto_response: bool,
}

/// The rules by path. A rule with a problem is left out.
pub(super) fn read<'a>(
    files: &Files<'a>,
    known: Known<'_>,
    problems: &mut Vec<Problem>,
) -> BTreeMap<&'a str, Rule> {
    let mut seen = Seen::default();
    let mut rules = BTreeMap::new();
    for &(path, text) in files {
        let (document, found) = read_document::<RuleDocument>(path, text);
        let mut report = Report::new(path, problems);
        report.add(found);
        let Some(document) = document else { continue };
        let before = report.count();
        report.id("the rule", &document.id);
        seen.insert("the rule", &document.id, &mut report);
        let rule = check(&document, known, &mut report);
        if report.count() == before {
            rules.insert(path, rule);
        }
    }
    rules
}

fn check(document: &RuleDocument, known: Known<'_>, report: &mut Report<'_>) -> Rule {
    let mut matchers = Vec::new();
    for text in &document.r#match.value {
        match matcher::parse(text) {
            Ok(matcher) => matchers.push(matcher),
            Err(message) => report.at(text, one_line(&message)),
        }
    }
    let all_read = matchers.len() == document.r#match.value.len();
    if all_read && matchers.iter().all(|matcher| matcher.matches_value("")) {
        let message = "the matchers fit an alert without labels, so they fit nearly all; \
                       add one that needs a label, such as alertname=\"NodeDown\"";
        report.at(&document.r#match, message);
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
    Rule {
        id: document.id.value.clone(),
        matchers,
        incident_type,
        severity: document.severity,
        auto_response: document.auto_response,
    }
}

/// The regular expression library draws its errors over several lines; the first and the last say it.
fn one_line(message: &str) -> String {
    let first = message.lines().next().unwrap_or("").trim_end_matches("regex parse error:").trim_end();
    let last = message.lines().skip(1).last().unwrap_or("").trim().trim_start_matches("error: ");
    format!("{first} {last}").trim_end().to_owned()
}
