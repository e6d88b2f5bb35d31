//! The decide thread: feeds the node and carries out what it says.

use std::{
    collections::BTreeMap,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, RwLock, atomic::Ordering, mpsc},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use domain::{
    content::Content, control, event::Actor, flow::Command, id::RunId, run, state::State, time::Timestamp,
};
use store::{Batch, Error as StoreError, Store};
use tokio::sync::oneshot;

use super::{
    Access, Clock, Error, Fact, Gate, Handle, Inbox, Input, Node, Options, Output, Receipt, Refused, Request,
    Salts, Started, deliver, load, perform, sealing::Sealing,
};
use crate::node::{Answer, Ticket};

/// At most this many requests are decided before what they came to is committed.
const DRAIN_MAX: usize = 4_096;
/// This many facts are worth a batch of their own while the store is idle.
const BATCH_MIN: usize = 128;
/// How often the wall clock is compared.
const WALL_EVERY: Duration = Duration::from_secs(1);
/// How often a full disk is tried again.
const DISK_EVERY: Duration = Duration::from_secs(5);
/// Between one restart and the next.
const RESTART_PAUSE: Duration = Duration::from_secs(1);
const LEASE: &str = "leader";

/// The way to the commit thread and back.
pub(crate) type Committing = (mpsc::SyncSender<Batch>, mpsc::Receiver<Result<u64, StoreError>>);
type Reply = oneshot::Sender<Result<Receipt, Refused>>;

/// There is no state to decide on, until a restart succeeds.
struct Down {
    why: String,
    retry_at: Instant,
}

pub(crate) struct Decide {
    options: Options,
    handle: Handle,
    sealing: mpsc::Sender<Sealing>,
    ended: Arc<RwLock<Option<String>>>,
    clock: Clock,
    node: Node,
    commits: mpsc::SyncSender<Batch>,
    /// What became of the batch with the store.
    committed: mpsc::Receiver<Result<u64, StoreError>>,
    gate: Gate,
    waiting: BTreeMap<Ticket, Reply>,
    ticket: Ticket,
    content: Arc<Content>,
    /// Panics while this run was being decided.
    panics: BTreeMap<RunId, u32>,
    disk_full_until: Option<Instant>,
    compared_at: Instant,
    restarted_at: Option<Instant>,
    down: Option<Down>,
    committing: bool,
    /// The queue was found empty.
    idle: bool,
    stopping: bool,
}

impl Decide {
    pub(crate) fn new(
        options: Options,
        handle: Handle,
        sealing: mpsc::Sender<Sealing>,
        ended: Arc<RwLock<Option<String>>>,
        committing: Committing,
        doubtful: Option<Timestamp>,
    ) -> Result<Decide, Error> {
        let (commits, committed) = committing;
        let clock = handle.clock;
        let (node, epoch) = begin(&options, &options.content, clock.now())?;
        send(&sealing, Sealing::Epoch(epoch));
        let content = options.content.clone();
        let mut decide = Decide {
            options,
            handle,
            sealing,
            ended,
            clock,
            node,
            commits,
            committed,
            gate: Gate::default(),
            waiting: BTreeMap::new(),
            ticket: 0,
            content,
            panics: BTreeMap::new(),
            disk_full_until: None,
            compared_at: Instant::now(),
            restarted_at: None,
            down: None,
            committing: false,
            idle: false,
            stopping: false,
        };
        decide.begin_epoch(epoch, doubtful);
        Ok(decide)
    }

    /// The first inputs of an epoch: what became of open calls, and which content is in force.
    fn begin_epoch(&mut self, epoch: u64, doubtful: Option<Timestamp>) {
        self.gate.epoch.store(epoch, Ordering::Release);
        let (incarnation, restored) = (self.options.incarnation.clone(), self.options.restored.clone());
        let wall = (self.options.wall_clock)();
        let content = Box::new(Command::LoadContent(self.content.clone()));
        self.step(Input::Own(content));
        let start = control::Command::Start { epoch, incarnation, wall, restored };
        self.step(Input::Own(Box::new(Command::Control(start))));
        if let Some(last) = doubtful {
            let reason = format!("the last entry is of {last} and the wall clock says {wall}");
            self.step(Input::Own(Box::new(Command::Control(control::Command::DoubtClock { reason }))));
        }
        self.publish_access();
        self.step(Input::Flush);
    }

