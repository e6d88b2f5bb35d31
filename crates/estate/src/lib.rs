//! The simulated estate: nodes, keys, accounts, sessions, services, endpoints, segments and models that can be
//! attacked and contained, for the first minute, drills, tests and benchmarks.
//!
//! Its heart is [`World`], a plain value without input, output or clock: a call goes in with the time of the call, a
//! reply comes out, and the same calls always give the same world. Start reading in `world.rs`; the verbs are in
//! `order.rs`, what they change is in `world/effect.rs`, what attackers do in `world/attack.rs`.
//!
//! Around it stands `server`, which serves a world over HTTP with an independent `ledger` of every call received and
//! with `faults` that make it slow, silent or untruthful. A checker of "never lost, never twice" reads that ledger and
//! never the counters of the product under test.
//!
//! This crate must not know what an incident, a playbook or a journal is: it is the outside world.

mod call;
mod error;
pub mod faults;
mod happening;
pub mod ledger;
mod order;
mod replies;
pub mod scenario;
pub mod server;
mod spec;
mod world;

pub use call::{Call, Reading, Refusal, Reply, Status};
pub use error::Error;
pub use happening::{Happening, Kind as HappeningKind};
pub use order::{IsolationLevel, RevocationReason, Verb};
pub use scenario::{DrillAlert, Scenario};
pub use spec::{FileSpec, Spec, TargetKind, TargetRef};
pub use world::{Effects, World};
