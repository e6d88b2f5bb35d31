//! What people made out about an incident: findings, what it hurts and how badly, who is behind it, why it happened, and
//! when it is expected to end.
//!
//! Each record is a fact and stays in the journal. Of the profile, the cause and each area of the impact the newest
//! counts; findings add up.

mod decide;
#[cfg(test)]
mod tests;

pub(super) use decide::decide;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::Target;
use crate::{
    event::Meta,
    id::{EvidenceId, PersonId},
    time::Timestamp,
};

/// At most so many findings on one incident, and so many pieces of evidence or entries behind one.
pub const FINDINGS_MAX: usize = 100;
pub const LINKS_MAX: usize = 50;
/// Longest text of one record: the row of the incident carries it.
pub const TEXT_MAX: usize = 2 * 1024;
/// Most techniques, and most indicators, of one profile.
pub const PROFILE_MAX: usize = 50;
/// Most measures that one cause names, and the longest of them.
pub const MEASURES_MAX: usize = 20;
pub const LINE_MAX: usize = 256;
/// The kinds of things by which an attack is recognized.
pub const INDICATORS: [&str; 13] = [
    "account", "address", "dataset", "domain", "email", "file", "hash", "host", "key", "model", "process",
    "session", "url",
];

const ERASED: &str = "[redacted]";

/// What an incident can hurt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Area {
    Systems,
    Data,
    People,
    Business,
    Regulation,
}

impl Area {
    pub const ALL: [Area; 5] = [Area::Systems, Area::Data, Area::People, Area::Business, Area::Regulation];

    pub fn name(self) -> &'static str {
        match self {
            Area::Systems => "systems",
            Area::Data => "data",
            Area::People => "people",
            Area::Business => "business",
            Area::Regulation => "regulation",
        }
    }
}

/// How badly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    None,
    Low,
    Medium,
    High,
    Severe,
}

impl Level {
    pub const ALL: [Level; 5] = [Level::None, Level::Low, Level::Medium, Level::High, Level::Severe];

    pub fn name(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Low => "low",
            Level::Medium => "medium",
            Level::High => "high",
            Level::Severe => "severe",
        }
    }
}

/// How the cause was looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    FiveWhys,
    Fishbone,
    Timeline,
    FaultTree,
    Other,
}

