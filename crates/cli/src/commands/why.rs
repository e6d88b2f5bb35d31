//! `why`: the reasons that the platform wrote down, for any id.

use clap::Args;
use serde_json::Value;

use super::show;
use crate::{
    args::Global,
    client::encode,
    output::{Output, Table, Usage, Verdict, WIDTH, escape, wrap},
    session,
};

/// Second and further lines of a reason begin here.
const INDENT: usize = 2;

/// Say why something is as it is: why merged, muted, held, blocked, in doubt
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence why INC-13\n  ringfence why ACT-15")]
pub(crate) struct Why {
    /// ALERT-…, SIL-…, INC-…, RUN-… or ACT-…
    id: String,
}

impl Why {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let known = ["ALERT", "SIL", "INC", "RUN", "ACT"];
        let kind = self.id.split_once('-').map(|(kind, _)| kind);
        if !kind.is_some_and(|kind| known.contains(&kind)) {
            let message = format!("`{}` is not an id; use ALERT-…, SIL-…, INC-…, RUN-… or ACT-…", self.id);
            return Err(Usage(message).into());
        }
        let answer = session::client(global)?.get(&format!("/api/v1/why/{}", encode(&self.id)))?;
        if output.json {
            output.json(&answer);
            return Ok(Verdict::Done);
        }
        for reason in show::items(&answer, "reasons") {
            let text = format!("{}: {}", show::text(reason, "about"), show::text(reason, "why"));
            let entry = match show::text(reason, "position") {
                position if position.is_empty() => String::new(),
                position => format!(" (entry {position})"),
            };
            let lines = wrap(&escape(&format!("{text}{entry}")), WIDTH - INDENT);
            for (index, line) in lines.iter().enumerate() {
                let indent = if index == 0 { 0 } else { INDENT };
                output.line(format!("{}{line}", " ".repeat(indent)));
            }
        }
        entries(show::items(&answer, "entries"), output);
        Ok(Verdict::Done)
    }
}

/// The entries that prove it.
fn entries(entries: &[Value], output: &Output) {
    if entries.is_empty() {
        return;
    }
    show::heading(output, "entries");
    let mut table = Table::new(&["entry", "time (UTC)", "actor", "+what"]);
    for entry in entries {
        let what = format!("{}  {}", show::text(entry, "kind"), show::text(entry, "summary"));
        let (position, actor) = (show::text(entry, "position"), show::text(entry, "actor"));
        table.row(vec![position, show::time(entry, "time"), actor, what]);
    }
    table.print(output);
}
