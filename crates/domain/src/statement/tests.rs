//! Words to the outside: drafted, agreed with as they stand, sent once, and never otherwise.

use super::{Command, Event, Status};
use crate::{
    access, approval, content,
    event::{self, Actor, Rejected},
    flow,
    id::{ApprovalId, PersonId, StatementId},
    notice,
    scene::{CUT_OFF, Scene, all_shipped},
};

const MAIL: &str = "channels:
  - { name: dashboard, kind: dashboard }
  - { name: mail, kind: email, timeout: 20s, attempts: 3 }
orders:
  - channels: [mail, dashboard]
";

/// A room of ours stands before the mail, and the mail has a box of ours for whoever has none.
const ROOM_FIRST: &str = "channels:
  - { name: room, kind: slack }
  - { name: pager, kind: pagerduty }
  - { name: mail, kind: email, address: everybody@example.com, timeout: 20s, attempts: 2 }
  - { name: phones, kind: sms, address: duty, timeout: 20s, attempts: 1 }
orders:
  - channels: [room, pager, mail, phones]
";

/// An open incident; mail reaches people, and the executive lead has the account `eve`.
fn scene(mail: bool) -> Scene {
    scene_by(if mail { MAIL } else { "" }, |_| {})
}

fn scene_by(channels: &str, change: impl FnOnce(&mut String)) -> Scene {
    let mut files = all_shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    files.insert("playbooks/validator_compromise.yaml".to_owned(), CUT_OFF.to_owned());
    if !channels.is_empty() {
        files.insert("channels.yaml".to_owned(), channels.to_owned());
    }
    let contacts = files.get_mut("contacts.yaml").unwrap();
    *contacts = contacts.replace("title: Executive lead", "title: Executive lead\n    accounts: [eve]");
    change(contacts);
    let (content, problems) = content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-1")]);
    scene
}

fn person(scene: &mut Scene, name: &str) -> Actor {
    let id = PersonId::from_number(scene.next);
    let (name, role) = (name.to_owned(), access::Role::Commander);
    scene.must(flow::Command::Access(access::Command::AddPerson { name, role }));
    Actor::Person(id)
}

fn ask(command: Command) -> flow::Command {
    flow::Command::Statement(command)
}

fn draft(scene: &mut Scene) -> StatementId {
    let incident = scene.incident();
    let (kind, to) = ("media".to_owned(), "public_relations".to_owned());
    scene.must(ask(Command::Draft { incident, kind, to }));
    *scene.state.statements.keys().next_back().unwrap()
}

/// Has it asked; gives the request and its hash.
fn submit(scene: &mut Scene, id: StatementId) -> (ApprovalId, String) {
    scene.must(ask(Command::Submit { id }));
    let asked = scene.state.approvals.values().find(|asked| asked.statement == Some(id)).unwrap();
    (asked.id, asked.hash.to_string())
}

fn approve(scene: &mut Scene, who: &Actor, id: ApprovalId, hash: &str) -> Result<(), Rejected> {
    let hash = hash.to_owned();
    scene.ask(who.clone(), flow::Command::Approval(approval::Command::Approve { id, hash }))
}

fn edit(id: StatementId, text: &str) -> flow::Command {
    ask(Command::Edit { id, subject: None, text: Some(text.to_owned()) })
}

/// Recipient, subject and text of what was sent outside.
fn sent(scene: &Scene) -> Vec<(String, String, String)> {
    let sent = |fact: &flow::Fact| {
        let event::Event::Notice(_, notice::Event::Queued { reason, to, message, .. }) = &fact.event else {
            return None;
        };
        let message = (to.to_string(), message.subject.to_string(), message.text.to_string());
        (*reason == notice::Reason::Statement).then_some(message)
    };
    scene.facts.iter().filter_map(sent).collect()
}

