//! `control`: how much may still be done, by anybody.

use clap::{Args, Subcommand, ValueEnum};
use domain::control::SafeMode;
use serde_json::{Value, json};

use super::show;
use crate::{
    args::Global,
    client::encode,
    glass,
    output::{Output, Verdict, escape},
    session,
};

const CONTROL: &str = "/api/v1/control";

/// Kill switch, safe mode, circuit breakers, clock
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Show(Show),
    SafeMode(SetSafeMode),
    KillSwitch(KillSwitch),
    Breaker(Breaker),
    BreakGlass(BreakGlass),
    MendGlass(MendGlass),
    ConfirmClock(ConfirmClock),
}

/// Show what is limited now
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence control show")]
pub(crate) struct Show {}

/// Set the safe-mode level; out of one above restricted takes two people
///
/// Both say the same within a quarter of an hour.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence control safe-mode restricted --reason 'change freeze'")]
pub(crate) struct SetSafeMode {
    /// disabled, restricted, paranoid, emergency or lockdown
    level: SafeMode,
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// Stop every new effect, or allow them again, which takes two people
///
/// Both say the same within a quarter of an hour.
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence control kill-switch on --reason 'false alarms'")]
pub(crate) struct KillSwitch {
    #[arg(value_enum)]
    state: State,
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// Stop the effects of one connector or one action, or allow them again
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence control breaker firewall on --reason 'maintenance'")]
pub(crate) struct Breaker {
    /// A connector, or an action such as node.isolate
    name: String,
    #[arg(value_enum)]
    state: State,
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

/// Leave all limits alone and for a time, as the owner of the data directory
///
/// For when nobody else can be reached. It is journaled, opens an incident and its review, and ends by itself.
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence control break-glass --for 15m --reason 'alone at night, the restore needs it'"
)]
pub(crate) struct BreakGlass {
    /// Why; it is read in the review
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// 1m to 4h
    #[arg(long, value_name = "SPAN", default_value = "30m")]
    r#for: String,
}

/// Bring the limits back before their time
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence control mend-glass")]
pub(crate) struct MendGlass {}

/// Say that the clock is right, after the platform doubted it
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence control confirm-clock")]
pub(crate) struct ConfirmClock {}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum State {
    On,
    Off,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let client = session::client(global)?;
        match self {
            Command::Show(Show {}) => Ok(page(&client.get(CONTROL)?, output)),
            Command::SafeMode(SetSafeMode { level, reason }) => {
                let body = json!({ "level": level.name(), "reason": reason });
                let answer = client.post(&format!("{CONTROL}/safe-mode"), &body)?;
                let done = show::text(&answer, "safe_mode") == level.name();
                Ok(left(output, &answer, done, &format!("safe mode is {level}")))
            }
            Command::KillSwitch(KillSwitch { state, reason }) => {
                let body = json!({ "on": *state == State::On, "reason": reason });
                let answer = client.post(&format!("{CONTROL}/kill-switch"), &body)?;
                let line = match state {
                    State::On => "the kill switch is on: nothing new is done; what holds stays",
                    State::Off => "the kill switch is off",
                };
                let on = answer.pointer("/kill_switch/on").and_then(Value::as_bool).unwrap_or_default();
                Ok(left(output, &answer, on == (*state == State::On), line))
            }
            Command::BreakGlass(BreakGlass { reason, r#for }) => {
                let proof = glass::write(&global.data_dir)?;
                let body = json!({ "reason": reason, "for": r#for, "proof": proof });
                let answer = client.post(&format!("{CONTROL}/break-glass"), &body);
                glass::remove(&global.data_dir);
                let answer = answer?;
                let until = answer.get("glass").map(|glass| show::time(glass, "until")).unwrap_or_default();
                let line =
                    format!("no limit is in force until {until}; people are told, and it will be reviewed");
                Ok(show::done(output, &answer, &line))
            }
            Command::MendGlass(MendGlass {}) => {
                let answer = client.post(&format!("{CONTROL}/mend-glass"), &json!({}))?;
                Ok(show::done(output, &answer, "the limits are back"))
            }
            Command::Breaker(Breaker { name, state, reason }) => {
                let body = json!({ "on": *state == State::On, "reason": reason });
                let answer = client.post(&format!("{CONTROL}/breakers/{}", encode(name)), &body)?;
                let word = if *state == State::On { "on: nothing goes there" } else { "off" };
                Ok(show::done(output, &answer, &format!("breaker {name} is {word}")))
            }
            Command::ConfirmClock(ConfirmClock {}) => {
                let answer = client.post(&format!("{CONTROL}/confirm-clock"), &json!({}))?;
                Ok(show::done(output, &answer, "the clock is confirmed"))
            }
        }
    }
}

/// Done, or it waits for a second person, who is told how.
fn left(output: &Output, answer: &Value, done: bool, line: &str) -> Verdict {
    if done {
        return show::done(output, answer, line);
    }
    let asked = show::items(answer, "leaving").last().map(|asked| show::text(asked, "approval"));
    let id = asked.unwrap_or_default();
    let line = format!("another person has to ask for it too, or `ringfence run approve {id}`");
    show::done(output, answer, &line)
}

fn page(control: &Value, output: &Output) -> Verdict {
    if output.json {
        output.json(control);
        return Verdict::Done;
    }
    let switch = control.get("kill_switch").unwrap_or(&Value::Null);
    let on =
        switch.get("on").and_then(Value::as_bool).unwrap_or(!switch.is_null() && *switch != json!(false));
    show::fields(
        output,
        &[
            ("kill switch", if on { "on" } else { "off" }.to_owned()),
            ("  since", show::time(switch, "since")),
            ("  by", show::text(switch, "by")),
            ("  reason", show::text(switch, "reason")),
            ("safe mode", show::first(control, &["safe_mode.level", "safe_mode"])),
            ("left until", control.get("glass").map(|glass| show::time(glass, "until")).unwrap_or_default()),
            ("clock", show::first(control, &["clock_doubt"])),
            ("epoch", show::text(control, "epoch")),
        ],
    );
    if let Some(restore) = control.get("restore").filter(|restore| !restore.is_null()) {
        let ready =
            if restore["ready"] == true { "the next start puts it in place" } else { "is laid ready" };
        output.line(escape(&format!("restore   backup {} {ready}", show::text(restore, "backup"))));
    }
    for asked in show::items(control, "leaving") {
        let (verb, args) = (show::text(asked, "verb"), show::text(asked, "args"));
        let line = format!("{} waits for a second person: {verb} {args}", show::text(asked, "approval"));
        output.line(escape(&line));
    }
    breakers(control.get("breakers").unwrap_or(&Value::Null), output);
    Verdict::Done
}

fn breakers(breakers: &Value, output: &Output) {
    let line = |name: &str, breaker: &Value| {
        let until = match show::time(breaker, "until") {
            until if until.is_empty() => "until a person closes it".to_owned(),
            until => format!("until {until}"),
        };
        let reason = show::text(breaker, "reason");
        output.line(escape(&format!("breaker {name} is on {until}: {reason}")));
    };
    match breakers {
        Value::Object(all) => all.iter().for_each(|(name, breaker)| line(name, breaker)),
        Value::Array(all) => all.iter().for_each(|breaker| line(&show::text(breaker, "name"), breaker)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}
