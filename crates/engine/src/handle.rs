//! What a server holds: the way in for alerts and commands, who a token speaks for, and the way to read.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::{Arc, RwLock},
    time::Duration,
};

use domain::{
    access::{Holder, Permission, Role},
    alert::{Received, Seen},
    event::{Actor, Rejected, Stream},
    flow::Command,
    id::{AlertId, TokenId},
    policy,
    record::Record,
    state::State,
    time::Timestamp,
};
use tokio::sync::{broadcast, oneshot};

use crate::{
    node::{Answer, Look},
    reader::Reader,
    shell::{Clock, Counters, Inbox, Request, stopped},
};

/// A cheap, cloneable way to the running platform.
#[derive(Clone)]
pub struct Handle {
    pub(crate) inbox: Inbox,
    pub(crate) access: Arc<RwLock<Access>>,
    pub(crate) reader: Reader,
    pub(crate) clock: Clock,
    pub(crate) committed: broadcast::Sender<Arc<Vec<Started>>>,
    pub(crate) counters: Arc<Counters>,
}

/// One fact that became durable, as live views and the event stream need it.
#[derive(Debug, Clone, PartialEq)]
pub struct Started {
    pub position: u64,
    pub time: Timestamp,
    pub actor: Actor,
    pub stream: Stream,
    pub kind: &'static str,
    pub incident: Option<domain::id::IncidentId>,
    pub body: Arc<str>,
}

/// What a command or a delivery came to, once it is durable.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Receipt {
    /// The facts it caused, in order; for alerts only their number counts and this stays empty.
    pub facts: Vec<(u64, Stream, &'static str)>,
    /// For alerts: how many were taken, repeats included.
    pub taken: usize,
    /// For alerts: index in the delivery, and why it was refused.
    pub refused: Vec<(usize, Rejected)>,
}

impl Receipt {
    /// The stream of the first fact of this kind, such as the incident that `incident.opened` made.
    pub fn created(&self, kind: &str) -> Option<Stream> {
        self.facts.iter().find(|(_, _, k)| *k == kind).map(|(_, stream, _)| *stream)
    }
}

/// Why there is no receipt.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The inbox is full: send again after this.
    #[error("too much is waiting to be written; try again after {} s", retry_after.as_secs().max(1))]
    Busy { retry_after: Duration },
    /// Nothing was written, or it is not known whether it was.
    #[error("{reason}")]
    Unavailable { reason: String, retry_after: Duration },
}

/// Whom a request speaks for.
#[derive(Debug, Clone, PartialEq)]
pub struct Principal {
    pub actor: Actor,
    pub token: TokenId,
    pub name: Box<str>,
    /// `None` for machines and browsers, which may do one thing only.
    pub role: Option<Role>,
    /// The doors that policies open to it; of a machine, its scope.
    pub doors: BTreeSet<Permission>,
}

impl Principal {
    pub fn may(&self, permission: Permission) -> bool {
        self.doors.contains(&permission)
    }
}

/// Valid tokens by the SHA-256 of their text. Replaced as a whole after each change is durable.
#[derive(Debug, Default)]
pub(crate) struct Access {
    pub(crate) by_hash: HashMap<Box<str>, (Principal, Option<Timestamp>)>,
}

