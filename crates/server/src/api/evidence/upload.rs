//! A file that somebody offers. What is not what it is said to be is kept out of reach and raises an alert.

use axum::{http::header, response::Response};
use domain::{
    alert::Received,
    control::{Control, SafeMode},
    event::Actor,
    evidence::{Command, Item, Kind, Source},
    flow,
    id::IncidentId,
    labels::Labels,
    limits::{FileKind, takes_file},
    text::shown,
};

use super::made;
use crate::{
    Error, Problem,
    call::Call,
    route::FILE_MAX,
    shared::busy,
    upload::{Look, Seen, Told, reader},
};

pub(super) async fn take(call: Call) -> Result<Response, Error> {
    let needed = |name: &str| Error::new(Problem::Malformed, format!("the query needs `{name}`"));
    let incident = call.query_as::<IncidentId>("incident", "an incident such as INC-13")?;
    let incident = incident.ok_or_else(|| needed("incident"))?;
    let kind = call.query_one("kind")?.ok_or_else(|| needed("kind"))?;
    let kind: Kind = kind.parse().map_err(|why: String| Error::new(Problem::Malformed, why))?;
    let name = call.query_one("name")?.ok_or_else(|| needed("name"))?.to_owned();
    if name.trim().is_empty() || name.len() > domain::evidence::NAME_MAX {
        return Err(Error::new(Problem::Invalid, "the name is empty or longer than 256 bytes"));
    }
    let found = call.read(move |reader| reader.incident(incident)).await?;
    if found.is_none_or(|incident| incident.status == domain::incident::Status::Closed) {
        return Err(super::missing(format_args!("open incident {incident}")));
    }
    let level = level(&call.read(|reader| reader.control()).await?);
    if !takes_file(level, FileKind::Text) {
        return Err(Error::new(Problem::Limited, refusal(level, "no file from outside")));
    }
    let (sha256, bytes, seen) = keep(&call, told(&call, &name), level).await?;
    let item = Item {
        incident,
        kind,
        name: name.into(),
        sha256: sha256.into(),
        bytes,
        source: Source::Upload,
        media: seen.media.map(Into::into),
        quarantined: seen.disguised.is_some(),
    };
    match seen.disguised {
        None => made(&call, Command::Collect(Box::new(item))).await,
        Some(why) => Err(quarantine(&call, item, &why).await?),
    }
}

/// The switch is as strict as the highest level.
fn level(control: &Control) -> SafeMode {
    if control.kill_switch.is_some() { SafeMode::Lockdown } else { control.safe_mode }
}

fn refusal(level: SafeMode, takes: &str) -> String {
    format!("safe mode {level} takes {takes}; what Ringfence itself collects is kept all the same")
}

fn told(call: &Call, name: &str) -> Told {
    let media = call.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let media = media.map(|media| media.split(';').next().unwrap_or("").trim().to_ascii_lowercase());
    Told { name: name.to_owned(), media: media.filter(|media| media != "application/octet-stream") }
}

/// Takes it into the store under its hash. Nothing is left of what is refused.
async fn keep(call: &Call, told: Told, level: SafeMode) -> Result<(String, u64, Seen), Error> {
    let permit = call.shared.streams.clone().try_acquire_owned();
    let permit = permit.map_err(|_| busy("too many streams and exports are open"))?;
    let takes = match level {
        SafeMode::Restricted => "text and a few types of files",
        SafeMode::Disabled | SafeMode::Paranoid | SafeMode::Emergency | SafeMode::Lockdown => "text only",
    };
    let refuse = move |seen: &Seen| {
        let taken = seen.disguised.is_some() || takes_file(level, seen.kind);
        (!taken).then(|| refusal(level, takes))
    };
    let mut look = Look::new(reader(call.stream()), told, refuse);
    let handle = call.shared.handle.clone();
    let taken = tokio::task::spawn_blocking(move || {
        let _permit = permit;
        let taken = handle.take_in(&mut look, FILE_MAX as u64);
        (taken, look)
    });
    let (taken, look) = taken.await.map_err(|error| Error::internal("keeping a file", &error))?;
    match (taken, look.refused, look.broke, look.seen) {
        (Ok(Some((sha256, bytes))), None, None, Some(seen)) => Ok((sha256, bytes, seen)),
        (_, Some(refused), _, _) => Err(Error::new(Problem::Limited, refused)),
        (_, None, Some(broke), _) => Err(Error::new(Problem::Malformed, broke)),
        (Ok(None), None, None, _) => {
            Err(Error::new(Problem::TooLarge, format!("the file is longer than {FILE_MAX} bytes")))
        }
        (Err(error), None, None, _) => Err(error.into()),
        (Ok(Some(_)), None, None, None) => Err(Error::internal("keeping a file", &"its end was not seen")),
    }
}

/// The incident that follows finds it by its hash.
async fn quarantine(call: &Call, item: Item, why: &str) -> Result<Error, Error> {
    let (sha256, name) = (item.sha256.clone(), shown(&item.name, false));
    let incident = item.incident;
    let collect = Command::Collect(Box::new(item));
    call.command(flow::Command::Evidence(collect)).await?;
    let file = format!("sha256:{sha256}");
    let labels = [
        ("alertname", "DisguisedFile"),
        ("file", &*file),
        ("incident_type", "malicious_file_upload"),
        ("source", "upload"),
    ];
    let who = call.actor()?.to_string();
    let annotations = vec![
        ("description".to_owned(), format!("`{name}` was offered as evidence of {incident}: {why}")),
        ("offered_by".to_owned(), who),
    ];
    let annotations = Labels::from_pairs(annotations)
        .map_err(|error| Error::internal("telling of a disguised file", &format!("{error:?}")))?;
    let labels = Labels::from(labels);
    let alert = Received { labels, annotations, ..Received::default() };
    call.shared.handle.receive(Actor::Platform, vec![alert]).await?;
    let detail = format!("{why}; it is in quarantine as {file}, and an alert says so");
    Ok(Error::new(Problem::Invalid, detail))
}
