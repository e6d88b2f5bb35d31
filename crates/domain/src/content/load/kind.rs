//! What a step of a playbook is: exactly one of an action, a decision, a task of a person, a wait, or a step that
//! holds others.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    block::{self, Branches},
    playbook::{Scope, check_roles, gate},
    report::{Report, is_id, quoted, shorten, unknown},
    step::StepDocument,
};
use crate::{
    document::{Position, Spanned},
    playbook::{Call, Choice, Decision, Fallback, Goto, Kind, Manual, Wait},
    time::Span,
};

const SPAN_LEAST: Span = Span::millis(1);
const SPAN_MOST: Span = Span::secs(90 * 86_400);
const OPTIONS_MOST: usize = 16;
const INSIDE: &str = "a choice never leads into other steps, nor out of a `while` or a `parallel`";
const TEXT_MOST: usize = 4_096;

#[derive(Deserialize)]
pub(super) struct OptionDocument {
    goto: Option<Spanned<String>>,
    pub(super) steps: Option<Spanned<Vec<StepDocument>>>,
}

#[derive(Deserialize)]
pub(super) struct CaseDocument {
    pub(super) case: Spanned<String>,
    pub(super) when: Spanned<String>,
    pub(super) steps: Spanned<Vec<StepDocument>>,
}

#[derive(Deserialize)]
pub(super) struct DefaultDocument {
    after: Spanned<String>,
    choose: Spanned<String>,
}

#[derive(Deserialize)]
pub(super) struct WaitDocument {
    r#for: Option<Spanned<String>>,
    pub(super) until: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
}

/// The kind, or `None` when there is none, more than one, or one with a problem. `inner` are the steps inside of it.
pub(super) fn check(
    document: &StepDocument,
    inner: &Branches<'_>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Kind> {
    let before = report.count();
    let written = [
        ("action", document.action.is_some()),
        ("decision", document.decision.is_some()),
        ("manual", document.manual.is_some()),
        ("wait", document.wait.is_some()),
        ("switch", document.switch.is_some()),
        ("while", document.r#while.is_some()),
        ("parallel", document.parallel.is_some()),
        ("call", document.call.is_some()),
    ];
    let kinds: Vec<&str> = written.iter().filter(|(_, written)| *written).map(|(name, _)| *name).collect();
    let kind = match kinds[..] {
        [] => {
            let all = quoted(&written.map(|(name, _)| name));
            report.at(&document.id, format!("the step does nothing; add one of {all}"));
            None
        }
        [kind] => {
            foreign(document, kind, report);
            one_kind(document, inner, scope, report)
        }
        _ => {
            report.at(&document.id, format!("the step is {} at once; keep one", quoted(&kinds)));
            None
        }
    };
    kind.filter(|_| report.count() == before)
}

fn one_kind(
    document: &StepDocument,
    inner: &Branches<'_>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Kind> {
    if let Some(question) = &document.decision {
        return decision(document, question, inner, scope, report).map(Kind::Decision);
    }
    if let Some(text) = &document.manual {
        return Some(Kind::Manual(manual(document, text, scope, report)));
    }
    if let Some(written) = &document.wait {
        return wait(written, scope, report).map(Kind::Wait);
    }
    if let Some(cases) = &document.switch {
        return block::switch(document, cases, inner, scope, report).map(Kind::Switch);
    }
    if let Some(condition) = &document.r#while {
        return block::repeat(document, condition, inner, scope, report).map(Kind::While);
    }
    if let Some(branches) = &document.parallel {
        return Some(Kind::Parallel(block::parallel(document, branches, inner, report)));
    }
    if let Some(piece) = &document.call {
        return Some(Kind::Call(Call { piece: piece.value.clone(), steps: inner.named("steps") }));
    }
    document.action.as_ref().map(|_| Kind::Action)
}

/// Fields of another kind.
fn foreign(document: &StepDocument, kind: &str, report: &mut Report<'_>) {
    let place = |text: &Option<Spanned<String>>| text.as_ref().map(Spanned::position);
    let mut found: Vec<(&str, &str, Option<Position>)> = vec![
        ("options", "decision", document.options.as_ref().map(Spanned::position)),
        ("default", "decision", document.default.as_ref().map(Spanned::position)),
        ("role", "manual", place(&document.role)),
        ("owner", "manual", place(&document.owner)),
        ("due", "manual", place(&document.due)),
        ("reminder", "manual", place(&document.reminder)),
        ("otherwise", "switch", document.otherwise.as_ref().map(Spanned::position)),
        ("rounds", "while", document.rounds.as_ref().map(Spanned::position)),
        ("steps", "while", document.steps.as_ref().map(Spanned::position)),
        ("join", "parallel", document.join.as_ref().map(Spanned::position)),
    ];
    found.extend(document.of_actions().into_iter().map(|(name, at)| (name, "action", Some(at))));
    for (name, of, at) in found {
        let shared = name == "with" && kind == "call";
        if let Some(at) = at.filter(|_| of != kind && !shared) {
            report.position(at, format!("`{name}` belongs to `{of}`, but this step is `{kind}`; remove it"));
        }
    }
}

