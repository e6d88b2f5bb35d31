//! `services.yaml`: what is brought back, in which order, and how it is shown to be well.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::{
    Files, Known,
    action::fits,
    report::{Report, Seen, only, shorten, unknown},
};
use crate::{
    content::{
        ActionSpec,
        services::{Check, GROUP_MOST, ServiceSpec, Services, Verifies},
    },
    correlate::TARGET_LABELS,
    document::{Position, Problem, Spanned},
    time::Span,
};

const SERVICES_MOST: usize = 200;
const TARGETS_MOST: usize = 2_000;
/// Of one list: restore, verify or probes.
const CHECKS_MOST: usize = 16;
const FRESH_DEFAULT: Span = Span::secs(15 * 60);
const FRESH_LEAST: Span = Span::secs(10);
const SPAN_MOST: Span = Span::secs(30 * 86_400);

#[derive(Deserialize)]
struct ServicesDocument {
    services: Spanned<Vec<ServiceDocument>>,
}

#[derive(Deserialize)]
struct ServiceDocument {
    name: Spanned<String>,
    summary: Spanned<String>,
    group: Spanned<u32>,
    owner: Spanned<String>,
    #[serde(default)]
    depends_on: Vec<Spanned<String>>,
    #[serde(default)]
    targets: BTreeMap<String, Spanned<Vec<Spanned<String>>>>,
    restore_within: Option<Spanned<String>>,
    fresh_for: Option<Spanned<String>>,
    #[serde(default)]
    restore: Vec<Spanned<CheckDocument>>,
    #[serde(default)]
    verify: Vec<Spanned<CheckDocument>>,
    probes: Spanned<Vec<Spanned<CheckDocument>>>,
}

#[derive(Deserialize)]
struct CheckDocument {
    id: Spanned<String>,
    verifies: Option<Spanned<Verifies>>,
    action: Spanned<String>,
    targets: Option<Spanned<Vec<Spanned<String>>>>,
    #[serde(default)]
    with: BTreeMap<String, Spanned<Value>>,
}

/// Where a check stands, which decides what it may be.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Restore,
    Verify,
    Probe,
}

/// The services of the folder; none where there is no file.
pub(super) fn read(files: &Files<'_>, known: Known<'_>, problems: &mut Vec<Problem>) -> Services {
    let Some((document, mut report)) = only::<ServicesDocument>(files, problems) else {
        return Services::new();
    };
    let list = &document.services;
    if list.value.len() > SERVICES_MOST {
        let count = list.value.len();
        report.at(list, format!("{count} services are listed; at most {SERVICES_MOST} are read"));
        return Services::new();
    }
    let mut names = Seen::default();
    let mut owned = BTreeMap::new();
    let mut services = Services::new();
    for entry in &list.value {
        if names.insert("the service", &entry.name, &mut report) {
            let service = service(entry, known, &mut owned, &mut report);
            services.insert(service.name.clone(), service);
        }
    }
    check_order(&list.value, &services, &mut report);
    services
}

/// Who owns a target, and where that is written.
type Owned = BTreeMap<(String, String), (String, Position)>;

fn service(
    entry: &ServiceDocument,
    known: Known<'_>,
    owned: &mut Owned,
    report: &mut Report<'_>,
) -> ServiceSpec {
    report.id("the service", &entry.name);
    report.line("the summary", &entry.summary);
    report.id("the owner", &entry.owner);
    report.unique("the service", &entry.depends_on);
    if !(1..=GROUP_MOST).contains(&entry.group.value) {
        report.at(&entry.group, format!("group {} is out of bounds; use 1 to {GROUP_MOST}", entry.group));
    }
    let targets = targets(entry, owned, report);
    let mut ids = Seen::default();
    let mut checks = |list: &[Spanned<CheckDocument>], part: Part, report: &mut Report<'_>| {
        if let Some(extra) = list.get(CHECKS_MOST) {
            report.at(extra, format!("more than {CHECKS_MOST} in one list; take some away"));
        }
        let one = |document| check(document, part, &targets, known, &mut ids, report);
        list.iter().take(CHECKS_MOST).filter_map(one).collect::<Vec<Check>>()
    };
    let restore = checks(&entry.restore, Part::Restore, report);
    let verify = checks(&entry.verify, Part::Verify, report);
    let probes = checks(&entry.probes.value, Part::Probe, report);
    if entry.probes.value.is_empty() {
        let message = "a service without a probe can never be shown to be well; add one";
        report.at(&entry.probes, message);
    }
    let within = entry.restore_within.as_ref();
    let fresh = entry.fresh_for.as_ref();
    ServiceSpec {
        name: entry.name.value.clone(),
        summary: entry.summary.value.clone(),
        group: entry.group.value,
        owner: entry.owner.value.clone(),
        depends_on: entry.depends_on.iter().map(|name| name.value.clone()).collect(),
        targets,
        restore,
        verify,
        probes,
        restore_within: within.map(|text| report.span("the time to restore", text, FRESH_LEAST, SPAN_MOST)),
        fresh_for: fresh
            .map_or(FRESH_DEFAULT, |text| report.span("the age of a probe", text, FRESH_LEAST, SPAN_MOST)),
    }
}

