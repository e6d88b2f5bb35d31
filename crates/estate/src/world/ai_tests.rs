//! Tests of what guards models and what they learn from, and of holes and leaks.

use serde_json::{Map, Value, json};

use super::World;
use crate::call::{Call, Reply};
use crate::scenario::{Beat, Deed, Scenario, Work};
use crate::spec::{PatchSpec, TargetKind, TargetRef};

const SECOND_US: u64 = 1_000_000;

fn ask(world: &mut World, verb: &str, target: &str) -> Reply {
    with(world, verb, target, json!({}))
}

fn with(world: &mut World, verb: &str, target: &str, args: Value) -> Reply {
    let args = args.as_object().cloned().unwrap();
    world.apply(&Call {
        verb: verb.to_owned(),
        target: target.to_owned(),
        args,
        time_us: 2 * SECOND_US,
        ..Call::default()
    })
}

fn holds(world: &World, verb: &str, target: &str) -> bool {
    world.read(verb, "", target, &Map::new()).holds
}

fn found(world: &mut World, verb: &str, target: &str) -> Value {
    ask(world, verb, target).artefact.unwrap()
}

/// The shipped world in which this was done one second after its beginning.
fn after(deeds: Vec<Deed>) -> World {
    let beat = |deed| Beat { at_us: SECOND_US, text: "It happens.".into(), deed: Some(deed), alert: None };
    let beats = deeds.into_iter().map(beat).collect();
    let mut world = World::shipped();
    world.start(Scenario { beats, goals: Vec::new(), ..Scenario::validator_compromise() }, 0);
    world.tick(2 * SECOND_US);
    world
}

fn working(kind: TargetKind, through: &str) -> Deed {
    let through = TargetRef::new(kind, through);
    Deed::Work(Work { fault: false, through, doing: "harm".into(), damage: 1, period_us: SECOND_US })
}

#[test]
fn an_inspection_tells_what_can_be_rolled_back_from_what_cannot() {
    let changed = |id: &str| Deed::Damage { target: TargetRef::new(TargetKind::Model, id) };
    let mut world = after(vec![changed("model-a"), changed("model-b")]);
    let figures =
        |found: &Value| ["unsound", "restorable", "unrestorable"].map(|name| found[name].as_u64().unwrap());
    let one = found(&mut world, "model.inspect", "model-a");
    assert_eq!((figures(&one), &one["clean_checkpoint"]), ([1, 1, 0], &json!("model-a-1")));
    assert_ne!(one["registered"], one["present"]);
    // model-b has one checkpoint, and that is the changed one.
    assert_eq!(figures(&found(&mut world, "model.inspect", "model-b")), [1, 0, 1]);
    let refused = ask(&mut world, "model.rollback", "model-b");
    assert!(refused.reason.unwrap().contains("a person has to review it"));
    assert!(with(&mut world, "model.rollback", "model-a", json!({"reason": "data poisoning"})).applied());
    let state = world.state_of("model", "model-a");
    assert_eq!((&state["status"], &state["reason"]), (&json!("rolled_back"), &json!("data poisoning")));
    assert_eq!(figures(&found(&mut world, "model.inspect", "model-a")), [0, 0, 0]);
}

#[test]
fn a_data_set_is_put_back_in_quarantine_only_and_its_analysis_names_the_way_in() {
    let poison = Deed::Poison { dataset: "dataset-1".into(), vector: "insider".into(), percent: 7 };
    let mut world = after(vec![poison]);
    let analysis = found(&mut world, "dataset.analyze", "dataset-1");
    assert_eq!(
        (&analysis["attack_vector"], &analysis["contaminated_percent"]),
        (&json!("insider"), &json!(7))
    );
    assert_eq!(
        (&analysis["insider"], &analysis["upstream"], &analysis["feedback"]),
        (&json!(1), &json!(0), &json!(0))
    );
    assert_eq!(analysis["models"], json!(["model-a"]));
    assert!(!holds(&world, "dataset.verify", "dataset-1"));
    let refused = ask(&mut world, "dataset.clean", "dataset-1");
    assert!(refused.reason.unwrap().contains("`dataset.quarantine` comes first"));
    ask(&mut world, "dataset.quarantine", "dataset-1");
    assert!(!holds(&world, "pipeline.probe", "pipeline-1"), "it cannot read what is in quarantine");
    for _ in 0..2 {
        assert!(ask(&mut world, "dataset.clean", "dataset-1").applied());
        assert!(holds(&world, "dataset.verify", "dataset-1") && holds(&world, "dataset.clean", "dataset-1"));
    }
    ask(&mut world, "dataset.restore", "dataset-1");
    assert!(holds(&world, "pipeline.probe", "pipeline-1"));
}

