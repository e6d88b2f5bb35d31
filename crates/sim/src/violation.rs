//! What a simulation found, and where.

use domain::time::Timestamp;

/// One broken invariant, by the name it has in the list of invariants.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{invariant}: {what}")]
pub struct Violation {
    pub invariant: &'static str,
    pub what: String,
}

impl Violation {
    pub(crate) fn new(invariant: &'static str, what: impl Into<String>) -> Violation {
        Violation { invariant, what: what.into() }
    }
}

/// A violation with all that is needed to see it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("seed {seed}, step {step}, {at}: {violation}\n{}", trace.join("\n"))]
pub struct Failure {
    pub seed: u64,
    pub step: u64,
    pub at: Timestamp,
    pub violation: Violation,
    /// What happened last, oldest first.
    pub trace: Vec<String>,
}

/// `Ok` where the condition holds, else the violation.
pub(crate) fn ensure(
    holds: bool,
    invariant: &'static str,
    what: impl FnOnce() -> String,
) -> Result<(), Violation> {
    if holds { Ok(()) } else { Err(Violation::new(invariant, what())) }
}
