//! The platform around the decisions: `Node`, a value that turns inputs into batches, answers and calls, and
//! the thin shell that gives it threads, a store and connectors.
//!
//! Ground state is the journal; everything else is derived from it. The node decides while an earlier batch is
//! syncing, and nothing leaves before the batch it rests on is durable: answers, calls and limits all wait for
//! their commit. A start, a restart and a failed commit are one path: read the rows, take a new epoch, and let
//! `control.started` decide what becomes of every call that was open.
//!
//! This crate must not know HTTP servers, pages or command lines. Start at [`Node::step`], then `shell`, then
//! [`Handle`], which is what a server holds.

pub mod backup;
mod error;
mod handle;
mod keeper;
mod node;
mod reader;
mod rows;
mod seal;
mod shell;
mod verify;

pub use error::Error;
pub use handle::{Handle, Principal, Receipt, Refused, Started};
pub use node::{Answer, Check, Input, Look, Node, Output, Salts, Ticket};
pub use reader::{Page, Reader, Timeline, TimelineEntry};
pub use rows::Table;
pub use seal::Seal;
pub use shell::{Channels, Connectors, Counters, Disk, Options, Platform, load_state, start};
pub use verify::{Audit, Verified, audit, verify_rows};
