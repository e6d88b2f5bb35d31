//! The native form of an alert: a type, a severity and measurements instead of labels.

use super::Received;
use crate::{correlate, labels::Labels, time::Timestamp};

/// What a native alert says; only its type is always there.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Native {
    pub alert_id: Option<Box<str>>,
    pub alert_type: Box<str>,
    pub severity: Option<Box<str>>,
    pub source_system: Option<Box<str>>,
    pub timestamp: Option<Timestamp>,
    /// Each name at most once.
    pub metrics: Vec<(Box<str>, Box<str>)>,
    pub description: Option<Box<str>>,
}

impl Native {
    /// The type names both the alert and the incident that it may open; numbers and words become annotations, so
    /// that the next measurement is the same alert. A word under the name of a kind of target names that target.
    ///
    /// # Errors
    /// A bound of labels, or a metric that is there twice.
    pub fn received(self) -> Result<Received, &'static str> {
        let of_type = [("alertname", &self.alert_type), ("incident_type", &self.alert_type)];
        let mut labels: Vec<(Box<str>, Box<str>)> =
            of_type.map(|(name, value)| (name.into(), value.clone())).into();
        labels.extend(self.severity.map(|severity| ("severity".into(), severity)));
        labels.extend(self.source_system.map(|source| ("source".into(), source)));
        let mut annotations: Vec<(Box<str>, Box<str>)> = Vec::new();
        annotations.extend(self.alert_id.map(|id| ("alert_id".into(), id)));
        annotations.extend(self.description.map(|text| ("description".into(), text)));
        for (name, value) in self.metrics {
            if names_target(&name, &value) {
                labels.push((name, value));
            } else {
                annotations.push((format!("metric_{name}").into(), value));
            }
        }
        let read = |pairs| {
            Labels::from_pairs(pairs).map_err(|_| "it has too long or too many fields, or a metric twice")
        };
        Ok(Received {
            labels: read(labels)?.without_empty(),
            annotations: read(annotations)?,
            starts_at: self.timestamp,
            ..Received::default()
        })
    }
}

fn names_target(name: &str, value: &str) -> bool {
    correlate::TARGET_LABELS.contains(&name) && value.parse::<f64>().is_err()
}
