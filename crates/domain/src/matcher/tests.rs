//! Matchers against the tables of the Alertmanager project, and against themselves.

use proptest::prelude::*;

use super::{Matcher, Operator, parse, parse_list};
use crate::labels::Labels;

#[derive(serde::Deserialize)]
struct Case {
    id: String,
    input: String,
    /// Which of the two parsers the table was written for; none: both together.
    parser: Option<String>,
    error: Option<String>,
    want: Option<Vec<Wanted>>,
}

#[derive(serde::Deserialize)]
struct Wanted {
    name: String,
    op: String,
    value: String,
}

#[expect(clippy::disallowed_methods, reason = "tests may read the corpus")]
fn cases() -> Vec<Case> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let corpus = std::env::var("RINGFENCE_CORPUS").unwrap_or_else(|_| default.to_owned());
    let path = format!("{corpus}/alertmanager/matchers.jsonl");
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{path}: {error}; set RINGFENCE_CORPUS to the corpus"));
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn wanted(case: &Case) -> Vec<Matcher> {
    let operator = |op: &str| match op {
        "MatchEqual" => Operator::Equal,
        "MatchNotEqual" => Operator::NotEqual,
        "MatchRegexp" => Operator::Match,
        "MatchNotRegexp" => Operator::NotMatch,
        other => panic!("{}: operator {other}", case.id),
    };
    let wanted = case.want.iter().flatten();
    wanted.map(|m| Matcher::new(&m.name, operator(&m.op), &m.value).unwrap()).collect()
}

#[test]
fn lists_are_read_as_the_public_tables_say() {
    let cases = cases();
    assert!(cases.len() > 50, "the table is shorter than it was: {}", cases.len());
    for case in cases {
        let single = case.error.as_deref() == Some("no matchers");
        let found = match case.parser.as_deref() {
            None => parse_list(&case.input),
            Some("utf8") if single => super::parse::one_utf8(&case.input).map(|m| vec![m]),
            Some("utf8") => super::parse::list_utf8(&case.input),
            Some(other) => panic!("{}: parser {other}", case.id),
        };
        match &case.error {
            Some(error) => assert!(found.is_err(), "{}: {:?} is {error}", case.id, case.input),
            None => assert_eq!(found, Ok(wanted(&case)), "{}: {:?}", case.id, case.input),
        }
    }
}

#[test]
fn one_matcher_is_read_like_a_list_of_one() {
    for case in cases() {
        let wanted = wanted(&case);
        let both = case.parser.is_none() && case.error.is_none() && wanted.len() == 1;
        // Without braces: only the list knows those in the classic syntax.
        if both && !case.input.starts_with('{') {
            assert_eq!(parse(&case.input).as_ref(), Ok(&wanted[0]), "{}: {:?}", case.id, case.input);
        }
    }
}

#[track_caller]
fn refused(text: &str, because: &str) {
    let error = parse(text).unwrap_err();
    assert!(error.contains(because), "{error}");
}

#[test]
fn what_is_refused_is_named() {
    refused("", "is not a matcher");
    refused("severity", "is not a matcher");
    refused("{node}", "is not a matcher");
    refused("node=\"a", "double quote");
    refused("node=\"a\\\"", "double quote");
    refused("node=~\"(\"", "is not a usable regular expression");
    refused("a=\"b\",c=\"d\"", "double quote");
}

#[test]
fn an_absent_label_counts_as_empty_and_expressions_are_anchored() {
    let labels = Labels::from([("node", "validator-3")]);
    let holds = |text: &str| parse(text).unwrap().matches(&labels);
    assert!(holds("node=~validator-.*") && holds("owner=\"\"") && holds("owner!~x"));
    assert!(!holds("node=~validator") && !holds("owner!=\"\"") && !holds("node!=validator-3"));
}

fn operators() -> impl Strategy<Value = Operator> {
    prop_oneof![Just(Operator::Equal), Just(Operator::NotEqual)]
}

proptest! {
    #[test]
    fn a_matcher_reads_back_as_written(name in "\\PC{1,8}", op in operators(), value in "(?s).{0,12}") {
        let matcher = Matcher::new(&name, op, &value).unwrap();
        prop_assert_eq!(parse(&matcher.to_string()), Ok(matcher.clone()));
        prop_assert_eq!(parse_list(&format!("{{{matcher},{matcher}}}")), Ok(vec![matcher.clone(), matcher]));
    }

    #[test]
    fn any_text_is_read_or_refused(text in "[{}a=~!,\"\\\\xn0 ]{0,16}") {
        let _ = (parse(&text), parse_list(&text));
    }
}
