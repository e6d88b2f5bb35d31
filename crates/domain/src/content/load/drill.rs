//! `drills/NAME.yaml`: what a drill is measured by, and what the people in it do.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Files,
    exercise::{self, DrillKind},
    report::{Report, read_reported, shorten, unknown},
};
use crate::{
    content::drill::{Act, Deed, Drill, Part, Targets},
    document::{Problem, Spanned},
    playbook::{Kind, Playbook},
    targets::Target as Held,
    time::Span,
};

const TARGET_LEAST: Span = Span::millis(1);
const TARGET_MOST: Span = Span::secs(86_400);
/// A drill is watched by people: nobody in it thinks for longer.
const PAUSE_MOST: Span = Span::secs(60);
const PARTS_MOST: usize = 64;
const NOTE_BYTES: usize = 1_000;

#[derive(Deserialize)]
struct DrillDocument {
    #[expect(dead_code, reason = "other kinds are read elsewhere")]
    kind: Option<Spanned<DrillKind>>,
    scenario: Spanned<String>,
    playbook: Spanned<String>,
    targets: TargetsDocument,
    #[serde(default)]
    people: Vec<Spanned<PartDocument>>,
}

#[derive(Deserialize)]
struct TargetsDocument {
    detected: Spanned<String>,
    first_containment: Spanned<String>,
    contained: Spanned<String>,
    verified: Spanned<String>,
    completed: Spanned<String>,
    recovered: Option<Spanned<String>>,
    automation_percent: Spanned<u8>,
}

#[derive(Deserialize)]
struct PartDocument {
    step: Spanned<String>,
    after: Spanned<String>,
    choose: Option<Spanned<String>>,
    complete: Option<Spanned<String>>,
    first: Option<Spanned<Deed>>,
    approve: Option<Spanned<bool>>,
}

/// The drills of the folder by name of their file. A playbook that was left out for its own problems is not reported
/// again by each drill of it.
pub(super) fn read<'p>(
    files: &Files<'_>,
    playbooks: impl Iterator<Item = &'p Playbook> + Clone,
    left_out: impl Fn(&str) -> bool,
    held: impl Fn(&Playbook) -> Held,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, Drill> {
    let mut drills = BTreeMap::new();
    let technical = files.iter().filter(|(path, text)| exercise::kind_of(path, text) == DrillKind::Technical);
    for (path, text) in technical {
        let (document, mut report) = read_reported::<DrillDocument>(path, text, problems);
        let Some(document) = document else { continue };
        let name = name_of(path).unwrap_or(path);
        report.id("the scenario", &document.scenario);
        let targets = targets(&document.targets, &mut report);
        let playbook = playbooks.clone().find(|playbook| playbook.id == document.playbook.value);
        if playbook.is_none() && !left_out(&document.playbook.value) {
            let known = playbooks.clone().map(|playbook| playbook.id.as_str());
            report.at(&document.playbook, unknown("playbook", &document.playbook, known));
        }
        if let Some(playbook) = playbook {
            no_laxer(&document.targets, targets, held(playbook), &mut report);
        }
        let people = people(&document.people, playbook, &mut report);
        let recovers = |part: &Part| matches!(part.act, Act::Complete { first: Some(Deed::Recover), .. });
        if let Some(place) = document.targets.recovered.as_ref().filter(|_| !people.iter().any(recovers)) {
            report.at(place, "nobody in the drill has services brought back; give a task `first: recover`");
        }
        let (scenario, playbook) = (document.scenario.value, document.playbook.value);
        drills.insert(name.to_owned(), Drill { scenario, playbook, targets, people });
    }
    drills
}

/// The name of a drill is that of its file.
pub(super) fn name_of(path: &str) -> Option<&str> {
    path.rsplit('/').next().and_then(|name| name.strip_suffix(".yaml"))
}

