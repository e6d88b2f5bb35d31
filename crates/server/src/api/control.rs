//! `/api/v1/control`: kill switch, safe mode, circuit breakers, doubt about the clock.

use axum::response::Response;
use domain::{
    access::Permission,
    control::{self, SafeMode},
    flow::Command,
};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{change, no_fields, read};
use crate::{
    Error,
    call::{Call, ok},
    json::Parsed,
    route::{Answer, Route, schema},
    view::Control,
};

const ONE: Answer = Answer::Json(200, schema::<Control>);

pub(crate) const ROUTES: &[Route] = &[
    read("/api/v1/control", &[], ONE, "The limits in force.", |call| Box::pin(show(call))),
    change(
        "/api/v1/control/safe-mode",
        Permission::Command,
        Some(schema::<SetSafeMode>),
        ONE,
        "Set the safe-mode level.",
        |call| Box::pin(safe_mode(call)),
    ),
    change(
        "/api/v1/control/kill-switch",
        Permission::Command,
        Some(schema::<SetSwitch>),
        ONE,
        "Stop every new effect, or allow them again.",
        |call| Box::pin(kill_switch(call)),
    ),
    change(
        "/api/v1/control/breakers/{name}",
        Permission::Command,
        Some(schema::<SetSwitch>),
        ONE,
        "Stop the effects of one connector or one action, or allow them again.",
        |call| Box::pin(breaker(call)),
    ),
    change(
        "/api/v1/control/confirm-clock",
        Permission::Command,
        None,
        ONE,
        "Say that the clock is right, after the platform doubted it.",
        |call| Box::pin(confirm_clock(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetSafeMode {
    /// `disabled`, `restricted`, `paranoid`, `emergency` or `lockdown`.
    level: Parsed<SafeMode>,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetSwitch {
    on: bool,
    #[serde(default)]
    reason: String,
}

async fn show(call: Call) -> Result<Response, Error> {
    ok(&Control::from(&call.read(|reader| reader.control()).await?))
}

async fn carry_out(call: &Call, command: control::Command) -> Result<Response, Error> {
    call.command(Command::Control(command)).await?;
    ok(&Control::from(&call.read(|reader| reader.control()).await?))
}

async fn safe_mode(call: Call) -> Result<Response, Error> {
    let SetSafeMode { level: Parsed(level), reason } = call.json()?;
    carry_out(&call, control::Command::SetSafeMode { level, reason }).await
}

async fn kill_switch(call: Call) -> Result<Response, Error> {
    let SetSwitch { on, reason } = call.json()?;
    carry_out(&call, control::Command::SetKillSwitch { on, reason }).await
}

async fn breaker(call: Call) -> Result<Response, Error> {
    let name = call.text_param("name")?.to_owned();
    let SetSwitch { on, reason } = call.json()?;
    carry_out(&call, control::Command::SetBreaker { name, on, reason }).await
}

async fn confirm_clock(call: Call) -> Result<Response, Error> {
    no_fields(&call)?;
    carry_out(&call, control::Command::ConfirmClock).await
}
