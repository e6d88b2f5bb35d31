//! One incident told from its first alert to its end: what is sent, what the platform does, what people do, and the
//! report of it, with the time since the beginning.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{close, everything_works, people_work, prove, recover, resolve, sign_off, watched};
use crate::{
    alert::Received,
    event::{Actor, Event},
    flow::{Command, Fact},
    id::IncidentId,
    incident::{self, Disposition, Status},
    mapping::Headers,
    report::{self, Told},
    scene::Scene,
    time::{Span, Timestamp},
};

/// Facts that only carry others on, or that are told by another line.
const UNTOLD: &[&str] = &[
    "incident.recovery_found",
    "incident.recovery_released",
    "incident.recovery_watched",
    "incident.recovery_repeated",
    "health.probed",
    "action.held",
    "person.added",
    "run.updated",
    "incident.alert_joined",
    "report.linked",
    "incident.attention_cleared",
    "incident.checked",
    "alert.routed",
    "alert.changed",
];

pub(super) struct Tale {
    pub(super) scene: Scene,
    began: Timestamp,
    /// What each action does, by its stream.
    actions: BTreeMap<String, String>,
    /// Those that only look; what they find is told where it counts.
    looks: BTreeSet<String>,
    lines: Vec<String>,
}

impl Tale {
    pub(super) fn new() -> Tale {
        let scene = Scene::new(&[]);
        Tale { began: scene.now, scene, actions: BTreeMap::new(), looks: BTreeSet::new(), lines: Vec::new() }
    }

    /// The body arrives, and the mapping of its source reads it.
    pub(super) fn sends(&mut self, source: &str, body: Value) {
        self.sends_with(source, Headers::new(), body);
    }

    pub(super) fn sends_with(&mut self, source: &str, headers: Headers, body: Value) {
        let mapping = self.scene.state.content.mappings[source].clone();
        for received in mapping.map(body, &headers, self.scene.now).unwrap() {
            self.receives(received);
        }
    }

    pub(super) fn receives(&mut self, received: Received) {
        self.scene.received(received).unwrap();
        self.note();
    }

    /// Somebody tells what they saw.
    pub(super) fn reports(&mut self, actor: Actor, told: Told) {
        let receive = report::Command::Receive(Box::new(told));
        self.scene.ask(actor, Command::Report(receive)).unwrap();
        self.note();
    }

    pub(super) fn id(&self) -> IncidentId {
        self.scene.incident()
    }

    /// The systems outside do what they are asked, and say so.
    pub(super) fn works(&mut self) {
        everything_works(&mut self.scene);
        self.note();
    }

    pub(super) fn later(&mut self, span: Span) {
        self.scene.wait(span);
        self.note();
    }

    /// A person acts on the incident.
    pub(super) fn does(&mut self, command: incident::Command) {
        self.must(Command::Incident(command));
    }

    pub(super) fn must(&mut self, command: Command) {
        self.scene.must(command);
        self.note();
    }

    /// A person takes it, and after a while all that the playbook leaves to people is decided, allowed and done.
    pub(super) fn people_take_it(&mut self) {
        self.later(Span::secs(120));
        let id = self.id();
        self.does(incident::Command::Acknowledge { id });
        self.later(Span::secs(600));
        people_work(&mut self.scene, id);
        self.note();
    }

    /// What was hurt works again: what is held is given back, and nothing more happens while it is watched.
    pub(super) fn recovers(&mut self, summary: &str) {
        let id = self.id();
        recover(&mut self.scene, id);
        self.note();
        self.later(Span::secs(300));
        self.must(resolve(id, summary));
    }

    /// Watched, signed off and closed.
    pub(super) fn ends(&mut self, disposition: Disposition) {
        let id = self.id();
        let incident = &self.scene.state.incidents.open[&id];
        let severity = incident.severity;
        let rest = incident.watch_until.map(|until| until.since(self.scene.now));
        watched(&mut self.scene, rest.unwrap_or_default());
        self.note();
        assert_eq!(self.scene.state.incidents.open[&id].status, Status::Resolved, "{}", self.told());
        if self.scene.state.content.recovery.needs_sign_off(severity) {
            self.must(sign_off(id, "it works for the business again"));
        }
        prove(&mut self.scene, id);
        let mut end = close(id);
        if let Command::Incident(incident::Command::Close { disposition: as_what, .. }) = &mut end {
            *as_what = disposition;
        }
        self.must(end);
        assert!(!self.scene.state.incidents.open.contains_key(&id));
    }

    /// The report: one line for each thing that happened.
    pub(super) fn told(&self) -> String {
        self.lines.iter().map(|line| format!("{line}\n")).collect()
    }

    fn note(&mut self) {
        for fact in std::mem::take(&mut self.scene.facts) {
            if let Some(what) = self.what(&fact) {
                let offset = fact.meta.time.since(self.began).0 / 1_000_000;
                let (hours, minutes, seconds) = (offset / 3_600, offset / 60 % 60, offset % 60);
                self.lines.push(format!("+{hours:02}:{minutes:02}:{seconds:02} {what}"));
            }
        }
    }

