//! Time as plain numbers: microseconds since the Unix epoch, and spans of microseconds.
//! Nothing here reads a clock; `now` is always a parameter.

#[cfg(test)]
mod tests;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A point in platform time, in microseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub const MAX: Timestamp = Timestamp(i64::MAX);

    /// This point plus `span`, saturating at the end of time.
    pub fn plus(self, span: Span) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.0).unwrap_or(i64::MAX)))
    }

    /// The span from `earlier` to here; zero when `earlier` is later.
    pub fn since(self, earlier: Timestamp) -> Span {
        Span(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    pub fn from_jiff(at: jiff::Timestamp) -> Timestamp {
        Timestamp(at.as_microsecond())
    }

    /// The same instant for formatting and calendars; out-of-range values are clamped.
    pub fn to_jiff(self) -> jiff::Timestamp {
        jiff::Timestamp::from_microsecond(self.0).unwrap_or(if self.0 < 0 {
            jiff::Timestamp::MIN
        } else {
            jiff::Timestamp::MAX
        })
    }
}

/// RFC 3339 in UTC, with the fraction only as long as it needs to be.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.to_jiff().fmt(f)
    }
}

impl FromStr for Timestamp {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse::<jiff::Timestamp>()
            .map(Timestamp::from_jiff)
            .map_err(|_| format!("`{text}` is not an RFC 3339 time such as 2026-01-31T08:00:00Z"))
    }
}

/// A length of time in microseconds. In content it is written `500ms`, `10s`, `15m`, `4h`, `7d` or a
/// sum of those such as `1h30m`.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Span(pub u64);

impl Span {
    pub const fn millis(ms: u64) -> Span {
        Span(ms * 1_000)
    }

    pub const fn secs(s: u64) -> Span {
        Span(s * 1_000_000)
    }

    pub fn as_std(self) -> std::time::Duration {
        std::time::Duration::from_micros(self.0)
    }
}

const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000_000), ("h", 3_600_000_000), ("m", 60_000_000), ("s", 1_000_000), ("ms", 1_000)];

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a duration such as 500ms, 10s, 15m, 4h, 7d or 1h30m");
        let mut rest = text;
        let mut total = 0u64;
        while !rest.is_empty() {
            let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
            let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
            rest = &rest[digits..];
            let unit_len = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
            let micros = UNITS.iter().find(|(unit, _)| *unit == &rest[..unit_len]).ok_or_else(wrong)?.1;
            total = number.checked_mul(micros).and_then(|n| total.checked_add(n)).ok_or_else(wrong)?;
            rest = &rest[unit_len..];
        }
        if text.is_empty() { Err(wrong()) } else { Ok(Span(total)) }
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0;
        let mut parts = 0;
        for (unit, micros) in UNITS {
            let n = rest / micros;
            if n > 0 && parts < 2 {
                write!(f, "{n}{unit}")?;
                parts += 1;
            }
            rest %= micros;
        }
        match (parts, self.0) {
            (0, 0) => f.write_str("0s"),
            (0, micros) => write!(f, "{micros}us"),
            _ => Ok(()),
        }
    }
}
