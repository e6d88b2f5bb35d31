//! Firing alerts as Alertmanager shows them.

use std::collections::BTreeMap;

use axum::response::Response;
use domain::{
    alert::{Alert, Seen},
    id::AlertId,
    labels::Labels,
    matcher::Matcher,
    silence::Silence,
    time::Timestamp,
};
use engine::Reader;
use schemars::JsonSchema;
use serde::Serialize;

use super::{
    RECEIVER, Refusal, fingerprint::fingerprint, now, ok, query, silence_id, silences,
    status::ReceiverReference, time::WireTime,
};
use crate::call::Call;

/// An alert that is firing.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GettableAlert {
    #[schemars(with = "BTreeMap<String, String>")]
    annotations: Labels,
    ends_at: WireTime,
    pub(super) fingerprint: String,
    receivers: Vec<ReceiverReference>,
    starts_at: WireTime,
    pub(super) status: AlertStatus,
    updated_at: WireTime,
    #[serde(rename = "generatorURL", skip_serializing_if = "str::is_empty")]
    generator_url: Box<str>,
    #[schemars(with = "BTreeMap<String, String>")]
    pub(super) labels: Labels,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertStatus {
    inhibited_by: Vec<String>,
    muted_by: Vec<String>,
    pub(super) silenced_by: Vec<String>,
    state: AlertState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum AlertState {
    Active,
    Suppressed,
}

/// Which alerts a query asks for.
pub(super) struct Wanted {
    matchers: Vec<Matcher>,
    active: bool,
    silenced: bool,
    receiver: bool,
}

impl Wanted {
    pub(super) fn of(call: &Call) -> Result<Wanted, Refusal> {
        Ok(Wanted {
            matchers: query::matchers(call, "filter")?,
            active: query::flag(call, "active"),
            silenced: query::flag(call, "silenced"),
            receiver: query::wants_receiver(call)?,
        })
    }

    pub(super) fn takes(&self, alert: &GettableAlert) -> bool {
        let by_state = match alert.status.state {
            AlertState::Active => self.active,
            AlertState::Suppressed => self.silenced,
        };
        self.receiver && by_state && self.matchers.iter().all(|matcher| matcher.matches(&alert.labels))
    }
}

pub(super) async fn list(call: Call) -> Result<Response, Refusal> {
    let wanted = Wanted::of(&call)?;
    let firing = Firing::of(&call).await?;
    let all = call.read(move |reader| firing.shown(reader)).await?.into_iter().map(|(_, shown)| shown);
    let mut shown: Vec<GettableAlert> = all.filter(|alert| wanted.takes(alert)).collect();
    shown.sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
    ok(&shown)
}

/// What beside the rows decides how firing alerts look now.
pub(super) struct Firing {
    seen: BTreeMap<AlertId, Seen>,
    now: Timestamp,
}

/// Where an alert belongs: what `groups` needs of it beside what is shown.
pub(super) type Place = domain::alert::Route;

impl Firing {
    pub(super) async fn of(call: &Call) -> Result<Firing, Refusal> {
        let seen = call.shared.handle.seen().await?.into_iter().collect();
        Ok(Firing { seen, now: now(call) })
    }

    pub(super) fn shown(&self, reader: &Reader) -> Result<Vec<(Place, GettableAlert)>, engine::Error> {
        let mut active = Vec::new();
        for silence in silences::live(reader)?.into_iter().filter(|silence| silence.is_active(self.now)) {
            active.push((silence_id::of(reader, silence.id)?, silence));
        }
        let alerts = reader.firing_alerts()?.into_iter();
        Ok(alerts.filter_map(|alert| self.show(alert, &active)).collect())
    }

    /// `None` when its time is over and only the note of that is not yet written.
    fn show(&self, alert: Alert, active: &[(String, Silence)]) -> Option<(Place, GettableAlert)> {
        let seen = self.seen.get(&alert.id);
        let ends_at = seen.map_or(alert.ends_at, |seen| seen.ends_at);
        if ends_at < self.now {
            return None;
        }
        let updated_at = seen.map_or(alert.updated_at, |seen| seen.at.max(alert.updated_at));
        let mutes = active.iter().filter(|(_, silence)| silence.matches(&alert.labels));
        let silenced_by: Vec<String> = mutes.map(|(id, _)| id.clone()).collect();
        let state = if silenced_by.is_empty() { AlertState::Active } else { AlertState::Suppressed };
        let shown = GettableAlert {
            fingerprint: format!("{:016x}", fingerprint(&alert.labels)),
            annotations: alert.annotations,
            ends_at: WireTime(ends_at),
            receivers: vec![ReceiverReference { name: RECEIVER }],
            starts_at: WireTime(alert.starts_at),
            status: AlertStatus { inhibited_by: Vec::new(), muted_by: Vec::new(), silenced_by, state },
            updated_at: WireTime(updated_at),
            generator_url: alert.generator_url,
            labels: alert.labels,
        };
        Some((alert.route, shown))
    }
}
