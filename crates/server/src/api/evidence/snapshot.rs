//! One command keeps what proves an incident as it is now: the platform's own log since it began, the newest backup, and
//! the folders that ringfence.toml names. Each is a piece of evidence of its own.

use std::{
    io::{self, Read, Write},
    sync::mpsc::{Receiver, SyncSender, sync_channel},
    time::Duration,
};

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    event::Stream,
    evidence::{Command, Item, Kind, NAME_MAX, Source},
    flow,
    id::{EvidenceId, IncidentId},
};
use engine::{Handle, backup::Listed};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tlog::{
    bundle::{self, Header, Scope},
    leaf::Body,
    tile, tree,
};

use super::Evidence;
use crate::{
    Error, Problem,
    api::{backups, log::newest},
    archive::{self, Folder},
    call::{self, Call},
    gate,
    json::Parsed,
    route::FILE_MAX,
    shared::{Shared, busy},
};

/// Entries that are read at once.
const PART: usize = 1_000;
/// Pieces of an archive that wait to be written, and bytes of one.
const PIECES: usize = 8;
const PIECE: usize = 64 * 1024;
/// How often it is asked whether the log is signed up to now, and how long that is waited for.
const ASK: Duration = Duration::from_millis(50);
const ASKED_MAX: usize = 200;

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

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MissingEvidence")]
struct Missing {
    what: String,
    why: String,
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
    let mut pieces = vec![log(&call, incident, &format!("log of {incident} at {at}")).await?];
    match backup(&call, fresh_backup).await {
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
async fn log(call: &Call, incident: IncidentId, name: &str) -> Result<Piece, Error> {
    let (first, end) = call
        .read(move |reader| {
            let first = reader.timeline(incident, 0, 1)?.entries.first().map(|entry| entry.envelope.position);
            Ok((first.unwrap_or(incident.0), reader.length()?))
        })
        .await?;
    let mut asked = 0;
    let (text, size) = loop {
        let signed = call.shared.read(newest).await;
        match signed {
            Ok((text, checkpoint)) if checkpoint.size >= end => break (text, checkpoint.size),
            Ok(_) | Err(_) if asked < ASKED_MAX => tokio::time::sleep(ASK).await,
            Ok(_) => {
                let detail = "the log is not signed up to now; try again in a moment";
                return Err(Error::new(Problem::Unavailable, detail));
            }
            Err(error) => return Err(error),
        }
        asked += 1;
    };
    let (shared, handle) = (call.shared.clone(), call.shared.handle.clone());
    let kept = blocking(move || fed(&handle, |out| written(&shared, out, &text, first, size))).await?;
    let (sha256, bytes, ()) = kept.map_err(|why| Error::new(Problem::Unavailable, why))?;
    Ok(Piece { kind: Kind::AuditLog, name: name.to_owned(), media: "application/jsonl", sha256, bytes })
}

fn written(
    shared: &Shared,
    out: &mut dyn Write,
    checkpoint: &str,
    from: u64,
    size: u64,
) -> Result<(), String> {
    let reader = shared.handle.reader();
    let origin = shared.log_key.name().to_owned();
    let header = Header { origin, key: shared.log_key.clone(), scope: Scope::Range { from, to: size } };
    let said = |error: &dyn std::fmt::Display| error.to_string();
    let mut bundle = bundle::Writer::new(out, &header, checkpoint).map_err(|error| said(&error))?;
    let fetch = |tile: &tile::Tile| reader.tile(tile).ok().flatten();
    let mut position = from;
    while position < size {
        let wanted = usize::try_from(size - position).unwrap_or(PART).min(PART);
        let part = reader.stored(position, wanted).map_err(|error| said(&error))?;
        if part.is_empty() {
            return Err(format!("entry {position} is missing"));
        }
        for stored in &part {
            let node = |level, index| tile::read_node(level, index, size, fetch);
            let proof = tree::inclusion_proof(position, size, node).map_err(|error| said(&error))?;
            let body = stored.content.as_ref().map(|(salt, body)| Body { salt, body });
            bundle.entry(&stored.envelope, body, Some(&proof)).map_err(|error| said(&error))?;
            position += 1;
        }
    }
    bundle.finish().map(drop).map_err(|error| said(&error))
}

/// What the newest backup says of itself, with the hash of its file; the file itself stays where backups lie.
async fn backup(call: &Call, fresh: bool) -> Result<Piece, String> {
    let told = |error: Error| error.to_string();
    let shelf = backups::shelf(call).map_err(told)?;
    let listed = {
        let shelf = shelf.clone();
        blocking(move || shelf.list()).await.map_err(told)?.map_err(|error| error.to_string())?
    };
    let newest = listed.into_iter().find(|listed| listed.manifest.is_ok()).filter(|_| !fresh);
    let listed = match newest {
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
    blocking(move || described(&handle, &listed)).await.map_err(told)?
}

fn described(handle: &Handle, listed: &Listed) -> Result<Piece, String> {
    let manifest = listed.manifest.as_ref()?;
    let said = |error: io::Error| format!("{}: {error}", listed.path.display());
    let mut file = std::fs::File::open(&listed.path).map_err(said)?;
    let (mut digest, mut part) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let read = file.read(&mut part).map_err(said)?;
        if read == 0 {
            break;
        }
        digest.update(&part[..read]);
    }
    let hash: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let text = serde_json::to_string_pretty(&json!({
        "backup": listed.id, "path": listed.path.display().to_string(), "bytes": listed.bytes, "sha256": hash,
        "manifest": manifest,
    }));
    let text = text.map_err(|error| error.to_string())?;
    let kept = handle.take_in(&mut text.as_bytes(), FILE_MAX as u64).map_err(|error| error.to_string())?;
    let (sha256, bytes) = kept.ok_or("it says too much of itself")?;
    let name = format!("backup {} at {}", listed.id, handle.now());
    Ok(Piece { kind: Kind::ConfigurationBackup, name, media: "application/json", sha256, bytes })
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

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal("keeping a snapshot", &error))
}

/// Takes into the store what `write` writes, as it is written. Where that fails, nothing is kept.
fn fed<T: Send>(
    handle: &Handle,
    write: impl FnOnce(&mut dyn Write) -> Result<T, String> + Send,
) -> Result<(String, u64, T), String> {
    let (sender, receiver) = sync_channel(PIECES);
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || {
            let mut out = Out { sender, piece: Vec::new() };
            let written = write(&mut out)
                .and_then(|done| out.flush().map(|()| done).map_err(|error| error.to_string()));
            if let Err(why) = &written {
                drop(out.sender.send(Err(io::Error::other(why.clone()))));
            }
            written
        });
        let mut stream = In { receiver, piece: Vec::new(), at: 0 };
        let taken = handle.take_in(&mut stream, FILE_MAX as u64);
        // Nobody reads any more, so nobody waits to write.
        drop(stream);
        let written = writing.join().map_err(|_| "writing it ended in a panic".to_owned())?;
        match taken {
            Ok(Some((sha256, bytes))) => Ok((sha256, bytes, written?)),
            Ok(None) => Err(format!("it is longer than {FILE_MAX} bytes")),
            Err(error) => Err(written.err().unwrap_or_else(|| error.to_string())),
        }
    })
}

type Part = Result<Vec<u8>, io::Error>;

struct Out {
    sender: SyncSender<Part>,
    piece: Vec<u8>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        self.sender.send(Ok(std::mem::take(&mut self.piece))).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

struct In {
    receiver: Receiver<Part>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for In {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            match self.receiver.recv() {
                Ok(piece) => (self.piece, self.at) = (piece?, 0),
                Err(_) => return Ok(0),
            }
        }
        let count = out.len().min(self.piece.len() - self.at);
        out[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
