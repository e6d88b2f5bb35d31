//! `strategies.yaml`: ways to contain by type of incident, and the sets that run at once.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Files, Known,
    action::fits,
    report::{Report, Seen, only, shorten, unknown},
};
use crate::{
    content::{
        ActionSpec, Purpose,
        people::People,
        strategies::{AtOnce, Strategies, Strategy},
    },
    control::own,
    document::{Problem, Spanned},
    severity::{Risk, Severity},
    time::Span,
};

const STRATEGIES_MOST: usize = 200;
const SIDE_EFFECTS_MOST: usize = 16;
const TEXT_MOST: usize = 1_000;
const TARGETS_MOST: u32 = 1_000;
const LEASE_LEAST: Span = Span::secs(60);
const LEASE_MOST: Span = Span::secs(90 * 86_400);

#[derive(Deserialize)]
struct StrategiesDocument {
    strategies: Spanned<Vec<StrategyDocument>>,
    #[serde(default)]
    at_once: Vec<AtOnceDocument>,
}

#[derive(Deserialize)]
struct StrategyDocument {
    id: Spanned<String>,
    name: Spanned<String>,
    description: Spanned<String>,
    #[serde(default)]
    types: Vec<Spanned<String>>,
    severity: Option<Spanned<RangeDocument>>,
    action: Spanned<String>,
    #[serde(default)]
    with: BTreeMap<String, Spanned<Value>>,
    risk: Option<Spanned<Risk>>,
    #[serde(default)]
    side_effects: Vec<Spanned<String>>,
    #[serde(default)]
    permissions: Vec<Spanned<String>>,
    r#for: Option<Spanned<String>>,
}

#[derive(Deserialize)]
struct RangeDocument {
    from: Option<Severity>,
    to: Option<Severity>,
}

#[derive(Deserialize)]
struct AtOnceDocument {
    severity: Spanned<Severity>,
    strategies: Vec<Spanned<String>>,
    targets_max: Spanned<u32>,
}

/// The strategies of the folder; none where there is no file.
pub(super) fn read(
    files: &Files<'_>,
    known: Known<'_>,
    people: &People,
    problems: &mut Vec<Problem>,
) -> Strategies {
    let Some((document, mut report)) = only::<StrategiesDocument>(files, problems) else {
        return Strategies::default();
    };
    let entries = &document.strategies;
    if entries.value.len() > STRATEGIES_MOST {
        let count = entries.value.len();
        report.at(entries, format!("{count} strategies are listed; at most {STRATEGIES_MOST} are read"));
        return Strategies::default();
    }
    let mut seen = Seen::default();
    let mut list = Vec::new();
    for entry in &entries.value {
        if seen.insert("the strategy", &entry.id, &mut report) {
            list.extend(strategy(entry, known, people, &mut report).map(Arc::new));
        }
    }
    let mut strategies = Strategies { list, at_once: Vec::new() };
    let named: BTreeSet<&str> = entries.value.iter().map(|entry| entry.id.as_str()).collect();
    let sets = document.at_once.iter().map(|entry| at_once(entry, &strategies, &named, &mut report));
    let mut sets: Vec<AtOnce> = sets.collect();
    check_order(&document.at_once, &mut report);
    sets.sort_by_key(|set| set.severity);
    strategies.at_once = sets;
    strategies
}

fn strategy(
    entry: &StrategyDocument,
    known: Known<'_>,
    people: &People,
    report: &mut Report<'_>,
) -> Option<Strategy> {
    report.id("the strategy", &entry.id);
    report.line("the name", &entry.name);
    if entry.description.trim().is_empty() || entry.description.len() > TEXT_MOST {
        report
            .at(&entry.description, format!("the description has 1 to {TEXT_MOST} bytes; say when it fits"));
    }
    let types = types(entry, known, report);
    let (from, to) = range(entry.severity.as_ref(), report);
    check_words(entry, people, report);
    let lease = entry.r#for.as_ref().map(|text| report.span("the lease", text, LEASE_LEAST, LEASE_MOST));
    let actions = known.actions?;
    let Some(spec) = actions.get(&entry.action.value) else {
        report.at(&entry.action, unknown("action", &entry.action, actions.keys().map(String::as_str)));
        return None;
    };
    check_action(entry, spec, report);
    let args = arguments(entry, spec, report);
    let own = entry.side_effects.iter().map(|text| text.value.clone());
    let own_permissions = entry.permissions.iter().map(|name| name.value.clone());
    Some(Strategy {
        id: entry.id.value.clone(),
        name: entry.name.value.clone(),
        description: entry.description.trim().to_owned(),
        types,
        from,
        to,
        verb: spec.verb.clone(),
        target: spec.target.clone(),
        args,
        risk: entry.risk.as_ref().map_or(spec.risk, |risk| risk.value.max(spec.risk)),
        side_effects: spec.side_effects.iter().cloned().chain(own).collect(),
        permissions: spec.permissions.iter().cloned().chain(own_permissions).collect(),
        lease,
    })
}

fn types(entry: &StrategyDocument, known: Known<'_>, report: &mut Report<'_>) -> BTreeSet<String> {
    report.unique("the type", &entry.types);
    let Some(types) = known.types else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    for name in &entry.types {
        match types.resolve(name) {
            Some(kind) => drop(found.insert(kind.name.clone())),
            None => report.at(name, unknown("incident type", name, types.names())),
        }
    }
    found
}

