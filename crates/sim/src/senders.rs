//! Those who send alerts: few groups, so that they meet; new ones, repeats, changes, resolutions, duplicates in one
//! delivery, and one that is no alert.

use domain::{
    alert::Received,
    labels::Labels,
    record::Record,
    time::{Span, Timestamp},
};

use crate::chance::Chance;

/// One delivery, as some source sends it.
pub(crate) fn delivery(chance: &mut Chance, now: Timestamp) -> Vec<Received> {
    let mut alerts: Vec<Received> = (0..chance.within(1, 3)).map(|_| alert(chance, now)).collect();
    if chance.permille(150) {
        alerts.extend(alerts.first().cloned());
    }
    if chance.permille(20) {
        alerts.push(Received::default());
    }
    alerts
}

/// Telemetry of few machines and accounts, so that it adds up, and some that no rule is about.
pub(crate) fn records(chance: &mut Chance, now: Timestamp) -> Vec<Record> {
    let one = |chance: &mut Chance| {
        let (who, host) = (format!("guest-{}", chance.below(3)), format!("outer-{}", chance.below(2)));
        let load = if chance.permille(900) { "97" } else { "12" };
        let fields = match chance.below(5) {
            0 | 1 => Labels::from([("event", "knock"), ("who", who.as_str())]),
            2 | 3 => Labels::from([("load", load), ("host", host.as_str())]),
            _ => Labels::from([("event", "nothing"), ("who", who.as_str())]),
        };
        let late = Span::secs(chance.below(50));
        let at = chance.permille(300).then(|| Timestamp(now.0.saturating_sub_unsigned(late.0)));
        Record { at, fields }
    };
    (0..chance.within(1, 6)).map(|_| one(chance)).collect()
}

fn alert(chance: &mut Chance, now: Timestamp) -> Received {
    let annotations = match chance.below(4) {
        0 => Labels::from([("summary", "changed")]),
        _ => Labels::from([("summary", "as ever")]),
    };
    let ends_at = match chance.below(10) {
        0 | 1 => Some(now),
        2 => Some(now.plus(Span::secs(chance.within(1, 900)))),
        _ => None,
    };
    let starts_at = chance.permille(300).then_some(Timestamp(now.0 - 60_000_000));
    Received {
        labels: labels(chance),
        annotations,
        starts_at,
        ends_at,
        generator_url: "".into(),
        report: None,
    }
}

fn labels(chance: &mut Chance) -> Labels {
    let group = chance.below(3);
    let source = if chance.permille(500) { "east" } else { "west" };
    let severity = chance.weighted(&[(8, "high"), (2, "critical"), (1, "informational"), (1, "strange")]);
    let named = |kind: &str| format!("{kind}-{group}");
    let (a, b, c, d) = (named("one"), named("two"), named("three"), named("four"));
    let common = ("source", source);
    match chance.below(11) {
        0..=3 => Labels::from([
            ("alertname", "Breach"),
            ("incident_type", "breach"),
            ("severity", severity),
            ("node", &a),
            ("segment", &b),
            ("account", &c),
            ("key", &d),
            common,
        ]),
        4..=6 => Labels::from([
            ("alertname", "Outage"),
            ("incident_type", "outage"),
            ("severity", severity),
            ("service", &a),
            ("segment", &named("side")),
            ("node", &named("inner")),
            ("account", &named("staff")),
            common,
        ]),
        7 => Labels::from([("alertname", "LeakSeen"), ("account", &named("guest")), common]),
        8 => Labels::from([
            ("alertname", "Leaking"),
            ("incident_type", "leak"),
            ("account", &named("guest")),
            ("service", &named("door")),
            ("node", &named("outer")),
        ]),
        9 => Labels::from([
            ("alertname", "Storm"),
            ("incident_type", "storm"),
            ("severity", severity),
            ("node", &named("gale")),
            common,
        ]),
        _ => Labels::from([("alertname", "Noise"), ("instance", &a), common]),
    }
}
