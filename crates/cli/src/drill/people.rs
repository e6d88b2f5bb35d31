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
use domain::content::drill::{Act, Drill, Part};
use serde_json::{Value, json};

use super::{lock, scene::Scene};
use crate::{client::Client, commands::show};

/// How often they look at their tasks.
const PACE: Duration = Duration::from_millis(50);

/// The thread in which they sit.
pub(super) struct People {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl People {
    pub(super) fn start(drill: &Drill, client: Client, scene: Arc<Mutex<Scene>>) -> anyhow::Result<People> {
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        let mut desk = Desk { parts: drill.people.clone(), asked: BTreeMap::new(), told: BTreeSet::new() };
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
    /// Since when each step waits for them.
    asked: BTreeMap<String, Instant>,
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
            let Some(part) = self.parts.iter().find(|part| part.step == id) else {
                lock(scene).problem(format!("`{id}` asks for a person, and nobody in the drill answers it"));
                self.told.insert(id);
                continue;
            };
            if since.elapsed() >= part.after.as_std() {
                if let Err(error) = client.post(&format!("/api/v1/runs/{run}/update"), &answer(part)) {
                    lock(scene).problem(format!("`{id}` was answered in vain: {error:#}"));
                }
                self.told.insert(id);
            }
        }
        lock(scene).steps = show::items(&page, "steps").to_vec();
    }
}

fn waits(step: &Value) -> bool {
    show::text(step, "status") == "active" && matches!(&*show::text(step, "kind"), "decision" | "manual")
}

fn answer(part: &Part) -> Value {
    match &part.act {
        Act::Choose(option) => json!({ "decide": { part.step.clone(): option } }),
        Act::Complete(note) => json!({ "complete": [part.step], "note": note }),
    }
}
