//! Decisions, tasks of people and waits: who says what, and what time alone does.

use std::collections::BTreeMap;

use crate::{
    flow,
    run::{Command, Status, StepStatus},
    scene::Scene,
    time::Span,
};

const PLAYBOOK: &str = "
id: people
name: People
version: 1.0.0
types: [validator_compromise]
min_severity: low
roles: [security_lead]
stages:
  - id: decide
    exit: decisions.scope.made
    steps:
      - { id: call, manual: Call the owner, due: 1h, reminder: 30m }
      - { id: read, manual: Read the log, priority: optional }
      - id: scope
        decision: Is more affected?
        options: { widen: {}, contained: { goto: end }, later: { goto: cool } }
        default: { after: 10m, choose: widen }
        expected_duration: 5m
      - { id: look, manual: Look again }
      - { id: cool, wait: { for: 1m } }
  - id: more
    entry: decisions.scope.choice == \"widen\"
    steps:
      - { id: hold, wait: { until: incident.severity > severity.critical, timeout: 1h } }
  - id: end
    steps:
      - { id: write, manual: Write it down, roles: [security_lead] }
";

fn scene() -> Scene {
    let mut scene = Scene::new(&[PLAYBOOK]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    scene.look();
    scene
}

fn update(scene: &Scene, complete: &[&str], decide: &[(&str, &str)]) -> flow::Command {
    let decide: BTreeMap<_, _> = decide.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
    let complete = complete.iter().map(|id| (*id).to_owned()).collect();
    flow::Command::Run(Command::Update { id: scene.run(), complete, decide, note: None })
}

fn steps(scene: &Scene) -> Vec<StepStatus> {
    let run = scene.state.runs.get(scene.run()).unwrap();
    run.steps.iter().map(|step| step.status).collect()
}

#[test]
fn a_choice_passes_over_what_lies_between_and_names_who_chose() {
    let mut scene = scene();
    let done = update(&scene, &["call"], &[]);
    scene.must(done);
    let choose = update(&scene, &["read"], &[("scope", "contained")]);
    scene.must(choose);
    use StepStatus::{Active, Done, Skipped};
    assert_eq!(steps(&scene), [Done, Done, Done, Skipped, Skipped, Skipped, Active]);
    let run = scene.state.runs.get(scene.run()).unwrap();
    assert_eq!(run.steps[2].choice.as_deref(), Some("contained"));
    assert!(run.steps[2].by.is_some());
    assert_eq!(run.steps[5].note.as_deref(), Some("passed over by the choice `contained`"));
}

#[test]
fn one_wrong_part_refuses_the_whole_update() {
    let mut scene = scene();
    let before = steps(&scene);
    for wrong in [
        update(&scene, &["call", "nothing"], &[]),
        update(&scene, &["call", "write"], &[]),
        update(&scene, &["call"], &[("scope", "widen")]),
        update(&scene, &["scope"], &[]),
        update(&scene, &[], &[]),
    ] {
        scene.refused(wrong);
        assert_eq!(steps(&scene), before);
    }
    let done = update(&scene, &["call"], &[]);
    scene.must(done);
    let wrong = update(&scene, &["read"], &[("scope", "sideways")]);
    let message = scene.refused(wrong);
    assert!(message.contains("choose one of contained, later, widen"), "{message}");
    assert_eq!(steps(&scene)[1], StepStatus::Active);
}

#[test]
fn an_overdue_task_calls_a_person_until_it_is_done() {
    let mut scene = scene();
    scene.wait(Span::secs(3_599));
    assert!(!scene.look().contains("overdue"));
    scene.wait(Span::secs(1));
    let text = scene.look();
    assert!(text.contains("task `call` is overdue; answer or skip it"), "{text}");
    scene.wait(Span::secs(36_000));
    assert_eq!(scene.look(), "", "it is said once");
    let done = update(&scene, &["call"], &[]);
    scene.must(done);
    assert!(scene.look().contains("attention_cleared"));
}

#[test]
fn nobody_chooses_waits_end_and_a_condition_times_out() {
    let mut scene = scene();
    let done = update(&scene, &["call"], &[]);
    scene.must(done);
    scene.wait(Span::secs(300));
    assert!(scene.state.runs.get(scene.run()).unwrap().steps[2].late);
    scene.wait(Span::secs(300));
    let run = scene.state.runs.get(scene.run()).unwrap();
    assert_eq!((run.steps[2].choice.as_deref(), run.steps[2].by), (Some("widen"), None));
    let done = update(&scene, &["look"], &[]);
    scene.must(done);
    scene.wait(Span::secs(60));
    let run = scene.state.runs.get(scene.run()).unwrap();
    assert_eq!(run.stage, 1);
    assert_eq!(run.steps[1].status, StepStatus::Skipped, "left open when its stage ended");
    scene.wait(Span::secs(3_600));
    let run = scene.state.runs.get(scene.run()).unwrap();
    assert_eq!(run.steps[5].status, StepStatus::Failed);
    assert!(matches!(run.status, Status::Blocked { .. }));
}

#[test]
fn while_the_time_is_in_doubt_a_person_is_called_to_choose_and_no_later_timer_is_lost() {
    let optional = "manual: Read the log, priority: optional";
    let mut scene = Scene::new(&[&PLAYBOOK.replace(optional, &format!("{optional}, due: 1h"))]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    let done = update(&scene, &["call"], &[]);
    scene.must(done);
    let control = |command| flow::Command::Control(command);
    let reason = "the clocks disagree".to_owned();
    scene.must(control(crate::control::Command::DoubtClock { reason }));
    let text = scene.look();
    assert!(text.contains("the time is in doubt"), "{text}");
    scene.wait(Span::secs(600));
    let text = scene.look();
    assert!(text.contains("decision `scope` is overdue; answer or skip it"), "{text}");
    let step = |scene: &Scene, index: usize| scene.state.runs.get(scene.run()).unwrap().steps[index].clone();
    assert_eq!(step(&scene, 2).choice, None, "nothing is chosen by itself");
    scene.wait(Span::secs(3_000));
    assert!(step(&scene, 1).overdue, "what comes after the default that was not chosen");
    assert_eq!(step(&scene, 2).choice, None);
    scene.must(control(crate::control::Command::ConfirmClock));
    assert_eq!(step(&scene, 2).choice.as_deref(), Some("widen"));
    let waits = &scene.state.incidents.open[&scene.incident()].attention;
    assert_eq!(waits.len(), 1, "{waits:?}");
    assert!(waits[0].reason.contains("task `read` is overdue"), "{waits:?}");
}

/// The account `lead` is of who alone holds this role.
fn link(scene: &mut Scene, role: &str) {
    let people = &mut std::sync::Arc::make_mut(&mut scene.state.content).people;
    let contact = crate::content::people::Contact {
        name: "security_lead".to_owned(),
        title: "Security lead".to_owned(),
        accounts: vec!["lead".to_owned()],
        mail: None,
        phone: None,
        chat: std::collections::BTreeMap::new(),
        external: false,
    };
    people.roles.entry(role.to_owned()).or_default().insert(contact.name.clone());
    people.contacts.insert(contact.name.clone(), contact);
}

#[test]
fn a_role_is_asked_for() {
    let mut scene = scene();
    link(&mut scene, "security_lead");
    let done = update(&scene, &["call"], &[]);
    scene.must(done);
    let choose = update(&scene, &[], &[("scope", "contained")]);
    scene.must(choose);
    let done = update(&scene, &["write"], &[]);
    let message = scene.refused(done);
    assert!(message.contains("role security_lead"), "{message}");
}

#[test]
fn a_step_for_a_role_is_skipped_by_that_role() {
    let mut scene = scene();
    link(&mut scene, "security_lead");
    let skip = |scene: &Scene, step: &str, why: &str| {
        let (step, why) = (step.to_owned(), why.to_owned());
        flow::Command::Run(Command::Skip { id: scene.run(), step, why })
    };
    let message = {
        let no = skip(&scene, "write", "no time");
        scene.refused(no)
    };
    assert!(message.contains("role security_lead"), "{message}");
    let message = {
        let no = skip(&scene, "read", &"x".repeat(4_097));
        scene.refused(no)
    };
    assert!(message.contains("longer than 4096 bytes"), "{message}");
    let yes = skip(&scene, "read", &"x".repeat(4_096));
    scene.must(yes);
    let id = crate::id::PersonId::from_number(scene.next);
    let (name, role) = ("lead".to_owned(), crate::access::Role::Responder);
    scene.must(flow::Command::Access(crate::access::Command::AddPerson { name, role }));
    let skip = skip(&scene, "write", "no time");
    scene.ask(crate::event::Actor::Person(id), skip).unwrap();
    assert_eq!(steps(&scene)[6], StepStatus::Skipped);
}

#[test]
fn what_is_asked_is_listed_and_called_for_until_all_of_it_is_answered() {
    let text = "
id: silent
name: Silent
version: 1.0.0
types: [validator_compromise]
min_severity: low
stages:
  - id: only
    steps:
      - id: both
        parallel:
          a: [{ id: ask, decision: Which?, options: { one: {}, two: {} } }]
          b: [{ id: call, manual: Call, owner: ada, due: 2h }, { id: note, manual: Note, priority: optional }]
";
    let mut scene = Scene::new(&[text]);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")]);
    let listed = |scene: &Scene| {
        let run = scene.state.runs.get(scene.run()).unwrap();
        let playbook = &scene.state.playbooks[&run.hash];
        let tasks = crate::run::tasks(run, playbook);
        tasks.iter().map(|task| (task.step.id.clone(), task.gates, task.state.overdue)).collect::<Vec<_>>()
    };
    assert_eq!(listed(&scene), [("ask".to_owned(), true, false), ("call".to_owned(), true, false)]);
    scene.look();
    scene.wait(Span::secs(3_600));
    assert!(scene.look().contains("decision `ask` is overdue"), "nobody waits in silence");
    scene.wait(Span::secs(3_600));
    let choose = update(&scene, &[], &[("ask", "one")]);
    scene.must(choose);
    assert!(scene.look().contains("task `call` is overdue"), "what is still open is called for again");
    let done = update(&scene, &["call"], &[]);
    scene.must(done);
    let text = scene.look();
    assert!(text.contains("attention_cleared") && text.contains("Completed"), "{text}");
}

#[test]
fn what_time_chooses_is_chosen_though_an_earlier_step_holds_up_the_run() {
    let text = "
id: widened
name: Widened
version: 1.0.0
types: [validator_compromise]
min_severity: low
stages:
  - id: only
    steps:
      - { id: read, manual: Read the log, priority: optional, due: 1h }
      - { id: revoke, action: key.revoke, for_each: incident.targets(\"key\"), with: { reason: key_compromise }, retry: { attempts: 1 } }
      - id: both
        parallel:
          a: [{ id: scope, decision: Is more affected?, options: { widen: {}, not: {} }, default: { after: 10m, choose: widen } }]
          b: [{ id: cool, wait: { for: 20m } }]
";
    let mut scene = Scene::new(&[text]);
    let alert = |scene: &mut Scene, key: &str| {
        let what = [("incident_type", "validator_compromise"), ("severity", "high"), ("node", "validator-3")];
        scene.alert([what[0], what[1], what[2], ("key", key)]);
    };
    alert(&mut scene, "key-3");
    scene.applied(scene.calling()[0]);
    let run = |scene: &Scene| scene.state.runs.get(scene.run()).unwrap().clone();
    assert_eq!(run(&scene).status, Status::Active);
    // One more target, and the system refuses it.
    alert(&mut scene, "key-4");
    let refused = "no".to_owned();
    let outcome = crate::action::Outcome::NotApplied { reason: refused, retry: false, retry_after: None };
    scene.answer(scene.calling()[0], outcome);
    let text = scene.look();
    assert!(matches!(run(&scene).status, Status::Blocked { .. }), "{text}");
    scene.wait(Span::secs(600));
    assert_eq!(run(&scene).steps[3].choice.as_deref(), Some("widen"), "{}", scene.look());
    scene.wait(Span::secs(600));
    assert_eq!(run(&scene).steps[4].status, StepStatus::Done);
    scene.wait(Span::secs(2_400));
    assert!(run(&scene).steps[0].overdue, "no later timer is lost");
    assert!(matches!(run(&scene).status, Status::Blocked { .. }), "a person has to look all the same");
}