fn targets(document: &TargetsDocument, report: &mut Report<'_>) -> Targets {
    let mut span = |text| report.span("the target", text, TARGET_LEAST, TARGET_MOST);
    let targets = Targets {
        detected: span(&document.detected),
        first_containment: span(&document.first_containment),
        contained: span(&document.contained),
        verified: span(&document.verified),
        completed: span(&document.completed),
        recovered: document.recovered.as_ref().map(span),
        automation_percent: document.automation_percent.value.min(100),
    };
    if document.automation_percent.value > 100 {
        report.at(&document.automation_percent, "the automation is 0 to 100 percent");
    }
    if targets.verified < targets.contained {
        report.at(&document.verified, "what is not contained cannot be verified; make this later");
    }
    targets
}

/// A drill shows that real incidents would meet their targets, so it may ask for more, never for less.
fn no_laxer(document: &TargetsDocument, targets: Targets, held: Held, report: &mut Report<'_>) {
    let each = [
        (&document.detected, targets.detected, held.detection),
        (&document.first_containment, targets.first_containment, held.first_containment),
        (&document.verified, targets.verified, held.verified),
        (&document.completed, targets.completed, held.recovery),
    ];
    for (place, asked, held) in each {
        if let Some(held) = held.filter(|held| asked > *held) {
            report.at(
                place,
                format!("targets.yaml holds such an incident to {held}; a drill asks for no less"),
            );
        }
    }
}

fn people(
    documents: &[Spanned<PartDocument>],
    playbook: Option<&Playbook>,
    report: &mut Report<'_>,
) -> Vec<Part> {
    if documents.len() > PARTS_MOST {
        report.at(&documents[PARTS_MOST], format!("at most {PARTS_MOST} parts are read"));
    }
    let mut parts: Vec<Part> = Vec::new();
    for document in documents.iter().take(PARTS_MOST) {
        let part = &document.value;
        let after = report.span("the time to answer", &part.after, Span::default(), PAUSE_MOST);
        if parts.iter().any(|earlier| *earlier.step == part.step.value) {
            report.at(&part.step, format!("`{}` is answered already; remove one", shorten(&part.step)));
        }
        let act = match (&part.choose, &part.complete, &part.approve) {
            (Some(option), None, None) => Act::Choose(option.value.clone()),
            (None, None, Some(Spanned { value: true, .. })) => Act::Approve,
            (None, Some(note), None) => {
                if note.len() > NOTE_BYTES || note.trim().is_empty() {
                    report.at(note, format!("the note has 1 to {NOTE_BYTES} bytes"));
                }
                let first = part.first.as_ref().map(|deed| deed.value);
                Act::Complete { first, note: note.value.clone() }
            }
            (_, _, _) => {
                let message = "a part has one of `choose`, for a decision, `complete`, for a task, and \
                               `approve: true`, for an action";
                report.at(document, message);
                continue;
            }
        };
        if let Some(first) = part.first.as_ref().filter(|_| part.complete.is_none()) {
            report.at(first, "`first` is for a task: what people do before they say `complete`");
        }
        if let Some(playbook) = playbook {
            fits(part, playbook, report);
        }
        parts.push(Part { step: part.step.value.clone(), after, act });
    }
    parts
}

/// The step exists and asks for what the part does.
fn fits(part: &PartDocument, playbook: &Playbook, report: &mut Report<'_>) {
    let Some((_, step)) = playbook.steps().find(|(_, step)| step.id == part.step.value) else {
        let known = playbook.steps().map(|(_, step)| step.id.as_str());
        report.at(&part.step, unknown("step", &part.step, known));
        return;
    };
    match (&step.kind, &part.choose) {
        (Kind::Decision(decision), Some(option)) => {
            if !decision.options.contains_key(&option.value) {
                let known = decision.options.keys().map(String::as_str);
                report.at(option, unknown("option", option, known));
            }
        }
        (Kind::Manual(_), None) if part.complete.is_some() => {}
        (Kind::Action, None) if part.approve.is_some() => {
            if step.approval.is_none() {
                let id = shorten(&part.step);
                report.at(&part.step, format!("`{id}` has no `approval`; it begins without one"));
            }
        }
        (kind, _) => {
            let wanted = match (&part.choose, &part.complete) {
                (Some(_), _) => "decision",
                (None, Some(_)) => "manual",
                (None, None) => "action",
            };
            let message = format!("`{}` is `{}`, not `{wanted}`", shorten(&part.step), kind.name());
            report.at(&part.step, message);
        }
    }
}
