//! `/api/security/quarantine`: one short call that locks a file away, for a hand in a hurry. It opens an incident, so
//! that nothing is taken away without somebody who looks after it.

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission, action, event::Stream, flow::Command, id::IncidentId, incident, severity::Severity,
};
use engine::Receipt;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{change, shown};
use crate::{
    Error, Problem,
    call::Call,
    json::Parsed,
    route::{Answer, Route, schema},
    view::Action,
};

const VERB: &str = "file.quarantine";
const TYPE: &str = "malicious_file";

pub(crate) const ROUTES: &[Route] = &[change(
    "/api/security/quarantine",
    Permission::Command,
    Some(schema::<Quarantine>),
    Answer::Json(201, schema::<Action>),
    "Put a file of this machine into quarantine, for an open incident or one of its own.",
    |call| Box::pin(quarantine(call)),
)];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Quarantine {
    /// Absolute, and below one of the folders in `[files] roots` of ringfence.toml.
    path: String,
    /// The open incident that it belongs to; otherwise one is opened.
    incident: Option<Parsed<IncidentId>>,
}

async fn quarantine(call: Call) -> Result<Response, Error> {
    let Quarantine { path, incident } = call.json()?;
    if !path.starts_with('/') || path.len() > 1_024 {
        let detail = "`path` is not an absolute path of at most 1024 bytes";
        return Err(Error::new(Problem::Invalid, detail));
    }
    let id = match incident {
        Some(Parsed(incident)) => apply(&call, incident, path).await?,
        None => {
            let (incident, receipt) = open(&call, path.clone()).await?;
            // Its playbook may have begun with just that.
            match begun(&call, &receipt, &path).await? {
                Some(id) => id,
                None => apply(&call, incident, path).await?,
            }
        }
    };
    let found = call.read(move |reader| reader.action(id)).await?;
    shown(StatusCode::CREATED, found.as_ref().map(Action::from))
}

async fn open(call: &Call, path: String) -> Result<(IncidentId, Receipt), Error> {
    let title =
        format!("quarantine of {}", domain::text::shown(&path, false).chars().take(200).collect::<String>());
    let targets = vec![("file".into(), path.into())];
    let (incident_type, severity) = (TYPE.to_owned(), Severity::High);
    let open = incident::Command::Open { title, incident_type, severity, targets };
    let receipt = call.command(Command::Incident(open)).await?;
    match receipt.created("incident.opened") {
        Some(Stream::Incident(id)) => Ok((id, receipt)),
        Some(_) | None => Err(Error::internal("opening an incident", &"no fact names it")),
    }
}

async fn begun(call: &Call, receipt: &Receipt, path: &str) -> Result<Option<domain::id::ActionId>, Error> {
    for (_, stream, _) in &receipt.facts {
        if let Stream::Action(id) = *stream
            && let Some(action) = call.read(move |reader| reader.action(id)).await?
            && &*action.spec.verb == VERB
            && &*action.spec.target == path
        {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

async fn apply(call: &Call, incident: IncidentId, target: String) -> Result<domain::id::ActionId, Error> {
    let (verb, args) = (VERB.to_owned(), serde_json::Map::new());
    let apply = action::Command::Apply { incident, verb, target, args, lease: None };
    let receipt = call.command(Command::Action(apply)).await?;
    match receipt.created("action.intended").or_else(|| receipt.created("action.held")) {
        Some(Stream::Action(id)) => Ok(id),
        Some(_) | None => Err(Error::internal("asking for an action", &"no fact names it")),
    }
}
