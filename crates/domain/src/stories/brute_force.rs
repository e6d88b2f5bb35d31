//! Somebody guesses passwords: ten failed logins from one address within five minutes, told by records alone.

use expect_test::expect;
use serde_json::json;

use super::{close, everything_works, people_work, recover, resolve};
use crate::{alert, incident::Status, record::Record, scene::Scene, time::Span};

fn login(scene: &mut Scene, address: &str, event: &str) {
    let said = json!({ "event": event, "source_ip": address, "user": "root", "service": "gateway" });
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
        sighting.counted sighting/4
        sighting.fired sighting/4
        alert.raised alert/26 label incident_type="unauthorized_access"; rule failed_logins; no open incident of its group
        incident.opened incident/27"#]].assert_eq(&said.join("\n"));
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
    // Another address is another incident.
    for _ in 0..10 {
        login(&mut scene, "192.0.2.99", "login_failed");
    }
    assert_eq!(scene.state.incidents.open.len(), 2);

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
