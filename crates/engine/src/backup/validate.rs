//! Whether everything a platform keeps is what it was, while it runs: looked at on a copy as of one commit.

use tlog::VerifierKey;

use super::{Shelf, check, create_folder, make, record::told, remove_folder};
use crate::{Error, Reader};
use store::Sqlite;

/// In the data directory while it is looked at.
const WORK: &str = "validate.tmp";
/// So many findings are told of each.
const FINDINGS_MAX: usize = 100;

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
    pub fn validate(&self, log_key: VerifierKey) -> Result<Vec<Validated>, Error> {
        let mut all = {
            let _one = self.one();
            let work = self.data_dir().join(WORK);
            remove_folder(&work)?;
            create_folder(&work)?;
            let looked = self.look(&work, log_key);
            remove_folder(&work)?;
            looked?
        };
        all.push(self.validate_backup());
        Ok(all)
    }

    /// Whether the log verifies and the rows are what it says: what is wrong, and what was looked at.
    pub fn validate_log(&self, log_key: VerifierKey) -> Result<Validated, Error> {
        let looked_at = |all: &[Validated]| all.iter().map(|one| one.looked_at.clone()).collect::<Vec<_>>();
        let _one = self.one();
        let work = self.data_dir().join(WORK);
        remove_folder(&work)?;
        create_folder(&work)?;
        let looked = self.look(&work, log_key);
        remove_folder(&work)?;
        let all: Vec<Validated> =
            looked?.into_iter().filter(|one| ["log", "rows"].contains(&one.name)).collect();
        let looked_at = looked_at(&all).join(", ");
        Ok(Validated {
            name: "log",
            looked_at,
            findings: all.into_iter().flat_map(|one| one.findings).collect(),
        })
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
    pub fn validate_backup(&self) -> Validated {
        let newest = self.newest(None);
        let (looked_at, findings) = match newest {
            Ok(newest) => {
                let skipped = newest.skipped.iter().map(|(id, why)| format!("{id}: {why}")).collect();
                (newest.checked.manifest.id, skipped)
            }
            Err(error) => ("none".to_owned(), vec![told(&error)]),
        };
        Validated { name: "backup", looked_at, findings }
    }
}
