//! One command keeps what proves an incident as it is now: the platform's own log since it began, the newest backup, and
//! the folders that ringfence.toml names. Each is a piece of evidence of its own.

use std::io::Write;

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    event::Stream,
    evidence::{Command, Item, Kind, NAME_MAX, Source},
    flow,
    id::{EvidenceId, IncidentId},
};
use engine::Handle;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Evidence;
use crate::{
    Error, Problem,
    api::backups,
    archive::{self, Folder},
    call::{self, Call},
    gate,
    json::Parsed,
    packing::{Missing, Packing, blocking, described, fed},
    route::FILE_MAX,
    shared::busy,
};

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "SnapshotEvidence")]
pub(super) struct Snapshot {
    incident: Parsed<IncidentId>,
    /// Make a backup first, even where there is one.
    #[serde(default)]
    fresh_backup: bool,
}

/// What was kept, and what could not be.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "EvidenceSnapshot")]
pub(super) struct Kept {
    items: Vec<Evidence>,
    missing: Vec<Missing>,
}

/// One thing on its way into the store.
struct Piece {
    kind: Kind,
    name: String,
    media: &'static str,
    sha256: String,
    bytes: u64,
}

impl Piece {
    /// What is about to be kept, before anything is: policies look at whose it is.
    fn empty() -> Piece {
        let (name, sha256) = (String::new(), String::new());
        Piece { kind: Kind::AuditLog, name, media: "application/jsonl", sha256, bytes: 0 }
    }
}

pub(super) async fn take(call: Call) -> Result<Response, Error> {
    let Snapshot { incident: Parsed(incident), fresh_backup } = call.json()?;
    let found = call.read(move |reader| reader.incident(incident)).await?;
    if found.is_none_or(|incident| incident.status == domain::incident::Status::Closed) {
        return Err(super::missing(format_args!("open incident {incident}")));
    }
    call.may(collect(incident, Piece::empty())).await?;
    let permit = call.shared.streams.clone().try_acquire_owned();
    let _permit = permit.map_err(|_| busy("too many streams and exports are open"))?;
    let at = call.now();
    let mut missing = Vec::new();
    let packing = Packing::shared(&call.shared);
    let name = format!("log of {incident} at {at}");
    let mut pieces = vec![log(&packing, &call.shared.handle, incident, &name).await?];
    match backup(&call, &packing, fresh_backup).await {
        Ok(piece) => pieces.push(piece),
        Err(why) => missing.push(Missing { what: "backup".to_owned(), why }),
    }
    for folder in call.shared.folders.clone() {
        let what = folder.path.display().to_string();
        match packed(&call, folder, &at.to_string()).await {
            Ok((piece, unread)) => {
                pieces.push(piece);
                missing.extend(unread.into_iter().map(|(what, why)| Missing { what, why }));
            }
            Err(why) => missing.push(Missing { what, why }),
        }
    }
    let mut items = Vec::new();
    for piece in pieces {
        let id = collected(&call, incident, piece).await?;
        let kept = call.read(move |reader| reader.evidence(id)).await?;
        items.extend(kept.as_ref().map(Evidence::from));
    }
    call::answer(StatusCode::CREATED, &Kept { items, missing })
}

fn collect(incident: IncidentId, piece: Piece) -> flow::Command {
    let Piece { kind, name, media, sha256, bytes } = piece;
    let item = Item {
        incident,
        kind,
        name: name.chars().take(NAME_MAX / 4).collect::<String>().into(),
        sha256: sha256.into(),
        bytes,
        source: Source::Snapshot,
        media: Some(media.into()),
        quarantined: false,
    };
    flow::Command::Evidence(Command::Collect(Box::new(item)))
}

async fn collected(call: &Call, incident: IncidentId, piece: Piece) -> Result<EvidenceId, Error> {
    match call.command(collect(incident, piece)).await?.created("evidence.collected") {
        Some(Stream::Evidence(id)) => Ok(id),
        Some(_) | None => Err(Error::internal("keeping evidence", &"no fact names it")),
    }
}

/// The entries since the first about the incident, each with its proof under one checkpoint.
async fn log(packing: &Packing, handle: &Handle, incident: IncidentId, name: &str) -> Result<Piece, Error> {
    let log = packing.log(incident).await?;
    let (packing, handle) = (packing.clone(), handle.clone());
    let kept = blocking(move || fed(&handle, |out| packing.write_log(&log, out))).await?;
    let (sha256, bytes, ()) = kept.map_err(|why| Error::new(Problem::Unavailable, String::from(why)))?;
    Ok(Piece { kind: Kind::AuditLog, name: name.to_owned(), media: "application/jsonl", sha256, bytes })
}

/// What the newest backup says of itself, with the hash of its file.
async fn backup(call: &Call, packing: &Packing, fresh: bool) -> Result<Piece, String> {
    let told = |error: Error| error.to_string();
    let shelf = backups::shelf(call).map_err(told)?;
    let packing = packing.clone();
    let newest = blocking(move || packing.newest_backup()).await.map_err(told)??;
    let listed = match newest.filter(|_| !fresh) {
        Some(listed) => listed,
        None => {
            // Each that is made lets an older one go.
            gate::require(call.principal.as_ref(), Permission::Administer).map_err(told)?;
            let permit = call.shared.looks.try_acquire();
            let _permit = permit.map_err(|_| "a backup is being made or looked at already".to_owned())?;
            let made = call.shared.handle.back_up(shelf, call.actor().map_err(told)?).await;
            made.map_err(|error| error.to_string())?.0
        }
    };
    let handle = call.shared.handle.clone();
    blocking(move || {
        let text = described(&listed)?;
        let kept =
            handle.take_in(&mut text.as_bytes(), FILE_MAX as u64).map_err(|error| error.to_string())?;
        let (sha256, bytes) = kept.ok_or("it says too much of itself")?;
        let name = format!("backup {} at {}", listed.id, handle.now());
        Ok(Piece { kind: Kind::ConfigurationBackup, name, media: "application/json", sha256, bytes })
    })
    .await
    .map_err(told)?
}

/// One folder as an archive, with what of it could not be read.
async fn packed(call: &Call, folder: Folder, at: &str) -> Result<(Piece, Vec<(String, String)>), String> {
    let handle = call.shared.handle.clone();
    let (kind, shown) = (folder.kind, folder.path.display().to_string());
    let pack = move |out: &mut dyn Write| archive::pack(&folder.path, out).map_err(|error| error.to_string());
    let kept = blocking(move || fed(&handle, pack)).await.map_err(|error| error.to_string())?;
    let (sha256, bytes, packed) = kept?;
    let name = format!("{} at {at}", domain::text::shown(&shown, false));
    Ok((Piece { kind, name, media: "application/x-tar", sha256, bytes }, packed.unread))
}
