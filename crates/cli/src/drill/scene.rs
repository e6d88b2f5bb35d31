//! What has happened so far in a drill: on the left the attack, on the right the response, each with its moment.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use domain::event::Stream;
use engine::Started;
use estate::{DrillAlert, HappeningKind, Scenario};
use serde_json::Value;

use crate::{
    commands::show,
    estate::{Estate, Received},
    output::Colour,
    serve::Running,
};

/// More lines than any drill has; later ones are left out.
const LINES_MAX: usize = 2_000;

/// One thing that happened.
#[derive(Debug, Clone)]
pub(super) struct Line {
    pub(super) at: Instant,
    pub(super) text: String,
    pub(super) colour: Option<Colour>,
    /// Its position in the journal, if it is an entry.
    pub(super) entry: Option<u64>,
}

pub(super) struct Scene {
    pub(super) began: Instant,
    /// When the first alert left the monitor.
    pub(super) first_sent: Option<Instant>,
    /// How long the sender waited for the first 2xx, which means: on disk.
    pub(super) accepted: Option<Duration>,
    pub(super) attack: Vec<Line>,
    pub(super) response: Vec<Line>,
    pub(super) incident: Option<String>,
    /// When the incident was on disk, and when its run was through.
    pub(super) opened: Option<Instant>,
    pub(super) completed: Option<Instant>,
    /// When every service of the incident was well again, as its recovery says.
    pub(super) recovered: Option<Instant>,
    /// When the attack was seen to have stopped.
    pub(super) stopped_at: Option<Instant>,
    /// The steps of the run as its page last showed them.
    pub(super) steps: Vec<Value>,
    /// The steps that people allowed.
    pub(super) approved: BTreeSet<String>,
    /// What nobody in the drill could answer.
    pub(super) problems: Vec<String>,
    pub(super) run: Option<String>,
    pub(super) damage: u64,
    pub(super) spared: u64,
    pub(super) stopped: bool,
    /// Verb and target of each goal, and whether it holds in the estate or did until it was taken back.
    pub(super) goals: Vec<(String, String, bool)>,
    /// When a goal was applied and read back, as the journal says.
    pub(super) verified: BTreeMap<(String, String), Instant>,
    /// The goals that were read back and then taken back, as the end of the response asks.
    released: BTreeSet<(String, String)>,
    /// When the estate carried the call for a goal out.
    pub(super) called: BTreeMap<(String, String), Instant>,
    pub(super) entries: u64,
    pub(super) sealed: u64,
    pub(super) refused: Vec<String>,
    /// Verb and target by action.
    actions: BTreeMap<String, (String, String)>,
    told: u64,
}

impl Scene {
    pub(super) fn new(scenario: &Scenario) -> Scene {
        let goals = scenario.goals.iter().map(|goal| (goal.verb.clone(), goal.target.id.clone(), false));
        Scene {
            began: Instant::now(),
            first_sent: None,
            accepted: None,
            attack: Vec::new(),
            response: Vec::new(),
            incident: None,
            opened: None,
            completed: None,
            recovered: None,
            stopped_at: None,
            steps: Vec::new(),
            approved: BTreeSet::new(),
            problems: Vec::new(),
            run: None,
            damage: 0,
            spared: 0,
            stopped: false,
            goals: goals.collect(),
            verified: BTreeMap::new(),
            released: BTreeSet::new(),
            called: BTreeMap::new(),
            entries: 0,
            sealed: 0,
            refused: Vec::new(),
            actions: BTreeMap::new(),
            told: 0,
        }
    }

    /// Everything holds, was read back, and is signed.
    pub(super) fn is_done(&self) -> bool {
        let goals = self.goals.iter().all(|(verb, target, holds)| {
            *holds && self.verified.contains_key(&(verb.clone(), target.clone()))
        });
        goals && self.completed.is_some() && self.stopped && self.sealed == self.entries
    }

    /// Since the first alert was sent; nothing before it.
    pub(super) fn since_alert(&self, at: Instant) -> Option<Duration> {
        Some(at.saturating_duration_since(self.first_sent.filter(|sent| *sent <= at)?))
    }

    /// When the last goal was read back.
    pub(super) fn all_verified(&self) -> Option<Instant> {
        self.last(&self.verified)
    }

    /// When the estate carried the last goal out.
    pub(super) fn all_called(&self) -> Option<Instant> {
        self.last(&self.called)
    }