fn range(given: Option<&Spanned<RangeDocument>>, report: &mut Report<'_>) -> (Severity, Severity) {
    let (least, most) = (Severity::Informational, Severity::Critical);
    let Some(given) = given else { return (least, most) };
    let (from, to) = (given.value.from.unwrap_or(least), given.value.to.unwrap_or(most));
    if from > to {
        report.at(given, format!("no severity is from {from} to {to}; the lower one goes first"));
    }
    (from, to)
}

fn check_words(entry: &StrategyDocument, people: &People, report: &mut Report<'_>) {
    report.unique("the side effect", &entry.side_effects);
    entry.side_effects.iter().for_each(|text| report.line("the side effect", text));
    if let Some(extra) = entry.side_effects.get(SIDE_EFFECTS_MOST) {
        report.at(extra, format!("more than {SIDE_EFFECTS_MOST} side effects; put some together"));
    }
    report.unique("the capability", &entry.permissions);
    let known: Vec<&str> = people.capabilities().collect();
    for name in &entry.permissions {
        report.id("the capability", name);
        if !people.levels.is_empty() && !known.contains(&name.as_str()) {
            report.at(name, unknown("capability of escalation.yaml", name, known.iter().copied()));
        }
    }
}

/// A strategy limits harm, on something that an incident can name, and costs no less than what it does.
fn check_action(entry: &StrategyDocument, spec: &ActionSpec, report: &mut Report<'_>) {
    let verb = &spec.verb;
    if spec.connector == own::CONNECTOR && spec.target == own::TARGET {
        report.at(
            &entry.action,
            format!("`{verb}` moves the platform's own limits; people do that with `control`"),
        );
    } else if matches!(spec.purpose, Purpose::Evidence | Purpose::Recovery) {
        let purpose = spec.purpose.name();
        report.at(
            &entry.action,
            format!("`{verb}` is for {purpose} and contains nothing; name what limits harm"),
        );
    }
    if let Some(risk) = entry.risk.as_ref().filter(|risk| risk.value < spec.risk) {
        let (own, least) = (risk.value.name(), spec.risk.name());
        report.at(
            risk,
            format!("the risk {own} is below that of `{verb}`, which is {least}; leave it out or raise it"),
        );
    }
    if let Some(text) = entry.r#for.as_ref().filter(|_| spec.held_until().is_none()) {
        report.at(text, format!("`{verb}` has no verb that takes it back, so a lease has no end to keep"));
    }
}

fn arguments(entry: &StrategyDocument, spec: &ActionSpec, report: &mut Report<'_>) -> Map<String, Value> {
    let mut args = Map::new();
    for (name, value) in &entry.with {
        match spec.args.get(name).map(|arg| fits(name, arg, value)) {
            None => {
                let known = spec.args.keys().map(String::as_str);
                report.at(value, format!("`{}`: {}", spec.verb, unknown("argument", name, known)));
            }
            Some(Err(message)) => report.at(value, message),
            Some(Ok(())) => drop(args.insert(name.clone(), value.value.clone())),
        }
    }
    let missing = |(name, arg): &(&String, &crate::content::ArgSpec)| {
        arg.required && arg.default.is_none() && !entry.with.contains_key(*name)
    };
    for (name, _) in spec.args.iter().filter(missing) {
        let message = format!("`{}` needs the argument `{name}`; add it under `with`", spec.verb);
        report.at(&entry.action, message);
    }
    args
}

fn at_once(
    entry: &AtOnceDocument,
    strategies: &Strategies,
    named: &BTreeSet<&str>,
    report: &mut Report<'_>,
) -> AtOnce {
    let severity = entry.severity.value;
    report.unique("the strategy", &entry.strategies);
    for id in &entry.strategies {
        let Some(strategy) = strategies.get(id) else {
            // One that is listed and wrong is told of where it stands.
            if !named.contains(id.as_str()) {
                report.at(id, unknown("strategy", id, named.iter().copied()));
            }
            continue;
        };
        let name = shorten(id);
        if strategy.risk > Risk::Medium {
            let risk = strategy.risk.name();
            report.at(id, format!("`{name}` has {risk} risk, so a person has to want it; take it out"));
        } else if !strategy.fits(severity) {
            let (from, to) = (strategy.from, strategy.to);
            report.at(
                id,
                format!("`{name}` is for {from} to {to}, so it never runs at {severity}; take it out"),
            );
        }
    }
    if !(1..=TARGETS_MOST).contains(&entry.targets_max.value) {
        report.at(&entry.targets_max, format!("targets_max must be 1 to {TARGETS_MOST} on one incident"));
    }
    let strategies = entry.strategies.iter().map(|id| id.value.clone()).collect();
    AtOnce { severity, strategies, targets_max: entry.targets_max.value }
}

fn check_order(entries: &[AtOnceDocument], report: &mut Report<'_>) {
    let mut seen = Seen::default();
    for entry in entries {
        seen.insert(
            "the set for",
            &entry.severity.clone().map(|severity| severity.name().to_owned()),
            report,
        );
    }
}
