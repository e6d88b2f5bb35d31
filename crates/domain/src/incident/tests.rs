//! Grouping, windows, and what people may do when.

use expect_test::expect;

use super::{Command, Disposition};
use crate::{
    event::Actor,
    flow,
    scene::{CUT_OFF, Scene, shipped},
    severity::Severity,
    time::Span,
};

fn compromise(scene: &mut Scene, node: &str, extra: (&str, &str)) {
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", node), extra]);
}

#[test]
fn alerts_of_one_group_are_one_incident_whatever_their_number() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("alertname", "A"));
    compromise(&mut scene, "validator-3", ("alertname", "B"));
    compromise(&mut scene, "validator-4", ("alertname", "A"));
    assert_eq!(scene.state.incidents.open.len(), 2);
    let first = scene.state.incidents.open.values().next().unwrap();
    assert_eq!((first.alerts, &*first.title), (2, "A on validator-3"));
}

#[test]
fn after_the_window_an_alert_opens_a_new_incident() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("alertname", "A"));
    scene.wait(Span::secs(90_000));
    compromise(&mut scene, "validator-3", ("alertname", "B"));
    assert_eq!(scene.state.incidents.open.len(), 2);
}

#[test]
fn what_people_do_is_checked_against_the_state() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("alertname", "A"));
    let id = scene.incident();
    let incident = |command| flow::Command::Incident(command);
    let nobody = scene.ask(Actor::Platform, incident(Command::Acknowledge { id })).unwrap_err().to_string();
    assert!(nobody.contains("only a person acknowledges"), "{nobody}");
    scene.must(incident(Command::Acknowledge { id }));
    expect!["incident INC-3 was acknowledged by P-900 at 2027-01-15T08:00:00Z already"]
        .assert_eq(&scene.refused(incident(Command::Acknowledge { id })));
    expect!["person P-7 does not exist"].assert_eq(
        &scene.refused(incident(Command::Assign { id, person: crate::id::PersonId::from_number(7) })),
    );
    expect!["the note is empty"]
        .assert_eq(&scene.refused(incident(Command::Note { id, text: " ".to_owned() })));
    expect!["`javascript:alert(1)` is not an http or https address"].assert_eq(&scene.refused(incident(
        Command::Link { id, title: "x".to_owned(), url: "javascript:alert(1)".to_owned(), room: false },
    )));
    let close = incident(Command::Close { id, disposition: Disposition::TruePositive });
    expect!["incident INC-3 has 1 containments in force or actions open; release or settle them first"]
        .assert_eq(&scene.refused(close));
    let gone = Command::Resolve { id: crate::id::IncidentId::from_number(99), summary: "x".to_owned() };
    expect!["there is no open incident INC-99"].assert_eq(&scene.refused(incident(gone)));
}

