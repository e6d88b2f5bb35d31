//! Loss of power at any moment of a workload: the WAL is cut or overwritten beyond what was acknowledged.
//!
//! An append that returned has synced the WAL up to its length at that moment. What lies beyond may be
//! there, be missing, or be garbage after a crash. Every such file must open to a whole number of batches,
//! with all that were acknowledged.

use std::{fs, path::Path};

use proptest::prelude::*;
use store::{Sqlite, Store, Table};

use crate::{all, batch, opened, stored};

const BATCHES: u64 = 24;

struct Run {
    /// The directory as files: the database, which no checkpoint touched, and the whole WAL.
    database: Vec<u8>,
    wal: Vec<u8>,
    /// After each acknowledged batch: the bytes of the WAL and the length of the log.
    acknowledged: Vec<(usize, u64)>,
}

/// Runs the workload on an empty store whose schema is in the database already.
fn run(restart_at: Option<u64>) -> Run {
    let directory = tempfile::tempdir().expect("a directory");
    drop(opened(directory.path()));
    let store = opened(directory.path());
    let epoch = store.lease("writer", "crash test").expect("lease");
    let mut acknowledged = vec![(wal_bytes(&store), 0)];
    let mut length = 0;
    for number in 0..BATCHES {
        if restart_at == Some(number) {
            store.checkpoint().expect("checkpoint");
            acknowledged = vec![(0, length)];
        }
        length = store.append(&batch(epoch, length, number)).expect("append");
        acknowledged.push((wal_bytes(&store), length));
    }
    let file = |name| fs::read(directory.path().join(name)).expect("read a file of the store");
    Run { database: file("store.db"), wal: file("store.db-wal"), acknowledged }
}

fn wal_bytes(store: &Sqlite) -> usize {
    store.usage().wal_bytes as usize
}

impl Run {
    /// Opens what a crash left and checks it; `synced` bytes of the WAL are as they were written.
    fn check(&self, wal: &[u8], synced: usize) {
        let directory = tempfile::tempdir().expect("a directory");
        write(directory.path(), "store.db", &self.database);
        write(directory.path(), "store.db-wal", wal);
        let read_only = Sqlite::open_read_only(directory.path()).expect("open to read only");
        let length = self.check_content(&read_only, synced);
        drop(read_only);
        let store = opened(directory.path());
        assert_eq!(self.check_content(&store, synced), length, "both ways of opening agree");
        let epoch = store.lease("writer", "after the crash").expect("lease");
        store.append(&batch(epoch, length, 3)).expect("the store goes on");
        assert_eq!(store.length().expect("length"), length + 4);
    }

    fn check_content(&self, store: &Sqlite, synced: usize) -> u64 {
        let length = store.length().expect("length");
        let whole: Vec<u64> = self.acknowledged.iter().map(|(_, length)| *length).collect();
        let batches = whole.iter().position(|at| *at == length);
        let batches = batches.unwrap_or_else(|| panic!("{length} entries are not a whole number of batches"));
        let least = self.acknowledged.iter().rev().find(|(bytes, _)| *bytes <= synced).map_or(0, |at| at.1);
        assert!(length >= least, "{length} entries, but {least} were acknowledged and synced");
        assert_eq!(all(store), (0..length).map(stored).collect::<Vec<_>>());
        let done = BATCHES - (whole.len() - 1) as u64 + batches as u64;
        let last = done.checked_sub(1).map(|number| number.to_be_bytes().to_vec());
        assert_eq!(store.row(Table(1), b"last").expect("row"), last, "the row of the last batch");
        for number in 0..BATCHES {
            let row = store.row(Table(1), &number.to_be_bytes()).expect("row");
            assert_eq!(row.is_some(), number < done, "row {number} after {done} batches");
        }
        length
    }

    fn cut(&self, at: usize) {
        self.check(&self.wal[..at], at);
    }

    fn overwrite(&self, at: usize, garbage: &[u8]) {
        let mut wal = self.wal.clone();
        for (byte, garbage) in wal[at..].iter_mut().zip(garbage.iter().cycle()) {
            *byte = *garbage;
        }
        self.check(&wal, at);
    }
}

fn write(directory: &Path, name: &str, bytes: &[u8]) {
    fs::write(directory.join(name), bytes).expect("write a file of the store");
}

#[test]
fn wal_cut_at_every_sector() {
    let run = run(None);
    assert!(run.wal.len() > 100 * 512, "the workload is large enough");
    for at in (0..=run.wal.len()).step_by(512) {
        run.cut(at);
    }
}

#[test]
fn wal_cut_and_torn_around_every_acknowledgement() {
    let run = run(None);
    for (bytes, _) in run.acknowledged.clone() {
        for at in [bytes.saturating_sub(1), bytes, bytes + 1] {
            let at = at.min(run.wal.len());
            run.cut(at);
            run.overwrite(at, &[0]);
            run.overwrite(at, b"torn");
        }
    }
}

/// The WAL has begun anew, over frames of its earlier use.
#[test]
fn wal_cut_after_a_checkpoint() {
    let run = run(Some(BATCHES / 2));
    for at in (0..=run.wal.len()).step_by(512) {
        run.cut(at);
    }
}

#[test]
fn wal_with_any_garbage_behind_any_offset() {
    let run = run(None);
    let garbage = prop::collection::vec(any::<u8>(), 1..64);
    let config = ProptestConfig { failure_persistence: None, cases: 64, ..ProptestConfig::default() };
    proptest!(config, |(at in 0..run.wal.len(), garbage in garbage)| run.overwrite(at, &garbage));
}

/// Bits that rot in the middle of the synced WAL may cost what comes after, but are never taken for data.
#[test]
fn rot_in_the_wal_is_noticed() {
    let run = run(None);
    for at in (32..run.wal.len()).step_by(4999) {
        let mut wal = run.wal.clone();
        wal[at] ^= 0x10;
        run.check(&wal, 0);
    }
}
