//! Steps that people have to allow: allowed, denied, not answered, and changed after it was asked.

use std::sync::Arc;

use crate::{
    access, action, approval, content, control,
    event::Actor,
    flow,
    id::{ActionId, ApprovalId, PersonId},
    incident, report,
    run::{self, Status, StepStatus},
    scene::{self, Scene},
    severity::Severity,
    time::Span,
};

const PLAYBOOK: &str = "
id: asks
name: Asks
version: 1.0.0
types: [validator_compromise]
min_severity: low
roles: [commander]
stages:
  - id: contain
    steps:
      - id: revoke
        action: key.revoke
        for_each: incident.targets(\"key\")
        with: { reason: key_compromise }
        approval: { when: action.risk >= risk.medium, quorum: 2, roles: [commander], expires: 5m }
        on_failure: continue
      - id: suspend
        action: account.suspend
        for_each: incident.targets(\"account\")
        approval: { when: action.risk >= risk.medium }
";

struct Stage {
    scene: Scene,
    people: Vec<PersonId>,
}

fn stage() -> Stage {
    stage_of(Scene::new(&[PLAYBOOK]))
}

fn stage_of(mut scene: Scene) -> Stage {
    let people = ["one", "two", "three"].map(|name| {
        let id = PersonId::from_number(scene.next);
        let (name, role) = (name.to_owned(), access::Role::Commander);
        scene.must(flow::Command::Access(access::Command::AddPerson { name, role }));
        id
    });
    alert(&mut scene, "key-1");
    Stage { scene, people: people.into() }
}

fn alert(scene: &mut Scene, key: &str) {
    let what = [("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")];
    scene.alert([what[0], what[1], what[2], ("key", key), ("account", "account-1")]);
}

impl Stage {
    fn asked(&self) -> &approval::Approval {
        self.scene.state.approvals.values().next_back().unwrap()
    }

    fn approve(&mut self, person: usize, id: ApprovalId, hash: &str) -> Result<(), String> {
        let approve = approval::Command::Approve { id, hash: hash.to_owned() };
        let actor = Actor::Person(self.people[person]);
        let done = self.scene.ask(actor, flow::Command::Approval(approve));
        done.map_err(|rejected| rejected.to_string())
    }

    /// Two people allow what is asked last.
    fn allow(&mut self) {
        let (id, hash) = (self.asked().id, self.asked().hash.to_string());
        self.approve(0, id, &hash).unwrap();
        self.approve(1, id, &hash).unwrap();
    }

    fn steps(&self) -> Vec<StepStatus> {
        self.scene.state.runs.get(self.scene.run()).unwrap().steps.iter().map(|step| step.status).collect()
    }

    fn action(&self, id: ActionId) -> &action::Action {
        self.scene.state.actions.get(id).unwrap()
    }

    fn told(&self) -> String {
        let incident = &self.scene.state.incidents.open[&self.scene.incident()];
        incident.attention.iter().map(|told| format!("{}: {}\n", told.about, told.reason)).collect()
    }
}

#[test]
fn what_joins_while_others_wait_for_a_yes_asks_for_itself() {
    let mut stage = stage();
    let first = stage.asked().clone();
    alert(&mut stage.scene, "key-2");
    let second = stage.asked().clone();
    assert_eq!((second.id == first.id, &*second.subject.targets), (false, ["key-2".into()].as_slice()));
    stage.allow();
    assert_eq!(stage.scene.calling().len(), 1, "the other still waits");
    for person in [0, 1] {
        stage.approve(person, first.id, &first.hash).unwrap();
    }
    assert_eq!(stage.scene.calling().len(), 2);
}

#[test]
fn allowed_by_two_it_runs_and_what_no_condition_asks_for_runs_by_itself() {
    let mut stage = stage();
    let asked = stage.asked().clone();
    assert_eq!(
        (&*asked.subject.verb, asked.terms.quorum, asked.terms.expires),
        ("key.revoke", 2, Span::secs(300))
    );
    assert_eq!(asked.subject.targets, ["key-1".into()]);
    assert!(stage.scene.calling().is_empty(), "nothing begins before the yes");
    assert!(stage.told().contains("waits for the approval of 2"), "{}", stage.told());
    stage.allow();
    let [revoke] = stage.scene.calling()[..] else { panic!("one call") };
    assert_eq!(stage.action(revoke).pass.map(|pass| pass.approval), Some(asked.id));
    stage.scene.applied(revoke);
    let [suspend] = stage.scene.calling()[..] else { panic!("the next step") };
    assert_eq!((&*stage.action(suspend).spec.verb, stage.action(suspend).pass), ("account.suspend", None));
    stage.scene.applied(suspend);
    assert_eq!(stage.told(), "");
}

#[test]
fn denied_it_fails_as_the_step_says() {
    let mut stage = stage();
    let deny = approval::Command::Deny { id: stage.asked().id, why: "it is ours".to_owned() };
    stage.scene.ask(Actor::Person(stage.people[2]), flow::Command::Approval(deny)).unwrap();
    assert_eq!(stage.steps(), [StepStatus::Failed, StepStatus::Active]);
    let run = stage.scene.state.runs.get(stage.scene.run()).unwrap();
    assert!(run.steps[0].note.as_deref().unwrap().contains("it is ours"), "{:?}", run.steps[0].note);
    let verbs: Vec<_> = stage.scene.calling().iter().map(|id| stage.action(*id).spec.verb.clone()).collect();
    assert_eq!(verbs, ["account.suspend".into()], "`on_failure: continue`");
}

#[test]
fn not_answered_it_waits_in_the_open_and_not_for_ever_in_silence() {
    let mut stage = stage();
    stage.scene.wait(Span::secs(300));
    assert!(stage.told().contains("was not approved in time and is asked again (1)"), "{}", stage.told());
    stage.scene.wait(Span::secs(86_400));
    assert!(stage.asked().lapsed);
    assert!(stage.told().contains("was not approved in time and is held"), "{}", stage.told());
    assert_eq!(stage.steps()[0], StepStatus::Active);
    let renew = approval::Command::Renew { id: stage.asked().id };
    stage.scene.ask(Actor::Person(stage.people[0]), flow::Command::Approval(renew)).unwrap();
    stage.allow();
    assert_eq!(stage.scene.calling().len(), 1);
}

#[test]
fn whoever_started_or_changed_the_run_does_not_count() {
    let mut stage = stage();
    let (id, hash) = (stage.asked().id, stage.asked().hash.to_string());
    let cancel = run::Command::Cancel { id: stage.scene.run(), undo: false };
    stage.scene.must(flow::Command::Run(cancel));
    assert!(stage.approve(0, id, &hash).is_err(), "void with its run");
    assert!(stage.scene.calling().is_empty());
    let start = run::Command::Start { incident: stage.scene.incident(), playbook: None };
    stage.scene.ask(Actor::Person(stage.people[0]), flow::Command::Run(start)).unwrap();
    let (id, hash) = (stage.asked().id, stage.asked().hash.to_string());
    assert_eq!(stage.asked().requesters, [stage.people[0]]);
    assert!(stage.approve(0, id, &hash).unwrap_err().contains("asked for what"));
    stage.approve(1, id, &hash).unwrap();
    stage.approve(2, id, &hash).unwrap();
    assert_eq!(stage.scene.calling().len(), 1);
}

#[test]
fn a_new_target_asks_for_itself_alone_and_the_old_yes_does_not_cover_it() {
    let mut stage = stage();
    let first = stage.asked().id;
    stage.allow();
    let done = stage.scene.calling()[0];
    stage.scene.applied(done);
    alert(&mut stage.scene, "key-2");
    let asked = stage.asked().clone();
    assert_ne!(asked.id, first);
    assert_eq!(asked.subject.targets, ["key-2".into()]);
    let calling: Vec<_> =
        stage.scene.calling().iter().map(|id| stage.action(*id).spec.target.clone()).collect();
    assert_eq!(calling, ["account-1".into()]);
    stage.allow();
    assert_eq!(stage.scene.calling().len(), 2);
}

#[test]
fn an_action_that_content_changes_after_it_was_asked_is_void() {
    let mut stage = stage();
    let (id, hash) = (stage.asked().id, stage.asked().hash.to_string());
    stage.approve(0, id, &hash).unwrap();
    let mut files = scene::shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    files.insert("playbooks/asks.yaml".to_owned(), PLAYBOOK.to_owned());
    let actions = files.get_mut("actions.yaml").unwrap();
    let at = actions.find("verb: key.revoke").unwrap();
    let risk = at + actions[at..].find("risk: medium").unwrap();
    actions.replace_range(risk..risk + "risk: medium".len(), "risk: high");
    let (changed, problems) = content::load(&files);
    assert!(problems.is_empty(), "{problems:?}");
    stage.scene.must(flow::Command::LoadContent(Arc::new(changed)));
    assert!(stage.approve(1, id, &hash).is_err(), "what was asked is void");
    assert!(stage.scene.calling().iter().all(|id| &*stage.action(*id).spec.verb != "key.revoke"));
    assert_eq!(stage.steps()[0], StepStatus::Failed);
}

#[test]
fn a_run_that_ends_takes_its_questions_along() {
    let mut stage = stage();
    stage.scene.must(flow::Command::Run(run::Command::Cancel { id: stage.scene.run(), undo: true }));
    assert!(stage.scene.state.approvals.is_empty());
    assert!(stage.scene.state.runs.iter().all(|run| run.status != Status::Active));
    let attention = &stage.scene.state.incidents.open[&stage.scene.incident()].attention;
    assert!(attention.iter().all(|told| !told.about.starts_with("approval/")), "{attention:?}");
}

/// The scene with its people and no incident.
fn quiet() -> Stage {
    let mut scene = Scene::new(&[PLAYBOOK]);
    let people = ["one", "two", "three"].map(|name| {
        let id = PersonId::from_number(scene.next);
        let (name, role) = (name.to_owned(), access::Role::Commander);
        scene.must(flow::Command::Access(access::Command::AddPerson { name, role }));
        id
    });
    Stage { scene, people: people.into() }
}

fn only_others_allow(stage: &mut Stage) {
    let (id, hash) = (stage.asked().id, stage.asked().hash.to_string());
    assert_eq!(stage.asked().requesters, [stage.people[0]]);
    assert!(stage.approve(0, id, &hash).unwrap_err().contains("asked for what"));
    stage.approve(1, id, &hash).unwrap();
    stage.approve(2, id, &hash).unwrap();
    assert_eq!(stage.scene.calling().len(), 1);
}

#[test]
fn whoever_opens_the_incident_that_starts_the_run_does_not_count() {
    let mut stage = quiet();
    let open = incident::Command::Open {
        title: "A key is out".to_owned(),
        incident_type: "validator_compromise".to_owned(),
        severity: Severity::High,
        targets: vec![("key".into(), "key-1".into())],
    };
    stage.scene.ask(Actor::Person(stage.people[0]), flow::Command::Incident(open)).unwrap();
    only_others_allow(&mut stage);
}

#[test]
fn whoever_reports_what_starts_the_run_does_not_count() {
    let mut stage = quiet();
    let told = report::Told {
        reporter: None,
        contact: None,
        title: "A key is out".into(),
        description: "I saw it.".into(),
        incident_type: Some("validator_compromise".into()),
        severity: Some(Severity::High),
        targets: vec![("key".into(), "key-1".into())],
    };
    let report = report::Command::Receive(Box::new(told));
    stage.scene.ask(Actor::Person(stage.people[0]), flow::Command::Report(report)).unwrap();
    only_others_allow(&mut stage);
}

#[test]
fn a_release_that_people_refuse_is_not_asked_for_without_end_while_it_is_undone() {
    let mut scene = super::scene("undo");
    let one = PersonId::from_number(scene.next);
    let (name, role) = ("one".to_owned(), access::Role::Commander);
    scene.must(flow::Command::Access(access::Command::AddPerson { name, role }));
    super::apply(&mut scene);
    let (level, reason) = (control::SafeMode::Paranoid, "breach".to_owned());
    scene.must(flow::Command::Control(control::Command::SetSafeMode { level, reason }));
    super::answer(&mut scene, super::refused());
    let asked = scene.state.approvals.values().next_back().unwrap().id;
    scene.look();
    let deny = approval::Command::Deny { id: asked, why: "it is hostile".to_owned() };
    scene.ask(Actor::Person(one), flow::Command::Approval(deny)).unwrap();
    assert!(scene.state.approvals.is_empty(), "it is not asked again at once");
    let (run, incident) = (scene.run(), scene.incident());
    let Status::Blocked { reason } = &scene.state.runs.get(run).unwrap().status else {
        panic!("not blocked")
    };
    assert!(reason.contains("it is hostile") && reason.contains("containment release"), "{reason}");
    assert!(scene.look().contains("it is hostile"), "people are told");
    scene.must(flow::Command::Run(run::Command::Resume { id: run }));
    assert!(scene.state.approvals.is_empty(), "nor when it goes on");
    // By hand it is taken back, and the rest of the undo goes on.
    let id = scene.state.actions.of_incident(incident).find(|action| action.may_be_in_force()).unwrap().id;
    scene.must(flow::Command::Action(action::Command::Release { id }));
    super::apply(&mut scene);
    assert!(scene.look().contains("Failed {"));
}

#[test]
fn whoever_confirms_what_starts_the_run_does_not_count() {
    let mut stage = quiet();
    let token = crate::id::TokenId::from_number(stage.scene.next);
    let (holder, label) = (access::Holder::Form("intranet".into()), String::new());
    let create =
        access::Command::CreateToken { holder, hash: token.to_string().into(), label, expires_at: None };
    stage.scene.must(flow::Command::Access(create));
    let told = report::Told {
        title: "A key is out".into(),
        description: "I saw it.".into(),
        incident_type: Some("validator_compromise".into()),
        severity: Some(Severity::High),
        targets: vec![("key".into(), "key-1".into())],
        ..report::Told::default()
    };
    let report = report::Command::Receive(Box::new(told));
    stage.scene.ask(Actor::Source(token), flow::Command::Report(report)).unwrap();
    assert!(stage.scene.state.runs.iter().next().is_none(), "a claim starts nothing");
    confirm(&mut stage, 0);
    only_others_allow(&mut stage);
}

#[test]
fn whoever_confirms_what_a_run_works_on_changes_nothing_of_it() {
    let mut stage = stage();
    confirm(&mut stage, 0);
    assert!(stage.asked().requesters.is_empty(), "nobody asked for it by hand");
    let (id, hash) = (stage.asked().id, stage.asked().hash.to_string());
    stage.approve(0, id, &hash).unwrap();
}

/// The type stays what it is.
fn confirm(stage: &mut Stage, person: usize) {
    let id = stage.scene.incident();
    let (incident_type, severity, onset) = (Some("validator_compromise".to_owned()), None, None);
    let why = "looked at it".to_owned();
    let classify = incident::Command::Classify { id, incident_type, severity, onset, why };
    stage.scene.ask(Actor::Person(stage.people[person]), flow::Command::Incident(classify)).unwrap();
}
