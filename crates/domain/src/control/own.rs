//! Limits that a playbook moves: the verbs of the connector `ringfence`, which is the platform itself.
//!
//! Tightening is allowed at every level and is never undone by itself. Whatever would loosen a limit, a step, a
//! release or the end of a lease, waits for as many people as it takes when people ask for it directly.

#[cfg(test)]
mod tests;

use serde_json::json;

use super::{Control, Event, SafeMode, apply, is_name};
use crate::{
    action::{Action, Goal, Intent, Operation, Outcome, Spec},
    approval::Terms,
    event::{Context, Meta},
    limits::{EXPIRES, Permit, QUORUM},
};

/// The connector that no configuration names.
pub const CONNECTOR: &str = "ringfence";
/// The kind of its targets; no alert names one.
pub const TARGET: &str = "limit";

pub const SAFE_MODE: &str = "control.safe_mode";
pub const SAFE_MODE_LEAVE: &str = "control.safe_mode_leave";
pub const KILL_SWITCH: &str = "control.kill_switch";
pub const BREAKER: &str = "control.breaker";
pub const BREAKER_CLOSE: &str = "control.breaker_close";

/// Its verbs, each with the one that takes it back. Only people turn the kill switch off.
pub const VERBS: [(&str, Option<&str>); 5] = [
    (SAFE_MODE, Some(SAFE_MODE_LEAVE)),
    (SAFE_MODE_LEAVE, None),
    (KILL_SWITCH, None),
    (BREAKER, Some(BREAKER_CLOSE)),
    (BREAKER_CLOSE, None),
];

/// The one target of the kill switch.
const PLATFORM: &str = "platform";

