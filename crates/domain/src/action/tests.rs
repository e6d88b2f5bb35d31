//! What follows each outcome, class by class; release, leases, breakers.

use expect_test::expect;

use super::{Command, Outcome, Verdict};
use crate::{
    content::Class,
    control, flow,
    id::ActionId,
    playbook::{Backoff, Retry},
    scene::{CUT_OFF, Scene},
    time::Span,
};

/// A scene with one action of this class under way.
fn scene_of(class: Class) -> (Scene, ActionId) {
    let mut scene = Scene::new(&[CUT_OFF]);
    let mut content = (*scene.state.content).clone();
    let mut known = (*content.actions["node.isolate"]).clone();
    known.class = class;
    content.actions.insert("node.isolate".to_owned(), known.into());
    content.hash = "another".into();
    scene.must(flow::Command::LoadContent(content.into()));
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    scene.look();
    let id = scene.calling()[0];
    (scene, id)
}

fn unknown() -> Outcome {
    Outcome::Unknown { reason: "connection lost".to_owned() }
}

fn after_unknown(class: Class) -> String {
    let (mut scene, id) = scene_of(class);
    scene.answer(id, unknown());
    scene.wait(Span::secs(1));
    scene.look()
}

#[test]
fn the_class_says_what_follows_an_unknown_outcome() {
    let resent = expect![[r#"
        action.unknown action/6 Apply next: connection lost
        action.intended action/6 Apply #2 rf-scene-6-0
    "#]];
    resent.assert_eq(&after_unknown(Class::Keyed));
    resent.assert_eq(&after_unknown(Class::Idempotent));
    resent.assert_eq(&after_unknown(Class::Notice));
    expect![[r#"
        action.unknown action/6 ReadBack next: connection lost
        action.intended action/6 ReadBack #2 rf-scene-6-0
    "#]]
    .assert_eq(&after_unknown(Class::ReadBack));
    expect![[r#"
        action.unknown action/6 in doubt: connection lost; it may have happened, and it must not happen twice
        incident.attention_raised incident/4 `node.isolate` on validator-3 is in doubt: connection lost; it may have happened, and it must not happen twice; settle it with `containment settle`
        run.advanced run/5 Blocked { reason: "ACT-6 of step `isolate` is in doubt: connection lost; it may have happened, and it must not happen twice" }
        incident.attention_raised incident/4 ACT-6 of step `isolate` is in doubt: connection lost; it may have happened, and it must not happen twice
    "#]]
    .assert_eq(&after_unknown(Class::OneShot));
}

#[test]
fn a_restart_treats_an_open_call_by_its_class() {
    let restarted = |class| {
        let (mut scene, _) = scene_of(class);
        scene.start(2);
        let text = scene.look();
        text.lines().nth(1).unwrap().to_owned()
    };
    expect!["action.intended action/6 Apply #2 rf-scene-6-0"].assert_eq(&restarted(Class::Keyed));
    expect!["action.intended action/6 Apply #2 rf-scene-6-0"].assert_eq(&restarted(Class::Idempotent));
    expect!["action.intended action/6 ReadBack #2 rf-scene-6-0"].assert_eq(&restarted(Class::ReadBack));
    expect!["action.unknown action/6 in doubt: the process ended while the call was open; it may have happened, and it must not happen twice"]
        .assert_eq(&restarted(Class::OneShot));
}

#[test]
fn a_read_back_decides_whether_it_is_done_again() {
    let (mut scene, id) = scene_of(Class::ReadBack);
    scene.answer(id, unknown());
    scene.wait(Span::secs(1));
    scene.answer(id, Outcome::DoesNotHold);
    scene.wait(Span::secs(1));
    scene.applied(id);
    expect![[r#"
        action.unknown action/6 ReadBack next: connection lost
        action.intended action/6 ReadBack #2 rf-scene-6-0
        action.not_applied action/6 the read-back says that it does not hold, retried
        action.intended action/6 Apply #3 rf-scene-6-0
        action.applied action/6
        incident.contained incident/4
        run.advanced run/5 step 0 Done, step 1 Done, step 2 Done, step 3 Done, stage 1, Completed
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn after_an_unknown_call_a_later_refusal_leaves_doubt() {
    let (mut scene, id) = scene_of(Class::Keyed);
    scene.answer(id, unknown());
    scene.wait(Span::secs(1));
    scene.look();
    let refused = Outcome::NotApplied { reason: "no such node".to_owned(), retry: false, retry_after: None };
    scene.answer(id, refused);
    let first = scene.look();
    assert!(first.starts_with("action.unknown action/6 in doubt: no such node; an earlier call"), "{first}");
}

#[test]
fn a_late_answer_to_an_earlier_attempt_changes_nothing() {
    let (mut scene, id) = scene_of(Class::Keyed);
    scene.answer(id, unknown());
    scene.wait(Span::secs(1));
    scene.look();
    let late = Command::Report { id, attempt: 1, outcome: unknown() };
    scene.must(flow::Command::Action(late));
    assert_eq!(scene.look(), "");
}

#[test]
fn no_answer_by_the_deadline_is_an_unknown_outcome() {
    let (mut scene, _) = scene_of(Class::OneShot);
    scene.wait(Span::secs(13));
    assert!(scene.look().starts_with("action.unknown action/6 in doubt: no answer by the deadline"));
}

#[test]
fn a_person_settles_what_is_in_doubt() {
    let settle = |verdict| {
        let (mut scene, id) = scene_of(Class::OneShot);
        scene.answer(id, unknown());
        scene.look();
        let why = "looked at it".to_owned();
        scene.must(flow::Command::Action(Command::Settle { id, verdict, why }));
        scene.look().lines().map(|line| line.split(' ').next().unwrap()).collect::<Vec<_>>().join(" ")
    };
    expect!["action.settled incident.attention_cleared run.advanced incident.attention_cleared"]
        .assert_eq(&settle(Verdict::Applied));
    expect!["action.settled incident.attention_cleared run.advanced incident.attention_raised"]
        .assert_eq(&settle(Verdict::NotApplied));
    expect!["action.settled incident.attention_cleared action.intended"].assert_eq(&settle(Verdict::Retry));
}

#[test]
fn release_takes_it_back_under_a_key_of_its_own() {
    let (mut scene, id) = scene_of(Class::Keyed);
    let release = || flow::Command::Action(Command::Release { id });
    expect!["ACT-6 is not in force, so there is nothing to release"].assert_eq(&scene.refused(release()));
    scene.applied(id);
    scene.look();
    scene.must(release());
    scene.applied(id);
    expect![[r#"
        action.intended action/6 Revert #2 rf-scene-6-1
        action.released action/6
    "#]]
    .assert_eq(&scene.look());
    expect!["there is no action ACT-6 in force or under way"].assert_eq(&scene.refused(release()));
}

#[test]
fn a_lease_that_ends_asks_and_stays() {
    let (mut scene, id) = scene_of(Class::Keyed);
    scene.applied(id);
    scene.look();
    scene.wait(Span::secs(4 * 3600));
    let text = scene.look();
    assert!(text.contains("action.lease_expired action/6"), "{text}");
    assert!(scene.state.actions.get(id).unwrap().may_be_in_force());
    scene.must(flow::Command::Action(Command::Extend { id, span: Span::secs(60) }));
    scene.wait(Span::secs(61));
    assert!(scene.look().contains("action.lease_expired"));
}

#[test]
fn a_lease_that_ends_under_the_switch_stays_in_force_as_held() {
    let (before, suspend) = CUT_OFF.split_once("action: account.suspend").unwrap();
    let lifted = suspend.replacen("on_expiry: ask", "on_expiry: lift", 1);
    let playbook = format!("{before}action: account.suspend{lifted}");
    let mut scene = Scene::new(&[&playbook]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("account", "account-3")]);
    let id = scene.calling()[0];
    scene.applied(id);
    scene.must(kill_switch(true));
    scene.look();
    scene.wait(Span::secs(24 * 3600));
    let text = scene.look();
    assert!(text.contains("action.lease_expired"), "{text}");
    assert!(text.contains("has ended and it stays in force"), "{text}");
    assert!(!text.contains("action.intended"), "nothing is called: {text}");
    assert!(scene.state.actions.get(id).unwrap().may_be_in_force());
}

#[test]
fn a_lease_until_the_incident_closes_ends_with_its_watch_and_with_no_time_before() {
    for extended in [false, true] {
        let playbook =
            CUT_OFF.replace("lease: { for: 4h, on_expiry: ask }", "lease: { until: incident_closed }");
        let mut scene = Scene::new(&[&playbook]);
        let labels =
            [("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")];
        scene.alert(labels);
        let (incident, id) = (scene.incident(), scene.calling()[0]);
        scene.applied(id);
        scene.wait(Span::secs(100 * 86_400));
        assert!(!scene.look().contains("action.lease_expired"));
        if extended {
            scene.must(flow::Command::Action(Command::Extend { id, span: Span::secs(3_700) }));
        }
        let resolve = crate::incident::Command::Resolve { id: incident, summary: "over".to_owned() };
        scene.must(flow::Command::Incident(resolve));
        assert!(!scene.look().contains("action.lease_expired"), "a relapse would need it");
        scene.wait(Span::secs(3_600));
        let text = scene.look();
        assert!(text.contains("incident.watch_ended"), "{text}");
        assert_eq!(text.contains("action.lease_expired action/"), !extended, "{text}");
        assert!(scene.state.actions.get(id).unwrap().may_be_in_force(), "nobody took it back");
        scene.wait(Span::secs(101));
        assert_eq!(scene.look().contains("action.lease_expired action/"), extended);
    }
}

#[test]
fn five_failures_in_a_row_open_the_breaker() {
    let (mut scene, _) = scene_of(Class::Keyed);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-4")]);
    let busy = || Outcome::NotApplied { reason: "busy".to_owned(), retry: true, retry_after: None };
    for _ in 0..control::FAILURES_MAX {
        let open = scene.calling()[0];
        scene.answer(open, busy());
        scene.wait(Span::millis(700));
    }
    scene.wait(Span::secs(5));
    let text = scene.look();
    assert!(text.contains("control.breaker_opened"), "{text}");
    assert!(text.contains("circuit breaker `estate` is open: 5 calls in a row without success"), "{text}");
}

#[test]
fn what_is_not_so_yet_says_nothing_against_the_connector_that_looked() {
    let playbook = "
id: caught_up
name: Caught up
version: 1.0.0
types: [node_failure]
roles: [lead]
stages:
  - id: look
    name: Look
    steps:
      - id: synced
        action: node.sync_status
        for_each: incident.targets(\"node\")
        retry: { within: 300s, backoff: constant, delay: 200ms }
";
    let mut scene = Scene::new(&[playbook]);
    scene.alert([("incident_type", "node_failure"), ("severity", "high"), ("node", "validator-3")]);
    let not_yet = || Outcome::NotApplied { reason: "catching up".to_owned(), retry: true, retry_after: None };
    for _ in 0..control::FAILURES_MAX + 3 {
        let open = scene.calling()[0];
        scene.answer(open, not_yet());
        scene.wait(Span::secs(1));
    }
    assert!(!scene.look().contains("control.breaker_opened"));
    let open = scene.calling()[0];
    scene.answer(open, Outcome::Applied { verified: Some(true), artefact: None });
    assert!(scene.look().contains("action.applied"));
}

#[test]
fn an_effect_counts_once_it_is_read_back() {
    let (mut scene, id) = scene_of(Class::OneShot);
    scene.answer(id, Outcome::Applied { verified: None, artefact: None });
    scene.wait(Span::secs(1));
    scene.answer(id, Outcome::Holds);
    let text = scene.look();
    assert!(text.contains("ReadBack next: the call succeeded and could not be read back yet"), "{text}");
    assert!(text.contains("action.applied"), "{text}");
}

#[test]
fn a_one_shot_is_called_once_even_when_it_certainly_did_nothing() {
    let (mut scene, id) = scene_of(Class::OneShot);
    scene.answer(id, Outcome::NotApplied { reason: "busy".to_owned(), retry: true, retry_after: None });
    assert!(scene.look().contains("action.not_applied action/6 busy\n"));
    assert!(scene.calling().is_empty());
}

#[test]
fn delays_grow_stay_bounded_and_replay_the_same() {
    let retry = Retry { attempts: 9, backoff: Backoff::Exponential, delay: Span::secs(1), within: None };
    let delay = |attempt| super::retry_delay(&retry, "key", attempt);
    assert!(delay(1) < delay(3) && delay(3) < delay(5));
    assert!(delay(30) <= Span::secs(90));
    assert_eq!(delay(4), delay(4));
}

fn kill_switch(on: bool) -> flow::Command {
    flow::Command::Control(control::Command::SetKillSwitch { on, reason: "drill".to_owned() })
}

#[test]
fn an_answer_to_the_call_that_applied_is_not_taken_for_the_release() {
    let (mut scene, id) = scene_of(Class::OneShot);
    scene.answer(id, unknown());
    scene.must(flow::Command::Action(Command::Release { id }));
    scene.look();
    let late = Outcome::Applied { verified: Some(true), artefact: None };
    scene.must(flow::Command::Action(Command::Report { id, attempt: 1, outcome: late }));
    assert_eq!(scene.look(), "");
}

#[test]
fn no_limit_holds_back_a_look_and_what_it_finds_is_held() {
    let (mut scene, id) = scene_of(Class::ReadBack);
    scene.answer(id, unknown());
    scene.must(kill_switch(true));
    scene.wait(Span::secs(1));
    assert!(scene.look().contains("action.intended action/6 ReadBack #2 rf-scene-6-0"));
    scene.answer(id, Outcome::DoesNotHold);
    scene.wait(Span::secs(2));
    assert!(scene.look().contains("action.held action/6 the kill switch is on"));
}

#[test]
fn what_a_canceled_run_has_not_called_is_not_called_any_more() {
    let (mut scene, id) = scene_of(Class::Keyed);
    scene.answer(id, Outcome::NotApplied { reason: "busy".to_owned(), retry: true, retry_after: None });
    let run = scene.run();
    scene.must(flow::Command::Run(crate::run::Command::Cancel { id: run, undo: false }));
    assert!(scene.look().contains("action.abandoned action/6"));
    scene.wait(Span::secs(60));
    assert!(scene.calling().is_empty());
}

#[test]
fn the_cap_on_what_is_in_force_counts_over_all_incidents() {
    let (mut scene, _) = scene_of(Class::Keyed);
    for node in ["validator-4", "validator-5"] {
        scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", node)]);
    }
    let text = scene.look();
    assert_eq!(scene.calling().len(), 2, "{text}");
    assert!(text.contains("`node.isolate` is in force on 2 and may be on 2 at once"), "{text}");
}

#[test]
fn a_read_back_that_is_refused_proves_nothing() {
    let (mut scene, id) = scene_of(Class::ReadBack);
    scene.answer(id, unknown());
    scene.wait(Span::secs(1));
    scene.look();
    scene.answer(id, Outcome::NotApplied { reason: "busy".to_owned(), retry: false, retry_after: None });
    expect!["action.unknown action/6 ReadBack next: busy\n"].assert_eq(&scene.look());
}

#[test]
fn a_call_of_an_ended_process_leaves_doubt_when_it_is_refused_later() {
    let (mut scene, id) = scene_of(Class::Keyed);
    scene.start(2);
    scene.look();
    scene.answer(id, Outcome::NotApplied { reason: "gone".to_owned(), retry: false, retry_after: None });
    let text = scene.look();
    assert!(text.starts_with("action.unknown action/6 in doubt: gone; an earlier call"), "{text}");
}

#[test]
fn a_withdrawn_call_goes_on_when_the_limit_has_gone_already() {
    let (mut scene, id) = scene_of(Class::Keyed);
    let withdraw = Command::Withdraw { id, attempt: 1, reason: "a limit of a moment ago".to_owned() };
    scene.must(flow::Command::Action(withdraw));
    let text = scene.look();
    assert!(text.ends_with("action.intended action/6 Apply #1 rf-scene-6-0\n"), "{text}");
}

#[test]
fn a_person_who_tries_anew_under_a_limit_is_told_that_it_is_held() {
    let (mut scene, id) = scene_of(Class::OneShot);
    scene.answer(id, unknown());
    scene.must(kill_switch(true));
    scene.look();
    let settle = Command::Settle { id, verdict: Verdict::Retry, why: "once more".to_owned() };
    scene.must(flow::Command::Action(settle));
    let text = scene.look();
    assert!(text.contains("action.held action/6 the kill switch is on"), "{text}");
    assert!(
        text.contains(
            "incident.attention_raised incident/4 `node.isolate` on validator-3 waits for the approval of 2"
        ),
        "{text}"
    );
}

#[test]
fn a_person_may_release_where_automatic_response_may_not() {
    let (mut scene, id) = scene_of(Class::Keyed);
    scene.applied(id);
    let level = control::SafeMode::Paranoid;
    let reason = "drill".to_owned();
    scene.must(flow::Command::Control(control::Command::SetSafeMode { level, reason }));
    scene.must(flow::Command::Action(Command::Release { id }));
    let action = scene.state.actions.get(id).unwrap();
    assert_eq!(action.asked, crate::limits::Asked::ByPerson);
}

#[test]
fn a_release_that_did_not_happen_asks_again_where_the_lease_has_ended() {
    let (mut scene, id) = scene_of(Class::OneShot);
    scene.applied(id);
    scene.wait(Span::secs(5 * 3_600));
    scene.must(flow::Command::Action(Command::Release { id }));
    scene.answer(id, unknown());
    let settle = Command::Settle { id, verdict: Verdict::NotApplied, why: "it holds".to_owned() };
    scene.must(flow::Command::Action(settle));
    scene.look();
    scene.wait(Span::secs(1));
    let text = scene.look();
    assert!(text.starts_with("action.lease_expired action/6"), "{text}");
}

#[test]
fn restarts_cost_none_of_the_attempts_and_are_bounded_all_the_same() {
    let (mut scene, id) = scene_of(Class::Keyed);
    for epoch in 2..12 {
        scene.start(epoch);
    }
    scene.answer(id, unknown());
    assert!(scene.look().ends_with("action.unknown action/6 Apply next: connection lost\n"));
    let (mut scene, _) = scene_of(Class::Keyed);
    for epoch in 2..2 + u64::from(super::RECOVERIES_MAX) + 1 {
        scene.start(epoch);
    }
    assert!(scene.look().contains("in doubt: the process ended while the call was open"));
}

#[test]
fn what_has_to_come_about_within_a_time_is_tried_at_its_end_and_not_after() {
    let playbook = "
id: wait
name: Wait
version: 1.0.0
types: [validator_compromise]
roles: [lead]
stages:
  - id: verify
    name: Verify
    steps:
      - id: synced
        action: node.sync_status
        for_each: incident.targets(\"node\")
        retry: { within: 300s, delay: 1s }
";
    let mut scene = Scene::new(&[playbook]);
    scene.alert([("alertname", "A"), ("incident_type", "validator_compromise"), ("node", "validator-3")]);
    let began = scene.now;
    let mut calls = Vec::new();
    while let Some(at) = scene.state.next_wakeup().filter(|at| at.since(began) <= Span::secs(400)) {
        for open in scene.calling() {
            calls.push(scene.now.since(began));
            let reason = "not yet".to_owned();
            scene.answer(open, Outcome::NotApplied { reason, retry: true, retry_after: None });
        }
        scene.wait(at.since(scene.now));
    }
    assert_eq!(*calls.last().unwrap(), Span::secs(300), "{calls:?}");
    assert!((8..20).contains(&calls.len()), "{calls:?}");
    assert!(calls.windows(2).all(|pair| pair[1].0 - pair[0].0 <= 76_000_000), "{calls:?}");
    assert!(scene.look().contains("Blocked"), "then a person is asked");
}

#[test]
fn a_release_that_people_refuse_after_an_unknown_call_is_in_doubt() {
    let (mut scene, id) = scene_of(Class::Keyed);
    scene.applied(id);
    scene.must(flow::Command::Action(Command::Release { id }));
    scene.answer(id, unknown());
    let (level, reason) = (control::SafeMode::Emergency, "breach".to_owned());
    scene.must(flow::Command::Control(control::Command::SetSafeMode { level, reason }));
    scene.wait(Span::secs(2));
    let asked = scene.state.approvals.values().next_back().unwrap().id;
    let one = crate::id::PersonId::from_number(scene.next);
    let (name, role) = ("one".to_owned(), crate::access::Role::Commander);
    scene.must(flow::Command::Access(crate::access::Command::AddPerson { name, role }));
    scene.look();
    let deny = crate::approval::Command::Deny { id: asked, why: "it is hostile".to_owned() };
    scene.ask(crate::event::Actor::Person(one), flow::Command::Approval(deny)).unwrap();
    let text = scene.look();
    let action = scene.state.actions.get(id).unwrap();
    assert!(matches!(action.status, super::Status::InDoubt { .. }), "{:?} {text}", action.status);
    assert_eq!(action.needs, None);
    assert!(text.contains("is in doubt"), "people are told: {text}");
    let settle = |verdict| flow::Command::Action(Command::Settle { id, verdict, why: "looked".to_owned() });
    scene.must(settle(Verdict::NotApplied));
    assert_eq!(scene.state.actions.get(id).unwrap().status, super::Status::InForce);
}
