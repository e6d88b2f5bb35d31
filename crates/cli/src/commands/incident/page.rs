//! One incident on one page: what it is, what holds, what waits for a person, and what happened, with the journal
//! position of every line.

use serde_json::Value;

use super::super::show;
use crate::{
    client::Client,
    output::{Colour, Output, Table, Verdict, escape},
};

/// The newest lines of a timeline that are shown; `--json` has more.
const TIMELINE: usize = 40;
const ENTRIES_MAX: usize = 10_000;

pub(super) fn show(incident: &Value, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
    let id = show::text(incident, "id");
    let timeline = client.list(&format!("{}/{id}/timeline", super::LIST), ENTRIES_MAX)?;
    if output.json {
        let mut all = incident.clone();
        if let Some(object) = all.as_object_mut() {
            object.insert("timeline".to_owned(), timeline.into());
        }
        output.json(&all);
        return Ok(Verdict::Done);
    }
    head(incident, output);
    escalation(incident, output);
    attention(incident, output);
    super::analysis::shown(incident, output);
    containments(incident, output);
    runs(incident, output);
    notices(incident, output);
    lessons(incident, output);
    timeline_table(&timeline, output);
    output.line("");
    output.line(format!("Why it is so: ringfence why {}", escape(&id)));
    Ok(Verdict::Done)
}

/// What was looked at before it closes; not met where something does not hold.
pub(super) fn checks(incident: &Value, output: &Output) -> Verdict {
    let found = show::items(incident, "checks");
    if output.json {
        output.json(incident);
    } else {
        let mut table = Table::new(&["look", "holds", "when", "+what it found"]);
        for one in found {
            let holds = if one["passed"] == true { "yes" } else { "NO" };
            let [of, said] = ["of", "said"].map(|field| show::text(one, field));
            table.row(vec![of, holds.to_owned(), show::short_time(one, "at"), said]);
        }
        table.print(output);
    }
    if found.iter().all(|one| one["passed"] == true) { Verdict::Done } else { Verdict::NotMet }
}

/// What reviews of similar incidents taught.
fn lessons(incident: &Value, output: &Output) {
    let found = show::items(incident, "lessons");
    if found.is_empty() {
        return;
    }
    show::heading(output, "lessons of similar incidents");
    let mut table = Table::new(&["incident", "review", "~why", "+lesson"]);
    for one in found {
        table.row(["incident", "review", "why", "text"].map(|field| show::text(one, field)).to_vec());
    }
    table.print(output);
}

fn head(incident: &Value, output: &Output) {
    let title = format!("{}  {}", show::text(incident, "id"), show::text(incident, "title"));
    output.line(output.paint(Colour::Bold, &escape(&title)));
    show::fields(
        output,
        &[
            ("severity", show::text(incident, "severity")),
            ("priority", show::text(incident, "priority_why")),
            ("confidence", show::text(incident, "confidence")),
            ("status", show::text(incident, "status")),
            ("phase", show::text(incident, "phase")),
            ("type", show::first(incident, &["incident_type", "type"])),
            ("targets", show::targets(incident)),
            ("alerts", show::text(incident, "alerts")),
            ("onset", show::time(incident, "onset")),
            ("opened", show::time(incident, "opened_at")),
            ("contained", show::time(incident, "contained_at")),
            ("resolved", show::time(incident, "resolved_at")),
            ("acknowledged", show::first(incident, &["acknowledged.by", "acknowledged"])),
            ("assignee", show::text(incident, "assignee")),
            ("commander", show::text(incident, "commander")),
            ("team", list(incident, "team")),
            ("unfilled", list(incident, "unfilled")),
            ("room", show::text(incident, "room")),
            ("level", show::text(incident, "level")),
            ("escalates", show::time(incident, "escalates_at")),
            ("because", show::text(incident, "escalates_why")),
            ("verdict", show::text(incident, "disposition")),
            ("why", show::text(incident, "why")),
        ],
    );
}

