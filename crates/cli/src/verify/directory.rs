//! A data directory, opened to read only: checkpoints, tiles and entries through the verifier, then the state rows
//! against the fold of the entries, then blobs against their names.

use std::{fs, path::Path};

use anyhow::Context as _;
use engine::Table;
use store::{BlobId, Range, Sqlite, Store};
use tlog::{
    Verifier, VerifierKey,
    leaf::Body,
    tile::{Kind, Tile, WIDTH},
};

use super::Checked;
use crate::keys;

const PAGE: usize = 1_000;
/// Tiles of one level that are read at once; 8 KiB each.
const TILES: usize = 64;
/// Levels that a tree of 64-bit size has tiles of.
const LEVELS: u8 = 8;
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
    let mut problems = Vec::new();
    let report = log(&store, keys, kept, &mut problems)?;
    let verified = engine::verify_rows(&store)?;
    problems.extend(verified.findings);
    let blobs = blobs(&store, path, &mut problems)?;
    Ok(Checked {
        what: format!("data directory {}", path.display()),
        report,
        key,
        key_note,
        rows: Some(verified.rows),
        rows_redacted: verified.redacted,
        blobs: Some(blobs),
        problems,
    })
}

fn log(
    store: &dyn Store,
    keys: Vec<VerifierKey>,
    kept: &[String],
    problems: &mut Vec<String>,
) -> anyhow::Result<tlog::Report> {
    let mut verifier = Verifier::new(None, keys);
    checkpoints(store, &mut verifier)?;
    kept.iter().for_each(|note| verifier.push_kept(note));
    let mut levels: Vec<Level> = (0..LEVELS).map(Level::new).collect();
    let mut from = 0;
    loop {
        let page = store.read(from, PAGE)?;
        let Some(last) = page.last() else { break };
        let until = last.position + 1;
        for level in &mut levels {
            level.push_until(store, until, &mut verifier, problems)?;
        }
        for entry in &page {
            let body = entry.content.as_ref().map(|(salt, body)| Body { salt, body });
            verifier.push_entry(entry.position, &entry.envelope, body);
        }
        from = until;
    }
    for level in &mut levels {
        level.push_until(store, u64::MAX, &mut verifier, problems)?;
    }
    Ok(verifier.finish())
}

fn checkpoints(store: &dyn Store, verifier: &mut Verifier) -> anyhow::Result<()> {
    let mut range = Range::all();
    loop {
        let page = store.rows(table(Table::Checkpoint), &range, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        range = Range::all().after(last.clone());
        for (_, note) in &page {
            verifier.push_checkpoint(&String::from_utf8_lossy(note));
        }
    }
}

/// The stored tiles of one level, in order.
struct Level {
    level: u8,
    range: Range,
    page: std::vec::IntoIter<store::Row>,
    next: Option<(Tile, Vec<u8>)>,
    done: bool,
}

impl Level {
    fn new(level: u8) -> Level {
        let range = Range::prefix(vec![level]);
        Level { level, range, page: Vec::new().into_iter(), next: None, done: false }
    }

    /// Pushes the tiles that cover an entry before `until`, before those entries are pushed.
    fn push_until(
        &mut self,
        store: &dyn Store,
        until: u64,
        verifier: &mut Verifier,
        problems: &mut Vec<String>,
    ) -> anyhow::Result<()> {
        loop {
            let Some((tile, bytes)) = self.take(store, problems)? else { return Ok(()) };
            if until < u64::MAX && tile.first_position().is_none_or(|first| first >= until) {
                self.next = Some((tile, bytes));
                return Ok(());
            }
            verifier.push_tile(&tile, &bytes);
        }
    }

    fn take(
        &mut self,
        store: &dyn Store,
        problems: &mut Vec<String>,
    ) -> anyhow::Result<Option<(Tile, Vec<u8>)>> {
        if let Some(next) = self.next.take() {
            return Ok(Some(next));
        }
        loop {
            let Some((key, bytes)) = self.page.next() else {
                if self.done {
                    return Ok(None);
                }
                let page = store.rows(table(Table::Tile), &self.range, TILES)?;
                match page.last() {
                    Some((last, _)) => self.range = Range::prefix(vec![self.level]).after(last.clone()),
                    None => self.done = true,
                }
                self.page = page.into_iter();
                continue;
            };
            let index = key.get(1..).and_then(|rest| rest.try_into().ok()).map(u64::from_be_bytes);
            match index {
                Some(index) => {
                    let tile = Tile { kind: Kind::Hashes(self.level), index, width: WIDTH };
                    return Ok(Some((tile, bytes)));
                }
                None => note(problems, format!("a tile of level {} has a name that is none", self.level)),
            }
        }
    }
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
            match store.blob(&id) {
                Ok(Some(_)) => {}
                Ok(None) => note(problems, format!("blob {id} lies on the wrong shelf")),
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

fn table(table: Table) -> store::Table {
    store::Table(table as u8)
}
