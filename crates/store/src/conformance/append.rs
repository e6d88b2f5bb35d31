//! Appending and reading entries: positions, conflicts, limits, atomicity.

use crate::{Batch, Entry, Error, Range, RowChange, Store, Table, limits};

use super::{Open, all, append, entry, opened, put, stored};

pub(super) fn positions(open: Open<'_>) {
    let (store, epoch) = opened(open);
    assert_eq!(store.length().expect("length"), 0, "a new store is empty");
    assert_eq!(store.read(0, 10).expect("read"), [], "and has nothing to read");
    for (from, to) in [(0, 1), (1, 4), (4, 104)] {
        append(&*store, epoch, from, to);
        assert_eq!(store.length().expect("length"), to);
    }
    assert_eq!(all(&*store), (0..104).map(stored).collect::<Vec<_>>());
}

pub(super) fn nothing(open: Open<'_>) {
    let (store, epoch) = opened(open);
    append(&*store, epoch, 0, 3);
    append(&*store, epoch, 3, 3);
    assert_eq!(all(&*store), (0..3).map(stored).collect::<Vec<_>>());
}

pub(super) fn conflict(open: Open<'_>) {
    let (store, epoch) = opened(open);
    append(&*store, epoch, 0, 3);
    for wrong in [0, 2, 4, u64::MAX] {
        let batch = Batch { epoch, expected: wrong, entries: vec![entry(9)], ..Batch::default() };
        match store.append(&batch) {
            Err(Error::Conflict { expected, found }) => assert_eq!((expected, found), (wrong, 3)),
            other => panic!("expected a conflict at {wrong}, got {other:?}"),
        }
    }
    append(&*store, epoch, 3, 4);
    assert_eq!(all(&*store), (0..4).map(stored).collect::<Vec<_>>());
}

pub(super) fn limits(open: Open<'_>) {
    let (store, epoch) = opened(open);
    append(&*store, epoch, 0, 1);
    let zeros = |bytes: usize| vec![0; bytes];
    let entries = |envelope, body| vec![entry(1), Entry { envelope, salt: [0; 16], body }];
    let rows =
        |key, value| vec![put(1, b"fine", b""), RowChange { table: Table(1), key, value: Some(value) }];
    let batch = Batch { epoch, expected: 1, entries: vec![entry(1)], ..Batch::default() };
    for (what, batch) in [
        ("envelope", Batch { entries: entries(zeros(limits::ENVELOPE + 1), zeros(0)), ..batch.clone() }),
        ("body", Batch { entries: entries(zeros(0), zeros(limits::BODY + 1)), ..batch.clone() }),
        ("key", Batch { rows: rows(zeros(limits::KEY + 1), zeros(0)), ..batch.clone() }),
        ("value", Batch { rows: rows(zeros(0), zeros(limits::VALUE + 1)), ..batch.clone() }),
        ("redaction", Batch { redact: vec![0, 2], ..batch.clone() }),
        ("entries", Batch { entries: vec![entry(1); limits::BATCH + 1], ..batch.clone() }),
    ] {
        let refused = store.append(&batch);
        assert!(matches!(refused, Err(Error::Limit { .. })), "{what}: {refused:?}");
    }
    unchanged(&*store);
    let largest = Entry { envelope: zeros(limits::ENVELOPE), salt: [7; 16], body: zeros(0) };
    let key = zeros(limits::KEY);
    let batch = Batch { entries: vec![largest.clone()], rows: vec![put(1, &key, b"v")], ..batch };
    assert_eq!(store.append(&batch).expect("the largest that is allowed"), 2);
    assert_eq!(store.read(1, 1).expect("read")[0].envelope, largest.envelope);
    assert_eq!(store.row(Table(1), &key).expect("row").as_deref(), Some(&b"v"[..]));
}

pub(super) fn pages(open: Open<'_>) {
    let (store, epoch) = opened(open);
    append(&*store, epoch, 0, 25);
    for limit in [1, 7, 25, 26, usize::MAX] {
        let mut next = 0;
        loop {
            let page = store.read(next, limit).expect("read");
            assert!(page.len() <= limit);
            let Some(last) = page.last() else { break };
            assert_eq!(page, (next..=last.position).map(stored).collect::<Vec<_>>());
            next = last.position + 1;
        }
        assert_eq!(next, 25, "with pages of {limit}");
    }
    assert_eq!(store.read(0, 0).expect("read"), [], "a page of none");
    assert_eq!(store.read(u64::MAX, 1).expect("read"), [], "a page far past the end");
}

pub(super) fn atomicity(open: Open<'_>) {
    let (store, epoch) = opened(open);
    append(&*store, epoch, 0, 1);
    let batch = Batch {
        epoch,
        expected: 0,
        entries: vec![entry(1)],
        rows: vec![put(1, b"row", b"value")],
        redact: vec![0],
    };
    for refused in [
        batch.clone(),
        Batch { epoch: epoch + 1, expected: 1, ..batch.clone() },
        Batch { expected: 1, redact: vec![0, 9], ..batch.clone() },
    ] {
        store.append(&refused).expect_err("a batch that is refused");
        unchanged(&*store);
    }
    drop(store);
    let store = open();
    unchanged(&*store);
}

/// One entry, whole, and no row.
fn unchanged(store: &dyn Store) {
    assert_eq!(all(store), [stored(0)]);
    assert_eq!(store.rows(Table(1), &Range::all(), 10).expect("rows"), []);
}
