//! `drill`: a scenario from its first alert to its last proof, against a server of its own and the simulated estate,
//! with a view that shows attacker and response side by side.
//!
//! Nothing is staged but the attack: the server is the one that `serve` starts, alerts go to it over HTTP, and every
//! time shown was measured. At the end the log is verified as an auditor would.

mod outcome;
mod people;
mod scene;
mod score;
#[cfg(test)]
mod tests;
mod view;

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use anyhow::{Context as _, bail};
use clap::Args;
use domain::{content::drill::Drill as ShippedDrill, document::nearest};
use estate::Scenario;
use serde_json::json;

use self::{outcome::Outcome, people::People, scene::Scene, view::View};
use crate::{
    args::Global,
    client::{Client, Token},
    content::Source,
    estate::{Estate, alert_body},
    logs::{self, Format, Threshold},
    output::{Output, Table, Usage, Verdict, escape},
    serve::{Running, Settings},
    session, verify,
};

/// How often the attacker works and the view looks.
const PACE: Duration = Duration::from_millis(10);
const LOOK: Duration = Duration::from_millis(40);
/// How long the view stays after all is done, so that what was spared is seen to grow.
const LINGER: Duration = Duration::from_millis(1_500);
/// A drill that is not through by then, whatever its people think about, has failed.
const PATIENCE: Duration = Duration::from_secs(25);

/// Play an attack on the simulated estate and show the response; exit 0 only if the targets are met
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence drill validator_compromise\n  \
                        ringfence drill --all\n  \
                        ringfence drill validator_compromise --keep drill-data\n  \
                        ringfence log verify drill-data")]
pub(crate) struct Drill {
    /// Which attack
    #[arg(required_unless_present_any = ["list", "all"], conflicts_with = "all")]
    scenario: Option<String>,
    /// List the attacks there are
    #[arg(long)]
    list: bool,
    /// One after the other; exit 0 only if each meets its targets
    #[arg(long)]
    all: bool,
    /// Keep the drill's data directory here, to look at and to verify; a folder that does not exist yet
    #[arg(long, value_name = "DIR", conflicts_with = "all")]
    keep: Option<PathBuf>,
    /// Keep what it came to on the server, for `report drills`
    #[arg(long, conflicts_with = "all")]
    record: bool,
}

impl Drill {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        if self.list {
            return Ok(list(output));
        }
        logs::start(Format::Text, Threshold::Error);
        if self.all {
            return all(output);
        }
        let name = self.scenario.as_deref().unwrap_or_default();
        let Some(scenario) = Scenario::find(name) else { return Err(unknown(name).into()) };
        let outcome = match &self.keep {
            None => play_and_forget(&scenario, output)?,
            Some(keep) if keep.exists() => {
                bail!("`{}` exists; name a folder that does not, so that nothing is mixed", keep.display());
            }
            Some(keep) => play(&scenario, keep, true, output)?,
        };
        outcome.print(output);
        if output.json {
            output.json(&outcome.to_json());
        }
        if self.record {
            let body = json!({ "drill": name, "passed": outcome.is_met(), "measured": outcome.measured() });
            session::client(global)?.post("/api/v1/exercises/record", &body)?;
        }
        Ok(verdict(outcome.is_met()))
    }
}

fn verdict(met: bool) -> Verdict {
    if met { Verdict::Done } else { Verdict::NotMet }
}

/// Each in a folder and a server of its own, and one table at the end.
fn all(output: &Output) -> anyhow::Result<Verdict> {
    let mut outcomes = Vec::new();
    for scenario in Scenario::shipped() {
        let outcome = play_and_forget(&scenario, output)?;
        outcome.print(output);
        if !output.json {
            output.line("");
        }
        outcomes.push(outcome);
    }
    let met = outcomes.iter().all(Outcome::is_met);
    if output.json {
        let drills: Vec<_> = outcomes.iter().map(Outcome::to_json).collect();
        output.json(&json!({ "met": met, "drills": drills }));
        return Ok(verdict(met));
    }
    let mut table = Table::new(&["drill", "targets", "contained", "completed", "alone", "damage", "verdict"]);
    outcomes.iter().for_each(|outcome| table.row(outcome.row()));
    table.print(output);
    Ok(verdict(met))
}

fn play_and_forget(scenario: &Scenario, output: &Output) -> anyhow::Result<Outcome> {
    let folder = tempfile::tempdir().context("cannot make a folder for the drill")?;
    play(scenario, folder.path(), false, output)
}

fn list(output: &Output) -> Verdict {
    let all = Scenario::shipped();
    if output.json {
        let items = all.iter().map(|s| json!({ "id": s.id, "name": s.name, "summary": s.summary }));
        output.json(&json!({ "items": items.collect::<Vec<_>>() }));
        return Verdict::Done;
    }
    let mut table = Table::new(&["scenario", "~what happens"]);
    for scenario in &all {
        table.row(vec![scenario.id.clone(), scenario.summary.clone()]);
    }
    table.print(output);
    Verdict::Done
}

fn unknown(name: &str) -> Usage {
    let all = Scenario::shipped();
    let names = all.iter().map(|scenario| scenario.id.as_str());
    match nearest(name, names.clone()) {
        Some(meant) => Usage(format!("there is no drill `{name}`; did you mean `{meant}`?")),
        None => {
            Usage(format!("there is no drill `{name}`; there are: {}", names.collect::<Vec<_>>().join(", ")))
        }
    }
}

