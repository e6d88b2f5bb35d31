//! One alert from its delivery to the contained incident, and what a restart makes of it.

use connectors::Outcome;
use domain::{action, flow::Command, id::IncidentId};
use engine::{Page, verify_rows};
use expect_test::expect;

use crate::bench_platform::{Bench, alone, applied, seconds};

pub(crate) const ALL: Page = Page { before: None, limit: 100 };

fn compromise(bench: &Bench) -> domain::incident::Incident {
    bench.alert([
        ("alertname", "DoubleVote"),
        ("incident_type", "validator_compromise"),
        ("severity", "critical"),
        ("node", "validator-3"),
        ("key", "key-3"),
    ]);
    bench.platform().handle.reader().incidents(false, ALL).unwrap().remove(0)
}

#[test]
fn an_alert_becomes_a_contained_incident() {
    let bench = Bench::new(applied);
    let from = bench.platform().handle.reader().length().unwrap();
    let incident = compromise(&bench);
    bench.until("the run has ended", |reader| !reader.runs(true, ALL).unwrap().is_empty());
    let kinds = bench.kinds(from);
    // How many notices lie between depends on who is on the teams.
    let own = kinds.lines().filter(|line| !line.starts_with("notice/"));
    let own = own.fold(String::new(), |all, line| {
        let (stream, rest) = line.split_once('/').unwrap();
        format!("{all}{stream} {}\n", rest.split_once(' ').unwrap().1)
    });
    expect![[r#"
        alert 1 alert.raised
        incident 1 incident.opened
        run 1 run.started
        action 1 action.intended
        incident 2 incident.team_assembled
        incident 3 incident.clock_set
        action 2 action.applied
        incident 4 incident.contained
        run 2 run.advanced
        action 1 action.intended
        action 2 action.applied
        run 3 run.advanced
    "#]]
    .assert_eq(&own);
    let told = kinds.lines().filter(|line| line.ends_with("notice.delivered")).count();
    assert!(told >= 12, "the teams of a critical incident are told: {kinds}");
    let reader = bench.platform().handle.reader();
    let in_force = reader.actions(false, ALL).unwrap();
    assert!(in_force.iter().all(|action| action.status == action::Status::InForce), "{in_force:?}");
    assert!(reader.incident(incident.id).unwrap().unwrap().contained_at.is_some());
    assert_eq!(verify_rows(&*bench.store).unwrap().findings, Vec::<String>::new());
}

#[test]
fn a_repeat_makes_no_entry_and_a_resolution_one() {
    let bench = Bench::new(applied);
    bench.alert([("alertname", "Quiet")]);
    let length = bench.platform().handle.reader().length().unwrap();
    bench.alert([("alertname", "Quiet")]);
    assert_eq!(bench.platform().handle.reader().length().unwrap(), length);
}

#[test]
fn the_kill_switch_holds_and_what_was_held_goes_on() {
    let bench = Bench::new(applied);
    let switch = |on| {
        let reason = "drill".to_owned();
        Command::Control(domain::control::Command::SetKillSwitch { on, reason })
    };
    bench.command(switch(true)).unwrap();
    let incident = compromise(&bench);
    assert!(bench.connector.calls.lock().unwrap().is_empty());
    let reader = bench.platform().handle.reader();
    let waiting = reader.incident(incident.id).unwrap().unwrap().attention;
    assert!(waiting.iter().any(|a| a.reason.contains("waits for the approval of 2")), "{waiting:?}");
    bench.command(switch(false)).unwrap();
    bench.command_as(bench.another(), switch(false)).unwrap();
    bench.until("the run has ended", |reader| !reader.runs(true, ALL).unwrap().is_empty());
    assert_eq!(bench.connector.calls.lock().unwrap().len(), 2);
}

#[test]
fn a_containment_is_released_by_a_person() {
    let bench = Bench::new(applied);
    compromise(&bench);
    bench.until("the run has ended", |reader| !reader.runs(true, ALL).unwrap().is_empty());
    let first = bench.platform().handle.reader().actions(false, ALL).unwrap().pop().unwrap();
    bench.command(Command::Action(action::Command::Release { id: first.id })).unwrap();
    bench.until("it is released", |reader| {
        reader.action(first.id).unwrap().unwrap().status == action::Status::Released
    });
    let last = bench.connector.calls.lock().unwrap().last().cloned().unwrap();
    assert!(last.starts_with("Revert node.isolate validator-3 rf-test-6-1"), "{last}");
}

#[test]
fn an_unknown_target_fails_the_step_and_calls_a_person() {
    let refuse = |_: &connectors::Call| Outcome::NotApplied {
        reason: "unknown target".to_owned(),
        retry: false,
        retry_after: None,
    };
    let bench = Bench::new(refuse);
    let incident = compromise(&bench);
    bench.until("the run is blocked", |reader| {
        let runs = reader.runs(false, ALL).unwrap();
        runs.iter().any(|run| matches!(run.status, domain::run::Status::Blocked { .. }))
    });
    let reader = bench.platform().handle.reader();
    let found = reader.incident(incident.id).unwrap().unwrap();
    assert!(found.attention.iter().any(|a| a.reason.contains("unknown target")), "{:?}", found.attention);
    assert_eq!(verify_rows(&*bench.store).unwrap().findings, Vec::<String>::new());
}

#[test]
fn a_restart_goes_on_where_the_rows_end() {
    let mut bench = Bench::new(|_| Outcome::Unknown { reason: "no answer".to_owned() });
    let incident = compromise(&bench);
    bench.platform.take().unwrap().stop();
    let again = Bench::over(bench.store.clone(), applied);
    again.until("the run has ended", |reader| !reader.runs(true, ALL).unwrap().is_empty());
    let reader = again.platform().handle.reader();
    assert!(reader.incident(incident.id).unwrap().unwrap().contained_at.is_some());
    assert_eq!(verify_rows(&*again.store).unwrap().findings, Vec::<String>::new());
    assert!(reader.checkpoint().unwrap().is_some());
    let unknown = reader.incident(IncidentId::from_number(999)).unwrap();
    assert_eq!(unknown, None);
    let extend = action::Command::Extend { id: reader.actions(false, ALL).unwrap()[0].id, span: seconds(60) };
    again.command(Command::Action(extend)).unwrap();
}

#[test]
fn a_playbook_moves_the_limits_of_the_platform_without_a_call() {
    let bench = Bench::new(applied);
    let playbook = "
id: stop
name: Stop
version: 1.0.0
types: [validator_compromise]
min_severity: low
roles: [security_lead]
stages:
  - id: stop
    steps:
      - { id: level, action: control.safe_mode, target: lockdown }
      - { id: stop, action: control.kill_switch, target: platform }
";
    bench.command(Command::LoadContent(std::sync::Arc::new(alone(playbook)))).unwrap();
    compromise(&bench);
    bench.until("the run has ended", |reader| !reader.runs(true, ALL).unwrap().is_empty());
    assert!(bench.connector.calls.lock().unwrap().is_empty(), "nothing outside was called");
    let reader = bench.platform().handle.reader();
    let level = reader.actions(false, ALL).unwrap().pop().unwrap();
    assert_eq!((&level.status, level.verified), (&action::Status::InForce, Some(true)));
    let kinds = bench.kinds(0);
    let at = |kind: &str| kinds.lines().position(|line| line.ends_with(kind)).unwrap();
    assert!(at("action.intended") < at("control.safe_mode_set"), "{kinds}");
    assert!(at("control.safe_mode_set") < at("action.applied"), "{kinds}");
    assert!(at("action.applied") < at("control.kill_switch_on"), "{kinds}");
    assert_eq!(verify_rows(&*bench.store).unwrap().findings, Vec::<String>::new());
}
