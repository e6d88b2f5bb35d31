//! Tests of the faults: which call meets which, and the short form.

use expect_test::expect;

use super::{Faults, Mode, Route, Rule};

fn draws(rules: Vec<Rule>, calls: usize) -> String {
    let mut faults = Faults { seed: 1, rules };
    let names: Vec<&str> = (0..calls).map(|_| faults.draw(Route::Action, "node.isolate").name()).collect();
    names.join(" ")
}

#[test]
fn counts_and_skips() {
    let rule = Rule { skip: 1, ..Rule::next(2, Mode::DropBefore) };
    expect!["ok drop_before drop_before ok ok"].assert_eq(&draws(vec![rule], 5));
}

#[test]
fn the_first_rule_that_shows_a_fault_decides() {
    let rules = vec![Rule::next(1, Mode::DropBefore), Rule::always(Mode::ApplyThenDrop)];
    expect!["drop_before apply_then_drop apply_then_drop"].assert_eq(&draws(rules, 3));
}

#[test]
fn verbs_and_routes() {
    let mut faults = Faults {
        seed: 1,
        rules: vec![Rule { verb: Some("key.revoke".to_owned()), ..Rule::always(Mode::DropBefore) }],
    };
    assert_eq!(faults.draw(Route::Action, "node.isolate"), Mode::Ok);
    assert_eq!(faults.draw(Route::Read, "key.revoke"), Mode::Ok);
    assert_eq!(faults.draw(Route::Action, "key.revoke"), Mode::DropBefore);
}

#[test]
fn chances_follow_the_seed() {
    let rule = || vec![Rule { probability: 0.3, ..Rule::always(Mode::DropBefore) }];
    let drawn = draws(rule(), 1000);
    assert_eq!(drawn, draws(rule(), 1000));
    let faults = drawn.matches("drop_before").count();
    assert!((250..350).contains(&faults), "{faults}");
}

#[test]
fn short_forms() {
    let parsed = |text: &str| match text.parse::<Rule>() {
        Ok(rule) => serde_json::to_string(&rule).unwrap(),
        Err(error) => error.to_string(),
    };
    let texts = [
        "apply_then_drop",
        "slow:200@node.isolate*3",
        "too_many%25",
        "apply_then_error*1",
        "slow",
        "hang%101",
        "x:y",
    ];
    let seen: Vec<String> = texts.into_iter().map(parsed).collect();
    expect![[r#"
        {"fault":{"mode":"apply_then_drop"},"route":"action","skip":0,"probability":1.0}
        {"fault":{"mode":"slow","ms":200},"verb":"node.isolate","route":"action","skip":0,"count":3,"probability":1.0}
        {"fault":{"mode":"too_many","retry_after_s":1},"route":"action","skip":0,"probability":0.25}
        {"fault":{"mode":"error","applied":true},"route":"action","skip":0,"count":1,"probability":1.0}
        faults: `slow` is not MODE[:NUMBER][@VERB][*COUNT][%PERCENT]; the modes are ok, error, apply_then_error, slow:MS, hang, apply_then_hang, drop_before, apply_then_drop, answer_twice, wrong_success, too_many[:SECONDS], trickle:MS, huge:BYTES
        faults: `hang%101` is not MODE[:NUMBER][@VERB][*COUNT][%PERCENT]; the modes are ok, error, apply_then_error, slow:MS, hang, apply_then_hang, drop_before, apply_then_drop, answer_twice, wrong_success, too_many[:SECONDS], trickle:MS, huge:BYTES
        faults: `x:y` is not MODE[:NUMBER][@VERB][*COUNT][%PERCENT]; the modes are ok, error, apply_then_error, slow:MS, hang, apply_then_hang, drop_before, apply_then_drop, answer_twice, wrong_success, too_many[:SECONDS], trickle:MS, huge:BYTES"#]].assert_eq(&seen.join("\n"));
}

#[test]
fn a_document_that_makes_no_sense_is_refused() {
    let wrong = Rule { probability: 1.5, ..Rule::always(Mode::Ok) };
    let error = Faults { seed: 0, rules: vec![wrong] }.check().unwrap_err();
    expect!["faults: probability `1.5` is not from 0 to 1"].assert_eq(&error.to_string());
    assert!(
        serde_json::from_str::<Faults>(r#"{"rules": [{"fault": {"mode": "ok"}, "chance": 1}]}"#).is_err()
    );
    assert!(Faults { seed: 0, rules: vec![Rule::always(Mode::Ok); 101] }.check().is_err());
}
