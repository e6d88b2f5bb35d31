//! Tests of what is done to services and their data, to traffic, to models and what trains them, and of the figures
//! that the analysis of prompts gives.

use serde_json::{Map, Value, json};

use super::World;
use crate::call::{Call, Refusal, Reply};
use crate::order::{Order, Verb};
use crate::scenario::{Beat, Deed, Scenario};
use crate::spec::{BackupSpec, Spec, TargetKind, TargetRef};

const SECOND_US: u64 = 1_000_000;

fn call(verb: &str, target: &str, args: Value) -> Call {
    let args = args.as_object().cloned().unwrap_or_default();
    Call { verb: verb.to_owned(), target: target.to_owned(), args, time_us: 2 * SECOND_US, ..Call::default() }
}

fn order(world: &mut World, verb: &str, target: &str, args: Value) -> Reply {
    let reply = world.apply(&call(verb, target, args));
    assert!(reply.applied(), "{verb} {target}: {:?}", reply.reason);
    reply
}

fn holds(world: &World, verb: &str, target: &str, args: &Value) -> bool {
    world.read(verb, "", target, args.as_object().unwrap()).holds
}

/// A world in which this was done one second after its beginning.
fn after(mut world: World, deeds: Vec<Deed>) -> World {
    let beat =
        |deed| Beat { at_us: SECOND_US, text: "It happens.".to_owned(), deed: Some(deed), alert: None };
    let beats = deeds.into_iter().map(beat).collect();
    let scenario = Scenario { beats, goals: Vec::new(), ..Scenario::validator_compromise() };
    world.start(scenario, 0);
    world.tick(2 * SECOND_US);
    world
}

fn damaged(kind: TargetKind, id: &str) -> World {
    after(World::shipped(), vec![Deed::Damage { target: TargetRef::new(kind, id) }])
}

#[test]
fn every_verb_reads_its_arguments() {
    let needed = json!({"patch": "patch-1", "to": "storage", "name": "Alarm"});
    for verb in Verb::ALL {
        let read = |args: &Map<String, Value>| Order::read(verb, args);
        let some = |name: &str| Map::from_iter([(name.to_owned(), needed[name].clone())]);
        let one = |name| read(&some(name));
        let read =
            read(&Map::new()).or_else(|_| one("patch")).or_else(|_| one("to")).or_else(|_| one("name"));
        assert!(read.is_ok(), "{}: {read:?}", verb.name());
    }
}

#[test]
fn what_has_a_way_back_goes_there_and_twice_is_once() {
    for (verb, target, args) in [
        ("traffic.block", "203.0.113.40", json!({})),
        ("traffic.limit", "api-public", json!({"per_minute": 30})),
        ("traffic.reroute", "ledger", json!({"to": "storage"})),
        ("model.rollback", "model-a", json!({"reason": "poisoned"})),
        ("model.isolate", "model-b", json!({})),
        ("model.throttle", "model-b", json!({})),
        ("dataset.quarantine", "dataset-1", json!({})),
        ("pipeline.pause", "pipeline-2", json!({})),
        ("validation.tighten", "storage", json!({})),
    ] {
        let mut world = World::shipped();
        if verb == "model.rollback" {
            order(&mut world, "model.inspect", target, json!({}));
        }
        let apply = Verb::parse(verb).unwrap();
        let back = apply.opposite().unwrap();
        assert_eq!(back.opposite(), Some(apply));
        let kind = apply.kinds()[0].name();
        let before = world.state_of(kind, target);
        assert!(!holds(&world, verb, target, &args), "{verb}");
        for _ in 0..2 {
            order(&mut world, verb, target, args.clone());
            assert!(holds(&world, verb, target, &args), "{verb}");
        }
        assert_ne!(world.state_of(kind, target), before, "{verb}");
        for _ in 0..2 {
            order(&mut world, back.name(), target, args.clone());
            assert!(
                holds(&world, back.name(), target, &args) && !holds(&world, verb, target, &args),
                "{verb}"
            );
        }
        assert_eq!(world.state_of(kind, target), before, "{verb}");
        assert_eq!((world.effects(apply, target).changed, world.effects(back, target).changed), (1, 1));
    }
}

