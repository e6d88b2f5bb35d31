//! Mappings: how the JSON of any source becomes alerts. A mapping is read from content and says where things
//! stand; data is looked at and copied, never parsed as an expression. What cannot be mapped is refused with the
//! place that was looked at. What varies between deliveries of the same alert belongs into annotations: the
//! labels together are the alert's identity.

mod place;
#[cfg(test)]
mod tests;
mod time;

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use crate::{
    alert::Received,
    detect::METRIC_PREFIX,
    labels::Labels,
    severity::Severity,
    text::clipped,
    time::{Span, Timestamp},
};

pub use place::{Path, Text};

/// A time as tools write it; `None` where it says none, or does not read.
pub(crate) fn time_of(text: &str) -> Option<Timestamp> {
    time::read(text).ok().flatten()
}

/// Most alerts in one body.
pub const ALERTS_MAX: usize = 1_000;
/// Most labels of one mapped alert.
pub const LABELS_MAX: usize = 64;
/// Most annotations of one mapped alert.
pub const ANNOTATIONS_MAX: usize = 64;
/// Longest name of a label, in bytes.
pub const NAME_MAX: usize = 128;
/// Longest value of a label that is taken over from an object of the body, in bytes.
pub const LABEL_MAX: usize = 1_024;
/// Longest annotation, in bytes; longer ones are cut, and show it.
pub const ANNOTATION_MAX: usize = 8 * 1024;
/// Deepest nesting of a body.
pub const DEPTH_MAX: usize = 64;

/// One mapping of the folder `mappings`.
#[derive(Debug, Clone, PartialEq)]
pub struct Mapping {
    pub name: String,
    pub about: String,
    /// Whether a body that is no JSON is taken as text instead of refused.
    pub any_body: bool,
    /// Texts at these places hold JSON of their own and are read before anything else.
    pub decode: Vec<Path>,
    /// Where the alerts are: the first place that has any; the body itself if none is written.
    pub alerts: Vec<Path>,
    /// At least one of these must be there, or the body is not of this source.
    pub needs: Vec<Text>,
    pub labels: Vec<(String, Pick)>,
    /// Objects whose texts, numbers and booleans become labels.
    pub labels_from: Vec<Path>,
    /// Texts such as `a:b,c:d`, or lists of `a:b`, that become labels.
    pub tags_from: Vec<Path>,
    /// What the source measured, for the conditions of rules: numbers and text by name.
    pub metrics: Vec<(String, Pick)>,
    /// Objects whose numbers and texts are metrics.
    pub metrics_from: Vec<Path>,
    pub annotations: Vec<(String, Pick)>,
    pub annotations_from: Vec<Path>,
    /// The label whose value becomes the target of this kind, where the kind is not a label already.
    pub targets: Vec<(String, String)>,
    pub severity: Pick,
    pub state: Pick,
    /// The words of `state` that mean that it is over, in lower case.
    pub resolved: Vec<String>,
    pub starts_at: Pick,
    pub ends_at: Pick,
    pub url: Pick,
    /// How long an alert fires that is not repeated; the platform's resolve timeout if absent.
    pub fires_for: Option<Span>,
}

/// A value: the first of several texts that gives one, then a table that translates it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Pick {
    pub from: Vec<Text>,
    /// From lower-case word to what it means here; words that are not listed stay.
    pub table: BTreeMap<String, String>,
}

/// What a source sent, beside its body.
pub type Headers = BTreeMap<String, String>;

/// Why a body was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmapped {
    /// The alert of the body, from 0; `None` for the body as a whole.
    pub alert: Option<usize>,
    /// Where it was looked.
    pub place: String,
    pub reason: String,
}

impl fmt::Display for Unmapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(index) = self.alert {
            write!(f, "alert {index}, ")?;
        }
        write!(f, "at `{}`: {}", self.place, self.reason)
    }
}

/// What a text of the mapping is looked up in.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    pub(crate) body: &'a Value,
    pub(crate) alert: &'a Value,
    pub(crate) headers: &'a Headers,
}

