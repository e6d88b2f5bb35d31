//! What is known of an incident that is closed, for the notices that come after its end: the deadlines of its review
//! and of the report that it came from.

use super::Reason;
use crate::{
    event::{Actor, Meta},
    id::IncidentId,
    incident::{self, Event, Incident, Status},
    severity::Severity,
    state::State,
};

/// The incident as its review, or the report, names it. Its own words may be erased by now, so they are not kept.
pub(super) fn incident(state: &State, id: IncidentId, reason: Reason) -> Option<Incident> {
    let (title, severity, drill, time) = match reason {
        Reason::Review | Reason::Cause => {
            let review = state.reviews.values().find(|review| review.incident == id)?;
            (format!("review {}", review.id), review.severity, review.drill, review.opened_at)
        }
        Reason::Task => {
            let report = state.reports.values().find(|report| report.incident == Some(id))?;
            (format!("report {}", report.id), report.told.severity, false, report.received_at)
        }
        Reason::Opened
        | Reason::Run
        | Reason::Escalated
        | Reason::Acknowledged
        | Reason::Attention
        | Reason::Approval
        | Reason::Update
        | Reason::Digest
        | Reason::Duty
        | Reason::Statement
        | Reason::Exercise
        | Reason::Resolved => return None,
    };
    let opened = Event::Opened {
        title: title.into(),
        incident_type: Box::default(),
        severity: severity.unwrap_or(Severity::Medium),
        targets: Vec::new(),
        group: Box::default(),
        alert: None,
        auto_response: false,
        drill,
        confidence: None,
        onset: None,
        escalation: None,
        reported: false,
        why: Box::default(),
    };
    let meta = Meta { position: id.0, time, actor: Actor::Platform };
    let known = incident::create(id, &opened, &meta)?;
    Some(Incident { status: Status::Closed, ..known })
}
