//! What each order changes, and whether what it asks for holds.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::World;
use super::target::Hold;
use crate::happening::Kind;
use crate::order::{IsolationLevel, Order, RevocationReason};
use crate::spec::{TargetKind, TargetRef};

/// In the place of the name of a patch: the newest for the hole of the node.
pub(super) const LATEST: &str = "latest";

/// What carrying out an order did.
pub(super) struct Effect {
    pub(super) changed: bool,
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) artefact: Option<Value>,
}

/// There is nothing that the order could use; says what is missing.
pub(super) struct Impossible(pub(super) String);

impl Effect {
    pub(super) fn contained(text: String, artefact: Value) -> Effect {
        Effect { changed: true, kind: Kind::Contained, text, artefact: Some(artefact) }
    }

    pub(super) fn reverted(text: String) -> Effect {
        Effect { changed: true, kind: Kind::Reverted, text, artefact: None }
    }

    pub(super) fn nothing(text: String) -> Effect {
        Effect { changed: false, kind: Kind::Nothing, text, artefact: None }
    }
}

impl World {
    /// The target exists: `understand` has looked it up.
    pub(super) fn carry_out(
        &mut self,
        order: &Order,
        id: &str,
        kind: TargetKind,
    ) -> Result<Effect, Impossible> {
        let effect = match order {
            Order::Isolate { level, reason } => self.isolate_node(id, *level, reason.clone()),
            Order::Release => self.release_node(id),
            Order::Revoke { reason } => self.revoke_key(id, *reason),
            Order::Reinstate => self.reinstate_key(id),
            Order::Suspend { end_sessions, reason } => {
                self.suspend_account(id, *end_sessions, reason.clone())
            }
            Order::Restore => self.restore_account(id),
            Order::Disable { reason } => self.disable_service(id, reason.clone()),
            Order::Enable => self.enable_service(id),
            Order::Segregate { allow, reason } => self.isolate_segment(id, allow, reason.clone()),
            Order::Join => self.join_segment(id),
            Order::Patch { patch } => match self.patch_named(id, patch) {
                Some(patch) => self.apply_patch(kind, id, &patch),
                None => return Err(Impossible(format!("there is no patch for the hole of {id} yet"))),
            },
            Order::Unpatch { patch } => match self.patch_named(id, patch) {
                Some(patch) => self.remove_patch(kind, id, &patch),
                None => Effect::nothing(format!("There is no patch for the hole of {id}.")),
            },
            Order::Respond(response) => self.respond(response, &TargetRef::new(kind, id)),
            Order::Operate(system) => return self.operate(system, id),
            Order::Learned(ai) => return self.learned(*ai, id),
            Order::Breached(breach) => self.breached(*breach, id),
        };
        Ok(effect)
    }

    /// A stricter containment than the one asked for counts as well.
    pub(super) fn holds(&self, order: &Order, target: &TargetRef) -> bool {
        let id = target.id.as_str();
        match order {
            Order::Isolate { level, .. } => self.level(id).is_some_and(|present| present >= *level),
            Order::Release => self.level(id).is_none(),
            Order::Revoke { .. } => self.revoked(id),
            Order::Reinstate => !self.revoked(id),
            Order::Suspend { end_sessions, .. } => {
                self.suspended(id) && (!end_sessions || self.open_sessions(id).is_empty())
            }
            Order::Restore => !self.suspended(id),
            Order::Disable { .. } => self.disabled(id),
            Order::Enable => !self.disabled(id),
            Order::Segregate { allow, .. } => {
                self.allowed(id).is_some_and(|open| open.iter().all(|id| allow.contains(id)))
            }
            Order::Join => self.allowed(id).is_none(),
            Order::Patch { patch } => {
                self.patch_named(id, patch).is_some_and(|patch| self.patched(target, &patch))
            }
            Order::Unpatch { patch } => {
                self.patch_named(id, patch).is_none_or(|patch| !self.patched(target, &patch))
            }
            Order::Respond(response) => self.response_holds(response, id),
            Order::Operate(system) => self.system_holds(system, id),
            Order::Learned(ai) => self.learned_holds(*ai, id),
            Order::Breached(breach) => self.breach_holds(*breach, id),
        }
    }

