//! Somebody guesses passwords, told by records alone: ten failed logins from one address within five minutes, or of one
//! account within ten.

use expect_test::expect;
use serde_json::json;

use super::{close, everything_works, people_work, recover, resolve};
use crate::{alert, flow::Command, incident::Status, record::Record, scene::Scene, silence, time::Span};

fn login(scene: &mut Scene, address: &str, event: &str) {
    // People mistype their own names; whoever guesses is after one account.
    let user = if address.starts_with("198.51.100.") { "account-2" } else { "root" };
    let said = json!({ "event": event, "source_ip": address, "user": user, "service": "gateway" });
    scene.record(&Record::read(&said, "gateway").unwrap());
}

#[test]
fn from_the_first_failed_login_to_the_closed_incident() {
    let mut scene = Scene::new(&[]);

    // 08:00. People mistype, and an address begins to guess: nothing is decided yet.
    for minute in 0..4 {
        login(&mut scene, "198.51.100.4", "login_failed");
        login(&mut scene, "198.51.100.4", "login");
        for _ in 0..2 {
            login(&mut scene, "203.0.113.7", "login_failed");
        }
        assert!(scene.state.incidents.open.is_empty(), "minute {minute}");
        scene.wait(Span::secs(60));
    }
    // 08:04. The tenth within five minutes: the rule's own alert opens the incident and its playbook starts.
    login(&mut scene, "203.0.113.7", "login_failed");
    assert!(scene.state.incidents.open.is_empty());
    scene.look();
    login(&mut scene, "203.0.113.7", "login_failed");
    everything_works(&mut scene);
    let id = scene.incident();
    let first = scene.look();
    let said: Vec<&str> = first.lines().take(4).collect();
    expect![[r#"
        sighting.counted sighting/5
        sighting.fired sighting/5
        alert.raised alert/39 label incident_type="unauthorized_access"; rule failed_logins; no open incident of its group
        incident.opened incident/40"#]].assert_eq(&said.join("\n"));
    let incident = &scene.state.incidents.open[&id];
    assert_eq!((&*incident.incident_type, incident.severity.name()), ("unauthorized_access", "high"));
    assert_eq!(incident.targets, [("address".into(), "203.0.113.7".into())]);
    assert_eq!(incident.alerts, 1);

    // Until 09:00 it goes on: the same alert, and not one more entry in the journal about it.
    let before = scene.next;
    for _ in 0..200 {
        login(&mut scene, "203.0.113.7", "login_failed");
    }
    assert_eq!(scene.next, before);
    // All of it was about one account, and is told of already: one attack, one incident.
    assert_eq!(scene.state.incidents.open.len(), 1);

    // It stops; five minutes later the alert is over, and what was real is resolved, watched and closed.
    scene.wait(Span::secs(400));
    let firing = scene.state.alerts.iter().filter(|(alert, _)| alert::Alert::is_firing(alert)).count();
    assert_eq!(firing, 0);
    people_work(&mut scene, id);
    recover(&mut scene, id);
    scene.must(resolve(id, "the address is blocked at the edge"));
    assert_eq!(scene.state.incidents.open[&id].status, Status::Watching);
    scene.wait(Span::secs(3_700));
    assert!(scene.state.sightings.is_empty(), "nothing is kept of what is long over");
    scene.must(close(id));
    assert!(!scene.state.incidents.open.contains_key(&id));
}

/// What the open incidents are about.
fn told(scene: &Scene) -> String {
    let open = scene.state.incidents.open.values();
    let targets = open.map(|incident| {
        let named = incident.targets.iter().map(|(kind, name)| format!("{kind} {name}"));
        named.collect::<Vec<_>>().join(", ")
    });
    targets.collect::<Vec<_>>().join("; ")
}

#[test]
fn one_account_is_guessed_from_many_addresses_or_slowly_from_one() {
    // Nine addresses, one try a minute each time from the next, and one of them again.
    let mut scene = Scene::new(&[]);
    for number in 0..10 {
        assert!(scene.state.incidents.open.is_empty(), "try {number}");
        login(&mut scene, &format!("203.0.113.{}", number % 9), "login_failed");
        scene.wait(Span::secs(60));
    }
    assert_eq!(told(&scene), "account root");
    let incident = scene.state.incidents.open.values().next().unwrap();
    assert!(!incident.auto_response, "nobody can have another's account suspended by mistyping");

    // One address, too slow for its own rule: nine within five minutes, and the tenth later.
    let mut scene = Scene::new(&[]);
    for _ in 0..10 {
        assert!(scene.state.incidents.open.is_empty());
        login(&mut scene, "203.0.113.7", "login_failed");
        scene.wait(Span::secs(50));
    }
    assert_eq!(told(&scene), "account root");

    // Fast: its address tells of it. While people are at that, the same address opens no second one for the account.
    let mut scene = Scene::new(&[]);
    for _ in 0..10 {
        login(&mut scene, "203.0.113.7", "login_failed");
    }
    scene.wait(Span::secs(400));
    for _ in 0..9 {
        login(&mut scene, "203.0.113.7", "login_failed");
        scene.wait(Span::secs(40));
    }
    assert_eq!(told(&scene), "address 203.0.113.7");
    // Whoever else tries that account is looked for by the account, and not by what the address did.
    for number in 0..10 {
        login(&mut scene, &format!("192.0.2.{number}"), "login_failed");
    }
    assert_eq!(told(&scene), "address 203.0.113.7; account root");
}

#[test]
fn what_was_told_with_its_address_is_not_told_again_with_its_account() {
    let mut scene = Scene::new(&[]);
    for _ in 0..10 {
        login(&mut scene, "203.0.113.7", "login_failed");
    }
    assert_eq!(told(&scene), "address 203.0.113.7");
    // Its owner mistypes: the nine that were counted before the address was told of stand for nothing any more.
    scene.wait(Span::secs(60));
    login(&mut scene, "192.0.2.1", "login_failed");
    assert_eq!(told(&scene), "address 203.0.113.7");
    // What others do after that is counted, also while the first one goes on.
    for number in 2..11 {
        assert_eq!(told(&scene), "address 203.0.113.7", "try {number}");
        login(&mut scene, "203.0.113.7", "login_failed");
        login(&mut scene, &format!("192.0.2.{number}"), "login_failed");
    }
    assert_eq!(told(&scene), "address 203.0.113.7; account root");
}

#[test]
fn what_a_silence_mutes_is_told_to_nobody_so_the_account_is_counted_all_the_same() {
    let mut scene = Scene::new(&[]);
    let terms = silence::Terms {
        matchers: vec![crate::matcher::parse("address=203.0.113.7").unwrap()],
        starts_at: scene.now,
        ends_at: scene.now.plus(Span::secs(3_600)),
        created_by: "ada".to_owned(),
        comment: "a scanner of ours".to_owned(),
    };
    scene.must(Command::Silence(silence::Command::Set { id: None, terms }));
    for number in 0..10 {
        assert!(scene.state.incidents.open.is_empty(), "try {number}");
        login(&mut scene, "203.0.113.7", "login_failed");
    }
    assert_eq!(told(&scene), "account root");
    let muted = scene.state.alerts.iter().filter(|(alert, _)| alert.route.silence.is_some()).count();
    assert_eq!(muted, 1, "that of the address");
}
