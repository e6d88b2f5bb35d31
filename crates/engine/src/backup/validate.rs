//! Whether everything a platform keeps is what it was, while it runs: looked at on a copy as of one commit.

use std::collections::BTreeMap;

use domain::time::Timestamp;
use tlog::VerifierKey;

use super::{Shelf, check, create_folder, make, record::told, remove_folder};
use crate::{Error, Reader};
use store::Sqlite;

/// In the data directory while it is looked at.
const WORK: &str = "validate.tmp";
/// So many findings are told of each.
const FINDINGS_MAX: usize = 100;

/// The newest look at each, with its time.
pub(super) type Looks = BTreeMap<&'static str, (Timestamp, Validated)>;

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated {
    /// `log`, `rows`, `database`, `blobs` or `backup`.
    pub name: &'static str,
    /// What was looked at, in plain words.
    pub looked_at: String,
    /// What is wrong; nothing if it holds.
    pub findings: Vec<String>,
}

impl Shelf {
    /// Looks at log, rows, database, blobs and the newest backup. May take long.
    pub fn validate(&self, log_key: VerifierKey, now: Timestamp) -> Result<Vec<Validated>, Error> {
        let mut all = {
            let _one = self.one();
            let work = self.data_dir().join(WORK);
            remove_folder(&work)?;
            create_folder(&work)?;
            let looked = self.look(&work, log_key);
            remove_folder(&work)?;
            looked?
        };
        self.note(of_log(&all), now);
        all.push(self.validate_backup(now));
        Ok(all)
    }

    /// The newest look at `log` or `backup` since the start, whoever asked for it, and when that was. Waits for nothing.
    pub fn newest_look(&self, name: &str) -> Option<(Timestamp, Validated)> {
        self.looks().get(name).cloned()
    }

    fn note(&self, looked: Validated, now: Timestamp) {
        self.looks().insert(looked.name, (now, looked));
    }

    /// Whether the log verifies and the rows are what it says: what is wrong, and what was looked at.
    pub fn validate_log(&self, log_key: VerifierKey, now: Timestamp) -> Result<Validated, Error> {
        let _one = self.one();
        let work = self.data_dir().join(WORK);
        remove_folder(&work)?;
        create_folder(&work)?;
        let looked = self.look(&work, log_key);
        remove_folder(&work)?;
        let log = of_log(&looked?);
        self.note(log.clone(), now);
        Ok(log)
    }

    fn look(&self, work: &std::path::Path, log_key: VerifierKey) -> Result<Vec<Validated>, Error> {
        make::copy_sealed(self.data_dir(), work)?;
        let damage = Sqlite::damage(work)?;
        let store = std::sync::Arc::new(Sqlite::open_read_only(work)?);
        let audit = crate::audit(&*store, vec![log_key], &[])?;
        let mut log: Vec<String> = audit.log.findings.iter().map(ToString::to_string).collect();
        log.extend(audit.problems.iter().cloned());
        let mut blobs = Vec::new();
        let count = check::blobs(&Reader::new(store), self.data_dir(), &mut blobs)?;
        let entry = |name, looked_at: String, mut findings: Vec<String>| {
            findings.truncate(FINDINGS_MAX);
            Validated { name, looked_at, findings }
        };
        Ok(vec![
            entry("log", format!("{} entries", audit.log.entries), log),
            entry("rows", format!("{} rows", audit.rows.rows), audit.rows.findings),
            entry("database", "the pages of a copy as of one commit".to_owned(), damage),
            entry("blobs", format!("{count} blobs"), blobs),
        ])
    }

    /// Whether a platform could go on from the newest backup. Also one that was never made is a finding: without it there
    /// is nothing to go back to.
    pub fn validate_backup(&self, now: Timestamp) -> Validated {
        let newest = self.newest(None);
        let (looked_at, findings) = match newest {
            Ok(newest) => {
                let skipped = newest.skipped.iter().map(|(id, why)| format!("{id}: {why}")).collect();
                (newest.checked.manifest.id, skipped)
            }
            Err(error) => ("none".to_owned(), vec![told(&error)]),
        };
        let looked = Validated { name: "backup", looked_at, findings };
        self.note(looked.clone(), now);
        looked
    }
}

/// The log and the rows, which follow from it, as one.
fn of_log(all: &[Validated]) -> Validated {
    let both = || all.iter().filter(|one| ["log", "rows"].contains(&one.name));
    let looked_at = both().map(|one| one.looked_at.as_str()).collect::<Vec<_>>().join(", ");
    let findings = both().flat_map(|one| one.findings.iter().cloned()).collect();
    Validated { name: "log", looked_at, findings }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_look_is_kept_with_its_time_and_read_while_another_one_is_under_way() {
        let folder = tempfile::tempdir().unwrap();
        let shelf = Shelf::new(folder.path(), folder.path().join("backups"));
        assert_eq!(shelf.newest_look("backup"), None);
        for at in [Timestamp(1), Timestamp(2)] {
            let looked = shelf.validate_backup(at);
            assert!(!looked.findings.is_empty(), "there is none");
            let _one = shelf.one();
            assert_eq!(shelf.newest_look("backup"), Some((at, looked)));
        }
        assert_eq!(shelf.newest_look("log"), None);
    }
}
