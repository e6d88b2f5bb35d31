//! The properties that every store has, as a list of checks over any of them.
//!
//! A check gets a function that opens one store, at first empty. Calling it again opens the same store
//! again; the check drops the earlier handle before. A check panics when the property does not hold. A new
//! kind of store passes when all of [`CHECKS`] return, each with a fresh store.

#![expect(clippy::expect_used, reason = "a check fails by panicking")]

mod append;
mod blobs;
mod bodies;
mod fencing;
mod readers;
mod redaction;
mod reopen;
mod rows;

use crate::{Batch, Entry, RowChange, Store, Stored, Table};

/// Opens the store under check, the same one each time.
pub type Open<'a> = &'a dyn Fn() -> Box<dyn Store>;

/// One property.
#[derive(Clone, Copy)]
pub struct Check {
    pub name: &'static str,
    pub run: fn(Open<'_>),
}

/// All properties, by theme.
pub const CHECKS: &[Check] = &[
    Check { name: "append gives positions without gaps", run: append::positions },
    Check { name: "append of nothing changes nothing", run: append::nothing },
    Check { name: "conflict when the length differs", run: append::conflict },
    Check { name: "limits are refused whole", run: append::limits },
    Check { name: "reading in pages reaches every entry once", run: append::pages },
    Check { name: "a refused batch leaves no trace", run: append::atomicity },
    Check { name: "no lease, no write", run: fencing::needs_a_lease },
    Check { name: "epochs grow over all names", run: fencing::epochs_grow },
    Check { name: "the earlier holder is fenced", run: fencing::fences_the_earlier_holder },
    Check { name: "leases of other names fence nobody", run: fencing::other_names },
    Check { name: "everything is there after a reopen", run: reopen::everything },
    Check { name: "epochs grow over a reopen", run: reopen::epochs },
    Check { name: "rows are put, replaced and deleted", run: rows::put_replace_delete },
    Check { name: "the later change of a batch wins", run: rows::order_in_a_batch },
    Check { name: "ranges hold what they say", run: rows::ranges },
    Check { name: "cursors reach every row once, both ways", run: rows::cursors },
    Check { name: "keys of all lengths stand in one order", run: rows::lengths },
    Check { name: "keys of eight bytes are keys like others", run: rows::eight_bytes },
    Check { name: "rows without entries are fenced and kept", run: rows::without_entries },
    Check { name: "redaction takes salt and body only", run: redaction::takes_the_content },
    Check { name: "redaction is part of the batch", run: redaction::with_the_batch },
    Check { name: "blobs are kept under their hash", run: blobs::by_hash },
    Check { name: "streams are kept under their hash, whole or not at all", run: blobs::by_stream },
    Check { name: "large bodies come back whole", run: bodies::large },
    Check { name: "pages end by bytes", run: bodies::pages_by_bytes },
    Check { name: "readers see whole batches in order", run: readers::during_append },
];

const LEASE: &str = "writer";

/// A store with the lease taken, and its epoch.
fn opened(open: Open<'_>) -> (Box<dyn Store>, u64) {
    let store = open();
    let epoch = store.lease(LEASE, "conformance").expect("take the lease");
    (store, epoch)
}

/// A distinct entry for each number.
fn entry(number: u64) -> Entry {
    Entry {
        envelope: format!("envelope {number}").into_bytes(),
        salt: u128::from(number).to_be_bytes(),
        body: format!("body {number}").into_bytes(),
    }
}

fn stored(number: u64) -> Stored {
    let Entry { envelope, salt, body } = entry(number);
    Stored { position: number, envelope, content: Some((salt, body)) }
}

/// Appends the entries `from..to` of [`entry`] in one batch.
fn append(store: &dyn Store, epoch: u64, from: u64, to: u64) {
    let entries = (from..to).map(entry).collect();
    let batch = Batch { epoch, expected: from, entries, ..Batch::default() };
    assert_eq!(store.append(&batch).expect("append"), to, "the length after an append");
}

fn all(store: &dyn Store) -> Vec<Stored> {
    let mut found: Vec<Stored> = Vec::new();
    loop {
        let page = store.read(found.len() as u64, 1000).expect("read");
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

fn put(table: u8, key: &[u8], value: &[u8]) -> RowChange {
    RowChange { table: Table(table), key: key.to_vec(), value: Some(value.to_vec()) }
}

fn delete(table: u8, key: &[u8]) -> RowChange {
    RowChange { table: Table(table), key: key.to_vec(), value: None }
}
