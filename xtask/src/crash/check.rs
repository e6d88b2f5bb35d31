//! The check: the senders' record, the estate's ledger, the exported log and the API against each other. The
//! product's own counters are never asked.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    journal::{Asked, Journal},
    ledger::Call,
    senders::Record,
    shown::{Shown, number},
};

/// Both processes read the same clock, but platform time goes on by the monotonic one, which is slewed apart from it.
const CLOCKS_APART_US: i64 = 100_000;
/// At most so many violations of one kind are told.
const TOLD_MAX: usize = 20;

/// What was compared, and what is wrong.
#[derive(Debug, Default)]
pub(super) struct Verdict {
    pub(super) violations: Vec<String>,
    pub(super) lines: Vec<(String, String)>,
}

impl Verdict {
    pub(super) fn note(&mut self, name: &str, value: impl ToString) {
        self.lines.push((name.to_owned(), value.to_string()));
    }

    /// Notes how many of `what` were compared, and tells those that are wrong.
    fn compare(&mut self, what: &str, of: usize, wrong: Vec<String>) {
        self.note(what, format!("{} of {of}", wrong.len()));
        self.violations.extend(wrong.into_iter().take(TOLD_MAX));
    }
}

/// Everything that the check reads.
pub(super) struct Evidence {
    pub(super) record: Record,
    pub(super) journal: Journal,
    pub(super) calls: Vec<Call>,
    pub(super) shown: Shown,
}

impl Evidence {
    pub(super) fn check(&self, verdict: &mut Verdict) {
        self.alerts(verdict);
        self.incidents(verdict);
        self.intents(verdict);
        self.effects(verdict);
        self.endings(verdict);
    }

    /// What was acknowledged is there, once.
    fn alerts(&self, verdict: &mut Verdict) {
        let acknowledged = &self.record.acknowledged;
        let in_api: BTreeSet<&str> =
            self.shown.alerts.iter().filter_map(|alert| alert["labels"]["case"].as_str()).collect();
        let in_log = &self.journal.raised;
        let lost = acknowledged.iter().filter(|case| !in_log.contains_key(*case));
        let lost = lost.map(|case| format!("{case} was acknowledged and is not in the exported log"));
        verdict.compare("acknowledged alerts lost from the log", acknowledged.len(), lost.collect());
        let hidden = acknowledged.iter().filter(|case| !in_api.contains(case.as_str()));
        let hidden = hidden.map(|case| format!("{case} was acknowledged and the API does not show it"));
        verdict.compare("acknowledged alerts not in the API", acknowledged.len(), hidden.collect());
        let twice = in_log.iter().filter(|(_, times)| **times > 1);
        let twice = twice.map(|(case, times)| format!("{case} was raised {times} times"));
        verdict.compare("alerts raised twice", in_log.len(), twice.collect());
    }

    /// One group, one incident, one run.
    fn incidents(&self, verdict: &mut Verdict) {
        let groups = &self.journal.groups;
        let doubled = groups.iter().filter(|(_, incidents)| incidents.len() != 1);
        let doubled = doubled.map(|(group, incidents)| format!("{group} has the incidents {incidents:?}"));
        verdict.compare("groups without exactly one incident", groups.len(), doubled.collect());
        let lost = self.record.groups.iter().filter(|group| !groups.contains_key(*group));
        let lost = lost.map(|group| format!("{group} was acknowledged and opened nothing"));
        verdict.compare("acknowledged groups lost", self.record.groups.len(), lost.collect());
        let known: BTreeSet<u64> = groups.values().flatten().copied().collect();
        let in_api: BTreeSet<u64> = self.shown.incidents.iter().filter_map(|i| number(&i["id"])).collect();
        let opened = &self.journal.incidents;
        let mut wrong: Vec<String> = opened
            .symmetric_difference(&known)
            .map(|id| format!("incident {id} and the routes differ"))
            .collect();
        wrong.extend(
            opened.symmetric_difference(&in_api).map(|id| format!("incident {id}: log and API differ")),
        );
        let runs = |id: &u64| self.journal.runs.get(id).map_or(0, Vec::len);
        let others = opened.iter().filter(|id| runs(id) != 1);
        wrong.extend(others.map(|id| format!("incident {id} has {} runs where one belongs", runs(id))));
        verdict.compare("incidents opened twice, hidden or without their run", opened.len(), wrong);
    }

    /// Each call that arrived was written down before: same key, same epoch, one intent a call.
    fn intents(&self, verdict: &mut Verdict) {
        let mut wrong = Vec::new();
        let mut arrived: BTreeMap<(&str, u64), usize> = BTreeMap::new();
        for call in &self.calls {
            let so_far = arrived.entry((&call.key, call.epoch)).or_default();
            *so_far += 1;
            let intents = self.journal.intents.get(&call.key).map_or(&[][..], Vec::as_slice);
            let mine = intents.iter().filter(|i| i.epoch == call.epoch && i.operation != "read_back");
            let before = mine.filter(|intent| intent.time_us <= call.time_us + CLOCKS_APART_US).count();
            if before < *so_far {
                wrong.push(format!(
                    "call {} with key {} of epoch {} ({} {}, fault {}): the log has {before} such intents before it, \
                     and it is number {so_far}",
                    call.number, call.key, call.epoch, call.verb, call.target, call.fault
                ));
            }
        }
        verdict.compare("calls without a durable intent of their key and epoch", self.calls.len(), wrong);
    }

