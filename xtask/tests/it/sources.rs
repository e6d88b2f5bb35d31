//! What every source file keeps to: a head, a length, no unfinished business, nothing of one machine.

use crate::tree::{self, Text};

const LINES_MAX: usize = 800;

/// A rule over the lines of a file; the words are put together so that this file does not break them itself.
struct Banned {
    word: String,
    why: &'static str,
}

fn unfinished() -> Vec<Banned> {
    let banned = |parts: [&str; 2], why| Banned { word: parts.concat(), why };
    vec![
        banned(["TO", "DO"], "finish it, or write an issue"),
        banned(["FIX", "ME"], "finish it, or write an issue"),
        banned(["to", "do!("], "finish it"),
        banned(["unimple", "mented!("], "finish it"),
        banned(["db", "g!("], "remove it"),
        banned(["#[ig", "nore"], "a test runs or does not exist"),
        banned(["#[al", "low("], "use #[expect(…, reason = \"…\")]"),
        banned(["#![al", "low("], "use #![expect(…, reason = \"…\")]"),
    ]
}

fn of_one_machine() -> Vec<Banned> {
    let banned = |parts: [&str; 2]| Banned { word: parts.concat(), why: "a path of somebody's machine" };
    vec![banned(["/wo", "rk/"]), banned(["/tmp", "/rf"]), banned(["/ro", "ot"])]
}

fn line_problems(text: &Text, banned: &[Banned]) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in text.lines() {
        for banned in banned.iter().filter(|banned| has_word(line, &banned.word)) {
            problems.push(format!("{}:{number}: `{}`: {}", text.path, banned.word, banned.why));
        }
    }
    problems
}

/// True if the word stands alone: no letter, digit or underscore touches it where it has a letter itself.
fn has_word(line: &str, word: &str) -> bool {
    let joins = |c: Option<char>| c.is_some_and(|c| c.is_alphanumeric() || c == '_');
    line.match_indices(word).any(|(at, _)| {
        let touched_before = joins(line[..at].chars().next_back());
        let ends_open = word.ends_with(|c: char| c.is_alphanumeric());
        let touched_after = ends_open && joins(line[at + word.len()..].chars().next());
        !touched_before && !touched_after
    })
}

fn head_problem(text: &Text) -> Option<String> {
    let is_module = text.path.contains("/src/");
    (is_module && !text.body.starts_with("//!"))
        .then(|| format!("{}: does not start with `//!` and what the module is for", text.path))
}

fn length_problem(text: &Text) -> Option<String> {
    let lines = text.body.lines().count();
    (!text.is_test() && lines > LINES_MAX)
        .then(|| format!("{}: {lines} lines, at most {LINES_MAX} without tests", text.path))
}

fn space_problems(text: &Text) -> Vec<String> {
    let mut problems = Vec::new();
    for (number, line) in text.lines() {
        if line.ends_with([' ', '\t', '\r']) {
            problems.push(format!("{}:{number}: space at the end of the line", text.path));
        }
    }
    if !text.body.is_empty() && !text.body.ends_with('\n') {
        problems.push(format!("{}: the last line has no end", text.path));
    }
    problems
}

/// The folder of planning texts beside a checkout is not part of it; only the corpora there are read by tests.
fn outside_problems(text: &Text) -> Vec<String> {
    let outside = ["../sha", "red"].concat();
    let corpus = format!("{outside}/corpus");
    let names = |line: &str| line.matches(&outside).count() > line.matches(&corpus).count();
    let found = text.lines().filter(|(_, line)| names(line));
    found.map(|(number, _)| format!("{}:{number}: names a folder outside the project", text.path)).collect()
}

/// Values reach SQL as parameters only. Every `format!` or `write!` whose text holds a statement is refused.
fn sql_problems(text: &Text) -> Vec<String> {
    const VERBS: &[&str] = &["SELECT ", "INSERT ", "UPDATE ", "DELETE ", "DROP ", "REPLACE INTO "];
    let mut problems = Vec::new();
    for (at, _) in text.body.match_indices("format!(").chain(text.body.match_indices("write!(")) {
        let call = text.body[at..].split_once(';').map_or(&text.body[at..], |(call, _)| call);
        if VERBS.iter().any(|verb| call.to_uppercase().contains(verb)) {
            let number = text.body[..at].matches('\n').count() + 1;
            problems.push(format!("{}:{number}: SQL put together from strings", text.path));
        }
    }
    problems
}

