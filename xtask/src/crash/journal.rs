//! The exported log, read from its bundle: the facts that the check needs.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::File,
    io::{BufRead as _, BufReader},
    path::Path,
};

use anyhow::Context as _;
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::Value;

/// A durable intent.
#[derive(Debug)]
pub(super) struct Intent {
    pub(super) action: u64,
    pub(super) operation: String,
    pub(super) epoch: u64,
    pub(super) time_us: i64,
}

#[derive(Debug)]
pub(super) struct Asked {
    pub(super) class: String,
    pub(super) verb: String,
    pub(super) target: String,
    pub(super) keys: BTreeSet<String>,
}

/// What the log says.
#[derive(Debug, Default)]
pub(super) struct Journal {
    pub(super) entries: u64,
    pub(super) starts: u64,
    /// By `case`: how often it was raised.
    pub(super) raised: BTreeMap<String, u64>,
    /// By `group`: the incidents that its alerts went to.
    pub(super) groups: BTreeMap<String, BTreeSet<u64>>,
    pub(super) incidents: BTreeSet<u64>,
    /// By incident: its runs.
    pub(super) runs: BTreeMap<u64, Vec<u64>>,
    /// By idempotency key.
    pub(super) intents: BTreeMap<String, Vec<Intent>>,
    pub(super) actions: BTreeMap<u64, Asked>,
    /// Calls that were open when the process was killed.
    pub(super) interrupted: u64,
}

impl Journal {
    pub(super) fn read(bundle: &Path) -> anyhow::Result<Journal> {
        let shown = bundle.display();
        let file = File::open(bundle).with_context(|| format!("no bundle `{shown}`"))?;
        let mut journal = Journal::default();
        let mut open = BTreeSet::new();
        for (number, line) in BufReader::new(file).lines().enumerate() {
            let line: Value = serde_json::from_str(&line?)
                .with_context(|| format!("line {} of `{shown}` is no JSON", number + 1))?;
            if line.get("envelope").is_some() {
                journal
                    .take(&line, &mut open)
                    .with_context(|| format!("line {} of `{shown}` is not as expected", number + 1))?;
            }
        }
        Ok(journal)
    }

    fn take(&mut self, line: &Value, open: &mut BTreeSet<u64>) -> anyhow::Result<()> {
        self.entries += 1;
        let envelope = &line["envelope"];
        let text = |name: &str| envelope[name].as_str().with_context(|| format!("no `{name}`"));
        let (kind, stream) = (text("kind")?, text("stream")?);
        let time_us = envelope["time"].as_i64().context("no `time`")?;
        let body = STANDARD.decode(line["body"].as_str().context("no `body`")?)?;
        let body: Value = serde_json::from_slice(&body)?;
        let id = stream.split_once('/').map_or(0, |(_, number)| number.parse().unwrap_or(0));
        match kind {
            "control.started" => {
                self.starts += 1;
                self.interrupted += open.len() as u64;
                open.clear();
            }
            "alert.raised" => self.take_alert(&body),
            "incident.opened" => drop(self.incidents.insert(id)),
            "run.started" => {
                let incident = body["incident"].as_u64().context("a run without incident")?;
                self.runs.entry(incident).or_default().push(id);
            }
            "action.intended" => {
                open.insert(id);
                self.take_action(id, &body);
                self.take_intent(id, time_us, &body)?;
            }
            "action.held" => {
                open.remove(&id);
                self.take_action(id, &body);
            }
            kind if kind.starts_with("action.") => drop(open.remove(&id)),
            _ => {}
        }
        Ok(())
    }

    fn take_alert(&mut self, body: &Value) {
        let label = |name: &str| body["labels"][name].as_str().map(str::to_owned);
        let Some(case) = label("case") else { return };
        *self.raised.entry(case).or_default() += 1;
        if let Some(group) = label("group") {
            let incident = body["route"]["incident"].as_u64();
            self.groups.entry(group).or_default().extend(incident);
        }
    }

    /// The first entry of an action says what it is.
    fn take_action(&mut self, action: u64, body: &Value) {
        let Some(spec) = body["spec"].as_object() else { return };
        let text = |name: &str| spec.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let (class, verb, target) = (text("class"), text("verb"), text("target"));
        self.actions.insert(action, Asked { class, verb, target, keys: BTreeSet::new() });
    }

    fn take_intent(&mut self, action: u64, time_us: i64, body: &Value) -> anyhow::Result<()> {
        let intent = &body["intent"];
        let key = intent["key"].as_str().context("an intent without key")?.to_owned();
        let operation = intent["operation"].as_str().context("an intent without operation")?.to_owned();
        let epoch = intent["epoch"].as_u64().context("an intent without epoch")?;
        let asked = self.actions.get_mut(&action).context("an intent before its action")?;
        asked.keys.insert(key.clone());
        let intents = self.intents.entry(key).or_default();
        let shared = intents.first().filter(|first| first.action != action);
        anyhow::ensure!(shared.is_none(), "action {action} has the key of another action: {shared:?}");
        intents.push(Intent { action, operation, epoch, time_us });
        Ok(())
    }
}
