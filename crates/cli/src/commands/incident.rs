//! `incident`: the queue, one incident with everything that belongs to it, and what people do with it.

use clap::{Args, Subcommand, ValueEnum};
use domain::{id::IncidentId, severity::Severity, time::Timestamp};
use serde_json::{Value, json};

use super::{
    moment::moment,
    pairs::{self, Pair},
    show, user,
};
use crate::{
    args::Global,
    client::named,
    output::{Output, Verdict},
    session,
};

mod analysis;
mod page;
mod recovery;

pub(crate) use recovery::services;

const LIST: &str = "/api/v1/incidents";

/// Work on incidents
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
    Open(Open),
    Ack(Ack),
    Claim(Claim),
    HandOver(HandOver),
    Accept(Accept),
    Escalate(Escalate),
    Answer(Answer),
    Assign(Assign),
    Classify(Classify),
    Note(Note),
    Link(Link),
    #[command(flatten)]
    Analysis(analysis::Command),
    Recovery(recovery::Recovery),
    Recover(recovery::Recover),
    Verify(recovery::Verify),
    Resolve(Resolve),
    SignOff(SignOff),
    Check(Check),
    Close(Close),
}

/// List open incidents, the most urgent first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident list --sort newest")]
pub(crate) struct List {
    /// Closed ones instead
    #[arg(long)]
    closed: bool,
    /// The order; closed ones are always newest first
    #[arg(long, value_enum, default_value_t = Sort::Priority)]
    sort: Sort,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Sort {
    Priority,
    Newest,
}

/// Show one incident: alerts, run, containments, timeline with journal positions
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident show INC-13")]
pub(crate) struct Show {
    id: IncidentId,
}

/// Open an incident by hand
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence incident open 'Odd logins on the edge' --type unauthorized_access \
                        --severity high account=account-2"
)]
pub(crate) struct Open {
    title: String,
    #[arg(value_name = "KIND=NAME")]
    targets: Vec<Pair>,
    #[arg(long = "type", value_name = "TYPE")]
    incident_type: String,
    /// informational, low, medium, high or critical
    #[arg(long)]
    severity: Severity,
}

/// Say that you have seen it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident ack INC-13")]
pub(crate) struct Ack {
    id: IncidentId,
}

/// Take command of it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident claim INC-13")]
pub(crate) struct Claim {
    id: IncidentId,
}

/// Offer the command to another person, who has to accept
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident hand-over INC-13 --to maria")]
pub(crate) struct HandOver {
    id: IncidentId,
    /// Name or id of a person
    #[arg(long, value_name = "PERSON")]
    to: String,
}

/// Accept the command that was offered to you
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident accept INC-13")]
pub(crate) struct Accept {
    id: IncidentId,
}

/// Call the next level, or the one that a level or a criterion names
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence incident escalate INC-13 --criterion public_impact --why 'press calls'"
)]
pub(crate) struct Escalate {
    id: IncidentId,
    #[arg(long, value_name = "N", conflicts_with = "criterion")]
    level: Option<u8>,
    /// One of `escalation.yaml`
    #[arg(long, value_name = "NAME")]
    criterion: Option<String>,
    #[arg(long, value_name = "TEXT")]
    why: String,
}

/// Say that a member of the crisis team has it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident answer INC-13 --for executive_lead")]
pub(crate) struct Answer {
    id: IncidentId,
    /// A contact of the team; you, where your account is one
    #[arg(long = "for", value_name = "CONTACT")]
    contact: Option<String>,
}

/// Give it to a person
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident assign INC-13 maria")]
pub(crate) struct Assign {
    id: IncidentId,
    /// Name or id of a person
    person: String,
}

/// Change type or severity, and say why
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence incident classify INC-13 --severity critical --why 'two validators'"
)]
pub(crate) struct Classify {
    id: IncidentId,
    #[arg(long = "type", value_name = "TYPE", required_unless_present_any = ["severity", "onset"])]
    incident_type: Option<String>,
    #[arg(long)]
    severity: Option<Severity>,
    /// When it really began, as 2026-01-31T12:00:00Z
    #[arg(long, value_name = "TIME", value_parser = moment)]
    onset: Option<Timestamp>,
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
}

/// Write something down
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident note INC-13 'operator confirms: not us'")]
pub(crate) struct Note {
    id: IncidentId,
    text: String,
}

/// Add a link to something outside
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence incident link INC-13 https://chat.example/room/42 --title 'War room' --room"
)]
pub(crate) struct Link {
    id: IncidentId,
    url: String,
    #[arg(long, value_name = "TEXT", default_value = "link")]
    title: String,
    /// People meet there: notices name it
    #[arg(long)]
    room: bool,
}

/// Say that it is over, and how it ended
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident resolve INC-13 'validator rebuilt, key replaced'")]
pub(crate) struct Resolve {
    id: IncidentId,
    summary: String,
}

