//! Health probes: what a monitor outside would see of a target.

use serde_json::json;

use super::World;
use crate::call::{Reading, Refusal};
use crate::order::IsolationLevel;
use crate::spec::{TargetKind, TargetRef};

/// The kind that a verb such as `node.health` asks about.
pub(super) fn asked(verb: &str) -> Option<TargetKind> {
    let kind = TargetKind::parse(verb.strip_suffix(".health")?)?;
    match kind {
        TargetKind::Node | TargetKind::Service | TargetKind::Endpoint | TargetKind::Segment => Some(kind),
        TargetKind::Key
        | TargetKind::Account
        | TargetKind::Session
        | TargetKind::Model
        | TargetKind::File
        | TargetKind::Dataset
        | TargetKind::Pipeline
        | TargetKind::Address => None,
    }
}

impl World {
    pub(super) fn read_health(&self, kind: TargetKind, id: &str) -> Reading {
        let target = TargetRef::new(kind, id);
        if !self.targets.contains(&target) {
            return Reading::refused(Refusal::UnknownTarget, "unknown target".to_owned(), json!(null));
        }
        let trouble = self.trouble(&target);
        Reading { holds: trouble.is_none(), state: self.state(&target), refusal: None, reason: trouble }
    }

    /// Why a target is not well, if it is not.
    fn trouble(&self, target: &TargetRef) -> Option<String> {
        let id = target.id.as_str();
        match target.kind {
            TargetKind::Node => self.node_trouble(id),
            TargetKind::Service => self.service_trouble(id),
            TargetKind::Endpoint => {
                let shut = self.targets.closed.contains(id).then(|| format!("endpoint {id} is shut"));
                shut.or_else(|| self.service_trouble(self.targets.endpoints.get(id)?))
            }
            TargetKind::Segment => self.allowed(id).map(|_| format!("segment {id} is isolated")),
            TargetKind::Key
            | TargetKind::Account
            | TargetKind::Session
            | TargetKind::Model
            | TargetKind::File
            | TargetKind::Dataset
            | TargetKind::Pipeline
            | TargetKind::Address => None,
        }
    }

    fn node_trouble(&self, id: &str) -> Option<String> {
        let node = self.targets.nodes.get(id)?;
        if node.level() == Some(IsolationLevel::Full) {
            return Some(format!("{id} does not answer its peers: isolated"));
        }
        if node.down {
            return Some(format!("{id} is down"));
        }
        if node.compromised {
            return Some(format!("{id} runs code that is not ours"));
        }
        self.allowed(&node.segment).map(|_| format!("{id} is in the isolated segment {}", node.segment))
    }

    pub(super) fn service_trouble(&self, id: &str) -> Option<String> {
        let service = self.targets.services.get(id)?;
        if service.disabled.is_some() {
            return Some(format!("service {id} is disabled"));
        }
        if service.down && service.rerouted.is_none() {
            return Some(format!("service {id} has stopped"));
        }
        self.allowed(&service.segment).map(|_| format!("{id} is in the isolated segment {}", service.segment))
    }
}
