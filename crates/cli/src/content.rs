//! Where content comes from: the folder that was compiled in, or a folder on disk. Both are read by the same code.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Context as _, bail};
use domain::{
    content::{Content, decode, load, load_tested},
    document::{MAX_BYTES, Problem},
};

/// Path and text of each shipped file, in the order of the paths.
const SHIPPED: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/content.rs"));
/// More files than a content folder may have; what lies behind is not read.
const FILES_MAX: usize = 4_000;
const DEPTH_MAX: usize = 8;
/// So many problems are told with a refusal.
const LISTED_MAX: usize = 20;

/// Where to read content.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    Shipped,
    Folder(PathBuf),
}

pub(crate) fn shipped() -> &'static [(&'static str, &'static str)] {
    SHIPPED
}

fn shipped_files() -> BTreeMap<String, String> {
    SHIPPED.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())).collect()
}

impl Source {
    pub(crate) fn describe(&self) -> String {
        match self {
            Source::Shipped => "shipped".to_owned(),
            Source::Folder(path) => path.display().to_string(),
        }
    }

    /// The content, complete exactly when there is no problem. Every test in it is run.
    pub(crate) fn read(&self) -> anyhow::Result<(Content, Vec<Problem>)> {
        match self {
            Source::Shipped => Ok(load(&shipped_files())),
            Source::Folder(folder) => {
                let (files, mut problems) = read_folder(folder)?;
                let (content, more) = load(&files);
                problems.extend(more);
                Ok((content, problems))
            }
        }
    }

    /// The content, or all problems as one error. The tests of a folder are run, because nobody else may have;
    /// those of the shipped content passed before it was shipped.
    pub(crate) fn checked(&self) -> anyhow::Result<Arc<Content>> {
        let (content, problems) = match self {
            Source::Shipped => load_tested(&shipped_files()),
            Source::Folder(_) => self.read()?,
        };
        if problems.is_empty() {
            return Ok(Arc::new(content));
        }
        let list: Vec<String> = problems.iter().take(LISTED_MAX).map(|one| format!("\n  {one}")).collect();
        let (count, of) = (problems.len(), self.describe());
        let noun = if count == 1 { "problem" } else { "problems" };
        let all = format!("\nsee them all with `ringfence check {of}`");
        let more = if count > LISTED_MAX { all.as_str() } else { "" };
        bail!("content `{of}` has {count} {noun}:{}{more}", list.concat())
    }
}

/// The files of a content folder: path with `/` to text, and what could not be read as text.
pub(crate) fn read_folder(folder: &Path) -> anyhow::Result<(BTreeMap<String, String>, Vec<Problem>)> {
    let mut paths = Vec::new();
    collect(folder, 0, &mut paths).with_context(|| format!("cannot read folder `{}`", folder.display()))?;
    paths.sort();
    let (mut files, mut problems) = (BTreeMap::new(), Vec::new());
    for path in paths {
        let name = path.strip_prefix(folder).unwrap_or(&path).to_string_lossy().replace('\\', "/");
        match read_text(&path, &name)? {
            Ok(text) => drop(files.insert(name, text)),
            Err(problem) => problems.push(problem),
        }
    }
    Ok((files, problems))
}

/// One file as text, or the problem with it. A file that is too large is not read.
pub(crate) fn read_text(path: &Path, name: &str) -> anyhow::Result<Result<String, Problem>> {
    let failed = || format!("cannot read `{}`", path.display());
    let size = fs::metadata(path).with_context(failed)?.len();
    if size > MAX_BYTES as u64 {
        let message = format!("the file has {size} bytes; at most {MAX_BYTES} are read");
        return Ok(Err(Problem { path: name.to_owned(), line: 0, column: 0, message }));
    }
    Ok(decode(name, &fs::read(path).with_context(failed)?))
}

fn collect(folder: &Path, depth: usize, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let hidden = entry.file_name().to_string_lossy().starts_with('.');
        if hidden || paths.len() >= FILES_MAX {
            continue;
        }
        let path = entry.path();
        if path.is_dir() {
            if depth < DEPTH_MAX {
                collect(&path, depth + 1, paths)?;
            }
        } else {
            paths.push(path);
        }
    }
    Ok(())
}
