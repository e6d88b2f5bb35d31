//! Connectors reach out and change something: they apply an action, read back whether it holds, and take it back.
//!
//! The face is one trait, [`Connector`], with one method: a [`Call`] goes in, an [`Outcome`] comes out. The outcome
//! never guesses. `NotApplied` is said only where this call certainly changed nothing, for instance because no byte of
//! it was sent; whatever ended in the dark is `Unknown`, and what then follows is decided by the class of the action,
//! outside of this crate.
//!
//! Two connectors speak HTTP/1.1 through the same client: [`HttpConnector`] sends what `actions.yaml` says for any
//! system with an API, and [`EstateConnector`] speaks to a served estate. The client follows no redirect, knows no
//! proxy, and connects only to addresses in the networks that its configuration names, judged by the address that a
//! connection really has. [`conformance`] is the list of checks that every connector passes.
//!
//! This crate must not know journals, runs, approvals or limits. It is told what to do, once, and says what came of it.
//! Start reading in `call.rs`, then `http.rs`, then `client.rs`.

mod answer;
mod call;
mod client;
pub mod conformance;
mod endpoint;
mod error;
mod estate;
mod files;
mod http;
mod network;
mod notify;
mod secret;

pub use call::{Call, Connector, Outcome, Performing};
pub use client::{Config, Resolve, Resolving, system_resolver};
pub use domain::action::Operation;
pub use endpoint::Endpoint;
pub use error::Error;
pub use estate::EstateConnector;
pub use files::{FilesConnector, Holds, Keep, Snapping, Snapshot, Vault};
pub use http::HttpConnector;
pub use network::IpNet;
pub use notify::{Channel, Delivery, Encoding, Smtp, SmtpTls, TextMessage};
pub use secret::Secret;

/// Largest artefact that an outcome carries, in bytes of its JSON text; a larger one is left out.
pub const ARTEFACT_BYTES_MAX: usize = 16 * 1024;
