//! Firing alerts in groups: those of one incident together, the rest by the name of the alert.

use std::collections::BTreeMap;

use axum::response::Response;
use domain::{id::IncidentId, labels::Labels};
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    RECEIVER, Refusal,
    alerts::{Firing, GettableAlert, Place, Wanted},
    ok, query,
    status::ReceiverReference,
};
use crate::call::Call;

/// Alerts that belong together, and the labels they have in common.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertGroup {
    alerts: Vec<GettableAlert>,
    #[schemars(with = "BTreeMap<String, String>")]
    labels: Labels,
    receiver: ReceiverReference,
    #[schemars(with = "BTreeMap<String, String>")]
    route_labels: Labels,
}

#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Incident(IncidentId),
    Name(Option<String>),
}

pub(super) async fn list(call: Call) -> Result<Response, Refusal> {
    let wanted = Wanted::of(&call)?;
    let firing = Firing::of(&call).await?;
    let mut groups = group(call.read(move |reader| firing.shown(reader)).await?);
    for group in &mut groups {
        group.alerts.retain(|alert| wanted.takes(alert));
    }
    groups.retain(|group| !group.alerts.is_empty());
    if !query::flag(&call, "muted") {
        groups.retain(|group| group.alerts.iter().any(|alert| alert.status.silenced_by.is_empty()));
    }
    ok(&groups)
}

fn group(shown: Vec<(Place, GettableAlert)>) -> Vec<AlertGroup> {
    let mut groups: BTreeMap<Key, Vec<GettableAlert>> = BTreeMap::new();
    for (place, alert) in shown {
        let name = || alert.labels.get("alertname").map(str::to_owned);
        let key = place.incident.map_or_else(|| Key::Name(name()), Key::Incident);
        groups.entry(key).or_default().push(alert);
    }
    let mut groups: Vec<AlertGroup> = groups.into_iter().map(|(key, alerts)| shaped(&key, alerts)).collect();
    groups.sort_by(|a, b| a.labels.cmp(&b.labels));
    groups
}

fn shaped(key: &Key, mut alerts: Vec<GettableAlert>) -> AlertGroup {
    alerts.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    let labels = match key {
        Key::Incident(_) => common(&alerts),
        Key::Name(Some(name)) => Labels::from([("alertname", name.as_str())]),
        Key::Name(None) => Labels::default(),
    };
    AlertGroup {
        alerts,
        labels,
        receiver: ReceiverReference { name: RECEIVER },
        route_labels: Labels::default(),
    }
}

/// The labels that all of these alerts have.
fn common(alerts: &[GettableAlert]) -> Labels {
    let Some((first, others)) = alerts.split_first() else { return Labels::default() };
    let shared = |(name, value): &(&str, &str)| others.iter().all(|o| o.labels.get(name) == Some(*value));
    let pairs: Vec<(&str, &str)> = first.labels.iter().filter(shared).collect();
    // Names of one set of labels do not repeat.
    Labels::from_pairs(pairs).unwrap_or_default()
}
