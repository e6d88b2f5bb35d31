//! What each factor comes to, which level that engages and when, whom it calls, and that it does so once.

use std::collections::BTreeSet;

use expect_test::expect;

use super::{super::people, Factor, Weighed};
use crate::{
    action::Outcome,
    event::Event,
    flow::Command,
    id::IncidentId,
    incident::{self, Severity},
    notice::{self, Reason},
    scene::{CUT_OFF, Scene},
    time::{Span, Timestamp},
};

fn alert(scene: &mut Scene, kind: &str, severity: &str, targets: &[(&str, &str)]) {
    let head = [("incident_type", kind), ("severity", severity)];
    let labels = crate::labels::Labels::from_pairs(head.iter().chain(targets).copied().collect()).unwrap();
    scene.received(crate::alert::Received { labels, ..Default::default() }).unwrap();
}

/// The times after the start, in seconds, the levels and the rules of what went up.
fn engaged(scene: &Scene, start: Timestamp) -> Vec<(u64, u8, Option<String>)> {
    let one = |fact: &crate::flow::Fact| {
        let Event::Incident(_, incident::Event::People(people::Event::Escalated { level, weighed, .. })) =
            &fact.event
        else {
            return None;
        };
        let after = fact.meta.time.since(start).0 / 1_000_000;
        Some((after, *level, weighed.rule.as_deref().map(str::to_owned)))
    };
    scene.facts.iter().filter_map(one).collect()
}

fn weighed(scene: &Scene) -> Weighed {
    let incident = &scene.state.incidents.open[&scene.incident()];
    *incident.standing().weighed.clone().unwrap()
}

fn shown(factors: &[Factor]) -> String {
    factors.iter().map(|one| format!("{}: {}, {}\n", one.name, one.value, one.why)).collect()
}

fn by(rule: &str) -> Option<String> {
    Some(rule.to_owned())
}

#[test]
fn what_is_not_contained_in_fifteen_minutes_goes_up_by_itself_although_somebody_has_it() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let start = scene.now;
    alert(&mut scene, "validator_compromise", "high", &[("node", "validator-1")]);
    let id = scene.incident();
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    scene.wait(Span::secs(899));
    assert_eq!(engaged(&scene, start), []);
    scene.wait(Span::secs(1));
    assert_eq!(engaged(&scene, start), [(900, 2, by("unable_to_resolve_in_15_minutes"))]);
    expect![[r#"
        severity: high, as it is classified
        effectiveness: open, nothing of the response has ended yet
        business_impact: critical, 3 of 4 services, the first of group 1: api, gateway, ledger
        time_to_resolve: in_time, 15m of 4h
        regulation: no, nothing obliges for validator_compromise
        public_exposure: no, nothing that people outside use is named
        complexity: simple, nothing makes it so
    "#]]
    .assert_eq(&shown(&weighed(&scene).factors));
    assert_eq!(
        (weighed(&scene).urgency.name(), &*weighed(&scene).improvement),
        ("high", "Whoever knows the system contains it")
    );
    scene.wait(Span::secs(900));
    let second = engaged(&scene, start).pop();
    assert_eq!(second, Some((1_800, 3, by("business_stands_still"))), "half an hour");
}

#[test]
fn what_is_contained_in_time_stays_where_it_is_until_its_time_is_over() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let start = scene.now;
    alert(&mut scene, "validator_compromise", "high", &[("node", "validator-1")]);
    let id = scene.incident();
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    for action in scene.calling() {
        scene.applied(action);
    }
    scene.wait(Span::secs(4 * 3_600 - 1));
    assert_eq!(engaged(&scene, start), []);
    scene.wait(Span::secs(1));
    assert_eq!(engaged(&scene, start), [(14_400, 3, by("time_is_over"))]);
    let factors = shown(&weighed(&scene).factors);
    assert!(factors.contains("time_to_resolve: over, 4h of 4h"), "{factors}");
}

