//! `/api/v1/schedule` and `/api/v1/duties`: what comes round, and what is due because it did.

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    content::schedule::{Routine, Work},
    duty,
    flow::Command,
    id::DutyId,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CURSOR, LIMIT, change, either, missing, read, shown};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Parameter, Route, schema},
    view::{Page, name, text},
};

const STATE: Parameter = Parameter { name: "state", about: "`open` (if absent) or `done`." };

const ONE: Answer = Answer::Json(200, schema::<Duty>);

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/schedule",
        &[],
        Answer::Json(200, schema::<Page<Round>>),
        "What comes round, and when it last did.",
        |call| Box::pin(schedule(call)),
    ),
    read(
        "/api/v1/duties",
        &[STATE, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Duty>>),
        "Duties that came round, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/duties/{id}", &[], ONE, "One duty.", |call| Box::pin(show(call))),
    change(
        "/api/v1/duties/{id}/complete",
        Permission::Respond,
        Some(schema::<Complete>),
        ONE,
        "Say what came of a duty, which ends it.",
        |call| Box::pin(complete(call)),
    ),
];

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "DutyComplete")]
struct Complete {
    /// What came of it.
    note: String,
}

/// A routine of schedule.yaml.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Routine")]
struct Round {
    id: String,
    name: String,
    /// Such as `review of procedures`.
    work: String,
    /// `daily`, `weekly`, `monthly` or `quarterly`.
    every: String,
    owner: String,
    /// From when it comes round.
    due_within: String,
    asks: String,
    last_at: Option<String>,
    /// Null while there is nobody.
    next_at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Duty {
    id: String,
    routine: String,
    name: String,
    /// `review` or `drill`.
    kind: String,
    work: String,
    owner: String,
    asks: String,
    opened_at: String,
    due_at: String,
    /// nothing, reminded or overdue: what was said of its deadline.
    told: String,
    done_by: Option<String>,
    done_at: Option<String>,
    note: Option<String>,
}

impl From<&duty::Duty> for Duty {
    fn from(duty: &duty::Duty) -> Duty {
        let kind = match duty.work {
            Work::Review(_) => "review",
            Work::Drill(_) => "drill",
        };
        Duty {
            id: text(duty.id),
            routine: duty.routine.to_string(),
            name: duty.name.to_string(),
            kind: kind.to_owned(),
            work: duty.work.name(),
            owner: duty.owner.to_string(),
            asks: duty.asks.to_string(),
            opened_at: text(duty.opened_at),
            due_at: text(duty.due),
            told: name(&duty.told),
            done_by: duty.done.and_then(|(by, _)| by).map(text),
            done_at: duty.done.map(|(_, at)| text(at)),
            note: duty.done.map(|_| duty.note.to_string()),
        }
    }
}

async fn schedule(call: Call) -> Result<Response, Error> {
    let content = call.shared.content();
    let (upkeep, people) = call.read(|reader| Ok((reader.upkeep()?, reader.people()?))).await?;
    let began = people.first().map(|person| person.added_at);
    let calendar = content.people.calendar.as_ref();
    let round = |routine: &Routine| Round {
        id: routine.id.clone(),
        name: routine.name.clone(),
        work: routine.work.name(),
        every: routine.beat.every.name().to_owned(),
        owner: routine.owner.clone(),
        due_within: text(routine.due),
        asks: routine.asks.clone(),
        last_at: upkeep.came.get(routine.id.as_str()).copied().map(text),
        next_at: began.map(|began| text(upkeep.next(routine, began, calendar))),
    };
    ok(&Page::whole(content.schedule.values().map(round).collect()))
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["open", "done"])?;
    let page = call.page()?;
    let rows = call.read(move |reader| reader.duties(past, page)).await?;
    ok(&Page::of(&rows, page.limit, |row| row.id.0, |row| Duty::from(row)))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: DutyId = call.param("id")?;
    let found = call.read(move |reader| reader.duty(id)).await?;
    ok(&Duty::from(&found.ok_or_else(|| missing(format_args!("duty {id}")))?))
}

async fn complete(call: Call) -> Result<Response, Error> {
    let id: DutyId = call.param("id")?;
    let Complete { note } = call.json()?;
    call.command(Command::Duty(duty::Command::Complete { id, note })).await?;
    let found = call.read(move |reader| reader.duty(id)).await?;
    shown(StatusCode::OK, found.as_ref().map(Duty::from))
}
