//! Leases and what their epochs keep out.

use crate::{Batch, Error, Range, Store, Table};

use super::{LEASE, Open, all, append, entry, opened, put, stored};

pub(super) fn needs_a_lease(open: Open<'_>) {
    let store = open();
    for epoch in [0, 1, u64::MAX] {
        fenced(&*store, epoch, 0, 0);
    }
    let epoch = store.lease(LEASE, "first").expect("take the lease");
    fenced(&*store, epoch + 1, 0, epoch);
    append(&*store, epoch, 0, 1);
}

pub(super) fn epochs_grow(open: Open<'_>) {
    let (store, first) = opened(open);
    let mut last = first;
    assert!(last > 0, "epoch 0 is nobody's");
    for name in ["a", "b", "a", LEASE, "b", "c"] {
        let epoch = store.lease(name, "holder").expect("take a lease");
        assert!(epoch > last, "{name}: {epoch} after {last}");
        last = epoch;
    }
}

pub(super) fn fences_the_earlier_holder(open: Open<'_>) {
    let (store, first) = opened(open);
    append(&*store, first, 0, 1);
    let second = store.lease(LEASE, "another").expect("take the lease over");
    fenced(&*store, first, 1, second);
    append(&*store, second, 1, 2);
    let third = store.lease(LEASE, "another").expect("take it again as the same holder");
    fenced(&*store, second, 2, third);
    // Fenced wins over a conflict, so that who was replaced steps down and does not try again.
    fenced(&*store, first, 7, third);
    assert_eq!(all(&*store), [stored(0), stored(1)]);
}

pub(super) fn other_names(open: Open<'_>) {
    let (store, epoch) = opened(open);
    store.lease("another name", "somebody").expect("take another lease");
    append(&*store, epoch, 0, 1);
    let long = "x".repeat(300);
    assert!(matches!(store.lease(&long, "holder"), Err(Error::Limit { .. })));
    assert!(matches!(store.lease("name", &long), Err(Error::Limit { .. })));
}

/// Neither kind of write passes, and none leaves a trace.
fn fenced(store: &dyn Store, epoch: u64, expected: u64, newest: u64) {
    let batch = Batch {
        epoch,
        expected,
        entries: vec![entry(9)],
        rows: vec![put(1, b"k", b"v")],
        ..Batch::default()
    };
    for refused in [store.append(&batch).map(drop), store.put_rows(epoch, &batch.rows)] {
        match refused {
            Err(Error::Fenced { epoch: found, newest: current }) => {
                assert_eq!((found, current), (epoch, newest));
            }
            other => panic!("epoch {epoch} should be fenced, got {other:?}"),
        }
    }
    assert_eq!(store.rows(Table(1), &Range::all(), 10).expect("rows"), []);
}
