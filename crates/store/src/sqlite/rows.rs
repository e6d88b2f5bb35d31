//! How state rows stand in SQLite: two tables for each [`Table`], created with its first row.
//!
//! A key of eight bytes is nearly always a number that grows with time. Such keys are the rowids of
//! `number_N`, so that new rows go to the right edge of the tree and its pages are full. All other keys stand
//! in `bytes_N`. A page of rows is merged from both, in the order of the keys' bytes.

use std::{
    array,
    collections::{BTreeMap, BTreeSet, btree_map},
    iter,
    sync::atomic::{AtomicBool, Ordering},
};

use rusqlite::{
    CachedStatement, Connection, OptionalExtension, ToSql, params,
    types::{ToSqlOutput, ValueRef},
};

use crate::{Direction, Error, Range, Row, RowChange, Table, limits};

use super::{failure, readers::page_size};

// `@` stands for the name of a table. It is all that is ever put into a statement, and made of a number only.
const CREATE_NUMBER: &str = "CREATE TABLE @ (key INTEGER PRIMARY KEY, value BLOB NOT NULL) STRICT";
const CREATE_BYTES: &str = "CREATE TABLE @ (key BLOB PRIMARY KEY, value BLOB NOT NULL) STRICT, WITHOUT ROWID";
const PUT: &str = "INSERT OR REPLACE INTO @ (key, value) VALUES (?1, ?2)";
const DELETE: &str = "DELETE FROM @ WHERE key = ?1";
const VALUE: &str = "SELECT value FROM @ WHERE key = ?1";
/// The last number is part of the range, as there is none above all of them.
const NUMBERS: [&str; 2] = [
    "SELECT key, value FROM @ WHERE key >= ?1 AND key <= ?2 ORDER BY key LIMIT ?3",
    "SELECT key, value FROM @ WHERE key >= ?1 AND key <= ?2 ORDER BY key DESC LIMIT ?3",
];
const BYTES: [&str; 2] = [
    "SELECT key, value FROM @ WHERE key >= ?1 AND key < ?2 ORDER BY key LIMIT ?3",
    "SELECT key, value FROM @ WHERE key >= ?1 AND key < ?2 ORDER BY key DESC LIMIT ?3",
];

const TABLES: usize = 1 << u8::BITS;

/// The tables that the database has, as the one writer knows them.
#[derive(Default)]
pub(super) struct Tables(BTreeSet<Table>);

/// The tables that a reader has found once. They stay for ever.
pub(super) struct Known([AtomicBool; TABLES]);

/// Which of its two tables a row stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Number,
    Bytes,
}

#[derive(Clone, Copy)]
enum Key<'a> {
    Number(i64),
    Bytes(&'a [u8]),
}

/// The statements of one batch, each looked up once.
struct Statements<'a> {
    connection: &'a Connection,
    prepared: BTreeMap<(Table, Kind, &'static str), CachedStatement<'a>>,
}

impl Tables {
    pub(super) fn load(connection: &Connection) -> rusqlite::Result<Tables> {
        let mut select = connection.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'")?;
        let names =
            select.query_map([], |row| row.get(0))?.collect::<rusqlite::Result<BTreeSet<String>>>()?;
        let all = (0..=u8::MAX).map(Table);
        Ok(Tables(all.filter(|table| names.contains(&Kind::Number.name(*table))).collect()))
    }

    /// Applies the changes in their order, and creates what they need and is not there. Returns the tables
    /// that are new, to be added once the transaction has committed.
    pub(super) fn change(&self, connection: &Connection, rows: &[RowChange]) -> rusqlite::Result<Tables> {
        let new = self.create(connection, rows)?;
        let mut statements = Statements { connection, prepared: BTreeMap::new() };
        for row in rows.iter().filter(|row| self.0.contains(&row.table) || new.0.contains(&row.table)) {
            let key = Key::of(&row.key);
            match &row.value {
                Some(value) => statements.get(PUT, row.table, key)?.execute(params![key, value])?,
                None => statements.get(DELETE, row.table, key)?.execute([key])?,
            };
        }
        Ok(new)
    }

    pub(super) fn add(&mut self, new: Tables) {
        self.0.extend(new.0);
    }

    fn create(&self, connection: &Connection, rows: &[RowChange]) -> rusqlite::Result<Tables> {
        let put = rows.iter().filter(|row| row.value.is_some()).map(|row| row.table);
        let new: BTreeSet<Table> = put.filter(|table| !self.0.contains(table)).collect();
        for table in &new {
            connection.execute(&Kind::Number.statement(CREATE_NUMBER, *table), [])?;
            connection.execute(&Kind::Bytes.statement(CREATE_BYTES, *table), [])?;
        }
        Ok(Tables(new))
    }
}

impl Known {
    /// Whether the table is there, in the newest committed state at least.
    pub(super) fn has(&self, connection: &Connection, table: Table) -> rusqlite::Result<bool> {
        let known = &self.0[usize::from(table.0)];
        if known.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let found = connection
            .prepare_cached("SELECT 1 FROM sqlite_schema WHERE name = ?1")?
            .exists([Kind::Number.name(table)])?;
        known.fetch_or(found, Ordering::Relaxed);
        Ok(found)
    }
}

