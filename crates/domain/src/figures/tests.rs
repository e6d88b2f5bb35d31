//! Each figure on incidents that were driven to their end, and on rows where the arithmetic can be seen.

use expect_test::expect;

use super::*;
use crate::{
    incident::{self, Disposition, Tally},
    labels::Labels,
    scene::Scene,
};

const START: Timestamp = Timestamp(1_800_000_000_000_000);

fn at(seconds: u64) -> Timestamp {
    START.plus(Span::secs(seconds))
}

/// Resolved after an hour, contained after ten seconds, alone.
fn case(id: u64, opened: u64) -> Case {
    Case {
        id: IncidentId::from_number(id),
        incident_type: "unauthorized_access".into(),
        severity: Severity::High,
        drill: false,
        opened_at: at(opened),
        onset: Some(at(opened)),
        acknowledged_at: Some(at(opened + 60)),
        contained_at: Some(at(opened + 10)),
        resolved_at: Some(at(opened + 3_600)),
        recovery_at: None,
        recovered_at: None,
        disposition: Some(Disposition::TruePositive),
        relapses: 0,
        tally: Tally { noticed: true, alone: 9, contained: 1, ..Tally::default() },
        same: format!("{id}").into(),
        open: false,
    }
}

fn made(cases: &[Case], now: u64) -> Figures {
    let scene = Scene::new(&[]);
    let window = Window { since: START, until: at(1_000_000) };
    figures(cases, &[], &scene.state.content, window, at(now))
}

fn line(figures: &Figures, name: &str) -> String {
    let figure = figures.all.named(name).unwrap();
    let text = |value: Option<f64>| value.map_or_else(|| "-".to_owned(), |value| value.to_string());
    let oldest = figure.oldest.map_or_else(String::new, |oldest| format!(", oldest {oldest}"));
    let (value, p50, p95) = (text(figure.value), text(figure.p50), text(figure.p95));
    format!("{value} p50 {p50} p95 {p95} n {} open {}{oldest} met {:?}", figure.n, figure.open, figure.met)
}

#[test]
fn times_have_their_percentiles_and_what_is_open_is_counted_as_such() {
    let mut cases: Vec<Case> = (1..=20).map(|id| case(id, id * 1_000)).collect();
    for (case, took) in cases.iter_mut().zip(1..) {
        case.resolved_at = Some(case.opened_at.plus(Span::secs(took * 100)));
    }
    let open = Case { resolved_at: None, acknowledged_at: None, open: true, ..case(21, 30_000) };
    let never = Case { resolved_at: None, contained_at: None, ..case(22, 31_000) };
    cases.extend([open, never]);
    let figures = made(&cases, 40_000);
    expect!["1050 p50 1000 p95 1900 n 20 open 1, oldest 2h46m met Some(true)"]
        .assert_eq(&line(&figures, "time_to_resolve"));
    expect!["60 p50 60 p95 60 n 21 open 1, oldest 2h46m met Some(true)"]
        .assert_eq(&line(&figures, "time_to_acknowledge"));
    expect!["10 p50 10 p95 10 n 21 open 0 met Some(true)"].assert_eq(&line(&figures, "time_to_contain"));
    expect!["- p50 - p95 - n 0 open 0 met None"].assert_eq(&line(&figures, "time_to_recover"));
    let resolved = figures.all.named("time_to_resolve").unwrap();
    assert_eq!(resolved.incidents[0], IncidentId::from_number(21), "it links what it is made of");
}

