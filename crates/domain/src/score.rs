//! Scores: what the answer of a call says, weighed by rules of content, in thousandths so that a bound is met exactly.
//!
//! A connector reports signals and never a score: what it calls by the name of one is not read. Each score stands in the
//! fact of the answer with the parts that made it, so nobody has to trust it.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::incident::Incident;

/// One, in thousandths.
pub const WHOLE: u32 = 1_000;
/// At most so many signals are read from one answer, and so many words of one list in it.
const SIGNALS_MAX: usize = 256;
const WORDS_MAX: usize = 64;
const NAME_BYTES_MAX: usize = 64;

const INCIDENT: &str = "incident.";
/// The signals that the incident itself gives to every score.
pub const OF_INCIDENT: [&str; 6] = [
    "incident.alerts",
    "incident.confidence",
    "incident.indicators",
    "incident.severity",
    "incident.targets",
    "incident.techniques",
];

/// The scores of `scores.yaml`, each after those that it takes a share of.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Rules {
    pub rules: Vec<Rule>,
}

/// How one score is made.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    pub name: String,
    /// The verbs whose answers give it.
    pub of: Vec<String>,
    /// Without these signals there is no score: nothing is guessed.
    pub needs: Vec<String>,
    pub parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Adds its weight where the signal is above the bound, never where it only reaches it.
    Signal { signal: String, above: f64, weight: u32 },
    /// Adds this share of another score of the same answer.
    Share { score: String, weight: u32 },
}

/// What one answer came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Score {
    pub score: Box<str>,
    /// In thousandths, at most a thousand.
    pub points: u32,
    pub parts: Vec<Counted>,
}

/// One part that added something.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Counted {
    pub signal: Box<str>,
    pub value: f64,
    pub points: u32,
}

impl Counted {
    /// From 0 to 1.
    pub fn adds(&self) -> f64 {
        share(self.points)
    }
}

impl Score {
    /// From 0 to 1.
    pub fn value(&self) -> f64 {
        share(self.points)
    }

    /// As people read it: the score and what made it.
    pub fn line(&self) -> String {
        let parts = self.parts.iter().map(|part| format!("{} {}", part.adds(), part.signal));
        let parts: Vec<String> = parts.collect();
        let made = if parts.is_empty() { "nothing speaks for it".to_owned() } else { parts.join(" + ") };
        format!("{} {} = {made}", self.score, self.value())
    }
}

fn share(points: u32) -> f64 {
    f64::from(points) / f64::from(WHOLE)
}

impl Rules {
    pub fn is_score(&self, name: &str) -> bool {
        self.rules.iter().any(|rule| rule.name == name)
    }

    /// The scores of an answer to this verb; none where it lacks what they need.
    pub fn of(&self, verb: &str, artefact: Option<&Value>, incident: Option<&Incident>) -> Vec<Score> {
        let mine = |rule: &Rule| rule.of.iter().any(|of| of == verb);
        let Some(artefact) = artefact.filter(|_| self.rules.iter().any(mine)) else { return Vec::new() };
        let mut signals = signals(artefact);
        signals.extend(incident.into_iter().flat_map(of_incident));
        let asked = self.rules.iter().filter(|rule| mine(rule)).map(|rule| rule.name.as_str());
        let asked: Vec<&str> = asked.collect();
        let mut made = self.all(&signals);
        made.retain(|score| asked.contains(&&*score.score));
        made
    }

    /// The scores that these signals come to, whatever verb they are from.
    pub(crate) fn all(&self, signals: &BTreeMap<String, f64>) -> Vec<Score> {
        let mut known = BTreeMap::new();
        let weighed = self.rules.iter().filter_map(|rule| {
            let score = weigh(rule, signals, &known)?;
            known.insert(rule.name.as_str(), score.points);
            Some(score)
        });
        weighed.collect()
    }
}

/// None where a signal is missing that it needs, or the score of which it takes a share.
fn weigh(rule: &Rule, signals: &BTreeMap<String, f64>, known: &BTreeMap<&str, u32>) -> Option<Score> {
    if !rule.needs.iter().all(|name| signals.contains_key(name)) {
        return None;
    }
    let mut parts = Vec::new();
    for part in &rule.parts {
        let (signal, value, points) = match part {
            Part::Signal { signal, above, weight } => {
                let value = signals.get(signal).copied().unwrap_or_default();
                (signal, value, if value > *above { *weight } else { 0 })
            }
            Part::Share { score, weight } => {
                let points = *known.get(score.as_str())?;
                (score, share(points), points * weight / WHOLE)
            }
        };
        if points > 0 {
            parts.push(Counted { signal: signal.as_str().into(), value, points });
        }
    }
    let points = parts.iter().map(|part| part.points).sum::<u32>().min(WHOLE);
    Some(Score { score: rule.name.as_str().into(), points, parts })
}

/// Numbers by their name, truth as 1 or 0, a word and each word of a list as `name.word`, a list also by its length. What the
/// platform says of an incident nobody else says.
pub(crate) fn signals(artefact: &Value) -> BTreeMap<String, f64> {
    let mut signals = BTreeMap::new();
    let short = |text: &str| text.len() <= NAME_BYTES_MAX;
    for (name, value) in artefact.as_object().into_iter().flatten().filter(|(name, _)| short(name)) {
        match value {
            Value::Number(number) => drop(number.as_f64().map(|number| signals.insert(name.clone(), number))),
            Value::Bool(is) => drop(signals.insert(name.clone(), f64::from(u8::from(*is)))),
            Value::String(word) if short(word) => drop(signals.insert(format!("{name}.{word}"), 1.0)),
            Value::Array(items) => {
                let length = u32::try_from(items.len()).unwrap_or(u32::MAX);
                signals.insert(name.clone(), f64::from(length));
                let words = items.iter().filter_map(Value::as_str).filter(|word| short(word)).take(WORDS_MAX);
                signals.extend(words.map(|word| (format!("{name}.{word}"), 1.0)));
            }
            Value::String(_) | Value::Object(_) | Value::Null => {}
        }
        if signals.len() >= SIGNALS_MAX {
            break;
        }
    }
    signals.retain(|name, _| !name.starts_with(INCIDENT));
    signals
}

fn of_incident(incident: &Incident) -> [(String, f64); 6] {
    let count = |number: usize| f64::from(u32::try_from(number).unwrap_or(u32::MAX));
    let threat = incident.analysis().threat.as_ref();
    let values = [
        f64::from(u32::try_from(incident.alerts).unwrap_or(u32::MAX)),
        f64::from(incident.confidence.unwrap_or(100)) / 100.0,
        count(threat.map_or(0, |threat| threat.indicators.len())),
        f64::from(incident.severity as u8),
        count(incident.targets.len()),
        count(threat.map_or(0, |threat| threat.techniques.len())),
    ];
    let mut each = OF_INCIDENT.into_iter().zip(values);
    // INVARIANT: both have six.
    std::array::from_fn(|_| each.next().map(|(name, value)| (name.to_owned(), value)).unwrap_or_default())
}
