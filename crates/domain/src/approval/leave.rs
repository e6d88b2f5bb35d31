//! Leaving a limit above `restricted`, or the data as they are for a backup: what one person asks for, another has to
//! ask for too.

use serde_json::json;

use super::{Approval, ApprovalId, Command, Event, Subject, Terms, approve, is_over, until};
use crate::{
    control::{self, Control, Leave, SafeMode, restore},
    event::{Context, Rejected},
    flow,
    limits::QUORUM,
    state::State,
    time::Span,
};

/// Two people who mean the same say so within this.
const EXPIRES: Span = Span::secs(15 * 60);

/// The first to ask makes the request, which counts as their yes; whoever asks for the same next allows it.
pub fn ask(
    state: &State,
    leave: Leave,
    reason: String,
    context: &Context,
) -> Result<Vec<(ApprovalId, Event)>, Rejected> {
    let person = context.a_person("people leave a limit")?;
    restore::free(&state.control, &leave)?;
    let same = |approval: &&Approval| !is_over(approval) && approval.leave.as_ref() == Some(&leave);
    if let Some(asked) = state.approvals.values().find(same) {
        return approve(state, asked.id, &asked.hash, context);
    }
    let id = ApprovalId::from_number(context.next);
    let subject = subject(&leave);
    let hash = subject.hash();
    let terms = Terms { quorum: QUORUM, roles: Vec::new(), expires: EXPIRES };
    let requested = Event::Requested {
        incident: None,
        actions: Vec::new(),
        hash: hash.clone(),
        subject,
        requesters: Vec::new(),
        expires_at: until(&terms, context.now),
        terms,
        leave: Some(leave),
        statement: None,
        reason: control::why(reason)?,
    };
    Ok(vec![(id, requested), (id, Event::Granted { person, hash })])
}

fn subject(leave: &Leave) -> Subject {
    let (verb, args, target) = match leave {
        Leave::KillSwitch { since } => {
            ("control.kill_switch", json!({ "on": false, "since": since.to_string() }), "limits")
        }
        Leave::SafeMode { from, to } => ("control.safe_mode", json!({ "from": from, "level": to }), "limits"),
        Leave::Data(wanted) => ("control.restore", json!(wanted), "data"),
    };
    let args = args.as_object().cloned().unwrap_or_default();
    Subject::new(verb.into(), args, vec![target.into()])
}

/// What enough people have allowed is done at once.
pub(super) fn carry_out(approval: &Approval, leave: &Leave) -> flow::Command {
    let (leave, mut reason, by) = (leave.clone(), approval.reason.to_string(), approval.id);
    if matches!(leave, Leave::Data(_)) {
        // The log that says so is not the one that goes on.
        let people: Vec<String> = approval.grants.keys().map(ToString::to_string).collect();
        reason = format!(
            "{}; asked for by {}",
            reason.chars().take(1_000).collect::<String>(),
            people.join(" and ")
        );
    }
    flow::Command::Control(control::Command::Leave { leave, reason, by })
}

/// Limits have changed: nobody needs to be asked any more about those that were left or are gone.
pub fn after_limits(state: &State) -> Vec<flow::Command> {
    let asked = state.approvals.values().filter(|approval| !is_over(approval));
    let ends = asked.filter_map(|approval| {
        let leave = approval.leave.as_ref().filter(|leave| !stands(&state.control, leave))?;
        let why = if is_left(&state.control, leave) { "carried out" } else { "the limits changed meanwhile" };
        Some(flow::Command::Approval(Command::End { id: approval.id, why: why.to_owned() }))
    });
    ends.collect()
}

/// Whether the limit is as it was when it was asked.
fn stands(control: &Control, leave: &Leave) -> bool {
    match leave {
        Leave::KillSwitch { since } => {
            control.kill_switch.as_ref().is_some_and(|switch| switch.since == *since)
        }
        Leave::SafeMode { from, .. } => control.safe_mode == *from,
        Leave::Data(_) => control.restore.is_none(),
    }
}

fn is_left(control: &Control, leave: &Leave) -> bool {
    match leave {
        Leave::KillSwitch { .. } => control.kill_switch.is_none(),
        Leave::SafeMode { to, .. } => control.safe_mode == *to,
        Leave::Data(wanted) => control.restore.as_ref().is_some_and(|restore| restore.wanted == *wanted),
    }
}

/// What a command would leave, if that takes two people.
pub fn left_by(control: &Control, command: &control::Command) -> Option<(Leave, String)> {
    match command {
        control::Command::SetKillSwitch { on: false, reason } => {
            let since = control.kill_switch.as_ref()?.since;
            Some((Leave::KillSwitch { since }, reason.clone()))
        }
        control::Command::SetSafeMode { level, reason } => {
            let (from, to) = (control.safe_mode, *level);
            (from > SafeMode::Restricted && to < from).then(|| (Leave::SafeMode { from, to }, reason.clone()))
        }
        control::Command::Restore { wanted, reason } => {
            Some((Leave::Data((**wanted).clone()), reason.clone()))
        }
        control::Command::SetKillSwitch { on: true, .. }
        | control::Command::Start { .. }
        | control::Command::BackedUp(_)
        | control::Command::BackupFailed { .. }
        | control::Command::RestoreReady { .. }
        | control::Command::EndRestore { .. }
        | control::Command::SetBreaker { .. }
        | control::Command::TripBreaker { .. }
        | control::Command::DoubtClock { .. }
        | control::Command::ConfirmClock
        | control::Command::Leave { .. }
        | control::Command::MendGlass
        | control::Command::BreakGlass { .. } => None,
    }
}
