//! What the orders of a response change: files, sessions, filters, restarts, and what they find or save.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::World;
use super::effect::{Effect, missing};
use crate::happening::Kind;
use crate::order::Response;
use crate::spec::{FileSpec, TargetRef};

/// How long a node that was restarted needs to catch up with the chain.
pub(super) const SYNC_US: u64 = 1_000_000;
/// How far back a scan of sessions looks.
const SCAN_US: u64 = 24 * 3_600 * 1_000_000;
/// With fewer active validators than this the chain may stop.
const VALIDATORS_LEAST: usize = 3;
/// With a smaller share of the validators no block is final.
const QUORUM: f64 = 0.67;

impl World {
    pub(super) fn respond(&mut self, response: &Response, target: &TargetRef) -> Effect {
        let id = target.id.as_str();
        match response {
            Response::Quarantine { copies } => self.quarantine(id, *copies, true),
            Response::Unquarantine { copies } => self.quarantine(id, *copies, false),
            Response::FindSimilar => self.find_similar(id),
            Response::Terminate => self.terminate(id),
            Response::Scan => self.scan(id),
            Response::Filter { signature } => self.filter(id, signature.as_ref()),
            Response::Unfilter { signature } => self.unfilter(id, signature.as_ref()),
            Response::RequireReauth => self.require_reauth(id, true),
            Response::AllowWithoutReauth => self.require_reauth(id, false),
            Response::Flag { days } => self.flag(id, Some(*days)),
            Response::Unflag => self.flag(id, None),
            Response::Status => self.node_status(id),
            Response::Logs => self.node_logs(id),
            Response::Restart => self.restart(id),
            Response::SyncStatus => self.sync_status(id),
            Response::Preserve => self.preserve(target),
            Response::Seal => self.seal(id),
            Response::ResetSessions => self.reset_sessions(id),
            Response::Probe => self.probe(id),
            Response::CloseApi => self.close_api(id, true),
            Response::OpenApi => self.close_api(id, false),
            Response::Watch => self.watch(id, true),
            Response::Unwatch => self.watch(id, false),
            Response::Analyze => self.analyze(id),
            Response::Assess => self.assess(id),
        }
    }

    /// What only looks or saves holds as soon as it was done; there is nothing to read back.
    pub(super) fn response_holds(&self, response: &Response, id: &str) -> bool {
        match response {
            Response::Quarantine { copies } => self.concerned(id, *copies).all(|(_, file)| file.quarantined),
            Response::Unquarantine { copies } => {
                self.concerned(id, *copies).all(|(_, file)| !file.quarantined)
            }
            Response::Terminate => self.targets.sessions.get(id).is_some_and(|session| !session.open),
            // A scan that found nothing leaves nothing to filter; that must not read as done.
            Response::Filter { signature } => {
                let wanted = self.wanted(signature.as_ref());
                !wanted.is_empty() && wanted.is_subset(&self.filters(id))
            }
            Response::Unfilter { signature } => {
                self.wanted(signature.as_ref()).is_disjoint(&self.filters(id))
            }
            Response::RequireReauth => self.targets.accounts.get(id).is_some_and(|a| a.reauth),
            Response::AllowWithoutReauth => self.targets.accounts.get(id).is_some_and(|a| !a.reauth),
            Response::Flag { days } => {
                let until = self.targets.accounts.get(id).and_then(|account| account.flagged_days);
                until.is_some_and(|present| present >= *days)
            }
            Response::Unflag => self.targets.accounts.get(id).is_some_and(|a| a.flagged_days.is_none()),
            Response::Restart => self.targets.nodes.get(id).is_some_and(|node| !node.down),
            Response::SyncStatus => self.synced(id),
            Response::ResetSessions => self.open_sessions(id).is_empty(),
            Response::Probe => self.answers(id),
            Response::CloseApi => self.targets.closed.contains(id),
            Response::OpenApi => !self.targets.closed.contains(id),
            Response::Watch => self.watched(id),
            Response::Unwatch => !self.watched(id),
            Response::FindSimilar
            | Response::Scan
            | Response::Status
            | Response::Logs
            | Response::Preserve
            | Response::Seal
            | Response::Analyze
            | Response::Assess => true,
        }
    }

    /// Validators that are up and not cut off from their peers.
    pub(super) fn active_validators(&self) -> usize {
        let nodes = self.targets.nodes.values();
        nodes.filter(|node| !node.down && node.level() != Some(crate::IsolationLevel::Full)).count()
    }

    /// The share of validators that take part, in hundredths as a number.
    fn participation(&self) -> f64 {
        let share = self.active_validators() * 100 / self.targets.nodes.len().max(1);
        f64::from(u32::try_from(share).unwrap_or(100)) / 100.0
    }

    /// Seconds from one block to the next: with too few who take part, proposals time out one after the other.
    fn block_time(&self) -> u32 {
        if self.participation() < QUORUM { 60 } else { 5 }
    }