#[test]
fn a_person_opens_an_incident_and_it_is_answered_like_any_other() {
    let mut scene = Scene::new(&[CUT_OFF]);
    scene.must(flow::Command::Incident(Command::Open {
        title: "Odd votes".to_owned(),
        incident_type: "validator_compromise".to_owned(),
        severity: Severity::Critical,
        targets: vec![("node".into(), "validator-1".into())],
    }));
    expect![[r#"
        incident.opened incident/2
        run.started run/3 stage 0, begin 0 on validator-1
        action.intended action/4 Apply node.isolate validator-1 #1 rf-scene-4-0
    "#]]
    .assert_eq(&scene.look());
    let wrong = Command::Open {
        title: "x".to_owned(),
        incident_type: "y".to_owned(),
        severity: Severity::Low,
        targets: vec![("planet".into(), "mars".into())],
    };
    assert!(scene.refused(flow::Command::Incident(wrong)).contains("`planet` is not a kind of target"));
}

#[test]
fn no_incident_is_without_a_word_when_no_playbook_fits() {
    let mut scene = Scene::new(&[CUT_OFF]);
    scene.alert([("incident_type", "never_heard_of"), ("severity", "fearsome")]);
    expect![[r#"
        alert.raised alert/2 label incident_type="never_heard_of"; this type is not in the taxonomy; confidence 0.30 is too low to act on alone; no open incident of its group
        incident.opened incident/3
        incident.attention_raised incident/3 the alert's severity was not understood; confirm it with `incident classify`
        incident.attention_raised incident/3 no playbook fits type never_heard_of at severity medium
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn a_severity_that_rises_starts_the_playbook_that_fits_now() {
    let mut scene = Scene::new(&[CUT_OFF]);
    let alert = |severity| {
        [("incident_type", "validator_compromise"), ("severity", severity), ("node", "validator-1")]
    };
    scene.alert(alert("medium"));
    assert!(scene.look().contains("no playbook fits"));
    scene.alert(alert("critical"));
    assert!(scene.look().contains("action.intended"));
}

#[test]
fn what_was_released_and_is_named_again_calls_for_a_person() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("alertname", "A"));
    let id = scene.calling()[0];
    scene.applied(id);
    scene.must(flow::Command::Action(crate::action::Command::Release { id }));
    scene.applied(id);
    scene.look();
    compromise(&mut scene, "validator-3", ("alertname", "B"));
    assert!(scene.look().contains("names node validator-3, which nothing contains now"));
}

#[test]
fn after_the_watch_an_alert_opens_a_new_incident() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("alertname", "A"));
    let id = scene.incident();
    scene.must(flow::Command::Incident(Command::Resolve { id, summary: "done".to_owned() }));
    scene.wait(Span::secs(3_600));
    compromise(&mut scene, "validator-3", ("alertname", "B"));
    assert_eq!(scene.state.incidents.open.len(), 2);
}

#[test]
fn what_was_real_is_closed_only_after_the_watch_and_when_nothing_fires() {
    let mut scene = Scene::new(&[CUT_OFF]);
    scene.alert([("alertname", "A"), ("incident_type", "disk_full"), ("severity", "high"), ("node", "n-1")]);
    let id = scene.incident();
    let incident = |command| flow::Command::Incident(command);
    let close = |disposition| incident(Command::Close { id, disposition });
    if let Some(run) = scene.state.runs.of_incident(id) {
        scene.must(flow::Command::Run(crate::run::Command::Cancel { id: run, undo: false }));
    }
    expect!["incident INC-3 is not resolved; resolve it, so that it is watched for 1h, then close it"]
        .assert_eq(&scene.refused(close(Disposition::TruePositive)));
    scene.must(incident(Command::Resolve { id, summary: "freed".to_owned() }));
    expect!["incident INC-3 is watched until 2027-01-15T09:00:00Z; close it then"]
        .assert_eq(&scene.refused(close(Disposition::TruePositive)));
    expect!["incident INC-3 is already resolved"]
        .assert_eq(&scene.refused(incident(Command::Resolve { id, summary: "freed".to_owned() })));
    scene.must(close(Disposition::FalsePositive));
    assert!(scene.state.reviews.is_empty(), "what was not real is not reviewed");
}

#[test]
fn the_sign_off_is_given_once_and_after_the_resolution() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("alertname", "A"));
    let id = scene.incident();
    let incident = |command| flow::Command::Incident(command);
    let sign = || incident(Command::SignOff { id, note: "works".to_owned() });
    expect!["incident INC-3 is not resolved; sign off when it is"].assert_eq(&scene.refused(sign()));
    scene.must(incident(Command::Resolve { id, summary: "done".to_owned() }));
    scene.must(sign());
    expect!["P-900 signed off incident INC-3 at 2027-01-15T08:00:00Z already"]
        .assert_eq(&scene.refused(sign()));
    compromise(&mut scene, "validator-3", ("alertname", "B"));
    assert_eq!(scene.state.incidents.open[&id].signed_off, None, "a relapse needs a new one");
}

