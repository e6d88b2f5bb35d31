//! Sightings: what a rule has seen so far of one key, until it is enough, or nothing more comes. Each hit that
//! counts is a fact, so a restart goes on counting where it was; what a rule has found becomes an alert of its own.

mod look;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::{
    alert::{RESOLVE_TIMEOUT, Received},
    detect::{Over, RULE_LABEL, Rule, Subject},
    event::{Context, Meta, Rejected},
    id::{AlertId, SightingId},
    labels::{COUNT_MAX, Digest16, Labels},
    state::State,
    time::{Span, Timestamp},
};

pub use look::{Look, Seen, look};

/// Most sightings at once over all rules; the one that was not seen for longest makes room.
pub const SIGHTINGS_MAX: usize = 50_000;
/// Most keys of one rule, and most hits that all of them together may hold.
const KEYS_MAX: usize = 10_000;
const HITS_MAX: usize = 200_000;
/// What holds ends when it is not seen again for this long.
pub const GAP: Span = RESOLVE_TIMEOUT;
/// What holds is a fact again after this long: a sooner sample only moves when it ends.
const FACTS_APART: Span = Span(GAP.0 / 2);
/// Of an alert that lasts as long as another.
const WHILE_HELD: Span = Span::secs(365 * 86_400);
/// Labels that a rule writes itself.
pub const OWN_LABELS: [&str; 4] = ["alertname", RULE_LABEL, "incident_type", "severity"];
/// The alert that says that a rule watches more keys than it may.
const EVICTS: &str = "DetectionKeysEvicted";

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// The time has come for this one.
    Due { id: SightingId },
    /// The alert that held is over.
    Ended { id: SightingId },
    /// Content changed: what was seen under other terms counts no more.
    Revise,
}

/// One thing seen.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Hit {
    pub at: Timestamp,
    /// Of the field whose different values are counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<Box<str>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Lapse {
    /// Nothing more came in time.
    Expired,
    /// It holds no more.
    Cleared,
    /// It made room for newer keys.
    Evicted,
    /// Its rule is gone or reads otherwise now.
    Revised,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    Begun {
        rule: Box<str>,
        over: Over,
        by: Labels,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        alert: Option<AlertId>,
        hit: Hit,
        /// What was seen, cut to what a person needs.
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        sample: Labels,
    },
    Counted {
        hit: Hit,
        #[serde(default, skip_serializing_if = "Labels::is_empty")]
        sample: Labels,
    },
    /// It is enough.
    Fired,
    Lapsed {
        reason: Lapse,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Begun { .. } => "sighting.begun",
            Event::Counted { .. } => "sighting.counted",
            Event::Fired => "sighting.fired",
            Event::Lapsed { .. } => "sighting.lapsed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    pub id: SightingId,
    pub seq: u64,
    pub rule: Box<str>,
    pub over: Over,
    pub by: Labels,
    /// The alert that has to go on firing.
    pub alert: Option<AlertId>,
    pub since: Timestamp,
    /// When the last hit that counted came in.
    pub seen_at: Timestamp,
    /// When the last one came in that holds, fact or not; a new process does not know it.
    #[serde(skip)]
    pub held_at: Option<Timestamp>,
    /// By time, within the window.
    pub hits: Vec<Hit>,
    pub fired: bool,
    pub lapsed: bool,
}

impl Sighting {
    fn key(&self) -> Digest16 {
        key(&self.rule, &self.by, self.alert)
    }
}

/// What identifies a sighting: its rule, the values it is kept apart by, and the alert that holds.
fn key(rule: &str, by: &Labels, alert: Option<AlertId>) -> Digest16 {
    let alert = alert.map_or_else(String::new, |id| id.to_string());
    let values = by.iter().flat_map(|(name, value)| [name, value]);
    Digest16::of("sighting:1", [rule, alert.as_str()].into_iter().chain(values))
}

