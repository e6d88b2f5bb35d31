//! `/api/v1/exercises` and `/api/v1/training`: drills at a table and of communication, what technical ones came to, and who
//! took which course.

use std::collections::BTreeMap;

use axum::{http::StatusCode, response::Response};
use domain::{
    access::Permission,
    content::training,
    event::Stream,
    exercise::{self, Command as Ask},
    flow::Command,
    id::{ExerciseId, PersonId},
    time::Timestamp,
    upkeep::{self, Upkeep},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CURSOR, LIMIT, change, either, missing, read, shown};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Handler, Parameter, Route, SchemaOf, schema},
    view::{Page, name, text},
};

const STATE: Parameter = Parameter { name: "state", about: "`open` (if absent) or `over`." };

const ONE: Answer = Answer::Json(200, schema::<Exercise>);
const MADE: Answer = Answer::Json(201, schema::<Exercise>);

pub(crate) const ROUTES: &[Route] = &[
    read(
        "/api/v1/exercises",
        &[STATE, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Exercise>>),
        "Exercises, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/exercises/{id}", &[], ONE, "One exercise: what was told, answered and reached.", |call| {
        Box::pin(show(call))
    }),
    hold(
        "/api/v1/exercises",
        schema::<Start>,
        MADE,
        "Begin one of the drills at a table or of communication.",
        |call| {
            Box::pin(async move {
                let Start { drill } = call.json()?;
                begun(&call, Ask::Start { drill }, "exercise.started").await
            })
        },
    ),
    hold(
        "/api/v1/exercises/record",
        schema::<Record>,
        MADE,
        "Keep what a technical drill came to.",
        |call| {
            Box::pin(async move {
                let Record { drill, passed, measured, note } = call.json()?;
                let note = note.unwrap_or_default();
                begun(&call, Ask::Record { drill, passed, measured, note }, "exercise.recorded").await
            })
        },
    ),
    hold("/api/v1/exercises/{id}/answer", schema::<Reply>, ONE, "Write down what people would do.", |call| {
        Box::pin(async move {
            let id = call.param("id")?;
            let Reply { inject, question, text } = call.json()?;
            changed(&call, id, Ask::Answer { id, inject, question, text }).await
        })
    }),
    hold("/api/v1/exercises/{id}/acknowledge", schema::<Came>, ONE, "Say that the call came.", |call| {
        Box::pin(async move {
            let id = call.param("id")?;
            let Came { contact } = call.json()?;
            changed(&call, id, Ask::Acknowledge { id, contact }).await
        })
    }),
    hold("/api/v1/exercises/{id}/end", schema::<End>, ONE, "End it; its result stays.", |call| {
        Box::pin(async move {
            let id = call.param("id")?;
            let End { note } = call.json()?;
            changed(&call, id, Ask::End { id, note: note.unwrap_or_default() }).await
        })
    }),
    read(
        "/api/v1/training",
        &[],
        Answer::Json(200, schema::<Page<Course>>),
        "The courses, who took each, and who lacks it.",
        |call| Box::pin(courses(call)),
    ),
    hold(
        "/api/v1/training/{course}/complete",
        schema::<Took>,
        Answer::Json(200, schema::<Course>),
        "Put on record that somebody took a course.",
        |call| Box::pin(took(call)),
    ),
];