impl Mapping {
    /// The alerts of a body. `headers` have lower-case names.
    ///
    /// # Errors
    /// The first thing that is wrong; then nothing of the body is taken.
    pub fn map(&self, mut body: Value, headers: &Headers, now: Timestamp) -> Result<Vec<Received>, Unmapped> {
        let whole = |place: &str, reason: String| Unmapped { alert: None, place: place.to_owned(), reason };
        if depth(&body) > DEPTH_MAX {
            return Err(whole("/", format!("nested deeper than {DEPTH_MAX} levels")));
        }
        for path in &self.decode {
            path.decode(&mut body).map_err(|reason| whole(&path.to_string(), reason))?;
        }
        let found = match self.alerts.iter().map(|path| path.all(&body, &body)).find(|all| !all.is_empty()) {
            Some(found) => found,
            None if self.alerts.is_empty() => vec![&body],
            None => {
                return Err(whole(&listed(&self.alerts), "there is no alert".to_owned()));
            }
        };
        if found.len() > ALERTS_MAX {
            let reason = format!("{} alerts where at most {ALERTS_MAX} are taken", found.len());
            return Err(whole(&listed(&self.alerts), reason));
        }
        let one = |(index, alert): (usize, &&Value)| {
            let scope = Scope { body: &body, alert, headers };
            self.one(scope, now).map_err(|(place, reason)| Unmapped { alert: Some(index), place, reason })
        };
        found.iter().enumerate().map(one).collect()
    }

    fn one(&self, scope: Scope<'_>, now: Timestamp) -> Result<Received, (String, String)> {
        if !self.needs.is_empty() && self.needs.iter().all(|text| text.render(scope).is_none()) {
            return Err((listed(&self.needs), format!("none is there, so this is not from {}", self.name)));
        }
        let mut pairs = Pairs::default();
        self.measure(scope, &mut pairs);
        self.annotate(scope, &mut pairs);
        self.label(scope, &mut pairs);
        if !pairs.labels.contains_key("alertname") {
            let looked = self.labels.iter().find(|(name, _)| name == "alertname");
            let place = looked.map_or_else(String::new, |(_, pick)| listed(&pick.from));
            return Err((place, "nothing there names the alert".to_owned()));
        }
        let starts_at = self.time("starts_at", &self.starts_at, scope, &mut pairs);
        let ends_at = self.end(scope, now, &mut pairs);
        let generator_url = self.url.render(scope).filter(|url| url.len() <= LABEL_MAX).unwrap_or_default();
        if pairs.labels.len() > LABELS_MAX {
            let reason = format!("{} labels where at most {LABELS_MAX} are taken", pairs.labels.len());
            return Err((listed(&self.labels_from), reason));
        }
        let labels = pack(pairs.labels).map_err(|reason| ("labels".to_owned(), reason))?;
        let annotations = pack(pairs.annotations).map_err(|reason| ("annotations".to_owned(), reason))?;
        // An end before the start would be refused; the end says that it is over, which is what counts.
        let starts_at = starts_at.filter(|start| ends_at.is_none_or(|end| *start <= end));
        Ok(Received {
            labels,
            annotations,
            starts_at,
            ends_at,
            generator_url: generator_url.into(),
            report: None,
        })
    }

    fn label(&self, scope: Scope<'_>, pairs: &mut Pairs) {
        for path in &self.labels_from {
            for value in path.all(scope.body, scope.alert) {
                pairs.spread(value, Pairs::label);
            }
        }
        for path in &self.tags_from {
            for value in path.all(scope.body, scope.alert) {
                pairs.tags(value);
            }
        }
        for (name, pick) in &self.labels {
            if let Some(value) = pick.render(scope) {
                pairs.label(name, &value);
            }
        }
        if let Some(word) = self.severity.render(scope) {
            // A word that is no severity stays as it is: the incident is then medium and asks a person.
            let normal = word.parse::<Severity>().map_or(word, |severity| severity.name().to_owned());
            pairs.label("severity", &normal);
        }
        for (label, kind) in &self.targets {
            if let Some(name) = pairs.labels.get(label).filter(|_| !pairs.labels.contains_key(kind)).cloned()
            {
                pairs.label(kind, &name);
            }
        }
    }

