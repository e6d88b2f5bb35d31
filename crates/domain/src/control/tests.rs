//! Each control moved once, and what it holds back.

use expect_test::expect;

use super::{Command, SafeMode};
use crate::{
    flow,
    scene::Scene,
    time::{Span, Timestamp},
};

fn control(command: Command) -> flow::Command {
    flow::Command::Control(command)
}

fn switch(on: bool) -> flow::Command {
    control(Command::SetKillSwitch { on, reason: "drill".to_owned() })
}

#[test]
fn each_control_is_moved_once() {
    let mut scene = Scene::new(&[]);
    expect!["the kill switch is off already"].assert_eq(&scene.refused(switch(false)));
    scene.must(switch(true));
    expect!["the kill switch is on already, since 2027-01-15T08:00:00Z"]
        .assert_eq(&scene.refused(switch(true)));
    let level = |level| control(Command::SetSafeMode { level, reason: String::new() });
    expect!["safe mode is disabled already"].assert_eq(&scene.refused(level(SafeMode::Disabled)));
    scene.must(level(SafeMode::Lockdown));
    let breaker =
        |name: &str, on| control(Command::SetBreaker { name: name.to_owned(), on, reason: String::new() });
    scene.must(breaker("estate", true));
    expect!["breaker `estate` is open already"].assert_eq(&scene.refused(breaker("estate", true)));
    expect!["`es tate` is not the name of a connector or an action"]
        .assert_eq(&scene.refused(breaker("es tate", true)));
    expect!["the clock is not in doubt"].assert_eq(&scene.refused(control(Command::ConfirmClock)));
}

#[test]
fn under_the_kill_switch_nothing_begins_and_nothing_is_lost() {
    let mut scene = Scene::new(&[]);
    scene.must(switch(true));
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    assert!(scene.calling().is_empty());
    assert!(scene.look().contains("action.held"));
    scene.wait(Span::secs(7200));
    assert!(scene.calling().is_empty());
    scene.must(switch(false));
    assert_eq!(scene.calling().len(), 1);
}

#[test]
fn a_tripped_breaker_closes_by_itself_and_what_it_held_goes_on() {
    let mut scene = Scene::new(&[]);
    let trip = Command::TripBreaker { name: "estate".to_owned(), reason: "five in a row".to_owned() };
    scene.must(control(trip));
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    assert!(scene.look().contains("circuit breaker `estate` is open: five in a row"));
    scene.wait(super::BREAKER_PAUSE);
    let text = scene.look();
    assert!(text.contains("control.breaker_closed") && text.contains("action.intended"), "{text}");
}

#[test]
fn the_stricter_of_two_controls_forbids_what_either_does() {
    let switch = super::Switch { since: Timestamp(1), by: "person/1".into(), reason: "drill".into() };
    let on =
        super::Control { kill_switch: Some(switch), safe_mode: SafeMode::Restricted, ..Default::default() };
    let breaker =
        |until| super::Breaker { since: Timestamp(1), until, by: "platform".into(), reason: "x".into() };
    let mut open = super::Control { safe_mode: SafeMode::Emergency, ..Default::default() };
    open.breakers.insert("wall".into(), breaker(None));
    let mut short = super::Control::default();
    short.breakers.insert("wall".into(), breaker(Some(Timestamp(9))));
    for both in [on.stricter(&open).stricter(&short), short.stricter(&open.stricter(&on))] {
        assert!(both.kill_switch.is_some());
        assert_eq!(both.safe_mode, SafeMode::Emergency);
        assert_eq!(both.breakers["wall"].until, None);
    }
}