    pub(super) fn consensus_at_risk(&self) -> bool {
        self.active_validators() < VALIDATORS_LEAST
    }

    /// Whether a filter at a gateway stops what this session does.
    pub(super) fn filtered(&self, session: &str) -> bool {
        let signature = self.targets.sessions.get(session).and_then(|session| session.signature.as_ref());
        signature.is_some_and(|text| self.targets.services.values().any(|s| s.filters.contains(text)))
    }

    fn concerned(&self, id: &str, copies: bool) -> impl Iterator<Item = (&String, &super::target::File)> {
        let content = self.targets.files.get(id).map(|file| file.spec.content.clone());
        let id = id.to_owned();
        self.targets.files.iter().filter(move |(other, file)| {
            **other == id || (copies && Some(&file.spec.content) == content.as_ref())
        })
    }

    fn quarantine(&mut self, id: &str, copies: bool, wanted: bool) -> Effect {
        let moved: Vec<String> = self
            .concerned(id, copies)
            .filter(|(_, file)| file.quarantined != wanted)
            .map(|(id, _)| id.clone())
            .collect();
        for id in &moved {
            if let Some(file) = self.targets.files.get_mut(id) {
                file.quarantined = wanted;
            }
        }
        let names = moved.join(", ");
        match (moved.is_empty(), wanted) {
            (true, true) => Effect::nothing(format!("{id} was in quarantine already.")),
            (true, false) => Effect::nothing(format!("{id} was not in quarantine.")),
            (false, true) => Effect::contained(
                format!("In quarantine, where nobody can open it: {names}."),
                json!({"kind": "quarantine", "files": moved}),
            ),
            (false, false) => Effect::reverted(format!("Out of quarantine again: {names}.")),
        }
    }

    /// By content, by a name that does not fit the content, and by who uploaded it.
    fn find_similar(&self, id: &str) -> Effect {
        let Some(file) = self.targets.files.get(id) else { return missing(id) };
        let list = |wanted: &dyn Fn(&FileSpec) -> bool| -> Vec<&String> {
            let others = self.targets.files.iter().filter(|(other, _)| *other != id);
            others.filter(|(_, other)| wanted(&other.spec)).map(|(id, _)| id).collect()
        };
        let same_content = list(&|other| other.content == file.spec.content);
        let mismatch = list(&FileSpec::is_disguised);
        let same_uploader = list(&|other| other.uploader == file.spec.uploader);
        let text = format!("{} files share the content of {id}.", same_content.len());
        let others = self
            .targets
            .files
            .iter()
            .filter(|(other, _)| same_content.contains(other) || mismatch.contains(other));
        let loose = others.filter(|(_, other)| !other.quarantined).count();
        let artefact = json!({
            "kind": "similar_files", "sha256": sha256(&file.spec.content),
            "same_content": same_content, "mismatch": mismatch, "same_uploader": same_uploader, "loose": loose,
        });
        Effect::looked(text, artefact)
    }

    fn terminate(&mut self, id: &str) -> Effect {
        let Some(session) = self.targets.sessions.get_mut(id) else { return missing(id) };
        if !std::mem::take(&mut session.open) {
            return Effect::nothing(format!("{id} was over already."));
        }
        let artefact = json!({"kind": "session_end", "session": id, "account": session.account});
        Effect::contained(format!("{id} of {} is terminated.", session.account), artefact)
    }

    /// Finds the sessions of the last 24 hours that show the signature of this one.
    fn scan(&mut self, id: &str) -> Effect {
        let Some(session) = self.targets.sessions.get(id) else { return missing(id) };
        let signatures: BTreeSet<String> = session.signature.iter().cloned().collect();
        let since_us = self.now_us.saturating_sub(SCAN_US);
        let others = self.targets.sessions.iter().filter(|(other, session)| {
            other.as_str() != id
                && session.seen_us >= since_us
                && session.signature.as_ref().is_some_and(|text| signatures.contains(text))
        });
        let found: Vec<Value> = others
            .map(|(id, session)| json!({"session": id, "account": session.account, "open": session.open}))
            .collect();
        let text = format!("{} other sessions of the last 24 h show the signature of {id}.", found.len());
        let artefact = json!({"kind": "session_scan", "signatures": signatures, "sessions": found,
            "attempts": self.attempts(&session.account), "techniques": self.techniques_of(&session.account),
            "privileged": self.owner_is_privileged(session)});
        self.scanned = signatures;
        Effect::looked(text, artefact)
    }

    fn wanted(&self, signature: Option<&String>) -> BTreeSet<String> {
        signature.map_or_else(|| self.scanned.clone(), |text| BTreeSet::from([text.clone()]))
    }

    fn filters(&self, id: &str) -> BTreeSet<String> {
        self.targets.services.get(id).map(|service| service.filters.clone()).unwrap_or_default()
    }