impl Method {
    pub fn name(self) -> &'static str {
        match self {
            Method::FiveWhys => "five_whys",
            Method::Fishbone => "fishbone",
            Method::Timeline => "timeline",
            Method::FaultTree => "fault_tree",
            Method::Other => "other",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub enum Ask {
    Finding {
        text: String,
        evidence: Vec<EvidenceId>,
        /// Positions of the journal that show it.
        entries: Vec<u64>,
    },
    Impact {
        areas: BTreeMap<Area, Level>,
        text: String,
    },
    Threat {
        techniques: Vec<String>,
        /// Kind and value of each.
        indicators: Vec<(String, String)>,
        actor: Option<String>,
    },
    Cause {
        text: String,
        method: Method,
        /// What is done so that it does not come again.
        measures: Vec<String>,
    },
    /// A word on how it stands, which people hear at once.
    Update {
        text: String,
        eta: Option<Timestamp>,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "analysis", rename_all = "snake_case")]
pub enum Fact {
    Found {
        text: Box<str>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        evidence: Vec<EvidenceId>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        entries: Vec<u64>,
    },
    Assessed {
        areas: BTreeMap<Area, Level>,
        text: Box<str>,
    },
    Profiled {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        techniques: Vec<Box<str>>,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        indicators: Vec<Target>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        actor: Option<Box<str>>,
    },
    Explained {
        text: Box<str>,
        method: Method,
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        measures: Vec<Box<str>>,
        /// People were told that it is over and the cause pending; now they hear of it, once.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        awaited: bool,
    },
    Updated {
        text: Box<str>,
        /// None leaves what was said before.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        eta: Option<Timestamp>,
    },
}

impl Fact {
    pub fn kind(&self) -> &'static str {
        match self {
            Fact::Found { .. } => "incident.finding_recorded",
            Fact::Assessed { .. } => "incident.impact_recorded",
            Fact::Profiled { .. } => "incident.threat_recorded",
            Fact::Explained { .. } => "incident.cause_recorded",
            Fact::Updated { .. } => "incident.updated",
        }
    }
}

/// Who recorded it, and when.
pub type By = Option<(PersonId, Timestamp)>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    pub text: Box<str>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub evidence: Vec<EvidenceId>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<u64>,
    pub by: By,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rated {
    pub level: Level,
    pub text: Box<str>,
    pub by: By,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Threat {
    #[serde(default)]
    pub techniques: Vec<Box<str>>,
    #[serde(default)]
    pub indicators: Vec<Target>,
    #[serde(default)]
    pub actor: Option<Box<str>>,
    pub by: By,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cause {
    pub text: Box<str>,
    pub method: Method,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub measures: Vec<Box<str>>,
    /// How often it was written anew since the first time.
    #[serde(default)]
    pub revised: u32,
    pub by: By,
}

/// What people record who practise: a finding, and an impact on the systems, in the same words.
pub(crate) fn noted(note: &str) -> [Ask; 2] {
    let finding = Ask::Finding { text: note.to_owned(), evidence: Vec::new(), entries: Vec::new() };
    let areas = BTreeMap::from([(Area::Systems, Level::Medium)]);
    [finding, Ask::Impact { areas, text: note.to_owned() }]
}

/// What counts now.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Analysis {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub findings: Vec<Finding>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub impact: BTreeMap<Area, Rated>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threat: Option<Threat>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// When it is expected to end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub eta: Option<Timestamp>,
}

impl Analysis {
    /// How badly it hurts this area; what nobody rated is not known to be hurt.
    pub fn level(&self, area: Area) -> Level {
        self.impact.get(&area).map_or(Level::None, |rated| rated.level)
    }

    /// What it hurts, the worst first, in one line; nothing where nobody has said so.
    pub fn impact_line(&self) -> Option<String> {
        let mut hurt: Vec<(&Area, &Rated)> = self.impact.iter().collect();
        hurt.sort_by_key(|(area, rated)| (std::cmp::Reverse(rated.level), **area));
        let mut texts: Vec<&str> = Vec::new();
        let mut levels = Vec::with_capacity(hurt.len());
        for (area, rated) in hurt {
            levels.push(format!("{} {}", area.name(), rated.level.name()));
            if !texts.contains(&&*rated.text) {
                texts.push(&rated.text);
            }
        }
        (!levels.is_empty()).then(|| format!("{}: {}", levels.join(", "), texts.join("; ")))
    }

    pub(super) fn apply(&mut self, fact: &Fact, meta: &Meta) {
        let by = meta.actor.person().map(|person| (person, meta.time));
        match fact {
            Fact::Found { text, evidence, entries } => {
                let (text, evidence, entries) = (text.clone(), evidence.clone(), entries.clone());
                self.findings.push(Finding { text, evidence, entries, by });
            }
            Fact::Assessed { areas, text } => {
                let rated = |level: &Level| Rated { level: *level, text: text.clone(), by };
                self.impact.extend(areas.iter().map(|(area, level)| (*area, rated(level))));
            }
            Fact::Profiled { techniques, indicators, actor } => {
                let (techniques, indicators) = (techniques.clone(), indicators.clone());
                self.threat = Some(Threat { techniques, indicators, actor: actor.clone(), by });
            }
            Fact::Explained { text, method, measures, .. } => {
                let revised = self.cause.as_ref().map_or(0, |cause| cause.revised.saturating_add(1));
                let (text, measures) = (text.clone(), measures.clone());
                self.cause = Some(Cause { text, method: *method, measures, revised, by });
            }
            Fact::Updated { eta, .. } => self.eta = eta.or(self.eta),
        }
    }

    /// The words go; that something was recorded stays, for gates ask for it.
    pub(super) fn redact(&mut self) {
        self.findings.iter_mut().for_each(|finding| finding.text = ERASED.into());
        self.impact.values_mut().for_each(|rated| rated.text = ERASED.into());
        if let Some(threat) = &mut self.threat {
            threat.indicators.clear();
            threat.actor = None;
        }
        if let Some(cause) = &mut self.cause {
            cause.text = ERASED.into();
            cause.measures.clear();
        }
    }
}
