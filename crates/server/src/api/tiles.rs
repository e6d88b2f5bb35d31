//! `/log`: the log as C2SP tlog-tiles serves it, for monitors and witnesses. Envelopes only.

use axum::{
    http::{HeaderValue, header},
    response::{IntoResponse, Response},
};
use tlog::tile::Tile;

use super::{log, missing};
use crate::{
    Error,
    call::Call,
    route::{Answer, Audit, Auth, Contract, Handler, Method, Route},
};

pub(crate) const ROUTES: &[Route] = &[
    route("/log/checkpoint", "text/plain; charset=utf-8", "The newest signed checkpoint.", |call| {
        Box::pin(checkpoint(call))
    }),
    route(
        "/log/tile/{*path}",
        "application/octet-stream",
        "A tile of hashes, or with `entries/…` of entries.",
        |call| Box::pin(tile(call, "tile")),
    ),
    route("/log/entries/{*path}", "application/octet-stream", "A bundle of entries.", |call| {
        Box::pin(tile(call, "tile/entries"))
    }),
];

const fn route(path: &'static str, media: &'static str, summary: &'static str, handler: Handler) -> Route {
    Route {
        method: Method::Get,
        path,
        contract: Contract::Log,
        auth: Auth::LogReader,
        audit: Audit::Nothing,
        body_max: 0,
        query: &[],
        request: None,
        answer: Answer::Other(media),
        summary,
        handler,
    }
}

async fn checkpoint(call: Call) -> Result<Response, Error> {
    let (text, _) = call.shared.read(log::newest).await?;
    let kind = (header::CONTENT_TYPE, "text/plain; charset=utf-8");
    Ok(([kind, (header::CACHE_CONTROL, "no-cache")], text).into_response())
}

/// Complete tiles never change; a partial one is superseded by the next.
async fn tile(call: Call, prefix: &'static str) -> Result<Response, Error> {
    let shown: String = call.text_param("path")?.chars().take(128).collect();
    let not_there = || missing(format_args!("tile `{shown}` in the log"));
    let tile = Tile::parse(&format!("{prefix}/{shown}")).map_err(|_| not_there())?;
    let bytes = call
        .shared
        .read(move |reader| {
            if reader.checkpoint()?.is_none() {
                return Ok(None);
            }
            let (_, checkpoint) = log::newest(reader)?;
            let covered = tile.end_position().is_some_and(|end| end <= checkpoint.size);
            Ok(if covered { reader.tile(&tile)? } else { None })
        })
        .await?;
    let mut response = bytes.ok_or_else(not_there)?.into_response();
    let kept = if tile.is_partial() { "public, max-age=3600" } else { "public, max-age=31536000, immutable" };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(kept));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
    Ok(response)
}
