//! `/api/v1/alerts`: deliveries in two forms, and what became of them.

use std::{collections::BTreeMap, fmt};

use axum::response::Response;
use domain::{
    access::Permission,
    alert::{Native, Received},
    id::AlertId,
    labels::{COUNT_MAX, Labels},
    matcher::{self, Matcher},
    time::Timestamp,
};
use engine::{Page as Part, Reader};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{CURSOR, LIMIT, either, missing, read};
use crate::{
    Error, Problem,
    call::{Call, ok},
    json::{self, Parsed},
    route::{Answer, Audit, Auth, Contract, DELIVERY_MAX, Method, Parameter, Route, schema},
    view::{Alert, Page},
};

/// At most this many alerts in one delivery.
const ALERTS_MAX: usize = 20_000;
/// Rows that one filtered page may look at.
const SCAN_MAX: usize = 10_000;
/// Refused alerts that an answer names.
const NAMED_MAX: usize = 5;

const STATE: Parameter = Parameter { name: "state", about: "`firing` (if absent) or `resolved`." };
const FILTER: Parameter = Parameter {
    name: "filter",
    about: "A matcher on labels such as `node=~\"v.*\"`; may be given several times.",
};

pub(crate) const ROUTES: &[Route] = &[
    Route {
        method: Method::Post,
        path: "/api/v1/alerts",
        contract: Contract::Native,
        auth: Auth::Token(Permission::Ingest),
        audit: Audit::Refusals,
        body_max: DELIVERY_MAX,
        query: &[],
        request: Some(schema::<Delivery>),
        answer: Answer::Json(200, schema::<Taken>),
        summary: "Take a delivery of alerts; answers once it is durable.",
        handler: |call| Box::pin(take(call)),
    },
    read(
        "/api/v1/alerts",
        &[STATE, FILTER, LIMIT, CURSOR],
        Answer::Json(200, schema::<Page<Alert>>),
        "Alerts, newest first.",
        |call| Box::pin(list(call)),
    ),
    read("/api/v1/alerts/{id}", &[], Answer::Json(200, schema::<Alert>), "One alert.", |call| {
        Box::pin(show(call))
    }),
];

/// What became of a delivery.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Taken {
    /// Alerts taken, repeats included.
    taken: usize,
}

/// An array of alerts, or one alert.
#[derive(Debug, JsonSchema)]
#[schemars(untagged)]
#[expect(dead_code, reason = "only its schema is used; `Deserialize` goes straight to the domain's form")]
enum DeliverySchema {
    Several(Vec<WireAlert>),
    One(Box<WireAlert>),
}

#[derive(JsonSchema)]
struct Delivery(#[schemars(with = "DeliverySchema")] Vec<Received>);

/// An alert in either form: with `labels`, or with `alert_type`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct WireAlert {
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    labels: Option<Labels>,
    #[serde(default)]
    #[schemars(with = "BTreeMap<String, String>")]
    annotations: Labels,
    #[serde(rename = "startsAt")]
    starts_at: Option<Parsed<Timestamp>>,
    #[serde(rename = "endsAt")]
    ends_at: Option<Parsed<Timestamp>>,
    #[serde(rename = "generatorURL", default)]
    generator_url: Box<str>,
    alert_id: Option<Box<str>>,
    alert_type: Option<Box<str>>,
    severity: Option<Box<str>>,
    source_system: Option<Box<str>>,
    timestamp: Option<Parsed<Timestamp>>,
    metrics: Option<Metrics>,
    description: Option<Box<str>>,
}

/// Numbers or text by name.
#[derive(Debug, JsonSchema)]
struct Metrics(#[schemars(with = "BTreeMap<String, Metric>")] Vec<(Box<str>, Metric)>);

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected a number or a text")]
enum Metric {
    Number(f64),
    Text(Box<str>),
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Metric::Number(number) => write!(f, "{number}"),
            Metric::Text(text) => f.write_str(text),
        }
    }
}

impl WireAlert {
    fn received(self) -> Result<Received, &'static str> {
        if self.labels.is_some() {
            return self.labelled();
        }
        self.typed()
    }

    fn labelled(self) -> Result<Received, &'static str> {
        let native =
            [&self.alert_id, &self.alert_type, &self.severity, &self.source_system, &self.description];
        if native.into_iter().any(Option::is_some) || self.timestamp.is_some() || self.metrics.is_some() {
            return Err("an alert has either `labels` or `alert_type` and what belongs to it, not both");
        }
        let labels = self.labels.unwrap_or_default();
        if labels.iter().any(|(name, _)| name.is_empty()) {
            return Err("a label has an empty name");
        }
        Ok(Received {
            labels: labels.without_empty(),
            annotations: self.annotations,
            starts_at: present(self.starts_at),
            ends_at: present(self.ends_at),
            generator_url: self.generator_url,
            report: None,
        })
    }

    fn typed(self) -> Result<Received, &'static str> {
        let Some(alert_type) = self.alert_type else {
            return Err("an alert needs `labels`, or `alert_type`");
        };
        if !self.annotations.is_empty() || self.ends_at.is_some() || !self.generator_url.is_empty() {
            return Err("`annotations`, `endsAt` and `generatorURL` go with `labels`, not with `alert_type`");
        }
        let metrics = self.metrics.map(|metrics| metrics.0).unwrap_or_default();
        let native = Native {
            alert_id: self.alert_id,
            alert_type,
            severity: self.severity,
            source_system: self.source_system,
            timestamp: present(self.timestamp.or(self.starts_at)),
            metrics: metrics.into_iter().map(|(name, value)| (name, value.to_string().into())).collect(),
            description: self.description,
        };
        native.received()
    }
}