fn text(what: &str, text: &Spanned<String>, report: &mut Report<'_>) -> String {
    if text.trim().is_empty() {
        report.at(text, format!("{what} is empty; write what people should read"));
    } else if text.len() > TEXT_MOST {
        report.at(text, format!("{what} is longer than {TEXT_MOST} bytes; shorten it"));
    }
    text.value.clone()
}

fn decision(
    document: &StepDocument,
    question: &Spanned<String>,
    inner: &Branches<'_>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Decision> {
    let question_text = text("the question", question, report);
    let Some(written) = &document.options else {
        report.at(question, "the decision has no `options`; name at least two");
        return None;
    };
    if !(2..=OPTIONS_MOST).contains(&written.value.len()) {
        let count = written.value.len();
        report.at(written, format!("the decision has {count} options; use 2 to {OPTIONS_MOST}"));
    }
    let mut options = BTreeMap::new();
    for (name, option) in &written.value {
        if !is_id(name) {
            let name = shorten(name);
            report.at(option, format!("the option `{name}` must be lower-case letters, digits and _"));
        }
        let goto = option.value.goto.as_ref().and_then(|id| goto(id, &document.id, scope, report));
        if let (Some(steps), Some(_)) = (&option.value.steps, &option.value.goto) {
            report.at(steps, "an option has either `steps` or `goto`; remove one");
        }
        options.insert(name.clone(), Choice { steps: inner.named(name), goto });
    }
    let default = document.default.as_ref().map(|default| {
        let default = &default.value;
        if !options.contains_key(&default.choose.value) {
            let known = options.keys().map(String::as_str);
            report.at(&default.choose, unknown("option", &default.choose, known));
        }
        let after = report.span("the time to choose", &default.after, SPAN_LEAST, SPAN_MOST);
        Fallback { after, choose: default.choose.value.clone() }
    });
    Some(Decision { question: question_text, options, default })
}

/// Only forward, and never out of a `while` or a branch of a `parallel`: a later step around this one, or a later
/// stage.
fn goto(
    id: &Spanned<String>,
    from: &Spanned<String>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Goto> {
    let here = scope.places.steps.get(from.as_str())?;
    let shown = shorten(id);
    let (step, stage) = (scope.places.steps.get(id.as_str()), scope.places.stages.get(id.as_str()));
    match (step, stage) {
        (Some(to), _) if to.stage == here.stage && to.index > here.index => {
            if scope.places.around(here.sequence).contains(&to.sequence) {
                return Some(Goto::Step(to.index));
            }
            report.at(id, format!("step `{shown}` is not one of the steps around this one; {INSIDE}"));
        }
        (_, Some(to)) if *to > here.stage => {
            if scope.places.around(here.sequence).last().is_some_and(|last| scope.places.is_stage(*last)) {
                return Some(Goto::Stage(*to));
            }
            report.at(id, format!("`{shown}` is outside; {INSIDE}"));
        }
        (Some(to), _) if to.stage > here.stage => {
            report.at(id, format!("step `{shown}` is in another stage; go to the stage instead"));
        }
        (Some(_), _) | (_, Some(_)) => {
            report.at(id, format!("`{shown}` is not later than this step; a run only goes forward"));
        }
        (None, None) => {
            let known = scope.places.stages.keys().chain(scope.places.steps.keys()).copied();
            report.at(id, unknown("step or stage", id, known));
        }
    }
    None
}

fn manual(
    document: &StepDocument,
    instructions: &Spanned<String>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Manual {
    if let Some(role) = &document.role {
        check_roles(std::slice::from_ref(role), scope, report);
    }
    if let Some(owner) = &document.owner {
        report.line("the owner", owner);
    }
    let mut span = |what, text: &Option<Spanned<String>>| {
        text.as_ref().map(|text| report.span(what, text, SPAN_LEAST, SPAN_MOST))
    };
    let (due, reminder) = (span("the due time", &document.due), span("the reminder", &document.reminder));
    Manual {
        instructions: text("the instruction", instructions, report),
        role: document.role.as_ref().map(|role| role.value.clone()),
        owner: document.owner.as_ref().map(|owner| owner.value.clone()),
        due,
        reminder,
    }
}

fn wait(written: &Spanned<WaitDocument>, scope: &Scope<'_>, report: &mut Report<'_>) -> Option<Wait> {
    let document = &written.value;
    match (&document.r#for, &document.until, &document.timeout) {
        (Some(span), None, None) => Some(Wait::For(report.span("the wait", span, SPAN_LEAST, SPAN_MOST))),
        (None, Some(until), Some(timeout)) => {
            let timeout = report.span("the timeout", timeout, SPAN_LEAST, SPAN_MOST);
            Some(Wait::Until { gate: gate(until, scope, report)?, timeout })
        }
        (Some(_), _, _) | (None, Some(_), None) | (None, None, _) => {
            report.at(written, "a wait has either `for`, or `until` with `timeout`");
            None
        }
    }
}
