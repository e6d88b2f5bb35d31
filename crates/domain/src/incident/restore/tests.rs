//! Services come back in order, one released only when it and what it needs were shown to be well.

mod consent;

use expect_test::expect;

use super::Command as Restore;
use crate::{
    action::{self, Outcome},
    content::services::Verifies,
    flow::Command,
    health::{self, Standing},
    id::{ActionId, IncidentId},
    incident::{self, Disposition, Status},
    recovery::plan::Stage,
    scene::Scene,
    stories::everything_works,
    time::Span,
};

const ACTIONS: &str = "actions:
  - { verb: service.probe, summary: Look, target: service, connector: estate, class: read_back, risk: low,
      verify: true, blast_radius_max: 9 }
  - { verb: data.verify, summary: Look, target: service, connector: estate, class: read_back, risk: low,
      verify: true, blast_radius_max: 9 }
  - { verb: node.start, summary: Start, target: node, connector: estate, class: idempotent, risk: low,
      purpose: recovery, blast_radius_max: 9 }
  - { verb: node.cut, summary: Cut, target: node, connector: estate, class: keyed, risk: high, containment: true,
      revert: node.join, verify: true, blast_radius_max: 9 }
  - { verb: node.join, summary: Join, target: node, connector: estate, class: keyed, risk: high, verify: true,
      blast_radius_max: 9 }
";

const SERVICES: &str = "services:
  - { name: store, summary: Store, group: 1, owner: on_call, targets: { service: [store], node: [s1] },
      restore: [{ id: start, action: node.start }],
      verify: [{ id: whole, verifies: data, action: data.verify, targets: [store] }],
      probes: [{ id: answers, action: service.probe }] }
  - { name: shop, summary: Shop, group: 2, owner: on_call, depends_on: [store], restore_within: 10m,
      targets: { service: [shop], node: [n1, n2] }, probes: [{ id: sells, action: service.probe }] }
  - { name: other, summary: Other, group: 2, owner: on_call, targets: { service: [other], node: [o1] },
      probes: [{ id: lives, action: service.probe }] }
";

const RECOVERY: &str = "watch: { high: 1h }
probe_every: 20m
require: { restored: high, data: high, posture: high }
";

fn scene() -> Scene {
    scene_of(ACTIONS)
}

fn scene_of(actions: &str) -> Scene {
    let mut files = crate::scene::shipped();
    files.retain(|path, _| path == "taxonomy.yaml");
    let own = [("actions.yaml", actions), ("services.yaml", SERVICES), ("recovery.yaml", RECOVERY)];
    files.extend(own.into_iter().map(|(path, text)| (path.to_owned(), text.to_owned())));
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    Scene::with(content)
}

/// An incident that names these nodes, each of them cut off.
fn hurt(scene: &mut Scene, nodes: &[&str]) -> IncidentId {
    let targets = nodes.iter().map(|node| ("node".into(), (*node).into())).collect();
    let (title, incident_type) = ("Hurt".to_owned(), "power_systems".to_owned());
    let severity = crate::severity::Severity::High;
    let open = incident::Command::Open { title, incident_type, severity, targets };
    scene.must(Command::Incident(open));
    let id = scene.incident();
    nodes.iter().for_each(|node| cut(scene, id, node));
    scene.look();
    id
}

fn cut(scene: &mut Scene, incident: IncidentId, node: &str) {
    let (verb, target, args) = ("node.cut".to_owned(), node.to_owned(), serde_json::Map::new());
    scene.must(Command::Action(action::Command::Apply { incident, verb, target, args, lease: None }));
    everything_works(scene);
}

fn ask(id: IncidentId, command: Restore) -> Command {
    Command::Incident(incident::Command::Recovery { id, command })
}

fn judge(id: IncidentId, of: Verifies, service: Option<&str>, passed: bool) -> Command {
    let (service, note) = (service.map(str::to_owned), "looked at it".to_owned());
    ask(id, Restore::Judge { of, service, passed, note })
}

fn resolve(id: IncidentId) -> Command {
    Command::Incident(incident::Command::Resolve { id, summary: "over".to_owned() })
}

