//! `targets.yaml` and `confidence.yaml`: wrong ones, and what right ones change.

use expect_test::{Expect, expect};

use super::{check, load, shipped::shipped};
use crate::{correlate::classify, detect::Subject, labels::Labels, severity::Severity, time::Span};

fn targets(text: &str, expect: Expect) {
    check(&[("targets.yaml", text)], expect);
}

const CONFIDENCE: &str = "labelled: 90\nunlisted: 60\nrule: 60\nagreeing: 10\ndisagreeing: 15\nseverity_unclear: 30\nact_from: 50\n";

#[test]
fn targets_that_are_wrong() {
    targets(
        "all: { detection: never }\n",
        expect![[r#"
        targets.yaml:1:19: the time to detection: `never` is not a duration such as 500ms, 10s, 15m, 4h, 7d or 1h30m
    "#]],
    );
    targets(
        "all: { detected: 5m }\n",
        expect![[r#"
        targets.yaml:1:8: unknown field `detected`; expected one of `detection`, `first_containment`, `verified`, `recovery`
    "#]],
    );
    targets(
        "all: { verified: 10s, first_containment: 30s }\n",
        expect![[r#"
        targets.yaml:1:18: everything would be verified before the first containment; make it later
    "#]],
    );
    targets(
        "severities:\n  High: { detection: 5m }\n",
        expect![[r#"
        targets.yaml:2:9: unknown severity `High`; did you mean `high`?
    "#]],
    );
    targets(
        "categories:\n  blokchain: { recovery: 1h }\n",
        expect![[r#"
        targets.yaml:2:14: unknown category `blokchain`; did you mean `blockchain`?
    "#]],
    );
    targets(
        "figures: { time_to_detct: 5m }\n",
        expect![[r#"
        targets.yaml:1:27: unknown figure `time_to_detct`; did you mean `time_to_detect`?
    "#]],
    );
    targets(
        "figures: { automation_rate: '0.9', time_to_resolve: soon, total_incidents: '3' }\n",
        expect![[r#"
        targets.yaml:1:29: Automation rate is a share; write such as 95%
        targets.yaml:1:53: Time to resolve: `soon` is not a duration such as 500ms, 10s, 15m, 4h, 7d or 1h30m
        targets.yaml:1:76: Incidents is a count, which has no target
    "#]],
    );
    targets(
        "all: { recovery: 0s }\n",
        expect![[r#"
        targets.yaml:1:18: the time to recovery of 0s is out of bounds; use 1s to 365d
    "#]],
    );
}

#[test]
fn weights_that_are_wrong() {
    let weights = |from: &str, to: &str, expect: Expect| {
        check(&[("confidence.yaml", &CONFIDENCE.replace(from, to))], expect);
    };
    weights(
        "labelled: 90",
        "labelled: 100",
        expect![[r#"
        confidence.yaml:1:11: 100 is out of bounds; use 0 to 99 points
    "#]],
    );
    weights(
        "rule: 60\n",
        "",
        expect![[r#"
        confidence.yaml:1:1: the field `rule` is missing
    "#]],
    );
    weights(
        "act_from: 50",
        "act_from: 95",
        expect![[r#"
        confidence.yaml:7:11: not even what a source names itself would be acted on; make it at most `labelled`
    "#]],
    );
    weights(
        "act_from: 50",
        "act_from: 0",
        expect![[r#"
        confidence.yaml:7:11: what nobody vouches for would be acted on; make it at least 1
    "#]],
    );
    weights(
        "agreeing: 10",
        "agreeing: -1",
        expect![[r#"
        confidence.yaml:4:11: expected a whole number, not negative, found the number `-1`
    "#]],
    );
}

#[test]
fn of_all_targets_that_apply_the_shortest_holds() {
    let content = load(&shipped()).0;
    let of = |category: &str, severity| content.targets.of(Some(category), severity);
    let node = of("blockchain", Severity::Critical);
    assert_eq!((node.detection, node.recovery), (Some(Span::secs(300)), Some(Span::secs(7_200))));
    let model = of("ai_security", Severity::Critical);
    assert_eq!((model.detection, model.recovery), (Some(Span::secs(30)), Some(Span::secs(1_800))));
    let low = of("application", Severity::Low);
    assert_eq!((low.first_containment, low.recovery), (Some(Span::secs(30)), Some(Span::secs(604_800))));
    let unknown = content.targets.of(None, Severity::Informational);
    assert_eq!((unknown.verified, unknown.recovery), (Some(Span::secs(300)), None));
}

#[test]
fn a_drill_asks_for_no_less_than_the_targets() {
    let mut files = shipped();
    let lax = files["drills/prompt_injection.yaml"].replace("detected: 30s", "detected: 31s");
    files.insert("drills/prompt_injection.yaml".to_owned(), lax);
    let problems: Vec<String> = load(&files).1.iter().map(ToString::to_string).collect();
    let expected = "drills/prompt_injection.yaml:4:13: targets.yaml holds such an incident to 30s; a drill asks for no less";
    assert_eq!(problems, [expected]);
    // Where the targets are looser, so may the drill be.
    let targets = files["targets.yaml"].replace("detection: 30s", "detection: 2m");
    files.insert("targets.yaml".to_owned(), targets);
    assert!(load(&files).1.is_empty());
}

#[test]
fn the_weights_of_the_content_decide_whether_it_is_sure_enough() {
    let labels = [("alertname", "NodeDown")].into();
    let none = Labels::default();
    let subject = Subject { labels: &labels, annotations: &none };
    let mut files = shipped();
    let sure = classify(&load(&files).0, subject).unwrap();
    assert_eq!(sure.confidence, 70);
    assert!(!sure.why.contains("too low"), "{}", sure.why);
    files.insert("confidence.yaml".to_owned(), CONFIDENCE.replace("rule: 60", "rule: 20"));
    let unsure = classify(&load(&files).0, subject).unwrap();
    assert_eq!(unsure.confidence, 30);
    assert!(unsure.why.ends_with("confidence 0.30 is too low to act on alone"), "{}", unsure.why);
    // What a content demands in its place may be less.
    let bold = CONFIDENCE.replace("rule: 60", "rule: 20").replace("act_from: 50", "act_from: 30");
    files.insert("confidence.yaml".to_owned(), bold);
    assert!(!classify(&load(&files).0, subject).unwrap().why.contains("too low"));
}

#[test]
fn looks_before_the_close_that_are_wrong() {
    check(
        &[("recovery.yaml", "close: { log: grave, types: [disk_fulll], within: 1s, detect: high }\n")],
        expect![[r#"
            recovery.yaml:1:15: unknown value `grave`; expected one of `informational`, `low`, `medium`, `high`, `critical`
            recovery.yaml:1:55: unknown field `detect`; expected one of `log`, `backup`, `detection`, `types`, `within`
        "#]],
    );
}

#[test]
fn types_and_ages_of_looks_that_are_wrong() {
    let mut files = shipped();
    let text = "close: { types: [disk_fulll], within: 1s }\n";
    files.insert("recovery.yaml".to_owned(), text.to_owned());
    let said = format!("{:?}", load(&files).1);
    for part in ["unknown incident type `disk_fulll`", "the age of a look"] {
        assert!(said.contains(part), "{said}");
    }
}

#[test]
fn controls_that_are_wrong() {
    check(
        &[(
            "compliance.yaml",
            "controls:\n  a: { group: legal, title: A, check: figure, figure: sla }\n  b: { group: internal, title: B, check: drilled }\n  c: { group: internal, title: C, check: two_people, within: 1d }\n  d: { group: internal, title: D, check: magic }\n",
        )],
        expect![[r#"
            compliance.yaml:2:15: unknown group `legal`; known: `regulatory`, `industry`, `internal`, `documentation`
            compliance.yaml:2:55: unknown figure `sla`; 31 are defined
            compliance.yaml:3:42: `drilled` needs `within`
            compliance.yaml:4:62: `two_people` takes no `within`; leave it out
            compliance.yaml:5:42: unknown check `magic`; known: `reviews_in_time`, `actions_in_time`, `figure`, `log_signed`, `evidence_checked`, `drilled`, `two_people`, `clock_trusted`, `plans_written`, `log_verifies`, `backup_restores`
        "#]],
    );
}
