//! Single endpoints that are shut, nodes that are watched closely, and services that are asked whether they answer.

use serde_json::json;

use super::World;
use super::effect::{Effect, missing};

impl World {
    pub(super) fn answers(&self, service: &str) -> bool {
        self.targets.services.contains_key(service) && self.service_trouble(service).is_none()
    }

    pub(super) fn watched(&self, node: &str) -> bool {
        self.targets.nodes.get(node).is_some_and(|node| node.watched)
    }

    pub(super) fn probe(&self, id: &str) -> Effect {
        let trouble = self.service_trouble(id);
        let artefact =
            json!({"kind": "probe", "service": id, "answers": trouble.is_none(), "trouble": trouble});
        let text =
            trouble.map_or_else(|| format!("{id} answers."), |why| format!("{id} does not answer: {why}."));
        Effect::looked(text, artefact)
    }

    pub(super) fn close_api(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(service) = self.targets.endpoints.get(id) else { return missing(id) };
        let closed = &mut self.targets.closed;
        let changed = if wanted { closed.insert(id.to_owned()) } else { closed.remove(id) };
        match (changed, wanted) {
            (true, true) => Effect::contained(
                format!("{id} is shut; the rest of {service} goes on."),
                json!({"kind": "endpoint_shut", "endpoint": id, "service": service}),
            ),
            (true, false) => Effect::reverted(format!("{id} takes calls again.")),
            (false, true) => Effect::nothing(format!("{id} was shut already.")),
            (false, false) => Effect::nothing(format!("{id} was not shut.")),
        }
    }

    pub(super) fn watch(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(node) = self.targets.nodes.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut node.watched, wanted);
        match (before == wanted, wanted) {
            (true, _) => Effect::nothing(format!("The watch over {id} stays as it was.")),
            (false, true) => Effect::contained(
                format!("Every call of {id} is recorded."),
                json!({"kind": "watch", "node": id}),
            ),
            (false, false) => Effect::reverted(format!("The calls of {id} are not recorded any more.")),
        }
    }
}
