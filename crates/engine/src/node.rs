//! The node as a value: inputs in, outputs out, no thread, clock or disk.
//!
//! It decides into the batch being built while an earlier one is with the store. Answers, calls and everything
//! else that leaves waits for the batch it rests on: `Commit` goes out, `Committed` comes back, and only then do
//! its outputs follow. Between the decision and the sending of a call the limits are asked once more.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use connectors::{Call, Delivery};
use domain::{
    action::{self, Goal, Operation, Outcome},
    alert::{Received, Seen},
    approval::Pass,
    control::{self, SKEW_MAX, own},
    event::{Actor, Context, Event, Stream},
    flow::{self, Command, Fact},
    id::{ActionId, AlertId, IncidentId, NoticeId, RunId},
    limits::{self, Asked},
    notice,
    record::Record,
    state::{Saved, State},
    time::Timestamp,
};
use store::{Batch, Entry, RowChange};

use crate::{
    handle::{Receipt, Refused},
    rows::{self, Table},
};

mod salts;

pub use salts::Salts;

/// Names a request until its answer goes out.
pub type Ticket = u64;

#[derive(Debug)]
pub enum Input {
    Alerts {
        ticket: Ticket,
        actor: Actor,
        alerts: Vec<Received>,
    },
    /// Telemetry for rules; only what they see in it is kept.
    Records {
        ticket: Ticket,
        actor: Actor,
        records: Vec<Record>,
    },
    Command {
        ticket: Ticket,
        actor: Actor,
        command: Box<Command>,
    },
    /// As `Command`, for entries of things that are over: their rows are put back for the decision.
    Redact {
        ticket: Ticket,
        actor: Actor,
        command: Box<Command>,
        revived: Vec<Saved>,
    },
    /// A question about how things stand, which changes nothing; its answer rests on what was decided before.
    Look {
        ticket: Ticket,
        look: Look,
    },
    /// What the platform itself asks, without anybody waiting for an answer.
    Own(Box<Command>),
    Report {
        action: ActionId,
        attempt: u32,
        outcome: Outcome,
    },
    /// What a channel said of a notice.
    Delivered {
        notice: NoticeId,
        attempt: u32,
        outcome: notice::Outcome,
    },
    Withdraw {
        action: ActionId,
        attempt: u32,
        reason: String,
    },
    /// The batch that is with the store is durable.
    Committed,
    /// What the wall clock says.
    Wall(Timestamp),
    /// Nothing more is waiting: commit what there is.
    Flush,
}

/// Reads the state and keeps what it found where the asker looks for it.
pub struct Look(pub Box<dyn FnOnce(&State, Timestamp) + Send>);

impl std::fmt::Debug for Look {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Look")
    }
}

#[derive(Debug)]
pub enum Output {
    Commit(Batch),
    Answer(Ticket, Answer),
    Call(Box<Call>, Check),
    /// A notice to send; no limit holds it.
    Deliver(Box<Delivery>),
    /// These facts are durable.
    Facts(Vec<Fact>),
    /// Who may come in, or what may be done, has changed durably.
    AccessChanged,
    /// The controls changed: what they forbid ends with the decision, what they allow begins when it is durable.
    Limits(Arc<control::Control>),
}

/// What is asked of the limits right before a call is sent.
#[derive(Debug, Clone)]
pub struct Check {
    pub action: ActionId,
    pub attempt: u32,
    pub goal: Goal,
    pub asked: Asked,
    pub operation: Operation,
    pub spec: Arc<action::Spec>,
    /// The approval that the intent used.
    pub pass: Option<Pass>,
}

