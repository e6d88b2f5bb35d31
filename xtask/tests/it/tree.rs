//! The files of the checkout, read once for each test, and how a test reports what it found.

use std::fs;
use std::path::{Path, PathBuf};

/// One text file: its path from the workspace root, with `/`, and what stands in it.
pub(crate) struct Text {
    pub(crate) path: String,
    pub(crate) body: String,
}

impl Text {
    pub(crate) fn new(path: &str, body: &str) -> Self {
        Self { path: path.to_owned(), body: body.to_owned() }
    }

    /// Numbered from one, as editors do.
    pub(crate) fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.body.lines().enumerate().map(|(index, line)| (index + 1, line))
    }

    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// Code that is compiled only for tests: it may be long, and it is not part of the product.
    pub(crate) fn is_test(&self) -> bool {
        self.path.ends_with("/tests.rs")
            || self.path.contains("/tests/")
            || self.path.contains("/conformance/")
    }
}

const EXTENSIONS: &[&str] =
    &["rs", "md", "toml", "yaml", "yml", "json", "sh", "cedar", "html", "css", "js", "lock"];

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

/// Every text file of the checkout in the order of paths. Build output (marked by cargo) and data are left out.
pub(crate) fn texts() -> Vec<Text> {
    let mut found = Vec::new();
    collect(&root(), "", &mut found);
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(found.len() > 20, "only {} text files under {}", found.len(), root().display());
    found
}

/// The Rust files.
pub(crate) fn rust() -> Vec<Text> {
    texts().into_iter().filter(Text::is_rust).collect()
}

/// One file that must exist.
pub(crate) fn read(path: &str) -> Text {
    match fs::read_to_string(root().join(path)) {
        Ok(body) => Text { path: path.to_owned(), body },
        Err(error) => panic!("`{path}` must exist and be text: {error}"),
    }
}

pub(crate) fn exists(path: &str) -> bool {
    root().join(path).exists()
}

/// Fails with every problem at once.
pub(crate) fn none(problems: &[String], what_to_do: &str) {
    assert!(problems.is_empty(), "\n{}\nwhat to do: {what_to_do}\n", problems.join("\n"));
}

fn collect(folder: &Path, prefix: &str, found: &mut Vec<Text>) {
    for entry in fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let path = format!("{prefix}{name}");
        let kind = entry.file_type().unwrap();
        if kind.is_dir() && !is_left_out(&entry.path(), &name) {
            collect(&entry.path(), &format!("{path}/"), found);
        } else if kind.is_file()
            && is_text(&path)
            && let Ok(body) = fs::read_to_string(entry.path())
        {
            found.push(Text { path, body });
        }
    }
}

fn is_left_out(folder: &Path, name: &str) -> bool {
    [".git", "ringfence-data", "proptest-regressions"].contains(&name) || folder.join("CACHEDIR.TAG").exists()
}

fn is_text(path: &str) -> bool {
    let extension = Path::new(path).extension().and_then(|extension| extension.to_str());
    extension.is_some_and(|extension| EXTENSIONS.contains(&extension)) || path.starts_with(".ci/")
}
