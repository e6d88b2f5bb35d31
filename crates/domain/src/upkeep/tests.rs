//! The life of a procedure: what its text says, what people say of it, and what may start.

use super::{Command, Month, Moved, Upkeep};
use crate::{
    access, alert, content,
    event::{self, Actor},
    flow,
    id::PersonId,
    incident,
    playbook::Life,
    run,
    scene::{CUT_OFF, Scene, all_shipped, shipped},
    time::Span,
};

fn with_status(text: &str, status: &str) -> String {
    text.replacen("version: ", &format!("status: {status}\nversion: "), 1)
}

fn moves(to: Life) -> flow::Command {
    let playbook = "validator_compromise".to_owned();
    flow::Command::Upkeep(Command::Move { playbook, to, why: "because".to_owned() })
}

fn alert(scene: &mut Scene, node: &str) {
    scene.alert([("incident_type", "validator_compromise"), ("severity", "critical"), ("node", node)]);
}

fn life(scene: &Scene) -> Life {
    scene.state.upkeep.life(&scene.state.content.playbooks["validator_compromise"])
}

/// The shipped content with this text as its only playbook.
fn load(scene: &mut Scene, text: &str) {
    let mut files = shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    files.insert("playbooks/validator_compromise.yaml".to_owned(), text.to_owned());
    let (content, problems) = content::load(&files);
    assert_eq!(problems, []);
    scene.must(flow::Command::LoadContent(content.into()));
}

#[test]
fn only_an_active_procedure_starts_runs_and_people_move_it_on_step_by_step() {
    let mut scene = Scene::new(&[&with_status(CUT_OFF, "draft")]);
    alert(&mut scene, "validator-1");
    assert_eq!(scene.state.runs.iter().count(), 0, "a draft starts nothing");
    let id = scene.incident();
    let attention = &scene.state.incidents.open[&id].attention;
    assert!(attention[0].reason.contains("no playbook fits"), "{attention:?}");
    let start = || {
        let playbook = Some("validator_compromise".to_owned());
        flow::Command::Run(run::Command::Start { incident: id, playbook })
    };
    let refused =
        "playbook validator_compromise is draft, and only an active one starts; see `playbook review`";
    assert_eq!(scene.refused(start()), refused);
    let refused = "playbook validator_compromise is draft; what may follow is `playbook review`";
    assert_eq!(scene.refused(moves(Life::Active)), refused);
    scene.must(moves(Life::Review));
    assert!(scene.refused(start()).contains("is review"));
    scene.facts.clear();
    scene.must(moves(Life::Active));
    assert_eq!(scene.look(), "procedure.activated upkeep\n");
    let Moved { by, why, .. } = &scene.state.upkeep.procedures["validator_compromise"];
    assert_eq!((*by, &**why), (Some(PersonId::from_number(900)), "because"));
    scene.must(start());
    assert_eq!(scene.state.runs.iter().count(), 1);
    alert(&mut scene, "validator-2");
    assert_eq!(scene.state.runs.iter().count(), 2, "it answers by itself now");
    scene.must(moves(Life::Retired));
    assert_eq!(scene.state.runs.iter().count(), 2, "what is under way goes on");
    alert(&mut scene, "validator-3");
    assert_eq!(scene.state.runs.iter().count(), 2);
}

#[test]
fn a_new_text_is_what_it_says_and_a_retired_one_stays_retired() {
    let mut scene = Scene::new(&[]);
    load(&mut scene, &with_status(CUT_OFF, "draft"));
    scene.must(moves(Life::Review));
    scene.must(moves(Life::Active));
    assert_eq!(life(&scene), Life::Active);
    load(&mut scene, &with_status(&CUT_OFF.replace("1.0.0", "1.1.0"), "draft"));
    assert_eq!(life(&scene), Life::Draft, "what was looked at was another text");
    load(&mut scene, CUT_OFF);
    assert_eq!(life(&scene), Life::Active, "its text says so");
    scene.must(moves(Life::Retired));
    load(&mut scene, &CUT_OFF.replace("1.0.0", "1.2.0"));
    assert_eq!(life(&scene), Life::Retired, "a new text does not bring it back");
    alert(&mut scene, "validator-1");
    assert_eq!(scene.state.runs.iter().count(), 0);
    assert!(scene.refused(moves(Life::Active)).contains("is retired"));
    scene.must(moves(Life::Review));
    scene.must(moves(Life::Active));
    assert_eq!(life(&scene), Life::Active);
}

