//! What people tell: `report add`, and what the platform's own people do with what came.

use clap::Args;
use domain::{id::ReportId, report::Outcome, severity::Severity};
use serde_json::{Value, json};

use crate::{
    args::Global,
    commands::{
        pairs::{self, Pair},
        show,
    },
    output::{Output, Verdict},
    session,
};

const REPORTS: &str = "/api/v1/reports";

/// Tell what you saw; it becomes an alert and an incident that name you
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence report add 'Sign-ins that are not mine' --description 'two this morning, \
                  from abroad' \\\n    --type unauthorized_access account=account-3"
)]
pub(crate) struct Add {
    title: String,
    #[arg(value_name = "KIND=NAME")]
    targets: Vec<Pair>,
    /// What you saw, when, and where
    #[arg(long, value_name = "TEXT")]
    description: String,
    /// Its type, where you know it; otherwise somebody is asked
    #[arg(long = "type", value_name = "TYPE")]
    incident_type: Option<String>,
    /// informational, low, medium, high or critical
    #[arg(long)]
    severity: Option<Severity>,
}

/// List what people told and nobody has ended, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report list")]
pub(crate) struct List {
    /// Those that were ended instead
    #[arg(long)]
    closed: bool,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show one report as it came, with its deadlines
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report show RPT-12")]
pub(crate) struct Show {
    id: ReportId,
}

/// Say that who reported has our answer
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report acknowledge RPT-12 --note 'answered by mail'")]
pub(crate) struct Acknowledge {
    id: ReportId,
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

/// Say what became of a report
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report close RPT-12 --as fixed --note 'in release 2.4'")]
pub(crate) struct Close {
    id: ReportId,
    /// fixed, disclosed, duplicate or declined
    #[arg(long = "as", value_name = "OUTCOME")]
    outcome: Outcome,
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

pub(super) fn add(command: &Add, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let mut body = json!({
        "title": command.title,
        "description": command.description,
        "targets": pairs::targets(&command.targets),
    });
    if let Some(kind) = &command.incident_type {
        body["incident_type"] = json!(kind);
    }
    if let Some(severity) = command.severity {
        body["severity"] = json!(severity.name());
    }
    let answer = session::client(global)?.post(REPORTS, &body)?;
    let (id, incident) = (show::text(&answer, "id"), show::text(&answer, "incident"));
    // A form is not told what became of it.
    let line = match incident.as_str() {
        "" => format!("{id} is taken"),
        incident => format!("{id} is taken; see `ringfence incident show {incident}`"),
    };
    Ok(show::done(output, &answer, &line))
}

pub(super) fn list(command: &List, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let state = if command.closed { "closed" } else { "open" };
    let items = session::client(global)?.list(&format!("{REPORTS}?state={state}"), command.limit)?;
    let columns = ["id", "from", "age", "incident", "answer", "~title"];
    Ok(show::list(output, items, &columns, &format!("no report is {state}"), |report| {
        vec![
            show::text(report, "id"),
            show::first(report, &["reporter", "via", "channel"]),
            show::age(report, "received_at"),
            show::text(report, "incident"),
            owed(report),
            show::text(report, "title"),
        ]
    }))
}

/// Whether who reported has an answer, or by when.
fn owed(report: &Value) -> String {
    if !report["acknowledged_at"].is_null() {
        return "given".to_owned();
    }
    match (&report["acknowledge_by"], show::text(report, "unanswered").as_str()) {
        (Value::Null, _) => String::new(),
        (_, "yes") => "overdue".to_owned(),
        (_, _) => format!("by {}", show::short_time(report, "acknowledge_by")),
    }
}

pub(super) fn one(command: &Show, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let report = session::client(global)?.get(&format!("{REPORTS}/{}", command.id))?;
    if output.json {
        output.json(&report);
        return Ok(Verdict::Done);
    }
    let fields = [
        ("id", show::text(&report, "id")),
        ("from", show::first(&report, &["reporter", "via", "channel"])),
        ("by", show::text(&report, "channel")),
        ("via", show::text(&report, "via")),
        ("contact", show::text(&report, "contact")),
        ("title", show::text(&report, "title")),
        ("received", show::time(&report, "received_at")),
        ("incident", show::text(&report, "incident")),
        ("targets", show::targets(&report)),
        ("answer", owed(&report)),
        ("disclose by", show::time(&report, "disclose_by")),
        ("outcome", show::text(&report, "outcome")),
    ];
    let shown: Vec<_> = fields.into_iter().filter(|(_, value)| !value.is_empty()).collect();
    show::fields(output, &shown);
    show::heading(output, "as it came");
    for line in report["description"].as_str().unwrap_or_default().lines() {
        output.line(crate::output::escape(line));
    }
    Ok(Verdict::Done)
}

pub(super) fn acknowledge(
    command: &Acknowledge,
    global: &Global,
    output: &Output,
) -> anyhow::Result<Verdict> {
    let Acknowledge { id, note } = command;
    let answer =
        session::client(global)?.post(&format!("{REPORTS}/{id}/acknowledge"), &json!({ "note": note }))?;
    Ok(show::done(output, &answer, &format!("{id} is acknowledged")))
}

pub(super) fn close(command: &Close, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let Close { id, outcome, note } = command;
    let body = json!({ "outcome": outcome.name(), "note": note });
    let answer = session::client(global)?.post(&format!("{REPORTS}/{id}/close"), &body)?;
    Ok(show::done(output, &answer, &format!("{id} is closed as {}", outcome.name())))
}
