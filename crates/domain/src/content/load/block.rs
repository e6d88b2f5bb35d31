//! Steps that hold others: their places in the list of all steps, and what bounds them.

use std::{collections::BTreeMap, ops::Range};

use super::{
    kind::CaseDocument,
    piece::{self, Pieces},
    playbook::{Scope, StageDocument, gate},
    report::{Report, Seen, is_id, shorten},
    step::{self, StepDocument},
};
use crate::{
    document::Spanned,
    expr::MAX_COST,
    playbook::{Case, Kind, PASSES_MOST, Parallel, Step, Switch, Targets, Wait, While},
};

/// How deep steps may stand inside of others.
const DEPTH_MOST: u32 = 6;
const BRANCHES_MOST: usize = 16;
const ROUNDS_MOST: u32 = 100;
/// Most work of one expression over all rounds of a run, in the units of an expression's cost.
const COST_MOST: u64 = 5 * MAX_COST;

type Sequence<'d> = &'d Spanned<Vec<StepDocument>>;

impl StepDocument {
    /// The sequences inside of it, in the order in which their steps are numbered.
    fn sequences(&self) -> Vec<(&str, Sequence<'_>)> {
        let mut all: Vec<(&str, Sequence<'_>)> = Vec::new();
        let options = self.options.iter().flat_map(|options| &options.value);
        all.extend(options.filter_map(|(name, option)| Some((name.as_str(), option.value.steps.as_ref()?))));
        let cases = self.switch.iter().flat_map(|cases| &cases.value);
        all.extend(cases.map(|case| (case.case.as_str(), &case.steps)));
        all.extend(self.otherwise.iter().map(|steps| (OTHERWISE, steps)));
        all.extend(self.steps.iter().map(|steps| ("steps", steps)));
        let branches = self.parallel.iter().flat_map(|branches| &branches.value);
        all.extend(branches.map(|(name, steps)| (name.as_str(), steps)));
        all
    }

    /// How often its steps may begin for each time that it does.
    fn rounds(&self) -> u64 {
        let rounds = self.rounds.as_ref().map_or(1, |rounds| rounds.value);
        if self.r#while.is_some() { u64::from(rounds.max(1)) } else { 1 }
    }

    /// Whether what is inside ends before anything behind it begins.
    fn shuts(&self) -> bool {
        self.r#while.is_some() || self.parallel.is_some()
    }
}

const OTHERWISE: &str = "otherwise";

/// These steps and all inside of them, in the order of their numbers.
pub(super) fn flat<'d>(
    steps: impl IntoIterator<Item = &'d StepDocument>,
) -> std::vec::IntoIter<&'d StepDocument> {
    let mut all = Vec::new();
    steps.into_iter().for_each(|step| flatten(step, &mut all));
    all.into_iter()
}

fn flatten<'d>(step: &'d StepDocument, all: &mut Vec<&'d StepDocument>) {
    all.push(step);
    step.sequences().iter().flat_map(|(_, steps)| &steps.value).for_each(|step| flatten(step, all));
}

/// How many steps these come to, with those of called pieces.
pub(super) fn count(steps: &[StepDocument], pieces: &Pieces<'_>) -> usize {
    let called = |step: &StepDocument| step.call.as_ref().map_or(0, |call| pieces.size(call).0);
    flat(steps).map(|step| 1 + called(step)).sum()
}

/// The ids that these steps have, with those of called pieces, and whether a way is chosen at each.
pub(super) fn ids<'d>(
    steps: impl IntoIterator<Item = &'d StepDocument>,
    prefix: &str,
    pieces: &Pieces<'_>,
) -> Vec<(String, bool)> {
    let mut all = Vec::new();
    for step in flat(steps) {
        all.push((format!("{prefix}{}", step.id.value), step.chooses()));
        if let Some(call) = &step.call {
            all.extend(ids(pieces.steps(call), &format!("{prefix}{}_", step.id.value), pieces));
        }
    }
    all
}

/// Every id in its form, and once; those of called pieces at the call.
pub(super) fn check_ids(
    steps: &[StepDocument],
    pieces: &Pieces<'_>,
    seen: &mut Seen,
    report: &mut Report<'_>,
) {
    for step in flat(steps) {
        report.id("the step", &step.id);
        seen.insert("the step", &step.id, report);
        let prefix = format!("{}_", step.id.value);
        let called = step.call.iter().flat_map(|call| ids(pieces.steps(call), &prefix, pieces));
        for (id, _) in called {
            seen.insert("the step", &step.id.clone().map(|_| id), report);
        }
    }
}

/// Where each step stands, for choices that go on elsewhere.
pub(super) struct Places<'a> {
    pub(super) stages: BTreeMap<&'a str, u32>,
    pub(super) steps: BTreeMap<&'a str, Place>,
    /// The sequence around each one, unless it cannot be left by a choice; none around a stage's own.
    outer: Vec<Outer>,
}

pub(super) struct Place {
    pub(super) stage: u32,
    pub(super) index: u32,
    pub(super) sequence: usize,
}

