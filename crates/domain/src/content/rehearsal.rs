//! Runs the tests of playbooks: the real machines decide, and what the calls come to stands in the test. Nothing
//! is called, no time passes; a wait is skipped to its end.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::Arc,
};

use serde_json::Value;

use super::{
    Content,
    drill::{Act, Deed},
    load::{Answer, Call, EndStatus, PlaybookTest},
};
use crate::{
    access::{Person, Role},
    action::{self, Action, Goal, Operation, Outcome},
    approval,
    control::{self, own},
    document::Problem,
    event::{Actor, Context, Event},
    flow::{self, Command, Fact},
    id::{ActionId, ApprovalId, PersonId, RunId},
    incident::{self, analysis},
    playbook::{Kind, Playbook},
    run::{self, Run, StepStatus},
    state::State,
    time::Timestamp,
};

/// Most calls and waits in one test: more is a playbook that does not end.
const MAX_TURNS: usize = 10_000;
/// As many people as an approval may ask for.
const VOTERS: u64 = 8;

/// What went otherwise than the test of a playbook says, or nothing. The test must have been read with the same
/// content.
pub(super) fn rehearse(test: &PlaybookTest, content: &Content) -> Vec<Problem> {
    let problem = |message: String| {
        vec![Problem::new(&test.path, test.position, format!("test `{}`: {message}", test.name))]
    };
    let chosen = content.playbooks.values().find(|playbook| is_tested(test, content, playbook));
    let Some(playbook) = chosen else {
        return problem(format!("`{}` is not a playbook of this content", test.playbook));
    };
    let mut rehearsal = Rehearsal::new(test, content, playbook);
    let ended = rehearsal.begin().and_then(|()| rehearsal.turn());
    if let Err(message) = ended {
        return problem(message);
    }
    let mut problems = Vec::new();
    if rehearsal.calls != test.calls {
        let (got, wanted) = (listed(&rehearsal.calls), listed(&test.calls));
        problems.extend(problem(format!("the calls are {got}, expected {wanted}")));
    }
    let status = rehearsal.run().map(|run| run.status.clone());
    if status.as_ref().and_then(end_status) != Some(test.status) {
        let got = status.map_or_else(|| "not started".to_owned(), |status| described(&status));
        problems.extend(problem(format!("the run is {got}, expected {}", name(test.status))));
    }
    let waits = rehearsal.waits();
    if !test.waits_for.is_empty() && waits != test.waits_for {
        let wanted = test.waits_for.join(", ");
        let got = if waits.is_empty() { "none".to_owned() } else { waits.join(", ") };
        problems.extend(problem(format!("the steps that wait for a person are {got}, expected {wanted}")));
    }
    problems
}

fn is_tested(test: &PlaybookTest, content: &Content, playbook: &Playbook) -> bool {
    content.files.get(&test.playbook).is_some_and(|hash| *hash == playbook.file)
}

fn voter(id: PersonId) -> (PersonId, Person) {
    let (name, role) = (id.to_string().into(), Role::Admin);
    (id, Person { id, seq: 1, name, role, disabled: false, added_at: Timestamp(0) })
}

struct Rehearsal<'t> {
    test: &'t PlaybookTest,
    state: State,
    now: Timestamp,
    next: u64,
    run: Option<RunId>,
    /// Calls that wait for their answer, oldest first: the action and the attempt.
    open: VecDeque<(ActionId, Operation, u32)>,
    /// How many answers each call has had.
    answered: BTreeMap<Call, usize>,
    calls: Vec<Call>,
}

impl<'t> Rehearsal<'t> {
    /// With the tested playbook alone, so that no other is chosen.
    fn new(test: &'t PlaybookTest, content: &Content, playbook: &Arc<Playbook>) -> Self {
        let playbooks = BTreeMap::from([(playbook.id.clone(), Arc::clone(playbook))]);
        let mut alone = Content { playbooks, ..content.clone() };
        // The voters are nobody's accounts, so no account is linked: then whoever may command holds every role.
        // What runs beside every playbook is no part of this one.
        alone.strategies.at_once.clear();
        alone.people.contacts.values_mut().for_each(|contact| contact.accounts.clear());
        let mut state = State::default();
        state.content = Arc::new(alone);
        state.playbooks.insert(playbook.hash.clone(), Arc::clone(playbook));
        state.people =
            (0..VOTERS).map(|number| PersonId::from_number(u64::MAX - number)).map(voter).collect();
        Rehearsal {
            test,
            state,
            now: Timestamp(0),
            next: 0,
            run: None,
            open: VecDeque::new(),
            answered: BTreeMap::new(),
            calls: Vec::new(),
        }
    }

