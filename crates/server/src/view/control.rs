//! The limits in force as they are shown, with what people asked to leave of them.

use domain::{approval::Approval, control as controls};
use schemars::JsonSchema;
use serde::Serialize;

use super::{optional, text};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct KillSwitch {
    pub(crate) on: bool,
    pub(crate) since: Option<String>,
    pub(crate) by: Option<String>,
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Breaker {
    pub(crate) name: String,
    pub(crate) since: String,
    /// Closes by itself then; null: until a person closes it.
    pub(crate) until: Option<String>,
    pub(crate) by: String,
    pub(crate) reason: String,
}

/// They come back by themselves.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Glass {
    pub(crate) since: String,
    pub(crate) until: String,
    pub(crate) by: String,
    pub(crate) reason: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Leaving {
    pub(crate) approval: String,
    /// `control.kill_switch`, `control.safe_mode` or `control.restore`.
    pub(crate) verb: String,
    pub(crate) args: serde_json::Map<String, serde_json::Value>,
    pub(crate) reason: String,
    /// Who asked for it so far.
    pub(crate) people: Vec<String>,
    pub(crate) expires_at: String,
}

/// The backup that the next start puts in place of the data.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "AgreedRestore")]
pub(crate) struct Restore {
    pub(crate) backup: String,
    pub(crate) entries: u64,
    pub(crate) root: String,
    pub(crate) since: String,
    pub(crate) reason: String,
    pub(crate) approval: String,
    /// It lies ready; before, the next start would go on as now.
    pub(crate) ready: bool,
}

/// The limits in force.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Control {
    pub(crate) kill_switch: KillSwitch,
    pub(crate) safe_mode: String,
    /// The open ones.
    pub(crate) breakers: Vec<Breaker>,
    pub(crate) clock_doubt: Option<String>,
    /// The limits that one person left for a time.
    pub(crate) glass: Option<Glass>,
    /// What one person asked to leave; another has to ask too.
    pub(crate) leaving: Vec<Leaving>,
    /// What two people agreed to go back to.
    pub(crate) restore: Option<Restore>,
    /// How often the platform started on this data directory.
    pub(crate) epoch: u64,
}

impl Control {
    /// With the requests that are open.
    pub(crate) fn of(control: &controls::Control, open: &[Approval]) -> Control {
        let switch = control.kill_switch.as_ref();
        let breaker = |name: &str, breaker: &controls::Breaker| Breaker {
            name: name.to_owned(),
            since: text(breaker.since),
            until: optional(breaker.until),
            by: breaker.by.to_string(),
            reason: breaker.reason.to_string(),
        };
        Control {
            kill_switch: KillSwitch {
                on: switch.is_some(),
                since: switch.map(|switch| text(switch.since)),
                by: switch.map(|switch| switch.by.to_string()),
                reason: switch.map(|switch| switch.reason.to_string()),
            },
            safe_mode: text(control.safe_mode),
            breakers: control.breakers.iter().map(|(name, open)| breaker(name, open)).collect(),
            clock_doubt: control.clock_doubt.as_deref().map(str::to_owned),
            glass: control.glass.as_ref().map(|glass| Glass {
                since: text(glass.since),
                until: text(glass.until),
                by: glass.by.to_string(),
                reason: glass.reason.to_string(),
            }),
            leaving: open.iter().filter(|asked| asked.leave.is_some()).map(leaving).collect(),
            restore: control.restore.as_deref().map(agreed),
            epoch: control.epoch,
        }
    }
}

fn agreed(restore: &controls::restore::Restore) -> Restore {
    Restore {
        backup: restore.wanted.backup.to_string(),
        entries: restore.wanted.entries,
        root: restore.wanted.root.to_string(),
        since: text(restore.since),
        reason: restore.reason.to_string(),
        approval: text(restore.approval),
        ready: restore.ready,
    }
}

fn leaving(asked: &Approval) -> Leaving {
    Leaving {
        approval: text(asked.id),
        verb: asked.subject.verb.to_string(),
        args: asked.subject.args.clone(),
        reason: asked.reason.to_string(),
        people: asked.grants.keys().map(text).collect(),
        expires_at: text(asked.expires_at),
    }
}
