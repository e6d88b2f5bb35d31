//! The thin shell: threads, the store, the connectors and the clock around one `Node`.
//!
//! Three threads: *decide* owns the node, *commit* owns the writing side of the store, *seal* signs. Calls run as
//! tasks on the given runtime. One queue leads to the decide thread; alerts and commands are bounded, what the
//! platform itself sends is bounded by the calls under way.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, RwLock,
        atomic::{AtomicU64, AtomicUsize, Ordering},
        mpsc,
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use connectors::{Call, Channel, Connector, Delivery};
use domain::{
    action::Outcome,
    alert::{Received, Seen},
    content::Content,
    control::{self, Control},
    event::Actor,
    flow::{Command, Fact},
    id::{AlertId, NoticeId},
    notice,
    time::{Span, Timestamp},
};
use store::Store;
use tokio::sync::{broadcast, oneshot};

use crate::{
    Error, Handle,
    handle::{Access, Receipt, Refused, Started},
    node::{Check, Input, Look, Node, Output, Salts},
    reader::Reader,
};

mod decide;
mod load;
mod sealing;

pub use load::load_state;

/// Connectors by the name that `actions.yaml` gives them.
pub type Connectors = BTreeMap<String, Arc<dyn Connector>>;

/// Channels by the name that `channels.yaml` gives them.
pub type Channels = BTreeMap<String, Arc<Channel>>;

/// What the platform needs to run.
pub struct Options {
    pub store: Arc<dyn Store>,
    pub connectors: Connectors,
    /// Where notices go.
    pub channels: Channels,
    pub content: Arc<Content>,
    /// The key that signs checkpoints; its name is the log's origin.
    pub signing_key: tlog::note::SigningKey,
    /// Names this data directory in idempotency keys.
    pub incarnation: String,
    /// What this data directory was restored from, if it was; the incarnation is then new.
    pub restored: Option<Box<control::backup::Restored>>,
    /// Where calls run.
    pub runtime: tokio::runtime::Handle,
    /// Wall-clock time. Read at the start and then only compared.
    pub wall_clock: fn() -> Timestamp,
    /// At most this many requests, and this many alerts, wait to be decided.
    pub requests_max: usize,
    pub alerts_max: usize,
    /// What to do when the disk is full, and when it may have room again.
    pub disk: Option<Arc<dyn Disk>>,
}

/// The reserve that lets running work finish on a full disk.
pub trait Disk: Send + Sync {
    /// Gives the reserve up.
    fn release_reserve(&self);
    /// Takes it again; false while there is no room.
    fn restore_reserve(&self) -> bool;
}

/// The controls as they were last decided; asked right before a call is sent.
pub(crate) type PublishedLimits = Arc<RwLock<Arc<Control>>>;

/// What every call is held against at the last moment before it is sent.
#[derive(Clone, Default)]
pub(crate) struct Gate {
    pub(crate) limits: PublishedLimits,
    /// The epoch of the node that decides now; intents of an older one are not sent any more.
    pub(crate) epoch: Arc<AtomicU64>,
}

/// What comes to the decide thread.
pub(crate) enum Request {
    Alerts {
        actor: Actor,
        alerts: Vec<Received>,
        reply: oneshot::Sender<Result<Receipt, Refused>>,
    },
    Records {
        actor: Actor,
        records: Vec<domain::record::Record>,
        reply: oneshot::Sender<Result<Receipt, Refused>>,
    },
    Command {
        actor: Actor,
        command: Box<Command>,
        reply: oneshot::Sender<Result<Receipt, Refused>>,
    },
    Look {
        look: Look,
        reply: oneshot::Sender<Result<Receipt, Refused>>,
    },
    Seen {
        reply: oneshot::Sender<Vec<(AlertId, Seen)>>,
    },
    Report {
        check: Check,
        outcome: Outcome,
    },
    Delivered {
        notice: NoticeId,
        attempt: u32,
        outcome: notice::Outcome,
    },
    Withdraw {
        check: Check,
        reason: String,
    },
    /// The store has finished a batch; the result is beside the queue.
    Committed,
    Stop,
}

