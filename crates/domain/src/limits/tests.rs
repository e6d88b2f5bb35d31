//! Every cell of the table of limits.

use std::fmt::Write as _;

use expect_test::expect;

use super::{Asked, permits};
use crate::{
    action::{Goal, Spec},
    control::{Control, SafeMode},
    scene::Scene,
    severity::Risk,
};

fn spec(risk: Risk, containment: bool) -> Spec {
    let mut scene = Scene::new(&[]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    let action = scene.state.actions.get(scene.calling()[0]).unwrap();
    Spec { risk, containment, ..action.spec.clone() }
}

#[test]
fn every_cell_of_the_table() {
    let mut table = String::new();
    let now = crate::time::Timestamp(0);
    for level in SafeMode::ALL {
        let control = Control { safe_mode: level, ..Control::default() };
        for (what, risk, containment) in [
            ("contain low", Risk::Low, true),
            ("contain medium", Risk::Medium, true),
            ("contain high", Risk::High, true),
            ("other low", Risk::Low, false),
            ("other high", Risk::High, false),
        ] {
            let spec = spec(risk, containment);
            let cell = |goal, asked| match permits(&control, &spec, goal, asked, now) {
                Ok(()) => "yes",
                Err(_) => "-",
            };
            let (auto, person) =
                (cell(Goal::Apply, Asked::Automatically), cell(Goal::Apply, Asked::ByPerson));
            let release = cell(Goal::Release, Asked::Automatically);
            writeln!(table, "{level:<11}{what:<15}{auto:<4}{person:<4}{release}").unwrap();
        }
    }
    expect![[r#"
        disabled   contain low    yes yes yes
        disabled   contain medium yes yes yes
        disabled   contain high   yes yes yes
        disabled   other low      yes yes yes
        disabled   other high     yes yes yes
        restricted contain low    yes yes yes
        restricted contain medium yes yes yes
        restricted contain high   -   yes -
        restricted other low      yes yes yes
        restricted other high     -   yes -
        paranoid   contain low    yes yes -
        paranoid   contain medium -   yes -
        paranoid   contain high   -   yes -
        paranoid   other low      -   yes -
        paranoid   other high     -   yes -
        emergency  contain low    yes yes -
        emergency  contain medium -   yes -
        emergency  contain high   -   yes -
        emergency  other low      -   -   -
        emergency  other high     -   -   -
        lockdown   contain low    -   -   -
        lockdown   contain medium -   -   -
        lockdown   contain high   -   -   -
        lockdown   other low      -   -   -
        lockdown   other high     -   -   -
    "#]]
    .assert_eq(&table);
}

#[test]
fn the_kill_switch_stops_every_effect() {
    let since = crate::time::Timestamp(0);
    let switch = crate::control::Switch { since, by: "x".into(), reason: "y".into() };
    let control = Control { kill_switch: Some(switch), ..Control::default() };
    for goal in [Goal::Apply, Goal::Release] {
        for asked in [Asked::Automatically, Asked::ByPerson] {
            assert!(permits(&control, &spec(Risk::Low, true), goal, asked, since).is_err());
        }
    }
}
