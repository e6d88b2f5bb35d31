//! The loop: one queue of happenings in virtual time around one node, as the shell runs it, and the crashes.

use std::{
    collections::{BTreeMap, VecDeque},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, OnceLock},
};

use connectors::Call;
use domain::{
    action::{self, Goal, Operation, Outcome},
    alert::Received,
    approval,
    content::Content,
    control::{self, Control, GAP_MAX},
    event::{Actor, Stream},
    flow::Command,
    id::{ActionId, NoticeId},
    incident, limits, notice,
    state::Saved,
    time::{Span, Timestamp},
};
use engine::{Answer, Check, Input, Node, Output, Reader, Salts, Ticket, load_state};
use store::Batch;

use crate::{
    chance::Chance,
    check::Checker,
    disk::{Disk, Fate},
    journal::{self, Journal},
    people::{self, Wish},
    planted::Planted,
    senders,
    violation::{Failure, Violation, ensure},
    whole::whole_content,
    world::{Mood, World},
};

/// When every simulation begins.
const DAWN: Timestamp = Timestamp(1_750_000_000_000_000);
const INCARNATION: &str = "sim";
/// How much of what happened a failure shows.
const TRACE_MAX: usize = 80;

/// What to simulate.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    pub seed: u64,
    /// How many deliveries and commands are sent.
    pub requests: u32,
    pub planted: Option<Planted>,
}

/// What a simulation that broke nothing went through.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    pub steps: u64,
    pub entries: u64,
    pub calls: u64,
    pub epochs: u64,
    pub runs: u64,
    /// Reports that people made, and their deadlines that were told.
    pub reports: u64,
    pub deadlines: u64,
    /// Levels to which incidents went because nobody acknowledged.
    pub levels: u64,
    /// Limits that playbooks moved.
    pub moves: u64,
    /// Services that were brought back.
    pub restored: u64,
}

impl std::ops::AddAssign for Report {
    fn add_assign(&mut self, more: Report) {
        self.steps += more.steps;
        self.entries += more.entries;
        self.calls += more.calls;
        self.epochs += more.epochs;
        self.runs += more.runs;
        self.reports += more.reports;
        self.deadlines += more.deadlines;
        self.levels += more.levels;
        self.moves += more.moves;
        self.restored += more.restored;
    }
}

/// How often things go wrong, in a thousand; some seeds know no such faults at all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) store: u32,
    pub(crate) crash: u32,
    pub(crate) slow: u32,
    pub(crate) clock: u32,
}

#[derive(Debug, Clone)]
pub(crate) enum Asked {
    Alerts(Vec<Received>),
    Records(Vec<domain::record::Record>),
    Wish(Wish),
}

/// What is under way; the number is the process that it belongs to.
enum Happening {
    /// The next of the requests that chance sends.
    Next,
    Ask(Actor, Asked),
    Sync(u64, Box<Batch>),
    Committed(u64),
    Send(u64, Box<Call>, Box<Check>),
    Reply(ActionId, u32, Outcome),
    Tell(u64, Box<connectors::Delivery>),
    /// What a channel says of a notice.
    Told(u64, NoticeId, u32, notice::Outcome),
}

/// A request that has no answer yet.
struct Waiting {
    actor: Actor,
    asked: Asked,
    sent_at: Timestamp,
}

pub struct Simulation {
    pub(crate) options: Options,
    pub(crate) chance: Chance,
    pub(crate) now: Timestamp,
    pub(crate) disk: Disk,
    pub(crate) world: World,
    pub(crate) journal: Journal,
    pub(crate) checker: Checker,
    pub(crate) faults: Faults,
    /// The process ends at this step, whatever chance says.
    pub(crate) crash_at: Option<u64>,
    pub(crate) node: Node,
    pub(crate) steps: u64,
    pub(crate) kept: Vec<String>,
    contents: [Arc<Content>; 2],
    second: bool,
    epoch: u64,
    process: u64,
    queue: BTreeMap<(Timestamp, u64), Happening>,
    serial: u64,
    waiting: BTreeMap<Ticket, Waiting>,
    published: Arc<Control>,
    trace: VecDeque<String>,
    left: u32,
}

