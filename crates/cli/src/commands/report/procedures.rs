//! `report procedures`: how procedures go, step by step, and how soon each channel reaches people.

use clap::Args;
use domain::time::Timestamp;
use serde_json::Value;

use super::show;
use crate::{
    client::{Client, encode},
    commands::moment::moment,
    output::{Output, Table, Verdict},
};

/// Show how procedures go: uses, failures, skips and times of each step; delivery and acknowledgement by channel
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report procedures --since 2026-01-01T00:00:00Z")]
pub(crate) struct Procedures {
    /// From then on; the last 30 days if absent
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only this one
    #[arg(long, value_name = "ID")]
    playbook: Option<String>,
}

impl Procedures {
    pub(super) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let query = self.since.map(|at| format!("?since={}", encode(&at.to_string()))).unwrap_or_default();
        let mut report = client.get(&format!("/api/v1/reports/procedures{query}"))?;
        if let (Some(wanted), Some(all)) = (&self.playbook, report["playbooks"].as_array_mut()) {
            all.retain(|one| one["playbook"] == wanted.as_str());
        }
        if output.json {
            output.json(&report);
            return Ok(Verdict::Done);
        }
        let playbooks = show::items(&report, "playbooks");
        if playbooks.is_empty() {
            output.line("no run is over");
        }
        playbooks.iter().for_each(|playbook| one(playbook, output));
        show::heading(output, "channels");
        let columns =
            ["channel", "delivered", "failed", "delivery", "longest", "acknowledged", "after", "longest "];
        let mut table = Table::new(&columns);
        for channel in show::items(&report, "channels") {
            table.row(vec![
                show::text(channel, "channel"),
                show::text(channel, "delivered"),
                show::text(channel, "failed"),
                seconds(channel, "delivery_mean_s"),
                seconds(channel, "delivery_longest_s"),
                show::text(channel, "acknowledged"),
                seconds(channel, "acknowledgement_mean_s"),
                seconds(channel, "acknowledgement_longest_s"),
            ]);
        }
        table.print(output);
        Ok(Verdict::Done)
    }
}

fn one(playbook: &Value, output: &Output) {
    let count = |name: &str| show::text(playbook, name);
    let said = format!(
        "{}: {} runs, {} completed, {} failed, {} canceled",
        count("playbook"),
        count("runs"),
        count("completed"),
        count("failed"),
        count("canceled")
    );
    show::heading(output, &crate::output::escape(&said));
    let mut table = Table::new(&["step", "uses", "failures", "skips", "late", "took", "longest", "expected"]);
    for step in show::items(playbook, "steps") {
        table.row(vec![
            show::text(step, "step"),
            show::text(step, "uses"),
            show::text(step, "failures"),
            show::text(step, "skips"),
            show::text(step, "late"),
            seconds(step, "mean_s"),
            seconds(step, "longest_s"),
            seconds(step, "expected_s"),
        ]);
    }
    table.print(output);
}

/// A time in seconds; nothing where none was measured.
fn seconds(value: &Value, name: &str) -> String {
    value[name].as_f64().map(|seconds| format!("{seconds:.1} s")).unwrap_or_default()
}
