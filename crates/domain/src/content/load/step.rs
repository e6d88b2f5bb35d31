//! One step of a playbook: an action, its targets and how it is called.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    action::{TIMEOUT_LEAST, TIMEOUT_MOST, fits},
    approval::{self, ApprovalDocument},
    block::Branches,
    kind::{self, CaseDocument, DefaultDocument, OptionDocument, WaitDocument},
    piece::Inputs,
    playbook::{Scope, check_roles, compile},
    report::{Report, shorten, unknown},
};
use crate::{
    content::ActionSpec,
    control::own::CONNECTOR,
    correlate::TARGET_LABELS,
    document::{Position, Spanned},
    expr::Type,
    playbook::{Backoff, Join, Kind, Lease, OnExpiry, OnFailure, Retry, Step, Targets},
    severity::{Priority, Risk},
    time::Span,
};

const ATTEMPTS_MOST: u32 = 20;
const DELAY_MOST: Span = Span::secs(3_600);
const WITHIN_MOST: Span = Span::secs(86_400);
/// Calls of a step that says only within which time it has to succeed.
const ATTEMPTS_WITHIN: u32 = 1_000;
const LEASE_LEAST: Span = Span::secs(1);
const LEASE_MOST: Span = Span::secs(90 * 86_400);
const EXPECTED_MOST: Span = Span::secs(30 * 86_400);
const MAX_TARGET_BYTES: usize = 256;

#[derive(Deserialize)]
pub(super) struct StepDocument {
    pub(super) id: Spanned<String>,
    name: Option<Spanned<String>>,
    #[serde(default)]
    description: String,
    pub(super) action: Option<Spanned<String>>,
    pub(super) for_each: Option<Spanned<String>>,
    target: Option<Spanned<String>>,
    #[serde(default, rename = "with")]
    pub(super) args: BTreeMap<String, Spanned<Value>>,
    #[serde(default)]
    priority: Priority,
    timeout: Option<Spanned<String>>,
    retry: Option<Spanned<RetryDocument>>,
    lease: Option<Spanned<LeaseDocument>>,
    approval: Option<Spanned<ApprovalDocument>>,
    #[serde(default)]
    on_failure: OnFailure,
    #[serde(default)]
    roles: Vec<Spanned<String>>,
    expected_duration: Option<Spanned<String>>,
    docs: Option<Spanned<String>>,
    pub(super) decision: Option<Spanned<String>>,
    pub(super) options: Option<Spanned<BTreeMap<String, Spanned<OptionDocument>>>>,
    pub(super) default: Option<Spanned<DefaultDocument>>,
    pub(super) manual: Option<Spanned<String>>,
    pub(super) role: Option<Spanned<String>>,
    pub(super) owner: Option<Spanned<String>>,
    pub(super) due: Option<Spanned<String>>,
    pub(super) reminder: Option<Spanned<String>>,
    pub(super) wait: Option<Spanned<WaitDocument>>,
    pub(super) switch: Option<Spanned<Vec<CaseDocument>>>,
    pub(super) otherwise: Option<Spanned<Vec<StepDocument>>>,
    pub(super) r#while: Option<Spanned<String>>,
    pub(super) rounds: Option<Spanned<u32>>,
    pub(super) steps: Option<Spanned<Vec<StepDocument>>>,
    pub(super) parallel: Option<Spanned<BTreeMap<String, Spanned<Vec<StepDocument>>>>>,
    pub(super) join: Option<Spanned<Join>>,
    pub(super) call: Option<Spanned<String>>,
}

impl StepDocument {
    /// Whether one of several ways is chosen at it.
    pub(super) fn chooses(&self) -> bool {
        self.decision.is_some() || self.switch.is_some()
    }

    /// The fields that only an action has, where they are written.
    pub(super) fn of_actions(&self) -> Vec<(&'static str, Position)> {
        let mut found = Vec::new();
        found.extend(self.for_each.as_ref().map(|at| ("for_each", at.position())));
        found.extend(self.target.as_ref().map(|at| ("target", at.position())));
        found.extend(self.args.values().next().map(|at| ("with", at.position())));
        found.extend(self.timeout.as_ref().map(|at| ("timeout", at.position())));
        found.extend(self.retry.as_ref().map(|at| ("retry", at.position())));
        found.extend(self.lease.as_ref().map(|at| ("lease", at.position())));
        found.extend(self.approval.as_ref().map(|at| ("approval", at.position())));
        found
    }
}

#[derive(Deserialize)]
pub(super) struct RetryDocument {
    attempts: Option<Spanned<u32>>,
    backoff: Option<Backoff>,
    delay: Option<Spanned<String>>,
    within: Option<Spanned<String>>,
}

#[derive(Deserialize)]
pub(super) struct LeaseDocument {
    r#for: Option<Spanned<String>>,
    until: Option<Spanned<Until>>,
    on_expiry: Option<Spanned<OnExpiry>>,
}

/// An end that is no time.
#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Until {
    IncidentClosed,
}

