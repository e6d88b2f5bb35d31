//! `/api/v1/incidents/{id}/recovery`: what an incident hurt, how it is brought back, and what shows that it is well.
//! `/api/v1/reports/recovery/{id}` is the same as people read it afterwards, with the times.

use std::collections::BTreeSet;

use axum::response::Response;
use domain::{
    access::Permission,
    action,
    content::{Content, services::Verifies},
    event::Stream,
    flow::Command,
    id::IncidentId,
    incident::{self, restore},
};
use engine::Reader;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{change, missing, no_fields, read, shown};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Route, schema},
    view::{Recovery, text},
};

/// Entries of an incident that are looked at for its containments.
const LOOK: usize = 10_000;

const ONE: Answer = Answer::Json(200, schema::<Recovery>);

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/incidents/{id}/recovery",
        &[],
        ONE,
        "What the incident hurt, in the order in which it is brought back; a preview until that has begun.",
        |call| Box::pin(show(call)),
    ),
    change(
        "/api/v1/incidents/{id}/recover",
        Permission::Command,
        None,
        ONE,
        "Bring back what the incident hurt, in order; what failed begins anew.",
        |call| Box::pin(recover(call)),
    ),
    change(
        "/api/v1/incidents/{id}/verify",
        Permission::Respond,
        Some(schema::<Verify>),
        ONE,
        "Say what you found when you looked at data, posture or health.",
        |call| Box::pin(verify(call)),
    ),
    read(
        "/api/v1/reports/recovery/{id}",
        &[],
        Answer::Json(200, schema::<Report>),
        "What an incident hurt, when it came back, what showed it, and how that compares with the targets.",
        |call| Box::pin(report(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Verify {
    of: Of,
    /// One service of the recovery; everything if absent.
    service: Option<String>,
    passed: bool,
    /// What you looked at.
    note: String,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Of {
    Data,
    Posture,
    Health,
}

impl From<Of> for Verifies {
    fn from(of: Of) -> Verifies {
        match of {
            Of::Data => Verifies::Data,
            Of::Posture => Verifies::Posture,
            Of::Health => Verifies::Health,
        }
    }
}

/// The recovery with the times of its incident.
#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    incident: String,
    title: String,
    incident_type: String,
    severity: String,
    onset: Option<String>,
    opened_at: String,
    contained_at: Option<String>,
    resolved_at: Option<String>,
    relapses: u32,
    signed_off_by: Option<String>,
    #[serde(flatten)]
    recovery: Recovery,
    /// Services with a target time that were well within it, of those that have one and are well.
    in_time: String,
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    let found = find(&call, id).await?;
    ok(&found.ok_or_else(|| missing(format_args!("incident {id}")))?.1)
}

async fn find(call: &Call, id: IncidentId) -> Result<Option<(incident::Incident, Recovery)>, Error> {
    let content = call.shared.content();
    call.read(move |reader| {
        let Some(incident) = reader.incident(id)? else { return Ok(None) };
        let recovery = view(reader, &content, &incident)?;
        Ok(Some((incident, recovery)))
    })
    .await
}

fn view(
    reader: &Reader,
    content: &Content,
    incident: &incident::Incident,
) -> Result<Recovery, engine::Error> {
    let mut actions: Vec<action::Action> = Vec::new();
    for stream in reader.streams_of(incident.id, LOOK)? {
        if let Stream::Action(id) = stream {
            actions.extend(reader.action(id)?);
        }
    }
    let mut plan = incident.recovery.as_deref().cloned().unwrap_or_default();
    if !plan.is_started() {
        let named = restore::named(incident, actions.iter());
        // Over a bound there is no plan; beginning it says why.
        plan.services = restore::planned(content, &named, &BTreeSet::new()).unwrap_or_default();
    }
    let owned = |action: &action::Action| {
        content.services.values().any(|one| one.owns(&action.spec.target_kind, &action.spec.target))
    };
    let left = actions.iter().filter(|action| action.may_be_in_force() && !owned(action));
    Ok(Recovery::of(incident, &plan, left))
}

async fn recover(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    no_fields(&call)?;
    carry_out(&call, id, restore::Command::Begin).await
}

async fn verify(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    let Verify { of, service, passed, note } = call.json()?;
    carry_out(&call, id, restore::Command::Judge { of: of.into(), service, passed, note }).await
}

async fn carry_out(call: &Call, id: IncidentId, command: restore::Command) -> Result<Response, Error> {
    call.command(Command::Incident(incident::Command::Recovery { id, command })).await?;
    let found = find(call, id).await?;
    shown(axum::http::StatusCode::OK, found.map(|(_, recovery)| recovery))
}

async fn report(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    let found = find(&call, id).await?;
    let (incident, recovery) = found.ok_or_else(|| missing(format_args!("incident {id}")))?;
    let judged = || recovery.services.iter().filter_map(|service| service.in_time);
    let in_time = format!("{} of {}", judged().filter(|in_time| *in_time).count(), judged().count());
    ok(&Report {
        incident: text(incident.id),
        title: incident.title.to_string(),
        incident_type: incident.incident_type.to_string(),
        severity: text(incident.severity),
        onset: incident.onset.map(text),
        opened_at: text(incident.opened_at),
        contained_at: incident.contained_at.map(text),
        resolved_at: incident.resolved_at.map(text),
        relapses: incident.relapses,
        signed_off_by: incident.signed_off.map(|(by, _)| text(by)),
        recovery,
        in_time,
    })
}
