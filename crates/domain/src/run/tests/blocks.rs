//! Steps that hold others: which branch is taken, how often a loop runs, and who waits for whom.

use std::collections::BTreeMap;

use crate::{
    action::Outcome,
    flow,
    run::{Command, Run, Status, StepStatus},
    scene::Scene,
    time::Span,
};

const HEAD: &str = "
id: blocks
name: Blocks
version: 1.0.0
types: [validator_compromise]
min_severity: low
roles: [security_lead]
stages:
  - id: only
    steps:
";

fn scene(steps: &str) -> Scene {
    let mut scene = Scene::new(&[&format!("{HEAD}{steps}")]);
    scene.alert([
        ("incident_type", "validator_compromise"),
        ("severity", "high"),
        ("node", "validator-3"),
        ("key", "key-3"),
    ]);
    scene
}

fn run(scene: &Scene) -> &Run {
    scene.state.runs.get(scene.run()).unwrap()
}

/// One letter a step: pending, active, done, failed, skipped.
fn steps(scene: &Scene) -> String {
    let letter = |status| match status {
        StepStatus::Pending => 'p',
        StepStatus::Active => 'a',
        StepStatus::Done => 'd',
        StepStatus::Failed => 'f',
        StepStatus::Skipped => 's',
    };
    run(scene).steps.iter().map(|step| letter(step.status)).collect()
}

fn update(scene: &mut Scene, complete: &[&str], decide: &[(&str, &str)]) {
    let decide: BTreeMap<_, _> = decide.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let complete = complete.iter().map(|id| (*id).to_owned()).collect();
    scene.must(flow::Command::Run(Command::Update { id: scene.run(), complete, decide, note: None }));
}

fn skip(scene: &mut Scene, step: &str) {
    let command = Command::Skip { id: scene.run(), step: step.to_owned(), why: String::new() };
    scene.must(flow::Command::Run(command));
}

fn retry(scene: &mut Scene, step: &str) {
    scene.must(flow::Command::Run(Command::Retry { id: scene.run(), step: step.to_owned() }));
}

/// The oldest open call is refused for good.
fn refuse(scene: &mut Scene) {
    let open = scene.calling()[0];
    scene.answer(open, Outcome::NotApplied { reason: "no".to_owned(), retry: false, retry_after: None });
}

fn apply(scene: &mut Scene) {
    let open = scene.calling()[0];
    scene.applied(open);
}

const SWITCH: &str = "
      - id: how
        switch:
          - { case: worst, when: incident.severity >= severity.critical, steps: [{ id: shut, manual: Shut }] }
          - case: bad
            when: incident.severity >= severity.high
            steps: [{ id: watch, manual: Watch }, { id: tell, manual: Tell }]
        otherwise: [{ id: note, manual: Note }]
      - { id: end, manual: End }
";

#[test]
fn a_switch_takes_the_first_case_that_holds_and_passes_over_the_others() {
    let mut scene = scene(SWITCH);
    assert_eq!(steps(&scene), "dsapsp");
    assert_eq!(run(&scene).steps[0].choice.as_deref(), Some("bad"));
    assert_eq!(run(&scene).steps[0].note.as_deref(), Some("`incident.severity >= severity.high` holds"));
    update(&mut scene, &["watch"], &[]);
    update(&mut scene, &["tell"], &[]);
    update(&mut scene, &["end"], &[]);
    assert!(scene.look().contains("Completed"));
}

#[test]
fn a_skipped_choice_takes_no_branch() {
    let mut scene = scene(
        "
      - id: ask
        decision: More?
        options: { more: { steps: [{ id: dig, manual: Dig }] }, enough: { steps: [] } }
      - { id: end, manual: End }
",
    );
    assert_eq!(steps(&scene), "app");
    skip(&mut scene, "ask");
    assert_eq!(steps(&scene), "ssa");
}

#[test]
fn the_steps_of_an_option_are_done_when_it_is_chosen() {
    let steps_of = "
      - id: ask
        decision: More?
        options:
          more: { steps: [{ id: dig, manual: Dig }] }
          enough: {}
          out: { goto: end }
      - { id: between, manual: Between }
      - { id: end, manual: End }
";
    for (choice, expected) in [("more", "dapp"), ("enough", "dsap"), ("out", "dssa")] {
        let mut scene = scene(steps_of);
        update(&mut scene, &[], &[("ask", choice)]);
        assert_eq!(steps(&scene), expected, "{choice}");
    }
}