/// Runs one seed to its end.
///
/// # Errors
/// The first invariant that was broken, or a panic inside the node.
pub fn simulate(options: Options) -> Result<Report, Box<Failure>> {
    static CONTENTS: OnceLock<[Arc<Content>; 2]> = OnceLock::new();
    let contents = CONTENTS.get_or_init(|| [whole_content(false), whole_content(true)]).clone();
    let mut chance = Chance::new(options.seed);
    let share = |chance: &mut Chance, most: u64| match chance.below(3) {
        0 => 0,
        1 => (most / 5) as u32,
        _ => most as u32,
    };
    let faults = Faults {
        store: share(&mut chance, 120),
        crash: share(&mut chance, 15),
        slow: share(&mut chance, 300),
        clock: share(&mut chance, 20),
    };
    let mood = Mood::Moody(share(&mut chance, 500));
    let mut world = World::new(mood);
    world.post.moody = share(&mut chance, 300);
    let mut simulation = Simulation::new(options, chance, contents, world, faults);
    simulation.guarded(Simulation::whole)
}

impl Simulation {
    pub(crate) fn new(
        options: Options,
        chance: Chance,
        contents: [Arc<Content>; 2],
        world: World,
        faults: Faults,
    ) -> Simulation {
        Simulation {
            options,
            chance,
            now: DAWN,
            disk: Disk::new(),
            world,
            journal: Journal::new(&contents),
            checker: Checker::default(),
            faults,
            crash_at: None,
            node: Node::new(Default::default(), 0, 0, Salts::new([0; 32])),
            steps: 0,
            kept: Vec::new(),
            contents,
            second: false,
            epoch: 0,
            process: 0,
            queue: BTreeMap::new(),
            serial: 0,
            waiting: BTreeMap::new(),
            published: Arc::default(),
            trace: VecDeque::new(),
            left: options.requests,
        }
    }

    /// Runs `what`; a violation or a panic comes back with the seed and the trace.
    pub(crate) fn guarded<T>(
        &mut self,
        what: impl FnOnce(&mut Simulation) -> Result<T, Violation>,
    ) -> Result<T, Box<Failure>> {
        let done = catch_unwind(AssertUnwindSafe(|| what(self)));
        let violation = match done {
            Ok(Ok(done)) => return Ok(done),
            Ok(Err(violation)) => violation,
            Err(panic) => {
                let text = panic.downcast_ref::<String>().cloned();
                let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
                Violation::new("panic", text.unwrap_or_default())
            }
        };
        let trace = self.trace.drain(..).collect();
        let (seed, step, at) = (self.options.seed, self.steps, self.now);
        Err(Box::new(Failure { seed, step, at, violation, trace }))
    }

    pub(crate) fn whole(&mut self) -> Result<Report, Violation> {
        self.begin(true)?;
        for command in people::first_people() {
            self.ask(Span(1), Actor::Platform, Asked::Wish(Wish::Command(command)));
        }
        self.schedule(Span::secs(1), Happening::Next);
        while self.advance(false)? {}
        let report = self.come_to_rest()?;
        self.everybody_was_called()?;
        self.journal.notices.last_look()?;
        self.journal.clocks.last_look(self.now)?;
        self.journal.reports.last_look(self.now)?;
        Ok(report)
    }

    pub(crate) fn report(&self) -> Report {
        Report {
            steps: self.steps,
            entries: self.journal.positions.len() as u64,
            calls: self.world.ledger.lines.len() as u64,
            epochs: self.epoch,
            runs: self.journal.runs.len() as u64,
            reports: self.journal.reports.len() as u64,
            deadlines: self.journal.reports.told,
            levels: self.journal.clocks.fired,
            moves: self.journal.moves.made,
            restored: self.journal.restored,
        }
    }

    pub(crate) fn note(&mut self, what: impl FnOnce() -> String) {
        if self.trace.len() == TRACE_MAX {
            self.trace.pop_front();
        }
        let at = self.now.since(DAWN).as_std().as_secs_f64();
        self.trace.push_back(format!("{:>6} {at:>12.3}s  {}", self.steps, what()));
    }

    fn schedule(&mut self, after: Span, what: Happening) {
        self.serial += 1;
        self.queue.insert((self.now.plus(after), self.serial), what);
    }