#[test]
fn a_statement_to_the_media_goes_out_with_the_words_that_level_four_agreed_with() {
    let mut scene = scene(true);
    let (other, eve) = (person(&mut scene, "cleo"), person(&mut scene, "eve"));
    let id = draft(&mut scene);
    let words = scene.state.statements[&id].text.to_string();
    assert!(words.contains("What is affected: ") && !words.contains("{{"), "{words}");
    scene.must(edit(id, "We are looking into it.\nMore at noon."));
    let (request, hash) = submit(&mut scene, id);
    let told: Vec<&str> = scene.state.content.people.expand(["executive"]).into_iter().collect();
    assert_eq!(
        told,
        ["communications_lead", "executive_lead", "legal_counsel"],
        "the team of the last level"
    );
    let author = approve(&mut scene, &crate::scene::person(), request, &hash).unwrap_err().to_string();
    assert!(author.contains("asked for what"), "{author}");
    let commander = approve(&mut scene, &other, request, &hash).unwrap_err().to_string();
    assert!(commander.contains("executive"), "{commander}");
    let wrong = approve(&mut scene, &eve, request, &"0".repeat(64)).unwrap_err().to_string();
    assert!(wrong.contains("the hash is not that"), "{wrong}");
    assert_eq!(sent(&scene), []);
    scene.facts.clear();
    let subject = scene.state.statements[&id].subject.to_string();
    approve(&mut scene, &eve, request, &hash).unwrap();
    let expected =
        ("public_relations".to_owned(), subject, "We are looking into it.\nMore at noon.".to_owned());
    assert_eq!(sent(&scene), [expected]);
    assert!(scene.state.approvals.is_empty(), "the request is over");
    assert!(scene.state.statements[&id].is_awaited(), "nobody knows yet whether it came");
    let kinds = scene.look();
    assert!(kinds.contains(&format!("statement.sent statement/{}", id.0)), "{kinds}");
    assert!(approve(&mut scene, &eve, request, &hash).is_err(), "it is used once");
    assert!(scene.refused(edit(id, "too late")).contains("there is no draft"));
}

#[test]
fn whoever_changes_a_word_has_it_asked_anew() {
    let mut scene = scene(true);
    let eve = person(&mut scene, "eve");
    let id = draft(&mut scene);
    let (first, hash) = submit(&mut scene, id);
    assert!(scene.refused(ask(Command::Submit { id })).contains("asks for"));
    scene.must(edit(id, "Other words."));
    assert!(approve(&mut scene, &eve, first, &hash).is_err(), "the request is over");
    let (second, changed) = submit(&mut scene, id);
    assert_ne!(hash, changed);
    let why = "not like this".to_owned();
    scene.ask(eve.clone(), flow::Command::Approval(approval::Command::Deny { id: second, why })).unwrap();
    assert_eq!(scene.state.statements[&id].status, Status::Draft);
    assert_eq!(sent(&scene), []);
    // Whoever writes at it is not one who agrees.
    scene.ask(eve.clone(), edit(id, "Words of Eve.")).unwrap();
    let (third, hash) = submit(&mut scene, id);
    assert!(approve(&mut scene, &eve, third, &hash).is_err());
    scene.must(ask(Command::Withdraw { id, why: "nobody asks any more".to_owned() }));
    assert!(scene.state.statements.is_empty() && scene.state.approvals.is_empty());
    assert_eq!(sent(&scene), []);
}

#[test]
fn only_contacts_outside_get_one_and_what_could_reach_nobody_is_not_asked_for() {
    let mut scene = scene(false);
    let incident = scene.incident();
    let draft_to = |kind: &str, to: &str| ask(Command::Draft { incident, kind: kind.into(), to: to.into() });
    assert!(scene.refused(draft_to("media", "security_lead")).contains("is no contact outside"));
    assert!(scene.refused(draft_to("media", "nobody")).contains("is no contact outside"));
    let refused = scene.refused(draft_to("rumour", "public_relations"));
    assert_eq!(refused, "`rumour` is no kind of statements.yaml; use one of customers, media, regulator");
    let id = draft(&mut scene);
    assert!(scene.refused(edit(id, " ")).contains("1 to 16384 bytes"));
    assert!(scene.refused(edit(id, "a\u{202e}b")).contains("control characters"));
    // The dashboard reaches nobody outside.
    assert_eq!(
        scene.refused(ask(Command::Submit { id })),
        "no channel of channels.yaml reaches public_relations for a statement; add one of kind `email` or `sms` to its \
         order, and `mail` or `phone` to public_relations in contacts.yaml"
    );
    assert!(scene.state.approvals.is_empty());
    assert_eq!(scene.state.statements[&id].status, Status::Draft, "the words stay");
}

#[test]
fn three_kinds_are_shipped_and_each_is_filled_from_the_incident() {
    let mut scene = scene(true);
    let incident = scene.incident();
    for (kind, to, says) in [
        ("media", "public_relations", "What we do: "),
        ("customers", "public_relations", "What you can do: "),
        ("regulator", "law_enforcement", "Severity          high"),
    ] {
        scene.must(ask(Command::Draft { incident, kind: kind.into(), to: to.into() }));
        let made = scene.state.statements.values().next_back().unwrap();
        assert!(made.text.contains(says), "{kind}: {}", made.text);
        assert!(made.subject.contains("2027-01-15"), "{kind}: {}", made.subject);
    }
}