    fn begin(&mut self) -> Result<(), String> {
        let open = incident::Command::Open {
            title: self.test.name.clone(),
            incident_type: self.test.incident_type.clone(),
            severity: self.test.severity,
            targets: self.test.targets.clone(),
        };
        self.execute(Command::Incident(open))
    }

    /// Answers calls and skips waits until the run ends or waits for a person.
    fn turn(&mut self) -> Result<(), String> {
        for _ in 0..MAX_TURNS {
            if let Some((id, operation, attempt)) = self.open.pop_front() {
                self.answer(id, operation, attempt)?;
            } else if self.is_over() {
                return Ok(());
            } else if let Some((id, hash)) = self.asked() {
                self.allow(id, &hash)?;
            } else if let Some((step, act)) = self.answerable() {
                self.act(step, act)?;
            } else if !self.waits().is_empty() && !self.moves_alone() {
                return Ok(());
            } else if let Some(at) = self.state.next_wakeup() {
                self.now = self.now.max(at);
                let (mut facts, context) = (Vec::new(), self.context());
                flow::due(&mut self.state, &context, &mut facts);
                self.take(&facts);
            } else {
                return Ok(());
            }
        }
        Err(format!("the run does not end after {MAX_TURNS} calls and waits"))
    }

    /// What people are asked to allow; in a test they do.
    fn asked(&self) -> Option<(ApprovalId, String)> {
        let mut asked = self.state.approvals.values().filter(|approval| !approval::is_over(approval));
        asked.next().map(|approval| (approval.id, approval.hash.to_string()))
    }

    fn allow(&mut self, id: ApprovalId, hash: &str) -> Result<(), String> {
        let quorum = self.state.approvals.get(&id).map_or(0, |approval| approval.terms.quorum);
        let voters: Vec<PersonId> = self.state.people.keys().copied().take(quorum as usize).collect();
        for person in voters {
            let command = approval::Command::Approve { id, hash: hash.to_owned() };
            self.by(Actor::Person(person), Command::Approval(command))?;
        }
        Ok(())
    }

    fn run(&self) -> Option<&Run> {
        self.run.and_then(|id| self.state.runs.get(id))
    }

    /// The steps that are begun, with what each is.
    fn begun(&self) -> Vec<(String, Kind)> {
        let run = self.run();
        let playbook = run.and_then(|run| self.state.playbooks.get(&run.hash));
        let (Some(run), Some(playbook)) = (run, playbook) else { return Vec::new() };
        let steps = playbook.steps().zip(&run.steps);
        let begun = steps.filter(|(_, state)| state.status == StepStatus::Active);
        begun.map(|((_, step), _)| (step.id.clone(), step.kind.clone())).collect()
    }

    /// Those of them that a person has to decide or to do.
    fn waits(&self) -> Vec<String> {
        if self.run().is_none_or(|run| run.status != run::Status::Active) {
            return Vec::new();
        }
        let mine = |kind: &Kind| matches!(kind, Kind::Decision(_) | Kind::Manual(_));
        self.begun().into_iter().filter(|(_, kind)| mine(kind)).map(|(id, _)| id).collect()
    }

    /// Whether time alone moves one of them.
    fn moves_alone(&self) -> bool {
        self.begun().iter().any(|(_, kind)| match kind {
            Kind::Action | Kind::Wait(_) => true,
            Kind::Decision(decision) => decision.default.is_some(),
            // These move with what is inside of them.
            Kind::Manual(_) | Kind::Switch(_) | Kind::While(_) | Kind::Parallel(_) | Kind::Call(_) => false,
        })
    }

