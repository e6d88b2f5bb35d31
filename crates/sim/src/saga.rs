//! The proof that playbooks can be trusted with failure: each is driven through a refusal, a lost answer and a lie
//! at every call, a process that ends at every step, and an undo with the same at every call of it. Generated from
//! the playbook alone, so that each new one is covered.

use std::{collections::BTreeMap, sync::Arc};

use domain::{
    action::{self, Goal, Verdict},
    alert::Received,
    approval,
    content::Content,
    event::Actor,
    flow::Command,
    id::{ActionId, ApprovalId, RunId},
    labels::Labels,
    playbook::{Kind, Playbook},
    run,
    time::Span,
};

use crate::{
    chance::Chance,
    people,
    rest::{EVERYTHING, unreadable},
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
    let whole = run(Script::default())?;
    let (calls, steps) = (whole.calls, whole.steps);
    for crash_at in 1..=steps {
        let again = run(Script { crash_at: Some(crash_at), ..Script::default() })?;
        if again.end != whole.end {
            return Err(differs(crash_at, &whole, &again));
        }
    }
    let mut most = (0, 0);
    for call in 0..calls {
        for behaviour in WRONG {
            let wrong = BTreeMap::from([(call, behaviour)]);
            let all = run(Script { wrong, crash_at: None, undo: true })?.calls;
            if behaviour == Behaviour::Refuse {
                most = most.max((all, call));
            }
        }
    }
    // The calls behind those of the run take it back; where most is taken back, each of them goes wrong as well.
    let (all, refused) = most;
    for later in calls.min(all)..all {
        for second in WRONG {
            let wrong = BTreeMap::from([(refused, Behaviour::Refuse), (later, second)]);
            run(Script { wrong, crash_at: None, undo: true })?;
        }
    }
    let steps = run(Script { undo: true, ..Script::default() })?.steps;
    for crash_at in 1..=steps {
        run(Script { crash_at: Some(crash_at), undo: true, ..Script::default() })?;
    }
    proof.calls = calls;
    Ok(proof)
}

/// What a script came to until the run rested or was taken back.
struct Played {
    calls: u64,
    steps: u64,
    /// The run and each of its steps, as they ended.
    end: String,
}

/// A run that goes on after a crash has to end as if there had been none.
fn differs(crash_at: u64, whole: &Played, again: &Played) -> Box<Failure> {
    let what = format!("with a crash at step {crash_at} it ends as {}, without as {}", again.end, whole.end);
    let (seed, at) = (0, domain::time::Timestamp(0));
    Box::new(Failure { seed, step: crash_at, at, violation: Violation::new("I3", what), trace: Vec::new() })
}