fn play(scenario: &Scenario, folder: &Path, kept: bool, output: &Output) -> anyhow::Result<Outcome> {
    let (drill, verbs) = drill_of(scenario)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let running = Running::start(Settings::drill(folder.to_owned()), runtime)?;
    let estate = running.estate().context("a drill needs the simulated estate")?.clone();
    let scene = Arc::new(Mutex::new(Scene::new(scenario)));
    listen(&running, &scene);
    let token = running.drill_token("drill-monitors")?;
    let client = Client::new(running.address().clone(), Some(Token::new(&token)), None)?;
    let token = running.first_person().context("a drill needs somebody to answer")?.token.clone();
    let desk = Client::new(running.address().clone(), Some(Token::new(&token)), None)?;
    let monitors = Monitors::start(scenario, estate.clone(), client, scene.clone())?;
    let people = People::start(&drill, verbs, desk, scene.clone())?;
    let mut view = View::new(scenario, running.address().to_string(), *output);
    watch(scenario, &drill, &running, &estate, &scene, &mut view);
    monitors.stop();
    people.stop();
    running.stop()?;
    let checked = verify::directory(folder, &[], &[])?;
    let outcome = Outcome::of(scenario, &drill, &lock(&scene), checked, kept.then(|| folder.to_owned()));
    Ok(outcome)
}

/// What the content says of this attack, and the actions of its playbook by step.
fn drill_of(scenario: &Scenario) -> anyhow::Result<(ShippedDrill, BTreeMap<String, String>)> {
    let content = Source::Shipped.checked()?;
    let found = content.drills.values().find(|drill| drill.scenario == scenario.id).cloned();
    let drill = found.with_context(|| format!("no file of drills/ is for the scenario `{}`", scenario.id))?;
    let steps = content.playbooks.get(&drill.playbook).into_iter().flat_map(|playbook| playbook.steps());
    let verbs = steps.map(|(_, step)| (step.id.clone(), step.verb.clone())).collect();
    Ok((drill, verbs))
}

fn lock(scene: &Mutex<Scene>) -> MutexGuard<'_, Scene> {
    scene.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Writes down each fact with the moment at which it was durable.
fn listen(running: &Running, scene: &Arc<Mutex<Scene>>) {
    let mut facts = running.handle().subscribe();
    let scene = scene.clone();
    running.runtime().spawn(async move {
        // A listener that falls behind goes on with what is there; a closed channel is the end.
        loop {
            match facts.recv().await {
                Ok(batch) => {
                    let now = Instant::now();
                    let mut scene = lock(&scene);
                    batch.iter().for_each(|fact| scene.fact(fact, now));
                }
                Err(tokio::sync::broadcast::error::RecvError::Lagged(_)) => {}
                Err(tokio::sync::broadcast::error::RecvError::Closed) => return,
            }
        }
    });
}

/// The attacker and the monitors that notice: they send alerts over HTTP as they come due.
struct Monitors {
    over: Arc<AtomicBool>,
    thread: JoinHandle<()>,
}

impl Monitors {
    fn start(
        scenario: &Scenario,
        estate: Arc<Estate>,
        client: Client,
        scene: Arc<Mutex<Scene>>,
    ) -> anyhow::Result<Monitors> {
        let over = Arc::new(AtomicBool::new(false));
        let ends = over.clone();
        estate.attack(scenario.clone());
        lock(&scene).began = Instant::now();
        let work = move || {
            while !ends.load(Ordering::Acquire) {
                for alert in estate.tick() {
                    let sent = Instant::now();
                    lock(&scene).first_sent.get_or_insert(sent);
                    let answer = client.post("/api/v2/alerts", &alert_body(&alert));
                    lock(&scene).answered(&alert, sent, answer.err().map(|error| format!("{error:#}")));
                }
                std::thread::park_timeout(PACE);
            }
        };
        let thread = std::thread::Builder::new().name("monitors".to_owned()).spawn(work);
        Ok(Monitors { over, thread: thread.context("cannot start the monitors")? })
    }

    fn stop(self) {
        self.over.store(true, Ordering::Release);
        drop(self.thread.join());
    }
}

/// Shows the scene until everything is done or patience ends.
fn watch(
    scenario: &Scenario,
    drill: &ShippedDrill,
    running: &Running,
    estate: &Estate,
    scene: &Mutex<Scene>,
    view: &mut View,
) {
    let script = scenario.beats.last().map_or(0, |beat| beat.at_us);
    let thinking: Duration = drill.people.iter().map(|part| part.after.as_std()).sum();
    let deadline = Instant::now() + Duration::from_micros(script) + thinking + PATIENCE;
    let mut done_since: Option<Instant> = None;
    loop {
        let mut now = lock(scene);
        now.look(estate, running);
        view.show(&now);
        let done = now.is_done();
        drop(now);
        let since = if done { Some(*done_since.get_or_insert_with(Instant::now)) } else { None };
        let lingered = since.is_some_and(|since| since.elapsed() >= LINGER);
        if lingered || Instant::now() >= deadline || running.ended().is_some() {
            return;
        }
        std::thread::park_timeout(LOOK);
    }
}

/// A duration as people read it: milliseconds with what matters behind the point.
fn millis(duration: Duration) -> String {
    let ms = duration.as_secs_f64() * 1_000.0;
    match ms {
        _ if ms < 100.0 => format!("{ms:.1} ms"),
        _ if ms < 10_000.0 => format!("{ms:.0} ms"),
        _ => format!("{:.1} s", ms / 1_000.0),
    }
}

fn shown(path: &Path) -> String {
    escape(&path.display().to_string())
}
