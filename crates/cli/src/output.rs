//! Printing: text for people, JSON for programs, and what data may not do to a terminal.
//!
//! Data comes from machines under attack, so nothing of it reaches the terminal raw: control characters, escape
//! sequences and characters that turn the direction of text are written out as escapes.

mod table;
#[cfg(test)]
mod tests;

use std::{
    env,
    io::{self, IsTerminal as _, Write as _},
    process::ExitCode,
};

use serde_json::{Value, json};

pub(crate) use table::Table;

/// Lines are made for a terminal of this width.
pub(crate) const WIDTH: usize = 80;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    Done,
    /// It ran, and what was asked for does not hold.
    NotMet,
}

impl From<Verdict> for ExitCode {
    fn from(verdict: Verdict) -> ExitCode {
        match verdict {
            Verdict::Done => ExitCode::SUCCESS,
            Verdict::NotMet => ExitCode::from(1),
        }
    }
}

/// The command line makes no sense, though it has the right form.
#[derive(Debug)]
pub(crate) struct Usage(pub(crate) String);

impl std::fmt::Display for Usage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Usage {}

/// Why a command did not come to its end.
#[derive(Debug)]
pub(crate) struct Failure {
    message: String,
    code: u8,
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Failure {
        let code = if error.is::<Usage>() { 2 } else { 1 };
        let parts: Vec<String> = error.chain().map(ToString::to_string).collect();
        Failure { message: parts.join(": "), code }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Colour {
    Red,
    Green,
    Yellow,
    Blue,
    Dim,
    Bold,
}

/// Where a command prints.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    pub(crate) json: bool,
    colour: bool,
    terminal: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Output {
        let terminal = io::stdout().is_terminal();
        let wanted = env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let able = env::var_os("TERM").is_none_or(|term| term != "dumb");
        Output { json, terminal, colour: terminal && wanted && able && !json }
    }

    /// Whether a person watches, so that a view may redraw itself.
    pub(crate) fn is_live(&self) -> bool {
        self.terminal && !self.json && env::var_os("TERM").is_none_or(|term| term != "dumb")
    }

    /// One line of our own words; whatever stands in it was escaped before.
    pub(crate) fn line(&self, text: impl AsRef<str>) {
        print(&format!("{}\n", text.as_ref()));
    }

    /// As it is, without a line break.
    pub(crate) fn raw(&self, text: &str) {
        print(text);
    }

    pub(crate) fn json(&self, value: &Value) {
        print(&format!("{value:#}\n"));
    }

    /// Progress and remarks, for people only: on a terminal, beside the output.
    pub(crate) fn remark(&self, text: impl AsRef<str>) {
        if io::stderr().is_terminal() && !self.json {
            eprint(&format!("{}\n", text.as_ref()));
        }
    }

    pub(crate) fn paint(&self, colour: Colour, text: &str) -> String {
        if !self.colour {
            return text.to_owned();
        }
        let code = match colour {
            Colour::Red => 31,
            Colour::Green => 32,
            Colour::Yellow => 33,
            Colour::Blue => 36,
            Colour::Dim => 2,
            Colour::Bold => 1,
        };
        format!("\u{1b}[{code}m{text}\u{1b}[0m")
    }

    /// Severities and states in the colour that people expect.
    pub(crate) fn shade(&self, word: &str) -> String {
        let colour = match word.trim() {
            "critical" | "failed" | "blocked" | "in_doubt" | "quarantined" | "on" | "lockdown" => Colour::Red,
            "high" | "open" | "held" | "paused" | "firing" | "calling" | "emergency" | "paranoid" => {
                Colour::Yellow
            }
            "in_force" | "completed" | "done" | "active" | "yes" => Colour::Green,
            "closed" | "resolved" | "released" | "canceled" | "expired" | "off" | "low" | "informational" => {
                Colour::Dim
            }
            _ => return word.to_owned(),
        };
        self.paint(colour, word)
    }

    pub(crate) fn failure(&self, failure: &Failure) -> ExitCode {
        let message = escape(&failure.message);
        if self.json {
            self.json(&json!({ "error": message }));
        }
        eprint(&format!("error: {message}\n"));
        ExitCode::from(failure.code)
    }
}

/// Written to a pipe that was closed, nothing is left to be said.
fn print(text: &str) {
    let mut out = io::stdout().lock();
    if out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_err() {
        std::process::exit(0);
    }
}

fn eprint(text: &str) {
    // There is no other place to say that this failed.
    drop(io::stderr().lock().write_all(text.as_bytes()));
}

/// The text with control characters and marks of direction written out.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_unsafe(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

/// As [`escape`], but lines stay lines.
pub(crate) fn escape_lines(text: &str) -> String {
    text.lines().map(escape).collect::<Vec<_>>().join("\n")
}

fn is_unsafe(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// At most `width` characters; a cut is shown.
pub(crate) fn shorten(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut short: String = text.chars().take(width.saturating_sub(1)).collect();
    short.push('…');
    short
}

/// Words broken into lines of at most `width` characters.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let used = lines.last().map_or(0, |line| line.chars().count());
        if used > 0 && used + 1 + word.chars().count() > width {
            lines.push(String::new());
        }
        if let Some(line) = lines.last_mut() {
            if !line.is_empty() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}
