//! `/api/v1/incidents/{id}/analysis`: findings, impact, threat profile and cause; and words on how it stands.

use std::collections::BTreeMap;

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    flow::Command,
    id::{EvidenceId, IncidentId},
    incident::{
        self,
        analysis::{self, Ask},
    },
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{change, missing, read, shown};
use crate::{
    Error,
    call::{Call, ok},
    json::Parsed,
    route::{Answer, Handler, Route, SchemaOf, schema},
    view::{Analysis, Indicator},
};

const ONE: Answer = Answer::Json(200, schema::<Analysis>);

pub(crate) const ROUTES: &[Route] = &[
    read("/api/v1/incidents/{id}/analysis", &[], ONE, "What people made out about it.", |call| {
        Box::pin(show(call))
    }),
    record(
        "/api/v1/incidents/{id}/analysis/finding",
        schema::<Finding>,
        "Record what was found, with what shows it.",
        |call| {
            Box::pin(async move {
                let Finding { text, evidence, entries } = call.json()?;
                let evidence = evidence.into_iter().map(|Parsed(id)| id).collect();
                keep(&call, Ask::Finding { text, evidence, entries }).await
            })
        },
    ),
    record(
        "/api/v1/incidents/{id}/analysis/impact",
        schema::<Impact>,
        "Rate how badly areas are hurt; of each the newest rating counts.",
        |call| {
            Box::pin(async move {
                let Impact { areas, text } = call.json()?;
                keep(&call, Ask::Impact { areas: areas.rated(), text }).await
            })
        },
    ),
    record(
        "/api/v1/incidents/{id}/analysis/threat",
        schema::<Threat>,
        "Record who is behind it, by which techniques, and how that is recognized; the newest profile counts.",
        |call| {
            Box::pin(async move {
                let Threat { techniques, indicators, actor } = call.json()?;
                let indicators = indicators.into_iter().map(|one| (one.kind, one.value)).collect();
                keep(&call, Ask::Threat { techniques, indicators, actor }).await
            })
        },
    ),
    record(
        "/api/v1/incidents/{id}/analysis/cause",
        schema::<Cause>,
        "Record why it happened; may be written anew, the newest counts.",
        |call| {
            Box::pin(async move {
                let Cause { text, method, measures } = call.json()?;
                keep(&call, Ask::Cause { text, method: method.into(), measures }).await
            })
        },
    ),
    record(
        "/api/v1/incidents/{id}/update",
        schema::<Update>,
        "Say how it stands and when it is expected to end; whoever is concerned hears at once.",
        |call| {
            Box::pin(async move {
                let Update { text, eta } = call.json()?;
                let eta = eta.map(|Parsed(eta): Parsed<Timestamp>| eta);
                keep(&call, Ask::Update { text, eta }).await
            })
        },
    ),
];

const fn record(path: &'static str, request: SchemaOf, summary: &'static str, handler: Handler) -> Route {
    change(path, Permission::Respond, Some(request), ONE, summary, handler)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RecordFinding")]
struct Finding {
    text: String,
    /// Of this incident.
    #[serde(default)]
    evidence: Vec<Parsed<EvidenceId>>,
    /// Positions of the journal.
    #[serde(default)]
    entries: Vec<u64>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RecordImpact")]
struct Impact {
    areas: Areas,
    text: String,
}

/// What is left out stays as it was.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ImpactAreas")]
struct Areas {
    systems: Option<Level>,
    data: Option<Level>,
    people: Option<Level>,
    business: Option<Level>,
    regulation: Option<Level>,
}

impl Areas {
    fn rated(self) -> BTreeMap<analysis::Area, analysis::Level> {
        let of = |area| match area {
            analysis::Area::Systems => self.systems,
            analysis::Area::Data => self.data,
            analysis::Area::People => self.people,
            analysis::Area::Business => self.business,
            analysis::Area::Regulation => self.regulation,
        };
        analysis::Area::ALL.into_iter().filter_map(|area| Some((area, of(area)?.into()))).collect()
    }
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "ImpactLevel")]
enum Level {
    None,
    Low,
    Medium,
    High,
    Severe,
}

impl From<Level> for analysis::Level {
    fn from(level: Level) -> Self {
        match level {
            Level::None => analysis::Level::None,
            Level::Low => analysis::Level::Low,
            Level::Medium => analysis::Level::Medium,
            Level::High => analysis::Level::High,
            Level::Severe => analysis::Level::Severe,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RecordThreat")]
struct Threat {
    /// Of ATT&CK, such as T1078 or T1078.004, or of ATLAS, such as AML.T0051.
    #[serde(default)]
    techniques: Vec<String>,
    #[serde(default)]
    indicators: Vec<Indicator>,
    actor: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "RecordCause")]
struct Cause {
    text: String,
    method: Method,
    /// What is done so that it does not come again.
    #[serde(default)]
    measures: Vec<String>,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
#[schemars(rename = "CauseMethod")]
enum Method {
    FiveWhys,
    Fishbone,
    Timeline,
    FaultTree,
    Other,
}

impl From<Method> for analysis::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::FiveWhys => analysis::Method::FiveWhys,
            Method::Fishbone => analysis::Method::Fishbone,
            Method::Timeline => analysis::Method::Timeline,
            Method::FaultTree => analysis::Method::FaultTree,
            Method::Other => analysis::Method::Other,
        }
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "StatusUpdate")]
struct Update {
    text: String,
    /// When it is expected to end; what was said before if absent.
    eta: Option<Parsed<Timestamp>>,
}

async fn known(call: &Call, id: IncidentId) -> Result<Option<Analysis>, Error> {
    let found = call.read(move |reader| reader.incident(id)).await?;
    Ok(found.map(|incident| Analysis::from(incident.analysis())))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    let found = known(&call, id).await?;
    ok(&found.ok_or_else(|| missing(format_args!("incident {id}")))?)
}

async fn keep(call: &Call, ask: Ask) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    call.command(Command::Incident(incident::Command::Analyze { id, ask })).await?;
    shown(StatusCode::OK, known(call, id).await?)
}
