//! The real binary on this machine, as people use it: a few stories from the first start to the last proof.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by ending")]

mod analysis;
mod backup;
mod bad_input;
mod closing;
mod content;
mod drill;
mod durability;
mod estate;
mod evidence;
mod first_start;
mod http_example;
mod inert;
mod pages;
mod prometheus;
mod proof;
mod quarantine;
mod reports;
mod services;
mod sources;
mod support;
mod tampering;
mod tls;
mod walk;
