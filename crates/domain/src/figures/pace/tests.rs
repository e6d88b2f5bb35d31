//! The pace of runs that really went: uses, failures, skips, and time against what was expected.

use super::{ChannelPace, of_notices, of_runs};
use crate::{flow::Command, run, scene::Scene, time::Span};

const THREE: &str = "id: three
name: Three
version: 1.0.0
types: [validator_compromise]
stages:
  - id: one
    name: One
    steps:
      - { id: look, manual: Look, priority: required, expected_duration: 10m }
      - { id: isolate, action: node.isolate, for_each: incident.targets(\"node\"), on_failure: continue, expected_duration: 5s }
      - { id: tell, manual: Tell, priority: required }
      - { id: last, manual: Wait, priority: required }
";

/// A run in which people take so many minutes to look, and skip what comes after.
fn through(minutes: u64) -> (Scene, run::Run) {
    let mut scene = Scene::new(&[THREE]);
    scene.alert([("incident_type", "validator_compromise"), ("node", "validator-1")]);
    let id = scene.run();
    scene.wait(Span::secs(60 * minutes));
    let complete = vec!["look".to_owned()];
    scene.must(Command::Run(run::Command::Update { id, complete, decide: [].into(), note: None }));
    let action = scene.calling()[0];
    scene.wait(Span::secs(2));
    scene.applied(action);
    let skip = run::Command::Skip { id, step: "tell".to_owned(), why: "nobody asks".to_owned() };
    scene.must(Command::Run(skip));
    let run = scene.state.runs.iter().next().cloned();
    (scene, run.unwrap())
}

#[test]
fn steps_are_counted_and_their_times_stand_against_what_was_expected() {
    let (scene, run) = through(20);
    let text = scene.state.playbooks[&run.hash].clone();
    let paces = of_runs([(&run, Some(&*text)), (&run, None)].into_iter());
    let pace = &paces["three"];
    assert_eq!(pace.runs, 2);
    let [(look, of_look), (isolate, of_isolate), (tell, of_tell), _] = &pace.steps[..] else {
        panic!("{pace:?}")
    };
    assert_eq!((&**look, &**isolate, &**tell), ("look", "isolate", "tell"));
    assert_eq!((of_look.uses, of_look.late, of_look.took.mean_s()), (1, 1, Some(1_200.0)));
    assert_eq!(of_look.expected, Some(Span::secs(600)));
    assert_eq!((of_isolate.uses, of_isolate.late, of_isolate.took.longest_s), (1, 0, 2.0));
    assert_eq!((of_tell.uses, of_tell.skips, of_tell.failures), (1, 1, 0));
}

#[test]
fn nothing_comes_of_nothing() {
    assert!(of_runs(std::iter::empty()).is_empty());
    assert!(of_notices(std::iter::empty(), |_| None).is_empty());
    assert_eq!(ChannelPace::default().delivery.mean_s(), None);
}