/// A target that two services shared would be released with the first, before the second is looked at.
fn targets(
    entry: &ServiceDocument,
    owned: &mut Owned,
    report: &mut Report<'_>,
) -> BTreeMap<String, BTreeSet<String>> {
    let mut targets: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (kind, names) in &entry.targets {
        if !TARGET_LABELS.contains(&kind.as_str()) {
            report.at(names, unknown("kind of target", kind, TARGET_LABELS.into_iter()));
        }
        for name in &names.value {
            report.line("the target", name);
            let key = (kind.clone(), name.value.clone());
            if let Some((other, place)) = owned.get(&key) {
                let at = format!("{}:{}:{}", report.path(), place.line, place.column);
                let shown = shorten(name);
                let message = format!(
                    "{kind} `{shown}` belongs to `{other}` at {at} already; a target belongs to one service"
                );
                report.at(name, message);
                continue;
            }
            owned.insert(key, (entry.name.value.clone(), name.position()));
            targets.entry(kind.clone()).or_default().insert(name.value.clone());
        }
    }
    if owned.len() > TARGETS_MOST {
        report.at(&entry.name, format!("more than {TARGETS_MOST} targets in the file; take some away"));
    }
    targets
}

fn check(
    document: &Spanned<CheckDocument>,
    part: Part,
    own: &BTreeMap<String, BTreeSet<String>>,
    known: Known<'_>,
    ids: &mut Seen,
    report: &mut Report<'_>,
) -> Option<Check> {
    let entry = &document.value;
    report.id("the check", &entry.id);
    ids.insert("the check", &entry.id, report);
    let verifies = verifies(entry, part, report);
    let actions = known.actions?;
    let Some(spec) = actions.get(&entry.action.value) else {
        let names = actions.keys().map(String::as_str);
        report.at(&entry.action, unknown("action", &entry.action, names));
        return None;
    };
    may_be(spec, part, &entry.action, report);
    let targets = entry.targets.as_ref().map(|names| {
        named(names, spec, own, report);
        names.value.iter().map(|name| name.value.clone()).collect::<Vec<_>>()
    });
    if targets.is_none() && part == Part::Probe && !own.contains_key(&spec.target) {
        let message = format!("the service has no {} to probe; name `targets`", spec.target);
        report.at(&entry.action, message);
    }
    let with = arguments(entry, spec, report);
    let (verb, kind) = (spec.verb.clone(), spec.target.clone());
    Some(Check { id: entry.id.value.clone(), verifies, verb, kind, targets, with })
}

fn verifies(entry: &CheckDocument, part: Part, report: &mut Report<'_>) -> Verifies {
    let said = entry.verifies.as_ref().map(|said| said.value);
    match (part, said) {
        (Part::Verify, Some(Verifies::Data | Verifies::Posture)) => {}
        (Part::Verify, Some(Verifies::Health)) => {
            if let Some(said) = &entry.verifies {
                report.at(said, "health is what `probes` are for; use `data` or `posture` here");
            }
        }
        (Part::Verify, None) => {
            report.at(&entry.id, "say what it speaks for: `verifies: data` or `verifies: posture`");
        }
        (Part::Restore | Part::Probe, Some(_)) => {
            if let Some(said) = &entry.verifies {
                report.at(said, "`verifies` belongs under `verify`");
            }
        }
        (Part::Restore | Part::Probe, None) => {}
    }
    said.unwrap_or_default()
}

