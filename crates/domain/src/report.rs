//! Reports: what people saw and tell, by hand, through a form, or from outside.
//!
//! A report becomes an alert and an incident with the reporter named. What comes through a form or from outside is
//! a claim: its incident is its own, joins nothing, and nothing starts before a person has confirmed what it is.
//! The text is kept as it came; what is shown elsewhere is made harmless by `text::shown`.

mod decide;
#[cfg(test)]
mod tests;

pub use decide::decide;

use serde::{Deserialize, Serialize};

use crate::{
    alert::Received,
    event::Meta,
    id::{AlertId, IncidentId, PersonId, ReportId, TokenId},
    incident::Target,
    labels::Labels,
    severity::Severity,
    text::{clipped, shown},
    time::{Span, Timestamp},
};

/// Longest title and longest description, in bytes.
pub const TITLE_MAX: usize = 256;
pub const TEXT_MAX: usize = 16 * 1024;
/// Most of the description that its alert shows, in bytes.
const SHOWN_MAX: usize = 8 * 1024;
/// Longest name of who reports, and longest contact, in bytes.
pub const NAME_MAX: usize = 256;
/// Most targets of one report.
pub const TARGETS_MAX: usize = 32;
/// Most reports of one token, and of one person, that may wait to be ended: nobody takes the room of another.
pub const OPEN_MAX: usize = 1_000;

/// How it came, which says how far it is trusted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    /// A person who is known here.
    Hand,
    /// Somebody who used a form of ours.
    Form,
    /// Somebody outside, such as who found a vulnerability.
    Outside,
}

/// What a deployment wants of reports: `reports.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What a report is that names no type, and what one from outside is then.
    pub incident_type: String,
    pub outside_type: String,
    /// How sure it is, in percent, what somebody tells by a form or from outside. Too little to act on alone.
    pub form_confidence: u8,
    pub outside_confidence: u8,
    /// Most reports of one token in an hour.
    pub form_per_hour: u32,
    pub outside_per_hour: u32,
    /// Who reports from outside hears of us by then.
    pub acknowledge: Span,
    /// When what was reported from outside may be told to all, and how long before that people are reminded.
    pub disclose: Span,
    pub remind: Span,
}

impl Default for Terms {
    fn default() -> Self {
        Terms {
            incident_type: "unclassified".to_owned(),
            outside_type: "security_vulnerability".to_owned(),
            form_confidence: 40,
            outside_confidence: 20,
            form_per_hour: 60,
            outside_per_hour: 20,
            acknowledge: Span::secs(86_400),
            disclose: Span::secs(90 * 86_400),
            remind: Span::secs(7 * 86_400),
        }
    }
}

/// What was told, as it came.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// Who reports, where that is no person known here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reporter: Option<Box<str>>,
    /// Where an answer reaches them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<Box<str>>,
    pub title: Box<str>,
    pub description: Box<str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident_type: Option<Box<str>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Target>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// What was reported is mended.
    Fixed,
    /// It is told to all.
    Disclosed,
    /// It was known already.
    Duplicate,
    /// It is no trouble of ours.
    Declined,
}

impl Outcome {
    pub const ALL: [Outcome; 4] = [Outcome::Fixed, Outcome::Disclosed, Outcome::Duplicate, Outcome::Declined];

    pub fn name(self) -> &'static str {
        match self {
            Outcome::Fixed => "fixed",
            Outcome::Disclosed => "disclosed",
            Outcome::Duplicate => "duplicate",
            Outcome::Declined => "declined",
        }
    }
}

