//! The proof that playbooks can be trusted with failure: each is driven through a refusal, a lost answer and a lie
//! at every call, a process that ends at every step, and an undo with the same at every call of it. Generated from
//! the playbook alone, so that each new one is covered.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    action::{self, Goal},
    alert::Received,
    content::Content,
    flow::Command,
    id::{ActionId, RunId},
    labels::Labels,
    playbook::Playbook,
    run,
    time::Span,
};

use crate::{
    chance::Chance,
    people,
    simulation::{Asked, Faults, Options, Simulation},
    violation::{Failure, Violation, ensure},
    world::{Behaviour, Mood, World},
};

/// How a call goes wrong in a saga.
pub(crate) const WRONG: [Behaviour; 9] = [
    Behaviour::Refuse,
    Behaviour::RefuseForNow,
    Behaviour::Silent { acts: false },
    Behaviour::Silent { acts: true },
    Behaviour::Drop { acts: false },
    Behaviour::Drop { acts: true },
    Behaviour::Twice,
    Behaviour::TooLate,
    Behaviour::Lie,
];

/// What one playbook went through.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Proof {
    /// Calls of a run in which nothing goes wrong.
    pub calls: u64,
    /// Simulations in all.
    pub simulations: u64,
}

/// One simulation of a saga.
#[derive(Debug, Clone, Default)]
struct Script {
    wrong: BTreeMap<u64, Behaviour>,
    crash_at: Option<u64>,
    /// The run is canceled with undo once it rests, or each containment is released twice where it completed.
    undo: bool,
}

/// Drives the playbook of this id through everything.
///
/// # Errors
/// The first broken invariant; its trace starts with what was done.
pub fn prove(content: &Arc<Content>, id: &str) -> Result<Proof, Box<Failure>> {
    let Some(playbook) = content.playbooks.get(id) else { return Ok(Proof::default()) };
    let mut proof = Proof::default();
    let mut run = |script: Script| {
        proof.simulations += 1;
        play(content, playbook, script)
    };
    let (calls, steps) = run(Script::default())?;
    for crash_at in 1..=steps {
        run(Script { crash_at: Some(crash_at), ..Script::default() })?;
    }
    for call in 0..calls {
        for behaviour in WRONG {
            let wrong = BTreeMap::from([(call, behaviour)]);
            let (all, _) = run(Script { wrong: wrong.clone(), crash_at: None, undo: true })?;
            // The calls behind those of the run take it back; each of them goes wrong as well.
            for later in (calls.min(all)..all).filter(|_| behaviour == Behaviour::Refuse) {
                for second in WRONG {
                    let mut wrong = wrong.clone();
                    wrong.insert(later, second);
                    run(Script { wrong, crash_at: None, undo: true })?;
                }
            }
        }
    }
    let (_, steps) = run(Script { undo: true, ..Script::default() })?;
    for crash_at in 1..=steps {
        run(Script { crash_at: Some(crash_at), undo: true, ..Script::default() })?;
    }
    proof.calls = calls;
    Ok(proof)
}

/// Calls and steps until the run rests or is taken back.
fn play(content: &Arc<Content>, playbook: &Playbook, script: Script) -> Result<(u64, u64), Box<Failure>> {
    let options = Options { seed: 0, requests: 0, planted: None };
    let world = World::new(Mood::Scripted(script.wrong.clone()));
    let contents = [content.clone(), content.clone()];
    let mut simulation = Simulation::new(options, Chance::new(0), contents, world, Faults::default());
    simulation.crash_at = script.crash_at;
    simulation.guarded(|simulation| {
        simulation.note(|| format!("{}: {script:?}", playbook.id));
        simulation.begin(true)?;
        for command in people::first_people() {
            simulation.order(command)?;
        }
        simulation.ask(Span(1), people::source(), Asked::Alerts(vec![alert(content, playbook)]));
        simulation.rest_for(Span::secs(600))?;
        ensure(!simulation.journal.runs.is_empty(), "I1", || "the alert started no run".to_owned())?;
        let calls = simulation.calls();
        if script.undo {
            simulation.take_back()?;
        }
        let done = (if script.undo { simulation.calls() } else { calls }, simulation.steps);
        simulation.crash_at = None;
        simulation.come_to_rest()?;
        Ok(done)
    })
}

/// An alert that starts the playbook and names one target of each kind that it acts on.
fn alert(content: &Content, playbook: &Playbook) -> Received {
    let kind = playbook.types.first().map_or("noise", String::as_str);
    let mut pairs: BTreeMap<&str, String> = BTreeMap::from([
        ("alertname", "Saga".to_owned()),
        ("incident_type", kind.to_owned()),
        ("severity", "critical".to_owned()),
    ]);
    for (_, step) in playbook.steps() {
        if let Some(known) = content.actions.get(&step.verb) {
            pairs.insert(known.target.as_str(), format!("{}-1", known.target));
        }
    }
    let pairs: Vec<(Box<str>, Box<str>)> =
        pairs.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    Received { labels: Labels::from_pairs(pairs).unwrap_or_default(), ..Received::default() }
}

impl Simulation {
    fn calls(&self) -> u64 {
        self.world.ledger.lines.len() as u64
    }

    /// Everything that happens within `span` and then until no call and no batch is under way.
    pub(crate) fn rest_for(&mut self, span: Span) -> Result<(), Violation> {
        let until = self.now.plus(span);
        while self.next_at().is_some_and(|at| at <= until) {
            self.advance(true)?;
        }
        Ok(())
    }

    /// Undoes what the run did: the run itself where it has not ended, else each containment, twice.
    fn take_back(&mut self) -> Result<(), Violation> {
        let live: Vec<RunId> =
            self.journal.runs.iter().filter(|(_, run)| !run.ended).map(|(id, _)| *id).collect();
        for id in live {
            self.order_soon(Command::Run(run::Command::Cancel { id, undo: true }))?;
        }
        let standing: Vec<ActionId> = self.in_force();
        for id in standing {
            for _ in 0..2 {
                self.order_soon(Command::Action(action::Command::Release { id }))?;
            }
        }
        Ok(())
    }

    pub(crate) fn order_soon(&mut self, command: Command) -> Result<(), Violation> {
        let actor = people::somebody(&self.journal, &mut self.chance);
        self.ask(Span(1), actor, Asked::Wish(people::Wish::Command(command)));
        self.rest_for(Span::secs(120))
    }

    fn in_force(&self) -> Vec<ActionId> {
        let standing = self.journal.actions.iter().filter(|(_, v)| v.in_force && v.goal == Goal::Apply);
        standing.map(|(id, _)| *id).rev().collect()
    }
}
