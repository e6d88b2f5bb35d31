//! `/api/emergency`: the limits by one short call that needs no body, for a hand in a hurry. A body may give the
//! reason.

use axum::response::Response;
use domain::{
    access::Permission,
    control::{self, SafeMode},
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    change,
    control::{carry_out, now},
    read,
};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Handler, Route, schema},
    view::{Control, KillSwitch},
};

pub(crate) const ROUTES: &[Route] = &[
    limit("/api/emergency/safe-mode/{level}", "Set the safe-mode level.", |call| Box::pin(safe_mode(call))),
    limit("/api/emergency/kill-switch/enable", "Stop every new effect.", |call| {
        Box::pin(kill_switch(call, true))
    }),
    limit("/api/emergency/kill-switch/disable", "Allow new effects again.", |call| {
        Box::pin(kill_switch(call, false))
    }),
    read(
        "/api/emergency/kill-switch/status",
        &[],
        Answer::Json(200, schema::<KillSwitch>),
        "Whether the kill switch is on, since when and why.",
        |call| Box::pin(status(call)),
    ),
];

const fn limit(path: &'static str, summary: &'static str, handler: Handler) -> Route {
    let answer = Answer::Json(200, schema::<Control>);
    change(path, Permission::Command, Some(schema::<Reason>), answer, summary, handler)
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Reason {
    #[serde(default)]
    reason: String,
}

fn reason(call: &Call) -> Result<String, Error> {
    let Reason { reason } = if call.body.is_empty() { Reason::default() } else { call.json()? };
    Ok(reason)
}

async fn safe_mode(call: Call) -> Result<Response, Error> {
    let level: SafeMode = call.param("level")?;
    let reason = reason(&call)?;
    carry_out(&call, control::Command::SetSafeMode { level, reason }).await
}

async fn kill_switch(call: Call, on: bool) -> Result<Response, Error> {
    let reason = reason(&call)?;
    carry_out(&call, control::Command::SetKillSwitch { on, reason }).await
}

async fn status(call: Call) -> Result<Response, Error> {
    ok(&now(&call).await?.kill_switch)
}
