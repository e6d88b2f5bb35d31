//! The last look: faults end, time passes, and everything must have come to an end or wait for a person who was
//! told; then rows, log and what was acknowledged are compared.

use domain::{
    action::{self, Action, Goal, Status as ActionStatus},
    event::{Actor, Stream},
    flow::Command,
    id::{IncidentId, RunId},
    limits,
    run::{self, Status as RunStatus},
    time::Span,
};
use engine::{Page, Seal, verify_rows};
use store::Store;
use tlog::{SigningKey, Verifier, leaf::Body};

use crate::{
    people::{self, Wish},
    simulation::{Asked, Faults, Report, Simulation},
    violation::{Violation, ensure},
    world::Mood,
};

/// More often than runs of one simulation move limits.
const LIFTS_MAX: u32 = 20;
/// More happenings than any simulation needs to come to rest.
const STEPS_MAX: u32 = 50_000;
pub(crate) const EVERYTHING: Page = Page { before: None, limit: 1_000 };
const ORIGIN: &str = "sim.example/log";

pub(crate) fn unreadable(error: impl std::fmt::Display) -> Violation {
    Violation::new("I11", format!("what is durable does not read: {error}"))
}

impl Simulation {
    pub(crate) fn come_to_rest(&mut self) -> Result<Report, Violation> {
        self.faults = Faults::default();
        // What a script says of later calls is part of the proof.
        if !matches!(self.world.mood, Mood::Scripted(_)) {
            self.world.mood = Mood::Calm;
        }
        self.settle_down()?;
        self.look_around()?;
        self.lift_limits()?;
        self.look_around()?;
        self.settle_everything()?;
        self.finish_runs()?;
        self.restart("the last time", true)?;
        self.lift_limits()?;
        self.settle_down()?;
        self.look_around()?;
        self.recoveries_are_told()?;
        self.last_look()?;
        Ok(self.report())
    }

    /// Lets time pass until nothing happens by itself any more.
    pub(crate) fn settle_down(&mut self) -> Result<(), Violation> {
        for _ in 0..STEPS_MAX {
            if !self.advance(true)? {
                return ensure(!self.is_waiting(), "I13", || "a request was never answered".to_owned());
            }
        }
        Err(Violation::new("I13", "the platform does not come to rest"))
    }

    /// Each limit goes when two people who may command have asked for it; the others are refused.
    fn lift_limits(&mut self) -> Result<(), Violation> {
        // What people lift lets runs go on, and those may move limits of their own.
        for _ in 0..LIFTS_MAX {
            if people::lift_limits(&self.journal).is_empty() {
                return Ok(());
            }
            self.lift_once()?;
        }
        let left = people::lift_limits(&self.journal);
        ensure(left.is_empty(), "I13", || format!("people cannot lift what they want to: {left:?}"))
    }

    fn lift_once(&mut self) -> Result<(), Violation> {
        // Where nobody was known yet because the first commits were lost, there are two people now.
        for command in people::two_commanders() {
            self.ask(Span(1), Actor::Platform, Asked::Wish(Wish::Command(command)));
            self.settle_down()?;
        }
        for command in people::lift_limits(&self.journal) {
            let people: Vec<_> = self.journal.people.iter().copied().map(Actor::Person).collect();
            for (actor, turn) in people.into_iter().zip(1..) {
                self.ask(Span(turn), actor, Asked::Wish(Wish::Command(command.clone())));
            }
            self.settle_down()?;
        }
        Ok(())
    }

    /// A person's command, and what follows from it.
    pub(crate) fn order(&mut self, command: Command) -> Result<(), Violation> {
        let actor = people::somebody(&self.journal, &mut self.chance);
        self.ask(Span(1), actor, Asked::Wish(Wish::Command(command)));
        self.settle_down()
    }

    /// Nothing waits in silence.
    pub(crate) fn look_around(&mut self) -> Result<(), Violation> {
        let reader = self.reader();
        let actions = reader.actions(false, EVERYTHING).map_err(unreadable)?;
        for action in &actions {
            self.look_at(action)?;
        }
        for run in reader.runs(false, EVERYTHING).map_err(unreadable)? {
            let own = |action: &&Action| action.spec.origin.run() == Some(run.id);
            let held = actions.iter().filter(own).any(|a| matches!(a.status, ActionStatus::Held { .. }));
            let about = Stream::Run(run.id);
            match &run.status {
                RunStatus::Active if !held => {
                    self.is_told(run.incident, about, "nothing moves it at rest")?;
                }
                RunStatus::Active | RunStatus::Undoing { .. } => ensure(held, "I13", || {
                    format!("{} is {:?} at rest and nothing moves it", run.id, run.status)
                })?,
                RunStatus::Blocked { .. } | RunStatus::Quarantined { .. } => {
                    self.is_told(run.incident, about, &format!("{:?}", run.status))?;
                }
                RunStatus::Paused => {}
                RunStatus::Completed | RunStatus::Failed { .. } | RunStatus::Canceled => {
                    let what = format!("{} is over and among the live", run.id);
                    return Err(Violation::new("I11", what));
                }
            }
        }
        let firing = reader.alerts(false, EVERYTHING).map_err(unreadable)?;
        ensure(firing.is_empty(), "I13", || format!("{:?} fire for ever", firing[0].id))
    }

