//! Statements: words to the outside. A person drafts one from a template of content, others agree with its exact text, and
//! only then it goes to a contact outside.
//!
//! What is agreed with is bound by SHA-256 to kind, recipient and text. Whoever changes a word has it asked anew. It is over
//! once the contact has it or it is withdrawn; one that reached nobody may be submitted again.

mod ask;
#[cfg(test)]
mod tests;

pub use ask::ask;
pub(crate) use ask::carry_out;

use serde::{Deserialize, Serialize};

use crate::{
    approval::{self, Subject},
    event::{Context, Meta, Rejected, Stream},
    flow,
    id::{ApprovalId, IncidentId, PersonId, StatementId},
    incident, notice,
    severity::Severity,
    state::State,
    time::Timestamp,
};

const SUBJECT_CHARS_MAX: usize = 200;
const TEXT_MAX: usize = 16 * 1024;
/// Most drafts of one incident that are open at once.
const OPEN_MAX: usize = 20;

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A person begins one: filled from its template.
    Draft { incident: IncidentId, kind: String, to: String },
    /// Other words; what is absent stays.
    Edit { id: StatementId, subject: Option<String>, text: Option<String> },
    /// Has it asked whether it may go out.
    Submit { id: StatementId },
    /// Enough people agreed with what has this hash.
    Send { id: StatementId, approval: ApprovalId, hash: Box<str> },
    /// What came of its notice: the channel that took it, or why none did.
    Report { id: StatementId, came: Result<Box<str>, Box<str>> },
    /// It does not go out.
    Withdraw { id: StatementId, why: String },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Drafted {
        incident: IncidentId,
        kind: Box<str>,
        to: Box<str>,
        severity: Severity,
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        drill: bool,
        subject: Box<str>,
        text: Box<str>,
    },
    Edited {
        subject: Box<str>,
        text: Box<str>,
    },
    Sent {
        approval: ApprovalId,
        hash: Box<str>,
        /// Whether it came is said by another fact.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        awaited: bool,
    },
    /// The contact has it, by this channel.
    Delivered {
        channel: Box<str>,
    },
    Undelivered {
        why: Box<str>,
        /// It may be submitted again as it is.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    Withdrawn {
        why: Box<str>,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Drafted { .. } => "statement.drafted",
            Event::Edited { .. } => "statement.edited",
            Event::Sent { .. } => "statement.sent",
            Event::Delivered { .. } => "statement.delivered",
            Event::Undelivered { .. } => "statement.undelivered",
            Event::Withdrawn { .. } => "statement.withdrawn",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Status {
    Draft,
    Sent {
        approval: ApprovalId,
        at: Timestamp,
        /// It is not known yet whether it came.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        awaited: bool,
    },
    /// It was sent, and no channel took it.
    Undelivered {
        approval: ApprovalId,
        at: Timestamp,
        why: Box<str>,
        /// It may be submitted again as it is.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        again: bool,
    },
    Withdrawn {
        why: Box<str>,
        at: Timestamp,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Statement {
    pub id: StatementId,
    pub seq: u64,
    pub incident: IncidentId,
    pub kind: Box<str>,
    pub to: Box<str>,
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    pub subject: Box<str>,
    pub text: Box<str>,
    /// Who wrote at it; none of them agrees with it.
    pub authors: Vec<PersonId>,
    pub drafted_at: Timestamp,
    pub status: Status,
}

impl Statement {
    /// It was sent, and nothing is known yet of whether it came.
    pub fn is_awaited(&self) -> bool {
        matches!(self.status, Status::Sent { awaited: true, .. })
    }

    /// It may be changed, submitted and withdrawn: a draft, or one that went out and reached nobody.
    pub fn is_open(&self) -> bool {
        matches!(self.status, Status::Draft | Status::Undelivered { again: true, .. })
    }

    /// What is agreed with, in its one canonical form.
    pub fn subject(&self) -> Subject {
        let args = [("kind", &self.kind), ("to", &self.to), ("subject", &self.subject), ("text", &self.text)];
        let args = args.map(|(name, value)| (name.to_owned(), serde_json::Value::from(&**value)));
        Subject::new("statement.send".into(), args.into_iter().collect(), vec![self.id.to_string().into()])
    }
}

pub fn decide(
    state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(StatementId, Event)>, Rejected> {
    match command {
        Command::Draft { incident, kind, to } => draft(state, incident, &kind, &to, context),
        Command::Edit { id, subject, text } => {
            context.a_person("people write statements")?;
            let known = open(state, id)?;
            let subject = subject.unwrap_or_else(|| known.subject.to_string());
            let text = text.unwrap_or_else(|| known.text.to_string());
            Ok(vec![(id, Event::Edited { subject: subject_of(subject)?, text: text_of(text)? })])
        }
        // It is a request for approval and makes no fact of its own.
        Command::Submit { id } => open(state, id).map(|_| Vec::new()),
        Command::Send { id, approval, hash } => {
            let known = open(state, id)?;
            let asked = state.approvals.get(&approval).filter(|asked| asked.statement == Some(id));
            let same = asked.is_some_and(|asked| asked.hash == hash) && known.subject().hash() == hash;
            if !same {
                return Err(Rejected::Conflict(format!("{approval} allows other words than those of {id}")));
            }
            Ok(vec![(id, Event::Sent { approval, hash, awaited: true })])
        }
        Command::Report { id, came } => {
            let waits = state.statements.get(&id).filter(|one| one.is_awaited());
            let said = |one: &Statement| match came {
                Ok(channel) => Event::Delivered { channel },
                // In a drill nobody outside is told, by intent; where nobody can be asked any more, it is over.
                Err(why) => {
                    let again = !one.drill && ask::is_worked_on(state, one.incident);
                    Event::Undelivered { why, again }
                }
            };
            Ok(waits.map(|one| (id, said(one))).into_iter().collect())
        }
        Command::Withdraw { id, why } => {
            context.a_person("people withdraw statements")?;
            open(state, id)?;
            if why.trim().is_empty() || why.len() > 4_096 {
                return Err(Rejected::Invalid("say why, in 1 to 4096 bytes".to_owned()));
            }
            Ok(vec![(id, Event::Withdrawn { why: why.into() })])
        }
    }
}

fn open(state: &State, id: StatementId) -> Result<&Statement, Rejected> {
    let missing = || Rejected::NotFound(format!("there is no draft {id}; it may be sent or withdrawn"));
    state.statements.get(&id).filter(|statement| statement.is_open()).ok_or_else(missing)
}

fn draft(
    state: &State,
    incident: IncidentId,
    kind: &str,
    to: &str,
    context: &Context,
) -> Result<Vec<(StatementId, Event)>, Rejected> {
    context.a_person("people write statements")?;
    let Some(about) = state.incidents.open.get(&incident) else {
        return Err(Rejected::NotFound(format!("there is no open incident {incident}")));
    };
    let shown = |text: &str| text.chars().take(64).collect::<String>();
    let Some(known) = state.content.statements.get(kind) else {
        let kinds: Vec<&str> = state.content.statements.keys().map(String::as_str).collect();
        let text =
            format!("`{}` is no kind of statements.yaml; use one of {}", shown(kind), kinds.join(", "));
        return Err(Rejected::Invalid(text));
    };
    if !state.content.people.is_outside(to) {
        let text =
            format!("`{}` is no contact outside; contacts.yaml says `external: true` of those", shown(to));
        return Err(Rejected::Invalid(text));
    }
    let own = |one: &&Statement| one.incident == incident && one.is_open();
    let own = state.statements.values().filter(own).count();
    if own >= OPEN_MAX {
        return Err(Rejected::Conflict(format!("{incident} has {own} drafts already; withdraw some")));
    }
    let message = notice::outside(state, about, &known.template, to);
    let drafted = Event::Drafted {
        incident,
        kind: kind.into(),
        to: to.into(),
        severity: about.severity,
        drill: about.drill,
        subject: subject_of(message.subject.into())?,
        text: text_of(message.text.into())?,
    };
    Ok(vec![(StatementId::from_number(context.next), drafted)])
}

fn subject_of(text: String) -> Result<Box<str>, Rejected> {
    let sound = !text.trim().is_empty() && !text.chars().any(crate::text::is_harmful);
    if !sound || text.chars().count() > SUBJECT_CHARS_MAX {
        let most = SUBJECT_CHARS_MAX;
        return Err(Rejected::Invalid(format!("the subject is one line of 1 to {most} characters")));
    }
    Ok(text.into())
}

fn text_of(text: String) -> Result<Box<str>, Rejected> {
    let harmful = |c: char| c != '\n' && crate::text::is_harmful(c);
    if text.trim().is_empty() || text.len() > TEXT_MAX || text.chars().any(harmful) {
        let text = format!("the text has 1 to {TEXT_MAX} bytes, and no control characters but ends of lines");
        return Err(Rejected::Invalid(text));
    }
    Ok(text.into())
}

pub fn create(id: StatementId, event: &Event, meta: &Meta) -> Option<Statement> {
    let Event::Drafted { incident, kind, to, severity, drill, subject, text } = event else { return None };
    Some(Statement {
        id,
        seq: 1,
        incident: *incident,
        kind: kind.clone(),
        to: to.clone(),
        severity: *severity,
        drill: *drill,
        subject: subject.clone(),
        text: text.clone(),
        authors: meta.actor.person().into_iter().collect(),
        drafted_at: meta.time,
        status: Status::Draft,
    })
}

pub fn apply(statement: &mut Statement, event: &Event, meta: &Meta) {
    statement.seq += 1;
    match event {
        Event::Drafted { .. } => {}
        Event::Edited { subject, text } => {
            statement.subject = subject.clone();
            statement.text = text.clone();
            let new = meta.actor.person().filter(|person| !statement.authors.contains(person));
            statement.authors.extend(new);
        }
        Event::Sent { approval, awaited, .. } => {
            statement.status = Status::Sent { approval: *approval, at: meta.time, awaited: *awaited };
        }
        Event::Delivered { .. } => {
            if let Status::Sent { awaited, .. } = &mut statement.status {
                *awaited = false;
            }
        }
        Event::Undelivered { why, again } => {
            if let Status::Sent { approval, at, .. } = statement.status {
                statement.status = Status::Undelivered { approval, at, why: why.clone(), again: *again };
            }
        }
        Event::Withdrawn { why } => {
            statement.status = Status::Withdrawn { why: why.clone(), at: meta.time };
        }
    }
}

/// Nothing more will happen to it.
pub fn is_over(statement: &Statement) -> bool {
    !statement.is_open() && !statement.is_awaited()
}

/// What was sent goes to its recipient, and a person hears where it did not come; what has changed or is withdrawn is not asked about any more.
pub fn follows(state: &State, id: StatementId, event: &Event) -> Vec<flow::Command> {
    let Some(statement) = state.statements.get(&id) else { return Vec::new() };
    let end = |why: &str| {
        let asked =
            ask::asked(state, id).map(|asked| approval::Command::End { id: asked.id, why: why.to_owned() });
        asked.map(flow::Command::Approval)
    };
    let (incident, about) = (statement.incident, Stream::Statement(id));
    // That it reached nobody waits for a person until it goes out again or does not.
    let clear = || flow::Command::Incident(incident::Command::ClearAttention { id: incident, about });
    match event {
        Event::Drafted { .. } | Event::Delivered { .. } => Vec::new(),
        Event::Edited { .. } => end("its text was changed; submit it again").into_iter().collect(),
        Event::Withdrawn { .. } => end("it was withdrawn").into_iter().chain([clear()]).collect(),
        Event::Sent { .. } => {
            let say = notice::Command::Say {
                statement: id,
                incident: statement.incident,
                severity: statement.severity,
                drill: statement.drill,
                to: statement.to.clone(),
                subject: statement.subject.clone(),
                text: statement.text.clone(),
            };
            let first = [clear(), flow::Command::Notice(say)];
            first.into_iter().chain(end("it was sent")).collect()
        }
        // In a drill nobody outside is told, by intent.
        Event::Undelivered { .. } if statement.drill => Vec::new(),
        Event::Undelivered { why, .. } => {
            let to = &statement.to;
            let reason =
                format!("{id} did not reach {to}: {why}; `statement submit {id}` has it asked again");
            let attention = incident::Command::RaiseAttention { id: incident, about, reason };
            vec![flow::Command::Incident(attention)]
        }
    }
}
