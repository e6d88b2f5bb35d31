//! `check`: every problem of a content folder or of one playbook at once, with file, line and column.

use std::path::{Path, PathBuf};

use clap::Args;
use domain::{
    content::{Content, read_playbook},
    document::Problem,
};
use serde_json::json;

use crate::{
    content::{Source, read_text},
    output::{Colour, Output, Verdict, escape},
};

/// Check a content folder, or one playbook against the shipped content; tests beside files are run
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence check content\n  ringfence check content/playbooks/key_compromise.yaml"
)]
pub(crate) struct Check {
    /// A content folder or a playbook file; without it, the shipped content
    path: Option<PathBuf>,
}

struct Found {
    what: String,
    counts: Vec<(&'static str, usize)>,
    problems: Vec<Problem>,
}

impl Check {
    pub(crate) fn run(&self, output: &Output) -> anyhow::Result<Verdict> {
        let found = match &self.path {
            Some(path) if path.is_file() => playbook(path)?,
            Some(path) => folder(&Source::Folder(path.clone()))?,
            None => folder(&Source::Shipped)?,
        };
        Ok(report(&found, output))
    }
}

fn folder(source: &Source) -> anyhow::Result<Found> {
    let (content, mut problems) = source.read()?;
    if problems.is_empty() {
        problems = content.unplanned();
    }
    if let Source::Folder(path) = source {
        // What a person can click on.
        for problem in problems.iter_mut().filter(|problem| !problem.path.is_empty()) {
            problem.path = path.join(&problem.path).display().to_string();
        }
    }
    Ok(Found { what: source.describe(), counts: counts(&content), problems })
}

fn counts(content: &Content) -> Vec<(&'static str, usize)> {
    let tests = content.files.keys().filter(|path| path.ends_with(".test.yaml")).count();
    vec![
        ("playbooks", content.playbooks.len()),
        ("actions", content.actions.len()),
        ("types", content.types.len()),
        ("rules", content.rules.len()),
        ("files of tests", tests),
    ]
}

/// A playbook is checked against the folder around it where that is a content folder, else the shipped content.
fn playbook(path: &Path) -> anyhow::Result<Found> {
    let around = path.parent().and_then(Path::parent).filter(|root| root.join("actions.yaml").is_file());
    let source = around.map_or(Source::Shipped, |root| Source::Folder(root.to_owned()));
    let (content, _) = source.read()?;
    let name = path.display().to_string();
    let problems = match read_text(path, &name)? {
        Ok(text) => read_playbook(&name, &text, &content).1,
        Err(problem) => vec![problem],
    };
    let counts = vec![("playbooks", usize::from(problems.is_empty()))];
    Ok(Found { what: name, counts, problems })
}

fn report(found: &Found, output: &Output) -> Verdict {
    let verdict = if found.problems.is_empty() { Verdict::Done } else { Verdict::NotMet };
    if output.json {
        let counts: serde_json::Map<_, _> =
            found.counts.iter().map(|(name, count)| (name.replace(' ', "_"), json!(count))).collect();
        output.json(&json!({
            "ok": verdict == Verdict::Done,
            "checked": found.what,
            "counts": counts,
            "problems": found.problems,
        }));
        return verdict;
    }
    for problem in &found.problems {
        output.line(escape(&problem.to_string()));
    }
    match verdict {
        Verdict::Done => {
            let counts: Vec<String> =
                found.counts.iter().map(|(name, count)| format!("{count} {name}")).collect();
            let line = format!("{}: no problem ({})", escape(&found.what), counts.join(", "));
            output.line(output.paint(Colour::Green, &line));
        }
        Verdict::NotMet => {
            let count = found.problems.len();
            let noun = if count == 1 { "problem" } else { "problems" };
            output.line(output.paint(Colour::Red, &format!("{count} {noun} in {}", escape(&found.what))));
        }
    }
    verdict
}