enum Outer {
    Stage,
    Shut,
    Open(usize),
}

impl<'a> Places<'a> {
    pub(super) fn of(stages: &'a [StageDocument], pieces: &Pieces<'_>) -> Self {
        let mut places = Places { stages: BTreeMap::new(), steps: BTreeMap::new(), outer: Vec::new() };
        let mut index = 0;
        for (number, stage) in (0u32..).zip(stages) {
            places.stages.insert(&stage.id, number);
            places.add(&stage.steps.value, (number, Outer::Stage), &mut index, pieces);
        }
        places
    }

    /// The steps of a piece, of which the first has this number. No choice leads out of it.
    pub(super) fn of_piece(steps: &'a [StepDocument], first: u32, pieces: &Pieces<'_>) -> Self {
        let mut places = Places { stages: BTreeMap::new(), steps: BTreeMap::new(), outer: Vec::new() };
        let mut index = first;
        places.add(steps, (0, Outer::Shut), &mut index, pieces);
        places
    }

    fn add(
        &mut self,
        steps: &'a [StepDocument],
        (stage, outer): (u32, Outer),
        index: &mut u32,
        pieces: &Pieces<'_>,
    ) {
        let sequence = self.outer.len();
        self.outer.push(outer);
        for step in steps {
            self.steps.insert(&step.id, Place { stage, index: *index, sequence });
            *index += 1 + step.call.as_ref().map_or(0, |call| pieces.size(call).0) as u32;
            for (_, inner) in step.sequences() {
                let outer = if step.shuts() { Outer::Shut } else { Outer::Open(sequence) };
                self.add(&inner.value, (stage, outer), index, pieces);
            }
        }
    }

    /// This sequence and those around it, as far as a choice may leave them.
    pub(super) fn around(&self, sequence: usize) -> Vec<usize> {
        let mut around = vec![sequence];
        while let Some(Outer::Open(outer)) = around.last().and_then(|last| self.outer.get(*last)) {
            around.push(*outer);
        }
        around
    }

    pub(super) fn is_stage(&self, sequence: usize) -> bool {
        matches!(self.outer.get(sequence), Some(Outer::Stage))
    }
}

/// The numbers of the steps inside of a step, by the name of the branch.
#[derive(Default)]
pub(super) struct Branches<'d>(BTreeMap<&'d str, Range<u32>>);

impl Branches<'_> {
    pub(super) fn named(&self, name: &str) -> Range<u32> {
        self.0.get(name).cloned().unwrap_or_default()
    }
}

/// Appends these steps and all inside of them; a wrong one leaves its place empty. `first` is the number of the first
/// in `all`; the loops around begin them so many `times`.
pub(super) fn sequence(
    steps: &[StepDocument],
    (first, times): (u32, u64),
    all: &mut Vec<Option<Step>>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) {
    for document in steps {
        let place = all.len();
        all.push(None);
        let mut inner = Branches::default();
        for (name, steps) in document.sequences() {
            let start = first + all.len() as u32;
            let times = times.saturating_mul(document.rounds());
            sequence(&steps.value, (first, times), all, scope, report);
            inner.0.insert(name, start..first + all.len() as u32);
        }
        if let Some(call) = &document.call {
            let start = first + all.len() as u32;
            piece::expand(document, call, (first, times), all, scope, report);
            inner.0.insert("steps", start..first + all.len() as u32);
        }
        let step = step::check(document, &inner, scope, report);
        step.iter().for_each(|step| check_cost(document, step, times, report));
        if let Some(slot) = all.get_mut(place) {
            *slot = step;
        }
    }
}

