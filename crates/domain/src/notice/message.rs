//! The text of a notice: rendered once, when it is queued, from templates of content. Data goes in as values and is
//! never parsed; its control characters are gone before, so that no value begins a line or a header of its own.

use std::collections::BTreeMap;

use minijinja::{AutoEscape, Environment, Template, UndefinedBehavior};
use serde::{Deserialize, Serialize};

use super::Reason;
use crate::{
    content::people::Contact,
    incident::{Analysis, Incident},
    severity::{Phase, Severity},
    state::State,
    text::is_harmful,
};

/// Instructions that one template may take.
const FUEL: u64 = 50_000;
const TEXT_BYTES_MAX: usize = 16 * 1024;
const SUBJECT_CHARS_MAX: usize = 200;
const VALUE_CHARS_MAX: usize = 2_000;
const PENDING: &str = "pending";

/// What is said, with the facts that some channels want apart.
#[derive(Debug, Default, Clone, PartialEq, Serialize, Deserialize)]
pub struct Message {
    pub subject: Box<str>,
    pub text: Box<str>,
    pub severity: Option<Severity>,
}

/// What a template can name.
pub const FIELDS: [&str; 21] = [
    "about",
    "actions_taken",
    "commander",
    "commander_phone",
    "eta",
    "id",
    "impact",
    "measures",
    "next_update",
    "phase",
    "reason",
    "room",
    "root_cause",
    "severity",
    "started",
    "status",
    "systems",
    "technical_lead",
    "technical_lead_phone",
    "title",
    "to",
];

/// The words of one occasion, before it is known for whom.
pub(super) struct Words<'a> {
    template: Option<&'a str>,
    values: BTreeMap<&'static str, String>,
    severity: Severity,
}

pub(super) fn words<'a>(state: &'a State, incident: &Incident, reason: Reason, about: &str) -> Words<'a> {
    let template = state.content.templates.get(template_name(reason, incident.severity));
    Words {
        template: template.map(String::as_str),
        values: values(state, incident, reason, about),
        severity: incident.severity,
    }
}

/// The words of what is about no single incident: a title, and lines below it.
pub(super) fn free<'a>(
    state: &'a State,
    reason: Reason,
    severity: Severity,
    title: &str,
    lines: &[Box<str>],
) -> Words<'a> {
    let mut values: BTreeMap<_, _> = FIELDS.map(|name| (name, PENDING.to_owned())).into();
    let lines = lines.iter().map(|line| one_line(line, VALUE_CHARS_MAX));
    values.insert("about", lines.collect::<Vec<_>>().join("\n"));
    values.insert("title", one_line(title, VALUE_CHARS_MAX));
    values.insert("severity", severity.name().to_owned());
    values.insert("reason", word(reason).to_owned());
    values.insert("id", word(reason).to_owned());
    let template = state.content.templates.get(template_name(reason, severity)).map(String::as_str);
    Words { template, values, severity }
}

/// What a template of content says of an incident to somebody outside.
pub fn outside(state: &State, incident: &Incident, template: &str, to: &str) -> Message {
    let values = values(state, incident, Reason::Statement, "");
    let template = state.content.templates.get(template).map(String::as_str);
    let words = Words { template, values, severity: incident.severity };
    words.messages(&[to.into()]).pop().unwrap_or_default()
}

impl Words<'_> {
    /// The messages for these recipients. A template that is missing or fails gives a plain text instead: a person
    /// is told in any case.
    pub(super) fn messages(mut self, to: &[Box<str>]) -> Vec<Message> {
        let environment = environment();
        let template = self.template.and_then(|text| environment.template_from_str(text).ok());
        let mut one = |to: &str| {
            self.values.insert("to", one_line(to, VALUE_CHARS_MAX));
            let text = template.as_ref().and_then(|template| render(template, &self.values).ok());
            message(&text.unwrap_or_else(|| plain(&self.values)), self.severity)
        };
        to.iter().map(|to| one(to)).collect()
    }
}

fn plain(values: &BTreeMap<&'static str, String>) -> String {
    format!("[{}] {}: {}\n{}", values["severity"], values["id"], values["title"], values["about"])
}

fn message(text: &str, severity: Severity) -> Message {
    let (subject, rest) = text.split_once('\n').unwrap_or((text, ""));
    Message {
        subject: one_line(subject, SUBJECT_CHARS_MAX).into(),
        text: rest.trim().into(),
        severity: Some(severity),
    }
}

fn template_name(reason: Reason, severity: Severity) -> &'static str {
    match reason {
        Reason::Opened if severity == Severity::Critical => "critical",
        Reason::Opened => "opened",
        Reason::Run | Reason::Update | Reason::Acknowledged => "update",
        Reason::Escalated | Reason::Attention => "escalated",
        Reason::Approval => "approval",
        Reason::Task | Reason::Review => "task",
        Reason::Resolved => "resolved",
        Reason::Cause => "cause",
        Reason::Digest => "digest",
        Reason::Duty => "duty",
        Reason::Statement => "statement",
        Reason::Exercise => "exercise",
    }
}

/// Fills a template. Unknown names, endless loops and texts that are too long are errors.
pub(crate) fn fill(
    template: &str,
    values: &BTreeMap<&'static str, String>,
) -> Result<String, minijinja::Error> {
    render(&environment().template_from_str(template)?, values)
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::empty();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_fuel(Some(FUEL));
    environment
}