/// Drafts one to public relations, has it agreed with, and sends it.
fn send(scene: &mut Scene) -> StatementId {
    let eve = person(scene, "eve");
    let id = draft(scene);
    let (request, hash) = submit(scene, id);
    scene.facts.clear();
    approve(scene, &eve, request, &hash).unwrap();
    id
}

/// The ways of the notice with the words, and what is left out.
fn ways(scene: &Scene) -> (String, String) {
    let ways = scene.facts.iter().find_map(|fact| {
        let event::Event::Notice(_, notice::Event::Queued { statement: Some(_), routes, left_out, .. }) =
            &fact.event
        else {
            return None;
        };
        let routes: Vec<_> = routes.iter().map(|way| format!("{} {}", way.channel, way.address)).collect();
        let left: Vec<_> = left_out.iter().map(|(channel, why)| format!("{channel}: {why}")).collect();
        Some((routes.join(", "), left.join(", ")))
    });
    ways.unwrap()
}

fn report(scene: &mut Scene, outcome: notice::Outcome) {
    let sending = scene.state.notices.values().find(|notice| notice.statement.is_some()).unwrap();
    let (id, attempt) = (sending.id, sending.attempt);
    let report = notice::Command::Report { id, attempt, outcome };
    scene.ask(Actor::Platform, flow::Command::Notice(report)).unwrap();
}

fn said(scene: &Scene) -> Vec<&Event> {
    let facts = scene.facts.iter();
    facts
        .filter_map(
            |fact| if let event::Event::Statement(_, event) = &fact.event { Some(event) } else { None },
        )
        .collect()
}

#[test]
fn words_go_to_an_address_of_the_contact_alone_whatever_stands_first() {
    let mut scene = scene_by(ROOM_FIRST, |_| {});
    let id = send(&mut scene);
    let (routes, left) = ways(&scene);
    assert_eq!(routes, "mail public-relations@example.org, phones +1-202-555-0113");
    let ours = "it goes to a place of ours, not to the contact";
    assert_eq!(left, format!("room: {ours}, pager: {ours}"));
    scene.start(2);
    assert!(scene.refused(edit(id, "too late")).contains("there is no draft"));
    scene.wait(crate::time::Span::secs(5));
    report(&mut scene, notice::Outcome::Refused { reason: "no such box".to_owned(), retry: false });
    report(&mut scene, notice::Outcome::Delivered { receipt: "ok".to_owned() });
    let last = said(&scene).pop().cloned();
    assert_eq!(last, Some(Event::Delivered { channel: "phones".into() }));
    assert!(scene.state.statements.is_empty(), "it is over");
    assert!(scene.state.incidents.open[&scene.incident()].attention.is_empty());
}

#[test]
fn words_that_no_way_took_are_undelivered_and_their_author_hears_of_it() {
    // Whoever drafts it is a contact of ours.
    let mut scene = scene_by(ROOM_FIRST, |contacts| {
        *contacts = contacts
            .replace("title: Communications lead", "title: Communications lead\n    accounts: [cleo]");
    });
    let (eve, cleo) = (person(&mut scene, "eve"), person(&mut scene, "cleo"));
    let incident = scene.incident();
    // Another notice that reached nobody stands for no statement.
    let about = crate::event::Stream::Notice(crate::id::NoticeId::from_number(1));
    let other = crate::incident::Command::RaiseAttention { id: incident, about, reason: "other".to_owned() };
    scene.ask(Actor::Platform, flow::Command::Incident(other)).unwrap();
    let (kind, to) = ("media".to_owned(), "public_relations".to_owned());
    scene.ask(cleo.clone(), ask(Command::Draft { incident, kind, to })).unwrap();
    let id = *scene.state.statements.keys().next_back().unwrap();
    scene.ask(cleo, ask(Command::Submit { id })).unwrap();
    let asked = scene.state.approvals.values().find(|asked| asked.statement == Some(id)).unwrap();
    let (request, hash) = (asked.id, asked.hash.to_string());
    scene.facts.clear();
    // Their addresses go while people think about it.
    let known = public_relations(&mut scene);
    let before = (known.mail.take(), known.phone.take());
    approve(&mut scene, &eve, request, &hash).unwrap();
    let (routes, left) = ways(&scene);
    assert_eq!(routes, "", "neither our room nor our boxes take it");
    assert!(left.ends_with("mail: it has no address, phones: it has no number"), "{left}");
    let Some(Event::Undelivered { why, again: true }) = said(&scene).pop() else {
        panic!("{:?}", said(&scene))
    };
    assert_eq!(**why, format!("no channel of channels.yaml can be used for it ({left})"));
    let told: Vec<&str> = scene
        .facts
        .iter()
        .filter_map(|fact| {
            let event::Event::Notice(_, notice::Event::Queued { reason, to, about, .. }) = &fact.event else {
                return None;
            };
            let heard = *reason == notice::Reason::Attention && about.contains("did not reach");
            heard.then_some(&**to)
        })
        .collect();
    assert!(told.contains(&"communications_lead"), "{told:?}");
    assert!(waits(&scene, id));
    // With a way again the same words are agreed with and go out, and nothing waits for a person any more.
    assert!(scene.refused(ask(Command::Submit { id })).starts_with("no channel of channels.yaml reaches"));
    let known = public_relations(&mut scene);
    (known.mail, known.phone) = before;
    let (again, same) = submit(&mut scene, id);
    assert_eq!(same, hash, "the words are the same");
    assert_ne!(again, request);
    assert!(approve(&mut scene, &eve, request, &hash).is_err(), "the first yes is used");
    approve(&mut scene, &eve, again, &same).unwrap();
    assert!(!waits(&scene, id) && scene.state.statements[&id].is_awaited());
    report(&mut scene, notice::Outcome::Delivered { receipt: "ok".to_owned() });
    assert!(scene.state.statements.is_empty(), "it is over");
}

