//! Tests of the world: every verb forth and back, idempotency, refusals, and one attack.

use std::fmt::Write as _;

use expect_test::{Expect, expect};
use serde_json::{Map, Value, json};

use super::{Effects, World};
use crate::call::{Call, Refusal};
use crate::order::Verb;
use crate::scenario::Scenario;
use crate::spec::{Spec, TargetKind};

const SECOND_US: u64 = 1_000_000;

fn object(value: Value) -> Map<String, Value> {
    value.as_object().cloned().expect("arguments are an object")
}

fn call(key: &str, verb: &str, target: &str, args: Value) -> Call {
    let kind = verb.split_once('.').map_or("", |(kind, _)| if kind == "patch" { "" } else { kind });
    Call {
        key: key.to_owned(),
        verb: verb.to_owned(),
        target_kind: kind.to_owned(),
        target: target.to_owned(),
        args: object(args),
        time_us: 7,
        ..Call::default()
    }
}

fn holds(world: &World, call: &Call) -> bool {
    world.read(&call.verb, &call.target_kind, &call.target, &call.args).holds
}

/// Applies, reads back, reverts, reads back; prints what a caller sees.
fn check(verb: &str, target: &str, args: Value, expect: Expect) {
    let mut world = World::shipped();
    let there = call("there", verb, target, args.clone());
    let opposite = Verb::parse(verb).unwrap().opposite().unwrap();
    let back = call("back", opposite.name(), target, args);
    let untouched = world.snapshot();
    let mut seen = String::new();
    writeln!(seen, "holds before: {}", holds(&world, &there)).unwrap();
    for step in [&there, &back] {
        let reply = world.apply(step);
        writeln!(seen, "{} holds: {}", step.verb, holds(&world, step)).unwrap();
        writeln!(seen, "  state {}", ordered(reply.state)).unwrap();
        writeln!(seen, "  artefact {}", ordered(reply.artefact.unwrap_or_default())).unwrap();
    }
    for happening in world.events_since(0) {
        writeln!(seen, "{:?}: {}", happening.kind, happening.text).unwrap();
    }
    expect.assert_eq(&seen);
    // Sessions that were ended stay ended: nobody can be logged in again from here.
    if verb != "account.suspend" {
        let kinds = ["nodes", "keys", "services", "endpoints", "segments", "sessions", "accounts"];
        let after = world.snapshot();
        for kind in kinds {
            assert_eq!(after[kind], untouched[kind], "the way back leaves nothing behind");
        }
    }
}

/// With its names in order, however it was made.
fn ordered(mut value: serde_json::Value) -> serde_json::Value {
    value.sort_all_objects();
    value
}

