//! Who may approve what, and what an approval is good for: a matrix of attempts of which only the honest ones pass.

use std::{
    collections::BTreeMap,
    sync::{Arc, LazyLock},
};

use super::{Command, Subject};
use crate::{
    access, action,
    content::{Content, people::Contact},
    control,
    event::Actor,
    flow,
    id::{ActionId, ApprovalId, PersonId},
    scene::Scene,
    time::Span,
};

/// A scene where a person's containment waits for two people, and the people: the requester, three commanders, a
/// responder, a disabled commander.
struct Stage {
    scene: Scene,
    people: Vec<PersonId>,
}

/// Read once for all cases.
static CONTENT: LazyLock<Arc<Content>> = LazyLock::new(|| Scene::new(&[]).state.content.clone());

fn stage() -> Stage {
    let mut scene = Scene::with(CONTENT.clone());
    let mut people = Vec::new();
    for (name, role) in [
        ("asks", access::Role::Admin),
        ("one", access::Role::Commander),
        ("two", access::Role::Commander),
        ("three", access::Role::Admin),
        ("reads", access::Role::Responder),
        ("gone", access::Role::Commander),
    ] {
        people.push(PersonId::from_number(scene.next));
        scene.must(flow::Command::Access(access::Command::AddPerson { name: name.to_owned(), role }));
    }
    scene.must(flow::Command::Access(access::Command::DisablePerson { id: people[5] }));
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    for id in scene.calling() {
        scene.applied(id);
    }
    kill(&mut scene);
    Stage { scene, people }
}

fn kill(scene: &mut Scene) {
    let reason = String::new();
    scene.must(flow::Command::Control(control::Command::SetKillSwitch { on: true, reason }));
}

impl Stage {
    /// The first person asks for an isolation of this node.
    fn ask(&mut self, node: &str) -> (ApprovalId, ActionId, String) {
        let incident = self.scene.incident();
        let apply = action::Command::Apply {
            incident,
            verb: "account.suspend".to_owned(),
            target: node.to_owned(),
            args: serde_json::Map::new(),
            lease: None,
        };
        self.scene.ask(Actor::Person(self.people[0]), flow::Command::Action(apply)).unwrap();
        let approval = self.scene.state.approvals.values().next_back().unwrap();
        (approval.id, approval.actions[0], approval.hash.to_string())
    }

    fn approve(&mut self, who: Actor, id: ApprovalId, hash: &str) -> bool {
        let approve = Command::Approve { id, hash: hash.to_owned() };
        self.scene.ask(who, flow::Command::Approval(approve)).is_ok()
    }

    fn began(&self, action: ActionId) -> bool {
        let action = self.scene.state.actions.get(action);
        action.is_some_and(|action| !matches!(action.status, action::Status::Held { .. }))
    }
}

#[test]
fn two_accounts_of_one_contact_are_one_person() {
    let mut stage = stage();
    let (id, action, hash) = stage.ask("account-1");
    let mut content = (*stage.scene.state.content).clone();
    let contact = |name: &str, accounts: [&str; 2]| crate::content::people::Contact {
        name: name.to_owned(),
        title: String::new(),
        accounts: accounts.map(str::to_owned).to_vec(),
        mail: None,
        phone: None,
        chat: std::collections::BTreeMap::new(),
        external: false,
    };
    for contact in [contact("asker", ["asks", "three"]), contact("other", ["one", "two"])] {
        content.people.contacts.insert(contact.name.clone(), contact);
    }
    content.hash = "0".repeat(64).into();
    stage.scene.must(flow::Command::LoadContent(Arc::new(content)));
    let [one, two, three] = [1, 2, 3].map(|number: usize| Actor::Person(stage.people[number]));
    assert!(!stage.approve(three, id, &hash), "the requester by another account");
    stage.approve(one, id, &hash);
    stage.approve(two, id, &hash);
    assert!(!stage.began(action), "one person twice is not two");
}

#[test]
fn two_others_allow_it_once() {
    let mut stage = stage();
    let (id, action, hash) = stage.ask("account-1");
    let (one, two) = (Actor::Person(stage.people[1]), Actor::Person(stage.people[2]));
    assert!(stage.approve(one.clone(), id, &hash));
    assert!(!stage.began(action));
    assert!(stage.approve(two.clone(), id, &hash));
    assert!(stage.began(action));
    assert!(!stage.approve(one, id, &hash), "used");
    let kinds: Vec<&str> = stage.scene.facts.iter().map(|fact| fact.event.kind()).collect();
    let tail = &kinds[kinds.len() - 4..];
    assert_eq!(tail[..3], ["approval.granted", "action.intended", "approval.consumed"]);
}

