//! Tests of sealed evidence, rebuilt nodes, reset sessions and guarded logins.

use serde_json::{Map, json};

use super::World;
use crate::call::{Call, Reply};

fn ask(world: &mut World, verb: &str, target: &str) -> Reply {
    world.apply(&Call { verb: verb.to_owned(), target: target.to_owned(), ..Call::default() })
}

fn holds(world: &World, verb: &str, target: &str) -> bool {
    world.read(verb, "", target, &Map::new()).holds
}

#[test]
fn a_node_is_rebuilt_only_after_its_evidence_is_sealed() {
    let mut world = World::shipped();
    let refused = ask(&mut world, "node.rebuild", "validator-2");
    assert!(!refused.applied() && refused.reason.unwrap().contains("`node.preserve` comes first"));
    assert!(!holds(&world, "node.rebuild", "validator-2"));
    let sealed = ask(&mut world, "node.preserve", "validator-2").artefact.unwrap();
    let kinds: Vec<&str> =
        sealed["parts"].as_array().unwrap().iter().map(|p| p["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["memory_image", "system_log", "network_capture"]);
    for _ in 0..2 {
        assert!(ask(&mut world, "node.rebuild", "validator-2").applied());
        assert!(holds(&world, "node.rebuild", "validator-2"));
    }
    let images = Map::from_iter([("image".to_owned(), json!("from the attacker"))]);
    assert!(!world.read("node.rebuild", "node", "validator-2", &images).holds);
}

#[test]
fn sessions_end_and_strangers_stay_out() {
    let mut world = World::shipped();
    assert!(!holds(&world, "account.reset_sessions", "account-4"));
    ask(&mut world, "account.reset_sessions", "account-4");
    assert!(holds(&world, "account.reset_sessions", "account-4"));
    assert_eq!(world.state_of("account", "account-4")["suspended"], json!(false), "it may log in again");
    let before = world.state_of("service", "api");
    assert!(ask(&mut world, "policy.tighten", "api").applied() && holds(&world, "policy.tighten", "api"));
    assert!(world.guards_against("203.0.113.9") && !world.guards_against("198.51.100.4"));
    assert!(ask(&mut world, "policy.loosen", "api").applied() && !holds(&world, "policy.tighten", "api"));
    assert_eq!(world.state_of("service", "api"), before);
}

#[test]
fn a_rotated_key_that_is_accepted_again_is_not_the_stolen_one() {
    let mut world = World::shipped();
    for verb in ["key.revoke", "key.rotate", "key.reinstate"] {
        assert!(ask(&mut world, verb, "key-3").applied());
    }
    assert_eq!(world.state_of("key", "key-3")["successor"], json!("key-3.2"));
    assert!(holds(&world, "key.reinstate", "key-3") && holds(&world, "key.rotate", "key-3"));
}
