//! Working time: days, hours and holidays at a fixed offset from UTC, and waits that count in it. Where no calendar
//! is given, every hour counts.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use crate::time::{Span, Timestamp};

const DAY: i64 = 86_400_000_000;
/// More days than any wait that content may name can take.
const DAYS_MAX: i64 = 15_000;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Calendar {
    /// East of UTC, in microseconds.
    pub offset: i64,
    /// Whether Monday and the days after it are worked.
    pub days: [bool; 7],
    /// The hours of a working day, in microseconds after midnight.
    pub opens: i64,
    pub closes: i64,
    /// Days since 1970-01-01.
    pub holidays: BTreeSet<i64>,
}

impl Calendar {
    fn day(&self, at: Timestamp) -> i64 {
        at.0.saturating_add(self.offset).div_euclid(DAY)
    }

    /// When work begins and ends on this day; none where it is not worked.
    fn hours(&self, day: i64) -> Option<(Timestamp, Timestamp)> {
        // 1970-01-01 was a Thursday.
        let weekday = usize::try_from((day + 3).rem_euclid(7)).ok()?;
        let worked = self.days.get(weekday).is_some_and(|worked| *worked) && !self.holidays.contains(&day);
        let at = |time: i64| Timestamp(day.saturating_mul(DAY).saturating_add(time - self.offset));
        worked.then(|| (at(self.opens), at(self.closes)))
    }

    /// The end of the next working day after the day of `at`.
    fn next_close(&self, at: Timestamp) -> Option<Timestamp> {
        let today = self.day(at);
        (1..=DAYS_MAX).find_map(|ahead| self.hours(today + ahead)).map(|(_, closes)| closes)
    }

    /// When so much working time has passed.
    fn worked(&self, at: Timestamp, span: Span) -> Option<Timestamp> {
        let today = self.day(at);
        let mut left = span;
        for (opens, closes) in (0..=DAYS_MAX).filter_map(|ahead| self.hours(today + ahead)) {
            let from = opens.max(at);
            let there = closes.since(from);
            if left <= there && there > Span::default() {
                return Some(from.plus(left));
            }
            left = Span(left.0 - there.0);
        }
        None
    }
}

/// How often something comes round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Every {
    Day,
    Week,
    Month,
    Quarter,
}

impl Every {
    pub const ALL: [Every; 4] = [Every::Day, Every::Week, Every::Month, Every::Quarter];

    /// As people say it.
    pub fn name(self) -> &'static str {
        match self {
            Every::Day => "daily",
            Every::Week => "weekly",
            Every::Month => "monthly",
            Every::Quarter => "quarterly",
        }
    }

    /// The first day of the period that this day is in.
    fn start(self, day: i64) -> i64 {
        match self {
            Every::Day => day,
            Every::Week => day - (day + 3).rem_euclid(7),
            Every::Month => first_of_month(day),
            Every::Quarter => {
                let back = (date(day).month() - 1) % 3;
                (0..back).fold(first_of_month(day), |first, _| first_of_month(first - 1))
            }
        }
    }
}

fn date(day: i64) -> jiff::civil::Date {
    jiff::tz::Offset::UTC.to_datetime(Timestamp(day.saturating_mul(DAY)).to_jiff()).date()
}

fn first_of_month(day: i64) -> i64 {
    day - i64::from(date(day).day() - 1)
}

/// A moment that comes round: the first working day of each period, when work begins or at a time of day. Without a
/// calendar every day is worked, from nine o'clock UTC on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Beat {
    pub every: Every,
    /// In microseconds after midnight.
    pub at: Option<i64>,
}

static ALWAYS: Calendar = Calendar {
    offset: 0,
    days: [true; 7],
    opens: DAY / 24 * 9,
    closes: DAY / 24 * 17,
    holidays: BTreeSet::new(),
};

impl Beat {
    /// The first one that is later.
    pub fn next(self, after: Timestamp, calendar: Option<&Calendar>) -> Timestamp {
        let calendar = calendar.unwrap_or(&ALWAYS);
        let today = calendar.day(after);
        let begins = |day: &i64| {
            let worked = |day: i64| calendar.hours(day).is_some();
            worked(*day) && !(self.every.start(*day)..*day).any(worked)
        };
        let at = |day: i64| {
            let midnight = day.saturating_mul(DAY).saturating_sub(calendar.offset);
            Timestamp(midnight.saturating_add(self.at.unwrap_or(calendar.opens)))
        };
        let mut days = (today..today.saturating_add(DAYS_MAX)).filter(begins).map(at);
        days.find(|at| *at > after).unwrap_or(Timestamp::MAX)
    }

    /// Whether it comes round at exactly this time.
    pub fn is_at(self, time: Timestamp, calendar: Option<&Calendar>) -> bool {
        self.next(Timestamp(time.0.saturating_sub(1)), calendar) == time
    }
}

/// How long somebody may wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Every hour counts.
    Plain(Span),
    /// Working time alone counts.
    Business(Span),
    /// Until the end of the next working day.
    NextBusinessDay,
}

impl Wait {
    /// Without a calendar working time is all time, and the next working day ends 24 hours on.
    pub fn after(self, at: Timestamp, calendar: Option<&Calendar>) -> Timestamp {
        let (plain, by_calendar) = match self {
            Wait::Plain(span) => (span, None),
            Wait::Business(span) => (span, calendar.and_then(|known| known.worked(at, span))),
            Wait::NextBusinessDay => {
                (Span(DAY.unsigned_abs()), calendar.and_then(|known| known.next_close(at)))
            }
        };
        by_calendar.unwrap_or_else(|| at.plus(plain))
    }
}

/// As content writes it.
impl fmt::Display for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Wait::Plain(span) => span.fmt(f),
            Wait::Business(span) => write!(f, "business {span}"),
            Wait::NextBusinessDay => f.write_str("next_business_day"),
        }
    }
}

#[cfg(test)]
mod tests;
