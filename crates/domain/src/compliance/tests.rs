//! Each control on records that keep to it and on records that do not.

use super::*;
use crate::{
    figures::{Window, figures},
    id::{IncidentId, PersonId, ReviewId},
    review::Answers,
    scene::Scene,
};

const NOW: Timestamp = Timestamp(1_800_000_000_000_000);

fn review(due: Timestamp, done: Option<Timestamp>) -> Lookback {
    Lookback {
        id: ReviewId::from_number(9),
        incident: IncidentId::from_number(7),
        opened_at: NOW,
        severity: Some(Severity::Critical),
        drill: false,
        incident_type: "unauthorized_access".into(),
        targets: Vec::new(),
        answers: Answers::default(),
        lessons: None,
        planned: 0,
        finished: 0,
        action_due: None,
        reports: vec![(due, done)],
    }
}

fn person(number: u64, role: Role) -> Person {
    let (name, disabled) = (format!("p{number}").into(), false);
    Person { id: PersonId::from_number(number), seq: 1, name, role, disabled, added_at: NOW }
}

/// What differs from records on which nothing happened.
struct Given {
    reviews: Vec<Lookback>,
    people: Vec<Person>,
    unsigned_since: Option<Timestamp>,
    clock_doubt: Option<&'static str>,
    log: (bool, &'static str),
    backup: (bool, &'static str),
}

fn nothing() -> Given {
    let people = vec![person(1, Role::Commander), person(2, Role::Admin), person(3, Role::Viewer)];
    let looked = (true, "nothing is wrong");
    Given {
        reviews: Vec::new(),
        people,
        unsigned_since: None,
        clock_doubt: None,
        log: looked,
        backup: looked,
    }
}

/// The ids of the controls that do not hold.
fn broken(given: Given) -> Vec<String> {
    let scene = Scene::new(&[]);
    let content = &scene.state.content;
    let window = Window { since: Timestamp(0), until: NOW };
    let figures = figures(&[], &[], content, window, NOW);
    let known = Known {
        now: NOW,
        content,
        figures: &figures,
        cases: &[],
        reviews: &given.reviews,
        people: &given.people,
        evidence: &[],
        unsigned_since: given.unsigned_since,
        clock_doubt: given.clock_doubt,
        log: given.log,
        backup: given.backup,
    };
    let verdicts = evaluate(&known);
    verdicts.iter().filter(|one| !one.holds).map(|one| one.control.id.to_string()).collect()
}

#[test]
fn where_nothing_happened_only_the_drill_is_missing() {
    assert_eq!(broken(nothing()), ["drilled"]);
}

#[test]
fn a_late_report_breaks_what_it_belongs_to() {
    let later = NOW.plus(Span::secs(60));
    let before = Timestamp(NOW.0 - 60_000_000);
    let in_time = [review(later, None), review(before, Some(Timestamp(NOW.0 - 90_000_000)))];
    assert_eq!(broken(Given { reviews: in_time.into(), ..nothing() }), ["drilled"]);
    let late = [review(before, None)];
    assert_eq!(
        broken(Given { reviews: late.into(), ..nothing() }),
        ["critical_reviewed", "drilled", "reviews_written"]
    );
    let low = [Lookback { severity: Some(Severity::Low), ..review(before, None) }];
    assert_eq!(broken(Given { reviews: low.into(), ..nothing() }), ["drilled", "reviews_written"]);
    let drill = [Lookback { drill: true, ..review(before, None) }];
    assert_eq!(broken(Given { reviews: drill.into(), ..nothing() }), ["drilled"]);
    let action = [Lookback { planned: 1, action_due: Some(before), ..review(later, None) }];
    assert_eq!(broken(Given { reviews: action.into(), ..nothing() }), ["drilled", "lessons_applied"]);
}

#[test]
fn one_person_alone_a_doubted_clock_and_an_unsigned_log_are_named() {
    let alone = [person(1, Role::Admin), Person { disabled: true, ..person(2, Role::Admin) }];
    assert_eq!(broken(Given { people: alone.into(), ..nothing() }), ["drilled", "two_people"]);
    assert_eq!(broken(Given { clock_doubt: Some("it jumped"), ..nothing() }), ["clock_trusted", "drilled"]);
    let long = Timestamp(NOW.0 - 3_601_000_000);
    assert_eq!(broken(Given { unsigned_since: Some(long), ..nothing() }), ["drilled", "log_signed"]);
    assert_eq!(broken(Given { unsigned_since: Some(NOW), ..nothing() }), ["drilled"]);
    let altered = (false, "entry 7 was altered");
    assert_eq!(broken(Given { log: altered, ..nothing() }), ["drilled", "log_verifies"]);
    assert_eq!(broken(Given { backup: altered, ..nothing() }), ["backup_restores", "drilled"]);
}
