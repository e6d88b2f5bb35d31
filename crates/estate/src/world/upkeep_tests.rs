//! Tests of shut endpoints, watched nodes and probed services.

use serde_json::{Map, Value, json};

use super::World;
use crate::call::{Call, Reply};
use crate::order::Verb;

fn order(world: &mut World, verb: &str, target: &str) -> Reply {
    let call = Call { verb: verb.to_owned(), target: target.to_owned(), ..Call::default() };
    let reply = world.apply(&call);
    assert!(reply.applied(), "{verb} {target}: {:?}", reply.reason);
    reply
}

fn holds(world: &World, verb: &str, target: &str) -> bool {
    world.read(verb, "", target, &Map::new()).holds
}

#[test]
fn shutting_and_watching_hold_once_and_go_back() {
    for (verb, target) in [("api.shutdown", "api-public"), ("monitoring.enhance", "validator-2")] {
        let mut world = World::shipped();
        let verb = Verb::parse(verb).unwrap();
        let (back, kind) = (verb.opposite().unwrap(), verb.kinds()[0].name());
        assert_eq!(back.opposite(), Some(verb));
        let before = world.state_of(kind, target);
        assert!(!holds(&world, verb.name(), target) && holds(&world, back.name(), target));
        for _ in 0..2 {
            order(&mut world, verb.name(), target);
            assert!(holds(&world, verb.name(), target) && !holds(&world, back.name(), target));
        }
        assert_ne!(world.state_of(kind, target), before);
        for _ in 0..2 {
            order(&mut world, back.name(), target);
            assert!(!holds(&world, verb.name(), target) && holds(&world, back.name(), target));
        }
        assert_eq!(world.state_of(kind, target), before);
        assert_eq!((world.effects(verb, target).changed, world.effects(back, target).changed), (1, 1));
    }
}

#[test]
fn a_shut_endpoint_leaves_its_neighbours_and_its_service_open() {
    let mut world = World::shipped();
    order(&mut world, "api.shutdown", "api-public");
    assert_eq!(world.state_of("endpoint", "api-public")["open"], json!(false));
    assert_eq!(world.state_of("endpoint", "api-admin")["open"], json!(true));
    assert!(!holds(&world, "endpoint.health", "api-public") && holds(&world, "endpoint.health", "api-admin"));
    assert!(holds(&world, "service.probe", "api"));
    order(&mut world, "service.disable", "api");
    order(&mut world, "api.restore", "api-public");
    assert_eq!(
        world.state_of("endpoint", "api-public")["open"],
        json!(false),
        "its service is still disabled"
    );
}

#[test]
fn a_probe_tells_what_keeps_a_service_from_answering() {
    let mut world = World::shipped();
    let answer = |world: &mut World| order(world, "service.probe", "ledger").artefact.unwrap();
    assert_eq!(
        (&answer(&mut world)["answers"], &answer(&mut world)["trouble"]),
        (&json!(true), &Value::Null)
    );
    order(&mut world, "service.disable", "ledger");
    assert!(!holds(&world, "service.probe", "ledger"), "a probe of a dead service must not read as done");
    assert_eq!(answer(&mut world)["trouble"], json!("service ledger is disabled"));
    order(&mut world, "service.enable", "ledger");
    assert!(holds(&world, "service.probe", "ledger"));
}
