//! A playbook after it was read and checked: stages of steps, with compiled gates. It is pinned by the hash
//! of its text when a run starts.

use std::{collections::BTreeMap, ops::Range};

use serde::{Deserialize, Serialize};

use crate::{
    expr::Expr,
    severity::{Priority, Severity},
    time::Span,
};

/// Most steps that one run may begin, each as often as the loops around it repeat it.
pub const PASSES_MOST: u64 = 2_000;

/// The SHA-256 of a document's text, in lower-case hex.
pub type TextHash = Box<str>;

#[derive(Debug, Clone)]
pub struct Playbook {
    pub id: String,
    pub name: String,
    pub version: String,
    /// Of its text with that of all pieces it calls.
    pub hash: TextHash,
    /// Of its file alone.
    pub file: TextHash,
    /// Incident types, after aliases; empty means any type.
    pub types: Vec<String>,
    pub min_severity: Severity,
    pub response: Response,
    pub procedure: Procedure,
    pub charter: Charter,
    pub roles: Vec<String>,
    pub stages: Vec<Stage>,
}

/// Whose a procedure is, how much hangs on it, and how far its text says that it is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Charter {
    pub status: Life,
    pub unit: Option<String>,
    /// A contact, team or role, as reviewers are.
    pub owner: Option<String>,
    pub criticality: Option<Criticality>,
    pub reviewers: Vec<String>,
    pub tags: Vec<String>,
    /// Other documents: paths or addresses.
    pub related: Vec<String>,
    /// Days such as 2026-01-31.
    pub created: Option<String>,
    pub updated: Option<String>,
}

/// How far a procedure is. Only an active one starts runs.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Life {
    Draft,
    Review,
    /// Also where the text says nothing.
    #[default]
    Active,
    Retired,
}

impl Life {
    pub fn name(self) -> &'static str {
        match self {
            Life::Draft => "draft",
            Life::Review => "review",
            Life::Active => "active",
            Life::Retired => "retired",
        }
    }
}

/// How much hangs on a procedure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Criticality {
    Low,
    Medium,
    High,
    Critical,
}

/// How far a playbook looks ahead: ending the harm now, handling an incident as a whole, changing what made it
/// possible, or bringing back what was hurt.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Response {
    #[default]
    Immediate,
    Tactical,
    Strategic,
    Recovery,
}

impl Response {
    pub const ALL: [Response; 4] =
        [Response::Immediate, Response::Tactical, Response::Strategic, Response::Recovery];
}

/// What a playbook is a procedure for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Procedure {
    Detection,
    Analysis,
    #[default]
    Response,
    Recovery,
}

impl Procedure {
    pub const ALL: [Procedure; 4] =
        [Procedure::Detection, Procedure::Analysis, Procedure::Response, Procedure::Recovery];
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
    /// With those inside of others, each right behind the one that holds it.
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
    pub approval: Option<Consent>,
    pub on_failure: OnFailure,
    pub roles: Vec<String>,
    pub expected_duration: Option<Span>,
    pub docs: Option<String>,
}

/// Whose yes a step needs before its effects begin.
#[derive(Debug, Clone)]
pub struct Consent {
    /// Absent: always.
    pub when: Option<Gate>,
    pub quorum: u32,
    /// Empty: who may command.
    pub roles: Vec<String>,
    pub expires: Span,
}

/// What a step is: exactly one of these.
#[derive(Debug, Clone)]
pub enum Kind {
    Action,
    Decision(Decision),
    Manual(Manual),
    Wait(Wait),
    Switch(Switch),
    While(While),
    Parallel(Parallel),
    Call(Call),
}

impl Kind {
    pub fn name(&self) -> &'static str {
        match self {
            Kind::Action => "action",
            Kind::Decision(_) => "decision",
            Kind::Manual(_) => "manual",
            Kind::Wait(_) => "wait",
            Kind::Switch(_) => "switch",
            Kind::While(_) => "while",
            Kind::Parallel(_) => "parallel",
            Kind::Call(_) => "call",
        }
    }

    /// What it asks of people, where it is a task.
    pub fn manual(&self) -> Option<&Manual> {
        if let Kind::Manual(manual) = self { Some(manual) } else { None }
    }

    /// The sequences of steps inside of it, by name and in the order of the document. They stand right behind it.
    pub fn branches(&self) -> Vec<(&str, Range<u32>)> {
        match self {
            Kind::Action | Kind::Manual(_) | Kind::Wait(_) => Vec::new(),
            Kind::Decision(decision) => {
                let options = decision.options.iter();
                options.map(|(name, option)| (name.as_str(), option.steps.clone())).collect()
            }
            Kind::Switch(switch) => {
                switch.cases.iter().map(|case| (case.name.as_str(), case.steps.clone())).collect()
            }
            Kind::While(one) => vec![("steps", one.steps.clone())],
            Kind::Call(call) => vec![("steps", call.steps.clone())],
            Kind::Parallel(parallel) => {
                parallel.branches.iter().map(|(name, steps)| (name.as_str(), steps.clone())).collect()
            }
        }
    }

    /// How many steps are inside of it, at any depth.
    pub fn inner(&self) -> usize {
        self.branches().iter().map(|(_, steps)| steps.len()).sum()
    }

    /// Whether one of its branches is chosen, and the others are passed over.
    pub fn chooses(&self) -> bool {
        match self {
            Kind::Decision(_) | Kind::Switch(_) => true,
            Kind::Action
            | Kind::Manual(_)
            | Kind::Wait(_)
            | Kind::While(_)
            | Kind::Parallel(_)
            | Kind::Call(_) => false,
        }
    }
}

