//! What the durable journal says of the limits that playbooks move: each move has its intent, is made once, in one
//! commit with its outcome, and what counts as applied holds.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    action::Goal,
    control::{Event, own},
    id::ActionId,
};

use crate::{
    journal::{ActionView, Journal},
    violation::{Violation, ensure},
};

#[derive(Debug, Default)]
pub(crate) struct Moves {
    /// What an action moved, until its outcome follows.
    open: BTreeMap<ActionId, Goal>,
    /// What was reported: one outcome for each intent.
    ended: BTreeSet<(ActionId, Box<str>, u32)>,
    /// Moves that a playbook made.
    pub(crate) made: u64,
}

/// The action that a fact about the limits names as its cause.
fn mover(event: &Event) -> Option<ActionId> {
    let reason = match event {
        Event::SafeModeSet { reason, .. }
        | Event::KillSwitchOn { reason }
        | Event::BreakerOpened { reason, .. } => reason,
        Event::Started { .. }
        | Event::KillSwitchOff { .. }
        | Event::BreakerClosed { .. }
        | Event::ClockDoubted { .. }
        | Event::ClockConfirmed
        | Event::GlassBroken { .. }
        | Event::BackedUp { .. }
        | Event::BackupFailed { .. }
        | Event::Restored { .. }
        | Event::RestoreApproved { .. }
        | Event::RestoreReady { .. }
        | Event::RestoreEnded { .. }
        | Event::GlassMended => return None,
    };
    reason.split_once(" of INC-")?.0.parse().ok()
}

impl Moves {
    /// A limit moves; whose intent that is must be open, and of a verb that moves limits.
    pub(crate) fn moved(
        &mut self,
        event: &Event,
        actions: &BTreeMap<ActionId, ActionView>,
    ) -> Result<(), Violation> {
        let Some(id) = mover(event) else { return Ok(()) };
        let view = actions.get(&id).filter(|view| own::is_own(&view.spec));
        let none = || Violation::new("L1", format!("{} by {id}, which moves no limits", event.kind()));
        let view = view.ok_or_else(none)?;
        let again = view.over || (view.in_force && view.goal == Goal::Apply);
        ensure(!again, "L1", || format!("{id} moves a limit once more: {event:?}"))?;
        let first = self.open.insert(id, view.goal).is_none();
        self.made += 1;
        ensure(first, "L1", || format!("{id} moves two limits with one intent: {event:?}"))
    }

    /// An outcome of an own action: the only one of its intent, and true.
    pub(crate) fn ended(&mut self, id: ActionId, view: &ActionView, holds: bool) -> Result<(), Violation> {
        self.open.remove(&id);
        let name = (id, view.last_key.clone(), view.last_attempt);
        ensure(self.ended.insert(name), "L1", || format!("{id} has two outcomes of one intent"))?;
        ensure(holds, "L1", || {
            format!("{id} says that {} on {} is done, and it is not", view.spec.verb, view.spec.target)
        })
    }

    /// Behind a commit no move stands without its outcome.
    pub(crate) fn whole(&self) -> Result<(), Violation> {
        ensure(self.open.is_empty(), "L1", || {
            format!("a limit moved, and the outcome is not in the same commit: {:?}", self.open)
        })
    }
}

impl Journal {
    /// Whether the limits are as this action wants them.
    pub(crate) fn limit_is_as(&self, view: &ActionView) -> bool {
        let target = &*view.spec.target;
        match (&*view.spec.verb, view.goal) {
            (own::SAFE_MODE, Goal::Apply) => self.safe_mode.name() == target,
            // It may come from a level that held before, and then stays there.
            (own::SAFE_MODE, Goal::Release) | (own::SAFE_MODE_LEAVE, _) => true,
            (own::KILL_SWITCH, _) => self.kill_switch_since.is_some(),
            (own::BREAKER, Goal::Apply) => self.breakers.contains(target),
            (own::BREAKER, Goal::Release) | (own::BREAKER_CLOSE, _) => !self.breakers.contains(target),
            _ => false,
        }
    }
}
