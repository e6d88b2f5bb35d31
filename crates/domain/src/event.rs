//! What is common to all machines: who acts, what a fact is, and why a command is refused.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::{
    access, action, alert, approval, content, control, duty, evidence, exercise, health,
    id::{
        ActionId, AlertId, ApprovalId, DutyId, EvidenceId, ExerciseId, IncidentId, NoticeId, PersonId, RawId,
        ReportId, ReviewId, RunId, SightingId, SilenceId, StatementId, TokenId,
    },
    incident, intake, notice, report, review, run, sighting, silence, statement,
    time::Timestamp,
    upkeep,
};

/// Who caused an entry. Written `platform`, `person/12`, `source/9`, `rule/name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Actor {
    Platform,
    Person(PersonId),
    /// A machine that sends alerts, by the token it used.
    Source(TokenId),
    Rule(Box<str>),
}

impl Actor {
    pub fn person(&self) -> Option<PersonId> {
        match self {
            Actor::Person(id) => Some(*id),
            Actor::Platform | Actor::Source(_) | Actor::Rule(_) => None,
        }
    }
}

impl fmt::Display for Actor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Actor::Platform => f.write_str("platform"),
            Actor::Person(id) => write!(f, "person/{}", id.0),
            Actor::Source(id) => write!(f, "source/{}", id.0),
            Actor::Rule(name) => write!(f, "rule/{name}"),
        }
    }
}

impl FromStr for Actor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not an actor");
        if text == "platform" {
            return Ok(Actor::Platform);
        }
        let (kind, rest) = text.split_once('/').ok_or_else(wrong)?;
        let number = || rest.parse::<u64>().map_err(|_| wrong());
        match kind {
            "person" => Ok(Actor::Person(PersonId::from_number(number()?))),
            "source" => Ok(Actor::Source(TokenId::from_number(number()?))),
            "rule" => Ok(Actor::Rule(rest.into())),
            _ => Err(wrong()),
        }
    }
}

/// One thing with a life of its own: the unit of versioning in the journal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Stream {
    Alert(AlertId),
    Silence(SilenceId),
    Incident(IncidentId),
    Run(RunId),
    Action(ActionId),
    Control,
    Person(PersonId),
    Token(TokenId),
    Approval(ApprovalId),
    Notice(NoticeId),
    Review(ReviewId),
    /// What the last probes of services said.
    Health,
    Report(ReportId),
    Raw(RawId),
    Sighting(SightingId),
    Evidence(EvidenceId),
    /// Which procedures are active, and what came round.
    Upkeep,
    Duty(DutyId),
    Statement(StatementId),
    Exercise(ExerciseId),
    Content,
    Log,
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stream::Alert(id) => write!(f, "alert/{}", id.0),
            Stream::Silence(id) => write!(f, "silence/{}", id.0),
            Stream::Incident(id) => write!(f, "incident/{}", id.0),
            Stream::Run(id) => write!(f, "run/{}", id.0),
            Stream::Action(id) => write!(f, "action/{}", id.0),
            Stream::Control => f.write_str("control"),
            Stream::Person(id) => write!(f, "person/{}", id.0),
            Stream::Token(id) => write!(f, "token/{}", id.0),
            Stream::Approval(id) => write!(f, "approval/{}", id.0),
            Stream::Notice(id) => write!(f, "notice/{}", id.0),
            Stream::Review(id) => write!(f, "review/{}", id.0),
            Stream::Health => f.write_str("health"),
            Stream::Report(id) => write!(f, "report/{}", id.0),
            Stream::Raw(id) => write!(f, "raw/{}", id.0),
            Stream::Sighting(id) => write!(f, "sighting/{}", id.0),
            Stream::Evidence(id) => write!(f, "evidence/{}", id.0),
            Stream::Upkeep => f.write_str("upkeep"),
            Stream::Duty(id) => write!(f, "duty/{}", id.0),
            Stream::Statement(id) => write!(f, "statement/{}", id.0),
            Stream::Exercise(id) => write!(f, "exercise/{}", id.0),
            Stream::Content => f.write_str("content"),
            Stream::Log => f.write_str("log"),
        }
    }
}

/// A fact, as it is journaled. The stream says which thing it is about.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Alert(AlertId, alert::Event),
    Silence(SilenceId, silence::Event),
    Incident(IncidentId, incident::Event),
    Run(RunId, run::Event),
    Action(ActionId, action::Event),
    Control(control::Event),
    Person(PersonId, access::PersonEvent),
    Token(TokenId, access::TokenEvent),
    Approval(ApprovalId, approval::Event),
    Notice(NoticeId, notice::Event),
    Review(ReviewId, review::Event),
    Health(health::Event),
    Report(ReportId, report::Event),
    Raw(RawId, intake::Event),
    Sighting(SightingId, sighting::Event),
    Evidence(EvidenceId, evidence::Event),
    Upkeep(upkeep::Event),
    Duty(DutyId, duty::Event),
    Statement(StatementId, statement::Event),
    Exercise(ExerciseId, exercise::Event),
    Content(content::Event),
    Log(LogEvent),
}

