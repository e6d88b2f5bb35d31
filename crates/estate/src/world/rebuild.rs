//! Evidence of nodes that is sealed, nodes that are set up anew, and who may log in from where.

use serde_json::json;

use super::World;
use super::effect::{Effect, Impossible, missing};
use super::response::{SYNC_US, sha256};
use crate::spec::{TargetKind, TargetRef};

impl World {
    /// An image of the memory, the log and the traffic of a node, each with its hash.
    pub(super) fn seal(&mut self, id: &str) -> Effect {
        let state = self.state(&TargetRef::new(TargetKind::Node, id));
        let taken_us = self.now_us;
        let Some(node) = self.targets.nodes.get_mut(id) else { return missing(id) };
        node.sealed = true;
        let part = |what: &str, content: String| json!({"kind": what, "sha256": sha256(&content)});
        let artefact = json!({
            "kind": "node_evidence", "node": id, "taken_us": taken_us, "content": state,
            "parts": [
                part("memory_image", state.to_string()),
                part("system_log", node.log.join("\n")),
                part("network_capture", state["paths"].to_string()),
            ],
        });
        Effect::looked(format!("Memory, log and traffic of {id} are sealed."), artefact)
    }

    /// What is not sealed before is gone for good, so it is asked for first.
    pub(super) fn rebuild(&mut self, id: &str) -> Result<Effect, Impossible> {
        let now_us = self.now_us;
        let Some(node) = self.targets.nodes.get_mut(id) else { return Ok(missing(id)) };
        if node.rebuilt && !node.compromised && !node.down {
            return Ok(Effect::nothing(format!("{id} comes from the trusted image already.")));
        }
        if !node.sealed {
            return Err(Impossible(format!("no evidence of {id} is sealed; `node.preserve` comes first")));
        }
        (node.rebuilt, node.compromised, node.down) = (true, false, false);
        node.synced_us = now_us.saturating_add(SYNC_US);
        node.log = vec!["set up from the trusted image; catching up with the chain".to_owned()];
        let artefact = json!({"kind": "rebuild", "node": id, "image": "trusted"});
        Ok(Effect::contained(format!("{id} is set up anew from the trusted image."), artefact))
    }

    pub(super) fn rebuilt(&self, id: &str) -> bool {
        self.targets.nodes.get(id).is_some_and(|node| node.rebuilt && !node.compromised && !node.down)
    }

    pub(super) fn reset_sessions(&mut self, id: &str) -> Effect {
        let ended = self.open_sessions(id);
        for session in &ended {
            if let Some(session) = self.targets.sessions.get_mut(session) {
                session.open = false;
            }
        }
        if ended.is_empty() {
            return Effect::nothing(format!("{id} had no session."));
        }
        let artefact = json!({"kind": "sessions_reset", "account": id, "sessions": ended});
        Effect::contained(
            format!("{id} has to log in anew everywhere: {} ended.", ended.join(", ")),
            artefact,
        )
    }

    pub(super) fn guard(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut service.guarded, wanted);
        match (before == wanted, wanted) {
            (true, _) => Effect::nothing(format!("The logins of {id} stay as they were.")),
            (false, true) => Effect::contained(
                format!("{id} takes logins from known addresses only."),
                json!({"kind": "access_policy", "service": id, "rule": "known_addresses"}),
            ),
            (false, false) => Effect::reverted(format!("{id} takes logins from everywhere again.")),
        }
    }

    /// Whether a login from this address is refused: nobody has a session from it, and a service looks at that.
    pub(super) fn guards_against(&self, from: &str) -> bool {
        let known = self.targets.sessions.values().any(|session| session.from == from);
        !known && self.targets.services.values().any(|service| service.guarded)
    }
}
