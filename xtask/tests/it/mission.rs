//! That the map of the mission is true: each row says where a capability lives and which test shows it, and what the
//! row names exists. Rows of what is not built say so.

use std::collections::{BTreeMap, BTreeSet};

use crate::markdown;
use crate::tree::{self, Text};

const MAP: &str = "docs/mission.md";
/// The documents and the checklist have at least this many capabilities; fewer rows are not all of them.
const ROWS_MIN: usize = 250;
/// Why a row may stay open.
const OPEN: [&str; 8] = [
    "real connectors",
    "on-call rotations",
    "public status page",
    "regulator clocks",
    "chain anchor",
    "browser console",
    "S3 evidence store",
    "chat rooms",
];
const STATES: [&str; 3] = ["done", "open", "missing"];

struct Row {
    line: usize,
    id: String,
    capability: String,
    places: Vec<String>,
    shown_by: Vec<String>,
    state: String,
}

impl Row {
    fn kind(&self) -> &str {
        self.state.split(':').next().unwrap_or_default()
    }
}

/// The rows of the tables that have an id in their first cell, and what is wrong with those that cannot be read.
fn rows(text: &Text) -> (Vec<Row>, Vec<String>) {
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for (line, body) in markdown::prose(&text.body) {
        let Some(inner) = body.trim().strip_prefix('|').and_then(|rest| rest.strip_suffix('|')) else {
            continue;
        };
        let cells: Vec<&str> = inner.split('|').map(str::trim).collect();
        match cells.as_slice() {
            [id, capability, places, shown_by, state] if is_id(id) => rows.push(Row {
                line,
                id: (*id).to_owned(),
                capability: (*capability).to_owned(),
                places: spans(places),
                shown_by: spans(shown_by),
                state: (*state).to_owned(),
            }),
            [id, ..] if is_id(id) => {
                problems.push(format!("{MAP}:{line}: {id} has {} cells, five are expected", cells.len()));
            }
            _ => {}
        }
    }
    (rows, problems)
}

/// `000-12` and `C-31`: whose it is, and its number there.
fn is_id(cell: &str) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    cell.split_once('-').is_some_and(|(whose, number)| {
        digits(number) && (whose == "C" || (whose.len() == 3 && digits(whose)))
    })
}

fn spans(cell: &str) -> Vec<String> {
    markdown::code_spans(cell).into_iter().map(str::to_owned).collect()
}

fn twice(rows: &[Row]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let again = rows.iter().filter(|row| !seen.insert(&row.id));
    again.map(|row| format!("{MAP}:{}: {} stands there twice", row.line, row.id)).collect()
}

/// What one row says that is not so.
fn wrong(row: &Row, read: &impl Fn(&str) -> Option<String>) -> Vec<String> {
    let mut wrong = Vec::new();
    if row.capability.is_empty() {
        wrong.push("says nothing".to_owned());
    }
    let places = row.places.iter().filter(|place| read(place).is_none());
    wrong.extend(places.map(|place| format!("`{place}` does not exist")));
    wrong.extend(row.shown_by.iter().filter_map(|shown| not_shown(shown, read)));
    wrong.extend(not_a_state(row));
    wrong.into_iter().map(|what| format!("{MAP}:{}: {}: {what}", row.line, row.id)).collect()
}

/// A test is a function of a source file, or a file that is one: of content, or a drill.
fn not_shown(shown: &str, read: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let (path, function) = shown.split_once("::").map_or((shown, None), |(path, name)| (path, Some(name)));
    let Some(body) = read(path) else { return Some(format!("`{path}` does not exist")) };
    match function {
        Some(name) if is_test(&body, name) => None,
        Some(name) => Some(format!("`{path}` has no test `{name}`")),
        None if path.ends_with(".test.yaml") || path.starts_with("content/drills/") => None,
        None => Some(format!("`{shown}` names no test; write `{path}::name`")),
    }
}

/// Whether `fn name(` stands there and an attribute of a test right above it.
fn is_test(body: &str, name: &str) -> bool {
    let begins = [format!("fn {name}("), format!("async fn {name}(")];
    let lines: Vec<&str> = body.lines().map(str::trim).collect();
    let at = lines.iter().enumerate().filter(|(_, line)| begins.iter().any(|begin| line.starts_with(begin)));
    let is_attribute = |line: &&&str| line.starts_with("#[");
    at.into_iter().any(|(index, _)| {
        let above = lines.get(..index).unwrap_or_default();
        above.iter().rev().take_while(is_attribute).any(|line| line.contains("test"))
    })
}

fn not_a_state(row: &Row) -> Option<String> {
    let reason = row.state.strip_prefix("open: ");
    match (row.state.as_str(), reason) {
        ("done", _) if row.places.is_empty() || row.shown_by.is_empty() => {
            Some("is done without a place or without a test".to_owned())
        }
        ("done" | "missing", _) => None,
        (_, Some(reason)) if OPEN.contains(&reason) => None,
        (_, Some(reason)) => Some(format!("may not stay open for `{reason}`")),
        (state, None) if state.starts_with("missing: ") => None,
        (state, None) => Some(format!("`{state}` is no state; use done, open: REASON or missing")),
    }
}

