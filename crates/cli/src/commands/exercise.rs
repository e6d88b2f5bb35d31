//! `exercise` and `training`: drills in which people talk or are reached, and who took which course.

use clap::{Args, Subcommand};
use domain::id::ExerciseId;
use serde_json::{Value, json};

use super::show;
use crate::{
    args::Global,
    client::encode,
    output::{Output, Table, Verdict},
    session,
};

const LIST: &str = "/api/v1/exercises";
const TRAINING: &str = "/api/v1/training";
const COURSES_MAX: usize = 1_000;

/// Exercises at a table and of communication: nothing outside is changed by one
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    List(List),
    Show(Show),
    Start(Start),
    Answer(Answer),
    Acknowledge(Acknowledge),
    End(End),
}

/// List exercises under way, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence exercise list")]
pub(crate) struct List {
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show what was told, answered and reached
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence exercise show EXR-61")]
pub(crate) struct Show {
    id: ExerciseId,
}

/// Begin a drill at a table or of communication
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence exercise start tabletop_data_breach")]
pub(crate) struct Start {
    /// A file of `drills/`, by name
    drill: String,
}

/// Write down what people would do
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence exercise answer EXR-61 1 2 'critical: data of customers are outside'"
)]
pub(crate) struct Answer {
    id: ExerciseId,
    /// Which inject, from 1
    inject: u32,
    /// Which of its questions, from 1
    question: u32,
    text: String,
}

/// Say that the call came to a contact
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence exercise acknowledge EXR-62 on_call_engineer")]
pub(crate) struct Acknowledge {
    id: ExerciseId,
    contact: String,
}

/// End it; its result stays
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence exercise end EXR-61 --note 'who may stop a service is unclear'"
)]
pub(crate) struct End {
    id: ExerciseId,
    #[arg(long, value_name = "TEXT", default_value = "")]
    note: String,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        match self {
            Command::List(List { limit }) => {
                let items = client.list(&format!("{LIST}?state=open"), *limit)?;
                Ok(many(output, items, "no exercise is under way"))
            }
            Command::Show(Show { id }) => Ok(one(&client.get(&format!("{LIST}/{id}"))?, output)),
            Command::Start(Start { drill }) => {
                let answer = client.post(LIST, &json!({ "drill": drill }))?;
                let id = show::text(&answer, "id");
                let line = format!("{id} has begun; follow it with `ringfence exercise show {id}`");
                Ok(show::done(output, &answer, &line))
            }
            Command::Answer(Answer { id, inject, question, text }) => {
                let body = json!({ "inject": inject, "question": question, "text": text });
                let answer = client.post(&format!("{LIST}/{id}/answer"), &body)?;
                Ok(show::done(
                    output,
                    &answer,
                    &format!("{id}: question {question} of inject {inject} is answered"),
                ))
            }
            Command::Acknowledge(Acknowledge { id, contact }) => {
                let answer =
                    client.post(&format!("{LIST}/{id}/acknowledge"), &json!({ "contact": contact }))?;
                Ok(show::done(output, &answer, &format!("{id}: the call came to {contact}")))
            }
            Command::End(End { id, note }) => {
                let answer = client.post(&format!("{LIST}/{id}/end"), &json!({ "note": note }))?;
                Ok(show::done(output, &answer, &format!("{id} is over: {}", outcome(&answer))))
            }
        }
    }
}

/// What drills of all kinds came to, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report drills")]
pub(crate) struct Drills {
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

impl Drills {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let items = session::client(global)?.list(&format!("{LIST}?state=over"), self.limit)?;
        Ok(many(output, items, "no drill is on record"))
    }
}

/// Put on record who took which course
#[derive(Debug, Subcommand)]
pub(crate) enum Training {
    Complete(Complete),
}

/// Somebody took a course
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence training complete basics on_call_engineer")]
pub(crate) struct Complete {
    course: String,
    /// A contact of contacts.yaml
    contact: String,
}