    fn answerable(&self) -> Option<(String, Act)> {
        let act = |step: String| self.test.people.get(&step).cloned().map(|act| (step, act));
        self.waits().into_iter().find_map(act)
    }

    fn act(&mut self, step: String, act: Act) -> Result<(), String> {
        let Some(id) = self.run else { return Ok(()) };
        let (mut complete, mut decide, mut note) = (Vec::new(), BTreeMap::new(), None);
        match act {
            Act::Choose(option) => drop(decide.insert(step, option)),
            Act::Complete { first, note: text } => {
                first.map_or(Ok(()), |deed| self.does(deed, &text))?;
                complete.push(step);
                note = Some(text);
            }
            // In a test everything is allowed that is asked.
            Act::Approve => return Ok(()),
        }
        self.execute(Command::Run(run::Command::Update { id, complete, decide, note }))
    }

    /// People do what a task asks of them, outside of the playbook.
    fn does(&mut self, deed: Deed, note: &str) -> Result<(), String> {
        let people: Vec<PersonId> = self.state.people.keys().copied().take(2).collect();
        match deed {
            Deed::KillSwitchOff => {
                let reason = "as the task asks".to_owned();
                let off = control::Command::SetKillSwitch { on: false, reason };
                people
                    .into_iter()
                    .try_for_each(|id| self.by(Actor::Person(id), Command::Control(off.clone())))
            }
            Deed::Recover => {
                let incident = self.run().map(|run| run.incident);
                let (Some(id), Some(person)) = (incident, people.first()) else { return Ok(()) };
                let command = incident::restore::Command::Begin;
                let begin = incident::Command::Recovery { id, command };
                self.by(Actor::Person(*person), Command::Incident(begin))
            }
            Deed::Analyze => {
                let incident = self.run().map(|run| run.incident);
                let (Some(id), Some(person)) = (incident, people.first()) else { return Ok(()) };
                analysis::noted(note).into_iter().try_for_each(|ask| {
                    let command = incident::Command::Analyze { id, ask };
                    self.by(Actor::Person(*person), Command::Incident(command))
                })
            }
        }
    }

    /// Nothing moves any more without a person.
    fn is_over(&self) -> bool {
        let waits = |action: &Action| matches!(action.status, action::Status::Waiting { .. });
        let run_moves = self.run().is_some_and(|run| match run.status {
            run::Status::Active | run::Status::Undoing { .. } => true,
            run::Status::Paused
            | run::Status::Blocked { .. }
            | run::Status::Completed
            | run::Status::Failed { .. }
            | run::Status::Canceled
            | run::Status::Quarantined { .. } => false,
        });
        !run_moves && !self.state.actions.iter().any(waits)
    }

    fn answer(&mut self, id: ActionId, operation: Operation, attempt: u32) -> Result<(), String> {
        let Some(action) = self.state.actions.get(id) else {
            return Ok(());
        };
        let call = call_of(action);
        let count = self.answered.entry(call.clone()).or_default();
        // Without a word in the test the platform does its own.
        if own::is_own(&action.spec) && !self.test.answers.contains_key(&call) {
            if !self.calls.contains(&call) {
                self.calls.push(call);
            }
            return self.execute(Command::Enact { action: id, attempt });
        }
        let answers = self.test.answers.get(&call).map_or(&[][..], Vec::as_slice);
        let answer = answers.get(*count).or(answers.last()).copied().unwrap_or(Answer::Applied);
        *count += 1;
        let mut outcome = outcome(answer, operation, action.goal);
        if let (Outcome::Applied { artefact, .. }, Some(gives)) = (&mut outcome, self.test.gives.get(&call)) {
            *artefact =
                Some(gives.iter().map(|(name, number)| (name.clone(), Value::from(*number))).collect());
        }
        if !self.calls.contains(&call) {
            self.calls.push(call);
        }
        self.execute(Command::Action(action::Command::Report { id, attempt, outcome }))
    }

    fn execute(&mut self, command: Command) -> Result<(), String> {
        self.by(Actor::Platform, command)
    }

    fn by(&mut self, actor: Actor, command: Command) -> Result<(), String> {
        let mut facts = Vec::new();
        let context = Context { actor, ..self.context() };
        let done = flow::execute(&mut self.state, command, &context, &mut facts);
        self.take(&facts);
        done.map_err(|rejected| rejected.to_string())
    }