impl std::str::FromStr for Outcome {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no outcome; use fixed, disclosed, duplicate or declined");
        Outcome::ALL.into_iter().find(|outcome| outcome.name() == text).ok_or_else(wrong)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    Receive(Box<Told>),
    /// From the alert that it became.
    Link {
        id: ReportId,
        alert: AlertId,
        incident: Option<IncidentId>,
    },
    /// A person has answered who reported.
    Acknowledge {
        id: ReportId,
        note: String,
    },
    Close {
        id: ReportId,
        outcome: Outcome,
        note: String,
    },
    /// From its timer.
    Remind {
        id: ReportId,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Received {
        channel: Channel,
        /// The form, or the page of who reports from outside.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        via: Option<Box<str>>,
        /// The token of it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        token: Option<TokenId>,
        told: Box<Told>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        acknowledge_by: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        remind_at: Option<Timestamp>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        disclose_by: Option<Timestamp>,
    },
    Linked {
        alert: AlertId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<IncidentId>,
    },
    Acknowledged {
        note: Box<str>,
    },
    /// Nobody acknowledged it in time.
    Unanswered,
    /// It will have to be told to all soon.
    Reminded,
    /// It had to be told to all by now.
    Overdue,
    Closed {
        outcome: Outcome,
        note: Box<str>,
    },
    /// Its text was erased by a redaction.
    Redacted {
        at: u64,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Received { .. } => "report.received",
            Event::Linked { .. } => "report.linked",
            Event::Acknowledged { .. } => "report.acknowledged",
            Event::Unanswered => "report.unanswered",
            Event::Reminded => "report.reminded",
            Event::Overdue => "report.overdue",
            Event::Closed { .. } => "report.closed",
            Event::Redacted { .. } => "report.redacted",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    pub id: ReportId,
    pub seq: u64,
    pub channel: Channel,
    pub via: Option<Box<str>>,
    pub token: Option<TokenId>,
    /// The person, where one who is known here reported.
    pub by: Option<PersonId>,
    pub told: Told,
    pub received_at: Timestamp,
    pub alert: Option<AlertId>,
    pub incident: Option<IncidentId>,
    pub acknowledge_by: Option<Timestamp>,
    pub remind_at: Option<Timestamp>,
    pub disclose_by: Option<Timestamp>,
    pub acknowledged: Option<(PersonId, Timestamp)>,
    /// What was said of its deadlines.
    pub unanswered: bool,
    pub reminded: bool,
    pub overdue: bool,
    pub closed: Option<(Outcome, Timestamp)>,
    #[serde(default)]
    pub redacted: bool,
}

impl Report {
    /// Whether nothing may follow from it before a person has confirmed it.
    pub fn is_claim(&self) -> bool {
        self.channel != Channel::Hand
    }

    /// How sure it can be at most, in percent, what this is; `act_from` would be enough to act alone.
    pub fn trust(&self, terms: &Terms, act_from: u8) -> u8 {
        let too_little = act_from.saturating_sub(1);
        match self.channel {
            Channel::Hand if self.told.incident_type.is_some() => 100,
            Channel::Hand | Channel::Form => terms.form_confidence.min(too_little),
            Channel::Outside => terms.outside_confidence.min(too_little),
        }
    }

    /// Who reported, in words that are safe to show.
    pub fn named(&self) -> String {
        let who =
            self.told.reporter.as_deref().map_or_else(|| "somebody".to_owned(), |who| shown(who, false));
        match (self.channel, &self.via) {
            (Channel::Hand, _) => who,
            (Channel::Form, via) => format!("{who} by form {}", via.as_deref().unwrap_or("-")),
            (Channel::Outside, via) => format!("{who} from outside by {}", via.as_deref().unwrap_or("-")),
        }
    }

    /// What this fact asks of people.
    pub fn asks(&self, event: &Event) -> Option<String> {
        let id = self.id;
        match event {
            Event::Unanswered => Some(format!("nobody acknowledged {id} in time; answer {}", self.named())),
            Event::Reminded => Some(format!("{id} has to be disclosed soon; see `report show`")),
            Event::Overdue => Some(format!("{id} had to be disclosed by now; see `report close`")),
            Event::Received { .. }
            | Event::Linked { .. }
            | Event::Acknowledged { .. }
            | Event::Closed { .. }
            | Event::Redacted { .. } => None,
        }
    }

    /// The alert that it becomes: of its own, whatever else says the same.
    pub fn alert(&self, terms: &Terms) -> Received {
        let told = &self.told;
        let default = match self.channel {
            Channel::Hand | Channel::Form => &terms.incident_type,
            Channel::Outside => &terms.outside_type,
        };
        let kind = told.incident_type.as_deref().unwrap_or(default);
        let mut labels: std::collections::BTreeMap<&str, String> = std::collections::BTreeMap::new();
        for (kind, name) in &told.targets {
            labels.entry(kind).or_insert_with(|| shown(name, false));
        }
        labels.insert("alertname", shown(&told.title, false));
        labels.insert("incident_type", shown(kind, false));
        labels.insert("source", "report".to_owned());
        labels.insert("report", self.id.to_string());
        labels.extend(told.severity.map(|severity| ("severity", severity.name().to_owned())));
        let mut annotations = vec![
            ("description".to_owned(), clipped(shown(&told.description, true), SHOWN_MAX)),
            ("reported_by".to_owned(), self.named()),
        ];
        let contact = told.contact.as_deref().map(|contact| ("contact".to_owned(), shown(contact, false)));
        annotations.extend(contact);
        // INVARIANT: `decide` bounds every part far below what labels may hold, and no name is there twice.
        Received {
            labels: Labels::pack(labels.iter().map(|(name, value)| (*name, value.as_str()))),
            annotations: Labels::from_pairs(annotations).unwrap_or_default(),
            report: Some(self.id),
            ..Received::default()
        }
    }
}

pub fn is_over(report: &Report) -> bool {
    report.closed.is_some()
}

/// Its next deadline that nothing was said of yet.
pub fn next_wakeup(report: &Report) -> Option<(Timestamp, &'static str)> {
    if is_over(report) {
        return None;
    }
    let answer = report.acknowledge_by.filter(|_| report.acknowledged.is_none() && !report.unanswered);
    let near = report.remind_at.filter(|_| !report.reminded && !report.overdue);
    let over = report.disclose_by.filter(|_| !report.overdue);
    [(answer, "deadline of the acknowledgement"), (near, "reminder"), (over, "deadline of the disclosure")]
        .into_iter()
        .filter_map(|(at, why)| Some((at?, why)))
        .min()
}

pub fn due(report: &Report, now: Timestamp) -> Option<Command> {
    next_wakeup(report).filter(|(at, _)| *at <= now).map(|_| Command::Remind { id: report.id })
}

pub fn create(id: ReportId, event: &Event, meta: &Meta) -> Option<Report> {
    let Event::Received { channel, via, token, told, acknowledge_by, remind_at, disclose_by } = event else {
        return None;
    };
    Some(Report {
        id,
        seq: 1,
        channel: *channel,
        via: via.clone(),
        token: *token,
        by: meta.actor.person(),
        told: (**told).clone(),
        received_at: meta.time,
        alert: None,
        incident: None,
        acknowledge_by: *acknowledge_by,
        remind_at: *remind_at,
        disclose_by: *disclose_by,
        acknowledged: None,
        unanswered: false,
        reminded: false,
        overdue: false,
        closed: None,
        redacted: false,
    })
}

pub fn apply(report: &mut Report, event: &Event, meta: &Meta) {
    report.seq += 1;
    match event {
        Event::Received { .. } => {}
        Event::Linked { alert, incident } => {
            report.alert = Some(*alert);
            report.incident = *incident;
        }
        Event::Acknowledged { .. } => {
            report.acknowledged = meta.actor.person().map(|person| (person, meta.time));
        }
        Event::Unanswered => report.unanswered = true,
        Event::Reminded => report.reminded = true,
        Event::Overdue => report.overdue = true,
        Event::Closed { outcome, .. } => report.closed = Some((*outcome, meta.time)),
        Event::Redacted { .. } => {
            report.told = Told { title: "[redacted]".into(), ..Told::default() };
            report.redacted = true;
        }
    }
}