/// Senders in Go write the year 1 for a time that is not set.
fn present(time: Option<Parsed<Timestamp>>) -> Option<Timestamp> {
    const YEAR_TWO: Timestamp = Timestamp(-62_104_060_800_000_000);
    time.map(|Parsed(at)| at).filter(|at| *at >= YEAR_TWO)
}

impl<'de> Deserialize<'de> for Delivery {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DeliveryVisitor)
    }
}

struct DeliveryVisitor;

impl<'de> Visitor<'de> for DeliveryVisitor {
    type Value = Delivery;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of alerts, or one alert")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Delivery, A::Error> {
        let mut alerts = Vec::new();
        while let Some(One(received)) = sequence.next_element()? {
            if alerts.len() == ALERTS_MAX {
                let detail = format!("more than {ALERTS_MAX} alerts in one delivery");
                return Err(serde::de::Error::custom(detail));
            }
            alerts.push(received);
        }
        Ok(Delivery(alerts))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Delivery, A::Error> {
        let One(received) = OneVisitor.visit_map(map)?;
        Ok(Delivery(vec![received]))
    }
}

struct One(Received);

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneVisitor)
    }
}

/// Takes objects alone: an array would be read as the fields in order.
struct OneVisitor;

impl<'de> Visitor<'de> for OneVisitor {
    type Value = One;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an alert")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<One, A::Error> {
        let wire = WireAlert::deserialize(MapAccessDeserializer::new(map))?;
        wire.received().map(One).map_err(serde::de::Error::custom)
    }
}

impl<'de> Deserialize<'de> for Metrics {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(MetricsVisitor)
    }
}

struct MetricsVisitor;

impl<'de> Visitor<'de> for MetricsVisitor {
    type Value = Metrics;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose values are numbers or text")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Metrics, A::Error> {
        let mut metrics: Vec<(Box<str>, Metric)> = Vec::new();
        while let Some(pair) = map.next_entry::<Box<str>, Metric>()? {
            if metrics.len() == COUNT_MAX {
                return Err(serde::de::Error::custom(format!("more than {COUNT_MAX} metrics")));
            }
            if metrics.iter().any(|(name, _)| *name == pair.0) {
                return Err(serde::de::Error::custom("a metric is given twice"));
            }
            metrics.push(pair);
        }
        Ok(Metrics(metrics))
    }
}

/// Takes what can be taken. Any refused alert makes the answer a refusal, which says that the rest was taken:
/// senders look at the status alone.
async fn take(call: Call) -> Result<Response, Error> {
    let Delivery(alerts) = json::read(&call.body)?;
    deliver(&call, alerts).await
}

/// The answer to a delivery.
pub(super) async fn deliver(call: &Call, alerts: Vec<Received>) -> Result<Response, Error> {
    let receipt = call.receive(alerts).await?;
    if receipt.refused.is_empty() {
        return ok(&Taken { taken: receipt.taken });
    }
    let named: Vec<String> =
        receipt.refused.iter().take(NAMED_MAX).map(|(index, why)| format!("[{index}] {why}")).collect();
    let more = receipt.refused.len().saturating_sub(NAMED_MAX);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let detail = format!(
        "{} alerts were taken, {} refused: {}{more}",
        receipt.taken,
        receipt.refused.len(),
        named.join("; ")
    );
    Err(Error::new(Problem::Invalid, detail))
}

async fn list(call: Call) -> Result<Response, Error> {
    let past = either(&call, "state", ["firing", "resolved"])?;
    let page = call.page()?;
    let matchers = call.query_all("filter").map(matcher::parse).collect::<Result<Vec<_>, _>>();
    let matchers = matchers.map_err(|error| Error::new(Problem::Malformed, format!("filter: {error}")))?;
    ok(&call.read(move |reader| matching(reader, past, page, &matchers)).await?)
}

/// Goes through pages until one is full, so that a filter costs what it looks at and no more.
fn matching(
    reader: &Reader,
    past: bool,
    page: Part,
    matchers: &[Matcher],
) -> Result<Page<Alert>, engine::Error> {
    let mut found = Vec::new();
    let mut before = page.before;
    for _ in 0..SCAN_MAX.div_ceil(page.limit) {
        let rows = reader.alerts(past, Part { before, limit: page.limit })?;
        let full = rows.len() >= page.limit;
        for alert in &rows {
            before = Some(alert.id.0);
            if matchers.iter().all(|matcher| matcher.matches(&alert.labels)) {
                found.push(Alert::from(alert));
            }
            if found.len() == page.limit {
                return Ok(Page { items: found, next: before.map(|id| id.to_string()) });
            }
        }
        if !full {
            return Ok(Page { items: found, next: None });
        }
    }
    Ok(Page { items: found, next: before.map(|id| id.to_string()) })
}

async fn show(call: Call) -> Result<Response, Error> {
    let id: AlertId = call.param("id")?;
    let alert = call.read(move |reader| reader.alert(id)).await?;
    ok(&Alert::from(&alert.ok_or_else(|| missing(format_args!("alert {id}")))?))
}
