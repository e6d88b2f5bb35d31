//! What is offered, in which order, why the rest is not, and what taking one comes to.

use std::collections::BTreeSet;

use expect_test::expect;

use super::{Because, options};
use crate::{
    access::{self, Role},
    action, control,
    event::{Actor, Event},
    flow::Command,
    id::{IncidentId, PersonId},
    incident,
    scene::{Scene, all_shipped, person, shipped},
    severity::Severity,
};

/// An incident that a person opened, for which nothing runs by itself.
fn opened(
    scene: &mut Scene,
    incident_type: &str,
    severity: Severity,
    targets: &[(&str, &str)],
) -> IncidentId {
    let targets = targets.iter().map(|(kind, name)| ((*kind).into(), (*name).into())).collect();
    let (title, incident_type) = ("seen".to_owned(), incident_type.to_owned());
    scene.must(Command::Incident(incident::Command::Open { title, incident_type, severity, targets }));
    scene.incident()
}

/// The shipped strategies without playbooks and without what runs at once.
fn quiet() -> Scene {
    let mut files = shipped();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    let strategies = files.get_mut("strategies.yaml").unwrap();
    let cut = strategies.find("at_once:\n").unwrap();
    strategies.truncate(cut);
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    Scene::with(content)
}

fn listed(scene: &Scene, id: IncidentId, actor: &Actor) -> String {
    let choices = options(&scene.state, id, actor, scene.now).unwrap();
    let line = |choice: &super::Choice| {
        let strategy = &choice.strategy;
        let says = match &choice.omitted {
            None => format!("on {} of {}", choice.targets_max, choice.targets.join(" ")),
            Some(omitted) => format!("{}: {}", omitted.because.name(), omitted.reason),
        };
        let needs = choice.needs.as_ref().map_or_else(String::new, |(_, why)| format!(", {why}"));
        let (risk, cost) = (strategy.risk.name(), strategy.side_effects.len());
        format!("{} {risk} {cost} {says}{needs}\n", strategy.id)
    };
    choices.iter().map(line).collect()
}

const NODES: [(&str, &str); 4] =
    [("node", "validator-1"), ("node", "validator-2"), ("node", "validator-3"), ("key", "key-1")];

