//! `incident recovery`, `recover` and `verify`: what was hurt on its way back, as a table and as a report.

use clap::{Args, ValueEnum};
use domain::id::IncidentId;
use serde_json::{Value, json};

use super::{LIST, show};
use crate::{
    client::{Client, named},
    output::{Output, Table, Verdict},
};

/// Show what the incident hurt, in the order in which it comes back, and how far that is
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident recovery INC-13")]
pub(crate) struct Recovery {
    id: IncidentId,
}

/// Bring back what the incident hurt, one service after the other; what failed begins anew
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence incident recover INC-13")]
pub(crate) struct Recover {
    id: IncidentId,
}

/// Say what you found when you looked at its data, its posture or its health
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence incident verify INC-13 posture 'all controls work, no foreign process is left'"
)]
pub(crate) struct Verify {
    id: IncidentId,
    #[arg(value_enum)]
    of: Of,
    /// What you looked at
    note: String,
    /// One service of the recovery; otherwise everything
    #[arg(long)]
    service: Option<String>,
    /// It does not hold
    #[arg(long)]
    failed: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Of {
    Data,
    Posture,
    Health,
}

impl Recovery {
    pub(super) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        Ok(one(&client.get(&format!("{LIST}/{}/recovery", self.id))?, output))
    }
}

impl Recover {
    pub(super) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        Ok(one(&client.post(&format!("{LIST}/{}/recover", self.id), &json!({}))?, output))
    }
}

impl Verify {
    pub(super) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let (of, passed) = (named(self.of), !self.failed);
        let body = json!({ "of": of, "service": self.service, "passed": passed, "note": self.note });
        let answer = client.post(&format!("{LIST}/{}/verify", self.id), &body)?;
        let how = if passed { "holds" } else { "does not hold" };
        Ok(show::done(output, &answer, &format!("on record: {of} of {} {how}", self.id)))
    }
}

fn one(recovery: &Value, output: &Output) -> Verdict {
    if output.json {
        output.json(recovery);
        return Verdict::Done;
    }
    show::fields(
        output,
        &[
            ("recovery", show::text(recovery, "state")),
            ("begun", show::time(recovery, "started_at")),
            ("by", show::text(recovery, "started_by")),
            ("complete", show::time(recovery, "completed_at")),
            ("probes again", show::time(recovery, "next_probe_at")),
            ("left to people", show::text(recovery, "left_to_people")),
        ],
    );
    services(recovery, output);
    Verdict::Done
}

/// The services in their order, and what people found.
pub(crate) fn services(recovery: &Value, output: &Output) {
    if !show::items(recovery, "services").is_empty() {
        show::heading(output, "services, in order");
        let mut table = Table::new(&["service", "group", "state", "hurt", "healthy", "~because"]);
        for service in show::items(recovery, "services") {
            table.row(vec![
                show::text(service, "service"),
                show::text(service, "group"),
                show::text(service, "stage"),
                show::items(service, "hurt").len().to_string(),
                show::short_time(service, "healthy_at"),
                because(service),
            ]);
        }
        table.print(output);
    }
    if !show::items(recovery, "verdicts").is_empty() {
        show::heading(output, "people found");
        let mut table = Table::new(&["at", "by", "of", "service", "holds", "~note"]);
        for verdict in show::items(recovery, "verdicts") {
            table.row(vec![
                show::short_time(verdict, "at"),
                show::text(verdict, "by"),
                show::text(verdict, "of"),
                show::text(verdict, "service"),
                show::text(verdict, "passed"),
                show::text(verdict, "note"),
            ]);
        }
        table.print(output);
    }
}

/// Why it stands where it stands.
fn because(service: &Value) -> String {
    let waits = show::text(service, "waits_for");
    if !waits.is_empty() {
        return format!("waits for {waits}");
    }
    let reason = show::text(service, "reason");
    if !reason.is_empty() {
        return reason;
    }
    let held = |check: &&Value| check["passed"] == true;
    let held = show::items(service, "checks").iter().filter(held).map(|check| show::text(check, "check"));
    let mut held: Vec<String> = held.collect();
    held.dedup();
    held.join(", ")
}