fn render(
    template: &Template<'_, '_>,
    values: &BTreeMap<&'static str, String>,
) -> Result<String, minijinja::Error> {
    let text = template.render(values)?;
    if text.len() > TEXT_BYTES_MAX {
        let why = format!("the text has {} bytes; at most {TEXT_BYTES_MAX} are sent", text.len());
        return Err(minijinja::Error::new(minijinja::ErrorKind::InvalidOperation, why));
    }
    Ok(text)
}

/// Values of every field, to check templates with.
pub fn sample() -> BTreeMap<&'static str, String> {
    FIELDS.map(|name| (name, format!("({name})"))).into()
}

fn values(state: &State, incident: &Incident, reason: Reason, about: &str) -> BTreeMap<&'static str, String> {
    let systems: Vec<String> = incident.targets.iter().map(|(kind, name)| format!("{kind} {name}")).collect();
    let (standing, analysis) = (incident.standing(), incident.analysis());
    let named = (!systems.is_empty()).then(|| format!("{} systems named by alerts", systems.len()));
    let person = standing.commander.or(incident.assignee).and_then(|id| state.people.get(&id));
    let people = &state.content.people;
    let lead = people.roles.get("technical_lead").and_then(|holders| holders.first());
    let phone = |contact: Option<&Contact>| contact.and_then(|contact| contact.phone.clone());
    let known =
        |text: Option<String>| text.filter(|text| !text.is_empty()).unwrap_or_else(|| PENDING.to_owned());
    let values = [
        ("about", about.to_owned()),
        ("actions_taken", known(Some(in_force(state, incident)))),
        ("commander", known(person.map(|person| person.name.to_string()))),
        ("commander_phone", known(phone(person.and_then(|person| people.of_account(&person.name))))),
        ("eta", known(analysis.eta.map(|eta| eta.to_string()))),
        ("id", incident.id.to_string()),
        ("impact", known(analysis.impact_line().or(named))),
        ("measures", known(measures(state, incident, reason))),
        ("next_update", known(standing.update_at.map(|at| at.to_string()))),
        ("phase", phase(incident.phase).to_owned()),
        ("reason", word(reason).to_owned()),
        ("room", known(standing.room.as_deref().map(str::to_owned))),
        ("root_cause", known(root_cause(analysis, reason, about))),
        ("severity", incident.severity.name().to_owned()),
        ("started", incident.opened_at.to_string()),
        ("status", status(incident)),
        ("systems", known(Some(systems.join(", ")))),
        ("technical_lead", known(lead.cloned())),
        ("technical_lead_phone", known(phone(lead.and_then(|name| people.contacts.get(name))))),
        ("title", incident.title.to_string()),
    ];
    values.into_iter().map(|(name, value)| (name, one_line(&value, VALUE_CHARS_MAX))).collect()
}

/// What tells of the cause says it itself: the incident may be closed by then.
fn root_cause(analysis: &Analysis, reason: Reason, about: &str) -> Option<String> {
    let recorded = analysis.cause.as_ref().map(|cause| cause.text.to_string());
    recorded.or((reason == Reason::Cause).then(|| about.to_owned()))
}

/// What is done so that it does not come again, as the cause or the review says.
fn measures(state: &State, incident: &Incident, reason: Reason) -> Option<String> {
    let cause = incident.analysis().cause.as_ref();
    let named = cause.map(|cause| cause.measures.join("; ")).filter(|named| !named.is_empty());
    let looked_back = || {
        let review = state.reviews.values().find(|review| review.incident == incident.id)?;
        Some(review.actions.iter().map(|action| &*action.what).collect::<Vec<_>>().join("; "))
    };
    named.or_else(|| (reason == Reason::Cause).then(looked_back).flatten())
}

fn in_force(state: &State, incident: &Incident) -> String {
    let own = state.actions.of_incident(incident.id).filter(|action| action.applied_at.is_some());
    own.map(|action| format!("{} on {}", action.spec.verb, action.spec.target)).collect::<Vec<_>>().join(", ")
}

fn status(incident: &Incident) -> String {
    let word = match incident.status {
        crate::incident::Status::Open if incident.contained_at.is_some() => "contained",
        crate::incident::Status::Open => "open",
        crate::incident::Status::Watching => "resolved and watched",
        crate::incident::Status::Resolved => "resolved",
        crate::incident::Status::Closed => "closed",
    };
    let seen = if incident.acknowledged.is_some() { "acknowledged" } else { "not acknowledged" };
    format!("{word}, {seen}")
}

fn phase(phase: Phase) -> &'static str {
    match phase {
        Phase::Detect => "detect",
        Phase::Analyze => "analyze",
        Phase::Contain => "contain",
        Phase::Eradicate => "eradicate",
        Phase::Recover => "recover",
        Phase::Review => "review",
    }
}

fn word(reason: Reason) -> &'static str {
    match reason {
        Reason::Opened => "opened",
        Reason::Run => "run",
        Reason::Escalated => "escalated",
        Reason::Acknowledged => "acknowledged",
        Reason::Attention => "attention",
        Reason::Approval => "approval",
        Reason::Task => "task",
        Reason::Update => "update",
        Reason::Resolved => "resolved",
        Reason::Cause => "cause",
        Reason::Review => "review",
        Reason::Digest => "digest",
        Reason::Duty => "duty",
        Reason::Statement => "statement",
        Reason::Exercise => "exercise",
    }
}

/// What could end a line or a header, and marks that reorder or hide text become spaces.
fn one_line(text: &str, most: usize) -> String {
    text.chars().take(most).map(|c| if is_harmful(c) { ' ' } else { c }).collect()
}
