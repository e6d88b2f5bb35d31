//! The head of a playbook that people keep: whose it is, how much hangs on it, who looks at it, and how far it is.

use jiff::civil::Date;

use super::{
    playbook::{PlaybookDocument, values},
    report::{Report, shorten, unknown},
};
use crate::{
    content::people::People,
    document::{Problem, Spanned},
    playbook::{Charter, Playbook},
};

/// Most reviewers, tags or related documents of one playbook.
const LIST_MAX: usize = 32;

pub(super) fn check(document: &PlaybookDocument, report: &mut Report<'_>) -> Charter {
    let texts = [("the unit", &document.unit), ("the owner", &document.owner)];
    for (what, text) in texts {
        text.iter().for_each(|text| report.line(what, text));
    }
    let lists = [
        ("the reviewer", &document.reviewers),
        ("the tag", &document.tags),
        ("the related document", &document.related),
    ];
    for (what, list) in lists {
        report.unique(what, list);
        list.iter().for_each(|text| report.line(what, text));
        if let Some(first) = list.get(LIST_MAX) {
            report.at(first, format!("at most {LIST_MAX} are kept; leave the rest out"));
        }
    }
    let days =
        [&document.created, &document.updated].map(|day| day.as_ref().and_then(|day| date(day, report)));
    if let ([Some(created), Some(updated)], Some(place)) = (days, &document.updated)
        && updated < created
    {
        report.at(place, "it was not changed before it was made; correct one of the two");
    }
    let text = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.value.clone());
    Charter {
        status: document.status,
        unit: text(&document.unit),
        owner: text(&document.owner),
        criticality: document.criticality,
        reviewers: values(&document.reviewers),
        tags: values(&document.tags),
        related: values(&document.related),
        created: text(&document.created),
        updated: text(&document.updated),
    }
}

fn date(text: &Spanned<String>, report: &mut Report<'_>) -> Option<Date> {
    let found = text.parse::<Date>().ok().filter(|_| text.len() == 10);
    if found.is_none() {
        report.at(text, format!("`{}` is not a day such as 2026-01-31", shorten(text)));
    }
    found
}

/// Owners and reviewers that nobody knows, where the folder says who there is.
pub(super) fn check_people<'a>(
    people: &People,
    playbooks: impl Iterator<Item = (&'a str, &'a Playbook)>,
    problems: &mut Vec<Problem>,
) {
    if people.teams.is_empty() {
        return;
    }
    for (path, playbook) in playbooks {
        let mut report = Report::new(path, problems);
        for name in playbook.charter.owner.iter().chain(&playbook.charter.reviewers) {
            if !people.knows(name) {
                let message = unknown("team, role or contact", name, people.names());
                report.file(format!("owner and reviewers: {message}"));
            }
        }
    }
}
