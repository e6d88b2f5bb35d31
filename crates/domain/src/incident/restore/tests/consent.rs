//! People allow what a recovery does, never those who had it begun; and a release that they refuse is no secret.

use super::*;
use crate::{
    access::{self, Role},
    approval, control,
    event::Actor,
    id::PersonId,
};

fn commander(scene: &mut Scene, name: &str) -> Actor {
    let id = PersonId::from_number(scene.next);
    let (name, role) = (name.to_owned(), Role::Commander);
    scene.must(Command::Access(access::Command::AddPerson { name, role }));
    Actor::Person(id)
}

fn emergency(scene: &mut Scene) {
    let (level, reason) = (control::SafeMode::Emergency, "breach".to_owned());
    scene.must(Command::Control(control::Command::SetSafeMode { level, reason }));
}

/// The answer to the newest request.
fn allow(scene: &mut Scene, by: &Actor) -> Result<(), String> {
    let asked = scene.state.approvals.values().next_back().unwrap();
    let command = approval::Command::Approve { id: asked.id, hash: asked.hash.to_string() };
    scene.ask(by.clone(), Command::Approval(command)).map_err(|refused| refused.to_string())
}

fn deny(scene: &mut Scene, by: &Actor) {
    let id = scene.state.approvals.values().next_back().unwrap().id;
    let command = approval::Command::Deny { id, why: "not yet".to_owned() };
    scene.ask(by.clone(), Command::Approval(command)).unwrap();
}

#[test]
fn whoever_begins_a_recovery_does_not_allow_what_it_does() {
    let mut scene = scene();
    let id = hurt(&mut scene, &["s1", "n1"]);
    let (ada, bob) = (commander(&mut scene, "ada"), commander(&mut scene, "bob"));
    emergency(&mut scene);
    scene.ask(ada.clone(), ask(id, Restore::Begin)).unwrap();
    // The start of s1, its release, and the release of n1.
    for call in ["node.start s1", "node.cut s1", "node.cut n1"] {
        assert_eq!(open(&scene), [""; 0], "{call}");
        let refused = allow(&mut scene, &ada).unwrap_err();
        assert!(refused.contains("asked for what"), "{call}: {refused}");
        allow(&mut scene, &bob).unwrap();
        assert_eq!(open(&scene), [call]);
        next(&mut scene, done());
        while scene.calling().iter().any(|id| scene.state.actions.get(*id).unwrap().spec.origin.looks()) {
            next(&mut scene, Outcome::Holds);
        }
    }
    expect!["store healthy; shop healthy"].assert_eq(&stages(&scene, id));
}

#[test]
fn whoever_begins_it_anew_counts_as_little() {
    let mut scene = scene();
    let id = hurt(&mut scene, &["s1"]);
    let (ada, bob) = (commander(&mut scene, "ada"), commander(&mut scene, "bob"));
    let cleo = commander(&mut scene, "cleo");
    emergency(&mut scene);
    scene.ask(ada.clone(), ask(id, Restore::Begin)).unwrap();
    allow(&mut scene, &bob).unwrap();
    next(&mut scene, Outcome::NotApplied { reason: "locked".to_owned(), retry: false, retry_after: None });
    scene.ask(bob.clone(), ask(id, Restore::Begin)).unwrap();
    for who in [&ada, &bob] {
        assert!(allow(&mut scene, who).is_err(), "{who}");
    }
    allow(&mut scene, &cleo).unwrap();
    next(&mut scene, done());
    next(&mut scene, Outcome::Holds);
    for who in [&ada, &bob] {
        assert!(allow(&mut scene, who).is_err(), "{who} and the release");
    }
    allow(&mut scene, &cleo).unwrap();
    assert_eq!(open(&scene), ["node.cut s1"]);
}

#[test]
fn a_release_that_people_refuse_fails_the_recovery_in_the_open() {
    let mut scene = scene();
    let id = hurt(&mut scene, &["n1"]);
    let (ada, bob) = (commander(&mut scene, "ada"), commander(&mut scene, "bob"));
    emergency(&mut scene);
    scene.ask(ada.clone(), ask(id, Restore::Begin)).unwrap();
    deny(&mut scene, &bob);
    let said = stages(&scene, id);
    assert!(
        said.starts_with("shop failed: ACT-4 could not be released") && said.contains("not yet"),
        "{said}"
    );
    let attention = &scene.state.incidents.open[&id].attention;
    assert!(attention.iter().any(|told| told.reason.contains("not yet")), "{attention:?}");
    assert!(scene.state.actions.get(ActionId::from_number(4)).unwrap().may_be_in_force());
    // Begun anew, it is asked anew.
    scene.ask(ada, ask(id, Restore::Begin)).unwrap();
    allow(&mut scene, &bob).unwrap();
    assert_eq!(open(&scene), ["node.cut n1"]);
}