    pub(crate) fn run(&mut self, requests: &mpsc::Receiver<Request>) {
        while !self.stopping || self.committing {
            match requests.recv_timeout(self.pause()) {
                Ok(first) => {
                    self.take(first);
                    for _ in 1..DRAIN_MAX {
                        self.keep_committing();
                        let Ok(next) = requests.try_recv() else {
                            self.idle = true;
                            break;
                        };
                        self.take(next);
                    }
                }
                Err(mpsc::RecvTimeoutError::Timeout) => self.idle = true,
                Err(mpsc::RecvTimeoutError::Disconnected) => self.stopping = true,
            }
            self.look_around();
            self.step(Input::Flush);
            self.idle = false;
            self.gauge();
        }
        send(&self.sealing, Sealing::Stop);
        let left = std::mem::take(&mut self.waiting);
        left.into_values().for_each(|reply| answer(reply, Err(super::stopped())));
        // The process ends, and taking a million incidents apart one by one would only make it late.
        let nothing = Node::new(State::default(), 0, 0, Salts::new([0; 32]));
        std::mem::forget(std::mem::replace(&mut self.node, nothing));
    }

    /// Looks after the commits while requests are waiting, so that deciding and syncing overlap: a batch that is
    /// durable is taken ahead of the queue, and a fair part of what was decided goes out at once.
    fn keep_committing(&mut self) {
        if let Ok(result) = self.committed.try_recv() {
            self.take_committed(result);
        }
        if !self.committing && self.node.pending() >= BATCH_MIN {
            self.step(Input::Flush);
        }
    }

    fn take_committed(&mut self, result: Result<u64, StoreError>) {
        self.committing = false;
        match result {
            Ok(length) => {
                self.handle.counters.batches.fetch_add(1, Ordering::Relaxed);
                self.handle.counters.entries.store(length, Ordering::Relaxed);
                self.step(Input::Committed);
            }
            Err(error) => self.commit_failed(error),
        }
    }

    /// Until the next thing that happens by itself.
    fn pause(&self) -> Duration {
        let now = self.clock.now();
        let wakeup = self.node.next_wakeup().map_or(WALL_EVERY, |at| at.since(now).as_std());
        wakeup.min(WALL_EVERY)
    }

    fn look_around(&mut self) {
        if self.down.as_ref().is_some_and(|down| Instant::now() >= down.retry_at) {
            self.try_restart();
        }
        if self.compared_at.elapsed() >= WALL_EVERY {
            self.compared_at = Instant::now();
            self.step(Input::Wall((self.options.wall_clock)()));
        }
        if let Some(at) = self.disk_full_until
            && Instant::now() >= at
        {
            let room = self.options.disk.as_ref().is_none_or(|disk| disk.restore_reserve());
            self.disk_full_until = (!room).then(|| Instant::now() + DISK_EVERY);
        }
    }

    fn take(&mut self, request: Request) {
        let Some(request) = self.refuse_while_down(request) else { return };
        let counters = &self.handle.counters;
        match request {
            Request::Alerts { actor, alerts, reply } => {
                counters.queued_requests.fetch_sub(1, Ordering::AcqRel);
                counters.queued_alerts.fetch_sub(alerts.len().max(1), Ordering::AcqRel);
                counters.alerts_received.fetch_add(alerts.len() as u64, Ordering::Relaxed);
                if self.disk_full_until.is_some() {
                    return answer(reply, Err(disk_full()));
                }
                let ticket = self.ticket(reply);
                self.step(Input::Alerts { ticket, actor, alerts });
            }
            Request::Records { actor, records, reply } => {
                counters.queued_requests.fetch_sub(1, Ordering::AcqRel);
                counters.queued_alerts.fetch_sub(records.len().max(1), Ordering::AcqRel);
                counters.records_received.fetch_add(records.len() as u64, Ordering::Relaxed);
                if self.disk_full_until.is_some() {
                    return answer(reply, Err(disk_full()));
                }
                let ticket = self.ticket(reply);
                self.step(Input::Records { ticket, actor, records });
            }
            Request::Command { actor, command, reply } => {
                counters.queued_requests.fetch_sub(1, Ordering::AcqRel);
                self.command(actor, *command, reply);
            }
            Request::Look { look, reply } => {
                counters.queued_requests.fetch_sub(1, Ordering::AcqRel);
                let ticket = self.ticket(reply);
                self.step(Input::Look { ticket, look });
            }
            Request::Seen { reply } => {
                counters.queued_requests.fetch_sub(1, Ordering::AcqRel);
                // The asker may have gone; then nobody needs the answer.
                drop(reply.send(self.node.seen()));
            }
            Request::Report { check, outcome } => {
                self.step(Input::Report { action: check.action, attempt: check.attempt, outcome });
            }
            Request::Delivered { notice, attempt, outcome } => {
                self.step(Input::Delivered { notice, attempt, outcome });
            }
            Request::Withdraw { check, reason } => {
                counters.withdrawn.fetch_add(1, Ordering::Relaxed);
                self.step(Input::Withdraw { action: check.action, attempt: check.attempt, reason });
            }
            Request::Committed => {
                if let Ok(result) = self.committed.try_recv() {
                    self.take_committed(result);
                }
            }
            Request::Stop => self.stopping = true,
        }
    }

