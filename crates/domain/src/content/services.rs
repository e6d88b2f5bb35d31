//! What `services.yaml` says: what people use, what it is made of, what it needs, and how it is shown to be well.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{incident::Target, time::Span};

/// Groups of priority: 1 is brought back first.
pub const GROUP_MOST: u32 = 9;

/// By name. Without the file there are none, and nothing is brought back in order.
pub type Services = BTreeMap<String, ServiceSpec>;

/// One service.
#[derive(Debug, Clone, PartialEq)]
pub struct ServiceSpec {
    pub name: String,
    pub summary: String,
    /// 1 to [`GROUP_MOST`].
    pub group: u32,
    /// The role that answers for it.
    pub owner: String,
    pub depends_on: BTreeSet<String>,
    /// What it is made of, by kind. A target belongs to one service.
    pub targets: BTreeMap<String, BTreeSet<String>>,
    /// What brings it back, while it is still contained.
    pub restore: Vec<Check>,
    /// What must hold before anything of it is released.
    pub verify: Vec<Check>,
    /// What must hold once everything of it is released.
    pub probes: Vec<Check>,
    /// How long bringing it back may take.
    pub restore_within: Option<Span>,
    /// After so long a probe says nothing any more.
    pub fresh_for: Span,
}

/// What a check speaks for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verifies {
    /// That what it keeps is whole and its own.
    Data,
    /// That its protection stands as it should.
    Posture,
    /// That it works.
    #[default]
    Health,
}

impl Verifies {
    pub fn name(self) -> &'static str {
        match self {
            Verifies::Data => "data",
            Verifies::Posture => "posture",
            Verifies::Health => "health",
        }
    }
}

/// One verb on the targets of a service.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    pub id: String,
    pub verifies: Verifies,
    pub verb: String,
    /// The kind of its targets.
    pub kind: String,
    /// `None`: those of the service that the incident names, or for a probe all of this kind.
    pub targets: Option<Vec<String>>,
    pub with: BTreeMap<String, Value>,
}

impl ServiceSpec {
    pub fn owns(&self, kind: &str, name: &str) -> bool {
        self.targets.get(kind).is_some_and(|names| names.contains(name))
    }

    /// Those of `named` that it is made of.
    pub fn share<'a>(&self, named: &'a [Target]) -> impl Iterator<Item = &'a Target> + use<'a, '_> {
        named.iter().filter(|(kind, name)| self.owns(kind, name))
    }

    /// What a probe looks at.
    pub fn probed<'a>(&'a self, check: &'a Check) -> Box<dyn Iterator<Item = &'a str> + 'a> {
        match &check.targets {
            Some(targets) => Box::new(targets.iter().map(String::as_str)),
            None => Box::new(self.targets.get(&check.kind).into_iter().flatten().map(String::as_str)),
        }
    }

    pub fn target_count(&self) -> usize {
        self.targets.values().map(BTreeSet::len).sum()
    }
}

/// Every service that one of the targets belongs to, and every service that needs one of those, however far.
pub fn affected<'a>(services: &'a Services, named: &[Target]) -> BTreeSet<&'a str> {
    let hit = |service: &&ServiceSpec| service.share(named).next().is_some();
    let mut found: BTreeSet<&str> = services.values().filter(hit).map(|service| &*service.name).collect();
    // Each round adds at least one service, or is the last.
    for _ in 0..=services.len() {
        let needs = |service: &&ServiceSpec| service.depends_on.iter().any(|name| found.contains(&**name));
        let more: Vec<&str> = services.values().filter(needs).map(|service| &*service.name).collect();
        let before = found.len();
        found.extend(more);
        if found.len() == before {
            break;
        }
    }
    found
}

/// In the order of bringing back: first what is needed, then by group, then by name.
pub fn in_order<'a>(services: &'a Services, of: &BTreeSet<&str>) -> Vec<&'a ServiceSpec> {
    let mut left: Vec<&ServiceSpec> = services.values().filter(|s| of.contains(&*s.name)).collect();
    left.sort_by_key(|service| (service.group, &service.name));
    let mut ordered: Vec<&ServiceSpec> = Vec::new();
    while !left.is_empty() {
        let ready = |service: &&ServiceSpec| {
            !left.iter().any(|other| service.depends_on.contains(&other.name) && other.name != service.name)
        };
        // INVARIANT: what was loaded has no cycle, so one is always ready.
        let index = left.iter().position(ready).unwrap_or(0);
        ordered.push(left.remove(index));
    }
    ordered
}
