//! Counts and holds through the whole flow: what is enough, what is not, what a restart and a flood leave of it.

use expect_test::expect;

use super::*;
use crate::{
    content,
    event::{Actor, Event as AnyEvent},
    record::Record,
    scene::{Scene, shipped},
};

/// The shipped content with these rules in place of the shipped ones.
fn scene(rules: &[&str]) -> Scene {
    let mut files = shipped();
    files.retain(|path, _| !path.starts_with("rules/"));
    for (number, text) in rules.iter().enumerate() {
        files.insert(format!("rules/scene_{number}.yaml"), (*text).to_owned());
    }
    let (content, problems) = content::load(&files);
    assert!(problems.is_empty(), "{problems:#?}");
    Scene::with(content)
}

const LOGINS: &str = "
id: failed_logins
on: records
match: [ 'event=\"login_failed\"' ]
count: { threshold: 10, window: 5m }
by: { address: source_ip }
type: unauthorized_access
severity: high
auto_response: true
";

const SPRAY: &str = "
id: spray
on: records
match: [ 'event=\"login_failed\"' ]
count: { threshold: 3, window: 10m, distinct: user }
by: { address: source_ip }
type: unauthorized_access
severity: high
auto_response: true
";

const BUSY: &str = "
id: busy
on: records
conditions: [ { metric: cpu, operator: greater_than, value: 90 } ]
for: 10m
by: { node: host }
type: performance_degradation
severity: high
auto_response: true
";

const STUCK: &str = "
id: stuck
match: [ 'alertname=\"NodeLagging\"' ]
conditions: [ { metric: blocks_behind, operator: greater_than, value: 100 } ]
for: 15m
type: node_synchronization
severity: high
auto_response: true
";

fn record<const N: usize>(fields: [(&str, &str); N]) -> Record {
    Record { at: None, fields: fields.into() }
}

fn login(scene: &mut Scene, address: &str, user: &str) {
    scene.record(&record([("event", "login_failed"), ("source_ip", address), ("user", user)]));
}

/// By its name it would look before the rule to which it leaves what one address does.
const ACCOUNTS: &str = "
id: accounts
on: records
match: [ 'event=\"login_failed\"' ]
count: { threshold: 10, window: 5m }
by: { account: user }
unless: [failed_logins]
type: unauthorized_access
severity: high
auto_response: true
";

/// Every sighting as its row would hold it.
fn rows(state: &State) -> Vec<String> {
    state.sightings.iter().map(|sighting| serde_json::to_string(sighting).unwrap()).collect()
}

/// A state that knows only what is in rows, as after a restart.
fn restart(scene: &mut Scene) {
    let saved: Vec<String> = rows(&scene.state);
    let ids: Vec<SightingId> = scene.state.sightings.iter().map(|sighting| sighting.id).collect();
    ids.into_iter().for_each(|id| scene.state.sightings.remove(id));
    assert!(scene.state.sightings.is_empty());
    for text in &saved {
        let sighting: Sighting = serde_json::from_str(text).unwrap();
        scene.state.restore(crate::state::Saved::Sighting(Box::new(sighting)), scene.now);
    }
    assert_eq!(rows(&scene.state), saved);
}

fn raised(scene: &Scene) -> Vec<String> {
    let labels = |fact: &crate::flow::Fact| {
        let AnyEvent::Alert(_, crate::alert::Event::Raised { labels, .. }) = &fact.event else { return None };
        Some(format!("{} {labels}", fact.meta.actor))
    };
    scene.facts.iter().filter_map(labels).collect()
}