#[test]
fn a_retired_one_whose_text_changes_while_it_is_in_review_stays_out_of_use_until_somebody_activates_it() {
    let mut scene = Scene::new(&[]);
    load(&mut scene, CUT_OFF);
    scene.must(moves(Life::Retired));
    scene.must(moves(Life::Review));
    assert_eq!(life(&scene), Life::Review);
    load(&mut scene, &CUT_OFF.replace("1.0.0", "1.1.0"));
    assert_eq!(life(&scene), Life::Retired, "nobody has looked at this text");
    alert(&mut scene, "validator-1");
    assert_eq!(scene.state.runs.iter().count(), 0);
    assert!(scene.refused(moves(Life::Active)).contains("is retired"));
    // The same once more: what it was before is not forgotten.
    scene.must(moves(Life::Review));
    load(&mut scene, &with_status(&CUT_OFF.replace("1.0.0", "1.2.0"), "active"));
    assert_eq!(life(&scene), Life::Retired);
    scene.must(moves(Life::Review));
    scene.must(moves(Life::Active));
    assert_eq!(life(&scene), Life::Active);
    load(&mut scene, &with_status(&CUT_OFF.replace("1.0.0", "1.3.0"), "draft"));
    assert_eq!(life(&scene), Life::Draft, "once active, a new text is what it says");
}

/// Its row was written without the word, and stays what its entries come to.
#[test]
fn an_entry_of_an_older_journal_says_nothing_of_what_was_before() {
    let old = r#"{"event":"moved","playbook":"p","from":"retired","to":"review","file":"00","version":"1"}"#;
    let moved: super::Event = serde_json::from_str(old).unwrap();
    assert!(matches!(moved, super::Event::Moved { was_retired: false, .. }));
    assert_eq!(serde_json::to_string(&moved).unwrap(), old);
}

#[test]
fn of_two_for_the_same_incidents_one_is_active() {
    let other = CUT_OFF.replace("id: validator_compromise", "id: other_one");
    let mut scene = Scene::new(&[CUT_OFF, &with_status(&other, "review")]);
    let playbook = || "other_one".to_owned();
    let ask =
        || flow::Command::Upkeep(Command::Move { playbook: playbook(), to: Life::Active, why: "".into() });
    let refused = scene.refused(ask());
    assert!(
        refused.starts_with("playbook validator_compromise is active for the same incidents"),
        "{refused}"
    );
    scene.must(moves(Life::Retired));
    scene.must(ask());
    alert(&mut scene, "validator-1");
    let run = scene.state.runs.iter().next().unwrap();
    assert_eq!(&*run.playbook, "other_one");
}

#[test]
fn one_of_its_reviewers_activates_it_where_any_of_them_has_an_account() {
    let mut files = all_shipped();
    let contacts = files.get_mut("contacts.yaml").unwrap();
    *contacts = contacts.replace("title: Security lead", "title: Security lead\n    accounts: [ada]");
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    let text = with_status(CUT_OFF, "review\nreviewers: [security_lead]");
    files.insert("playbooks/validator_compromise.yaml".to_owned(), text);
    let (content, problems) = content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    let refused = scene.refused(moves(Life::Active));
    assert_eq!(refused, "playbook validator_compromise is activated by one of its reviewers: security_lead");
    let ada = Actor::Person(PersonId::from_number(scene.next));
    let (name, role) = ("ada".to_owned(), access::Role::Commander);
    scene.must(flow::Command::Access(access::Command::AddPerson { name, role }));
    scene.ask(ada, moves(Life::Active)).unwrap();
    assert_eq!(life(&scene), Life::Active);
    let unknown =
        flow::Command::Upkeep(Command::Move { playbook: "x".into(), to: Life::Retired, why: "".into() });
    assert_eq!(scene.refused(unknown), "there is no playbook `x`");
}

#[test]
fn an_incident_of_a_retired_procedure_calls_for_a_person() {
    let mut scene = Scene::new(&[CUT_OFF]);
    scene.must(moves(Life::Retired));
    alert(&mut scene, "validator-1");
    let id = scene.incident();
    assert!(!scene.state.incidents.open[&id].attention.is_empty());
    // What is classified anew is looked at anew.
    let classify = incident::Command::Classify {
        id,
        incident_type: Some("key_compromise".to_owned()),
        severity: None,
        onset: None,
        why: "keys".to_owned(),
    };
    scene.must(flow::Command::Incident(classify));
    assert_eq!(scene.state.runs.iter().count(), 0);
}

#[test]
fn who_took_a_course_is_on_record_until_it_expires() {
    let mut scene = Scene::with(content::load(&all_shipped()).0);
    let complete = |course: &str, contact: &str| {
        flow::Command::Upkeep(Command::Complete { course: course.to_owned(), contact: contact.to_owned() })
    };
    assert_eq!(
        scene.refused(complete("basic", "ops_manager")),
        "there is no course `basic` in training.yaml"
    );
    assert_eq!(scene.refused(complete("basics", "nobody")), "there is no contact `nobody` in contacts.yaml");
    scene.must(complete("basics", "ops_manager"));
    let taken = &scene.state.upkeep.trained["basics"]["ops_manager"];
    assert_eq!(taken.until.since(scene.now).to_string(), "365d");
    assert_eq!(taken.by, Some(PersonId::from_number(900)));
    let who = |course: &str| {
        let course = &scene.state.content.training[course];
        scene.state.content.people.expand(course.who.iter().map(String::as_str)).len()
    };
    assert_eq!((who("basics"), who("advanced_handling"), who("communication_and_decisions")), (9, 4, 6));
}

