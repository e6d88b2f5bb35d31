//! The daily look at the controls, and the month whose figures are told with the first look after it. Both follow from what
//! is on record, so a look that was missed or failed is made as soon as somebody asks again.

use serde::{Deserialize, Serialize};

use super::Upkeep;
use crate::{
    alert::Received,
    labels::Labels,
    time::{Span, Timestamp},
};

const DAY: Span = Span::secs(86_400);
/// So long the alert of a month stands; its review is a task from then on.
const MONTH_STANDS: Span = Span::secs(26 * 3_600);

/// A month that has ended, and its figures as people review them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Month {
    /// Such as `2027-01`.
    pub name: Box<str>,
    pub said: Box<str>,
}

/// A month that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    pub name: Box<str>,
    pub since: Timestamp,
    pub until: Timestamp,
}

impl Month {
    pub(super) fn alert(&self, now: Timestamp) -> Received {
        let labels = Labels::from_pairs(vec![("alertname", "MonthEnded"), ("month", &*self.name)]);
        let annotations = Labels::from_pairs(vec![("summary", &*self.said)]);
        Received {
            labels: labels.unwrap_or_default(),
            annotations: annotations.unwrap_or_default(),
            ends_at: Some(now.plus(MONTH_STANDS)),
            ..Received::default()
        }
    }
}

impl Upkeep {
    /// Whether the look of this day is still to be made. Days are counted from when the platform began.
    pub fn look_is_due(&self, began: Timestamp, now: Timestamp) -> bool {
        let day = |at: Timestamp| at.since(began).0 / DAY.0;
        day(now) > self.looked.map_or(0, day)
    }

    /// The last month that is over, where the platform knew any of it and it was not told of.
    pub fn month_to_tell(&self, began: Timestamp, now: Timestamp) -> Option<Ended> {
        let (_, until) = month_of(now)?;
        let (name, since) = month_of(Timestamp(until.0.saturating_sub(1)))?;
        (until > began && !self.is_told(&name)).then_some(Ended { name, since, until })
    }

    /// Months are told of in their order.
    pub(super) fn is_told(&self, month: &str) -> bool {
        self.month.as_deref().is_some_and(|told| told >= month)
    }
}

/// The month of this moment, and when it began.
fn month_of(at: Timestamp) -> Option<(Box<str>, Timestamp)> {
    let name = at.to_jiff().strftime("%Y-%m").to_string();
    let first = format!("{name}-01T00:00:00Z").parse().ok()?;
    Some((name.into(), first))
}