#[test]
fn wrong_arguments_of_systems_are_refused() {
    let mut world = World::shipped();
    for (verb, target, args) in [
        ("traffic.limit", "api-public", json!({"per_minute": 0})),
        ("traffic.reroute", "ledger", json!({"to": "moon"})),
        ("traffic.reroute", "ledger", json!({})),
        ("model.rollback", "model-a", json!({"checkpoint": ""})),
        ("backup.restore", "ledger", json!({"backup": "x".repeat(201)})),
        ("service.restore", "ledger", json!({"force": true})),
    ] {
        let reply = world.apply(&call(verb, target, args));
        assert_eq!(reply.refusal, Some(Refusal::BadArguments), "{verb}: {:?}", reply.reason);
    }
    let unknown = world.apply(&call("traffic.block", "no address", json!({})));
    assert_eq!(unknown.refusal, Some(Refusal::UnknownTarget));
}

#[test]
fn a_service_that_stopped_is_started_or_stood_in_for() {
    let mut world = after(World::shipped(), vec![Deed::Stop { service: "ledger".to_owned() }]);
    let none = json!({});
    assert!(
        !holds(&world, "service.probe", "ledger", &none)
            && !holds(&world, "service.restore", "ledger", &none)
    );
    order(&mut world, "traffic.reroute", "ledger", json!({"to": "storage"}));
    assert!(holds(&world, "service.probe", "ledger", &none), "another one answers");
    order(&mut world, "traffic.route_back", "ledger", json!({"to": "storage"}));
    assert!(!holds(&world, "service.probe", "ledger", &none));
    order(&mut world, "service.restore", "ledger", none.clone());
    assert!(holds(&world, "service.probe", "ledger", &none));
    let circle = world.apply(&call("traffic.reroute", "ledger", json!({"to": "ledger"})));
    assert_eq!(circle.refusal, Some(Refusal::Impossible));
}

#[test]
fn the_latest_backup_is_the_newest_whole_one_before_the_damage() {
    let mut spec = Spec::shipped();
    spec.backups.push(BackupSpec {
        id: "ledger-torn".to_owned(),
        service: "ledger".to_owned(),
        broken: true,
    });
    let target = TargetRef::new(TargetKind::Service, "ledger");
    let mut world = after(World::new(&spec).unwrap(), vec![Deed::Damage { target }]);
    let latest = json!({"backup": "latest"});
    assert!(!holds(&world, "data.verify", "ledger", &json!({})));
    let late = order(&mut world, "backup.snapshot", "ledger", json!({})).artefact.unwrap();
    assert_eq!(late["backup"], "ledger-3");
    let restored = order(&mut world, "backup.restore", "ledger", latest.clone()).artefact.unwrap();
    assert_eq!(
        restored["backup"], "ledger-nightly",
        "neither the torn one nor the one taken after the damage"
    );
    assert!(
        holds(&world, "data.verify", "ledger", &json!({}))
            && holds(&world, "backup.restore", "ledger", &latest)
    );
    order(&mut world, "backup.restore", "ledger", json!({"backup": "ledger-3"}));
    assert!(
        !holds(&world, "data.verify", "ledger", &json!({})),
        "what was asked for by name is taken as it is"
    );
    let torn = world.apply(&call("backup.restore", "ledger", json!({"backup": "ledger-torn"})));
    assert_eq!(torn.refusal, Some(Refusal::Impossible));
}

