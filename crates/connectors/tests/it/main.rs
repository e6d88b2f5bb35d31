//! Connectors against real servers on the loopback interface.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod conform;
mod estate;
mod http;
mod mail;
mod notify;
mod plain;
mod reach;
mod spoiled;
mod support;
mod tls;
