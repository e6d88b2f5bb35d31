//! One notice from the queue to its end: answers, silence, restarts, channels in order, words that stay words.

use super::*;
use crate::{
    content::channels::{Channel, ChannelKind, Channels, Order},
    event::Actor,
    flow,
    scene::{Scene, shipped},
    severity::Severity,
};

fn channel(name: &str, kind: ChannelKind) -> Channel {
    Channel {
        name: name.to_owned(),
        kind,
        address: Some("duty@example.org".to_owned()),
        timeout: Span::secs(10),
        attempts: 2,
    }
}

/// An incident with one notice; mail goes first, then the room.
fn scene(title: &str) -> (Scene, NoticeId) {
    let (mut content, problems) = crate::content::load(&shipped());
    assert!(problems.is_empty(), "{problems:#?}");
    let channels = vec![channel("mail", ChannelKind::Email), channel("room", ChannelKind::Slack)];
    let names = channels.iter().map(|channel| channel.name.clone()).collect();
    let orders = vec![Order { reasons: vec![], min_severity: Severity::Informational, channels: names }];
    content.channels = Channels { channels, orders };
    // Nobody else is told, so that the facts are of the one notice.
    content.people = crate::content::people::People::default();
    content.playbooks.clear();
    let mut scene = Scene::with(content);
    scene.alert([
        ("alertname", title),
        ("incident_type", "none_known"),
        ("severity", "critical"),
        ("node", "validator-3"),
    ]);
    scene.facts.clear();
    let send = Command::Send {
        incident: scene.incident(),
        reason: Reason::Opened,
        to: vec!["duty".into()],
        about: "{{ 7 * 7 }}".into(),
    };
    scene.must(flow::Command::Notice(send));
    let id = *scene.state.notices.keys().next().unwrap();
    (scene, id)
}

fn answer(scene: &mut Scene, id: NoticeId, outcome: Outcome) {
    let attempt = scene.state.notices[&id].attempt;
    let report = Command::Report { id, attempt, outcome };
    scene.ask(Actor::Platform, flow::Command::Notice(report)).unwrap();
}

fn kinds(scene: &mut Scene) -> Vec<&'static str> {
    scene
        .facts
        .drain(..)
        .map(|fact| fact.event.kind())
        .filter(|kind| kind.starts_with("notice") || *kind == "incident.attention_raised")
        .collect()
}

fn refused(retry: bool) -> Outcome {
    Outcome::Refused { reason: "no".to_owned(), retry }
}

#[test]
fn what_is_taken_at_once_is_sent_once() {
    let (mut scene, id) = scene("One");
    answer(&mut scene, id, Outcome::Delivered { receipt: "250 ok".to_owned() });
    scene.wait(Span::secs(3_600));
    assert_eq!(kinds(&mut scene), ["notice.queued", "notice.sending", "notice.delivered"]);
    assert!(scene.state.notices.is_empty(), "what is over leaves memory");
}

#[test]
fn a_lost_answer_is_sent_again_with_the_same_id_and_then_over_the_next_channel() {
    let (mut scene, id) = scene("Two");
    let dedup = |scene: &Scene| {
        let Status::Sending { intent } = &scene.state.notices[&id].status else { panic!("not being sent") };
        (intent.dedup_id.clone(), intent.route)
    };
    let first = dedup(&scene);
    answer(&mut scene, id, Outcome::Unknown { reason: "timed out".to_owned() });
    scene.wait(Span::secs(4));
    let second = dedup(&scene);
    assert_eq!(first, second);
    // Nobody answers at all: the deadline gives it up.
    scene.wait(Span::secs(15));
    assert_eq!(dedup(&scene), (first.0, 1));
    answer(&mut scene, id, Outcome::Delivered { receipt: "ok".to_owned() });
    assert_eq!(
        kinds(&mut scene),
        [
            "notice.queued",
            "notice.sending",
            "notice.not_delivered",
            "notice.sending",
            "notice.not_delivered",
            "notice.sending",
            "notice.delivered"
        ]
    );
}

#[test]
fn a_final_refusal_goes_on_at_once_and_the_last_calls_for_a_person() {
    let (mut scene, id) = scene("Three");
    answer(&mut scene, id, refused(false));
    answer(&mut scene, id, refused(false));
    assert_eq!(
        kinds(&mut scene),
        [
            "notice.queued",
            "notice.sending",
            "notice.not_delivered",
            "notice.sending",
            "notice.not_delivered",
            "notice.undeliverable",
            "incident.attention_raised"
        ]
    );
}

#[test]
fn a_restart_sends_again_what_was_open_and_a_late_answer_counts_for_nothing() {
    let (mut scene, id) = scene("Four");
    scene.start(2);
    scene.wait(Span::secs(4));
    let Status::Sending { intent } = scene.state.notices[&id].status.clone() else {
        panic!("not sent again")
    };
    assert_eq!((intent.attempt, intent.epoch), (2, 2));
    let late = Command::Report { id, attempt: 1, outcome: refused(false) };
    scene.ask(Actor::Platform, flow::Command::Notice(late)).unwrap();
    assert!(matches!(scene.state.notices[&id].status, Status::Sending { .. }));
}

