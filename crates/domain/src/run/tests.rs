//! Steps, gates, failures, undo, and targets that join late.

use expect_test::expect;

mod approvals;
mod blocks;
mod people;
mod pieces;

use super::Command;
use crate::{action::Outcome, flow, scene::Scene, time::Span};

const TWO_STAGES: &str = "
id: two_stages
name: Two stages
version: 1.0.0
types: [validator_compromise]
min_severity: low
stages:
  - id: contain
    name: Contain
    exit: steps.isolate.applied
    steps:
      - { id: isolate, name: Isolate, action: node.isolate, for_each: incident.targets(\"node\"), retry: { attempts: 1 }, on_failure: FAILURE }
      - { id: revoke, name: Revoke, action: key.revoke, for_each: incident.targets(\"key\"), retry: { attempts: 1 }, on_failure: FAILURE }
  - id: verify
    name: Verify
    entry: containments.all(c, c.verified)
    steps:
      - { id: suspend, name: Suspend, action: account.suspend, for_each: incident.targets(\"account\"), priority: optional }
";

fn scene(on_failure: &str) -> Scene {
    let mut scene = Scene::new(&[&TWO_STAGES.replace("FAILURE", on_failure)]);
    scene.alert([
        ("incident_type", "validator_compromise"),
        ("severity", "high"),
        ("node", "validator-3"),
        ("key", "key-3"),
    ]);
    scene.look();
    scene
}

fn refused() -> Outcome {
    Outcome::NotApplied { reason: "no".to_owned(), retry: false, retry_after: None }
}

fn answer(scene: &mut Scene, outcome: Outcome) {
    let open = scene.calling()[0];
    scene.answer(open, outcome);
}

fn apply(scene: &mut Scene) {
    answer(scene, Outcome::Applied { verified: Some(true), artefact: None });
}

#[test]
fn steps_follow_each_other_and_the_run_completes() {
    let mut scene = scene("stop");
    apply(&mut scene);
    apply(&mut scene);
    expect![[r#"
        action.applied action/5
        incident.contained incident/3
        run.advanced run/4 step 0 Done, begin 1 on key-3
        action.intended action/9 Apply key.revoke key-3 #1 rf-scene-9-0
        action.applied action/9
        run.advanced run/4 step 1 Done, step 2 Done, stage 1, Completed
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn a_failed_step_stops_and_a_person_retries_or_skips_it() {
    let mut scene = scene("stop");
    answer(&mut scene, refused());
    let run = scene.run();
    let text = scene.look();
    assert!(text.contains("Blocked"), "{text}");
    let step = || "isolate".to_owned();
    scene.must(flow::Command::Run(Command::Retry { id: run, step: step() }));
    assert!(scene.look().contains("node.isolate validator-3 #1 rf-scene-"), "a new key for a new try");
    answer(&mut scene, refused());
    scene.must(flow::Command::Run(Command::Skip { id: run, step: step(), why: "done by hand".to_owned() }));
    let text = scene.look();
    assert!(text.contains("begin 1 on key-3"), "{text}");
}

#[test]
fn a_gate_that_does_not_hold_blocks_and_says_which() {
    let mut scene = scene("continue");
    answer(&mut scene, refused());
    apply(&mut scene);
    let text = scene.look();
    assert!(text.contains("stage `contain` needs step `isolate`, which failed"), "{text}");
    let run = scene.run();
    scene.must(flow::Command::Run(Command::Skip { id: run, step: "isolate".to_owned(), why: String::new() }));
    let text = scene.look();
    assert!(text.contains("stage `contain` cannot end: `steps.isolate.applied` does not hold"), "{text}");
}

#[test]
fn undo_takes_back_the_last_first() {
    let mut scene = scene("undo");
    apply(&mut scene);
    scene.look();
    answer(&mut scene, refused());
    apply(&mut scene);
    expect![[r#"
        action.not_applied action/9 no
        incident.attention_raised incident/3 `key.revoke` on key-3 failed: no
        run.advanced run/4 step 1 Failed, release ACT-5, Undoing { reason: "step `revoke`: 1 of 1 targets failed, first key-3: no" }
        action.intended action/5 Revert #2 rf-scene-5-1
        action.released action/5
        run.advanced run/4 Failed { reason: "step `revoke`: 1 of 1 targets failed, first key-3: no" }
        incident.attention_raised incident/3 step `revoke`: 1 of 1 targets failed, first key-3: no
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn a_paused_run_begins_nothing_and_loses_nothing() {
    let mut scene = scene("stop");
    let id = scene.run();
    scene.must(flow::Command::Run(Command::Pause { id }));
    apply(&mut scene);
    assert!(!scene.look().contains("run.advanced"));
    scene.must(flow::Command::Run(Command::Resume { id }));
    assert!(scene.look().contains("step 0 Done, begin 1 on key-3"));
}

#[test]
fn cancel_leaves_containments_in_force_and_stops_automatic_response() {
    let mut scene = scene("stop");
    let id = scene.run();
    apply(&mut scene);
    scene.must(flow::Command::Run(Command::Cancel { id, undo: false }));
    assert!(scene.state.runs.get(id).is_none());
    assert!(scene.state.actions.iter().any(|action| action.is_applied()));
    assert!(scene.look().contains("incident.response_stopped"));
}

#[test]
fn targets_that_join_later_are_contained_too_and_nothing_twice() {
    let mut scene = scene("stop");
    apply(&mut scene);
    apply(&mut scene);
    scene.look();
    let more = [
        ("incident_type", "validator_compromise"),
        ("severity", "high"),
        ("node", "validator-3"),
        ("account", "account-2"),
    ];
    scene.alert(more);
    let text = scene.look();
    let calls: Vec<&str> = text.lines().filter(|line| line.starts_with("action.intended")).collect();
    assert_eq!(calls.len(), 1, "{text}");
    assert!(calls[0].contains("account.suspend account-2"), "{text}");
}

/// An earlier step takes up its own first, and those behind it must not forget theirs meanwhile.
#[test]
fn targets_for_several_steps_that_join_later_reach_each_of_them() {
    let mut scene = Scene::new(&[&TWO_STAGES.replace("FAILURE", "stop")]);
    let alert = |scene: &mut Scene, key: &str, account: &str| {
        let (kind, severity) = (("incident_type", "validator_compromise"), ("severity", "high"));
        scene.alert([kind, severity, ("node", "validator-3"), ("key", key), ("account", account)]);
    };
    alert(&mut scene, "key-3", "account-1");
    apply(&mut scene);
    apply(&mut scene);
    scene.look();
    alert(&mut scene, "key-4", "account-2");
    scene.wait(Span::secs(1));
    while !scene.calling().is_empty() {
        apply(&mut scene);
    }
    let text = scene.look();
    for call in ["key.revoke key-4", "account.suspend account-2"] {
        let calls = text.lines().filter(|line| line.starts_with("action.intended") && line.contains(call));
        assert_eq!(calls.count(), 1, "{call}: {text}");
    }
}

#[test]
fn one_key_that_cannot_be_revoked_does_not_keep_back_the_others() {
    let mut scene = scene("continue");
    let more = [
        ("incident_type", "validator_compromise"),
        ("severity", "high"),
        ("node", "validator-3"),
        ("key", "key-4"),
    ];
    scene.alert(more);
    apply(&mut scene);
    assert_eq!(scene.calling().len(), 2, "both at the same time");
    answer(&mut scene, refused());
    apply(&mut scene);
    let stands = |name: &str| {
        let mut all = scene.state.actions.iter();
        all.find(|action| &*action.spec.target == name).is_some_and(|action| action.is_applied())
    };
    assert!(!stands("key-3") && stands("key-4"));
}

#[test]
fn commands_that_do_not_fit_are_refused_with_the_reason() {
    let mut scene = scene("stop");
    let id = scene.run();
    let run = flow::Command::Run;
    expect!["RUN-4 is active, so there is nothing to resume"]
        .assert_eq(&scene.refused(run(Command::Resume { id })));
    expect!["RUN-4 has no step `nope`; it has isolate, revoke, suspend"]
        .assert_eq(&scene.refused(run(Command::Retry { id, step: "nope".to_owned() })));
    expect!["step `revoke` has not failed"]
        .assert_eq(&scene.refused(run(Command::Retry { id, step: "revoke".to_owned() })));
    let incident = scene.incident();
    expect!["RUN-4 is under way for INC-3 already"]
        .assert_eq(&scene.refused(run(Command::Start { incident, playbook: None })));
}

fn undo(id: crate::id::RunId) -> flow::Command {
    flow::Command::Run(Command::Cancel { id, undo: true })
}

#[test]
fn a_run_that_is_undone_never_goes_forward_again() {
    let mut scene = scene("stop");
    let id = scene.run();
    apply(&mut scene);
    answer(&mut scene, refused());
    scene.must(undo(id));
    let releasing = scene.calling()[0];
    answer(&mut scene, refused());
    let text = scene.look();
    assert!(text.contains("could not be taken back"), "{text}");
    let (verdict, why) = (crate::action::Verdict::NotApplied, "it holds".to_owned());
    let settle = crate::action::Command::Settle { id: releasing, verdict, why };
    scene.must(flow::Command::Action(settle));
    let text = scene.look();
    assert!(text.contains("release ACT-"), "{text}");
    assert!(!text.contains("begin "), "{text}");
}

#[test]
fn undo_waits_for_the_kill_switch_and_then_goes_on() {
    let mut scene = scene("stop");
    let id = scene.run();
    apply(&mut scene);
    answer(&mut scene, refused());
    let switch = |on| {
        let reason = "drill".to_owned();
        flow::Command::Control(crate::control::Command::SetKillSwitch { on, reason })
    };
    scene.must(switch(true));
    scene.must(undo(id));
    assert!(scene.look().contains("action.held action/5 the kill switch is on"));
    scene.both(switch(false));
    assert!(scene.look().contains("Revert"));
}

#[test]
fn undo_begins_with_what_is_in_doubt_and_was_asked_for_last() {
    let mut scene = scene("stop");
    let id = scene.run();
    apply(&mut scene);
    for _ in 0..2 {
        let Some(open) = scene.calling().first().copied() else { break };
        scene.answer(open, Outcome::Unknown { reason: "lost".to_owned() });
    }
    scene.must(undo(id));
    let text = scene.look();
    let release = text.lines().filter(|line| line.contains("Revert")).collect::<Vec<_>>();
    assert!(release[0].contains("action/9 "), "{text}");
}

#[test]
fn skipping_another_step_does_not_quieten_what_blocks_the_run() {
    let mut scene = scene("stop");
    let id = scene.run();
    answer(&mut scene, refused());
    scene.look();
    let step = "revoke".to_owned();
    scene.must(flow::Command::Run(Command::Skip { id, step, why: String::new() }));
    expect!["run.step_skipped run/4\n"].assert_eq(&scene.look());
}

#[test]
fn a_canceled_and_undone_run_stops_automatic_response() {
    let mut scene = scene("stop");
    let id = scene.run();
    scene.must(undo(id));
    assert!(scene.look().contains("incident.response_stopped"));
}

#[test]
fn a_run_without_its_playbook_waits_for_a_person_and_can_be_undone() {
    let mut scene = scene("stop");
    let id = scene.run();
    scene.state.playbooks.clear();
    apply(&mut scene);
    let text = scene.look();
    assert!(text.contains("is missing; cancel the run"), "{text}");
    scene.must(undo(id));
    assert!(scene.look().contains("Revert"));
}

#[test]
fn a_gate_reads_the_numbers_that_calls_gave_back() {
    let playbook = "
id: review
name: Review
version: 1.0.0
types: [prompt_injection]
roles: [lead]
stages:
  - id: look
    name: Look
    exit: steps.scan.figure(\"share\") > 0.8
    steps:
      - id: scan
        action: session.scan
        for_each: incident.targets(\"session\")
";
    for (found, held) in [(Some(0.81), true), (Some(0.8), false), (None, false)] {
        let mut scene = Scene::new(&[playbook]);
        scene.alert([("alertname", "A"), ("incident_type", "prompt_injection"), ("session", "session-8")]);
        scene.look();
        let artefact = found.map(|risk| serde_json::json!({"share": risk, "signature": "x"}));
        answer(&mut scene, Outcome::Applied { verified: None, artefact });
        let text = scene.look();
        assert_eq!(text.contains("Completed"), held, "{found:?}: {text}");
        let unknown = "the step gave back no number `share`";
        assert_eq!(text.contains(unknown), found.is_none(), "{found:?}: {text}");
    }
}

#[test]
fn a_step_acts_on_those_targets_whose_number_is_above_a_bound() {
    let playbook = "
id: roll
name: Roll
version: 1.0.0
types: [data_poisoning]
roles: [lead]
stages:
  - id: look
    name: Look
    steps:
      - id: weights
        action: model.inspect
        for_each: incident.targets(\"model\")
      - id: back
        action: model.rollback
        for_each: steps.weights.above(\"unsound\", 0.5)
";
    for (found, rolled) in [(Some(1.0), 1), (Some(0.5), 0), (None, 0)] {
        let mut scene = Scene::new(&[playbook]);
        let labels = |model| {
            [("alertname", "A"), ("incident_type", "data_poisoning"), ("dataset", "d"), ("model", model)]
        };
        scene.alert(labels("model-a"));
        scene.alert(labels("model-b"));
        let open = scene.calling();
        for id in open {
            let is_a = &*scene.state.actions.get(id).unwrap().spec.target == "model-a";
            let artefact = found.filter(|_| is_a).map(|number| serde_json::json!({"unsound": number}));
            scene.answer(id, Outcome::Applied { verified: None, artefact });
        }
        let called = scene.calling();
        let targets: Vec<&str> =
            called.iter().map(|id| &*scene.state.actions.get(*id).unwrap().spec.target).collect();
        assert_eq!(targets, vec!["model-a"; rolled], "{found:?}");
    }
}

#[test]
fn a_run_that_found_nothing_to_act_on_calls_a_person() {
    let playbook = TWO_STAGES.replace("    exit: steps.isolate.applied\n", "").replace("FAILURE", "stop");
    let mut scene = Scene::new(&[&playbook]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high")]);
    let waits = |scene: &Scene| {
        let open = &scene.state.incidents.open[&scene.incident()];
        open.attention.iter().map(|one| one.reason.to_string()).collect::<Vec<_>>().join("; ")
    };
    expect!["playbook two_stages found nothing to act on; name its targets, or act by hand with `containment apply INC-3`"].assert_eq(&waits(&scene));
    // What holds already is no reason to call anybody.
    let mut scene = self::scene("stop");
    apply(&mut scene);
    apply(&mut scene);
    assert_eq!(waits(&scene), "");
    scene.must(flow::Command::Run(Command::Start { incident: scene.incident(), playbook: None }));
    assert_eq!(waits(&scene), "");
}
