//! `/api/v1/reviews`: what is looked back at: reports, people, findings, answers, and what is changed for it.

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    flow::Command,
    id::ReviewId,
    review::{self, Answers, Area, Ask},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CURSOR, LIMIT, change, either, missing, read, shown};
use crate::{
    Error,
    call::{Call, ok},
    json::Parsed,
    route::{Answer, Handler, Parameter, Route, SchemaOf, schema},
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
    write("/api/v1/reviews/{id}/attend", schema::<Attend>, "Say who took part.", |call| {
        Box::pin(async move {
            let Attend { role, who, attended } = call.json()?;
            part(&call, Ask::Attend { role, who, attended }).await
        })
    }),
    write("/api/v1/reviews/{id}/sign", schema::<Sign>, "Sign for somebody who attended.", |call| {
        Box::pin(async move {
            let Sign { role, who } = call.json()?;
            part(&call, Ask::Sign { role, who }).await
        })
    }),
    write("/api/v1/reviews/{id}/find", schema::<Find>, "Write down what was found in one area.", |call| {
        Box::pin(async move {
            let Find { area, text } = call.json()?;
            part(&call, Ask::Find { area: area.into(), text }).await
        })
    }),
    write("/api/v1/reviews/{id}/answer", schema::<Judge>, "Answer what only people can judge.", |call| {
        Box::pin(async move {
            let Judge { satisfaction, escalated_rightly, impact_avoided } = call.json()?;
            part(&call, Ask::Answer(Answers { satisfaction, escalated_rightly, impact_avoided })).await
        })
    }),
    write("/api/v1/reviews/{id}/actions", schema::<Plan>, "Agree on a corrective action.", |call| {
        Box::pin(async move {
            let Plan { what, owner, due, file } = call.json()?;
            let Parsed(due) = due;
            part(&call, Ask::Plan { what, owner, due, file }).await
        })
    }),
    write(
        "/api/v1/reviews/{id}/finish",
        schema::<Finish>,
        "Finish a corrective action; one that names a file needs a newer version of it in force.",
        |call| {
            Box::pin(async move {
                let Finish { action, note } = call.json()?;
                part(&call, Ask::Finish { action, note }).await
            })
        },
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

/// One part of a review that people write.
const fn write(path: &'static str, request: SchemaOf, summary: &'static str, handler: Handler) -> Route {
    change(path, Permission::Respond, Some(request), ONE, summary, handler)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Attend {
    /// incident_commander, technical_responders, affected_stakeholders or management_representative.
    role: String,
    who: String,
    attended: bool,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Sign {
    role: String,
    who: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Find {
    area: ReviewArea,
    text: String,
}

#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum ReviewArea {
    IncidentTimeline,
    RootCauseAnalysis,
    ResponseEffectiveness,
    CommunicationQuality,
    /// Shown on similar incidents.
    LessonsLearned,
    ImprovementActions,
}

impl From<ReviewArea> for Area {
    fn from(area: ReviewArea) -> Area {
        match area {
            ReviewArea::IncidentTimeline => Area::IncidentTimeline,
            ReviewArea::RootCauseAnalysis => Area::RootCauseAnalysis,
            ReviewArea::ResponseEffectiveness => Area::ResponseEffectiveness,
            ReviewArea::CommunicationQuality => Area::CommunicationQuality,
            ReviewArea::LessonsLearned => Area::LessonsLearned,
            ReviewArea::ImprovementActions => Area::ImprovementActions,
        }
    }
}

/// What is left out stays as it is.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ReviewAnswers")]
struct Judge {
    /// How content those were who were hurt, from 1 to 5.
    satisfaction: Option<u8>,
    /// Whether it went to the right people at the right time.
    escalated_rightly: Option<bool>,
    /// How much of the harm that it could have done was avoided, in percent.
    impact_avoided: Option<u8>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "CorrectiveAction")]
struct Plan {
    what: String,
    /// A contact, team or role.
    owner: String,
    due: Parsed<Timestamp>,
    /// A file of the content, such as a playbook or a rule, that has to change for it.
    file: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "FinishAction")]
struct Finish {
    /// Its number, from 1.
    action: u32,
    note: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Review {
    id: String,
    incident: String,
    opened_at: String,
    reports: Vec<Report>,
    people: Vec<Participant>,
    /// Roles for which nobody attended.
    missing_roles: Vec<String>,
    /// By area.
    found: std::collections::BTreeMap<String, String>,
    satisfaction: Option<u8>,
    escalated_rightly: Option<bool>,
    impact_avoided: Option<u8>,
    actions: Vec<Action>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReviewParticipant")]
struct Participant {
    role: String,
    who: String,
    attended: bool,
    signed_by: Option<String>,
    signed_at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ReviewAction")]
struct Action {
    action: usize,
    what: String,
    owner: String,
    due: String,
    /// nothing, reminded or overdue: what was said of its deadline.
    told: String,
    file: Option<String>,
    done_by: Option<String>,
    done_at: Option<String>,
    note: String,
}

impl Participant {
    fn of(one: &review::Participant) -> Participant {
        Participant {
            role: one.role.to_string(),
            who: one.who.to_string(),
            attended: one.attended,
            signed_by: one.signed.map(|(by, _)| text(by)),
            signed_at: one.signed.map(|(_, at)| text(at)),
        }
    }
}

impl Action {
    fn of((number, one): (usize, &review::Corrective)) -> Action {
        Action {
            action: number,
            what: one.what.to_string(),
            owner: one.owner.to_string(),
            due: text(one.due),
            told: name(&one.told),
            file: one.file.as_ref().map(|(path, _)| path.to_string()),
            done_by: one.done.map(|(by, _)| text(by)),
            done_at: one.done.map(|(_, at)| text(at)),
            note: one.note.to_string(),
        }
    }
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
            people: review.people.iter().map(Participant::of).collect(),
            missing_roles: missing_roles(review),
            found: review.found.iter().map(|(area, said)| (name(area), said.to_string())).collect(),
            satisfaction: review.answers.satisfaction,
            escalated_rightly: review.answers.escalated_rightly,
            impact_avoided: review.answers.impact_avoided,
            actions: (1..).zip(&review.actions).map(Action::of).collect(),
        }
    }
}

fn missing_roles(review: &review::Review) -> Vec<String> {
    let there = |role: &&str| review.people.iter().any(|one| *one.role == **role && one.attended);
    review::ROLES.into_iter().filter(|role| !there(role)).map(str::to_owned).collect()
}

async fn part(call: &Call, ask: Ask) -> Result<Response, Error> {
    let id: ReviewId = call.param("id")?;
    call.command(Command::Review(review::Command::Write { id, ask })).await?;
    let found = call.read(move |reader| reader.review(id)).await?;
    shown(StatusCode::OK, found.as_ref().map(Review::from))
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