#[test]
fn rates_are_sums_against_sums_and_nothing_is_made_of_nothing() {
    let mut cases: Vec<Case> = (1..=4).map(|id| case(id, id * 1_000)).collect();
    cases[0].tally = Tally { alone: 6, asked: 1, by_hand: 3, ..Tally::default() };
    cases[1].disposition = Some(Disposition::FalsePositive);
    cases[1].tally.escalated = 2;
    cases[2].tally.uncontained = 1;
    cases[3].disposition = None;
    let figures = made(&cases, 40_000);
    // 6 + 9 + 9 + 9 of 37.
    expect!["89.19 p50 - p95 - n 37 open 0 met Some(false)"].assert_eq(&line(&figures, "automation_rate"));
    expect!["10.81 p50 - p95 - n 37 open 0 met Some(false)"].assert_eq(&line(&figures, "manual_rate"));
    expect!["33.33 p50 - p95 - n 3 open 0 met Some(false)"].assert_eq(&line(&figures, "false_positive_rate"));
    expect!["25 p50 - p95 - n 4 open 0 met Some(false)"].assert_eq(&line(&figures, "escalation_rate"));
    expect!["75 p50 - p95 - n 4 open 0 met Some(false)"]
        .assert_eq(&line(&figures, "automated_detection_rate"));
    expect!["75 p50 - p95 - n 4 open 0 met Some(false)"]
        .assert_eq(&line(&figures, "containment_success_rate"));
    expect!["- p50 - p95 - n 0 open 0 met None"].assert_eq(&line(&figures, "recovery_success_rate"));
    let none = made(&[], 40_000);
    expect!["- p50 - p95 - n 0 open 0 met None"].assert_eq(&line(&none, "automation_rate"));
    expect!["0 p50 - p95 - n 0 open 0 met None"].assert_eq(&line(&none, "total_incidents"));
    expect!["0 p50 - p95 - n 0 open 0 met None"].assert_eq(&line(&none, "lessons_applied"));
}

#[test]
fn recoveries_count_when_all_services_came_back_and_stayed() {
    let recovered = |id, took: u64, relapses| Case {
        recovery_at: Some(at(id * 1_000 + 20)),
        recovered_at: Some(at(id * 1_000 + 20 + took)),
        relapses,
        ..case(id, id * 1_000)
    };
    let never = Case { recovered_at: None, ..recovered(4, 0, 0) };
    let figures = made(&[recovered(1, 100, 0), recovered(2, 200, 0), recovered(3, 240, 1), never], 40_000);
    expect!["180 p50 200 p95 240 n 3 open 0 met Some(true)"].assert_eq(&line(&figures, "time_to_recover"));
    expect!["50 p50 - p95 - n 4 open 0 met Some(false)"].assert_eq(&line(&figures, "recovery_success_rate"));
    let slow = made(&[recovered(1, 301, 0)], 40_000);
    assert_eq!(slow.all.named("time_to_recover").unwrap().met, Some(false), "five minutes are the target");
}

#[test]
fn what_reviews_answer_and_finish_is_a_figure_with_its_number_of_answers() {
    let look = |number: u64, rightly: Option<bool>, finished: u32| Lookback {
        id: crate::id::ReviewId::from_number(100 + number),
        incident: IncidentId::from_number(number),
        opened_at: at(number * 1_000 + 3_600),
        severity: Some(Severity::High),
        drill: false,
        incident_type: "unauthorized_access".into(),
        targets: Vec::new(),
        answers: crate::review::Answers { escalated_rightly: rightly, ..Default::default() },
        lessons: None,
        planned: 2,
        finished,
        action_due: None,
        reports: Vec::new(),
    };
    let cases: Vec<Case> = (1..=4).map(|id| case(id, id * 1_000)).collect();
    let scene = Scene::new(&[]);
    let window = Window { since: START, until: at(1_000_000) };
    let reviews =
        [look(1, Some(true), 2), look(2, Some(false), 1), look(3, None, 0), look(9, Some(false), 7)];
    let figures = figures(&cases, &reviews, &scene.state.content, window, at(40_000));
    expect!["50 p50 - p95 - n 2 open 0 met Some(false)"].assert_eq(&line(&figures, "escalation_accuracy"));
    expect!["3 p50 - p95 - n 3 open 0 met None"].assert_eq(&line(&figures, "lessons_applied"));
}

#[test]
fn the_same_thing_within_thirty_days_is_a_repeat_wherever_the_window_begins() {
    let mut cases = vec![case(1, 0), case(2, 1_000), case(3, 2_000), case(4, 4_000_000)];
    cases.iter_mut().for_each(|case| case.same = "same".into());
    cases[0].opened_at = Timestamp(START.0 - 1_000_000);
    cases[2].same = "other".into();
    let scene = Scene::new(&[]);
    let window = Window { since: START, until: at(5_000_000) };
    let figures = figures(&cases, &[], &scene.state.content, window, at(5_000_000));
    assert_eq!(figures.all.incidents, 3);
    // The second repeats the first; the fourth comes 46 days after it.
    expect!["33.33 p50 - p95 - n 3 open 0 met Some(false)"].assert_eq(&line(&figures, "repeat_rate"));
}

