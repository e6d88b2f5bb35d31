//! The frame keeps its shape, times are written as people read them, and shares count what they say.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use domain::{
    event::{Actor, Stream},
    id::IncidentId,
    time::Timestamp,
};
use engine::Started;
use estate::Scenario;
use serde_json::json;

use super::{
    drill_of, millis,
    scene::Scene,
    score,
    view::{FRAME, View},
};
use crate::output::Output;

#[test]
fn times_are_short() {
    assert_eq!(millis(Duration::from_micros(1_840)), "1.8 ms");
    assert_eq!(millis(Duration::from_millis(345)), "345 ms");
    assert_eq!(millis(Duration::from_millis(12_345)), "12.3 s");
}

#[test]
fn every_line_of_a_frame_fits_into_eighty_columns() {
    for scenario in Scenario::shipped() {
        let scene = Scene::new(&scenario);
        let view = View::new(&scenario, "http://127.0.0.1:65535".to_owned(), Output::new(false));
        let frame = view.frame(&scene);
        for line in &frame {
            assert!(line.chars().count() <= 80, "{} characters: {line}", line.chars().count());
        }
        assert_eq!(frame.len(), FRAME, "{frame:#?}");
    }
}

#[test]
fn every_scenario_has_a_drill_that_names_it() {
    for scenario in Scenario::shipped() {
        assert_eq!(drill_of(&scenario).unwrap().0.scenario, scenario.id);
    }
}

#[test]
fn automation_is_the_share_of_steps_in_which_no_person_had_a_hand() {
    let step = |kind: &str, status: &str, by: Option<&str>, targets: &[&str]| json!({ "id": kind, "kind": kind, "status": status, "by": by, "targets": targets });
    let alone = [
        step("action", "done", None, &["validator-3"]),
        step("wait", "done", None, &[]),
        step("decision", "done", None, &[]),
    ];
    let people = [step("decision", "done", Some("PER-1"), &[]), step("manual", "done", Some("PER-1"), &[])];
    let uncounted = [
        step("action", "done", None, &[]),
        step("action", "skipped", None, &["key-3"]),
        step("switch", "done", None, &[]),
        step("manual", "active", None, &[]),
    ];
    let share = |parts: &[&[serde_json::Value]]| score::automation(&parts.concat(), &BTreeSet::new());
    assert_eq!(share(&[&alone]), Some(100));
    assert_eq!(share(&[&alone, &people, &uncounted]), Some(60));
    assert_eq!(share(&[&people]), Some(0));
    assert_eq!(share(&[&uncounted]), None);
    let allowed = BTreeSet::from(["action".to_owned()]);
    assert_eq!(score::automation(&alone, &allowed), Some(66), "what people allowed is theirs");
}

fn told(kind: &'static str, incident: u64) -> Started {
    let stream = Stream::Incident(IncidentId::from_number(incident));
    let (time, actor) = (Timestamp(0), Actor::Platform);
    Started { position: incident, time, actor, stream, kind, incident: None, body: "{}".into() }
}

/// Whether the drill's target for its services is met, and what was measured.
fn recovered(scenario: &str, facts: &[(u64, Started)]) -> Option<(bool, String)> {
    let scenario = Scenario::find(scenario).unwrap();
    let (drill, _) = drill_of(&scenario).unwrap();
    let mut scene = Scene::new(&scenario);
    let alert = scene.began;
    scene.first_sent = Some(alert);
    for (after, fact) in facts {
        let at: Instant = alert + Duration::from_secs(*after);
        scene.fact(fact, at);
    }
    let targets = score::targets(&drill, &scene);
    let target = targets.iter().find(|target| target.name == "recovered")?;
    assert_eq!(target.wanted(), "< 5 min");
    Some((target.is_met(), target.measured()))
}

#[test]
fn services_are_well_within_five_minutes_or_the_drill_has_not_met_its_targets() {
    let opened = || (0, told("incident.opened", 7));
    let well = |after, incident| (after, told("incident.recovery_completed", incident));
    for scenario in ["validator_compromise", "system_compromise"] {
        let met = recovered(scenario, &[opened(), well(299, 7)]);
        assert_eq!(met, Some((true, "299.0 s".to_owned())), "{scenario}");
        let late = recovered(scenario, &[opened(), well(301, 7)]);
        assert_eq!(late, Some((false, "301.0 s".to_owned())), "{scenario}");
        let never = recovered(scenario, &[opened(), well(10, 8)]);
        assert_eq!(never, Some((false, "never".to_owned())), "another incident is none of it: {scenario}");
    }
    assert_eq!(recovered("prompt_injection", &[opened()]), None, "nobody brings services back in it");
}