#[test]
fn releasing_for_one_incident_leaves_what_another_holds() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("alertname", "A"));
    let first = scene.calling()[0];
    scene.applied(first);
    scene.must(flow::Command::Incident(Command::Open {
        title: "Another look".to_owned(),
        incident_type: "validator_compromise".to_owned(),
        severity: Severity::High,
        targets: vec![("node".into(), "validator-3".into())],
    }));
    let second = scene.calling()[0];
    scene.applied(second);
    scene.look();
    scene.must(flow::Command::Action(crate::action::Command::Release { id: first }));
    assert!(scene.look().starts_with("action.yielded"));
    assert!(scene.calling().is_empty());
}

#[test]
fn a_reclassification_moves_to_the_other_playbook_and_keeps_what_was_contained() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("key", "key-3"));
    let isolation = scene.calling()[0];
    scene.applied(isolation);
    let incident = scene.incident();
    let held = |scene: &Scene| scene.state.actions.get(isolation).is_some_and(|action| !action.is_final());
    assert!(held(&scene) && scene.state.runs.of_incident(incident).is_some(), "the run is under way");
    scene.look();
    let classify = Command::Classify {
        id: incident,
        incident_type: Some("never_heard_of".to_owned()),
        severity: None,
        onset: None,
        why: "a mistaken probe".to_owned(),
    };
    scene.must(flow::Command::Incident(classify));
    let seen = scene.look();
    assert!(seen.contains("run.canceled") && seen.contains("no playbook fits"), "{seen}");
    assert!(!seen.contains("response_stopped"), "{seen}");
    assert!(held(&scene), "containments survive");
    let back = Command::Classify {
        id: incident,
        incident_type: Some("validator_compromise".to_owned()),
        severity: None,
        onset: None,
        why: "no, it was one".to_owned(),
    };
    scene.must(flow::Command::Incident(back));
    let seen = scene.look();
    assert!(seen.contains("run.started"), "{seen}");
}

#[test]
fn what_is_too_unsure_waits_for_a_person_and_starts_once_confirmed() {
    let mut scene = Scene::new(&[CUT_OFF]);
    scene.alert([
        ("incident_type", "validator_compromise"),
        ("severity", "critical"),
        ("node", "validator-1"),
    ]);
    assert!(scene.look().contains("run.started"));
    let sure = scene.state.incidents.open.values().next().unwrap();
    assert_eq!(sure.confidence, Some(90));
    scene.alert([("incident_type", "odd"), ("severity", "fearsome")]);
    let (id, unsure) = scene.state.incidents.open.iter().next_back().unwrap();
    assert!(unsure.confidence.unwrap() < 50 && !unsure.acts_alone(50));
    let id = *id;
    scene.look();
    scene.must(flow::Command::Incident(Command::Classify {
        id,
        incident_type: Some("validator_compromise".to_owned()),
        severity: Some(Severity::Critical),
        onset: None,
        why: "seen on the host".to_owned(),
    }));
    let seen = scene.look();
    assert!(seen.contains("run.started"), "{seen}");
}

#[test]
fn a_severity_that_nobody_knows_is_medium_and_asked_for() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("alertname", "A"));
    scene.alert([
        ("incident_type", "validator_compromise"),
        ("severity", "fearsome"),
        ("node", "validator-4"),
    ]);
    let asked = scene.state.incidents.open.values().next_back().unwrap();
    assert_eq!(asked.severity, Severity::Medium);
    assert!(asked.attention.iter().any(|waits| waits.reason.contains("severity")), "{:?}", asked.attention);
}

#[test]
fn without_a_severity_the_type_says_it_and_without_a_known_type_it_is_medium() {
    let mut scene = Scene::new(&[CUT_OFF]);
    for kind in ["data_breach", "odd"] {
        scene.alert([("incident_type", kind)]);
    }
    let by_type = scene.state.content.types["data_breach"].severity;
    let severities: Vec<_> = scene.state.incidents.open.values().map(|incident| incident.severity).collect();
    assert_eq!(severities, [by_type, Severity::Medium]);
    assert!(by_type > Severity::Medium);
}

#[test]
fn words_of_severity_count_in_any_case() {
    for word in ["CRITICAL", "Critical", "cRiTiCaL"] {
        let mut scene = Scene::new(&[CUT_OFF]);
        scene.alert([("incident_type", "validator_compromise"), ("severity", word)]);
        assert_eq!(scene.state.incidents.open.values().next().unwrap().severity, Severity::Critical);
    }
}