/// Facts about the journal itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum LogEvent {
    /// The body and salt of these positions were erased; their leaves stay.
    Redacted { positions: Vec<u64>, reason: String },
    /// A command that was refused and must be on record (an approval, a login, an effect).
    Refused { command: String, reason: String },
}

impl Event {
    pub fn stream(&self) -> Stream {
        match self {
            Event::Alert(id, _) => Stream::Alert(*id),
            Event::Silence(id, _) => Stream::Silence(*id),
            Event::Incident(id, _) => Stream::Incident(*id),
            Event::Run(id, _) => Stream::Run(*id),
            Event::Action(id, _) => Stream::Action(*id),
            Event::Control(_) => Stream::Control,
            Event::Person(id, _) => Stream::Person(*id),
            Event::Token(id, _) => Stream::Token(*id),
            Event::Approval(id, _) => Stream::Approval(*id),
            Event::Notice(id, _) => Stream::Notice(*id),
            Event::Review(id, _) => Stream::Review(*id),
            Event::Health(_) => Stream::Health,
            Event::Report(id, _) => Stream::Report(*id),
            Event::Raw(id, _) => Stream::Raw(*id),
            Event::Sighting(id, _) => Stream::Sighting(*id),
            Event::Evidence(id, _) => Stream::Evidence(*id),
            Event::Upkeep(_) => Stream::Upkeep,
            Event::Duty(id, _) => Stream::Duty(*id),
            Event::Statement(id, _) => Stream::Statement(*id),
            Event::Exercise(id, _) => Stream::Exercise(*id),
            Event::Content(_) => Stream::Content,
            Event::Log(_) => Stream::Log,
        }
    }

    /// The run that begins steps by this fact.
    pub(crate) fn begins(&self) -> Option<RunId> {
        let Event::Run(id, event) = self else { return None };
        event.progress().filter(|progress| !progress.begun.is_empty()).map(|_| *id)
    }

    /// The kind that stands in the envelope, such as `incident.opened`.
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Alert(_, event) => event.kind(),
            Event::Silence(_, event) => event.kind(),
            Event::Incident(_, event) => event.kind(),
            Event::Run(_, event) => event.kind(),
            Event::Action(_, event) => event.kind(),
            Event::Control(event) => event.kind(),
            Event::Person(_, event) => event.kind(),
            Event::Token(_, event) => event.kind(),
            Event::Approval(_, event) => event.kind(),
            Event::Notice(_, event) => event.kind(),
            Event::Review(_, event) => event.kind(),
            Event::Health(event) => event.kind(),
            Event::Report(_, event) => event.kind(),
            Event::Raw(_, event) => event.kind(),
            Event::Sighting(_, event) => event.kind(),
            Event::Evidence(_, event) => event.kind(),
            Event::Upkeep(event) => event.kind(),
            Event::Duty(_, event) => event.kind(),
            Event::Statement(_, event) => event.kind(),
            Event::Exercise(_, event) => event.kind(),
            Event::Content(event) => event.kind(),
            Event::Log(LogEvent::Redacted { .. }) => "log.redacted",
            Event::Log(LogEvent::Refused { .. }) => "log.refused",
        }
    }

    /// Writes the body as JSON. The format is that of the serde attributes on the machines' events.
    pub fn write_body(&self, out: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        match self {
            Event::Alert(_, event) => serde_json::to_writer(out, event),
            Event::Silence(_, event) => serde_json::to_writer(out, event),
            Event::Incident(_, event) => serde_json::to_writer(out, event),
            Event::Run(_, event) => serde_json::to_writer(out, event),
            Event::Action(_, event) => serde_json::to_writer(out, event),
            Event::Control(event) => serde_json::to_writer(out, event),
            Event::Person(_, event) => serde_json::to_writer(out, event),
            Event::Token(_, event) => serde_json::to_writer(out, event),
            Event::Approval(_, event) => serde_json::to_writer(out, event),
            Event::Notice(_, event) => serde_json::to_writer(out, event),
            Event::Review(_, event) => serde_json::to_writer(out, event),
            Event::Health(event) => serde_json::to_writer(out, event),
            Event::Report(_, event) => serde_json::to_writer(out, event),
            Event::Raw(_, event) => serde_json::to_writer(out, event),
            Event::Sighting(_, event) => serde_json::to_writer(out, event),
            Event::Evidence(_, event) => serde_json::to_writer(out, event),
            Event::Upkeep(event) => serde_json::to_writer(out, event),
            Event::Duty(_, event) => serde_json::to_writer(out, event),
            Event::Statement(_, event) => serde_json::to_writer(out, event),
            Event::Exercise(_, event) => serde_json::to_writer(out, event),
            Event::Content(event) => serde_json::to_writer(out, event),
            Event::Log(event) => serde_json::to_writer(out, event),
        }
    }

    /// Reads a body back, given the stream that its envelope names.
    pub fn read_body(stream: Stream, body: &[u8]) -> Result<Event, serde_json::Error> {
        Ok(match stream {
            Stream::Alert(id) => Event::Alert(id, serde_json::from_slice(body)?),
            Stream::Silence(id) => Event::Silence(id, serde_json::from_slice(body)?),
            Stream::Incident(id) => Event::Incident(id, serde_json::from_slice(body)?),
            Stream::Run(id) => Event::Run(id, serde_json::from_slice(body)?),
            Stream::Action(id) => Event::Action(id, serde_json::from_slice(body)?),
            Stream::Control => Event::Control(serde_json::from_slice(body)?),
            Stream::Person(id) => Event::Person(id, serde_json::from_slice(body)?),
            Stream::Token(id) => Event::Token(id, serde_json::from_slice(body)?),
            Stream::Approval(id) => Event::Approval(id, serde_json::from_slice(body)?),
            Stream::Notice(id) => Event::Notice(id, serde_json::from_slice(body)?),
            Stream::Review(id) => Event::Review(id, serde_json::from_slice(body)?),
            Stream::Health => Event::Health(serde_json::from_slice(body)?),
            Stream::Report(id) => Event::Report(id, serde_json::from_slice(body)?),
            Stream::Raw(id) => Event::Raw(id, serde_json::from_slice(body)?),
            Stream::Sighting(id) => Event::Sighting(id, serde_json::from_slice(body)?),
            Stream::Evidence(id) => Event::Evidence(id, serde_json::from_slice(body)?),
            Stream::Upkeep => Event::Upkeep(serde_json::from_slice(body)?),
            Stream::Duty(id) => Event::Duty(id, serde_json::from_slice(body)?),
            Stream::Statement(id) => Event::Statement(id, serde_json::from_slice(body)?),
            Stream::Exercise(id) => Event::Exercise(id, serde_json::from_slice(body)?),
            Stream::Content => Event::Content(serde_json::from_slice(body)?),
            Stream::Log => Event::Log(serde_json::from_slice(body)?),
        })
    }
}

