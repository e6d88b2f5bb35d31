//! What the API shows: wire types, made from the rows of the domain. Ids are their written form, times RFC 3339 in
//! UTC, enums their snake-case names.

use std::{collections::BTreeMap, fmt::Display};

use domain::{
    access, alert as alerts, event::Stream, incident as incidents, labels::Labels, silence as silences,
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::Serialize;

mod analysis;
mod approval;
mod backup;
mod control;
mod entry;
mod escalation;
mod evidence;
mod figures;
mod notice;
mod outline;
mod recovery;
mod result;
mod work;

pub(crate) use analysis::{Analysis, Indicator};
pub(crate) use approval::Approval;
pub(crate) use backup::{Backup, Integrity, Made, Skipped, Verified};
pub(crate) use control::{Control, KillSwitch};
pub(crate) use entry::{Entry, summary};
pub(crate) use escalation::{Crisis, Escalation};
pub(crate) use evidence::Evidence;
pub(crate) use figures::{Figure, Kpi, window as kpi_window};
pub(crate) use notice::Notice;
pub(crate) use outline::{Line, outline};
pub(crate) use recovery::Recovery;
pub(crate) use result::Outcome;
pub(crate) use work::{Action, Run, Task};

/// One page of a list.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "PageOf{T}")]
pub(crate) struct Page<T> {
    pub(crate) items: Vec<T>,
    /// Give it as `cursor` to go on; null at the end.
    pub(crate) next: Option<String>,
}

impl<T> Page<T> {
    /// A list that always comes as a whole.
    pub(crate) fn whole(items: Vec<T>) -> Page<T> {
        Page { items, next: None }
    }

    /// A full page goes on behind its last id.
    pub(crate) fn of<R>(
        rows: &[R],
        limit: usize,
        number: impl Fn(&R) -> u64,
        view: impl Fn(&R) -> T,
    ) -> Page<T> {
        let next = rows.last().filter(|_| rows.len() >= limit).map(|row| number(row).to_string());
        Page { items: rows.iter().map(view).collect(), next }
    }
}

pub(crate) fn text(value: impl Display) -> String {
    value.to_string()
}

fn optional<T: Display>(value: Option<T>) -> Option<String> {
    value.map(text)
}

fn map(labels: &Labels) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
}

/// An enum of the domain as its name in JSON.
pub(crate) fn name(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(name)) => name,
        Ok(_) | Err(_) => String::new(),
    }
}

