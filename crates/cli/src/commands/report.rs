//! `report`: what people tell of what they saw, what is written about incidents afterwards, and what is still owed.

mod told;

use clap::{Args, Subcommand};
use domain::id::ReviewId;
use serde_json::{Value, json};

use super::{exercise, show};
use crate::{
    args::Global,
    output::{Output, Table, Verdict},
    session,
};

mod compliance;
mod kpi;
mod part;
mod procedures;
mod recovery;
mod story;

pub(super) use kpi::seconds;

const REVIEWS: &str = "/api/v1/reviews";

/// What people tell, and reports on what happened
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(told::Add),
    List(told::List),
    Show(told::Show),
    Acknowledge(told::Acknowledge),
    Close(told::Close),
    #[command(subcommand)]
    Review(Review),
    Recovery(recovery::Recovery),
    Kpi(kpi::Kpi),
    Compliance(compliance::Compliance),
    Incident(story::Story),
    Procedures(procedures::Procedures),
    Drills(exercise::Drills),
    Training(exercise::Gaps),
}

/// Reviews of closed incidents, with their three reports
#[derive(Debug, Subcommand)]
pub(crate) enum Review {
    List(List),
    Show(Show),
    Complete(Complete),
    Attend(part::Attend),
    Sign(part::Sign),
    Find(part::Find),
    Answer(part::Judge),
    Action(part::Plan),
    Finish(part::Finish),
}

/// List reviews that owe a report, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report review list")]
pub(crate) struct List {
    /// Those with all reports instead
    #[arg(long)]
    complete: bool,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show one review with its reports
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence report review show REV-29")]
pub(crate) struct Show {
    id: ReviewId,
}

/// Deliver one of its reports
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence report review complete REV-29 initial 'https://docs.example/reviews/29'"
)]
pub(crate) struct Complete {
    id: ReviewId,
    /// initial, detailed or final
    report: String,
    /// The report itself, or the address where it stands
    text: String,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        match self {
            Command::Add(command) => told::add(command, global, output),
            Command::List(command) => told::list(command, global, output),
            Command::Show(command) => told::one(command, global, output),
            Command::Acknowledge(command) => told::acknowledge(command, global, output),
            Command::Close(command) => told::close(command, global, output),
            Command::Recovery(command) => command.run(&session::client(global)?, output),
            Command::Compliance(_) => compliance::run(&session::client(global)?, output),
            Command::Kpi(command) => command.run(&session::client(global)?, output),
            Command::Incident(command) => command.run(&session::client(global)?, output),
            Command::Procedures(command) => command.run(&session::client(global)?, output),
            Command::Drills(command) => command.run(global, output),
            Command::Training(command) => command.run(global, output),
            Command::Review(review) => review.run(global, output),
        }
    }
}

impl Review {
    fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        match self {
            Review::List(List { complete, limit }) => {
                let state = if *complete { "complete" } else { "open" };
                let items = client.list(&format!("{REVIEWS}?state={state}"), *limit)?;
                let columns = ["id", "incident", "age", "~owed"];
                Ok(show::list(output, items, &columns, &format!("no review is {state}"), row))
            }
            Review::Show(Show { id }) => Ok(one(&client.get(&format!("{REVIEWS}/{id}"))?, output)),
            Review::Attend(command) => part::attend(command, &client, output),
            Review::Sign(command) => part::sign(command, &client, output),
            Review::Find(command) => part::find(command, &client, output),
            Review::Answer(command) => part::answer(command, &client, output),
            Review::Action(command) => part::plan(command, &client, output),
            Review::Finish(command) => part::finish(command, &client, output),
            Review::Complete(Complete { id, report, text }) => {
                let body = json!({ "report": report, "text": text });
                let answer = client.post(&format!("{REVIEWS}/{id}/complete"), &body)?;
                Ok(show::done(output, &answer, &format!("the {report} report of {id} is delivered")))
            }
        }
    }
}

/// A review in the list: what it owes, and whether that is late.
fn row(review: &Value) -> Vec<String> {
    let owed = show::items(review, "reports").iter().filter(|report| report["done_at"].is_null());
    let owed = owed.map(|report| match &*show::text(report, "told") {
        "overdue" => format!("{} (overdue)", show::text(report, "report")),
        _ => format!("{} by {}", show::text(report, "report"), show::short_time(report, "due_at")),
    });
    let owed: Vec<String> = owed.collect();
    vec![
        show::text(review, "id"),
        show::text(review, "incident"),
        show::age(review, "opened_at"),
        owed.join(", "),
    ]
}

fn one(review: &Value, output: &Output) -> Verdict {
    if output.json {
        output.json(review);
        return Verdict::Done;
    }
    show::fields(
        output,
        &[
            ("id", show::text(review, "id")),
            ("incident", show::text(review, "incident")),
            ("opened", show::time(review, "opened_at")),
        ],
    );
    show::heading(output, "reports");
    let mut table = Table::new(&["report", "due", "delivered", "by", "~text"]);
    for report in show::items(review, "reports") {
        table.row(vec![
            show::text(report, "report"),
            show::short_time(report, "due_at"),
            show::short_time(report, "done_at"),
            show::text(report, "done_by"),
            show::text(report, "text"),
        ]);
    }
    table.print(output);
    part::show(review, output);
    Verdict::Done
}
