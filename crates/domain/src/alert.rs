//! Alerts: deduplicated by a versioned key, raised once, repeated quietly, resolved once.
//!
//! A repeat that moves only `ends_at` or the time last seen makes no event; those two live in `Seen`, in
//! memory, and are rebuilt after a restart by giving each firing alert the resolve timeout once more.

mod native;
#[cfg(test)]
mod tests;

pub use native::Native;

use serde::{Deserialize, Serialize};

use crate::{
    access::Holder,
    correlate,
    detect::Subject,
    event::{Context, Meta, Rejected},
    id::{AlertId, IncidentId, ReportId, SilenceId, TokenId},
    labels::{Digest16, Labels},
    state::State,
    time::{Span, Timestamp},
};

/// How long an alert without an end stays firing after it was last seen.
pub const RESOLVE_TIMEOUT: Span = Span::secs(300);

/// An alert as a source sent it, after the wire format is left behind.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Received {
    pub labels: Labels,
    pub annotations: Labels,
    pub starts_at: Option<Timestamp>,
    pub ends_at: Option<Timestamp>,
    pub generator_url: Box<str>,
    /// Set only by the platform: the report that it comes from.
    pub report: Option<ReportId>,
}

/// What makes two deliveries the same alert: version 1 is the set of all labels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DedupKey(pub Digest16);

impl DedupKey {
    pub fn of(labels: &Labels) -> DedupKey {
        DedupKey(Digest16::of("alert:1", labels.iter().flat_map(|(n, v)| [n, v])))
    }

    /// What is for practice never stands for what is real, whatever it says.
    fn of_drill(labels: &Labels) -> DedupKey {
        DedupKey(Digest16::of("drill:1", labels.iter().flat_map(|(n, v)| [n, v])))
    }

    fn for_source(labels: &Labels, drill: bool) -> DedupKey {
        if drill { DedupKey::of_drill(labels) } else { DedupKey::of(labels) }
    }
}

/// Where an alert went when it was raised, and why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Route {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<IncidentId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub silence: Option<SilenceId>,
    pub why: Box<str>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResolvedBy {
    /// The source said so.
    Source,
    /// It was not repeated in time.
    Timeout,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Raised {
        labels: Labels,
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        annotations: Labels,
        starts_at: Timestamp,
        ends_at: Timestamp,
        #[serde(default, skip_serializing_if = "str::is_empty")]
        generator_url: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        source: Option<TokenId>,
        /// For practice: its source says only such things.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        drill: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        report: Option<ReportId>,
        route: Route,
    },
    /// Same labels, other annotations or start.
    Changed {
        annotations: Labels,
        starts_at: Timestamp,
        generator_url: Box<str>,
    },
    /// A silence ended (or began to apply) while it was firing.
    Routed {
        route: Route,
    },
    Resolved {
        ends_at: Timestamp,
        by: ResolvedBy,
    },
    /// Its text was erased by a redaction.
    Redacted {
        at: u64,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Raised { .. } => "alert.raised",
            Event::Changed { .. } => "alert.changed",
            Event::Routed { .. } => "alert.routed",
            Event::Resolved { .. } => "alert.resolved",
            Event::Redacted { .. } => "alert.redacted",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    pub id: AlertId,
    /// How many entries its stream has.
    pub seq: u64,
    pub labels: Labels,
    pub annotations: Labels,
    pub generator_url: Box<str>,
    pub source: Option<TokenId>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drill: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<ReportId>,
    pub starts_at: Timestamp,
    /// The end as of the last entry; while it fires, `Seen` may know a later one.
    pub ends_at: Timestamp,
    pub raised_at: Timestamp,
    pub updated_at: Timestamp,
    pub route: Route,
    pub resolved: Option<ResolvedBy>,
    #[serde(default)]
    pub redacted: bool,
}

impl Received {
    pub fn subject(&self) -> Subject<'_> {
        Subject { labels: &self.labels, annotations: &self.annotations }
    }
}

impl Alert {
    pub fn subject(&self) -> Subject<'_> {
        Subject { labels: &self.labels, annotations: &self.annotations }
    }

    pub fn dedup_key(&self) -> DedupKey {
        DedupKey::for_source(&self.labels, self.drill)
    }

    pub fn is_firing(&self) -> bool {
        self.resolved.is_none()
    }
}

/// What repeats move, kept in memory only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    pub at: Timestamp,
    pub ends_at: Timestamp,
}

/// What one delivery came to.
#[derive(Debug, Clone, PartialEq)]
pub enum Decision {
    /// New facts; the first of them stands on `AlertId`'s stream.
    Events(AlertId, Vec<Event>),
    /// A repeat: only `Seen` moves.
    Repeat(AlertId, Seen),
    /// A resolution of something that is not firing: nothing to do.
    Nothing,
}

