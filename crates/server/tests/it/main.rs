//! The server in process: a platform over the memory store, the shipped content, and no sockets but in `serve`.
#![expect(clippy::unwrap_used, reason = "a test ends at the first surprise")]

mod alertmanager;
mod api;
mod bad_input;
mod bench;
mod gate;
mod log;
mod operations;
mod reference;
mod serve;
mod web;
