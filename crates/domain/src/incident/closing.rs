//! What is looked at before what was real may be closed: that the log verifies, that a backup restores, and that detection,
//! run anew over everything that is known, finds nothing. Each look is a fact, whatever it found.

use serde::{Deserialize, Serialize};

use super::{Event, Incident, decide::open};
use crate::{
    correlate,
    event::{Context, Meta, Rejected},
    id::IncidentId,
    sighting::Sighting,
    state::State,
    time::Timestamp,
};

/// Longest word about what a look found, in characters, and most findings that are told.
const SAID_MAX: usize = 2_000;
const TOLD_MAX: usize = 10;

/// One thing that is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Gate {
    Log,
    Backup,
    Detection,
}

impl Gate {
    pub const ALL: [Gate; 3] = [Gate::Log, Gate::Backup, Gate::Detection];

    pub fn name(self) -> &'static str {
        match self {
            Gate::Log => "log",
            Gate::Backup => "backup",
            Gate::Detection => "detection",
        }
    }

    /// What it shows when it holds.
    pub fn shows(self) -> &'static str {
        match self {
            Gate::Log => "the log verifies",
            Gate::Backup => "a backup restores",
            Gate::Detection => "detection finds nothing",
        }
    }
}

/// What a look found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Found {
    pub gate: Gate,
    pub passed: bool,
    pub said: Box<str>,
}

/// The newest look at one thing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    pub passed: bool,
    pub said: Box<str>,
    pub at: Timestamp,
}

/// Whether content asks for this before this incident is closed.
pub fn asks(state: &State, incident: &Incident, gate: Gate) -> bool {
    state.content.recovery.close.asks(gate, &incident.incident_type, incident.severity)
}

/// Whether a look that is young enough showed it.
pub fn stands(state: &State, incident: &Incident, gate: Gate, now: Timestamp) -> bool {
    let within = state.content.recovery.close.within;
    incident.checks.get(&gate).is_some_and(|looked| looked.passed && now.since(looked.at) <= within)
}

/// From the platform, which looked at its log and its backups; it looks at what rules find here and now.
pub(super) fn check(
    state: &State,
    id: IncidentId,
    found: Vec<Found>,
) -> Result<Vec<(IncidentId, Event)>, Rejected> {
    let incident = open(state, id)?;
    let told = found.into_iter().filter(|found| found.gate != Gate::Detection);
    let fact = |found: Found| {
        let said = found.said.chars().take(SAID_MAX).collect::<String>().into();
        (id, Event::Checked { found: Found { said, ..found } })
    };
    Ok(told.chain([detection(state, incident)]).map(fact).collect())
}

/// What stands in the way of closing it, or the looks that go on record with the end.
pub(super) fn unmet(state: &State, incident: &Incident, context: &Context) -> Result<Vec<Event>, Rejected> {
    let close = &state.content.recovery.close;
    let mut missing = Vec::new();
    for gate in [Gate::Log, Gate::Backup].into_iter().filter(|gate| asks(state, incident, *gate)) {
        if stands(state, incident, gate, context.now) {
            continue;
        }
        missing.push(match incident.checks.get(&gate) {
            Some(looked) if !looked.passed => format!("{}: it does not: {}", gate.shows(), looked.said),
            Some(looked) => {
                format!("{}: that was looked at {}, not within {}", gate.shows(), looked.at, close.within)
            }
            None => format!("{}: nobody has looked", gate.shows()),
        });
    }
    let mut looks = Vec::new();
    if asks(state, incident, Gate::Detection) {
        let found = detection(state, incident);
        match found.passed {
            true => looks.push(Event::Checked { found }),
            false => missing.push(format!("{}: it does: {}", Gate::Detection.shows(), found.said)),
        }
    }
    if missing.is_empty() {
        return Ok(looks);
    }
    Err(Rejected::Conflict(format!(
        "incident {} cannot close before this is shown: {}; see `incident check {}`",
        incident.id,
        missing.join("; "),
        incident.id
    )))
}