impl FromStr for Stream {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a stream");
        match text {
            "control" => return Ok(Stream::Control),
            "health" => return Ok(Stream::Health),
            "upkeep" => return Ok(Stream::Upkeep),
            "content" => return Ok(Stream::Content),
            "log" => return Ok(Stream::Log),
            _ => {}
        }
        let (kind, number) = text.split_once('/').ok_or_else(wrong)?;
        let number: u64 = number.parse().map_err(|_| wrong())?;
        match kind {
            "alert" => Ok(Stream::Alert(AlertId::from_number(number))),
            "silence" => Ok(Stream::Silence(SilenceId::from_number(number))),
            "incident" => Ok(Stream::Incident(IncidentId::from_number(number))),
            "run" => Ok(Stream::Run(RunId::from_number(number))),
            "action" => Ok(Stream::Action(ActionId::from_number(number))),
            "person" => Ok(Stream::Person(PersonId::from_number(number))),
            "token" => Ok(Stream::Token(TokenId::from_number(number))),
            "approval" => Ok(Stream::Approval(ApprovalId::from_number(number))),
            "notice" => Ok(Stream::Notice(NoticeId::from_number(number))),
            "review" => Ok(Stream::Review(ReviewId::from_number(number))),
            "report" => Ok(Stream::Report(ReportId::from_number(number))),
            "raw" => Ok(Stream::Raw(RawId::from_number(number))),
            "sighting" => Ok(Stream::Sighting(SightingId::from_number(number))),
            "evidence" => Ok(Stream::Evidence(EvidenceId::from_number(number))),
            "duty" => Ok(Stream::Duty(DutyId::from_number(number))),
            "statement" => Ok(Stream::Statement(StatementId::from_number(number))),
            "exercise" => Ok(Stream::Exercise(ExerciseId::from_number(number))),
            _ => Err(wrong()),
        }
    }
}

/// What `apply` may know beside the event itself.
#[derive(Debug, Clone, PartialEq)]
pub struct Meta {
    pub position: u64,
    pub time: Timestamp,
    pub actor: Actor,
}

/// What `decide` may know beside the state: the time, who asks, and where the first event would stand.
#[derive(Debug, Clone)]
pub struct Context {
    pub now: Timestamp,
    pub actor: Actor,
    /// The position that the first event of this decision takes.
    pub next: u64,
    /// The epoch of the deciding process; intents carry it.
    pub epoch: u64,
}

impl Context {
    /// The person who asks; `what` says what people alone do.
    pub fn a_person(&self, what: &str) -> Result<PersonId, Rejected> {
        let machine = || Rejected::Forbidden(format!("{} is no person; {what}", self.actor));
        self.actor.person().ok_or_else(machine)
    }
}

/// Why a command was refused. The variants differ by what the caller does next.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The named thing does not exist.
    #[error("{0}")]
    NotFound(String),
    /// The command does not fit the present state.
    #[error("{0}")]
    Conflict(String),
    /// The command itself is wrong.
    #[error("{0}")]
    Invalid(String),
    /// The actor may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// Limits (kill switch, safe mode, breaker) forbid it now.
    #[error("{0}")]
    Limited(String),
}
