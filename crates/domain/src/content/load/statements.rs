//! `statements.yaml`: kinds of words to the outside. The file may be missing; then nothing is drafted.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Files,
    report::{Report, Seen, only, unknown},
};
use crate::{
    approval::Terms,
    content::{
        people::People,
        statements::{StatementKind, Statements},
    },
    document::{Problem, Spanned},
    time::Span,
};

const KINDS_MAX: usize = 32;
const QUORUM_MOST: u32 = 10;

#[derive(Deserialize)]
struct StatementsDocument {
    #[serde(default)]
    statements: Vec<KindDocument>,
}

#[derive(Deserialize)]
struct KindDocument {
    kind: Spanned<String>,
    name: Spanned<String>,
    template: Spanned<String>,
    approval: ApprovalDocument,
}

#[derive(Deserialize)]
struct ApprovalDocument {
    quorum: Spanned<u32>,
    roles: Spanned<Vec<Spanned<String>>>,
    expires: Spanned<String>,
}

pub(super) fn read(
    files: &Files<'_>,
    people: &People,
    templates: &BTreeMap<String, String>,
    problems: &mut Vec<Problem>,
) -> Statements {
    let mut kinds = Statements::new();
    let Some((document, mut report)) = only::<StatementsDocument>(files, problems) else { return kinds };
    if let Some(more) = document.statements.get(KINDS_MAX) {
        report.at(&more.kind, format!("at most {KINDS_MAX} kinds are read"));
    }
    let mut seen = Seen::default();
    for entry in document.statements.into_iter().take(KINDS_MAX) {
        report.id("the kind", &entry.kind);
        report.line("the name", &entry.name);
        // A folder without any template has plain words for everything.
        if !templates.is_empty() && !templates.contains_key(&entry.template.value) {
            let known = templates.keys().map(String::as_str);
            report.at(&entry.template, unknown("template", &entry.template, known));
        }
        if seen.insert("the kind", &entry.kind, &mut report) {
            let terms = terms(&entry.approval, people, &mut report);
            let kind = StatementKind { name: entry.name.value, template: entry.template.value, terms };
            kinds.insert(entry.kind.value, kind);
        }
    }
    kinds
}

/// Nothing goes outside without somebody's yes.
fn terms(approval: &ApprovalDocument, people: &People, report: &mut Report<'_>) -> Terms {
    if !(1..=QUORUM_MOST).contains(&*approval.quorum) {
        report.at(&approval.quorum, format!("the quorum is from 1 to {QUORUM_MOST}"));
    }
    if approval.roles.value.is_empty() {
        report.at(&approval.roles, "name the roles of whom one has to agree");
    }
    for role in &approval.roles.value {
        if !people.roles.is_empty() && !people.roles.contains_key(&role.value) {
            report.at(role, unknown("role", role, people.roles.keys().map(String::as_str)));
        }
    }
    let day = Span::secs(86_400);
    let expires = report.span("the time to agree", &approval.expires, Span::secs(60), day);
    let roles = approval.roles.value.iter().map(|role| role.value.as_str().into()).collect();
    Terms { quorum: *approval.quorum, roles, expires }
}
