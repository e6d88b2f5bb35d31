//! The proof that a recovery can be trusted with failure: two services that need each other are hurt and brought
//! back, with a refusal, a lost answer and a lie at every call, and a process that ends at every step; then the
//! incident is resolved, comes back while it is watched, and is recovered once more.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    alert::Received,
    content::{Content, services::Verifies},
    flow::Command,
    id::IncidentId,
    incident::{self, Disposition, Status, restore},
    time::Span,
};

use crate::{
    chance::Chance,
    content, people,
    planted::Planted,
    saga::WRONG,
    simulation::{Asked, Faults, Options, Simulation},
    violation::{Failure, Violation, ensure},
    world::{Behaviour, Mood, World},
};

const SERVICES: &str = "
services:
  - { name: base, summary: Base, group: 1, owner: on_call, targets: { service: [base], segment: [segment-1] },
      restore: [{ id: tidy, action: service.tidy, targets: [base] }],
      verify: [{ id: whole, verifies: data, action: service.look, targets: [base] }],
      probes: [{ id: base_up, action: service.look, targets: [base] }] }
  - { name: shop, summary: Shop, group: 2, owner: on_call, depends_on: [base],
      targets: { service: [shop], node: [node-1], account: [account-1] },
      verify: [{ id: safe, verifies: posture, action: service.look, targets: [shop] }],
      probes: [{ id: shop_up, action: service.look, targets: [shop] }] }
";

const RECOVERY: &str = "
watch: { critical: 12m }
probe_every: 5m
require: { restored: high, data: high, posture: high }
";

pub(crate) const LOOKS: &str = "
  - { verb: service.look, summary: Look, target: service, connector: desk, class: read_back, risk: low,
      verify: true, blast_radius_max: 4, timeout: 3s }
  - { verb: service.tidy, summary: Tidy, target: service, connector: desk, class: idempotent, risk: low,
      blast_radius_max: 4, timeout: 3s }
";

/// More beginnings than any one thing that goes wrong needs.
const BEGINNINGS_MAX: u32 = 4;

/// The simulator's content with two services.
fn recovery_content() -> Arc<Content> {
    let mut files = content::files_of(false);
    if let Some(actions) = files.get_mut("actions.yaml") {
        actions.push_str(LOOKS.trim_start_matches('\n'));
    }
    files.insert("services.yaml".to_owned(), SERVICES.to_owned());
    files.insert("recovery.yaml".to_owned(), RECOVERY.to_owned());
    content::loaded(&files)
}

/// Drives one recovery through everything; how many simulations that took.
///
/// # Errors
/// The first broken invariant; its trace starts with what was done.
pub fn prove_recovery() -> Result<u64, Box<Failure>> {
    let content = recovery_content();
    let mut simulations = 0;
    let mut run = |wrong: BTreeMap<u64, Behaviour>, crash_at: Option<u64>| {
        simulations += 1;
        play(&content, wrong, crash_at, None)
    };
    let (calls, steps) = run(BTreeMap::new(), None)?;
    for crash_at in 1..=steps {
        run(BTreeMap::new(), Some(crash_at))?;
    }
    for call in 0..calls {
        for behaviour in WRONG {
            run(BTreeMap::from([(call, behaviour)]), None)?;
        }
    }
    Ok(simulations)
}

/// A recovery in which something releases what was not verified yet.
///
/// # Errors
/// What caught it.
pub fn release_unverified() -> Result<(), Box<Failure>> {
    let planted = Some(Planted::ReleaseUnverified);
    play(&recovery_content(), BTreeMap::new(), None, planted).map(|_| ())
}

/// Calls and steps until the incident is closed.
fn play(
    content: &Arc<Content>,
    wrong: BTreeMap<u64, Behaviour>,
    crash_at: Option<u64>,
    planted: Option<Planted>,
) -> Result<(u64, u64), Box<Failure>> {
    let options = Options { seed: 0, requests: 0, planted };
    let contents = [content.clone(), content.clone()];
    let world = World::new(Mood::Scripted(wrong.clone()));
    let mut simulation = Simulation::new(options, Chance::new(0), contents, world, Faults::default());
    simulation.crash_at = crash_at;
    simulation.guarded(|simulation| {
        simulation.note(|| format!("recovery: {wrong:?}, the process ends at {crash_at:?}"));
        simulation.begin(true)?;
        for command in people::first_people() {
            simulation.order(command)?;
        }
        simulation.strike("First")?;
        let id = simulation.the_incident()?;
        simulation.recover(id)?;
        simulation.resolve(id)?;
        // It comes back while it is watched, and is recovered once more.
        for name in ["Again", "AgainToo", "OnceMore"] {
            if simulation.incident(id)?.status == Status::Watching {
                simulation.strike(name)?;
            }
        }
        let status = simulation.incident(id)?.status;
        ensure(status == Status::Open, "R1", || format!("{id} came back and is {status:?}"))?;
        simulation.recover(id)?;
        simulation.resolve(id)?;
        simulation.settle_down()?;
        let done = (simulation.world.ledger.lines.len() as u64, simulation.steps);
        simulation.crash_at = None;
        let disposition = Disposition::TruePositive;
        simulation.order(Command::Incident(incident::Command::Close { id, disposition }))?;
        let status = simulation.incident(id)?.status;
        ensure(status == Status::Closed, "R1", || format!("{id} is {status:?} at its end"))?;
        simulation.come_to_rest()?;
        Ok(done)
    })
}

