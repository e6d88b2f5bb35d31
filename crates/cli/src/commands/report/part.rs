//! The parts of a review beside its reports: who took part, findings, answers, corrective actions.

use clap::Args;
use domain::{id::ReviewId, time::Timestamp};
use serde_json::{Value, json};

use super::{REVIEWS, show};
use crate::{
    client::Client,
    output::{Output, Table, Verdict},
};

/// Say who took part
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report review attend REV-29 incident_commander marta")]
pub(crate) struct Attend {
    id: ReviewId,
    /// incident_commander, technical_responders, affected_stakeholders or management_representative
    role: String,
    who: String,
    /// They should have, and did not
    #[arg(long)]
    absent: bool,
}

/// Sign for somebody who attended
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report review sign REV-29 incident_commander marta")]
pub(crate) struct Sign {
    id: ReviewId,
    role: String,
    who: String,
}

/// Write down what was found in one area
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence report review find REV-29 lessons_learned 'Rotate the key before the node is rebuilt.'"
)]
pub(crate) struct Find {
    id: ReviewId,
    /// incident_timeline, root_cause_analysis, response_effectiveness, communication_quality, lessons_learned or
    /// improvement_actions
    area: String,
    text: String,
}

/// Answer what only people can judge; what is left out stays as it is
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence report review answer REV-29 --satisfaction 4 --escalated-rightly true --impact-avoided 90"
)]
pub(crate) struct Judge {
    id: ReviewId,
    /// How content those were who were hurt, from 1 to 5
    #[arg(long, value_name = "N")]
    satisfaction: Option<u8>,
    /// Whether it went to the right people at the right time
    #[arg(long, value_name = "true|false")]
    escalated_rightly: Option<bool>,
    /// How much of the harm that it could have done was avoided
    #[arg(long, value_name = "PERCENT")]
    impact_avoided: Option<u8>,
}

/// Agree on a corrective action
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence report review action REV-29 'Shorten the rotation of keys' --owner security_lead --due 2026-03-01T00:00:00Z --file playbooks/key_compromise.yaml"
)]
pub(crate) struct Plan {
    id: ReviewId,
    what: String,
    /// A contact, team or role
    #[arg(long)]
    owner: String,
    #[arg(long, value_name = "TIME")]
    due: Timestamp,
    /// A file of the content that has to change for it
    #[arg(long, value_name = "PATH")]
    file: Option<String>,
}

/// Finish a corrective action; one that names a file needs a newer version of it in force
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report review finish REV-29 1 'version 1.1.0 is in force'")]
pub(crate) struct Finish {
    id: ReviewId,
    /// Its number, from 1
    action: u32,
    note: String,
}

fn send(
    client: &Client,
    output: &Output,
    id: ReviewId,
    verb: &str,
    body: &Value,
    said: &str,
) -> anyhow::Result<Verdict> {
    let answer = client.post(&format!("{REVIEWS}/{id}/{verb}"), body)?;
    Ok(show::done(output, &answer, said))
}

pub(super) fn attend(command: &Attend, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
    let Attend { id, role, who, absent } = command;
    let body = json!({ "role": role, "who": who, "attended": !absent });
    let did = if *absent { "did not attend" } else { "attended" };
    send(client, output, *id, "attend", &body, &format!("{who} {did} {id} as {role}"))
}

pub(super) fn sign(command: &Sign, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
    let Sign { id, role, who } = command;
    let body = json!({ "role": role, "who": who });
    send(client, output, *id, "sign", &body, &format!("{id} is signed for {who}"))
}

pub(super) fn find(command: &Find, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
    let Find { id, area, text } = command;
    let body = json!({ "area": area, "text": text });
    send(client, output, *id, "find", &body, &format!("{id} has its {area}"))
}

pub(super) fn answer(command: &Judge, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
    let Judge { id, satisfaction, escalated_rightly, impact_avoided } = command;
    let body = json!({
        "satisfaction": satisfaction, "escalated_rightly": escalated_rightly, "impact_avoided": impact_avoided,
    });
    send(client, output, *id, "answer", &body, &format!("{id} has the answers"))
}

pub(super) fn plan(command: &Plan, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
    let Plan { id, what, owner, due, file } = command;
    let body = json!({ "what": what, "owner": owner, "due": due.to_string(), "file": file });
    send(client, output, *id, "actions", &body, &format!("{owner} has an action of {id}, due {due}"))
}

pub(super) fn finish(command: &Finish, client: &Client, output: &Output) -> anyhow::Result<Verdict> {
    let Finish { id, action, note } = command;
    let body = json!({ "action": action, "note": note });
    send(client, output, *id, "finish", &body, &format!("action {action} of {id} is finished"))
}

pub(super) fn show(review: &Value, output: &Output) {
    people(review, output);
    let found = review["found"].as_object().into_iter().flatten();
    for (area, text) in found {
        show::heading(output, &area.replace('_', " "));
        for line in text.as_str().unwrap_or_default().lines() {
            output.line(crate::output::escape(line));
        }
    }
    let answers = ["satisfaction", "escalated_rightly", "impact_avoided"];
    if answers.iter().any(|field| !review[field].is_null()) {
        show::heading(output, "answers");
        show::fields(
            output,
            &[
                ("satisfaction, 1 to 5", show::text(review, "satisfaction")),
                ("escalated rightly", show::text(review, "escalated_rightly")),
                ("impact avoided, %", show::text(review, "impact_avoided")),
            ],
        );
    }
    actions(review, output);
}

fn people(review: &Value, output: &Output) {
    if show::items(review, "people").is_empty() {
        return;
    }
    show::heading(output, "people");
    let mut table = Table::new(&["role", "~who", "attended", "signed"]);
    for one in show::items(review, "people") {
        table.row(vec![
            show::text(one, "role"),
            show::text(one, "who"),
            show::text(one, "attended"),
            show::short_time(one, "signed_at"),
        ]);
    }
    table.print(output);
    let missing = show::text(review, "missing_roles");
    if !missing.is_empty() {
        output.line(format!("nobody attended as {missing}"));
    }
}

fn actions(review: &Value, output: &Output) {
    if show::items(review, "actions").is_empty() {
        return;
    }
    show::heading(output, "corrective actions");
    let mut table = Table::new(&["action", "~what", "owner", "due", "file", "finished", "~note"]);
    for one in show::items(review, "actions") {
        table.row(vec![
            show::text(one, "action"),
            show::text(one, "what"),
            show::text(one, "owner"),
            show::short_time(one, "due"),
            show::text(one, "file"),
            show::short_time(one, "done_at"),
            show::text(one, "note"),
        ]);
    }
    table.print(output);
}