/// The sightings under way, and how they are found.
#[derive(Debug, Default)]
pub struct Sightings {
    live: BTreeMap<SightingId, Sighting>,
    by_key: BTreeMap<Digest16, SightingId>,
    by_alert: BTreeMap<AlertId, BTreeSet<SightingId>>,
    /// By rule, the one that was not seen for longest first.
    ages: BTreeMap<Box<str>, BTreeSet<(Timestamp, SightingId)>>,
}

impl Sightings {
    pub fn get(&self, id: SightingId) -> Option<&Sighting> {
        self.live.get(&id)
    }

    pub fn len(&self) -> usize {
        self.live.len()
    }

    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Sighting> {
        self.live.values()
    }

    fn of(&self, rule: &str, by: &Labels, alert: Option<AlertId>) -> Option<&Sighting> {
        let found = self.by_key.get(&key(rule, by, alert)).and_then(|id| self.live.get(id));
        found.filter(|sighting| is_under_way(sighting))
    }

    /// What holds as long as this alert fires.
    pub fn of_alert(&self, id: AlertId) -> impl Iterator<Item = &Sighting> {
        let ids = self.by_alert.get(&id).into_iter().flatten();
        ids.filter_map(|id| self.live.get(id)).filter(|sighting| !sighting.lapsed)
    }

    pub fn insert(&mut self, sighting: Sighting) {
        let id = sighting.id;
        self.by_key.insert(sighting.key(), id);
        if let Some(alert) = sighting.alert {
            self.by_alert.entry(alert).or_default().insert(id);
        }
        self.ages.entry(sighting.rule.clone()).or_default().insert((sighting.seen_at, id));
        self.live.insert(id, sighting);
    }

    pub fn remove(&mut self, id: SightingId) {
        drop(self.take(id));
    }

    fn take(&mut self, id: SightingId) -> Option<Sighting> {
        let sighting = self.live.remove(&id)?;
        let key = sighting.key();
        if self.by_key.get(&key) == Some(&id) {
            self.by_key.remove(&key);
        }
        if let Some(alert) = sighting.alert
            && let Some(ids) = self.by_alert.get_mut(&alert)
        {
            ids.remove(&id);
            if ids.is_empty() {
                self.by_alert.remove(&alert);
            }
        }
        if let Some(ages) = self.ages.get_mut(&sighting.rule) {
            ages.remove(&(sighting.seen_at, id));
            if ages.is_empty() {
                self.ages.remove(&sighting.rule);
            }
        }
        Some(sighting)
    }

    /// What holds was seen again, too soon for a fact.
    pub fn saw(&mut self, id: SightingId, at: Timestamp) {
        if let Some(sighting) = self.live.get_mut(&id) {
            sighting.held_at = Some(at);
        }
    }

    /// Changes it by one fact and returns the fact's number in its stream.
    pub fn apply(&mut self, id: SightingId, event: &Event, meta: &Meta) -> u64 {
        let sighting = match self.take(id) {
            Some(mut sighting) => {
                apply(&mut sighting, event, meta);
                sighting
            }
            None => match create(id, event, meta) {
                Some(sighting) => sighting,
                None => return 0,
            },
        };
        let seq = sighting.seq;
        self.insert(sighting);
        seq
    }

    /// Which one makes room for another key of this rule, if one has to.
    fn crowded(&self, rule: &str, over: &Over) -> Option<SightingId> {
        let per_rule = match over {
            Over::Hold(_) => KEYS_MAX,
            Over::Count { threshold, .. } => (HITS_MAX / (*threshold as usize).max(1)).min(KEYS_MAX),
        };
        let own = self.ages.get(rule).filter(|ages| ages.len() >= per_rule);
        let oldest = || self.ages.values().filter_map(BTreeSet::first).min();
        let any = || (self.live.len() >= SIGHTINGS_MAX).then(oldest).flatten();
        own.and_then(BTreeSet::first).or_else(any).map(|(_, id)| *id)
    }
}

/// Whether more hits change what it is.
fn is_under_way(sighting: &Sighting) -> bool {
    !sighting.lapsed && (!sighting.fired || sighting.alert.is_some())
}