    fn isolate_node(&mut self, id: &str, level: IsolationLevel, reason: Option<String>) -> Effect {
        let hold = self.hold(reason);
        let Some(node) = self.targets.nodes.get_mut(id) else { return missing(id) };
        let before = node.level();
        if before == Some(level) {
            return Effect::nothing(format!("{id} was isolated at level {} already.", level.name()));
        }
        node.isolation = Some((level, hold));
        let text = match level {
            IsolationLevel::Full => {
                format!("{id} is cut off from peers and the outside; only the security tools still reach it.")
            }
            IsolationLevel::Partial => format!("{id} is cut off from the outside; its peers still reach it."),
            IsolationLevel::Monitor => {
                format!("{id} is watched: its traffic is mirrored to the security tools.")
            }
        };
        let before = before.map(IsolationLevel::name);
        Effect::contained(text, json!({"kind": "isolation", "level": level.name(), "before": before}))
    }

    fn release_node(&mut self, id: &str) -> Effect {
        let Some(node) = self.targets.nodes.get_mut(id) else { return missing(id) };
        match node.isolation.take() {
            Some(_) => Effect::reverted(format!("{id} is back on the network.")),
            None => Effect::nothing(format!("{id} was not isolated.")),
        }
    }

    fn revoke_key(&mut self, id: &str, reason: RevocationReason) -> Effect {
        let hold = self.hold(None);
        let Some(key) = self.targets.keys.get_mut(id) else { return missing(id) };
        if key.revoked.is_some() {
            return Effect::nothing(format!("{id} was revoked already."));
        }
        key.revoked = Some((reason, hold));
        let text = format!("{id} of {} is revoked; nobody accepts its signatures any more.", key.node);
        Effect::contained(text, json!({"kind": "revocation", "key": id, "reason": reason.name()}))
    }

    fn reinstate_key(&mut self, id: &str) -> Effect {
        let Some(key) = self.targets.keys.get_mut(id) else { return missing(id) };
        match key.revoked.take() {
            Some(_) if key.generation > 0 => {
                let successor = format!("{id}.{}", key.generation + 1);
                Effect::reverted(format!("{successor} signs in the place of {id}, which stays worthless."))
            }
            Some(_) => Effect::reverted(format!("{id} is valid again.")),
            None => Effect::nothing(format!("{id} was not revoked.")),
        }
    }

    fn suspend_account(&mut self, id: &str, end_sessions: bool, reason: Option<String>) -> Effect {
        let hold = self.hold(reason);
        let ended = if end_sessions { self.open_sessions(id) } else { Vec::new() };
        for session in &ended {
            if let Some(session) = self.targets.sessions.get_mut(session) {
                session.open = false;
            }
        }
        let Some(account) = self.targets.accounts.get_mut(id) else { return missing(id) };
        if account.suspended.is_some() && ended.is_empty() {
            return Effect::nothing(format!("{id} was suspended already."));
        }
        account.suspended.get_or_insert(hold);
        let text = match ended.len() {
            0 => format!("{id} is suspended."),
            1 => format!("{id} is suspended and its session ended."),
            count => format!("{id} is suspended and its {count} sessions ended."),
        };
        Effect::contained(text, json!({"kind": "suspension", "sessions_ended": ended}))
    }

    fn restore_account(&mut self, id: &str) -> Effect {
        let Some(account) = self.targets.accounts.get_mut(id) else { return missing(id) };
        match account.suspended.take() {
            Some(_) => Effect::reverted(format!("{id} may log in again.")),
            None => Effect::nothing(format!("{id} was not suspended.")),
        }
    }

    fn disable_service(&mut self, id: &str, reason: Option<String>) -> Effect {
        let hold = self.hold(reason);
        let closed = self.endpoints_of(id);
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        if service.disabled.is_some() {
            return Effect::nothing(format!("{id} was disabled already."));
        }
        service.disabled = Some(hold);
        let text = format!("The service {id} is disabled; its endpoints are closed.");
        Effect::contained(text, json!({"kind": "service_stop", "endpoints_closed": closed}))
    }

    fn enable_service(&mut self, id: &str) -> Effect {
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        match service.disabled.take() {
            Some(_) => Effect::reverted(format!("The service {id} runs again.")),
            None => Effect::nothing(format!("The service {id} was not disabled.")),
        }
    }

