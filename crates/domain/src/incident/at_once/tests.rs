//! What is allowed beforehand runs at once, once, within its caps, and where the playbook does not do it itself.

use std::collections::BTreeMap;

use crate::{
    action::{self, Origin},
    event::Event,
    flow::Command,
    id::ActionId,
    incident,
    scene::{Scene, shipped},
    severity::Severity,
    time::Span,
};

const KINDS: [(&str, &str); 7] = [
    ("node", "validator-3"),
    ("endpoint", "endpoint-1"),
    ("address", "203.0.113.9"),
    ("session", "session-1"),
    ("service", "gateway"),
    ("account", "account-1"),
    ("model", "model-a"),
];

fn alert(scene: &mut Scene, kind: &str, severity: &str, extra: &[(&str, &str)]) {
    let head = [("incident_type", kind), ("severity", severity)];
    let labels: Vec<(&str, &str)> = head.iter().chain(extra).copied().collect();
    let labels = crate::labels::Labels::from_pairs(labels).unwrap();
    let received = crate::alert::Received { labels, ..Default::default() };
    scene.received(received).unwrap();
}

/// What was first decided on each target, and by whom, while every call holds and nobody does anything.
fn asked(scene: &mut Scene) -> BTreeMap<(String, String), Vec<Origin>> {
    let mut found: BTreeMap<(String, String), Vec<Origin>> = BTreeMap::new();
    for _ in 0..60 {
        let open = scene.calling();
        open.iter().for_each(|id| scene.applied(*id));
        scene.wait(Span::millis(500));
    }
    for fact in &scene.facts {
        let (Event::Action(_, action::Event::Intended { spec: Some(spec), .. })
        | Event::Action(_, action::Event::Held { spec: Some(spec), .. })) = &fact.event
        else {
            continue;
        };
        let key = (spec.verb.to_string(), spec.target.to_string());
        found.entry(key).or_default().push(spec.origin);
    }
    found
}

/// The types of incidents that the set is for.
const CUT_OFF: [&str; 9] = [
    "prompt_injection",
    "data_poisoning",
    "model_extraction",
    "adversarial_attack",
    "privacy_breach",
    "zero_day_exploit",
    "unauthorized_access",
    "data_breach",
    "security_breach",
];

#[test]
fn every_type_is_cut_off_within_half_a_minute_where_it_is_critical_and_nothing_twice() {
    for kind in CUT_OFF {
        let mut scene = Scene::new(&[]);
        alert(&mut scene, kind, "critical", &KINDS);
        let found = asked(&mut scene);
        let wanted = [
            ("node.isolate", "validator-3"),
            ("api.shutdown", "endpoint-1"),
            ("traffic.block", "203.0.113.9"),
        ];
        for (verb, target) in wanted {
            let by = found.get(&(verb.to_owned(), target.to_owned()));
            assert_eq!(by.map(Vec::len), Some(1), "{kind}: {verb}: {found:?}");
        }
    }
}

#[test]
fn every_type_has_its_sessions_ended_and_its_filter_tightened_where_it_is_high() {
    for kind in CUT_OFF.into_iter().filter(|kind| *kind != "security_breach") {
        let mut scene = Scene::new(&[]);
        alert(&mut scene, kind, "high", &KINDS);
        let found = asked(&mut scene);
        for (verb, target) in [("session.terminate", "session-1"), ("filter.tighten", "gateway")] {
            let by = found.get(&(verb.to_owned(), target.to_owned()));
            assert_eq!(by.map(Vec::len), Some(1), "{kind}: {verb}: {found:?}");
        }
        let shut = found.iter().any(|((verb, _), by)| verb == "api.shutdown" && by.contains(&Origin::AtOnce));
        assert!(!shut, "{kind} is not critical");
    }
}

/// Where a system is in foreign hands automation stops first, and two people allow the isolation.
#[test]
fn what_a_playbook_leaves_to_people_is_not_done_beside_it() {
    let mut scene = Scene::new(&[]);
    alert(&mut scene, "system_compromise", "critical", &[("node", "validator-3")]);
    assert!(scene.facts.iter().all(|fact| fact.event.kind() != "incident.at_once"));
    scene.look();
}

