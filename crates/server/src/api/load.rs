//! `/api/v1/tasks/people`: who is on what: incidents that people command, have or belong to, and the tasks that wait for
//! them.

use std::collections::BTreeMap;

use axum::response::Response;
use domain::{access::Person, content::Content, id::PersonId, incident::Incident, run};
use engine::{Page as Part, Reader};
use schemars::JsonSchema;
use serde::Serialize;

use super::{read, runs::pinned};
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Route, schema},
    shared::Shared,
    view::{Page, Task, text},
};

/// Open incidents and live runs that are looked at, the newest.
const LOOK_MAX: usize = 1_000;

pub(crate) const ROUTES: &[Route] = &[read(
    "/api/v1/tasks/people",
    &[],
    Answer::Json(200, schema::<Page<Load>>),
    "Who is on what: open incidents and tasks by person, whoever has most first.",
    |call| Box::pin(list(call)),
)];

/// What one person has on the table.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "PersonLoad")]
pub(crate) struct Load {
    /// A contact, or the name of an account that is none; null: tasks for which nobody is on the team.
    person: Option<String>,
    /// Incidents that this person commands.
    commands: Vec<String>,
    /// Incidents that are assigned to this person.
    assigned: Vec<String>,
    /// Incidents to whose team this person belongs.
    team_of: Vec<String>,
    /// Open tasks that wait for a role of this person.
    tasks: Vec<Waiting>,
    overdue: usize,
}

#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "WaitingTask")]
struct Waiting {
    incident: String,
    run: String,
    step: String,
    name: String,
    due_at: Option<String>,
    overdue: bool,
}

async fn list(call: Call) -> Result<Response, Error> {
    let shared = call.shared.clone();
    let items = call.read(move |reader| loads(reader, &shared)).await?;
    ok(&Page::whole(items))
}

fn loads(reader: &Reader, shared: &Shared) -> Result<Vec<Load>, engine::Error> {
    let content = shared.content();
    let page = Part { before: None, limit: LOOK_MAX };
    let people = reader.people()?;
    let incidents = reader.incidents(false, page)?;
    let mut loads: BTreeMap<Option<String>, Load> = BTreeMap::new();
    let mut on = |who: Option<String>, note: &mut dyn FnMut(&mut Load)| {
        let load = loads.entry(who.clone()).or_insert_with(|| Load { person: who, ..Load::default() });
        note(load);
    };
    for incident in &incidents {
        let (id, standing) = (text(incident.id), incident.standing());
        if let Some(person) = standing.commander {
            on(Some(name(&content, &people, person)), &mut |load| load.commands.push(id.clone()));
        }
        if let Some(person) = incident.assignee {
            on(Some(name(&content, &people, person)), &mut |load| load.assigned.push(id.clone()));
        }
        for contact in members(incident) {
            on(Some(contact), &mut |load| load.team_of.push(id.clone()));
        }
    }
    for run in reader.runs(false, page)? {
        let Some(playbook) = pinned(reader, shared, &run)? else { continue };
        let incident = incidents.iter().find(|incident| incident.id == run.incident);
        for task in run::tasks(&run, &playbook) {
            let task = Task::of(&run, &task);
            for who in answerers(&task, incident) {
                on(who, &mut |load| {
                    load.overdue += usize::from(task.overdue);
                    load.tasks.push(waiting(&task));
                });
            }
        }
    }
    let mut loads: Vec<Load> = loads.into_values().collect();
    let weight = |load: &Load| load.tasks.len() + load.commands.len() + load.assigned.len();
    loads.sort_by_key(|load| std::cmp::Reverse((load.overdue, weight(load))));
    Ok(loads)
}

/// The contact that an account is, or its own name.
fn name(content: &Content, people: &[Person], id: PersonId) -> String {
    let account =
        people.iter().find(|person| person.id == id).map_or_else(|| text(id), |one| text(&one.name));
    let contact = content.people.contacts.values().find(|contact| contact.accounts.contains(&account));
    contact.map_or(account, |contact| contact.name.clone())
}

fn members(incident: &Incident) -> Vec<String> {
    let mut names: Vec<String> = incident.standing().team.iter().map(|(_, contact)| text(contact)).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// Whoever on the team holds a role that the task names; nobody where no one does.
fn answerers(task: &Task, incident: Option<&Incident>) -> Vec<Option<String>> {
    let team = incident.map(|incident| incident.standing().team.as_slice()).unwrap_or_default();
    let holds = |role: &str| task.roles.is_empty() || task.roles.iter().any(|named| named == role);
    let mut names: Vec<Option<String>> =
        team.iter().filter(|(role, _)| holds(role)).map(|(_, contact)| Some(text(contact))).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() { vec![None] } else { names }
}

fn waiting(task: &Task) -> Waiting {
    Waiting {
        incident: task.incident.clone(),
        run: task.run.clone(),
        step: task.step.clone(),
        name: task.name.clone(),
        due_at: task.due_at.clone(),
        overdue: task.overdue,
    }
}
