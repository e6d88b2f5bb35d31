//! Protocol bugs around the node, put there to see that the invariants catch them; and those of them that need more
//! than a word in the loop.

use std::borrow::Cow;

use connectors::Call;
use domain::{
    action::{self, Intent, Operation},
    control::own,
    event::Event,
};
use engine::Table;
use store::Batch;

use crate::{journal, simulation::Simulation, violation::Violation};

/// A protocol bug in the driver around the node, put there to see that the invariants catch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Planted {
    /// The node hears that a batch is durable before it is.
    AcknowledgeBeforeSync,
    /// The disk says that it synced and loses the last batch in a crash.
    LostSync,
    /// Calls that an ended process had not sent are sent by the next.
    OldEpoch,
    /// A repeated call gets a key of its own.
    NewKeyOnRetry,
    /// Calls go out when they are decided.
    SendBeforeCommit,
    /// Limits are not asked once more before a call is sent.
    SkipLimits,
    /// A call is sent twice.
    SendTwice,
    /// The last row of a batch is not written.
    LostRow,
    /// What holds a service back is taken back while somebody still looks whether it is well; shown by
    /// [`release_unverified`](crate::release_unverified).
    ReleaseUnverified,
    /// A notice counts as delivered before it is sent; shown by [`simulate_notices`](crate::simulate_notices).
    ToldBeforeSent,
    /// Whatever hash a person sends, the one of the request is taken.
    AnyHash,
    /// That an incident went one level up is not kept beside it.
    ForgottenLevel,
    /// That a deadline of a report was told is not kept beside it.
    ForgottenDeadline,
    /// That a playbook moved a limit is kept neither with the limits nor with its action.
    ForgottenMove,
    /// A limit that a playbook moves is taken for a call.
    MoveOutside,
}

impl Planted {
    pub const ALL: [Planted; 14] = [
        Planted::AcknowledgeBeforeSync,
        Planted::LostSync,
        Planted::OldEpoch,
        Planted::NewKeyOnRetry,
        Planted::SendBeforeCommit,
        Planted::SkipLimits,
        Planted::SendTwice,
        Planted::LostRow,
        Planted::AnyHash,
        Planted::ReleaseUnverified,
        Planted::ForgottenLevel,
        Planted::ForgottenDeadline,
        Planted::ForgottenMove,
        Planted::MoveOutside,
    ];
}

impl Simulation {
    /// The planted bugs that lose what a fact leaves behind.
    pub(crate) fn forget(&self, batch: &mut Cow<'_, Batch>) {
        let (fact, tables): (&[&str], &[Table]) = match self.options.planted {
            Some(Planted::ForgottenLevel) => (&["incident.escalated"], &[Table::Incident]),
            Some(Planted::ForgottenDeadline) => {
                (&["report.unanswered", "report.reminded", "report.overdue"], &[Table::Report])
            }
            Some(Planted::ForgottenMove) => {
                (&["control.breaker_opened", "control.safe_mode_set"], &[Table::Action, Table::Control])
            }
            None
            | Some(
                Planted::AcknowledgeBeforeSync
                | Planted::LostSync
                | Planted::OldEpoch
                | Planted::NewKeyOnRetry
                | Planted::SendBeforeCommit
                | Planted::SkipLimits
                | Planted::SendTwice
                | Planted::LostRow
                | Planted::ReleaseUnverified
                | Planted::ToldBeforeSent
                | Planted::AnyHash
                | Planted::MoveOutside,
            ) => return,
        };
        if batch
            .entries
            .iter()
            .any(|entry| journal::read_entry(entry).is_ok_and(|(envelope, _)| fact.contains(&envelope.kind)))
        {
            batch.to_mut().rows.retain(|row| !tables.iter().any(|table| row.table.0 == *table as u8));
        }
    }

    /// The planted bug: what moves our own limits goes out like any other call, once it is durable.
    pub(crate) fn call_moves(&mut self, batch: &Batch) -> Result<(), Violation> {
        self.call_those(batch, true)
    }

    /// The planted bug: every intent of the batch is called at once.
    pub(crate) fn send_what_is_decided(&mut self, batch: &Batch) -> Result<(), Violation> {
        self.call_those(batch, false)
    }

    fn call_those(&mut self, batch: &Batch, ours: bool) -> Result<(), Violation> {
        for entry in &batch.entries {
            let Ok((_, Event::Action(id, action::Event::Intended { spec: Some(spec), goal, intent }))) =
                journal::read_entry(entry)
            else {
                continue;
            };
            if own::is_own(&spec) == ours
                && let Some(call) = self.call_of(&spec, &intent)
            {
                self.deliver(&call, id, goal)?;
            }
        }
        Ok(())
    }

    fn call_of(&self, spec: &action::Spec, intent: &Intent) -> Option<Call> {
        let known = self.content().actions.get(&*spec.verb)?;
        Some(Call {
            key: intent.key.to_string(),
            epoch: intent.epoch,
            operation: Operation::Apply,
            verb: spec.verb.to_string(),
            target_kind: spec.target_kind.to_string(),
            target: spec.target.to_string(),
            args: spec.args.clone(),
            incident: spec.incident.to_string(),
            attempt: intent.attempt,
            timeout: spec.timeout.as_std(),
            spec: known.clone(),
        })
    }
}
