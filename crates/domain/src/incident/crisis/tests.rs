//! The clocks of the levels, and the crisis team of the last: each answers alone, and who does not is not forgotten.

use expect_test::expect;

use crate::{
    access::{self, Role},
    event::{Actor, Event},
    flow::Command,
    id::{IncidentId, PersonId},
    incident::{self, people},
    notice::{self, Reason},
    scene::{CUT_OFF, Scene, all_shipped, person},
    time::{Span, Timestamp},
};

fn ask(id: IncidentId, ask: people::Ask) -> Command {
    Command::Incident(incident::Command::People { id, ask })
}

fn answer(id: IncidentId, contact: Option<&str>) -> Command {
    ask(id, people::Ask::Answer { contact: contact.map(str::to_owned) })
}

fn opened(scene: &mut Scene, severity: &str) -> IncidentId {
    let labels = [("incident_type", "validator_compromise"), ("severity", severity), ("node", "validator-1")];
    scene.alert(labels);
    scene.incident()
}

/// To whom a notice of this kind was queued.
fn told(scene: &Scene, wanted: Reason) -> Vec<String> {
    let to = |fact: &crate::flow::Fact| {
        let Event::Notice(_, notice::Event::Queued { reason, to, .. }) = &fact.event else { return None };
        (*reason == wanted).then(|| to.to_string())
    };
    scene.facts.iter().filter_map(to).collect()
}

/// Minutes after the start, and what came of the levels and the crisis team.
fn story(scene: &Scene, start: Timestamp) -> String {
    let line = |fact: &crate::flow::Fact| {
        let Event::Incident(_, incident::Event::People(event)) = &fact.event else { return None };
        let said = match event {
            people::Event::Escalated { level, .. } => format!("level {level}"),
            people::Event::CrisisCalled { members, .. } => format!("called {}", members.join(" ")),
            people::Event::CrisisAnswered { contact } => format!("answered {contact}"),
            people::Event::CrisisReminded { .. } => "reminded".to_owned(),
            people::Event::ClockSet { .. }
            | people::Event::Weighed { .. }
            | people::Event::UpdateDue { .. }
            | people::Event::Claimed
            | people::Event::HandOverOffered { .. }
            | people::Event::HandOverAccepted
            | people::Event::Assembled { .. } => return None,
        };
        Some(format!("{} {said}\n", fact.meta.time.since(start).0 / 60_000_000))
    };
    scene.facts.iter().filter_map(line).collect()
}

/// Level 1 hears at once, level 2 has 15 minutes, level 3 half an hour, and the last an hour.
#[test]
fn each_level_has_its_own_time_and_the_last_one_an_hour_to_answer() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let id = opened(&mut scene, "medium");
    let start = scene.now;
    let told = told(&scene, Reason::Opened);
    let first = scene.state.content.people.of_level(1);
    assert!(first.iter().all(|name| told.iter().any(|one| one == name)), "the first level hears at once");
    let second = people::Ask::Escalate { level: Some(2), criterion: None, why: "beyond us".to_owned() };
    scene.must(ask(id, second));
    scene.wait(Span::secs(3 * 3_600));
    expect![[r#"
        0 level 2
        15 level 3
        45 level 4
        45 called communications_lead executive_lead legal_counsel
        75 reminded
        105 reminded
    "#]]
    .assert_eq(&story(&scene, start));
    let crisis = scene.state.incidents.open[&id].standing().crisis.clone().unwrap();
    assert_eq!(crisis.answer_by.since(crisis.since), Span::secs(3_600));
}

#[test]
fn members_answer_one_by_one_and_who_does_not_is_shown_and_reminded() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let id = opened(&mut scene, "medium");
    let start = scene.now;
    expect!["the crisis team of INC-3 is not called"].assert_eq(&scene.refused(answer(id, None)));
    let last = people::Ask::Escalate { level: Some(4), criterion: None, why: "public".to_owned() };
    scene.must(ask(id, last.clone()));
    expect!["P-900 is no contact of contacts.yaml; say for whom: communications_lead, executive_lead, legal_counsel"]
        .assert_eq(&scene.refused(answer(id, None)));
    expect!["`ops_manager` is not in the crisis team: communications_lead, executive_lead, legal_counsel"]
        .assert_eq(&scene.refused(answer(id, Some("ops_manager"))));
    scene.must(answer(id, Some("legal_counsel")));
    let again = scene.refused(answer(id, Some("legal_counsel")));
    assert!(again.starts_with("`legal_counsel` has answered at "), "{again}");
    let open = |scene: &Scene| {
        let crisis = scene.state.incidents.open[&id].standing().crisis.clone().unwrap();
        crisis.open().collect::<Vec<_>>().join(" ")
    };
    assert_eq!(open(&scene), "communications_lead executive_lead");
    scene.facts.clear();
    scene.wait(Span::secs(3_600));
    let reminded = told(&scene, Reason::Task);
    assert_eq!(reminded.len(), 4, "two who are open, twice: {reminded:?}");
    assert!(!reminded.contains(&"legal_counsel".to_owned()));
    let waits = &scene.state.incidents.open[&id].attention;
    let called = |text: &str| waits.iter().any(|attention| attention.reason.contains(text));
    assert!(called("and no answer from communications_lead, executive_lead"), "{waits:?}");
    // People may call the level again; the team that is called stays who it is.
    scene.must(ask(id, last));
    assert_eq!(open(&scene), "communications_lead executive_lead");
    scene.must(answer(id, Some("executive_lead")));
    scene.start(2);
    scene.must(answer(id, Some("communications_lead")));
    assert_eq!(open(&scene), "");
    scene.facts.clear();
    scene.wait(Span::secs(90_000));
    assert_eq!(story(&scene, start), "", "nobody is left to remind");
}

