//! `/api/v1/reviews`: what is looked back at, and which of its reports are there.

use axum::{http::StatusCode, response::Response};
use domain::{access::Permission, flow::Command, id::ReviewId, review};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CURSOR, LIMIT, change, either, missing, read, shown};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Parameter, Route, schema},
    view::{Page, name, text},
};

const STATE: Parameter = Parameter { name: "state", about: "`open` (if absent) or `complete`." };

const ONE: Answer = Answer::Json(200, schema::<Review>);

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/reviews",
        &[STATE, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Review>>),
        "Reviews, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/reviews/{id}", &[], ONE, "One review with its reports.", |call| Box::pin(show(call))),
    change(
        "/api/v1/reviews/{id}/complete",
        Permission::Respond,
        Some(schema::<Complete>),
        ONE,
        "Deliver one of the reports.",
        |call| Box::pin(complete(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Complete {
    /// initial, detailed or final.
    report: String,
    /// The report itself, or the address where it stands.
    text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Review {
    id: String,
    incident: String,
    opened_at: String,
    reports: Vec<Report>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Report {
    report: String,
    due_at: String,
    /// nothing, reminded or overdue: what was said of its deadline.
    told: String,
    done_by: Option<String>,
    done_at: Option<String>,
    text: Option<String>,
}

impl From<&review::Review> for Review {
    fn from(review: &review::Review) -> Review {
        let report = |report: &review::Report| Report {
            report: report.due.report.to_string(),
            due_at: text(report.due.at),
            told: name(&report.told),
            done_by: report.done.map(|(by, _)| text(by)),
            done_at: report.done.map(|(_, at)| text(at)),
            text: report.done.map(|_| report.text.to_string()),
        };
        Review {
            id: text(review.id),
            incident: text(review.incident),
            opened_at: text(review.opened_at),
            reports: review.reports.iter().map(report).collect(),
        }
    }
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["open", "complete"])?;
    let page = call.page()?;
    let rows = call.read(move |reader| reader.reviews(past, page)).await?;
    ok(&Page::of(&rows, page.limit, |row| row.id.0, |row| Review::from(row)))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: ReviewId = call.param("id")?;
    let found = call.read(move |reader| reader.review(id)).await?;
    ok(&Review::from(&found.ok_or_else(|| missing(format_args!("review {id}")))?))
}

async fn complete(call: Call) -> Result<Response, Error> {
    let id: ReviewId = call.param("id")?;
    let Complete { report, text } = call.json()?;
    call.command(Command::Review(review::Command::Complete { id, report, text })).await?;
    let found = call.read(move |reader| reader.review(id)).await?;
    shown(StatusCode::OK, found.as_ref().map(Review::from))
}
