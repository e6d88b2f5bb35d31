//! `backup rewind`: have the running server go back to a backup at its next start; two people ask.

use clap::Args;
use domain::id::IncidentId;
use serde_json::json;

use super::show;
use crate::{
    client::Client,
    output::{Colour, Output, Verdict, escape},
};

const RESTORE: &str = "/api/recovery/restore";

/// Have the running server go back to a backup at its next start; another person asks for the same
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ringfence backup rewind latest --incident INC-13 --reason 'before the intruder'\n  \
                        ringfence backup rewind --cancel\n\n\
                        The backup is verified and laid ready while all goes on. The next start of the server puts it in \
                        the place of the\ndata, which are kept beside it in `replaced-BACKUP`."
)]
pub(crate) struct Rewind {
    /// The id of a backup, or `latest`: the newest that verifies and was made before the attack
    #[arg(value_name = "ID|latest", required_unless_present = "cancel")]
    backup: Option<String>,
    /// The incident whose onset counts; otherwise the earliest of the open ones that are high or critical
    #[arg(long, value_name = "INCIDENT", conflicts_with = "cancel")]
    incident: Option<IncidentId>,
    #[arg(long, value_name = "TEXT", default_value = "", conflicts_with = "cancel")]
    reason: String,
    /// Call off what was agreed on
    #[arg(long, conflicts_with = "backup")]
    cancel: bool,
}

impl Rewind {
    pub(super) fn run(&self, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
        let Some(backup) = self.backup.as_ref().filter(|_| !self.cancel) else {
            let answer = client.post(&format!("{RESTORE}/cancel"), &json!({}))?;
            return Ok(show::done(output, &answer, "the next start goes on with the data as they are"));
        };
        let incident = self.incident.map(|id| id.to_string());
        let body = json!({ "backup_id": backup, "incident": incident, "reason": self.reason });
        let answer = client.post(RESTORE, &body)?;
        if output.json {
            output.json(&answer);
            return Ok(Verdict::Done);
        }
        for skipped in show::items(&answer, "skipped") {
            let (id, why) = (show::text(skipped, "id"), show::text(skipped, "why"));
            output.line(
                output.paint(Colour::Yellow, &format!("passed over {}: {}", escape(&id), escape(&why))),
            );
        }
        if answer["newer_than_onset"] == true {
            let line = format!(
                "it was made after the attack began at {}, so it may hold what the attacker left",
                show::time(&answer, "onset")
            );
            output.line(output.paint(Colour::Yellow, &line));
        }
        output.line(escape(&format!(
            "backup {} of {}, {} entries, verified; {}",
            show::text(&answer, "backup_id"),
            show::time(&answer, "made_at"),
            show::text(&answer, "entries"),
            show::text(&answer, "status")
        )));
        let approval = show::text(&answer, "approval");
        if !approval.is_empty() {
            output.line(format!("approve   ringfence run approve {}", escape(&approval)));
        }
        output.line(format!("next      {}", escape(&show::text(&answer, "next"))));
        Ok(Verdict::Done)
    }
}