/// The step, or `None` when it has a problem that leaves nothing to build. `inner` are the steps inside of it.
pub(super) fn check(
    document: &StepDocument,
    inner: &Branches<'_>,
    scope: &Scope<'_>,
    report: &mut Report<'_>,
) -> Option<Step> {
    let name = document.name.as_ref().unwrap_or(&document.id);
    report.line("the name", name);
    let roles = check_roles(&document.roles, scope, report);
    let span = |report: &mut Report<'_>, what, text: &Option<Spanned<String>>, most| {
        text.as_ref().map(|text| report.span(what, text, TIMEOUT_LEAST, most))
    };
    let timeout = span(report, "the timeout", &document.timeout, TIMEOUT_MOST);
    let expected_duration = span(report, "the expected duration", &document.expected_duration, EXPECTED_MOST);
    check_docs(document, report);
    let retry = retry(document.retry.as_ref().map(|retry| &retry.value), report);
    let kind = kind::check(document, inner, scope, report)?;
    if !matches!(kind, Kind::Action) {
        return Some(Step {
            id: format!("{}{}", scope.prefix, document.id.value),
            name: name.value.clone(),
            description: document.description.clone(),
            kind,
            verb: String::new(),
            targets: Targets::Named(String::new()),
            with: BTreeMap::new(),
            priority: document.priority,
            timeout,
            retry,
            lease: None,
            approval: None,
            on_failure: document.on_failure,
            roles,
            expected_duration,
            docs: document.docs.as_ref().map(|docs| docs.value.clone()),
        });
    }
    let targets = targets(document, scope, report);
    let verb = match &document.action {
        Some(verb) => verb,
        None => return None,
    };
    let spec = action(verb, scope, report);
    let args =
        spec.map_or_else(BTreeMap::new, |spec| arguments(document, verb, (spec, &scope.inputs), report));
    if let Some(spec) = spec {
        check_kind(document, spec, report);
        check_limit(document, spec, scope, report);
    }
    let approval = document.approval.as_ref().map(|written| approval::check(written, scope, report));
    // One that cannot be read must not fall away.
    let approval = approval.map_or(Some(None), |checked| checked.map(Some))?;
    Some(Step {
        id: format!("{}{}", scope.prefix, document.id.value),
        name: name.value.clone(),
        description: document.description.clone(),
        kind,
        verb: verb.value.clone(),
        targets: targets?,
        with: args,
        priority: document.priority,
        timeout,
        retry,
        lease: document.lease.as_ref().map(|document| lease(document, verb, spec, report)),
        approval,
        on_failure: document.on_failure,
        roles,
        expected_duration,
        docs: document.docs.as_ref().map(|docs| docs.value.clone()),
    })
}

fn targets(document: &StepDocument, scope: &Scope<'_>, report: &mut Report<'_>) -> Option<Targets> {
    match (&document.for_each, &document.target) {
        (Some(list), None) => compile(list, &Type::list(Type::String), scope, report).map(Targets::ForEach),
        (None, Some(target)) => {
            if target.trim().is_empty() {
                report.at(target, "the target is empty; name one, or use `for_each`");
            } else if target.len() > MAX_TARGET_BYTES || target.chars().any(char::is_control) {
                report.at(target, format!("the target must be one line of at most {MAX_TARGET_BYTES} bytes"));
            }
            Some(Targets::Named(target.value.clone()))
        }
        (Some(_), Some(target)) => {
            report.at(target, "the step has both `for_each` and `target`; remove one");
            None
        }
        (None, None) => {
            report.at(&document.id, "the step acts on nothing; add `for_each` or `target`");
            None
        }
    }
}

fn action<'a>(verb: &Spanned<String>, scope: &Scope<'a>, report: &mut Report<'_>) -> Option<&'a ActionSpec> {
    let actions = scope.known.actions?;
    let spec = actions.get(&verb.value);
    if spec.is_none() {
        report.at(verb, unknown("action", verb, actions.keys().map(String::as_str)));
    }
    spec.map(|spec| &**spec)
}

