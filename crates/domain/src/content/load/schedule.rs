//! `schedule.yaml`: what comes round. The file may be missing; then nothing does.

use serde::Deserialize;

use super::{
    Files, calendar,
    report::{Report, Seen, only, shorten, unknown},
};
use crate::{
    content::{
        calendar::{Beat, Every},
        people::People,
        schedule::{Reviewed, Routine, Schedule, Work},
    },
    document::{Problem, Spanned},
    time::Span,
};

/// Most routines of one folder.
const ROUTINES_MAX: usize = 64;
const ASKS_BYTES: usize = 2_000;
const DUE_LEAST: Span = Span::secs(60);
const DUE_MOST: Span = Span::secs(120 * 86_400);

#[derive(Deserialize)]
struct ScheduleDocument {
    #[serde(default)]
    routines: Vec<RoutineDocument>,
}

#[derive(Deserialize)]
struct RoutineDocument {
    id: Spanned<String>,
    name: Spanned<String>,
    review: Option<Spanned<Reviewed>>,
    drill: Option<Spanned<String>>,
    every: Every,
    at: Option<Spanned<String>>,
    owner: Spanned<String>,
    due: Spanned<String>,
    remind: Option<Spanned<String>>,
    asks: Spanned<String>,
}

pub(super) fn read<'d>(
    files: &Files<'_>,
    people: &People,
    drills: impl Iterator<Item = &'d str> + Clone,
    problems: &mut Vec<Problem>,
) -> Schedule {
    let mut schedule = Schedule::new();
    let Some((document, mut report)) = only::<ScheduleDocument>(files, problems) else { return schedule };
    if let Some(more) = document.routines.get(ROUTINES_MAX) {
        report.at(&more.id, format!("at most {ROUTINES_MAX} routines are read"));
    }
    let mut ids = Seen::default();
    for entry in document.routines.iter().take(ROUTINES_MAX) {
        report.id("the routine", &entry.id);
        ids.insert("the routine", &entry.id, &mut report);
        if let Some(routine) = routine(entry, people, drills.clone(), &mut report) {
            schedule.insert(routine.id.clone(), routine);
        }
    }
    schedule
}

fn routine<'d>(
    entry: &RoutineDocument,
    people: &People,
    drills: impl Iterator<Item = &'d str> + Clone,
    report: &mut Report<'_>,
) -> Option<Routine> {
    report.line("the name", &entry.name);
    if entry.asks.trim().is_empty() || entry.asks.len() > ASKS_BYTES {
        report.at(&entry.asks, format!("say in 1 to {ASKS_BYTES} bytes what is to be done"));
    }
    if !people.knows(&entry.owner) && !people.contacts.is_empty() {
        report.at(&entry.owner, unknown("team, role or contact", &entry.owner, people.names()));
    }
    let at = entry.at.as_ref().and_then(|at| calendar::time(at, report));
    let due = calendar::wait("the time", &entry.due, DUE_LEAST, DUE_MOST, report);
    let remind = entry.remind.as_ref();
    let remind = remind.map(|text| report.span("the reminder", text, Span::default(), DUE_MOST));
    Some(Routine {
        id: entry.id.value.clone(),
        name: entry.name.value.clone(),
        work: work(entry, drills, report)?,
        beat: Beat { every: entry.every, at },
        owner: entry.owner.value.clone(),
        due,
        remind: remind.unwrap_or_default(),
        asks: entry.asks.value.trim().to_owned(),
    })
}

fn work<'d>(
    entry: &RoutineDocument,
    drills: impl Iterator<Item = &'d str> + Clone,
    report: &mut Report<'_>,
) -> Option<Work> {
    match (&entry.review, &entry.drill) {
        (Some(of), None) => Some(Work::Review(of.value)),
        (None, Some(name)) => {
            // A folder without any drill is for something else.
            let known: Vec<&str> = drills.collect();
            if !known.is_empty() && !known.contains(&name.as_str()) {
                report.at(name, unknown("drill", name, known.into_iter()));
            }
            Some(Work::Drill(name.value.as_str().into()))
        }
        (Some(_), Some(_)) | (None, None) => {
            let id = shorten(&entry.id);
            report.at(&entry.id, format!("the routine `{id}` has one of `review` and `drill`"));
            None
        }
    }
}
