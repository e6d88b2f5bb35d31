//! Playbooks that move limits: tightened at once, loosened by people alone, and nothing half done.

use expect_test::expect;

use super::{BREAKER, CONNECTOR, SAFE_MODE};
use crate::{
    access, action, approval, content,
    control::{Command, Control, SafeMode},
    event::Actor,
    flow,
    id::{ActionId, PersonId},
    run,
    scene::{self, Scene},
    time::Span,
};

/// A playbook with these steps.
fn playbook(steps: &str) -> String {
    format!(
        "
id: limits
name: Limits
version: 1.0.0
types: [validator_compromise]
min_severity: low
roles: [commander]
stages:
  - id: limit
    steps:
{steps}"
    )
}

const TIGHTEN: &str = "
      - { id: tighten, action: control.safe_mode, target: paranoid, lease: { for: 1h, on_expiry: ask } }
";

fn scene(steps: &str) -> Scene {
    let mut scene = Scene::new(&[&playbook(steps)]);
    begin(&mut scene);
    scene
}

fn begin(scene: &mut Scene) {
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
}

/// What the node does with the intents that are durable.
fn enact(scene: &mut Scene) -> Vec<ActionId> {
    let calling = scene.calling();
    for id in &calling {
        let attempt = scene.state.actions.get(*id).unwrap().attempt;
        scene.ask(Actor::Platform, flow::Command::Enact { action: *id, attempt }).unwrap();
    }
    calling
}

fn set(scene: &mut Scene, level: SafeMode) {
    let set = Command::SetSafeMode { level, reason: "drill".to_owned() };
    scene.must(flow::Command::Control(set));
}

fn release(scene: &mut Scene, id: ActionId) {
    scene.must(flow::Command::Action(action::Command::Release { id }));
}

/// So many people allow what is asked last; how many it takes.
fn allow(scene: &mut Scene, people: u32) -> u32 {
    let asked = scene.state.approvals.values().next_back().unwrap();
    let (id, hash, quorum) = (asked.id, asked.hash.to_string(), asked.terms.quorum);
    for _ in 0..people {
        let person = PersonId::from_number(scene.next);
        let (name, role) = (format!("p{}", scene.next), access::Role::Commander);
        scene.must(flow::Command::Access(access::Command::AddPerson { name, role }));
        let approve = approval::Command::Approve { id, hash: hash.clone() };
        scene.ask(Actor::Person(person), flow::Command::Approval(approve)).unwrap();
    }
    quorum
}

fn status(scene: &Scene, id: ActionId) -> action::Status {
    scene.state.actions.get(id).map_or(action::Status::Released, |action| action.status.clone())
}

fn control(scene: &Scene) -> &Control {
    &scene.state.control
}

