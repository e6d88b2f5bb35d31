//! Who is called, who is not, and that no call is lost among others: what people see of the links between machines.

use crate::{
    access, action,
    content::channels::{Channel, ChannelKind, Channels, Order},
    event::{Actor, Event},
    flow::Command,
    id::{IncidentId, PersonId},
    incident::{self, Disposition},
    notice::{self, Outcome, Reason},
    scene::{CUT_OFF, Scene, all_shipped},
    severity::Severity,
    time::Span,
};

fn compromise(scene: &mut Scene, severity: &str, name: &str) {
    scene.alert([
        ("alertname", name),
        ("incident_type", "validator_compromise"),
        ("severity", severity),
        ("node", "validator-3"),
    ]);
}

/// The people of the shipped content, and one way to them that has to answer.
fn by_mail() -> Scene {
    let (mut content, problems) = crate::content::load(&all_shipped());
    assert_eq!(problems, []);
    let address = Some("duty@example.org".to_owned());
    let timeout = Span::secs(10);
    let mail = Channel { name: "mail".to_owned(), kind: ChannelKind::Email, address, timeout, attempts: 1 };
    let channels = vec![mail.name.clone()];
    let order = Order { reasons: vec![], min_severity: Severity::Informational, channels };
    content.channels = Channels { channels: vec![mail], orders: vec![order] };
    Scene::with(content)
}

/// The channel refuses all that is sent, and what is sent because of it, as often as asked.
fn refuse_all(scene: &mut Scene) {
    for _ in 0..20 {
        let open: Vec<_> = scene.state.notices.values().map(|notice| (notice.id, notice.attempt)).collect();
        for (id, attempt) in open {
            let outcome = Outcome::Refused { reason: "no".to_owned(), retry: false };
            let report = notice::Command::Report { id, attempt, outcome };
            scene.ask(Actor::Platform, Command::Notice(report)).unwrap();
        }
    }
}

/// Whom it told, for this reason.
fn told(scene: &Scene, wanted: Reason) -> Vec<(String, String)> {
    let of = |fact: &crate::flow::Fact| {
        let Event::Notice(_, notice::Event::Queued { reason, to, about, .. }) = &fact.event else {
            return None;
        };
        (*reason == wanted).then(|| (to.to_string(), about.to_string()))
    };
    scene.facts.iter().filter_map(of).collect()
}

fn resolve(scene: &mut Scene, id: IncidentId) {
    scene.must(Command::Incident(incident::Command::Resolve { id, summary: "done".to_owned() }));
}

#[test]
fn notices_that_reach_nobody_do_not_crowd_out_an_approval() {
    let mut scene = by_mail();
    let (name, role) = ("asks".to_owned(), access::Role::Admin);
    let person = Actor::Person(PersonId::from_number(scene.next));
    scene.must(Command::Access(access::Command::AddPerson { name, role }));
    compromise(&mut scene, "critical", "A");
    let id = scene.incident();
    refuse_all(&mut scene);
    assert!(scene.state.notices.is_empty(), "no notice about a notice");
    let on = crate::control::Command::SetKillSwitch { on: true, reason: String::new() };
    scene.must(Command::Control(on));
    scene.facts.clear();
    let apply = action::Command::Apply {
        incident: id,
        verb: "account.suspend".to_owned(),
        target: "account-1".to_owned(),
        args: serde_json::Map::new(),
        lease: None,
    };
    scene.ask(person, Command::Action(apply)).unwrap();
    let waits = &scene.state.incidents.open[&id].attention;
    assert!(waits.iter().any(|waits| waits.about.starts_with("approval/")), "{waits:#?}");
    let undelivered = waits.iter().filter(|waits| waits.about.starts_with("notice/")).count();
    assert_eq!(undelivered, 1, "{waits:#?}");
    assert!(!told(&scene, Reason::Approval).is_empty());
}

