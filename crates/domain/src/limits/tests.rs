//! Every cell of the table of limits.

use std::fmt::Write as _;

use expect_test::expect;

use super::{Asked, FileKind, Permit, permits, takes_file};
use crate::{
    action::{Goal, Spec},
    content::Purpose,
    control::{Breaker, Control, SafeMode, Switch},
    scene::Scene,
    severity::Risk,
    time::Timestamp,
};

/// Automatic apply, by a person, automatic release, release by a person, for low, medium, high and critical risk:
/// `y` allowed, `-` refused, a digit for so many approvals. Containment, evidence, recovery, other.
const TABLE: [(SafeMode, [[&str; 4]; 4]); 5] = [
    (SafeMode::Disabled, [["yyyy"; 4]; 4]),
    (
        SafeMode::Restricted,
        [
            ["yyyy", "yyyy", "1y1y", "1y1y"],
            ["yyyy", "yyyy", "yy1y", "yy1y"],
            ["yyyy", "yyyy", "1y1y", "1y1y"],
            ["yyyy", "yyyy", "1y1y", "1y1y"],
        ],
    ),
    (SafeMode::Paranoid, [["yy1y", "1y1y", "1y1y", "1y1y"], ["yy1y"; 4], ["1y1y"; 4], ["1y1y"; 4]]),
    (SafeMode::Emergency, [["yy-1", "-1-1", "-1-1", "-1-1"], ["yy-1"; 4], ["-1-1"; 4], ["---1"; 4]]),
    (SafeMode::Lockdown, [["22--"; 4], ["yy--"; 4], ["----"; 4], ["----"; 4]]),
];

fn spec() -> Spec {
    let mut scene = Scene::new(&[]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    scene.state.actions.get(scene.calling()[0]).unwrap().spec.clone()
}

fn letter(permit: &Permit) -> String {
    match permit {
        Permit::Allowed => "y".to_owned(),
        Permit::NeedsApproval(terms, _) => terms.quorum.to_string(),
        Permit::Refused(_) => "-".to_owned(),
    }
}

#[test]
fn every_cell_of_the_table() {
    let (now, base) = (Timestamp(0), spec());
    let switch = Switch { since: now, by: "x".into(), reason: "y".into() };
    let mut cells = 0;
    for (level, rows) in TABLE {
        for kill in [false, true] {
            let kill_switch = kill.then(|| switch.clone());
            let control = Control { safe_mode: level, kill_switch, ..Control::default() };
            // The switch is as strict as the highest level.
            let rows = if kill { TABLE[4].1 } else { rows };
            for (purpose, row) in Purpose::ALL.into_iter().zip(rows) {
                let risks = [Risk::Low, Risk::Medium, Risk::High, Risk::Critical];
                for (risk, expected) in risks.into_iter().zip(row) {
                    let containment = purpose == Purpose::Containment;
                    let spec = Spec { risk, containment, purpose, ..base.clone() };
                    let mut found = String::new();
                    for goal in [Goal::Apply, Goal::Release] {
                        for asked in [Asked::Automatically, Asked::ByPerson] {
                            found += &letter(&permits(&control, &spec, goal, asked, now));
                            cells += 1;
                        }
                    }
                    assert_eq!(found, expected, "{level} kill {kill} {purpose:?} {risk:?}");
                }
            }
        }
    }
    assert_eq!(cells, 5 * 2 * 4 * 4 * 4);
}

#[test]
fn a_file_from_outside_is_taken_by_level() {
    let mut table = String::new();
    for level in SafeMode::ALL {
        let kinds = [FileKind::Text, FileKind::AllowedType, FileKind::Other, FileKind::Quarantine];
        let row: String =
            kinds.into_iter().map(|kind| if takes_file(level, kind) { 'y' } else { '-' }).collect();
        writeln!(table, "{level:<11}{row}").unwrap();
    }
    expect![[r#"
        disabled   yyyy
        restricted yy-y
        paranoid   y--y
        emergency  ---y
        lockdown   ---y
    "#]]
    .assert_eq(&table);
}

#[test]
fn a_breaker_stops_one_connector_or_one_action_and_nothing_else() {
    let (now, base) = (Timestamp(5), spec());
    let other = Spec { verb: "account.suspend".into(), ..base.clone() };
    let elsewhere = Spec { connector: "desk".into(), ..base.clone() };
    let breaker = |until| Breaker { since: Timestamp(0), until, by: "x".into(), reason: "y".into() };
    let mut cells = 0;
    for level in SafeMode::ALL {
        for (name, stopped) in [(&base.connector, [true, true, false]), (&base.verb, [true, false, true])] {
            for (until, open) in [(None, true), (Some(Timestamp(6)), true), (Some(Timestamp(5)), false)] {
                let mut control = Control { safe_mode: level, ..Control::default() };
                let free = control.clone();
                control.breakers.insert(name.clone(), breaker(until));
                for (spec, stopped) in [&base, &other, &elsewhere].into_iter().zip(stopped) {
                    for goal in [Goal::Apply, Goal::Release] {
                        for asked in [Asked::Automatically, Asked::ByPerson] {
                            let found = permits(&control, spec, goal, asked, now);
                            let without = permits(&free, spec, goal, asked, now);
                            let why = format!("circuit breaker `{name}` is open: y");
                            let expected = if stopped && open { Permit::Refused(why) } else { without };
                            assert_eq!(found, expected, "{level} {name} {until:?} {} {goal:?}", spec.verb);
                            cells += 1;
                        }
                    }
                }
            }
        }
    }
    assert_eq!(cells, 5 * 2 * 3 * 3 * 4);
}

#[test]
fn a_real_file_goes_into_quarantine_at_every_level_and_leaves_by_approval_below_the_highest() {
    let base = Spec { connector: "files".into(), verb: "file.quarantine".into(), risk: Risk::Low, ..spec() };
    let restore = Spec { verb: "file.restore".into(), purpose: Purpose::Recovery, ..base.clone() };
    let mut table = String::new();
    for level in SafeMode::ALL {
        let control = Control { safe_mode: level, ..Control::default() };
        let cell = |spec: &Spec, goal, asked| letter(&permits(&control, spec, goal, asked, Timestamp(0)));
        let row: String = [(&base, Goal::Apply), (&base, Goal::Release), (&restore, Goal::Apply)]
            .into_iter()
            .flat_map(|(spec, goal)| {
                [Asked::Automatically, Asked::ByPerson].map(|asked| cell(spec, goal, asked))
            })
            .collect();
        writeln!(table, "{level:<11}{row}").unwrap();
    }
    expect![[r#"
        disabled   yy1111
        restricted yy1111
        paranoid   yy1111
        emergency  yy----
        lockdown   yy----
    "#]]
    .assert_eq(&table);
}
