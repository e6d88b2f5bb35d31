//! `drills/NAME.yaml` of the kinds `tabletop` and `communication`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Files,
    drill::name_of,
    report::{Report, read_reported, unknown},
};
use crate::{
    content::{
        exercise::{Exercise, Inject, Part},
        people::People,
    },
    document::{Problem, Spanned, read as read_document},
    time::Span,
};

const INJECTS_MAX: usize = 64;
const ASKS_MAX: usize = 10;
const TEXT_BYTES: usize = 2_000;
const REACH_MAX: usize = 64;
const LONGEST: Span = Span::secs(7 * 86_400);

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum DrillKind {
    Technical,
    Tabletop,
    Communication,
}

#[derive(Deserialize)]
struct TabletopDocument {
    #[expect(dead_code, reason = "the kind chose how the file is read")]
    kind: Spanned<DrillKind>,
    name: Spanned<String>,
    injects: Spanned<Vec<InjectDocument>>,
}

#[derive(Deserialize)]
struct InjectDocument {
    at: Spanned<String>,
    says: Spanned<String>,
    asks: Spanned<Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
struct CommunicationDocument {
    #[expect(dead_code, reason = "the kind chose how the file is read")]
    kind: Spanned<DrillKind>,
    name: Spanned<String>,
    reach: Spanned<Vec<Spanned<String>>>,
    within: Spanned<String>,
}

/// The kind that a drill says it has; one that cannot be read is read as technical, and reported there.
pub(super) fn kind_of(path: &str, text: &str) -> DrillKind {
    let (document, _) = read_document::<BTreeMap<String, Value>>(path, text);
    let kind = document.and_then(|document| document.get("kind").and_then(Value::as_str).map(str::to_owned));
    match kind.as_deref() {
        Some("tabletop") => DrillKind::Tabletop,
        Some("communication") => DrillKind::Communication,
        Some(_) | None => DrillKind::Technical,
    }
}

/// The exercises of the folder by name of their file.
pub(super) fn read(
    files: &Files<'_>,
    people: &People,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Exercise> {
    let mut exercises = BTreeMap::new();
    for (path, text) in files {
        let exercise = match kind_of(path, text) {
            DrillKind::Technical => continue,
            DrillKind::Tabletop => tabletop(path, text, problems),
            DrillKind::Communication => communication(path, text, people, problems),
        };
        let name = name_of(path).unwrap_or(path);
        exercises.extend(exercise.map(|exercise| (name.to_owned(), exercise)));
    }
    exercises
}

fn tabletop(path: &str, text: &str, problems: &mut Vec<Problem>) -> Option<Exercise> {
    let (document, mut report) = read_reported::<TabletopDocument>(path, text, problems);
    let document = document?;
    report.line("the name", &document.name);
    let injects = &document.injects;
    if injects.value.is_empty() || injects.value.len() > INJECTS_MAX {
        report.at(injects, format!("an exercise has 1 to {INJECTS_MAX} injects"));
    }
    let mut last = Span::default();
    let mut told = Vec::new();
    for inject in injects.value.iter().take(INJECTS_MAX) {
        let at = report.span("the time of an inject", &inject.at, Span::default(), LONGEST);
        if at < last {
            report.at(&inject.at, "an inject comes no earlier than the one before it; order them by time");
        }
        last = at;
        let asks = &inject.asks;
        if asks.value.is_empty() || asks.value.len() > ASKS_MAX {
            report.at(asks, format!("an inject asks 1 to {ASKS_MAX} questions"));
        }
        std::iter::once(&inject.says).chain(&asks.value).for_each(|text| bounded(text, &mut report));
        let asks = asks.value.iter().take(ASKS_MAX).map(|text| text.value.trim().into()).collect();
        told.push(Inject { at, says: inject.says.value.trim().into(), asks });
    }
    Some(Exercise { name: document.name.value, part: Part::Tabletop(told) })
}

fn bounded(text: &Spanned<String>, report: &mut Report<'_>) {
    if text.trim().is_empty() || text.len() > TEXT_BYTES {
        report.at(text, format!("the text has 1 to {TEXT_BYTES} bytes"));
    }
}

fn communication(path: &str, text: &str, people: &People, problems: &mut Vec<Problem>) -> Option<Exercise> {
    let (document, mut report) = read_reported::<CommunicationDocument>(path, text, problems);
    let document = document?;
    report.line("the name", &document.name);
    let reach = &document.reach;
    if reach.value.is_empty() || reach.value.len() > REACH_MAX {
        report.at(reach, format!("name 1 to {REACH_MAX} contacts, teams or roles to reach"));
    }
    for name in reach.value.iter().filter(|name| !people.contacts.is_empty() && !people.knows(name)) {
        report.at(name, unknown("team, role or contact", name, people.names()));
    }
    let within = report.span("the time to answer", &document.within, Span::secs(60), LONGEST);
    let reach = reach.value.iter().take(REACH_MAX).map(|name| name.value.clone()).collect();
    Some(Exercise { name: document.name.value, part: Part::Communication { reach, within } })
}