/// Whether the platform itself performs this.
pub fn is_own(spec: &Spec) -> bool {
    &*spec.connector == CONNECTOR
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Change {
    Level(SafeMode),
    KillSwitch,
    Open(Box<str>),
    Close(Box<str>),
}

/// Why nothing can be named so as a target of the verb.
pub fn wrong_target(verb: &str, target: &str) -> Option<String> {
    match verb {
        SAFE_MODE | SAFE_MODE_LEAVE => target.parse::<SafeMode>().err(),
        KILL_SWITCH if target != PLATFORM => Some(format!("the kill switch has the one target `{PLATFORM}`")),
        BREAKER | BREAKER_CLOSE if !is_name(target) => {
            Some(format!("`{target}` is not the name of a connector or an action"))
        }
        _ => None,
    }
}

/// What has to change for it to be as asked; nothing where it is so already. `was` held before it was applied.
fn change(
    control: &Control,
    spec: &Spec,
    goal: Goal,
    was: Option<SafeMode>,
) -> Result<Option<Change>, String> {
    let (verb, target) = (&*spec.verb, &*spec.target);
    if let Some(why) = wrong_target(verb, target) {
        return Err(why);
    }
    let open = control.breakers.get(target);
    Ok(match (verb, goal) {
        (SAFE_MODE, Goal::Apply) => {
            let level: SafeMode = target.parse()?;
            (level != control.safe_mode).then_some(Change::Level(level))
        }
        (SAFE_MODE, Goal::Release) | (SAFE_MODE_LEAVE, Goal::Apply) => {
            let level: SafeMode = target.parse()?;
            // Never below what held before, and never stricter for it.
            let to = back_to(spec)?.max(was.unwrap_or_default()).min(level);
            (control.safe_mode == level && to != level).then_some(Change::Level(to))
        }
        (KILL_SWITCH, Goal::Apply) => control.kill_switch.is_none().then_some(Change::KillSwitch),
        // One that closes by itself is not yet what is asked.
        (BREAKER, Goal::Apply) => {
            open.is_none_or(|open| open.until.is_some()).then(|| Change::Open(target.into()))
        }
        (BREAKER, Goal::Release) | (BREAKER_CLOSE, Goal::Apply) => open.map(|_| Change::Close(target.into())),
        _ => return Err(format!("`{CONNECTOR}` does not perform `{verb}`")),
    })
}

fn back_to(spec: &Spec) -> Result<SafeMode, String> {
    spec.args.get("back_to").and_then(|level| level.as_str()).map_or(Ok(SafeMode::Disabled), str::parse)
}

/// As many people have to allow it as it takes when they ask for it themselves.
fn quorum(control: &Control, change: &Change) -> u32 {
    match change {
        Change::Level(level) if *level >= control.safe_mode => 0,
        Change::Level(_) if control.safe_mode > SafeMode::Restricted => QUORUM,
        Change::Level(_) | Change::Close(_) => 1,
        Change::KillSwitch | Change::Open(_) => 0,
    }
}

/// Whether it may begin; breakers have been asked.
pub fn permits(control: &Control, spec: &Spec, goal: Goal) -> Permit {
    let own = spec.approval.as_ref().filter(|_| goal == Goal::Apply);
    let changes = change(control, spec, goal, None).ok().flatten();
    let quorum = changes.map_or(0, |change| quorum(control, &change));
    let (terms, why) = match (quorum, own) {
        (0, None) => return Permit::Allowed,
        (0, Some(own)) => (own.clone(), "asks for approval"),
        (quorum, own) => {
            let roles = own.map_or_else(Vec::new, |own| own.roles.clone());
            let expires = own.map_or(EXPIRES, |own| own.expires);
            let quorum = own.map_or(quorum, |own| own.quorum.max(quorum));
            (Terms { quorum, roles, expires }, "would loosen a limit")
        }
    };
    let people = if terms.quorum == 1 { "person" } else { "people" };
    let verb = match (goal, &spec.revert) {
        (Goal::Release, Some(revert)) => revert,
        (Goal::Apply | Goal::Release, _) => &spec.verb,
    };
    let why = format!("`{verb}` {why}; it needs the approval of {} {people}", terms.quorum);
    Permit::NeedsApproval(terms, why)
}

/// Performs the durable intent: the facts that change the limits, and what came of it, to be kept together.
pub fn perform(
    control: &Control,
    action: &Action,
    intent: &Intent,
    context: &Context,
) -> (Vec<Event>, Outcome) {
    let (spec, goal) = (&action.spec, action.goal);
    let was = action.artefact.as_ref().and_then(|found| found.get("was")?.as_str()?.parse().ok());
    let refused = |reason: String| Outcome::NotApplied { reason, retry: false, retry_after: None };
    let found = change(control, spec, Goal::Apply, None);
    let changes = match (intent.operation, change(control, spec, goal, was)) {
        (_, Err(reason)) => return (Vec::new(), refused(reason)),
        (Operation::ReadBack, Ok(_)) => {
            let holds = found == Ok(None);
            return (Vec::new(), if holds { Outcome::Holds } else { Outcome::DoesNotHold });
        }
        (Operation::Apply | Operation::Revert, Ok(changes)) => changes,
    };
    let events: Vec<Event> = changes.map(|change| event(change, action, intent)).into_iter().collect();
    let mut after = control.clone();
    let meta = Meta { position: context.next, time: context.now, actor: context.actor.clone() };
    events.iter().for_each(|event| apply(&mut after, event, &meta));
    let verified = Some(change(&after, spec, goal, was) == Ok(None));
    let artefact = (&*spec.verb == SAFE_MODE).then(|| json!({ "was": control.safe_mode }));
    (events, Outcome::Applied { verified, artefact })
}

fn event(change: Change, action: &Action, intent: &Intent) -> Event {
    let spec = &action.spec;
    let said = spec.args.get("reason").and_then(|reason| reason.as_str()).filter(|said| !said.is_empty());
    let asked = format!("{} of {}", action.id, spec.incident);
    let reason: Box<str> = said.map_or_else(|| asked.clone(), |said| format!("{asked}: {said}")).into();
    let approval = intent.pass.map(|pass| pass.approval);
    match change {
        Change::Level(level) => Event::SafeModeSet { level, reason, approval },
        Change::KillSwitch => Event::KillSwitchOn { reason },
        Change::Open(name) => Event::BreakerOpened { name, reason, until: None },
        Change::Close(name) => Event::BreakerClosed { name },
    }
}

/// Whether what was applied still stands; what other connectors did is taken to.
pub fn stands(control: &Control, spec: &Spec) -> bool {
    !is_own(spec) || change(control, spec, Goal::Apply, None) == Ok(None)
}