fn at_once(scene: &Scene) -> Vec<ActionId> {
    let own = scene.state.actions.iter().filter(|action| action.spec.origin == Origin::AtOnce);
    own.map(|action| action.id).collect()
}

#[test]
fn it_is_in_the_commit_of_the_alert_and_says_which_strategy() {
    let mut scene = Scene::new(&[]);
    alert(&mut scene, "data_breach", "critical", &[("node", "validator-3"), ("service", "gateway")]);
    let story = scene.look();
    assert!(story.contains("incident.at_once incident/"), "{story}");
    let own = at_once(&scene);
    let spec = |id: &ActionId| scene.state.actions.get(*id).unwrap().spec.clone();
    let named: Vec<_> = own.iter().map(spec).map(|spec| (spec.verb, spec.strategy.unwrap())).collect();
    assert_eq!(
        named,
        [
            ("filter.tighten".into(), "tighten_filters".into()),
            ("node.isolate".into(), "isolate_nodes".into()),
        ]
    );
}

#[test]
fn raising_it_adds_what_the_higher_severity_allows_and_repeats_nothing() {
    let mut scene = Scene::new(&[]);
    alert(&mut scene, "prompt_injection", "high", &KINDS);
    let before = asked(&mut scene);
    assert!(!before.contains_key(&("node.isolate".to_owned(), "validator-3".to_owned())));
    let id = scene.incident();
    let (severity, why) = (Some(Severity::Critical), "it spreads".to_owned());
    let raise = incident::Command::Classify { id, incident_type: None, severity, onset: None, why };
    scene.must(Command::Incident(raise));
    let after = asked(&mut scene);
    // The run chose by the severity at its beginning, so it does not do these any more.
    let own = |verb: &str, target: &str| after.get(&(verb.to_owned(), target.to_owned())).cloned();
    assert_eq!(own("node.isolate", "validator-3"), Some(vec![Origin::AtOnce]));
    assert_eq!(own("api.shutdown", "endpoint-1"), Some(vec![Origin::AtOnce]));
    assert_eq!(own("session.terminate", "session-1").map(|by| by.len()), Some(1));
    assert_eq!(own("filter.tighten", "gateway").map(|by| by.len()), Some(1));
    let count = scene.facts.len();
    alert(&mut scene, "prompt_injection", "critical", &KINDS);
    assert!(scene.facts[count..].iter().all(|fact| fact.event.kind() != "incident.at_once"));
}

#[test]
fn a_cap_leaves_out_and_a_person_is_told_which() {
    let mut scene = Scene::new(&[]);
    for node in ["validator-1", "validator-2", "validator-3", "validator-4"] {
        alert(&mut scene, "data_breach", "critical", &[("node", node), ("service", "ledger")]);
    }
    let found = asked(&mut scene);
    let isolated = found.keys().filter(|(verb, _)| verb == "node.isolate").count();
    assert_eq!(isolated, 2, "the action may be in force on two: {found:?}");
    let incident = scene.state.incidents.open.values().next().unwrap();
    let told = |text: &str| incident.attention.iter().any(|attention| attention.reason.contains(text));
    assert!(
        told("isolate_nodes on 1 more (`node.isolate` may reach 0 more now)"),
        "{:?}",
        incident.attention
    );
}

#[test]
fn the_set_has_a_cap_of_its_own_over_all_strategies() {
    let mut files = shipped();
    let strategies = files.get_mut("strategies.yaml").unwrap();
    *strategies = strategies.replace("targets_max: 20", "targets_max: 2");
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    alert(&mut scene, "data_breach", "critical", &KINDS);
    assert_eq!(at_once(&scene).len(), 2);
    let incident = scene.state.incidents.open.values().next().unwrap();
    let told =
        incident.attention.iter().any(|a| a.reason.contains("at_once reaches 2 targets of one incident"));
    assert!(told, "{:?}", incident.attention);
    assert_eq!(incident.at_once.as_ref().unwrap().left.len(), 3);
}

#[test]
fn two_strategies_that_do_the_same_reach_a_target_once() {
    let mut files = shipped();
    let text = files.get_mut("strategies.yaml").unwrap();
    let again = "strategies:\n  - id: isolate_again\n    name: Once more\n    description: As before.\n    action: node.isolate\n    for: 1h\n";
    *text = text
        .replacen("strategies:\n", again, 1)
        .replace("isolate_nodes, shut_endpoints", "isolate_nodes, isolate_again, shut_endpoints");
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    alert(&mut scene, "data_breach", "critical", &KINDS[..1]);
    let isolated = scene.state.actions.iter().filter(|action| &*action.spec.verb == "node.isolate");
    assert_eq!(isolated.count(), 1);
}

