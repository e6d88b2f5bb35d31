//! Collecting problems of one file, and the checks that all kinds of content share.

use std::{collections::BTreeMap, fmt::Display};

use serde::de::DeserializeOwned;

use super::Files;
use crate::{
    document::{MAX_PROBLEMS, Position, Problem, Spanned, nearest, read},
    time::Span,
};

/// Longest id, verb or name, in bytes.
const MAX_NAME_BYTES: usize = 100;

/// Where the problems of one file go.
pub(super) struct Report<'r> {
    path: &'r str,
    problems: &'r mut Vec<Problem>,
}

/// A file as a document of its kind, if it is one, and where its problems go.
pub(super) fn read_reported<'r, D: DeserializeOwned>(
    path: &'r str,
    text: &str,
    problems: &'r mut Vec<Problem>,
) -> (Option<D>, Report<'r>) {
    let (document, found) = read(path, text);
    let mut report = Report::new(path, problems);
    report.add(found);
    (document, report)
}

/// The one file of a kind; nothing where there is none, or where it cannot be read, which is told.
pub(super) fn only<'r, D: DeserializeOwned>(
    files: &Files<'r>,
    problems: &'r mut Vec<Problem>,
) -> Option<(D, Report<'r>)> {
    let (path, text) = files.first()?;
    let (document, report) = read_reported(path, text, problems);
    Some((document?, report))
}

impl<'r> Report<'r> {
    pub(super) fn new(path: &'r str, problems: &'r mut Vec<Problem>) -> Self {
        Report { path, problems }
    }

    pub(super) fn path(&self) -> &str {
        self.path
    }

    /// How many problems there are so far, in all files.
    pub(super) fn count(&self) -> usize {
        self.problems.len()
    }

    pub(super) fn add(&mut self, problems: Vec<Problem>) {
        self.problems.extend(problems);
    }

    /// A problem of the file as a whole.
    pub(super) fn file(&mut self, message: impl Into<String>) {
        self.problems.push(Problem::new(self.path, Position::default(), message));
    }

    pub(super) fn position(&mut self, position: Position, message: impl Into<String>) {
        self.problems.push(Problem::new(self.path, position, message));
    }

    pub(super) fn at<T>(&mut self, place: &Spanned<T>, message: impl Into<String>) {
        self.problems.push(place.problem_here(self.path, message));
    }

    /// A problem at a byte offset inside a text.
    pub(super) fn inside(&mut self, text: &Spanned<String>, offset: usize, message: impl Into<String>) {
        self.problems.push(text.problem(self.path, offset, message));
    }

    /// An id: `[a-z][a-z0-9_]*`.
    pub(super) fn id(&mut self, what: &str, id: &Spanned<String>) {
        if !is_id(id) {
            let id_shown = shorten(id);
            self.at(
                id,
                format!(
                    "{what} `{id_shown}` must be lower-case letters, digits and `_`, starting with a letter"
                ),
            );
        }
    }

    /// A length of time within bounds; the lower bound when it is wrong, so that reading can go on.
    pub(super) fn span(&mut self, what: &str, text: &Spanned<String>, least: Span, most: Span) -> Span {
        match text.parse::<Span>() {
            Ok(span) if (least..=most).contains(&span) => span,
            Ok(span) => {
                self.at(text, format!("{what} of {span} is out of bounds; use {least} to {most}"));
                least
            }
            Err(message) => {
                self.at(text, format!("{what}: {}", shorten(&message)));
                least
            }
        }
    }

    /// A name that people read: one line, not empty, not too long.
    pub(super) fn line(&mut self, what: &str, text: &Spanned<String>) {
        if text.trim().is_empty() {
            self.at(text, format!("{what} is empty; write what people should read"));
        } else if text.len() > MAX_NAME_BYTES || text.chars().any(char::is_control) {
            self.at(text, format!("{what} must be one line of at most {MAX_NAME_BYTES} bytes"));
        }
    }

    /// Tells about each entry that stands in the list a second time.
    pub(super) fn unique(&mut self, what: &str, list: &[Spanned<String>]) {
        for (index, item) in list.iter().enumerate() {
            if list[..index].contains(item) {
                self.at(item, format!("{what} `{}` is listed twice; remove one", shorten(item)));
            }
        }
    }
}

/// Ids seen so far with the place of each, so that the second one can name the first.
#[derive(Default)]
pub(super) struct Seen(BTreeMap<String, (String, Position)>);

impl Seen {
    /// Whether the id is new; if not, that is reported.
    pub(super) fn insert(&mut self, what: &str, id: &Spanned<String>, report: &mut Report<'_>) -> bool {
        if let Some((path, place)) = self.0.get(&id.value) {
            let first = format!("{path}:{}:{}", place.line, place.column);
            report.at(id, format!("{what} `{}` is already defined at {first}; rename one", shorten(id)));
            return false;
        }
        self.0.insert(id.value.clone(), (report.path().to_owned(), id.position()));
        true
    }
}

pub(super) fn is_id(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= MAX_NAME_BYTES
        && bytes.next().is_some_and(|first| first.is_ascii_lowercase())
        && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
}

/// `unknown KIND `name`` with the nearest known name, or a list when there are few.
pub(super) fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    const FEW: usize = 15;
    let known: Vec<&str> = known.collect();
    let shown = shorten(name);
    if let Some(nearest) = nearest(name, known.iter().copied()) {
        return format!("unknown {what} `{shown}`; did you mean `{nearest}`?");
    }
    match known.len() {
        0 => format!("unknown {what} `{shown}`; none is defined"),
        1..=FEW => format!("unknown {what} `{shown}`; known: {}", quoted(&known)),
        _ => format!("unknown {what} `{shown}`; {} are defined", known.len()),
    }
}

pub(super) fn quoted<T: Display>(names: &[T]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// What a person wrote, for a message: on one line and not too long.
pub(super) fn shorten(text: &str) -> String {
    const SHOWN: usize = 120;
    let mut shown: String =
        text.chars().take(SHOWN).map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// Sorted, each once, and at most [`MAX_PROBLEMS`] a file.
pub(super) fn settle(mut problems: Vec<Problem>) -> Vec<Problem> {
    problems.sort();
    problems.dedup();
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    problems.retain(|problem| {
        let count = counts.entry(problem.path.clone()).or_default();
        *count += 1;
        *count <= MAX_PROBLEMS
    });
    problems
}