    /// A metric is an annotation of a name of its own, so that the next measurement is the same alert.
    fn measure(&self, scope: Scope<'_>, pairs: &mut Pairs) {
        for path in &self.metrics_from {
            for value in path.all(scope.body, scope.alert) {
                pairs.spread(value, Pairs::metric);
            }
        }
        for (name, pick) in &self.metrics {
            if let Some(value) = pick.render(scope) {
                pairs.metric(name, &value);
            }
        }
    }

    fn annotate(&self, scope: Scope<'_>, pairs: &mut Pairs) {
        for path in &self.annotations_from {
            for value in path.all(scope.body, scope.alert) {
                pairs.spread(value, Pairs::annotation);
            }
        }
        for (name, pick) in &self.annotations {
            if let Some(value) = pick.render(scope) {
                pairs.annotation(name, &value);
            }
        }
    }

    /// The end of what is over, or until when it fires without being repeated.
    fn end(&self, scope: Scope<'_>, now: Timestamp, pairs: &mut Pairs) -> Option<Timestamp> {
        let word = self.state.render(scope).map(|word| word.trim().to_lowercase());
        if word.is_some_and(|word| self.resolved.contains(&word)) {
            let ended = self.time("ends_at", &self.ends_at, scope, pairs);
            return Some(ended.map_or(now, |end| end.min(now)));
        }
        self.fires_for.map(|span| now.plus(span))
    }

    /// A time that does not read is no reason to lose the alert: it stays as text beside it.
    fn time(&self, name: &str, pick: &Pick, scope: Scope<'_>, pairs: &mut Pairs) -> Option<Timestamp> {
        let text = pick.render(scope)?;
        match time::read(&text) {
            Ok(at) => at,
            Err(()) => {
                pairs.annotation(&format!("unread_{name}"), &text);
                None
            }
        }
    }
}

impl Pick {
    pub(crate) fn render(&self, scope: Scope<'_>) -> Option<String> {
        let found = self.from.iter().find_map(|text| text.render(scope))?;
        let known = self.table.get(&found.trim().to_lowercase());
        Some(known.cloned().unwrap_or(found))
    }
}

/// Labels and annotations while they are collected; what is written later wins.
#[derive(Default)]
struct Pairs {
    labels: BTreeMap<String, String>,
    annotations: BTreeMap<String, String>,
}

impl Pairs {
    /// What is too long to identify an alert becomes an annotation.
    fn label(&mut self, name: &str, value: &str) {
        let value = value.trim();
        if name.is_empty() || name.len() > NAME_MAX || value.is_empty() {
            return;
        }
        if value.len() > LABEL_MAX {
            return self.annotation(name, value);
        }
        self.labels.insert(name.to_owned(), value.to_owned());
    }

    fn annotation(&mut self, name: &str, value: &str) {
        let room = self.annotations.len() < ANNOTATIONS_MAX || self.annotations.contains_key(name);
        if name.is_empty() || name.len() > NAME_MAX || value.trim().is_empty() || !room {
            return;
        }
        self.annotations.insert(name.to_owned(), clipped(value.to_owned(), ANNOTATION_MAX));
    }

    fn metric(&mut self, name: &str, value: &str) {
        self.annotation(&format!("{METRIC_PREFIX}{name}"), value);
    }

    fn spread(&mut self, value: &Value, put: fn(&mut Pairs, &str, &str)) {
        for (name, value) in value.as_object().into_iter().flatten() {
            if let Some(text) = place::scalar(value) {
                put(self, name, &text);
            }
        }
    }

    fn tags(&mut self, value: &Value) {
        let texts: Vec<&str> = match value {
            Value::String(text) => text.split(',').collect(),
            Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => Vec::new(),
        };
        for (name, value) in texts.iter().filter_map(|text| text.split_once(':')) {
            self.label(name.trim(), value);
        }
    }
}

fn pack(pairs: BTreeMap<String, String>) -> Result<Labels, String> {
    Labels::from_pairs(pairs.into_iter().collect())
}

fn listed<T: fmt::Display>(places: &[T]) -> String {
    places.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// How deep a value is nested. Readers of JSON bound the depth too, so this does not overflow.
fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
