//! `report recovery`: what was hurt, when it came back, what showed it, and how that compares with the targets.

use clap::Args;
use domain::id::IncidentId;
use serde_json::Value;

use super::show;
use crate::{
    client::Client,
    commands::incident::services,
    output::{Output, Table, Verdict},
};

/// Report how what an incident hurt was brought back: order, proof, and times against their targets
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report recovery INC-13")]
pub(crate) struct Recovery {
    id: IncidentId,
}

impl Recovery {
    pub(super) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let report = client.get(&format!("/api/v1/reports/recovery/{}", self.id))?;
        if output.json {
            output.json(&report);
            return Ok(Verdict::Done);
        }
        show::fields(
            output,
            &[
                ("incident", show::text(&report, "incident")),
                ("title", show::text(&report, "title")),
                ("type", show::text(&report, "incident_type")),
                ("severity", show::text(&report, "severity")),
                ("began", show::time(&report, "onset")),
                ("opened", show::time(&report, "opened_at")),
                ("contained", show::time(&report, "contained_at")),
                ("recovery", show::text(&report, "state")),
                ("recovery begun", show::time(&report, "started_at")),
                ("recovered", show::time(&report, "completed_at")),
                ("resolved", show::time(&report, "resolved_at")),
                ("came back", show::text(&report, "relapses")),
                ("signed off by", show::text(&report, "signed_off_by")),
                ("in time", show::text(&report, "in_time")),
            ],
        );
        services(&report, output);
        times(&report, output);
        checks(&report, output);
        Ok(Verdict::Done)
    }
}

fn times(report: &Value, output: &Output) {
    show::heading(output, "times");
    let columns = ["service", "begun", "verified", "released", "healthy", "took", "target", "in time"];
    let mut table = Table::new(&columns);
    for service in show::items(report, "services") {
        table.row(vec![
            show::text(service, "service"),
            show::short_time(service, "began_at"),
            show::short_time(service, "verified_at"),
            show::short_time(service, "released_at"),
            show::short_time(service, "healthy_at"),
            span(service, "took_s"),
            span(service, "within_s"),
            show::text(service, "in_time"),
        ]);
    }
    table.print(output);
}

fn checks(report: &Value, output: &Output) {
    show::heading(output, "what showed it");
    let mut table = Table::new(&["service", "at", "of", "by", "what", "holds", "~said"]);
    for service in show::items(report, "services") {
        for check in show::items(service, "checks") {
            let what = format!("{} {}", show::text(check, "verb"), show::text(check, "target"));
            table.row(vec![
                show::text(service, "service"),
                show::short_time(check, "at"),
                show::text(check, "verifies"),
                show::text(check, "action"),
                what,
                show::text(check, "passed"),
                show::text(check, "said"),
            ]);
        }
        for release in show::items(service, "releases") {
            table.row(vec![
                show::text(service, "service"),
                show::short_time(release, "released_at"),
                "release".to_owned(),
                show::text(release, "action"),
                "read back".to_owned(),
                show::text(release, "read_back"),
                String::new(),
            ]);
        }
    }
    table.print(output);
}

/// Seconds as people read a length of time.
fn span(value: &Value, path: &str) -> String {
    let seconds = value.get(path).and_then(Value::as_u64);
    seconds.map_or_else(String::new, |seconds| domain::time::Span::secs(seconds).to_string())
}
