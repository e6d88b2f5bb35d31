//! The reports of a review and their deadlines.

use expect_test::expect;

use super::*;
use crate::{flow, scene::Scene, stories};

fn opened() -> (Scene, ReviewId) {
    let mut scene = Scene::new(&[]);
    scene.must(flow::Command::Review(Command::Open { incident: IncidentId::from_number(7) }));
    let id = *scene.state.reviews.keys().next().unwrap();
    scene.look();
    (scene, id)
}

fn deliver(id: ReviewId, report: &str, text: &str) -> flow::Command {
    flow::Command::Review(Command::Complete { id, report: report.to_owned(), text: text.to_owned() })
}

#[test]
fn each_report_is_named_before_its_deadline_and_when_it_has_passed() {
    let (mut scene, _) = opened();
    scene.wait(Span::secs(20 * 3_600 - 1));
    expect![""].assert_eq(&scene.look());
    scene.wait(Span::secs(1));
    expect![[r#"
        review.reminded review/2
    "#]]
    .assert_eq(&scene.look());
    scene.wait(Span::secs(8 * 86_400));
    expect![[r#"
        review.overdue review/2
        review.reminded review/2
        review.overdue review/2
        review.reminded review/2
        review.overdue review/2
    "#]]
    .assert_eq(&scene.look());
    assert_eq!(scene.state.next_wakeup(), None);
}

#[test]
fn a_review_is_over_when_people_delivered_all_of_it() {
    let (mut scene, id) = opened();
    scene.must(deliver(id, "initial", "What we knew on the first day."));
    scene.must(deliver(id, "detailed", "https://docs.example/reviews/7"));
    expect!["P-900 delivered the initial report of REV-2 at 2027-01-15T08:00:00Z"]
        .assert_eq(&scene.refused(deliver(id, "initial", "Once more.")));
    expect!["`last` is no report of a review; use one of initial, detailed, final"]
        .assert_eq(&scene.refused(deliver(id, "last", "x")));
    expect!["the report is empty or longer than 65536 bytes"]
        .assert_eq(&scene.refused(deliver(id, "final", " ")));
    scene.must(deliver(id, "final", "What we changed."));
    expect!["there is no open review REV-2"].assert_eq(&scene.refused(deliver(id, "final", "x")));
    scene.look();
    scene.wait(Span::secs(30 * 86_400));
    expect![""].assert_eq(&scene.look());
}

fn write(id: ReviewId, ask: Ask) -> flow::Command {
    flow::Command::Review(Command::Write { id, ask })
}

fn plan(owner: &str, due: Timestamp, file: Option<&str>) -> Ask {
    Ask::Plan { what: "shorten it".to_owned(), owner: owner.to_owned(), due, file: file.map(str::to_owned) }
}

#[test]
fn people_attend_by_role_and_sign_what_they_were_at() {
    let (mut scene, id) = opened();
    let attend =
        |role: &str, attended| Ask::Attend { role: role.to_owned(), who: "marta".to_owned(), attended };
    let sign = |role: &str| Ask::Sign { role: role.to_owned(), who: "marta".to_owned() };
    expect!["`guests` is no role of a review; use one of incident_commander, technical_responders, affected_stakeholders, management_representative"]
        .assert_eq(&scene.refused(write(id, attend("guests", true))));
    expect!["marta does not take part; say first who attended"]
        .assert_eq(&scene.refused(write(id, sign("incident_commander"))));
    scene.must(write(id, attend("incident_commander", false)));
    expect!["marta did not attend, and signs nothing"]
        .assert_eq(&scene.refused(write(id, sign("incident_commander"))));
    scene.must(write(id, attend("incident_commander", true)));
    scene.must(write(id, sign("incident_commander")));
    let people = &scene.state.reviews[&id].people;
    assert_eq!(people.len(), 1);
    assert!(people[0].attended && people[0].signed.is_some());
}

#[test]
fn people_write_in_each_area_and_the_newest_text_stays() {
    let (mut scene, id) = opened();
    let find = |area, text: &str| write(id, Ask::Find { area, text: text.to_owned() });
    for area in Area::ALL {
        scene.must(find(area, "a first word"));
        scene.must(find(area, &format!("of {area:?}")));
    }
    let found = &scene.state.reviews[&id].found;
    assert_eq!(found.len(), Area::ALL.len());
    assert_eq!(&*found[&Area::ResponseEffectiveness], "of ResponseEffectiveness");
    assert_eq!(&*found[&Area::CommunicationQuality], "of CommunicationQuality");
    assert!(scene.refused(find(Area::RootCauseAnalysis, " ")).contains("empty"));
    let (actor, said) = (crate::event::Actor::Platform, find(Area::RootCauseAnalysis, "x"));
    assert!(scene.ask(actor, said).is_err(), "people write it");
}

#[test]
fn answers_are_bounded_and_add_to_each_other() {
    let (mut scene, id) = opened();
    let answer = |answers: Answers| write(id, Ask::Answer(answers));
    let none = Answers::default();
    expect!["nothing is answered"].assert_eq(&scene.refused(answer(none)));
    expect!["satisfaction is from 1 to 5"]
        .assert_eq(&scene.refused(answer(Answers { satisfaction: Some(6), ..none })));
    expect!["the impact avoided is from 0 to 100 percent"]
        .assert_eq(&scene.refused(answer(Answers { impact_avoided: Some(101), ..none })));
    scene.must(answer(Answers { satisfaction: Some(4), ..none }));
    scene.must(answer(Answers { escalated_rightly: Some(false), ..none }));
    let known = scene.state.reviews[&id].answers;
    assert_eq!(
        known,
        Answers { satisfaction: Some(4), escalated_rightly: Some(false), impact_avoided: None }
    );
}

#[test]
fn a_corrective_action_is_chased_until_its_file_is_newer() {
    let (mut scene, id) = opened();
    let due = scene.now.plus(Span::secs(86_400));
    expect!["an action is due after now, within two years"]
        .assert_eq(&scene.refused(write(id, plan("x", scene.now, None))));
    scene.must(write(id, plan("security", due, Some("targets.yaml"))));
    for report in ["initial", "detailed", "final"] {
        scene.must(deliver(id, report, "all of it"));
    }
    scene.look();
    scene.wait(Span::secs(3 * 86_400));
    expect![[r#"
        review.action_reminded review/2
        review.action_overdue review/2
    "#]]
    .assert_eq(&scene.look());
    let finish = |action| write(id, Ask::Finish { action, note: "shorter now".to_owned() });
    expect!["REV-2 has no action 2"].assert_eq(&scene.refused(finish(2)));
    expect!["targets.yaml is still as it was when the action was agreed; load its new version"]
        .assert_eq(&scene.refused(finish(1)));
    let mut content = (*scene.state.content).clone();
    content.files.insert("targets.yaml".to_owned(), "newer".into());
    content.hash = "another".into();
    scene.must(flow::Command::LoadContent(content.into()));
    let left = Lookback::of(&scene.state.reviews[&id]);
    assert_eq!((left.planned, left.finished), (1, 0));
    scene.must(finish(1));
    assert!(!scene.state.reviews.contains_key(&id), "with its last action the review is over");
}

#[test]
fn whoever_owns_an_action_hears_of_it() {
    let mut scene = Scene::staffed(&[]);
    scene.must(flow::Command::Review(Command::Open { incident: IncidentId::from_number(7) }));
    let id = *scene.state.reviews.keys().next().unwrap();
    let due = scene.now.plus(Span::secs(86_400));
    expect!["`nobody` is no contact, team or role of the content"]
        .assert_eq(&scene.refused(write(id, plan("nobody", due, None))));
    let owner = scene.state.content.people.contacts.keys().next().unwrap().clone();
    scene.facts.clear();
    scene.must(write(id, plan(&owner, due, None)));
    let told = scene.facts.iter().filter(|fact| fact.event.kind() == "notice.queued").count();
    assert_eq!(told, 1);
}

#[test]
fn lessons_tell_of_the_same_type_or_targets() {
    let mut scene = Scene::new(&[]);
    scene.alert([("incident_type", "unauthorized_access"), ("account", "account-3")]);
    stories::everything_works(&mut scene);
    let incident = scene.incident();
    scene.must(flow::Command::Review(Command::Open { incident }));
    let id = *scene.state.reviews.keys().next().unwrap();
    let text = "Close old sessions first.".to_owned();
    scene.must(write(id, Ask::Find { area: Area::LessonsLearned, text }));
    let left = Lookback::of(&scene.state.reviews[&id]);
    assert_eq!(left.lessons.as_deref(), Some("Close old sessions first."));
    let same = marks(&[("account".into(), "account-3".into())]);
    let other = marks(&[("account".into(), "account-4".into())]);
    assert_eq!(left.is_like("prompt_injection", &same), Some("it hurt some of the same targets"));
    assert_eq!(left.is_like("unauthorized_access", &other), Some("it was of the same type"));
    assert_eq!(left.is_like("prompt_injection", &other), None);
    let read: Lookback = serde_json::from_str(&serde_json::to_string(&left).unwrap()).unwrap();
    assert_eq!(read, left);
}
