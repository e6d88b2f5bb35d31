//! Exercises in virtual time: what is told when, what is written down, who was reached, and what it came to.

use super::{Command, Event};
use crate::{
    content, duty, event,
    flow::{self, Fact},
    id::{ExerciseId, NoticeId},
    notice,
    scene::{SCHEDULE, Scene, all_shipped},
    time::Span,
};

const CHANNELS: &str = "channels:
  - { name: dashboard, kind: dashboard }
  - { name: mail, kind: email, timeout: 20s, attempts: 1 }
  - { name: text, kind: sms, timeout: 20s, attempts: 1 }
orders:
  - channels: [mail, dashboard]
";

/// Two people are reached, one of them by mail alone.
const REACH: &str = "kind: communication
name: Two are reached
reach: [legal_counsel, on_call_engineer]
within: 1h
";

/// Each kind comes round once a day.
const ROUND: &str = "routines:
  - { id: calls, name: Calls, drill: reach, every: day, owner: security, due: 5d, asks: call }
  - { id: played, name: Played, drill: system_compromise, every: day, owner: security, due: 5d, asks: play }
  - { id: table, name: Table, drill: tabletop_data_breach, every: day, owner: security, due: 5d, asks: talk }
";

fn scene() -> Scene {
    scheduled("routines: []\n")
}

fn scheduled(schedule: &str) -> Scene {
    let mut files = all_shipped();
    files.insert(SCHEDULE.to_owned(), schedule.to_owned());
    files.insert("channels.yaml".to_owned(), CHANNELS.to_owned());
    files.insert("drills/reach.yaml".to_owned(), REACH.to_owned());
    let contacts = files.get_mut("contacts.yaml").unwrap();
    *contacts = contacts.replace("    phone: \"+1-202-555-0112\"\n", "");
    let (content, problems) = content::load(&files);
    assert_eq!(problems, []);
    Scene::with(content)
}

fn ask(command: Command) -> flow::Command {
    flow::Command::Exercise(command)
}

fn start(scene: &mut Scene, drill: &str) -> ExerciseId {
    scene.must(ask(Command::Start { drill: drill.to_owned() }));
    *scene.state.exercises.keys().next_back().unwrap()
}

fn answer(id: ExerciseId, inject: u32, question: u32) -> flow::Command {
    ask(Command::Answer { id, inject, question, text: "we would".to_owned() })
}

fn ended(scene: &Scene) -> Vec<(bool, String)> {
    let ended = |fact: &Fact| {
        let event::Event::Exercise(_, Event::Ended { passed, note }) = &fact.event else { return None };
        Some((*passed, note.to_string()))
    };
    scene.facts.iter().filter_map(ended).collect()
}

#[test]
fn at_a_table_each_inject_is_told_at_its_time_and_answers_are_kept() {
    let mut scene = scene();
    let id = start(&mut scene, "tabletop_data_breach");
    let told =
        |scene: &Scene| scene.state.exercises[&id].injects.iter().filter(|one| one.at.is_some()).count();
    assert_eq!(told(&scene), 1, "the first at once");
    let again = ask(Command::Start { drill: "tabletop_data_breach".to_owned() });
    assert!(scene.refused(again).contains("already"));
    assert_eq!(scene.refused(answer(id, 2, 1)), format!("inject 2 of {id} is not told yet"));
    assert_eq!(scene.refused(answer(id, 1, 3)), "inject 1 has no question 3; it has 2");
    assert_eq!(scene.refused(answer(id, 9, 1)), format!("{id} has no inject 9; it has 4"));
    scene.wait(Span::secs(20 * 60));
    assert_eq!(told(&scene), 2);
    scene.wait(Span::secs(55 * 60));
    assert_eq!(told(&scene), 4);
    for inject in 1..=4 {
        for question in 1..=2 {
            scene.must(answer(id, inject, question));
        }
    }
    let kept = scene.state.exercises[&id].injects[3].answers[1].clone().unwrap();
    assert_eq!((&*kept.text, kept.at), ("we would", scene.now));
    scene.facts.clear();
    scene.must(ask(Command::End { id, note: "nobody knew the number of the regulator".to_owned() }));
    assert_eq!(ended(&scene), [(true, "nobody knew the number of the regulator".to_owned())]);
    assert!(scene.state.exercises.is_empty());
    let effects = scene
        .facts
        .iter()
        .any(|fact| matches!(fact.event, event::Event::Action(..) | event::Event::Notice(..)));
    assert!(!effects, "nobody outside hears of it and nothing is touched");
    assert!(scene.refused(answer(id, 1, 1)).contains("under way"));
}