#[test]
fn a_member_with_an_account_answers_for_themselves() {
    let mut files = all_shipped();
    let contacts = files.get_mut("contacts.yaml").unwrap();
    *contacts = contacts.replace("- name: executive_lead\n", "- name: executive_lead\n    accounts: [eve]\n");
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    let eve = PersonId::from_number(scene.next);
    scene.must(Command::Access(access::Command::AddPerson { name: "eve".to_owned(), role: Role::Responder }));
    let id = opened(&mut scene, "medium");
    let last = people::Ask::Escalate { level: Some(4), criterion: None, why: "public".to_owned() };
    scene.ask(person(), ask(id, last)).unwrap();
    scene.ask(Actor::Person(eve), answer(id, None)).unwrap();
    let crisis = scene.state.incidents.open[&id].standing().crisis.clone().unwrap();
    let answered: Vec<_> = crisis.members.iter().filter(|one| one.answered_at.is_some()).collect();
    assert_eq!(answered.len(), 1);
    assert_eq!(&*answered[0].contact, "executive_lead");
    let refused = scene.ask(Actor::Platform, answer(id, Some("legal_counsel"))).unwrap_err().to_string();
    assert!(refused.contains("people answer for the crisis team"), "{refused}");
}

/// The three higher levels have three capabilities and three criteria each, and every team its responsibilities.
#[test]
fn levels_and_teams_say_what_they_are_for() {
    let people = &Scene::staffed(&[CUT_OFF]).state.content.people;
    for level in &people.levels[1..] {
        assert_eq!((level.capabilities.len(), level.criteria.len()), (3, 3), "{}", level.title);
        assert!(!level.improvement.is_empty());
    }
    assert_eq!((people.levels[0].capabilities.len(), people.levels[0].criteria.len()), (3, 2));
    let duties = |team: &str| people.teams[team].responsibilities.join(", ");
    expect!["Life of the incident, Word to stakeholders, Coordination of resources, Decisions"]
        .assert_eq(&duties("incident_command"));
    expect!["Root cause, Remediation, Recovery of systems, Assessment of impact"]
        .assert_eq(&duties("technical_response"));
    expect!["Status updates, Notices to stakeholders, Documentation, Media"]
        .assert_eq(&duties("communications"));
    expect!["Security assessment, Forensic analysis, Compliance, Mitigation of threats"]
        .assert_eq(&duties("security"));
    assert!(people.teams.values().all(|team| !team.members.is_empty() && !team.responsibilities.is_empty()));
}

/// What was answered before the relapse says nothing of it, and from the last level no clock leads on.
#[test]
fn after_a_relapse_at_the_last_level_the_team_is_called_anew() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let id = opened(&mut scene, "medium");
    let last = people::Ask::Escalate { level: Some(4), criterion: None, why: "public".to_owned() };
    scene.must(ask(id, last));
    for contact in ["communications_lead", "executive_lead", "legal_counsel"] {
        scene.must(answer(id, Some(contact)));
    }
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    scene.wait(Span::secs(7_200));
    scene.state.incidents.open.get_mut(&id).unwrap().status = incident::Status::Watching;
    scene.facts.clear();
    scene.alert([
        ("incident_type", "validator_compromise"),
        ("severity", "medium"),
        ("node", "validator-1"),
        ("again", "yes"),
    ]);
    assert_eq!(scene.state.incidents.open[&id].relapses, 1);
    let start = scene.now;
    scene.start(2);
    scene.wait(Span::secs(3_600));
    expect![[r#"
        0 called communications_lead executive_lead legal_counsel
        30 reminded
        60 reminded
    "#]]
    .assert_eq(&story(&scene, start));
    let asked = told(&scene, Reason::Task);
    assert_eq!(asked.iter().filter(|to| *to == "legal_counsel").count(), 3, "called, and reminded twice");
}

/// Where it never went so far nobody of the crisis team is called by a relapse.
#[test]
fn a_relapse_below_the_last_level_calls_no_crisis_team() {
    let mut scene = Scene::staffed(&[CUT_OFF]);
    let id = opened(&mut scene, "medium");
    scene.must(Command::Incident(incident::Command::Acknowledge { id }));
    scene.state.incidents.open.get_mut(&id).unwrap().status = incident::Status::Watching;
    scene.alert([
        ("incident_type", "validator_compromise"),
        ("severity", "medium"),
        ("node", "validator-1"),
        ("again", "yes"),
    ]);
    assert_eq!(scene.state.incidents.open[&id].relapses, 1);
    assert!(scene.state.incidents.open[&id].standing().crisis.is_none());
}