    /// The latest moment over all goals, once each of them has one.
    fn last(&self, moments: &BTreeMap<(String, String), Instant>) -> Option<Instant> {
        let when = self.goals.iter().map(|(verb, target, _)| moments.get(&(verb.clone(), target.clone())));
        when.collect::<Option<Vec<_>>>()?.into_iter().max().copied()
    }

    /// Takes in how the estate and the log stand now.
    pub(super) fn look(&mut self, estate: &Estate, running: &Running) {
        let now = Instant::now();
        let world = estate.world();
        let news = world.events_since(self.told);
        (self.damage, self.spared, self.stopped) = (world.damage(), world.spared(), world.attack_stopped());
        if self.stopped && self.first_sent.is_some() {
            self.stopped_at.get_or_insert(now);
        }
        for (goal, (_, holds)) in self.goals.iter_mut().zip(world.goals()) {
            goal.2 = holds || self.released.contains(&(goal.0.clone(), goal.1.clone()));
        }
        drop(world);
        for happening in news {
            self.told = happening.number + 1;
            let colour = match happening.kind {
                HappeningKind::Attack => Some(Colour::Red),
                HappeningKind::Alert => Some(Colour::Yellow),
                HappeningKind::Stopped | HappeningKind::Contained => Some(Colour::Green),
                HappeningKind::Reverted => None,
                // The counter shows it.
                HappeningKind::Damage | HappeningKind::Nothing => continue,
            };
            let at = estate.moment(happening.time_us);
            push(&mut self.attack, Line { at, text: happening.text, colour, entry: None });
        }
        if self.called.len() < self.goals.len() {
            let wanted =
                |call: &Received| self.goals.iter().any(|(v, t, _)| *v == call.verb && *t == call.target);
            for call in estate.calls().into_iter().filter(wanted) {
                self.called.entry((call.verb, call.target)).or_insert(call.at);
            }
        }
        self.entries = running.handle().reader().length().unwrap_or(self.entries);
        let counters = running.handle().counters();
        let sealed = counters.sealed_size.load(std::sync::atomic::Ordering::Relaxed);
        if sealed > self.sealed {
            self.sealed = sealed;
        }
    }

    /// The sender has its answer.
    pub(super) fn answered(&mut self, alert: &DrillAlert, sent: Instant, error: Option<String>) {
        let now = Instant::now();
        let name = alert.labels.get("alertname").cloned().unwrap_or_default();
        if let Some(why) = error {
            self.refused.push(format!("{name}: {why}"));
            let text = format!("refused {name}: {why}");
            push(&mut self.response, Line { at: now, text, colour: Some(Colour::Red), entry: None });
            return;
        }
        let waited = now.saturating_duration_since(sent);
        self.accepted.get_or_insert(waited);
    }

    /// One fact became durable.
    pub(super) fn fact(&mut self, fact: &Started, at: Instant) {
        let body: Value = serde_json::from_str(&fact.body).unwrap_or_default();
        let id = id_of(fact.stream);
        let (text, colour) = match fact.kind {
            "alert.raised" => (format!("{id} {}", show::text(&body, "labels.alertname")), None),
            "incident.opened" => {
                self.incident.get_or_insert_with(|| id.clone());
                self.opened.get_or_insert(at);
                (format!("{id} opened, {}", show::text(&body, "severity")), Some(Colour::Yellow))
            }
            "incident.alert_joined" => (format!("ALERT-{} joined {id}", show::text(&body, "alert")), None),
            "run.started" => {
                self.run.get_or_insert_with(|| id.clone());
                (format!("{id} {}", show::text(&body, "playbook")), None)
            }
            "action.held" => {
                drop(self.intended(&id, &body));
                return;
            }
            "action.intended" => match self.intended(&id, &body) {
                Some(text) => (text, Some(Colour::Blue)),
                None => return,
            },
            "action.applied" => self.applied(&id, &body, at),
            "action.released" => match self.actions.get(&id) {
                Some(of) if self.verified.contains_key(of) => {
                    self.released.insert(of.clone());
                    (format!("{id} taken back: {} {}", of.0, of.1), None)
                }
                Some(_) | None => return,
            },
            "action.not_applied" if body.get("retry_at").is_some_and(|at| !at.is_null()) => {
                (format!("{id} not yet, tried again"), Some(Colour::Yellow))
            }
            "action.not_applied" | "action.unknown" => {
                (format!("{id} {}: {}", fact.kind, show::text(&body, "reason")), Some(Colour::Red))
            }
            "incident.contained" => (format!("{id} is contained"), Some(Colour::Green)),
            "run.advanced" if show::text(&body, "progress.status.is") == "completed" => {
                self.completed.get_or_insert(at);
                (format!("{id} is through"), Some(Colour::Green))
            }
            "incident.recovery_completed" if self.incident.as_ref() == Some(&id) => {
                self.recovered.get_or_insert(at);
                (format!("{id}: every service is well again"), Some(Colour::Green))
            }
            "approval.requested" => {
                (format!("{id} asks who allows {}", show::text(&body, "subject.verb")), Some(Colour::Yellow))
            }
            "approval.granted" => (format!("a person: {id} allowed"), Some(Colour::Yellow)),
            "run.updated" => (self.answered_by_people(&body), Some(Colour::Yellow)),
            "incident.attention_raised" => {
                (format!("a person is needed: {}", show::text(&body, "reason")), Some(Colour::Red))
            }
            _ => return,
        };
        push(&mut self.response, Line { at, text, colour, entry: Some(fact.position) });
    }

