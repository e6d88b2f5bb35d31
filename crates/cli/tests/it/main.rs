//! The real binary on this machine, as people use it: a few stories from the first start to the last proof.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test says what went wrong by ending")]

mod content;
mod drill;
mod estate;
mod first_start;
mod prometheus;
mod proof;
mod support;
mod tls;
mod walk;
