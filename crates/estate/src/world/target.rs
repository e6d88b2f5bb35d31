//! What is known of each thing in the estate.

use std::collections::{BTreeMap, BTreeSet};

use crate::order::{IsolationLevel, RevocationReason};
use crate::spec::{FileSpec, Spec, TargetKind, TargetRef};

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
    pub(super) models: BTreeSet<String>,
    pub(super) files: BTreeMap<String, File>,
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
    pub(super) patches: BTreeSet<String>,
}

#[derive(Clone, Debug)]
pub(super) struct Key {
    pub(super) node: String,
    pub(super) revoked: Option<(RevocationReason, Hold)>,
}

#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) role: String,
    pub(super) suspended: Option<Hold>,
    pub(super) reauth: bool,
    pub(super) flagged_days: Option<u32>,
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
            targets.keys.insert(key.id.clone(), Key { node: key.node.clone(), revoked: None });
        }
        for account in &spec.accounts {
            let state =
                Account { role: account.role.clone(), suspended: None, reauth: false, flagged_days: None };
            targets.accounts.insert(account.id.clone(), state);
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
        targets.models = spec.models.iter().cloned().collect();
        targets
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
            TargetKind::Model => self.models.contains(id),
            TargetKind::File => self.files.contains_key(id),
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
            TargetKind::Model => self.models.iter().cloned().collect(),
            TargetKind::File => self.files.keys().cloned().collect(),
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
            patches: BTreeSet::new(),
        }
    }

    pub(super) fn level(&self) -> Option<IsolationLevel> {
        self.isolation.as_ref().map(|(level, _)| *level)
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
        }
    }
}
