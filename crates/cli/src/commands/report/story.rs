//! `report incident`: one incident from its first alert to its review, as Markdown that can be kept and sent.

use clap::Args;
use domain::id::IncidentId;
use serde_json::Value;

use super::{kpi::seconds, show};
use crate::{
    client::Client,
    output::{Output, Verdict, escape},
};

/// Write down the whole of an incident: times, people, approvals, effects, verdict, every entry
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report incident INC-13 > INC-13.md")]
pub(crate) struct Story {
    id: IncidentId,
}

impl Story {
    pub(super) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let report = client.get(&format!("/api/v1/reports/incident/{}", self.id))?;
        if output.json {
            output.json(&report);
            return Ok(Verdict::Done);
        }
        for line in markdown(&report) {
            output.line(line);
        }
        Ok(Verdict::Done)
    }
}

/// What somebody else wrote cannot become markup, a table cell of its own, or a control sequence.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in escape(text).chars() {
        if matches!(c, '|' | '*' | '_' | '`' | '[' | ']' | '<' | '>' | '#' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

fn of(value: &Value, path: &str) -> String {
    cell(&show::text(value, path))
}

fn markdown(report: &Value) -> Vec<String> {
    let mut out = vec![format!("# {}: {}", of(report, "id"), of(report, "title")), String::new()];
    facts(report, &mut out);
    times(report, &mut out);
    let work = &report["work"];
    out.push(String::new());
    out.push(format!(
        "The platform had {} effects alone and {} that people asked for or allowed; people did or decided {} steps. {} \
         containments held, {} did not. It went up {} levels.",
        of(work, "alone"),
        of(work, "asked"),
        of(work, "by_hand"),
        of(work, "containments_held"),
        of(work, "containments_failed"),
        of(work, "escalations"),
    ));
    analysis(&report["analysis"], &mut out);
    effects(report, &mut out);
    approvals(report, &mut out);
    reviews(report, &mut out);
    table(
        &mut out,
        "Entries",
        &["position", "time", "who", "what", "says"],
        show::items(report, "entries"),
        |one| {
            vec![of(one, "position"), of(one, "time"), of(one, "actor"), of(one, "kind"), of(one, "summary")]
        },
    );
    if report["more"] == true {
        out.push(String::new());
        out.push("More entries are on its timeline.".to_owned());
    }
    out
}

/// What people made out; nothing where nobody has recorded anything.
fn analysis(known: &Value, out: &mut Vec<String>) {
    let areas = known["impact"].as_object().into_iter().flatten();
    let areas: Vec<Value> = areas
        .map(|(area, one)| serde_json::json!({ "area": area, "level": one["level"], "text": one["text"] }))
        .collect();
    table(out, "Impact", &["area", "level", "because"], &areas, |one| {
        vec![of(one, "area"), of(one, "level"), of(one, "text")]
    });
    table(
        out,
        "Findings",
        &["at", "by", "evidence", "entries", "finding"],
        show::items(known, "findings"),
        |one| vec![of(one, "at"), of(one, "by"), of(one, "evidence"), of(one, "entries"), of(one, "text")],
    );
    let lines = [
        ("Root cause", "cause.text"),
        ("Method", "cause.method"),
        ("Prevention", "cause.measures"),
        ("Behind it", "threat.actor"),
        ("Techniques", "threat.techniques"),
    ];
    let lines = lines.map(|(name, path)| (name, of(known, path)));
    if lines.iter().any(|(_, text)| !text.is_empty()) {
        out.push(String::new());
        out.extend(
            lines.iter().filter(|(_, text)| !text.is_empty()).map(|(name, text)| format!("- {name}: {text}")),
        );
    }
}

fn facts(report: &Value, out: &mut Vec<String>) {
    let verdict = match report["in_time"].as_bool() {
        Some(true) => "kept to every target",
        Some(false) => "missed a target",
        None => "not known yet",
    };
    let facts = [
        ("Type", of(report, "incident_type")),
        ("Severity", of(report, "severity")),
        ("Status", of(report, "status")),
        ("Verdict", of(report, "disposition")),
        ("Targets", cell(&show::targets(report))),
        ("Why it was opened", of(report, "why")),
        ("Acknowledged by", of(report, "acknowledged.by")),
        ("Commander", of(report, "commander")),
        ("Team", of(report, "team")),
        ("Signed off by", of(report, "signed_off.by")),
        ("Times", verdict.to_owned()),
        ("As of", of(report, "at")),
    ];
    for (name, value) in facts.into_iter().filter(|(_, value)| !value.is_empty()) {
        out.push(format!("- **{name}**: {value}"));
    }
}

fn times(report: &Value, out: &mut Vec<String>) {
    table(out, "Times", &["what", "when", "after it was opened"], show::items(report, "times"), |one| {
        vec![of(one, "what"), of(one, "at"), seconds(one["after_s"].as_f64().unwrap_or_default())]
    });
}

fn effects(report: &Value, out: &mut Vec<String>) {
    let columns = ["action", "verb", "target", "state", "read back", "asked", "why it stands so"];
    table(out, "Effects", &columns, show::items(report, "actions"), |one| {
        let target = cell(&format!("{} {}", show::text(one, "target.kind"), show::text(one, "target.name")));
        vec![
            of(one, "id"),
            of(one, "verb"),
            target,
            of(one, "status"),
            of(one, "verified"),
            of(one, "requested_at"),
            of(one, "reason"),
        ]
    });
}

fn approvals(report: &Value, out: &mut Vec<String>) {
    table(
        out,
        "Approvals",
        &["id", "verb", "targets", "state", "by"],
        show::items(report, "approvals"),
        |one| {
            let by = show::items(one, "grants").iter().map(|grant| of(grant, "person")).collect::<Vec<_>>();
            let denied = of(one, "denied.person");
            let by = if denied.is_empty() { by.join(", ") } else { denied };
            vec![of(one, "id"), of(one, "verb"), of(one, "targets"), of(one, "status"), by]
        },
    );
}

fn reviews(report: &Value, out: &mut Vec<String>) {
    for review in show::items(report, "reviews") {
        let title = format!("Review {}", show::text(review, "id"));
        table(
            out,
            &title,
            &["report", "due", "delivered", "by", "text"],
            show::items(review, "reports"),
            |one| {
                vec![
                    of(one, "report"),
                    of(one, "due_at"),
                    of(one, "done_at"),
                    of(one, "done_by"),
                    of(one, "text"),
                ]
            },
        );
    }
}

/// A heading and a table; nothing where there are no rows.
fn table(
    out: &mut Vec<String>,
    title: &str,
    columns: &[&str],
    items: &[Value],
    row: impl Fn(&Value) -> Vec<String>,
) {
    if items.is_empty() {
        return;
    }
    out.extend([String::new(), format!("## {}", cell(title)), String::new()]);
    out.push(format!("| {} |", columns.join(" | ")));
    out.push(format!("|{}", "---|".repeat(columns.len())));
    out.extend(items.iter().map(|item| format!("| {} |", row(item).join(" | "))));
}
