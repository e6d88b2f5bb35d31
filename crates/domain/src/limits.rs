//! Limits on effects: kill switch, safe mode, breakers, and what a step itself demands. One function says whether
//! a call may begin; it is asked when an intent is decided and once more just before it is sent.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    action::{Goal, Spec},
    approval::{Pass, Terms},
    content::{FILES, Purpose, QUARANTINE, RESTORE},
    control::{Control, SafeMode, own},
    severity::Risk,
    time::{Span, Timestamp},
};

/// How long a request stands that a limit asks for.
pub(crate) const EXPIRES: Span = Span::secs(15 * 60);
/// As many people allow a containment that the highest limits forbid.
pub const QUORUM: u32 = 2;

/// Whose wish the effect is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Asked {
    #[default]
    Automatically,
    ByPerson,
}

/// Whether an effect may begin now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Permit {
    Allowed,
    /// Once so many people have allowed exactly this; with the reason.
    NeedsApproval(Terms, String),
    /// Not now, whoever allows it.
    Refused(String),
}

impl Permit {
    /// For the moment of sending: `pass` is the approval that the intent used.
    pub fn with(self, pass: Option<Pass>) -> Result<(), String> {
        match self {
            Permit::Allowed => Ok(()),
            Permit::NeedsApproval(terms, why) => {
                let enough = pass.is_some_and(|pass| pass.quorum >= terms.quorum);
                enough.then_some(()).ok_or(why)
            }
            Permit::Refused(why) => Err(why),
        }
    }
}

pub fn permits(control: &Control, spec: &Spec, goal: Goal, asked: Asked, now: Timestamp) -> Permit {
    for name in [&*spec.connector, &*spec.verb] {
        if let Some(breaker) = control.breakers.get(name)
            && breaker.until.is_none_or(|until| now < until)
        {
            return Permit::Refused(format!("circuit breaker `{name}` is open: {}", breaker.reason));
        }
    }
    if own::is_own(spec) {
        return own::permits(control, spec, goal);
    }
    // The switch is as strict as the highest level.
    let level = if control.kill_switch.is_some() { SafeMode::Lockdown } else { control.safe_mode };
    let why = || match &control.kill_switch {
        Some(switch) => format!("the kill switch is on since {}", switch.since),
        None => format!("safe mode {level} does not allow `{}` now", spec.verb),
    };
    let cell = files(level, spec, goal).unwrap_or_else(|| cell(level, spec.purpose, spec.risk, goal, asked));
    let own = spec.approval.as_ref().filter(|_| goal == Goal::Apply);
    let (terms, why) = match (cell, own) {
        (Cell::No, _) => return Permit::Refused(why()),
        (Cell::Yes, None) => return Permit::Allowed,
        (Cell::Yes, Some(own)) => (own.clone(), format!("`{}` asks for approval", spec.verb)),
        (Cell::Quorum(quorum), own) => {
            let roles = own.map_or_else(Vec::new, |own| own.roles.clone());
            let expires = own.map_or(EXPIRES, |own| own.expires);
            let quorum = own.map_or(quorum, |own| own.quorum.max(quorum));
            (Terms { quorum, roles, expires }, why())
        }
    };
    let people = if terms.quorum == 1 { "person" } else { "people" };
    let why = format!("{why}; it needs the approval of {} {people}", terms.quorum);
    Permit::NeedsApproval(terms, why)
}

/// One cell of the table of limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Cell {
    Yes,
    Quorum(u32),
    No,
}

fn cell(level: SafeMode, purpose: Purpose, risk: Risk, goal: Goal, asked: Asked) -> Cell {
    let applies = goal == Goal::Apply;
    // Evidence that is kept changes nothing else, so it is kept at every level.
    if applies && purpose == Purpose::Evidence {
        return Cell::Yes;
    }
    let contains = applies && purpose == Purpose::Containment;
    let mild = contains && risk == Risk::Low;
    match (level, asked) {
        (SafeMode::Disabled, _) | (SafeMode::Restricted | SafeMode::Paranoid, Asked::ByPerson) => Cell::Yes,
        (SafeMode::Restricted, Asked::Automatically) if risk >= Risk::High => Cell::Quorum(1),
        (SafeMode::Restricted, Asked::Automatically) => Cell::Yes,
        (SafeMode::Paranoid | SafeMode::Emergency, _) if mild => Cell::Yes,
        (SafeMode::Paranoid, Asked::Automatically) => Cell::Quorum(1),
        // What is taken back brings something back.
        (SafeMode::Emergency, Asked::ByPerson) if contains || purpose == Purpose::Recovery || !applies => {
            Cell::Quorum(1)
        }
        // Also for a step of a playbook: it offers what people then allow.
        (SafeMode::Lockdown, _) if contains => Cell::Quorum(QUORUM),
        (SafeMode::Emergency | SafeMode::Lockdown, _) => Cell::No,
    }
}

/// A real file goes into quarantine at every level; it leaves by approval alone, and never at the highest.
fn files(level: SafeMode, spec: &Spec, goal: Goal) -> Option<Cell> {
    if &*spec.connector != FILES {
        return None;
    }
    match (&*spec.verb, goal, level) {
        (QUARANTINE, Goal::Apply, _) => Some(Cell::Yes),
        (QUARANTINE, Goal::Release, level) | (RESTORE, Goal::Apply, level) => match level {
            SafeMode::Disabled | SafeMode::Restricted | SafeMode::Paranoid => Some(Cell::Quorum(1)),
            SafeMode::Emergency | SafeMode::Lockdown => Some(Cell::No),
        },
        (_, Goal::Apply | Goal::Release, _) => None,
    }
}

/// What a file offered from outside is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    Text,
    /// One of the types that are allowed, and no text.
    AllowedType,
    Other,
    /// On its way into quarantine.
    Quarantine,
}

/// Whether a file offered from outside is taken at this level.
pub fn takes_file(level: SafeMode, kind: FileKind) -> bool {
    match (level, kind) {
        (_, FileKind::Quarantine) | (SafeMode::Disabled, _) => true,
        (SafeMode::Restricted, kind) => kind != FileKind::Other,
        (SafeMode::Paranoid, kind) => kind == FileKind::Text,
        (
            SafeMode::Emergency | SafeMode::Lockdown,
            FileKind::Text | FileKind::AllowedType | FileKind::Other,
        ) => false,
    }
}
