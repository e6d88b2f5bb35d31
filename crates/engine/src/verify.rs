//! What an auditor checks of a whole store: the log with its checkpoints and tiles, then every state row against the
//! fold of the entries, and what stands in the store without a reason.

mod log;
mod rows;

use std::collections::BTreeSet;

use store::{Range, Store};
use tlog::{Report, VerifierKey};

use crate::{Error, rows::Table};

pub use rows::{Verified, verify_rows};

/// At most this many problems are kept.
const PROBLEMS_MAX: usize = 1_000;
/// Tables have one byte for their number.
const TABLES: std::ops::RangeInclusive<u8> = 0..=u8::MAX;

/// What a check of a whole store found.
#[derive(Debug)]
pub struct Audit {
    /// Entries, tiles and checkpoints, against the trusted keys and the kept checkpoints.
    pub log: Report,
    /// State rows against the fold of the entries.
    pub rows: Verified,
    /// What else is wrong, in plain words that say where.
    pub problems: Vec<String>,
}

impl Audit {
    pub fn is_clean(&self) -> bool {
        self.log.is_clean() && self.rows.findings.is_empty() && self.problems.is_empty()
    }

    /// Everything that is wrong, one line each.
    pub fn findings(&self) -> impl Iterator<Item = String> {
        let log = self.log.findings.iter().map(ToString::to_string);
        log.chain(self.rows.findings.iter().cloned()).chain(self.problems.iter().cloned())
    }
}

/// Checks everything but blobs, which the store keeps under their hash: against the keys that the auditor trusts, and
/// against the checkpoints that they kept. Reads only, and holds little in memory beside one hash for each row.
///
/// # Errors
/// [`Error::Store`] when something cannot be read at all, which is a finding too.
pub fn audit(store: &dyn Store, keys: Vec<VerifierKey>, kept: &[String]) -> Result<Audit, Error> {
    let mut problems = Problems::default();
    let log = log::check(store, keys, kept, &mut problems)?;
    let rows = verify_rows(store)?;
    unknown_tables(store, &mut problems)?;
    Ok(Audit { log, rows, problems: problems.0 })
}

/// Nothing of ours stands outside the known tables.
fn unknown_tables(store: &dyn Store, problems: &mut Problems) -> Result<(), Error> {
    let known: BTreeSet<u8> = Table::ALL.into_iter().map(|table| table as u8).collect();
    for number in TABLES.filter(|number| !known.contains(number)) {
        if !store.rows(store::Table(number), &Range::all(), 1)?.is_empty() {
            problems.add(format!("table {number} has rows, and there is no such table; remove them"));
        }
    }
    Ok(())
}

#[derive(Default)]
pub(crate) struct Problems(Vec<String>);

impl Problems {
    fn add(&mut self, problem: String) {
        if self.0.len() < PROBLEMS_MAX {
            self.0.push(problem);
        }
    }
}
