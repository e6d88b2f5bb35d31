//! `schedule.yaml` as it is in force: what comes round, who does it, and by when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::calendar::{Beat, Wait};
use crate::time::Span;

/// The routines by id.
pub type Schedule = BTreeMap<String, Routine>;

#[derive(Debug, Clone, PartialEq)]
pub struct Routine {
    pub id: String,
    pub name: String,
    pub work: Work,
    pub beat: Beat,
    /// A contact, team or role.
    pub owner: String,
    /// By when it is done, from when it came round.
    pub due: Wait,
    /// So long before that, its owner is reminded.
    pub remind: Span,
    /// What its owner is to do.
    pub asks: String,
}

/// What a routine has somebody do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Work {
    Review(Reviewed),
    /// A file of `drills/`, by name.
    Drill(Box<str>),
}

/// What is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reviewed {
    Procedures,
    Responses,
    Recoveries,
    Framework,
    Metrics,
}

impl Reviewed {
    pub fn name(self) -> &'static str {
        match self {
            Reviewed::Procedures => "procedures",
            Reviewed::Responses => "responses",
            Reviewed::Recoveries => "recoveries",
            Reviewed::Framework => "framework",
            Reviewed::Metrics => "metrics",
        }
    }
}

impl Work {
    /// Such as `review of procedures`.
    pub fn name(&self) -> String {
        match self {
            Work::Review(of) => format!("review of {}", of.name()),
            Work::Drill(name) => format!("drill {name}"),
        }
    }
}
