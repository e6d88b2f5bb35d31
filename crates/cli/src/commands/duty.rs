//! `duty`: what comes round and has to be done between incidents.

use clap::{Args, Subcommand};
use domain::id::DutyId;
use serde_json::{Value, json};

use super::show;
use crate::{
    args::Global,
    output::{Output, Verdict},
    session,
};

const LIST: &str = "/api/v1/duties";
const SCHEDULE: &str = "/api/v1/schedule";
const ROUTINES_MAX: usize = 1_000;

/// Standing reviews and exercises: what came round, and who owes it
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
    Complete(Complete),
    Schedule(Schedule),
}

/// List duties that are open, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence duty list")]
pub(crate) struct List {
    /// Those that are done instead
    #[arg(long)]
    done: bool,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show what one asks for, by when, and what came of it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence duty show DTY-31")]
pub(crate) struct Show {
    id: DutyId,
}

/// Say what came of it, which ends it
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence duty complete DTY-31 'two steps were late; expected_duration is corrected'"
)]
pub(crate) struct Complete {
    id: DutyId,
    note: String,
}

/// List what comes round, and when next
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence duty schedule")]
pub(crate) struct Schedule {}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        match self {
            Command::List(List { done, limit }) => {
                let state = if *done { "done" } else { "open" };
                let items = client.list(&format!("{LIST}?state={state}"), *limit)?;
                let columns = ["id", "owner", "due", "told", "done", "~name"];
                Ok(show::list(output, items, &columns, &format!("no duty is {state}"), |duty| {
                    vec![
                        show::text(duty, "id"),
                        show::text(duty, "owner"),
                        show::short_time(duty, "due_at"),
                        show::text(duty, "told"),
                        show::short_time(duty, "done_at"),
                        show::text(duty, "name"),
                    ]
                }))
            }
            Command::Show(Show { id }) => Ok(one(&client.get(&format!("{LIST}/{id}"))?, output)),
            Command::Complete(Complete { id, note }) => {
                let answer = client.post(&format!("{LIST}/{id}/complete"), &json!({ "note": note }))?;
                Ok(show::done(output, &answer, &format!("{id} is done")))
            }
            Command::Schedule(Schedule {}) => {
                let items = client.list(SCHEDULE, ROUTINES_MAX)?;
                let columns = ["routine", "every", "owner", "last", "next", "~name"];
                Ok(show::list(output, items, &columns, "nothing comes round", |routine| {
                    vec![
                        show::text(routine, "id"),
                        show::text(routine, "every"),
                        show::text(routine, "owner"),
                        show::short_time(routine, "last_at"),
                        show::short_time(routine, "next_at"),
                        show::text(routine, "name"),
                    ]
                }))
            }
        }
    }
}

fn one(duty: &Value, output: &Output) -> Verdict {
    if output.json {
        output.json(duty);
        return Verdict::Done;
    }
    show::fields(
        output,
        &[
            ("id", show::text(duty, "id")),
            ("name", show::text(duty, "name")),
            ("owner", show::text(duty, "owner")),
            ("asks", show::text(duty, "asks")),
            ("opened", show::time(duty, "opened_at")),
            ("due", show::time(duty, "due_at")),
            ("told", show::text(duty, "told")),
            ("done by", show::text(duty, "done_by")),
            ("done", show::time(duty, "done_at")),
            ("note", show::text(duty, "note")),
        ],
    );
    Verdict::Done
}
