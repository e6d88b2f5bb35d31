//! A poisoned model and a copied one, with the shipped playbooks: what is released when, and what goes on.

use super::{everything_works, people_work};
use crate::{flow::Command, incident, run, scene::Scene, time::Span};

/// Everything works and people do their part, until the run is through.
fn through<const N: usize>(labels: [(&str, &str); N]) -> Scene {
    let mut scene = Scene::new(&[]);
    scene.alert(labels);
    let id = scene.incident();
    let run = scene.state.runs.of_incident(id).unwrap();
    everything_works(&mut scene);
    people_work(&mut scene, id);
    let left = scene.state.runs.get(run).map(|run| run.status.clone());
    assert!(left.is_none_or(|status| status == run::Status::Completed));
    scene
}

/// Where in the story this came of the first call of a verb.
fn place(story: &str, fact: &str, verb: &str) -> usize {
    let call = story.lines().find(|line| line.contains(&format!(" Apply {verb} "))).unwrap();
    let action = call.split(' ').nth(1).unwrap();
    story.find(&format!("{fact} {action}\n")).unwrap_or_else(|| panic!("{fact} of {verb}: {story}"))
}

#[test]
fn after_a_poisoning_data_come_back_before_what_learns_from_them() {
    let mut scene = through([
        ("alertname", "DataPoisoning"),
        ("incident_type", "data_poisoning"),
        ("severity", "high"),
        ("dataset", "dataset-1"),
        ("pipeline", "pipeline-1"),
        ("model", "model-a"),
    ]);
    let story = scene.look();
    let released = |verb| place(&story, "action.released", verb);
    assert!(released("dataset.quarantine") < released("pipeline.pause"), "{story}");
}

#[test]
fn the_watch_over_a_copied_model_outlasts_what_comes_back_and_the_account_the_incident() {
    let mut scene = through([
        ("alertname", "ModelExtraction"),
        ("incident_type", "model_extraction"),
        ("severity", "high"),
        ("session", "session-7"),
        ("account", "account-7"),
        ("model", "model-b"),
    ]);
    let id = scene.incident();
    let in_force = |scene: &Scene| -> Vec<String> {
        let held = scene.state.actions.of_incident(id).filter(|action| action.may_be_in_force());
        held.map(|action| action.spec.verb.to_string()).collect()
    };
    assert_eq!(in_force(&scene), ["api.suspend_access", "model.watch", "account.flag"]);
    scene.must(Command::Incident(incident::Command::Resolve { id, summary: "told".to_owned() }));
    scene.look();
    // While it is watched, its probes are repeated.
    for _ in 0..8 {
        scene.wait(Span::secs(600));
        everything_works(&mut scene);
    }
    let ended = scene.look();
    let asked = "the lease of `api.suspend_access` on account-7 has ended";
    assert!(ended.contains(asked), "{ended}");
}