impl Simulation {
    /// An alert that hurts both services, and the response to it.
    fn strike(&mut self, name: &str) -> Result<(), Violation> {
        let labels = [
            ("alertname", name),
            ("incident_type", "breach"),
            ("severity", "critical"),
            ("node", "node-1"),
            ("segment", "segment-1"),
            ("account", "account-1"),
        ];
        let received = Received { labels: labels.into(), ..Received::default() };
        self.ask(Span(1), people::source(), Asked::Alerts(vec![received]));
        self.rest_for(Span::secs(120))?;
        self.settle_everything()
    }

    fn the_incident(&self) -> Result<IncidentId, Violation> {
        let first = self.journal.incidents.keys().next().copied();
        first.ok_or_else(|| Violation::new("I1", "the alert opened no incident"))
    }

    fn incident(&self, id: IncidentId) -> Result<incident::Incident, Violation> {
        let found = self.reader().incident(id).ok().flatten();
        found.ok_or_else(|| Violation::new("I11", format!("{id} has no row")))
    }

    /// People have the services brought back, as often as something goes wrong.
    fn recover(&mut self, id: IncidentId) -> Result<(), Violation> {
        for _ in 0..BEGINNINGS_MAX {
            let begin = incident::Command::Recovery { id, command: restore::Command::Begin };
            self.order_soon(Command::Incident(begin))?;
            self.settle_everything()?;
            self.rest_for(Span::secs(120))?;
            self.stands_still(id)?;
            let plan = self.incident(id)?.recovery.unwrap_or_default();
            if plan.completed_at.is_some() {
                return Ok(());
            }
        }
        Err(Violation::new("R1", format!("the recovery of {id} does not come to its end")))
    }

    /// At rest a recovery is complete, or somebody was told what stopped it.
    fn stands_still(&self, id: IncidentId) -> Result<(), Violation> {
        let incident = self.incident(id)?;
        let plan = incident.recovery.clone().unwrap_or_default();
        let told = incident.attention.iter().any(|attention| attention.reason.starts_with("recovery of"));
        // What a person asked of a process that ended is asked again.
        ensure(!plan.is_started() || plan.completed_at.is_some() || told, "I13", || {
            format!("the recovery of {id} stands still, and nobody is told: {:?}", plan.services)
        })
    }

    /// People look at it, resolve it, and watch it for a while; once more where the process ended meanwhile.
    fn resolve(&mut self, id: IncidentId) -> Result<(), Violation> {
        for _ in 0..BEGINNINGS_MAX {
            self.say_that_it_is_over(id)?;
            match self.incident(id)?.status {
                Status::Watching => return Ok(()),
                Status::Open => {}
                status @ (Status::Resolved | Status::Closed) => {
                    return Err(Violation::new("R1", format!("{id} is {status:?} before its watch ended")));
                }
            }
        }
        Err(Violation::new("R1", format!("{id} cannot be resolved")))
    }

    fn say_that_it_is_over(&mut self, id: IncidentId) -> Result<(), Violation> {
        let note = "looked".to_owned();
        let (of, service, passed) = (Verifies::Posture, None, true);
        let judge = restore::Command::Judge { of, service, passed, note: note.clone() };
        self.order_soon(Command::Incident(incident::Command::Recovery { id, command: judge }))?;
        // A run that something stopped is over for the people who recovered.
        let live = self.journal.runs.iter().filter(|(_, run)| !run.ended).map(|(id, _)| *id);
        for run in live.collect::<Vec<_>>() {
            self.order_soon(Command::Run(domain::run::Command::Cancel { id: run, undo: false }))?;
        }
        let actor = people::somebody(&self.journal, &mut self.chance);
        let resolve = Command::Incident(incident::Command::Resolve { id, summary: note });
        self.ask(Span(1), actor, Asked::Wish(people::Wish::Command(resolve)));
        // The probes are repeated once while it is watched.
        self.rest_for(Span::secs(330))
    }
}