/// A stream as the id that people know, such as INC-13 for `incident/13`.
pub(crate) fn about(stream: &str) -> String {
    match stream.parse::<Stream>() {
        Ok(Stream::Alert(id)) => text(id),
        Ok(Stream::Silence(id)) => text(id),
        Ok(Stream::Incident(id)) => text(id),
        Ok(Stream::Run(id)) => text(id),
        Ok(Stream::Action(id)) => text(id),
        Ok(Stream::Person(id)) => text(id),
        Ok(Stream::Token(id)) => text(id),
        Ok(Stream::Approval(id)) => text(id),
        Ok(Stream::Notice(id)) => text(id),
        Ok(Stream::Review(id)) => text(id),
        Ok(Stream::Report(id)) => text(id),
        Ok(Stream::Raw(id)) => text(id),
        Ok(Stream::Sighting(id)) => text(id),
        Ok(Stream::Evidence(id)) => text(id),
        Ok(Stream::Duty(id)) => text(id),
        Ok(Stream::Statement(id)) => text(id),
        Ok(Stream::Exercise(id)) => text(id),
        Ok(Stream::Control | Stream::Health | Stream::Upkeep | Stream::Content | Stream::Log) | Err(_) => {
            stream.to_owned()
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Alert {
    pub(crate) id: String,
    /// `firing` or `resolved`.
    pub(crate) state: String,
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) generator_url: String,
    /// The token of the machine that sent it first.
    pub(crate) source: Option<String>,
    /// For practice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub(crate) drill: bool,
    pub(crate) starts_at: String,
    /// As of the last entry; quiet repeats of a firing alert move it further without one.
    pub(crate) ends_at: String,
    pub(crate) raised_at: String,
    pub(crate) updated_at: String,
    pub(crate) incident: Option<String>,
    pub(crate) silence: Option<String>,
    /// Why it went where it went.
    pub(crate) why: String,
    /// `source` or `timeout`.
    pub(crate) resolved_by: Option<String>,
    pub(crate) redacted: bool,
}

impl From<&alerts::Alert> for Alert {
    fn from(alert: &alerts::Alert) -> Alert {
        Alert {
            id: text(alert.id),
            state: if alert.is_firing() { "firing" } else { "resolved" }.to_owned(),
            labels: map(&alert.labels),
            annotations: map(&alert.annotations),
            generator_url: alert.generator_url.to_string(),
            source: optional(alert.source),
            drill: alert.drill,
            starts_at: text(alert.starts_at),
            ends_at: text(alert.ends_at),
            raised_at: text(alert.raised_at),
            updated_at: text(alert.updated_at),
            incident: optional(alert.route.incident),
            silence: optional(alert.route.silence),
            why: alert.route.why.to_string(),
            resolved_by: alert.resolved.as_ref().map(name),
            redacted: alert.redacted,
        }
    }
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Silence {
    pub(crate) id: String,
    /// `pending`, `active` or `expired`.
    pub(crate) state: String,
    /// As `node="validator-3"`.
    pub(crate) matchers: Vec<String>,
    pub(crate) starts_at: String,
    pub(crate) ends_at: String,
    pub(crate) created_by: String,
    pub(crate) comment: String,
    pub(crate) updated_at: String,
}

impl Silence {
    pub(crate) fn of(silence: &silences::Silence, now: Timestamp) -> Silence {
        let terms = &silence.terms;
        let state = match () {
            () if silence.expired || terms.ends_at <= now => "expired",
            () if now < terms.starts_at => "pending",
            () => "active",
        };
        Silence {
            id: text(silence.id),
            state: state.to_owned(),
            matchers: terms.matchers.iter().map(text).collect(),
            starts_at: text(terms.starts_at),
            ends_at: text(terms.ends_at),
            created_by: terms.created_by.clone(),
            comment: terms.comment.clone(),
            updated_at: text(silence.updated_at),
        }
    }
}

/// A thing of a kind, such as node validator-3.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, serde::Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Target {
    pub(crate) kind: Box<str>,
    pub(crate) name: Box<str>,
}

impl Target {
    pub(crate) fn pair(self) -> (Box<str>, Box<str>) {
        (self.kind, self.name)
    }
}

/// Something that waits for a person.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Attention {
    pub(crate) since: String,
    pub(crate) about: String,
    pub(crate) reason: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Acknowledged {
    pub(crate) by: String,
    pub(crate) at: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Incident {
    pub(crate) id: String,
    pub(crate) title: String,
    pub(crate) incident_type: String,
    pub(crate) severity: String,
    pub(crate) status: String,
    pub(crate) phase: String,
    /// Higher is more urgent.
    pub(crate) priority: u8,
    /// What the priority is made of.
    pub(crate) priority_why: String,
    /// How sure type and severity are, from 0 to 1; 1 once a person confirmed them.
    pub(crate) confidence: Option<f64>,
    /// When it began, as far as is known.
    pub(crate) onset: Option<String>,
    /// Seconds without an answer before it escalates, where a rule says so.
    pub(crate) escalation_s: Option<u64>,
    pub(crate) targets: Vec<Target>,
    pub(crate) opened_at: String,
    pub(crate) updated_at: String,
    pub(crate) last_alert_at: String,
    /// How many alerts opened or joined it.
    pub(crate) alerts: u64,
    pub(crate) auto_response: bool,
    /// For practice: nobody outside hears of it, and no figure counts it.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub(crate) drill: bool,
    /// Why it was opened.
    pub(crate) why: String,
    pub(crate) acknowledged: Option<Acknowledged>,
    pub(crate) assignee: Option<String>,
    pub(crate) commander: Option<String>,
    /// The person who was offered the command and has not accepted yet.
    pub(crate) offered_to: Option<String>,
    /// The level of escalation that is engaged; zero before any.
    pub(crate) level: u8,
    /// When the next level is called, unless somebody acknowledges.
    pub(crate) escalates_at: Option<String>,
    /// Which time won.
    pub(crate) escalates_why: String,
    pub(crate) acknowledge_by: Option<String>,
    /// What the present level was engaged with.
    pub(crate) escalation: Option<Escalation>,
    /// The people of the last level, once that is engaged.
    pub(crate) crisis: Option<Crisis>,
    /// As `role: contact`.
    pub(crate) team: Vec<String>,
    /// Roles that the run needs and nobody holds.
    pub(crate) unfilled: Vec<String>,
    /// The address of the room in which they meet.
    pub(crate) room: Option<String>,
    pub(crate) contained_at: Option<String>,
    pub(crate) resolved_at: Option<String>,
    /// Until then an alert of its group opens it again.
    pub(crate) watch_until: Option<String>,
    /// Who agreed for the business that what was hurt works again.
    pub(crate) signed_off: Option<Acknowledged>,
    /// What was looked at before it may close, the newest look of each kind.
    pub(crate) checks: Vec<Check>,
    /// How often it came back after its resolution.
    pub(crate) relapses: u32,
    pub(crate) disposition: Option<String>,
    /// What waits for a person.
    pub(crate) attention: Vec<Attention>,
    pub(crate) redacted: bool,
}

/// One look that has to hold before an incident closes.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ClosingCheck")]
pub(crate) struct Check {
    /// `log`, `backup` or `detection`.
    pub(crate) of: &'static str,
    pub(crate) passed: bool,
    pub(crate) said: String,
    pub(crate) at: String,
}

impl Check {
    fn of(gate: incidents::closing::Gate, looked: &incidents::closing::Looked) -> Check {
        let (said, at) = (looked.said.to_string(), text(looked.at));
        Check { of: gate.name(), passed: looked.passed, said, at }
    }
}

impl From<&incidents::Incident> for Incident {
    fn from(incident: &incidents::Incident) -> Incident {
        let target = |(kind, name): &incidents::Target| Target { kind: kind.clone(), name: name.clone() };
        let attention = |a: &incidents::Attention| Attention {
            since: text(a.since),
            about: about(&a.about),
            reason: a.reason.to_string(),
        };
        let standing = incident.standing();
        Incident {
            id: text(incident.id),
            title: incident.title.to_string(),
            incident_type: incident.incident_type.to_string(),
            severity: text(incident.severity),
            status: name(&incident.status),
            phase: name(&incident.phase),
            priority: incident.priority(),
            priority_why: incident.priority_why(),
            confidence: incident.confidence.map(|percent| f64::from(percent) / 100.0),
            onset: incident.onset.map(text),
            escalation_s: incident.escalation.map(|span| span.0 / 1_000_000),
            targets: incident.targets.iter().map(target).collect(),
            opened_at: text(incident.opened_at),
            updated_at: text(incident.updated_at),
            last_alert_at: text(incident.last_alert_at),
            alerts: incident.alerts,
            auto_response: incident.auto_response,
            drill: incident.drill,
            why: incident.why.to_string(),
            acknowledged: incident.acknowledged.map(|(by, at)| Acknowledged { by: text(by), at: text(at) }),
            assignee: optional(incident.assignee),
            commander: optional(standing.commander),
            offered_to: optional(standing.offered),
            level: standing.level,
            escalates_at: optional(standing.due),
            escalates_why: standing.why.to_string(),
            acknowledge_by: optional(standing.acknowledge_by),
            escalation: standing.weighed.as_deref().map(Escalation::from),
            crisis: standing.crisis.as_deref().map(Crisis::from),
            team: standing.team.iter().map(|(role, contact)| format!("{role}: {contact}")).collect(),
            unfilled: standing.unfilled.iter().map(ToString::to_string).collect(),
            room: standing.room.as_ref().map(text),
            contained_at: optional(incident.contained_at),
            resolved_at: optional(incident.resolved_at),
            watch_until: optional(incident.watch_until),
            signed_off: incident.signed_off.map(|(by, at)| Acknowledged { by: text(by), at: text(at) }),
            checks: incident.checks.iter().map(|(gate, looked)| Check::of(*gate, looked)).collect(),
            relapses: incident.relapses,
            disposition: incident.disposition.as_ref().map(name),
            attention: incident.attention.iter().map(attention).collect(),
            redacted: incident.redacted,
        }
    }
}

/// An incident with what belongs to it.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct IncidentPage {
    #[serde(flatten)]
    pub(crate) incident: Incident,
    /// The alerts that opened or joined it; the first thousand entries are looked at.
    /// What people made out about it.
    pub(crate) analysis: Analysis,
    pub(crate) raised_by: Vec<Alert>,
    pub(crate) runs: Vec<Run>,
    pub(crate) actions: Vec<Action>,
    /// What was sent to whom, when, and why not.
    pub(crate) notices: Vec<Notice>,
    /// What reviews of similar incidents taught, at most five.
    pub(crate) lessons: Vec<Lesson>,
}

/// What the review of another incident taught.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Lesson {
    pub(crate) review: String,
    pub(crate) incident: String,
    /// Why it may tell something of this one.
    pub(crate) why: String,
    pub(crate) text: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) role: String,
    pub(crate) disabled: bool,
    pub(crate) added_at: String,
}

