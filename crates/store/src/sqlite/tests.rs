//! The settings of the connections, and the WAL that must not grow for ever.

use super::*;
use crate::Entry;

fn batch(epoch: u64, expected: u64) -> Batch {
    let entry = Entry { envelope: vec![1; 300], salt: [2; 16], body: vec![3; 20_000] };
    Batch { epoch, expected, entries: vec![entry; 4], ..Batch::default() }
}

/// Waits for the checkpoint thread, for half a minute at most.
fn eventually(done: impl Fn() -> bool) {
    let start = std::time::Instant::now();
    while !done() {
        assert!(start.elapsed().as_secs() < 30, "it never happened");
        std::thread::yield_now();
    }
}

#[test]
fn the_wal_stays_bounded_under_load() {
    let directory = tempfile::tempdir().expect("a directory");
    let checkpoints =
        Checkpoints { passive_bytes: 128 << 10, restart_bytes: 256 << 10, idle: Duration::from_millis(5) };
    let options = Options { checkpoints: Some(checkpoints), reserve_bytes: 0, ..Options::default() };
    let store = Sqlite::open(directory.path(), options).expect("open");
    let epoch = store.lease("writer", "load").expect("lease");
    for number in 0..400 {
        store.append(&batch(epoch, number * 4)).expect("append");
    }
    // About 32 MiB went through it.
    assert!(store.usage().database_bytes > 16 << 20, "the database holds the most: {:?}", store.usage());
    assert!(store.usage().wal_bytes < 16 << 20, "the WAL begins anew: {:?}", store.usage());
    eventually(|| store.usage().wal_bytes < 256 << 10);
    assert_eq!(store.length().expect("length"), 1600);
}

#[test]
fn the_idle_thread_copies_what_little_there_is() {
    let directory = tempfile::tempdir().expect("a directory");
    let checkpoints = Checkpoints { idle: Duration::from_millis(1), ..Checkpoints::default() };
    let options = Options { checkpoints: Some(checkpoints), reserve_bytes: 0, ..Options::default() };
    let store = Sqlite::open(directory.path(), options).expect("open");
    let epoch = store.lease("writer", "idle").expect("lease");
    store.append(&batch(epoch, 0)).expect("append");
    eventually(|| store.usage().database_bytes >= 80_000);
}

#[test]
fn every_commit_is_synced_unless_the_trace_test_asks() {
    for (skip, synchronous) in [(false, 2), (true, 0)] {
        let directory = tempfile::tempdir().expect("a directory");
        let options = Options { unsafe_no_sync_for_trace_test: skip, ..Options::default() };
        let database = directory.path().join(DATABASE);
        files::create_private(&database).expect("create");
        let connection = connection::bare(&database).expect("open");
        connection::set_up_writer(&connection, &options).expect("set up");
        for (pragma, expect) in [
            ("synchronous", synchronous),
            ("wal_autocheckpoint", 0),
            ("secure_delete", 1),
            ("mmap_size", 0),
            ("cache_spill", 0),
        ] {
            let found: i64 = connection.pragma_query_value(None, pragma, |row| row.get(0)).unwrap_or(0);
            assert_eq!(found, expect, "{pragma}");
        }
        let page: i64 =
            connection.pragma_query_value(None, "page_size", |row| row.get(0)).expect("page size");
        assert_eq!(page, PAGE_BYTES as i64);
    }
    assert!(!Options::default().unsafe_no_sync_for_trace_test);
}
