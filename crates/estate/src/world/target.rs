//! What is known of each thing in the estate.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::order::{IsolationLevel, RevocationReason};
use crate::spec::{CheckpointSpec, FileSpec, PipelineSpec, Spec, TargetKind, TargetRef};

#[derive(Clone, Debug, Default)]
pub(super) struct Targets {
    pub(super) nodes: BTreeMap<String, Node>,
    pub(super) keys: BTreeMap<String, Key>,
    pub(super) accounts: BTreeMap<String, Account>,
    pub(super) sessions: BTreeMap<String, Session>,
    pub(super) services: BTreeMap<String, Service>,
    /// The service of each endpoint.
    pub(super) endpoints: BTreeMap<String, String>,
    /// Endpoints that are shut although their service goes on.
    pub(super) closed: BTreeSet<String>,
    pub(super) segments: BTreeMap<String, Segment>,
    pub(super) models: BTreeMap<String, Model>,
    pub(super) files: BTreeMap<String, File>,
    pub(super) datasets: BTreeMap<String, Dataset>,
    pub(super) pipelines: BTreeMap<String, Pipeline>,
    /// Addresses that nobody gets through from.
    pub(super) blocked: BTreeSet<String>,
    /// Calls a minute that an endpoint takes, where that is limited.
    pub(super) limits: BTreeMap<String, u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) segment: String,
    pub(super) isolation: Option<(IsolationLevel, Hold)>,
    pub(super) compromised: bool,
    pub(super) down: bool,
    /// Every call it makes is recorded.
    pub(super) watched: bool,
    /// When it has caught up with the chain, if it was restarted.
    pub(super) synced_us: u64,
    pub(super) log: Vec<String>,
    /// Evidence of it, as it was then, is sealed.
    pub(super) sealed: bool,
    /// It was set up anew from a trusted image.
    pub(super) rebuilt: bool,
    pub(super) patches: BTreeSet<String>,
    /// What somebody came in by, where that is known.
    pub(super) hole: Option<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) node: String,
    pub(super) revoked: Option<(RevocationReason, Hold)>,
    /// How often another key took its place.
    pub(super) generation: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) role: String,
    pub(super) suspended: Option<Hold>,
    pub(super) reauth: bool,
    pub(super) flagged_days: Option<u32>,
    /// Its calls are refused at every endpoint.
    pub(super) no_api: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Session {
    pub(super) account: String,
    pub(super) from: String,
    pub(super) open: bool,
    /// When it was last used.
    pub(super) seen_us: u64,
    /// What its prompts have in common with known attacks.
    pub(super) signature: Option<String>,
    /// What these prompts make use of.
    pub(super) techniques: BTreeSet<String>,
    /// How often it was tried.
    pub(super) attempts: u32,
    /// How often it asked a model, and what it took away.
    pub(super) prompts: u64,
    pub(super) bytes_out: u64,
}

