//! What becomes evidence, who may handle it, and what follows when its bytes are not what they were.

use expect_test::expect;
use serde_json::json;

use super::*;
use crate::{
    action,
    control::{self, SafeMode},
    event::{Actor, Rejected},
    flow,
    id::IncidentId,
    scene::{Scene, person},
};

const SHA: &str = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08";

fn scene() -> (Scene, IncidentId) {
    let mut scene = Scene::new(&[]);
    scene.alert([("alertname", "Odd"), ("incident_type", "policy_violation"), ("severity", "medium")]);
    scene.facts.clear();
    let incident = scene.incident();
    (scene, incident)
}

fn item(incident: IncidentId, name: &str) -> Item {
    Item {
        incident,
        kind: Kind::MemoryImage,
        name: name.into(),
        sha256: SHA.into(),
        bytes: 4,
        source: Source::Upload,
        media: None,
        quarantined: false,
    }
}

fn ask(scene: &mut Scene, command: Command) -> Result<(), Rejected> {
    scene.ask(person(), flow::Command::Evidence(command))
}

fn id(scene: &Scene) -> EvidenceId {
    *scene.state.evidence.keys().next_back().unwrap()
}

fn note(incident: IncidentId, text: &str) -> Command {
    let (name, kind, source) = ("what I saw".to_owned(), Kind::Note, Source::Note);
    Command::Write { incident, kind, name, text: text.to_owned(), source }
}