#[test]
fn the_kill_switch_holds_no_notice() {
    let (mut scene, _) = scene("Five");
    let on = crate::control::Command::SetKillSwitch { on: true, reason: "drill".to_owned() };
    scene.must(flow::Command::Control(on));
    let send = Command::Send {
        incident: scene.incident(),
        reason: Reason::Update,
        to: vec!["duty".into()],
        about: "x".into(),
    };
    scene.must(flow::Command::Notice(send));
    assert_eq!(kinds(&mut scene).iter().filter(|kind| **kind == "notice.sending").count(), 2);
}

#[test]
fn data_is_never_a_template_and_ends_no_line() {
    let (scene, id) = scene("a\r\nBcc: x@example.org\u{202e}{{ id }}{% for x in range(9) %}");
    let message = &scene.state.notices[&id].message;
    assert!(!message.subject.chars().any(char::is_control), "{message:?}");
    assert!(!message.text.contains("\nBcc") && !message.text.contains('\u{202e}'), "{message:?}");
    let all = format!("{}{}", message.subject, message.text);
    assert!(all.contains("{{ id }}{% for x in range(9) %}"), "{message:?}");
    assert!(all.contains("{{ 7 * 7 }}"), "{message:?}");
}

#[test]
fn a_template_that_names_what_is_not_there_is_refused_with_its_place() {
    let mut files = shipped();
    files.insert("templates/opened.txt".to_owned(), "x\n\n  {{ nonsense }}\n".to_owned());
    let (_, problems) = crate::content::load(&files);
    let [problem] = &problems[..] else { panic!("{problems:?}") };
    assert!(problem.to_string().starts_with("templates/opened.txt:3:"), "{problem}");
}

#[test]
fn an_endless_template_runs_out_of_fuel() {
    let text = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
    assert!(fill(text, &sample()).is_err());
}

#[test]
fn dead_channels_call_for_a_person_once_and_leave_room_for_the_rest() {
    let (mut scene, _) = scene("Dead");
    let to = (0..40).map(|number| format!("contact_{number}").into()).collect();
    let send = Command::Send { incident: scene.incident(), reason: Reason::Opened, to, about: "dead".into() };
    scene.must(flow::Command::Notice(send));
    for id in scene.state.notices.keys().copied().collect::<Vec<_>>() {
        answer(&mut scene, id, refused(false));
        answer(&mut scene, id, refused(false));
    }
    let kinds = kinds(&mut scene);
    let count = |wanted: &str| kinds.iter().filter(|kind| **kind == wanted).count();
    assert_eq!((count("notice.undeliverable"), count("incident.attention_raised")), (41, 1));
}

/// Those being sent, over all channels.
fn sending(scene: &Scene) -> Vec<NoticeId> {
    let sent = scene.state.notices.values().filter(|one| matches!(one.status, Status::Sending { .. }));
    sent.map(|one| one.id).collect()
}

#[test]
fn so_many_are_sent_at_once_over_a_channel_and_the_rest_wait_for_their_turn() {
    let (mut scene, first) = scene("Many");
    answer(&mut scene, first, Outcome::Delivered { receipt: "ok".to_owned() });
    let all = 3 * SENDING_MAX;
    let to = (0..all).map(|number| format!("p{number}").into()).collect();
    let (incident, about) = (scene.incident(), "all hands".into());
    scene.must(flow::Command::Notice(Command::Send { incident, reason: Reason::Opened, to, about }));
    assert_eq!(sending(&scene).len(), SENDING_MAX);
    // Nobody waits by the clock, so no attempt is lost while it is not their turn.
    scene.wait(Span::secs(5));
    assert_eq!(sending(&scene).len(), SENDING_MAX);
    // A channel that takes nothing moves its notices on to the next one, which has room of its own.
    let oldest = sending(&scene)[0];
    answer(&mut scene, oldest, refused(false));
    let by = |scene: &Scene, route| {
        sending(scene).iter().filter(|id| scene.state.notices[*id].route == route).count()
    };
    assert_eq!((by(&scene, 0), by(&scene, 1)), (SENDING_MAX, 1));
    // As they are taken, one after the other goes out, over a restart too.
    let mut delivered = 0;
    for round in 0.. {
        if round == 5 {
            let saved: Vec<Notice> = scene.state.notices.values().cloned().collect();
            saved.iter().for_each(|one| scene.state.forget(crate::event::Stream::Notice(one.id)));
            assert_eq!(scene.state.lines, Lines::default());
            saved
                .into_iter()
                .for_each(|one| scene.state.restore(crate::state::Saved::Notice(one), scene.now));
        }
        let Some(id) = sending(&scene).first().copied() else { break };
        assert!(by(&scene, 0) <= SENDING_MAX);
        answer(&mut scene, id, Outcome::Delivered { receipt: "ok".to_owned() });
        delivered += 1;
    }
    assert_eq!(delivered, all);
    assert!(scene.state.notices.is_empty(), "none is lost");
}

#[test]
fn a_channel_that_hangs_holds_nothing_for_ever() {
    let (mut scene, _) = scene("Hangs");
    let to = (0..2 * SENDING_MAX).map(|number| format!("p{number}").into()).collect();
    let (incident, about) = (scene.incident(), "all hands".into());
    scene.must(flow::Command::Notice(Command::Send { incident, reason: Reason::Opened, to, about }));
    scene.wait(Span::secs(3_600));
    assert!(scene.state.notices.is_empty(), "each was tried over each channel, and people are told");
    let tried = |fact: &&crate::flow::Fact| fact.event.kind() == "notice.sending";
    assert_eq!(scene.facts.iter().filter(tried).count(), 4 * (2 * SENDING_MAX + 1), "two routes, twice each");
}
