//! How badly an incident stands, by the factors of escalation: what each comes to and why, and which level their rules
//! engage. All of it is derived from the state as it is; what was found is kept in the fact that goes up.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::{Incident, Status, WIDE};
use crate::{
    content::{
        factors::{COMPLEX, FactorFacts, FactorRule, Urgency, factor_bindings},
        services::{affected, in_order},
    },
    run::{self, Run, StepStatus},
    severity::Severity,
    state::State,
    time::{Span, Timestamp},
};

/// One factor, as it was when the level was engaged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    pub name: Box<str>,
    pub value: Box<str>,
    /// What it was derived from.
    pub why: Box<str>,
}

/// What a level was engaged with beside its reason.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Weighed {
    /// The rule of escalation.yaml that held; none where a clock or a person engaged it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rule: Option<Box<str>>,
    pub urgency: Urgency,
    /// What calling this level should change.
    #[serde(skip_serializing_if = "str::is_empty")]
    pub improvement: Box<str>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub factors: Vec<Factor>,
    /// Who was called.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub called: Vec<Box<str>>,
}

/// What was found, for rules and for people.
struct Found {
    facts: FactorFacts,
    factors: Vec<Factor>,
}

/// The rule whose level is the highest above this one, if any holds now.
pub(super) fn holding<'s>(
    state: &'s State,
    incident: &Incident,
    level: u8,
    now: Timestamp,
) -> Option<&'s FactorRule> {
    let rules = &state.content.people.factors.rules;
    let since = since(incident);
    let due =
        |rule: &&FactorRule| rule.level > level && rule.after.is_none_or(|after| since.plus(after) <= now);
    let mut open = rules.iter().filter(due).peekable();
    open.peek()?;
    let bindings = factor_bindings(&find(state, incident, now).facts);
    let holds = |rule: &&FactorRule| rule.when.holds(&bindings).unwrap_or(false);
    // Of rules for the same level the first that stands in the file gives the reason.
    open.filter(holds).reduce(|best, rule| if rule.level > best.level { rule } else { best })
}

/// When time alone may make a rule hold next.
pub(super) fn next_look(state: &State, incident: &Incident, level: u8, now: Timestamp) -> Option<Timestamp> {
    let rules = || state.content.people.factors.rules.iter().filter(move |rule| rule.level > level);
    let since = since(incident);
    let overdue = || target(state, incident).filter(|_| rules().next().is_some());
    let times = rules().filter_map(|rule| rule.after).chain(overdue()).map(|span| since.plus(span));
    times.filter(|at| *at > now).min()
}

/// What goes into the fact by which a level is engaged.
pub(super) fn weighed(
    state: &State,
    incident: &Incident,
    level: u8,
    rule: Option<&FactorRule>,
    now: Timestamp,
) -> Weighed {
    let found = find(state, incident, now);
    let people = &state.content.people;
    let known = people.levels.get(usize::from(level).saturating_sub(1));
    let improvement =
        rule.map(|rule| rule.improvement.as_str()).or(known.map(|level| level.improvement.as_str()));
    Weighed {
        rule: rule.map(|rule| rule.id.as_str().into()),
        urgency: rule.map_or_else(|| Urgency::of(incident.severity), |rule| rule.urgency),
        improvement: improvement.unwrap_or_default().into(),
        called: called(state, incident, level, found.facts.complexity).into_iter().map(Box::from).collect(),
        factors: found.factors,
    }
}

/// The contacts of a level; where it is one of specialists, those who know the type. Who is on call hears of each.
fn called<'s>(state: &'s State, incident: &Incident, level: u8, complexity: u32) -> BTreeSet<&'s str> {
    let people = &state.content.people;
    let known = people.levels.get(usize::from(level).saturating_sub(1));
    let kind = &incident.incident_type;
    let special = match known {
        Some(level) if level.specialists => people.specialists(kind, category(state, incident), complexity),
        Some(_) | None => BTreeSet::new(),
    };
    let mut called = if special.is_empty() { people.of_level(level) } else { special };
    called.extend(people.of_level(1));
    called
}

fn category<'s>(state: &'s State, incident: &Incident) -> &'s str {
    state.content.types.get(&*incident.incident_type).map_or("", |kind| kind.category.as_str())
}

/// Since when its times run.
fn since(incident: &Incident) -> Timestamp {
    incident.standing().reopened_at.unwrap_or(incident.opened_at)
}

/// In what time it should be resolved.
fn target(state: &State, incident: &Incident) -> Option<Span> {
    let category = state.content.types.get(&*incident.incident_type).map(|kind| kind.category.as_str());
    state.content.targets.of(category, incident.severity).recovery
}