#[test]
fn ten_failed_logins_of_one_address_within_five_minutes_open_an_incident() {
    let mut scene = scene(&[LOGINS]);
    for number in 0..9 {
        login(&mut scene, "203.0.113.7", "root");
        login(&mut scene, "198.51.100.9", &format!("user-{number}"));
        scene.wait(Span::secs(20));
        // What has come so far is not lost with the process.
        restart(&mut scene);
        if number == 4 {
            login(&mut scene, "192.0.2.1", "root");
        }
    }
    scene.look();
    login(&mut scene, "203.0.113.7", "root");
    expect![[r#"
        sighting.counted sighting/2
        sighting.fired sighting/2
        alert.raised alert/23 label incident_type="unauthorized_access"; rule failed_logins; no open incident of its group
        incident.opened incident/24
        run.started run/25 step 0 Done, step 1 Skipped, stage 0, open 2
        run.advanced run/25 open 3
        run.advanced run/25 step 4 Done, step 5 Done, step 3 Done, step 2 Done, step 6 Done, begin 7 on 203.0.113.7
        action.intended action/28 Apply traffic.block 203.0.113.7 #1 rf-scene-28-0
    "#]]
    .assert_eq(&scene.look());
    let alert = scene.state.alerts.iter().next().unwrap().0;
    expect![[r#"{address="203.0.113.7", alertname="failed_logins", incident_type="unauthorized_access", rule="failed_logins", severity="high"}"#]]
    .assert_eq(&alert.labels.to_string());
    expect!["10 within 5m (SIG-2)"].assert_eq(alert.annotations.get("summary").unwrap());
    let id = alert.id;

    // More of the same is the same alert, and no fact.
    for _ in 0..100 {
        login(&mut scene, "203.0.113.7", "root");
        scene.wait(Span::secs(1));
    }
    let about: Vec<String> = scene.facts.iter().map(|fact| fact.event.stream().to_string()).collect();
    assert!(!about.contains(&"sighting/2".to_owned()), "{about:?}");
    // It goes on as long as they come, and ends one window after the last.
    scene.look();
    scene.wait(Span::secs(298));
    assert!(scene.state.alerts.get(id).is_some());
    scene.wait(Span::secs(3));
    assert!(scene.state.alerts.get(id).is_none());
    assert!(scene.state.sightings.is_empty(), "nothing is kept of what came to nothing");
}

#[test]
fn nine_or_ten_too_slow_are_nothing() {
    let mut scene = scene(&[LOGINS]);
    for _ in 0..40 {
        login(&mut scene, "203.0.113.7", "root");
        scene.wait(Span::secs(34));
    }
    assert_eq!(raised(&scene), Vec::<String>::new());
    for _ in 0..10 {
        // Without the field that keeps keys apart nothing is counted.
        scene.record(&record([("event", "login_failed")]));
        scene.record(&record([("event", "login_failed"), ("source_ip", "")]));
    }
    assert_eq!(raised(&scene), Vec::<String>::new());
}

#[test]
fn the_time_that_a_record_names_counts_not_when_it_came() {
    let mut scene = scene(&[LOGINS]);
    let at = |scene: &mut Scene, ago: u64| {
        let at = Timestamp(scene.now.0 - i64::try_from(ago).unwrap() * 1_000_000);
        let fields = Labels::from([("event", "login_failed"), ("source_ip", "203.0.113.7")]);
        scene.record(&Record { at: Some(at), fields });
    };
    // An hour of logins, one every two minutes, delivered at once and in no order.
    for number in 0..30 {
        at(&mut scene, (number * 7 % 30) * 120);
    }
    assert_eq!(raised(&scene), Vec::<String>::new());
    // Ten in one minute, told half an hour late and last first, are ten in one minute.
    let mut scene = self::scene(&[LOGINS]);
    for number in 0..10 {
        at(&mut scene, 1_800 + number * 6);
    }
    assert_eq!(raised(&scene).len(), 1);
    // What claims to be of tomorrow is of now.
    let mut scene = self::scene(&[LOGINS]);
    for number in 0..10 {
        let at = Some(scene.now.plus(Span::secs(number * 86_400)));
        let fields = Labels::from([("event", "login_failed"), ("source_ip", "203.0.113.7")]);
        scene.record(&Record { at, fields });
    }
    assert_eq!(raised(&scene).len(), 1);
}

#[test]
fn a_rule_that_leaves_something_to_another_looks_after_it_whatever_their_names() {
    let mut scene = scene(&[ACCOUNTS, LOGINS]);
    for _ in 0..20 {
        login(&mut scene, "203.0.113.7", "root");
    }
    let raised = raised(&scene);
    assert!(raised.len() == 1 && raised[0].contains("rule=\"failed_logins\""), "{raised:?}");
    assert_eq!(scene.state.incidents.open.len(), 1);
}

#[test]
fn different_values_are_counted_once_each() {
    let mut scene = scene(&[SPRAY]);
    for _ in 0..50 {
        login(&mut scene, "203.0.113.7", "root");
        login(&mut scene, "203.0.113.7", "admin");
        scene.wait(Span::secs(1));
    }
    assert_eq!(raised(&scene), Vec::<String>::new());
    let counted = scene.facts.iter().filter(|fact| fact.event.kind() == "sighting.counted").count();
    assert!(counted < 5, "a value that was just counted is no fact: {counted}");
    login(&mut scene, "203.0.113.7", "guest");
    assert_eq!(raised(&scene).len(), 1);
}

#[test]
fn a_metric_has_to_hold_without_a_gap() {
    let sample =
        |scene: &mut Scene, cpu: &str| scene.record(&record([("cpu", cpu), ("host", "validator-2")]));
    let mut scene = scene(&[BUSY]);
    // Nine minutes high, one sample low: nothing.
    for _ in 0..18 {
        sample(&mut scene, "97");
        scene.wait(Span::secs(30));
    }
    sample(&mut scene, "40");
    // A metric that is absent says nothing, one that is no number ends it no less than a low one.
    for _ in 0..21 {
        sample(&mut scene, "95");
        scene.record(&record([("host", "validator-2")]));
        restart(&mut scene);
        scene.wait(Span::secs(30));
    }
    expect![[r#"
        sighting.begun sighting/2
        sighting.counted sighting/2
        sighting.counted sighting/2
        sighting.counted sighting/2
        sighting.lapsed sighting/2
        sighting.begun sighting/7
        sighting.counted sighting/7
        sighting.counted sighting/7
        sighting.counted sighting/7
        sighting.fired sighting/7
        alert.raised alert/12 label incident_type="performance_degradation"; rule busy; no open incident of its group
        incident.opened incident/13
        run.started run/14 stage 0, open 0
        run.advanced run/14 open 1
        run.advanced run/14 step 3 Done, begin 2 on validator-2
        action.intended action/17 Apply node.preserve validator-2 #1 rf-scene-17-0
    "#]]
    .assert_eq(&scene.look());
    // It ends with the first sample that says so.
    sample(&mut scene, "10");
    expect![[r#"
        alert.resolved alert/12
    "#]]
    .assert_eq(&scene.look());
    // Silence is no proof: after a gap it begins anew.
    sample(&mut scene, "99");
    scene.wait(Span::secs(1_000));
    sample(&mut scene, "99");
    expect![[r#"
        sighting.begun sighting/19
        action.unknown action/17 Apply next: no answer by the deadline
        action.intended action/17 Apply #2 rf-scene-17-0
        sighting.lapsed sighting/19
        action.unknown action/17 Apply next: no answer by the deadline
        action.intended action/17 Apply #3 rf-scene-17-0
        action.unknown action/17 Apply next: no answer by the deadline
        action.intended action/17 Apply #4 rf-scene-17-0
        sighting.begun sighting/27
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn an_alert_has_to_fire_and_fit_for_as_long() {
    let lag = |scene: &mut Scene, blocks: &str| {
        let labels = Labels::from([("alertname", "NodeLagging"), ("node", "validator-4")]);
        let annotations = Labels::from([("metric_blocks_behind", blocks)]);
        scene.received(Received { labels, annotations, ..Received::default() }).unwrap();
    };
    let mut scene = scene(&[STUCK]);
    for number in 0..20 {
        // Four minutes in it is better for a moment.
        lag(&mut scene, if number == 4 { "20" } else { "500" });
        scene.wait(Span::secs(60));
        restart(&mut scene);
    }
    expect![[r#"
        alert.raised alert/2 no incident_type label and no rule matches
        sighting.begun sighting/3
        alert.changed alert/2
        sighting.lapsed sighting/3
        alert.changed alert/2
        sighting.begun sighting/7
        sighting.fired sighting/7
        alert.raised alert/9 label incident_type="node_synchronization"; rule stuck; no open incident of its group
        incident.opened incident/10
        run.started run/11 stage 0, open 0
        run.advanced run/11 open 1
        run.advanced run/11 step 3 Done, begin 2 on validator-4
        action.intended action/14 Apply node.preserve validator-4 #1 rf-scene-14-0
    "#]]
    .assert_eq(&scene.look());
    let made = scene.state.alerts.iter().find(|(alert, _)| alert.labels.get("rule").is_some()).unwrap().0;
    expect![[r#"{alertname="stuck", incident_type="node_synchronization", node="validator-4", rule="stuck", severity="high"}"#]]
        .assert_eq(&made.labels.to_string());
    // The alert of the rule lasts as long as the one that it rests on.
    lag(&mut scene, "500");
    scene.wait(Span::secs(290));
    assert_eq!(scene.state.alerts.len(), 2);
    scene.wait(Span::secs(20));
    expect![[r#"
        alert.resolved alert/2
        sighting.lapsed sighting/7
        alert.resolved alert/9
        action.unknown action/14 Apply next: no answer by the deadline
        action.intended action/14 Apply #2 rf-scene-14-0
    "#]]
    .assert_eq(&scene.look());
    assert!(scene.state.sightings.is_empty());
}

#[test]
fn a_flood_of_keys_pushes_out_the_oldest_and_says_so() {
    let mut scene = scene(&[LOGINS]);
    login(&mut scene, "203.0.113.7", "root");
    for number in 0..KEYS_MAX {
        login(&mut scene, &format!("2001:db8::{number:x}"), "root");
    }
    assert_eq!(scene.state.sightings.len(), KEYS_MAX);
    let lapsed = scene.facts.iter().find(|fact| fact.event.kind() == "sighting.lapsed").unwrap();
    assert_eq!(
        lapsed.event,
        AnyEvent::Sighting(SightingId::from_number(2), Event::Lapsed { reason: Lapse::Evicted })
    );
    expect![[r#"
        [
            "rule/failed_logins {alertname=\"DetectionKeysEvicted\", evicting_rule=\"failed_logins\"}",
        ]
    "#]]
    .assert_debug_eq(&raised(&scene));
    for number in 0..10 {
        login(&mut scene, &format!("2001:db8:1::{number:x}"), "root");
    }
    assert_eq!(raised(&scene).len(), 1, "it is said once");
    // After the window nothing of it is left.
    scene.wait(Span::secs(301));
    assert!(scene.state.sightings.is_empty());
}

#[test]
fn what_the_facts_say_is_what_the_rows_say() {
    let mut scene = scene(&[LOGINS, SPRAY, BUSY]);
    for number in 0u32..200 {
        login(&mut scene, &format!("192.0.2.{}", number % 7), &format!("u{}", number % 2));
        let cpu = if number % 31 == 30 { "10" } else { "99" };
        scene.record(&record([("cpu", cpu), ("host", "h")]));
        scene.wait(Span::secs(11));
    }
    let mut folded = Sightings::default();
    for fact in &scene.facts {
        if let AnyEvent::Sighting(id, event) = &fact.event {
            let seq = folded.apply(*id, event, &fact.meta);
            assert_eq!(seq, fact.seq);
            let mut body = Vec::new();
            fact.event.write_body(&mut body).unwrap();
            assert_eq!(AnyEvent::read_body(fact.event.stream(), &body).unwrap(), fact.event);
        }
    }
    let over: Vec<SightingId> = folded.iter().filter(|s| is_over(s)).map(|s| s.id).collect();
    over.into_iter().for_each(|id| folded.remove(id));
    let texts: Vec<String> = folded.iter().map(|s| serde_json::to_string(s).unwrap()).collect();
    assert!(!texts.is_empty());
    assert_eq!(texts, rows(&scene.state));
}

#[test]
fn a_rule_that_changed_counts_from_nothing() {
    let mut scene = scene(&[LOGINS]);
    for _ in 0..9 {
        login(&mut scene, "203.0.113.7", "root");
    }
    scene.look();
    let mut files = shipped();
    files.retain(|path, _| !path.starts_with("rules/"));
    files.insert("rules/scene_0.yaml".to_owned(), LOGINS.replace("10,", "5,"));
    let (content, problems) = content::load(&files);
    assert!(problems.is_empty(), "{problems:#?}");
    scene.must(crate::flow::Command::LoadContent(std::sync::Arc::new(content)));
    login(&mut scene, "203.0.113.7", "root");
    expect![[r#"
        content.loaded content
        sighting.lapsed sighting/2
        sighting.begun sighting/13
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn refusals_of_the_platform_itself_are_records() {
    let rule = "
id: refused_sign_ins
on: records
match: [ 'source=\"ringfence.audit\"', 'kind=\"log.refused\"', 'command=\"login\"' ]
count: { threshold: 3, window: 5m }
type: unauthorized_access
severity: medium
auto_response: true
";
    let mut scene = scene(&[rule]);
    let refuse = || crate::flow::Command::RecordRefusal {
        command: "login".to_owned(),
        reason: "unknown token".to_owned(),
    };
    scene.ask(Actor::Platform, refuse()).unwrap();
    scene.ask(Actor::Platform, refuse()).unwrap();
    // A record from outside cannot pretend to be of the log.
    let forged = serde_json::json!({"source": "ringfence.audit", "kind": "log.refused", "command": "login"});
    scene.record(&Record::read(&forged, "laptop").unwrap());
    assert_eq!(raised(&scene), Vec::<String>::new());
    scene.ask(Actor::Platform, refuse()).unwrap();
    assert_eq!(scene.state.incidents.open.len(), 1);
}

#[test]
fn a_gap_counts_from_the_last_sample_that_came() {
    let sample = |scene: &mut Scene| scene.record(&record([("cpu", "99"), ("host", "h")]));
    let under_way = |scene: &Scene| scene.state.sightings.iter().filter(|one| !is_over(one)).count();
    for restarted in [false, true] {
        let mut scene = scene(&[BUSY]);
        sample(&mut scene);
        scene.wait(Span::secs(149));
        // So soon it is no fact of its own, and counts all the same.
        sample(&mut scene);
        assert_eq!(scene.facts.len(), 1);
        if restarted {
            restart(&mut scene);
        }
        scene.wait(Span::secs(299));
        assert_eq!(under_way(&scene), 1, "restarted: {restarted}");
        // What came meanwhile was within the gap each time, so it has held.
        sample(&mut scene);
        scene.wait(Span::secs(299));
        sample(&mut scene);
        assert_eq!(raised(&scene).len(), 1, "restarted: {restarted}");
    }
    let mut scene = scene(&[BUSY]);
    sample(&mut scene);
    scene.wait(Span::secs(149));
    sample(&mut scene);
    scene.wait(GAP);
    assert_eq!(under_way(&scene), 0, "a whole gap ends it");
}
