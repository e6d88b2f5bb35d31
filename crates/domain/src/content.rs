//! Content: what a deployment says about its world. Playbooks, actions, incident types and rules, read from
//! text, checked as a whole, and identified by hash. `load` reads a folder; nothing else here reads text.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::{Deserialize, Serialize};

use crate::{
    confidence::Weights,
    detect,
    document::{Position, Problem},
    mapping::Mapping,
    playbook::{Life, Playbook, TextHash},
    policy::Policies,
    recovery::Recovery,
    report::Terms,
    request::Requests,
    score::Rules,
    severity::{Risk, Severity},
    targets::Targets,
    time::Span,
};

mod approval;
pub mod calendar;
pub mod channels;
pub mod drill;
mod env;
pub mod exercise;
pub mod factors;
mod load;
pub mod people;
mod rehearsal;
pub mod schedule;
pub mod services;
pub mod statements;
pub mod strategies;
pub mod training;

pub use approval::{approval_bindings, approval_env};
pub use detect::Rule;
pub use env::{ContainmentFacts, GateFacts, IncidentFacts, StepFacts, gate_bindings, gate_env};
pub use load::{Pinned, decode, load, load_tested, read_playbook};

/// Everything that was loaded together.
#[derive(Debug, Clone, Default)]
pub struct Content {
    /// SHA-256 over the sorted list of path and file hash.
    pub hash: TextHash,
    /// Path to hash of text.
    pub files: BTreeMap<String, TextHash>,
    /// The text of each playbook by its hash, so that a run can find its version after an edit; [`Pinned`] reads it.
    pub playbook_texts: BTreeMap<TextHash, Arc<str>>,
    pub playbooks: BTreeMap<String, Arc<Playbook>>,
    /// The texts of the pieces that playbooks share, by path.
    pub pieces: BTreeMap<String, String>,
    pub actions: BTreeMap<String, Arc<ActionSpec>>,
    pub types: BTreeMap<String, IncidentType>,
    /// Alias to type name.
    pub aliases: BTreeMap<String, String>,
    pub rules: detect::Rules,
    /// How the JSON of other sources becomes alerts, by name.
    pub mappings: BTreeMap<String, Arc<Mapping>>,
    pub channels: channels::Channels,
    /// By name of their file.
    pub drills: BTreeMap<String, drill::Drill>,
    /// Drills in which people talk or are reached, by name of their file.
    pub exercises: BTreeMap<String, exercise::Exercise>,
    /// Words of notices by name.
    pub templates: BTreeMap<String, String>,
    pub recovery: Recovery,
    pub targets: Targets,
    pub confidence: Weights,
    pub services: services::Services,
    /// How the answers of calls become scores.
    pub scores: Rules,
    /// Contacts, teams, and when they are called.
    pub people: people::People,
    pub reports: Terms,
    pub compliance: Vec<crate::compliance::Control>,
    /// What comes round: reviews of procedures and exercises.
    pub schedule: schedule::Schedule,
    /// Kinds of words to the outside.
    pub statements: statements::Statements,
    pub training: training::Training,
    /// Who may do what.
    pub policies: Policies,
    pub strategies: strategies::Strategies,
}

/// The connector of the platform itself that acts on files below configured roots.
pub const FILES: &str = "files";
pub const QUARANTINE: &str = "file.quarantine";
pub const RESTORE: &str = "file.restore";

/// What the result of a run counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counts {
    /// A system was cut off.
    Isolated,
    /// Something is refused from now on.
    Rule,
    /// A service or a system is back.
    Restored,
    /// A model is kept from doing harm.
    Model,
    /// So is what models learn from.
    Source,
}

/// What `actions.yaml` says of one verb.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionSpec {
    pub verb: String,
    pub summary: String,
    /// The kind of its target, such as `node`.
    pub target: String,
    pub args: BTreeMap<String, ArgSpec>,
    pub connector: String,
    pub class: Class,
    pub risk: Risk,
    /// Whether it limits harm; containments are what safe mode treats apart.
    pub containment: bool,
    /// What it is for: limits tell purposes apart.
    pub purpose: Purpose,
    /// A target that is a path of this machine, or the hash of an upload, goes to the connector [`FILES`].
    pub files: bool,
    /// What it brings is kept as evidence of this kind.
    pub keeps: Option<crate::evidence::Kind>,
    /// As what the result of a run counts it.
    pub counts: Option<Counts>,
    /// The verb that takes it back, if any.
    pub revert: Option<String>,
    /// It is meant to stay, so it is done with once it holds, although a verb takes it back.
    pub lasting: bool,
    /// Whether the connector can read back that it holds.
    pub verify: bool,
    /// At most this many targets in one step.
    pub blast_radius_max: u32,
    /// At most this many in force or on their way at once, over all incidents; more need a person's decision.
    pub in_force_max: Option<u32>,
    pub timeout: Span,
    pub side_effects: Vec<String>,
    /// For connectors of kind `http`: the requests to make.
    pub requests: Option<Requests>,
    /// Capabilities of escalation.yaml that it takes to ask for it by hand.
    pub permissions: BTreeSet<String>,
}

