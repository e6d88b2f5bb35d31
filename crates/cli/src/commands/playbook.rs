//! `playbook`: what the server would run, and what may start.

use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::show;
use crate::{
    args::Global,
    client::{Client, encode},
    output::{Output, Verdict, escape_lines},
    session,
};

const LIST: &str = "/api/v1/playbooks";
const PLAYBOOKS_MAX: usize = 2_000;

/// See the playbooks that are in force, and say which may start runs
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
    Outline(Outline),
    Review(Review),
    Activate(Activate),
    Retire(Retire),
}

/// List playbooks
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence playbook list\n  ringfence playbook list --response immediate --type key_compromise"
)]
pub(crate) struct List {
    /// Only of this kind of response
    #[arg(long, value_parser = ["immediate", "tactical", "strategic", "recovery"])]
    response: Option<String>,
    /// Only of this kind of procedure
    #[arg(long, value_parser = ["detection", "analysis", "response", "recovery"])]
    procedure: Option<String>,
    /// Only those that are so far
    #[arg(long, value_parser = ["draft", "review", "active", "retired"])]
    status: Option<String>,
    /// Only with this tag
    #[arg(long)]
    tag: Option<String>,
    /// Only what may be chosen for this type of incident
    #[arg(long = "type", value_name = "TYPE")]
    incident_type: Option<String>,
}

impl List {
    /// The server looks for what it can tell apart; the rest is looked for here.
    fn path(&self) -> String {
        let asked = [("response", &self.response), ("procedure", &self.procedure)];
        let asked = asked
            .iter()
            .filter_map(|(name, word)| word.as_ref().map(|word| format!("{name}={}", encode(word))));
        let asked: Vec<String> = asked.collect();
        if asked.is_empty() { LIST.to_owned() } else { format!("{LIST}?{}", asked.join("&")) }
    }

    fn wants(&self, playbook: &Value) -> bool {
        let is = |wanted: &Option<String>, name| {
            wanted.as_ref().is_none_or(|wanted| show::text(playbook, name) == *wanted)
        };
        let types = show::items(playbook, "types");
        let of_type = |wanted: &String| types.is_empty() || types.iter().any(|one| one == wanted.as_str());
        is(&self.status, "status")
            && self
                .tag
                .as_ref()
                .is_none_or(|tag| show::items(playbook, "tags").iter().any(|one| one == tag.as_str()))
            && self.incident_type.as_ref().is_none_or(of_type)
    }
}

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

/// Have a draft looked at, or a retired one again
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence playbook review data_breach --why 'steps for the new region'")]
pub(crate) struct Review {
    id: String,
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
}

/// Let one that was reviewed start runs
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence playbook activate data_breach")]
pub(crate) struct Activate {
    id: String,
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
}

/// Let it start no run any more; runs under way go on
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence playbook retire data_breach --why 'privacy_breach does it all'"
)]
pub(crate) struct Retire {
    id: String,
    #[arg(long, value_name = "TEXT", default_value = "")]
    why: String,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        match self {
            Command::List(list) => {
                let mut playbooks = client.list(&list.path(), PLAYBOOKS_MAX)?;
                playbooks.retain(|playbook| list.wants(playbook));
                let columns =
                    ["id", "version", "status", "from severity", "response", "procedure", "~types", "~name"];
                Ok(show::list(output, playbooks, &columns, "no playbook is in force", |playbook| {
                    vec![
                        show::text(playbook, "id"),
                        show::text(playbook, "version"),
                        show::text(playbook, "status"),
                        show::text(playbook, "min_severity"),
                        show::text(playbook, "response"),
                        show::text(playbook, "procedure"),
                        types_of(playbook),
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
            Command::Review(Review { id, why }) => shift(&client, output, id, "review", why),
            Command::Activate(Activate { id, why }) => shift(&client, output, id, "activate", why),
            Command::Retire(Retire { id, why }) => shift(&client, output, id, "retire", why),
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

fn shift(client: &Client, output: &Output, id: &str, verb: &str, why: &str) -> anyhow::Result<Verdict> {
    let answer = client.post(&format!("{LIST}/{}/{verb}", encode(id)), &json!({ "why": why }))?;
    let line = format!("playbook {id} is {}", show::text(&answer, "status"));
    Ok(show::done(output, &answer, &line))
}

fn types_of(playbook: &Value) -> String {
    let types = show::text(playbook, "types");
    if types.is_empty() { "any other".to_owned() } else { types }
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
