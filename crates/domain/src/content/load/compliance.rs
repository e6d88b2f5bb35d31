//! `compliance.yaml`: controls by group, each with the check that computes it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Files,
    report::{Report, only, unknown},
};
use crate::{
    compliance::{Check, Control, Group},
    document::{Problem, Spanned},
    figures,
    severity::Severity,
    time::Span,
};

const CONTROLS_MAX: usize = 200;
const LEAST: Span = Span::secs(60);
const MOST: Span = Span::secs(3 * 365 * 86_400);

#[derive(Deserialize)]
struct ComplianceDocument {
    controls: BTreeMap<String, ControlDocument>,
}

#[derive(Deserialize)]
struct ControlDocument {
    group: Spanned<String>,
    title: Spanned<String>,
    check: Spanned<String>,
    from: Option<Spanned<String>>,
    within: Option<Spanned<String>>,
    figure: Option<Spanned<String>>,
}

/// What the folder demands; nothing where it says nothing.
pub(super) fn read(files: &Files<'_>, problems: &mut Vec<Problem>) -> Vec<Control> {
    let Some((document, mut report)) = only::<ComplianceDocument>(files, problems) else { return Vec::new() };
    let mut controls = Vec::new();
    for (id, line) in document.controls {
        if controls.len() == CONTROLS_MAX {
            report.at(&line.check, format!("there are more than {CONTROLS_MAX} controls"));
            break;
        }
        report.line("the title of a control", &line.title);
        let group = Group::ALL.into_iter().find(|group| group.name() == line.group.as_str());
        if group.is_none() {
            let names = Group::ALL.into_iter().map(Group::name);
            report.at(&line.group, unknown("group", &line.group, names));
        }
        let check = check(&line, &mut report);
        if let Some((group, check)) = group.zip(check) {
            controls.push(Control { id: id.into(), group, title: line.title.as_str().into(), check });
        }
    }
    controls
}

fn check(line: &ControlDocument, report: &mut Report<'_>) -> Option<Check> {
    let name = line.check.as_str();
    let check = match name {
        "reviews_in_time" => Some(Check::ReviewsInTime { from: from(line, report) }),
        "actions_in_time" => Some(Check::ActionsInTime),
        "figure" => figure(line, report),
        "log_signed" => Some(Check::LogSigned { within: within(line, report) }),
        "evidence_checked" => Some(Check::EvidenceChecked { within: within(line, report) }),
        "drilled" => Some(Check::Drilled { within: within(line, report) }),
        "two_people" => Some(Check::TwoPeople),
        "clock_trusted" => Some(Check::ClockTrusted),
        "plans_written" => Some(Check::PlansWritten),
        "log_verifies" => Some(Check::LogVerifies),
        "backup_restores" => Some(Check::BackupRestores),
        _ => {
            report.at(&line.check, unknown("check", name, Check::NAMES.into_iter()));
            return None;
        }
    };
    let takes = |field: &str| match field {
        "from" => name == "reviews_in_time",
        "figure" => name == "figure",
        _ => ["log_signed", "evidence_checked", "drilled"].contains(&name),
    };
    for (field, given) in [("from", &line.from), ("within", &line.within), ("figure", &line.figure)] {
        if let Some(given) = given.as_ref().filter(|_| !takes(field)) {
            report.at(given, format!("`{name}` takes no `{field}`; leave it out"));
        }
    }
    check
}

fn from(line: &ControlDocument, report: &mut Report<'_>) -> Severity {
    let Some(text) = &line.from else { return Severity::Informational };
    let known = Severity::ALL.into_iter().find(|severity| severity.name() == text.as_str());
    if known.is_none() {
        report.at(text, unknown("severity", text, Severity::ALL.into_iter().map(Severity::name)));
    }
    known.unwrap_or(Severity::Informational)
}

fn within(line: &ControlDocument, report: &mut Report<'_>) -> Span {
    match &line.within {
        Some(text) => report.span("the time of a control", text, LEAST, MOST),
        None => {
            report.at(&line.check, format!("`{}` needs `within`", line.check.as_str()));
            LEAST
        }
    }
}

fn figure(line: &ControlDocument, report: &mut Report<'_>) -> Option<Check> {
    let Some(text) = &line.figure else {
        report.at(&line.check, "`figure` needs the name of one as `figure`");
        return None;
    };
    if figures::named(text).is_none() {
        report.at(text, unknown("figure", text, figures::ALL.iter().map(|known| known.name)));
        return None;
    }
    Some(Check::Figure { name: text.as_str().into() })
}
