//! Redacted bytes are gone from the files, not only from the answers.

use std::{fs, path::Path};

use store::{Batch, Entry, RowChange, Sqlite, Store, Table};

use crate::{eventually, opened, quiet};

const SECRET: &[u8] = b"a name that must go";

/// Every third body is secret, small or over several pages.
fn secret(at: u64) -> bool {
    at.is_multiple_of(3)
}

fn fill(store: &Sqlite, epoch: u64) {
    for at in 0..60 {
        let text = if secret(at) { SECRET } else { b"a body that has to stay" };
        let body = text.repeat(1 + (at as usize * 53) % 700);
        let entries = vec![Entry { envelope: vec![0; 100], salt: [0x5a; 16], body }];
        let rows =
            vec![RowChange { table: Table(1), key: at.to_be_bytes().to_vec(), value: Some(vec![0; 50]) }];
        store.append(&Batch { epoch, expected: at, entries, rows, redact: Vec::new() }).expect("append");
    }
}

fn redaction(epoch: u64) -> Batch {
    Batch { epoch, expected: 60, redact: (0..60).filter(|at| secret(*at)).collect(), ..Batch::default() }
}

fn files_hold_secret(directory: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["store.db", "store.db-wal"] {
        let bytes = fs::read(directory.join(name)).unwrap_or_default();
        if bytes.windows(SECRET.len()).any(|window| window == SECRET) {
            found.push(name.to_owned());
        }
    }
    found
}

#[test]
fn leaves_no_bytes_in_the_files() {
    for checkpoint_before in [false, true] {
        let directory = tempfile::tempdir().expect("a directory");
        let store = opened(directory.path());
        let epoch = store.lease("writer", "redaction").expect("lease");
        fill(&store, epoch);
        if checkpoint_before {
            store.checkpoint().expect("checkpoint");
        }
        assert!(!files_hold_secret(directory.path()).is_empty(), "the test can see the bytes");
        store.append(&redaction(epoch)).expect("redact");
        assert_eq!(files_hold_secret(directory.path()), Vec::<String>::new());
        for entry in store.read(0, 100).expect("read") {
            assert_eq!(entry.content.is_none(), secret(entry.position), "entry {}", entry.position);
        }
    }
}

/// A reader from outside keeps the WAL in use for a while. The cut follows when it has gone.
#[test]
fn waits_for_a_reader() {
    let directory = tempfile::tempdir().expect("a directory");
    let checkpoints = store::Checkpoints {
        passive_bytes: u64::MAX,
        restart_bytes: u64::MAX,
        idle: std::time::Duration::from_secs(3600),
    };
    let options = store::Options { checkpoints: Some(checkpoints), ..quiet() };
    let store = Sqlite::open(directory.path(), options).expect("open");
    let epoch = store.lease("writer", "redaction").expect("lease");
    fill(&store, epoch);
    let reader = rusqlite::Connection::open(directory.path().join("store.db")).expect("a reader");
    reader.execute_batch("BEGIN; SELECT count(*) FROM entry;").expect("begin to read");
    assert_eq!(store.append(&redaction(epoch)).expect("redaction does not wait"), 60);
    assert_eq!(files_hold_secret(directory.path()), ["store.db-wal"]);
    reader.execute_batch("COMMIT").expect("end the read");
    eventually(|| files_hold_secret(directory.path()).is_empty());
}