impl Training {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let Training::Complete(Complete { course, contact }) = self;
        let path = format!("{TRAINING}/{}/complete", encode(course));
        let answer = session::client(global)?.post(&path, &json!({ "contact": contact }))?;
        Ok(show::done(output, &answer, &format!("{contact} took {course}")))
    }
}

/// Who lacks which course, and whose has expired
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report training")]
pub(crate) struct Gaps {
    /// Also who has taken each
    #[arg(long)]
    all: bool,
}

impl Gaps {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let courses = session::client(global)?.list(TRAINING, COURSES_MAX)?;
        if output.json {
            output.json(&json!({ "items": courses }));
            return Ok(Verdict::Done);
        }
        let mut table = Table::new(&["course", "contact", "standing", "taken", "until"]);
        for course in &courses {
            for one in show::items(course, "people") {
                if self.all || one["standing"] != "taken" {
                    let (taken, until) = (show::short_time(one, "taken_at"), show::short_time(one, "until"));
                    let (id, contact) = (show::text(course, "id"), show::text(one, "contact"));
                    table.row(vec![id, contact, show::text(one, "standing"), taken, until]);
                }
            }
        }
        if table.is_empty() {
            output.line("everybody has taken what they have to");
        } else {
            table.print(output);
        }
        Ok(Verdict::Done)
    }
}

fn outcome(held: &Value) -> &'static str {
    match held["passed"].as_bool() {
        Some(true) => "passed",
        Some(false) => "not passed",
        None => "under way",
    }
}

fn many(output: &Output, items: Vec<Value>, nothing: &str) -> Verdict {
    let columns = ["id", "kind", "drill", "started", "ended", "result", "~note"];
    show::list(output, items, &columns, nothing, |held| {
        vec![
            show::text(held, "id"),
            show::text(held, "kind"),
            show::text(held, "drill"),
            show::short_time(held, "started_at"),
            show::short_time(held, "ended_at"),
            outcome(held).to_owned(),
            show::text(held, "note"),
        ]
    })
}

fn one(held: &Value, output: &Output) -> Verdict {
    if output.json {
        output.json(held);
        return Verdict::Done;
    }
    show::fields(
        output,
        &[
            ("id", show::text(held, "id")),
            ("name", show::text(held, "name")),
            ("kind", show::text(held, "kind")),
            ("begun by", show::text(held, "by")),
            ("begun", show::time(held, "started_at")),
            ("ended", show::time(held, "ended_at")),
            ("result", outcome(held).to_owned()),
            ("note", show::text(held, "note")),
            ("measured", show::text(held, "measured")),
        ],
    );
    for inject in show::items(held, "injects") {
        if inject["told_at"].is_null() {
            continue;
        }
        show::heading(output, &format!("inject {}", show::text(inject, "inject")));
        output.line(crate::output::escape(&show::text(inject, "says")));
        for question in show::items(inject, "questions") {
            let (number, asks) = (show::text(question, "question"), show::text(question, "asks"));
            let answer = show::text(question, "answer");
            let answer = if answer.is_empty() { "not answered".to_owned() } else { answer };
            output.line(crate::output::escape(&format!("  {number}. {asks}")));
            output.line(crate::output::escape(&format!("     {answer}")));
        }
    }
    contacts(held, output);
    Verdict::Done
}

fn contacts(held: &Value, output: &Output) {
    if show::items(held, "contacts").is_empty() {
        return;
    }
    show::heading(output, "contacts");
    let mut table = Table::new(&["contact", "channel", "reached", "acknowledged", "~failed"]);
    for contact in show::items(held, "contacts") {
        let name = show::text(contact, "contact");
        let said = show::short_time(contact, "acknowledged_at");
        let ways = contact["ways"].as_object();
        for (channel, way) in ways.into_iter().flatten() {
            let reached = show::short_time(way, "reached_at");
            table.row(vec![name.clone(), channel.clone(), reached, said.clone(), show::text(way, "failed")]);
        }
        if ways.is_none_or(serde_json::Map::is_empty) {
            table.row(vec![name, "none".to_owned(), String::new(), said, "no channel reaches it".to_owned()]);
        }
    }
    table.print(output);
}
