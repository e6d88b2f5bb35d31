//! What `strategies.yaml` says: the ways to contain that people choose from, and those that need nobody's word.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Map, Value};

use crate::{
    severity::{Risk, Severity},
    time::Span,
};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Strategies {
    /// In the order of the file.
    pub list: Vec<Arc<Strategy>>,
    /// Lowest severity first.
    pub at_once: Vec<AtOnce>,
}

/// One way to contain, with all that its action says folded in.
#[derive(Debug, Clone, PartialEq)]
pub struct Strategy {
    pub id: String,
    pub name: String,
    pub description: String,
    /// Empty means every type.
    pub types: BTreeSet<String>,
    /// The severities that it is meant for, both included.
    pub from: Severity,
    pub to: Severity,
    pub verb: String,
    /// The kind of target that it acts on.
    pub target: String,
    pub args: Map<String, Value>,
    /// Never below that of its action.
    pub risk: Risk,
    pub side_effects: Vec<String>,
    /// Capabilities that it takes, those of its action included.
    pub permissions: BTreeSet<String>,
    pub lease: Option<Span>,
}

/// What runs by itself when an incident is at least this severe.
#[derive(Debug, Clone, PartialEq)]
pub struct AtOnce {
    pub severity: Severity,
    pub strategies: Vec<String>,
    /// Over all strategies and all times, on one incident.
    pub targets_max: u32,
}

impl Strategy {
    pub fn is_for(&self, incident_type: &str) -> bool {
        self.types.is_empty() || self.types.contains(incident_type)
    }

    pub fn fits(&self, severity: Severity) -> bool {
        (self.from..=self.to).contains(&severity)
    }
}

impl Strategies {
    pub fn get(&self, id: &str) -> Option<&Arc<Strategy>> {
        self.list.iter().find(|strategy| strategy.id == id)
    }

    /// The set of the highest severity that this one reaches.
    pub fn at_once(&self, severity: Severity) -> Option<&AtOnce> {
        self.at_once.iter().rev().find(|set| set.severity <= severity)
    }
}
