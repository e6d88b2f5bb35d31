//! What the AI gateway makes of prompts and of who writes them: two figures from 0 to 1, each a fixed rule over
//! signals that it names, so that anybody can check it.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::World;
use super::effect::{Effect, missing};
use super::target::{Account, Session};

/// How much each technique adds to the sophistication, in hundredths.
const TECHNIQUES: [(&str, u32); 8] = [
    ("role_override", 30),
    ("encoding", 25),
    ("indirection", 25),
    ("tool_abuse", 30),
    ("many_turns", 20),
    ("split_payload", 20),
    ("perturbation", 40),
    ("transfer", 30),
];
/// Parts of the risk of a user, in hundredths: one attempt, each further one, all further ones at most, the share of
/// the sophistication, and a role that may do more than others.
const ATTEMPT: u32 = 30;
const FURTHER: u32 = 15;
const FURTHER_MOST: u32 = 30;
const SOPHISTICATION_SHARE: u32 = 30;
const PRIVILEGED: u32 = 10;

impl World {
    /// Which patterns the prompts of a session show, and how practised whoever writes them is.
    pub(super) fn analyze(&self, id: &str) -> Effect {
        let Some(session) = self.targets.sessions.get(id) else { return missing(id) };
        let patterns: Vec<&String> = session.signature.iter().collect();
        let known = |text: &String| {
            self.catalogue.contains(text) || self.targets.services.values().any(|s| s.filters.contains(text))
        };
        let new: Vec<&String> = session.signature.iter().filter(|text| !known(text)).collect();
        let level = sophistication(&session.techniques);
        let text =
            format!("{id} uses {} techniques; sophistication {}.", session.techniques.len(), ratio(level));
        let artefact = json!({"kind": "pattern_analysis", "session": id, "patterns": patterns,
            "new_patterns": new, "techniques": session.techniques, "sophistication": ratio(level)});
        Effect::looked(text, artefact)
    }

    /// What there is to say of an account before it is judged.
    pub(super) fn assess(&self, id: &str) -> Effect {
        let Some(account) = self.targets.accounts.get(id) else { return missing(id) };
        let risk = self.user_risk(id, account);
        let artefact = json!({"kind": "account_assessment", "account": id, "role": account.role,
            "suspended": account.suspended.is_some(), "attempts": self.attempts(id),
            "open_sessions": self.open_sessions(id), "user_risk": ratio(risk)});
        Effect::looked(format!("{id} ({}) is assessed: risk {}.", account.role, ratio(risk)), artefact)
    }

    /// The risk of whoever owns the session.
    pub(super) fn owner_risk(&self, session: &Session) -> Value {
        let owner = self.targets.accounts.get(&session.account);
        json!(ratio(owner.map_or(0, |account| self.user_risk(&session.account, account))))
    }

    pub(super) fn attempts(&self, account: &str) -> u32 {
        self.sessions_of(account).map(|session| session.attempts).sum()
    }

    fn user_risk(&self, id: &str, account: &Account) -> u32 {
        let attempts = self.attempts(id);
        if attempts == 0 {
            return 0;
        }
        let techniques: BTreeSet<String> =
            self.sessions_of(id).flat_map(|session| session.techniques.iter().cloned()).collect();
        let further = (attempts - 1).saturating_mul(FURTHER).min(FURTHER_MOST);
        let practised = sophistication(&techniques) * SOPHISTICATION_SHARE / 100;
        let role = if account.role == "customer" { 0 } else { PRIVILEGED };
        (ATTEMPT + further + practised + role).min(100)
    }

    fn sessions_of<'a>(&'a self, account: &'a str) -> impl Iterator<Item = &'a Session> {
        self.targets.sessions.values().filter(move |session| session.account == account)
    }
}

fn sophistication(techniques: &BTreeSet<String>) -> u32 {
    let weight = |name: &str| TECHNIQUES.iter().find(|(known, _)| *known == name).map_or(0, |(_, add)| *add);
    techniques.iter().map(|name| weight(name)).sum::<u32>().min(100)
}

fn ratio(hundredths: u32) -> f64 {
    f64::from(hundredths) / 100.0
}
