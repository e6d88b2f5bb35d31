//! What is true and what follows: alerts, incidents, playbooks, runs, actions, and the platform's limits.
//!
//! Pure functions over plain data. This crate must not know how anything is stored, sent or shown, has no
//! clock and no randomness, and does no input or output: time and identity are parameters. Each machine is a
//! module with `decide` (a command against the state becomes facts, or is refused), `apply` (a fact changes the
//! state; cannot fail), `due` and `next_wakeup` (what happens by itself). `flow` links them.
//!
//! Start at [`flow::receive`] and [`flow::execute`]: every input enters there and leaves as facts.

pub mod access;
pub mod action;
pub mod alert;
pub mod approval;
pub mod compliance;
pub mod confidence;
pub mod content;
pub mod control;
pub mod correlate;
pub mod detect;
pub mod document;
pub mod duty;
pub mod event;
pub mod evidence;
pub mod exercise;
pub mod expr;
pub mod figures;
pub mod flow;
pub mod health;
pub mod id;
pub mod incident;
#[cfg(test)]
mod inert;
pub mod intake;
pub mod labels;
pub mod limits;
pub mod mapping;
pub mod matcher;
pub mod notice;
pub mod playbook;
pub mod policy;
pub mod record;
pub mod recovery;
pub mod report;
pub mod request;
pub mod review;
pub mod run;
#[cfg(test)]
mod scene;
pub mod score;
pub mod severity;
pub mod sighting;
pub mod silence;
pub mod state;
pub mod statement;
#[cfg(test)]
mod stories;
pub mod strategy;
pub mod targets;
pub mod text;
pub mod time;
pub mod upkeep;