    /// A recovery that does not go on has told somebody why.
    fn recoveries_are_told(&self) -> Result<(), Violation> {
        for incident in self.reader().incidents(false, EVERYTHING).map_err(unreadable)? {
            let Some(plan) = incident.recovery.as_ref().filter(|plan| plan.is_started()) else { continue };
            ensure(plan.completed_at.is_some() || !incident.attention.is_empty(), "I13", || {
                format!("the recovery of {} rests, and nobody is told: {:?}", incident.id, plan.services)
            })?;
        }
        Ok(())
    }

    fn look_at(&self, action: &Action) -> Result<(), Violation> {
        let (id, about) = (action.id, Stream::Action(action.id));
        match &action.status {
            ActionStatus::Calling { .. } | ActionStatus::Waiting { .. } => {
                Err(Violation::new("I13", format!("{id} is {:?} at rest", action.status)))
            }
            ActionStatus::Held { .. } => {
                let control = self.reader().control().map_err(unreadable)?;
                let free = limits::permits(&control, &action.spec, action.goal, action.asked, self.now)
                    == limits::Permit::Allowed;
                ensure(!free, "I13", || format!("{id} is held, and no limit forbids it"))?;
                // What waits for people is told of by their request.
                if action.needs.is_some() {
                    let mut asked = self.journal.approvals.iter();
                    let request = asked.find(|(_, request)| request.open.contains(&id));
                    let none =
                        || Violation::new("I13", format!("{id} waits for people, and nobody is asked"));
                    let (request, _) = request.ok_or_else(none)?;
                    return self.is_told(
                        action.spec.incident,
                        Stream::Approval(*request),
                        "waits for people",
                    );
                }
                self.is_told(action.spec.incident, about, "held")
            }
            ActionStatus::InDoubt { .. } => self.is_told(action.spec.incident, about, "in doubt"),
            ActionStatus::InForce if action.lease_expired => {
                self.is_told(action.spec.incident, about, "its lease ended")
            }
            ActionStatus::InForce
            | ActionStatus::Done
            | ActionStatus::Failed { .. }
            | ActionStatus::Released => Ok(()),
        }
    }

    fn is_told(&self, incident: IncidentId, about: Stream, what: &str) -> Result<(), Violation> {
        let found = self.reader().incident(incident).map_err(unreadable)?;
        let about = about.to_string();
        let told = found.is_some_and(|incident| incident.attention.iter().any(|a| *a.about == *about));
        ensure(told, "I13", || format!("{about} of {incident}: {what}, and nobody is told"))
    }

    /// People say what became of everything in doubt, as it is.
    pub(crate) fn settle_everything(&mut self) -> Result<(), Violation> {
        for _ in 0..100 {
            let doubtful = self.journal.actions.iter().find(|(_, view)| view.in_doubt);
            let Some((id, view)) = doubtful else { return Ok(()) };
            let verdict = people::truth(view, &self.world.ledger);
            let settle = action::Command::Settle { id: *id, verdict, why: "looked".to_owned() };
            self.order(Command::Action(settle))?;
            self.look_around()?;
        }
        Err(Violation::new("I13", "what is in doubt cannot be settled"))
    }

    /// Each run that has not ended is resumed and then canceled with undo; in a calm world all of them end.
    fn finish_runs(&mut self) -> Result<(), Violation> {
        let live: Vec<RunId> =
            self.journal.runs.iter().filter(|(_, run)| !run.ended).map(|(id, _)| *id).collect();
        for id in live {
            self.order(Command::Run(run::Command::Resume { id }))?;
            self.look_around()?;
            self.lift_limits()?;
            self.order(Command::Run(run::Command::Cancel { id, undo: true }))?;
            self.look_around()?;
            self.lift_limits()?;
            self.settle_everything()?;
            self.release_by_hand(id)?;
            let ended = self.journal.runs.get(&id).is_none_or(|run| run.ended);
            ensure(ended, "I13", || format!("{id} does not end in a calm world"))?;
            self.is_undone(id)?;
        }
        Ok(())
    }

