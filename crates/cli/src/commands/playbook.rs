//! `playbook`: what the server would run.

use clap::{Args, Subcommand};
use serde_json::Value;

use super::show;
use crate::{
    args::Global,
    client::encode,
    output::{Output, Verdict, escape_lines},
    session,
};

const LIST: &str = "/api/v1/playbooks";
const PLAYBOOKS_MAX: usize = 2_000;

/// See the playbooks that are in force
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
    Outline(Outline),
}

/// List playbooks
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence playbook list")]
pub(crate) struct List {}

/// Print the text of a playbook
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence playbook show validator_compromise")]
pub(crate) struct Show {
    id: String,
}

/// Draw the steps of a playbook as they stand inside of one another
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence playbook outline data_breach")]
pub(crate) struct Outline {
    id: String,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        match self {
            Command::List(List {}) => {
                let playbooks = client.list(LIST, PLAYBOOKS_MAX)?;
                let columns = ["id", "version", "from severity", "~types", "~name"];
                Ok(show::list(output, playbooks, &columns, "no playbook is in force", |playbook| {
                    vec![
                        show::text(playbook, "id"),
                        show::text(playbook, "version"),
                        show::text(playbook, "min_severity"),
                        show::text(playbook, "types"),
                        show::text(playbook, "name"),
                    ]
                }))
            }
            Command::Show(Show { id }) => {
                let playbook = client.get(&format!("{LIST}/{}", encode(id)))?;
                if output.json {
                    output.json(&playbook);
                } else {
                    output.line(escape_lines(&show::text(&playbook, "text")));
                }
                Ok(Verdict::Done)
            }
            Command::Outline(Outline { id }) => {
                let playbook = client.get(&format!("{LIST}/{}", encode(id)))?;
                if output.json {
                    output.json(&playbook["outline"]);
                } else {
                    draw(&playbook, output);
                }
                Ok(Verdict::Done)
            }
        }
    }
}

fn draw(playbook: &Value, output: &Output) {
    for stage in show::items(playbook, "stages") {
        output.line(escape_lines(&show::text(stage, "name")));
        for step in show::items(&playbook["outline"], &show::text(stage, "id")) {
            let depth = step["depth"].as_u64().and_then(|depth| usize::try_from(depth).ok()).unwrap_or(0);
            let margin = "    ".repeat(depth);
            let branch = show::text(step, "branch");
            if !branch.is_empty() {
                output.line(escape_lines(&format!("{margin}{branch}:")));
            }
            let about = show::text(step, "about").replace('\n', " ");
            let (id, kind) = (show::text(step, "step"), show::text(step, "kind"));
            output.line(escape_lines(&format!("  {margin}{id}  {kind}: {about}")));
        }
    }
}
