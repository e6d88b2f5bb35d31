//! What one review leaves for figures, controls and similar incidents: a small row, beside the texts.

use serde::{Deserialize, Serialize};

use super::{Answers, Area, Review};
use crate::{
    id::{IncidentId, ReviewId},
    incident::Target,
    labels::Digest16,
    severity::Severity,
    time::Timestamp,
};

/// At most so many targets are compared.
const TARGETS_MAX: usize = 100;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Lookback {
    pub id: ReviewId,
    pub incident: IncidentId,
    pub opened_at: Timestamp,
    #[serde(default)]
    pub severity: Option<Severity>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    #[serde(default)]
    pub incident_type: Box<str>,
    /// Hashes of the targets, so that the row says nothing that a redaction must erase.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<Box<str>>,
    #[serde(default)]
    pub answers: Answers,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lessons: Option<Box<str>>,
    /// Corrective actions, and those that are finished.
    #[serde(default)]
    pub planned: u32,
    #[serde(default)]
    pub finished: u32,
    /// When the next open action is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action_due: Option<Timestamp>,
    /// When each report is due, and when it was there.
    pub reports: Vec<(Timestamp, Option<Timestamp>)>,
}

impl Lookback {
    pub fn of(review: &Review) -> Lookback {
        let open = || review.actions.iter().filter(|one| one.done.is_none());
        let planned = review.actions.len();
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Lookback {
            id: review.id,
            incident: review.incident,
            opened_at: review.opened_at,
            severity: review.severity,
            drill: review.drill,
            incident_type: review.incident_type.clone(),
            targets: review.targets.clone(),
            answers: review.answers,
            lessons: review.found.get(&Area::LessonsLearned).cloned(),
            planned: count(planned),
            finished: count(planned - open().count()),
            action_due: open().map(|one| one.due).min(),
            reports: review.reports.iter().map(|one| (one.due.at, one.done.map(|(_, at)| at))).collect(),
        }
    }

    /// Whether every report was, or still may be, there by its deadline.
    pub fn is_in_time(&self, now: Timestamp) -> bool {
        self.reports.iter().all(|(due, at)| at.unwrap_or(now) <= *due)
    }

    /// Why its lessons tell something of an incident of this type on these targets; None where they do not.
    pub fn is_like(&self, incident_type: &str, targets: &[Box<str>]) -> Option<&'static str> {
        if targets.iter().any(|target| self.targets.contains(target)) {
            Some("it hurt some of the same targets")
        } else {
            (*self.incident_type == *incident_type).then_some("it was of the same type")
        }
    }
}

/// The hashes by which targets are compared.
pub fn marks(targets: &[Target]) -> Vec<Box<str>> {
    let mark = |(kind, name): &Target| Digest16::of("target", [&**kind, &**name]).to_string().into();
    targets.iter().take(TARGETS_MAX).map(mark).collect()
}
