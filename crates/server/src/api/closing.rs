//! `/api/v1/incidents/{id}/checks`: the platform looks at what has to hold before an incident closes, and puts on record
//! what it found.

use axum::response::Response;
use domain::{
    access::Permission,
    event::Actor,
    flow::Command,
    id::IncidentId,
    incident::{
        self, Disposition, Incident, Status,
        closing::{Found, Gate},
    },
    time::Timestamp,
};
use engine::backup::{Shelf, Validated};

use super::{backups::alone, change, incidents, missing, no_fields};
use crate::{
    Error,
    call::Call,
    route::{Answer, Route, schema},
    view,
};

/// So many findings are told of one look.
const TOLD_MAX: usize = 10;

pub(crate) const ROUTES: &[Route] = &[change(
    "/api/v1/incidents/{id}/checks",
    Permission::Respond,
    None,
    Answer::Json(200, schema::<view::Incident>),
    "Look at what has to hold before it closes: log, backup, detection.",
    |call| Box::pin(check(call)),
)];

async fn check(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    no_fields(&call)?;
    let found = call.read(move |reader| reader.incident(id)).await?;
    if found.is_none_or(|incident| incident.status == Status::Closed) {
        return Err(missing(format_args!("open incident {id}")));
    }
    looked(&call, id, &[Gate::Log, Gate::Backup]).await?;
    incidents::shown_now(&call, id).await
}

/// Before it closes as what was real: what content asks for and nobody has looked at lately is looked at now.
pub(super) async fn prove(call: &Call, id: IncidentId) -> Result<(), Error> {
    let found = call.read(move |reader| reader.incident(id)).await?;
    // What is not open is refused by the command itself.
    let Some(incident) = found.filter(|incident| incident.status != Status::Closed) else { return Ok(()) };
    let (content, now) = (call.shared.content(), call.now());
    let close = &content.recovery.close;
    let asked = |gate: &Gate| close.asks(*gate, &incident.incident_type, incident.severity);
    let old = |gate: &Gate| !is_young(&incident, *gate, now, close.within);
    let gates: Vec<Gate> = [Gate::Log, Gate::Backup].into_iter().filter(asked).filter(old).collect();
    if gates.is_empty() { Ok(()) } else { looked(call, id, &gates).await }
}

fn is_young(incident: &Incident, gate: Gate, now: Timestamp, within: domain::time::Span) -> bool {
    incident.checks.get(&gate).is_some_and(|looked| looked.passed && now.since(looked.at) < within)
}

/// For whoever may close it.
async fn looked(call: &Call, id: IncidentId, gates: &[Gate]) -> Result<(), Error> {
    let disposition = Disposition::TruePositive;
    call.may(Command::Incident(incident::Command::Close { id, disposition })).await?;
    let mut found = Vec::new();
    for gate in gates {
        let (log_key, now) = (call.shared.log_key.clone(), call.now());
        if call.shared.backups.is_none() {
            let said = "this server has no data directory, so there is nothing to look at".into();
            found.push(Found { gate: *gate, passed: false, said });
            continue;
        }
        let look = match gate {
            Gate::Log => alone(call, move |shelf: &Shelf| shelf.validate_log(log_key, now)).await?,
            Gate::Backup => alone(call, move |shelf: &Shelf| Ok(shelf.validate_backup(now))).await?,
            Gate::Detection => continue,
        };
        found.push(told(*gate, look));
    }
    // Nobody but the platform says what it found when it looked at itself.
    let check = Command::Incident(incident::Command::Check { id, found });
    call.shared.handle.command(Actor::Platform, check).await?;
    Ok(())
}

pub(super) fn told(gate: Gate, look: Validated) -> Found {
    let said = match look.findings.len() {
        0 => format!("{}: nothing is wrong", look.looked_at),
        many if many > TOLD_MAX => {
            format!("{} and {} more", look.findings[..TOLD_MAX].join("; "), many - TOLD_MAX)
        }
        _ => look.findings.join("; "),
    };
    // A newer backup that does not verify is told, and the one that does still restores.
    let restores = gate == Gate::Backup && look.looked_at != "none";
    Found { gate, passed: look.findings.is_empty() || restores, said: said.into() }
}