fn stages(scene: &Scene, id: IncidentId) -> String {
    let plan = scene.state.incidents.open[&id].recovery.as_ref().unwrap();
    let line = |service: &crate::recovery::plan::Service| match &service.stage {
        Stage::Waiting => format!("{} waits for {}", service.name, plan.waits_for(service).join(", ")),
        Stage::Failed { reason } => format!("{} failed: {reason}", service.name),
        stage @ (Stage::Restoring | Stage::Verifying | Stage::Releasing | Stage::Probing | Stage::Well) => {
            format!("{} {}", service.name, stage.name())
        }
    };
    plan.services.iter().map(line).collect::<Vec<_>>().join("; ")
}

fn open(scene: &Scene) -> Vec<String> {
    let of = |id: ActionId| scene.state.actions.get(id).unwrap();
    scene.calling().into_iter().map(|id| format!("{} {}", of(id).spec.verb, of(id).spec.target)).collect()
}

/// The open call answers; there is one.
fn next(scene: &mut Scene, outcome: Outcome) {
    let [id] = scene.calling()[..] else { panic!("{:?}", open(scene)) };
    scene.answer(id, outcome);
}

/// Time passes until something is called.
fn soon(scene: &mut Scene) {
    for _ in 0..60 {
        if scene.calling().is_empty() {
            scene.wait(Span::secs(1));
        }
    }
}

fn done() -> Outcome {
    Outcome::Applied { verified: Some(true), artefact: None }
}

fn standing(scene: &Scene, service: &str) -> Standing {
    health::standing(&scene.state.health, &scene.state.content.services[service], scene.now)
}