    /// What each class of action promises of its effect.
    fn effects(&self, verdict: &mut Verdict) {
        let mut calls: BTreeMap<&str, Vec<&Call>> = BTreeMap::new();
        for call in &self.calls {
            calls.entry(&call.key).or_default().push(call);
        }
        let mut classes: BTreeMap<&str, (usize, usize, Vec<String>)> = BTreeMap::new();
        for action in &self.shown.actions {
            let Some(asked) = number(&action["id"]).and_then(|id| self.journal.actions.get(&id)) else {
                let wrong = format!("{} is in the API and was never intended in the log", action["id"]);
                verdict.violations.push(wrong);
                continue;
            };
            let status = action["status"].as_str().unwrap_or_default();
            let mine: Vec<&Call> =
                asked.keys.iter().filter_map(|key| calls.get(key.as_str())).flatten().copied().collect();
            let (count, repeated, wrong) = classes.entry(&asked.class).or_default();
            *count += 1;
            *repeated += usize::from(mine.len() > 1);
            if let Err(why) = self.judge(asked, status, &mine) {
                wrong.push(format!("{} {} ({}, {status}): {why}", action["id"], asked.verb, asked.class));
            }
        }
        let hidden = self.journal.actions.len().saturating_sub(self.shown.actions.len());
        verdict.compare(
            "actions not in the API",
            self.journal.actions.len(),
            vec!["an action is missing".to_owned(); hidden],
        );
        for (class, (count, repeated, wrong)) in classes {
            verdict.compare(&format!("{class}: wrong effects"), count, wrong);
            verdict.note(&format!("{class}: called more than once"), repeated);
        }
    }

    fn judge(&self, asked: &Asked, status: &str, calls: &[&Call]) -> Result<(), String> {
        let applied = calls.iter().filter(|call| call.is_applied()).count();
        let done = ["in_force", "done"].contains(&status);
        if applied > 1 {
            return Err(format!("it was applied {applied} times"));
        }
        match asked.class.as_str() {
            "one_shot" => {
                if calls.len() > 1 {
                    return Err(format!("it was called {} times", calls.len()));
                }
                let in_doubt = status == "in_doubt";
                let fits = if done { applied == 1 } else { in_doubt || applied == 0 };
                if fits { Ok(()) } else { Err(format!("it was applied {applied} times")) }
            }
            "read_back" => {
                // It is done when the state that was asked for is there, also when another action brought it.
                let same = |call: &&Call| call.verb == asked.verb && call.target == asked.target;
                let holds = self.calls.iter().filter(same).any(Call::is_applied);
                if done && holds { Ok(()) } else { Err(format!("the asked state {holds} and {status}")) }
            }
            _ => {
                if done && applied == 1 {
                    return Ok(());
                }
                Err(format!("it was applied {applied} times in {} calls", calls.len()))
            }
        }
    }

    /// Nothing waits in silence: a run has ended, or is blocked with a reason and on the incident's list.
    fn endings(&self, verdict: &mut Verdict) {
        let mut wrong = Vec::new();
        let mut statuses: BTreeMap<&str, usize> = BTreeMap::new();
        for run in &self.shown.runs {
            let status = run["status"].as_str().unwrap_or_default();
            *statuses.entry(status).or_default() += 1;
            let told = || {
                let of = |incident: &&serde_json::Value| incident["id"] == run["incident"];
                let incident = self.shown.incidents.iter().find(of);
                let attention = incident.and_then(|incident| incident["attention"].as_array());
                run["reason"].is_string() && attention.is_some_and(|list| !list.is_empty())
            };
            let fine = match status {
                "completed" => true,
                "blocked" | "failed" => told(),
                _ => false,
            };
            if !fine {
                wrong.push(format!("{} is {status} and nobody was told", run["id"]));
            }
        }
        verdict.compare("runs that neither ended nor called a person", self.shown.runs.len(), wrong);
        let statuses: Vec<String> =
            statuses.iter().map(|(status, count)| format!("{count} {status}")).collect();
        verdict.note("runs", statuses.join(", "));
        let mut actions: BTreeMap<&str, usize> = BTreeMap::new();
        for action in &self.shown.actions {
            *actions.entry(action["status"].as_str().unwrap_or_default()).or_default() += 1;
        }
        let actions: Vec<String> =
            actions.iter().map(|(status, count)| format!("{count} {status}")).collect();
        verdict.note("actions", actions.join(", "));
    }
}
