//! Operators against an oracle, the index against trying every rule, and hostile text as plain text.

use proptest::prelude::*;

use super::*;
use crate::matcher;

fn rule(id: &str, matchers: &[&str], condition: Option<Condition>) -> Rule {
    Rule {
        id: id.to_owned(),
        on: On::Alerts,
        over: None,
        unless: Vec::new(),
        by: Vec::new(),
        matchers: matchers.iter().map(|text| matcher::parse(text).unwrap()).collect(),
        condition,
        incident_type: "node_failure".to_owned(),
        severity: None,
        auto_response: true,
        escalation: None,
        open: false,
    }
}

fn asks(field: &str, test: Test) -> Condition {
    Condition::Test { field: field.into(), test }
}

fn every_test(number: f64, text: &str) -> Vec<Test> {
    vec![
        Test::Exists,
        Test::Equals(Operand::Number(number)),
        Test::Equals(Operand::Text(text.into())),
        Test::NotEquals(Operand::Number(number)),
        Test::NotEquals(Operand::Text(text.into())),
        Test::In(vec![Operand::Number(number), Operand::Text(text.into())]),
        Test::Greater(number),
        Test::GreaterOrEqual(number),
        Test::Less(number),
        Test::LessOrEqual(number),
        Test::Contains(text.into()),
        Test::StartsWith(text.into()),
        Test::EndsWith(text.into()),
        Test::matching(&regex::escape(text)).unwrap(),
    ]
}

#[test]
fn what_is_absent_fits_no_test() {
    let (labels, annotations) = (Labels::default(), Labels::from([("metric_x", "")]));
    let subject = Subject { labels: &labels, annotations: &annotations };
    for test in every_test(1.0, "a") {
        for field in ["x", "y"] {
            assert!(!asks(field, test.clone()).holds(subject), "{test:?}");
        }
    }
}

#[test]
fn a_metric_goes_before_a_label_and_a_label_before_an_annotation() {
    let labels = Labels::from([("x", "label"), ("y", "label")]);
    let annotations = Labels::from([("metric_x", "metric"), ("y", "note"), ("z", "note")]);
    let subject = Subject { labels: &labels, annotations: &annotations };
    assert_eq!(["x", "y", "z"].map(|name| subject.get(name)), [Some("metric"), Some("label"), Some("note")]);
}

#[test]
fn expressions_are_bounded() {
    assert!(Test::matching(&"a".repeat(REGEX_MAX + 1)).is_err());
    assert!(Test::matching("(a{1000}){1000}").is_err());
}

#[test]
fn an_alert_meets_only_rules_that_can_fit() {
    let name = |n: usize| format!("alertname=\"Alert{n}\"");
    let rules: Vec<Rule> = (0..1_000).map(|n| rule(&format!("r{n}"), &[&name(n)], None)).collect();
    let rules = Rules::from(rules);
    let (labels, none) =
        (Labels::from([("alertname", "Alert7"), ("node", "validator-1")]), Labels::default());
    let subject = Subject { labels: &labels, annotations: &none };
    assert_eq!(rules.candidates(subject).len(), 1);
    assert_eq!(rules.matching(subject)[0].id, "r7");
}

fn condition() -> impl Strategy<Value = Condition> {
    let leaf =
        (0..3usize, -2i32..3, "[ab]{1,2}", any::<prop::sample::Index>()).prop_map(|(f, n, t, which)| {
            let tests = every_test(f64::from(n), &t);
            asks(["x", "y", "z"][f], tests[which.index(tests.len())].clone())
        });
    leaf.prop_recursive(3, 12, 3, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 1..3).prop_map(Condition::All),
            prop::collection::vec(inner, 1..3).prop_map(Condition::Any),
        ]
    })
}

proptest! {
    #[test]
    fn numbers_compare_as_numbers(value in -5i32..5, bound in -5i32..5) {
        let (text, number) = (format!(" {value}.0"), f64::from(bound));
        let fits: Vec<bool> = every_test(number, "a").iter().map(|test| test.fits(&text)).collect();
        let expected = [value == bound, value != bound, value > bound, value >= bound, value < bound, value <= bound];
        prop_assert_eq!([fits[1], fits[3], fits[6], fits[7], fits[8], fits[9]], expected);
    }

    #[test]
    fn text_compares_as_text(value in "[abc.*(]{1,4}", part in "[abc.*(]{1,2}") {
        let fits: Vec<bool> = every_test(1.0, &part).iter().map(|test| test.fits(&value)).collect();
        prop_assert_eq!((fits[2], fits[4], fits[5]), (value == part, value != part, value == part));
        let expected = [value.contains(&part), value.starts_with(&part), value.ends_with(&part), value.contains(&part)];
        prop_assert_eq!(&fits[10..14], expected);
        prop_assert!(!fits[6] && !fits[7] && !fits[8] && !fits[9], "text is no number");
    }

    #[test]
    fn the_index_finds_what_trying_every_rule_finds_in_whatever_order(
        conditions in prop::collection::vec(condition(), 1..8),
        values in prop::collection::vec(prop_oneof![Just(String::new()), "[ab]{1,2}", "[-]?[0-2]"], 6),
    ) {
        let make = |(n, c): (usize, &Condition)| rule(&format!("r{n}"), &[], Some(c.clone()));
        let list: Vec<Rule> = conditions.iter().enumerate().map(make).collect();
        let names = ["x", "y", "z"];
        let labels = Labels::from_pairs(names.iter().zip(&values).map(|(n, v)| (*n, v.as_str())).collect()).unwrap();
        let metrics = [("metric_x", values[3].as_str()), ("metric_y", &values[4]), ("z", &values[5])];
        let annotations = Labels::from(metrics);
        let subject = Subject { labels: &labels, annotations: &annotations };
        let expected: Vec<&str> = list.iter().filter(|r| r.matches(subject)).map(|r| r.id.as_str()).collect();
        let backward: Vec<Rule> = list.iter().rev().cloned().collect();
        for rules in [Rules::from(list.clone()), Rules::from(backward)] {
            let found: Vec<&str> = rules.matching(subject).into_iter().map(|r| r.id.as_str()).collect();
            prop_assert_eq!(&found, &expected);
        }
    }

    #[test]
    fn hostile_text_stays_text(text in prop_oneof![
        Just("{{ 7*7 }}".to_owned()), Just("${jndi:ldap://x}".to_owned()), Just("'; DROP TABLE x; --".to_owned()),
        Just("<script>alert(1)</script>".to_owned()), Just("incident.severity == 'critical'".to_owned()),
        Just("(a+)+$".to_owned()), any::<String>(),
    ]) {
        prop_assume!(!text.is_empty());
        let labels = Labels::from([("x", text.as_str())]);
        let annotations = Labels::from([("metric_y", text.as_str())]);
        let subject = Subject { labels: &labels, annotations: &annotations };
        for field in ["x", "y"] {
            prop_assert!(asks(field, Test::Equals(Operand::Text(text.as_str().into()))).holds(subject));
            prop_assert!(!asks(field, Test::Equals(Operand::Text("49".into()))).holds(subject) || text == "49");
        }
    }
}