fn public_relations(scene: &mut Scene) -> &mut content::people::Contact {
    let content = std::sync::Arc::make_mut(&mut scene.state.content);
    content.people.contacts.get_mut("public_relations").unwrap()
}

/// Whether a person is called for because of it.
fn waits(scene: &Scene, id: StatementId) -> bool {
    let about = event::Stream::Statement(id).to_string();
    let mut incidents = scene.state.incidents.open.values();
    incidents.any(|incident| incident.attention.iter().any(|one| *one.about == *about))
}

#[test]
fn one_that_reached_nobody_is_changed_or_withdrawn_like_a_draft() {
    let mut scene = scene_by(ROOM_FIRST, |_| {});
    let id = send(&mut scene);
    for reason in ["no such box", "no such number"] {
        report(&mut scene, notice::Outcome::Refused { reason: reason.to_owned(), retry: false });
    }
    assert!(waits(&scene, id) && scene.state.statements[&id].is_open());
    scene.must(edit(id, "Other words."));
    assert_eq!(&*scene.state.statements[&id].text, "Other words.");
    scene.must(ask(Command::Withdraw { id, why: "told by phone".to_owned() }));
    assert!(!waits(&scene, id) && scene.state.statements.is_empty());
}

#[test]
fn a_statement_of_an_older_journal_is_over_once_it_is_sent() {
    let old = r#"{"event":"sent","approval":7,"hash":"00"}"#;
    let approval = ApprovalId::from_number(7);
    let read: Event = serde_json::from_str(old).unwrap();
    assert_eq!(read, Event::Sent { approval, hash: "00".into(), awaited: false });
    let read: Event = serde_json::from_str(r#"{"event":"undelivered","why":"no way"}"#).unwrap();
    assert_eq!(
        read,
        Event::Undelivered { why: "no way".into(), again: false },
        "its row says that it is over"
    );
}

#[test]
fn where_nobody_answers_whoever_submits_again_hears_how_to_have_it_asked() {
    let mut scene = scene(true);
    let eve = person(&mut scene, "eve");
    let id = draft(&mut scene);
    let (request, hash) = submit(&mut scene, id);
    for _ in 0..10 {
        scene.wait(crate::time::Span::secs(7 * 86_400));
    }
    assert!(scene.state.approvals[&request].lapsed);
    let refused = scene.refused(ask(Command::Submit { id }));
    assert_eq!(
        refused,
        format!("nobody answered {request} for {id}; have it asked again with `run ask {request}`")
    );
    scene.must(flow::Command::Approval(approval::Command::Renew { id: request }));
    approve(&mut scene, &eve, request, &hash).unwrap();
    assert_eq!(sent(&scene).len(), 1);
}

#[test]
fn nobody_is_asked_for_a_statement_of_an_incident_that_is_closed() {
    let mut scene = scene(true);
    let incident = scene.incident();
    let id = draft(&mut scene);
    // As once it is closed and that is durable.
    scene.state.forget(event::Stream::Incident(incident));
    let refused = scene.refused(ask(Command::Submit { id }));
    assert_eq!(
        refused,
        format!(
            "{incident} is closed, so nobody would be called to agree with {id}; withdraw it and draft it anew in an \
             open incident"
        )
    );
    assert!(scene.state.approvals.is_empty());
    scene.must(ask(Command::Withdraw { id, why: "it is over".to_owned() }));
    assert!(scene.state.statements.is_empty());
}
