//! `/api/v1/reports`: what people tell, from the platform's own people to those outside.

use std::time::Duration;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use domain::{
    access::Permission,
    event::Stream,
    flow::Command,
    id::ReportId,
    report::{self, Outcome, Told},
    severity::Severity,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CURSOR, LIMIT, change, either, missing, read, shown};
use crate::{
    Error, Problem,
    call::{Call, answer, ok},
    json::Parsed,
    route::{Answer, Parameter, Route, schema},
    view::{Page, Target, name, text},
};

const STATE: Parameter = Parameter { name: "state", about: "`open` (if absent) or `closed`." };
const ONE: Answer = Answer::Json(200, schema::<Report>);
/// When one who reports too often may try again.
const AGAIN: Duration = Duration::from_secs(600);

pub(crate) const ROUTES: &[Route] = &[
    change(
        "/api/v1/reports",
        Permission::Report,
        Some(schema::<NewReport>),
        Answer::Json(201, schema::<Receipt>),
        "Tell what you saw; it becomes an alert and an incident.",
        |call| Box::pin(receive(call)),
    ),
    read(
        "/api/v1/reports",
        &[STATE, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Report>>),
        "What people told, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/reports/{id}", &[], ONE, "One report, as it came.", |call| Box::pin(show(call))),
    change(
        "/api/v1/reports/{id}/acknowledge",
        Permission::Respond,
        Some(schema::<Acknowledge>),
        ONE,
        "Say that who reported has our answer.",
        |call| Box::pin(acknowledge(call)),
    ),
    change(
        "/api/v1/reports/{id}/close",
        Permission::Respond,
        Some(schema::<Close>),
        ONE,
        "Say what became of it.",
        |call| Box::pin(close(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewReport {
    title: String,
    description: String,
    incident_type: Option<String>,
    severity: Option<Parsed<Severity>>,
    #[serde(default)]
    targets: Vec<Target>,
    /// Who reports. A person reports in their own name and leaves this out.
    reporter: Option<String>,
    /// Where an answer reaches them; needed from outside.
    contact: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Acknowledge {
    #[serde(default)]
    note: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Close {
    /// fixed, disclosed, duplicate or declined.
    outcome: Parsed<Outcome>,
    #[serde(default)]
    note: String,
}

/// What who reports is told.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReportReceipt")]
struct Receipt {
    id: String,
    received_at: String,
    /// By then there is an answer.
    acknowledge_by: Option<String>,
    /// From then on it may be told to all.
    disclose_by: Option<String>,
    /// Its incident, for people of the platform alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    id: String,
    /// hand, form or outside.
    channel: String,
    /// The form or page.
    via: Option<String>,
    reporter: Option<String>,
    contact: Option<String>,
    title: String,
    description: String,
    incident_type: Option<String>,
    severity: Option<String>,
    targets: Vec<Target>,
    received_at: String,
    alert: Option<String>,
    incident: Option<String>,
    acknowledge_by: Option<String>,
    acknowledged_by: Option<String>,
    acknowledged_at: Option<String>,
    /// Nobody acknowledged it in time.
    unanswered: bool,
    disclose_by: Option<String>,
    /// It had to be disclosed by now.
    overdue: bool,
    outcome: Option<String>,
    closed_at: Option<String>,
}

impl From<&report::Report> for Report {
    fn from(report: &report::Report) -> Report {
        let told = &report.told;
        let words = |text: &Option<Box<str>>| text.as_deref().map(str::to_owned);
        Report {
            id: text(report.id),
            channel: name(&report.channel),
            via: words(&report.via),
            reporter: words(&told.reporter),
            contact: words(&told.contact),
            title: told.title.to_string(),
            description: told.description.to_string(),
            incident_type: words(&told.incident_type),
            severity: told.severity.map(|severity| severity.name().to_owned()),
            targets: told.targets.iter().cloned().map(|(kind, name)| Target { kind, name }).collect(),
            received_at: text(report.received_at),
            alert: report.alert.map(text),
            incident: report.incident.map(text),
            acknowledge_by: report.acknowledge_by.map(text),
            acknowledged_by: report.acknowledged.map(|(by, _)| text(by)),
            acknowledged_at: report.acknowledged.map(|(_, at)| text(at)),
            unanswered: report.unanswered,
            disclose_by: report.disclose_by.map(text),
            overdue: report.overdue,
            outcome: report.closed.map(|(outcome, _)| outcome.name().to_owned()),
            closed_at: report.closed.map(|(_, at)| text(at)),
        }
    }
}

async fn receive(call: Call) -> Result<Response, Error> {
    let new: NewReport = call.json()?;
    let told = Told {
        reporter: new.reporter.map(Into::into),
        contact: new.contact.map(Into::into),
        title: new.title.into(),
        description: new.description.into(),
        incident_type: new.incident_type.map(Into::into),
        severity: new.severity.map(|Parsed(severity)| severity),
        targets: new.targets.into_iter().map(Target::pair).collect(),
    };
    let receive = report::Command::Receive(Box::new(told));
    // Limits here are about how many come, not about what the platform may do.
    let too_often = |error: Error| match error.problem() == Problem::Limited {
        true => Error::new(Problem::Busy, error.detail()).retry_after(AGAIN),
        false => error,
    };
    let receipt = call.command(Command::Report(receive)).await.map_err(too_often)?;
    let Some(Stream::Report(id)) = receipt.created("report.received") else {
        return Err(Error::internal("taking a report", &"no fact names it"));
    };
    let found = call.read(move |reader| reader.report(id)).await?;
    let found = found.ok_or_else(|| Error::internal("taking a report", &"it has no row"))?;
    let inside = call.actor()?.person().is_some();
    let mut response = answer(
        StatusCode::CREATED,
        &Receipt {
            id: text(id),
            received_at: text(found.received_at),
            acknowledge_by: found.acknowledge_by.map(text),
            disclose_by: found.disclose_by.map(text),
            incident: found.incident.filter(|_| inside).map(text),
        },
    )?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["open", "closed"])?;
    let page = call.page()?;
    let rows = call.read(move |reader| reader.reports(past, page)).await?;
    ok(&Page::of(&rows, page.limit, |row| row.id.0, |row| Report::from(row)))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: ReportId = call.param("id")?;
    let found = call.read(move |reader| reader.report(id)).await?;
    ok(&Report::from(&found.ok_or_else(|| missing(format_args!("report {id}")))?))
}

async fn acknowledge(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Acknowledge { note } = call.json()?;
    carry_out(&call, id, report::Command::Acknowledge { id, note }).await
}

async fn close(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let Close { outcome: Parsed(outcome), note } = call.json()?;
    carry_out(&call, id, report::Command::Close { id, outcome, note }).await
}

async fn carry_out(call: &Call, id: ReportId, command: report::Command) -> Result<Response, Error> {
    call.command(Command::Report(command)).await?;
    let found = call.read(move |reader| reader.report(id)).await?;
    shown(StatusCode::OK, found.as_ref().map(Report::from))
}
