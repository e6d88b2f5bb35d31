//! `calendar.yaml`: when people work. The file may be missing; then every hour counts.

use std::collections::BTreeSet;

use jiff::civil::{Date, Time};
use serde::Deserialize;

use super::{
    Files,
    report::{Report, only, shorten},
};
use crate::{
    content::calendar::{Calendar, Wait},
    document::{Problem, Spanned},
    time::Span,
};

const HOLIDAYS_MAX: usize = 1_000;
const HOUR: i64 = 3_600_000_000;
const DAYS: [&str; 7] = ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"];
/// The most working time that one wait may name.
const BUSINESS_MOST: Span = Span::secs(30 * 86_400);

#[derive(Deserialize)]
struct Document {
    offset: Spanned<String>,
    working_days: Spanned<Vec<Spanned<String>>>,
    hours: Spanned<HoursDocument>,
    #[serde(default)]
    holidays: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
struct HoursDocument {
    from: Spanned<String>,
    to: Spanned<String>,
}

pub(super) fn read(files: &Files<'_>, problems: &mut Vec<Problem>) -> Option<Calendar> {
    let (document, mut report) = only::<Document>(files, problems)?;
    let days = days(&document.working_days, &mut report);
    let (opens, closes) = (time(&document.hours.from, &mut report), time(&document.hours.to, &mut report));
    if let (Some(opens), Some(closes)) = (opens, closes)
        && closes - opens < HOUR
    {
        report
            .at(&document.hours.to, "the hours of a day must be at least one, and end on the day they begin");
    }
    let calendar = Calendar {
        offset: offset(&document.offset, &mut report),
        days,
        opens: opens.unwrap_or_default(),
        closes: closes.unwrap_or(HOUR),
        holidays: holidays(&document.holidays, &mut report),
    };
    Some(calendar)
}

fn days(names: &Spanned<Vec<Spanned<String>>>, report: &mut Report<'_>) -> [bool; 7] {
    report.unique("the day", names);
    if names.is_empty() {
        report.at(names, "no day is worked; list at least one, such as monday");
    }
    let mut days = [false; 7];
    for name in names.iter() {
        match DAYS.iter().zip(&mut days).find(|(known, _)| **known == name.value) {
            Some((_, worked)) => *worked = true,
            None => {
                let message = super::report::unknown("day", name, DAYS.into_iter());
                report.at(name, message);
            }
        }
    }
    days
}

/// `+02:00`, up to 14 hours either way.
fn offset(text: &Spanned<String>, report: &mut Report<'_>) -> i64 {
    let (sign, rest) = match text.split_at_checked(1) {
        Some(("+", rest)) => (1, rest),
        Some(("-", rest)) => (-1, rest),
        Some(_) | None => (0, ""),
    };
    match micros(rest).filter(|micros| *micros <= 14 * HOUR) {
        Some(micros) => sign * micros,
        None => {
            let shown = shorten(text);
            report.at(
                text,
                format!("the offset `{shown}` is not one from UTC such as \"+02:00\" or \"-05:30\""),
            );
            0
        }
    }
}

pub(super) fn time(text: &Spanned<String>, report: &mut Report<'_>) -> Option<i64> {
    let found = if text.as_str() == "24:00" { Some(24 * HOUR) } else { micros(text) };
    if found.is_none() {
        report.at(text, format!("`{}` is not a time of day such as \"09:00\"", shorten(text)));
    }
    found
}

/// `HH:MM` in microseconds.
fn micros(text: &str) -> Option<i64> {
    let whole = text.len() == 5 && text.is_ascii();
    let time = whole.then(|| Time::strptime("%H:%M", text).ok()).flatten()?;
    Some(i64::from(time.hour()) * HOUR + i64::from(time.minute()) * (HOUR / 60))
}

fn holidays(list: &[Spanned<String>], report: &mut Report<'_>) -> BTreeSet<i64> {
    report.unique("the holiday", list);
    if let Some(first) = list.get(HOLIDAYS_MAX) {
        report.at(first, format!("only {HOLIDAYS_MAX} holidays are kept; take old ones out"));
    }
    let mut days = BTreeSet::new();
    for text in list.iter().take(HOLIDAYS_MAX) {
        let date = text.parse::<Date>().ok().filter(|_| text.len() == 10);
        match date.and_then(|date| date.since(Date::constant(1970, 1, 1)).ok()) {
            Some(span) => {
                days.insert(i64::from(span.get_days()));
            }
            None => report.at(text, format!("`{}` is not a day such as 2026-12-25", shorten(text))),
        }
    }
    days
}

/// `4h`, `business 4h` or `next_business_day`.
pub(super) fn wait(
    what: &str,
    text: &Spanned<String>,
    least: Span,
    most: Span,
    report: &mut Report<'_>,
) -> Wait {
    if text.as_str() == "next_business_day" {
        return Wait::NextBusinessDay;
    }
    match text.strip_prefix("business ") {
        Some(span) => {
            let span = text.clone().map(|_| span.trim().to_owned());
            Wait::Business(report.span(what, &span, Span::secs(60), BUSINESS_MOST))
        }
        None => Wait::Plain(report.span(what, text, least, most)),
    }
}
