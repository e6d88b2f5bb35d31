//! `/api/recovery/restore`: two people have the platform go back to a backup. It is laid ready while all goes on, and the
//! next start puts it in its place.

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    control::{self, restore::Wanted},
    flow::Command,
    id::IncidentId,
    incident::Incident,
    severity::Severity,
    time::Timestamp,
};
use engine::{
    Page as Part, Reader,
    backup::{Checked, Newest},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    backups::{alone, failed, shelf},
    change, missing, no_fields,
};
use crate::{
    Error, Problem,
    call::{self, Call, ok},
    json::Parsed,
    route::{Answer, Route, schema},
    view::{Control, Skipped, text},
};

const LATEST: &str = "latest";
/// Open incidents that are looked at for the earliest onset, the newest.
const LOOK_MAX: usize = 1_000;

pub(crate) const ROUTES: &[Route] = &[
    change(
        "/api/recovery/restore",
        Permission::Command,
        Some(schema::<Restore>),
        Answer::Json(202, schema::<Asked>),
        "Go back to a backup at the next start; two people ask for the same one.",
        |call| Box::pin(restore(call)),
    ),
    change(
        "/api/recovery/restore/cancel",
        Permission::Command,
        None,
        Answer::Json(200, schema::<Control>),
        "Call off a restore that the next start would do.",
        |call| Box::pin(cancel(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Restore {
    /// `latest`, or the id of a backup.
    backup_id: String,
    /// `latest` is the newest from before its onset; if absent, before that of any open incident that is high or
    /// critical.
    incident: Option<Parsed<IncidentId>>,
    #[serde(default)]
    reason: String,
}

/// What one asked for, and what has to follow.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AskedRestore")]
struct Asked {
    /// `waiting` for another person, or `approved`.
    status: &'static str,
    approval: Option<String>,
    /// What another person approves, if not by asking for the same.
    hash: Option<String>,
    backup_id: String,
    made_at: String,
    entries: u64,
    root: String,
    /// When the attack began, as far as the incidents say; a backup from before is looked for.
    onset: Option<String>,
    /// It was made after the onset, so it may hold what the attacker left.
    newer_than_onset: bool,
    /// Newer ones that `latest` passed over.
    skipped: Vec<Skipped>,
    next: String,
}

async fn restore(call: Call) -> Result<Response, Error> {
    let Restore { backup_id, incident, reason } = call.json()?;
    shelf(&call)?;
    let incident = incident.map(|Parsed(id)| id);
    let onset = call.read(move |reader| onset(reader, incident)).await?;
    let onset = onset.ok_or_else(|| missing("such incident"))?;
    let (checked, skipped) = chosen(&call, backup_id, onset).await?;
    let manifest = checked.manifest;
    let wanted = Wanted {
        backup: manifest.id.as_str().into(),
        entries: manifest.entries,
        root: manifest.root.as_str().into(),
        after_onset: onset.filter(|onset| manifest.made_at >= *onset),
    };
    let command = control::Command::Restore { wanted: Box::new(wanted.clone()), reason };
    call.command(Command::Control(command)).await?;
    let open = call.read(|reader| reader.approvals(false, Part { before: None, limit: LOOK_MAX })).await?;
    let leave = control::Leave::Data(wanted.clone());
    let waits = open.iter().find(|approval| approval.leave.as_ref() == Some(&leave));
    let next = match waits {
        Some(_) => {
            "another person asks for the same, or approves this hash; then it is laid ready".to_owned()
        }
        None => {
            "it is verified anew and laid ready; see `control show`, then restart the server: its next start \
                 puts the backup in its place and keeps the data of now beside it"
                .to_owned()
        }
    };
    let asked = Asked {
        status: if waits.is_some() { "waiting" } else { "approved" },
        approval: waits.map(|approval| text(approval.id)),
        hash: waits.map(|approval| approval.hash.to_string()),
        backup_id: manifest.id,
        made_at: text(manifest.made_at),
        entries: manifest.entries,
        root: manifest.root,
        onset: onset.map(text),
        newer_than_onset: wanted.after_onset.is_some(),
        skipped: skipped.into_iter().map(|(id, why)| Skipped { id, why }).collect(),
        next,
    };
    call::answer(StatusCode::ACCEPTED, &asked)
}

/// The backup that is meant, looked at as a whole, and what was passed over.
async fn chosen(
    call: &Call,
    name: String,
    onset: Option<Timestamp>,
) -> Result<(Checked, Vec<(String, String)>), Error> {
    if name == LATEST {
        let Newest { checked, skipped, .. } = alone(call, move |shelf| shelf.newest(onset)).await?;
        return Ok((checked, skipped));
    }
    let id = name.clone();
    let checked = alone(call, move |shelf| shelf.find(&id)?.map(|found| shelf.check(&found)).transpose());
    let checked = checked.await?.ok_or_else(|| missing(format_args!("backup {name}")))?;
    match checked.problems.first() {
        Some(problem) => Err(Error::new(Problem::Conflict, format!("{name} does not verify: {problem}"))),
        None => Ok((checked, Vec::new())),
    }
}

/// When it began: the incident that is named, or the earliest of those that are open and grave. The outer nothing: there
/// is no such incident.
fn onset(reader: &Reader, named: Option<IncidentId>) -> Result<Option<Option<Timestamp>>, engine::Error> {
    if let Some(id) = named {
        return Ok(reader.incident(id)?.map(|incident| Some(incident.began())));
    }
    let open = reader.incidents(false, Part { before: None, limit: LOOK_MAX })?;
    let grave = open.iter().filter(|incident| incident.severity >= Severity::High && !incident.drill);
    Ok(Some(grave.map(Incident::began).min()))
}

async fn cancel(call: Call) -> Result<Response, Error> {
    no_fields(&call)?;
    let shelf = shelf(&call)?;
    let end = control::Command::EndRestore { why: "a person called it off".to_owned(), approval: None };
    call.command(Command::Control(end)).await?;
    // The fact comes first: a start that finds it lying there asks the log.
    call.shared.handle.call_off(shelf).await.map_err(|error| failed(&error))?;
    ok(&super::control::now(&call).await?)
}