#[test]
fn one_service_after_the_other() {
    let mut scene = scene();
    let id = hurt(&mut scene, &["n1", "s1", "n2"]);
    assert_eq!(standing(&scene, "store"), Standing::Unknown, "nobody looked");
    scene.must(ask(id, Restore::Begin));
    expect!["store restoring; shop waits for store"].assert_eq(&stages(&scene, id));
    assert_eq!(open(&scene), ["node.start s1"], "what waits is not touched");
    next(&mut scene, Outcome::Applied { verified: None, artefact: None });
    assert_eq!(open(&scene), ["data.verify store"]);
    next(&mut scene, Outcome::Holds);
    assert_eq!(open(&scene), ["node.cut s1"], "released only now");
    expect!["store verified; shop waits for store"].assert_eq(&stages(&scene, id));
    next(&mut scene, done());
    assert_eq!(open(&scene), ["service.probe store"]);
    next(&mut scene, Outcome::Holds);
    let now = scene.now;
    assert_eq!(standing(&scene, "store"), Standing::Healthy { as_of: now });
    expect!["store healthy; shop verified"].assert_eq(&stages(&scene, id));
    assert_eq!(open(&scene), ["node.cut n1", "node.cut n2"]);
    everything_works(&mut scene);
    expect![[r#"
        incident.recovery_started incident/2 store, shop
        incident.recovery_moved incident/2 store restoring
        incident.attention_cleared incident/2
        action.intended action/14 Apply node.start s1 #1 rf-scene-14-0
        action.applied action/14
        incident.recovery_found incident/2 store true: holds
        incident.recovery_moved incident/2 store verifying
        action.intended action/18 ReadBack data.verify store #1 rf-scene-18-0
        action.applied action/18
        incident.recovery_found incident/2 store true: holds
        incident.recovery_moved incident/2 store verified
        action.intended action/7 Revert #2 rf-scene-7-1
        action.released action/7
        incident.recovery_released incident/2 store ACT-7 true
        incident.recovery_moved incident/2 store released
        action.intended action/26 ReadBack service.probe store #1 rf-scene-26-0
        action.applied action/26
        incident.recovery_found incident/2 store true: holds
        incident.recovery_moved incident/2 store healthy
        incident.recovery_moved incident/2 shop restoring
        incident.recovery_moved incident/2 shop verifying
        incident.recovery_moved incident/2 shop verified
        health.probed health
        action.intended action/9 Revert #2 rf-scene-9-1
        action.intended action/4 Revert #2 rf-scene-4-1
        action.released action/4
        incident.recovery_released incident/2 shop ACT-4 true
        action.released action/9
        incident.recovery_released incident/2 shop ACT-9 true
        incident.recovery_moved incident/2 shop released
        action.intended action/41 ReadBack service.probe shop #1 rf-scene-41-0
        action.applied action/41
        incident.recovery_found incident/2 shop true: holds
        incident.recovery_moved incident/2 shop healthy
        incident.recovery_completed incident/2
        health.probed health
    "#]]
    .assert_eq(&scene.look());
    assert!(scene.state.incidents.open[&id].recovery.as_ref().unwrap().completed_at.is_some());
    scene.wait(Span::secs(15 * 60 + 1));
    assert_eq!(standing(&scene, "store"), Standing::Stale { as_of: now }, "an old probe says nothing");
}

#[test]
fn a_probe_that_does_not_hold_stops_it_and_what_needs_it() {
    let mut scene = scene();
    let id = hurt(&mut scene, &["s1", "n1", "o1"]);
    scene.must(ask(id, Restore::Begin));
    next(&mut scene, done());
    next(&mut scene, Outcome::Holds);
    next(&mut scene, done());
    for _ in 0..6 {
        soon(&mut scene);
        next(&mut scene, Outcome::DoesNotHold);
    }
    // The independent one of a later group goes on; what needs the failed one stays contained.
    assert_eq!(open(&scene), ["node.cut o1"]);
    everything_works(&mut scene);
    expect!["store failed: `answers` on store: the read-back says that it does not hold; other healthy; shop waits for store"].assert_eq(&stages(&scene, id));
    assert_eq!(standing(&scene, "store").name(), "unhealthy");
    let attention = &scene.state.incidents.open[&id].attention;
    expect!["recovery of store: `answers` on store: the read-back says that it does not hold; then `incident recover INC-2`"].assert_eq(&attention.iter().map(|one| &*one.reason).collect::<Vec<_>>().join("\n"));
    expect!["incident INC-2 is not recovered: service store failed: `answers` on store: the read-back says that it does not hold; service shop waits for store; nobody verified its posture; see `incident verify INC-2 posture`"].assert_eq(&scene.refused(resolve(id)));
    assert_eq!(scene.state.failures("estate"), 0, "the connector is not to blame");
    // Somebody repairs it, and it begins anew with what needs it.
    scene.must(ask(id, Restore::Begin));
    assert_eq!(scene.state.incidents.open[&id].attention, []);
    everything_works(&mut scene);
    expect!["store healthy; other healthy; shop healthy"].assert_eq(&stages(&scene, id));
    expect!["the recovery of INC-2 is complete; see `incident recovery INC-2`"]
        .assert_eq(&scene.refused(ask(id, Restore::Begin)));
}

#[test]
fn nothing_is_released_before_its_data_are_verified() {
    let mut scene = scene();
    let id = hurt(&mut scene, &["s1"]);
    scene.must(ask(id, Restore::Begin));
    next(&mut scene, done());
    let verify = scene.calling()[0];
    // Nobody answers, again and again.
    for _ in 0..12 {
        if let [call] = scene.calling()[..] {
            scene.answer(call, Outcome::Unknown { reason: "no answer".to_owned() });
        }
        scene.wait(Span::secs(60));
    }
    assert!(scene.state.actions.get(verify).is_none(), "looking leaves no doubt behind");
    assert_eq!(open(&scene), [""; 0]);
    expect!["store failed: `whole` on store: no answer by the deadline; shop waits for store"]
        .assert_eq(&stages(&scene, id));
    let in_force = scene.state.actions.of_incident(id).filter(|action| action.may_be_in_force()).count();
    assert_eq!(in_force, 1, "s1 is cut off still");
    expect!["`store` is not well while ACT-4 holds it back"].assert_eq(&scene.refused(judge(
        id,
        Verifies::Health,
        Some("store"),
        true,
    )));
}

#[test]
fn a_release_that_fails_or_is_not_read_back_stops_it() {
    let mut scene = scene();
    let id = hurt(&mut scene, &["n1"]);
    scene.must(ask(id, Restore::Begin));
    assert_eq!(open(&scene), ["node.cut n1"]);
    next(&mut scene, Outcome::NotApplied { reason: "locked".to_owned(), retry: false, retry_after: None });
    expect!["shop failed: ACT-4 could not be released: locked"].assert_eq(&stages(&scene, id));
    // In doubt, it is tried again when the recovery is.
    scene.must(ask(id, Restore::Begin));
    next(&mut scene, Outcome::Applied { verified: Some(false), artefact: None });
    expect!["shop failed: the release of ACT-4 was not read back"].assert_eq(&stages(&scene, id));
    scene.must(ask(id, Restore::Begin));
    everything_works(&mut scene);
    expect!["shop healthy"].assert_eq(&stages(&scene, id));
}

#[test]
fn what_may_happen_only_once_is_not_taken_back_again_before_a_person_settles_it() {
    let mut scene = scene_of(&ACTIONS.replace("class: keyed", "class: one_shot"));
    let id = hurt(&mut scene, &["n1"]);
    scene.must(ask(id, Restore::Begin));
    next(&mut scene, Outcome::Unknown { reason: "no answer".to_owned() });
    assert!(stages(&scene, id).starts_with("shop failed: ACT-4 could not be released"));
    scene.must(ask(id, Restore::Begin));
    assert!(open(&scene).is_empty(), "a one-shot is called twice, and nobody settled it");
    expect!["shop failed: ACT-4 (`node.cut` on n1) is neither in force nor over yet"]
        .assert_eq(&stages(&scene, id));
    let (verdict, why) = (action::Verdict::Applied, "looked".to_owned());
    scene.must(Command::Action(action::Command::Settle { id: ActionId::from_number(4), verdict, why }));
    scene.must(ask(id, Restore::Begin));
    everything_works(&mut scene);
    expect!["shop healthy"].assert_eq(&stages(&scene, id));
}

#[test]
fn what_is_contained_again_is_not_well() {
    let mut scene = scene();
    let id = hurt(&mut scene, &["n1"]);
    scene.must(ask(id, Restore::Begin));
    everything_works(&mut scene);
    cut(&mut scene, id, "n2");
    expect!["shop failed: n2 was contained again by ACT-22 (`node.cut`)"].assert_eq(&stages(&scene, id));
    cut(&mut scene, id, "o1");
    expect!["shop failed: n2 was contained again by ACT-22 (`node.cut`); other healthy"]
        .assert_eq(&stages(&scene, id));
}

#[test]
fn it_is_over_when_everything_was_shown_and_a_lost_probe_is_a_relapse() {
    let mut scene = scene();
    let id = hurt(&mut scene, &["s1"]);
    expect!["incident INC-2 is not recovered: the services that it hurt were not brought back; see `incident recover INC-2`; nobody verified its data; see `incident verify INC-2 data`; nobody verified its posture; see `incident verify INC-2 posture`"].assert_eq(&scene.refused(resolve(id)));
    scene.must(ask(id, Restore::Begin));
    everything_works(&mut scene);
    expect![
        "incident INC-2 is not recovered: nobody verified its posture; see `incident verify INC-2 posture`"
    ]
    .assert_eq(&scene.refused(resolve(id)));
    scene.must(judge(id, Verifies::Posture, None, false));
    expect!["incident INC-2 is not recovered: the posture does not hold: looked at it"]
        .assert_eq(&scene.refused(resolve(id)));
    scene.must(judge(id, Verifies::Posture, None, true));
    scene.must(resolve(id));
    scene.look();
    scene.wait(Span::secs(20 * 60));
    assert_eq!(open(&scene), ["service.probe store", "service.probe shop"]);
    everything_works(&mut scene);
    scene.wait(Span::secs(20 * 60));
    let [store, shop] = scene.calling()[..] else { panic!() };
    scene.applied(shop);
    scene.answer(store, Outcome::DoesNotHold);
    for _ in 0..5 {
        soon(&mut scene);
        next(&mut scene, Outcome::DoesNotHold);
    }
    assert_eq!(scene.state.incidents.open[&id].status, Status::Open);
    let attention = &scene.state.incidents.open[&id].attention;
    expect![[r#"
        relapse: a probe of store does not hold any more: the read-back says that it does not hold
        no playbook fits type power_systems at severity high"#]]
    .assert_eq(&attention.iter().map(|one| &*one.reason).collect::<Vec<_>>().join("\n"));
    // What was shown before says nothing any more.
    expect!["incident INC-2 is not recovered: the services that it hurt were not brought back; see `incident recover INC-2`; nobody verified its data; see `incident verify INC-2 data`; nobody verified its posture; see `incident verify INC-2 posture`"].assert_eq(&scene.refused(resolve(id)));
    scene.must(ask(id, Restore::Begin));
    everything_works(&mut scene);
    scene.must(judge(id, Verifies::Posture, None, true));
    scene.must(resolve(id));
    for _ in 0..3 {
        scene.wait(Span::secs(20 * 60));
        everything_works(&mut scene);
    }
    scene.wait(Span(0));
    let disposition = Disposition::TruePositive;
    scene.must(Command::Incident(incident::Command::Close { id, disposition }));
}

#[test]
fn a_new_process_goes_on_where_the_old_one_ended() {
    let mut scene = scene();
    let id = hurt(&mut scene, &["s1", "n1"]);
    scene.must(ask(id, Restore::Begin));
    for epoch in 2.. {
        scene.start(epoch);
        let Some(call) = scene.calling().first().copied() else { break };
        scene.applied(call);
    }
    expect!["store healthy; shop healthy"].assert_eq(&stages(&scene, id));
}

/// An incident that was recovered, resolved, and watched until just before its end.
fn watched(scene: &mut Scene) -> IncidentId {
    let id = hurt(scene, &["n1"]);
    scene.must(ask(id, Restore::Begin));
    everything_works(scene);
    scene.must(judge(id, Verifies::Data, None, true));
    scene.must(judge(id, Verifies::Posture, None, true));
    scene.must(resolve(id));
    for _ in 0..2 {
        scene.wait(Span::secs(20 * 60));
        everything_works(scene);
    }
    scene.look();
    id
}

#[test]
fn a_watch_ends_with_the_answers_of_its_last_probes() {
    let mut scene = scene();
    let id = watched(&mut scene);
    scene.wait(Span::secs(20 * 60));
    assert_eq!(open(&scene), ["service.probe shop"], "the last look is at the end of the watch");
    assert_eq!(scene.state.incidents.open[&id].status, Status::Watching, "nobody knows yet");
    for _ in 0..6 {
        soon(&mut scene);
        next(&mut scene, Outcome::DoesNotHold);
    }
    assert_eq!(scene.state.incidents.open[&id].status, Status::Open, "it is a relapse");

    let mut scene = self::scene();
    let id = watched(&mut scene);
    scene.wait(Span::secs(20 * 60));
    everything_works(&mut scene);
    scene.wait(Span(0));
    assert_eq!(scene.state.incidents.open[&id].status, Status::Resolved);
    assert_eq!(open(&scene), [""; 0]);
}

#[test]
fn what_is_found_after_the_watch_is_mended_before_it_closes() {
    let mut scene = scene();
    let id = watched(&mut scene);
    scene.wait(Span::secs(20 * 60));
    everything_works(&mut scene);
    scene.wait(Span(0));
    cut(&mut scene, id, "n2");
    let disposition = Disposition::TruePositive;
    let close = || Command::Incident(incident::Command::Close { id, disposition });
    let held = scene.state.actions.of_incident(id).find(|action| !action.is_final()).unwrap().id;
    scene.must(Command::Action(action::Command::Release { id: held }));
    everything_works(&mut scene);
    expect![
        "incident INC-2 is not recovered: service shop failed: n2 was contained again by ACT-42 (`node.cut`)"
    ]
    .assert_eq(&scene.refused(close()));
    scene.must(ask(id, Restore::Begin));
    everything_works(&mut scene);
    scene.must(close());
}
