//! The served estate over real loopback connections.

#![expect(clippy::unwrap_used, reason = "a helper of tests fails the test")]

mod client;
mod faults;
mod routes;