    fn what(&mut self, fact: &Fact) -> Option<String> {
        let mut body = Vec::new();
        fact.event.write_body(&mut body).unwrap();
        let body: Value = serde_json::from_slice(&body).unwrap();
        let stream = fact.event.stream().to_string();
        if let Some(spec) = body.get("spec").filter(|_| matches!(fact.event, Event::Action(..))) {
            let what = format!("{} on {}", text(spec, "verb"), text(spec, "target"));
            self.actions.insert(stream.clone(), what);
            if spec.pointer("/origin/recovery/looks") == Some(&Value::Bool(true)) {
                self.looks.insert(stream.clone());
            }
        }
        let action = self.actions.get(&stream).map_or("", String::as_str);
        let kind = fact.event.kind();
        if UNTOLD.contains(&kind) || self.looks.contains(&stream) {
            return None;
        }
        let by = if fact.meta.actor.person().is_some() { "a person" } else { "the platform" };
        Some(match kind {
            "run.advanced" => ended(&body)?,
            _ => {
                let end = ended(&body).map_or_else(String::new, |end| format!("; {end}"));
                phrase(kind, &body, action, by) + &end
            }
        })
    }
}

/// One fact in words; what has none is told by its kind.
fn phrase(kind: &str, body: &Value, action: &str, by: &str) -> String {
    let of = |name: &str| text(body, name);
    match kind {
        "alert.raised" => {
            let labels = &body["labels"];
            let targets = crate::correlate::targets(&serde_json::from_value(labels.clone()).unwrap());
            let targets: Vec<String> = targets.iter().map(|(kind, name)| format!("{kind} {name}")).collect();
            let (name, why) = (text(labels, "alertname"), text(&body["route"], "why"));
            let about = if targets.is_empty() { "nothing by name".to_owned() } else { targets.join(", ") };
            format!("alert {name} about {about}: {why}")
        }
        "alert.resolved" => format!("the alert is over, by {}", of("by")),
        "incident.opened" => {
            let (kind, severity) = (of("incident_type"), of("severity"));
            let sure = body["confidence"].as_u64().map_or_else(String::new, |c| format!(", {c} % sure"));
            format!("incident \"{}\" opened: {kind}, {severity}{sure}", of("title"))
        }
        "incident.acknowledged" => format!("{by} takes it"),
        "incident.contained" => "contained".to_owned(),
        "incident.classified" => {
            format!("{by} says that it is {}, {}: {}", of("incident_type"), of("severity"), of("why"))
        }
        "incident.attention_raised" => format!("a person is called: {}", of("reason")),
        "incident.noted" => format!("{by} notes: {}", of("text")),
        "incident.resolved" => format!("{by} resolves it: {}", of("summary")),
        "incident.watch_ended" => "the watch ends in silence".to_owned(),
        "incident.signed_off" => format!("{by} signs off: {}", of("note")),
        "incident.closed" => format!("{by} closes it: {}", of("disposition")),
        "run.started" => format!("playbook {} {} starts", of("playbook"), of("version")),
        "action.intended" => {
            let operation = text(&body["intent"], "operation");
            format!("calls {action}{}", if operation == "apply" { "" } else { ", to take it back" })
        }
        "action.applied" => match body["verified"].as_bool() {
            Some(true) => format!("{action} holds, as read back"),
            Some(false) => format!("{action} was done, and reads back otherwise"),
            None => format!("{action} is done"),
        },
        "action.released" => format!("{action} is taken back"),
        "report.received" => {
            let told = &body["told"];
            format!(
                "report by {} from {}: \"{}\"",
                of("channel"),
                text(told, "reporter"),
                text(told, "title")
            )
        }
        "report.acknowledged" => format!("{by} answers who reported: {}", of("note")),
        "report.unanswered" => "nobody has answered who reported".to_owned(),
        "report.closed" => format!("{by} ends the report as {}: {}", of("outcome"), of("note")),
        "review.opened" => {
            let due = body["due"].as_array().map_or(0, Vec::len);
            format!("a review opens, with {due} reports due")
        }
        other => recovery(other, &body["fact"], by).unwrap_or_else(|| other.replace(['.', '_'], " ")),
    }
}

fn recovery(kind: &str, fact: &Value, by: &str) -> Option<String> {
    Some(match kind {
        "incident.recovery_started" => {
            let services = fact["services"].as_array().into_iter().flatten();
            let services: Vec<&str> = services.map(|service| text(service, "name")).collect();
            format!("{by} has it brought back: {}", services.join(", "))
        }
        "incident.recovery_moved" => {
            let is = match text(&fact["to"], "is") {
                "releasing" => "verified",
                "probing" => "released",
                "well" => "healthy",
                other => other,
            };
            format!("{} is {is}", text(fact, "service"))
        }
        "incident.verified" => format!("{by} looks at its {}: {}", text(fact, "of"), text(fact, "note")),
        "incident.recovery_completed" => "all of it is healthy".to_owned(),
        _ => return None,
    })
}

fn ended(body: &Value) -> Option<String> {
    let status = body.pointer("/progress/status")?;
    let reason = status["reason"].as_str().map_or_else(String::new, |reason| format!(": {reason}"));
    Some(format!("the playbook is {}{reason}", text(status, "is")))
}

fn text<'a>(value: &'a Value, name: &str) -> &'a str {
    value[name].as_str().unwrap_or("-")
}