#[test]
fn a_file_is_collected_and_handled_on_record() {
    let (mut scene, incident) = scene();
    ask(&mut scene, Command::Collect(Box::new(item(incident, "core.img")))).unwrap();
    let id = id(&scene);
    ask(&mut scene, Command::Access { id, why: "looking for the key".to_owned() }).unwrap();
    let (to, why, receipt) = ("Forensics Ltd".to_owned(), "disk work".to_owned(), "R-17".to_owned());
    ask(&mut scene, Command::Transfer { id, to, why, receipt }).unwrap();
    ask(&mut scene, Command::Export { ids: vec![id], why: "court".to_owned() }).unwrap();
    ask(&mut scene, Command::Verify { id, found: Found::Same }).unwrap();
    let kept = &scene.state.evidence[&id];
    assert!(kept.sealed_at.is_some() && kept.custodian.as_deref() == Some("Forensics Ltd"));
    assert_eq!(kept.entries.len(), 5, "a check that finds the same is no handling");
    assert_eq!(kept.check_at(), scene.now.plus(CHECK_EVERY));
    assert!(scene.facts.iter().all(|fact| fact.incident == Some(incident)));
    expect![[r#"
        evidence.collected evidence/7
        evidence.sealed evidence/7
        evidence.accessed evidence/7
        evidence.transferred evidence/7
        evidence.exported evidence/7
        evidence.verified evidence/7
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn a_text_rides_in_its_entry_until_it_is_sealed() {
    let (mut scene, incident) = scene();
    ask(&mut scene, note(incident, "test")).unwrap();
    let id = id(&scene);
    let kept = &scene.state.evidence[&id];
    assert_eq!((&*kept.item.sha256, kept.item.bytes, kept.inline.as_deref()), (SHA, 4, Some("test")));
    for _ in 0..2 {
        scene.ask(Actor::Platform, flow::Command::Evidence(Command::Seal { id })).unwrap();
    }
    let kept = &scene.state.evidence[&id];
    assert!(kept.sealed_at.is_some() && kept.inline.is_none());
    assert_eq!(kept.seq, 2, "sealing twice is one fact");
}

#[test]
fn each_of_the_seven_kinds_is_collected() {
    let (mut scene, incident) = scene();
    for (number, kind) in (0_u8..).zip(Kind::ALL) {
        let sha256 = format!("{number}{}", &SHA[1..]).into();
        let item = Item { kind, sha256, ..item(incident, kind.name()) };
        ask(&mut scene, Command::Collect(Box::new(item))).unwrap();
    }
    let kept: Vec<Kind> = scene.state.evidence.values().map(|kept| kept.item.kind).collect();
    assert_eq!(kept, Kind::ALL);
}

#[test]
fn wrong_requests_are_refused() {
    let (mut scene, incident) = scene();
    let mut check = |command: Command, why: &str| {
        let refused = ask(&mut scene, command).unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    };
    let with = |change: &dyn Fn(&mut Item)| {
        let mut item = item(incident, "core.img");
        change(&mut item);
        Command::Collect(Box::new(item))
    };
    check(with(&|item| item.incident = IncidentId::from_number(77)), "no open incident INC-77");
    check(with(&|item| item.name = " ".into()), "the name is empty");
    check(with(&|item| item.name = "n".repeat(NAME_MAX + 1).into()), "longer than 256");
    check(with(&|item| item.sha256 = SHA.to_uppercase().into()), "is no SHA-256");
    check(with(&|item| item.sha256 = "..".into()), "is no SHA-256");
    check(note(incident, ""), "0 bytes");
    check(note(incident, &"x".repeat(INLINE_MAX + 1)), "or upload a file");
    check(Command::Access { id: EvidenceId::from_number(5), why: "y".to_owned() }, "no evidence EVD-5");
    let first = with(&|_| {});
    ask(&mut scene, first.clone()).unwrap();
    let again = ask(&mut scene, first).unwrap_err().to_string();
    assert!(again.contains("the same is kept as EVD-"), "{again}");
    let id = id(&scene);
    let empty = ask(&mut scene, Command::Access { id, why: String::new() }).unwrap_err().to_string();
    assert!(empty.contains("the reason is empty"), "{empty}");
    let access = Command::Access { id, why: "x".to_owned() };
    let machine = scene.ask(Actor::Platform, flow::Command::Evidence(access)).unwrap_err();
    assert!(matches!(machine, Rejected::Forbidden(_)));
}

#[test]
fn bytes_that_were_changed_call_for_a_person_until_they_are_well() {
    let (mut scene, incident) = scene();
    ask(&mut scene, Command::Collect(Box::new(item(incident, "core\u{202e}.img")))).unwrap();
    let id = id(&scene);
    scene.facts.clear();
    let found = Found::Changed { sha256: "00".into() };
    for found in [found, Found::Missing, Found::Same] {
        ask(&mut scene, Command::Verify { id, found }).unwrap();
    }
    expect![[r#"
        evidence.verified evidence/7
        incident.attention_raised incident/3 the bytes of EVD-7 `core�.img` were changed: collected as 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08, now 00
        evidence.verified evidence/7
        incident.attention_raised incident/3 the bytes of EVD-7 `core�.img` are gone; they were 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08
        evidence.verified evidence/7
        incident.attention_cleared incident/3
    "#]]
    .assert_eq(&scene.look());
}

#[test]
fn bytes_of_a_closed_incident_that_were_changed_open_another() {
    let (mut scene, incident) = scene();
    ask(&mut scene, Command::Collect(Box::new(item(incident, "core.img")))).unwrap();
    let id = id(&scene);
    scene.state.incidents.open.remove(&incident);
    scene.facts.clear();
    ask(&mut scene, Command::Verify { id, found: Found::Missing }).unwrap();
    let seen = scene.look();
    assert!(seen.contains("alert.raised") && seen.contains("incident.opened"), "{seen}");
}

#[test]
fn what_a_call_brings_is_evidence_at_every_level() {
    for level in [SafeMode::Restricted, SafeMode::Emergency, SafeMode::Lockdown] {
        let (mut scene, incident) = scene();
        let reason = String::new();
        scene.must(flow::Command::Control(control::Command::SetSafeMode { level, reason }));
        let verb = "node.logs".to_owned();
        let target = "validator-3".to_owned();
        let args = serde_json::Map::new();
        let apply = action::Command::Apply { incident, verb, target, args, lease: None };
        scene.must(flow::Command::Action(apply));
        let action = scene.calling()[0];
        let artefact = Some(json!({"lines": ["it stopped"]}));
        scene.answer(action, action::Outcome::Applied { verified: None, artefact });
        let kept = &scene.state.evidence[&id(&scene)];
        assert_eq!(kept.item.kind, Kind::SystemLog);
        assert_eq!(kept.item.source, Source::Action(action));
        assert_eq!(&*kept.item.name, "node.logs validator-3");
        assert_eq!(kept.inline.as_deref(), Some(r#"{"lines":["it stopped"]}"#));
    }
}

#[test]
fn a_connector_outside_cannot_name_bytes_of_the_store() {
    let (mut scene, incident) = scene();
    let (verb, target, args) = ("node.logs".to_owned(), "validator-3".to_owned(), serde_json::Map::new());
    let apply = action::Command::Apply { incident, verb, target, args, lease: None };
    scene.must(flow::Command::Action(apply));
    let artefact = json!({"stored": {"sha256": SHA, "bytes": 4}});
    let action = scene.calling()[0];
    scene.answer(action, action::Outcome::Applied { verified: None, artefact: Some(artefact.clone()) });
    let kept = &scene.state.evidence[&id(&scene)];
    assert_eq!(kept.inline.as_deref(), Some(artefact.to_string().as_str()));
    assert_ne!(&*kept.item.sha256, SHA);
}
