//! Drills as content: which scenario, what it is measured by, and what the people in it do.

use serde::Deserialize;

use crate::time::Span;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Drill {
    /// The name of the attack, as the simulated estate knows it.
    pub scenario: String,
    /// The playbook whose steps the people answer.
    pub playbook: String,
    pub targets: Targets,
    pub people: Vec<Part>,
}

/// What a drill has to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Targets {
    /// From the beginning to the open incident.
    pub detected: Span,
    /// These are from the first alert on: the first containment carried out,
    pub first_containment: Span,
    /// every goal carried out,
    pub contained: Span,
    /// every goal read back,
    pub verified: Span,
    /// and every step of the playbook done.
    pub completed: Span,
    /// Where people have services brought back: until each service of the incident is well again.
    pub recovered: Option<Span>,
    /// The least share of steps that went without a person.
    pub automation_percent: u8,
}

/// What somebody does when a step asks for a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub step: String,
    /// How long they think.
    pub after: Span,
    pub act: Act,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Act {
    /// Of the options of a decision.
    Choose(String),
    /// A task, with what they do for it, and what they write down.
    Complete { first: Option<Deed>, note: String },
    /// As many of them as it needs allow what an action is about to do.
    Approve,
}

/// What the people of a drill do outside of the playbook, as its task asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// They have the services of the incident brought back in order, and wait until all of it is well.
    Recover,
    /// They record a finding and the impact on the systems, in the words of their note.
    Analyze,
    /// Two of them turn the kill switch off.
    KillSwitchOff,
}
