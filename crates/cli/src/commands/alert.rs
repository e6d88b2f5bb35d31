//! `alert`: send one by hand, and look at those that came.

use clap::{Args, Subcommand};
use domain::{
    id::{AlertId, RawId},
    severity::Severity,
    time::Span,
};
use serde_json::{Value, json};

use super::{
    pairs::{self, Pair},
    show,
};
use crate::{
    args::Global,
    output::{Output, Verdict, escape},
    session,
};

/// Send alerts and look at them
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Send(Send),
    List(List),
    Show(Show),
    #[command(subcommand)]
    Raw(Raw),
}

/// Look at what sources sent and no mapping could read
#[derive(Debug, Subcommand)]
pub(crate) enum Raw {
    List(RawList),
    Show(RawShow),
}

/// List bodies that could not be read, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence alert raw list")]
pub(crate) struct RawList {
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show one body that could not be read, and why
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence alert raw show RAW-12")]
pub(crate) struct RawShow {
    id: RawId,
}

/// Send one alert, as a monitor would
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence alert send ValidatorDoubleVote --type validator_compromise \
                        --severity critical node=validator-3 key=key-3")]
pub(crate) struct Send {
    /// The alert's name, its label `alertname`
    name: String,
    /// Labels; those named node, key, account, service, segment… become targets
    #[arg(value_name = "NAME=VALUE")]
    labels: Vec<Pair>,
    /// Label `incident_type`: opens an incident of this type
    #[arg(long = "type", value_name = "TYPE")]
    incident_type: Option<String>,
    /// Label `severity`: informational, low, medium, high or critical
    #[arg(long)]
    severity: Option<Severity>,
    /// What happened, in one sentence
    #[arg(long, value_name = "TEXT")]
    summary: Option<String>,
    /// Say that it is over
    #[arg(long)]
    resolved: bool,
    /// It ends by itself after this time, such as 15m
    #[arg(long = "for", value_name = "TIME", conflicts_with = "resolved")]
    lasts: Option<Span>,
}

/// List alerts, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence alert list")]
pub(crate) struct List {
    /// Those that are over
    #[arg(long)]
    resolved: bool,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show one alert
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence alert show ALERT-12")]
pub(crate) struct Show {
    id: AlertId,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        match self {
            Command::Send(command) => send(command, global, output),
            Command::List(command) => list(command, global, output),
            Command::Show(command) => one(command.id, global, output),
            Command::Raw(Raw::List(command)) => raws(command, global, output),
            Command::Raw(Raw::Show(command)) => raw(command.id, global, output),
        }
    }
}

fn send(command: &Send, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let mut labels = pairs::object(&command.labels);
    labels["alertname"] = json!(command.name);
    if let Some(incident_type) = &command.incident_type {
        labels["incident_type"] = json!(incident_type);
    }
    if let Some(severity) = command.severity {
        labels["severity"] = json!(severity.to_string());
    }
    let mut alert = json!({ "labels": labels });
    if let Some(summary) = &command.summary {
        alert["annotations"] = json!({ "summary": summary });
    }
    let now = jiff::Timestamp::now();
    if command.resolved {
        alert["endsAt"] = json!(now.to_string());
    }
    if let Some(span) = command.lasts {
        alert["endsAt"] = json!(now.checked_add(span.as_std())?.to_string());
    }
    let client = session::client(global)?;
    let answer = client.post("/api/v1/alerts", &json!([alert]))?;
    let what = if command.resolved { "is over" } else { "was accepted and is on disk" };
    let line = format!("{} {what}; see `ringfence incident list`", command.name);
    Ok(show::done(output, &answer, &line))
}

fn list(command: &List, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let client = session::client(global)?;
    let state = if command.resolved { "resolved" } else { "firing" };
    let items = client.list(&format!("/api/v1/alerts?state={state}"), command.limit)?;
    let columns = ["id", "severity", "age", "incident", "~alert"];
    let nothing = format!("no alert is {state}");
    Ok(show::list(output, items, &columns, &nothing, |alert| {
        vec![
            show::text(alert, "id"),
            show::first(alert, &["severity", "labels.severity"]),
            show::age(alert, "starts_at"),
            show::first(alert, &["incident", "route.incident"]),
            title(alert),
        ]
    }))
}

fn one(id: AlertId, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let alert = session::client(global)?.get(&format!("/api/v1/alerts/{id}"))?;
    if output.json {
        output.json(&alert);
        return Ok(Verdict::Done);
    }
    show::fields(
        output,
        &[
            ("id", show::text(&alert, "id")),
            ("alert", title(&alert)),
            ("status", show::first(&alert, &["status", "state"])),
            ("started", show::time(&alert, "starts_at")),
            ("ends", show::time(&alert, "ends_at")),
            ("incident", show::first(&alert, &["incident", "route.incident"])),
            ("silence", show::first(&alert, &["silence", "route.silence"])),
            ("why", show::first(&alert, &["why", "route.why"])),
            ("source", show::text(&alert, "source")),
        ],
    );
    for part in ["labels", "annotations"] {
        let Some(Value::Object(pairs)) = alert.get(part) else { continue };
        if pairs.is_empty() {
            continue;
        }
        show::heading(output, part);
        for (name, value) in pairs {
            output.line(format!("  {} = {}", escape(name), escape(value.as_str().unwrap_or_default())));
        }
    }
    Ok(Verdict::Done)
}

fn raws(command: &RawList, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let items = session::client(global)?.list("/api/v1/intake", command.limit)?;
    let columns = ["id", "source", "age", "~why"];
    Ok(show::list(output, items, &columns, "every body could be read", |raw| {
        let cell = |name| show::text(raw, name);
        vec![cell("id"), cell("source"), show::age(raw, "received_at"), cell("reason")]
    }))
}

fn raw(id: RawId, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let raw = session::client(global)?.get(&format!("/api/v1/intake/{id}"))?;
    if output.json {
        output.json(&raw);
        return Ok(Verdict::Done);
    }
    show::fields(
        output,
        &[
            ("id", show::text(&raw, "id")),
            ("source", show::text(&raw, "source")),
            ("received", show::time(&raw, "received_at")),
            ("why", show::text(&raw, "reason")),
            ("length", show::text(&raw, "length")),
        ],
    );
    show::heading(output, "body");
    for line in show::text(&raw, "body").lines() {
        output.line(format!("  {}", escape(line)));
    }
    Ok(Verdict::Done)
}

fn title(alert: &Value) -> String {
    let name = show::text(alert, "labels.alertname");
    let summary = show::text(alert, "annotations.summary");
    match (name.is_empty(), summary.is_empty()) {
        (_, true) => name,
        (true, false) => summary,
        (false, false) => format!("{name}: {summary}"),
    }
}