const fn hold(
    path: &'static str,
    request: SchemaOf,
    answer: Answer,
    summary: &'static str,
    handler: Handler,
) -> Route {
    change(path, Permission::Respond, Some(request), answer, summary, handler)
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExerciseStart")]
struct Start {
    /// A file of `drills/`, by name.
    drill: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExerciseRecord")]
struct Record {
    drill: String,
    passed: bool,
    /// Such as `contained` to `1.2s`.
    measured: BTreeMap<String, String>,
    note: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExerciseAnswer")]
struct Reply {
    /// From 1.
    inject: u32,
    /// From 1.
    question: u32,
    text: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExerciseAcknowledge")]
struct Came {
    contact: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "ExerciseEnd")]
struct End {
    note: Option<String>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "TrainingComplete")]
struct Took {
    contact: String,
}

#[derive(Debug, Serialize, JsonSchema)]
struct Exercise {
    id: String,
    drill: String,
    name: String,
    /// `technical`, `tabletop` or `communication`.
    kind: String,
    by: Option<String>,
    started_at: String,
    ended_at: Option<String>,
    /// Null while it is under way.
    passed: Option<bool>,
    note: Option<String>,
    injects: Vec<Inject>,
    contacts: Vec<Contact>,
    /// Of a technical one.
    measured: BTreeMap<String, String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExerciseInject")]
struct Inject {
    inject: usize,
    /// Null before it is told, as are its words.
    told_at: Option<String>,
    says: Option<String>,
    questions: Vec<Question>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExerciseQuestion")]
struct Question {
    question: usize,
    asks: String,
    answer: Option<String>,
    by: Option<String>,
    at: Option<String>,
}

/// Whether one contact was reached over each channel, and has said so.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExerciseContact")]
struct Contact {
    contact: String,
    /// Channel to when it took the call, why it did not, or nothing yet.
    ways: BTreeMap<String, Reach>,
    acknowledged_at: Option<String>,
    acknowledged_by: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ExerciseReach")]
struct Reach {
    reached_at: Option<String>,
    failed: Option<String>,
}

impl Inject {
    fn of((inject, told): (usize, &exercise::Told)) -> Inject {
        // What is still to come would spoil it.
        let open = told.at.is_some();
        let asked = told.inject.asks.iter().zip(&told.answers).filter(|_| open);
        let questions = (1..).zip(asked).map(|(question, (asks, answer))| Question {
            question,
            asks: asks.to_string(),
            answer: answer.as_ref().map(|answer| answer.text.to_string()),
            by: answer.as_ref().and_then(|answer| answer.by).map(text),
            at: answer.as_ref().map(|answer| text(answer.at)),
        });
        Inject {
            inject,
            told_at: told.at.map(text),
            says: told.at.map(|_| told.inject.says.to_string()),
            questions: questions.collect(),
        }
    }
}

impl Contact {
    fn of(held: &exercise::Exercise, contact: &str, said: Option<(Timestamp, Option<PersonId>)>) -> Contact {
        let own = held.ways.iter().filter(|way| *way.contact == *contact);
        let reach = |way: &exercise::Way| Reach {
            reached_at: way.reached_at.map(text),
            failed: way.failed.as_ref().map(ToString::to_string),
        };
        Contact {
            contact: contact.to_owned(),
            ways: own.map(|way| (way.channel.to_string(), reach(way))).collect(),
            acknowledged_at: said.map(|(at, _)| text(at)),
            acknowledged_by: said.and_then(|(_, by)| by).map(text),
        }
    }
}

impl From<&exercise::Exercise> for Exercise {
    fn from(held: &exercise::Exercise) -> Exercise {
        let measured = held.measured.iter();
        Exercise {
            id: text(held.id),
            drill: held.drill.to_string(),
            name: held.name.to_string(),
            kind: name(&held.kind),
            by: held.by.map(text),
            started_at: text(held.started_at),
            ended_at: held.ended.as_ref().map(|ended| text(ended.at)),
            passed: held.ended.as_ref().map(|ended| ended.passed),
            note: held.ended.as_ref().map(|ended| ended.note.to_string()),
            injects: (1..).zip(&held.injects).map(Inject::of).collect(),
            contacts: held.contacts.iter().map(|(contact, said)| Contact::of(held, contact, *said)).collect(),
            measured: measured.map(|(name, value)| (name.to_string(), value.to_string())).collect(),
        }
    }
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["open", "over"])?;
    let page = call.page()?;
    let rows = call.read(move |reader| reader.exercises(past, page)).await?;
    ok(&Page::of(&rows, page.limit, |row| row.id.0, |row| Exercise::from(row)))
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: ExerciseId = call.param("id")?;
    let found = call.read(move |reader| reader.exercise(id)).await?;
    ok(&Exercise::from(&found.ok_or_else(|| missing(format_args!("exercise {id}")))?))
}

async fn begun(call: &Call, ask: Ask, kind: &'static str) -> Result<Response, Error> {
    let receipt = call.command(Command::Exercise(ask)).await?;
    let Some(Stream::Exercise(id)) = receipt.created(kind) else {
        return Err(Error::internal("beginning an exercise", &"no fact names it"));
    };
    let found = call.read(move |reader| reader.exercise(id)).await?;
    shown(StatusCode::CREATED, found.as_ref().map(Exercise::from))
}

async fn changed(call: &Call, id: ExerciseId, ask: Ask) -> Result<Response, Error> {
    call.command(Command::Exercise(ask)).await?;
    let found = call.read(move |reader| reader.exercise(id)).await?;
    shown(StatusCode::OK, found.as_ref().map(Exercise::from))
}

/// A course of training.yaml.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TrainingCourse")]
struct Course {
    id: String,
    name: String,
    about: String,
    valid: String,
    people: Vec<Taken>,
    /// How many lack it, or took it too long ago.
    gaps: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "TrainingTaken")]
struct Taken {
    contact: String,
    /// `taken`, `expired` or `missing`.
    standing: String,
    taken_at: Option<String>,
    until: Option<String>,
}

impl Course {
    fn of(
        course: &training::Course,
        people: &domain::content::people::People,
        upkeep: &Upkeep,
        now: Timestamp,
    ) -> Course {
        let own = upkeep.trained.get(course.id.as_str());
        let taken = |contact: &str| {
            let last = own.and_then(|own| own.get(contact));
            let standing = match last {
                None => "missing",
                Some(last) if last.until <= now => "expired",
                Some(_) => "taken",
            };
            Taken {
                contact: contact.to_owned(),
                standing: standing.to_owned(),
                taken_at: last.map(|last| text(last.at)),
                until: last.map(|last| text(last.until)),
            }
        };
        let who = people.expand(course.who.iter().map(String::as_str));
        let people: Vec<Taken> = who.into_iter().map(taken).collect();
        Course {
            id: course.id.clone(),
            name: course.name.clone(),
            about: course.about.clone(),
            valid: text(course.valid),
            gaps: people.iter().filter(|one| one.standing != "taken").count(),
            people,
        }
    }
}

async fn courses(call: Call) -> Result<Response, Error> {
    let upkeep = call.read(|reader| reader.upkeep()).await?;
    let (content, now) = (call.shared.content(), call.now());
    let courses = content.training.values().map(|course| Course::of(course, &content.people, &upkeep, now));
    ok(&Page::whole(courses.collect()))
}

async fn took(call: Call) -> Result<Response, Error> {
    let course = call.text_param("course")?.to_owned();
    let Took { contact } = call.json()?;
    let asks = upkeep::Command::Complete { course: course.clone(), contact };
    call.command(Command::Upkeep(asks)).await?;
    let upkeep = call.read(|reader| reader.upkeep()).await?;
    let (content, now) = (call.shared.content(), call.now());
    let found = content.training.get(&course);
    shown(StatusCode::OK, found.map(|found| Course::of(found, &content.people, &upkeep, now)))
}