/// Counts since the start, and gauges of now.
#[derive(Debug, Default)]
pub struct Counters {
    pub alerts_received: AtomicU64,
    pub alerts_refused: AtomicU64,
    pub records_received: AtomicU64,
    pub refused_busy: AtomicU64,
    pub batches: AtomicU64,
    pub entries: AtomicU64,
    pub calls: AtomicU64,
    pub withdrawn: AtomicU64,
    pub restarts: AtomicU64,
    pub queued_requests: AtomicUsize,
    pub queued_alerts: AtomicUsize,
    pub alerts_active: AtomicUsize,
    pub incidents_open: AtomicUsize,
    pub containments: AtomicUsize,
    pub sealed_size: AtomicU64,
}

/// Everything that runs.
pub struct Platform {
    pub handle: Handle,
    inbox: Inbox,
    threads: Vec<JoinHandle<()>>,
    keeper: tokio::task::AbortHandle,
    ended: Arc<RwLock<Option<String>>>,
}

impl Platform {
    /// Decides what is queued, waits for the commits, signs the last checkpoint, and ends the threads.
    pub fn stop(mut self) {
        self.keeper.abort();
        self.inbox.own(Request::Stop);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a thread of the platform ended in a panic");
            }
        }
    }

    /// Why the platform stopped by itself, if it did.
    pub fn ended(&self) -> Option<String> {
        self.ended.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }
}

/// The bounded way to the decide thread.
#[derive(Clone)]
pub(crate) struct Inbox {
    queue: mpsc::Sender<Request>,
    counters: Arc<Counters>,
    requests_max: usize,
    alerts_max: usize,
}

impl Inbox {
    /// Queues a request from outside, or says that too much is waiting. Alerts leave room for commands.
    pub(crate) fn ask(&self, request: Request, alerts: usize) -> Result<(), Refused> {
        let counters = &self.counters;
        let waiting = counters.queued_requests.fetch_add(1, Ordering::AcqRel);
        let alerts_waiting = counters.queued_alerts.fetch_add(alerts, Ordering::AcqRel);
        let most = if alerts > 0 { self.requests_max / 4 * 3 } else { self.requests_max };
        let full = waiting >= most || (alerts > 0 && alerts_waiting >= self.alerts_max);
        let sent = if full { Err(busy()) } else { self.queue.send(request).map_err(|_| stopped()) };
        if sent.is_err() {
            counters.queued_requests.fetch_sub(1, Ordering::AcqRel);
            counters.queued_alerts.fetch_sub(alerts, Ordering::AcqRel);
            counters.refused_busy.fetch_add(1, Ordering::Relaxed);
        }
        sent
    }

    /// Queues what the platform itself has to say; never refused while the platform runs.
    pub(crate) fn own(&self, request: Request) {
        if self.queue.send(request).is_err() {
            tracing::debug!("a message came after the platform had stopped");
        }
    }
}

fn busy() -> Refused {
    Refused::Busy { retry_after: Duration::from_secs(1) }
}

pub(crate) fn stopped() -> Refused {
    Refused::Unavailable {
        reason: "the platform is stopping".to_owned(),
        retry_after: Duration::from_secs(5),
    }
}

/// Platform time: the last durable time plus monotonic time since, never backward.
#[derive(Clone, Copy)]
pub(crate) struct Clock {
    base: Timestamp,
    from: Instant,
}

impl Clock {
    /// Moves to the wall clock unless that would go backward.
    pub(crate) fn new(last: Option<Timestamp>, wall: Timestamp) -> Clock {
        Clock { base: last.map_or(wall, |last| wall.max(last)), from: Instant::now() }
    }

    pub(crate) fn now(&self) -> Timestamp {
        let since = u64::try_from(self.from.elapsed().as_micros()).unwrap_or(u64::MAX);
        self.base.plus(Span(since))
    }
}

