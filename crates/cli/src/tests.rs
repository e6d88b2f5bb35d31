//! The command line as a whole: it is consistent, every verb has an example, and the reference lists it.

use std::{fmt::Write as _, fs, path::Path};

use clap::{Command, CommandFactory as _};

use crate::args::Cli;

fn leaves(command: &Command, path: &str, found: &mut Vec<(String, Command)>) {
    for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
        let path = format!("{path} {}", sub.get_name());
        if sub.has_subcommands() {
            leaves(sub, &path, found);
        } else {
            found.push((path, sub.clone()));
        }
    }
}

fn all() -> (Command, Vec<(String, Command)>) {
    let mut command = Cli::command().term_width(100);
    command.build();
    let mut found = Vec::new();
    leaves(&command, "ringfence", &mut found);
    (command, found)
}

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn every_verb_has_an_example_and_knows_json() {
    let (_, verbs) = all();
    assert!(verbs.len() > 40, "{} verbs", verbs.len());
    for (path, verb) in &verbs {
        let help = verb.clone().render_long_help().to_string();
        assert!(help.contains("Example:") || help.contains("Examples:"), "`{path} --help` has no example");
        assert!(help.contains("--json"), "`{path} --help` has no --json");
        assert!(help.contains(path.as_str()), "the example of `{path}` does not show it");
    }
}

#[test]
fn the_reference_is_what_the_program_says() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    let expect = reference();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &expect).unwrap();
    }
    let found = fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == expect,
        "docs/reference/cli.md is not up to date; run the tests of this crate with UPDATE=1"
    );
}

fn reference() -> String {
    let (command, verbs) = all();
    let mut text = String::from(
        "# Command line\n\nGenerated from the program; `UPDATE=1 cargo test -p ringfence reference` writes it anew.\n\n\
         Exit codes: 0 done, 1 refused or not met, 2 the command line is wrong. Errors go to standard error and say \
         what, where and what to do. With `--json` every command prints one JSON value whose form is stable. Colours \
         appear on a terminal only, and never when `NO_COLOR` is set. Control characters in data are printed as \
         escapes.\n\nThe token is taken from `--token-file`, else from the environment variable `RINGFENCE_TOKEN`, \
         else from `admin.token` of the data directory, and that one only for the server of that directory.\n\n",
    );
    text.push_str("## Options of every command\n\n");
    for arg in command.get_arguments().filter(|arg| arg.is_global_set()) {
        let _ =
            writeln!(text, "- `--{}`: {}", arg.get_id().as_str().replace('_', "-"), arg.get_help().unwrap());
    }
    text.push_str("\n## Commands\n");
    for (path, verb) in verbs {
        let help = verb.clone().mut_args(|arg| if arg.is_global_set() { arg.hide(true) } else { arg });
        let help = help.clone().render_long_help().to_string();
        let help: Vec<&str> = help.lines().map(str::trim_end).collect();
        let _ = write!(text, "\n### `{}`\n\n```text\n{}\n```\n", path, help.join("\n").trim_end());
    }
    text
}