    pub(crate) fn ask(&mut self, after: Span, actor: Actor, asked: Asked) {
        self.schedule(after, Happening::Ask(actor, asked));
    }

    /// What is in force, or will be at the next start.
    pub(crate) fn content(&self) -> &Content {
        &self.contents[usize::from(self.second)]
    }

    pub(crate) fn reader(&self) -> Reader {
        Reader::new(self.disk.store())
    }

    pub(crate) fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// When the next thing happens.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        let next = self.queue.first_key_value().map(|((at, _), _)| *at);
        next.into_iter().chain(self.node.next_wakeup()).min()
    }

    /// One happening, or one timer of the node's. False when nothing is under way; timers alone count only when
    /// the simulation is to come to `rest`.
    pub(crate) fn advance(&mut self, rest: bool) -> Result<bool, Violation> {
        let next = self.queue.first_key_value().map(|((at, _), _)| *at);
        let timer = self.node.next_wakeup();
        if next.is_none() && !(rest && self.goes_on()) {
            return Ok(false);
        }
        self.steps += 1;
        if self.crash_at == Some(self.steps) {
            self.restart("the process ends here", true)?;
        }
        let due = timer.filter(|timer| next.is_none_or(|next| *timer <= next));
        if let Some(timer) = due {
            self.now = self.now.max(timer);
            self.step(Input::Flush)?;
            let stuck = self.node.next_wakeup().is_some_and(|at| at <= self.now);
            ensure(!stuck, "I13", || "a timer that has come stays where it is".to_owned())?;
            return Ok(true);
        }
        let Some(((at, _), happening)) = self.queue.pop_first() else { return Ok(false) };
        self.now = self.now.max(at);
        self.happen(happening)?;
        let more = self.queue.first_key_value().is_some_and(|((at, _), _)| *at <= self.now);
        if rest || !more || self.chance.permille(600) {
            self.step(Input::Flush)?;
        }
        if !rest && self.chance.permille(self.faults.crash) {
            self.restart("the process ends", true)?;
        }
        Ok(true)
    }

    /// Whether anything is still to come by itself, besides that people are told on and on how an incident stands.
    fn goes_on(&self) -> bool {
        let state = self.node.state();
        let told = |stream: Stream| {
            let Stream::Incident(id) = stream else { return false };
            state.incidents.open.get(&id).is_some_and(|incident| {
                incident.status == incident::Status::Open && incident.standing().due.is_none()
            })
        };
        !state.timers().all(|(_, stream)| told(stream))
    }

    fn happen(&mut self, happening: Happening) -> Result<(), Violation> {
        match happening {
            Happening::Next => {
                self.next_request();
                Ok(())
            }
            Happening::Ask(actor, asked) => self.arrive(actor, asked),
            Happening::Sync(process, batch) if process == self.process => self.sync(&batch),
            Happening::Committed(process) if process == self.process => {
                self.note(|| "committed".to_owned());
                self.step(Input::Committed)
            }
            Happening::Sync(..) | Happening::Committed(_) => Ok(()),
            Happening::Send(process, call, check) => {
                let ours = process == self.process || self.options.planted == Some(Planted::OldEpoch);
                if ours { self.send(&call, &check) } else { Ok(()) }
            }
            Happening::Tell(process, delivery) if process == self.process => self.tell(&delivery),
            Happening::Tell(..) => Ok(()),
            Happening::Told(process, notice, attempt, outcome) => {
                self.note(|| format!("{notice} attempt {attempt}: {outcome:?}"));
                if process == self.process {
                    self.step(Input::Delivered { notice, attempt, outcome })
                } else {
                    Ok(())
                }
            }
            Happening::Reply(action, attempt, outcome) => {
                self.note(|| format!("{action} attempt {attempt}: {}", journal::word(&outcome)));
                self.step(Input::Report { action, attempt, outcome })
            }
        }
    }

    fn next_request(&mut self) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let gap = match self.chance.below(40) {
            0 => Span::secs(self.chance.within(3_500, 9_000)),
            1..=3 => Span::secs(self.chance.within(60, 900)),
            4..=15 => Span::millis(self.chance.within(500, 8_000)),
            _ => Span::millis(self.chance.below(300)),
        };
        let (actor, asked) = if self.chance.permille(550) {
            (people::source(), Asked::Alerts(senders::delivery(&mut self.chance, self.now)))
        } else if self.chance.permille(250) {
            (people::source(), Asked::Records(senders::records(&mut self.chance, self.now)))
        } else if let Some(command) = people::newcomer(&self.journal) {
            (Actor::Platform, Asked::Wish(Wish::Command(command)))
        } else {
            let actor = people::somebody(&self.journal, &mut self.chance);
            let wish = people::wish(&self.journal, &self.world.ledger, &mut self.chance, self.now);
            let actor = people::sender(&wish, actor, &self.journal, &mut self.chance);
            (actor, Asked::Wish(wish))
        };
        if self.chance.permille(self.faults.clock) {
            // The wall clock of this machine is somewhere else for a moment.
            let wall = self.now.plus(Span::secs(self.chance.within(0, 30)));
            self.ask(gap, Actor::Platform, Asked::Wish(Wish::Command(doubt(wall))));
        }
        self.ask(Span(0), actor, asked);
        self.schedule(gap, Happening::Next);
    }

    /// Whoever watches people remembers what each of them allowed.
    fn hears(&mut self, actor: &Actor, command: Command) -> Command {
        let Command::Approval(approval::Command::Approve { id, hash }) = command else { return command };
        if let Some(person) = actor.person() {
            self.journal.consents.heard(person, id, &hash);
        }
        let asked = self.journal.approvals.get(&id).map(|asked| asked.hash.to_string());
        let any = asked.filter(|_| self.options.planted == Some(Planted::AnyHash));
        Command::Approval(approval::Command::Approve { id, hash: any.unwrap_or(hash) })
    }

    /// A request reaches the node.
    fn arrive(&mut self, actor: Actor, asked: Asked) -> Result<(), Violation> {
        self.serial += 1;
        let ticket: Ticket = self.serial;
        let waiting = Waiting { actor: actor.clone(), asked: asked.clone(), sent_at: self.now };
        self.waiting.insert(ticket, waiting);
        let input = match asked {
            Asked::Alerts(alerts) => {
                self.note(|| {
                    format!(
                        "{} alerts, the first {:?}",
                        alerts.len(),
                        alerts.first().map(|a| a.labels.to_string())
                    )
                });
                Input::Alerts { ticket, actor, alerts }
            }
            Asked::Records(records) => {
                self.note(|| format!("{} records", records.len()));
                Input::Records { ticket, actor, records }
            }
            Asked::Wish(Wish::Command(command)) => {
                self.note(|| format!("{actor} asks {command:?}"));
                let command = self.hears(&actor, command);
                Input::Command { ticket, actor, command: Box::new(command) }
            }
            Asked::Wish(Wish::Reload(second)) => {
                self.note(|| format!("content is read again, version {}", 1 + u8::from(second)));
                self.second = second;
                let content = self.contents[usize::from(second)].clone();
                Input::Command { ticket, actor, command: Box::new(Command::LoadContent(content)) }
            }
            // The shell refuses what is not durable yet.
            Asked::Wish(Wish::Redact(position)) if position >= self.journal.positions.len() as u64 => {
                self.waiting.remove(&ticket);
                return Ok(());
            }
            Asked::Wish(Wish::Redact(position)) => {
                self.note(|| format!("{actor} redacts {position}"));
                let (about, revived) = self.revive(position)?;
                let reason = "asked for".to_owned();
                let command = Box::new(Command::Redact { positions: vec![position], about, reason });
                Input::Redact { ticket, actor, command, revived }
            }
        };
        self.step(input)
    }

    /// As the shell does: what an entry is about, put back from its row where it is over.
    fn revive(&self, position: u64) -> Result<(Vec<Stream>, Vec<Saved>), Violation> {
        let unreadable =
            |error: engine::Error| Violation::new("I11", format!("a row does not read: {error}"));
        let reader = self.reader();
        let entry = reader.entry(position).map_err(unreadable)?;
        let stream = entry.and_then(|entry| entry.envelope.stream.parse::<Stream>().ok());
        let Some(stream) = stream else { return Ok((Vec::new(), Vec::new())) };
        let over = !self.node.state().is_live(stream);
        let saved = match stream {
            Stream::Alert(id) if over => {
                let alert = reader.alert(id).map_err(unreadable)?;
                alert.filter(|alert| !alert.is_firing()).map(Saved::Alert)
            }
            Stream::Incident(id) if over => {
                let incident = reader.incident(id).map_err(unreadable)?;
                incident
                    .filter(|incident| incident.status == domain::incident::Status::Closed)
                    .map(Saved::Incident)
            }
            Stream::Alert(_)
            | Stream::Incident(_)
            | Stream::Silence(_)
            | Stream::Run(_)
            | Stream::Action(_)
            | Stream::Control
            | Stream::Person(_)
            | Stream::Token(_)
            | Stream::Approval(_)
            | Stream::Notice(_)
            | Stream::Review(_)
            | Stream::Health
            | Stream::Report(_)
            | Stream::Raw(_)
            | Stream::Sighting(_)
            | Stream::Evidence(_)
            | Stream::Upkeep
            | Stream::Duty(_)
            | Stream::Statement(_)
            | Stream::Exercise(_)
            | Stream::Content
            | Stream::Log => None,
        };
        Ok((vec![stream], saved.into_iter().collect()))
    }

    fn step(&mut self, input: Input) -> Result<(), Violation> {
        let outputs = self.node.step(self.now, input);
        outputs.into_iter().try_for_each(|output| self.carry_out(output))
    }

    fn carry_out(&mut self, output: Output) -> Result<(), Violation> {
        match output {
            Output::Commit(batch) => self.commit(batch),
            Output::Answer(ticket, answer) => self.answered(ticket, answer),
            Output::Call(call, check) => {
                let most = if self.chance.permille(self.faults.slow) { 4_000 } else { 20 };
                let after = Span::millis(self.chance.below(most));
                if self.options.planted != Some(Planted::SendBeforeCommit) {
                    self.schedule(after, Happening::Send(self.process, call, Box::new(check)));
                }
                Ok(())
            }
            Output::Deliver(delivery) => {
                let (id, attempt) = (delivery.notice, delivery.attempt);
                if self.options.planted == Some(Planted::ToldBeforeSent) {
                    let early = notice::Outcome::Delivered { receipt: "early".to_owned() };
                    self.schedule(Span(0), Happening::Told(self.process, id, attempt, early));
                }
                let after = Span::millis(self.chance.within(1, 20));
                self.schedule(after, Happening::Tell(self.process, delivery));
                Ok(())
            }
            Output::Limits(control) => {
                self.published = control;
                Ok(())
            }
            Output::Facts(_) | Output::AccessChanged => Ok(()),
        }
    }

    fn commit(&mut self, batch: Batch) -> Result<(), Violation> {
        let slow = self.chance.permille(self.faults.slow / 3);
        let after =
            Span::millis(if slow { self.chance.within(100, 3_000) } else { self.chance.within(1, 5) });
        if self.options.planted == Some(Planted::SendBeforeCommit) {
            self.send_what_is_decided(&batch)?;
        }
        self.schedule(after, Happening::Sync(self.process, Box::new(batch)));
        if self.options.planted == Some(Planted::AcknowledgeBeforeSync) {
            self.schedule(Span(0), Happening::Committed(self.process));
        }
        Ok(())
    }

    /// The batch reaches the disk, or not.
    fn sync(&mut self, batch: &Batch) -> Result<(), Violation> {
        let wrong = self.chance.permille(self.faults.store);
        let fate = if wrong { self.fate() } else { Fate::Written };
        let written = match fate {
            Fate::Written => true,
            Fate::NotWritten => false,
            Fate::Unknown { written } | Fate::Crash { written } => written,
        };
        self.note(|| format!("batch of {} at {}: {fate:?}", batch.entries.len(), batch.expected));
        if written {
            self.write(batch)?;
        }
        match fate {
            Fate::Written if self.options.planted == Some(Planted::AcknowledgeBeforeSync) => Ok(()),
            Fate::Written => {
                let after = Span::millis(self.chance.below(3));
                self.schedule(after, Happening::Committed(self.process));
                Ok(())
            }
            Fate::NotWritten => self.restart("the batch was not written", false),
            Fate::Unknown { .. } => self.restart("the sync failed", true),
            Fate::Crash { .. } => self.restart("the process ends at a sync", true),
        }
    }

    fn fate(&mut self) -> Fate {
        self.chance.weighted(&[
            (3, Fate::NotWritten),
            (1, Fate::Unknown { written: true }),
            (1, Fate::Unknown { written: false }),
            (2, Fate::Crash { written: true }),
            (2, Fate::Crash { written: false }),
        ])
    }

    fn write(&mut self, batch: &Batch) -> Result<(), Violation> {
        let mut batch = std::borrow::Cow::Borrowed(batch);
        if self.options.planted == Some(Planted::LostRow) && batch.expected > 40 {
            batch.to_mut().rows.pop();
        }
        self.forget(&mut batch);
        self.disk.write(&batch, self.options.planted == Some(Planted::LostSync))?;
        for entry in &batch.entries {
            self.note(|| {
                let body = String::from_utf8_lossy(&entry.body);
                let line = journal::read_entry(entry)
                    .map(|(e, _)| format!("  {} {} {} {body}", e.position, e.kind, e.stream));
                line.unwrap_or_default().chars().take(300).collect()
            });
            let noted = self.journal.take(entry)?;
            Checker::outcome(&self.journal, &self.world.ledger, &noted)?;
            self.journal.notices.compare(&self.world.post)?;
        }
        if self.options.planted == Some(Planted::MoveOutside) {
            self.call_moves(&batch)?;
        }
        self.journal.moves.whole()
    }

    fn answered(&mut self, ticket: Ticket, answer: Answer) -> Result<(), Violation> {
        let nobody =
            || Violation::new("I13", format!("an answer to request {ticket}, which nobody waits for"));
        let waiting = self.waiting.remove(&ticket).ok_or_else(nobody)?;
        match answer {
            Answer::Done(receipt) => {
                self.checker.receipt(&self.journal, &receipt)?;
                match &waiting.asked {
                    Asked::Alerts(alerts) => {
                        self.checker.delivery(&self.journal, &receipt, alerts, waiting.sent_at)
                    }
                    Asked::Records(_) | Asked::Wish(_) => Ok(()),
                }
            }
            Answer::Refused(refused) => {
                self.note(|| format!("refused: {refused}"));
                Ok(())
            }
        }
    }

    fn tell(&mut self, delivery: &connectors::Delivery) -> Result<(), Violation> {
        let says = self.world.post.receive(&self.journal.notices, delivery, &mut self.chance)?;
        for (after, outcome) in says {
            let told = Happening::Told(self.process, delivery.notice, delivery.attempt, outcome);
            self.schedule(after, told);
        }
        Ok(())
    }

    /// As the shell's `perform`: limits once more, then the world.
    fn send(&mut self, call: &Call, check: &Check) -> Result<(), Violation> {
        if self.options.planted == Some(Planted::ReleaseUnverified) && check.spec.origin.looks() {
            let standing = self.journal.actions.iter().filter(|(_, view)| view.in_force);
            for id in standing.map(|(id, _)| *id).collect::<Vec<_>>() {
                let release = Wish::Command(Command::Action(action::Command::Release { id }));
                self.ask(Span(1), Actor::Platform, Asked::Wish(release));
            }
        }
        // Looking changes nothing, so no limit holds it back.
        let limited =
            call.operation != Operation::ReadBack && self.options.planted != Some(Planted::SkipLimits);
        if limited
            && let Err(reason) =
                limits::permits(&self.published, &check.spec, check.goal, check.asked, self.now)
                    .with(check.pass)
        {
            self.note(|| format!("{} is withdrawn: {reason}", check.action));
            return self.step(Input::Withdraw { action: check.action, attempt: check.attempt, reason });
        }
        let mut call = call.clone();
        if self.options.planted == Some(Planted::NewKeyOnRetry) && call.attempt > 1 {
            call.key.push_str("-again");
        }
        self.deliver(&call, check.action, check.goal)?;
        if self.options.planted == Some(Planted::SendTwice) {
            self.deliver(&call, check.action, check.goal)?;
        }
        Ok(())
    }

    pub(crate) fn deliver(&mut self, call: &Call, action: ActionId, goal: Goal) -> Result<(), Violation> {
        self.checker.before_call(&self.journal, action, goal, call)?;
        let (behaviour, replies) = self.world.receive(call, self.now, &mut self.chance);
        let (operation, attempt) = (call.operation, call.attempt);
        self.note(|| {
            format!(
                "{action} {operation:?} attempt {attempt} of {} on {}: {behaviour:?}",
                call.verb, call.target
            )
        });
        if let Some(line) = self.world.ledger.lines.last() {
            self.checker.after_call(&self.journal, &self.world.ledger, action, line)?;
        }
        for (after, outcome) in replies {
            self.schedule(after, Happening::Reply(action, attempt, outcome));
        }
        Ok(())
    }

    /// Gives the memory up and begins anew from what is durable. Answers of the old process may still come where
    /// only the memory was given up, and now and then where they should not.
    pub(crate) fn restart(&mut self, why: &str, ended: bool) -> Result<(), Violation> {
        self.note(|| format!("RESTART: {why}"));
        let fresh = Node::new(Default::default(), 0, 0, Salts::new([0; 32]));
        let mut abandoned = std::mem::replace(&mut self.node, fresh).abandon();
        abandoned.sort_unstable();
        let waiting: Vec<Ticket> = self.waiting.keys().copied().collect();
        ensure(abandoned == waiting, "I13", || {
            format!("requests {waiting:?} wait, and the node knows of {abandoned:?}")
        })?;
        for (_, lost) in std::mem::take(&mut self.waiting) {
            if matches!(lost.asked, Asked::Alerts(_)) && self.chance.permille(700) {
                self.ask(Span::secs(1), lost.actor, lost.asked);
            }
        }
        self.process += 1;
        let keep_all = !ended || self.options.planted == Some(Planted::OldEpoch);
        let chance = &mut self.chance;
        self.queue.retain(|_, happening| match happening {
            Happening::Reply(..) | Happening::Told(..) => keep_all || chance.permille(300),
            Happening::Next
            | Happening::Ask(..)
            | Happening::Sync(..)
            | Happening::Committed(_)
            | Happening::Tell(..)
            | Happening::Send(..) => true,
        });
        if ended {
            if self.options.planted == Some(Planted::LostSync) {
                self.disk.lose_last();
            }
            let down = if self.chance.permille(60) { 7_200_000 } else { self.chance.within(10, 5_000) };
            self.now = self.now.plus(Span::millis(down));
        }
        if self.chance.permille(250) {
            self.seal()?;
        }
        self.begin(ended)
    }

    /// What every start is: the lease, the rows, then content, epoch and doubt about the clock as first inputs.
    pub(crate) fn begin(&mut self, fresh_process: bool) -> Result<(), Violation> {
        let wrong = |what: String| Violation::new("I11", format!("the state does not read back: {what}"));
        let store = self.disk.store();
        let last = self.reader().last_time().map_err(|error| wrong(error.to_string()))?;
        self.epoch = store.lease("leader", INCARNATION).map_err(|error| wrong(error.to_string()))?;
        let content = self.contents[usize::from(self.second)].clone();
        let state = load_state(&*store, &content, self.now).map_err(|error| wrong(error.to_string()))?;
        let length = store.length().map_err(|error| wrong(error.to_string()))?;
        let mut seed = [0; 32];
        seed.iter_mut().for_each(|byte| *byte = self.chance.next() as u8);
        self.node = Node::new(state, self.epoch, length, Salts::new(seed));
        if fresh_process {
            self.published = Arc::default();
        }
        self.step(Input::Own(Box::new(Command::LoadContent(content))))?;
        let start = control::Command::Start {
            epoch: self.epoch,
            incarnation: INCARNATION.to_owned(),
            wall: self.now,
            restored: None,
        };
        self.step(Input::Own(Box::new(Command::Control(start))))?;
        let gap = last.is_some_and(|last| self.now.since(last) > GAP_MAX);
        if fresh_process && gap {
            self.step(Input::Own(Box::new(doubt(self.now))))?;
        }
        self.step(Input::Flush)
    }
}

fn doubt(wall: Timestamp) -> Command {
    Command::Control(control::Command::DoubtClock { reason: format!("the wall clock says {wall}") })
}
