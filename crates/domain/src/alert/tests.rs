//! Raised once, repeated quietly, resolved once; muted and routed.

use expect_test::expect;

use super::{RESOLVE_TIMEOUT, Received};
use crate::{
    labels::Labels,
    scene::Scene,
    silence,
    time::{Span, Timestamp},
};

fn labels<const N: usize>(labels: [(&str, &str); N]) -> Received {
    Received { labels: labels.into(), ..Received::default() }
}

#[test]
fn a_delivery_is_raised_once_repeated_quietly_and_resolved_once() {
    let mut scene = Scene::new(&[]);
    scene.alert([("alertname", "Full"), ("disk", "sda")]);
    scene.alert([("disk", "sda"), ("alertname", "Full")]);
    scene.alert([("alertname", "Full"), ("disk", "sdb")]);
    let ended = Received { ends_at: Some(scene.now), ..labels([("alertname", "Full"), ("disk", "sda")]) };
    scene.received(ended.clone()).unwrap();
    scene.received(ended).unwrap();
    expect![[r#"
        alert.raised alert/2 no incident_type label and no rule matches
        alert.raised alert/3 no incident_type label and no rule matches
        alert.resolved alert/2
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn only_other_annotations_or_an_earlier_start_are_a_change() {
    let mut scene = Scene::new(&[]);
    let now = scene.now;
    let with = |value: &str, starts_at| Received {
        annotations: [("value", value)].into(),
        starts_at,
        ..labels([("alertname", "Hot")])
    };
    scene.received(with("90", Some(now))).unwrap();
    scene.received(with("90", Some(now.plus(Span::secs(5))))).unwrap();
    scene.received(with("91", Some(now))).unwrap();
    scene.received(with("91", Some(Timestamp(now.0 - 9)))).unwrap();
    expect![[r#"
        alert.raised alert/2 no incident_type label and no rule matches
        alert.changed alert/2
        alert.changed alert/2
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn what_is_not_repeated_ends_after_the_resolve_timeout() {
    let mut scene = Scene::new(&[]);
    scene.alert([("alertname", "Gone")]);
    scene.wait(Span::secs(200));
    scene.alert([("alertname", "Gone")]);
    scene.wait(Span::secs(200));
    expect!["alert.raised alert/2 no incident_type label and no rule matches\n"].assert_eq(&scene.look());
    scene.wait(RESOLVE_TIMEOUT);
    expect!["alert.resolved alert/2\n"].assert_eq(&scene.look());
    assert_eq!(scene.state.next_wakeup(), None);
}

#[test]
fn a_timer_that_moves_leaves_nothing_where_it_was() {
    let mut scene = Scene::new(&[]);
    for value in 0..50 {
        let annotations = [("value", &*value.to_string())].into();
        scene.received(Received { annotations, ..labels([("alertname", "Hot")]) }).unwrap();
        scene.wait(Span::secs(1));
    }
    assert_eq!(scene.state.timers().count(), 1);
}

#[test]
fn wrong_deliveries_are_refused_and_change_nothing() {
    let mut scene = Scene::new(&[]);
    let now = scene.now;
    let refused = |scene: &mut Scene, received| scene.received(received).unwrap_err().to_string();
    expect!["an alert needs at least one label with a value"]
        .assert_eq(&refused(&mut scene, Received::default()));
    let backward = Received {
        starts_at: Some(now),
        ends_at: Some(Timestamp(now.0 - 1)),
        ..labels([("alertname", "Backward")])
    };
    expect!["the alert ends at 2027-01-15T07:59:59.999999Z, before it starts at 2027-01-15T08:00:00Z"]
        .assert_eq(&refused(&mut scene, backward));
    assert_eq!(scene.look(), "");
}

#[test]
fn a_muted_alert_goes_its_way_when_the_silence_ends() {
    let mut scene = Scene::new(&[]);
    let terms = silence::Terms {
        matchers: vec![crate::matcher::parse("node=validator-3").unwrap()],
        starts_at: scene.now,
        ends_at: scene.now.plus(Span::secs(60)),
        created_by: "ada".to_owned(),
        comment: "maintenance".to_owned(),
    };
    scene.must(crate::flow::Command::Silence(silence::Command::Set { id: None, terms }));
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    expect![[r#"
        silence.set silence/2
        alert.raised alert/3 muted by silence SIL-2 of ada
    "#]]
    .assert_eq(&scene.look());
    scene.wait(Span::secs(60));
    expect![[r#"
        silence.expired silence/2
        alert.routed alert/3
        incident.opened incident/6
        run.started run/7 stage 0, begin 0 on validator-3
        action.intended action/8 Apply node.isolate validator-3 #1 rf-scene-8-0
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn an_empty_label_is_no_label() {
    let labels = Labels::from([("a", ""), ("b", "x")]).without_empty();
    assert_eq!(labels, Labels::from([("b", "x")]));
}

#[test]
fn redacting_a_past_alert_leaves_a_newer_one_with_the_same_labels_alone() {
    let mut scene = Scene::new(&[]);
    let labels = [("alertname", "Flapping")];
    scene.alert(labels);
    let key = super::DedupKey::of(&labels.into());
    let past = scene.state.alerts.firing(key).unwrap().clone();
    let ended = Received { ends_at: Some(scene.now), labels: labels.into(), ..Received::default() };
    scene.received(ended).unwrap();
    scene.alert(labels);
    let newer = scene.state.alerts.firing(key).unwrap().id;
    let (id, at) = (past.id, scene.now);
    scene.state.restore(
        crate::state::Saved::Alert(super::Alert { resolved: Some(super::ResolvedBy::Source), ..past }),
        at,
    );
    let (about, reason) = (vec![crate::event::Stream::Alert(id)], "asked for".to_owned());
    scene.must(crate::flow::Command::Redact { positions: vec![id.0], about, reason });
    assert_eq!(scene.state.alerts.firing(key).map(|alert| alert.id), Some(newer));
}
