//! Taking deliveries of alerts. Bodies are read straight into the domain's form, and text is borrowed from the body
//! until its labels are packed; what is wrong with one alert refuses that alert and is told with the others' acceptance.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use axum::response::Response;
use domain::{
    alert::Received,
    labels::{COUNT_MAX, LENGTH_MAX, Labels},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

use super::{Refusal, done, time};
use crate::call::Call;

/// At most this many alerts in one delivery.
const ALERTS_MAX: usize = 50_000;

/// An alert of a delivery.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostableAlert<'a> {
    #[schemars(with = "BTreeMap<String, String>")]
    #[serde(borrow, default)]
    labels: WireLabels<'a>,
    #[schemars(with = "Option<BTreeMap<String, String>>")]
    #[serde(borrow, default)]
    annotations: WireLabels<'a>,
    #[schemars(with = "Option<super::time::WireTime>")]
    #[serde(default)]
    starts_at: WireTime,
    #[schemars(with = "Option<super::time::WireTime>")]
    #[serde(default)]
    ends_at: WireTime,
    #[schemars(with = "Option<String>")]
    #[serde(borrow, default, rename = "generatorURL")]
    generator_url: Option<Cow<'a, str>>,
}

/// A time, none, or why it cannot be read.
#[derive(Debug)]
struct WireTime(Result<Option<Timestamp>, String>);

/// Pairs in the order given, or why they cannot be labels.
#[derive(Debug)]
struct WireLabels<'a>(Result<Vec<Pair<'a>>, String>);

type Pair<'a> = (Cow<'a, str>, Cow<'a, str>);

/// Text that is borrowed where it stands in the body as it is.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// Takes what can be taken; refused alerts are named in the answer, status 400.
pub(super) async fn post(call: Call) -> Result<Response, Refusal> {
    let mut valid = Vec::new();
    let mut positions = Vec::new();
    let mut refused = Vec::new();
    for (i, read) in read(&call.body)?.into_iter().enumerate() {
        match read {
            Ok(received) => {
                valid.push(received);
                positions.push(i);
            }
            Err(why) => refused.push((i, why)),
        }
    }
    if !valid.is_empty() {
        let receipt = call.receive(valid).await?;
        refused.extend(receipt.refused.into_iter().map(|(i, why)| (positions[i], why.to_string())));
    }
    if refused.is_empty() {
        return done();
    }
    refused.sort();
    let told: Vec<String> = refused.into_iter().map(|(i, why)| format!("alert {i}: {why}")).collect();
    Err(Refusal::bad_request(told.join("; ")))
}

/// Reads a delivery; each alert by itself may be wrong.
pub(super) fn read(body: &[u8]) -> Result<Vec<Result<Received, String>>, Refusal> {
    let unreadable = |error: serde_json::Error| Refusal::unreadable("the alerts", &error);
    let alerts: Option<Vec<PostableAlert<'_>>> = match body.trim_ascii() {
        [] => None,
        body => serde_json::from_slice(body).map_err(unreadable)?,
    };
    let alerts = alerts.ok_or_else(|| Refusal::required("alerts"))?;
    if alerts.len() > ALERTS_MAX {
        return Err(Refusal::bad_request(format!("more than {ALERTS_MAX} alerts in one delivery")));
    }
    Ok(alerts.into_iter().map(received).collect())
}

fn received(alert: PostableAlert<'_>) -> Result<Received, String> {
    let labels = labels(alert.labels)?.without_empty();
    if labels.is_empty() {
        return Err("at least one label with a value is needed".to_owned());
    }
    let annotations = labels_named("annotations", alert.annotations)?;
    let generator_url = alert.generator_url.unwrap_or_default();
    if generator_url.len() > LENGTH_MAX {
        return Err(format!("generatorURL is longer than {LENGTH_MAX} bytes"));
    }
    Ok(Received {
        labels,
        annotations,
        starts_at: alert.starts_at.0.map_err(|why| format!("startsAt: {why}"))?,
        ends_at: alert.ends_at.0.map_err(|why| format!("endsAt: {why}"))?,
        generator_url: generator_url.into(),
        report: None,
    })
}

fn labels_named(what: &str, wire: WireLabels<'_>) -> Result<Labels, String> {
    labels(wire).map_err(|why| format!("{what}: {why}"))
}

/// Any UTF-8 text but the empty one is a name. Of two values for one name the later counts.
fn labels(wire: WireLabels<'_>) -> Result<Labels, String> {
    let mut pairs = wire.0?;
    if pairs.iter().any(|(name, _)| name.is_empty()) {
        return Err("the name of a label is empty".to_owned());
    }
    pairs.sort_by(|a, b| a.0.cmp(&b.0));
    pairs.dedup_by(|later, kept| {
        let same = later.0 == kept.0;
        if same {
            std::mem::swap(&mut later.1, &mut kept.1);
        }
        same
    });
    Labels::from_pairs(pairs)
}

impl Default for WireTime {
    fn default() -> WireTime {
        WireTime(Ok(None))
    }
}

impl Default for WireLabels<'_> {
    fn default() -> Self {
        WireLabels(Ok(Vec::new()))
    }
}

struct TimeVisitor;

impl Visitor<'_> for TimeVisitor {
    type Value = WireTime;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a time as text")
    }

    fn visit_unit<E>(self) -> Result<WireTime, E> {
        Ok(WireTime::default())
    }

    fn visit_str<E>(self, text: &str) -> Result<WireTime, E> {
        Ok(WireTime(time::read(text)))
    }
}

impl<'de> Deserialize<'de> for WireTime {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<WireTime, D::Error> {
        deserializer.deserialize_any(TimeVisitor)
    }
}

struct LabelsVisitor;

impl<'de> Visitor<'de> for LabelsVisitor {
    type Value = WireLabels<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object whose values are text")
    }

    fn visit_unit<E>(self) -> Result<WireLabels<'de>, E> {
        Ok(WireLabels::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WireLabels<'de>, A::Error> {
        let mut pairs = Vec::with_capacity(8);
        while let Some((Text(name), value)) = map.next_entry::<Text<'de>, Option<Text<'de>>>()? {
            if pairs.len() == COUNT_MAX {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                return Ok(WireLabels(Err(format!("more than {COUNT_MAX} labels"))));
            }
            pairs.push((name, value.map_or_else(Cow::default, |Text(value)| value)));
        }
        Ok(WireLabels(Ok(pairs)))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for WireLabels<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LabelsVisitor)
    }
}
