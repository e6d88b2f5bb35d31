//! `training.yaml`: courses, who takes them, and how long they count. The file may be missing.

use serde::Deserialize;

use super::{
    Files,
    report::{Seen, only, unknown},
};
use crate::{
    content::{
        people::People,
        training::{Course, Training},
    },
    document::{Problem, Spanned},
    time::Span,
};

const COURSES_MAX: usize = 64;
const ABOUT_BYTES: usize = 2_000;

#[derive(Deserialize)]
struct TrainingDocument {
    #[serde(default)]
    courses: Vec<CourseDocument>,
}

#[derive(Deserialize)]
struct CourseDocument {
    id: Spanned<String>,
    name: Spanned<String>,
    about: Spanned<String>,
    who: Spanned<Vec<Spanned<String>>>,
    valid: Spanned<String>,
}

pub(super) fn read(files: &Files<'_>, people: &People, problems: &mut Vec<Problem>) -> Training {
    let mut training = Training::new();
    let Some((document, mut report)) = only::<TrainingDocument>(files, problems) else { return training };
    if let Some(more) = document.courses.get(COURSES_MAX) {
        report.at(&more.id, format!("at most {COURSES_MAX} courses are read"));
    }
    let mut ids = Seen::default();
    for entry in document.courses.into_iter().take(COURSES_MAX) {
        report.id("the course", &entry.id);
        ids.insert("the course", &entry.id, &mut report);
        report.line("the name", &entry.name);
        if entry.about.trim().is_empty() || entry.about.len() > ABOUT_BYTES {
            report.at(&entry.about, format!("say in 1 to {ABOUT_BYTES} bytes what it teaches"));
        }
        if entry.who.value.is_empty() {
            report.at(&entry.who, "name the contacts, teams or roles that take it");
        }
        for name in entry.who.value.iter().filter(|name| !people.contacts.is_empty() && !people.knows(name)) {
            report.at(name, unknown("team, role or contact", name, people.names()));
        }
        let day = 86_400;
        let valid = report.span("the validity", &entry.valid, Span::secs(day), Span::secs(3_660 * day));
        let who = entry.who.value.iter().map(|name| name.value.clone()).collect();
        let (id, about) = (entry.id.value, entry.about.value.trim().to_owned());
        training.insert(id.clone(), Course { id, name: entry.name.value, about, who, valid });
    }
    training
}