/// Programs are started with a list of arguments, never through a shell that reads data as a program.
fn shell_problems(text: &Text) -> Vec<String> {
    const SHELLS: &[&str] = &["sh", "bash", "dash", "zsh", "/bin/sh", "/bin/bash"];
    let starts_shell =
        |line: &str| SHELLS.iter().any(|shell| line.contains(&format!("Command::new(\"{shell}\")")));
    let found = text.lines().filter(|(_, line)| starts_shell(line));
    found.map(|(number, _)| format!("{}:{number}: starts a shell", text.path)).collect()
}

fn product(text: &&Text) -> bool {
    text.path.starts_with("crates/") && !text.is_test()
}

#[test]
fn nothing_is_left_unfinished_or_silenced() {
    let texts = tree::texts();
    let ours = texts.iter().filter(|text| !text.path.ends_with(".lock"));
    let problems: Vec<String> = ours.flat_map(|text| line_problems(text, &unfinished())).collect();
    tree::none(&problems, "see each line");
}

#[test]
fn nothing_names_a_machine() {
    let problems: Vec<String> =
        tree::texts().iter().flat_map(|text| line_problems(text, &of_one_machine())).collect();
    tree::none(&problems, "write paths from the workspace root, or make one in a temporary folder");
}

#[test]
fn nothing_outside_the_project_is_named() {
    let problems: Vec<String> = tree::texts().iter().flat_map(outside_problems).collect();
    tree::none(&problems, "say it in our own documents");
}

#[test]
fn every_module_says_what_it_is_for() {
    let problems: Vec<String> = tree::rust().iter().filter_map(head_problem).collect();
    tree::none(&problems, "begin the file with one to ten lines of `//!`");
}

#[test]
fn files_stay_short() {
    let problems: Vec<String> = tree::rust().iter().filter_map(length_problem).collect();
    tree::none(&problems, "split by what the parts are about; tests go into their own file");
}

#[test]
fn lines_end_clean() {
    let texts = tree::texts();
    let ours = texts.iter().filter(|text| !text.path.contains("/testdata/") && !text.path.ends_with(".json"));
    let problems: Vec<String> = ours.flat_map(space_problems).collect();
    tree::none(&problems, "let the editor trim lines and end the file with one");
}

#[test]
fn sql_is_never_put_together_from_strings() {
    let rust = tree::rust();
    let store = rust.iter().filter(product).filter(|text| text.path.starts_with("crates/store/"));
    tree::none(
        &store.flat_map(sql_problems).collect::<Vec<_>>(),
        "write the statement whole and bind its values",
    );
}

#[test]
fn the_product_starts_no_shell() {
    let problems: Vec<String> = tree::rust().iter().filter(product).flat_map(shell_problems).collect();
    tree::none(&problems, "start the program itself with its arguments");
}

#[test]
fn planted_words_are_found() {
    let planted = format!("let x = 1; // {} later", ["TO", "DO"].concat());
    let fine = "fn todos() {} // METODO, /workshop, tlog/root";
    let text = Text::new("crates/a/src/lib.rs", &format!("//! head\n{planted}\n{fine}\n"));
    assert_eq!(line_problems(&text, &unfinished()).len(), 1);
    assert_eq!(line_problems(&text, &of_one_machine()), Vec::<String>::new());
    let machine = Text::new("a.md", &["see /wo", "rk/x and \"/ro", "ot/.ssh\"\n"].concat());
    assert_eq!(line_problems(&machine, &of_one_machine()).len(), 2);
    let outside = ["../sha", "red"].concat();
    let text = Text::new("a.md", &format!("{outside}/corpus/x\n{outside}/design\n"));
    assert_eq!(outside_problems(&text).len(), 1);
}

#[test]
fn planted_shapes_are_found() {
    let long = "x\n".repeat(LINES_MAX + 1);
    assert!(length_problem(&Text::new("crates/a/src/b.rs", &long)).is_some());
    assert!(length_problem(&Text::new("crates/a/src/b/tests.rs", &long)).is_none());
    assert!(head_problem(&Text::new("crates/a/src/b.rs", "use x;\n")).is_some());
    assert!(head_problem(&Text::new("crates/a/src/b.rs", "//! About b.\n")).is_none());
    assert_eq!(space_problems(&Text::new("a.md", "one \ntwo")).len(), 2);
    let sql = "let q = format!(\n  \"select {x} from t\");\nformat!(\"{selected}\");\n";
    assert_eq!(sql_problems(&Text::new("crates/store/src/a.rs", sql)).len(), 1);
    let shell = "Command::new(\"sh\").arg(\"-c\")\n";
    assert_eq!(shell_problems(&Text::new("crates/a/src/b.rs", shell)).len(), 1);
}
