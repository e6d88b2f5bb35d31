//! That the lints stand as agreed and that every crate is under them.

use crate::manifest;
use crate::tree::{self, Text};

const PURE: &[&str] = &["domain", "tlog"];

const WORKSPACE_LINTS: &[&str] = &[
    "unsafe_code = \"forbid\"",
    "unwrap_used = \"warn\"",
    "expect_used = \"warn\"",
    "wildcard_enum_match_arm = \"warn\"",
    "too_many_lines = \"warn\"",
    "allow_attributes = \"warn\"",
    "allow_attributes_without_reason = \"warn\"",
    "print_stdout = \"warn\"",
    "print_stderr = \"warn\"",
    "disallowed_methods = \"warn\"",
    "disallowed_types = \"warn\"",
];

/// What the clock, chance and the outside are called in the standard library and in the time library.
fn clock_problems(config: &Text, uses_jiff: bool) -> Vec<String> {
    let standard =
        ["std::time::SystemTime::now", "std::time::Instant::now", "std::thread::spawn", "std::env::var"];
    let jiff = ["jiff::Timestamp::now", "jiff::Zoned::now"];
    let wanted = standard.into_iter().chain(jiff.into_iter().filter(|_| uses_jiff));
    let missing = wanted.filter(|path| !config.body.contains(&format!("path = \"{path}\"")));
    missing.map(|path| format!("{}: `{path}` is not among disallowed-methods", config.path)).collect()
}

#[test]
fn functions_are_limited_to_seventy_lines() {
    let configs: Vec<Text> =
        tree::texts().into_iter().filter(|text| text.path.ends_with("clippy.toml")).collect();
    // A crate's own file replaces the root's, so each must say it.
    assert!(configs.len() > PURE.len(), "the root and the pure crates have a clippy.toml each");
    for config in configs {
        let says = config.body.lines().any(|line| line == "too-many-lines-threshold = 70");
        assert!(says, "{}: too-many-lines-threshold = 70 is missing", config.path);
    }
}

#[test]
fn pure_crates_cannot_ask_for_the_time() {
    let packages = manifest::packages();
    for name in PURE {
        let package = packages.iter().find(|package| package.name == *name).unwrap();
        let uses_jiff = package.dependencies.iter().any(|dependency| dependency.name == "jiff");
        let config = tree::read(&format!("{}/clippy.toml", package.folder));
        tree::none(&clock_problems(&config, uses_jiff), "ban it; time is a parameter");
    }
}

#[test]
fn the_workspace_keeps_its_lints() {
    let manifest = tree::read("Cargo.toml");
    for lint in WORKSPACE_LINTS {
        assert!(manifest.body.lines().any(|line| line == *lint), "Cargo.toml: `{lint}` is missing");
    }
    assert!(manifest.body.contains("overflow-checks = true"), "release builds check for overflow");
}

#[test]
fn every_crate_is_under_the_lints_of_the_workspace() {
    for package in manifest::packages() {
        let manifest = tree::read(&format!("{}/Cargo.toml", package.folder));
        assert!(manifest.body.contains("[lints]\nworkspace = true"), "{}: [lints] is missing", manifest.path);
        let is_library = tree::exists(&format!("{}/src/lib.rs", package.folder));
        let no_doctest = manifest.body.contains("doctest = false");
        assert!(!is_library || no_doctest, "{}: [lib] doctest = false is missing", manifest.path);
    }
}

#[test]
fn a_missing_ban_is_found() {
    let config = Text::new("clippy.toml", "{ path = \"std::time::Instant::now\", reason = \"\" },\n");
    assert_eq!(clock_problems(&config, false).len(), 3);
    assert_eq!(clock_problems(&config, true).len(), 5);
}
