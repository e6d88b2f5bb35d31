//! The estate's own record of what arrived, read from its file.

use std::path::Path;

use anyhow::Context as _;
use serde_json::Value;

/// A call that asked for a change.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) number: u64,
    pub(super) time_us: i64,
    pub(super) key: String,
    pub(super) verb: String,
    pub(super) target: String,
    pub(super) epoch: u64,
    pub(super) fault: String,
    pub(super) effect: String,
}

impl Call {
    pub(super) fn is_applied(&self) -> bool {
        self.effect == "applied"
    }
}

/// The calls in their order, without reads.
pub(super) fn read(path: &Path) -> anyhow::Result<Vec<Call>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("no ledger `{}`", path.display()))?;
    let mut calls = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let context = || format!("line {} of the ledger", number + 1);
        let line: Value = serde_json::from_str(line).with_context(context)?;
        if line["route"] == "action" {
            calls.push(call(&line).with_context(context)?);
        }
    }
    Ok(calls)
}

fn call(line: &Value) -> anyhow::Result<Call> {
    let text = |name: &str| line[name].as_str().map(str::to_owned).with_context(|| format!("no `{name}`"));
    let epoch = line["epoch"].as_str().and_then(|epoch| epoch.parse().ok());
    Ok(Call {
        number: line["n"].as_u64().context("no `n`")?,
        time_us: line["time_us"].as_i64().context("no `time_us`")?,
        key: text("key")?,
        verb: text("verb")?,
        target: text("target")?,
        epoch: epoch.context("no epoch")?,
        fault: text("fault")?,
        effect: text("effect")?,
    })
}
