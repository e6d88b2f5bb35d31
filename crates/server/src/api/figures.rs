//! `/api/v1/reports/kpi`: how well incidents are handled, each figure with what it is made of.
//! `/api/v1/reports/incident/{id}`: one incident from its first alert to its review, as one document.

use std::collections::BTreeSet;

use axum::response::Response;
use domain::{event::Stream, figures::Case, id::IncidentId, time::Timestamp};
use engine::Reader;
use schemars::JsonSchema;
use serde::Serialize;

use super::{incidents::page, missing, read, reviews};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Parameter, Route, schema},
    shared::Shared,
    view::{Approval, IncidentPage, Kpi, kpi_window, summary, text},
};

/// Entries that one document names.
const ENTRIES_MAX: usize = 1_000;

pub(crate) const SINCE: Parameter =
    Parameter { name: "since", about: "Incidents opened from then on; 30 days before `until` if absent." };
pub(crate) const UNTIL: Parameter = Parameter { name: "until", about: "And before then; now if absent." };

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/reports/kpi",
        &[SINCE, UNTIL],
        Answer::Json(200, schema::<Kpi>),
        "Figures over the incidents of a window, with percentiles, targets, and the incidents that they are made of.",
        |call| Box::pin(kpi(call)),
    ),
    read(
        "/api/v1/reports/incident/{id}",
        &[],
        Answer::Json(200, schema::<Story>),
        "One incident as a document: what, who, when, what was allowed and done, how it ended.",
        |call| Box::pin(story(call)),
    ),
];

/// The whole of an incident, as it is told afterwards.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IncidentReport")]
struct Story {
    at: String,
    #[serde(flatten)]
    page: IncidentPage,
    times: Vec<Moment>,
    /// Whether it kept to every target that applies; null while it may still miss one.
    in_time: Option<bool>,
    work: Work,
    approvals: Vec<Approval>,
    reviews: Vec<reviews::Review>,
    entries: Vec<Told>,
    /// There are more entries than these; the timeline has them.
    more: bool,
}

/// One of its times, and how long after the opening it came.
#[derive(Debug, Serialize, JsonSchema)]
struct Moment {
    what: &'static str,
    at: String,
    /// Before the opening it is negative.
    after_s: f64,
}

/// Who did what.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "IncidentWork")]
struct Work {
    /// Effects that the platform had alone.
    alone: u32,
    /// Effects that a person asked for or allowed.
    asked: u32,
    /// Steps that people did or decided.
    by_hand: u32,
    containments_held: u32,
    containments_failed: u32,
    escalations: u32,
}

/// One entry of the journal as a sentence; its proof is at `/api/v1/log/prove/{position}`.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ToldEntry")]
struct Told {
    position: u64,
    time: String,
    actor: String,
    kind: String,
    summary: String,
}

async fn kpi(call: Call) -> Result<Response, Error> {
    let window = kpi_window(&call)?;
    ok(&Kpi::of(&call, window).await?)
}

async fn story(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    let (shared, now) = (call.shared.clone(), call.now());
    let found = call.read(move |reader| tell(reader, &shared, id, now)).await?;
    ok(&found.ok_or_else(|| missing(format_args!("incident {id}")))?)
}

fn tell(
    reader: &Reader,
    shared: &Shared,
    id: IncidentId,
    now: Timestamp,
) -> Result<Option<Story>, engine::Error> {
    let Some((incident, page)) = reader.incident(id)?.zip(page(reader, shared, id)?) else { return Ok(None) };
    let case = Case::of(&incident);
    let content = shared.content();
    let category = content.types.get(&*case.incident_type).map(|known| known.category.as_str());
    let in_time = case.in_time(&content.targets.of(category, case.severity), now);
    let timeline = reader.timeline(id, 0, ENTRIES_MAX)?;
    let (mut approvals, mut looked) = (Vec::new(), Vec::new());
    let streams: BTreeSet<Stream> =
        timeline.entries.iter().filter_map(|entry| entry.envelope.stream.parse().ok()).collect();
    for stream in streams {
        if let Stream::Approval(id) = stream {
            approvals.extend(reader.approval(id)?.as_ref().map(Approval::from));
        }
        if let Stream::Review(id) = stream {
            looked.extend(reader.review(id)?.as_ref().map(reviews::Review::from));
        }
    }
    let told = |entry: &engine::TimelineEntry| Told {
        position: entry.envelope.position,
        time: text(Timestamp(entry.envelope.time_us)),
        actor: entry.envelope.actor.clone(),
        kind: entry.envelope.kind.clone(),
        summary: entry
            .body
            .as_deref()
            .map_or_else(|| "[redacted]".to_owned(), |body| summary(&entry.envelope.stream, body)),
    };
    Ok(Some(Story {
        at: text(now),
        page,
        times: moments(&case),
        in_time,
        work: Work {
            alone: case.tally.alone,
            asked: case.tally.asked,
            by_hand: case.tally.by_hand,
            containments_held: case.tally.contained,
            containments_failed: case.tally.uncontained,
            escalations: case.tally.escalated,
        },
        approvals,
        reviews: looked,
        entries: timeline.entries.iter().map(told).collect(),
        more: timeline.next.is_some(),
    }))
}

fn moments(case: &Case) -> Vec<Moment> {
    let times = [
        ("began", case.onset),
        ("opened", Some(case.opened_at)),
        ("first contained", case.contained_at),
        ("containment read back", case.tally.verified_at),
        ("acknowledged", case.acknowledged_at),
        ("recovery begun", case.recovery_at),
        ("recovered", case.recovered_at),
        ("resolved", case.resolved_at),
        ("closed", case.tally.closed_at),
    ];
    let mut known: Vec<(&'static str, Timestamp)> =
        times.into_iter().filter_map(|(what, at)| Some((what, at?))).collect();
    known.sort_by_key(|(_, at)| *at);
    let after = |at: Timestamp| (at.0 - case.opened_at.0) as f64 / 1e6;
    known.into_iter().map(|(what, at)| Moment { what, at: text(at), after_s: after(at) }).collect()
}