#[test]
fn nothing_of_it_has_an_effect_before_a_person_where_the_rule_says_so() {
    let mut files = shipped();
    let rule = "id: quiet\nmatch: ['alertname=\"Quiet\"']\ntype: data_breach\nauto_response: false\n";
    files.insert("rules/quiet.yaml".to_owned(), rule.to_owned());
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    alert(&mut scene, "data_breach", "critical", &[KINDS[0], KINDS[1], ("alertname", "Quiet")]);
    assert_eq!(at_once(&scene), []);
    alert(&mut scene, "data_breach", "critical", &[("node", "validator-5"), ("service", "other")]);
    assert_eq!(at_once(&scene).len(), 2, "where no rule says so it runs");
}

#[test]
fn a_restart_in_between_repeats_nothing() {
    let mut scene = Scene::new(&[]);
    alert(&mut scene, "data_breach", "critical", &KINDS);
    let before = at_once(&scene).len();
    assert!(before >= 4);
    scene.start(2);
    alert(&mut scene, "data_breach", "critical", &KINDS);
    assert_eq!(at_once(&scene).len(), before);
    let row = serde_json::to_string(&*scene.state.incidents.open[&scene.incident()]).unwrap();
    let read: incident::Incident = serde_json::from_str(&row).unwrap();
    assert_eq!(&read, &*scene.state.incidents.open[&scene.incident()]);
}

/// What is refused did not run: it stands in the fact with its reason, a person hears of it once, and later it may run.
#[test]
fn what_is_refused_does_not_count_as_if_it_had_run() {
    let (mut content, problems) = crate::content::load(&shipped());
    assert_eq!(problems, []);
    let connector = |content: &mut crate::content::Content, name: &str| {
        let known = std::sync::Arc::make_mut(content.actions.get_mut("node.isolate").unwrap());
        std::mem::replace(&mut known.connector, name.into())
    };
    let own = connector(&mut content, crate::control::own::CONNECTOR);
    let mut scene = Scene::with(content);
    alert(&mut scene, "data_breach", "critical", &[("node", "validator-3"), ("service", "ledger")]);
    let id = scene.incident();
    let facts = |scene: &Scene| {
        let said = scene.facts.iter().filter_map(|fact| {
            let Event::Incident(_, incident::Event::AtOnce { effects, left, .. }) = &fact.event else {
                return None;
            };
            Some(super::said(Severity::Critical, effects, left))
        });
        said.collect::<Vec<_>>()
    };
    let refused = "isolate_nodes not on 1 more: `node.isolate` is for playbooks";
    assert!(facts(&scene)[0].contains(refused), "{:?}", facts(&scene));
    let incident = &scene.state.incidents.open[&id];
    let told = |text: &str| incident.attention.iter().filter(|waits| waits.reason.contains(text)).count();
    assert_eq!(
        told("isolate_nodes on 1 more (`node.isolate` is for playbooks"),
        1,
        "{:?}",
        incident.attention
    );
    let ran = incident.at_once.as_ref().unwrap();
    assert!(!ran.effects.iter().any(|(verb, _)| &**verb == "node.isolate"), "{ran:?}");
    let count = facts(&scene).len();
    alert(
        &mut scene,
        "data_breach",
        "critical",
        &[("node", "validator-3"), ("service", "ledger"), ("again", "yes")],
    );
    assert_eq!(facts(&scene).len(), count, "nothing is said twice");
    let content = std::sync::Arc::make_mut(&mut scene.state.content);
    connector(content, &own);
    alert(&mut scene, "data_breach", "critical", &[("node", "validator-5"), ("service", "ledger")]);
    let isolated: Vec<_> = at_once(&scene)
        .into_iter()
        .filter_map(|id| scene.state.actions.get(id))
        .filter(|action| &*action.spec.verb == "node.isolate")
        .map(|action| action.spec.target.to_string())
        .collect();
    assert_eq!(isolated, ["validator-3", "validator-5"]);
}
