//! Readers beside a writer.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    thread,
};

use crate::{Batch, Range, Store, Table};

use super::{Open, entry, opened, put, stored};

const BATCHES: u64 = 60;
const ENTRIES: u64 = 3;

/// Each batch appends three entries, sets three rows to its number and adds one more.
pub(super) fn during_append(open: Open<'_>) {
    let (store, epoch) = opened(open);
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let readers: Vec<_> = (0..3).map(|_| scope.spawn(|| watch(&*store, &done))).collect();
        for number in 0..BATCHES {
            let expected = number * ENTRIES;
            let entries = (expected..expected + ENTRIES).map(entry).collect();
            let value = number.to_be_bytes();
            let same = [&b"a"[..], b"of eight", b"z"].map(|key| put(1, key, &value));
            let rows = [&same[..], &[put(2, &value, b"")]].concat();
            store.append(&Batch { epoch, expected, entries, rows, redact: Vec::new() }).expect("append");
            assert_eq!(store.length().expect("length"), expected + ENTRIES, "the writer sees its own write");
            assert_eq!(store.row(Table(1), b"a").expect("row"), Some(value.to_vec()));
        }
        done.store(true, Ordering::Release);
        for reader in readers {
            reader.join().expect("a reader saw what it must not see");
        }
    });
}

fn watch(store: &dyn Store, done: &AtomicBool) {
    let mut seen = 0;
    loop {
        let last_turn = done.load(Ordering::Acquire);
        let length = store.length().expect("length");
        let page = store.read(0, 1000).expect("read");
        let found = page.len() as u64;
        assert!(found >= length, "{found} entries after a length of {length}");
        assert!(found >= seen, "the log became shorter");
        assert_eq!(found % ENTRIES, 0, "a part of a batch");
        assert!(page.into_iter().eq((0..found).map(stored)), "other entries than were written");
        seen = found;
        let rows = store.rows(Table(1), &Range::all(), 9).expect("rows");
        assert!(rows.windows(2).all(|pair| pair[0].1 == pair[1].1), "rows of two batches: {rows:?}");
        let numbers = store.rows(Table(2), &Range::all(), 1000).expect("rows");
        assert!(numbers.len() as u64 * ENTRIES >= found, "entries without their row");
        if last_turn {
            assert_eq!(found, BATCHES * ENTRIES);
            return;
        }
    }
}
