//! One look of a rule at one alert or record: what it adds to what was seen before.

use super::{Event, FACTS_APART, GAP, Hit, Lapse, Sighting, counts, labels};
use crate::{
    alert::DedupKey,
    correlate,
    detect::{BY_VALUE_MAX, On, Over, Rule, Subject},
    event::Context,
    id::{AlertId, SightingId},
    labels::Labels,
    state::State,
    text::cut,
    time::{Span, Timestamp},
};

/// Most fields of a sample that is kept.
const SAMPLE_MAX: usize = 24;

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub subject: Subject<'a>,
    /// When it was, as far as its source can be trusted: never later than now.
    pub at: Timestamp,
    /// The alert, if it is one.
    pub alert: Option<AlertId>,
}

/// What a look comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Look {
    Nothing,
    Events(Vec<(SightingId, Event)>),
    /// It holds still, and that is no fact of its own.
    Held(SightingId),
    /// The rule needs no more than this: its alert, kept apart by these labels.
    Detected(Labels),
    /// The alert that the rule made goes on for this long.
    Again(AlertId, Span),
    /// The alert that the rule made is over; its labels.
    Over(Labels),
}

pub fn look(state: &State, rule: &Rule, seen: Seen<'_>, context: &Context) -> Look {
    let Some(by) = rule.key(seen.subject) else { return Look::Nothing };
    let fits = rule.matches(seen.subject);
    // What one alert holds is told by that alert; all else is kept apart by the labels alone.
    let held = matches!(rule.over, Some(Over::Hold(_))).then_some(seen.alert).flatten();
    if let Some(alert) = held {
        return hold_alert(state, rule, by, alert, fits, seen, context);
    }
    let own = labels(rule, &by, None);
    let made = state.alerts.firing(DedupKey::of(&own));
    let lasts = rule.over.as_ref().map_or(GAP, |over| over.span().max(GAP));
    match (&rule.over, fits, made) {
        (_, true, Some(alert)) => Look::Again(alert.id, lasts),
        (None, true, None) => Look::Detected(by),
        (Some(over), true, None) => match told_at(state, rule, seen.subject, context.now) {
            Some(at) => told(state.sightings.of(&rule.id, &by, None), at),
            None => hit(state, rule, over, by, seen, context),
        },
        (Some(Over::Hold(_)), false, _) if rule.denies(seen.subject) => match made {
            Some(alert) => Look::Over(alert.labels.clone()),
            None => state.sightings.of(&rule.id, &by, None).map_or(Look::Nothing, clear),
        },
        (None | Some(Over::Hold(_) | Over::Count { .. }), false, _) => Look::Nothing,
    }
}

/// When the incident that tells of this, by a rule that tells of the same, had its last alert: people are at the incident
/// of that rule's alert, or at the one to which its alert would come. What a silence mutes and what is over is told to
/// nobody.
fn told_at(state: &State, rule: &Rule, subject: Subject<'_>, now: Timestamp) -> Option<Timestamp> {
    let others = rule.unless.iter().filter_map(|id| state.content.rules.get(id));
    let told = others.filter(|other| other.matches(subject)).filter_map(|other| {
        let own = labels(other, &other.key(subject)?, None);
        let incident = state.alerts.firing(DedupKey::of(&own)).and_then(|alert| alert.route.incident);
        let at = incident.and_then(|id| correlate::people_at(state, id));
        at.or_else(|| correlate::open_for(state, &other.incident_type, &own, now))
    });
    told.map(|incident| incident.last_alert_at).max()
}

/// What was counted until another rule told of it is part of what it told: one attack is one incident. What others do
/// after that is counted on.
fn told(sighting: Option<&Sighting>, at: Timestamp) -> Look {
    sighting.filter(|sighting| sighting.since <= at).map_or(Look::Nothing, clear)
}

fn clear(sighting: &Sighting) -> Look {
    Look::Events(vec![(sighting.id, Event::Lapsed { reason: Lapse::Cleared })])
}

fn hold_alert(
    state: &State,
    rule: &Rule,
    by: Labels,
    alert: AlertId,
    fits: bool,
    seen: Seen<'_>,
    context: &Context,
) -> Look {
    let known = state.sightings.of(&rule.id, &by, Some(alert));
    match (known, fits) {
        (Some(sighting), false) => clear(sighting),
        (None, true) => begin(state, rule, by, Some(alert), seen, context),
        (Some(_), true) | (None, false) => Look::Nothing,
    }
}

