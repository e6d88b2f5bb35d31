//! That the documents exist, keep their size, and name files that exist.

use crate::tree::{self, Text};
use crate::{manifest, markdown};

const DECISION_LINES_MAX: usize = 60;
const CONTRIBUTING_LINES_MAX: usize = 150;
/// The way of an alert through the code has about a dozen stations; fewer paths are not that table.
const PATHS_MIN: usize = 8;

/// Code spans of table rows that can only be meant as a path of this repository.
fn table_paths(text: &Text, tops: &[String]) -> Vec<(usize, String)> {
    let mut paths = Vec::new();
    for (number, line) in markdown::prose(&text.body) {
        if !line.trim_start().starts_with('|') {
            continue;
        }
        let spans = markdown::code_spans(line).into_iter().filter(|span| is_path(span, tops));
        paths.extend(spans.map(|span| (number, span.to_owned())));
    }
    paths
}

fn is_path(span: &str, tops: &[String]) -> bool {
    let plain = !span.contains([' ', '*', '(', '<', ':']) && !span.starts_with('/');
    let first = span.split('/').next().unwrap_or_default();
    plain && (span.ends_with(".rs") || (span.contains('/') && tops.iter().any(|top| top == first)))
}

/// First parts of paths: folders of the root, and crates, which are easily written without `crates/`.
fn tops() -> Vec<String> {
    let crates = manifest::packages().into_iter().map(|package| package.folder);
    let crates = crates.filter_map(|folder| folder.rsplit('/').next().map(str::to_owned));
    ["crates", "xtask", "docs", "content", ".ci", ".cargo"]
        .map(str::to_owned)
        .into_iter()
        .chain(crates)
        .collect()
}

fn link_problems(text: &Text, exists: impl Fn(&str) -> bool) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in markdown::prose(&text.body) {
        for target in markdown::links(line).iter().filter(|target| markdown::is_internal(target)) {
            let path = markdown::resolve(&text.path, target);
            if !exists(&path) {
                problems.push(format!(
                    "{}:{number}: `{target}` leads to `{path}`, which does not exist",
                    text.path
                ));
            }
        }
    }
    problems
}

fn decision_problems(text: &Text) -> Vec<String> {
    let mut problems = Vec::new();
    let lines = text.body.lines().count();
    if lines > DECISION_LINES_MAX {
        problems.push(format!("{}: {lines} lines, at most {DECISION_LINES_MAX}", text.path));
    }
    if !text.body.lines().any(has_date) {
        problems.push(format!("{}: no line `Date: YYYY-MM-DD`", text.path));
    }
    problems
}

fn has_date(line: &str) -> bool {
    let line = line.replace(['*', '_', '-', ' '], "");
    line.strip_prefix("Date:").is_some_and(|date| date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()))
}

fn documents() -> Vec<Text> {
    tree::texts().into_iter().filter(|text| text.path.ends_with(".md")).collect()
}

#[test]
fn the_documents_of_the_house_exist() {
    let wanted =
        ["README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "LICENSE"];
    let missing: Vec<String> =
        wanted.iter().filter(|path| !tree::exists(path)).map(|path| format!("`{path}` is missing")).collect();
    tree::none(&missing, "write it");
}

#[test]
fn the_licence_is_apache_2() {
    let license = tree::read("LICENSE");
    assert!(license.body.contains("Apache License") && license.body.contains("Version 2.0, January 2004"));
    assert!(license.body.contains("END OF TERMS AND CONDITIONS"), "LICENSE is the whole text");
}

#[test]
fn the_path_table_of_the_architecture_is_true() {
    let architecture = tree::read("ARCHITECTURE.md");
    let paths = table_paths(&architecture, &tops());
    let code = paths.iter().filter(|(_, path)| path.starts_with("crates/") && path.ends_with(".rs")).count();
    assert!(
        code >= PATHS_MIN,
        "ARCHITECTURE.md names {code} source files in its tables, at least {PATHS_MIN} are expected: \
         the way of an alert in real file names, written like `crates/domain/src/alert.rs`"
    );
    let wrong = paths.iter().filter(|(_, path)| !tree::exists(path));
    let problems: Vec<String> =
        wrong.map(|(number, path)| format!("ARCHITECTURE.md:{number}: `{path}` does not exist")).collect();
    tree::none(&problems, "write paths from the root of the repository, as they are now");
}

#[test]
fn links_lead_somewhere() {
    let problems: Vec<String> =
        documents().iter().flat_map(|text| link_problems(text, tree::exists)).collect();
    tree::none(&problems, "mend the link or write the file");
}

#[test]
fn decisions_are_short_and_dated() {
    let documents = documents();
    let decisions = documents.iter().filter(|text| text.path.starts_with("docs/decisions/"));
    let records = decisions.filter(|text| !text.path.ends_with("/README.md"));
    tree::none(&records.flat_map(decision_problems).collect::<Vec<_>>(), "see docs/decisions/README.md");
}

#[test]
fn the_style_fits_on_few_pages() {
    let lines = tree::read("CONTRIBUTING.md").body.lines().count();
    assert!(
        lines <= CONTRIBUTING_LINES_MAX,
        "CONTRIBUTING.md: {lines} lines, at most {CONTRIBUTING_LINES_MAX}"
    );
}

#[test]
fn the_changelog_has_room_for_what_is_not_released() {
    let changelog = tree::read("CHANGELOG.md");
    let says = changelog.body.lines().any(|line| line == "## [Unreleased]");
    assert!(says, "CHANGELOG.md: the section `## [Unreleased]` is missing");
}

#[test]
fn planted_mistakes_are_found() {
    let text = Text::new("docs/a.md", "[x](b.md) [y](../c.md#d) `[z](z.md)`\n```\n[w](w.md)\n```\n");
    assert_eq!(
        link_problems(&text, |path| path == "docs/b.md"),
        ["docs/a.md:1: `../c.md#d` leads to `c.md`, which does not exist"]
    );
    let table =
        Text::new("A.md", "| `crates/a/src/b.rs` | `Node::step` | `/api/v2/…` | `store/tail` |\n`docs/x`\n");
    let tops = ["crates", "docs", "store"].map(str::to_owned);
    assert_eq!(
        table_paths(&table, &tops),
        [(1, "crates/a/src/b.rs".to_owned()), (1, "store/tail".to_owned())]
    );
    assert_eq!(decision_problems(&Text::new("d.md", &"x\n".repeat(61))).len(), 2);
    assert_eq!(decision_problems(&Text::new("d.md", "# A\n\n- Date: 2026-01-31\n")).len(), 0);
    assert_eq!(decision_problems(&Text::new("d.md", "**Date:** 2026-01-31\n")).len(), 0);
}
