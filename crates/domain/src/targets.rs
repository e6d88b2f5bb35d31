//! What a response is held to: how soon it has to notice, act, be verified and be back, by severity and category.

use std::collections::BTreeMap;

use crate::{content::IncidentType, playbook::Playbook, severity::Severity, time::Span};

/// The times of one line of `targets.yaml`; what is absent has no target there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Target {
    /// From the onset until the incident is open.
    pub detection: Option<Span>,
    /// From the alert until the first containment is in force.
    pub first_containment: Option<Span>,
    /// From the alert until everything is contained and read back.
    pub verified: Option<Span>,
    /// From the alert until it is resolved.
    pub recovery: Option<Span>,
}

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Targets {
    pub all: Target,
    pub severities: BTreeMap<Severity, Target>,
    pub categories: BTreeMap<String, Target>,
    /// What the figures over all incidents are held to, by their names: seconds, percent or a number.
    pub figures: BTreeMap<String, f64>,
}

impl Targets {
    /// What the incidents that a playbook is for are held to, where they are least severe.
    pub fn of_playbook(&self, playbook: &Playbook, types: Option<&BTreeMap<String, IncidentType>>) -> Target {
        let known = |name: &String| types.and_then(|types| types.get(name));
        let category = playbook.types.iter().find_map(known).map(|known| known.category.as_str());
        self.of(category, playbook.min_severity)
    }

    /// Of everything that applies the shortest holds.
    pub fn of(&self, category: Option<&str>, severity: Severity) -> Target {
        let by_severity = self.severities.get(&severity);
        let by_category = category.and_then(|category| self.categories.get(category));
        let lines = || [Some(&self.all), by_severity, by_category].into_iter().flatten();
        let shortest = |field: fn(&Target) -> Option<Span>| lines().filter_map(field).min();
        Target {
            detection: shortest(|line| line.detection),
            first_containment: shortest(|line| line.first_containment),
            verified: shortest(|line| line.verified),
            recovery: shortest(|line| line.recovery),
        }
    }
}
