//! Holes and leaks: a rule in front of a service, patches for a hole, other victims of it, and data that left.

use serde_json::json;

use super::World;
use super::effect::{Effect, missing};
use super::response::sha256;
use super::target::Node;
use crate::order::Breach;

impl World {
    pub(super) fn breached(&mut self, breach: Breach, id: &str) -> Effect {
        match breach {
            Breach::Shield => self.shield(id, true),
            Breach::Unshield => self.shield(id, false),
            Breach::Trace => self.trace(id),
            Breach::Purge => self.purge(id),
            Breach::FindPatch => self.find_patch(id),
            Breach::Hunt => self.hunt(id),
        }
    }

    pub(super) fn breach_holds(&self, breach: Breach, id: &str) -> bool {
        let service = self.targets.services.get(id);
        match breach {
            Breach::Shield => service.is_some_and(|service| service.shielded),
            Breach::Unshield => service.is_some_and(|service| !service.shielded),
            Breach::Purge => {
                service.is_some_and(|service| service.leak.as_ref().is_none_or(|leak| leak.purged))
            }
            // These are done as soon as they were carried out.
            Breach::Trace | Breach::FindPatch | Breach::Hunt => true,
        }
    }

    /// Whether what is on the node closes the hole that it was entered by, or any where none is known.
    pub(super) fn is_mended(&self, node: &Node) -> bool {
        match &node.hole {
            None => !node.patches.is_empty(),
            Some(hole) => self.closing(hole).any(|patch| node.patches.contains(patch)),
        }
    }

    /// The newest patch for the hole of the node, if there is one.
    pub(super) fn newest_patch(&self, id: &str) -> Option<String> {
        let hole = self.targets.nodes.get(id)?.hole.as_ref()?;
        self.closing(hole).last().cloned()
    }

    fn closing(&self, hole: &str) -> impl Iterator<Item = &String> {
        self.patches.iter().filter(move |patch| patch.closes == hole).map(|patch| &patch.id)
    }

    fn shield(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut service.shielded, wanted);
        match (before == wanted, wanted) {
            (true, _) => Effect::nothing(format!("The rules in front of {id} stay as they were.")),
            (false, true) => Effect::contained(
                format!("Requests that fit the exploit are refused in front of {id}."),
                json!({"kind": "virtual_patch", "service": id}),
            ),
            (false, false) => Effect::reverted(format!("{id} takes all requests again.")),
        }
    }

    fn trace(&self, id: &str) -> Effect {
        let Some(service) = self.targets.services.get(id) else { return missing(id) };
        let (persons, outside, copies) =
            service.leak.as_ref().map_or((0, false, 0), |leak| (leak.persons, leak.outside, leak.copies));
        let artefact = json!({"kind": "leak_scope", "service": id, "persons": persons,
            "outside": u8::from(outside), "copies": copies,
            "sha256": sha256(&format!("{id} {persons} {outside} {copies}"))});
        let place = if outside { "outside of the house" } else { "inside of the house" };
        Effect::looked(format!("Data of {persons} persons came from {id}, {place}."), artefact)
    }

    fn purge(&mut self, id: &str) -> Effect {
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        let Some(leak) = service.leak.as_mut().filter(|leak| !leak.purged) else {
            return Effect::nothing(format!("There is no copy of what left {id}."));
        };
        leak.purged = true;
        let artefact = json!({"kind": "purge", "service": id, "copies": leak.copies});
        Effect::contained(format!("{} copies of what left {id} are erased.", leak.copies), artefact)
    }

    fn find_patch(&self, id: &str) -> Effect {
        let patch = self.newest_patch(id);
        let text = match &patch {
            Some(patch) => format!("{patch} closes the hole of {id}."),
            None => format!("There is no patch for the hole of {id} yet."),
        };
        let available = u8::from(patch.is_some());
        let artefact = json!({"kind": "patch_search", "node": id, "patch": patch, "available": available});
        Effect::looked(text, artefact)
    }

    /// By the hole that it was entered by; where none is known, by programs that are not ours.
    fn hunt(&self, id: &str) -> Effect {
        let Some(node) = self.targets.nodes.get(id) else { return missing(id) };
        let alike = |other: &Node| other.compromised && (node.hole.is_none() || other.hole == node.hole);
        let others = self.targets.nodes.iter().filter(|(name, other)| *name != id && alike(other));
        let names: Vec<&String> = others.map(|(name, _)| name).collect();
        let loose = names
            .iter()
            .filter(|name| self.targets.nodes.get(**name).is_some_and(|node| node.isolation.is_none()))
            .count();
        let artefact = json!({"kind": "victims", "node": id, "nodes": names, "victims": names.len(),
            "loose": loose});
        Effect::looked(format!("{} other nodes show what {id} shows.", names.len()), artefact)
    }
}
