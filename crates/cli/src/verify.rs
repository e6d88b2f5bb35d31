//! `log verify`: a data directory, an exported bundle, or a server, checked from the first entry to the last.

mod directory;
mod remote;

use std::{fs::File, io::BufReader, path::Path};

use anyhow::Context as _;
use serde_json::{Value, json};
use tlog::{Report, VerifierKey};

use crate::output::{Colour, Output, Verdict, escape};

pub(crate) use directory::directory;
pub(crate) use remote::server;

/// What a check found.
pub(crate) struct Checked {
    /// What was checked, for people.
    what: String,
    report: Report,
    key: Option<VerifierKey>,
    /// Where the key comes from, when the auditor did not bring it.
    key_note: Option<&'static str>,
    /// Whether bodies could be checked: a served log gives out envelopes only.
    bodies: bool,
    /// State rows compared with the fold of the entries.
    rows: Option<u64>,
    rows_redacted: u64,
    blobs: Option<u64>,
    /// What is wrong besides the log itself.
    problems: Vec<String>,
}

/// A bundle that `log export` wrote.
pub(crate) fn bundle(path: &Path, keys: &[VerifierKey], kept: &[String]) -> anyhow::Result<Checked> {
    let failed = || format!("cannot read bundle `{}`", path.display());
    let file = File::open(path).with_context(failed)?;
    let kept: Vec<&str> = kept.iter().map(String::as_str).collect();
    let report = tlog::bundle::verify(BufReader::new(file), None, keys, &kept).with_context(failed)?;
    let key_note = report.key_from_bundle.then_some(
        "the key came with the bundle: it shows that the bundle is whole, not whose it is; give --key",
    );
    Ok(Checked {
        what: format!("bundle {}", path.display()),
        report,
        key: keys.first().cloned(),
        key_note,
        rows: None,
        bodies: true,
        rows_redacted: 0,
        blobs: None,
        problems: Vec::new(),
    })
}

impl Checked {
    pub(crate) fn is_clean(&self) -> bool {
        self.report.is_clean() && self.problems.is_empty()
    }

    pub(crate) fn entries(&self) -> u64 {
        self.report.entries
    }

    pub(crate) fn root(&self) -> Option<String> {
        self.report.root.map(|root| root.to_base64())
    }

    pub(crate) fn to_json(&self) -> Value {
        let checkpoint = self.report.checkpoint.as_ref();
        json!({
            "ok": self.is_clean(),
            "checked": self.what,
            "entries": self.report.entries,
            "redacted": self.bodies.then_some(self.report.redacted),
            "unsealed": self.report.unsealed,
            "root": self.root(),
            "checkpoint": checkpoint.map(|c| json!({ "origin": c.origin, "size": c.size, "root": c.root.to_base64() })),
            "key": self.key.as_ref().map(ToString::to_string),
            "kept_agreed": self.report.kept_agreed,
            "rows": self.rows,
            "rows_redacted": self.rows_redacted,
            "blobs": self.blobs,
            "findings": self.report.findings.iter().map(|finding| {
                let mut value = serde_json::to_value(finding).unwrap_or_default();
                value["message"] = json!(finding.to_string());
                value
            }).collect::<Value>(),
            "problems": self.problems,
            "more_findings": self.report.suppressed,
        })
    }

    pub(crate) fn print(&self, output: &Output) -> Verdict {
        let verdict = if self.is_clean() { Verdict::Done } else { Verdict::NotMet };
        if output.json {
            output.json(&self.to_json());
            return verdict;
        }
        output.line(format!("checked     {}", escape(&self.what)));
        for (name, value) in self.facts() {
            output.line(format!("{name:11} {}", escape(&value)));
        }
        for finding in &self.report.findings {
            output.line(output.paint(Colour::Red, &escape(&format!("WRONG: {finding}"))));
        }
        for problem in &self.problems {
            output.line(output.paint(Colour::Red, &escape(&format!("WRONG: {problem}"))));
        }
        if self.report.suppressed > 0 {
            output.line(format!("and {} more findings", self.report.suppressed));
        }
        match verdict {
            Verdict::Done => output.line(output.paint(Colour::Green, "Nothing is wrong.")),
            Verdict::NotMet => {
                let count = self.report.findings.len() + self.problems.len();
                output.line(
                    output.paint(Colour::Red, &format!("{count} findings: this log was altered or damaged.")),
                );
            }
        }
        verdict
    }

    fn facts(&self) -> Vec<(&'static str, String)> {
        let report = &self.report;
        let bodies = if self.bodies {
            ("redacted", report.redacted.to_string())
        } else {
            ("bodies", "not served; a data directory or an exported bundle has them".to_owned())
        };
        let sealed = if self.bodies {
            ("unsealed", report.unsealed.to_string())
        } else {
            ("as of", "the newest checkpoint; what is newer is signed within a second".to_owned())
        };
        let mut facts = vec![("entries", report.entries.to_string()), bodies, sealed];
        if let Some(root) = self.root() {
            facts.push(("root", root));
        }
        if let Some(checkpoint) = &report.checkpoint {
            facts.push(("log", checkpoint.origin.clone()));
            facts.push((
                "signed",
                format!("{} entries, root {}", checkpoint.size, checkpoint.root.to_base64()),
            ));
        }
        if let Some(key) = &self.key {
            facts.push(("key", key.to_string()));
        }
        if let Some(note) = self.key_note {
            facts.push(("note", note.to_owned()));
        }
        if report.kept_agreed > 0 {
            facts.push(("kept", format!("{} checkpoints that you kept agree", report.kept_agreed)));
        }
        if let Some(rows) = self.rows {
            facts.push(("state rows", format!("{rows} compared with the entries")));
        }
        if let Some(blobs) = self.blobs {
            facts.push(("blobs", format!("{blobs} compared with their names")));
        }
        facts
    }
}
