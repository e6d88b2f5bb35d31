//! `report compliance`: which controls hold.

use clap::Args;

use super::show;
use crate::{
    client::Client,
    output::{Output, Table, Verdict},
};

/// Show every control by group, whether it holds now, and what shows it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report compliance")]
pub(crate) struct Compliance {}

pub(super) fn run(client: &Client, output: &Output) -> anyhow::Result<Verdict> {
    let report = client.get("/api/v1/reports/compliance")?;
    if output.json {
        output.json(&report);
        return Ok(Verdict::Done);
    }
    output.line(format!("{} of {} controls hold", show::text(&report, "holding"), show::text(&report, "of")));
    for group in show::items(&report, "groups") {
        show::heading(output, &show::text(group, "group"));
        let mut table = Table::new(&["control", "holds", "~title", "~what shows it"]);
        for one in show::items(group, "controls") {
            table.row(["id", "holds", "title", "said"].map(|field| show::text(one, field)).to_vec());
        }
        table.print(output);
    }
    Ok(Verdict::Done)
}