impl Default for Known {
    fn default() -> Known {
        Known(array::from_fn(|_| AtomicBool::new(false)))
    }
}

/// The value of one row of a table that is there.
pub(super) fn value(connection: &Connection, table: Table, key: &[u8]) -> rusqlite::Result<Option<Vec<u8>>> {
    let key = Key::of(key);
    let mut select = connection.prepare_cached(&key.kind().statement(VALUE, table))?;
    select.query_row([key], |row| row.get(0)).optional()
}

/// A page of rows of a table that is there.
pub(super) fn page(
    connection: &Connection,
    table: Table,
    range: &Range,
    limit: usize,
) -> rusqlite::Result<Result<Vec<Row>, Error>> {
    let (low, high) = range.interval();
    if low >= high {
        return Ok(Ok(Vec::new()));
    }
    // Both statements see the state that the first of them finds.
    let _transaction = connection.unchecked_transaction()?;
    let limit_each = page_size(limit);
    let way = range.direction as usize;
    let mut select = connection.prepare_cached(&Kind::Number.statement(NUMBERS[way], table))?;
    let numbers = match numbers_between(&low, &high) {
        Some((first, last)) => Some(
            select
                .query_map(params![first, last, limit_each], |row| Ok((key_of(row.get(0)?), row.get(1)?)))?,
        ),
        None => None,
    };
    let mut select = connection.prepare_cached(&Kind::Bytes.statement(BYTES[way], table))?;
    let bytes = select.query_map(params![low, high, limit_each], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let merged = merge(numbers.into_iter().flatten(), bytes, range.direction);
    let merged = merged.map(|row| row.map_err(failure::of_read));
    Ok(limits::page(merged, limit, |row: &Row| row.0.len() + row.1.len()))
}

impl Kind {
    fn name(self, table: Table) -> String {
        let Table(number) = table;
        match self {
            Kind::Number => format!("number_{number}"),
            Kind::Bytes => format!("bytes_{number}"),
        }
    }

    fn statement(self, text: &'static str, table: Table) -> String {
        text.replace('@', &self.name(table))
    }
}

impl Key<'_> {
    fn of(key: &[u8]) -> Key<'_> {
        match key.try_into() {
            Ok(number) => Key::Number(in_order(u64::from_be_bytes(number))),
            Err(_) => Key::Bytes(key),
        }
    }

    fn kind(self) -> Kind {
        match self {
            Key::Number(_) => Kind::Number,
            Key::Bytes(_) => Kind::Bytes,
        }
    }
}

impl ToSql for Key<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Key::Number(number) => ValueRef::Integer(*number),
            Key::Bytes(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

impl<'a> Statements<'a> {
    fn get(
        &mut self,
        text: &'static str,
        table: Table,
        key: Key<'_>,
    ) -> rusqlite::Result<&mut CachedStatement<'a>> {
        let kind = key.kind();
        match self.prepared.entry((table, kind, text)) {
            btree_map::Entry::Occupied(entry) => Ok(entry.into_mut()),
            btree_map::Entry::Vacant(entry) => {
                Ok(entry.insert(self.connection.prepare_cached(&kind.statement(text, table))?))
            }
        }
    }
}

/// The signed number that has the place of this one: the least for 0.
fn in_order(number: u64) -> i64 {
    (number ^ 1 << 63).cast_signed()
}

/// The key whose number in the table this is.
fn key_of(number: i64) -> Vec<u8> {
    (number.cast_unsigned() ^ 1 << 63).to_be_bytes().to_vec()
}

/// The first and last number of the keys of eight bytes with `low <= key < high`.
fn numbers_between(low: &[u8], high: &[u8]) -> Option<(i64, i64)> {
    let first = number_from(low)?;
    let last = match number_from(high) {
        Some(above) => above.checked_sub(1)?,
        None => u64::MAX,
    };
    (first <= last).then(|| (in_order(first), in_order(last)))
}

/// The least number whose eight bytes are not below `bytes`.
fn number_from(bytes: &[u8]) -> Option<u64> {
    let mut key = [0; 8];
    let known = bytes.len().min(key.len());
    key[..known].copy_from_slice(&bytes[..known]);
    // A key that `bytes` goes on from is below it.
    u64::from_be_bytes(key).checked_add(u64::from(bytes.len() > key.len()))
}

/// Two sequences in the order of `direction` as one. No key is in both.
fn merge(
    left: impl Iterator<Item = rusqlite::Result<Row>>,
    right: impl Iterator<Item = rusqlite::Result<Row>>,
    direction: Direction,
) -> impl Iterator<Item = rusqlite::Result<Row>> {
    let (mut left, mut right) = (left.peekable(), right.peekable());
    iter::from_fn(move || {
        let left_first = match (left.peek(), right.peek()) {
            (Some(Ok(left)), Some(Ok(right))) => match direction {
                Direction::Ascending => left.0 < right.0,
                Direction::Descending => left.0 > right.0,
            },
            (_, Some(Err(_))) => false,
            (left, _) => left.is_some(),
        };
        if left_first { left.next() } else { right.next() }
    })
}

#[cfg(test)]
mod tests;
