//! The people of a drill: they read the run as any client does, and answer what it asks them, over HTTP.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::Context as _;
use domain::content::drill::{Act, Deed, Drill, Part};
use serde_json::{Value, json};

use super::{lock, scene::Scene};
use crate::{
    client::{Client, Token},
    commands::show,
};

/// How often they look at their tasks.
const PACE: Duration = Duration::from_millis(50);
/// More requests than any drill has.
const REQUESTS_MAX: usize = 100;

/// The thread in which they sit.
pub(super) struct People {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl People {
    /// `verbs` are the actions of the playbook by step.
    pub(super) fn start(
        drill: &Drill,
        verbs: BTreeMap<String, String>,
        client: Client,
        scene: Arc<Mutex<Scene>>,
    ) -> anyhow::Result<People> {
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let mut desk = Desk {
            parts: drill.people.clone(),
            verbs,
            voters: Vec::new(),
            asked: BTreeMap::new(),
            begun: BTreeSet::new(),
            told: BTreeSet::new(),
        };
        let work = move || {
            while !ends.load(Ordering::Acquire) {
                desk.look(&client, &scene);
                std::thread::park_timeout(PACE);
            }
        };
        let thread = std::thread::Builder::new().name("people".to_owned()).spawn(work);
        Ok(People { over, thread: thread.context("cannot start the people")? })
    }

    pub(super) fn stop(self) {
        self.over.store(true, Ordering::Release);
        drop(self.thread.join());
    }
}

/// What lies before them.
struct Desk {
    parts: Vec<Part>,
    verbs: BTreeMap<String, String>,
    /// Those who were called to allow something. Whoever works on a run may not allow what it asks for.
    voters: Vec<Client>,
    /// Since when each step waits for them.
    asked: BTreeMap<String, Instant>,
    /// The steps for which they have begun something.
    begun: BTreeSet<String>,
    /// The steps that they answered, or that the drill has no answer for.
    told: BTreeSet<String>,
}

impl Desk {
    fn look(&mut self, client: &Client, scene: &Mutex<Scene>) {
        let Some(run) = lock(scene).run.clone() else { return };
        let Ok(page) = client.get(&format!("/api/v1/runs/{run}")) else { return };
        for step in show::items(&page, "steps").iter().filter(|step| waits(step)) {
            let id = show::text(step, "id");
            let since = *self.asked.entry(id.clone()).or_insert_with(Instant::now);
            if self.told.contains(&id) {
                continue;
            }
            let Some(part) = self.parts.iter().find(|part| part.step == id).cloned() else {
                lock(scene).problem(format!("`{id}` asks for a person, and nobody in the drill answers it"));
                self.told.insert(id);
                continue;
            };
            if since.elapsed() < part.after.as_std() {
                continue;
            }
            let incident = lock(scene).incident.clone().unwrap_or_default();
            let answered = match self.ready(client, &incident, &part) {
                Ok(false) => continue,
                Ok(true) => client.post(&format!("/api/v1/runs/{run}/update"), &answer(&part)).map(drop),
                Err(error) => Err(error),
            };
            if let Err(error) = answered {
                lock(scene).problem(format!("`{id}` was answered in vain: {error:#}"));
            }
            self.told.insert(id);
        }
        self.allow(client, scene);
        lock(scene).steps = show::items(&page, "steps").to_vec();
    }

    /// Allows what a part says is allowed, each voter with the hash of what was shown.
    fn allow(&mut self, client: &Client, scene: &Mutex<Scene>) {
        let Ok(requests) = client.list("/api/v1/approvals", REQUESTS_MAX) else { return };
        for request in requests.iter().filter(|request| show::text(request, "status") == "open") {
            let id = show::text(request, "id");
            let since = *self.asked.entry(id.clone()).or_insert_with(Instant::now);
            if self.told.contains(&id) {
                continue;
            }
            let verb = show::text(request, "verb");
            let fits = |part: &&Part| part.act == Act::Approve && self.verbs.get(&part.step) == Some(&verb);
            let Some(part) = self.parts.iter().find(fits).cloned() else {
                lock(scene)
                    .problem(format!("`{verb}` needs people to allow it, and nobody in the drill does"));
                self.told.insert(id);
                continue;
            };
            if since.elapsed() >= part.after.as_std() {
                match self.vote(client, request) {
                    Ok(()) => drop(lock(scene).approved.insert(part.step)),
                    Err(error) => lock(scene).problem(format!("`{verb}` was allowed in vain: {error:#}")),
                }
                self.told.insert(id);
            }
        }
    }

    /// Whether what the task asks for is done; what is not begun yet is begun.
    fn ready(&mut self, client: &Client, incident: &str, part: &Part) -> anyhow::Result<bool> {
        let Act::Complete { first: Some(deed), note } = &part.act else { return Ok(true) };
        match deed {
            Deed::Recover => {
                if self.begun.insert(part.step.clone()) {
                    client.post(&format!("/api/v1/incidents/{incident}/recover"), &json!({}))?;
                }
                let recovery = client.get(&format!("/api/v1/incidents/{incident}/recovery"))?;
                let state = show::text(&recovery, "state");
                anyhow::ensure!(state != "stopped", "the recovery stopped: {}", recovery["services"]);
                Ok(state == "complete")
            }
            Deed::Analyze => {
                let records = format!("/api/v1/incidents/{incident}/analysis");
                client.post(&format!("{records}/finding"), &json!({ "text": note }))?;
                let impact = json!({ "areas": { "systems": "medium" }, "text": note });
                client.post(&format!("{records}/impact"), &impact)?;
                Ok(true)
            }
            Deed::KillSwitchOff => {
                self.gather(client, 2)?;
                for voter in self.voters.iter().take(2) {
                    voter.post("/api/emergency/kill-switch/disable", &json!({ "reason": part.step }))?;
                }
                Ok(true)
            }
        }
    }

    fn gather(&mut self, client: &Client, count: usize) -> anyhow::Result<()> {
        while self.voters.len() < count {
            let voter = voter(client, self.voters.len() + 1)?;
            self.voters.push(voter);
        }
        Ok(())
    }

    fn vote(&mut self, client: &Client, request: &Value) -> anyhow::Result<()> {
        let quorum = show::text(request, "quorum").parse::<usize>().unwrap_or(1);
        self.gather(client, quorum)?;
        let path = format!("/api/v1/approvals/{}/approve", show::text(request, "id"));
        let body = json!({ "hash": show::text(request, "hash") });
        for voter in self.voters.iter().take(quorum) {
            voter.post(&path, &body)?;
        }
        Ok(())
    }
}

/// One more person who may command.
fn voter(client: &Client, number: usize) -> anyhow::Result<Client> {
    let body = json!({ "name": format!("drill-{number}"), "role": "commander" });
    let person = client.post("/api/v1/people", &body)?;
    let body = json!({ "person": show::text(&person, "id"), "label": "drill" });
    let token = client.post("/api/v1/tokens", &body)?;
    Client::new(client.address().clone(), Some(Token::new(&show::text(&token, "token"))), None)
}

fn waits(step: &Value) -> bool {
    show::text(step, "status") == "active" && matches!(&*show::text(step, "kind"), "decision" | "manual")
}

fn answer(part: &Part) -> Value {
    match &part.act {
        Act::Choose(option) => json!({ "decide": { part.step.clone(): option } }),
        Act::Complete { note, .. } => json!({ "complete": [part.step], "note": note }),
        Act::Approve => Value::Null,
    }
}