/// One more that fits, of a key for which the rule has not found enough yet.
fn hit(state: &State, rule: &Rule, over: &Over, by: Labels, seen: Seen<'_>, context: &Context) -> Look {
    let Some(value) = value(over, seen.subject) else { return Look::Nothing };
    let Some(sighting) = state.sightings.of(&rule.id, &by, None) else {
        return begin(state, rule, by, None, seen, context);
    };
    let hit = Hit { at: seen.at, value };
    let counted = |hit| (sighting.id, Event::Counted { hit, sample: sample(rule, seen.subject) });
    let enough = (sighting.id, Event::Fired);
    match over {
        Over::Hold(span) if seen.at.since(sighting.since) >= *span => Look::Events(vec![enough]),
        // Not each sample is a fact: only what is needed to know, after a restart too, that there was no gap.
        Over::Hold(_) if context.now.since(sighting.seen_at) >= FACTS_APART => {
            Look::Events(vec![counted(hit)])
        }
        Over::Hold(_) => Look::Held(sighting.id),
        Over::Count { threshold, window, .. } => {
            let newest = sighting.hits.last().map_or(hit.at, |last| last.at.max(hit.at));
            if newest.since(hit.at) >= *window || is_known(sighting, &hit, *window) {
                return Look::Nothing;
            }
            let other = |known: &&Hit| hit.value.is_none() || known.value != hit.value;
            let within = |known: &&Hit| newest.since(known.at) < *window;
            let before = sighting.hits.iter().filter(other).filter(within).count();
            let is_enough = before + 1 >= *threshold as usize;
            Look::Events(std::iter::once(counted(hit)).chain(is_enough.then_some(enough)).collect())
        }
    }
}

/// A value that was counted a moment ago needs no fact of its own: the window is kept to a tenth.
fn is_known(sighting: &Sighting, hit: &Hit, window: Span) -> bool {
    let soon = |known: &Hit| known.value == hit.value && hit.at.since(known.at) < Span(window.0 / 10);
    hit.value.is_some() && sighting.hits.iter().any(soon)
}

fn begin(
    state: &State,
    rule: &Rule,
    by: Labels,
    alert: Option<AlertId>,
    seen: Seen<'_>,
    context: &Context,
) -> Look {
    let Some(over) = rule.over.clone() else { return Look::Nothing };
    let Some(value) = value(&over, seen.subject) else { return Look::Nothing };
    let mut events = Vec::new();
    let crowded = state.sightings.crowded(&rule.id, &over);
    events.extend(crowded.map(|id| (id, Event::Lapsed { reason: Lapse::Evicted })));
    let id = SightingId::from_number(context.next + events.len() as u64);
    let sample =
        if counts(&over) || rule.on == On::Records { sample(rule, seen.subject) } else { Labels::default() };
    let hit = Hit { at: seen.at, value };
    events.push((id, Event::Begun { rule: rule.id.as_str().into(), over, by, alert, hit, sample }));
    Look::Events(events)
}

/// The value that is counted: `Some(None)` where every hit counts, `None` where the field is absent.
fn value(over: &Over, subject: Subject<'_>) -> Option<Option<Box<str>>> {
    match over {
        Over::Hold(_) | Over::Count { distinct: None, .. } => Some(None),
        Over::Count { distinct: Some(field), .. } => {
            subject.get(field).map(|value| Some(cut(value, BY_VALUE_MAX).into()))
        }
    }
}

/// What was seen, for people: bounded, the record's own order of names.
pub(super) fn sample(rule: &Rule, subject: Subject<'_>) -> Labels {
    if rule.on == On::Alerts {
        // The alert itself is on record.
        return Labels::default();
    }
    let kept: Vec<(&str, &str)> = subject
        .labels
        .iter()
        .take(SAMPLE_MAX)
        .map(|(name, value)| (cut(name, BY_VALUE_MAX), cut(value, BY_VALUE_MAX)))
        .collect();
    Labels::from_pairs(kept).unwrap_or_default()
}
