//! Reviews: opened when an incident is closed, with the deadlines of its three reports.
//!
//! A report that is near its deadline is named once, and once more when the deadline has passed. The review is
//! over when people have delivered all three, and every corrective action of it is finished.

mod lookback;
mod part;
#[cfg(test)]
mod tests;

pub use lookback::{Lookback, marks};
pub use part::{Answers, Area, Ask, Corrective, Fact, Participant, ROLES};

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    event::{Context, Meta, Rejected},
    id::{IncidentId, PersonId, ReviewId},
    recovery::REPORTS,
    severity::Severity,
    state::State,
    time::{Span, Timestamp},
};

const TEXT_MAX: usize = 64 * 1024;

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// From an incident that was closed.
    Open { incident: IncidentId },
    /// A person delivers one of the reports: its text, or where it stands.
    Complete { id: ReviewId, report: String, text: String },
    /// A person writes one of its other parts.
    Write { id: ReviewId, ask: Ask },
    /// From its timer.
    Remind { id: ReviewId },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Opened {
        incident: IncidentId,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        due: Vec<Due>,
        /// As it was at its end, which says who hears of the deadlines.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        severity: Option<Severity>,
        /// For practice: nobody outside hears of it.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        drill: bool,
        #[serde(default, skip_serializing_if = "str::is_empty")]
        incident_type: Box<str>,
        /// Hashes of what it was on, by which it is compared with others.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        targets: Vec<Box<str>>,
        /// The cause was on record, and told, when it ended.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        explained: bool,
    },
    /// The deadline of this report is near.
    Reminded {
        report: Box<str>,
    },
    /// The deadline of this report has passed.
    Overdue {
        report: Box<str>,
    },
    Completed {
        report: Box<str>,
        text: Box<str>,
    },
    Part {
        fact: Box<Fact>,
    },
}

/// When to remind of a report, and when it has to be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Due {
    pub report: Box<str>,
    pub remind_at: Timestamp,
    pub at: Timestamp,
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Opened { .. } => "review.opened",
            Event::Reminded { .. } => "review.reminded",
            Event::Overdue { .. } => "review.overdue",
            Event::Completed { .. } => "review.completed",
            Event::Part { fact } => fact.kind(),
        }
    }
}

/// How far people have been told about a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Told {
    Nothing,
    Reminded,
    Overdue,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub due: Due,
    pub told: Told,
    /// Who delivered it, and when.
    pub done: Option<(PersonId, Timestamp)>,
    pub text: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Review {
    pub id: ReviewId,
    pub seq: u64,
    pub incident: IncidentId,
    pub opened_at: Timestamp,
    /// Of the incident.
    #[serde(default)]
    pub severity: Option<Severity>,
    #[serde(default)]
    pub drill: bool,
    #[serde(default)]
    pub reports: Vec<Report>,
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub incident_type: Box<str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Box<str>>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub people: Vec<Participant>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub found: BTreeMap<Area, Box<str>>,
    #[serde(default)]
    pub answers: Answers,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub actions: Vec<Corrective>,
    /// People have heard of the cause.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub explained: bool,
}

impl Review {
    fn named(&mut self, name: &str) -> Option<&mut Report> {
        self.reports.iter_mut().find(|report| *report.due.report == *name)
    }
}