    /// Without a state, requests are refused at once and reports are left to the next epoch's recovery.
    fn refuse_while_down(&self, request: Request) -> Option<Request> {
        let Some(down) = &self.down else { return Some(request) };
        let counters = &self.handle.counters;
        match request {
            Request::Alerts { alerts, reply, .. } => {
                counters.queued_requests.fetch_sub(1, Ordering::AcqRel);
                counters.queued_alerts.fetch_sub(alerts.len().max(1), Ordering::AcqRel);
                answer(reply, Err(unavailable(&down.why)));
                None
            }
            Request::Records { records, reply, .. } => {
                counters.queued_requests.fetch_sub(1, Ordering::AcqRel);
                counters.queued_alerts.fetch_sub(records.len().max(1), Ordering::AcqRel);
                answer(reply, Err(unavailable(&down.why)));
                None
            }
            Request::Command { reply, .. } | Request::Look { reply, .. } => {
                counters.queued_requests.fetch_sub(1, Ordering::AcqRel);
                answer(reply, Err(unavailable(&down.why)));
                None
            }
            Request::Report { .. } | Request::Delivered { .. } | Request::Withdraw { .. } => None,
            request @ (Request::Seen { .. } | Request::Committed | Request::Stop) => Some(request),
        }
    }

    fn command(&mut self, actor: Actor, command: Command, reply: Reply) {
        let ticket = self.ticket(reply);
        let input = match command {
            Command::Redact { positions, reason, .. } => {
                let live = |stream| self.node.state().is_live(stream);
                match load::revive(&*self.options.store, &positions, live) {
                    Ok((about, revived)) => {
                        let command = Box::new(Command::Redact { positions, about, reason });
                        Input::Redact { ticket, actor, command, revived }
                    }
                    Err(Error::Refused(rejected)) => {
                        return self.reply(ticket, Err(Refused::Rejected(rejected)));
                    }
                    Err(error) => {
                        let refused = unavailable(&format!("the entries cannot be read: {error}"));
                        return self.reply(ticket, Err(refused));
                    }
                }
            }
            Command::LoadContent(content) => {
                self.content = content.clone();
                Input::Command { ticket, actor, command: Box::new(Command::LoadContent(content)) }
            }
            command @ (Command::Silence(_)
            | Command::Incident(_)
            | Command::Run(_)
            | Command::Action(_)
            | Command::Control(_)
            | Command::Access(_)
            | Command::Approval(_)
            | Command::Notice(_)
            | Command::Review(_)
            | Command::Health(_)
            | Command::Report(_)
            | Command::Receive(_)
            | Command::Intake(_)
            | Command::Sighting(_)
            | Command::Evidence(_)
            | Command::Upkeep(_)
            | Command::Duty(_)
            | Command::Statement(_)
            | Command::Exercise(_)
            | Command::Detect { .. }
            | Command::Reroute { .. }
            | Command::Enact { .. }
            | Command::RecordRefusal { .. }) => Input::Command { ticket, actor, command: Box::new(command) },
        };
        self.step(input);
    }

    fn ticket(&mut self, reply: Reply) -> Ticket {
        self.ticket += 1;
        self.waiting.insert(self.ticket, reply);
        self.ticket
    }

    fn reply(&mut self, ticket: Ticket, result: Result<Receipt, Refused>) {
        if let Some(reply) = self.waiting.remove(&ticket) {
            answer(reply, result);
        }
    }

    /// Feeds the node; a panic inside costs its memory, not the platform.
    fn step(&mut self, input: Input) {
        if self.down.is_some() {
            return;
        }
        let now = self.clock.now();
        let node = &mut self.node;
        match catch_unwind(AssertUnwindSafe(|| node.step(now, input))) {
            Ok(outputs) => outputs.into_iter().for_each(|output| self.carry_out(output, now)),
            Err(_) => self.panicked(),
        }
    }