impl ActionSpec {
    /// The verb that ends it, of what is in force until then.
    pub fn held_until(&self) -> Option<&str> {
        self.revert.as_deref().filter(|_| !self.lasting)
    }

    /// Who performs it on this target.
    pub fn connector_for(&self, target: &str) -> &str {
        let here = target.starts_with('/') || target.starts_with("sha256:");
        if self.files && here { FILES } else { &self.connector }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct ArgSpec {
    pub kind: ArgKind,
    pub required: bool,
    pub default: Option<serde_json::Value>,
    /// For text: the only values allowed; empty means any.
    pub one_of: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ArgKind {
    Text,
    Integer,
    Number,
    Boolean,
}

/// What an action is for. At the higher levels some purposes are still served.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// It limits harm.
    Containment,
    /// It keeps what may prove something, and changes nothing else.
    Evidence,
    /// It brings back what was hurt.
    Recovery,
    #[default]
    Other,
}

impl Purpose {
    pub const ALL: [Purpose; 4] =
        [Purpose::Containment, Purpose::Evidence, Purpose::Recovery, Purpose::Other];

    pub fn name(self) -> &'static str {
        match self {
            Purpose::Containment => "containment",
            Purpose::Evidence => "evidence",
            Purpose::Recovery => "recovery",
            Purpose::Other => "other",
        }
    }

    pub(crate) fn is_other(&self) -> bool {
        *self == Purpose::Other
    }
}

/// What repeating a call does, which decides what happens after an unknown outcome.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The target takes an idempotency key: re-send with the same key.
    Keyed,
    /// The state can be queried: query, then act only if needed.
    ReadBack,
    /// Doing it again changes nothing: re-send.
    Idempotent,
    /// At most one automatic call; then a person decides. Also the class of what declares none.
    #[default]
    OneShot,
    /// At least once, with the same id.
    Notice,
}

/// One type of incident.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentType {
    pub name: String,
    pub category: String,
    pub severity: Severity,
    /// Labels whose values, beside the type, make two alerts the same incident.
    pub group_by: Vec<String>,
    /// An alert this long after the last one opens a new incident.
    pub window: Span,
    /// Where it stands in `taxonomy.yaml`.
    pub place: Position,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// This content is in force from here on.
    Loaded { hash: TextHash, files: BTreeMap<String, TextHash> },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Loaded { .. } => "content.loaded",
        }
    }
}

impl Content {
    /// The type's name after aliases, whatever the case.
    pub fn type_name(&self, text: &str) -> String {
        let lower = text.trim().to_ascii_lowercase();
        self.aliases.get(&lower).cloned().unwrap_or(lower)
    }

    /// The playbook that its text makes active for an incident.
    pub fn playbook_for(&self, incident_type: &str, severity: Severity) -> Option<&Arc<Playbook>> {
        self.choose(incident_type, severity, |playbook| playbook.charter.status == Life::Active)
    }

    /// The playbook for an incident among those that may start: the most specific type, then the highest
    /// `min_severity` that fits, then the name, so that the choice never depends on the order of files.
    pub fn choose(
        &self,
        incident_type: &str,
        severity: Severity,
        may_start: impl Fn(&Playbook) -> bool,
    ) -> Option<&Arc<Playbook>> {
        let fits = |p: &&Arc<Playbook>| {
            let for_type = p.types.is_empty() || p.types.iter().any(|t| t == incident_type);
            p.min_severity <= severity && for_type && may_start(p)
        };
        self.playbooks
            .values()
            .filter(fits)
            .max_by_key(|p| (!p.types.is_empty(), p.min_severity, std::cmp::Reverse(p.id.clone())))
    }

    /// The types of incidents that no playbook is for, however severe they are.
    pub fn unplanned(&self) -> Vec<Problem> {
        let types =
            self.types.values().filter(|kind| self.playbook_for(&kind.name, Severity::Critical).is_none());
        let told = |kind: &IncidentType| {
            let message =
                format!("no playbook is for the type `{}`; add one, or one without `types`", kind.name);
            Problem::new("taxonomy.yaml", kind.place, message)
        };
        types.map(told).collect()
    }
}
