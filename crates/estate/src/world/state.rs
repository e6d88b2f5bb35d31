//! The world as JSON, for replies and live views.

use serde_json::{Map, Value, json};

use super::World;
use super::target::{Hold, Node, Service};
use crate::order::IsolationLevel;
use crate::spec::{TargetKind, TargetRef};

impl World {
    /// Null if there is no such target.
    pub(super) fn state(&self, target: &TargetRef) -> Value {
        let id = target.id.as_str();
        let state = match target.kind {
            TargetKind::Node => self.targets.nodes.get(id).map(|node| node_state(id, node)),
            TargetKind::Key => self.key_state(id),
            TargetKind::Account => self.account_state(id),
            TargetKind::Session => self.session_state(id),
            TargetKind::Service => self.service_state(id),
            TargetKind::Endpoint => self.endpoint_state(id),
            TargetKind::Segment => self.segment_state(id),
            TargetKind::File => self.file_state(id),
            TargetKind::Model => self.model_state(id),
            TargetKind::Dataset => self.dataset_state(id),
            TargetKind::Pipeline => self.pipeline_state(id),
            TargetKind::Address => self.targets.contains(target).then(|| self.address_state(id)),
        };
        state.unwrap_or_default()
    }

    pub(super) fn effects_view(&self) -> Value {
        let by_verb = self.effects.iter().map(|(verb, by_target)| (verb.name().to_owned(), json!(by_target)));
        Value::Object(by_verb.collect::<Map<_, _>>())
    }

    pub(super) fn open_sessions(&self, account: &str) -> Vec<String> {
        let sessions = self.targets.sessions.iter();
        sessions
            .filter(|(_, session)| session.open && session.account == account)
            .map(|(id, _)| id.clone())
            .collect()
    }

    pub(super) fn endpoints_of(&self, service: &str) -> Vec<String> {
        let endpoints = self.targets.endpoints.iter();
        endpoints.filter(|(_, of)| of.as_str() == service).map(|(id, _)| id.clone()).collect()
    }

    /// The traffic rules of a segment that let traffic through now.
    pub(super) fn rules_open(&self, segment: &str) -> Vec<Value> {
        let concerned = self.traffic.iter().filter(|rule| rule.from == segment || rule.to == segment);
        concerned
            .filter(|rule| self.passes(&rule.from, &rule.to) && self.passes(&rule.to, &rule.from))
            .map(|rule| json!({"from": rule.from, "to": rule.to}))
            .collect()
    }

    /// Whether `segment` is free to exchange traffic with `other`.
    fn passes(&self, segment: &str, other: &str) -> bool {
        self.allowed(segment).is_none_or(|allow| allow.contains(other))
    }

    fn key_state(&self, id: &str) -> Option<Value> {
        let key = self.targets.keys.get(id)?;
        let mut state = json!({"id": id, "node": key.node, "revoked": key.revoked.is_some()});
        if key.generation > 0 {
            state["successor"] = json!(format!("{id}.{}", key.generation + 1));
        }
        if let Some((reason, hold)) = &key.revoked {
            state["reason"] = json!(reason.name());
            state["since_us"] = json!(hold.since_us);
        }
        Some(state)
    }

    fn account_state(&self, id: &str) -> Option<Value> {
        let account = self.targets.accounts.get(id)?;
        let mut state = json!({
            "id": id,
            "role": account.role,
            "suspended": account.suspended.is_some(),
            "open_sessions": self.open_sessions(id),
        });
        if account.no_api {
            state["calls_refused"] = json!(true);
        }
        if account.reauth {
            state["reauth_required"] = json!(true);
        }
        if let Some(days) = account.flagged_days {
            state["watched_days"] = json!(days);
        }
        add_hold(&mut state, account.suspended.as_ref());
        Some(state)
    }

    fn session_state(&self, id: &str) -> Option<Value> {
        let session = self.targets.sessions.get(id)?;
        let mut state =
            json!({"id": id, "account": session.account, "from": session.from, "open": session.open});
        if let Some(signature) = &session.signature {
            state["signature"] = json!(signature);
        }
        Some(state)
    }

    fn service_state(&self, id: &str) -> Option<Value> {
        let service = self.targets.services.get(id)?;
        let mut state = json!({
            "id": id,
            "segment": service.segment,
            "disabled": service.disabled.is_some(),
            "patches": service.patches,
        });
        add_service_parts(&mut state, service);
        add_hold(&mut state, service.disabled.as_ref());
        Some(state)
    }

    fn endpoint_state(&self, id: &str) -> Option<Value> {
        let service = self.targets.endpoints.get(id)?;
        let open = !self.targets.closed.contains(id) && !self.disabled(service);
        let mut state = json!({"id": id, "service": service, "open": open});
        if let Some(rate) = self.targets.limits.get(id) {
            state["per_minute"] = json!(rate);
        }
        Some(state)
    }

    fn segment_state(&self, id: &str) -> Option<Value> {
        let segment = self.targets.segments.get(id)?;
        let mut state =
            json!({"id": id, "isolated": segment.isolated.is_some(), "traffic": self.rules_open(id)});
        if let Some((allow, hold)) = &segment.isolated {
            state["allow"] = json!(allow);
            add_hold(&mut state, Some(hold));
        }
        Some(state)
    }
}

fn node_state(id: &str, node: &Node) -> Value {
    let level = node.level();
    let mut state = json!({
        "id": id,
        "segment": node.segment,
        "isolation": level.map_or("none", IsolationLevel::name),
        "paths": paths(level),
        "compromised": node.compromised,
        "patches": node.patches,
    });
    if node.watched {
        state["watched"] = json!(true);
    }
    for (name, is_so) in [("down", node.down), ("sealed", node.sealed), ("rebuilt", node.rebuilt)] {
        if is_so {
            state[name] = json!(true);
        }
    }
    add_hold(&mut state, node.isolation.as_ref().map(|(_, hold)| hold));
    state
}

/// What is only said where it is so.
fn add_service_parts(state: &mut Value, service: &Service) {
    if !service.filters.is_empty() {
        state["filters"] = json!(service.filters);
    }
    for (name, is_so) in [
        ("down", service.down),
        ("strict", service.strict),
        ("guarded", service.guarded),
        ("tight", service.tight),
        ("shielded", service.shielded),
        ("leaked", service.leak.as_ref().is_some_and(|leak| !leak.purged)),
        ("damaged", service.damaged_us.is_some()),
    ] {
        if is_so {
            state[name] = json!(true);
        }
    }
    if let Some(to) = &service.rerouted {
        state["rerouted"] = json!(to);
    }
    if let Some(backup) = &service.restored {
        state["restored_from"] = json!(backup);
    }
}

/// Isolation never closes the path to the security tools: an isolated node must stay under observation.
fn paths(level: Option<IsolationLevel>) -> Value {
    let (peers, outside) = match level {
        None | Some(IsolationLevel::Monitor) => ("open", "open"),
        Some(IsolationLevel::Partial) => ("open", "cut"),
        Some(IsolationLevel::Full) => ("cut", "cut"),
    };
    json!({"peers": peers, "outside": outside, "security_tools": "open"})
}

fn add_hold(state: &mut Value, hold: Option<&Hold>) {
    if let Some(hold) = hold {
        state["since_us"] = json!(hold.since_us);
        if let Some(reason) = &hold.reason {
            state["reason"] = json!(reason);
        }
    }
}