    fn carry_out(&mut self, output: Output, now: Timestamp) {
        match output {
            Output::Commit(batch) => {
                self.committing = true;
                if self.idle {
                    // Nothing else waits: two changes of thread less on the way of a single alert.
                    let result = append(&*self.options.store, batch, &self.sealing);
                    self.take_committed(result);
                } else if self.commits.send(batch).is_err() {
                    self.end("the commit thread has ended");
                }
            }
            Output::Answer(ticket, Answer::Done(receipt)) => self.reply(ticket, Ok(receipt)),
            Output::Answer(ticket, Answer::Refused(refused)) => self.reply(ticket, Err(refused)),
            Output::Call(call, check) => {
                self.handle.counters.calls.fetch_add(1, Ordering::Relaxed);
                let connector = self.options.connectors.get(&*check.spec.connector).cloned();
                let (inbox, gate) = (self.handle.inbox.clone(), self.gate.clone());
                self.options.runtime.spawn(perform(inbox, gate, connector, call, check, now));
            }
            Output::Deliver(delivery) => {
                let channel = self.options.channels.get(&delivery.channel).cloned();
                let (inbox, gate) = (self.handle.inbox.clone(), self.gate.clone());
                self.options.runtime.spawn(deliver(inbox, gate, channel, delivery));
            }
            Output::Facts(facts) => self.broadcast(&facts),
            Output::AccessChanged => self.publish_access(),
            Output::Limits(control) => {
                *self.gate.limits.write().unwrap_or_else(std::sync::PoisonError::into_inner) = control;
            }
        }
    }

    fn publish_access(&self) {
        let access = Access::of(self.node.state());
        *self.handle.access.write().unwrap_or_else(std::sync::PoisonError::into_inner) = access;
    }

    fn broadcast(&self, facts: &[Fact]) {
        if self.handle.committed.receiver_count() == 0 {
            return;
        }
        let started = |fact: &Fact| {
            let mut body = Vec::new();
            let written = fact.event.write_body(&mut body).is_ok();
            Started {
                position: fact.meta.position,
                time: fact.meta.time,
                actor: fact.meta.actor.clone(),
                stream: fact.event.stream(),
                kind: fact.event.kind(),
                incident: fact.incident,
                body: if written { String::from_utf8_lossy(&body).as_ref().into() } else { "{}".into() },
            }
        };
        // Nobody listening any more is no error.
        drop(self.handle.committed.send(Arc::new(facts.iter().map(started).collect())));
    }

    fn gauge(&self) {
        let (state, counters) = (self.node.state(), &self.handle.counters);
        counters.alerts_active.store(state.alerts.len(), Ordering::Relaxed);
        counters.incidents_open.store(state.incidents.real(), Ordering::Relaxed);
        counters.containments.store(state.actions.len(), Ordering::Relaxed);
    }

    fn commit_failed(&mut self, error: StoreError) {
        tracing::error!(error = %error, "a batch was not committed");
        match error {
            StoreError::Full { .. } => {
                if let Some(disk) = &self.options.disk {
                    disk.release_reserve();
                }
                self.disk_full_until = Some(Instant::now() + DISK_EVERY);
                self.restart("the disk is full");
            }
            StoreError::NotWritten { .. } => self.restart("the store did not write the batch"),
            fatal @ (StoreError::Conflict { .. }
            | StoreError::Fenced { .. }
            | StoreError::Limit { .. }
            | StoreError::Unknown(_)
            | StoreError::Read(_)
            | StoreError::InUse { .. }
            | StoreError::Schema { .. }
            | StoreError::Open { .. }
            | StoreError::Corrupt { .. }) => self.end(&format!("the store cannot go on: {fatal}")),
        }
    }

    fn panicked(&mut self) {
        let suspect = self.node.suspect();
        tracing::error!(run = ?suspect.map(|run| run.to_string()), "a decision ended in a panic");
        let twice = suspect.filter(|run| {
            let count = self.panics.entry(*run).or_default();
            *count += 1;
            *count >= 2
        });
        self.restart("a decision failed");
        if let Some(id) = twice {
            let reason = "it could not be decided twice in a row".to_owned();
            self.step(Input::Own(Box::new(Command::Run(run::Command::Quarantine { id, reason }))));
        }
    }

