//! What signals come to, to the thousandth.

use expect_test::expect;
use serde_json::json;

use super::*;
use crate::scene::{Scene, shipped};

fn rules() -> Rules {
    let (content, problems) = crate::content::load(&shipped());
    assert_eq!(problems, []);
    content.scores
}

fn line(verb: &str, artefact: &Value) -> String {
    let made = rules().of(verb, Some(artefact), None);
    made.iter().map(Score::line).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_part_adds_above_its_bound_and_never_on_it() {
    expect!["user_risk 0 = nothing speaks for it"]
        .assert_eq(&line("session.scan", &json!({"attempts": 0, "privileged": false, "techniques": []})));
    expect!["user_risk 0.6 = 0.3 attempts + 0.15 attempts + 0.15 attempts"]
        .assert_eq(&line("session.scan", &json!({"attempts": 3, "privileged": false, "techniques": []})));
    expect![
        "user_risk 0.8 = 0.3 attempts + 0.15 attempts + 0.15 attempts + 0.1 sophistication + 0.1 privileged"
    ]
    .assert_eq(&line(
        "session.scan",
        &json!({"attempts": 99, "privileged": true, "techniques": ["perturbation"]}),
    ));
    expect!["sophistication 0.85 = 0.3 techniques.role_override + 0.25 techniques.encoding + 0.3 techniques.tool_abuse"]
        .assert_eq(&line("session.analyze", &json!({"techniques": ["tool_abuse", "encoding", "role_override", "x"]})));
}

#[test]
fn without_what_it_needs_there_is_no_score_and_nobody_types_one_in() {
    assert_eq!(line("session.scan", &json!({"user_risk": 0.9, "techniques": []})), "");
    assert_eq!(line("session.scan", &json!({})), "");
    assert_eq!(
        line("session.scan", &json!({"attempts": 1, "privileged": true})),
        "",
        "nor has it what a share needs"
    );
    assert_eq!(rules().of("session.scan", None, None), []);
    assert_eq!(line("node.status", &json!({"attempts": 3})), "", "it is not asked of this verb");
    let told = json!({"attempts": 1, "privileged": false, "techniques": [], "user_risk": 1.0, "sophistication": 1.0});
    expect!["user_risk 0.3 = 0.3 attempts"].assert_eq(&line("session.scan", &told));
}

#[test]
fn strange_answers_are_bounded_and_say_nothing() {
    let words: Vec<String> = (0..10_000).map(|number| format!("word{number}")).collect();
    let read = signals(&json!({"techniques": words, "deep": {"attempts": 9}, "none": null}));
    assert_eq!((read.len(), read["techniques"]), (WORDS_MAX + 1, 10_000.0));
    let many: serde_json::Map<String, Value> =
        (0..10_000).map(|number| (format!("n{number}"), json!(1))).collect();
    assert_eq!(signals(&many.into()).len(), SIGNALS_MAX);
    assert_eq!(signals(&json!([1, 2])).len(), 0);
    let posing = json!({"incident.severity": 4, "incident": "severity", "incident.x": [1], "incidents": 2});
    assert_eq!(
        signals(&posing).into_keys().collect::<Vec<_>>(),
        ["incidents"],
        "that is the platform's to say"
    );
    assert_eq!(signals(&json!({("x".repeat(65)): 1, "long": "y".repeat(65)})).len(), 0);
}

#[test]
fn a_score_can_weigh_what_the_incident_says() {
    let part = |signal: &str, above| Part::Signal { signal: signal.to_owned(), above, weight: 500 };
    let rule = Rule {
        name: "reach".to_owned(),
        of: vec!["session.scan".to_owned()],
        needs: vec![],
        parts: vec![
            part("incident.targets", 1.0),
            part("incident.severity", 2.0),
            part("incident.techniques", 0.0),
        ],
    };
    let mut scene = Scene::new(&[]);
    scene.alert([
        ("alertname", "A"),
        ("incident_type", "policy_violation"),
        ("severity", "high"),
        ("node", "n"),
    ]);
    let incident = &scene.state.incidents.open[&scene.incident()];
    let made = Rules { rules: vec![rule] }.of("session.scan", Some(&json!({})), Some(incident));
    expect!["reach 0.5 = 0.5 incident.severity"].assert_eq(&made[0].line());
}

#[test]
fn the_score_of_an_answer_stands_in_its_fact() {
    let mut scene = Scene::new(&[]);
    scene.alert([
        ("alertname", "A"),
        ("incident_type", "prompt_injection"),
        ("severity", "high"),
        ("session", "session-8"),
        ("account", "account-8"),
    ]);
    let scan = |scene: &Scene| {
        let open = scene.calling();
        open.into_iter().find(|id| &*scene.state.actions.get(*id).unwrap().spec.verb == "session.scan")
    };
    for _ in 0..10 {
        if scan(&scene).is_some() {
            break;
        }
        scene.calling().into_iter().for_each(|id| scene.applied(id));
    }
    let id = scan(&scene).unwrap();
    let artefact =
        Some(json!({"attempts": 3, "privileged": true, "techniques": ["encoding"], "user_risk": 0.01}));
    scene.answer(id, crate::action::Outcome::Applied { verified: None, artefact });
    let action = scene.state.actions.get(id).unwrap();
    expect!["user_risk 0.762 = 0.3 attempts + 0.15 attempts + 0.15 attempts + 0.062 sophistication + 0.1 privileged"]
        .assert_eq(&action.scores[0].line());
    let asked =
        scene.calling().into_iter().map(|id| scene.state.actions.get(id).unwrap().spec.verb.to_string());
    assert_eq!(asked.collect::<Vec<_>>(), ["account.require_reauth"]);
}
