//! `recovery.yaml`: how long what is resolved is watched, who signs, and when reports are due.

use serde::Deserialize;

use super::{
    Files, Types,
    report::{Report, only, unknown},
};
use crate::{
    document::{Problem, Spanned},
    recovery::{Close, Recovery, Require},
    severity::Severity,
    time::Span,
};

const WATCH_MOST: Span = Span::secs(30 * 86_400);
const PROBE_LEAST: Span = Span::secs(10);
const LOOK_LEAST: Span = Span::secs(60);
const LOOK_MOST: Span = Span::secs(30 * 86_400);
const REPORT_LEAST: Span = Span::secs(3_600);
const REPORT_MOST: Span = Span::secs(365 * 86_400);

#[derive(Deserialize)]
struct RecoveryDocument {
    #[serde(default)]
    watch: WatchDocument,
    sign_off: Option<Severity>,
    reports: Option<ReportsDocument>,
    #[serde(default)]
    require: RequireDocument,
    probe_every: Option<Spanned<String>>,
    #[serde(default)]
    close: CloseDocument,
}

#[derive(Default, Deserialize)]
struct CloseDocument {
    log: Option<Severity>,
    backup: Option<Severity>,
    detection: Option<Severity>,
    #[serde(default)]
    types: Vec<Spanned<String>>,
    within: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
struct RequireDocument {
    restored: Option<Severity>,
    data: Option<Severity>,
    posture: Option<Severity>,
}

#[derive(Default, Deserialize)]
struct WatchDocument {
    informational: Option<Spanned<String>>,
    low: Option<Spanned<String>>,
    medium: Option<Spanned<String>>,
    high: Option<Spanned<String>>,
    critical: Option<Spanned<String>>,
}

#[derive(Deserialize)]
struct ReportsDocument {
    initial: Spanned<String>,
    detailed: Spanned<String>,
    r#final: Spanned<String>,
    remind: Option<Spanned<String>>,
}

/// What the folder says of recovery; the default where it says nothing.
pub(super) fn read(files: &Files<'_>, types: Option<&Types>, problems: &mut Vec<Problem>) -> Recovery {
    let Some((document, mut report)) = only::<RecoveryDocument>(files, problems) else {
        return Recovery::default();
    };
    let watch = document.watch;
    let by_severity = [watch.informational, watch.low, watch.medium, watch.high, watch.critical];
    let watch = by_severity.map(|text| {
        text.map_or(Span::default(), |text| report.span("the watch", &text, Span::default(), WATCH_MOST))
    });
    let RequireDocument { restored, data, posture } = document.require;
    let every = document.probe_every.as_ref();
    let probe_every = every.map(|text| report.span("the time between probes", text, PROBE_LEAST, WATCH_MOST));
    let mut recovery = Recovery {
        watch,
        sign_off: document.sign_off,
        require: Require { restored, data, posture },
        probe_every,
        close: read_close(&document.close, types, &mut report),
        ..Recovery::default()
    };
    if let Some(reports) = document.reports {
        read_reports(&reports, &mut recovery, &mut report);
    }
    recovery
}

fn read_close(close: &CloseDocument, types: Option<&Types>, report: &mut Report<'_>) -> Close {
    report.unique("the type", &close.types);
    for name in &close.types {
        if let Some(types) = types.filter(|types| !types.types.contains_key(name.as_str())) {
            report.at(name, unknown("incident type", name, types.types.keys().map(String::as_str)));
        }
    }
    let within = close.within.as_ref();
    let within = within.map(|text| report.span("the age of a look", text, LOOK_LEAST, LOOK_MOST));
    Close {
        log: close.log,
        backup: close.backup,
        detection: close.detection,
        types: close.types.iter().map(|name| name.as_str().into()).collect(),
        within: within.unwrap_or(Close::default().within),
    }
}

fn read_reports(reports: &ReportsDocument, recovery: &mut Recovery, report: &mut Report<'_>) {
    let texts = [&reports.initial, &reports.detailed, &reports.r#final];
    recovery.reports = texts.map(|text| report.span("the deadline", text, REPORT_LEAST, REPORT_MOST));
    let pairs = recovery.reports.windows(2).zip(crate::recovery::REPORTS);
    for ((pair, before), text) in pairs.zip(&texts[1..]) {
        if pair[1] <= pair[0] {
            report.at(text, format!("this report is due no later than the {before} one; make it later"));
        }
    }
    if let Some(remind) = &reports.remind {
        recovery.remind = report.span("the reminder", remind, Span::default(), recovery.reports[0]);
    }
}
