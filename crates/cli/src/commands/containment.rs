//! `containment`: what is cut off now, under which lease, and the way back.

use clap::{Args, Subcommand, ValueEnum};
use domain::{
    id::{ActionId, IncidentId},
    time::Span,
};
use serde_json::{Value, json};

use super::{
    pairs::{self, Pair},
    show,
};
use crate::{
    args::Global,
    client::named,
    output::{Output, Verdict},
    session,
};

const LIST: &str = "/api/v1/containments";

/// See what is contained, apply and release by hand
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Options(Options),
    Show(Show),
    Apply(Apply),
    Release(Release),
    Settle(Settle),
    Extend(Extend),
}

/// List actions under way and containments in force, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence containment list")]
pub(crate) struct List {
    /// Those that are over instead
    #[arg(long)]
    past: bool,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show one with its lease and read-back
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence containment show ACT-15")]
pub(crate) struct Show {
    id: ActionId,
}

/// List the strategies for an incident, least risky first, then those that cannot be taken and why
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence containment options INC-13")]
pub(crate) struct Options {
    incident: IncidentId,
}

/// Apply an action to a target, or a strategy to targets of an incident
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ringfence containment apply INC-13 node.isolate validator-4 level=full --for 4h\n  ringfence containment apply INC-13 --strategy isolate_node --on validator-4"
)]
pub(crate) struct Apply {
    incident: IncidentId,
    /// The verb, as in actions.yaml
    #[arg(required_unless_present = "strategy", conflicts_with = "strategy")]
    verb: Option<String>,
    #[arg(required_unless_present = "strategy")]
    target: Option<String>,
    /// Arguments of the verb
    #[arg(value_name = "NAME=VALUE")]
    args: Vec<Pair>,
    /// Lease; when it ends while the incident is open, a person is asked
    #[arg(long = "for", value_name = "TIME", conflicts_with = "strategy")]
    lease: Option<Span>,
    /// A strategy that `containment options` lists, in place of verb and target
    #[arg(long, value_name = "ID")]
    strategy: Option<String>,
    /// Only on this target of the incident; may be given again
    #[arg(long, value_name = "NAME", requires = "strategy")]
    on: Vec<String>,
}

/// Take a containment back
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence containment release ACT-15")]
pub(crate) struct Release {
    id: ActionId,
}

/// Say what became of an action in doubt
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence containment settle ACT-15 applied --why 'seen on the firewall'"
)]
pub(crate) struct Settle {
    id: ActionId,
    #[arg(value_enum)]
    verdict: Settled,
    #[arg(long, value_name = "TEXT")]
    why: String,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Settled {
    /// It was done
    Applied,
    /// It was not done
    NotApplied,
    /// Do it again
    Retry,
}

/// Let a lease run longer
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence containment extend ACT-15 --for 4h")]
pub(crate) struct Extend {
    id: ActionId,
    #[arg(long = "for", value_name = "TIME")]
    span: Span,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        let change = |id: &ActionId, verb: &str, body: Value, line: String| {
            let answer = client.post(&format!("{LIST}/{id}/{verb}"), &body)?;
            anyhow::Ok(show::done(output, &answer, &line))
        };
        match self {
            Command::List(command) => {
                let state = if command.past { "past" } else { "live" };
                let items = client.list(&format!("{LIST}?state={state}"), command.limit)?;
                let columns = ["id", "incident", "action", "target", "status", "verified", "lease until"];
                let nothing = if command.past { "no containment is over" } else { "nothing is contained" };
                Ok(show::list(output, items, &columns, nothing, |action| {
                    let mut row = cells(action);
                    row.insert(1, show::text(action, "incident"));
                    row
                }))
            }
            Command::Options(Options { incident }) => {
                let path = format!("/api/v1/incidents/{incident}/options");
                Ok(options(&client.get(&path)?, output))
            }
            Command::Apply(Apply { incident, strategy: Some(strategy), on, .. }) => {
                let path = format!("/api/v1/incidents/{incident}/options");
                let answer = client.post(&path, &json!({ "strategy": strategy, "targets": on }))?;
                let begun = show::items(&answer, "items").iter().map(|one| show::text(one, "id"));
                let line = format!(
                    "{} decided; follow each with `ringfence containment show`",
                    begun.collect::<Vec<_>>().join(", ")
                );
                Ok(show::done(output, &answer, &line))
            }
            Command::Show(Show { id }) => Ok(one(&client.get(&format!("{LIST}/{id}"))?, output)),
            Command::Apply(command) => {
                let mut body = json!({
                    "incident": command.incident.to_string(),
                    "verb": command.verb,
                    "target": command.target,
                    "args": pairs::arguments(&command.args),
                });
                if let Some(lease) = command.lease {
                    body["lease"] = json!(lease.to_string());
                }
                let answer = client.post(LIST, &body)?;
                let id = show::first(&answer, &["id", "containment", "action"]);
                let line = format!("{id} is decided; follow it with `ringfence containment show {id}`");
                Ok(show::done(output, &answer, &line))
            }
            Command::Release(Release { id }) => {
                change(id, "release", json!({}), format!("{id} is being taken back"))
            }
            Command::Settle(Settle { id, verdict, why }) => {
                let body = json!({ "verdict": named(*verdict), "why": why });
                change(id, "settle", body, format!("{id} is settled"))
            }
            Command::Extend(Extend { id, span }) => {
                change(id, "extend", json!({ "for": span.to_string() }), format!("{id} holds {span} longer"))
            }
        }
    }
}