/// What looks must change nothing, and must be read back to count.
fn may_be(spec: &ActionSpec, part: Part, place: &Spanned<String>, report: &mut Report<'_>) {
    let verb = &spec.verb;
    if spec.containment || spec.revert.is_some() {
        report
            .at(place, format!("`{verb}` holds something back until it is released; name what brings back"));
    } else if part != Part::Restore && !spec.verify {
        let message = format!("`{verb}` is not read back (no `verify: true`), so it shows nothing");
        report.at(place, message);
    }
}

fn named(
    names: &Spanned<Vec<Spanned<String>>>,
    spec: &ActionSpec,
    own: &BTreeMap<String, BTreeSet<String>>,
    report: &mut Report<'_>,
) {
    report.unique("the target", &names.value);
    if names.value.is_empty() {
        report.at(names, "no target is named; leave `targets` out to take those of the service");
    }
    for name in &names.value {
        let of_kind = own.get(&spec.target);
        if !of_kind.is_some_and(|own| own.contains(&name.value)) {
            let known = of_kind.into_iter().flatten().map(String::as_str);
            report.at(name, unknown(&format!("{} of this service", spec.target), name, known));
        }
    }
}

fn arguments(entry: &CheckDocument, spec: &ActionSpec, report: &mut Report<'_>) -> BTreeMap<String, Value> {
    let mut args = BTreeMap::new();
    for (name, value) in &entry.with {
        match spec.args.get(name).map(|arg| fits(name, arg, value)) {
            None => {
                let known = spec.args.keys().map(String::as_str);
                report.at(value, format!("`{}`: {}", spec.verb, unknown("argument", name, known)));
            }
            Some(Err(message)) => report.at(value, message),
            Some(Ok(())) => {
                args.insert(name.clone(), value.value.clone());
            }
        }
    }
    let missing = spec
        .args
        .iter()
        .filter(|(name, arg)| arg.required && arg.default.is_none() && !entry.with.contains_key(*name));
    for (name, _) in missing {
        let message = format!("`{}` needs the argument `{name}`; add it under `with`", spec.verb);
        report.at(&entry.action, message);
    }
    args
}

/// What is needed exists, is brought back no later, and does not need what needs it.
fn check_order(entries: &[ServiceDocument], services: &Services, report: &mut Report<'_>) {
    for entry in entries {
        for name in &entry.depends_on {
            let Some(needed) = services.get(&name.value) else {
                report.at(name, unknown("service", name, services.keys().map(String::as_str)));
                continue;
            };
            let (own, other) = (entry.group.value, needed.group);
            if other > own {
                let (who, what) = (shorten(&entry.name), shorten(name));
                let message = format!(
                    "`{who}` of group {own} needs `{what}` of group {other}, which comes back later; \
                     give `{what}` group {own} or less"
                );
                report.at(name, message);
            }
            if let Some(path) = way_back(services, &entry.name, name) {
                let path = path.iter().map(|name| shorten(name)).collect::<Vec<_>>().join(" → ");
                report.at(name, format!("the service needs itself: {path}"));
            }
        }
    }
}

/// The shortest way from `to` back to `from` over what is needed, written from `from`.
fn way_back<'a>(services: &'a Services, from: &'a str, to: &'a str) -> Option<Vec<&'a str>> {
    let mut came: BTreeMap<&str, &str> = BTreeMap::from([(to, from)]);
    let mut next = vec![to];
    while let Some(name) = next.pop() {
        if name == from {
            break;
        }
        for needed in services.get(name).into_iter().flat_map(|service| &service.depends_on) {
            if !came.contains_key(needed.as_str()) {
                came.insert(needed, name);
                next.insert(0, needed);
            }
        }
    }
    let mut path = vec![from];
    let mut at = *came.get(from)?;
    while at != from && path.len() <= services.len() {
        path.push(at);
        at = came.get(at)?;
    }
    path.push(from);
    path.reverse();
    Some(path)
}