/// A question that a person answers by choosing an option.
#[derive(Debug, Clone)]
pub struct Decision {
    pub question: String,
    pub options: BTreeMap<String, Choice>,
    /// Chosen when nobody has answered in time.
    pub default: Option<Fallback>,
}

/// What follows from an option: its own steps, then the place to go on at, if that is not the next step.
#[derive(Debug, Clone)]
pub struct Choice {
    pub steps: Range<u32>,
    pub goto: Option<Goto>,
}

/// The first case whose condition holds is chosen.
#[derive(Debug, Clone)]
pub struct Switch {
    /// The last one has no condition.
    pub cases: Vec<Case>,
}

#[derive(Debug, Clone)]
pub struct Case {
    pub name: String,
    pub when: Option<Gate>,
    pub steps: Range<u32>,
}

/// Steps that begin anew as long as the condition holds before a round.
#[derive(Debug, Clone)]
pub struct While {
    pub gate: Gate,
    /// The step fails when the condition still holds after so many.
    pub rounds: u32,
    pub steps: Range<u32>,
}

/// Branches that run side by side.
#[derive(Debug, Clone)]
pub struct Parallel {
    pub branches: BTreeMap<String, Range<u32>>,
    pub join: Join,
}

/// The steps of a piece that several playbooks share, as they are with what is given to it here.
#[derive(Debug, Clone)]
pub struct Call {
    pub piece: String,
    pub steps: Range<u32>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Join {
    /// Every branch has to come through.
    #[default]
    All,
    /// The first that comes through ends the others.
    Any,
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
    /// The last call is made at the end of this time, counted from the request, and none after it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub within: Option<Span>,
}

impl Default for Retry {
    fn default() -> Self {
        Retry { attempts: 3, backoff: Backoff::Exponential, delay: Span::millis(500), within: None }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Backoff {
    Constant,
    Exponential,
}

/// How long a containment holds, and what then. Without a span it holds until its incident is about to close.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub span: Option<Span>,
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

    /// The steps that this choice of a step passes over: what belongs to the other choices, and what lies before
    /// the place it goes to.
    pub fn passed_over(&self, index: u32, kind: &Kind, choice: &str) -> Vec<u32> {
        if let Kind::Decision(decision) = kind
            && let Some(to) = decision.options.get(choice).and_then(|option| option.goto)
        {
            return (index + 1..self.first_step(to)).collect();
        }
        let others = kind.branches().into_iter().filter(|(name, _)| *name != choice);
        others.flat_map(|(_, steps)| steps).collect()
    }

    fn first_step(&self, place: Goto) -> u32 {
        match place {
            Goto::Step(step) => step,
            Goto::Stage(stage) => {
                self.stages.iter().take(stage as usize).map(|stage| stage.steps.len() as u32).sum()
            }
        }
    }

    /// Whether a step may begin while this earlier one is open: it holds the later one, nothing waits for it, or both
    /// are in branches side by side.
    pub fn may_overlap(&self, open: u32, begun: u32) -> bool {
        let Some((_, early)) = self.steps().nth(open as usize) else { return false };
        let holds = (open + 1..=open + early.kind.inner() as u32).contains(&begun);
        let left_open = matches!(early.kind, Kind::Manual(_)) && !early.priority.gates();
        let beside = |kind: &Kind| {
            let branch = |step| kind.branches().iter().position(|(_, steps)| steps.contains(&step));
            matches!(kind, Kind::Parallel(_))
                && branch(open).zip(branch(begun)).is_some_and(|(one, other)| one != other)
        };
        holds || left_open || self.steps().any(|(_, step)| beside(&step.kind))
    }

    pub fn step_index(&self, id: &str) -> Option<usize> {
        self.steps().position(|(_, step)| step.id == id)
    }
}