#[test]
fn a_step_tightens_the_level_after_its_intent_and_is_read_back() {
    let mut scene = scene(TIGHTEN);
    assert_eq!(control(&scene).safe_mode, SafeMode::Disabled, "an intent alone changes nothing");
    scene.facts.clear();
    let [id] = enact(&mut scene)[..] else { panic!("one intent") };
    assert_eq!(control(&scene).safe_mode, SafeMode::Paranoid);
    let action = scene.state.actions.get(id).unwrap();
    assert_eq!((&action.status, action.verified), (&action::Status::InForce, Some(true)));
    expect![[r#"
        control.safe_mode_set control
        action.applied action/5
        run.advanced run/4 step 0 Done, Completed
    "#]]
    .assert_eq(&scene.look());
    // An answer to the same intent that comes again finds nothing open.
    scene.ask(Actor::Platform, flow::Command::Enact { action: id, attempt: 1 }).unwrap();
    assert_eq!(scene.look(), "");
}

#[test]
fn nothing_loosens_it_by_itself() {
    let mut scene = scene(TIGHTEN);
    let [id] = enact(&mut scene)[..] else { panic!("one intent") };
    scene.wait(Span::secs(2 * 3600));
    assert_eq!(control(&scene).safe_mode, SafeMode::Paranoid);
    let action = scene.state.actions.get(id).unwrap();
    assert!(action.lease_expired && scene.calling().is_empty());
    // Nor where one person alone might leave the level, and content lets leases take back what they like.
    let mut files = scene::shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    let lifted = TIGHTEN.replace("paranoid", "restricted").replace("ask", "lift");
    files.insert("playbooks/limits.yaml".to_owned(), playbook(&lifted));
    let text = files.get_mut("actions.yaml").unwrap();
    *text = text.replace("risk: medium\n    revert: control", "risk: low\n    revert: control");
    let (content, problems) = content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    begin(&mut scene);
    enact(&mut scene);
    scene.wait(Span::secs(2 * 3600));
    assert_eq!((control(&scene).safe_mode, scene.calling().len()), (SafeMode::Restricted, 0));
}

#[test]
fn taking_it_back_takes_two_and_leads_where_it_was() {
    let mut scene = Scene::new(&[&playbook(TIGHTEN)]);
    set(&mut scene, SafeMode::Restricted);
    begin(&mut scene);
    let [id] = enact(&mut scene)[..] else { panic!("one intent") };
    release(&mut scene, id);
    let asked = scene.state.approvals.values().next_back().unwrap();
    assert_eq!(
        (&*asked.subject.verb, asked.subject.args["back_to"].as_str()),
        ("control.safe_mode_leave", Some("disabled"))
    );
    assert_eq!(allow(&mut scene, 1), 2);
    assert!(scene.calling().is_empty(), "one is not enough");
    allow(&mut scene, 1);
    assert_eq!(enact(&mut scene), [id]);
    assert_eq!(control(&scene).safe_mode, SafeMode::Restricted, "not below what held before");
    assert_eq!(status(&scene, id), action::Status::Released);
}

#[test]
fn what_people_tightened_since_stays() {
    let mut scene = scene(TIGHTEN);
    let [id] = enact(&mut scene)[..] else { panic!("one intent") };
    set(&mut scene, SafeMode::Lockdown);
    release(&mut scene, id);
    enact(&mut scene);
    assert_eq!(control(&scene).safe_mode, SafeMode::Lockdown);
    assert_eq!(status(&scene, id), action::Status::Released);
}

#[test]
fn a_step_that_would_loosen_waits_for_as_many_as_people_would_need() {
    for (level, quorum) in [(SafeMode::Emergency, 2), (SafeMode::Restricted, 1)] {
        let to = if level == SafeMode::Restricted { "disabled" } else { "restricted" };
        let step = format!("\n      - {{ id: loosen, action: control.safe_mode, target: {to} }}\n");
        let mut scene = Scene::new(&[&playbook(&step)]);
        set(&mut scene, level);
        begin(&mut scene);
        assert_eq!(enact(&mut scene), [], "nothing before the yes");
        assert_eq!(allow(&mut scene, quorum), quorum);
        assert_eq!(enact(&mut scene).len(), 1);
        assert_eq!(control(&scene).safe_mode.name(), to);
    }
}

#[test]
fn an_intent_that_would_loosen_by_the_time_it_is_performed_is_withdrawn() {
    let mut scene = scene(TIGHTEN);
    set(&mut scene, SafeMode::Lockdown);
    let [id] = enact(&mut scene)[..] else { panic!("one intent") };
    assert_eq!(control(&scene).safe_mode, SafeMode::Lockdown);
    assert!(matches!(status(&scene, id), action::Status::Held { .. }));
    assert_eq!(scene.state.approvals.values().next_back().unwrap().terms.quorum, 2);
}

#[test]
fn an_intent_that_was_open_when_the_process_ended_is_performed_once() {
    let mut scene = scene(TIGHTEN);
    scene.start(2);
    let [id] = enact(&mut scene)[..] else { panic!("one intent") };
    assert_eq!(
        (control(&scene).safe_mode, status(&scene, id)),
        (SafeMode::Paranoid, action::Status::InForce)
    );
    scene.start(3);
    assert_eq!(enact(&mut scene), []);
}

#[test]
fn the_switch_and_a_breaker_are_engaged_at_every_level() {
    let steps = "
      - { id: breaker, action: control.breaker, target: node.isolate, with: { reason: too many } }
      - { id: stop, action: control.kill_switch, target: platform }
      - { id: lock, action: control.safe_mode, target: lockdown }
";
    let mut scene = Scene::new(&[&playbook(steps)]);
    let kill = Command::SetBreaker { name: "estate".to_owned(), on: true, reason: String::new() };
    scene.must(flow::Command::Control(kill));
    set(&mut scene, SafeMode::Emergency);
    begin(&mut scene);
    let breaker = enact(&mut scene)[0];
    let stop = enact(&mut scene)[0];
    enact(&mut scene);
    assert!(control(&scene).kill_switch.as_ref().is_some_and(|switch| switch.reason.contains("INC-")));
    assert_eq!(control(&scene).safe_mode, SafeMode::Lockdown);
    assert!(control(&scene).breakers["node.isolate"].reason.ends_with("too many"));
    // Only people turn the switch off, and a breaker is closed with their yes.
    let off = scene.refused(flow::Command::Action(action::Command::Release { id: stop }));
    assert!(off.contains("there is no action") || off.contains("not in force"), "{off}");
    release(&mut scene, breaker);
    assert_eq!((enact(&mut scene), allow(&mut scene, 1)), (vec![], 1));
    assert_eq!(enact(&mut scene), [breaker]);
    assert!(!control(&scene).breakers.contains_key("node.isolate"));
}

#[test]
fn the_breaker_of_the_platform_keeps_playbooks_from_its_limits() {
    let mut scene = Scene::new(&[&playbook(TIGHTEN)]);
    let open = Command::SetBreaker { name: CONNECTOR.to_owned(), on: true, reason: String::new() };
    scene.must(flow::Command::Control(open));
    begin(&mut scene);
    assert_eq!((enact(&mut scene), control(&scene).safe_mode), (vec![], SafeMode::Disabled));
}

#[test]
fn a_person_asks_for_a_limit_itself() {
    let mut scene = scene(TIGHTEN);
    let (incident, target, args) = (scene.incident(), "lockdown".to_owned(), serde_json::Map::new());
    let verb = SAFE_MODE.to_owned();
    let apply = action::Command::Apply { incident, verb, target, args, lease: None };
    expect!["`control.safe_mode` is for playbooks; people ask for it with `control`"]
        .assert_eq(&scene.refused(flow::Command::Action(apply)));
}

#[test]
fn undoing_the_run_waits_for_people_too() {
    let steps = format!("{TIGHTEN}      - {{ id: next, action: node.isolate, target: validator-3 }}\n");
    let mut scene = scene(&steps);
    enact(&mut scene);
    let id = scene.run();
    scene.must(flow::Command::Run(run::Command::Cancel { id, undo: true }));
    scene.wait(Span::secs(1));
    assert_eq!((enact(&mut scene), control(&scene).safe_mode), (vec![], SafeMode::Paranoid));
    assert_eq!((allow(&mut scene, 2), enact(&mut scene).len()), (2, 1));
    assert_eq!(control(&scene).safe_mode, SafeMode::Disabled);
}

fn problems(file: &str, from: &str, to: &str, steps: &str) -> String {
    let mut files = scene::shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    files.insert("playbooks/limits.yaml".to_owned(), playbook(steps));
    let text = files.get_mut(file).unwrap();
    assert!(text.contains(from), "{from}");
    *text = text.replacen(from, to, 1);
    let problems = content::load(&files).1;
    problems.iter().map(|problem| format!("{}\n", problem.message)).collect()
}

#[test]
fn wrong_limits_are_refused_when_content_is_read() {
    let step = |verb: &str, rest: &str| {
        let steps = format!("\n      - {{ id: one, action: {verb}, {rest} }}\n");
        problems("actions.yaml", "", "", &steps)
    };
    expect![[""]].assert_eq(&step(SAFE_MODE, "target: lockdown, with: { back_to: restricted }"));
    expect![[r#"
        `panic` is not a safe-mode level; use disabled, restricted, paranoid, emergency or lockdown
    "#]]
    .assert_eq(&step(SAFE_MODE, "target: panic"));
    expect![[r#"
        the argument `back_to` must be one of disabled, restricted, paranoid, emergency, not "nowhere"
    "#]]
    .assert_eq(&step(SAFE_MODE, "target: paranoid, with: { back_to: nowhere }"));
    expect![[r#"
        `control.kill_switch`: unknown argument `on`; known: `reason`
    "#]]
    .assert_eq(&step("control.kill_switch", "target: platform, with: { on: false }"));
    expect![[r#"
        the kill switch has the one target `platform`
    "#]]
    .assert_eq(&step("control.kill_switch", "target: node-1"));
    expect![[r#"
        `node.isolat` is neither a connector nor a verb of actions.yaml
    "#]]
    .assert_eq(&step(BREAKER, "target: node.isolat"));
    expect![[r#"
        unknown kind of target `limit`; known: `node`, `key`, `account`, `service`, `segment`, `model`, `endpoint`, `session`, `dataset`, `pipeline`, `file`, `address`
    "#]].assert_eq(&step(BREAKER, "for_each: incident.targets(\"limit\")"));
    let action = |from: &str, to: &str| problems("actions.yaml", from, to, TIGHTEN);
    expect![[r#"
        `ringfence` does not perform `control.off`; it performs control.safe_mode, control.safe_mode_leave, control.kill_switch, control.breaker, control.breaker_close
    "#]].assert_eq(&action("verb: control.kill_switch", "verb: control.off"));
    expect![[r#"
        unknown kind of target `limit`; known: `node`, `key`, `account`, `service`, `segment`, `model`, `endpoint`, `session`, `dataset`, `pipeline`, `file`, `address`
        only `ringfence` moves limits; give `control.safe_mode` `connector: ringfence`
    "#]].assert_eq(&action("connector: ringfence\n    class", "connector: estate\n    class"));
    expect![[r#"
        `control.safe_mode` is taken back by `control.safe_mode_leave`; say so in `revert`
        `control.safe_mode` has no verb that takes it back, so a lease has no end to keep
    "#]]
    .assert_eq(&action("    revert: control.safe_mode_leave\n", ""));
    expect![[r#"
        `ringfence` does not perform `node.isolate`; it performs control.safe_mode, control.safe_mode_leave, control.kill_switch, control.breaker, control.breaker_close
    "#]].assert_eq(&action("connector: estate", "connector: ringfence"));
}

#[test]
fn the_tests_of_playbooks_move_limits_too() {
    let steps = "
      - { id: stop, action: control.safe_mode, target: lockdown }
      - { id: isolate, action: node.isolate, for_each: 'incident.targets(\"node\")' }
";
    let test = |calls: &str| {
        let mut files = scene::shipped();
        files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
        files.insert("playbooks/limits.yaml".to_owned(), playbook(steps));
        let text = format!(
            "tests:
  - name: everything stops and the node is cut off with two yes
    incident: {{ type: validator_compromise, severity: high, targets: {{ node: [validator-3] }} }}
    expect: {{ calls: [{calls}], status: completed }}
"
        );
        files.insert("playbooks/limits.test.yaml".to_owned(), text);
        content::load(&files).1.iter().map(|found| found.message.clone()).collect::<String>()
    };
    assert_eq!(test("control.safe_mode lockdown, node.isolate validator-3"), "");
    assert!(test("node.isolate validator-3").contains("control.safe_mode lockdown"));
}
