//! `/api/v1/backups` and `/api/integrity`: encrypted copies of everything, and whether all is what it was.

use std::sync::Arc;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::access::Permission;
use engine::backup::Shelf;

use super::{change, missing, no_fields, read};
use crate::{
    Error, Problem,
    call::{self, Call, ok},
    route::{Answer, Audit, Auth, Route, schema},
    stream::{self, Writer},
    view::{Backup, Integrity, Made, Page, Verified},
};

pub(crate) const ROUTES: &[Route] = &[
    change(
        "/api/v1/backups",
        Permission::Administer,
        None,
        Answer::Json(201, schema::<Made>),
        "Make a backup: one consistent point, encrypted, read back once.",
        |call| Box::pin(make(call)),
    ),
    Route {
        auth: Auth::Token(Permission::Administer),
        audit: Audit::Refusals,
        ..read(
            "/api/v1/backups",
            &[],
            Answer::Json(200, schema::<Page<Backup>>),
            "The backups of the configured folder, newest first.",
            |call| Box::pin(list(call)),
        )
    },
    change(
        "/api/v1/backups/{id}/verify",
        Permission::Administer,
        None,
        Answer::Json(200, schema::<Verified>),
        "Open a backup and look at everything within.",
        |call| Box::pin(verify(call)),
    ),
    Route {
        auth: Auth::Token(Permission::Administer),
        audit: Audit::Refusals,
        ..read(
            "/api/v1/backups/{id}/content",
            &[],
            Answer::Other("application/octet-stream"),
            "The encrypted file.",
            |call| Box::pin(content(call)),
        )
    },
    Route {
        auth: Auth::Token(Permission::Command),
        audit: Audit::Refusals,
        ..read(
            "/api/integrity/validate",
            &[],
            Answer::Json(200, schema::<Integrity>),
            "Look at log, rows, database, blobs and the newest backup, while all goes on.",
            |call| Box::pin(validate(call)),
        )
    },
];

/// The folder of backups, where this platform has one.
pub(super) fn shelf(call: &Call) -> Result<Arc<Shelf>, Error> {
    let none =
        || Error::new(Problem::Unavailable, "this server has no data directory, so nothing to back up");
    call.shared.backups.clone().ok_or_else(none)
}

/// What failed inside is told whole: who may ask for a backup also reads the program's own log.
pub(super) fn failed(error: &engine::Error) -> Error {
    let cause = std::error::Error::source(error).map_or_else(String::new, |cause| format!(": {cause}"));
    Error::new(Problem::Unavailable, format!("{error}{cause}"))
}

/// One at a time: each takes the disk and a processor for itself.
pub(super) async fn alone<T: Send + 'static>(
    call: &Call,
    work: impl FnOnce(&Shelf) -> Result<T, engine::Error> + Send + 'static,
) -> Result<T, Error> {
    let shelf = shelf(call)?;
    let permit = call.shared.looks.clone().try_acquire_owned();
    let permit = permit.map_err(|_| crate::shared::busy("a backup is being looked at already"))?;
    let task = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        work(&shelf)
    });
    let done = task.await.map_err(|error| Error::internal("looking at a backup", &error))?;
    done.map_err(|error| failed(&error))
}

async fn make(call: Call) -> Result<Response, Error> {
    no_fields(&call)?;
    let shelf = shelf(&call)?;
    let key_file = shelf.key_file().display().to_string();
    let permit = call.shared.looks.try_acquire();
    let _permit = permit.map_err(|_| crate::shared::busy("a backup is being made or looked at already"))?;
    let made = call.shared.handle.back_up(shelf, call.actor()?).await;
    let (listed, new_key) = made.map_err(|error| failed(&error))?;
    call::answer(StatusCode::CREATED, &Made { backup: Backup::from(&listed), new_key, key_file })
}

async fn list(call: Call) -> Result<Response, Error> {
    let shelf = shelf(&call)?;
    let listed = tokio::task::spawn_blocking(move || shelf.list()).await;
    let listed = listed.map_err(|error| Error::internal("listing backups", &error))?;
    let listed = listed.map_err(|error| failed(&error))?;
    ok(&Page { items: listed.iter().map(Backup::from).collect(), next: None })
}

async fn verify(call: Call) -> Result<Response, Error> {
    no_fields(&call)?;
    let id = call.text_param("id")?.to_owned();
    let looked = alone(&call, {
        let id = id.clone();
        move |shelf| shelf.find(&id)?.map(|listed| shelf.check(&listed)).transpose()
    });
    let looked = looked.await?.ok_or_else(|| missing(format_args!("backup {id}")))?;
    ok(&Verified::from(looked))
}

async fn content(call: Call) -> Result<Response, Error> {
    let (shelf, id) = (shelf(&call)?, call.text_param("id")?.to_owned());
    let permit = call.shared.streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| crate::shared::busy("too many streams and exports are open"))?;
    let wanted = id.clone();
    let found = tokio::task::spawn_blocking(move || shelf.find(&wanted)).await;
    let found = found.map_err(|error| Error::internal("looking for a backup", &error))?;
    let found = found.map_err(|error| failed(&error))?.ok_or_else(|| missing(format_args!("backup {id}")))?;
    let (sender, body) = stream::channel();
    tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let cut_off = sender.clone();
        let mut out = Writer::new(sender);
        let sent = std::fs::File::open(&found.path)
            .and_then(|mut file| std::io::copy(&mut file, &mut out))
            .and_then(|_| std::io::Write::flush(&mut out));
        if let Err(error) = sent {
            drop(cut_off.blocking_send(Err(error)));
        }
    });
    let mut response = body.into_response();
    let media = HeaderValue::from_static("application/octet-stream");
    response.headers_mut().insert(header::CONTENT_TYPE, media);
    Ok(response)
}

async fn validate(call: Call) -> Result<Response, Error> {
    let (log_key, now) = (call.shared.log_key.clone(), call.now());
    ok(&Integrity::from(alone(&call, move |shelf| shelf.validate(log_key, now)).await?))
}