#[derive(Clone, Debug)]
pub(super) struct File {
    pub(super) spec: FileSpec,
    pub(super) quarantined: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Service {
    pub(super) segment: String,
    pub(super) disabled: Option<Hold>,
    pub(super) patches: BTreeSet<String>,
    /// Signatures of prompts that it lets nobody through with.
    pub(super) filters: BTreeSet<String>,
    /// It has stopped, and nobody stopped it.
    pub(super) down: bool,
    /// Its data are not what was written, since then.
    pub(super) damaged_us: Option<u64>,
    /// The other service that its calls go to.
    pub(super) rerouted: Option<String>,
    /// It refuses files whose first bytes do not fit their name.
    pub(super) strict: bool,
    /// It takes no login from an address that it does not know.
    pub(super) guarded: bool,
    /// It refuses whatever uses a known technique.
    pub(super) tight: bool,
    /// Requests that fit an exploit are refused in front of it.
    pub(super) shielded: bool,
    pub(super) leak: Option<Leak>,
    /// Oldest first.
    pub(super) backups: Vec<Backup>,
    /// The backup that its data come from, if they were restored.
    pub(super) restored: Option<String>,
}

/// Data of persons that left a service.
#[derive(Clone, Debug)]
pub(super) struct Leak {
    pub(super) persons: u64,
    /// They left the house.
    pub(super) outside: bool,
    pub(super) copies: u64,
    pub(super) purged: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Backup {
    pub(super) id: String,
    pub(super) taken_us: u64,
    /// It cannot be read any more.
    pub(super) broken: bool,
    /// The data were damaged when it was taken.
    pub(super) damaged: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Model {
    /// Oldest first.
    pub(super) checkpoints: Vec<Checkpoint>,
    /// The number of the checkpoint that it runs.
    pub(super) present: usize,
    /// The checkpoint that it ran before it was rolled back, and why it was.
    pub(super) rolled_back: Option<(usize, Option<String>)>,
    pub(super) isolated: bool,
    pub(super) per_minute: Option<u32>,
    /// Every prompt and every answer is recorded.
    pub(super) watched: bool,
    /// It answers without its scores.
    pub(super) coarse: bool,
    /// What it runs and what was registered are kept as evidence.
    pub(super) sealed: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Checkpoint {
    pub(super) id: String,
    /// As they were when it was registered.
    pub(super) registered: String,
    /// As they are now.
    pub(super) weights: String,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Dataset {
    pub(super) quarantined: bool,
    pub(super) poisoned: bool,
    /// The way by which that came in, and how much of it is not as registered.
    pub(super) vector: Option<String>,
    pub(super) percent: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Pipeline {
    pub(super) dataset: String,
    pub(super) model: String,
    pub(super) paused: bool,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Segment {
    /// The segments that may still exchange traffic with this one, if it is isolated.
    pub(super) isolated: Option<(BTreeSet<String>, Hold)>,
}

/// Since when, and in whose words why, something is contained.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hold {
    pub(super) since_us: u64,
    pub(super) reason: Option<String>,
}

impl Targets {
    pub(super) fn new(spec: &Spec) -> Targets {
        let mut targets = Targets::default();
        for id in &spec.segments {
            targets.segments.insert(id.clone(), Segment::default());
        }
        for node in &spec.nodes {
            targets.nodes.insert(node.id.clone(), Node::new(&node.segment));
        }
        for key in &spec.keys {
            targets.keys.insert(key.id.clone(), Key { node: key.node.clone(), revoked: None, generation: 0 });
        }
        for account in &spec.accounts {
            targets.accounts.insert(account.id.clone(), Account::of(&account.role));
        }
        for session in &spec.sessions {
            targets.sessions.insert(session.id.clone(), Session::open(&session.account, &session.from));
        }
        for service in &spec.services {
            targets.services.insert(service.id.clone(), Service::new(&service.segment));
        }
        for endpoint in &spec.endpoints {
            targets.endpoints.insert(endpoint.id.clone(), endpoint.service.clone());
        }
        for file in &spec.files {
            targets.files.insert(file.id.clone(), File { spec: file.clone(), quarantined: false });
        }
        targets.add_training(spec);
        for backup in &spec.backups {
            if let Some(service) = targets.services.get_mut(&backup.service) {
                service.backups.push(Backup::of(&backup.id, backup.broken));
            }
        }
        targets
    }

    fn add_training(&mut self, spec: &Spec) {
        self.models = spec.models.iter().map(|id| (id.clone(), Model::default())).collect();
        self.datasets = spec.datasets.iter().map(|id| (id.clone(), Dataset::default())).collect();
        for CheckpointSpec { id, model, weights } in &spec.checkpoints {
            if let Some(model) = self.models.get_mut(model) {
                model.present = model.checkpoints.len();
                let (registered, weights) = (weights.clone(), weights.clone());
                model.checkpoints.push(Checkpoint { id: id.clone(), registered, weights });
            }
        }
        for PipelineSpec { id, dataset, model } in &spec.pipelines {
            let pipeline = Pipeline { dataset: dataset.clone(), model: model.clone(), paused: false };
            self.pipelines.insert(id.clone(), pipeline);
        }
    }

    pub(super) fn contains(&self, target: &TargetRef) -> bool {
        let id = &target.id;
        match target.kind {
            TargetKind::Node => self.nodes.contains_key(id),
            TargetKind::Key => self.keys.contains_key(id),
            TargetKind::Account => self.accounts.contains_key(id),
            TargetKind::Session => self.sessions.contains_key(id),
            TargetKind::Service => self.services.contains_key(id),
            TargetKind::Endpoint => self.endpoints.contains_key(id),
            TargetKind::Segment => self.segments.contains_key(id),
            TargetKind::Model => self.models.contains_key(id),
            TargetKind::File => self.files.contains_key(id),
            TargetKind::Dataset => self.datasets.contains_key(id),
            TargetKind::Pipeline => self.pipelines.contains_key(id),
            TargetKind::Address => id.parse::<IpAddr>().is_ok(),
        }
    }

    pub(super) fn ids(&self, kind: TargetKind) -> Vec<String> {
        match kind {
            TargetKind::Node => self.nodes.keys().cloned().collect(),
            TargetKind::Key => self.keys.keys().cloned().collect(),
            TargetKind::Account => self.accounts.keys().cloned().collect(),
            TargetKind::Session => self.sessions.keys().cloned().collect(),
            TargetKind::Service => self.services.keys().cloned().collect(),
            TargetKind::Endpoint => self.endpoints.keys().cloned().collect(),
            TargetKind::Segment => self.segments.keys().cloned().collect(),
            TargetKind::Model => self.models.keys().cloned().collect(),
            TargetKind::File => self.files.keys().cloned().collect(),
            TargetKind::Dataset => self.datasets.keys().cloned().collect(),
            TargetKind::Pipeline => self.pipelines.keys().cloned().collect(),
            TargetKind::Address => self.blocked.iter().cloned().collect(),
        }
    }
}

impl Node {
    fn new(segment: &str) -> Node {
        Node {
            segment: segment.to_owned(),
            isolation: None,
            compromised: false,
            down: false,
            watched: false,
            synced_us: 0,
            log: vec!["running".to_owned()],
            sealed: false,
            rebuilt: false,
            patches: BTreeSet::new(),
            hole: None,
        }
    }

    pub(super) fn level(&self) -> Option<IsolationLevel> {
        self.isolation.as_ref().map(|(level, _)| *level)
    }
}

impl Account {
    fn of(role: &str) -> Account {
        let role = role.to_owned();
        Account { role, suspended: None, reauth: false, flagged_days: None, no_api: false }
    }
}

impl Session {
    pub(super) fn open(account: &str, from: &str) -> Session {
        Session {
            account: account.to_owned(),
            from: from.to_owned(),
            open: true,
            seen_us: 0,
            signature: None,
            techniques: BTreeSet::new(),
            attempts: 0,
            prompts: 0,
            bytes_out: 0,
        }
    }
}

impl Service {
    fn new(segment: &str) -> Service {
        Service {
            segment: segment.to_owned(),
            disabled: None,
            patches: BTreeSet::new(),
            filters: BTreeSet::new(),
            down: false,
            damaged_us: None,
            rerouted: None,
            strict: false,
            guarded: false,
            tight: false,
            shielded: false,
            leak: None,
            backups: Vec::new(),
            restored: None,
        }
    }
}

impl Backup {
    /// One that was taken before the world began.
    fn of(id: &str, broken: bool) -> Backup {
        Backup { id: id.to_owned(), taken_us: 0, broken, damaged: false }
    }
}

impl Model {
    /// Its present weights are those that were registered.
    pub(super) fn is_sound(&self) -> bool {
        self.checkpoints.get(self.present).is_none_or(Checkpoint::is_sound)
    }
}

impl Checkpoint {
    pub(super) fn is_sound(&self) -> bool {
        self.registered == self.weights
    }
}