/// Starts the platform over what the store holds. Returns when the first entry of the new epoch is durable.
pub fn start(options: Options) -> Result<Platform, Error> {
    let (queue, requests) = mpsc::channel();
    let counters = Arc::new(Counters::default());
    let inbox = Inbox {
        queue,
        counters: counters.clone(),
        requests_max: options.requests_max,
        alerts_max: options.alerts_max,
    };
    let (committed, _) = broadcast::channel(1_024);
    let runtime = options.runtime.clone();
    let reader = Reader::new(options.store.clone());
    let (last, wall) = (reader.last_time()?, (options.wall_clock)());
    let doubtful = last.filter(|last| wall.since(*last) > control::GAP_MAX || *last > wall);
    let handle = Handle {
        inbox: inbox.clone(),
        access: Arc::default(),
        reader,
        clock: Clock::new(last, wall),
        committed: committed.clone(),
        counters: counters.clone(),
    };
    let ended = Arc::new(RwLock::new(None));
    let (sealing, seal_thread) = sealing::start(&options, counters.clone())?;
    let (committing, commit_thread) =
        decide::start_committing(&options, handle.inbox.clone(), sealing.clone())?;
    let mut decide =
        decide::Decide::new(options, handle.clone(), sealing, ended.clone(), committing, doubtful)?;
    let started = std::thread::Builder::new().name("decide".to_owned());
    let decide_thread =
        started.spawn(move || decide.run(&requests)).map_err(|error| Error::Thread(error.to_string()))?;
    let keeper = runtime.spawn(crate::keeper::keep(handle.clone())).abort_handle();
    Ok(Platform { handle, inbox, threads: vec![decide_thread, commit_thread, seal_thread], keeper, ended })
}

/// Performs one call: asks the limits once more, sends it, and reports what came of it.
pub(crate) async fn perform(
    inbox: Inbox,
    gate: Gate,
    connector: Option<Arc<dyn Connector>>,
    call: Box<Call>,
    check: Check,
    now: Timestamp,
) {
    if call.epoch != gate.epoch.load(Ordering::Acquire) {
        // The new epoch has this call among those that were open, and its class decides.
        return tracing::info!(key = %call.key, "a call of an older epoch was not sent");
    }
    let control = gate.limits.read().unwrap_or_else(std::sync::PoisonError::into_inner).clone();
    if let Err(reason) = check.permits(&control, now) {
        return inbox.own(Request::Withdraw { check, reason });
    }
    let Some(connector) = connector else {
        let reason = format!("there is no connector `{}`; add it to the configuration", check.spec.connector);
        let outcome = Outcome::NotApplied { reason, retry: false, retry_after: None };
        return inbox.own(Request::Report { check, outcome });
    };
    let late = call.timeout + Duration::from_secs(1);
    let outcome = match tokio::time::timeout(late, connector.perform(&call)).await {
        Ok(outcome) => outcome.into(),
        Err(_) => Outcome::Unknown { reason: format!("no answer after {} ms", call.timeout.as_millis()) },
    };
    inbox.own(Request::Report { check, outcome });
}

/// Sends one notice and reports what the channel said. Notices share nothing with calls, so that slow mail holds no
/// containment.
pub(crate) async fn deliver(
    inbox: Inbox,
    gate: Gate,
    channel: Option<Arc<Channel>>,
    delivery: Box<Delivery>,
) {
    if delivery.epoch != gate.epoch.load(Ordering::Acquire) {
        return tracing::info!(id = %delivery.dedup_id, "a notice of an older epoch was not sent");
    }
    let (notice, attempt) = (delivery.notice, delivery.attempt);
    let outcome = match channel {
        None => {
            let reason = format!("there is no [channels.{}] in the configuration", delivery.channel);
            notice::Outcome::Refused { reason, retry: false }
        }
        Some(channel) => {
            let sent = tokio::time::timeout(delivery.timeout, channel.deliver(&delivery)).await;
            let late = |_| notice::Outcome::Unknown {
                reason: format!("no answer after {} ms", delivery.timeout.as_millis()),
            };
            sent.unwrap_or_else(late)
        }
    };
    inbox.own(Request::Delivered { notice, attempt, outcome });
}
