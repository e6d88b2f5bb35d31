//! A data directory, opened to read only: the audit of its store, then blobs against their names.

use std::{fs, path::Path};

use anyhow::Context as _;
use store::{BlobId, Sqlite, Store};
use tlog::VerifierKey;

use super::Checked;
use crate::keys;

const BLOBS: &str = "blobs";
const PROBLEMS_MAX: usize = 1_000;

pub(crate) fn directory(path: &Path, keys: &[VerifierKey], kept: &[String]) -> anyhow::Result<Checked> {
    let store = Sqlite::open_read_only(path)
        .context("only a directory that no server uses can be checked; a running one by its address")?;
    let (keys, key_note) = match (keys.is_empty(), keys::verifier(path)?) {
        (false, _) => (keys.to_vec(), None),
        (true, Some(own)) => (
            vec![own],
            Some("the key lies in the same directory; an auditor brings the one they kept, with --key"),
        ),
        (true, None) => anyhow::bail!("`{}` names no key; give the log's key with --key", path.display()),
    };
    let key = keys.first().cloned();
    let audit = engine::audit(&store, keys, kept)?;
    let mut problems = audit.rows.findings;
    problems.extend(audit.problems);
    let blobs = blobs(&store, path, &mut problems)?;
    Ok(Checked {
        what: format!("data directory {}", path.display()),
        report: audit.log,
        key,
        key_note,
        rows: Some(audit.rows.rows),
        bodies: true,
        rows_redacted: audit.rows.redacted,
        blobs: Some(blobs),
        problems,
    })
}

/// Compares each file below `blobs` with the hash that is its name.
fn blobs(store: &dyn Store, directory: &Path, problems: &mut Vec<String>) -> anyhow::Result<u64> {
    let mut count = 0;
    let root = directory.join(BLOBS);
    let Ok(shelves) = fs::read_dir(&root) else { return Ok(0) };
    for shelf in shelves {
        let shelf = shelf?;
        if !shelf.path().is_dir() || shelf.file_name() == "tmp" {
            continue;
        }
        for file in fs::read_dir(shelf.path())? {
            let name = file?.file_name().to_string_lossy().into_owned();
            let Ok(id) = name.parse::<BlobId>() else {
                note(problems, format!("file `{name}` in blobs has a name that is no hash"));
                continue;
            };
            count += 1;
            match store.open_blob(&id).map(|found| found.map(|mut stream| store::hash(&mut stream))) {
                Ok(Some(Ok((found, _)))) if found == id => {}
                Ok(Some(Ok(_))) => note(problems, format!("blob {id} has bytes that do not have its hash")),
                Ok(None) => note(problems, format!("blob {id} lies on the wrong shelf")),
                Ok(Some(Err(error))) => note(problems, format!("blob {id}: {error}")),
                Err(error) => note(problems, format!("blob {id}: {error}")),
            }
        }
    }
    Ok(count)
}

fn note(problems: &mut Vec<String>, problem: String) {
    if problems.len() < PROBLEMS_MAX {
        problems.push(problem);
    }
}
