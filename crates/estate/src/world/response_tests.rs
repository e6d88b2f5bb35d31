//! Tests of the verbs of a response: each once, twice, back, and on what does not exist; and the scenarios they end.

use serde_json::{Map, Value, json};

use super::World;
use crate::call::{Call, Refusal, Reply};
use crate::order::Verb;
use crate::scenario::Scenario;

const SECOND_US: u64 = 1_000_000;

fn call(verb: &str, target: &str, args: Value, time_us: u64) -> Call {
    let args = args.as_object().cloned().unwrap_or_default();
    Call { verb: verb.to_owned(), target: target.to_owned(), args, time_us, ..Call::default() }
}

fn holds(world: &World, verb: &str, target: &str) -> bool {
    world.read(verb, "", target, &Map::new()).holds
}

/// The world of a scenario, two seconds in.
fn under(scenario: &str) -> World {
    let mut world = World::shipped();
    world.start(Scenario::find(scenario).unwrap(), 0);
    world.tick(2 * SECOND_US);
    world
}

fn order(world: &mut World, verb: &str, target: &str) -> Reply {
    let reply = world.apply(&call(verb, target, json!({}), 2 * SECOND_US));
    assert!(reply.applied(), "{verb} {target}: {:?}", reply.reason);
    reply
}

#[test]
fn every_verb_refuses_a_target_that_it_does_not_know() {
    let mut world = World::shipped();
    for verb in Verb::ALL {
        let reply = world.apply(&call(verb.name(), "nobody", json!({}), 0));
        assert_eq!(reply.refusal, Some(Refusal::UnknownTarget), "{}", verb.name());
        assert_eq!(reply.reason.as_deref(), Some("unknown target"));
    }
}

#[test]
fn arguments_that_are_not_known_or_out_of_bounds_are_refused() {
    let mut world = World::shipped();
    for (verb, target, args) in [
        ("node.restart", "validator-1", json!({"force": true})),
        ("account.flag", "account-1", json!({"days": 0})),
        ("account.flag", "account-1", json!({"days": 91})),
        ("filter.update", "gateway", json!({"signature": ""})),
        ("filter.update", "gateway", json!({"signature": "x".repeat(201)})),
    ] {
        let reply = world.apply(&call(verb, target, args, 0));
        assert_eq!(reply.refusal, Some(Refusal::BadArguments), "{verb}");
    }
}

#[test]
fn what_has_a_way_back_goes_there_and_twice_is_once() {
    for (scenario, verb, target) in [
        ("malicious_file_upload", "file.quarantine", "upload-77"),
        ("malicious_file_upload", "account.flag", "account-5"),
        ("prompt_injection", "account.require_reauth", "account-8"),
        ("prompt_injection", "filter.update", "gateway"),
    ] {
        let mut world = under(scenario);
        if verb == "filter.update" {
            assert!(!holds(&world, verb, target), "without a scan there is nothing to filter");
            order(&mut world, "session.scan", "session-8");
        }
        let kind = Verb::parse(verb).unwrap().kinds()[0].name();
        let before = world.state_of(kind, target);
        let opposite = Verb::parse(verb).unwrap().opposite().unwrap();
        for _ in 0..2 {
            order(&mut world, verb, target);
            assert!(holds(&world, verb, target), "{verb}");
        }
        assert_eq!(world.effects(Verb::parse(verb).unwrap(), target).changed, 1, "{verb}");
        for _ in 0..2 {
            order(&mut world, opposite.name(), target);
            assert!(holds(&world, opposite.name(), target) && !holds(&world, verb, target), "{verb}");
        }
        assert_eq!(world.effects(opposite, target).changed, 1, "{verb}");
        assert_eq!(world.state_of(kind, target), before);
    }
}

#[test]
fn quarantine_takes_the_copies_along_and_ends_the_attack() {
    let mut world = under("malicious_file_upload");
    let similar = order(&mut world, "file.find_similar", "upload-77").artefact.unwrap();
    assert_eq!(similar["same_content"], json!(["upload-78"]));
    assert_eq!(similar["mismatch"], json!(["upload-78"]));
    assert_eq!(similar["same_uploader"], json!(["upload-2", "upload-78"]));
    assert!(!world.attack_stopped());
    let alone = call("file.quarantine", "upload-77", json!({"copies": false}), 2 * SECOND_US);
    assert!(world.apply(&alone).applied());
    assert_eq!(world.state_of("file", "upload-78")["quarantined"], json!(false));
    assert!(!world.attack_stopped(), "the copy goes on");
    order(&mut world, "file.quarantine", "upload-77");
    assert!(world.attack_stopped());
}

#[test]
fn a_node_keeps_its_log_until_it_is_started_and_then_catches_up() {
    let mut world = under("blockchain_node_failure");
    let status = order(&mut world, "node.status", "validator-6").artefact.unwrap();
    assert_eq!((&status["status"], &status["active_validators"]), (&json!("down"), &json!(6)));
    let saved = order(&mut world, "node.logs", "validator-6").artefact.unwrap();
    assert!(saved["lines"].to_string().contains("panic"), "{saved}");
    assert!(!holds(&world, "node.restart", "validator-6"));
    order(&mut world, "node.restart", "validator-6");
    let after = order(&mut world, "node.logs", "validator-6").artefact.unwrap();
    assert!(!after["lines"].to_string().contains("panic"), "a start begins a new log");
    assert!(holds(&world, "node.restart", "validator-6") && world.attack_stopped());
    assert!(!holds(&world, "node.sync_status", "validator-6"), "it has to catch up first");
    world.tick(3 * SECOND_US);
    assert!(holds(&world, "node.sync_status", "validator-6"));
}

#[test]
fn with_fewer_than_three_active_validators_the_monitors_call_the_consensus_at_risk() {
    let mut world = World::shipped();
    for n in 1..=4 {
        order(&mut world, "node.isolate", &format!("validator-{n}"));
    }
    let mut scenario = Scenario::find("blockchain_node_failure").unwrap();
    scenario.beats.truncate(1);
    world.start(scenario.clone(), 2 * SECOND_US);
    assert_eq!(order(&mut world, "node.status", "validator-7").artefact.unwrap()["active_validators"], 2);
    let alerts = world.tick(2 * SECOND_US);
    assert_eq!(alerts[0].labels["alertname"], "BlockchainConsensusRisk");
    let mut calm = World::shipped();
    calm.start(scenario, 0);
    assert_eq!(calm.tick(0), [], "six are enough");
}

#[test]
fn a_session_ends_for_good_and_its_words_are_filtered_for_all() {
    let mut world = under("prompt_injection");
    order(&mut world, "session.terminate", "session-8");
    order(&mut world, "session.terminate", "session-8");
    assert!(holds(&world, "session.terminate", "session-8") && !world.attack_stopped());
    let found = order(&mut world, "session.scan", "session-8").artefact.unwrap();
    assert_eq!(found["sessions"], json!([{"session": "session-9", "account": "account-9", "open": true}]));
    let kept = order(&mut world, "evidence.preserve", "session-8").artefact.unwrap();
    assert_eq!(kept["sha256"].as_str().unwrap().len(), 64);
    order(&mut world, "filter.update", "gateway");
    assert!(world.attack_stopped(), "session-9 says the same words in vain");
    order(&mut world, "filter.remove", "gateway");
    assert!(!world.attack_stopped());
}
