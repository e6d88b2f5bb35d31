//! The ordered words: severity, risk, priority, phase.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How bad an incident is (Sigma's levels).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    Informational,
    Low,
    Medium,
    High,
    Critical,
}

impl Severity {
    pub const ALL: [Severity; 5] =
        [Severity::Informational, Severity::Low, Severity::Medium, Severity::High, Severity::Critical];

    pub fn name(self) -> &'static str {
        match self {
            Severity::Informational => "informational",
            Severity::Low => "low",
            Severity::Medium => "medium",
            Severity::High => "high",
            Severity::Critical => "critical",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl FromStr for Severity {
    type Err = String;

    /// Case-insensitive; `info`, `warning`, `error` and `page` are understood as monitoring tools use them.
    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_ascii_lowercase().as_str() {
            "informational" | "info" | "none" => Ok(Severity::Informational),
            "low" => Ok(Severity::Low),
            "medium" | "moderate" | "warning" | "warn" => Ok(Severity::Medium),
            "high" | "error" | "major" => Ok(Severity::High),
            "critical" | "fatal" | "emergency" | "page" => Ok(Severity::Critical),
            _ => Err(format!("`{text}` is not a severity; use informational, low, medium, high or critical")),
        }
    }
}

/// What doing an action may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Risk {
    Low,
    Medium,
    High,
    Critical,
}

impl Risk {
    pub const ALL: [Risk; 4] = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];

    pub fn name(self) -> &'static str {
        match self {
            Risk::Low => "low",
            Risk::Medium => "medium",
            Risk::High => "high",
            Risk::Critical => "critical",
        }
    }
}

/// How much a step matters; `Required` and `Critical` gate a stage's exit.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Optional,
    Recommended,
    #[default]
    Required,
    Critical,
}

impl Priority {
    pub fn gates(self) -> bool {
        self >= Priority::Required
    }
}

/// The phase of response (NIST SP 800-61).
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    #[default]
    Detect,
    Analyze,
    Contain,
    Eradicate,
    Recover,
    Review,
}
