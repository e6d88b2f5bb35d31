//! `actions.yaml`: the verbs that a deployment can ask of its connectors.

use std::{collections::BTreeMap, sync::Arc};

use serde::Deserialize;
use serde_json::Value;

use super::{
    Files,
    report::{Report, Seen, is_id, only, shorten, unknown},
};
use crate::{
    content::{ActionSpec, ArgKind, ArgSpec, Class, Counts, Purpose, people::People},
    control::own,
    correlate::TARGET_LABELS,
    document::{Problem, Spanned},
    evidence::Kind,
    request::Requests,
    severity::Risk,
    time::Span,
};

/// The deadline of one call when the action names none.
const TIMEOUT_DEFAULT: Span = Span::secs(10);
pub(super) const TIMEOUT_LEAST: Span = Span::millis(1);
pub(super) const TIMEOUT_MOST: Span = Span::secs(3_600);
/// Most targets that any action may allow in one step.
const BLAST_RADIUS_MOST: u32 = 10_000;
/// Longest text as an argument, in bytes.
const MAX_TEXT_BYTES: usize = 4_096;

#[derive(Deserialize)]
struct ActionsDocument {
    actions: Vec<ActionDocument>,
}

#[derive(Deserialize)]
struct ActionDocument {
    verb: Spanned<String>,
    summary: Spanned<String>,
    target: Spanned<String>,
    #[serde(default)]
    args: BTreeMap<String, Spanned<ArgDocument>>,
    connector: Spanned<String>,
    #[serde(default)]
    class: Spanned<Class>,
    risk: Risk,
    #[serde(default)]
    containment: bool,
    /// Absent: containment or other, as `containment` says.
    purpose: Option<Spanned<Purpose>>,
    #[serde(default)]
    files: bool,
    /// What it brings is kept as evidence of this kind.
    keeps: Option<Spanned<Kind>>,
    counts: Option<Counts>,
    revert: Option<Spanned<String>>,
    #[serde(default)]
    lasting: bool,
    #[serde(default)]
    verify: Spanned<bool>,
    blast_radius_max: Spanned<u32>,
    in_force_max: Option<Spanned<u32>>,
    timeout: Option<Spanned<String>>,
    #[serde(default)]
    side_effects: Vec<String>,
    requests: Option<Spanned<Requests>>,
    /// Capabilities of escalation.yaml; who asks for it by hand has all of them.
    #[serde(default)]
    permissions: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
struct ArgDocument {
    kind: ArgKind,
    #[serde(default)]
    required: bool,
    default: Option<Spanned<Value>>,
    #[serde(default)]
    one_of: Vec<Spanned<String>>,
}

/// The verbs of the folder, or `None` when the file is missing or cannot be read.
pub(super) fn read(
    files: &Files<'_>,
    people: &People,
    problems: &mut Vec<Problem>,
) -> Option<BTreeMap<String, Arc<ActionSpec>>> {
    let (document, mut report) = only::<ActionsDocument>(files, problems)?;
    let mut seen = Seen::default();
    let mut actions = BTreeMap::new();
    for action in &document.actions {
        if seen.insert("the verb", &action.verb, &mut report) {
            let spec = check(action, &mut report);
            check_permissions(action, people, &mut report);
            super::own::check_action(&spec, &action.connector, &mut report);
            actions.insert(spec.verb.clone(), Arc::new(spec));
        }
    }
    for action in &document.actions {
        check_revert(action, &actions, &mut report);
    }
    Some(actions)
}

/// What one action says, with every problem of it told; wrong parts are replaced so that reading can go on.
fn check(action: &ActionDocument, report: &mut Report<'_>) -> ActionSpec {
    if !is_verb(&action.verb) {
        let verb = shorten(&action.verb);
        report.at(
            &action.verb,
            format!("the verb `{verb}` must be two or more ids with dots, such as `node.isolate`"),
        );
    }
    report.line("the summary", &action.summary);
    let own = action.connector.value == own::CONNECTOR && action.target.value == own::TARGET;
    if !own && !TARGET_LABELS.contains(&action.target.as_str()) {
        let message = unknown("kind of target", &action.target, TARGET_LABELS.into_iter());
        report.at(&action.target, message);
    }
    report.id("the connector", &action.connector);
    if !(1..=BLAST_RADIUS_MOST).contains(&action.blast_radius_max.value) {
        let message = format!("blast_radius_max must be 1 to {BLAST_RADIUS_MOST} targets in one step");
        report.at(&action.blast_radius_max, message);
    }
    if let Some(most) = &action.in_force_max
        && (most.value == 0 || action.revert.is_none())
    {
        report.at(most, "in_force_max is at least 1, and only for an action that can be taken back");
    }
    check_class(action, report);
    let timeout = action.timeout.as_ref();
    let args: BTreeMap<_, _> =
        action.args.iter().map(|(name, arg)| (name.clone(), check_arg(name, arg, report))).collect();
    if let Some(requests) = &action.requests {
        check_requests(requests, action, &args, report);
    }
    ActionSpec {
        verb: action.verb.value.clone(),
        summary: action.summary.value.clone(),
        target: action.target.value.clone(),
        args,
        connector: action.connector.value.clone(),
        class: action.class.value,
        risk: action.risk,
        containment: action.containment,
        purpose: purpose(action),
        files: action.files,
        keeps: action.keeps.as_ref().map(|kind| kind.value),
        revert: action.revert.as_ref().map(|verb| verb.value.clone()),
        counts: action.counts,
        lasting: action.lasting,
        verify: action.verify.value,
        blast_radius_max: action.blast_radius_max.value,
        in_force_max: action.in_force_max.as_ref().map(|most| most.value),
        timeout: timeout
            .map_or(TIMEOUT_DEFAULT, |text| report.span("the timeout", text, TIMEOUT_LEAST, TIMEOUT_MOST)),
        side_effects: action.side_effects.clone(),
        requests: action.requests.as_ref().map(|requests| requests.value.clone()),
        permissions: action.permissions.iter().map(|name| name.value.clone()).collect(),
    }
}

/// Without levels of escalation, who commands holds every capability, whatever its name.
fn check_permissions(action: &ActionDocument, people: &People, report: &mut Report<'_>) {
    report.unique("the capability", &action.permissions);
    let known: Vec<&str> = people.capabilities().collect();
    for name in
        action.permissions.iter().filter(|name| !people.levels.is_empty() && !known.contains(&name.as_str()))
    {
        report.at(name, unknown("capability of escalation.yaml", name, known.iter().copied()));
    }
    action.permissions.iter().for_each(|name| report.id("the capability", name));
}

fn purpose(action: &ActionDocument) -> Purpose {
    let absent = if action.containment { Purpose::Containment } else { Purpose::Other };
    action.purpose.as_ref().map_or(absent, |purpose| purpose.value)
}

fn check_class(action: &ActionDocument, report: &mut Report<'_>) {
    if let Some(given) = &action.purpose
        && (given.value == Purpose::Containment) != action.containment
    {
        report.at(given, "`purpose: containment` and `containment: true` go together; give both or neither");
    }
    if let Some(keeps) = &action.keeps
        && purpose(action) != Purpose::Evidence
    {
        report.at(keeps, "what an action keeps is evidence; give `purpose: evidence`, or leave `keeps` out");
    }
    if action.class.value == Class::ReadBack && !action.verify.value {
        let message = "class `read_back` needs `verify: true`: after an unknown outcome the state is read";
        report.at(&action.class, message);
    }
    if action.containment && action.revert.is_none() {
        let verb = shorten(&action.verb);
        let message =
            format!("`{verb}` is a containment, so it needs `revert` with the verb that takes it back");
        report.at(&action.verb, message);
    }
}

fn check_arg(name: &str, arg: &Spanned<ArgDocument>, report: &mut Report<'_>) -> ArgSpec {
    if !is_id(name) {
        let name = shorten(name);
        report.at(
            arg,
            format!(
                "the argument `{name}` must be lower-case letters, digits and `_`, starting with a letter"
            ),
        );
    }
    let one_of: Vec<String> = arg.one_of.iter().map(|word| word.value.clone()).collect();
    let default = arg.default.as_ref().map(|value| value.value.clone());
    let spec = ArgSpec { kind: arg.kind, required: arg.required, default, one_of };
    if let Some(first) = arg.one_of.first().filter(|_| arg.kind != ArgKind::Text) {
        report.at(first, format!("`one_of` is for text only; remove it, or make the argument `{name}` text"));
    }
    report.unique("the value", &arg.one_of);
    if let Some(value) = &arg.default {
        if arg.required {
            let message =
                format!("the argument `{name}` is required, so its default is never used; remove one");
            report.at(value, message);
        }
        if let Err(message) = fits(name, &spec, value) {
            report.at(value, format!("the default: {message}"));
        }
    }
    spec
}

/// Whether a value can be this argument.
pub(super) fn fits(name: &str, spec: &ArgSpec, value: &Value) -> Result<(), String> {
    let text = value.as_str().unwrap_or("");
    if text.len() > MAX_TEXT_BYTES {
        return Err(format!("the argument `{name}` has {} bytes; at most {MAX_TEXT_BYTES}", text.len()));
    }
    spec.accepts(value).map_err(|why| format!("the argument `{name}` {}", shorten(&why)))
}

fn check_requests(
    requests: &Spanned<Requests>,
    action: &ActionDocument,
    args: &BTreeMap<String, ArgSpec>,
    report: &mut Report<'_>,
) {
    for name in requests.value.arguments().into_iter().filter(|name| !args.contains_key(*name)) {
        let known = args.keys().map(String::as_str);
        report.at(requests, format!("in a placeholder: {}", unknown("argument", name, known)));
    }
    if action.verify.value && requests.value.verify.is_none() {
        report.at(requests, "`verify: true` needs a `verify` request that reads the state back");
    }
    if action.revert.is_some() && requests.value.revert.is_none() {
        report.at(requests, "an action with `revert` needs a `revert` request that takes it back");
    }
}

fn check_revert(
    action: &ActionDocument,
    actions: &BTreeMap<String, Arc<ActionSpec>>,
    report: &mut Report<'_>,
) {
    let Some(revert) = &action.revert else {
        return;
    };
    if revert == &action.verb {
        report.at(revert, format!("`{}` cannot take itself back; name the opposite verb", shorten(revert)));
        return;
    }
    let Some(opposite) = actions.get(&revert.value) else {
        report.at(revert, unknown("verb", revert, actions.keys().map(String::as_str)));
        return;
    };
    if opposite.target != action.target.value {
        let (verb, kind, other) = (shorten(revert), &opposite.target, &action.target.value);
        report.at(revert, format!("`{verb}` acts on a {kind}, but what it takes back acts on a {other}"));
    }
    // The way back is called with the arguments of what it takes back.
    for (name, arg) in &opposite.args {
        let given = action.args.get(name);
        if arg.required && given.is_none_or(|given| !given.required && given.default.is_none()) {
            let verb = shorten(revert);
            report.at(
                revert,
                format!("`{verb}` requires the argument `{name}`, which it would not always get"),
            );
        }
    }
    for (name, arg) in &action.args {
        if !opposite.args.contains_key(name) {
            let verb = shorten(revert);
            report.at(
                arg,
                format!("`{verb}` takes this back with the same arguments, but has no `{}`", shorten(name)),
            );
        }
    }
}

/// Two or more ids with dots between them.
fn is_verb(text: &str) -> bool {
    text.len() <= 100 && text.contains('.') && text.split('.').all(is_id)
}
