//! `policies/*.cedar`: read, named, and checked against the schema, every problem at its place.

use std::{
    borrow::Cow,
    collections::{BTreeMap, BTreeSet},
};

use cedar_policy::{Policy, PolicyId, PolicySet, ValidationMode, Validator};
use miette::Diagnostic;

use super::{
    Files, Kind, of_kind,
    report::{Report, is_id, shorten, unknown},
};
use crate::{
    content::people::People,
    document::{Position, Problem},
    policy::{Policies, SCHEMA, SHIPPED},
};

/// Most policies in one folder; every question goes through all of them.
const POLICIES_MAX: usize = 200;
const TEXT_MAX: usize = 300;

/// A folder from before there were policies has the shipped ones, under their own names, so its hash tells.
pub(super) fn with_shipped(files: &BTreeMap<String, String>) -> Cow<'_, BTreeMap<String, String>> {
    if !of_kind(files, Kind::Policy).is_empty() {
        return Cow::Borrowed(files);
    }
    let shipped = SHIPPED.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned()));
    Cow::Owned(files.clone().into_iter().chain(shipped).collect())
}

/// The policies of the folder; the shipped ones where something is wrong, which the problems tell. With `people`, the
/// names that they use are looked up there.
pub(super) fn read(files: &Files<'_>, people: Option<&People>, problems: &mut Vec<Problem>) -> Policies {
    let policies = if same_as_shipped(files) { Policies::default() } else { compile(files, problems) };
    if let Some(people) = people {
        check_names(files, &policies, people, problems);
    }
    policies
}

fn compile(files: &Files<'_>, problems: &mut Vec<Problem>) -> Policies {
    let before = problems.len();
    let mut all: BTreeMap<String, (Policy, &str, usize)> = BTreeMap::new();
    for (path, text) in files {
        read_one(path, text, &mut all, problems);
    }
    if all.len() > POLICIES_MAX {
        let message = format!("there are {} policies; at most {POLICIES_MAX} are read", all.len());
        Report::new(files.first().map_or("policies", |(path, _)| path), problems).file(message);
    }
    validate(files, &all, problems);
    let whole = (problems.len() == before).then(|| all.into_values().map(|(policy, ..)| policy).collect());
    whole.and_then(Policies::new).unwrap_or_default()
}

/// They are compiled once and known to be right.
fn same_as_shipped(files: &Files<'_>) -> bool {
    files.iter().copied().eq(SHIPPED.iter().copied())
}

fn read_one<'f>(
    path: &'f str,
    text: &str,
    all: &mut BTreeMap<String, (Policy, &'f str, usize)>,
    problems: &mut Vec<Problem>,
) {
    let mut report = Report::new(path, problems);
    let set: PolicySet = match text.parse() {
        Ok(set) => set,
        Err(errors) => {
            let errors: cedar_policy::ParseErrors = errors;
            for error in errors.iter() {
                report.position(place(text, offset(error)), shorten(&error.to_string()));
            }
            return;
        }
    };
    for template in set.templates() {
        let offset = template.as_ref().loc().map_or(0, |loc| loc.start());
        report.position(place(text, offset), "a template with slots is not read; name whom it is about");
    }
    let offset = |policy: &Policy| policy.as_ref().loc().map_or(0, |loc| loc.start());
    let mut policies: Vec<&Policy> = set.policies().collect();
    policies.sort_by_key(|policy| offset(policy));
    for policy in policies {
        let at = place(text, offset(policy));
        let Some(id) = named(policy, at, &mut report) else { continue };
        if let Some((_, other, _)) = all.get(&id) {
            report.position(
                at,
                format!("the policy `{}` is already defined in {other}; rename one", shorten(&id)),
            );
            continue;
        }
        let own = policy.new_id(PolicyId::new(&id));
        all.insert(id, (own, path, offset(policy)));
    }
}

/// The id by which refusals name it, and words for those it refuses.
fn named(policy: &Policy, at: Position, report: &mut Report<'_>) -> Option<String> {
    let id = policy.annotation("id").unwrap_or_default();
    if !is_id(&id.replace('-', "_")) {
        report.position(
            at,
            "begin with @id(\"…\"): lower-case letters, digits, `-` and `_`, starting with a letter",
        );
        return None;
    }
    let text = policy.annotation("text").unwrap_or_default();
    if text.trim().is_empty() || text.len() > TEXT_MAX || text.chars().any(char::is_control) {
        let message =
            format!("`{id}` needs @text(\"…\"): what it says, in one line of at most {TEXT_MAX} bytes");
        report.position(at, message);
    }
    Some(id.to_owned())
}

fn validate(files: &Files<'_>, all: &BTreeMap<String, (Policy, &str, usize)>, problems: &mut Vec<Problem>) {
    let Some(schema) = SCHEMA.clone() else { return };
    let Ok(set) = PolicySet::from_policies(all.values().map(|(policy, ..)| policy.clone())) else { return };
    let result = Validator::new(schema).validate(&set, ValidationMode::Strict);
    let errors = result.validation_errors().map(|error| (error.policy_id(), error as &dyn Diagnostic));
    let warnings =
        result.validation_warnings().map(|warning| (warning.policy_id(), warning as &dyn Diagnostic));
    for (id, problem) in errors.chain(warnings) {
        let Some((_, path, start)) = all.get(&id.to_string()) else { continue };
        let text = files.iter().find(|(own, _)| own == path).map_or("", |(_, text)| text);
        let at = labelled(problem).unwrap_or(*start);
        let help = problem.help().map_or_else(String::new, |help| format!("; {help}"));
        Report::new(path, problems)
            .position(place(text, at), format!("{}{help}", shorten(&problem.to_string())));
    }
}

/// Teams, roles, levels and capabilities that a policy names are known.
fn check_names(files: &Files<'_>, policies: &Policies, people: &People, problems: &mut Vec<Problem>) {
    if people.levels.is_empty() && people.teams.is_empty() {
        return;
    }
    let levels: BTreeSet<String> = (1..=people.last_level()).map(|level| format!("L{level}")).collect();
    for (kind, name) in &policies.names {
        let known: Vec<&str> = match kind.as_str() {
            "TeamRole" => people.roles.keys().map(String::as_str).collect(),
            "Team" => people.teams.keys().map(String::as_str).collect(),
            "Level" => levels.iter().map(String::as_str).collect(),
            "Capability" => people.capabilities().collect(),
            _ => continue,
        };
        if known.contains(&name.as_str()) {
            continue;
        }
        let written = format!("{kind}::\"{name}\"");
        let found = files.iter().find_map(|(path, text)| Some((path, place(text, text.find(&written)?))));
        let (path, at) = found.unwrap_or((&"policies", Position::default()));
        Report::new(path, problems).position(at, unknown(kind, name, known.into_iter()));
    }
}

fn offset(problem: &dyn Diagnostic) -> usize {
    labelled(problem).unwrap_or(0)
}

fn labelled(problem: &dyn Diagnostic) -> Option<usize> {
    Some(problem.labels()?.next()?.offset())
}

fn place(text: &str, offset: usize) -> Position {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let clamp = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    Position { line: clamp(line), column: clamp(column) }
}