    fn filter(&mut self, id: &str, signature: Option<&String>) -> Effect {
        let wanted = self.wanted(signature);
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        let news: Vec<String> = wanted.difference(&service.filters).cloned().collect();
        service.filters.extend(news.iter().cloned());
        if news.is_empty() {
            return Effect::nothing(format!("The filter of {id} had these signatures already."));
        }
        let text = format!("{id} filters {} from now on.", news.join(", "));
        Effect::contained(text, json!({"kind": "filter", "signatures": news}))
    }

    fn unfilter(&mut self, id: &str, signature: Option<&String>) -> Effect {
        let wanted = self.wanted(signature);
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        let before = service.filters.len();
        service.filters.retain(|text| !wanted.contains(text));
        if service.filters.len() == before {
            return Effect::nothing(format!("The filter of {id} had none of these signatures."));
        }
        Effect::reverted(format!("{id} lets these signatures through again."))
    }

    fn require_reauth(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(account) = self.targets.accounts.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut account.reauth, wanted);
        match (before == wanted, wanted) {
            (true, _) => Effect::nothing(format!("Nothing changes for the login of {id}.")),
            (false, true) => Effect::contained(
                format!("{id} has to prove again who it is."),
                json!({"kind": "reauthentication", "account": id}),
            ),
            (false, false) => Effect::reverted(format!("{id} need not log in again.")),
        }
    }

    fn flag(&mut self, id: &str, days: Option<u32>) -> Effect {
        let Some(account) = self.targets.accounts.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut account.flagged_days, days);
        match days {
            _ if before == days => Effect::nothing(format!("The watch over {id} stays as it was.")),
            Some(days) => Effect::contained(
                format!("{id} is watched for {days} days."),
                json!({"kind": "watch", "account": id, "days": days}),
            ),
            None => Effect::reverted(format!("{id} is not watched any more.")),
        }
    }

    fn node_status(&self, id: &str) -> Effect {
        let Some(node) = self.targets.nodes.get(id) else { return missing(id) };
        let active = self.active_validators();
        let status = if node.down { "down" } else { "up" };
        let artefact = json!({
            "kind": "node_status", "node": id, "status": status, "synced": self.synced(id),
            "peers": if node.down { 0 } else { active.saturating_sub(1) },
            "active_validators": active, "consensus_at_risk": self.consensus_at_risk(),
            "participation": self.participation(), "block_time": self.block_time(),
        });
        Effect::looked(format!("{id} is {status}; {active} validators are active."), artefact)
    }

    /// A node that is down keeps its log on disk until it is started again.
    fn node_logs(&self, id: &str) -> Effect {
        let Some(node) = self.targets.nodes.get(id) else { return missing(id) };
        let lines = node.log.clone();
        let artefact =
            json!({"kind": "node_logs", "node": id, "lines": lines, "sha256": sha256(&lines.join("\n"))});
        Effect::looked(format!("The log of {id} is saved."), artefact)
    }

    fn restart(&mut self, id: &str) -> Effect {
        let now_us = self.now_us;
        let Some(node) = self.targets.nodes.get_mut(id) else { return missing(id) };
        if !std::mem::take(&mut node.down) {
            return Effect::nothing(format!("{id} runs already."));
        }
        node.synced_us = now_us.saturating_add(SYNC_US);
        node.log = vec!["started; catching up with the chain".to_owned()];
        let artefact = json!({"kind": "restart", "node": id, "synced_after_us": SYNC_US});
        Effect::contained(format!("{id} is started again and catches up with the chain."), artefact)
    }

    fn sync_status(&self, id: &str) -> Effect {
        let synced = self.synced(id);
        let text = if synced { "has caught up with the chain" } else { "has not caught up yet" };
        Effect::looked(format!("{id} {text}."), json!({"kind": "sync_status", "node": id, "synced": synced}))
    }

    fn synced(&self, id: &str) -> bool {
        self.targets.nodes.get(id).is_some_and(|node| !node.down && node.synced_us <= self.now_us)
    }

    fn preserve(&self, target: &TargetRef) -> Effect {
        let state = self.state(target);
        let artefact = json!({"kind": "evidence", "target": target.id, "sha256": sha256(&state.to_string()),
            "taken_us": self.now_us, "content": state});
        Effect::looked(format!("What is known of {} is preserved.", target.id), artefact)
    }

    pub(super) fn file_state(&self, id: &str) -> Option<Value> {
        let file = self.targets.files.get(id)?;
        let FileSpec { root, extension, magic, uploader, content, .. } = &file.spec;
        Some(json!({
            "id": id, "root": root, "extension": extension, "magic": magic, "uploader": uploader,
            "sha256": sha256(content), "disguised": file.spec.is_disguised(), "quarantined": file.quarantined,
        }))
    }
}

impl Effect {
    /// Found or saved something; the world is as it was.
    pub(super) fn looked(text: String, artefact: Value) -> Effect {
        Effect { changed: false, kind: Kind::Nothing, text, artefact: Some(artefact) }
    }
}

pub(super) fn sha256(text: &str) -> String {
    Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect()
}
