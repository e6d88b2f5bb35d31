//! `task`: what waits for people, as a list or by person.

use clap::{Args, Subcommand, ValueEnum};
use serde_json::Value;

use super::{run, show};
use crate::{
    args::Global,
    output::{Output, Verdict},
    session,
};

/// See what waits for people
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
}

/// List open decisions and tasks, or who is on what
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  ringfence task list\n  ringfence task list --by person")]
pub(crate) struct List {
    #[arg(long, value_enum, default_value_t = By::Run)]
    by: By,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum By {
    Run,
    Person,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        let Command::List(List { by, limit }) = self;
        match by {
            By::Run => run::list_tasks(&client, *limit, output),
            By::Person => {
                let items = client.list("/api/v1/tasks/people", *limit)?;
                let columns = ["person", "commands", "assigned", "team of", "tasks", "overdue", "~which"];
                Ok(show::list(output, items, &columns, "nobody has anything open", cells))
            }
        }
    }
}

fn cells(load: &Value) -> Vec<String> {
    let tasks = show::items(load, "tasks");
    let person = show::text(load, "person");
    let named = |task: &Value| format!("{} {}", show::text(task, "run"), show::text(task, "step"));
    vec![
        if person.is_empty() { "(nobody)".to_owned() } else { person },
        show::text(load, "commands"),
        show::text(load, "assigned"),
        show::text(load, "team_of"),
        tasks.len().to_string(),
        show::text(load, "overdue"),
        tasks.iter().map(named).collect::<Vec<_>>().join(", "),
    ]
}