pub fn decide(
    state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(ReviewId, Event)>, Rejected> {
    match command {
        Command::Open { incident } => {
            let recovery = &state.content.recovery;
            let due = REPORTS.iter().zip(recovery.reports).map(|(report, span)| {
                let at = context.now.plus(span);
                // A reminder is never longer than the first deadline.
                let remind_at = context.now.plus(Span(span.0.saturating_sub(recovery.remind.0)));
                Due { report: (*report).into(), remind_at, at }
            });
            let ended = state.incidents.open.get(&incident);
            let severity = ended.map(|ended| ended.severity);
            let drill = ended.is_some_and(|ended| ended.drill);
            let incident_type = ended.map(|ended| ended.incident_type.clone()).unwrap_or_default();
            let targets = ended.map(|ended| marks(&ended.targets)).unwrap_or_default();
            let explained = ended.is_some_and(|ended| ended.analysis().cause.is_some());
            let due = due.collect();
            let opened = Event::Opened { incident, due, severity, drill, incident_type, targets, explained };
            Ok(vec![(ReviewId::from_number(context.next), opened)])
        }
        Command::Complete { id, report, text } => complete(state, id, &report, text, context),
        Command::Write { id, ask } => part::decide(state, id, ask, context),
        Command::Remind { id } => Ok(state.reviews.get(&id).map_or_else(Vec::new, |review| {
            tell(review, context.now).into_iter().map(|event| (id, event)).collect()
        })),
    }
}

fn complete(
    state: &State,
    id: ReviewId,
    name: &str,
    text: String,
    context: &Context,
) -> Result<Vec<(ReviewId, Event)>, Rejected> {
    context.a_person("people deliver a report")?;
    let review = state.reviews.get(&id);
    let review = review.ok_or_else(|| Rejected::NotFound(format!("there is no open review {id}")))?;
    let Some(report) = review.reports.iter().find(|report| *report.due.report == *name) else {
        let names = REPORTS.join(", ");
        let shown: String = name.chars().take(64).collect();
        return Err(Rejected::Invalid(format!("`{shown}` is no report of a review; use one of {names}")));
    };
    if let Some((person, at)) = report.done {
        return Err(Rejected::Conflict(format!("{person} delivered the {name} report of {id} at {at}")));
    }
    if text.trim().is_empty() || text.len() > TEXT_MAX {
        return Err(Rejected::Invalid(format!("the report is empty or longer than {TEXT_MAX} bytes")));
    }
    Ok(vec![(id, Event::Completed { report: name.into(), text: text.into() })])
}

/// What has to be said of its reports by now.
fn tell(review: &Review, now: Timestamp) -> Vec<Event> {
    let open = review.reports.iter().filter(|report| report.done.is_none());
    let reports = open.filter_map(|report| {
        let name = report.due.report.clone();
        if report.due.at <= now && report.told < Told::Overdue {
            Some(Event::Overdue { report: name })
        } else if report.due.remind_at <= now && report.told < Told::Reminded {
            Some(Event::Reminded { report: name })
        } else {
            None
        }
    });
    reports.chain(part::tell(review, now)).collect()
}

pub fn create(id: ReviewId, event: &Event, meta: &Meta) -> Option<Review> {
    let Event::Opened { incident, due, severity, drill, incident_type, targets, explained } = event else {
        return None;
    };
    let report = |due: &Due| Report { due: due.clone(), told: Told::Nothing, done: None, text: "".into() };
    let reports = due.iter().map(report).collect();
    let (incident, severity, drill) = (*incident, *severity, *drill);
    Some(Review {
        id,
        seq: 1,
        incident,
        opened_at: meta.time,
        severity,
        drill,
        reports,
        incident_type: incident_type.clone(),
        targets: targets.clone(),
        people: Vec::new(),
        found: BTreeMap::new(),
        answers: Answers::default(),
        actions: Vec::new(),
        explained: *explained,
    })
}

pub fn apply(review: &mut Review, event: &Event, meta: &Meta) {
    review.seq += 1;
    match event {
        Event::Opened { .. } => {}
        Event::Part { fact } => part::apply(review, fact, meta),
        Event::Reminded { report } => {
            if let Some(report) = review.named(report) {
                report.told = Told::Reminded;
            }
        }
        Event::Overdue { report } => {
            if let Some(report) = review.named(report) {
                report.told = Told::Overdue;
            }
        }
        Event::Completed { report, text } => {
            if let Some(report) = review.named(report) {
                report.done = meta.actor.person().map(|person| (person, meta.time));
                report.text = text.clone();
            }
        }
    }
}

/// Nothing more will happen to it.
pub fn is_over(review: &Review) -> bool {
    let delivered = !review.reports.is_empty() && review.reports.iter().all(|report| report.done.is_some());
    delivered && review.actions.iter().all(|action| action.done.is_some())
}

/// When something happens by itself, and why.
pub fn next_wakeup(review: &Review) -> Option<(Timestamp, &'static str)> {
    let open = review.reports.iter().filter(|report| report.done.is_none());
    let reports = open.filter_map(|report| match report.told {
        Told::Nothing => Some((report.due.remind_at, "reminder of a report")),
        Told::Reminded => Some((report.due.at, "deadline of a report")),
        Told::Overdue => None,
    });
    reports.chain(part::next_wakeup(review)).min()
}

pub fn due(review: &Review, now: Timestamp) -> Option<Command> {
    next_wakeup(review).filter(|(at, _)| *at <= now).map(|_| Command::Remind { id: review.id })
}
