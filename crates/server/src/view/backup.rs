//! A backup as it is shown, and what a look at everything found.

use engine::backup::{Checked, Listed, Validated};
use schemars::JsonSchema;
use serde::Serialize;

use super::text;

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Backup {
    pub(crate) id: String,
    pub(crate) bytes: u64,
    /// Where it lies on the server.
    pub(crate) path: String,
    pub(crate) made_at: Option<String>,
    /// Of the program that wrote it.
    pub(crate) version: Option<String>,
    /// How many entries of the log it holds, and the root over them.
    pub(crate) entries: Option<u64>,
    pub(crate) root: Option<String>,
    pub(crate) checkpoint: Option<String>,
    pub(crate) content: Option<String>,
    pub(crate) blobs: Option<u64>,
    /// Why it does not open.
    pub(crate) problem: Option<String>,
}

/// A backup that was just made.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Made {
    #[serde(flatten)]
    pub(crate) backup: Backup,
    /// The key was made with it. Whoever has lost it has lost every backup.
    pub(crate) new_key: bool,
    /// Where the key lies on the server; keep a copy elsewhere.
    pub(crate) key_file: String,
}

/// One that was passed over, and why.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "SkippedBackup")]
pub(crate) struct Skipped {
    pub(crate) id: String,
    pub(crate) why: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Verified {
    pub(crate) id: String,
    pub(crate) ok: bool,
    pub(crate) entries: u64,
    pub(crate) rows: u64,
    pub(crate) blobs: u64,
    pub(crate) problems: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Integrity {
    /// Nothing was found.
    pub(crate) ok: bool,
    pub(crate) checks: Vec<Look>,
}

/// One thing that was looked at.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Look {
    /// `log`, `rows`, `database`, `blobs` or `backup`.
    pub(crate) name: &'static str,
    pub(crate) ok: bool,
    pub(crate) looked_at: String,
    pub(crate) findings: Vec<String>,
}

impl From<&Listed> for Backup {
    fn from(listed: &Listed) -> Backup {
        let manifest = listed.manifest.as_ref().ok();
        Backup {
            id: listed.id.clone(),
            bytes: listed.bytes,
            path: listed.path.display().to_string(),
            made_at: manifest.map(|manifest| text(manifest.made_at)),
            version: manifest.map(|manifest| manifest.version.clone()),
            entries: manifest.map(|manifest| manifest.entries),
            root: manifest.map(|manifest| manifest.root.clone()),
            checkpoint: manifest.map(|manifest| manifest.checkpoint.clone()),
            content: manifest.map(|manifest| manifest.content.clone()),
            blobs: manifest.map(|manifest| manifest.blobs),
            problem: listed.manifest.as_ref().err().cloned(),
        }
    }
}

impl From<Checked> for Verified {
    fn from(checked: Checked) -> Verified {
        Verified {
            id: checked.manifest.id,
            ok: checked.problems.is_empty(),
            entries: checked.manifest.entries,
            rows: checked.rows,
            blobs: checked.blobs,
            problems: checked.problems,
        }
    }
}

impl From<Vec<Validated>> for Integrity {
    fn from(all: Vec<Validated>) -> Integrity {
        let look = |one: Validated| Look {
            name: one.name,
            ok: one.findings.is_empty(),
            looked_at: one.looked_at,
            findings: one.findings,
        };
        let checks: Vec<Look> = all.into_iter().map(look).collect();
        Integrity { ok: checks.iter().all(|check| check.ok), checks }
    }
}