impl From<&access::Person> for Person {
    fn from(person: &access::Person) -> Person {
        Person {
            id: text(person.id),
            name: person.name.to_string(),
            role: person.role.name().to_owned(),
            disabled: person.disabled,
            added_at: text(person.added_at),
        }
    }
}

/// A token without its text, which only its creation shows.
#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Token {
    pub(crate) id: String,
    /// The person it speaks for.
    pub(crate) person: Option<String>,
    /// The machine source it speaks for.
    pub(crate) source: Option<String>,
    /// All that the source sends is for practice.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    #[schemars(default)]
    pub(crate) drill: bool,
    /// The form through which people report with it.
    pub(crate) form: Option<String>,
    /// The page by which people outside report with it.
    pub(crate) outside: Option<String>,
    pub(crate) label: String,
    pub(crate) created_at: String,
    pub(crate) expires_at: Option<String>,
    pub(crate) revoked: bool,
}

impl From<&access::Token> for Token {
    fn from(token: &access::Token) -> Token {
        let (mut person, mut source, mut form, mut outside) = (None, None, None, None);
        match &token.holder {
            access::Holder::Person(id) | access::Holder::Page(id) => person = Some(text(*id)),
            access::Holder::Source(name) | access::Holder::Drill(name) => source = Some(name.to_string()),
            access::Holder::Form(name) => form = Some(name.to_string()),
            access::Holder::Outside(name) => outside = Some(name.to_string()),
        }
        Token {
            id: text(token.id),
            person,
            source,
            drill: matches!(token.holder, access::Holder::Drill(_)),
            form,
            outside,
            label: token.label.to_string(),
            created_at: text(token.created_at),
            expires_at: optional(token.expires_at),
            revoked: token.revoked,
        }
    }
}
