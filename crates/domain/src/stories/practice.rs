//! A drill on the same morning as the real thing: neither hides, joins or notifies for the other.

use crate::{
    access::{self, Holder},
    alert::Received,
    event::Actor,
    flow::Command,
    id::TokenId,
    incident::Incident,
    notice::{self, Reason},
    scene::Scene,
};

const SAME: [(&str, &str); 4] = [
    ("alertname", "ValidatorDoubleVote"),
    ("incident_type", "validator_compromise"),
    ("severity", "critical"),
    ("node", "validator-3"),
];

fn source(scene: &mut Scene, holder: Holder) -> Actor {
    let (hash, label) = (format!("{holder:?}").into(), String::new());
    scene.must(Command::Access(access::Command::CreateToken { holder, hash, label, expires_at: None }));
    Actor::Source(TokenId::from_number(scene.next - 1))
}

fn deliver(scene: &mut Scene, from: &Actor) {
    let received = Received { labels: SAME.into(), ..Received::default() };
    scene.received_from(from.clone(), received).unwrap();
}

fn open(scene: &Scene) -> Vec<&Incident> {
    scene.state.incidents.open.values().map(|incident| &**incident).collect()
}

#[test]
fn a_drill_and_the_real_thing_stay_apart_in_either_order() {
    for practice_first in [true, false] {
        let mut scene = Scene::new(&[]);
        let practice = source(&mut scene, Holder::Drill("drill-monitors".into()));
        let monitors = source(&mut scene, Holder::Source("prometheus".into()));
        let order = if practice_first { [&practice, &monitors] } else { [&monitors, &practice] };
        for from in [order[0], order[1], order[0], order[1]] {
            deliver(&mut scene, from);
        }
        let open = open(&scene);
        let drills: Vec<bool> = open.iter().map(|incident| incident.drill).collect();
        assert_eq!(drills, [practice_first, !practice_first], "one incident each, however often they repeat");
        assert_eq!(open[0].alerts, 1);
        assert_eq!(scene.state.incidents.real(), 1, "figures count the real one");
        assert_eq!(scene.state.alerts.iter().filter(|(alert, _)| alert.drill).count(), 1);
    }
}

#[test]
fn nobody_outside_hears_of_a_drill() {
    let mut scene = Scene::new(&[]);
    let practice = source(&mut scene, Holder::Drill("drill-monitors".into()));
    deliver(&mut scene, &practice);
    let incident = scene.incident();
    let mut content = (*scene.state.content).clone();
    let mail = crate::content::channels::Channel {
        name: "mail".to_owned(),
        kind: crate::content::channels::ChannelKind::Email,
        address: Some("duty@example.org".to_owned()),
        timeout: crate::time::Span::secs(10),
        attempts: 2,
    };
    content.channels.channels.insert(0, mail);
    for order in &mut content.channels.orders {
        order.channels.insert(0, "mail".to_owned());
    }
    content.hash = "with mail".into();
    scene.must(Command::LoadContent(std::sync::Arc::new(content)));
    scene.facts.clear();
    let send = notice::Command::Send {
        incident,
        reason: Reason::Update,
        to: vec!["duty".into()],
        about: "Now.".into(),
    };
    scene.must(Command::Notice(send));
    let kinds: Vec<&str> = scene.facts.iter().map(|fact| fact.event.kind()).collect();
    assert_eq!(kinds, ["notice.queued", "notice.delivered"], "on the dashboard, and nowhere else");
    let queued = format!("{:?}", scene.facts[0].event);
    assert!(queued.contains("it is a drill: nobody outside is told"), "{queued}");
}