const LOOP: &str = "
      - id: settle
        while: '!steps.isolate.applied && steps.settle.rounds < 9'
        rounds: 3
        on_failure: FAILURE
        steps:
          - { id: isolate, action: node.isolate, for_each: incident.targets(\"node\"), retry: { attempts: 1 }, on_failure: continue, priority: optional }
          - { id: pause, wait: { for: 1m } }
      - { id: end, manual: End }
";

#[test]
fn a_loop_repeats_its_steps_until_its_condition_ends() {
    let mut scene = scene(&LOOP.replace("FAILURE", "stop"));
    assert_eq!((steps(&scene).as_str(), run(&scene).steps[0].rounds), ("aapp", 1));
    refuse(&mut scene);
    assert_eq!(steps(&scene), "afap");
    scene.look();
    scene.wait(Span::secs(60));
    let text = scene.look();
    assert!(text.contains("step 2 Done, open 0\nrun.advanced run/4 begin 1 on validator-3"), "{text}");
    assert_eq!((run(&scene).steps[0].rounds, run(&scene).steps[1].round), (2, 1));
    apply(&mut scene);
    scene.wait(Span::secs(60));
    assert_eq!(steps(&scene), "ddda");
}

#[test]
fn a_loop_that_does_not_end_fails_at_its_bound() {
    let mut scene = scene(&LOOP.replace("FAILURE", "stop"));
    for _ in 0..3 {
        refuse(&mut scene);
        scene.wait(Span::secs(60));
    }
    let Status::Blocked { reason } = &run(&scene).status else { panic!("{:?}", run(&scene).status) };
    assert_eq!(
        &**reason,
        "step `settle` failed: `!steps.isolate.applied && steps.settle.rounds < 9` still holds after 3 rounds; \
         retry or skip it, or cancel the run"
    );
    retry(&mut scene, "settle");
    assert_eq!((steps(&scene).as_str(), run(&scene).steps[0].rounds), ("aapp", 1));
    skip(&mut scene, "settle");
    assert_eq!(steps(&scene), "sasp", "a call under way comes to its end first");
    refuse(&mut scene);
    assert_eq!(steps(&scene), "sfsa");
}

#[test]
fn a_loop_whose_steps_end_at_once_stands_still_nowhere() {
    let scene = scene(
        "
      - id: again
        while: steps.again.rounds < 40
        rounds: 50
        steps: [{ id: lift, action: account.suspend, for_each: incident.targets(\"account\") }]
      - { id: end, manual: End }
",
    );
    assert_eq!((steps(&scene).as_str(), run(&scene).steps[0].rounds), ("dda", 40));
}

const BESIDE: &str = "
      - id: both
        parallel:
          keys:
            - { id: revoke, action: key.revoke, for_each: incident.targets(\"key\"), retry: { attempts: 1 } }
            - { id: rotate, manual: Rotate }
          nodes:
            - { id: isolate, action: node.isolate, for_each: incident.targets(\"node\"), retry: { attempts: 1 } }
            - { id: call, manual: Call }
        join: JOIN
        on_failure: FAILURE
      - { id: end, manual: End }
";

fn beside(join: &str, on_failure: &str) -> Scene {
    scene(&BESIDE.replace("JOIN", join).replace("FAILURE", on_failure))
}

#[test]
fn branches_run_side_by_side_and_all_have_to_come_through() {
    let mut scene = beside("all", "stop");
    assert_eq!(scene.calling().len(), 2);
    apply(&mut scene);
    assert_eq!(steps(&scene), "adaapp");
    apply(&mut scene);
    assert_eq!(steps(&scene), "adadap");
    update(&mut scene, &["call"], &[]);
    assert_eq!(steps(&scene), "adaddp");
    update(&mut scene, &["rotate"], &[]);
    assert_eq!(steps(&scene), "ddddda");
}

#[test]
fn the_first_branch_ends_the_others_but_not_their_calls() {
    let mut scene = beside("any", "stop");
    apply(&mut scene);
    update(&mut scene, &["rotate"], &[]);
    assert_eq!(steps(&scene), "addasp", "the call of the other branch is still open");
    apply(&mut scene);
    assert_eq!(steps(&scene), "ddddsa");
}

#[test]
fn a_failed_branch_calls_a_person_while_the_others_go_on() {
    let mut scene = beside("all", "stop");
    refuse(&mut scene);
    assert!(matches!(run(&scene).status, Status::Blocked { .. }));
    apply(&mut scene);
    assert_eq!(steps(&scene), "afpdap");
    assert!(matches!(run(&scene).status, Status::Blocked { .. }));
    update(&mut scene, &["call"], &[]);
    retry(&mut scene, "revoke");
    assert_eq!(run(&scene).status, Status::Active);
    apply(&mut scene);
    update(&mut scene, &["rotate"], &[]);
    assert_eq!(steps(&scene), "ddddda");
}

#[test]
fn a_failed_branch_may_be_left_or_undo_everything() {
    let mut scene = beside("all", "continue");
    refuse(&mut scene);
    assert_eq!(run(&scene).status, Status::Active);
    apply(&mut scene);
    update(&mut scene, &["call"], &[]);
    assert_eq!(steps(&scene), "ffsdda");
    update(&mut scene, &["end"], &[]);
    let Status::Blocked { reason } = &run(&scene).status else { panic!("{:?}", run(&scene).status) };
    assert!(reason.contains("needs step `both`, which failed: step `revoke` failed"), "{reason}");
    retry(&mut scene, "revoke");
    assert_eq!(steps(&scene), "aasddd", "what holds it goes on with it");
    apply(&mut scene);
    assert!(scene.look().contains("Completed"));

    let mut scene = beside("all", "undo");
    apply(&mut scene);
    refuse(&mut scene);
    assert!(matches!(run(&scene).status, Status::Undoing { .. }));
    apply(&mut scene);
    let text = scene.look();
    assert!(text.contains("action.released") && text.contains("Failed { reason"), "{text}");
}

#[test]
fn any_branch_may_fail_as_long_as_another_may_come_through() {
    let mut scene = beside("any", "stop");
    refuse(&mut scene);
    assert_eq!(run(&scene).status, Status::Active);
    refuse(&mut scene);
    assert!(matches!(run(&scene).status, Status::Blocked { .. }));
    skip(&mut scene, "both");
    assert_eq!(steps(&scene), "sfsfsa");
}

#[test]
fn targets_that_join_later_are_acted_on_inside_too() {
    let mut scene = beside("all", "stop");
    apply(&mut scene);
    apply(&mut scene);
    update(&mut scene, &["call", "rotate"], &[]);
    assert_eq!(steps(&scene), "ddddda");
    scene.alert([
        ("incident_type", "validator_compromise"),
        ("severity", "high"),
        ("node", "validator-3"),
        ("key", "key-4"),
    ]);
    assert_eq!(steps(&scene), "daddda");
    apply(&mut scene);
    assert_eq!(steps(&scene), "ddddda");
}

#[test]
fn branches_side_by_side_share_what_may_be_in_force() {
    let isolate = |id: &str| {
        format!(
            "          n{id}:\n            - {{ id: n{id}, action: node.isolate, target: validator-{id} }}\n"
        )
    };
    let branches: String = ["1", "2", "4"].map(isolate).concat();
    let scene = scene(&format!("      - id: all\n        parallel:\n{branches}"));
    let isolated = scene.state.actions.out("node.isolate");
    assert_eq!(isolated, 2, "{} {:?}", steps(&scene), run(&scene).status);
}

/// While the first step asks people, a rule sees it in the platform's own log and another run begins, before the
/// second step of the first has begun its actions.
#[test]
fn two_runs_of_one_reaction_share_what_may_be_in_force() {
    const ASKS: &str = "
id: asks
name: Asks
version: 1.0.0
types: [validator_compromise]
min_severity: low
stages:
  - id: only
    steps:
      - id: both
        parallel:
          a: [{ id: revoke, action: key.revoke, target: key-1, with: { reason: key_compromise }, approval: { when: action.risk >= risk.low } }]
          b: [{ id: one, action: node.isolate, target: validator-1 }]
          c: [{ id: two, action: node.isolate, target: validator-2 }]
";
    const ANSWERS: &str = "
id: answers
name: Answers
version: 1.0.0
types: [unauthorized_access]
min_severity: low
stages: [{ id: only, steps: [{ id: three, action: node.isolate, target: validator-4 }] }]
";
    const RULE: &str = "
id: somebody_asks
on: records
match: [ 'source=\"ringfence.audit\"', 'kind=\"approval.requested\"' ]
type: unauthorized_access
severity: high
auto_response: true
";
    let mut files = crate::scene::shipped();
    files.retain(|path, _| !["playbooks/", "drills/", "rules/"].iter().any(|gone| path.starts_with(gone)));
    let own = [("playbooks/asks.yaml", ASKS), ("playbooks/answers.yaml", ANSWERS), ("rules/asks.yaml", RULE)];
    files.extend(own.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())));
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    assert_eq!(scene.state.runs.iter().count(), 2);
    let text = scene.look();
    assert_eq!(scene.state.actions.out("node.isolate"), 2, "{text}");
    assert!(text.contains("`node.isolate` is in force on 2 and may be on 2 at once"), "{text}");
}
