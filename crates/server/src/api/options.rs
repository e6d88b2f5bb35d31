//! `/api/v1/incidents/{id}/options`: what can be done against an incident now, and doing it.

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    action,
    event::Stream,
    flow::Command,
    id::{ActionId, IncidentId},
    strategy::{self, Choice},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{change, read};
use crate::{
    Error,
    call::{Call, answer, ok},
    route::{Answer, Route, schema},
    view::{Action, Page, text},
};

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/incidents/{id}/options",
        &[],
        Answer::Json(200, schema::<Page<Offer>>),
        "Strategies for the incident as whoever asks can take them now, the least risky first; then the others, and why not.",
        |call| Box::pin(list(call)),
    ),
    change(
        "/api/v1/incidents/{id}/options",
        Permission::Command,
        Some(schema::<Take>),
        Answer::Json(201, schema::<Page<Action>>),
        "Apply a strategy to targets of the incident, each an action of its own.",
        |call| Box::pin(take(call)),
    ),
];

/// A strategy for one incident.
#[derive(Debug, Serialize, JsonSchema)]
struct Offer {
    /// From 1, the least risky; null where it cannot be taken now.
    rank: Option<u64>,
    /// As in `strategies.yaml`.
    id: String,
    name: String,
    description: String,
    /// The severities that it is meant for, both included.
    from: String,
    to: String,
    verb: String,
    args: serde_json::Map<String, serde_json::Value>,
    risk: String,
    side_effects: Vec<String>,
    /// Capabilities that it takes.
    permissions: Vec<String>,
    target_kind: String,
    /// Targets of the incident on which it would act.
    targets: Vec<String>,
    /// At most so many of them at once.
    targets_max: usize,
    /// Actions that do the same already.
    in_force: Vec<String>,
    /// How long it holds before a person is asked; null takes that of the platform, 4 h.
    lease: Option<String>,
    /// Whose yes it takes before its first call.
    needs: Option<String>,
    /// `severity`, `no_target`, `in_force`, `permission`, `limit` or `cap`; null where it can be taken.
    omitted: Option<&'static str>,
    /// Why it cannot be taken now.
    reason: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Take {
    /// Of `strategies.yaml`.
    strategy: String,
    /// Of the incident; all that it does not hold yet if empty.
    #[serde(default)]
    targets: Vec<String>,
}

impl Offer {
    fn of(choice: &Choice, rank: Option<u64>) -> Offer {
        let strategy = &choice.strategy;
        let (omitted, reason) = match &choice.omitted {
            Some(omitted) => (Some(omitted.because.name()), Some(omitted.reason.clone())),
            None => (None, None),
        };
        Offer {
            rank,
            id: strategy.id.clone(),
            name: strategy.name.clone(),
            description: strategy.description.clone(),
            from: text(strategy.from),
            to: text(strategy.to),
            verb: strategy.verb.clone(),
            args: strategy.args.clone(),
            risk: strategy.risk.name().to_owned(),
            side_effects: strategy.side_effects.clone(),
            permissions: strategy.permissions.iter().cloned().collect(),
            target_kind: strategy.target.clone(),
            targets: choice.targets.iter().map(text).collect(),
            targets_max: choice.targets_max,
            in_force: choice.in_force.iter().map(text).collect(),
            lease: strategy.lease.map(text),
            needs: choice.needs.as_ref().map(|(_, why)| why.clone()),
            omitted,
            reason,
        }
    }
}

async fn list(call: Call) -> Result<Response, Error> {
    let id: IncidentId = call.param("id")?;
    let actor = call.actor()?;
    let found = call.look(move |state, now| strategy::options(state, id, &actor, now)).await??;
    let ranked = (1..)
        .zip(&found)
        .map(|(rank, choice)| Offer::of(choice, Some(rank).filter(|_| choice.omitted.is_none())));
    ok(&Page::whole(ranked.collect()))
}

async fn take(call: Call) -> Result<Response, Error> {
    let incident: IncidentId = call.param("id")?;
    let Take { strategy, targets } = call.json()?;
    let command = action::Command::Take { incident, strategy, targets };
    let receipt = call.command(Command::Action(command)).await?;
    let began = ["action.intended", "action.held"];
    let ids: Vec<ActionId> = receipt
        .facts
        .iter()
        .filter(|(position, stream, kind)| began.contains(kind) && is_new(*position, *stream))
        .filter_map(|(_, stream, _)| if let Stream::Action(id) = stream { Some(*id) } else { None })
        .collect();
    let found = call
        .read(move |reader| ids.into_iter().map(|id| reader.action(id)).collect::<Result<Vec<_>, _>>())
        .await?;
    answer(StatusCode::CREATED, &Page::whole(found.iter().flatten().map(Action::from).collect()))
}

/// The first fact of an action gives it its id.
fn is_new(position: u64, stream: Stream) -> bool {
    stream == Stream::Action(ActionId::from_number(position))
}