    /// A person of the drill could not do what the run asked for.
    pub(super) fn problem(&mut self, text: String) {
        self.problems.push(text.clone());
        push(&mut self.response, Line { at: Instant::now(), text, colour: Some(Colour::Red), entry: None });
    }

    fn answered_by_people(&self, body: &Value) -> String {
        let done = |finished: &&Value| show::text(finished, "status") == "done";
        let said = show::items(body, "finished").iter().filter(done).map(|finished| {
            let number = show::text(finished, "step").parse::<usize>().unwrap_or_default();
            let step = self.steps.get(number).map(|step| show::text(step, "id")).unwrap_or_default();
            match show::text(finished, "choice") {
                choice if choice.is_empty() => format!("{step} done"),
                choice => format!("{step}: {choice}"),
            }
        });
        format!("a person: {}", said.collect::<Vec<_>>().join(", "))
    }

    /// The words of an action stand in its first fact: where it waited for people, that is when it was held.
    fn intended(&mut self, id: &str, body: &Value) -> Option<String> {
        let (verb, target) = (show::text(body, "spec.verb"), show::text(body, "spec.target"));
        if !verb.is_empty() {
            self.actions.insert(id.to_owned(), (verb, target));
        } else if body.get("intent").and_then(|intent| intent.get("attempt")) != Some(&Value::from(1)) {
            return None;
        }
        let (verb, target) = self.actions.get(id)?;
        Some(format!("{id} → {verb} {target}"))
    }

    fn applied(&mut self, id: &str, body: &Value, at: Instant) -> (String, Option<Colour>) {
        let (verb, target) = self.actions.get(id).cloned().unwrap_or_default();
        let verified = body.get("verified") == Some(&Value::Bool(true));
        if verified {
            self.verified.entry((verb.clone(), target.clone())).or_insert(at);
        }
        let how = if verified { "applied, read back: holds" } else { "applied" };
        (format!("{id} {how}"), Some(Colour::Green))
    }
}

fn push(lines: &mut Vec<Line>, line: Line) {
    if lines.len() < LINES_MAX {
        lines.push(line);
    }
}

fn id_of(stream: Stream) -> String {
    match stream {
        Stream::Alert(id) => id.to_string(),
        Stream::Silence(id) => id.to_string(),
        Stream::Incident(id) => id.to_string(),
        Stream::Run(id) => id.to_string(),
        Stream::Action(id) => id.to_string(),
        Stream::Person(id) => id.to_string(),
        Stream::Token(id) => id.to_string(),
        Stream::Approval(id) => id.to_string(),
        Stream::Notice(id) => id.to_string(),
        Stream::Review(id) => id.to_string(),
        Stream::Report(id) => id.to_string(),
        Stream::Raw(id) => id.to_string(),
        Stream::Sighting(id) => id.to_string(),
        Stream::Evidence(id) => id.to_string(),
        Stream::Duty(id) => id.to_string(),
        Stream::Statement(id) => id.to_string(),
        Stream::Exercise(id) => id.to_string(),
        Stream::Control | Stream::Health | Stream::Upkeep | Stream::Content | Stream::Log => {
            stream.to_string()
        }
    }
}
