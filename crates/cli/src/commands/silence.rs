//! `silence`: mute alerts for a time, and say why.

use clap::{Args, Subcommand};
use domain::{
    id::SilenceId,
    matcher::{self, Matcher},
    time::Span,
};
use serde_json::json;

use super::show;
use crate::{
    args::Global,
    output::{Output, Verdict},
    session,
};

const LIST: &str = "/api/v1/silences";

/// Mute alerts for a time: they are recorded, but open nothing
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(Add),
    List(List),
    Expire(Expire),
}

/// Mute the alerts that match all conditions
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence silence add node=validator-3 --for 2h --comment 'planned restart'"
)]
pub(crate) struct Add {
    /// Conditions on labels: NAME=VALUE, NAME!=VALUE, NAME=~REGEX, NAME!~REGEX
    #[arg(value_name = "MATCHER", required = true, value_parser = matcher::parse)]
    matchers: Vec<Matcher>,
    /// How long, such as 30m or 2h
    #[arg(long = "for", value_name = "TIME", default_value = "1h")]
    lasts: Span,
    /// Why
    #[arg(long, value_name = "TEXT")]
    comment: String,
}

/// List silences
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence silence list")]
pub(crate) struct List {
    /// Those that have ended instead
    #[arg(long)]
    expired: bool,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// End a silence now
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence silence expire SIL-16")]
pub(crate) struct Expire {
    id: SilenceId,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        match self {
            Command::Add(command) => add(command, global, output),
            Command::List(command) => list(command, global, output),
            Command::Expire(Expire { id }) => {
                let answer = session::client(global)?.delete(&format!("{LIST}/{id}"))?;
                Ok(show::done(output, &answer, &format!("{id} has ended; alerts that it muted count again")))
            }
        }
    }
}

fn add(command: &Add, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let silence = json!({
        "matchers": command.matchers.iter().map(ToString::to_string).collect::<Vec<_>>(),
        "for": command.lasts.to_string(),
        "comment": command.comment,
    });
    let answer = session::client(global)?.post(LIST, &silence)?;
    let line = format!("{} mutes them for {}", show::text(&answer, "id"), command.lasts);
    Ok(show::done(output, &answer, &line))
}

fn list(command: &List, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let state = if command.expired { "expired" } else { "live" };
    let items = session::client(global)?.list(&format!("{LIST}?state={state}"), command.limit)?;
    let columns = ["id", "state", "ends (UTC)", "by", "~matchers", "~comment"];
    let nothing = if command.expired { "no silence has ended" } else { "no silence is in force" };
    Ok(show::list(output, items, &columns, nothing, |silence| {
        vec![
            show::text(silence, "id"),
            show::text(silence, "state"),
            show::time(silence, "ends_at"),
            show::text(silence, "created_by"),
            show::text(silence, "matchers"),
            show::text(silence, "comment"),
        ]
    }))
}
