//! `run approvals`, `run approve`, `run deny`, `run ask`: people answer for one exact set of effects.

use clap::Args;
use domain::id::ApprovalId;
use serde_json::{Value, json};

use super::show;
use crate::{
    client::Client,
    output::{Output, Verdict},
};

const LIST: &str = "/api/v1/approvals";

/// List what waits for approval, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run approvals")]
pub(crate) struct Approvals {
    /// Those that were answered or became void instead
    #[arg(long)]
    past: bool,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show exactly what would be done, and allow that
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence run approve APR-17 --show\n  ringfence run approve APR-17 --hash 9f2c…"
)]
pub(crate) struct Approve {
    id: ApprovalId,
    /// Only show it
    #[arg(long, conflicts_with = "hash")]
    show: bool,
    /// Allow it only if it is still what has this hash
    #[arg(long, value_name = "SHA256")]
    hash: Option<String>,
}

/// Refuse it for good, and say why
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run deny APR-17 --why 'the node is a decoy'")]
pub(crate) struct Deny {
    id: ApprovalId,
    #[arg(long, value_name = "TEXT")]
    why: String,
}

/// Have it asked again after nobody answered in time
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence run ask APR-17")]
pub(crate) struct Ask {
    id: ApprovalId,
}

impl Approvals {
    pub(crate) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let state = if self.past { "past" } else { "open" };
        let items = client.list(&format!("{LIST}?state={state}"), self.limit)?;
        let columns = ["id", "incident", "action", "~targets", "people", "status", "expires"];
        Ok(show::list(output, items, &columns, "nothing waits for approval", |request| {
            vec![
                show::text(request, "id"),
                show::text(request, "incident"),
                show::text(request, "verb"),
                show::text(request, "targets"),
                people(request),
                show::text(request, "status"),
                show::short_time(request, "expires_at"),
            ]
        }))
    }
}

impl Approve {
    pub(crate) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let request = client.get(&format!("{LIST}/{}", self.id))?;
        if self.show {
            if output.json {
                output.json(&request);
            } else {
                expansion(output, &request);
            }
            return Ok(Verdict::Done);
        }
        if !output.json {
            expansion(output, &request);
        }
        let hash = self.hash.clone().unwrap_or_else(|| show::text(&request, "hash"));
        let answer = client.post(&format!("{LIST}/{}/approve", self.id), &json!({ "hash": hash }))?;
        Ok(show::done(output, &answer, &format!("{} is approved by {}", self.id, people(&answer))))
    }
}

impl Deny {
    pub(crate) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let answer = client.post(&format!("{LIST}/{}/deny", self.id), &json!({ "why": self.why }))?;
        Ok(show::done(output, &answer, &format!("{} is denied", self.id)))
    }
}

impl Ask {
    pub(crate) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let answer = client.post(&format!("{LIST}/{}/ask", self.id), &json!({}))?;
        let until = show::time(&answer, "expires_at");
        Ok(show::done(output, &answer, &format!("{} is asked again until {until}", self.id)))
    }
}

/// How many have approved, of how many.
fn people(request: &Value) -> String {
    format!("{} of {}", show::items(request, "grants").len(), show::text(request, "quorum"))
}

/// What exactly would be done: verb, arguments and every target.
fn expansion(output: &Output, request: &Value) {
    show::fields(
        output,
        &[
            ("id", show::text(request, "id")),
            ("incident", show::text(request, "incident")),
            ("action", show::text(request, "verb")),
            ("arguments", show::text(request, "args")),
            ("targets", show::text(request, "targets")),
            ("hash", show::text(request, "hash")),
            ("people", people(request)),
            ("roles", show::text(request, "roles")),
            ("asked by", show::text(request, "requesters")),
            ("status", show::text(request, "status")),
            ("expires", show::time(request, "expires_at")),
        ],
    );
}
