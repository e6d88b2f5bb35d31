//! The open incidents by severity, so that nobody looks through all of them for those of one.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    id::IncidentId,
    incident::{Incident, Status},
    severity::Severity,
};

#[derive(Debug, Default)]
pub struct Ranks(BTreeMap<Severity, BTreeSet<IncidentId>>);

impl Ranks {
    /// Those of this severity, oldest first.
    pub fn of(&self, severity: Severity) -> impl ExactSizeIterator<Item = IncidentId> {
        static NONE: BTreeSet<IncidentId> = BTreeSet::new();
        self.0.get(&severity).unwrap_or(&NONE).iter().copied()
    }

    pub(super) fn moved(&mut self, id: IncidentId, from: Option<Severity>, to: Option<Severity>) {
        if from == to {
            return;
        }
        if let Some(rank) = from.and_then(|severity| self.0.get_mut(&severity)) {
            rank.remove(&id);
        }
        if let Some(severity) = to {
            self.0.entry(severity).or_default().insert(id);
        }
    }
}

/// The severity of one that is open and not for practice.
pub(super) fn rank(incident: &Incident) -> Option<Severity> {
    (incident.status == Status::Open && !incident.drill).then_some(incident.severity)
}
