//! `notice`: what was sent to whom, when, and why not; and telling somebody by hand.

use clap::{Args, Subcommand};
use domain::id::{IncidentId, NoticeId};
use serde_json::{Value, json};

use super::show;
use crate::{
    args::Global,
    client::encode,
    output::{Output, Verdict},
    session,
};

const LIST: &str = "/api/v1/notices";

/// See who was told what, and tell somebody
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
    Send(Send),
    Test(Test),
}

/// List notices on their way, newest first, or all of an incident
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence notice list --incident INC-13")]
pub(crate) struct List {
    /// Those that are over instead
    #[arg(long, conflicts_with = "incident")]
    past: bool,
    /// Every notice of this incident
    #[arg(long, value_name = "INC")]
    incident: Option<IncidentId>,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show one with its words, its ways and what came of it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence notice show NTC-21")]
pub(crate) struct Show {
    id: NoticeId,
}

/// Tell somebody how an incident stands
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence notice send INC-13 --to duty --about 'please join the room'")]
pub(crate) struct Send {
    incident: IncidentId,
    #[arg(long, value_name = "NAME")]
    to: String,
    #[arg(long, value_name = "TEXT")]
    about: String,
}

/// Send one notice over this channel alone, to see whether it works
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence notice test mail --incident INC-13 --to on_call_engineer")]
pub(crate) struct Test {
    channel: String,
    /// The open incident of whose state the notice tells
    #[arg(long, value_name = "INC")]
    incident: IncidentId,
    #[arg(long, value_name = "NAME")]
    to: String,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        match self {
            Command::List(command) => {
                let query = match command.incident {
                    Some(incident) => format!("{LIST}?incident={incident}"),
                    None => format!("{LIST}?state={}", if command.past { "past" } else { "live" }),
                };
                let items = client.list(&query, command.limit)?;
                let columns = ["id", "incident", "reason", "to", "status", "channel", "queued"];
                Ok(show::list(output, items, &columns, "there is no such notice", cells))
            }
            Command::Show(Show { id }) => Ok(one(&client.get(&format!("{LIST}/{id}"))?, output)),
            Command::Send(Send { incident, to, about }) => {
                let body = json!({ "incident": incident.to_string(), "to": to, "about": about });
                let answer = client.post(LIST, &body)?;
                Ok(queued(&answer, output))
            }
            Command::Test(Test { channel, incident, to }) => {
                let body = json!({ "incident": incident.to_string(), "to": to });
                let path = format!("/api/v1/channels/{}/test", encode(channel));
                Ok(queued(&client.post(&path, &body)?, output))
            }
        }
    }
}

fn queued(answer: &Value, output: &Output) -> Verdict {
    let id = show::text(answer, "id");
    let line = format!("{id} is queued; follow it with `ringfence notice show {id}`");
    show::done(output, answer, &line)
}

fn cells(notice: &Value) -> Vec<String> {
    let plain = ["id", "incident", "reason", "to", "status", "channel"];
    let mut cells: Vec<String> = plain.iter().map(|name| show::text(notice, name)).collect();
    cells.push(show::short_time(notice, "queued_at"));
    cells
}

fn one(notice: &Value, output: &Output) -> Verdict {
    if output.json {
        output.json(notice);
        return Verdict::Done;
    }
    let ways = show::items(notice, "ways").iter().map(|way| {
        format!("{} {}", show::text(way, "channel"), show::text(way, "address")).trim_end().to_owned()
    });
    show::fields(
        output,
        &[
            ("id", show::text(notice, "id")),
            ("incident", show::text(notice, "incident")),
            ("reason", show::text(notice, "reason")),
            ("to", show::text(notice, "to")),
            ("ways", ways.collect::<Vec<_>>().join(", ")),
            ("status", show::text(notice, "status")),
            ("channel", show::text(notice, "channel")),
            ("detail", show::text(notice, "detail")),
            ("attempts", show::text(notice, "attempts")),
            ("queued", show::time(notice, "queued_at")),
            ("delivered", show::time(notice, "delivered_at")),
            ("sent again", show::time(notice, "retry_at")),
            ("subject", show::text(notice, "subject")),
            ("text", show::text(notice, "text")),
        ],
    );
    Verdict::Done
}