#[test]
fn a_response_that_does_not_come_through_goes_up_with_the_failure() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let start = scene.now;
    alert(&mut scene, "validator_compromise", "high", &[("node", "validator-1")]);
    scene.wait(Span::secs(10));
    for _ in 0..20 {
        for id in scene.calling() {
            let reason = "the target says no".to_owned();
            scene.answer(id, Outcome::NotApplied { reason, retry: false, retry_after: None });
        }
    }
    assert_eq!(engaged(&scene, start), [(10, 2, by("response_fails"))]);
    let factors = shown(&weighed(&scene).factors);
    assert!(factors.contains("effectiveness: 0 %, 0 steps done, 1 failed; its run is blocked"), "{factors}");
}

#[test]
fn law_and_people_outside_call_whoever_decides_at_once() {
    let mut scene = Scene::staffed(&[]);
    let start = scene.now;
    alert(&mut scene, "data_breach", "high", &[("dataset", "dataset-1"), ("service", "ledger")]);
    assert_eq!(engaged(&scene, start), [(0, 3, by("regulator_has_to_hear"))]);
    let id = scene.incident();
    let (severity, why) = (Some(Severity::Critical), "all of it".to_owned());
    let raise = incident::Command::Classify { id, incident_type: None, severity, onset: None, why };
    scene.must(Command::Incident(raise));
    assert_eq!(engaged(&scene, start)[1], (0, 4, by("seen_outside")));
    assert_eq!(weighed(&scene).urgency.name(), "immediate");
    let factors = shown(&weighed(&scene).factors);
    assert!(factors.contains("regulation: yes, a regulator has to hear of data_breach"), "{factors}");
    assert!(factors.contains("public_exposure: yes, people outside notice data_breach"), "{factors}");
}

#[test]
fn a_kind_that_people_outside_use_exposes_whatever_the_type() {
    let mut scene = Scene::staffed(&[]);
    alert(&mut scene, "adversarial_attack", "high", &[("endpoint", "endpoint-1"), ("model", "model-a")]);
    let id = scene.incident();
    let ask = people::Ask::Escalate { level: None, criterion: None, why: "press calls".to_owned() };
    scene.must(Command::Incident(incident::Command::People { id, ask }));
    let factors = shown(&weighed(&scene).factors);
    assert!(factors.contains("public_exposure: yes, people outside use endpoint endpoint-1"), "{factors}");
}

/// Contacts to whom a notice of this kind was queued.
fn told(scene: &Scene, wanted: Reason) -> BTreeSet<String> {
    let to = |fact: &crate::flow::Fact| {
        let Event::Notice(_, notice::Event::Queued { reason, to, .. }) = &fact.event else { return None };
        (*reason == wanted).then(|| to.to_string())
    };
    scene.facts.iter().filter_map(to).collect()
}

fn up(scene: &mut Scene, id: IncidentId) {
    let ask = people::Ask::Escalate { level: Some(2), criterion: None, why: "beyond us".to_owned() };
    scene.must(Command::Incident(incident::Command::People { id, ask }));
}