/// The arguments of the call: those of the step, then the defaults of the action.
fn arguments(
    document: &StepDocument,
    verb: &Spanned<String>,
    (spec, inputs): (&ActionSpec, &Inputs<'_>),
    report: &mut Report<'_>,
) -> BTreeMap<String, Value> {
    let mut args = BTreeMap::new();
    for (name, written) in &document.args {
        let value = match inputs.argument(written) {
            Ok(Some(value)) => written.clone().map(|_| value),
            Ok(None) if spec.args.contains_key(name) => continue,
            Ok(None) => written.clone(),
            Err(why) => {
                report.at(written, why);
                continue;
            }
        };
        let value = &value;
        match spec.args.get(name).map(|arg| fits(name, arg, value)) {
            None => {
                let known = spec.args.keys().map(String::as_str);
                report.at(value, format!("`{}`: {}", shorten(verb), unknown("argument", name, known)));
            }
            Some(Err(message)) => report.at(value, message),
            Some(Ok(())) => {
                args.insert(name.clone(), value.value.clone());
            }
        }
    }
    for (name, arg) in &spec.args {
        if document.args.contains_key(name) {
            continue;
        }
        if let Some(default) = &arg.default {
            args.insert(name.clone(), default.clone());
        } else if arg.required {
            report.at(verb, format!("`{}` needs the argument `{name}`; add it under `with`", shorten(verb)));
        }
    }
    args
}

/// A limit that a step names must be one.
fn check_limit(document: &StepDocument, spec: &ActionSpec, scope: &Scope<'_>, report: &mut Report<'_>) {
    let actions = || scope.known.actions.into_iter().flat_map(BTreeMap::values);
    let known = actions().flat_map(|action| [action.connector.as_str(), action.verb.as_str()]);
    if spec.connector == CONNECTOR
        && let Some(target) = &document.target
    {
        super::own::check_target(&spec.verb, target, known, report);
    }
}

/// Where the list of targets is plainly of one kind, that must be the kind the action acts on.
fn check_kind(document: &StepDocument, spec: &ActionSpec, report: &mut Report<'_>) {
    let Some(list) = &document.for_each else {
        return;
    };
    let Some(kind) = plain_kind(list) else {
        return;
    };
    if !TARGET_LABELS.contains(&kind) {
        report.at(list, unknown("kind of target", kind, TARGET_LABELS.into_iter()));
    } else if kind != spec.target {
        report.at(
            list,
            format!("`{}` acts on a {}, but this lists targets of kind {kind}", spec.verb, spec.target),
        );
    }
}

/// The kind in `incident.targets("kind")`, when that is the whole expression.
fn plain_kind(source: &str) -> Option<&str> {
    let inner = source.trim().strip_prefix("incident.targets(")?.strip_suffix(')')?.trim();
    let quote = inner.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    inner.strip_prefix(quote)?.strip_suffix(quote).filter(|kind| !kind.contains(['"', '\'', '\\']))
}

fn retry(document: Option<&RetryDocument>, report: &mut Report<'_>) -> Retry {
    let standard = Retry::default();
    let Some(document) = document else {
        return standard;
    };
    if let Some(attempts) = document.attempts.as_ref().filter(|n| !(1..=ATTEMPTS_MOST).contains(&n.value)) {
        report.at(attempts, format!("attempts of {attempts} is out of bounds; use 1 to {ATTEMPTS_MOST}"));
    }
    let delay = document.delay.as_ref();
    let within = document.within.as_ref();
    // With a time to keep, the time is the bound.
    let attempts = if within.is_some() { ATTEMPTS_WITHIN } else { standard.attempts };
    Retry {
        attempts: document.attempts.as_ref().map_or(attempts, |attempts| attempts.value),
        backoff: document.backoff.unwrap_or(standard.backoff),
        delay: delay.map_or(standard.delay, |text| report.span("the delay", text, TIMEOUT_LEAST, DELAY_MOST)),
        within: within.map(|text| report.span("the time to retry within", text, TIMEOUT_LEAST, WITHIN_MOST)),
    }
}

fn lease(
    document: &Spanned<LeaseDocument>,
    verb: &Spanned<String>,
    spec: Option<&ActionSpec>,
    report: &mut Report<'_>,
) -> Lease {
    let span = match (&document.value.r#for, &document.value.until) {
        (Some(text), None) => Some(report.span("the lease", text, LEASE_LEAST, LEASE_MOST)),
        (None, Some(Spanned { value: Until::IncidentClosed, .. })) => None,
        (Some(_), Some(until)) => {
            report.at(until, "the lease has both `for` and `until`; remove one");
            None
        }
        (None, None) => {
            report.at(document, "the lease has no end; add `for: 4h` or `until: incident_closed`");
            None
        }
    };
    let on_expiry = document.value.on_expiry.clone().unwrap_or_default();
    if spec.is_some_and(|spec| spec.held_until().is_none()) {
        let verb = shorten(verb);
        report
            .at(document, format!("`{verb}` has no verb that takes it back, so a lease has no end to keep"));
    }
    if let Some(spec) = spec.filter(|spec| on_expiry.value == OnExpiry::Lift && spec.risk > Risk::Low) {
        let message = format!(
            "`lift` is for low risk only, and `{}` has {} risk; use `ask`",
            spec.verb,
            spec.risk.name()
        );
        report.at(&on_expiry, message);
    }
    Lease { span, on_expiry: on_expiry.value }
}

/// A link that people follow: nothing but web addresses.
fn check_docs(document: &StepDocument, report: &mut Report<'_>) {
    let Some(docs) = &document.docs else {
        return;
    };
    let web = docs.starts_with("https://") || docs.starts_with("http://");
    if !web || docs.contains(char::is_whitespace) || docs.contains(char::is_control) {
        report.at(docs, "`docs` must be a web address that starts with https:// or http://");
    }
}