#[test]
fn one_that_nobody_answers_ends_by_itself_and_did_not_pass() {
    let mut scene = scene();
    start(&mut scene, "tabletop_data_breach");
    scene.start(2);
    scene.wait(Span::secs(75 * 60 + 86_400));
    assert_eq!(ended(&scene), [(false, "its time was over".to_owned())]);
}

fn deliver(scene: &mut Scene, refuse: Option<&str>) {
    let calls = scene.state.notices.iter().filter(|(_, notice)| notice.exercise.is_some());
    let sending: Vec<NoticeId> = calls.map(|(id, _)| *id).collect();
    for id in sending {
        let notice = &scene.state.notices[&id];
        let refused = refuse.is_some_and(|channel| notice.channel() == Some(channel));
        let outcome = match refused {
            true => notice::Outcome::Refused { reason: "no such number".to_owned(), retry: false },
            false => notice::Outcome::Delivered { receipt: "250 OK".to_owned() },
        };
        let attempt = notice.attempt;
        scene.must(flow::Command::Notice(notice::Command::Report { id, attempt, outcome }));
    }
}

#[test]
fn each_contact_is_called_over_each_channel_and_says_that_it_came() {
    let mut scene = scene();
    let id = start(&mut scene, "reach");
    let ways: Vec<String> = scene.state.exercises[&id]
        .ways
        .iter()
        .map(|way| format!("{} {}", way.contact, way.channel))
        .collect();
    assert_eq!(ways, ["legal_counsel mail", "on_call_engineer mail", "on_call_engineer text"]);
    assert_eq!(scene.state.notices.len(), 3, "each over that channel alone");
    deliver(&mut scene, None);
    assert!(scene.state.exercises[&id].ways.iter().all(|way| way.reached_at.is_some()));
    let came = |contact: &str| ask(Command::Acknowledge { id, contact: contact.to_owned() });
    scene.must(came("legal_counsel"));
    assert!(scene.refused(came("legal_counsel")).contains("already"));
    assert_eq!(scene.refused(came("ops_manager")), format!("{id} does not call `ops_manager`"));
    assert_eq!(ended(&scene), []);
    scene.must(came("on_call_engineer"));
    assert_eq!(ended(&scene), [(true, "everybody was reached".to_owned())]);
}

#[test]
fn a_way_that_fails_and_a_contact_that_is_silent_are_in_the_result() {
    let mut scene = scene();
    let id = start(&mut scene, "reach");
    deliver(&mut scene, Some("text"));
    let failed = scene.state.exercises[&id].ways[2].failed.clone().unwrap();
    assert!(failed.contains("no such number"), "{failed}");
    for contact in ["legal_counsel", "on_call_engineer"] {
        scene.must(ask(Command::Acknowledge { id, contact: contact.to_owned() }));
    }
    assert_eq!(ended(&scene), [], "one way does not work");
    scene.wait(Span::secs(3_600));
    assert_eq!(ended(&scene), [(false, "its time was over".to_owned())]);
}

#[test]
fn a_technical_drill_leaves_what_it_came_to() {
    let mut scene = scene();
    let record = |drill: &str, value: &str| {
        let measured = [("contained".to_owned(), value.to_owned())].into();
        ask(Command::Record { drill: drill.to_owned(), passed: true, measured, note: String::new() })
    };
    assert!(scene.refused(record("nothing", "1 s")).contains("no technical drill"));
    assert!(scene.refused(record("system_compromise", "")).contains("one short line"));
    scene.facts.clear();
    scene.must(record("system_compromise", "1.2 s"));
    assert!(scene.look().starts_with("exercise.recorded exercise/"));
    let refused = scene.refused(ask(Command::Start { drill: "system_compromise".to_owned() }));
    assert!(refused.contains("play it with `ringfence drill`"), "{refused}");
}