    fn context(&self) -> Context {
        Context { now: self.now, actor: Actor::Platform, next: self.next, epoch: 0 }
    }

    fn take(&mut self, facts: &[Fact]) {
        self.next += facts.len() as u64;
        for fact in facts {
            match &fact.event {
                Event::Run(id, _) => self.run = self.run.or(Some(*id)),
                Event::Action(id, action::Event::Intended { intent, .. }) => {
                    self.open.push_back((*id, intent.operation, intent.attempt));
                }
                Event::Action(..)
                | Event::Alert(..)
                | Event::Silence(..)
                | Event::Incident(..)
                | Event::Control(_)
                | Event::Person(..)
                | Event::Token(..)
                | Event::Approval(..)
                | Event::Notice(..)
                | Event::Review(..)
                | Event::Health(_)
                | Event::Report(..)
                | Event::Raw(..)
                | Event::Sighting(..)
                | Event::Evidence(..)
                | Event::Upkeep(_)
                | Event::Duty(..)
                | Event::Statement(..)
                | Event::Exercise(..)
                | Event::Content(_)
                | Event::Log(_) => {}
            }
        }
    }
}

/// The verb and target of a call; taking back is named by the verb that does it.
fn call_of(action: &Action) -> Call {
    let spec = &action.spec;
    let back = spec.revert.as_ref().filter(|_| action.goal == Goal::Release);
    Call { verb: back.unwrap_or(&spec.verb).to_string(), target: spec.target.to_string() }
}

fn outcome(answer: Answer, operation: Operation, goal: Goal) -> Outcome {
    let reason = || "the test says so".to_owned();
    match (answer, operation, goal) {
        (Answer::Unknown, _, _) => Outcome::Unknown { reason: reason() },
        (Answer::Applied, Operation::ReadBack, Goal::Apply)
        | (Answer::NotApplied, Operation::ReadBack, Goal::Release) => Outcome::Holds,
        (Answer::Applied, Operation::ReadBack, Goal::Release)
        | (Answer::NotApplied, Operation::ReadBack, Goal::Apply) => Outcome::DoesNotHold,
        (Answer::Applied, Operation::Apply | Operation::Revert, _) => {
            Outcome::Applied { verified: Some(true), artefact: None }
        }
        (Answer::NotApplied, Operation::Apply | Operation::Revert, _) => {
            Outcome::NotApplied { reason: reason(), retry: false, retry_after: None }
        }
    }
}

fn end_status(status: &run::Status) -> Option<EndStatus> {
    match status {
        run::Status::Completed => Some(EndStatus::Completed),
        run::Status::Failed { .. } => Some(EndStatus::Failed),
        run::Status::Blocked { .. } => Some(EndStatus::Blocked),
        run::Status::Active => Some(EndStatus::Waiting),
        run::Status::Paused
        | run::Status::Undoing { .. }
        | run::Status::Canceled
        | run::Status::Quarantined { .. } => None,
    }
}

fn described(status: &run::Status) -> String {
    match status {
        run::Status::Active => "waiting".to_owned(),
        run::Status::Paused => "paused".to_owned(),
        run::Status::Completed => "completed".to_owned(),
        run::Status::Canceled => "canceled".to_owned(),
        run::Status::Blocked { reason } => format!("blocked ({reason})"),
        run::Status::Undoing { reason } => format!("still undoing ({reason})"),
        run::Status::Failed { reason } => format!("failed ({reason})"),
        run::Status::Quarantined { reason } => format!("quarantined ({reason})"),
    }
}

fn name(status: EndStatus) -> &'static str {
    match status {
        EndStatus::Completed => "completed",
        EndStatus::Failed => "failed",
        EndStatus::Blocked => "blocked",
        EndStatus::Waiting => "waiting",
    }
}

fn listed(calls: &[Call]) -> String {
    let calls: Vec<String> = calls.iter().map(|call| format!("`{} {}`", call.verb, call.target)).collect();
    if calls.is_empty() { "none".to_owned() } else { calls.join(", ") }
}
