//! `report kpi`: how well incidents are handled, each figure against its target.

use clap::Args;
use domain::time::Timestamp;
use serde_json::Value;

use super::show;
use crate::{
    client::{Client, encode},
    commands::moment::moment,
    output::{Output, Table, Verdict},
};

/// Show figures over the incidents of a window: times with percentiles, rates, targets
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ringfence report kpi\n  ringfence report kpi --since 2026-01-01T00:00:00Z --until 2026-02-01T00:00:00Z"
)]
pub(crate) struct Kpi {
    /// Incidents opened from then on; 30 days before the end if absent
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// And before then; now if absent
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// A table for each severity and category too
    #[arg(long)]
    apart: bool,
}

impl Kpi {
    pub(super) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let bounds = [("since", self.since), ("until", self.until)];
        let given = bounds.into_iter().filter_map(|(name, at)| Some((name, at?)));
        let query: Vec<String> =
            given.map(|(name, at)| format!("{name}={}", encode(&at.to_string()))).collect();
        let report = client.get(&format!("/api/v1/reports/kpi?{}", query.join("&")))?;
        if output.json {
            output.json(&report);
            return Ok(Verdict::Done);
        }
        let drills = show::text(&report, "drills");
        show::fields(
            output,
            &[
                ("from", show::time(&report, "since")),
                ("until", show::time(&report, "until")),
                ("incidents", show::text(&report, "all.incidents")),
                ("drills left out", if drills == "0" { String::new() } else { drills }),
            ],
        );
        output.line("");
        table(&report["all"], output);
        if self.apart {
            let groups = ["by_severity", "by_category"].into_iter().flat_map(|by| show::items(&report, by));
            for group in groups {
                let (name, of) = (show::text(group, "name"), show::text(group, "incidents"));
                show::heading(output, &crate::output::escape(&format!("{name}: {of} incidents")));
                table(group, output);
            }
        }
        Ok(Verdict::Done)
    }
}

fn table(group: &Value, output: &Output) {
    let mut table = Table::new(&["~figure", "value", "p50", "p95", "n", "target", "met", "~open"]);
    for figure in show::items(group, "figures") {
        let unit = show::text(figure, "unit");
        let open = figure["open"].as_u64().unwrap_or(0);
        let oldest = figure["oldest_open_s"].as_u64().unwrap_or(0);
        let bound = if figure["less_is_better"] == true { "≤" } else { "≥" };
        let target = amount(&figure["target"], &unit);
        table.row(vec![
            show::text(figure, "title"),
            amount(&figure["value"], &unit),
            amount(&figure["p50"], &unit),
            amount(&figure["p95"], &unit),
            show::text(figure, "n"),
            if target.is_empty() { target } else { format!("{bound} {target}") },
            show::text(figure, "met"),
            if open == 0 { String::new() } else { format!("{open}, oldest {}", seconds(oldest as f64)) },
        ]);
    }
    table.print(output);
}

/// A value in its unit, as people read it.
pub(super) fn amount(value: &Value, unit: &str) -> String {
    let Some(number) = value.as_f64() else { return String::new() };
    match unit {
        "seconds" => seconds(number),
        "percent" => format!("{number} %"),
        _ => number.to_string(),
    }
}

/// A length of time to three places that tell.
pub(in crate::commands) fn seconds(seconds: f64) -> String {
    match seconds.abs() {
        0.0..1.0 => format!("{:.0} ms", seconds * 1e3),
        1.0..120.0 => format!("{seconds:.1} s"),
        120.0..7_200.0 => format!("{:.1} min", seconds / 60.0),
        7_200.0..172_800.0 => format!("{:.1} h", seconds / 3_600.0),
        _ => format!("{:.1} d", seconds / 86_400.0),
    }
}
