//! `factors` of `escalation.yaml` and `specialists` of `teams.yaml`: both name types of incidents, so they are read once
//! those are known.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Files, Known,
    people::known_contacts,
    report::{Report, Seen, read_reported, unknown},
};
use crate::{
    content::{
        factors::{FactorRule, Factors, Specialists, Urgency, factor_env},
        people::People,
    },
    correlate::TARGET_LABELS,
    document::{Problem, Spanned},
    expr::{Expr, Type},
    time::Span,
};

const RULES_MOST: usize = 50;
const SPECIALISTS_MOST: usize = 100;
const AFTER_LEAST: Span = Span::secs(1);
const AFTER_MOST: Span = Span::secs(30 * 86_400);

#[derive(Deserialize)]
struct EscalationDocument {
    #[expect(dead_code, reason = "the levels are read with the people")]
    levels: Value,
    #[serde(default)]
    factors: FactorsDocument,
}

#[derive(Default, Deserialize)]
struct FactorsDocument {
    #[serde(default)]
    regulated: Vec<Spanned<String>>,
    #[serde(default)]
    exposed: Vec<Spanned<String>>,
    #[serde(default)]
    exposed_kinds: Vec<Spanned<String>>,
    #[serde(default)]
    rules: Vec<RuleDocument>,
}

#[derive(Deserialize)]
struct RuleDocument {
    id: Spanned<String>,
    when: Spanned<String>,
    after: Option<Spanned<String>>,
    level: Spanned<u8>,
    urgency: Urgency,
    why: Spanned<String>,
    improvement: Spanned<String>,
}

#[derive(Deserialize)]
struct TeamsDocument {
    #[expect(dead_code, reason = "the teams are read with the people")]
    teams: Value,
    #[serde(default)]
    #[expect(dead_code, reason = "the roles are read with the people")]
    roles: Value,
    #[serde(default)]
    specialists: Vec<SpecialistsDocument>,
}

#[derive(Deserialize)]
struct SpecialistsDocument {
    #[serde(default)]
    types: Vec<Spanned<String>>,
    #[serde(default)]
    categories: Vec<Spanned<String>>,
    contacts: Spanned<Vec<Spanned<String>>>,
    #[serde(default)]
    complex: Vec<Spanned<String>>,
}

/// Puts what the two files say into `people`, which has what else stands there.
pub(super) fn read(
    (escalation, teams): (&Files<'_>, &Files<'_>),
    known: Known<'_>,
    people: &mut People,
    problems: &mut Vec<Problem>,
) {
    if let Some((path, text)) = escalation.first() {
        // What is wrong with the rest of the file was told when that was read.
        let (document, mut report) = read_reported::<EscalationDocument>(path, text, problems);
        people.factors =
            document.map(|found| factors(&found.factors, known, people, &mut report)).unwrap_or_default();
    }
    if let Some((path, text)) = teams.first() {
        let (document, mut report) = read_reported::<TeamsDocument>(path, text, problems);
        people.specialists = document
            .map(|found| specialists(&found.specialists, known, people, &mut report))
            .unwrap_or_default();
    }
}

fn factors(
    document: &FactorsDocument,
    known: Known<'_>,
    people: &People,
    report: &mut Report<'_>,
) -> Factors {
    let kinds = &document.exposed_kinds;
    report.unique("the kind of target", kinds);
    for kind in kinds.iter().filter(|kind| !TARGET_LABELS.contains(&kind.as_str())) {
        report.at(kind, unknown("kind of target", kind, TARGET_LABELS.into_iter()));
    }
    if let Some(extra) = document.rules.get(RULES_MOST) {
        report.at(&extra.id, format!("more than {RULES_MOST} rules; take some away"));
    }
    let mut ids = Seen::default();
    let mut rules = Vec::new();
    for entry in document.rules.iter().take(RULES_MOST) {
        if ids.insert("the rule", &entry.id, report) {
            rules.extend(rule(entry, people, report));
        }
    }
    Factors {
        regulated: types(&document.regulated, known, report),
        exposed: types(&document.exposed, known, report),
        exposed_kinds: kinds.iter().map(|kind| kind.value.clone()).collect(),
        rules,
    }
}

fn rule(entry: &RuleDocument, people: &People, report: &mut Report<'_>) -> Option<FactorRule> {
    report.id("the rule", &entry.id);
    report.line("the reason", &entry.why);
    report.line("the improvement", &entry.improvement);
    let last = people.last_level();
    // Without levels their file says what is wrong.
    if last > 0 && !(2..=last).contains(&entry.level.value) {
        let level = entry.level.value;
        report.at(&entry.level, format!("level {level} is none to go up to; use 2 to {last}"));
    }
    let after = entry.after.as_ref().map(|text| report.span("the time", text, AFTER_LEAST, AFTER_MOST));
    let when = match Expr::compile(&entry.when, &factor_env(), &Type::Bool) {
        Ok(when) => when,
        Err(problems) => {
            for problem in problems {
                report.inside(&entry.when, problem.start, problem.message);
            }
            return None;
        }
    };
    Some(FactorRule {
        id: entry.id.value.clone(),
        when,
        after,
        level: entry.level.value,
        urgency: entry.urgency,
        why: entry.why.value.clone(),
        improvement: entry.improvement.value.clone(),
    })
}

fn types(names: &[Spanned<String>], known: Known<'_>, report: &mut Report<'_>) -> BTreeSet<String> {
    report.unique("the type", names);
    let Some(types) = known.types else { return BTreeSet::new() };
    let mut found = BTreeSet::new();
    for name in names {
        match types.resolve(name) {
            Some(kind) => drop(found.insert(kind.name.clone())),
            None => report.at(name, unknown("incident type", name, types.names())),
        }
    }
    found
}

fn specialists(
    entries: &[SpecialistsDocument],
    known: Known<'_>,
    people: &People,
    report: &mut Report<'_>,
) -> Vec<Specialists> {
    if let Some(extra) = entries.get(SPECIALISTS_MOST) {
        report.at(&extra.contacts, format!("more than {SPECIALISTS_MOST} entries; take some away"));
    }
    let mut taken = Seen::default();
    let mut one = |entry: &SpecialistsDocument| {
        for name in &entry.types {
            taken.insert("the type", name, report);
        }
        for category in &entry.categories {
            taken.insert("the category", &category.clone().map(|name| format!("category {name}")), report);
        }
        check_categories(&entry.categories, known, report);
        known_contacts(&entry.contacts.value, people, report);
        known_contacts(&entry.complex, people, report);
        if entry.contacts.value.is_empty() {
            report.at(&entry.contacts, "nobody is named; list `contacts`, or leave the entry out");
        }
        if entry.types.is_empty() && entry.categories.is_empty() {
            report.at(&entry.contacts, "the entry is for nothing; name `types` or `categories`");
        }
        Specialists {
            types: types(&entry.types, known, report),
            categories: entry.categories.iter().map(|name| name.value.clone()).collect(),
            contacts: entry.contacts.value.iter().map(|name| name.value.clone()).collect(),
            complex: entry.complex.iter().map(|name| name.value.clone()).collect(),
        }
    };
    entries.iter().take(SPECIALISTS_MOST).map(&mut one).collect()
}

fn check_categories(names: &[Spanned<String>], known: Known<'_>, report: &mut Report<'_>) {
    let Some(types) = known.types else { return };
    let categories: BTreeSet<&str> = types.types.values().map(|kind| kind.category.as_str()).collect();
    for name in names.iter().filter(|name| !categories.contains(name.as_str())) {
        report.at(name, unknown("category", name, categories.iter().copied()));
    }
}
