//! What the AI gateway knows of prompts and of who writes them: signals, which others may weigh. It judges nobody.

use std::collections::BTreeSet;

use serde_json::json;

use super::World;
use super::effect::{Effect, missing};
use super::target::{Account, Session};

impl World {
    /// Which patterns the prompts of a session show, and by which techniques they are made.
    pub(super) fn analyze(&self, id: &str) -> Effect {
        let Some(session) = self.targets.sessions.get(id) else { return missing(id) };
        let patterns: Vec<&String> = session.signature.iter().collect();
        let known = |text: &String| {
            self.catalogue.contains(text) || self.targets.services.values().any(|s| s.filters.contains(text))
        };
        let new: Vec<&String> = session.signature.iter().filter(|text| !known(text)).collect();
        let text = format!("{id} uses {} techniques.", session.techniques.len());
        let artefact = json!({"kind": "pattern_analysis", "session": id, "patterns": patterns,
            "new_patterns": new, "techniques": session.techniques});
        Effect::looked(text, artefact)
    }

    /// What there is to say of an account before it is judged.
    pub(super) fn assess(&self, id: &str) -> Effect {
        let Some(account) = self.targets.accounts.get(id) else { return missing(id) };
        let attempts = self.attempts(id);
        let artefact = json!({"kind": "account_assessment", "account": id, "role": account.role,
            "suspended": account.suspended.is_some(), "attempts": attempts, "techniques": self.techniques_of(id),
            "privileged": is_privileged(account), "open_sessions": self.open_sessions(id)});
        Effect::looked(format!("{id} ({}) is assessed: {attempts} attempts.", account.role), artefact)
    }

    /// Whether the role of whoever owns the session may do more than others.
    pub(super) fn owner_is_privileged(&self, session: &Session) -> bool {
        self.targets.accounts.get(&session.account).is_some_and(is_privileged)
    }

    pub(super) fn attempts(&self, account: &str) -> u32 {
        self.sessions_of(account).map(|session| session.attempts).sum()
    }

    /// By which an account tried, over all its sessions.
    pub(super) fn techniques_of(&self, account: &str) -> BTreeSet<String> {
        self.sessions_of(account).flat_map(|session| session.techniques.iter().cloned()).collect()
    }

    fn sessions_of<'a>(&'a self, account: &'a str) -> impl Iterator<Item = &'a Session> {
        self.targets.sessions.values().filter(move |session| session.account == account)
    }
}

fn is_privileged(account: &Account) -> bool {
    account.role != "customer"
}
