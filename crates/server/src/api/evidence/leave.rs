//! Evidence as it leaves: the log of every hand it went through, each entry with its proof, for whoever checks it without
//! a server. The bytes are fetched one by one.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse as _, Response},
};
use domain::{evidence::Command, flow, id::IncidentId};
use engine::Reader;
use schemars::JsonSchema;
use serde::Deserialize;
use tlog::{
    bundle::{self, Header, Scope},
    leaf::Body,
    tile, tree,
};

use super::{Evidence, Page, Part, of_incident};
use crate::{
    Error, Problem,
    api::log::newest,
    call::{Call, ok},
    json::Parsed,
    shared::{Shared, busy},
    stream::{self, Writer},
};

/// Pieces of evidence of one bundle.
const ITEMS_MAX: usize = 1_000;
const PART: usize = 1_000;

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExportEvidence")]
pub(super) struct Export {
    incident: Parsed<IncidentId>,
    /// What for; it goes on record for every piece.
    why: String,
}

/// Puts on record that all of it leaves, and says what it is.
pub(super) async fn export(call: Call) -> Result<Response, Error> {
    let Export { incident: Parsed(incident), why } = call.json()?;
    let page = Part { before: None, limit: ITEMS_MAX };
    let (rows, more) = call.read(move |reader| of_incident(reader, Some(incident), page)).await?;
    if rows.is_empty() {
        return Err(super::missing(format_args!("evidence of {incident}")));
    }
    if more.is_some() && rows.len() == ITEMS_MAX {
        let detail =
            format!("{incident} has more than {ITEMS_MAX} pieces of evidence; export the log instead");
        return Err(Error::new(Problem::Conflict, detail));
    }
    let ids = rows.iter().map(|row| row.id).collect();
    call.command(flow::Command::Evidence(Command::Export { ids, why })).await?;
    ok(&Page::whole(rows.iter().map(Evidence::from).collect()))
}

/// The entries about all evidence of an incident, each with its proof under the newest checkpoint.
pub(super) async fn entries(call: Call) -> Result<Response, Error> {
    let needed = || Error::new(Problem::Malformed, "the query needs `incident`, such as INC-13");
    let incident = call.query_as::<IncidentId>("incident", "an incident such as INC-13")?;
    let incident = incident.ok_or_else(needed)?;
    let permit = call.shared.streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| busy("too many streams and exports are open"))?;
    let (positions, streams) = call.read(move |reader| about(reader, incident)).await?;
    let last =
        positions.last().copied().ok_or_else(|| super::missing(format_args!("evidence of {incident}")))?;
    let (text, checkpoint) = call.shared.read(newest).await?;
    if last >= checkpoint.size {
        let detail = "the newest entry is not under a checkpoint yet";
        return Err(Error::new(Problem::Unavailable, detail).retry_after(std::time::Duration::from_secs(1)));
    }
    let (sender, body) = stream::channel();
    let shared = call.shared.clone();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let cut_off = sender.clone();
        let written = write(&shared, Writer::new(sender), (&text, checkpoint.size), &positions, streams);
        if let Err(error) = written {
            tracing::warn!(why = %error.to_string().escape_debug(), "an export of evidence was cut off");
            drop(cut_off.blocking_send(Err(std::io::Error::other("the export failed"))));
        }
    });
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/jsonl"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// The positions of entries about evidence on the timeline of an incident, and the streams that they are on.
fn about(reader: &Reader, incident: IncidentId) -> Result<(Vec<u64>, Vec<String>), engine::Error> {
    let (mut positions, mut streams, mut from) = (Vec::new(), Vec::new(), 0);
    loop {
        let part = reader.timeline(incident, from, PART)?;
        for entry in part.entries.iter().filter(|entry| entry.envelope.stream.starts_with("evidence/")) {
            positions.push(entry.envelope.position);
            if !streams.contains(&entry.envelope.stream) {
                streams.push(entry.envelope.stream.clone());
            }
        }
        match part.next {
            Some(next) => from = next,
            None => return Ok((positions, streams)),
        }
    }
}

fn write(
    shared: &Shared,
    out: Writer,
    (checkpoint, size): (&str, u64),
    positions: &[u64],
    streams: Vec<String>,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let reader = shared.handle.reader();
    let origin = shared.log_key.name().to_owned();
    let header = Header { origin, key: shared.log_key.clone(), scope: Scope::Streams(streams) };
    let mut bundle = bundle::Writer::new(out, &header, checkpoint)?;
    let fetch = |tile: &tile::Tile| reader.tile(tile).ok().flatten();
    for position in positions {
        let stored = reader.stored(*position, 1)?;
        let stored = stored.first().ok_or_else(|| format!("entry {position} is missing"))?;
        let node = |level, index| tile::read_node(level, index, size, fetch);
        let proof = tree::inclusion_proof(*position, size, node)?;
        let body = stored.content.as_ref().map(|(salt, body)| Body { salt, body });
        bundle.entry(&stored.envelope, body, Some(&proof))?;
    }
    bundle.finish()?;
    Ok(())
}