#[test]
fn the_least_risky_comes_first_and_each_that_is_left_out_says_why() {
    let mut scene = quiet();
    let id = opened(&mut scene, "validator_compromise", Severity::High, &NODES);
    expect![[r#"
        watch_nodes low 1 on 3 of validator-1 validator-2 validator-3
        revoke_keys medium 1 on 1 of key-1
        isolate_nodes medium 2 on 2 of validator-1 validator-2 validator-3
        patch_nodes high 1 on 3 of validator-1 validator-2 validator-3
        block_addresses low 1 no_target: the incident names no address
        suspend_accounts low 1 no_target: the incident names no account
        isolate_segments critical 2 severity: it is for critical to critical, and the incident is high
    "#]]
    .assert_eq(&listed(&scene, id, &person()));
}

#[test]
fn taking_one_is_an_action_by_hand_that_keeps_its_strategy() {
    let mut scene = quiet();
    let id = opened(&mut scene, "validator_compromise", Severity::High, &NODES);
    let take = |targets: &[&str]| {
        let targets = targets.iter().map(ToString::to_string).collect();
        Command::Action(action::Command::Take { incident: id, strategy: "isolate_nodes".to_owned(), targets })
    };
    expect!["3 targets, and `node.isolate` may reach 2 now; name those that matter most"]
        .assert_eq(&scene.refused(take(&[])));
    expect![
        "`validator-9` is no node that it can act on here; those are validator-1, validator-2, validator-3"
    ]
    .assert_eq(&scene.refused(take(&["validator-9"])));
    scene.look();
    // What is named twice is reached once.
    scene.must(take(&["validator-1", "validator-3", "validator-1"]));
    let calling = scene.calling();
    let specs: Vec<_> = calling.iter().map(|id| scene.state.actions.get(*id).unwrap().spec.clone()).collect();
    let taken: Vec<_> = specs.iter().map(|spec| (&*spec.target, spec.strategy.as_deref())).collect();
    assert_eq!(taken, [("validator-1", Some("isolate_nodes")), ("validator-3", Some("isolate_nodes"))]);
    assert!(specs.iter().all(|spec| spec.args["level"] == "full" && spec.origin == action::Origin::Person));
    assert_eq!(specs[0].lease.unwrap().span.unwrap().to_string(), "4h");
    calling.into_iter().for_each(|id| scene.applied(id));
    // Two of seven are out, and more may not be; the same is not done again.
    expect!["`isolate_nodes` cannot be applied: `node.isolate` is in force on 2 and may be on 2 at once; release one or raise in_force_max"]
        .assert_eq(&scene.refused(take(&[])));
    let body = scene.facts.iter().find_map(|fact| {
        let Event::Action(_, action::Event::Intended { spec: Some(spec), .. }) = &fact.event else {
            return None;
        };
        serde_json::to_value(spec).ok()
    });
    assert_eq!(body.unwrap()["strategy"], "isolate_nodes");
}

#[test]
fn what_holds_already_limits_and_breakers_leave_out() {
    let mut scene = quiet();
    let id =
        opened(&mut scene, "key_compromise", Severity::High, &[("key", "key-1"), ("account", "account-1")]);
    let take = |name: &str| {
        let (strategy, targets) = (name.to_owned(), Vec::new());
        Command::Action(action::Command::Take { incident: id, strategy, targets })
    };
    scene.must(take("revoke_keys"));
    let breaker = control::Command::SetBreaker {
        name: "account.suspend".to_owned(),
        on: true,
        reason: "it cuts off too many".to_owned(),
    };
    scene.must(Command::Control(breaker));
    let found = options(&scene.state, id, &person(), scene.now).unwrap();
    let why = |name: &str| {
        let choice = found.iter().find(|choice| choice.strategy.id == name).unwrap();
        let omitted = choice.omitted.as_ref().unwrap();
        (omitted.because, omitted.reason.clone())
    };
    assert_eq!(why("revoke_keys").0, Because::InForce);
    assert_eq!(why("suspend_accounts").0, Because::Limit);
    assert!(why("suspend_accounts").1.contains("circuit breaker `account.suspend` is open"));
    assert!(scene.refused(take("suspend_accounts")).contains("circuit breaker"));
    assert!(scene.refused(take("revoke_keys")).contains("it holds already on every key"));
    assert!(
        scene
            .refused(take("isolate_segments"))
            .contains("is no strategy of strategies.yaml for key_compromise")
    );
}

#[test]
fn a_level_that_asks_for_people_is_said_and_asked() {
    let mut scene = quiet();
    let id = opened(&mut scene, "key_compromise", Severity::High, &[("key", "key-1")]);
    let emergency =
        control::Command::SetSafeMode { level: control::SafeMode::Emergency, reason: "drill".to_owned() };
    scene.must(Command::Control(emergency));
    let found = options(&scene.state, id, &person(), scene.now).unwrap();
    let revoke = found.iter().find(|choice| choice.strategy.id == "revoke_keys").unwrap();
    assert!(revoke.needs.as_ref().unwrap().1.ends_with("it needs the approval of 1 person"), "{revoke:?}");
    let take =
        action::Command::Take { incident: id, strategy: "revoke_keys".to_owned(), targets: Vec::new() };
    scene.must(Command::Action(take));
    assert_eq!(scene.calling(), [], "nothing is called before somebody else has allowed it");
    assert_eq!(scene.state.approvals.len(), 1);
}

#[test]
fn who_lacks_a_permission_sees_and_gets_a_refusal() {
    let mut files = all_shipped();
    let contacts = files.get_mut("contacts.yaml").unwrap();
    *contacts =
        contacts.replace("- name: senior_engineer\n", "- name: senior_engineer\n    accounts: [senna]\n");
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    let mut scene = Scene::with(content);
    let id = PersonId::from_number(scene.next);
    scene
        .must(Command::Access(access::Command::AddPerson { name: "cleo".to_owned(), role: Role::Commander }));
    let actor = Actor::Person(id);
    let nodes = [("node", "validator-1"), ("segment", "core")];
    let incident = opened(&mut scene, "validator_compromise", Severity::Critical, &nodes);
    let found = options(&scene.state, incident, &actor, scene.now).unwrap();
    let because = |name: &str| {
        let choice = found.iter().find(|choice| choice.strategy.id == name).unwrap();
        choice.omitted.as_ref().map(|omitted| omitted.because)
    };
    assert_eq!(because("isolate_segments"), Some(Because::Permission));
    assert_eq!(because("patch_nodes"), Some(Because::Permission));
    let (strategy, targets) = ("isolate_segments".to_owned(), Vec::new());
    let take = Command::Action(action::Command::Take { incident, strategy, targets });
    let refused = scene.ask(actor, take).unwrap_err().to_string();
    assert!(refused.starts_with("`containment.apply` of isolate_segments is refused by policy"), "{refused}");
}

/// The least that the sources ask of each shipped type: there is something to choose.
#[test]
fn every_shipped_type_has_strategies_and_each_kind_of_the_sources_has_one() {
    let content = crate::content::load(&all_shipped()).0;
    // Upkeep contains nothing.
    for kind in content.types.values().filter(|kind| kind.category != "upkeep").map(|kind| &kind.name) {
        let own = content.strategies.list.iter().filter(|one| one.is_for(kind) && !one.types.is_empty());
        assert!(own.count() > 0 || kind.as_str() == "break_glass", "{kind} has no strategy of its own");
    }
    let verbs: BTreeSet<&str> = content.strategies.list.iter().map(|one| one.verb.as_str()).collect();
    let named = [
        "node.isolate",
        "key.revoke",
        "account.suspend",
        "service.disable",
        "segment.isolate",
        "patch.apply",
    ];
    assert!(named.iter().all(|verb| verbs.contains(verb)), "{verbs:?}");
    let filled =
        |one: &crate::content::strategies::Strategy| !one.description.is_empty() && !one.target.is_empty();
    assert!(content.strategies.list.iter().all(|one| filled(one)));
}