#[test]
fn specialists_are_those_of_the_type_and_more_of_them_where_it_is_complex() {
    let called = |kind: &str, targets: &[(&str, &str)]| {
        let mut scene = Scene::staffed(&[]);
        alert(&mut scene, kind, "medium", targets);
        let id = scene.incident();
        up(&mut scene, id);
        let notices: BTreeSet<String> = told(&scene, Reason::Escalated);
        let recorded: BTreeSet<String> = weighed(&scene).called.iter().map(ToString::to_string).collect();
        assert_eq!(notices, recorded, "who is called stands in the fact");
        assert!(notices.contains("on_call_engineer"), "who is on call hears of every level");
        let on_call = ["on_call_engineer", "ops_manager"];
        notices.into_iter().filter(|name| !on_call.contains(&&**name)).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(called("node_failure", &[("node", "validator-1")]), "blockchain_specialist");
    assert_eq!(called("data_breach", &[("dataset", "dataset-1")]), "compliance_officer security_lead");
    assert_eq!(called("malware_detection", &[("node", "validator-1")]), "security_analyst security_lead");
    let many = [("node", "validator-1"), ("key", "key-1"), ("account", "account-1")];
    assert_eq!(
        called("node_failure", &many),
        "blockchain_specialist senior_engineer technical_lead",
        "three targets of three kinds"
    );
}

#[test]
fn a_type_without_specialists_calls_the_teams_of_the_level() {
    let mut files = crate::scene::all_shipped();
    let teams = files.get_mut("teams.yaml").unwrap();
    let cut = teams.find("\nspecialists:").unwrap();
    teams.truncate(cut);
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    alert(&mut scene, "node_failure", "medium", &[("node", "validator-1")]);
    let id = scene.incident();
    up(&mut scene, id);
    let wanted = scene.state.content.people.of_level(2);
    let called = weighed(&scene).called;
    assert!(wanted.iter().all(|name| called.iter().any(|one| **one == **name)), "{called:?}");
}

#[test]
fn on_call_hears_of_every_incident_and_of_every_level() {
    for severity in ["low", "medium", "high", "critical"] {
        let mut scene = Scene::staffed(&[CUT_OFF]);
        alert(&mut scene, "validator_compromise", severity, &[("node", "validator-1")]);
        assert!(told(&scene, Reason::Opened).contains("on_call_engineer"), "{severity}");
    }
    for level in 2..=4 {
        let mut scene = Scene::staffed(&[CUT_OFF]);
        alert(&mut scene, "validator_compromise", "medium", &[("node", "validator-1")]);
        let id = scene.incident();
        let ask = people::Ask::Escalate { level: Some(level), criterion: None, why: "up".to_owned() };
        scene.must(Command::Incident(incident::Command::People { id, ask }));
        assert!(told(&scene, Reason::Escalated).contains("on_call_engineer"), "{level}");
    }
}

#[test]
fn each_level_is_engaged_once_whatever_restarts_in_between() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let start = scene.now;
    alert(&mut scene, "validator_compromise", "high", &[("node", "validator-1")]);
    let id = scene.incident();
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    for epoch in 2..=9 {
        scene.wait(Span::secs(450));
        scene.start(epoch);
        let row = serde_json::to_string(&*scene.state.incidents.open[&id]).unwrap();
        let read: incident::Incident = serde_json::from_str(&row).unwrap();
        assert_eq!(read, *scene.state.incidents.open[&id]);
    }
    let levels: Vec<u8> = engaged(&scene, start).into_iter().map(|(_, level, _)| level).collect();
    assert_eq!(levels, [2, 3]);
    scene.wait(Span::secs(90_000));
    let levels: Vec<u8> = engaged(&scene, start).into_iter().map(|(_, level, _)| level).collect();
    assert_eq!(levels, [2, 3], "no rule engages the last for it");
}

#[test]
fn what_came_late_while_nobody_ran_is_found_at_once_and_once() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let start = scene.now;
    alert(&mut scene, "validator_compromise", "high", &[("node", "validator-1")]);
    let id = scene.incident();
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    // Nothing ran for an hour: the highest level that holds by then is engaged, and no lower one after it.
    scene.now = scene.now.plus(Span::secs(3_600));
    scene.wait(Span::secs(1));
    assert_eq!(engaged(&scene, start), [(3_600, 3, by("business_stands_still"))]);
}

/// A clock and a factor that come due in the same moment engage one level after the other, each once.
#[test]
fn a_clock_and_a_factor_in_one_moment() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let start = scene.now;
    alert(&mut scene, "validator_compromise", "high", &[("node", "validator-1")]);
    scene.wait(Span::secs(3 * 3_600));
    let found = engaged(&scene, start);
    let levels: Vec<u8> = found.iter().map(|(_, level, _)| *level).collect();
    assert_eq!(levels, [2, 3, 4], "{found:?}");
}
