//! A playbook after it was read and checked: stages of steps, with compiled gates. It is pinned by the hash
//! of its text when a run starts.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    expr::Expr,
    severity::{Priority, Severity},
    time::Span,
};

/// The SHA-256 of a document's text, in lower-case hex.
pub type TextHash = Box<str>;

#[derive(Debug, Clone)]
pub struct Playbook {
    pub id: String,
    pub name: String,
    pub version: String,
    pub hash: TextHash,
    /// Incident types, after aliases; empty means any type.
    pub types: Vec<String>,
    pub min_severity: Severity,
    pub roles: Vec<String>,
    pub stages: Vec<Stage>,
}

#[derive(Debug, Clone)]
pub struct Stage {
    pub id: String,
    pub name: String,
    pub description: String,
    pub roles: Vec<String>,
    /// Must hold before the first step starts.
    pub entry: Option<Gate>,
    /// Must hold, beside the gating steps, before the next stage.
    pub exit: Option<Gate>,
    pub steps: Vec<Step>,
}

/// A boolean expression over the run, with the text that people see when it does not hold.
#[derive(Debug, Clone)]
pub struct Gate {
    pub text: String,
    pub expr: Expr,
}

#[derive(Debug, Clone)]
pub struct Step {
    pub id: String,
    pub name: String,
    pub description: String,
    pub kind: Kind,
    /// Empty, as targets and arguments are, unless the step is an action.
    pub verb: String,
    pub targets: Targets,
    pub with: BTreeMap<String, serde_json::Value>,
    pub priority: Priority,
    /// The deadline of one call; `None` uses the action's own.
    pub timeout: Option<Span>,
    pub retry: Retry,
    pub lease: Option<Lease>,
    pub on_failure: OnFailure,
    pub roles: Vec<String>,
    pub expected_duration: Option<Span>,
    pub docs: Option<String>,
}

/// What a step is: exactly one of these.
#[derive(Debug, Clone)]
pub enum Kind {
    Action,
    Decision(Decision),
    Manual(Manual),
    Wait(Wait),
}

impl Kind {
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Action => "action",
            Kind::Decision(_) => "decision",
            Kind::Manual(_) => "manual",
            Kind::Wait(_) => "wait",
        }
    }
}

/// A question that a person answers by choosing an option.
#[derive(Debug, Clone)]
pub struct Decision {
    pub question: String,
    /// By name; where the run goes on, if not at the next step.
    pub options: BTreeMap<String, Option<Goto>>,
    /// Chosen when nobody has answered in time.
    pub default: Option<Fallback>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Goto {
    /// By its number over all stages.
    Step(u32),
    Stage(u32),
}

#[derive(Debug, Clone)]
pub struct Fallback {
    pub after: Span,
    pub choose: String,
}

/// Work of a person.
#[derive(Debug, Clone)]
pub struct Manual {
    pub instructions: String,
    pub role: Option<String>,
    pub owner: Option<String>,
    /// After this a person is called.
    pub due: Option<Span>,
    pub reminder: Option<Span>,
}

#[derive(Debug, Clone)]
pub enum Wait {
    For(Span),
    /// The step fails when it does not hold in time.
    Until {
        gate: Gate,
        timeout: Span,
    },
}

/// Whom a step acts on.
#[derive(Debug, Clone)]
pub enum Targets {
    /// A list of names, one action each; an empty list means there is nothing to do.
    ForEach(Expr),
    /// One name that stands in the playbook.
    Named(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retry {
    /// How many calls in all, at least one.
    pub attempts: u32,
    pub backoff: Backoff,
    /// The first delay.
    pub delay: Span,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { attempts: 3, backoff: Backoff::Exponential, delay: Span::millis(500) }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    Constant,
    Exponential,
}

/// How long a containment holds, and what then.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub span: Span,
    pub on_expiry: OnExpiry,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnExpiry {
    /// Page and stay in force.
    #[default]
    Ask,
    /// Revert, which is allowed for low risk only.
    Lift,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnFailure {
    /// The run is blocked until a person retries, skips or cancels.
    #[default]
    Stop,
    Continue,
    /// Revert what the run applied, in reverse order, and end as failed.
    Undo,
}

impl Playbook {
    /// All steps in document order, with the index of their stage.
    pub fn steps(&self) -> impl Iterator<Item = (usize, &Step)> {
        self.stages.iter().enumerate().flat_map(|(i, stage)| stage.steps.iter().map(move |s| (i, s)))
    }

    /// The steps that are passed over by going from this step to that place.
    pub fn between(&self, from: u32, to: Goto) -> std::ops::Range<u32> {
        let end = match to {
            Goto::Step(step) => step,
            Goto::Stage(stage) => {
                self.stages.iter().take(stage as usize).map(|stage| stage.steps.len() as u32).sum()
            }
        };
        from + 1..end.max(from + 1)
    }

    pub fn step_index(&self, id: &str) -> Option<usize> {
        self.steps().position(|(_, step)| step.id == id)
    }
}
