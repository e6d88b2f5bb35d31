//! After an unknown outcome nothing more is written until the store is opened again.

use super::*;
use crate::{Range, Sqlite, Store, Table};

fn quiet() -> Options {
    Options { checkpoints: None, reserve_bytes: 0, ..Options::default() }
}

fn batch(epoch: u64, expected: u64) -> Batch {
    let entries = vec![Entry { envelope: vec![1], salt: [2; 16], body: vec![3] }];
    let rows = vec![RowChange { table: Table(1), key: vec![1], value: Some(vec![expected as u8]) }];
    Batch { epoch, expected, entries, rows, redact: Vec::new() }
}

fn sync_failure() -> Error {
    let io = rusqlite::ffi::Error::new(rusqlite::ffi::SQLITE_IOERR_FSYNC);
    failure::of_change(rusqlite::Error::SqliteFailure(io, None), Phase::Committing)
}

#[test]
fn an_unknown_outcome_poisons_until_the_reopen() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(directory.path(), quiet()).expect("open");
    let epoch = store.lease("writer", "poison").expect("lease");
    store.append(&batch(epoch, 0)).expect("append");
    store.writer().expect("a writer").note(sync_failure());
    for refused in [
        store.append(&batch(epoch, 1)).map(drop),
        store.put_rows(epoch, &batch(epoch, 1).rows),
        store.lease("writer", "poison").map(drop),
        store.put_blob(b"blob").map(drop),
        store.checkpoint(),
    ] {
        assert!(matches!(refused, Err(Error::Unknown(_))), "{refused:?}");
    }
    assert_eq!(store.read(0, 9).expect("reads go on").len(), 1);
    drop(store);
    assert!(directory.path().join("store.db-wal").exists(), "the close leaves the WAL for the recovery");
    let store = Sqlite::open(directory.path(), quiet()).expect("open again");
    assert_eq!(store.append(&batch(epoch, 1)).expect("append"), 2);
    assert_eq!(store.rows(Table(1), &Range::all(), 9).expect("rows"), [(vec![1], vec![1])]);
}

#[test]
fn a_failed_statement_leaves_no_transaction() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(directory.path(), quiet()).expect("open");
    let epoch = store.lease("writer", "rollback").expect("lease");
    let writer = store.writer().expect("a writer");
    let inner = writer.lock().expect("lock");
    let failed = writer.transact(&inner.connection, |connection| {
        insert_entries(connection, 0, &batch(epoch, 0).entries)?;
        inner.tables.change(connection, &batch(epoch, 0).rows)?;
        connection.execute_batch("INSERT INTO no_such_table VALUES (1)")
    });
    assert!(matches!(failed, Err(Error::NotWritten(_))), "{failed:?}");
    assert!(inner.connection.is_autocommit());
    drop(inner);
    assert_eq!(store.read(0, 9).expect("read"), []);
    assert_eq!(store.append(&batch(epoch, 0)).expect("the writer goes on"), 1);
}

#[test]
fn a_panic_while_writing_poisons() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(directory.path(), quiet()).expect("open");
    let epoch = store.lease("writer", "panic").expect("lease");
    let writer = store.writer().expect("a writer");
    let panicking = std::panic::AssertUnwindSafe(|| {
        let inner = writer.lock().expect("lock");
        drop(
            writer.transact(&inner.connection, |_| -> rusqlite::Result<()> { panic!("a broken invariant") }),
        );
    });
    std::panic::catch_unwind(panicking).expect_err("the panic");
    assert!(matches!(store.append(&batch(epoch, 0)), Err(Error::Unknown(_))));
    drop(store);
    let store = Sqlite::open(directory.path(), quiet()).expect("open again");
    assert_eq!(store.append(&batch(epoch, 0)).expect("append"), 1);
}
