//! The whole platform under one seed: the same `engine::Node` that a server runs, with a virtual clock, a store
//! that keeps live and durable apart, and connectors that lie.
//!
//! One seed decides everything: what senders and people do and when, what becomes of each commit, what each call
//! comes to, and where the process ends. Nothing here reads a clock, starts a thread or draws a random number, so
//! a failure is reproduced by its seed. While a simulation runs, the invariants of the platform are checked
//! against the senders' record of what was acknowledged, the fake world's own ledger of calls, and the durable
//! journal; the platform's own memory is never asked.
//!
//! Start at [`simulate`], which runs one seed, and [`Simulation`], which is the loop. [`saga`] drives each
//! playbook through every failure, crash and repeat of every call. [`Planted`] are protocol bugs in the driver
//! around the node; a simulation that does not catch them is no evidence.
//!
//! This crate must not know the server, the command line or real time.

mod chance;
mod check;
mod clocks;
mod consent;
mod content;
mod disk;
mod journal;
mod ledger;
mod moves;
mod notices;
mod people;
mod planted;
mod recovery;
mod reported;
mod rest;
mod restored;
pub mod saga;
mod senders;
mod simulation;
mod violation;
mod whole;
mod world;

pub use content::{files_of, first_content, shipped_content};
pub use notices::{Told, simulate_notices};
pub use planted::Planted;
pub use recovery::{prove_recovery, release_unverified};
pub use simulation::{Options, Report, Simulation, simulate};
pub use violation::{Failure, Violation};
