//! Whole stores: conformance of each kind, and what a data directory survives.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "tests fail by panicking and say where they are"
)]

mod conformance;
mod crash;
mod directory;
mod full;
mod read_only;
mod redaction;

use store::{Batch, Entry, Options, RowChange, Sqlite, Store, Stored, Table};

/// No checkpoint thread and no reserve, so that a test alone decides what is on disk.
fn quiet() -> Options {
    Options { checkpoints: None, reserve_bytes: 0, ..Options::default() }
}

fn opened(directory: &std::path::Path) -> Sqlite {
    Sqlite::open(directory, quiet()).expect("open the data directory")
}

/// Batch `number` of a reproducible workload: some entries, one new row, one row that changes each time.
fn batch(epoch: u64, expected: u64, number: u64) -> Batch {
    let entries = (0..number % 5 + 1).map(|at| entry(expected + at)).collect();
    let row = |key: Vec<u8>| RowChange { table: Table(1), key, value: Some(number.to_be_bytes().to_vec()) };
    let rows = vec![row(number.to_be_bytes().to_vec()), row(b"last".to_vec())];
    Batch { epoch, expected, entries, rows, redact: Vec::new() }
}

/// Bodies of 0 to about 9,000 bytes, so that some need overflow pages.
fn entry(position: u64) -> Entry {
    let body = position.to_be_bytes().repeat((position * 37 % 1131) as usize);
    Entry { envelope: format!("envelope {position}").into_bytes(), salt: [position as u8; 16], body }
}

fn stored(position: u64) -> Stored {
    let Entry { envelope, salt, body } = entry(position);
    Stored { position, envelope, content: Some((salt, body)) }
}

/// Waits for what another thread does, for half a minute at most.
fn eventually(done: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !done() {
        assert!(start.elapsed().as_secs() < 30, "it never happened");
        std::thread::yield_now();
    }
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