/// Every rule over every alert that fires and concerns it, and what holds without a break just now.
fn detection(state: &State, incident: &Incident) -> Found {
    let mut found = Vec::new();
    let (mut looked, mut silenced) = (0usize, 0usize);
    for (alert, _) in state.alerts.iter() {
        let own = alert.route.incident == Some(incident.id);
        let concerns = || {
            let names = correlate::targets(&alert.labels);
            names.iter().any(|target| incident.targets.contains(target))
        };
        let seen = alert.is_firing() && alert.drill == incident.drill;
        if !seen || !(own || concerns()) {
            continue;
        }
        // Somebody said that nobody has to hear of it; that this was not looked at is said.
        if alert.route.silence.is_some() {
            silenced += 1;
            continue;
        }
        looked += 1;
        let subject = alert.subject();
        let fits = state.content.rules.matching(subject);
        let watching = state.content.rules.watching(subject).filter(|rule| rule.matches(subject));
        let rules: Vec<&str> = fits.into_iter().chain(watching).map(|rule| rule.id.as_str()).collect();
        if own || !rules.is_empty() {
            let by = if rules.is_empty() { "no rule".to_owned() } else { rules.join(", ") };
            found.push(format!("{} fires ({by})", alert.id));
        }
    }
    let holding = |sighting: &&Sighting| sighting.fired && !sighting.lapsed && names(incident, sighting);
    found
        .extend(state.sightings.iter().filter(holding).map(|one| format!("{} of rule {}", one.id, one.rule)));
    let rules = state.content.rules.len();
    let passed = found.is_empty();
    let said = match found.len() {
        0 => format!("{rules} rules over {looked} firing alerts about it find nothing"),
        many if many > TOLD_MAX => format!("{} and {} more", found[..TOLD_MAX].join("; "), many - TOLD_MAX),
        _ => found.join("; "),
    };
    let said = match silenced {
        0 => said,
        1 => format!("{said}; 1 more is silenced and was not looked at"),
        many => format!("{said}; {many} more are silenced and were not looked at"),
    };
    Found { gate: Gate::Detection, passed, said: said.into() }
}

/// What a rule has seen is kept apart by a target of the incident.
fn names(incident: &Incident, sighting: &Sighting) -> bool {
    sighting
        .by
        .iter()
        .any(|(kind, name)| incident.targets.iter().any(|(own, value)| **own == *kind && **value == *name))
}

