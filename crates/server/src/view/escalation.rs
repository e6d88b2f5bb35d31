//! What a level was engaged with, and who of the crisis team has answered.

use domain::incident::{crisis, factors};
use schemars::JsonSchema;
use serde::Serialize;

use super::{optional, text};

/// What the present level was engaged with.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Escalation {
    /// The rule of `escalation.yaml` that held; null where a clock or a person engaged it.
    pub(crate) rule: Option<String>,
    /// `normal`, `high` or `immediate`.
    pub(crate) urgency: String,
    /// What calling this level should change.
    pub(crate) improvement: String,
    /// The contacts that were called.
    pub(crate) called: Vec<String>,
    pub(crate) factors: Vec<Factor>,
}

/// One factor, as it was then.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Factor {
    pub(crate) name: String,
    pub(crate) value: String,
    /// What it was derived from.
    pub(crate) why: String,
}

/// The crisis team, each with their own answer.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Crisis {
    pub(crate) since: String,
    pub(crate) answer_by: String,
    pub(crate) members: Vec<Member>,
    /// Those who have not answered.
    pub(crate) open: Vec<String>,
    pub(crate) reminded: u32,
    pub(crate) remind_at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Member {
    pub(crate) contact: String,
    pub(crate) answered_at: Option<String>,
}

impl From<&factors::Weighed> for Escalation {
    fn from(weighed: &factors::Weighed) -> Escalation {
        let factor = |factor: &factors::Factor| Factor {
            name: factor.name.to_string(),
            value: factor.value.to_string(),
            why: factor.why.to_string(),
        };
        Escalation {
            rule: weighed.rule.as_deref().map(str::to_owned),
            urgency: weighed.urgency.name().to_owned(),
            improvement: weighed.improvement.to_string(),
            called: weighed.called.iter().map(text).collect(),
            factors: weighed.factors.iter().map(factor).collect(),
        }
    }
}

impl From<&crisis::Crisis> for Crisis {
    fn from(crisis: &crisis::Crisis) -> Crisis {
        let member = |member: &crisis::Member| Member {
            contact: member.contact.to_string(),
            answered_at: optional(member.answered_at),
        };
        Crisis {
            since: text(crisis.since),
            answer_by: text(crisis.answer_by),
            members: crisis.members.iter().map(member).collect(),
            open: crisis.open().map(str::to_owned).collect(),
            reminded: crisis.reminded,
            remind_at: optional(crisis.remind_at),
        }
    }
}