impl Check {
    /// Whether the call may begin under these controls. Reading back changes nothing, so nothing forbids it.
    pub(crate) fn permits(&self, control: &control::Control, now: Timestamp) -> Result<(), String> {
        match self.operation {
            Operation::ReadBack => Ok(()),
            Operation::Apply | Operation::Revert => {
                limits::permits(control, &self.spec, self.goal, self.asked, now).with(self.pass)
            }
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Answer {
    Done(Receipt),
    Refused(Refused),
}

/// What was decided together and becomes durable together.
#[derive(Default)]
struct Building {
    facts: Vec<Fact>,
    redact: Vec<u64>,
    answers: Vec<(Ticket, Answer)>,
    /// Content that came into force, each with texts that runs may be pinned to.
    contents: Vec<Arc<domain::content::Content>>,
    /// The controls as this batch leaves them, where it changes them.
    control: Option<control::Control>,
}

pub struct Node {
    state: State,
    epoch: u64,
    /// The position that the next fact takes.
    next: u64,
    building: Building,
    /// Answers and facts of the batch that is with the store.
    flying: Option<Building>,
    /// The controls as they are durable.
    durable: control::Control,
    salts: Salts,
    body: Vec<u8>,
}

impl Node {
    /// A node over what the rows hold. Its first input is `control.started` of this epoch.
    pub fn new(state: State, epoch: u64, length: u64, salts: Salts) -> Node {
        let building = Building::default();
        let durable = state.control.clone();
        Node { state, epoch, next: length, building, flying: None, durable, salts, body: Vec::new() }
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// The run that was being decided, for when a decision ends in a panic.
    pub fn suspect(&self) -> Option<RunId> {
        self.state.working
    }

    pub fn next_wakeup(&self) -> Option<Timestamp> {
        self.state.next_wakeup()
    }

    /// Active alerts with what repeats moved.
    pub fn seen(&self) -> Vec<(AlertId, Seen)> {
        self.state.alerts.iter().map(|(alert, seen)| (alert.id, seen)).collect()
    }

    /// How many facts wait for the next batch.
    pub fn pending(&self) -> usize {
        self.building.facts.len()
    }

    /// Every request that has no answer yet, for when this memory is given up.
    pub fn abandon(self) -> Vec<Ticket> {
        let flying = self.flying.into_iter().flat_map(|batch| batch.answers);
        flying.chain(self.building.answers).map(|(ticket, _)| ticket).collect()
    }

    /// Takes one input at platform time `now`, which never goes backward.
    pub fn step(&mut self, now: Timestamp, input: Input) -> Vec<Output> {
        let mut out = Vec::new();
        match input {
            Input::Alerts { ticket, actor, alerts } => {
                let answer = self.receive(now, actor, alerts, &mut out);
                self.building.answers.push((ticket, answer));
            }
            Input::Records { ticket, actor, records } => {
                let answer = self.observe(now, actor, &records, &mut out);
                self.building.answers.push((ticket, answer));
            }
            Input::Command { ticket, actor, command } => {
                let answer = self.command(now, actor, *command, &mut out);
                self.building.answers.push((ticket, answer));
            }
            Input::Redact { ticket, actor, command, revived } => {
                let streams: Vec<Stream> = revived.iter().map(stream_of).collect();
                revived.into_iter().for_each(|saved| self.state.restore(saved, now));
                let answer = self.command(now, actor, *command, &mut out);
                if matches!(answer, Answer::Refused(_)) {
                    streams.into_iter().for_each(|stream| self.state.forget(stream));
                }
                self.building.answers.push((ticket, answer));
            }
            Input::Look { ticket, look: Look(look) } => {
                look(&self.state, now);
                self.building.answers.push((ticket, Answer::Done(Receipt::default())));
            }
            Input::Own(command) => self.own(now, *command, &mut out),
            Input::Report { action: id, attempt, outcome } => {
                self.own(now, Command::Action(action::Command::Report { id, attempt, outcome }), &mut out);
            }
            Input::Delivered { notice: id, attempt, outcome } => {
                self.own(now, Command::Notice(notice::Command::Report { id, attempt, outcome }), &mut out);
            }
            Input::Withdraw { action: id, attempt, reason } => {
                self.own(now, Command::Action(action::Command::Withdraw { id, attempt, reason }), &mut out);
            }
            Input::Committed => self.committed(now, &mut out),
            Input::Wall(wall) => self.compare_clocks(now, wall, &mut out),
            Input::Flush => {
                self.wake(now, &mut out);
                self.flush(&mut out);
            }
        }
        out
    }

    fn context(&self, now: Timestamp, actor: Actor) -> Context {
        Context { now, actor, next: self.next, epoch: self.epoch }
    }

    fn receive(
        &mut self,
        now: Timestamp,
        actor: Actor,
        alerts: Vec<Received>,
        out: &mut Vec<Output>,
    ) -> Answer {
        let mut receipt = Receipt::default();
        for (index, received) in alerts.into_iter().enumerate() {
            let context = self.context(now, actor.clone());
            let mut facts = Vec::new();
            match flow::receive(&mut self.state, received, &context, &mut facts) {
                Ok(_) => receipt.taken += 1,
                Err(rejected) => receipt.refused.push((index, rejected)),
            }
            self.add(facts, out);
        }
        Answer::Done(receipt)
    }

    /// The facts of the records that rules saw something in are in the receipt's number, not in it.
    fn observe(&mut self, now: Timestamp, actor: Actor, records: &[Record], out: &mut Vec<Output>) -> Answer {
        for record in records {
            let context = self.context(now, actor.clone());
            let mut facts = Vec::new();
            flow::observe(&mut self.state, record, &context, &mut facts);
            self.add(facts, out);
        }
        Answer::Done(Receipt { taken: records.len(), ..Receipt::default() })
    }

    fn command(&mut self, now: Timestamp, actor: Actor, command: Command, out: &mut Vec<Output>) -> Answer {
        let context = self.context(now, actor);
        let mut facts = Vec::new();
        match flow::execute(&mut self.state, command, &context, &mut facts) {
            Ok(()) => {
                let brief = |fact: &Fact| (fact.meta.position, fact.event.stream(), fact.event.kind());
                let facts_brief = facts.iter().map(brief).collect();
                self.add(facts, out);
                Answer::Done(Receipt { facts: facts_brief, ..Receipt::default() })
            }
            Err(rejected) => Answer::Refused(Refused::Rejected(rejected)),
        }
    }

    /// Nobody waits for these, and what no longer fits has been overtaken.
    fn own(&mut self, now: Timestamp, command: Command, out: &mut Vec<Output>) {
        if let Answer::Refused(refused) = self.command(now, Actor::Platform, command, out) {
            tracing::debug!(reason = %refused, "own command overtaken");
        }
    }

    fn wake(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let context = self.context(now, Actor::Platform);
        let mut facts = Vec::new();
        flow::due(&mut self.state, &context, &mut facts);
        self.add(facts, out);
    }

    fn add(&mut self, facts: Vec<Fact>, out: &mut Vec<Output>) {
        self.next += facts.len() as u64;
        for fact in &facts {
            match &fact.event {
                Event::Control(_) => {
                    self.building.control = Some(self.state.control.clone());
                    out.push(self.limits());
                }
                Event::Content(_) => self.building.contents.push(self.state.content.clone()),
                Event::Log(domain::event::LogEvent::Redacted { positions, .. }) => {
                    self.building.redact.extend(positions);
                }
                Event::Log(domain::event::LogEvent::Refused { .. })
                | Event::Alert(..)
                | Event::Silence(..)
                | Event::Incident(..)
                | Event::Run(..)
                | Event::Action(..)
                | Event::Person(..)
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
                | Event::Token(..) => {}
            }
        }
        self.building.facts.extend(facts);
    }

    fn compare_clocks(&mut self, now: Timestamp, wall: Timestamp, out: &mut Vec<Output>) {
        let apart = now.since(wall).max(wall.since(now));
        if apart > SKEW_MAX && self.state.control.clock_doubt.is_none() {
            let reason = format!("the wall clock says {wall} where platform time is {now}");
            self.own(now, Command::Control(control::Command::DoubtClock { reason }), out);
        }
    }

    /// Sends the batch being built unless one is with the store already.
    fn flush(&mut self, out: &mut Vec<Output>) {
        if let Some(flying) = &mut self.flying {
            if self.building.facts.is_empty() {
                // What was read may rest on the batch under way.
                flying.answers.append(&mut self.building.answers);
            }
            return;
        }
        let mut building = std::mem::take(&mut self.building);
        if building.facts.is_empty() {
            let answers = building.answers.drain(..);
            out.extend(answers.map(|(ticket, answer)| Output::Answer(ticket, answer)));
            return;
        }
        let batch = self.batch(&building);
        out.push(Output::Commit(batch));
        self.flying = Some(building);
    }

    fn batch(&mut self, building: &Building) -> Batch {
        let expected = building.facts[0].meta.position;
        let mut rows = Vec::new();
        let mut timelines: BTreeMap<IncidentId, Vec<u64>> = BTreeMap::new();
        let mut entries = Vec::with_capacity(building.facts.len());
        for fact in &building.facts {
            entries.push(self.entry(fact));
            if let Some(incident) = fact.incident {
                timelines.entry(incident).or_default().push(fact.meta.position);
            }
        }
        for (incident, positions) in timelines {
            let key = rows::timeline_key(incident, positions[0]);
            let value = Some(rows::timeline_value(&positions));
            rows.push(RowChange { table: Table::Timeline.of(), key, value });
        }
        for content in &building.contents {
            for (hash, text) in &content.playbook_texts {
                let (key, value) = (hash.as_bytes().to_vec(), Some(text.as_bytes().to_vec()));
                rows.push(RowChange { table: Table::Content.of(), key, value });
            }
        }
        for stream in self.state.take_touched() {
            let fresh = number(stream).is_some_and(|number| number >= expected);
            if let Err(error) = rows::changes(&self.state, stream, fresh, &mut rows) {
                // INVARIANT: states are plain data with text keys, which always serialise.
                panic!("the row of {stream} does not serialise: {error}");
            }
            if !self.state.is_live(stream) {
                self.state.forget(stream);
            }
        }
        let redact = building.redact.iter().copied().collect::<BTreeSet<u64>>().into_iter().collect();
        Batch { epoch: self.epoch, expected, entries, rows, redact }
    }

    fn entry(&mut self, fact: &Fact) -> Entry {
        self.body.clear();
        let written = fact.event.write_body(&mut self.body);
        // INVARIANT: events are plain data with text keys, which always serialise.
        assert!(written.is_ok(), "an event does not serialise: {written:?}");
        let salt = self.salts.draw();
        let (actor, stream) = (fact.meta.actor.to_string(), fact.event.stream().to_string());
        let envelope = tlog::leaf::EnvelopeRef {
            actor: &actor,
            body: tlog::leaf::body_hash(&salt, &self.body),
            kind: fact.event.kind(),
            position: fact.meta.position,
            seq: fact.seq,
            stream: &stream,
            time_us: fact.meta.time.0,
        };
        let mut bytes = Vec::with_capacity(256);
        let encoded = envelope.encode(&mut bytes);
        // INVARIANT: actors, streams and kinds are made of checked names and numbers.
        assert!(encoded.is_ok(), "an envelope does not encode: {encoded:?}");
        Entry { envelope: bytes, salt, body: self.body.clone() }
    }

    /// The batch with the store is durable: everything that waited for it goes out.
    fn committed(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Some(done) = self.flying.take() else { return };
        if let Some(control) = done.control {
            self.durable = control;
            out.push(self.limits());
        }
        // First, so that who was told of a token can use it, and who was told of its end cannot.
        let access =
            |fact: &Fact| matches!(fact.event, Event::Person(..) | Event::Token(..) | Event::Content(_));
        if done.facts.iter().any(access) {
            out.push(Output::AccessChanged);
        }
        out.extend(done.answers.into_iter().map(|(ticket, answer)| Output::Answer(ticket, answer)));
        for fact in &done.facts {
            if let Event::Action(id, action::Event::Intended { goal, intent, .. }) = &fact.event {
                self.send(*id, *goal, intent, now, out);
            }
            if let Event::Notice(id, notice::Event::Sending { intent }) = &fact.event {
                out.extend(self.deliver(*id, intent, now));
            }
        }
        out.push(Output::Facts(done.facts));
    }

    /// Turns a durable intent to tell somebody into a delivery, unless it is not ours or was overtaken.
    fn deliver(&self, id: NoticeId, intent: &notice::Intent, now: Timestamp) -> Option<Output> {
        let notice = self.state.notices.get(&id)?;
        let current = matches!(&notice.status, notice::Status::Sending { intent: open } if open == intent);
        let route = notice.routes.get(intent.route as usize)?;
        let ours = intent.epoch == self.epoch && current;
        let about = notice.incident.map_or_else(|| id.to_string(), |incident| incident.to_string());
        let incident = format!("{}-{about}", self.state.control.incarnation);
        ours.then(|| {
            Output::Deliver(Box::new(Delivery {
                notice: id,
                attempt: intent.attempt,
                epoch: intent.epoch,
                channel: route.channel.to_string(),
                address: route.address.to_string(),
                dedup_id: intent.dedup_id.to_string(),
                incident,
                reason: notice.reason,
                message: notice.message.clone(),
                at: now,
                timeout: Duration::from_micros(intent.deadline.since(now).0.max(1_000)),
            }))
        })
    }

    /// What is forbidden durably or by decision: a limit that was only decided away may still be there after a crash.
    fn limits(&self) -> Output {
        Output::Limits(Arc::new(self.durable.stricter(&self.state.control)))
    }

    /// Turns a durable intent into a call, unless it is not ours, was overtaken, or limits now forbid it.
    fn send(
        &mut self,
        id: ActionId,
        goal: Goal,
        intent: &action::Intent,
        now: Timestamp,
        out: &mut Vec<Output>,
    ) {
        let Some(action) = self.state.actions.get(id) else { return };
        let current = matches!(&action.status, action::Status::Calling { intent: open } if open == intent);
        if intent.epoch != self.epoch || !current {
            return;
        }
        let (attempt, asked, operation) = (intent.attempt, intent.asked, intent.operation);
        let spec = Arc::new(action.spec.clone());
        let check =
            Check { action: id, attempt, goal, asked, operation, spec: spec.clone(), pass: intent.pass };
        if let Err(reason) = check.permits(&self.state.control, now) {
            return self.own(now, Command::Action(action::Command::Withdraw { id, attempt, reason }), out);
        }
        let Some(known) = self.state.content.actions.get(&*spec.verb).cloned() else {
            let reason = format!("`{}` is no longer in actions.yaml", spec.verb);
            let outcome = Outcome::NotApplied { reason, retry: false, retry_after: None };
            return self.own(now, Command::Action(action::Command::Report { id, attempt, outcome }), out);
        };
        if own::is_own(&spec) {
            return self.own(now, Command::Enact { action: id, attempt }, out);
        }
        let call = Call {
            key: intent.key.to_string(),
            epoch: intent.epoch,
            operation: intent.operation,
            verb: spec.verb.to_string(),
            target_kind: spec.target_kind.to_string(),
            target: spec.target.to_string(),
            args: spec.args.clone(),
            incident: spec.incident.to_string(),
            attempt,
            timeout: Duration::from_micros(intent.deadline.since(now).0.max(1_000)),
            spec: known,
        };
        out.push(Output::Call(Box::new(call), check));
    }
}

/// The id of a thing that has one: the position of its first entry.
fn number(stream: Stream) -> Option<u64> {
    match stream {
        Stream::Alert(id) => Some(id.0),
        Stream::Silence(id) => Some(id.0),
        Stream::Incident(id) => Some(id.0),
        Stream::Run(id) => Some(id.0),
        Stream::Action(id) => Some(id.0),
        Stream::Person(id) => Some(id.0),
        Stream::Token(id) => Some(id.0),
        Stream::Approval(id) => Some(id.0),
        Stream::Notice(id) => Some(id.0),
        Stream::Review(id) => Some(id.0),
        Stream::Report(id) => Some(id.0),
        Stream::Raw(id) => Some(id.0),
        Stream::Sighting(id) => Some(id.0),
        Stream::Evidence(id) => Some(id.0),
        Stream::Duty(id) => Some(id.0),
        Stream::Statement(id) => Some(id.0),
        Stream::Exercise(id) => Some(id.0),
        Stream::Control | Stream::Health | Stream::Upkeep | Stream::Content | Stream::Log => None,
    }
}

fn stream_of(saved: &Saved) -> Stream {
    match saved {
        Saved::Alert(alert) => Stream::Alert(alert.id),
        Saved::Silence(silence) => Stream::Silence(silence.id),
        Saved::Incident(incident) => Stream::Incident(incident.id),
        Saved::Run(run) => Stream::Run(run.id),
        Saved::Action(action) => Stream::Action(action.id),
        Saved::Control(_) => Stream::Control,
        Saved::Person(person) => Stream::Person(person.id),
        Saved::Token(token) => Stream::Token(token.id),
        Saved::Approval(approval) => Stream::Approval(approval.id),
        Saved::Notice(notice) => Stream::Notice(notice.id),
        Saved::Health(_) => Stream::Health,
        Saved::Review(review) => Stream::Review(review.id),
        Saved::Report(report) => Stream::Report(report.id),
        Saved::Raw(raw) => Stream::Raw(raw.id),
        Saved::Sighting(sighting) => Stream::Sighting(sighting.id),
        Saved::Evidence(evidence) => Stream::Evidence(evidence.id),
        Saved::Upkeep(_) => Stream::Upkeep,
        Saved::Duty(duty) => Stream::Duty(duty.id),
        Saved::Statement(statement) => Stream::Statement(statement.id),
        Saved::Exercise(exercise) => Stream::Exercise(exercise.id),
    }
}