/// The head counts the rows of each state in lines like `- done: 120`.
fn miscounted(text: &Text, rows: &[Row]) -> Vec<String> {
    let mut said: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, line) in markdown::prose(&text.body) {
        let Some((state, number)) = line.strip_prefix("- ").and_then(|line| line.split_once(": ")) else {
            continue;
        };
        if let Ok(number) = number.parse() {
            said.insert(state, number);
        }
    }
    let count = |state: &str| rows.iter().filter(|row| state == "rows" || row.kind() == state).count();
    let states = ["rows"].into_iter().chain(STATES);
    let differ = states.filter(|state| said.get(state) != Some(&count(state)));
    differ.map(|state| format!("{MAP}: the head has to say `- {state}: {}`", count(state))).collect()
}

fn problems(text: &Text, read: &impl Fn(&str) -> Option<String>) -> Vec<String> {
    let (rows, mut problems) = rows(text);
    problems.extend(twice(&rows));
    problems.extend(rows.iter().flat_map(|row| wrong(row, read)));
    problems.extend(miscounted(text, &rows));
    problems
}

/// What a path of the checkout holds; a folder holds nothing that counts.
fn read(path: &str) -> Option<String> {
    let inside = !path.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    (inside && tree::exists(path))
        .then(|| std::fs::read_to_string(tree::root().join(path)).unwrap_or_default())
}

#[test]
fn the_map_of_the_mission_is_true() {
    let map = tree::read(MAP);
    tree::none(&problems(&map, &read), "correct the row, or the counts in the head");
}

#[test]
fn the_map_has_every_document_and_the_checklist() {
    let (rows, _) = rows(&tree::read(MAP));
    assert!(rows.len() >= ROWS_MIN, "{} rows, at least {ROWS_MIN} are expected", rows.len());
    for whose in ["000-", "001-", "002-", "003-", "004-", "C-"] {
        let count = rows.iter().filter(|row| row.id.starts_with(whose)).count();
        assert!(count >= 20, "{count} rows of {whose}, at least 20 are expected");
    }
}

#[test]
fn planted_mistakes_are_found() {
    let read = |path: &str| match path {
        "a.rs" => Some("#[test]\nfn shows() {}\n\nfn helps() {}\n".to_owned()),
        "content/a.yaml" | "content/a.test.yaml" => Some(String::new()),
        _ => None,
    };
    let told =
        |row: &str, counts: &str| problems(&Text::new(MAP, &format!("{counts}\n{row}\n")), &read).join("; ");
    let one = "- rows: 1\n- done: 1\n- open: 0\n- missing: 0\n";
    assert_eq!(told("| C-1 | x | `a.rs` | `a.rs::shows`, `content/a.test.yaml` | done |", one), "");
    let mistakes = [
        ("| C-1 | x | `b.rs` | `a.rs::shows` | done |", "`b.rs` does not exist"),
        ("| C-1 | x | `a.rs` | `b.rs::shows` | done |", "`b.rs` does not exist"),
        ("| C-1 | x | `a.rs` | `a.rs::hides` | done |", "no test `hides`"),
        ("| C-1 | x | `a.rs` | `a.rs::show` | done |", "no test `show`"),
        ("| C-1 | x | `a.rs` | `a.rs::helps` | done |", "no test `helps`"),
        ("| C-1 | x | `a.rs` | `content/a.yaml` | done |", "names no test"),
        ("| C-1 | x | `a.rs` |  | done |", "without a test"),
        ("| C-1 | x |  | `a.rs::shows` | done |", "without a place"),
        ("| C-1 |  | `a.rs` | `a.rs::shows` | done |", "says nothing"),
        ("| C-1 | x | `a.rs` | `a.rs::shows` | nearly |", "is no state"),
        ("| C-1 | x |  |  | open: no time |", "may not stay open for `no time`"),
        ("| C-1 | x | `a.rs` | `a.rs::shows` | y | done |", "6 cells"),
        ("| C-1 | x |  |  | missing |", "`- done: 0`"),
        ("| C-1 | x | `a.rs` | `a.rs::shows` | done |\n| C-1 | x |  |  | open: chat rooms |", "twice"),
    ];
    for (row, expected) in mistakes {
        let found = told(row, one);
        assert!(found.contains(expected), "`{row}`: expected `{expected}`, found `{found}`");
    }
    assert!(told("| C-1 | x | `a.rs` | `a.rs::shows` | done |", "").contains("`- rows: 1`"));
    assert!(is_id("000-12") && is_id("C-1") && !is_id("C-") && !is_id("00-1") && !is_id("id"));
}
