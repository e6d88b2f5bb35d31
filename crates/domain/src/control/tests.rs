//! Each control moved once, and what it holds back.

use expect_test::expect;

use super::{Command, SafeMode};
use crate::{
    access::{self, Role},
    approval,
    event::Actor,
    flow,
    id::PersonId,
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
    scene.both(switch(false));
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

fn add(scene: &mut Scene, name: &str, role: Role) -> Actor {
    let id = PersonId::from_number(scene.next);
    scene.must(flow::Command::Access(access::Command::AddPerson { name: name.to_owned(), role }));
    Actor::Person(id)
}

fn level(level: SafeMode) -> flow::Command {
    control(Command::SetSafeMode { level, reason: "over".to_owned() })
}

#[test]
fn leaving_above_restricted_takes_two_people_at_every_step_and_entering_one() {
    for from in SafeMode::ALL {
        for to in SafeMode::ALL.into_iter().filter(|to| *to != from) {
            let mut scene = Scene::new(&[]);
            let (one, two) = (add(&mut scene, "one", Role::Commander), add(&mut scene, "two", Role::Admin));
            if from != SafeMode::Disabled {
                scene.must(level(from));
            }
            scene.ask(one.clone(), level(to)).unwrap();
            let alone = to > from || from <= SafeMode::Restricted;
            assert_eq!(scene.state.control.safe_mode == to, alone, "{from} to {to}");
            if !alone {
                assert!(scene.ask(one, level(to)).is_err(), "the same person counts once");
                scene.ask(two, level(to)).unwrap();
                assert_eq!(scene.state.control.safe_mode, to);
                assert!(scene.state.approvals.values().all(approval::is_over));
            }
        }
    }
}

#[test]
fn who_may_not_command_and_what_is_no_person_leaves_no_limit() {
    let mut scene = Scene::new(&[]);
    let (one, reads) = (add(&mut scene, "one", Role::Commander), add(&mut scene, "reads", Role::Responder));
    let gone = add(&mut scene, "gone", Role::Commander);
    let id = gone.person().unwrap();
    scene.must(flow::Command::Access(access::Command::DisablePerson { id }));
    scene.must(switch(true));
    let nobody = Actor::Person(PersonId::from_number(7_777));
    let others = [reads, gone, nobody, Actor::Platform, Actor::Source(crate::id::TokenId::from_number(1))];
    for first in others.clone() {
        assert!(scene.ask(first, switch(false)).is_err());
    }
    scene.ask(one.clone(), switch(false)).unwrap();
    let asked = scene.state.approvals.values().next().unwrap().clone();
    for second in others.into_iter().chain([one]) {
        assert!(scene.ask(second.clone(), switch(false)).is_err(), "{second}");
        let approve = approval::Command::Approve { id: asked.id, hash: asked.hash.to_string() };
        assert!(scene.ask(second.clone(), flow::Command::Approval(approve)).is_err(), "{second}");
    }
    assert!(scene.state.control.kill_switch.is_some());
}

#[test]
fn a_yes_is_for_the_limit_as_it_was_and_for_a_quarter_of_an_hour() {
    let mut scene = Scene::new(&[]);
    let (one, two) = (add(&mut scene, "one", Role::Commander), add(&mut scene, "two", Role::Commander));
    scene.must(level(SafeMode::Emergency));
    scene.ask(one.clone(), level(SafeMode::Disabled)).unwrap();
    scene.ask(two.clone(), level(SafeMode::Restricted)).unwrap();
    assert_eq!(scene.state.control.safe_mode, SafeMode::Emergency, "they mean different things");
    scene.must(level(SafeMode::Lockdown));
    assert!(scene.state.approvals.values().all(approval::is_over), "both are void now");
    scene.ask(one, level(SafeMode::Disabled)).unwrap();
    scene.wait(Span::secs(15 * 60));
    scene.ask(two, level(SafeMode::Disabled)).unwrap();
    assert_eq!(scene.state.control.safe_mode, SafeMode::Lockdown, "the first yes has expired");
}

#[test]
fn the_glass_is_broken_by_one_loudly_and_mends_by_itself() {
    let mut scene = Scene::new(&[]);
    let glass = |reason: &str, span| control(Command::BreakGlass { reason: reason.to_owned(), span });
    let minutes = |minutes: u64| Span::secs(60 * minutes);
    expect!["no limit is in force, so there is none to leave"]
        .assert_eq(&scene.refused(glass("alone", minutes(5))));
    scene.must(level(SafeMode::Emergency));
    scene.must(switch(true));
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    assert!(scene.calling().is_empty());
    expect!["say why; people will read it in the review"].assert_eq(&scene.refused(glass(" ", minutes(5))));
    expect!["the limits are left for 1m to 4h"].assert_eq(&scene.refused(glass("alone", minutes(300))));
    assert!(scene.ask(Actor::Platform, glass("alone", minutes(5))).is_err());
    scene.must(glass("alone at night", minutes(5)));
    assert_eq!(scene.calling().len(), 1, "what was held goes on");
    expect!["the limits are left already, until 2027-01-15T08:05:00Z"]
        .assert_eq(&scene.refused(glass("again", minutes(5))));
    let loud =
        scene.state.incidents.open.values().find(|open| &*open.incident_type == "break_glass").unwrap();
    assert!(loud.title.contains("alone at night") && !loud.attention.is_empty(), "{loud:?}");
    let review = scene.state.reviews.values().next().unwrap();
    assert_eq!(review.incident, loud.id);
    scene.must(level(SafeMode::Lockdown));
    scene.wait(minutes(5));
    let control = &scene.state.control;
    assert!(control.glass.is_none() && control.kill_switch.is_some());
    assert_eq!(control.safe_mode, SafeMode::Lockdown, "what people limited meanwhile stays");
    expect!["no glass is broken"].assert_eq(&scene.refused(self::control(Command::MendGlass)));
}
