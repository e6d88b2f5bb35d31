//! `statement`: words to the outside, which go out only as they were agreed with.

use clap::{Args, Subcommand};
use domain::id::{IncidentId, StatementId};
use serde_json::{Value, json};

use super::show;
use crate::{
    args::Global,
    output::{Output, Verdict},
    session,
};

const LIST: &str = "/api/v1/statements";

/// Words to the media, customers and regulators: draft, have approved, see what went out
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
    Draft(Draft),
    Edit(Edit),
    Submit(Submit),
    Withdraw(Withdraw),
}

/// List drafts, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence statement list")]
pub(crate) struct List {
    /// Those that were sent or withdrawn instead
    #[arg(long)]
    over: bool,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show one with its words, and the request that waits for it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence statement show STM-41")]
pub(crate) struct Show {
    id: StatementId,
}

/// Draft one from the template of its kind
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence statement draft INC-13 media --to public_relations")]
pub(crate) struct Draft {
    incident: IncidentId,
    /// Of statements.yaml: media, customers or regulator as shipped
    kind: String,
    /// A contact outside
    #[arg(long, value_name = "NAME")]
    to: String,
}

/// Change its words; a request for approval is void by that
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence statement edit STM-41 --text 'We are looking into it.'")]
pub(crate) struct Edit {
    id: StatementId,
    #[arg(long, value_name = "LINE")]
    subject: Option<String>,
    #[arg(long, value_name = "TEXT", required_unless_present = "subject")]
    text: Option<String>,
}

/// Have it asked whether it may go out as it stands; `run approve` answers
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence statement submit STM-41")]
pub(crate) struct Submit {
    id: StatementId,
}

/// Let it not go out
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence statement withdraw STM-41 'nobody asks any more'")]
pub(crate) struct Withdraw {
    id: StatementId,
    why: String,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        let post =
            |id: &StatementId, verb: &str, body: &Value| client.post(&format!("{LIST}/{id}/{verb}"), body);
        match self {
            Command::List(List { over, limit }) => {
                let state = if *over { "over" } else { "draft" };
                let items = client.list(&format!("{LIST}?state={state}"), *limit)?;
                let columns = ["id", "incident", "kind", "to", "status", "approval", "~subject"];
                Ok(show::list(output, items, &columns, "there is no such statement", |made| {
                    columns.iter().map(|name| show::text(made, name.trim_start_matches('~'))).collect()
                }))
            }
            Command::Show(Show { id }) => Ok(one(&client.get(&format!("{LIST}/{id}"))?, output)),
            Command::Draft(Draft { incident, kind, to }) => {
                let body = json!({ "incident": incident.to_string(), "kind": kind, "to": to });
                let answer = client.post(LIST, &body)?;
                let id = show::text(&answer, "id");
                let line = format!("{id} is drafted; read it with `ringfence statement show {id}`");
                Ok(show::done(output, &answer, &line))
            }
            Command::Edit(Edit { id, subject, text }) => {
                let answer = post(id, "edit", &json!({ "subject": subject, "text": text }))?;
                Ok(show::done(output, &answer, &format!("{id} has other words; submit it again")))
            }
            Command::Submit(Submit { id }) => {
                let answer = post(id, "submit", &json!({}))?;
                let asked = show::text(&answer, "approval");
                Ok(show::done(
                    output,
                    &answer,
                    &format!("{asked} asks for {id}; see `ringfence run approve {asked}`"),
                ))
            }
            Command::Withdraw(Withdraw { id, why }) => {
                let answer = post(id, "withdraw", &json!({ "why": why }))?;
                Ok(show::done(output, &answer, &format!("{id} does not go out")))
            }
        }
    }
}

fn one(made: &Value, output: &Output) -> Verdict {
    if output.json {
        output.json(made);
        return Verdict::Done;
    }
    show::fields(
        output,
        &[
            ("id", show::text(made, "id")),
            ("incident", show::text(made, "incident")),
            ("kind", show::text(made, "kind")),
            ("to", show::text(made, "to")),
            ("status", show::text(made, "status")),
            ("approval", show::text(made, "approval")),
            ("hash", show::text(made, "hash")),
            ("authors", show::text(made, "authors")),
            ("drafted", show::time(made, "drafted_at")),
            ("sent", show::time(made, "sent_at")),
            ("withdrawn", show::time(made, "withdrawn_at")),
            ("why", show::text(made, "why")),
            ("subject", show::text(made, "subject")),
        ],
    );
    show::heading(output, "text");
    for line in show::text(made, "text").lines() {
        output.line(crate::output::escape(line));
    }
    Verdict::Done
}