/// Close it with a verdict
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident close INC-13 --as true-positive")]
pub(crate) struct Close {
    id: IncidentId,
    #[arg(long = "as", value_enum, value_name = "VERDICT")]
    disposition: Disposition,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Disposition {
    TruePositive,
    FalsePositive,
    Benign,
    Duplicate,
}

/// Say for the business that what was hurt works again
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident sign-off INC-13 'all customers are served again'")]
pub(crate) struct SignOff {
    id: IncidentId,
    note: String,
}

/// Look at what has to hold before it closes: the log, a backup, and the rules over what is known
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident check INC-13")]
pub(crate) struct Check {
    id: IncidentId,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        let change = |id: &IncidentId, verb: &str, body: Value, line: String| {
            let answer = client.post(&format!("{LIST}/{id}/{verb}"), &body)?;
            anyhow::Ok(show::done(output, &answer, &line))
        };
        match self {
            Command::List(command) => {
                let status = if command.closed { "closed" } else { "open" };
                let order = named(if command.closed { Sort::Newest } else { command.sort });
                let items = client.list(&format!("{LIST}?status={status}&order={order}"), command.limit)?;
                Ok(list(output, items, &format!("no incident is {status}")))
            }
            Command::Show(Show { id }) => page::show(&client.get(&format!("{LIST}/{id}"))?, &client, output),
            Command::Open(command) => {
                let answer = client.post(LIST, &command.body())?;
                let line = format!("{} is open", show::first(&answer, &["id", "incident"]));
                Ok(show::done(output, &answer, &line))
            }
            Command::Ack(Ack { id }) => change(id, "ack", json!({}), format!("{id} is acknowledged")),
            Command::Claim(Claim { id }) => {
                change(id, "claim", json!({}), format!("{id} is yours to command"))
            }
            Command::HandOver(HandOver { id, to }) => {
                let who = user::resolve(&client, to)?;
                change(id, "hand-over", json!({ "person": who }), format!("{id} waits for {to} to accept"))
            }
            Command::Accept(Accept { id }) => {
                change(id, "accept", json!({}), format!("{id} is yours to command"))
            }
            Command::Escalate(command) => {
                change(&command.id, "escalate", command.body(), format!("{} is escalated", command.id))
            }
            Command::Answer(Answer { id, contact }) => {
                let who = contact.as_deref().unwrap_or("you");
                change(id, "answer", json!({ "contact": contact }), format!("{id} has an answer of {who}"))
            }
            Command::Assign(Assign { id, person }) => {
                let who = user::resolve(&client, person)?;
                change(id, "assign", json!({ "person": who }), format!("{id} belongs to {person}"))
            }
            Command::Classify(command) => {
                change(&command.id, "classify", command.body(), format!("{} is classified", command.id))
            }
            Command::Note(Note { id, text }) => {
                change(id, "notes", json!({ "text": text }), format!("noted on {id}"))
            }
            Command::Link(Link { id, url, title, room }) => {
                let body = json!({ "title": title, "url": url, "room": room });
                change(id, "links", body, format!("linked to {id}"))
            }
            Command::Analysis(command) => command.run(&client, output),
            Command::Recovery(command) => command.run(&client, output),
            Command::Recover(command) => command.run(&client, output),
            Command::Verify(command) => command.run(&client, output),
            Command::Resolve(Resolve { id, summary }) => {
                change(id, "resolve", json!({ "summary": summary }), format!("{id} is resolved"))
            }
            Command::SignOff(SignOff { id, note }) => {
                change(id, "sign-off", json!({ "note": note }), format!("{id} is signed off"))
            }
            Command::Check(Check { id }) => {
                let incident = client.post(&format!("{LIST}/{id}/checks"), &json!({}))?;
                Ok(page::checks(&incident, output))
            }
            Command::Close(Close { id, disposition }) => {
                let body = json!({ "disposition": named(*disposition) });
                change(id, "close", body, format!("{id} is closed"))
            }
        }
    }
}

impl Open {
    fn body(&self) -> Value {
        json!({
            "title": self.title,
            "incident_type": self.incident_type,
            "severity": self.severity.name(),
            "targets": pairs::targets(&self.targets),
        })
    }
}

impl Escalate {
    fn body(&self) -> Value {
        let mut body = json!({ "why": self.why });
        if let Some(level) = self.level {
            body["level"] = json!(level);
        }
        if let Some(criterion) = &self.criterion {
            body["criterion"] = json!(criterion);
        }
        body
    }
}

impl Classify {
    fn body(&self) -> Value {
        let mut body = json!({ "why": self.why });
        if let Some(incident_type) = &self.incident_type {
            body["incident_type"] = json!(incident_type);
        }
        if let Some(severity) = self.severity {
            body["severity"] = json!(severity.name());
        }
        if let Some(onset) = self.onset {
            body["onset"] = json!(onset.to_string());
        }
        body
    }
}

fn list(output: &Output, items: Vec<Value>, nothing: &str) -> Verdict {
    let columns = ["id", "urgency", "severity", "status", "phase", "alerts", "age", "~title"];
    show::list(output, items, &columns, nothing, |incident| {
        let waits = !show::items(incident, "attention").is_empty();
        let mark = if waits { "! " } else { "" };
        let drill = if show::text(incident, "drill") == "yes" { "DRILL " } else { "" };
        vec![
            show::text(incident, "id"),
            show::text(incident, "priority"),
            show::text(incident, "severity"),
            show::text(incident, "status"),
            show::text(incident, "phase"),
            show::text(incident, "alerts"),
            show::age(incident, "opened_at"),
            format!("{mark}{drill}{}", show::text(incident, "title")),
        ]
    })
}
