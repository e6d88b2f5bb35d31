//! Where the public test cases lie.

use std::path::PathBuf;

/// Folder `name` of the corpus.
#[expect(clippy::disallowed_methods, reason = "tests may read the corpus")]
pub(crate) fn folder(name: &str) -> PathBuf {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let corpus = std::env::var("RINGFENCE_CORPUS").unwrap_or_else(|_| default.to_owned());
    let folder = PathBuf::from(corpus).join(name);
    assert!(
        folder.is_dir(),
        "the corpus folder {} is missing; set RINGFENCE_CORPUS to the corpus",
        folder.display()
    );
    folder
}

#[expect(clippy::disallowed_methods, reason = "tests may read the corpus")]
pub(crate) fn read(path: PathBuf) -> Vec<u8> {
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn text(path: PathBuf) -> String {
    String::from_utf8(read(path)).unwrap()
}

/// All files below `folder` whose name ends in `suffix`, sorted.
pub(crate) fn files(folder: PathBuf, suffix: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(path, suffix));
        } else if path.to_string_lossy().ends_with(suffix) {
            found.push(path);
        }
    }
    found.sort();
    found
}