#[test]
fn refused_calls_and_a_tight_filter_end_what_a_session_does() {
    for (verb, back, target, kind) in [
        ("api.suspend_access", "api.restore_access", "account-7", "account"),
        ("filter.tighten", "filter.relax", "gateway", "service"),
    ] {
        let inject = Deed::Inject {
            session: "session-7".into(),
            signature: "new/1".into(),
            techniques: vec!["perturbation".into()],
        };
        let mut world = after(vec![inject, working(TargetKind::Session, "session-7")]);
        let before = world.state_of(kind, target);
        assert!(!world.attack_stopped() && !holds(&world, verb, target));
        ask(&mut world, verb, target);
        assert!(world.attack_stopped() && holds(&world, verb, target), "{verb}");
        ask(&mut world, back, target);
        assert!(!world.attack_stopped() && holds(&world, back, target), "{back}");
        assert_eq!(world.state_of(kind, target), before, "{back}");
    }
}

#[test]
fn forensics_look_at_what_they_are_asked_for() {
    let ask = Deed::Ask { session: "session-7".into(), prompts: 300, bytes_out: 500_000 };
    let mut world = after(vec![ask]);
    let mut look = |focus: Value| with(&mut world, "traffic.analyze", "session-7", focus).artefact.unwrap();
    let all = look(json!({}));
    assert_eq!((&all["exfiltration"], &all["unusual"]), (&json!(0.25), &json!(0.75)));
    let one = look(json!({"focus": "exfiltration"}));
    assert_eq!((&one["bytes_out"], one.get("unusual")), (&json!(500_000), None));
    let other = look(json!({"focus": "unusual_patterns"}));
    assert_eq!((&other["prompts"], other.get("exfiltration")), (&json!(300), None));
    let wrong = with(&mut world, "traffic.analyze", "session-7", json!({"focus": "everything"}));
    assert!(!wrong.applied());
}

#[test]
fn what_narrows_a_model_is_taken_back_whole() {
    let mut world = World::shipped();
    let before = world.state_of("model", "model-a");
    for (verb, back) in [("model.watch", "model.unwatch"), ("model.coarsen", "model.refine")] {
        ask(&mut world, verb, "model-a");
        assert!(holds(&world, verb, "model-a") && !holds(&world, back, "model-a"));
        ask(&mut world, back, "model-a");
        assert!(!holds(&world, verb, "model-a") && holds(&world, back, "model-a"));
    }
    assert_eq!(world.state_of("model", "model-a"), before);
}

#[test]
fn a_hole_is_closed_by_the_patch_for_it_and_by_no_other() {
    let exploit = |node: &str| Deed::Exploit { node: node.into(), hole: "rpc-length".into() };
    let mut world = after(vec![
        exploit("validator-6"),
        exploit("validator-7"),
        Deed::Compromise { node: "validator-1".into() },
        working(TargetKind::Node, "validator-6"),
    ]);
    let victims = found(&mut world, "node.hunt", "validator-6");
    assert_eq!((&victims["nodes"], &victims["loose"]), (&json!(["validator-7"]), &json!(1)));
    assert_eq!(found(&mut world, "patch.find", "validator-6")["available"], json!(0));
    let latest = json!({"patch": "latest"});
    let refused = with(&mut world, "patch.apply", "validator-6", latest.clone());
    assert!(refused.reason.unwrap().contains("no patch for the hole"));
    with(&mut world, "patch.apply", "validator-6", json!({"patch": "patch-1"}));
    assert!(!world.attack_stopped(), "another patch closes another hole");
    world.patches.push(PatchSpec {
        id: "patch-9".into(),
        summary: "length".into(),
        closes: "rpc-length".into(),
    });
    assert_eq!(found(&mut world, "patch.find", "validator-6")["patch"], json!("patch-9"));
    assert!(
        with(&mut world, "patch.apply", "validator-6", latest.clone()).applied() && world.attack_stopped()
    );
    let holds = |world: &World, verb: &str| {
        world.read(verb, "node", "validator-6", latest.as_object().unwrap()).holds
    };
    assert!(holds(&world, "patch.apply") && !holds(&world, "patch.remove"));
    with(&mut world, "patch.remove", "validator-6", latest.clone());
    assert!(!world.attack_stopped() && holds(&world, "patch.remove"));
}

#[test]
fn a_rule_in_front_of_a_service_ends_the_way_through_it_and_a_leak_is_traced_and_purged() {
    let leak = Deed::Leak { service: "storage".into(), persons: 1_200, outside: true, copies: 3 };
    let mut world = after(vec![leak, working(TargetKind::Service, "storage")]);
    ask(&mut world, "service.shield", "storage");
    assert!(world.attack_stopped() && holds(&world, "service.shield", "storage"));
    ask(&mut world, "service.unshield", "storage");
    assert!(!world.attack_stopped() && holds(&world, "service.unshield", "storage"));
    let scope = found(&mut world, "leak.trace", "storage");
    assert_eq!(
        (&scope["persons"], &scope["outside"], &scope["copies"]),
        (&json!(1_200), &json!(1), &json!(3))
    );
    assert!(!holds(&world, "leak.purge", "storage"));
    for _ in 0..2 {
        assert!(ask(&mut world, "leak.purge", "storage").applied() && holds(&world, "leak.purge", "storage"));
    }
    assert_eq!(found(&mut world, "leak.trace", "api")["persons"], json!(0));
}