    /// What a run could not take back, because somebody denied it, people take back themselves, and it goes on.
    fn release_by_hand(&mut self, run: RunId) -> Result<(), Violation> {
        if self.journal.runs.get(&run).is_none_or(|run| run.ended) {
            return Ok(());
        }
        let own = self.journal.actions.iter().filter(|(_, view)| view.spec.origin.run() == Some(run));
        let left: Vec<_> = own.filter(|(_, view)| view.in_force).map(|(id, _)| *id).collect();
        for id in left {
            self.order(Command::Action(action::Command::Release { id }))?;
        }
        self.order(Command::Run(run::Command::Cancel { id: run, undo: true }))?;
        self.settle_everything()
    }

    /// After an undo nothing of the run is left that it could take back.
    fn is_undone(&self, id: RunId) -> Result<(), Violation> {
        let Some(run) = self.journal.runs.get(&id).filter(|run| run.undoing) else { return Ok(()) };
        let left = self.journal.actions.iter().find(|(_, view)| {
            view.spec.origin.run() == Some(id) && view.in_force && view.goal == Goal::Apply
        });
        ensure(left.is_none(), "I7", || {
            format!("{id} ({run:?}) is undone and {:?} is in force", left.map(|(id, _)| id))
        })
    }

    /// Rows, log and acknowledgements.
    pub(crate) fn last_look(&mut self) -> Result<(), Violation> {
        self.seal()?;
        let store = self.disk.store();
        let verified = verify_rows(&*store).map_err(unreadable)?;
        ensure(verified.findings.is_empty(), "I11", || verified.findings.join("; "))?;
        self.verify_log(&*store)?;
        let length = store.length().map_err(unreadable)?;
        ensure(length == self.journal.positions.len() as u64, "I1", || {
            format!("{} entries were durable, {length} are there", self.journal.positions.len())
        })?;
        for (position, stream, kind) in self.checker.acknowledged() {
            let entry = self.reader().entry(*position).map_err(unreadable)?;
            let there =
                entry.is_some_and(|e| e.envelope.kind == *kind && e.envelope.stream == stream.to_string());
            ensure(there, "I1", || format!("{kind} of {stream} at {position} was acknowledged and is gone"))?;
        }
        for id in self.journal.alert_labels.keys() {
            let there = self.reader().alert(*id).map_err(unreadable)?;
            ensure(there.is_some(), "I1", || format!("{id} was acknowledged and has no row"))?;
        }
        Ok(())
    }

    fn key(&self) -> Result<SigningKey, Violation> {
        SigningKey::from_seed(ORIGIN, &[7; 32]).map_err(unreadable)
    }

    /// Signs what is durable, as the seal thread does behind the commits.
    pub(crate) fn seal(&mut self) -> Result<(), Violation> {
        let store = self.disk.store();
        let wrong =
            |error: engine::Error| Violation::new("I11", format!("the log cannot be sealed: {error}"));
        let mut seal = Seal::open(&*store, self.key()?).map_err(wrong)?;
        let epoch = store.lease("leader", "seal").map_err(unreadable)?;
        seal.seal(&*store, epoch).map_err(wrong)?;
        let newest = self.reader().checkpoint().map_err(unreadable)?;
        self.kept.extend(newest.filter(|note| self.kept.last() != Some(note)));
        Ok(())
    }

    fn verify_log(&self, store: &dyn Store) -> Result<(), Violation> {
        let mut verifier = Verifier::new(Some(ORIGIN), vec![self.key()?.verifier().clone()]);
        let reader = self.reader();
        for note in reader.checkpoints().map_err(unreadable)? {
            verifier.push_checkpoint(&note);
        }
        self.kept.iter().for_each(|note| verifier.push_kept(note));
        let tiles = |tile: Option<tlog::tile::Tile>, bytes: &[u8]| {
            if let Some(tile) = tile {
                verifier.push_tile(&tile, bytes);
            }
        };
        reader.kept_tiles(tiles).map_err(unreadable)?;
        let mut next = 0;
        loop {
            let page = store.read(next, 1_000).map_err(unreadable)?;
            let Some(last) = page.last() else { break };
            next = last.position + 1;
            for stored in &page {
                let body = stored.content.as_ref().map(|(salt, body)| Body { salt, body });
                verifier.push_entry(stored.position, &stored.envelope, body);
            }
        }
        let report = verifier.finish();
        ensure(report.findings.is_empty(), "I11", || format!("the log: {:?}", report.findings))
    }
}
