//! What single deeds of an attacker change.

use super::World;
use super::target::Leak;

impl World {
    /// By a hole, where that has a name.
    pub(super) fn take_over(&mut self, node: &str, hole: Option<String>) {
        if let Some(node) = self.targets.nodes.get_mut(node) {
            node.compromised = true;
            node.hole = hole.or_else(|| node.hole.take());
        }
    }

    pub(super) fn inject(&mut self, session: &str, signature: String, techniques: Vec<String>) {
        let now_us = self.now_us;
        if let Some(session) = self.targets.sessions.get_mut(session) {
            session.signature = Some(signature);
            session.techniques.extend(techniques);
            session.attempts += 1;
            session.seen_us = now_us;
        }
    }

    pub(super) fn count_asking(&mut self, session: &str, prompts: u64, bytes_out: u64) {
        if let Some(session) = self.targets.sessions.get_mut(session) {
            session.prompts = session.prompts.saturating_add(prompts);
            session.bytes_out = session.bytes_out.saturating_add(bytes_out);
        }
    }

    pub(super) fn poison(&mut self, dataset: &str, vector: String, percent: u64) {
        if let Some(data) = self.targets.datasets.get_mut(dataset) {
            (data.poisoned, data.vector, data.percent) = (true, Some(vector), percent);
        }
    }

    pub(super) fn let_out(&mut self, service: &str, leak: Leak) {
        if let Some(service) = self.targets.services.get_mut(service) {
            service.leak = Some(leak);
        }
    }
}
