//! What a step of a playbook is: an action, a decision, a task of a person, or a wait. Exactly one.

use std::collections::BTreeMap;

use serde::{Deserialize, de::IgnoredAny};

use super::{
    playbook::{Scope, check_roles, gate},
    report::{Report, is_id, quoted, shorten, unknown},
    step::StepDocument,
};
use crate::{
    document::{Position, Spanned},
    playbook::{Decision, Fallback, Goto, Kind, Manual, Wait},
    time::Span,
};

const SPAN_LEAST: Span = Span::millis(1);
const SPAN_MOST: Span = Span::secs(90 * 86_400);
const OPTIONS_MOST: usize = 16;
const TEXT_MOST: usize = 4_096;

#[derive(Deserialize)]
pub(super) struct OptionDocument {
    goto: Option<Spanned<String>>,
    steps: Option<Spanned<IgnoredAny>>,
}

#[derive(Deserialize)]
pub(super) struct DefaultDocument {
    after: Spanned<String>,
    choose: Spanned<String>,
}

#[derive(Deserialize)]
pub(super) struct WaitDocument {
    r#for: Option<Spanned<String>>,
    until: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
}

/// The kind, or `None` when there is none, more than one, or one with a problem. `at` is the stage of the step and its
/// number over all stages.
pub(super) fn check(
    document: &StepDocument,
    at: (u32, u32),
    later: bool,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Kind> {
    let before = report.count();
    let mut kinds = Vec::new();
    kinds.extend(document.action.as_ref().map(|_| "action"));
    kinds.extend(document.decision.as_ref().map(|_| "decision"));
    kinds.extend(document.manual.as_ref().map(|_| "manual"));
    kinds.extend(document.wait.as_ref().map(|_| "wait"));
    match kinds[..] {
        [] if later => return None,
        [] => report.at(&document.id, "the step does nothing; add `action`, `decision`, `manual` or `wait`"),
        [kind] => foreign(document, kind, report),
        _ => {
            let message = format!("the step is {} at once; keep one", quoted(&kinds));
            report.at(&document.id, message);
        }
    }
    let kind = match (&document.decision, &document.manual, &document.wait) {
        (Some(question), None, None) => decision(document, question, at, scope, report).map(Kind::Decision),
        (None, Some(text), None) => Some(Kind::Manual(manual(document, text, scope, report))),
        (None, None, Some(written)) => wait(written, scope, report).map(Kind::Wait),
        (None, None, None) => document.action.as_ref().map(|_| Kind::Action),
        (Some(_), Some(_), _) | (Some(_), _, Some(_)) | (_, Some(_), Some(_)) => None,
    };
    kind.filter(|_| report.count() == before)
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
    ];
    found.extend(document.of_actions().into_iter().map(|(name, at)| (name, "action", Some(at))));
    for (name, of, at) in found {
        if let Some(at) = at.filter(|_| of != kind) {
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
    at: (u32, u32),
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
        if let Some(steps) = &option.value.steps {
            report.at(steps, "`steps` of an option is not supported in this version; use `goto`");
        }
        let to = option.value.goto.as_ref().and_then(|id| goto(id, at, scope, report));
        options.insert(name.clone(), to);
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

/// Only forward: a later step of the same stage, or a later stage.
fn goto(id: &Spanned<String>, at: (u32, u32), scope: &Scope<'_>, report: &mut Report<'_>) -> Option<Goto> {
    let (stage, index) = at;
    let shown = shorten(id);
    match (scope.places.steps.get(id.as_str()), scope.places.stages.get(id.as_str())) {
        (Some((of, step)), _) if *of == stage && *step > index => return Some(Goto::Step(*step)),
        (_, Some(to)) if *to > stage => return Some(Goto::Stage(*to)),
        (Some((of, _)), _) if *of > stage => {
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