pub(super) fn apply(incident: &mut Incident, found: &Found, meta: &Meta) {
    let looked = Looked { passed: found.passed, said: found.said.clone(), at: meta.time };
    incident.checks.insert(found.gate, looked);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        flow::Command,
        incident::{self, Disposition},
        scene::{CUT_OFF, Scene},
        severity::Severity,
        time::Span,
    };

    /// One that is real, watched and signed off, so that nothing else stands in the way.
    fn over(scene: &mut Scene, severity: Severity) -> IncidentId {
        let (title, incident_type) = ("odd".to_owned(), "power_systems".to_owned());
        // What hurts a service has to be recovered before.
        let hurt = vec![("node".into(), "validator-3".into())];
        let targets = if severity == Severity::Critical { Vec::new() } else { hurt };
        scene.must(Command::Incident(incident::Command::Open { title, incident_type, severity, targets }));
        let id = scene.incident();
        scene.must(crate::stories::resolve(id, "over"));
        scene.wait(Span::secs(5 * 3_600));
        scene.must(crate::stories::sign_off(id, "it works"));
        id
    }

    fn found(gate: Gate, passed: bool) -> Found {
        Found { gate, passed, said: "as a test says".into() }
    }

    fn check(id: IncidentId, found: Vec<Found>) -> Command {
        Command::Incident(incident::Command::Check { id, found })
    }

    fn proven(id: IncidentId) -> Command {
        check(id, vec![found(Gate::Log, true), found(Gate::Backup, true)])
    }

    #[test]
    fn a_critical_incident_closes_only_after_log_and_backup_were_looked_at_and_hold() {
        let mut scene = Scene::new(&[CUT_OFF]);
        let id = over(&mut scene, Severity::Critical);
        let close = || crate::stories::close(id);
        let said = scene.refused(close());
        assert!(said.contains("the log verifies: nobody has looked"), "{said}");
        assert!(said.contains("a backup restores: nobody has looked"), "{said}");
        scene.must(check(id, vec![found(Gate::Log, true), found(Gate::Backup, false)]));
        let said = scene.refused(close());
        assert!(said.contains("a backup restores: it does not: as a test says"), "{said}");
        assert!(!said.contains("the log verifies"), "{said}");
        scene.must(proven(id));
        scene.wait(Span::secs(3_601));
        let said = scene.refused(close());
        assert!(said.contains("not within 1h"), "{said}");
        scene.must(proven(id));
        scene.facts.clear();
        scene.must(close());
        let kinds: Vec<&str> = scene.facts.iter().map(|fact| fact.event.kind()).collect();
        assert_eq!(kinds[..2], ["incident.checked", "incident.closed"], "the last look is on record");
    }

    #[test]
    fn what_a_rule_finds_anew_about_the_same_target_keeps_it_open() {
        let mut scene = Scene::new(&[CUT_OFF]);
        let id = over(&mut scene, Severity::High);
        // It belongs to an incident of its own, and it is about the same node.
        scene.alert([("alertname", "DoubleSign"), ("node", "validator-5")]);
        scene.must(check(id, Vec::new()));
        assert!(scene.state.incidents.open[&id].checks[&Gate::Detection].passed, "another node says nothing");
        scene.alert([("alertname", "DoubleSign"), ("node", "validator-3")]);
        scene.must(check(id, Vec::new()));
        let looked = &scene.state.incidents.open[&id].checks[&Gate::Detection];
        assert!(!looked.passed && looked.said.contains("fires (double_sign)"), "{looked:?}");
        let said = scene.refused(crate::stories::close(id));
        assert!(said.contains("detection finds nothing: it does: "), "{said}");
        // It falls silent.
        scene.wait(Span::secs(600));
        scene.must(crate::stories::close(id));
    }

    #[test]
    fn what_somebody_silenced_is_counted_in_what_the_look_says() {
        let mut scene = Scene::new(&[CUT_OFF]);
        let id = over(&mut scene, Severity::High);
        let matchers = vec![crate::matcher::parse("alertname=\"DoubleSign\"").unwrap()];
        let (starts_at, ends_at) = (scene.now, scene.now.plus(Span::secs(3_600)));
        let (created_by, comment) = ("rae".into(), "works on it".into());
        let terms = crate::silence::Terms { matchers, starts_at, ends_at, created_by, comment };
        scene.must(Command::Silence(crate::silence::Command::Set { id: None, terms }));
        scene.alert([("alertname", "DoubleSign"), ("node", "validator-3")]);
        scene.must(check(id, Vec::new()));
        let looked = &scene.state.incidents.open[&id].checks[&Gate::Detection];
        assert!(looked.passed, "{looked:?}");
        assert!(
            looked.said.ends_with("find nothing; 1 more is silenced and was not looked at"),
            "{looked:?}"
        );
    }

    #[test]
    fn what_asks_for_nothing_and_what_was_not_real_close_without() {
        let mut scene = Scene::new(&[CUT_OFF]);
        let id = over(&mut scene, Severity::Low);
        scene.must(crate::stories::close(id));
        let mut scene = Scene::new(&[CUT_OFF]);
        let id = over(&mut scene, Severity::Critical);
        let disposition = Disposition::FalsePositive;
        scene.must(Command::Incident(incident::Command::Close { id, disposition }));
    }
}