    fn isolate_segment(&mut self, id: &str, allow: &[String], reason: Option<String>) -> Effect {
        let hold = self.hold(reason);
        let before = self.rules_open(id);
        let allow: BTreeSet<String> = allow.iter().cloned().collect();
        let Some(segment) = self.targets.segments.get_mut(id) else { return missing(id) };
        if segment.isolated.as_ref().is_some_and(|(present, _)| *present == allow) {
            return Effect::nothing(format!("The segment {id} was isolated already."));
        }
        segment.isolated = Some((allow, hold));
        let after = self.rules_open(id);
        let cut: Vec<&Value> = before.iter().filter(|rule| !after.contains(rule)).collect();
        let text = format!("The segment {id} is cut off from the others.");
        Effect::contained(text, json!({"kind": "segmentation", "rules_cut": cut}))
    }

    fn join_segment(&mut self, id: &str) -> Effect {
        let Some(segment) = self.targets.segments.get_mut(id) else { return missing(id) };
        match segment.isolated.take() {
            Some(_) => Effect::reverted(format!("The segment {id} is joined to the others again.")),
            None => Effect::nothing(format!("The segment {id} was not isolated.")),
        }
    }

    fn patch_named(&self, id: &str, patch: &str) -> Option<String> {
        if patch == LATEST { self.newest_patch(id) } else { Some(patch.to_owned()) }
    }

    fn apply_patch(&mut self, kind: TargetKind, id: &str, patch: &str) -> Effect {
        let summary = self.patches.iter().find(|known| known.id == patch).map(|known| known.summary.clone());
        let Some(patches) = self.patches_of_mut(kind, id) else { return missing(id) };
        if !patches.insert(patch.to_owned()) {
            return Effect::nothing(format!("{patch} was on {id} already."));
        }
        let summary = summary.unwrap_or_default();
        let text = format!("{patch} is on {id}: {summary}.");
        Effect::contained(text, json!({"kind": "patch", "patch": patch, "summary": summary}))
    }

    fn remove_patch(&mut self, kind: TargetKind, id: &str, patch: &str) -> Effect {
        let Some(patches) = self.patches_of_mut(kind, id) else { return missing(id) };
        if patches.remove(patch) {
            Effect::reverted(format!("{patch} is off {id} again."))
        } else {
            Effect::nothing(format!("{patch} was not on {id}."))
        }
    }

    fn patches_of_mut(&mut self, kind: TargetKind, id: &str) -> Option<&mut BTreeSet<String>> {
        match kind {
            TargetKind::Node => self.targets.nodes.get_mut(id).map(|node| &mut node.patches),
            TargetKind::Service => self.targets.services.get_mut(id).map(|service| &mut service.patches),
            TargetKind::Key
            | TargetKind::Account
            | TargetKind::Session
            | TargetKind::Endpoint
            | TargetKind::Segment
            | TargetKind::Model
            | TargetKind::File
            | TargetKind::Dataset
            | TargetKind::Pipeline
            | TargetKind::Address => None,
        }
    }

    fn patched(&self, target: &TargetRef, patch: &str) -> bool {
        let id = &target.id;
        self.targets
            .nodes
            .get(id)
            .is_some_and(|node| target.kind == TargetKind::Node && node.patches.contains(patch))
            || self
                .targets
                .services
                .get(id)
                .is_some_and(|service| target.kind == TargetKind::Service && service.patches.contains(patch))
    }

    fn level(&self, node: &str) -> Option<IsolationLevel> {
        self.targets.nodes.get(node).and_then(super::target::Node::level)
    }

    pub(super) fn revoked(&self, key: &str) -> bool {
        self.targets.keys.get(key).is_some_and(|key| key.revoked.is_some())
    }

    pub(super) fn suspended(&self, account: &str) -> bool {
        self.targets.accounts.get(account).is_some_and(|account| account.suspended.is_some())
    }

    pub(super) fn disabled(&self, service: &str) -> bool {
        self.targets.services.get(service).is_some_and(|service| service.disabled.is_some())
    }

    /// The segments that an isolated segment may still reach; nothing if it is not isolated.
    pub(super) fn allowed(&self, segment: &str) -> Option<&BTreeSet<String>> {
        self.targets.segments.get(segment)?.isolated.as_ref().map(|(allow, _)| allow)
    }

    fn hold(&self, reason: Option<String>) -> Hold {
        Hold { since_us: self.now_us, reason }
    }
}

pub(super) fn missing(id: &str) -> Effect {
    Effect::nothing(format!("There is no {id}."))
}