impl Access {
    pub(crate) fn of(state: &State) -> Access {
        let (mut access, mut doors) = (Access::default(), BTreeMap::new());
        for token in state.tokens.values().filter(|token| !token.revoked) {
            let principal = match &token.holder {
                Holder::Person(id) => state.people.get(id).filter(|person| !person.disabled).map(|person| {
                    let (actor, role) = (Actor::Person(*id), Some(person.role));
                    let doors = doors.entry(*id).or_insert_with(|| policy::doors(state, *id)).clone();
                    Principal { actor, token: token.id, name: person.name.clone(), role, doors }
                }),
                // A stolen cookie reads; it changes nothing.
                Holder::Page(id) => state.people.get(id).filter(|person| !person.disabled).map(|person| {
                    let own = doors.entry(*id).or_insert_with(|| policy::doors(state, *id));
                    let doors = own.iter().copied().filter(|door| *door == Permission::Read).collect();
                    let (actor, name) = (Actor::Person(*id), person.name.clone());
                    Principal { actor, token: token.id, name, role: None, doors }
                }),
                Holder::Source(name) | Holder::Drill(name) => {
                    Some(machine(token.id, name, Permission::Ingest))
                }
                Holder::Form(name) | Holder::Outside(name) => {
                    Some(machine(token.id, name, Permission::Report))
                }
            };
            if let Some(principal) = principal {
                access.by_hash.insert(token.hash.clone(), (principal, token.expires_at));
            }
        }
        access
    }
}

fn machine(token: TokenId, name: &str, only: Permission) -> Principal {
    let doors = BTreeSet::from([only]);
    Principal { actor: Actor::Source(token), token, name: name.into(), role: None, doors }
}

impl Handle {
    /// Takes a delivery of alerts. Returns once everything it caused is durable; the rest of the delivery is
    /// taken even when some of it is refused.
    pub async fn receive(&self, actor: Actor, alerts: Vec<Received>) -> Result<Receipt, Refused> {
        let (reply, answer) = oneshot::channel();
        let count = alerts.len().max(1);
        self.inbox.ask(Request::Alerts { actor, alerts, reply }, count)?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Takes telemetry. Returns once rules have looked at all of it and what they saw is durable.
    pub async fn observe(&self, actor: Actor, records: Vec<Record>) -> Result<Receipt, Refused> {
        let (reply, answer) = oneshot::channel();
        let count = records.len().max(1);
        self.inbox.ask(Request::Records { actor, records, reply }, count)?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Carries out a command. Returns once it is durable.
    pub async fn command(&self, actor: Actor, command: Command) -> Result<Receipt, Refused> {
        let (reply, answer) = oneshot::channel();
        self.inbox.ask(Request::Command { actor, command: Box::new(command), reply }, 0)?;
        answer.await.unwrap_or_else(|_| Err(stopped()))
    }

    /// Looks at how things stand for the next decision; returns once what was decided before is durable.
    pub async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Refused> {
        let (found, look_found) = oneshot::channel();
        // Who asked may have gone; then nobody needs what was found.
        let look = Look(Box::new(move |state: &State, now| drop(found.send(look(state, now)))));
        let (reply, answer) = oneshot::channel();
        self.inbox.ask(Request::Look { look, reply }, 0)?;
        answer.await.unwrap_or_else(|_| Err(stopped()))?;
        look_found.await.map_err(|_| stopped())
    }

    /// When each active alert was last seen and when it ends, which repeats move without an entry.
    pub async fn seen(&self) -> Result<Vec<(AlertId, Seen)>, Refused> {
        let (reply, answer) = oneshot::channel();
        self.inbox.ask(Request::Seen { reply }, 0)?;
        answer.await.map_err(|_| stopped())
    }

    /// Whom the token with this SHA-256 (lower-case hex) speaks for now.
    pub fn principal(&self, token_hash: &str, now: Timestamp) -> Option<Principal> {
        let access = self.access.read().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (principal, expires_at) = access.by_hash.get(token_hash)?;
        expires_at.is_none_or(|at| now < at).then(|| principal.clone())
    }

    /// Committed rows and entries.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Facts as they become durable. A receiver that falls behind loses the oldest and is told so.
    pub fn subscribe(&self) -> broadcast::Receiver<Arc<Vec<Started>>> {
        self.committed.subscribe()
    }

    /// Counts since the start, for metrics.
    pub fn counters(&self) -> &Counters {
        &self.counters
    }

    /// Platform time.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }
}

impl From<Answer> for Result<Receipt, Refused> {
    fn from(answer: Answer) -> Self {
        match answer {
            Answer::Done(receipt) => Ok(receipt),
            Answer::Refused(refused) => Err(refused),
        }
    }
}
