//! `run`: playbooks at work, and the hands of people in them.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use domain::id::{IncidentId, RunId};
use serde_json::{Value, json};

use super::{approval, report::seconds, show};
use crate::{
    args::Global,
    client::Client,
    output::{Output, Table, Verdict},
    session,
};

const LIST: &str = "/api/v1/runs";

/// Watch and steer the runs of playbooks
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
    Tasks(Tasks),
    Start(Start),
    Pause(Pause),
    Resume(Resume),
    Cancel(Cancel),
    Complete(Complete),
    Decide(Decide),
    Skip(Skip),
    Retry(Retry),
    Approvals(approval::Approvals),
    Approve(approval::Approve),
    Deny(approval::Deny),
    Ask(approval::Ask),
}

/// List runs, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run list")]
pub(crate) struct List {
    /// Those that have ended instead
    #[arg(long)]
    ended: bool,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show one run with its steps
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run show RUN-14")]
pub(crate) struct Show {
    id: RunId,
}

/// List what open runs ask of people: decisions and tasks, with owner and due time
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run tasks")]
pub(crate) struct Tasks {
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Start a playbook for an incident
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run start INC-13 --playbook validator_compromise")]
pub(crate) struct Start {
    incident: IncidentId,
    /// Otherwise the one that fits the incident
    #[arg(long, value_name = "ID")]
    playbook: Option<String>,
}

/// Begin no further step; containments stay in force
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run pause RUN-14")]
pub(crate) struct Pause {
    id: RunId,
}

/// Go on with a paused run
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run resume RUN-14")]
pub(crate) struct Resume {
    id: RunId,
}

/// End a run; containments stay in force unless they are undone
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run cancel RUN-14 --undo")]
pub(crate) struct Cancel {
    id: RunId,
    /// Take back what it applied, last first
    #[arg(long)]
    undo: bool,
}

/// Tell that tasks are done, all of them or none
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run complete RUN-14 call_owner --note 'spoke to Ada'")]
pub(crate) struct Complete {
    id: RunId,
    #[arg(required = true, value_name = "STEP")]
    steps: Vec<String>,
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

/// Choose an option of an open decision
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run decide RUN-14 scope=widen")]
pub(crate) struct Decide {
    id: RunId,
    #[arg(required = true, value_name = "STEP=CHOICE", value_parser = choice)]
    choices: Vec<(String, String)>,
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
}

fn choice(text: &str) -> Result<(String, String), String> {
    let (step, choice) = text.split_once('=').ok_or("write it as STEP=CHOICE, such as scope=widen")?;
    Ok((step.to_owned(), choice.to_owned()))
}

/// Leave a step out, and say why
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run skip RUN-14 suspend --why 'account was deleted'")]
pub(crate) struct Skip {
    id: RunId,
    step: String,
    #[arg(long, value_name = "TEXT")]
    why: String,
}

/// Begin a failed step anew
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run retry RUN-14 isolate")]
pub(crate) struct Retry {
    id: RunId,
    step: String,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        let change = |id: &RunId, verb: &str, body: Value, line: String| {
            let answer = client.post(&format!("{LIST}/{id}/{verb}"), &body)?;
            anyhow::Ok(show::done(output, &answer, &line))
        };
        match self {
            Command::List(command) => {
                let state = if command.ended { "ended" } else { "live" };
                let items = client.list(&format!("{LIST}?state={state}"), command.limit)?;
                let columns = ["id", "incident", "playbook", "status", "age", "~reason"];
                Ok(show::list(output, items, &columns, "no run is there", row))
            }
            Command::Show(Show { id }) => Ok(one(&client.get(&format!("{LIST}/{id}"))?, output)),
            Command::Tasks(Tasks { limit }) => list_tasks(&client, *limit, output),
            Command::Start(Start { incident, playbook }) => {
                let mut body = json!({ "incident": incident.to_string() });
                if let Some(playbook) = playbook {
                    body["playbook"] = json!(playbook);
                }
                let answer = client.post(LIST, &body)?;
                let line = format!("{} has started for {incident}", show::first(&answer, &["id", "run"]));
                Ok(show::done(output, &answer, &line))
            }
            Command::Pause(Pause { id }) => change(id, "pause", json!({}), format!("{id} is paused")),
            Command::Resume(Resume { id }) => change(id, "resume", json!({}), format!("{id} goes on")),
            Command::Cancel(Cancel { id, undo }) => {
                let what = if *undo { "its containments are taken back" } else { "its containments stay" };
                change(id, "cancel", json!({ "undo": undo }), format!("{id} is canceled; {what}"))
            }
            Command::Complete(Complete { id, steps, note }) => {
                let body = json!({ "complete": steps, "note": note });
                change(id, "update", body, format!("{} of {id} done", steps.join(", ")))
            }
            Command::Decide(Decide { id, choices, note }) => {
                let chosen: BTreeMap<&str, &str> =
                    choices.iter().map(|(step, choice)| (step.as_str(), choice.as_str())).collect();
                let body = json!({ "decide": chosen, "note": note });
                change(id, "update", body, format!("{id} goes on as decided"))
            }
            Command::Skip(Skip { id, step, why }) => {
                let body = json!({ "step": step, "why": why });
                change(id, "skip", body, format!("step {step} of {id} is left out"))
            }
            Command::Approvals(command) => command.run(&client, output),
            Command::Approve(command) => command.run(&client, output),
            Command::Deny(command) => command.run(&client, output),
            Command::Ask(command) => command.run(&client, output),
            Command::Retry(Retry { id, step }) => {
                change(id, "retry", json!({ "step": step }), format!("step {step} of {id} begins anew"))
            }
        }
    }
}

pub(super) fn list_tasks(client: &Client, limit: usize, output: &Output) -> anyhow::Result<Verdict> {
    let items = client.list("/api/v1/tasks", limit)?;
    let columns = ["run", "incident", "step", "kind", "for", "due", "state", "~ask"];
    Ok(show::list(output, items, &columns, "no task is open", task))
}

fn row(run: &Value) -> Vec<String> {
    vec![
        show::text(run, "id"),
        show::text(run, "incident"),
        show::text(run, "playbook"),
        status(run),
        show::age(run, "started_at"),
        reason(run),
    ]
}

fn task(task: &Value) -> Vec<String> {
    let late = ["late", "overdue"].into_iter().rev().find(|flag| task[*flag] == true);
    vec![
        show::text(task, "run"),
        show::text(task, "incident"),
        show::text(task, "step"),
        show::text(task, "kind"),
        show::first(task, &["owner", "roles"]),
        show::time(task, "due_at"),
        late.unwrap_or("open").to_owned(),
        show::text(task, "ask"),
    ]
}

/// Id, playbook, status and reason, as the page of an incident shows a run.
pub(crate) fn cells(run: &Value) -> Vec<String> {
    let playbook = format!("{} {}", show::text(run, "playbook"), show::text(run, "version"));
    vec![show::text(run, "id"), playbook, status(run), reason(run)]
}

fn status(run: &Value) -> String {
    show::first(run, &["status.is", "status"])
}

fn reason(run: &Value) -> String {
    show::first(run, &["reason", "status.reason"])
}

fn step_status(step: &Value) -> String {
    let choice = show::text(step, "choice");
    let mut words = vec![if choice.is_empty() { status(step) } else { format!("chose {choice}") }];
    words.extend(["late", "overdue"].into_iter().filter(|flag| step[*flag] == true).map(str::to_owned));
    words.join(", ")
}

fn one(run: &Value, output: &Output) -> Verdict {
    if output.json {
        output.json(run);
        return Verdict::Done;
    }
    show::fields(
        output,
        &[
            ("id", show::text(run, "id")),
            ("incident", show::text(run, "incident")),
            ("playbook", format!("{} {}", show::text(run, "playbook"), show::text(run, "version"))),
            ("pinned to", show::text(run, "hash")),
            ("status", status(run)),
            ("reason", reason(run)),
            ("stage", show::text(run, "stage")),
            ("started", show::time(run, "started_at")),
            ("ended", show::time(run, "ended_at")),
            ("team", show::text(run, "team")),
            ("nobody for", show::text(run, "unfilled")),
        ],
    );
    let steps = show::items(run, "steps");
    if !steps.is_empty() {
        show::heading(output, "steps");
        let mut table = Table::new(&["step", "kind", "status", "began", "ended", "~targets", "~note"]);
        for (index, step) in steps.iter().enumerate() {
            let name = match show::first(step, &["id", "name", "step"]) {
                name if name.is_empty() => (index + 1).to_string(),
                name => name,
            };
            let cells = vec![
                name,
                show::text(step, "kind"),
                step_status(step),
                clock(step, "began_at"),
                clock(step, "ended_at"),
                show::text(step, "targets"),
                show::first(step, &["note", "ask"]),
            ];
            table.row(cells);
        }
        table.print(output);
    }
    decisions(steps, output);
    if let Some(result) = run.get("result").filter(|result| !result.is_null()) {
        outcome(result, output);
    }
    Verdict::Done
}

/// The questions to people, with what was chosen and by whom.
fn decisions(steps: &[Value], output: &Output) {
    let asked =
        |step: &&Value| show::text(step, "kind") == "decision" && show::text(step, "status") != "pending";
    let asked: Vec<&Value> = steps.iter().filter(asked).collect();
    if asked.is_empty() {
        return;
    }
    show::heading(output, "decisions");
    let mut table = Table::new(&["decision", "~choice", "by", "~question"]);
    for step in asked {
        let open = format!("one of {}", show::text(step, "options"));
        let choice = Some(show::text(step, "choice")).filter(|choice| !choice.is_empty());
        let choice = choice
            .unwrap_or_else(|| if show::text(step, "status") == "active" { open } else { status(step) });
        table.row(vec![show::text(step, "id"), choice, show::text(step, "by"), show::text(step, "ask")]);
    }
    table.print(output);
}

/// The time of day, for tables; the fields above name the day.
fn clock(step: &Value, field: &str) -> String {
    show::time(step, field).split_once(' ').map(|(_, time)| time.to_owned()).unwrap_or_default()
}

/// What it came to: the phases, and what its calls left behind.
fn outcome(result: &Value, output: &Output) {
    show::heading(output, "result");
    let counted = [
        ("systems isolated", "systems_isolated"),
        ("rules added", "rules_added"),
        ("services restored", "services_restored"),
        ("models secured", "models_secured"),
        ("sources secured", "sources_secured"),
        ("evidence", "evidence"),
        ("legal actions", "legal_actions"),
        ("effects", "effects"),
        ("calls", "attempts"),
    ];
    let success = show::text(result, "success");
    let mut fields = vec![
        ("success", if success.is_empty() { "under way".to_owned() } else { success }),
        ("took", seconds(result["total_s"].as_f64().unwrap_or(0.0))),
    ];
    fields.extend(counted.map(|(name, field)| (name, show::text(result, field))));
    show::fields(output, &fields);
    let mut table = Table::new(&["phase", "success", "done", "failed", "skipped", "took"]);
    for phase in show::items(result, "phases") {
        let mut cells: Vec<String> =
            ["stage", "success", "done", "failed", "skipped"].map(|field| show::text(phase, field)).to_vec();
        cells.push(phase["took_s"].as_f64().map(seconds).unwrap_or_default());
        table.row(cells);
    }
    table.print(output);
}