/// Tells where an expression does more work than a run may spend on one, over all rounds of the loops around it.
fn check_cost(document: &StepDocument, step: &Step, times: u64, report: &mut Report<'_>) {
    let mut costs: Vec<(Option<&Spanned<String>>, u64)> = Vec::new();
    match &step.kind {
        Kind::Action => {
            if let Targets::ForEach(list) = &step.targets {
                costs.push((document.for_each.as_ref(), list.cost()));
            }
        }
        Kind::Switch(switch) => {
            let written = document.switch.iter().flat_map(|cases| &cases.value);
            costs.extend(written.zip(&switch.cases).filter_map(|(written, case)| {
                case.when.as_ref().map(|gate| (Some(&written.when), gate.expr.cost()))
            }));
        }
        Kind::While(one) => {
            let cost = one.gate.expr.cost().saturating_mul(u64::from(one.rounds) + 1);
            costs.push((document.r#while.as_ref(), cost));
        }
        Kind::Wait(Wait::Until { gate, .. }) => {
            let until = document.wait.as_ref().and_then(|wait| wait.value.until.as_ref());
            costs.push((until, gate.expr.cost()));
        }
        Kind::Decision(_)
        | Kind::Manual(_)
        | Kind::Wait(Wait::For(_))
        | Kind::Parallel(_)
        | Kind::Call(_) => {}
    }
    for (text, cost) in costs {
        let cost = cost.saturating_mul(times);
        if let Some(text) = text.filter(|_| cost > COST_MOST) {
            let message = format!(
                "over all rounds of the loops this may cost {cost}; at most {COST_MOST}: use fewer rounds or a \
                 simpler expression"
            );
            report.at(text, message);
        }
    }
}

/// Depth, and how often loops may begin the steps in them: how many steps these may begin.
pub(super) fn check_size(steps: &[StepDocument], pieces: &Pieces<'_>, report: &mut Report<'_>) -> u64 {
    steps.iter().map(|step| size(step, (1, 1), pieces, report)).fold(0, u64::saturating_add)
}

/// How many steps this one may begin, with all inside of it.
fn size(
    step: &StepDocument,
    (depth, times): (u32, u64),
    pieces: &Pieces<'_>,
    report: &mut Report<'_>,
) -> u64 {
    if depth > DEPTH_MOST {
        let id = shorten(&step.id);
        report
            .at(&step.id, format!("step `{id}` stands inside of {} others; at most {DEPTH_MOST}", depth - 1));
        return times;
    }
    let rounds = times.saturating_mul(step.rounds());
    let before = report.count();
    let inner = step.sequences().into_iter().flat_map(|(_, steps)| &steps.value);
    let inner = inner.map(|step| size(step, (depth + 1, rounds), pieces, report));
    let inner = inner.fold(times, u64::saturating_add);
    let called = step.call.as_ref().map_or(0, |call| pieces.size(call).1.saturating_mul(times));
    let passes = inner.saturating_add(called);
    if passes > PASSES_MOST && (step.rounds() > 1 || called > 0) && report.count() == before {
        let message = format!(
            "with the loops around it this may begin {passes} steps; at most {PASSES_MOST}: \
             use fewer rounds or fewer steps"
        );
        match &step.rounds {
            Some(rounds) => report.at(rounds, message),
            None => report.at(&step.id, message),
        }
    }
    passes
}

pub(super) fn switch(
    document: &StepDocument,
    cases: &Spanned<Vec<CaseDocument>>,
    inner: &Branches<'_>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Switch> {
    if !(1..BRANCHES_MOST).contains(&cases.value.len()) {
        let count = cases.value.len();
        report.at(cases, format!("the switch has {count} cases; use 1 to {}", BRANCHES_MOST - 1));
    }
    if document.otherwise.is_none() {
        report.at(cases, "say with `otherwise` what is done when no case holds; `[]` is nothing");
    }
    let mut all: Vec<Case> = Vec::new();
    for case in &cases.value {
        report.id("the case", &case.case);
        if case.case.value == OTHERWISE || all.iter().any(|one| one.name == case.case.value) {
            let name = shorten(&case.case);
            report.at(&case.case, format!("the case `{name}` is there already; rename one"));
        }
        let when = gate(&case.when, scope, report);
        all.push(Case { name: case.case.value.clone(), when, steps: inner.named(&case.case) });
    }
    if all.iter().any(|case| case.when.is_none()) {
        return None;
    }
    all.push(Case { name: OTHERWISE.to_owned(), when: None, steps: inner.named(OTHERWISE) });
    Some(Switch { cases: all })
}

pub(super) fn repeat(
    document: &StepDocument,
    condition: &Spanned<String>,
    inner: &Branches<'_>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<While> {
    match &document.steps {
        None => report.at(condition, "the loop has no `steps`; add what is repeated"),
        Some(steps) if steps.value.is_empty() => report.at(steps, "the loop has no step; add one"),
        Some(_) => {}
    }
    match &document.rounds {
        None => report.at(condition, format!("the loop has no bound; add `rounds`, 1 to {ROUNDS_MOST}")),
        Some(rounds) if !(1..=ROUNDS_MOST).contains(&rounds.value) => {
            report.at(rounds, format!("{} rounds is out of bounds; use 1 to {ROUNDS_MOST}", rounds.value));
        }
        Some(_) => {}
    }
    let rounds = document.rounds.as_ref().map_or(1, |rounds| rounds.value);
    Some(While { gate: gate(condition, scope, report)?, rounds, steps: inner.named("steps") })
}

pub(super) fn parallel(
    document: &StepDocument,
    branches: &Spanned<BTreeMap<String, Spanned<Vec<StepDocument>>>>,
    inner: &Branches<'_>,
    report: &mut Report<'_>,
) -> Parallel {
    if !(2..=BRANCHES_MOST).contains(&branches.value.len()) {
        let count = branches.value.len();
        report.at(branches, format!("there are {count} branches; use 2 to {BRANCHES_MOST}"));
    }
    for (name, steps) in &branches.value {
        if !is_id(name) {
            let name = shorten(name);
            report.at(steps, format!("the branch `{name}` must be lower-case letters, digits and _"));
        }
        if steps.value.is_empty() {
            report.at(steps, format!("the branch `{}` has no step; add one", shorten(name)));
        }
    }
    let ranges = branches.value.keys().map(|name| (name.clone(), inner.named(name)));
    let join = document.join.as_ref().map_or_else(Default::default, |join| join.value);
    Parallel { branches: ranges.collect(), join }
}