/// Whether nothing more can happen to it.
pub fn is_over(sighting: &Sighting) -> bool {
    !is_under_way(sighting)
}

pub fn decide(
    state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(SightingId, Event)>, Rejected> {
    let lapse = |id, reason| vec![(id, Event::Lapsed { reason })];
    let under_way = |id| state.sightings.get(id).filter(|sighting| is_under_way(sighting));
    Ok(match command {
        Command::Due { id } => match under_way(id) {
            Some(sighting) => match (&sighting.over, sighting.alert) {
                (Over::Hold(span), Some(_)) if sighting.since.plus(*span) <= context.now => {
                    if sighting.fired { Vec::new() } else { vec![(id, Event::Fired)] }
                }
                (Over::Hold(_), Some(_)) => Vec::new(),
                (Over::Hold(_), None) | (Over::Count { .. }, _) => lapse(id, Lapse::Expired),
            },
            None => Vec::new(),
        },
        Command::Ended { id } => {
            under_way(id).map_or_else(Vec::new, |sighting| lapse(sighting.id, Lapse::Cleared))
        }
        Command::Revise => {
            let fits = |sighting: &Sighting| {
                state.content.rules.get(&sighting.rule).is_some_and(|rule| same_terms(rule, sighting))
            };
            let gone = state.sightings.iter().filter(|sighting| is_under_way(sighting) && !fits(sighting));
            gone.flat_map(|sighting| lapse(sighting.id, Lapse::Revised)).collect()
        }
    })
}

fn same_terms(rule: &Rule, sighting: &Sighting) -> bool {
    let names = rule.by.iter().map(|(label, _)| &**label).collect::<BTreeSet<&str>>();
    rule.over.as_ref() == Some(&sighting.over) && sighting.by.iter().map(|(name, _)| name).eq(names)
}

fn create(id: SightingId, event: &Event, meta: &Meta) -> Option<Sighting> {
    let Event::Begun { rule, over, by, alert, hit, .. } = event else { return None };
    Some(Sighting {
        id,
        seq: 1,
        rule: rule.clone(),
        over: over.clone(),
        by: by.clone(),
        alert: *alert,
        since: hit.at,
        seen_at: meta.time,
        held_at: Some(meta.time),
        hits: counts(over).then(|| hit.clone()).into_iter().collect(),
        fired: false,
        lapsed: false,
    })
}

fn counts(over: &Over) -> bool {
    matches!(over, Over::Count { .. })
}

fn apply(sighting: &mut Sighting, event: &Event, meta: &Meta) {
    sighting.seq += 1;
    match event {
        Event::Begun { .. } => {}
        Event::Counted { hit, .. } => {
            sighting.seen_at = meta.time;
            sighting.held_at = Some(meta.time);
            if let Over::Count { window, distinct, .. } = &sighting.over {
                if distinct.is_some() {
                    sighting.hits.retain(|known| known.value != hit.value);
                }
                let at = sighting.hits.partition_point(|known| known <= hit);
                sighting.hits.insert(at, hit.clone());
                let newest = sighting.hits.last().map_or(hit.at, |hit| hit.at);
                sighting.hits.retain(|known| newest.since(known.at) < *window);
            }
        }
        Event::Fired => {
            sighting.fired = true;
            sighting.hits = Vec::new();
        }
        Event::Lapsed { .. } => sighting.lapsed = true,
    }
}

pub fn next_wakeup(sighting: &Sighting) -> Option<Timestamp> {
    match (&sighting.over, sighting.alert) {
        _ if is_over(sighting) => None,
        (Over::Hold(_), Some(_)) if sighting.fired => None,
        (Over::Hold(span), Some(_)) => Some(sighting.since.plus(*span)),
        (Over::Hold(_), None) => {
            // What came so soon after a fact that it is none may have been the last before a restart.
            Some(sighting.held_at.unwrap_or(sighting.seen_at.plus(FACTS_APART)).plus(GAP))
        }
        (Over::Count { window, .. }, _) => Some(sighting.seen_at.plus(*window)),
    }
}

pub fn due(sighting: &Sighting, now: Timestamp) -> Option<Command> {
    next_wakeup(sighting).filter(|at| *at <= now).map(|_| Command::Due { id: sighting.id })
}

/// The labels of the alert that a rule makes of what it saw.
pub fn labels(rule: &Rule, by: &Labels, alert: Option<&Labels>) -> Labels {
    let own = [
        ("alertname", Some(rule.id.as_str())),
        (RULE_LABEL, Some(rule.id.as_str())),
        ("incident_type", Some(rule.incident_type.as_str())),
        ("severity", rule.severity.map(crate::severity::Severity::name)),
    ];
    let mut pairs: BTreeMap<&str, &str> = alert.into_iter().flat_map(Labels::iter).collect();
    OWN_LABELS.iter().for_each(|name| {
        pairs.remove(name);
    });
    let room = COUNT_MAX - OWN_LABELS.len() - by.len();
    let mut pairs: BTreeMap<&str, &str> = pairs.into_iter().take(room).collect();
    pairs.extend(by.iter());
    pairs.extend(own.into_iter().filter_map(|(name, value)| value.map(|value| (name, value))));
    Labels::from_pairs(pairs.into_iter().collect()).unwrap_or_default()
}

/// The alert that a rule makes of what it saw.
pub fn detection(rule: &Rule, by: &Labels, alert: Option<&Labels>, said: String, now: Timestamp) -> Received {
    let lasts = match alert {
        Some(_) => WHILE_HELD,
        None => rule.over.as_ref().map_or(RESOLVE_TIMEOUT, |over| over.span().max(RESOLVE_TIMEOUT)),
    };
    Received {
        labels: labels(rule, by, alert),
        annotations: Labels::from([("summary", said.as_str())]),
        starts_at: Some(now),
        ends_at: Some(now.plus(lasts)),
        ..Received::default()
    }
}

/// The alert of a sighting that is enough, or the end of the one it made; `None` if its rule is gone.
pub fn found(state: &State, sighting: &Sighting, ends: bool, now: Timestamp) -> Option<Received> {
    let rule = state.content.rules.get(&sighting.rule)?;
    let alert = sighting.alert.and_then(|id| state.alerts.get(id));
    let about = alert.map_or_else(String::new, |alert| format!("{} ", alert.id));
    let said = match &sighting.over {
        Over::Hold(span) => format!("{about}has held for {span} ({})", sighting.id),
        Over::Count { threshold, window, distinct: None } => {
            format!("{threshold} within {window} ({})", sighting.id)
        }
        Over::Count { threshold, window, distinct: Some(field) } => {
            format!("{threshold} different values of {field} within {window} ({})", sighting.id)
        }
    };
    let mut received = detection(rule, &sighting.by, alert.map(|alert| &alert.labels), said, now);
    if ends {
        received.starts_at = None;
        received.ends_at = Some(now);
    }
    Some(received)
}

/// The alert that says that a rule had to forget keys.
pub fn evicted(rule: &str, now: Timestamp) -> Received {
    let said = "more keys are watched than there is room for; the rule forgets those not seen for longest";
    Received {
        labels: Labels::from([("alertname", EVICTS), ("evicting_rule", rule)]),
        annotations: Labels::from([("summary", said)]),
        starts_at: Some(now),
        ends_at: Some(now.plus(Span::secs(3_600))),
        ..Received::default()
    }
}

/// What a single record said, for the alert that it became.
pub fn described(rule: &Rule, subject: Subject<'_>) -> Labels {
    let sample = look::sample(rule, subject);
    let mut pairs: Vec<(&str, &str)> = sample.iter().filter(|(name, _)| *name != "summary").collect();
    pairs.push(("summary", "a record fits the rule"));
    Labels::from_pairs(pairs).unwrap_or_default()
}