#[test]
fn a_changed_model_goes_back_to_its_last_clean_checkpoint_or_to_a_person() {
    let mut world = damaged(TargetKind::Model, "model-a");
    assert!(!holds(&world, "model.verify", "model-a", &json!({})));
    let check = order(&mut world, "model.verify", "model-a", json!({})).artefact.unwrap();
    assert_ne!(check["registered"], check["present"]);
    let early = world.apply(&call("model.rollback", "model-a", json!({"reason": "data poisoning"})));
    assert!(early.reason.unwrap().contains("`model.inspect` comes first"), "what it ran would be gone");
    order(&mut world, "model.inspect", "model-a", json!({}));
    order(&mut world, "model.rollback", "model-a", json!({"reason": "data poisoning"}));
    let state = world.state_of("model", "model-a");
    assert_eq!(
        (&state["checkpoint"], &state["status"], &state["reason"]),
        (&json!("model-a-1"), &json!("rolled_back"), &json!("data poisoning"))
    );
    assert!(holds(&world, "model.verify", "model-a", &json!({})));

    let mut alone = damaged(TargetKind::Model, "model-b");
    let refused = alone.apply(&call("model.rollback", "model-b", json!({})));
    assert_eq!(refused.refusal, Some(Refusal::Impossible));
    assert!(refused.reason.unwrap().contains("a person has to review it"));
}

#[test]
fn a_rotated_key_has_a_successor_and_is_worth_nothing() {
    let mut world = World::shipped();
    let made = order(&mut world, "key.rotate", "key-3", json!({})).artefact.unwrap();
    assert_eq!(made["successor"], "key-3.2");
    assert!(
        holds(&world, "key.revoke", "key-3", &json!({})) && holds(&world, "key.rotate", "key-3", &json!({}))
    );
    assert_eq!(order(&mut world, "key.rotate", "key-3", json!({})).artefact.unwrap()["successor"], "key-3.3");
}

#[test]
fn a_blocked_address_and_a_strict_service_end_an_attack() {
    let mut world = World::shipped();
    world.start(Scenario::find("prompt_injection").unwrap(), 0);
    world.tick(2 * SECOND_US);
    for n in [8, 9] {
        order(&mut world, "traffic.block", &format!("198.51.100.{n}"), json!({}));
    }
    assert!(world.attack_stopped());

    let mut strict = World::shipped();
    order(&mut strict, "validation.tighten", "storage", json!({}));
    strict.start(Scenario::find("malicious_file_upload").unwrap(), 2 * SECOND_US);
    strict.tick(4 * SECOND_US);
    assert_eq!(strict.state_of("file", "upload-77"), Value::Null, "refused at the door");
    assert!(strict.attack_stopped());
}

#[test]
fn the_gateway_reports_what_was_tried_and_judges_nobody() {
    let inject = |techniques: &[&str]| Deed::Inject {
        session: "session-8".to_owned(),
        signature: "role-override/7".to_owned(),
        techniques: techniques.iter().map(|name| (*name).to_owned()).collect(),
    };
    for (deeds, attempts, techniques) in [
        (vec![], 0, vec![]),
        (vec![inject(&["role_override"])], 1, vec!["role_override"]),
        (vec![inject(&["role_override", "encoding"]), inject(&[])], 2, vec!["encoding", "role_override"]),
        (vec![inject(&["something new"]); 9], 9, vec!["something new"]),
    ] {
        let mut world = after(World::shipped(), deeds);
        let mut said =
            |verb: &str, target: &str| order(&mut world, verb, target, json!({})).artefact.unwrap();
        let (analysis, scan) = (said("session.analyze", "session-8"), said("session.scan", "session-8"));
        let assessed = said("account.assess", "account-8");
        for one in [&analysis, &scan, &assessed] {
            assert_eq!(one["techniques"], json!(techniques));
            assert!(one.get("user_risk").is_none() && one.get("sophistication").is_none(), "{one}");
        }
        for one in [&scan, &assessed] {
            assert_eq!((&one["attempts"], one["privileged"].is_boolean()), (&json!(attempts), true));
        }
    }
}