fn find(state: &State, incident: &Incident, now: Timestamp) -> Found {
    let run = state.runs.of_incident(incident.id).and_then(|id| state.runs.get(id));
    let (done, failed, so) = effectiveness(incident, run);
    let blocked = run.is_some_and(|run| matches!(run.status, run::Status::Blocked { .. }));
    let (impact, hurts) = impact(state, incident);
    let (overdue, time) = time(state, incident, now);
    let (regulated, law) = regulated(state, incident);
    let (exposed, seen) = exposed(state, incident);
    let (complexity, marks) = complexity(incident, run);
    let ended = done + failed;
    let effectiveness = if ended == 0 { 1.0 } else { f64::from(done) / f64::from(ended) };
    let percent = if ended == 0 { "open".to_owned() } else { format!("{:.0} %", effectiveness * 100.0) };
    let yes = |it: bool| if it { "yes" } else { "no" };
    let factor = |name: &str, value: &str, why: String| Factor {
        name: name.into(),
        value: value.into(),
        why: why.into(),
    };
    let severity = incident.severity;
    let factors = vec![
        factor("severity", severity.name(), "as it is classified".to_owned()),
        factor("effectiveness", &percent, if blocked { format!("{so}; its run is blocked") } else { so }),
        factor("business_impact", impact.name(), hurts),
        factor("time_to_resolve", if overdue { "over" } else { "in_time" }, time),
        factor("regulation", yes(regulated), law),
        factor("public_exposure", yes(exposed), seen),
        factor("complexity", if complexity >= COMPLEX { "complex" } else { "simple" }, marks),
    ];
    let facts = FactorFacts {
        severity,
        effectiveness,
        failed,
        blocked,
        impact,
        overdue,
        regulated,
        exposed,
        contained: incident.contained_at.is_some(),
        acknowledged: incident.acknowledged.is_some(),
        complexity,
    };
    Found { facts, factors }
}

/// How many steps of the run came through and how many did not; without any, the containments of the incident.
fn effectiveness(incident: &Incident, run: Option<&Run>) -> (u32, u32, String) {
    let count = |status: StepStatus| {
        let steps = run.into_iter().flat_map(|run| &run.steps);
        u32::try_from(steps.filter(|step| step.status == status).count()).unwrap_or(u32::MAX)
    };
    let (done, failed) = (count(StepStatus::Done), count(StepStatus::Failed));
    if done + failed > 0 {
        return (done, failed, format!("{done} steps done, {failed} failed"));
    }
    let (held, lost) = (incident.tally.contained, incident.tally.uncontained);
    match held + lost {
        0 => (0, 0, "nothing of the response has ended yet".to_owned()),
        _ => (held, lost, format!("{held} containments held, {lost} failed")),
    }
}

/// What the business feels of it, by the services that its targets belong to and those that need them. The first group
/// is what everything stands on; half of all services are the house.
fn impact(state: &State, incident: &Incident) -> (Severity, String) {
    let services = &state.content.services;
    let hurt = affected(services, &incident.targets);
    let Some(first) = in_order(services, &hurt).into_iter().min_by_key(|service| service.group) else {
        return (Severity::Informational, "no service of services.yaml is hurt".to_owned());
    };
    let wide = hurt.len() > 1 && hurt.len() * 2 >= services.len();
    let level = match first.group {
        1 if wide => Severity::Critical,
        1 => Severity::High,
        2 => Severity::Medium,
        _ => Severity::Low,
    };
    let names = hurt.iter().copied().collect::<Vec<_>>().join(", ");
    (
        level,
        format!("{} of {} services, the first of group {}: {names}", hurt.len(), services.len(), first.group),
    )
}

fn time(state: &State, incident: &Incident, now: Timestamp) -> (bool, String) {
    let passed = now.since(since(incident));
    match target(state, incident) {
        Some(target) => (passed >= target, format!("{passed} of {target}")),
        None => (false, format!("{passed}, and targets.yaml has no time for it")),
    }
}

fn regulated(state: &State, incident: &Incident) -> (bool, String) {
    let kind = &incident.incident_type;
    match state.content.people.factors.regulated.contains(&**kind) {
        true => (true, format!("a regulator has to hear of {kind}")),
        false => (false, format!("nothing obliges for {kind}")),
    }
}

fn exposed(state: &State, incident: &Incident) -> (bool, String) {
    let (factors, kind) = (&state.content.people.factors, &incident.incident_type);
    if factors.exposed.contains(&**kind) {
        return (true, format!("people outside notice {kind}"));
    }
    let seen = incident.targets.iter().find(|(kind, _)| factors.exposed_kinds.contains(&**kind));
    match seen {
        Some((kind, name)) => (true, format!("people outside use {kind} {name}")),
        None => (false, "nothing that people outside use is named".to_owned()),
    }
}

/// One mark for each thing that makes it hard to see through.
fn complexity(incident: &Incident, run: Option<&Run>) -> (u32, String) {
    let kinds: BTreeSet<&str> = incident.targets.iter().map(|(kind, _)| &**kind).collect();
    let marks = [
        (incident.targets.len() >= WIDE, format!("{} targets", incident.targets.len())),
        (kinds.len() >= 2, format!("{} kinds of them", kinds.len())),
        (incident.relapses > 0, format!("came back {} times", incident.relapses)),
        (
            run.is_some_and(|run| run.steps.iter().any(|step| step.status == StepStatus::Failed)),
            "a step failed".to_owned(),
        ),
    ];
    let found: Vec<String> = marks.into_iter().filter(|(has, _)| *has).map(|(_, why)| why).collect();
    let why = if found.is_empty() { "nothing makes it so".to_owned() } else { found.join(", ") };
    (u32::try_from(found.len()).unwrap_or(u32::MAX), why)
}

/// Whether anything is weighed at all.
pub(super) fn is_weighed(state: &State, incident: &Incident) -> bool {
    incident.status == Status::Open && !state.content.people.factors.rules.is_empty()
}
