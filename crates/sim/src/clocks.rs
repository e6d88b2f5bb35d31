//! What the durable journal says of the clocks that call people: none runs out early, none late, none twice.

use std::collections::BTreeMap;

use domain::{
    id::IncidentId,
    incident::people::Event,
    time::{Span, Timestamp},
};

use crate::violation::{Violation, ensure};

/// How late anything may be that was due, counted from when a process was there to see it.
const LATE_MAX: Span = Span::secs(1);

/// Whether what was due then is said at its time: never before it, and at most a second behind it.
pub(crate) fn in_time(
    invariant: &'static str,
    what: &str,
    due: Timestamp,
    at: Timestamp,
    started_at: Timestamp,
) -> Result<(), Violation> {
    ensure(at >= due, invariant, || format!("{what} at {at}, and it is due at {due}"))?;
    let late = at.since(due.max(started_at));
    ensure(late <= LATE_MAX, invariant, || format!("{what} is {late} late"))
}

/// When each open incident goes one level up, as the last fact about it said.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    due: BTreeMap<IncidentId, Timestamp>,
    /// Levels to which an incident went because nobody acknowledged.
    pub(crate) fired: u64,
}

impl Clocks {
    pub(crate) fn take(
        &mut self,
        id: IncidentId,
        event: &Event,
        by_person: bool,
        at: Timestamp,
        started_at: Timestamp,
    ) -> Result<(), Violation> {
        match event {
            Event::ClockSet { due, .. } => self.set(id, *due, at),
            Event::Escalated { due, criterion, level, .. } => {
                let was = self.due.remove(&id);
                self.set(id, *due, at);
                // The platform goes up for other reasons too; those name no time that has come.
                if let Some(was) = was.filter(|was| !by_person && criterion.is_none() && *was <= at) {
                    self.fired += 1;
                    return in_time("N4", &format!("level {level} of {id}"), was, at, started_at);
                }
            }
            Event::UpdateDue { .. }
            | Event::Weighed { .. }
            | Event::CrisisCalled { .. }
            | Event::CrisisAnswered { .. }
            | Event::CrisisReminded { .. }
            | Event::Claimed
            | Event::HandOverOffered { .. }
            | Event::HandOverAccepted
            | Event::Assembled { .. } => {}
        }
        Ok(())
    }

    /// A clock that is set to a time that has passed is due at once.
    fn set(&mut self, id: IncidentId, due: Option<Timestamp>, at: Timestamp) {
        match due {
            Some(due) => drop(self.due.insert(id, due.max(at))),
            None => drop(self.due.remove(&id)),
        }
    }

    /// Somebody has it, it is over, or it begins anew.
    pub(crate) fn stop(&mut self, id: IncidentId) {
        self.due.remove(&id);
    }

    /// At rest no clock has run out without going on.
    pub(crate) fn last_look(&self, now: Timestamp) -> Result<(), Violation> {
        let lost = self.due.iter().find(|(_, due)| **due <= now);
        ensure(lost.is_none(), "N4", || format!("a clock ran out and nothing followed: {lost:?}"))
    }
}