/// What the present level was engaged with, and who of the crisis team has answered.
fn escalation(incident: &Value, output: &Output) {
    let factors = incident.pointer("/escalation/factors").and_then(Value::as_array);
    if let Some(factors) = factors {
        show::heading(output, "escalation");
        show::fields(
            output,
            &[
                ("rule", show::text(incident, "escalation.rule")),
                ("urgency", show::text(incident, "escalation.urgency")),
                ("expected", show::text(incident, "escalation.improvement")),
                ("called", show::text(incident, "escalation.called")),
            ],
        );
        let mut table = Table::new(&["factor", "value", "+why"]);
        for factor in factors {
            table.row(["name", "value", "why"].map(|field| show::text(factor, field)).to_vec());
        }
        table.print(output);
    }
    let members = incident.pointer("/crisis/members").and_then(Value::as_array);
    if let Some(members) = members {
        show::heading(output, "crisis team");
        let mut table = Table::new(&["member", "answered"]);
        for member in members {
            let answered = show::time(member, "answered_at");
            let answered = if answered.is_empty() { "not yet".to_owned() } else { answered };
            table.row(vec![show::text(member, "contact"), answered]);
        }
        table.print(output);
    }
}

/// What was sent to whom, when, and why not.
fn notices(incident: &Value, output: &Output) {
    let sent = show::items(incident, "notices");
    if sent.is_empty() {
        return;
    }
    show::heading(output, "notices");
    let mut table = Table::new(&["id", "reason", "~to", "status", "channel", "queued", "~detail"]);
    for notice in sent {
        let plain = |name: &str| show::text(notice, name);
        let queued = show::short_time(notice, "queued_at");
        let (id, reason, to) = (plain("id"), plain("reason"), plain("to"));
        table.row(vec![id, reason, to, plain("status"), plain("channel"), queued, plain("detail")]);
    }
    table.print(output);
}

/// Words of a list on one line.
fn list(incident: &Value, name: &str) -> String {
    let words = incident[name].as_array().into_iter().flatten();
    words.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
}

fn attention(incident: &Value, output: &Output) {
    let waiting = show::items(incident, "attention");
    if waiting.is_empty() {
        return;
    }
    show::heading(output, "waits for a person");
    for item in waiting {
        let line = format!("  {}: {}", show::text(item, "about"), show::text(item, "reason"));
        output.line(output.paint(Colour::Red, &escape(&line)));
    }
}

fn containments(incident: &Value, output: &Output) {
    let actions = [show::items(incident, "actions"), show::items(incident, "containments")].concat();
    if actions.is_empty() {
        return;
    }
    show::heading(output, "containments");
    let mut table = Table::new(&["id", "action", "target", "status", "verified", "lease until"]);
    for action in &actions {
        table.row(super::super::containment::cells(action));
    }
    table.print(output);
}

fn runs(incident: &Value, output: &Output) {
    let runs = show::items(incident, "runs");
    if runs.is_empty() {
        return;
    }
    show::heading(output, "runs");
    let mut table = Table::new(&["id", "playbook", "status", "~reason"]);
    for run in runs {
        table.row(super::super::run::cells(run));
    }
    table.print(output);
}

fn timeline_table(entries: &[Value], output: &Output) {
    if entries.is_empty() {
        return;
    }
    show::heading(output, "timeline");
    let skipped = entries.len().saturating_sub(TIMELINE);
    if skipped > 0 {
        output.line(format!("  {skipped} earlier entries; all of them with --json"));
    }
    let mut table = Table::new(&["entry", "time (UTC)", "actor", "+what"]);
    for entry in &entries[skipped..] {
        let what = format!("{}  {}", show::text(entry, "kind"), show::text(entry, "summary"));
        table.row(vec![show::text(entry, "position"), clock(entry), show::text(entry, "actor"), what]);
    }
    table.print(output);
}

/// The time of day to the millisecond: within an incident the date hardly changes.
fn clock(entry: &Value) -> String {
    let text = show::first(entry, &["time", "at"]);
    match text.parse::<domain::time::Timestamp>() {
        Ok(at) => at.to_jiff().strftime("%H:%M:%S%.3f").to_string(),
        Err(_) => text,
    }
}
