//! `/api/v1/intake`: bodies of sources that could not be read.

use axum::response::Response;
use domain::{id::RawId, intake};
use schemars::JsonSchema;
use serde::Serialize;

use super::{CURSOR, LIMIT, missing, read};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Route, schema},
    view::{Page, text},
};

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/intake",
        &[LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Unread>>),
        "Bodies that could not be read, newest first, without their text.",
        |call| Box::pin(list(call)),
    ),
    read(
        "/api/v1/intake/{id}",
        &[],
        Answer::Json(200, schema::<Unread>),
        "One of them, with its text.",
        |call| Box::pin(show(call)),
    ),
];

/// A body that could not be read.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "UnreadBody")]
struct Unread {
    id: String,
    source: String,
    received_at: String,
    /// Where it broke, and why.
    reason: String,
    /// Of the part that is kept, in bytes.
    length: usize,
    /// What came, at most 64 KiB; bytes that are no UTF-8 are replaced. Absent in lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    body: Option<String>,
}

impl From<&intake::Raw> for Unread {
    fn from(raw: &intake::Raw) -> Unread {
        Unread {
            id: text(raw.id),
            source: text(&raw.source),
            received_at: text(raw.received_at),
            reason: text(&raw.reason),
            length: raw.body.len(),
            body: None,
        }
    }
}

async fn list(call: Call) -> Result<Response, Error> {
    let page = call.page()?;
    let rows = call.read(move |reader| reader.raws(page)).await?;
    ok(&Page::of(&rows, page.limit, |raw| raw.id.0, |raw| Unread::from(raw)))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: RawId = call.param("id")?;
    let raw = call.read(move |reader| reader.raw(id)).await?;
    let raw = raw.ok_or_else(|| missing(format_args!("body {id}")))?;
    ok(&Unread { body: Some(text(&raw.body)), ..Unread::from(&raw) })
}
