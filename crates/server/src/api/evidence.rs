//! `/api/v1/evidence`: what was kept of an incident, by hash, and through whose hands it went.

mod leave;
mod snapshot;
mod upload;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{
    access::Permission,
    event::Stream,
    evidence::{Command, Evidence as Kept, Kind, Source},
    flow,
    id::{EvidenceId, IncidentId},
};
use engine::{Page as Part, Reader};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{CURSOR, LIMIT, change, missing, no_fields, read, shown};
use crate::{
    Error, Problem,
    call::{Call, ok},
    json::Parsed,
    route::{Answer, Audit, Auth, FILE_MAX, Parameter, Route, schema},
    stream::{self, Writer},
    view::{Entry, Evidence, Page},
};

const INCIDENT: Parameter = Parameter { name: "incident", about: "The open incident that it belongs to." };
const OF: Parameter = Parameter { name: "incident", about: "Only what belongs to this incident." };
const KIND: Parameter = Parameter {
    name: "kind",
    about: "audit_log, system_log, configuration_backup, memory_image, network_capture, file or note.",
};
const NAME: Parameter = Parameter { name: "name", about: "Its name; the ending is compared with the bytes." };
const WHY: Parameter = Parameter { name: "why", about: "What for; it goes on record before the first byte." };
const BUNDLE: Parameter = Parameter {
    name: "bundle",
    about: "`yes`: for a bundle, which also takes what is in quarantine; needs the permission command.",
};
const FROM: Parameter = Parameter { name: "cursor", about: "The `next` of the page before." };
const ONE: Answer = Answer::Json(200, schema::<Evidence>);
/// At most this many rows are looked at for one page.
const LOOKED_MAX: usize = 5_000;

