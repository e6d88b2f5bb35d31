//! `/api/v1/control`: kill switch, safe mode, circuit breakers, doubt about the clock.

use axum::response::Response;
use domain::{
    access::Permission,
    control::{self, SafeMode},
    flow::Command,
    time::Span,
};
use engine::Page;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{change, no_fields, read};
use crate::{
    Error, Problem,
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
        "Set the safe-mode level. Out of one above `restricted` takes two people: both ask for it.",
        |call| Box::pin(safe_mode(call)),
    ),
    change(
        "/api/v1/control/kill-switch",
        Permission::Command,
        Some(schema::<SetSwitch>),
        ONE,
        "Stop every new effect, or allow them again, which takes two people: both ask for it.",
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
        "/api/v1/control/break-glass",
        Permission::Administer,
        Some(schema::<BreakGlass>),
        ONE,
        "Leave all limits alone and for a time, as the owner of the machine. It opens an incident and a review.",
        |call| Box::pin(break_glass(call)),
    ),
    change(
        "/api/v1/control/mend-glass",
        Permission::Command,
        None,
        ONE,
        "Bring back the limits that one person left, before their time.",
        |call| Box::pin(mend_glass(call)),
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

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct BreakGlass {
    reason: String,
    /// `1m` to `4h`.
    r#for: Parsed<Span>,
    /// What the file `break-glass` in the data directory says: only its owner can have written it.
    proof: String,
}

async fn show(call: Call) -> Result<Response, Error> {
    ok(&now(&call).await?)
}

/// The limits, and what is asked of them.
pub(super) async fn now(call: &Call) -> Result<Control, Error> {
    const OPEN: Page = Page { before: None, limit: 1_000 };
    let control = call.read(|reader| reader.control()).await?;
    let open = call.read(|reader| reader.approvals(false, OPEN)).await?;
    Ok(Control::of(&control, &open))
}

pub(super) async fn carry_out(call: &Call, command: control::Command) -> Result<Response, Error> {
    call.command(Command::Control(command)).await?;
    ok(&now(call).await?)
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

async fn break_glass(call: Call) -> Result<Response, Error> {
    let BreakGlass { reason, r#for: Parsed(span), proof } = call.json()?;
    let owner = call.shared.owner.clone();
    let owns = call.read(move |_| Ok(owner.is_some_and(|owner| owner(&proof)))).await?;
    if !owns {
        let text = "only the owner of the data directory may break the glass, from the machine itself";
        return Err(Error::new(Problem::Forbidden, text));
    }
    carry_out(&call, control::Command::BreakGlass { reason, span }).await
}

async fn mend_glass(call: Call) -> Result<Response, Error> {
    no_fields(&call)?;
    carry_out(&call, control::Command::MendGlass).await
}
