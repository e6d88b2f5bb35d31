//! `channels.yaml` and `templates/*.txt`: how people are reached, and with which words.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Files,
    report::{Report, Seen, read_reported, shorten, unknown},
};
use crate::{
    content::channels::{Channel, ChannelKind, Channels, Order},
    document::{Position, Problem, Spanned},
    notice::{self, Reason},
    severity::Severity,
    time::Span,
};

const TIMEOUT_LEAST: Span = Span::secs(1);
const TIMEOUT_MOST: Span = Span::secs(120);
const TIMEOUT_DEFAULT: Span = Span::secs(15);
const ATTEMPTS_DEFAULT: u32 = 3;
const ATTEMPTS_MOST: u32 = 10;
const TEMPLATE_BYTES_MAX: usize = 16 * 1024;

#[derive(Deserialize)]
struct ChannelsDocument {
    channels: Vec<ChannelDocument>,
    orders: Vec<OrderDocument>,
}

#[derive(Deserialize)]
struct ChannelDocument {
    name: Spanned<String>,
    kind: ChannelKind,
    address: Option<Spanned<String>>,
    timeout: Option<Spanned<String>>,
    attempts: Option<Spanned<u32>>,
}

#[derive(Deserialize)]
struct OrderDocument {
    #[serde(default)]
    reasons: Vec<Reason>,
    min_severity: Option<Severity>,
    channels: Vec<Spanned<String>>,
}

/// The channels of the folder; without the file, everything stands on the dashboard alone.
pub(super) fn read(files: &Files<'_>, problems: &mut Vec<Problem>) -> Channels {
    let Some((path, text)) = files.first() else { return Channels::dashboard() };
    let (document, mut report) = read_reported::<ChannelsDocument>(path, text, problems);
    let Some(document) = document else { return Channels::default() };
    let mut seen = Seen::default();
    let mut channels = Vec::new();
    for channel in &document.channels {
        if seen.insert("the channel", &channel.name, &mut report) {
            channels.push(check(channel, &mut report));
        }
    }
    let mut orders = Vec::new();
    for order in document.orders {
        for name in &order.channels {
            if !channels.iter().any(|channel| channel.name == name.value) {
                report.at(name, unknown("channel", name, channels.iter().map(|c| c.name.as_str())));
            }
        }
        report.unique("the channel", &order.channels);
        let names = order.channels.into_iter().map(|name| name.value).collect();
        let min_severity = order.min_severity.unwrap_or(Severity::Informational);
        orders.push(Order { reasons: order.reasons, min_severity, channels: names });
    }
    Channels { channels, orders }
}

fn check(channel: &ChannelDocument, report: &mut Report<'_>) -> Channel {
    report.id("the channel", &channel.name);
    if let Some(address) = &channel.address {
        report.line("the address", address);
    }
    let attempts = channel.attempts.as_ref().map_or(ATTEMPTS_DEFAULT, |attempts| {
        if !(1..=ATTEMPTS_MOST).contains(&attempts.value) {
            report.at(attempts, format!("`attempts` must be 1 to {ATTEMPTS_MOST}"));
        }
        attempts.value
    });
    let timeout = channel.timeout.as_ref();
    Channel {
        name: channel.name.value.clone(),
        kind: channel.kind,
        address: channel.address.as_ref().map(|address| address.value.clone()),
        timeout: timeout
            .map_or(TIMEOUT_DEFAULT, |text| report.span("the timeout", text, TIMEOUT_LEAST, TIMEOUT_MOST)),
        attempts,
    }
}

/// The templates by name, each rendered once against a sample.
pub(super) fn templates(files: &Files<'_>, problems: &mut Vec<Problem>) -> BTreeMap<String, String> {
    let mut templates = BTreeMap::new();
    for (path, text) in files {
        let name = path.trim_start_matches("templates/").trim_end_matches(".txt");
        if let Err(problem) = try_out(path, text) {
            problems.push(problem);
        }
        templates.insert(name.to_owned(), (*text).to_owned());
    }
    templates
}

fn try_out(path: &str, text: &str) -> Result<(), Problem> {
    if text.len() > TEMPLATE_BYTES_MAX {
        let message = format!("the template has {} bytes; at most {TEMPLATE_BYTES_MAX} are read", text.len());
        return Err(Problem::new(path, Position::default(), message));
    }
    let filled = notice::fill(text, &notice::sample());
    filled.map(|_| ()).map_err(|error| {
        let number = error.line().unwrap_or(1).max(1);
        // The library knows the line; the first tag in it is the place, or close to it.
        let row = text.lines().nth(number - 1).unwrap_or_default();
        let before = row.split_once('{').map_or("", |(before, _)| before);
        let column = u32::try_from(before.chars().count() + 1).unwrap_or(u32::MAX);
        let line = u32::try_from(number).unwrap_or(u32::MAX);
        let known = notice::FIELDS.map(|field| format!("`{field}`")).join(", ");
        let message = format!("{}; a template can name {known}", shorten(&error.to_string()));
        Problem::new(path, Position { line, column }, message)
    })
}