pub(crate) const ROUTES: &[Route] = &[
    Route {
        body_max: FILE_MAX,
        query: &[INCIDENT, KIND, NAME],
        ..change(
            "/api/v1/evidence",
            Permission::Respond,
            None,
            Answer::Json(201, schema::<Evidence>),
            "Keep a file, sent as the body as it is, as evidence of an incident.",
            |call| Box::pin(upload::take(call)),
        )
    },
    change(
        "/api/v1/evidence/notes",
        Permission::Respond,
        Some(schema::<Note>),
        Answer::Json(201, schema::<Evidence>),
        "Keep a short text as evidence of an incident; taken at every level.",
        |call| Box::pin(note(call)),
    ),
    read(
        "/api/v1/evidence",
        &[OF, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Evidence>>),
        "What is kept as evidence, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/evidence/{id}", &[], ONE, "One piece of evidence.", |call| Box::pin(show(call))),
    Route {
        auth: Auth::Token(Permission::Respond),
        audit: Audit::Refusals,
        ..read(
            "/api/v1/evidence/{id}/content",
            &[WHY, BUNDLE],
            Answer::Other("application/octet-stream"),
            "Its bytes, compared with their hash first; who takes them and why goes on record.",
            |call| Box::pin(content(call)),
        )
    },
    read(
        "/api/v1/evidence/{id}/custody",
        &[LIMIT, FROM],
        Answer::Json(200, schema::<Page<Entry>>),
        "Who collected, read, exported or took it over, oldest first.",
        |call| Box::pin(custody(call)),
    ),
    change(
        "/api/v1/evidence/snapshot",
        Permission::Respond,
        Some(schema::<snapshot::Snapshot>),
        Answer::Json(201, schema::<snapshot::Kept>),
        "Keep the platform's log since the incident began, the newest backup and the configured folders.",
        |call| Box::pin(snapshot::take(call)),
    ),
    change(
        "/api/v1/evidence/export",
        Permission::Command,
        Some(schema::<leave::Export>),
        Answer::Json(200, schema::<Page<Evidence>>),
        "Put on record that all evidence of an incident leaves, and list it.",
        |call| Box::pin(leave::export(call)),
    ),
    Route {
        auth: Auth::Token(Permission::Command),
        audit: Audit::Refusals,
        ..read(
            "/api/v1/evidence/bundle",
            &[INCIDENT],
            Answer::Other("application/jsonl"),
            "The entries about all evidence of an incident with their proofs, to be checked offline.",
            |call| Box::pin(leave::entries(call)),
        )
    },
    change("/api/v1/evidence/{id}/verify", Permission::Respond, None, ONE, "Hash its bytes anew.", |call| {
        Box::pin(verify(call))
    }),
    change(
        "/api/v1/evidence/{id}/transfer",
        Permission::Respond,
        Some(schema::<Transfer>),
        ONE,
        "Put on record who answers for it from here on, and what they signed.",
        |call| Box::pin(transfer(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Note {
    incident: Parsed<IncidentId>,
    name: String,
    text: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Transfer {
    to: String,
    why: String,
    receipt: String,
}

/// The answer to what made a piece of evidence.
async fn made(call: &Call, command: Command) -> Result<Response, Error> {
    let receipt = call.command(flow::Command::Evidence(command)).await?;
    let Some(Stream::Evidence(id)) = receipt.created("evidence.collected") else {
        return Err(Error::internal("keeping evidence", &"no fact names it"));
    };
    let found = call.read(move |reader| reader.evidence(id)).await?;
    shown(StatusCode::CREATED, found.as_ref().map(Evidence::from))
}

async fn note(call: Call) -> Result<Response, Error> {
    let Note { incident: Parsed(incident), name, text } = call.json()?;
    made(&call, Command::Write { incident, kind: Kind::Note, name, text, source: Source::Note }).await
}

async fn list(call: Call) -> Result<Response, Error> {
    let of = call.query_as::<IncidentId>("incident", "an incident such as INC-13")?;
    let page = call.page()?;
    let (rows, next) = call.read(move |reader| of_incident(reader, of, page)).await?;
    ok(&Page { items: rows.iter().map(Evidence::from).collect(), next: next.map(|id| id.to_string()) })
}

/// A page of what belongs to an incident. It may be short although more follows.
fn of_incident(
    reader: &Reader,
    of: Option<IncidentId>,
    page: Part,
) -> Result<(Vec<Kept>, Option<u64>), engine::Error> {
    let (mut rows, mut looked, mut before) = (Vec::new(), 0, page.before);
    loop {
        let limit = page.limit.min(1_000);
        let part = reader.evidence_page(Part { before, limit })?;
        let more = part.len() == limit;
        for kept in part {
            looked += 1;
            before = Some(kept.id.0);
            if of.is_none_or(|incident| kept.item.incident == incident) {
                rows.push(kept);
            }
            if rows.len() == page.limit {
                return Ok((rows, before));
            }
        }
        if !more || looked >= LOOKED_MAX {
            return Ok((rows, before.filter(|_| more)));
        }
    }
}

async fn find(call: &Call) -> Result<Kept, Error> {
    let id: EvidenceId = call.param("id")?;
    let found = call.read(move |reader| reader.evidence(id)).await?;
    found.ok_or_else(|| missing(format_args!("evidence {id}")))
}

async fn show(call: Call) -> Result<Response, Error> {
    ok(&Evidence::from(&find(&call).await?))
}

async fn now(call: &Call, id: EvidenceId) -> Result<Response, Error> {
    let found = call.read(move |reader| reader.evidence(id)).await?;
    shown(StatusCode::OK, found.as_ref().map(Evidence::from))
}

async fn verify(call: Call) -> Result<Response, Error> {
    no_fields(&call)?;
    let kept = find(&call).await?;
    let id = kept.id;
    sealed(&kept)?;
    call.shared.handle.verify_evidence(call.actor()?, kept).await?;
    now(&call, id).await
}

async fn transfer(call: Call) -> Result<Response, Error> {
    let Transfer { to, why, receipt } = call.json()?;
    let id = call.param("id")?;
    call.command(flow::Command::Evidence(Command::Transfer { id, to, why, receipt })).await?;
    now(&call, id).await
}

async fn custody(call: Call) -> Result<Response, Error> {
    let kept = find(&call).await?;
    let page = call.page()?;
    let after = page.before;
    let wanted = kept.entries.into_iter().filter(|position| after.is_none_or(|after| *position > after));
    let wanted: Vec<u64> = wanted.take(page.limit + 1).collect();
    let more = wanted.len() > page.limit;
    let items = call.read(move |reader| {
        let entries = wanted.iter().take(page.limit).map(|position| reader.entry(*position));
        let entries: Result<Vec<_>, _> = entries.collect();
        Ok(entries?.iter().flatten().map(Entry::from).collect::<Vec<Entry>>())
    });
    let items = items.await?;
    let next = items.last().filter(|_| more).map(|entry| entry.position.to_string());
    ok(&Page { items, next })
}

fn sealed(kept: &Kept) -> Result<(), Error> {
    match kept.sealed_at {
        Some(_) => Ok(()),
        None => Err(Error::new(Problem::Conflict, format!("{} is not sealed yet; ask again", kept.id))),
    }
}

/// What does not have its hash is not handed out, and what is not what it was said to be neither.
async fn content(call: Call) -> Result<Response, Error> {
    let kept = find(&call).await?;
    let id = kept.id;
    let why = call.query_one("why")?.unwrap_or("").to_owned();
    let bundle = super::either(&call, "bundle", ["no", "yes"])?;
    if bundle {
        crate::gate::require(call.principal.as_ref(), Permission::Command)?;
    }
    if kept.item.quarantined && !bundle {
        let detail = format!("{id} is in quarantine; it leaves in a bundle only: see `evidence export`");
        return Err(Error::new(Problem::Conflict, detail));
    }
    sealed(&kept)?;
    let (handle, looked) = (call.shared.handle.clone(), kept.clone());
    let look = tokio::task::spawn_blocking(move || handle.look_at(&looked)).await;
    let found = look.map_err(|error| Error::internal("reading evidence", &error))?;
    if let Some(fault) = domain::evidence::fault(&kept, &found) {
        let verify = flow::Command::Evidence(Command::Verify { id, found });
        call.command(verify).await?;
        return Err(Error::new(Problem::Conflict, fault));
    }
    call.command(flow::Command::Evidence(Command::Access { id, why })).await?;
    Ok(attachment(stored(&call, kept)?, "application/octet-stream", &format!("{id}.bin")))
}

/// The bytes as they lie there, part by part.
fn stored(call: &Call, kept: Kept) -> Result<axum::body::Body, Error> {
    let permit = call.shared.streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| crate::shared::busy("too many streams and exports are open"))?;
    let (sender, body) = stream::channel();
    let handle = call.shared.handle.clone();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let cut_off = sender.clone();
        let mut out = Writer::new(sender);
        let copied = match handle.stored(&kept.item.sha256) {
            Ok(Some(mut bytes)) => std::io::copy(&mut bytes, &mut out)
                .and_then(|_| std::io::Write::flush(&mut out))
                .map_err(|error| error.to_string()),
            Ok(None) => Err("its bytes are gone".to_owned()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = copied {
            tracing::warn!(id = %kept.id, why = %why.escape_debug(), "evidence was cut off");
            drop(cut_off.blocking_send(Err(std::io::Error::other("the evidence was cut off"))));
        }
    });
    Ok(body)
}

/// A browser keeps it as a file and runs nothing of it.
fn attachment(body: axum::body::Body, media: &'static str, name: &str) -> Response {
    let mut response = body.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("sandbox; default-src 'none'"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // INVARIANT: the name is made of an id of ours, so it is plain ASCII.
    let named = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""));
    headers.extend(named.ok().map(|named| (header::CONTENT_DISPOSITION, named)));
    response
}
