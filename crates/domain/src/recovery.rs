//! What a deployment wants between the end of the response and the end of the incident: a watch, a signature,
//! and the reports of the review by their deadlines.

pub mod plan;

use std::collections::BTreeSet;

use crate::{incident::closing::Gate, severity::Severity, time::Span};

/// The first report of a review, the detailed one, and the final one.
pub const REPORTS: [&str; 3] = ["initial", "detailed", "final"];

/// `recovery.yaml`. Without the file nothing is watched and nobody has to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recovery {
    /// How long a resolved incident is watched, from informational to critical. Zero: not at all.
    pub watch: [Span; 5],
    /// From this severity on, the business signs off before the incident may close as a true positive.
    pub sign_off: Option<Severity>,
    /// When each of [`REPORTS`] is due after the incident was closed.
    pub reports: [Span; 3],
    /// So long before a report is due, its review says so.
    pub remind: Span,
    pub require: Require,
    /// How often the probes of what was recovered are repeated while it is watched.
    pub probe_every: Option<Span>,
    pub close: Close,
}

/// What has to be shown before what was real is closed, each from a severity on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Close {
    pub log: Option<Severity>,
    pub backup: Option<Severity>,
    pub detection: Option<Severity>,
    /// Incidents of these types are asked for everything, however severe they are.
    pub types: BTreeSet<Box<str>>,
    /// A look that is older shows nothing.
    pub within: Span,
}

impl Default for Close {
    fn default() -> Close {
        let types = BTreeSet::new();
        Close { log: None, backup: None, detection: None, types, within: Span::secs(3_600) }
    }
}

impl Close {
    pub fn asks(&self, gate: Gate, incident_type: &str, severity: Severity) -> bool {
        let from = match gate {
            Gate::Log => self.log,
            Gate::Backup => self.backup,
            Gate::Detection => self.detection,
        };
        self.types.contains(incident_type) || from.is_some_and(|from| severity >= from)
    }
}

/// What must have been shown before an incident that hurt a service may be resolved, each from a severity on.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Require {
    /// Every service that was hurt was brought back in order.
    pub restored: Option<Severity>,
    pub data: Option<Severity>,
    pub posture: Option<Severity>,
}

impl Default for Recovery {
    fn default() -> Self {
        Recovery {
            watch: [Span::default(); 5],
            sign_off: None,
            reports: [Span::secs(86_400), Span::secs(3 * 86_400), Span::secs(7 * 86_400)],
            remind: Span::secs(4 * 3_600),
            require: Require::default(),
            probe_every: None,
            close: Close::default(),
        }
    }
}

impl Recovery {
    pub fn watch_of(&self, severity: Severity) -> Span {
        self.watch[severity as usize]
    }

    pub fn needs_sign_off(&self, severity: Severity) -> bool {
        self.sign_off.is_some_and(|from| severity >= from)
    }
}
