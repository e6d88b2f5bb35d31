//! The first start of a restored data directory: nothing that was under way is done a second time.

use expect_test::expect;

use crate::{
    action::{self, Outcome},
    alert,
    content::Class,
    control, flow,
    scene::Scene,
    time::Span,
};

/// A scene with one action of this class whose call is open.
fn scene_of(class: Class) -> Scene {
    let mut scene = Scene::new(&[]);
    let mut content = (*scene.state.content).clone();
    let mut known = (*content.actions["node.isolate"]).clone();
    known.class = class;
    content.actions.insert("node.isolate".to_owned(), known.into());
    content.hash = "another".into();
    scene.must(flow::Command::LoadContent(content.into()));
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    assert_eq!(scene.calling().len(), 1);
    scene.look();
    scene
}

#[test]
fn a_call_that_was_open_in_the_backup_is_never_made_again_by_itself() {
    for class in [Class::OneShot, Class::Keyed, Class::Idempotent] {
        let mut scene = scene_of(class);
        let id = scene.calling()[0];
        scene.restored(2);
        assert!(scene.calling().is_empty(), "{class:?}");
        let action = scene.state.actions.get(id).unwrap();
        assert!(matches!(action.status, action::Status::InDoubt { .. }), "{class:?}: {:?}", action.status);
        scene.wait(Span::secs(24 * 3600));
        assert!(!scene.look().contains("action.intended"), "{class:?}");
    }
}

#[test]
fn a_call_that_was_due_again_comes_into_doubt() {
    let mut scene = scene_of(Class::Keyed);
    let id = scene.calling()[0];
    scene.answer(id, Outcome::Unknown { reason: "connection lost".to_owned() });
    scene.look();
    scene.restored(2);
    scene.wait(Span::secs(24 * 3600));
    assert!(!scene.look().contains("action.intended"));
}

#[test]
fn a_look_does_no_harm_and_is_taken_anew() {
    let mut scene = scene_of(Class::ReadBack);
    scene.restored(2);
    let said = scene.look();
    assert!(!said.contains("#2 rf-scene"), "{said}");
    assert!(scene.calling().is_empty(), "the open call was one that acts: {said}");
}

#[test]
fn runs_wait_and_people_are_called_once_under_a_new_name() {
    let mut scene = scene_of(Class::OneShot);
    scene.restored(2);
    expect![[r#"
        control.restored control
        control.started control
        run.paused run/5
        action.unknown action/6 in doubt: restored from backup 20270115T080000Z-00c0ffee; it may have happened since
        incident.attention_raised incident/4 `node.isolate` on validator-3 is in doubt: restored from backup 20270115T080000Z-00c0ffee; it may have happened since; settle it with `containment settle`
        incident.attention_raised incident/4 this is backup 20270115T080000Z-00c0ffee of 2027-01-15T08:00:00Z, restored: runs are paused and open calls in doubt; look at what was done since, resume the runs, then `control confirm-clock`
    "#]]
    .assert_eq(&scene.look());
    assert_eq!(&*scene.state.control.incarnation, "copy");
    assert!(scene.state.control.clock_doubt.is_some());
    scene.restored(3);
    assert!(!scene.look().contains("control.restored"), "a second start is one like any other");
}

#[test]
fn a_backup_that_fails_is_an_alert_until_one_is_made() {
    let mut scene = Scene::staffed(&[]);
    scene.must(flow::Command::Control(control::Command::BackupFailed { why: "no room".to_owned() }));
    let firing = |scene: &Scene| {
        let named = |alert: &alert::Alert| alert.labels.get("alertname") == Some(super::ALERT);
        scene.state.alerts.iter().filter(|(alert, _)| named(alert)).count()
    };
    assert_eq!(firing(&scene), 1);
    let said = scene.look();
    assert!(said.contains("incident.opened"), "{said}");
    let backup = control::backup::Backup { id: "b".into(), entries: 1, root: "r".into(), bytes: 1 };
    scene.must(flow::Command::Control(control::Command::BackedUp(Box::new(backup))));
    assert_eq!(firing(&scene), 0);
    let status = scene.state.control.backup.clone().unwrap();
    assert_eq!((status.last.as_deref(), status.failing), (Some("b"), None));
}
