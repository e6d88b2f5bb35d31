//! Reading content written by people: YAML with positions, limits and every problem at once.
//!
//! A file is parsed to a small tree first and only then turned into a type. The tree is what makes it safe (size,
//! depth, node and scalar limits; no anchors, aliases, merge keys or tags, so nothing can expand) and what makes
//! it helpful: a part that does not fit its type is reported, set aside, and the rest is read again. Fields a
//! type does not declare are always refused, whether or not the type says so.

mod deserializer;
mod nearest;
mod spanned;
#[cfg(test)]
mod tests;
mod tree;

use std::fmt;

use serde::de::DeserializeOwned;

pub use nearest::nearest;
pub use spanned::{Position, Spanned};

/// Largest file that is read, in bytes.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Deepest nesting of lists and mappings.
pub const MAX_DEPTH: usize = 64;
/// Most values and keys in one file.
pub const MAX_NODES: usize = 100_000;
/// Longest single text, in bytes.
pub const MAX_SCALAR_BYTES: usize = 64 * 1024;
/// Most problems reported for one file; later ones wait until these are mended.
pub const MAX_PROBLEMS: usize = 64;

/// Something wrong in a file, with the place to look. Ordered by path, then place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Problem {
    /// The file, as the caller named it.
    pub path: String,
    /// Line, counted from 1; 0 when the problem has no place in the file.
    pub line: u32,
    /// Column in characters, counted from 1; 0 when the problem has no place in the file.
    pub column: u32,
    /// What is wrong and what to do, as a lower-case fragment.
    pub message: String,
}

impl Problem {
    /// A problem at a place of a file.
    pub fn new(path: impl Into<String>, position: Position, message: impl Into<String>) -> Self {
        Self { path: path.into(), line: position.line, column: position.column, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}: {}", self.path, self.line, self.column, self.message)
    }
}

/// Reads the one YAML document in `text` as a `T`. `path` only labels the problems.
///
/// The value is `Some` exactly when there is no problem. A syntax error hides whatever follows it; problems of
/// shape (unknown, missing or twice-given fields, wrong types, refused values) are reported together, sorted by
/// place, up to [`MAX_PROBLEMS`]. Of one mapping's missing fields only the first is named.
pub fn read<T: DeserializeOwned>(path: &str, text: &str) -> (Option<T>, Vec<Problem>) {
    let (root, mut problems) = tree::parse(path, text);
    let value = root.and_then(|root| deserializer::deserialize::<T>(path, &root, &mut problems));
    problems.sort();
    problems.dedup();
    problems.truncate(MAX_PROBLEMS);
    (value.filter(|_| problems.is_empty()), problems)
}