#[test]
fn what_passes_completes_the_duty_that_asks_for_it_and_nothing_else_does() {
    let mut scene = scheduled(ROUND);
    scene.wait(Span::secs(3_600));
    let open = |scene: &Scene| -> Vec<String> {
        scene.state.duties.values().map(|duty| duty.routine.to_string()).collect()
    };
    assert_eq!(open(&scene), ["calls", "played", "table"]);
    let record = |drill: &str, passed: bool| {
        let (measured, note) = (std::collections::BTreeMap::new(), String::new());
        ask(Command::Record { drill: drill.to_owned(), passed, measured, note })
    };
    let end = |id: ExerciseId| ask(Command::End { id, note: String::new() });
    scene.must(record("system_compromise", false));
    scene.must(record("key_compromise", true));
    let id = start(&mut scene, "tabletop_data_breach");
    scene.must(end(id));
    assert_eq!(open(&scene).len(), 3, "one failed, one was another, one was not played");
    scene.must(record("system_compromise", true));
    assert_eq!(open(&scene), ["calls", "table"]);
    let id = start(&mut scene, "reach");
    for contact in ["legal_counsel", "on_call_engineer"] {
        scene.must(ask(Command::Acknowledge { id, contact: contact.to_owned() }));
    }
    assert_eq!(open(&scene), ["calls", "table"], "no call was delivered yet");
    scene.facts.clear();
    deliver(&mut scene, None);
    assert_eq!(open(&scene), ["table"]);
    let said = |fact: &Fact| {
        let event::Event::Duty(_, duty::Event::Completed { note }) = &fact.event else { return None };
        Some(note.to_string())
    };
    let said: Vec<String> = scene.facts.iter().filter_map(said).collect();
    assert_eq!(said, [format!("{id} passed")]);
    let id = start(&mut scene, "tabletop_data_breach");
    scene.wait(Span::secs(75 * 60));
    for inject in 1..=4 {
        (1..=2).for_each(|question| scene.must(answer(id, inject, question)));
    }
    scene.must(end(id));
    assert_eq!(open(&scene), Vec::<String>::new());
}

/// A room of ours takes every call, and whoever is outside is no part of it.
#[test]
fn only_ways_of_the_contact_count_and_nobody_outside_is_called() {
    let mut files = all_shipped();
    let channels = CHANNELS.replace(
        "  - { name: mail, kind: email,",
        "  - { name: room, kind: slack }\n  - { name: mail, kind: email, address: all@example.com,",
    );
    files.insert("channels.yaml".to_owned(), channels);
    files.insert("drills/reach.yaml".to_owned(), REACH.replace("reach: [", "reach: [forensics_firm, "));
    let alone = REACH.replace("legal_counsel, on_call_engineer", "public_relations, law_enforcement");
    files.insert("drills/alone.yaml".to_owned(), alone);
    let contacts = files.get_mut("contacts.yaml").unwrap();
    *contacts = contacts.replace("    mail: legal-counsel@example.com\n", "");
    let (content, problems) = content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    let id = start(&mut scene, "reach");
    let exercise = &scene.state.exercises[&id];
    let ways: Vec<String> =
        exercise.ways.iter().map(|way| format!("{} {}", way.contact, way.channel)).collect();
    assert_eq!(ways, ["legal_counsel text", "on_call_engineer mail", "on_call_engineer text"]);
    assert_eq!(exercise.contacts.len(), 2);
    let called: Vec<&str> = scene.state.notices.values().map(|notice| &*notice.to).collect();
    assert!(!called.contains(&"forensics_firm"), "{called:?}");
    let refused = scene.refused(ask(Command::Start { drill: "alone".to_owned() }));
    assert!(refused.starts_with("`alone` reaches nobody"), "{refused}");
}

#[test]
fn one_of_communication_that_could_call_nobody_does_not_begin() {
    let (content, problems) = content::load(&all_shipped());
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    let refused = scene.refused(ask(Command::Start { drill: "communication_test".to_owned() }));
    assert_eq!(
        refused,
        "`communication_test` can call nobody: no channel of channels.yaml reaches any of the 13 contacts; add one of \
         kind `email` or `sms`, and their `mail` or `phone` to contacts.yaml"
    );
    assert!(scene.state.exercises.is_empty());
}

#[test]
fn a_call_that_found_no_way_fails_the_way_it_was_for() {
    let mut scene = scene();
    let id = start(&mut scene, "reach");
    let (channel, to, name) = ("fax".into(), "legal_counsel".into(), "again".into());
    let open =
        |scene: &Scene| scene.state.exercises[&id].ways.iter().filter(|way| way.failed.is_none()).count();
    assert_eq!(open(&scene), 3);
    let probe = notice::Command::Probe { exercise: id, channel, to, name };
    scene.must(flow::Command::Notice(probe.clone()));
    assert_eq!(open(&scene), 3, "what is no way of it fails none");
    std::sync::Arc::make_mut(&mut scene.state.content).channels.channels.retain(|known| known.name != "mail");
    scene.must(flow::Command::Notice(probe));
    let failed: Vec<String> = scene.state.exercises[&id]
        .ways
        .iter()
        .filter(|way| way.failed.is_some())
        .map(|way| format!("{} {}", way.contact, way.channel))
        .collect();
    assert_eq!(failed, ["legal_counsel mail"]);
}
