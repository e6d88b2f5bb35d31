//! Deliveries of alerts, rendered once. Before each post only the digits of its numbers are written anew.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::http;

/// Stands where the number of an alert goes.
const PLACE: &str = "########";
/// How long before the post the alerts began, and how long after it they end unless they are resolved.
const BEFORE: Duration = Duration::from_secs(60);
const AFTER: Duration = Duration::from_secs(6 * 3600);

/// What becomes of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Taken and kept; no incident.
    Plain,
    /// A plain alert whose end has come.
    Resolved,
    /// Plain alerts, but every hundredth has this name, and opens an incident by the rule that knows it.
    OneInHundred(&'static str),
    /// An incident of this type, one a number.
    Incident(&'static str),
}

/// A post of alerts with numbers in a row.
pub(super) struct Delivery {
    bytes: Vec<u8>,
    /// Where the digits stand, for each alert.
    places: Vec<Vec<usize>>,
}

impl Delivery {
    pub(super) fn new(kind: Kind, alerts: usize, token: &str) -> Delivery {
        let (often, seldom) = match kind {
            Kind::OneInHundred(name) => (alert(Kind::Plain), named(name)),
            Kind::Plain | Kind::Resolved | Kind::Incident(_) => (alert(kind), alert(kind)),
        };
        let one = |index: usize| if index.is_multiple_of(100) { &seldom } else { &often };
        let each: Vec<&str> = (0..alerts).map(|index| one(index).as_str()).collect();
        let bytes = http::post("/api/v2/alerts", token, &format!("[{}]", each.join(",")));
        let mut all = places(&bytes).into_iter();
        let of = |text: &&str| all.by_ref().take(places(text.as_bytes()).len()).collect();
        let places = each.iter().map(of).collect();
        Delivery { bytes, places }
    }

    pub(super) fn alerts(&self) -> u64 {
        self.places.len() as u64
    }

    /// The request with `first` as the number of its first alert.
    pub(super) fn from(&mut self, first: u64) -> &[u8] {
        for (number, places) in (first..).zip(&self.places) {
            for place in places {
                write_digits(&mut self.bytes[*place..*place + PLACE.len()], number);
            }
        }
        &self.bytes
    }
}

fn places(bytes: &[u8]) -> Vec<usize> {
    let found = bytes.windows(PLACE.len()).enumerate();
    found.filter(|(_, window)| *window == PLACE.as_bytes()).map(|(at, _)| at).collect()
}

fn write_digits(place: &mut [u8], mut number: u64) {
    for digit in place.iter_mut().rev() {
        *digit = b'0' + (number % 10) as u8;
        number /= 10;
    }
}

/// About what Prometheus sends for one alert.
fn alert(kind: Kind) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let starts = now.saturating_sub(BEFORE);
    let (extra, ends) = match kind {
        Kind::Plain | Kind::OneInHundred(_) => (String::new(), now + AFTER),
        Kind::Resolved => (String::new(), starts + Duration::from_secs(1)),
        Kind::Incident(name) => (format!(r#","incident_type":"{name}","node":"n{PLACE}""#), now + AFTER),
    };
    let (starts, ends) = (rfc3339(starts), rfc3339(ends));
    format!(
        r#"{{"labels":{{"alertname":"HighLatency","instance":"host-{PLACE}:9100","job":"node","severity":"high"{extra}}},"annotations":{{"summary":"Requests take longer than they may"}},"startsAt":"{starts}","endsAt":"{ends}","generatorURL":"http://prometheus.example:9090/graph?g0.expr=latency&g0.tab=1"}}"#
    )
}

/// An alert of this name about a node of its own.
fn named(name: &str) -> String {
    let plain = alert(Kind::Plain).replace("HighLatency", name);
    plain.replacen(r#""job":"#, &format!(r#""node":"n{PLACE}","job":"#), 1)
}

/// The time as in RFC 3339, in UTC, to the second.
pub(super) fn rfc3339(since_1970: Duration) -> String {
    let seconds = since_1970.as_secs();
    let (days, second) = (seconds / 86_400, seconds % 86_400);
    // Counted from 0000-03-01, so that the leap day is the last of its year.
    let days = days + 719_468;
    let (era, day) = (days / 146_097, days % 146_097);
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let (day, month) = (day - (153 * month + 2) / 5 + 1, if month < 10 { month + 3 } else { month - 9 });
    let year = year + era * 400 + u64::from(month <= 2);
    let (hour, minute, second) = (second / 3_600, second / 60 % 60, second % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}