fn play(content: &Arc<Content>, playbook: &Playbook, script: Script) -> Result<Played, Box<Failure>> {
    let options = Options { seed: 0, requests: 0, planted: None };
    let world = World::new(Mood::Scripted(script.wrong.clone()));
    let contents = [content.clone(), content.clone()];
    let mut simulation = Simulation::new(options, Chance::new(0), contents, world, Faults::default());
    simulation.crash_at = script.crash_at;
    simulation.guarded(|simulation| {
        simulation.note(|| format!("{}: {script:?}", playbook.id));
        simulation.begin(true)?;
        // One of them works on the run; the others allow what it asks for. Who is lost with the process is told of again.
        for _ in 0..2 {
            for command in people::first_people().into_iter().chain(people::two_commanders()) {
                simulation.order(command)?;
            }
        }
        // Who sends an alert sends it again until it is answered: the first may be lost with the process.
        for _ in 0..2 {
            if simulation.journal.runs.is_empty() {
                let alerts = Asked::Alerts(vec![alert(content, playbook)]);
                simulation.ask(Span(1), people::source(), alerts);
                simulation.rest_for(Span::secs(600))?;
            }
        }
        ensure(!simulation.journal.runs.is_empty(), "I1", || "the alert started no run".to_owned())?;
        simulation.answer_people(script.wrong.is_empty())?;
        if script.undo {
            simulation.take_back()?;
        }
        let (calls, steps) = (simulation.calls(), simulation.steps);
        let done = Played { calls, steps, end: simulation.end()? };
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

    /// People answer what runs ask of them, one after the other, and allow what needs them, until nothing is asked any
    /// more; then they lift what limits stand. With `settle` they also look what became of calls in doubt, and have those
    /// made again that were not.
    fn answer_people(&mut self, settle: bool) -> Result<(), Violation> {
        let mut allowed = BTreeMap::new();
        // A timer may have begun something just as nobody was asked.
        let mut quiet = false;
        for _ in 0..120 {
            self.rest_for(Span::secs(660))?;
            let mut doubtful = self.journal.actions.iter().filter(|(_, view)| settle && view.in_doubt);
            let command = match doubtful.next() {
                Some((id, view)) => {
                    let verdict = match people::truth(view, &self.world.ledger) {
                        Verdict::Applied => Verdict::Applied,
                        Verdict::NotApplied | Verdict::Retry => Verdict::Retry,
                    };
                    Command::Action(action::Command::Settle { id: *id, verdict, why: "looked".to_owned() })
                }
                None => match self.answer()? {
                    Some(update) => Command::Run(update),
                    None if self.allow(&mut allowed)? || self.lift()? => continue,
                    None if quiet => return Ok(()),
                    None => {
                        quiet = true;
                        continue;
                    }
                },
            };
            quiet = false;
            self.order_soon(command)?;
        }
        Err(Violation::new("I13", "people are asked for ever"))
    }

    /// Everybody allows the first open request; again where a process ended over their yes.
    fn allow(&mut self, allowed: &mut BTreeMap<ApprovalId, u32>) -> Result<bool, Violation> {
        let open = self.journal.approvals.iter().filter(|(_, asked)| !asked.lapsed && !asked.open.is_empty());
        let next = open
            .map(|(id, asked)| (*id, asked.hash.to_string()))
            .find(|(id, _)| allowed.get(id).is_none_or(|times| *times < 3));
        let Some((id, hash)) = next else { return Ok(false) };
        *allowed.entry(id).or_default() += 1;
        self.everybody(&Command::Approval(approval::Command::Approve { id, hash }))?;
        Ok(true)
    }

    /// Everybody asks for the end of the first limit that stands.
    fn lift(&mut self) -> Result<bool, Violation> {
        let Some(command) = people::lift_limits(&self.journal).into_iter().next() else { return Ok(false) };
        self.everybody(&command)?;
        Ok(true)
    }

    fn everybody(&mut self, command: &Command) -> Result<(), Violation> {
        let people: Vec<_> = self.journal.people.iter().copied().map(Actor::Person).collect();
        for (actor, turn) in people.into_iter().zip(1..) {
            self.ask(Span(turn), actor, Asked::Wish(people::Wish::Command(command.clone())));
        }
        self.rest_for(Span::secs(120))
    }

    /// What somebody says to the first open task: it is done, or its last option.
    fn answer(&self) -> Result<Option<run::Command>, Violation> {
        for run in self.reader().runs(false, EVERYTHING).map_err(unreadable)? {
            let known = self.journal.runs.get(&run.id).and_then(|view| view.playbook.as_ref());
            let tasks = known.map(|playbook| run::tasks(&run, playbook)).unwrap_or_default();
            let Some(task) = tasks.first() else { continue };
            let (id, step) = (run.id, task.step.id.clone());
            let (mut complete, mut decide) = (Vec::new(), BTreeMap::new());
            match &task.step.kind {
                Kind::Decision(decision) => {
                    decide.extend(decision.options.keys().last().map(|choice| (step, choice.clone())));
                }
                Kind::Action
                | Kind::Manual(_)
                | Kind::Wait(_)
                | Kind::Switch(_)
                | Kind::While(_)
                | Kind::Parallel(_)
                | Kind::Call(_) => complete.push(step),
            }
            return Ok(Some(run::Command::Update { id, complete, decide, note: None }));
        }
        Ok(None)
    }

    /// How each run stands, and its steps.
    fn end(&self) -> Result<String, Violation> {
        let reader = self.reader();
        let mut text = String::new();
        for id in self.journal.runs.keys() {
            let Some(run) = reader.run(*id).map_err(unreadable)? else { continue };
            let steps: Vec<_> = run.steps.iter().map(|step| (step.status, step.round)).collect();
            text += &format!("{:?} {steps:?} ", run.status);
        }
        Ok(text)
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
        let first = self.journal.people.first().copied();
        let actor = first.map_or_else(|| people::somebody(&self.journal, &mut self.chance), Actor::Person);
        self.ask(Span(1), actor, Asked::Wish(people::Wish::Command(command)));
        self.rest_for(Span::secs(120))
    }

    fn in_force(&self) -> Vec<ActionId> {
        let standing = self.journal.actions.iter().filter(|(_, v)| v.in_force && v.goal == Goal::Apply);
        standing.map(|(id, _)| *id).rev().collect()
    }
}
