//! The invariants that hold at every moment: what is asked of each call, each answer and each durable outcome.

use std::collections::{BTreeMap, BTreeSet};

use connectors::Call;
use domain::{
    action::{Goal, Operation},
    alert::{DedupKey, Received},
    content::{Class, Purpose},
    control::own,
    event::Stream,
    id::ActionId,
    time::Timestamp,
};
use engine::Receipt;

use crate::{
    journal::{CallName, Journal, Noted},
    ledger::{Ledger, Line, Place},
    violation::{Violation, ensure},
};

/// What the checker remembers between calls.
#[derive(Debug, Default)]
pub(crate) struct Checker {
    sent: BTreeSet<CallName>,
    /// What each key was used for.
    keys: BTreeMap<String, (Place, Goal)>,
    /// Effects of applying, by action.
    applied: BTreeMap<ActionId, u32>,
    /// Every fact that was acknowledged, and the alerts by label set.
    acknowledged: Vec<(u64, Stream, &'static str)>,
}

impl Checker {
    /// Before the call reaches the world.
    pub(crate) fn before_call(
        &mut self,
        journal: &Journal,
        action: ActionId,
        goal: Goal,
        call: &Call,
    ) -> Result<(), Violation> {
        let name: CallName = (action, call.key.as_str().into(), call.attempt, call.epoch);
        let ours = journal.actions.get(&action).is_some_and(|view| own::is_own(&view.spec));
        ensure(!ours, "L1", || format!("{action} moves our own limits and is called outside"))?;
        let intended = journal.intents.get(&name);
        ensure(intended == Some(&call.operation), "I4", || {
            format!(
                "{action} is called ({:?}, attempt {}) without a durable intent of key {} and epoch {}",
                call.operation, call.attempt, call.key, call.epoch
            )
        })?;
        ensure(self.sent.insert(name), "I4", || format!("one intent of {action} is sent twice"))?;
        ensure(call.epoch == journal.epoch, "I9", || {
            format!("{action} is called by epoch {} in epoch {}", call.epoch, journal.epoch)
        })?;
        let place = (call.verb.clone(), call.target.clone());
        let known = self.keys.entry(call.key.clone()).or_insert_with(|| (place.clone(), goal));
        ensure(*known == (place, goal), "I5", || format!("key {} names two effects", call.key))?;
        // Two people may allow a containment even then.
        let passed = journal.actions.get(&action).and_then(|view| view.passed);
        let people = passed.and_then(|id| journal.grants.get(&id)).map_or(0, |people| people.len());
        // Evidence changes nothing else, and is kept at every level.
        let evidence = call.spec.purpose == Purpose::Evidence;
        let allowed = goal == Goal::Apply && (people >= 2 || evidence);
        let begins = call.operation != Operation::ReadBack;
        let stopped = begins && journal.kill_switch_since.is_some() && !allowed;
        ensure(!stopped, "I10", || {
            format!("{action} begins an effect under the kill switch of {:?}", journal.kill_switch_since)
        })
    }

    /// After the world took the call.
    pub(crate) fn after_call(
        &mut self,
        journal: &Journal,
        ledger: &Ledger,
        action: ActionId,
        line: &Line,
    ) -> Result<(), Violation> {
        let Some(view) = journal.actions.get(&action) else { return Ok(()) };
        if line.operation == Operation::Apply && line.effect {
            *self.applied.entry(action).or_default() += 1;
        }
        let applied = self.applied.get(&action).copied().unwrap_or(0);
        let key = &line.key;
        match view.spec.class {
            Class::Keyed => ensure(applied <= 1 && ledger.effects(key) <= 1, "I5", || {
                format!("{action} with key {key} had its effect twice")
            }),
            Class::ReadBack => ensure(!(line.effect && line.again), "I5", || {
                format!("{action} did again what stood by its own key {key}")
            }),
            Class::OneShot => ensure(ledger.calls(key) <= 1 + view.retries, "I5", || {
                format!(
                    "{action}: {} calls of a one-shot, {} asked by people",
                    ledger.calls(key),
                    view.retries
                )
            }),
            Class::Idempotent | Class::Notice => Ok(()),
        }
    }

    /// A durable outcome against the ledger.
    pub(crate) fn outcome(journal: &Journal, ledger: &Ledger, noted: &Noted) -> Result<(), Violation> {
        let (id, released) = match noted {
            Noted::Applied(id) => (id, false),
            Noted::Released(id) => (id, true),
            Noted::Nothing => return Ok(()),
        };
        let Some(view) = journal.actions.get(id) else { return Ok(()) };
        let place = (view.spec.verb.to_string(), view.spec.target.to_string());
        let standing = ledger.standing(&place).cloned().unwrap_or_default();
        let since = |at: Option<Timestamp>| at.is_some_and(|at| at >= view.requested_at);
        // What only looks has no effect to be found, and what moves limits has it in the journal.
        if view.spec.origin.looks() || own::is_own(&view.spec) {
            return Ok(());
        }
        if released {
            return ensure(!standing.on || since(standing.last_off), "I6", || {
                format!("{id} is released and {place:?} was never taken back")
            });
        }
        let was_on = standing.on || since(standing.last_off);
        let holds = match view.spec.class {
            Class::ReadBack | Class::Idempotent => was_on,
            // What was read back may be another's doing; it holds all the same.
            Class::Keyed | Class::OneShot | Class::Notice => {
                ledger.effects(&view.last_key) > 0 || (view.spec.verify && was_on)
            }
        };
        ensure(holds, "I6", || format!("{id} is applied and the ledger has no effect of it on {place:?}"))
    }

    /// An answer that says done: everything it names is durable.
    pub(crate) fn receipt(&mut self, journal: &Journal, receipt: &Receipt) -> Result<(), Violation> {
        for (position, stream, kind) in &receipt.facts {
            let found = journal.positions.get(*position as usize);
            ensure(found.is_some_and(|(s, k)| s == stream && k == kind), "I1", || {
                format!("{kind} of {stream} at {position} is acknowledged, and the journal has {found:?}")
            })?;
        }
        self.acknowledged.extend(receipt.facts.iter().copied());
        Ok(())
    }

    /// An acknowledged delivery: each alert fires, or was resolved at or after the delivery.
    pub(crate) fn delivery(
        &self,
        journal: &Journal,
        receipt: &Receipt,
        alerts: &[Received],
        sent_at: Timestamp,
    ) -> Result<(), Violation> {
        for (index, received) in alerts.iter().enumerate() {
            let refused = receipt.refused.iter().any(|(at, _)| *at == index);
            let resolves = received.ends_at.is_some_and(|end| end <= sent_at);
            if refused || resolves {
                continue;
            }
            let view = journal.alerts.get(&received.labels);
            let there = view.is_some_and(|view| {
                view.firing.is_some() || view.resolved_at.is_some_and(|at| at >= sent_at)
            });
            ensure(there, "I1", || {
                format!(
                    "{} ({:?}) is acknowledged and the journal does not have it firing",
                    received.labels,
                    DedupKey::of(&received.labels)
                )
            })?;
        }
        ensure(receipt.taken + receipt.refused.len() == alerts.len(), "I1", || {
            format!(
                "{} alerts sent, {} taken, {} refused",
                alerts.len(),
                receipt.taken,
                receipt.refused.len()
            )
        })
    }

    /// Everything that was ever acknowledged, for the last look.
    pub(crate) fn acknowledged(&self) -> &[(u64, Stream, &'static str)] {
        &self.acknowledged
    }
}