/// The strategies with what each costs, then what cannot be taken and why.
fn options(answer: &Value, output: &Output) -> Verdict {
    let columns = ["rank", "strategy", "risk", "~targets", "+what and why not"];
    let nothing = "no strategy is for an incident of this type; see `strategies.yaml`";
    show::list(output, show::items(answer, "items").to_vec(), &columns, nothing, |offer| {
        vec![
            show::text(offer, "rank"),
            show::text(offer, "id"),
            show::text(offer, "risk"),
            show::text(offer, "targets"),
            what(offer),
        ]
    })
}

/// Why not, or what it does and what that costs.
fn what(offer: &Value) -> String {
    let reason = show::text(offer, "reason");
    if !reason.is_empty() {
        return format!("not now: {reason}");
    }
    let mut text = show::text(offer, "name");
    for effect in show::items(offer, "side_effects").iter().filter_map(Value::as_str) {
        text = format!("{text}; {effect}");
    }
    let needs = show::text(offer, "needs");
    if needs.is_empty() { text } else { format!("{text}; {needs}") }
}

/// Id, verb, target, status, read-back and lease, for tables.
pub(crate) fn cells(action: &Value) -> Vec<String> {
    vec![
        show::text(action, "id"),
        show::first(action, &["verb", "spec.verb"]),
        show::first(action, &["target.name", "target", "spec.target"]),
        show::first(action, &["status.is", "status"]),
        show::text(action, "verified"),
        show::short_time(action, "lease_until"),
    ]
}

/// What the signals of the answer came to, with what made it.
fn scores(action: &Value) -> String {
    let made = show::items(action, "scores").iter().map(|score| show::text(score, "made"));
    made.collect::<Vec<_>>().join("; ")
}

fn one(action: &Value, output: &Output) -> Verdict {
    if output.json {
        output.json(action);
        return Verdict::Done;
    }
    show::fields(
        output,
        &[
            ("id", show::text(action, "id")),
            ("incident", show::text(action, "incident")),
            ("strategy", show::text(action, "strategy")),
            ("action", show::first(action, &["verb", "spec.verb"])),
            ("target", show::first(action, &["target.name", "target", "spec.target"])),
            ("arguments", show::text(action, "args")),
            ("status", show::first(action, &["status.is", "status"])),
            ("reason", show::first(action, &["reason", "status.reason"])),
            ("verified", show::text(action, "verified")),
            ("scores", scores(action)),
            ("class", show::text(action, "class")),
            ("risk", show::text(action, "risk")),
            ("connector", show::text(action, "connector")),
            ("attempts", show::first(action, &["attempts", "attempt"])),
            ("requested", show::time(action, "requested_at")),
            ("applied", show::time(action, "applied_at")),
            ("lease until", show::time(action, "lease_until")),
            ("taken back by", show::text(action, "revert")),
        ],
    );
    Verdict::Done
}
