//! Tests of the ledger file.

use std::fs;
use std::path::Path;

use expect_test::expect;

use super::{Effect, Line, Writer, read, read_after};
use crate::error::Error;
use crate::faults::Route;

fn line(key: &str) -> Line {
    Line {
        n: 0,
        time_us: 5,
        route: Route::Action,
        key: key.to_owned(),
        verb: "node.isolate".to_owned(),
        target: "validator-3".to_owned(),
        body_sha256: "00".to_owned(),
        epoch: None,
        fault: "ok".to_owned(),
        effect: Effect::Applied,
    }
}

fn write(path: &Path, keys: &[&str]) {
    let mut writer = Writer::open(path).unwrap();
    for key in keys {
        writer.append(line(key)).unwrap();
    }
}

fn keys(path: &Path) -> Vec<(u64, String)> {
    read(path).unwrap().lines.into_iter().map(|line| (line.n, line.key)).collect()
}

#[test]
fn one_line_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    write(&path, &["a"]);
    expect![[r#"
        {"n":1,"time_us":5,"route":"action","key":"a","verb":"node.isolate","target":"validator-3","body_sha256":"00","fault":"ok","effect":"applied"}
    "#]]
    .assert_eq(&fs::read_to_string(&path).unwrap());
}

#[test]
fn numbers_go_on_over_restarts() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    write(&path, &["a", "b"]);
    write(&path, &["c"]);
    assert_eq!(keys(&path), [(1, "a".to_owned()), (2, "b".to_owned()), (3, "c".to_owned())]);
    let after: Vec<u64> = read_after(&path, 1, 1).unwrap().lines.iter().map(|line| line.n).collect();
    assert_eq!(after, [2]);
}

#[test]
fn a_torn_last_line_is_tolerated_at_every_length_and_cut_off_by_the_next_writer() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    write(&path, &["a", "b"]);
    let whole = fs::read(&path).unwrap();
    let first = whole.len() / 2;
    for length in first..whole.len() {
        fs::write(&path, &whole[..length]).unwrap();
        let ledger = read(&path).unwrap();
        assert_eq!((ledger.lines.len(), ledger.torn), (1, length > first), "cut at {length}");
        write(&path, &["c"]);
        assert_eq!(keys(&path), [(1, "a".to_owned()), (2, "c".to_owned())]);
    }
}

#[test]
fn a_line_altered_by_someone_else_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    write(&path, &["a", "b", "c"]);
    let text = fs::read_to_string(&path).unwrap().replace("\"b\"", "b");
    fs::write(&path, text).unwrap();
    let Err(Error::LedgerLine { line, .. }) = read(&path) else { panic!("must be found") };
    assert_eq!(line, 2);
    assert!(Writer::open(&path).is_err());
}

#[test]
fn a_missing_ledger_is_an_error_for_readers_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    assert!(matches!(read(&path), Err(Error::LedgerFile { .. })));
    write(&path, &[]);
    assert_eq!(keys(&path), []);
}

#[test]
fn a_second_writer_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ledger.jsonl");
    let first = Writer::open(&path).unwrap();
    assert!(matches!(Writer::open(&path), Err(Error::LedgerFile { .. })));
    drop(first);
    Writer::open(&path).unwrap();
}