#[test]
fn every_shipped_procedure_says_whose_it_is_and_how_much_hangs_on_it() {
    let (content, problems) = content::load(&all_shipped());
    assert_eq!(problems, []);
    for playbook in content.playbooks.values() {
        let charter = &playbook.charter;
        assert_eq!(charter.status, Life::Active, "{}", playbook.id);
        let named = [&charter.unit, &charter.owner, &charter.created, &charter.updated];
        assert!(named.iter().all(|field| field.is_some()), "{}: {charter:?}", playbook.id);
        assert!(charter.criticality.is_some() && !charter.tags.is_empty(), "{}: {charter:?}", playbook.id);
        let reviewers = content.people.expand(charter.reviewers.iter().map(String::as_str));
        assert!(reviewers.len() >= 2, "{}: {charter:?}", playbook.id);
        let related = charter.related.iter().all(|path| content.files.contains_key(path));
        assert!(related, "{}: {charter:?}", playbook.id);
    }
}

#[test]
fn a_look_that_was_missed_is_made_at_once_and_one_that_was_made_stays_made_over_a_restart() {
    let mut scene = Scene::with(content::load(&all_shipped()).0);
    let began = scene.now;
    let due = |scene: &Scene| {
        // As a start reads it.
        let row = serde_json::to_string(&scene.state.upkeep).unwrap();
        let upkeep: Upkeep = serde_json::from_str(&row).unwrap();
        upkeep.look_is_due(began, scene.now)
    };
    let looked = || flow::Command::Upkeep(Command::Looked { month: None });
    assert!(!due(&scene), "the first day has to pass");
    scene.now = scene.now.plus(Span::secs(86_399));
    assert!(!due(&scene));
    // Nothing runs at the boundary.
    scene.now = scene.now.plus(Span::secs(300));
    assert!(due(&scene), "it is made late rather than a day later");
    scene.now = scene.now.plus(Span::secs(600));
    assert!(due(&scene), "until one is on record, whatever went wrong with the last");
    scene.must(looked());
    assert!(!due(&scene));
    scene.now = scene.now.plus(Span::secs(85_000));
    assert!(!due(&scene), "the same day");
    scene.now = scene.now.plus(Span::secs(1_000));
    assert!(due(&scene), "days are counted from the beginning, not from the last look");
    scene.now = scene.now.plus(Span::secs(10 * 86_400));
    scene.must(looked());
    assert!(!due(&scene), "what was missed for days is made once");
    assert!(scene.ask(crate::scene::person(), looked()).is_err(), "only the platform looks");
}

#[test]
fn each_month_is_told_of_once_whichever_look_comes_first_after_it() {
    // It is the 15th of January 2027.
    let mut scene = Scene::with(content::load(&all_shipped()).0);
    let began = scene.now;
    let month = |scene: &Scene| scene.state.upkeep.month_to_tell(began, scene.now);
    assert_eq!(month(&scene), None, "nothing of December is known");
    let tell = |scene: &mut Scene, name: &str| {
        let month = Some(Month { name: name.into(), said: "all is well".into() });
        scene.must(flow::Command::Upkeep(Command::Looked { month }));
    };
    let alerts = |scene: &Scene| -> Vec<String> {
        let raised = |fact: &flow::Fact| {
            let event::Event::Alert(_, alert::Event::Raised { labels, .. }) = &fact.event else {
                return None;
            };
            labels.get("month").map(str::to_owned)
        };
        scene.facts.iter().filter_map(raised).collect()
    };
    // Nothing looked on the first three days of February.
    scene.wait(Span::secs(20 * 86_400));
    let ended = month(&scene).unwrap();
    assert_eq!((&*ended.name, &*ended.since.to_string()), ("2027-01", "2027-01-01T00:00:00Z"));
    assert_eq!(ended.until.to_string(), "2027-02-01T00:00:00Z");
    tell(&mut scene, "2027-01");
    assert_eq!(alerts(&scene), ["2027-01"]);
    assert_eq!(month(&scene), None);
    // Its alert is over by now; whoever tells of it again is not heard.
    scene.wait(Span::secs(3 * 86_400));
    tell(&mut scene, "2027-01");
    assert_eq!((alerts(&scene).len(), month(&scene)), (1, None));
    scene.wait(Span::secs(60 * 86_400));
    assert_eq!(&*month(&scene).unwrap().name, "2027-03", "the last one that is over");
    tell(&mut scene, "2027-03");
    tell(&mut scene, "2027-02");
    assert_eq!(alerts(&scene), ["2027-01", "2027-03"]);
}
