//! By what an incident goes up by itself: the factors that `escalation.yaml` weighs, and the specialists of `teams.yaml`
//! who are called by type and complexity. Declaration and values of what rules read stand side by side.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::people::People;
use crate::{
    expr::{Bindings, Env, Expr, Type, Value},
    severity::Severity,
    time::Span,
};

/// From so many marks on an incident is complex.
pub const COMPLEX: u32 = 2;

#[derive(Debug, Clone, Default, PartialEq)]
pub struct Factors {
    /// Types of which a regulator has to hear.
    pub regulated: BTreeSet<String>,
    /// Types that people outside notice, and kinds of targets that they use.
    pub exposed: BTreeSet<String>,
    pub exposed_kinds: BTreeSet<String>,
    pub rules: Vec<FactorRule>,
}

/// The level that is engaged once the condition holds and so much time has passed.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorRule {
    pub id: String,
    pub when: Expr,
    /// Since the incident opened, or came back.
    pub after: Option<Span>,
    pub level: u8,
    pub urgency: Urgency,
    pub why: String,
    /// What calling this level should change.
    pub improvement: String,
}

/// How soon whoever is called should look.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Urgency {
    #[default]
    Normal,
    High,
    Immediate,
}

impl Urgency {
    pub fn name(self) -> &'static str {
        match self {
            Urgency::Normal => "normal",
            Urgency::High => "high",
            Urgency::Immediate => "immediate",
        }
    }

    /// Where no rule says it.
    pub fn of(severity: Severity) -> Urgency {
        match severity {
            Severity::Critical => Urgency::Immediate,
            Severity::High => Urgency::High,
            Severity::Medium | Severity::Low | Severity::Informational => Urgency::Normal,
        }
    }
}

/// Whom a type of incident takes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Specialists {
    pub types: BTreeSet<String>,
    pub categories: BTreeSet<String>,
    pub contacts: Vec<String>,
    /// They join where the incident is complex.
    pub complex: Vec<String>,
}

impl People {
    /// The contacts of those who know this type, by its name before its category; nobody where none are named.
    pub fn specialists(&self, incident_type: &str, category: &str, complexity: u32) -> BTreeSet<&str> {
        let by_type = self.specialists.iter().find(|one| one.types.contains(incident_type));
        let by_category = || self.specialists.iter().find(|one| one.categories.contains(category));
        let Some(found) = by_type.or_else(by_category) else { return BTreeSet::new() };
        let joining = found.complex.iter().filter(|_| complexity >= COMPLEX);
        self.expand(found.contacts.iter().chain(joining).map(String::as_str))
    }
}

/// What rules read.
#[derive(Debug, Clone, PartialEq)]
pub struct FactorFacts {
    pub severity: Severity,
    /// Steps and containments that succeeded, of those that ended; 1 while none has.
    pub effectiveness: f64,
    pub failed: u32,
    /// The run stands still until a person does something.
    pub blocked: bool,
    pub impact: Severity,
    /// The time in which it should have been resolved is over.
    pub overdue: bool,
    pub regulated: bool,
    pub exposed: bool,
    pub contained: bool,
    pub acknowledged: bool,
    pub complexity: u32,
}

/// - `factors`: `severity`, `effectiveness` (0 to 1), `failed`, `blocked`, `impact` (as a severity), `overdue`,
///   `regulated`, `exposed`, `contained`, `acknowledged`, `complexity`;
/// - `severity`: `severity.informational` (0) to `severity.critical` (4).
pub fn factor_env() -> Env {
    let fields = [
        ("severity", Type::Int),
        ("effectiveness", Type::Double),
        ("failed", Type::Int),
        ("blocked", Type::Bool),
        ("impact", Type::Int),
        ("overdue", Type::Bool),
        ("regulated", Type::Bool),
        ("exposed", Type::Bool),
        ("contained", Type::Bool),
        ("acknowledged", Type::Bool),
        ("complexity", Type::Int),
    ];
    let severities = Severity::ALL.map(|level| (level.name(), Type::Int));
    Env::new()
        .variable("factors", Type::record("factors", fields))
        .variable("severity", Type::record("severity", severities))
}

/// The values for what [`factor_env`] declares.
pub fn factor_bindings(facts: &FactorFacts) -> Bindings<'static> {
    let fields = [
        ("severity", Value::Int(level(facts.severity))),
        ("effectiveness", Value::Double(facts.effectiveness)),
        ("failed", Value::Int(facts.failed.into())),
        ("blocked", Value::Bool(facts.blocked)),
        ("impact", Value::Int(level(facts.impact))),
        ("overdue", Value::Bool(facts.overdue)),
        ("regulated", Value::Bool(facts.regulated)),
        ("exposed", Value::Bool(facts.exposed)),
        ("contained", Value::Bool(facts.contained)),
        ("acknowledged", Value::Bool(facts.acknowledged)),
        ("complexity", Value::Int(facts.complexity.into())),
    ];
    let severities = Severity::ALL.map(|severity| (severity.name(), Value::Int(level(severity))));
    Bindings::new().variable("factors", Value::map(fields)).variable("severity", Value::map(severities))
}

fn level(severity: Severity) -> i64 {
    Severity::ALL.iter().zip(0..).find(|(one, _)| **one == severity).map_or(0, |(_, number)| number)
}
