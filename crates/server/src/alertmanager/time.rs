//! Times as this API writes them (milliseconds, UTC) and reads them (RFC 3339 and its looser forms).

use std::borrow::Cow;

use domain::time::Timestamp;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};

/// The first instant of the year 1, which the Go language uses for "no time".
const NO_TIME_SECONDS: i64 = -62_135_596_800;

/// A time of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct WireTime(pub(super) Timestamp);

impl Serialize for WireTime {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&format_args!("{:.3}", self.0.to_jiff()))
    }
}

impl JsonSchema for WireTime {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "format": "date-time" })
    }
}

/// Reads a time of a request. `None` when it says that there is none.
pub(super) fn read(text: &str) -> Result<Option<Timestamp>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let at = text.parse::<jiff::Timestamp>().or_else(|error| {
        // Without an offset it is UTC.
        let local: jiff::civil::DateTime = text.parse().map_err(|_| error)?;
        local.to_zoned(jiff::tz::TimeZone::UTC).map(|zoned| zoned.timestamp())
    });
    match at {
        Ok(at) if at.as_second() <= NO_TIME_SECONDS => Ok(None),
        Ok(at) => Ok(Some(Timestamp::from_jiff(at))),
        Err(_) => Err(format!("`{text}` is not a time such as 2026-01-31T08:00:00Z")),
    }
}