#[test]
fn over_the_bound_a_failure_gives_way_and_an_approval_is_never_left_out() {
    let mut scene = Scene::new(&[]);
    compromise(&mut scene, "high", "A");
    let id = scene.incident();
    let raise = |scene: &mut Scene, about: crate::event::Stream| {
        let reason = "look".to_owned();
        scene.must(Command::Incident(incident::Command::RaiseAttention { id, about, reason }));
    };
    let about = |scene: &Scene| -> Vec<String> {
        let open = &scene.state.incidents.open[&id];
        open.attention.iter().map(|waits| waits.about.to_string()).collect()
    };
    // Actions that are over: what is said of them failed.
    for number in 0..100 {
        raise(&mut scene, crate::event::Stream::Action(crate::id::ActionId::from_number(10_000 + number)));
    }
    assert_eq!(about(&scene).len(), incident::ATTENTION_MAX);
    assert!(about(&scene).contains(&"action/10099".to_owned()), "the oldest goes");
    for number in 0..100 {
        let approval = crate::id::ApprovalId::from_number(20_000 + number);
        raise(&mut scene, crate::event::Stream::Approval(approval));
    }
    let known = about(&scene);
    assert!((20_000..20_100).all(|number| known.contains(&format!("approval/{number}"))), "{known:?}");
}

#[test]
fn after_a_relapse_the_clock_runs_until_somebody_acknowledges_again() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    compromise(&mut scene, "critical", "A");
    let id = scene.incident();
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    scene.wait(Span::secs(600));
    crate::stories::everything_works(&mut scene);
    crate::stories::recover(&mut scene, id);
    resolve(&mut scene, id);
    scene.wait(Span::secs(599));
    scene.facts.clear();
    compromise(&mut scene, "critical", "B");
    let open = &scene.state.incidents.open[&id];
    assert_eq!(open.relapses, 1);
    assert_eq!(open.acknowledged, None, "nobody has taken up what came back");
    assert_eq!(open.standing().due, Some(scene.now.plus(Span::secs(300))), "{:?}", open.standing());
    assert!(told(&scene, Reason::Update).is_empty(), "its cadence begins anew");
    scene.wait(Span::secs(299));
    assert_eq!(told(&scene, Reason::Escalated), []);
    scene.wait(Span::secs(1));
    assert!(!told(&scene, Reason::Escalated).is_empty(), "nobody acknowledged");
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    scene.facts.clear();
    // Longer than its clock, and shorter than what factors wait for.
    scene.wait(Span::secs(500));
    assert!(told(&scene, Reason::Escalated).is_empty());
}

#[test]
fn whoever_was_called_hears_of_an_end_without_a_resolution_once() {
    for resolved in [false, true] {
        let mut scene = Scene::staffed(&[CUT_OFF]);
        scene.alert([("alertname", "A"), ("incident_type", "disk_full"), ("severity", "critical")]);
        let id = scene.incident();
        if let Some(run) = scene.state.runs.of_incident(id) {
            scene.must(Command::Run(crate::run::Command::Cancel { id: run, undo: false }));
        }
        if resolved {
            resolve(&mut scene, id);
        }
        let disposition = Disposition::FalsePositive;
        scene.must(Command::Incident(incident::Command::Close { id, disposition }));
        let mut whom: Vec<String> = told(&scene, Reason::Resolved).into_iter().map(|(to, _)| to).collect();
        let all = whom.len();
        whom.sort();
        whom.dedup();
        assert!(all > 0 && whom.len() == all, "{resolved}: {whom:?}");
    }
}

#[test]
fn a_relapse_that_starts_the_run_again_does_not_ask_for_it() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    compromise(&mut scene, "high", "A");
    let id = scene.incident();
    let run = scene.state.runs.of_incident(id).unwrap();
    for action in scene.calling() {
        scene.applied(action);
    }
    if scene.state.runs.of_incident(id).is_some() {
        scene.must(Command::Run(crate::run::Command::Cancel { id: run, undo: false }));
    }
    let held: Vec<_> = scene.state.actions.of_incident(id).filter(|action| !action.is_final()).collect();
    let held: Vec<_> = held.into_iter().map(|action| action.id).collect();
    for id in held {
        scene.must(Command::Action(action::Command::Release { id }));
        scene.applied(id);
    }
    resolve(&mut scene, id);
    scene.facts.clear();
    compromise(&mut scene, "high", "B");
    let text = scene.look();
    assert!(text.contains("incident.relapsed"), "{text}");
    assert!(!text.contains("nothing contains now"), "{text}");
}

