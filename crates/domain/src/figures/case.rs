//! What one incident leaves for the figures: its times and counts, and no word of what it was about.

use serde::{Deserialize, Serialize};

use crate::{
    id::IncidentId,
    incident::{Disposition, Incident, Status, Tally},
    labels::Digest16,
    severity::Severity,
    targets::Target,
    time::{Span, Timestamp},
};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub id: IncidentId,
    pub incident_type: Box<str>,
    pub severity: Severity,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    pub opened_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub onset: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledged_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contained_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovery_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposition: Option<Disposition>,
    #[serde(default)]
    pub relapses: u32,
    pub tally: Tally,
    /// The same for the same type and targets; empty where no target is named.
    #[serde(default)]
    pub same: Box<str>,
    /// Nobody resolved it yet, or it came back since.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
}

impl Case {
    pub fn of(incident: &Incident) -> Case {
        let plan = incident.recovery.as_deref();
        Case {
            id: incident.id,
            incident_type: incident.incident_type.clone(),
            severity: incident.severity,
            drill: incident.drill,
            opened_at: incident.opened_at,
            onset: incident.onset,
            acknowledged_at: incident.acknowledged.map(|(_, at)| at),
            contained_at: incident.contained_at,
            resolved_at: incident.resolved_at.filter(|_| incident.status != Status::Open),
            recovery_at: plan.and_then(|plan| plan.started).map(|(_, at)| at),
            recovered_at: plan.and_then(|plan| plan.completed_at),
            disposition: incident.disposition,
            relapses: incident.relapses,
            tally: incident.tally.clone(),
            same: same(incident),
            open: incident.status == Status::Open,
        }
    }

    /// Whether it kept to every target that applies; None while it may still miss one, and where none applies. What
    /// had nothing to contain is not held to containment.
    pub fn in_time(&self, target: &Target, now: Timestamp) -> Option<bool> {
        let late_by_now = |limit: Span| self.open && now.since(self.opened_at) > limit;
        let judge = |limit: Option<Span>, from: Timestamp, at: Option<Timestamp>| {
            limit.zip(at).map(|(limit, at)| at.since(from) <= limit)
        };
        let tried = self.tally.contained + self.tally.uncontained > 0;
        let uncontained = target.first_containment.filter(|limit| tried && late_by_now(*limit));
        let contained = judge(target.first_containment, self.opened_at, self.contained_at);
        let unresolved = target.recovery.filter(|limit| late_by_now(*limit));
        let ended = self.resolved_at.or(self.tally.closed_at);
        let resolved = judge(target.recovery, self.opened_at, ended);
        let judged = [
            self.onset.and_then(|onset| judge(target.detection, onset, Some(self.opened_at))),
            contained.or(uncontained.map(|_| false)),
            judge(target.verified, self.opened_at, self.tally.verified_at),
            resolved.or(unresolved.map(|_| false)),
        ];
        if judged.contains(&Some(false)) {
            return Some(false);
        }
        let kept = judged.contains(&Some(true)) && !self.open;
        kept.then_some(true)
    }
}

/// Over the type and the targets in their order; a hash, so that the row says nothing that a redaction must erase.
fn same(incident: &Incident) -> Box<str> {
    if incident.targets.is_empty() {
        return "".into();
    }
    let mut targets: Vec<&(Box<str>, Box<str>)> = incident.targets.iter().collect();
    targets.sort_unstable();
    let fields = targets.into_iter().flat_map(|(kind, name)| [&**kind, &**name]);
    Digest16::of("case", std::iter::once(&*incident.incident_type).chain(fields)).to_string().into()
}
