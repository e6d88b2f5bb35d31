//! `/api/v1/log`: proofs, entries, the export for auditors, and redaction.

use std::time::Duration;

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use domain::{access::Permission, event::Stream, flow::Command};
use engine::Reader;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tlog::{
    Checkpoint, Note,
    bundle::{self, Header, Scope},
    leaf::Body,
    proof::InclusionProof,
    tile, tree,
};
use tokio::sync::OwnedSemaphorePermit;

use super::{LIMIT, change, missing, read};
use crate::{
    Error, Problem,
    call::{Call, ok},
    route::{Answer, Auth, Parameter, Route, schema},
    shared::{Shared, busy},
    stream::{self, Writer},
    view::{Entry, Page},
};

/// Entries read at once for the export.
const PART: usize = 256;
/// Positions that one redaction may name.
const REDACT_MAX: usize = 1_000;

const FROM: Parameter = Parameter { name: "from", about: "The first position; 0 if absent." };

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/log/entries",
        &[FROM, LIMIT],
        Answer::Json(200, schema::<Page<Entry>>),
        "Entries in order; `next` is the next `from`.",
        |call| Box::pin(entries(call)),
    ),
    read(
        "/api/v1/log/prove/{position}",
        &[],
        Answer::Other("text/plain; charset=utf-8"),
        "A C2SP tlog-proof that an entry is in the log, against the newest checkpoint.",
        |call| Box::pin(prove(call)),
    ),
    Route {
        auth: Auth::Token(Permission::Administer),
        audit: crate::route::Audit::Refusals,
        ..read(
            "/api/v1/log/export",
            &[],
            Answer::Other("application/jsonl"),
            "The whole log as a bundle that an auditor checks offline.",
            |call| Box::pin(export(call)),
        )
    },
    change(
        "/api/v1/log/redact",
        Permission::Administer,
        Some(schema::<Redact>),
        Answer::Json(200, schema::<Redacted>),
        "Erase the bodies of entries of alerts and incidents; their leaves stay provable.",
        |call| Box::pin(redact(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Redact {
    positions: Vec<u64>,
    reason: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Redacted {
    positions: Vec<u64>,
    /// The entry that says so.
    position: Option<u64>,
}

async fn entries(call: Call) -> Result<Response, Error> {
    let from = call.query_as::<u64>("from", "a position")?.unwrap_or(0);
    let limit = call.page()?.limit;
    let page = call
        .read(move |reader| {
            let end = reader.length()?.min(from.saturating_add(limit as u64));
            let mut items = Vec::new();
            for position in from..end {
                items.extend(reader.entry(position)?.as_ref().map(Entry::from));
            }
            let next = (end > from && end < reader.length()?).then(|| end.to_string());
            Ok(Page { items, next })
        })
        .await?;
    ok(&page)
}

/// The newest checkpoint as text and read; right after the first start there is none for a moment.
pub(crate) fn newest(reader: &Reader) -> Result<(String, Checkpoint), Error> {
    let unreadable = |error: tlog::Error| Error::internal("reading the newest checkpoint", &error);
    let text = reader.checkpoint()?.ok_or_else(|| unsealed("no checkpoint is signed yet"))?;
    let note = Note::parse(&text).map_err(unreadable)?;
    let checkpoint = Checkpoint::parse(note.text()).map_err(unreadable)?;
    Ok((text, checkpoint))
}

fn unsealed(detail: &str) -> Error {
    Error::new(Problem::Unavailable, detail).retry_after(Duration::from_secs(1))
}

async fn prove(call: Call) -> Result<Response, Error> {
    let shown: String = call.text_param("position")?.chars().take(32).collect();
    let position = shown.parse::<u64>().ok().filter(|position| position.to_string() == shown);
    let position = position.ok_or_else(|| missing(format_args!("position `{shown}`")))?;
    let proof = call.shared.read(move |reader| proof(reader, position)).await?;
    Ok(([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], proof).into_response())
}

fn proof(reader: &Reader, position: u64) -> Result<String, Error> {
    if position >= reader.length()? {
        return Err(missing(format_args!("entry {position}")));
    }
    let (text, checkpoint) = newest(reader)?;
    if position >= checkpoint.size {
        return Err(unsealed("the entry is written and not under a checkpoint yet"));
    }
    let fetch = |tile: &tile::Tile| reader.tile(tile).ok().flatten();
    let node = |level, index| tile::read_node(level, index, checkpoint.size, fetch);
    let hashes = tree::inclusion_proof(position, checkpoint.size, node)
        .map_err(|error| Error::internal("building a proof", &error))?;
    Ok(InclusionProof { index: position, hashes, checkpoint: text }.render())
}

async fn export(call: Call) -> Result<Response, Error> {
    let permit = call.shared.streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| busy("too many streams and exports are open"))?;
    let (text, checkpoint) = call.shared.read(newest).await?;
    let (sender, body) = stream::channel();
    let shared = call.shared.clone();
    tokio::task::spawn_blocking(move || {
        let cut_off = sender.clone();
        if let Err(error) = write_bundle(&shared, Writer::new(sender), &text, checkpoint.size, &permit) {
            tracing::warn!(why = %error.to_string().escape_debug(), "an export was cut off");
            drop(cut_off.blocking_send(Err(std::io::Error::other("the export failed"))));
        }
    });
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    let name = HeaderValue::from_static("attachment; filename=\"ringfence-log.jsonl\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

fn write_bundle(
    shared: &Shared,
    out: Writer,
    checkpoint: &str,
    size: u64,
    _permit: &OwnedSemaphorePermit,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let reader = shared.handle.reader();
    let origin = shared.log_key.name().to_owned();
    let header = Header { origin, key: shared.log_key.clone(), scope: Scope::Log };
    let mut bundle = bundle::Writer::new(out, &header, checkpoint)?;
    let mut position = 0;
    while position < size {
        let wanted = usize::try_from(size - position).unwrap_or(PART).min(PART);
        let part = reader.stored(position, wanted)?;
        if part.is_empty() {
            return Err(format!("entry {position} is missing").into());
        }
        for stored in &part {
            let body = stored.content.as_ref().map(|(salt, body)| Body { salt, body });
            bundle.entry(&stored.envelope, body, None)?;
        }
        position += part.len() as u64;
    }
    bundle.finish()?;
    Ok(())
}

async fn redact(call: Call) -> Result<Response, Error> {
    let Redact { mut positions, reason } = call.json()?;
    positions.sort_unstable();
    positions.dedup();
    if positions.is_empty() || positions.len() > REDACT_MAX || reason.trim().is_empty() || reason.len() > 4096
    {
        let detail = format!("name 1 to {REDACT_MAX} positions, and a reason of at most 4096 bytes");
        return Err(Error::new(Problem::Invalid, detail));
    }
    let wanted = positions.clone();
    let about = call.read(move |reader| streams(reader, &wanted)).await?;
    let command = Command::Redact { positions: positions.clone(), about, reason };
    let receipt = call.command(command).await?;
    let written = receipt.facts.iter().find(|(_, _, kind)| *kind == "log.redacted");
    ok(&Redacted { positions, position: written.map(|(position, _, _)| *position) })
}

/// The streams that these entries are on.
fn streams(reader: &Reader, positions: &[u64]) -> Result<Vec<Stream>, engine::Error> {
    let mut streams = Vec::new();
    for position in positions {
        let entry = reader.entry(*position)?;
        streams.extend(entry.and_then(|entry| entry.envelope.stream.parse::<Stream>().ok()));
    }
    Ok(streams)
}
