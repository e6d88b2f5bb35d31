//! What clients ask before they begin: which version this is, and which receivers there are.

use std::collections::BTreeMap;

use axum::response::Response;
use domain::time::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::{RECEIVER, Refusal, now, ok, query, time::WireTime};
use crate::call::Call;

/// A configuration that says to Alertmanager's tools what is true here: all alerts go to one receiver.
const CONFIG: &str = "\
# Ringfence takes alerts itself and groups them by incident.
route:
  receiver: ringfence
receivers:
  - name: ringfence
";

/// What the platform is.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct AlertmanagerStatus {
    cluster: ClusterStatus,
    config: AlertmanagerConfig,
    uptime: WireTime,
    version_info: VersionInfo,
}

#[derive(Debug, Serialize, JsonSchema)]
struct ClusterStatus {
    peers: Vec<String>,
    status: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
struct AlertmanagerConfig {
    original: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct VersionInfo {
    branch: &'static str,
    build_date: &'static str,
    build_user: &'static str,
    go_version: &'static str,
    revision: &'static str,
    version: &'static str,
}

/// Where notifications would go.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Receiver {
    labels: BTreeMap<String, String>,
    name: &'static str,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct ReceiverReference {
    pub(super) name: &'static str,
}

pub(super) async fn status(call: Call) -> Result<Response, Refusal> {
    let up = i64::try_from(call.shared.uptime().as_micros()).unwrap_or(i64::MAX);
    let started_at = Timestamp(now(&call).0.saturating_sub(up));
    ok(&AlertmanagerStatus {
        cluster: ClusterStatus { peers: Vec::new(), status: "disabled" },
        config: AlertmanagerConfig { original: CONFIG },
        uptime: WireTime(started_at),
        version_info: VersionInfo {
            branch: "",
            build_date: "",
            build_user: "",
            go_version: "",
            revision: "",
            version: env!("CARGO_PKG_VERSION"),
        },
    })
}

pub(super) async fn receivers(call: Call) -> Result<Response, Refusal> {
    let wanted = query::matchers(&call, "receiver_matchers")?;
    let mut receivers = vec![Receiver { labels: BTreeMap::new(), name: RECEIVER }];
    receivers.retain(|_| wanted.iter().all(|matcher| matcher.matches_value("")));
    ok(&receivers)
}