    /// Gives the memory up and begins a new epoch from what is durable: the path of every start. While that fails,
    /// for example on a full disk, everybody is refused and it is tried again for as long as it takes.
    fn restart(&mut self, why: &str) {
        self.handle.counters.restarts.fetch_add(1, Ordering::Relaxed);
        let refused = unavailable(why);
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_values().for_each(|reply| answer(reply, Err(refused.clone())));
        // The new epoch's first batch goes by the commit thread: should it fail too, that comes back by the queue.
        self.idle = false;
        let soon = self.restarted_at.is_some_and(|at| at.elapsed() < RESTART_PAUSE);
        self.down = Some(Down { why: why.to_owned(), retry_at: Instant::now() + RESTART_PAUSE });
        if !soon {
            self.try_restart();
        }
    }

    fn try_restart(&mut self) {
        self.restarted_at = Some(Instant::now());
        match begin(&self.options, &self.content, self.clock.now()) {
            Ok((node, epoch)) => {
                self.node = node;
                self.down = None;
                send(&self.sealing, Sealing::Epoch(epoch));
                self.begin_epoch(epoch, None);
            }
            Err(Error::Store(
                error @ (StoreError::Full { .. } | StoreError::NotWritten { .. } | StoreError::Read(_)),
            )) => {
                tracing::error!(%error, "the state cannot be read back yet");
                if let Some(down) = &mut self.down {
                    down.retry_at = Instant::now() + RESTART_PAUSE;
                }
            }
            Err(error) => self.end(&format!("the state cannot be read back: {error}")),
        }
    }

    fn end(&mut self, why: &str) {
        tracing::error!(why, "the platform stops");
        *self.ended.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(why.to_owned());
        let refused = unavailable(why);
        let waiting = std::mem::take(&mut self.waiting);
        waiting.into_values().for_each(|reply| answer(reply, Err(refused.clone())));
        (self.stopping, self.committing) = (true, false);
    }
}

fn begin(options: &Options, content: &Content, now: Timestamp) -> Result<(Node, u64), Error> {
    let epoch = options.store.lease(LEASE, &options.incarnation)?;
    let state = load::load_state(&*options.store, content, now)?;
    let length = options.store.length()?;
    let mut seed = [0; 32];
    getrandom::fill(&mut seed).map_err(|error| Error::Key(error.to_string()))?;
    Ok((Node::new(state, epoch, length, Salts::new(seed)), epoch))
}

/// The commit thread: one batch after another, and their leaves on to the seal.
pub(crate) fn start_committing(
    options: &Options,
    inbox: Inbox,
    sealing: mpsc::Sender<Sealing>,
) -> Result<(Committing, JoinHandle<()>), Error> {
    // INVARIANT: the node has at most one batch with the store, so one place is enough.
    let (sender, batches) = mpsc::sync_channel::<Batch>(1);
    let (results, committed) = mpsc::channel();
    let store = options.store.clone();
    let run = move || {
        for batch in batches {
            let result = append(&*store, batch, &sealing);
            if results.send(result).is_err() {
                return;
            }
            inbox.own(Request::Committed);
        }
    };
    let thread = std::thread::Builder::new().name("commit".to_owned());
    let thread = thread.spawn(run).map_err(|error| Error::Thread(error.to_string()))?;
    Ok(((sender, committed), thread))
}

/// Commits one batch and hands its leaves on.
fn append(store: &dyn Store, batch: Batch, sealing: &mpsc::Sender<Sealing>) -> Result<u64, StoreError> {
    let length = store.append(&batch)?;
    let leaves = batch.entries.into_iter().map(|entry| entry.envelope).collect();
    send(sealing, Sealing::Leaves(leaves));
    Ok(length)
}

fn send(sealing: &mpsc::Sender<Sealing>, message: Sealing) {
    if sealing.send(message).is_err() {
        tracing::error!("the seal thread has ended; entries stay unsealed until the next start");
    }
}

fn answer(reply: Reply, result: Result<Receipt, Refused>) {
    // The asker may have gone; what was decided stands all the same.
    drop(reply.send(result));
}

fn unavailable(why: &str) -> Refused {
    let reason = format!("{why}; nothing of this request was acknowledged, send it again");
    Refused::Unavailable { reason, retry_after: Duration::from_secs(1) }
}

fn disk_full() -> Refused {
    let reason = "the disk is full; free space, alerts are taken again within seconds".to_owned();
    Refused::Unavailable { reason, retry_after: DISK_EVERY }
}
