//! What was acknowledged is there when the store is opened again.

use crate::{Batch, Error, Range, Table};

use super::{LEASE, Open, all, append, entry, opened, put, stored};

pub(super) fn everything(open: Open<'_>) {
    let (store, epoch) = opened(open);
    append(&*store, epoch, 0, 10);
    let rows = vec![put(3, b"a", b"1"), put(3, b"b", b"2")];
    let batch = Batch { epoch, expected: 10, entries: vec![entry(10)], rows, redact: vec![4] };
    store.append(&batch).expect("append");
    store.put_rows(epoch, &[put(4, b"tile", b"t")]).expect("put rows");
    let blob = store.put_blob(b"a blob").expect("put a blob");
    let entries = all(&*store);
    drop(store);
    for _ in 0..2 {
        let store = open();
        assert_eq!(store.length().expect("length"), 11);
        assert_eq!(all(&*store), entries);
        assert_eq!(entries[4].content, None);
        let rows = store.rows(Table(3), &Range::all(), 9).expect("rows");
        assert_eq!(rows, [(b"a".to_vec(), b"1".to_vec()), (b"b".to_vec(), b"2".to_vec())]);
        assert_eq!(store.row(Table(4), b"tile").expect("row").as_deref(), Some(&b"t"[..]));
        assert_eq!(store.blob(&blob).expect("blob").as_deref(), Some(&b"a blob"[..]));
    }
}

pub(super) fn epochs(open: Open<'_>) {
    let (store, first) = opened(open);
    append(&*store, first, 0, 1);
    drop(store);
    let store = open();
    // The lease is still that of the first; a process that comes back takes it again.
    append(&*store, first, 1, 2);
    let second = store.lease(LEASE, "after the reopen").expect("take the lease");
    assert!(second > first);
    let batch = Batch { epoch: first, expected: 2, entries: vec![entry(2)], ..Batch::default() };
    assert!(matches!(store.append(&batch), Err(Error::Fenced { .. })));
    drop(store);
    let store = open();
    append(&*store, second, 2, 3);
    assert_eq!(all(&*store), [stored(0), stored(1), stored(2)]);
}