/// Decides what a delivery means: raised, changed, repeated, resolved, or nothing.
pub fn receive(state: &State, received: Received, context: &Context) -> Result<Decision, Rejected> {
    if received.labels.is_empty() {
        return Err(Rejected::Invalid("an alert needs at least one label with a value".to_owned()));
    }
    let now = context.now;
    let starts_at = received.starts_at.unwrap_or(now);
    let ends_at = received.ends_at.unwrap_or_else(|| now.plus(RESOLVE_TIMEOUT));
    if received.ends_at.is_some_and(|end| end < starts_at && received.starts_at.is_some()) {
        return Err(Rejected::Invalid(format!(
            "the alert ends at {ends_at}, before it starts at {starts_at}"
        )));
    }
    let resolves = received.ends_at.is_some_and(|end| end <= now);
    let firing = state.alerts.firing(DedupKey::for_source(&received.labels, is_drill(state, context)));
    match firing {
        None if resolves => Ok(Decision::Nothing),
        None => Ok(raise(state, received, starts_at, ends_at, context)),
        Some(alert) => Ok(repeat(alert, received, starts_at, ends_at, resolves, now)),
    }
}

fn raise(
    state: &State,
    received: Received,
    starts_at: Timestamp,
    ends_at: Timestamp,
    context: &Context,
) -> Decision {
    let id = AlertId::from_number(context.next);
    let drill = is_drill(state, context);
    let report = received.report.and_then(|id| state.reports.get(&id));
    let route = match report {
        Some(report) => correlate::route_report(state, report, received.subject(), context),
        None => correlate::route(state, received.subject(), drill, context),
    };
    let source = match context.actor {
        crate::event::Actor::Source(token) => Some(token),
        crate::event::Actor::Platform | crate::event::Actor::Person(_) | crate::event::Actor::Rule(_) => None,
    };
    let raised = Event::Raised {
        labels: received.labels,
        annotations: received.annotations,
        starts_at,
        ends_at,
        generator_url: received.generator_url,
        source,
        drill,
        report: received.report,
        route,
    };
    Decision::Events(id, vec![raised])
}

/// Whether who speaks here speaks for practice only.
fn is_drill(state: &State, context: &Context) -> bool {
    match context.actor {
        crate::event::Actor::Source(token) => {
            state.tokens.get(&token).is_some_and(|token| matches!(token.holder, Holder::Drill(_)))
        }
        crate::event::Actor::Platform | crate::event::Actor::Person(_) | crate::event::Actor::Rule(_) => {
            false
        }
    }
}

fn repeat(
    alert: &Alert,
    received: Received,
    starts_at: Timestamp,
    ends_at: Timestamp,
    resolves: bool,
    now: Timestamp,
) -> Decision {
    // An earlier start wins: a restarted sender must not make an old alert look new.
    let starts_at = starts_at.min(alert.starts_at);
    let changed = alert.annotations != received.annotations
        || alert.generator_url != received.generator_url
        || starts_at != alert.starts_at;
    if resolves {
        let resolved = Event::Resolved { ends_at, by: ResolvedBy::Source };
        return Decision::Events(alert.id, vec![resolved]);
    }
    if changed {
        let generator_url = received.generator_url;
        let annotations = received.annotations;
        let event = Event::Changed { annotations, starts_at, generator_url };
        return Decision::Events(alert.id, vec![event]);
    }
    Decision::Repeat(alert.id, Seen { at: now, ends_at })
}

/// Where an alert goes that nothing mutes any more, or whose measurements now say what it is; `None` if nothing
/// has changed for it.
pub fn reroute(state: &State, id: AlertId, context: &Context) -> Option<Route> {
    let alert = state.alerts.get(id).filter(|alert| alert.is_firing() && alert.route.incident.is_none())?;
    let moves = |route: &Route| {
        route.silence.is_none() && (alert.route.silence.is_some() || route.incident.is_some())
    };
    Some(correlate::route(state, alert.subject(), alert.drill, context)).filter(moves)
}

/// What has come due: an alert that nobody repeated in time is resolved.
pub fn due(alert: &Alert, seen: Seen, now: Timestamp) -> Option<Event> {
    (alert.is_firing() && seen.ends_at <= now)
        .then_some(Event::Resolved { ends_at: seen.ends_at, by: ResolvedBy::Timeout })
}

/// Creates the alert from its first event; any other first event is a broken journal.
pub fn create(id: AlertId, event: &Event, meta: &Meta) -> Option<Alert> {
    let Event::Raised {
        labels,
        annotations,
        starts_at,
        ends_at,
        generator_url,
        source,
        drill,
        report,
        route,
    } = event
    else {
        return None;
    };
    Some(Alert {
        id,
        seq: 1,
        labels: labels.clone(),
        annotations: annotations.clone(),
        generator_url: generator_url.clone(),
        source: *source,
        drill: *drill,
        report: *report,
        starts_at: *starts_at,
        ends_at: *ends_at,
        raised_at: meta.time,
        updated_at: meta.time,
        route: route.clone(),
        resolved: None,
        redacted: false,
    })
}

pub fn apply(alert: &mut Alert, event: &Event, meta: &Meta) {
    alert.seq += 1;
    alert.updated_at = meta.time;
    match event {
        Event::Raised { .. } => {}
        Event::Changed { annotations, starts_at, generator_url } => {
            alert.annotations = annotations.clone();
            alert.starts_at = *starts_at;
            alert.generator_url = generator_url.clone();
        }
        Event::Routed { route } => alert.route = route.clone(),
        Event::Resolved { ends_at, by } => {
            alert.ends_at = *ends_at;
            alert.resolved = Some(*by);
        }
        Event::Redacted { .. } => {
            alert.labels = Labels::default();
            alert.annotations = Labels::default();
            alert.generator_url = "".into();
            alert.redacted = true;
        }
    }
}