#[test]
fn no_bypass_in_the_matrix() {
    let mut cases = 0;
    for first in 0..8 {
        for second in 0..8 {
            for trick in 0..8 {
                let mut stage = stage();
                let (other, _, other_hash) = stage.ask("account-2");
                let (id, action, hash) = stage.ask("account-1");
                let mut honest = Vec::new();
                for (turn, who) in [first, second].into_iter().enumerate() {
                    let actor = match who {
                        6 => Actor::Platform,
                        7 => Actor::Source(crate::id::TokenId::from_number(1)),
                        person => Actor::Person(stage.people[person]),
                    };
                    let named = match trick {
                        1 => other_hash.clone(),
                        2 => hash.to_uppercase(),
                        3 => format!("{hash} "),
                        4 => changed(&stage, id),
                        0 | 5 | 6 | 7 => hash.clone(),
                        _ => unreachable!(),
                    };
                    let target = if trick == 5 { other } else { id };
                    let taken = stage.approve(actor, target, &named);
                    let counts =
                        (1..=3).contains(&who) && (trick == 0 || trick >= 6) && !honest.contains(&who);
                    assert_eq!(taken, counts && !stage_over(&honest), "{first} {second} {trick}");
                    if counts {
                        honest.push(who);
                    }
                    if honest.len() == 1 && turn == 0 && trick == 6 {
                        // What was granted does not outlive the request.
                        stage.scene.wait(Span::secs(16 * 60));
                        honest.clear();
                    }
                    if honest.len() == 1 && turn == 0 && trick == 7 {
                        let id = stage.people[first];
                        stage.scene.must(flow::Command::Access(access::Command::DisablePerson { id }));
                    }
                }
                let enough = honest.len() == 2 && trick != 7;
                assert_eq!(stage.began(action), enough, "{first} {second} {trick}");
                cases += 1;
            }
        }
    }
    assert!(cases >= 500);
}

fn stage_over(honest: &[usize]) -> bool {
    honest.len() >= 2
}

/// The hash of the same with one more target.
fn changed(stage: &Stage, id: ApprovalId) -> String {
    let subject = &stage.scene.state.approvals[&id].subject;
    let mut targets = subject.targets.clone();
    targets.push("account-9".into());
    Subject::new(subject.verb.clone(), subject.args.clone(), targets).hash().to_string()
}

#[test]
fn denied_is_not_done_and_a_limit_that_goes_voids() {
    let mut stage = stage();
    let (id, action, _) = stage.ask("account-1");
    let deny = Command::Deny { id, why: "not that one".to_owned() };
    stage.scene.ask(Actor::Person(stage.people[1]), flow::Command::Approval(deny)).unwrap();
    assert!(stage.scene.state.approval_of(action).is_none());
    let (_, action, _) = stage.ask("account-2");
    let off = control::Command::SetKillSwitch { on: false, reason: String::new() };
    stage.scene.both(flow::Command::Control(off));
    assert!(stage.began(action));
    assert!(stage.scene.state.approval_of(action).is_none());
}

#[test]
fn what_nobody_answers_is_asked_three_times_and_then_by_hand() {
    let mut stage = stage();
    let (id, action, hash) = stage.ask("account-1");
    let people = stage.people.clone();
    let (one, two) = (Actor::Person(people[1]), Actor::Person(people[2]));
    stage.scene.wait(Span::secs(3 * 15 * 60 - 1));
    assert!(!stage.scene.state.approvals[&id].lapsed);
    assert!(stage.approve(one.clone(), id, &hash), "asked for the third time");
    stage.scene.wait(Span::secs(30 * 86_400));
    let request = &stage.scene.state.approvals[&id];
    assert!(request.lapsed && request.grants.is_empty(), "{request:?}");
    assert_eq!(stage.scene.facts.iter().filter(|f| f.event.kind() == "approval.expired").count(), 3);
    let incident = &stage.scene.state.incidents.open[&stage.scene.incident()];
    let told = incident.attention.iter().find(|told| *told.about == *format!("approval/{}", id.0));
    assert!(told.unwrap().reason.contains("was not approved in time and is held"), "{told:?}");
    assert!(!stage.approve(one.clone(), id, &hash), "nobody is asked now");
    let renew = || flow::Command::Approval(Command::Renew { id });
    assert!(stage.scene.ask(Actor::Platform, renew()).is_err());
    stage.scene.ask(one.clone(), renew()).unwrap();
    assert!(stage.scene.ask(one.clone(), renew()).is_err(), "it is being asked");
    assert!(!stage.approve(Actor::Person(people[0]), id, &hash), "who asked first");
    assert!(stage.approve(one, id, &hash) && !stage.began(action));
    assert!(stage.approve(two, id, &hash) && stage.began(action));
}

#[test]
fn two_accounts_of_one_person_count_once_and_the_other_one_of_who_asked_not_at_all() {
    let mut stage = stage();
    let mut content = (*stage.scene.state.content).clone();
    for (name, accounts) in [("ada", ["asks", "one"]), ("bob", ["two", "three"])] {
        let contact = Contact {
            name: name.to_owned(),
            title: name.to_owned(),
            accounts: accounts.map(str::to_owned).into(),
            mail: None,
            phone: None,
            chat: BTreeMap::new(),
            external: false,
        };
        content.people.contacts.insert(name.to_owned(), contact);
    }
    stage.scene.state.content = Arc::new(content);
    let (id, action, hash) = stage.ask("account-1");
    let actor = |stage: &Stage, number: usize| Actor::Person(stage.people[number]);
    for number in [0, 1] {
        assert!(!stage.approve(actor(&stage, number), id, &hash), "who asked, by another account");
    }
    assert!(stage.approve(actor(&stage, 2), id, &hash));
    assert!(!stage.approve(actor(&stage, 3), id, &hash), "the same person");
    assert!(!stage.began(action));
}
