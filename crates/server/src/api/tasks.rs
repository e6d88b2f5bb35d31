//! `/api/v1/tasks`: what open runs ask of people.

use std::sync::Arc;

use axum::response::Response;
use domain::{playbook::Playbook, run};

use super::{CURSOR, LIMIT, read, runs::pinned};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Route, schema},
    view::{Page, Task},
};

pub(crate) const ROUTES: &[Route] = &[read(
    "/api/v1/tasks",
    &[LIMIT, CURSOR],
    Answer::Json(200, schema::<Page<Task>>),
    "Open decisions and tasks, of the newest run first; a page looks at `limit` runs.",
    |call| Box::pin(list(call)),
)];

async fn list(call: Call) -> Result<Response, Error> {
    let page = call.page()?;
    let shared = call.shared.clone();
    let look = move |reader: &engine::Reader| {
        let runs = reader.runs(false, page)?;
        let known = |run: run::Run| {
            let playbook = pinned(reader, &shared, &run)?;
            Ok((run, playbook))
        };
        runs.into_iter().map(known).collect::<Result<Vec<(run::Run, Option<Arc<Playbook>>)>, engine::Error>>()
    };
    let rows = call.read(look).await?;
    let tasks = |(run, playbook): &(run::Run, Option<Arc<Playbook>>)| {
        let tasks = playbook.iter().flat_map(|playbook| run::tasks(run, playbook));
        tasks.map(|task| Task::of(run, &task)).collect::<Vec<Task>>()
    };
    let next = rows.last().filter(|_| rows.len() >= page.limit).map(|(run, _)| run.id.0.to_string());
    ok(&Page { items: rows.iter().flat_map(tasks).collect(), next })
}