/// An incident that is closed, with its review.
fn closed(scene: &mut Scene) -> IncidentId {
    scene.alert([("alertname", "A"), ("incident_type", "disk_full"), ("severity", "high")]);
    let id = scene.incident();
    if let Some(run) = scene.state.runs.of_incident(id) {
        scene.must(Command::Run(crate::run::Command::Cancel { id: run, undo: false }));
    }
    let alerts: Vec<_> = scene.state.alerts.iter().map(|(alert, _)| alert.id).collect();
    resolve(scene, id);
    scene.must(Command::Incident(incident::Command::SignOff { id, note: "works".to_owned() }));
    scene.wait(Span::secs(2 * 86_400));
    assert!(alerts.iter().all(|id| scene.state.alerts.get(*id).is_none()), "nothing fires any more");
    let disposition = Disposition::TruePositive;
    scene.must(Command::Incident(incident::Command::Close { id, disposition }));
    assert!(scene.state.incidents.open.is_empty() && scene.state.reviews.len() == 1);
    scene.facts.clear();
    id
}

#[test]
fn the_deadlines_of_a_review_are_told_though_its_incident_is_closed() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let id = closed(&mut scene);
    scene.wait(Span::secs(20 * 3_600));
    let soon = told(&scene, Reason::Review);
    assert!(!soon.is_empty() && soon.iter().all(|(_, about)| about.contains("is due soon")), "{soon:?}");
    scene.facts.clear();
    scene.wait(Span::secs(4 * 3_600));
    let over = told(&scene, Reason::Review);
    assert!(over.len() >= soon.len() && over.iter().all(|(_, about)| about.contains("overdue")), "{over:?}");
    let text = scene.look();
    assert!(!text.contains("refused"), "{text}");
    let of = |scene: &Scene| scene.state.reviews.values().next().map(|review| review.incident);
    assert_eq!(of(&scene), Some(id));
}

#[test]
fn the_deadlines_of_a_report_are_told_though_its_incident_is_closed() {
    for end in [false, true] {
        let mut scene = Scene::staffed(&[CUT_OFF]);
        let holder = access::Holder::Outside("security.txt".into());
        let token = crate::id::TokenId::from_number(scene.next);
        let (hash, label) = (token.to_string().into(), String::new());
        let create = access::Command::CreateToken { holder, hash, label, expires_at: None };
        scene.must(Command::Access(create));
        let told_us = crate::report::Told {
            reporter: Some("Sam".into()),
            contact: Some("sam@example.org".into()),
            title: "a way in".into(),
            description: "I found one.".into(),
            ..crate::report::Told::default()
        };
        let receive = crate::report::Command::Receive(Box::new(told_us));
        scene.ask(Actor::Source(token), Command::Report(receive)).unwrap();
        let id = scene.incident();
        if end {
            let disposition = Disposition::Benign;
            scene.must(Command::Incident(incident::Command::Close { id, disposition }));
            assert!(scene.state.incidents.open.is_empty());
        }
        scene.facts.clear();
        scene.wait(Span::secs(91 * 86_400));
        let asked: std::collections::BTreeSet<String> = told(&scene, Reason::Task)
            .into_iter()
            .map(|(_, about)| about)
            .filter(|about| about.contains("RPT-"))
            .collect();
        assert_eq!(asked.len(), 3, "{end}: {asked:?}");
        assert!(told(&scene, Reason::Attention).iter().all(|(_, about)| !asked.contains(about)), "once each");
        assert!(!scene.look().contains("refused"));
    }
}
