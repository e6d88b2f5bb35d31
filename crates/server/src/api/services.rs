//! `/api/v1/services`: what people use, what it is made of, and what it needs.

use std::collections::BTreeMap;

use axum::response::Response;
use domain::{
    content::services::{self, ServiceSpec},
    health::{self, Health, Standing},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{missing, read};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Route, schema},
    view::{Page, name, text},
};

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/services",
        &[],
        Answer::Json(200, schema::<Page<Service>>),
        "The services in the order in which they are brought back.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/services/{name}", &[], Answer::Json(200, schema::<Service>), "One service.", |call| {
        Box::pin(show(call))
    }),
];

#[derive(Debug, Serialize, JsonSchema)]
struct Service {
    name: String,
    summary: String,
    /// 1 is brought back first.
    group: u32,
    /// The role that answers for it.
    owner: String,
    depends_on: Vec<String>,
    needed_by: Vec<String>,
    /// Names by kind.
    targets: BTreeMap<String, Vec<String>>,
    /// In the order in which they are made.
    checks: Vec<Check>,
    restore_within: Option<String>,
    /// After so long a probe says nothing any more.
    fresh_for: String,
    /// `healthy`, `unhealthy`, `stale` or `unknown`: only what a fresh probe showed is healthy.
    health: String,
    /// Of when the health is.
    health_at: Option<String>,
    health_age_s: Option<u64>,
    /// What was wrong.
    health_said: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Check {
    id: String,
    /// restore, verify or probe.
    part: String,
    /// data, posture or health.
    verifies: String,
    action: String,
    /// Null: the service's targets of the action's kind, for a probe all and otherwise those that the incident names.
    targets: Option<Vec<String>>,
}

impl Service {
    fn of(service: &ServiceSpec, all: &services::Services, health: &Health, now: Timestamp) -> Service {
        let standing = health::standing(health, service, now);
        let parts = [("restore", &service.restore), ("verify", &service.verify), ("probe", &service.probes)];
        let checks = parts.into_iter().flat_map(|(part, checks)| {
            checks.iter().map(move |check| Check {
                id: check.id.clone(),
                part: part.to_owned(),
                verifies: name(&check.verifies),
                action: check.verb.clone(),
                targets: check.targets.clone(),
            })
        });
        let needs = |other: &&ServiceSpec| other.depends_on.contains(&service.name);
        let targets = service.targets.iter();
        Service {
            name: service.name.clone(),
            summary: service.summary.clone(),
            group: service.group,
            owner: service.owner.clone(),
            depends_on: service.depends_on.iter().cloned().collect(),
            needed_by: all.values().filter(needs).map(|other| other.name.clone()).collect(),
            targets: targets.map(|(kind, names)| (kind.clone(), names.iter().cloned().collect())).collect(),
            checks: checks.collect(),
            restore_within: service.restore_within.map(text),
            fresh_for: text(service.fresh_for),
            health: standing.name().to_owned(),
            health_at: standing.as_of().map(text),
            health_age_s: standing.as_of().map(|at| now.since(at).0 / 1_000_000),
            health_said: match standing {
                Standing::Unhealthy { said, .. } => Some(said),
                Standing::Healthy { .. } | Standing::Stale { .. } | Standing::Unknown => None,
            },
        }
    }
}

async fn list(call: Call) -> Result<Response, Error> {
    let (content, now) = (call.shared.content(), call.now());
    let health = call.read(|reader| reader.health()).await?;
    let all = content.services.keys().map(String::as_str).collect();
    let ordered = services::in_order(&content.services, &all).into_iter();
    ok(&Page::whole(ordered.map(|one| Service::of(one, &content.services, &health, now)).collect()))
}

async fn show(call: Call) -> Result<Response, Error> {
    let name = call.text_param("name")?.to_owned();
    let (content, now) = (call.shared.content(), call.now());
    let shown: String = name.chars().take(64).collect();
    let found = content.services.get(&name).ok_or_else(|| missing(format_args!("service `{shown}`")))?;
    let health = call.read(|reader| reader.health()).await?;
    ok(&Service::of(found, &content.services, &health, now))
}
