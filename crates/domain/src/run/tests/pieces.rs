//! A piece that is called: its steps run as if they stood in the playbook, and a run keeps its version of them.

use crate::{
    content::{Pinned, load, read_playbook},
    flow,
    run::{Command, Run, StepStatus},
    scene::{Scene, shipped},
};

const PLAYBOOK: &str = "
id: pieces
name: Pieces
version: 1.0.0
types: [validator_compromise]
min_severity: low
stages:
  - id: only
    exit: steps.nodes.done && steps.keys_cut.applied && decisions.nodes_ask.choice == \"go\"
    steps:
      - { id: keys, call: outer, with: { names: 'incident.targets(\"key\")' } }
      - { id: nodes, call: ask_first, with: { names: [validator-1, validator-2], level: monitor } }
";

const OUTER: &str = "
id: outer
inputs: { names: { type: names } }
steps:
  - { id: cut, action: key.revoke, for_each: 'inputs.names.filter(n, n != \"key-9\")' }
  - { id: after, wait: { until: steps.cut.applied, timeout: 1m } }
";

const ASK_FIRST: &str = "
id: ask_first
inputs: { names: { type: names }, level: { type: text, default: full } }
steps:
  - { id: ask, decision: Go on?, options: { go: {}, stop: { goto: end } } }
  - { id: cut, action: node.isolate, for_each: inputs.names, with: { level: { input: level } } }
  - { id: end, manual: Say so, priority: optional }
";

fn scene() -> Scene {
    let mut files = shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    files.insert("playbooks/pieces.yaml".to_owned(), PLAYBOOK.to_owned());
    files.insert("pieces/outer.yaml".to_owned(), OUTER.to_owned());
    files.insert("pieces/ask_first.yaml".to_owned(), ASK_FIRST.to_owned());
    let (content, problems) = load(&files);
    assert!(problems.is_empty(), "{problems:#?}");
    let mut scene = Scene::with(content);
    scene.alert([("incident_type", "validator_compromise"), ("severity", "high"), ("key", "key-3")]);
    scene
}

fn run(scene: &Scene) -> &Run {
    scene.state.runs.get(scene.run()).unwrap()
}

#[test]
fn a_piece_is_run_with_what_is_given_to_it() {
    let mut scene = scene();
    let key = scene.calling()[0];
    assert_eq!(&*scene.state.actions.get(key).unwrap().spec.target, "key-3");
    scene.applied(key);
    let decide = [("nodes_ask".to_owned(), "go".to_owned())].into();
    let id = scene.run();
    scene.must(flow::Command::Run(Command::Update { id, complete: Vec::new(), decide, note: None }));
    let called: Vec<_> = scene.calling();
    let spec = &scene.state.actions.get(called[1]).unwrap().spec;
    assert_eq!((&*spec.target, spec.args["level"].as_str()), ("validator-2", Some("monitor")));
    called.into_iter().for_each(|id| scene.applied(id));
    assert!(scene.look().contains("Completed"));
}

#[test]
fn a_choice_in_a_piece_leads_to_its_own_steps() {
    let mut scene = scene();
    let key = scene.calling()[0];
    scene.applied(key);
    let decide = [("nodes_ask".to_owned(), "stop".to_owned())].into();
    let id = scene.run();
    scene.must(flow::Command::Run(Command::Update { id, complete: Vec::new(), decide, note: None }));
    let cut = &run(&scene).steps[5];
    assert_eq!(cut.status, StepStatus::Skipped, "{:#?}", run(&scene).steps);
}

#[test]
fn a_run_keeps_the_pieces_it_started_with() {
    let scene = scene();
    let content = &scene.state.content;
    let playbook = &content.playbooks["pieces"];
    let text = &content.playbook_texts[&playbook.hash];
    assert_eq!(Pinned::of(text).playbook, PLAYBOOK);
    let mut other = (**content).clone();
    other.pieces = [("pieces/outer.yaml".to_owned(), "id: outer\nsteps: []\n".to_owned())].into();
    let (read, problems) = read_playbook("pinned", text, &other);
    assert!(problems.is_empty(), "{problems:#?}");
    assert_eq!(read.unwrap().hash, playbook.hash);
    let (read, problems) = read_playbook("now", PLAYBOOK, content);
    assert_eq!((read.unwrap().hash, problems.len()), (playbook.hash.clone(), 0));
}