#[test]
fn informational_opens_nothing_unless_a_rule_says_so() {
    let rule = "id: watched\nmatch: [alertname=Seen]\ntype: policy_violation\nseverity: informational\n";
    for (says, opened) in [("", 0), ("open: true\n", 1)] {
        let mut files = shipped();
        files.insert("rules/watched.yaml".to_owned(), format!("{rule}auto_response: true\n{says}"));
        let (content, problems) = crate::content::load(&files);
        assert_eq!(problems, []);
        let mut scene = Scene::with(content);
        scene.alert([("alertname", "Seen")]);
        assert_eq!(scene.state.incidents.open.len(), opened);
        assert_eq!(scene.look().contains("informational opens no incident"), opened == 0);
    }
}

#[test]
fn every_rule_that_matches_is_recorded_and_the_most_severe_decides() {
    let mut scene = Scene::new(&[CUT_OFF]);
    let annotations = [("metric_node_status", "down"), ("metric_peer_count", "2")].into();
    let labels = [("alertname", "NodeDown"), ("node", "validator-3")].into();
    scene.received(crate::alert::Received { labels, annotations, ..Default::default() }).unwrap();
    let raised = scene.look();
    assert!(raised.contains("rule blockchain_node_down, node_down"), "{raised}");
    assert_eq!(scene.state.incidents.open.values().next().unwrap().severity, Severity::Critical);
}

#[test]
fn the_priority_is_made_of_severity_impact_and_confidence() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("alertname", "A"));
    let mut one = (*scene.state.incidents.open[&scene.incident()]).clone();
    let narrow = one.priority();
    one.targets.extend([("node".into(), "validator-8".into()), ("node".into(), "validator-9".into())]);
    let wide = one.priority();
    assert!(wide > narrow, "what hurts more goes first");
    one.confidence = Some(40);
    assert!(one.priority() < wide, "what is surer goes first");
    one.severity = Severity::Critical;
    assert!(one.priority() > wide, "and before both what is more severe");
}

#[test]
fn measurements_that_get_worse_open_an_incident_and_then_raise_it() {
    let mut scene = Scene::new(&[CUT_OFF]);
    let mut measure = |status: &str, peers: &str| {
        let received = crate::alert::Received {
            labels: [("alertname", "node_check"), ("node", "validator-3")].into(),
            annotations: [("metric_node_status", status), ("metric_peer_count", peers)].into(),
            ..Default::default()
        };
        scene.received(received).unwrap();
        let incident = scene.state.incidents.open.values().next();
        incident.map(|incident| (incident.severity, incident.alerts, incident.escalation))
    };
    assert_eq!(measure("up", "5"), None);
    let seconds = |n| Some(Span::secs(n));
    assert_eq!(measure("down", "5"), Some((Severity::High, 1, seconds(1_800))));
    assert_eq!(measure("down", "2"), Some((Severity::Critical, 1, seconds(1_800))));
    assert_eq!(measure("down", "4"), Some((Severity::Critical, 1, seconds(1_800))));
}

#[test]
fn an_onset_may_be_set_back_but_not_after_the_opening() {
    let mut scene = Scene::new(&[CUT_OFF]);
    compromise(&mut scene, "validator-3", ("alertname", "A"));
    let (id, opened) = (scene.incident(), scene.now);
    let with = |onset| {
        let why = "the logs show it".to_owned();
        flow::Command::Incident(Command::Classify {
            id,
            incident_type: None,
            severity: None,
            onset: Some(onset),
            why,
        })
    };
    assert_eq!(scene.state.incidents.open[&id].onset, Some(opened));
    let earlier = crate::time::Timestamp(opened.0 - 60_000_000);
    scene.must(with(earlier));
    assert_eq!(scene.state.incidents.open[&id].onset, Some(earlier));
    assert!(scene.refused(with(opened.plus(Span::secs(1)))).contains("is after"));
}