#[test]
fn drills_are_in_no_figure() {
    let drill = Case { drill: true, ..case(1, 1_000) };
    let figures = made(&[drill, case(2, 2_000)], 40_000);
    assert_eq!((figures.drills, figures.all.incidents), (1, 1));
    expect!["1 p50 - p95 - n 1 open 0 met None"].assert_eq(&line(&figures, "total_incidents"));
}

#[test]
fn a_missed_target_counts_before_the_incident_is_over() {
    let kept = case(1, 1_000);
    let late = Case { contained_at: Some(at(2_000 + 31)), ..case(2, 2_000) };
    let open = Case { resolved_at: None, disposition: None, open: true, ..case(3, 3_000) };
    let cases = [kept, late, open];
    expect!["50 p50 - p95 - n 2 open 0 met Some(false)"]
        .assert_eq(&line(&made(&cases, 4_000), "sla_compliance"));
    // By now the third is open for longer than an incident of its severity may be.
    expect!["33.33 p50 - p95 - n 3 open 0 met Some(false)"]
        .assert_eq(&line(&made(&cases, 40_000), "sla_compliance"));
}

#[test]
fn figures_stand_apart_by_severity_and_category() {
    let other =
        Case { severity: Severity::Critical, incident_type: "prompt_injection".into(), ..case(2, 2_000) };
    let figures = made(&[case(1, 1_000), other], 40_000);
    let names = |groups: &[Group]| groups.iter().map(|group| group.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&figures.by_severity), ["critical", "high"]);
    assert_eq!(names(&figures.by_category), ["ai_security", "security"]);
    assert!(figures.by_severity.iter().all(|group| group.incidents == 1));
}

#[test]
fn a_driven_incident_leaves_what_happened() {
    let mut scene = Scene::new(&[]);
    let labels =
        [("alertname", "Intrusion"), ("incident_type", "unauthorized_access"), ("account", "account-3")];
    let labels = Labels::from_pairs(labels.to_vec()).unwrap();
    let starts_at = Timestamp(scene.now.0 - 20_000_000);
    let alert = crate::alert::Received { labels, starts_at: Some(starts_at), ..Default::default() };
    scene.received(alert).unwrap();
    crate::stories::everything_works(&mut scene);
    let id = scene.incident();
    scene.wait(Span::secs(90));
    scene.must(crate::flow::Command::Incident(incident::Command::Acknowledge { id }));
    let case = Case::of(&scene.state.incidents.open[&id]);
    assert!(case.open && case.tally.noticed);
    assert_eq!(case.opened_at.since(case.onset.unwrap()), Span::secs(20));
    assert_eq!(case.acknowledged_at.unwrap().since(case.opened_at), Span::secs(90));
    assert_eq!((case.tally.contained, case.tally.uncontained), (1, 0));
    assert_eq!((case.tally.alone, case.tally.asked, case.tally.by_hand), (2, 0, 0));
    assert!(case.tally.verified_at.is_some());
    let read: Case = serde_json::from_str(&serde_json::to_string(&case).unwrap()).unwrap();
    assert_eq!(read, case);
}

#[test]
fn phases_and_the_share_of_what_is_resolved() {
    // Known after 20 s, contained after 10, on its way back after 600, resolved after an hour.
    let whole = Case { onset: Some(at(980)), recovery_at: Some(at(1_600)), ..case(1, 1_000) };
    // Nothing was contained and nothing brought back.
    let looked = Case { contained_at: None, resolved_at: Some(at(2_100)), ..case(2, 2_000) };
    let open = Case { contained_at: Some(at(3_040)), resolved_at: None, open: true, ..case(3, 3_000) };
    // What looks after the response itself is no incident of it.
    let upkeep = Case { incident_type: "metrics_review".into(), ..case(4, 4_000) };
    let figures = made(&[whole, looked, open, upkeep], 13_040);
    expect!["6.667 p50 0 p95 20 n 3 open 0 met None"].assert_eq(&line(&figures, "phase_detection"));
    expect!["50 p50 40 p95 100 n 3 open 0 met None"].assert_eq(&line(&figures, "phase_analysis"));
    expect!["590 p50 590 p95 590 n 1 open 1, oldest 2h46m met None"]
        .assert_eq(&line(&figures, "phase_response"));
    expect!["3000 p50 3000 p95 3000 n 1 open 0 met None"].assert_eq(&line(&figures, "phase_recovery"));
    expect!["66.67 p50 - p95 - n 3 open 0 met None"].assert_eq(&line(&figures, "resolution_rate"));
}