#[test]
fn node_isolation() {
    check(
        "node.isolate",
        "validator-3",
        json!({"level": "full", "reason": "double vote"}),
        expect![[r#"
        holds before: false
        node.isolate holds: true
          state {"compromised":false,"id":"validator-3","isolation":"full","patches":[],"paths":{"outside":"cut","peers":"cut","security_tools":"open"},"reason":"double vote","segment":"core","since_us":7}
          artefact {"before":null,"kind":"isolation","level":"full"}
        node.release holds: true
          state {"compromised":false,"id":"validator-3","isolation":"none","patches":[],"paths":{"outside":"open","peers":"open","security_tools":"open"},"segment":"core"}
          artefact null
        Contained: validator-3 is cut off from peers and the outside; only the security tools still reach it.
        Reverted: validator-3 is back on the network.
    "#]],
    );
}

#[test]
fn node_watching() {
    check(
        "node.isolate",
        "validator-5",
        json!({"level": "monitor"}),
        expect![[r#"
        holds before: false
        node.isolate holds: true
          state {"compromised":false,"id":"validator-5","isolation":"monitor","patches":[],"paths":{"outside":"open","peers":"open","security_tools":"open"},"segment":"edge","since_us":7}
          artefact {"before":null,"kind":"isolation","level":"monitor"}
        node.release holds: true
          state {"compromised":false,"id":"validator-5","isolation":"none","patches":[],"paths":{"outside":"open","peers":"open","security_tools":"open"},"segment":"edge"}
          artefact null
        Contained: validator-5 is watched: its traffic is mirrored to the security tools.
        Reverted: validator-5 is back on the network.
    "#]],
    );
}

#[test]
fn key_revocation() {
    check(
        "key.revoke",
        "key-3",
        json!({"reason": "key_compromise"}),
        expect![[r#"
        holds before: false
        key.revoke holds: true
          state {"id":"key-3","node":"validator-3","reason":"key_compromise","revoked":true,"since_us":7}
          artefact {"key":"key-3","kind":"revocation","reason":"key_compromise"}
        key.reinstate holds: true
          state {"id":"key-3","node":"validator-3","revoked":false}
          artefact null
        Contained: key-3 of validator-3 is revoked; nobody accepts its signatures any more.
        Reverted: key-3 is valid again.
    "#]],
    );
}

#[test]
fn account_suspension() {
    check(
        "account.suspend",
        "account-2",
        json!({}),
        expect![[r#"
        holds before: false
        account.suspend holds: true
          state {"id":"account-2","open_sessions":[],"role":"operator","since_us":7,"suspended":true}
          artefact {"kind":"suspension","sessions_ended":["session-2"]}
        account.restore holds: true
          state {"id":"account-2","open_sessions":[],"role":"operator","suspended":false}
          artefact null
        Contained: account-2 is suspended and its session ended.
        Reverted: account-2 may log in again.
    "#]],
    );
}

#[test]
fn service_disabling() {
    check(
        "service.disable",
        "api",
        json!({}),
        expect![[r#"
        holds before: false
        service.disable holds: true
          state {"disabled":true,"id":"api","patches":[],"segment":"edge","since_us":7}
          artefact {"endpoints_closed":["api-admin","api-public"],"kind":"service_stop"}
        service.enable holds: true
          state {"disabled":false,"id":"api","patches":[],"segment":"edge"}
          artefact null
        Contained: The service api is disabled; its endpoints are closed.
        Reverted: The service api runs again.
    "#]],
    );
}

#[test]
fn segment_isolation() {
    check(
        "segment.isolate",
        "edge",
        json!({}),
        expect![[r#"
        holds before: false
        segment.isolate holds: true
          state {"allow":[],"id":"edge","isolated":true,"since_us":7,"traffic":[]}
          artefact {"kind":"segmentation","rules_cut":[{"from":"core","to":"edge"},{"from":"edge","to":"core"}]}
        segment.join holds: true
          state {"id":"edge","isolated":false,"traffic":[{"from":"core","to":"edge"},{"from":"edge","to":"core"}]}
          artefact null
        Contained: The segment edge is cut off from the others.
        Reverted: The segment edge is joined to the others again.
    "#]],
    );
}

#[test]
fn emergency_patch() {
    check(
        "patch.apply",
        "validator-1",
        json!({"patch": "patch-1"}),
        expect![[r#"
        holds before: false
        patch.apply holds: true
          state {"compromised":false,"id":"validator-1","isolation":"none","patches":["patch-1"],"paths":{"outside":"open","peers":"open","security_tools":"open"},"segment":"core"}
          artefact {"kind":"patch","patch":"patch-1","summary":"validators refuse to sign twice at one height"}
        patch.remove holds: true
          state {"compromised":false,"id":"validator-1","isolation":"none","patches":[],"paths":{"outside":"open","peers":"open","security_tools":"open"},"segment":"core"}
          artefact null
        Contained: patch-1 is on validator-1: validators refuse to sign twice at one height.
        Reverted: patch-1 is off validator-1 again.
    "#]],
    );
}

#[test]
fn emergency_patch_of_a_service() {
    check(
        "patch.apply",
        "api",
        json!({"patch": "patch-2"}),
        expect![[r#"
        holds before: false
        patch.apply holds: true
          state {"disabled":false,"id":"api","patches":["patch-2"],"segment":"edge"}
          artefact {"kind":"patch","patch":"patch-2","summary":"the login of the api counts failed attempts"}
        patch.remove holds: true
          state {"disabled":false,"id":"api","patches":[],"segment":"edge"}
          artefact null
        Contained: patch-2 is on api: the login of the api counts failed attempts.
        Reverted: patch-2 is off api again.
    "#]],
    );
}

#[test]
fn a_stricter_level_holds_for_a_weaker_one() {
    let levels = ["monitor", "partial", "full"];
    for (present, level) in levels.iter().enumerate() {
        let mut world = World::shipped();
        world.apply(&call("k", "node.isolate", "validator-1", json!({"level": level})));
        for (asked, level) in levels.iter().enumerate() {
            let read = call("", "node.isolate", "validator-1", json!({"level": level}));
            assert_eq!(holds(&world, &read), present >= asked, "{present} asked {asked}");
        }
    }
}

#[test]
fn refusals() {
    let mut world = World::shipped();
    let mut seen = String::new();
    let mut refused = |call: Call| {
        let reply = world.apply(&call);
        let refusal = reply.refusal.expect("refused");
        writeln!(seen, "{} {}: {refusal:?}: {}", call.verb, call.target, reply.reason.unwrap()).unwrap();
        let reading = world.read(&call.verb, &call.target_kind, &call.target, &call.args);
        assert_eq!((reading.holds, reading.refusal), (false, Some(refusal)));
    };
    refused(call("1", "node.isolate", "validator-99", json!({})));
    refused(call("2", "node.explode", "validator-1", json!({})));
    refused(call("3", "node.isolate", "validator-1", json!({"level": "total"})));
    refused(call("4", "node.isolate", "validator-1", json!({"depth": 3})));
    refused(call("5", "key.revoke", "key-1", json!({"reason": 7})));
    refused(call("6", "patch.apply", "validator-1", json!({})));
    refused(call("7", "patch.apply", "validator-1", json!({"patch": "patch-9"})));
    refused(call("8", "segment.isolate", "core", json!({"allow": ["moon"]})));
    refused(call("9", "service.disable", "api", json!({"reason": "x".repeat(501)})));
    refused(Call { target_kind: "key".to_owned(), ..call("10", "node.isolate", "key-1", json!({})) });
    refused(Call { target_kind: "model".to_owned(), ..call("11", "patch.apply", "model-a", json!({})) });
    expect![[r#"
        node.isolate validator-99: UnknownTarget: unknown target
        node.explode validator-1: UnknownVerb: unknown verb `node.explode`
        node.isolate validator-1: BadArguments: arguments of `node.isolate`: unknown variant `total`, expected one of `monitor`, `partial`, `full`
        node.isolate validator-1: BadArguments: arguments of `node.isolate`: unknown field `depth`, expected `level` or `reason`
        key.revoke key-1: BadArguments: arguments of `key.revoke`: invalid type: integer `7`, expected string or map
        patch.apply validator-1: BadArguments: arguments of `patch.apply`: missing field `patch`
        patch.apply validator-1: BadArguments: arguments of `patch.apply`: unknown patch `patch-9`
        segment.isolate core: BadArguments: arguments of `segment.isolate`: unknown segment `moon`
        service.disable api: BadArguments: arguments of `service.disable`: reason is longer than 500 bytes
        node.isolate key-1: BadArguments: `node.isolate` cannot be asked of a target of kind `key`
        patch.apply model-a: BadArguments: `patch.apply` cannot be asked of a target of kind `model`
    "#]].assert_eq(&seen);
    let nothing: Vec<Verb> = Verb::ALL
        .into_iter()
        .filter(|verb| world.effects(*verb, "validator-1") != Effects::default())
        .collect();
    assert_eq!(nothing, []);
}

#[test]
fn the_same_key_takes_effect_once() {
    let mut world = World::shipped();
    let isolate = call("k", "node.isolate", "validator-3", json!({}));
    let first = world.apply(&isolate);
    world.apply(&call("r", "node.release", "validator-3", json!({})));
    let later = Call { time_us: 99, ..isolate.clone() };
    let mut again = world.apply(&later);
    assert!(again.duplicate && !first.duplicate);
    again.duplicate = false;
    assert_eq!(again, first, "the recorded reply, not the state of now");
    assert!(!holds(&world, &isolate), "nothing was done again");
    assert_eq!(world.effects(Verb::NodeIsolate, "validator-3"), Effects { carried_out: 1, changed: 1 });

    let other = world.apply(&call("k", "node.isolate", "validator-4", json!({})));
    assert_eq!(other.refusal, Some(Refusal::KeyReused));
    let new_key = world.apply(&call("k2", "node.isolate", "validator-3", json!({})));
    assert!(!new_key.duplicate);
    assert_eq!(world.effects(Verb::NodeIsolate, "validator-3"), Effects { carried_out: 2, changed: 2 });
}

#[test]
fn a_refusal_is_remembered_under_its_key_too() {
    let mut world = World::shipped();
    let wrong = call("k", "node.isolate", "validator-99", json!({}));
    assert!(!world.apply(&wrong).duplicate);
    assert!(world.apply(&wrong).duplicate);
}

#[test]
fn without_a_key_each_call_counts() {
    let mut world = World::shipped();
    let isolate = call("", "node.isolate", "validator-3", json!({}));
    for _ in 0..3 {
        assert!(!world.apply(&isolate).duplicate);
    }
    assert_eq!(world.effects(Verb::NodeIsolate, "validator-3"), Effects { carried_out: 3, changed: 1 });
}

#[test]
fn a_kind_that_is_not_said_is_found_by_name() {
    let mut world = World::shipped();
    let mut isolate = call("k", "node.isolate", "validator-3", json!({}));
    isolate.target_kind.clear();
    assert!(world.apply(&isolate).applied());
    isolate.target = "validator-99".to_owned();
    isolate.key.clear();
    assert_eq!(world.apply(&isolate).reason.as_deref(), Some("unknown target"));
}

#[test]
fn health() {
    let mut world = World::shipped();
    let probes = [
        ("node.health", "validator-3"),
        ("node.health", "validator-6"),
        ("service.health", "api"),
        ("endpoint.health", "ledger-write"),
        ("segment.health", "edge"),
        ("node.health", "validator-99"),
    ];
    let mut seen = String::new();
    let mut probe = |world: &World, when: &str| {
        for (verb, target) in probes {
            let reading = world.read(verb, "", target, &Map::new());
            writeln!(
                seen,
                "{when} {target}: {} {}",
                reading.holds,
                reading.reason.as_deref().unwrap_or("well")
            )
            .unwrap();
        }
    };
    probe(&world, "before");
    world.apply(&call("1", "node.isolate", "validator-3", json!({})));
    world.apply(&call("2", "segment.isolate", "edge", json!({})));
    world.apply(&call("3", "service.disable", "ledger", json!({})));
    probe(&world, "after");
    expect![[r#"
        before validator-3: true well
        before validator-6: true well
        before api: true well
        before ledger-write: true well
        before edge: true well
        before validator-99: false unknown target
        after validator-3: false validator-3 does not answer its peers: isolated
        after validator-6: false validator-6 is in the isolated segment edge
        after api: false api is in the isolated segment edge
        after ledger-write: false service ledger is disabled
        after edge: false segment edge is isolated
        after validator-99: false unknown target
    "#]]
    .assert_eq(&seen);
}

#[test]
fn the_shipped_estate_is_sound_and_has_what_the_documents_name() {
    let spec = Spec::shipped();
    let text = serde_json::to_string(&spec).unwrap();
    assert_eq!(serde_json::from_str::<Spec>(&text).unwrap(), spec);
    let world = World::new(&spec).unwrap();
    for n in 1..=9 {
        assert_eq!(world.state_of("node", &format!("validator-{n}")).is_object(), n <= 7);
        assert_eq!(world.state_of("key", &format!("key-{n}")).is_object(), n <= 7);
        assert!(world.state_of("account", &format!("account-{n}")).is_object());
    }
    for (kind, id) in [
        (TargetKind::Service, "api"),
        (TargetKind::Service, "gateway"),
        (TargetKind::Service, "ledger"),
        (TargetKind::Service, "storage"),
        (TargetKind::Segment, "core"),
        (TargetKind::Segment, "edge"),
        (TargetKind::Model, "model-a"),
        (TargetKind::Model, "model-b"),
    ] {
        assert!(world.state_of(kind.name(), id).is_object(), "{id}");
    }
}

#[test]
fn a_specification_that_names_what_it_does_not_define_is_refused() {
    let mut spec = Spec::shipped();
    spec.keys[0].node = "validator-0".to_owned();
    let error = World::new(&spec).unwrap_err().to_string();
    expect!["estate specification: `key-1` names the node `validator-0`, which is not defined; define it"]
        .assert_eq(&error);
    let mut spec = Spec::shipped();
    spec.models.push("model-a".to_owned());
    let error = World::new(&spec).unwrap_err().to_string();
    expect!["estate specification: model `model-a` is defined twice; remove one"].assert_eq(&error);
}

/// Ticks four times a second up to eleven seconds; contains the node at 3.6 s and the key at 4.6 s if asked to.
fn play(contain: bool) -> World {
    let mut world = World::shipped();
    world.start(Scenario::validator_compromise(), SECOND_US);
    for quarter in 0..=40 {
        let now_us = SECOND_US + quarter * SECOND_US / 4;
        if contain && quarter == 11 {
            let isolate = call("a", "node.isolate", "validator-3", json!({"level": "full"}));
            world.apply(&Call { time_us: 3_600_000, ..isolate });
        }
        if contain && quarter == 15 {
            world.apply(&Call { time_us: 4_600_000, ..call("b", "key.revoke", "key-3", json!({})) });
        }
        world.tick(now_us);
    }
    world
}

#[test]
fn an_attack_as_a_person_sees_it() {
    let world = play(true);
    let mut seen = String::new();
    for happening in world.events_since(0) {
        writeln!(seen, "{} {:?}: {}", happening.time_us / 1000, happening.kind, happening.text).unwrap();
    }
    expect![[r#"
        1000 Attack: Someone logs in as account-2 from 203.0.113.40, an address never seen before.
        2000 Attack: With that account the intruder takes over validator-3.
        2500 Attack: validator-3 signs two votes for the same height, and goes on doing so.
        2750 Damage: The damage grows: conflicting votes through validator-3, 2 more, 2 in all.
        3000 Damage: The damage grows: conflicting votes through validator-3, 2 more, 4 in all.
        3000 Attack: key-3 signs transfers from 203.0.113.40: the key has left the building.
        3250 Damage: The damage grows: conflicting votes through validator-3, 2 more, 6 in all.
        3500 Damage: The damage grows: conflicting votes through validator-3, 2 more, 8 in all.
        3500 Damage: The damage grows: forged transfers through key-3, 1 more, 1 in all.
        3500 Attack: The other validators see that validator-3 votes twice.
        3500 Alert: A monitor raises ValidatorDoubleVote.
        3600 Contained: validator-3 is cut off from peers and the outside; only the security tools still reach it.
        3600 Stopped: No more conflicting votes: the attacker lost validator-3.
        3800 Attack: The transfers signed from outside are noticed.
        3800 Alert: A monitor raises KeyUsedElsewhere.
        4000 Damage: The damage grows: forged transfers through key-3, 1 more, 2 in all.
        4200 Attack: The login of account-2 is noticed at last.
        4200 Alert: A monitor raises OperatorLoginUnusual.
        4500 Damage: The damage grows: forged transfers through key-3, 1 more, 3 in all.
        4600 Contained: key-3 of validator-3 is revoked; nobody accepts its signatures any more.
        4600 Stopped: No more forged transfers: the attacker lost key-3.
        4600 Stopped: The attack has stopped. Damage stands at 11.
    "#]].assert_eq(&seen);
    assert!(world.attack_stopped());
    assert!(world.goals().iter().all(|(_, met)| *met));
    assert_eq!(world.snapshot()["attack"]["contained_us"], json!(4_600_000));
}

#[test]
fn containment_matters() {
    let (contained, left_alone) = (play(true), play(false));
    assert_eq!(contained.damage() + contained.spared(), left_alone.damage());
    assert!(!left_alone.attack_stopped());
    assert!(left_alone.goals().iter().all(|(_, met)| !met));
    assert!(
        contained.damage() < 12 && left_alone.damage() > 50,
        "{} {}",
        contained.damage(),
        left_alone.damage()
    );
}

#[test]
fn an_attack_is_deterministic() {
    assert_eq!(play(true).snapshot(), play(true).snapshot());
    assert_eq!(play(true).events_since(0), play(true).events_since(0));
}

#[test]
fn damage_does_not_depend_on_how_often_one_looks() {
    let mut world = World::shipped();
    world.start(Scenario::validator_compromise(), SECOND_US);
    let alerts = world.tick(11 * SECOND_US);
    assert_eq!(world.damage(), play(false).damage());
    let names: Vec<&str> = alerts.iter().map(|alert| alert.labels["alertname"].as_str()).collect();
    assert_eq!(names, ["ValidatorDoubleVote", "KeyUsedElsewhere", "OperatorLoginUnusual"]);
    assert_eq!(world.tick(11 * SECOND_US), [], "each alert is sent once");
}

#[test]
fn a_release_lets_the_attacker_back_in() {
    let mut world = play(true);
    let damage = world.damage();
    world.tick(20 * SECOND_US);
    assert_eq!(world.damage(), damage);
    world.apply(&Call { time_us: 20 * SECOND_US, ..call("c", "node.release", "validator-3", json!({})) });
    assert!(!world.attack_stopped());
    world.tick(21 * SECOND_US);
    assert_eq!(world.damage(), damage + 8);
}

#[test]
fn time_never_goes_back() {
    let mut world = World::shipped();
    world.tick(100);
    world.tick(50);
    assert_eq!(world.snapshot()["time_us"], json!(100));
}

#[test]
fn only_the_last_happenings_are_kept_and_numbers_go_on() {
    let mut world = World::shipped();
    for _ in 0..10_050 {
        world.apply(&call("", "node.release", "validator-1", json!({})));
    }
    let kept = world.events_since(0);
    assert_eq!((kept.len(), kept[0].number), (10_000, 50));
    assert_eq!(world.events_since(10_049).len(), 1);
    assert_eq!(world.events_since(10_050), []);
    assert_eq!(world.events_since(u64::MAX), []);
}
