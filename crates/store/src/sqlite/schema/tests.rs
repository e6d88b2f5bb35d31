//! Migrations: from every version, from the middle, and never backward.

use std::path::Path;

use super::*;
use crate::{Options, RowChange, Sqlite, Store, Table};

const LATER: &[Migration] = &[
    Migration { version: 1, name: "first", sql: MIGRATIONS[0].sql },
    Migration { version: 2, name: "second", sql: "CREATE TABLE second (a) STRICT_IS_WRONG_HERE" },
];

const REPAIRED: &[Migration] = &[
    Migration { version: 1, name: "first", sql: MIGRATIONS[0].sql },
    Migration { version: 2, name: "second", sql: "CREATE TABLE second (a BLOB) STRICT" },
    Migration { version: 3, name: "third", sql: "INSERT INTO second (a) VALUES (x'00')" },
];

fn opened(path: &Path) -> Connection {
    Connection::open(path.join(super::super::DATABASE)).expect("open")
}

fn version(connection: &Connection) -> i64 {
    pragma(connection, "user_version").expect("version")
}

#[test]
fn an_interrupted_upgrade_goes_on() {
    let directory = tempfile::tempdir().expect("a directory");
    let connection = opened(directory.path());
    migrate(&connection, LATER).expect_err("the second step fails");
    assert_eq!(version(&connection), 1, "the first step stands, the second left nothing");
    drop(connection);
    let connection = opened(directory.path());
    for _ in 0..2 {
        migrate(&connection, REPAIRED).expect("the upgrade goes on");
        assert_eq!(version(&connection), 3);
    }
    let steps: i64 =
        connection.query_row("SELECT count(*) FROM migration", [], |row| row.get(0)).expect("count");
    let rows: i64 = connection.query_row("SELECT count(*) FROM second", [], |row| row.get(0)).expect("count");
    assert_eq!((steps, rows), (3, 1), "each step ran once");
}

#[test]
fn a_newer_schema_is_refused_and_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    drop(Sqlite::open(directory.path(), Options::default()).expect("open"));
    let connection = opened(directory.path());
    connection
        .execute_batch("INSERT INTO migration VALUES (7, 'later', '9.1.0'); PRAGMA user_version = 7")
        .expect("play a newer program");
    drop(connection);
    for refused in
        [Sqlite::open(directory.path(), Options::default()), Sqlite::open_read_only(directory.path())]
    {
        let Err(error) = refused else { panic!("a newer schema was opened") };
        assert_eq!(
            error.to_string(),
            "data directory has schema 7, written by version 9.1.0; this program supports up to 1: run version \
             9.1.0 or newer"
        );
        assert!(matches!(error, Error::Schema { found: 7, supported: 1, .. }));
    }
    assert_eq!(version(&opened(directory.path())), 7);
}

#[test]
fn rows_are_read_before_the_migration_that_is_awaited() {
    let directory = tempfile::tempdir().expect("a directory");
    let store = Sqlite::open(directory.path(), Options::default()).expect("open");
    let epoch = store.lease("writer", "test").expect("lease");
    let row = RowChange { table: Table(3), key: vec![0; 8], value: Some(b"kept".to_vec()) };
    store.put_rows(epoch, &[row]).expect("a row");
    drop(store);
    opened(directory.path()).execute_batch("PRAGMA user_version = 0").expect("play an older program");
    let Err(error) = Sqlite::open_read_only(directory.path()) else { panic!("it was opened as a whole") };
    assert!(error.to_string().contains("awaits a migration"), "{error}");
    let store = Sqlite::open_rows(directory.path()).expect("open for its rows");
    assert_eq!(store.row(Table(3), &[0; 8]).expect("read"), Some(b"kept".to_vec()));
    drop(store);
    assert_eq!(version(&opened(directory.path())), 0, "nothing was changed");
}

/// A crash may come between the creation of the file and the first step.
#[test]
fn an_empty_file_is_a_new_store() {
    let directory = tempfile::tempdir().expect("a directory");
    std::fs::write(directory.path().join(super::super::DATABASE), b"").expect("an empty file");
    let store = Sqlite::open(directory.path(), Options::default()).expect("open");
    assert_eq!(store.length().expect("length"), 0);
}

#[test]
fn versions_count_up_from_one() {
    for (expected, migration) in (1..).zip(MIGRATIONS) {
        assert_eq!(migration.version, expected, "{}", migration.name);
    }
}
