//! Properties: the parser and evaluator survive anything, and the normal form reads back as itself.

use proptest::prelude::*;

use super::super::ast::{Fold, Kind, Node, Operator};
use super::super::parse::parse;
use super::*;

fn node(kind: Kind) -> Node {
    Node { span: 0..0, kind }
}

fn name() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["x", "y", "s", "yes", "incident", "numbers", "_a1", "labels"])
        .prop_map(str::to_owned)
}

fn leaf() -> impl Strategy<Value = Node> {
    prop_oneof![
        any::<bool>().prop_map(Kind::Bool),
        any::<i64>().prop_map(Kind::Int),
        (-5_i64..5).prop_map(Kind::Int),
        prop::num::f64::NORMAL.prop_map(Kind::Double),
        (-2_i32..2).prop_map(|number| Kind::Double(f64::from(number))),
        any::<String>().prop_map(Kind::String),
        name().prop_map(Kind::Name),
        Just(Kind::Duration(SignedDuration::from_mins(5), "5m".to_owned())),
    ]
    .prop_map(node)
}

fn tree() -> impl Strategy<Value = Node> {
    leaf().prop_recursive(6, 40, 4, |inner| {
        let one = inner.clone().prop_map(Box::new);
        let many = prop::collection::vec(inner.clone(), 0..4);
        let run = prop::collection::vec(inner, 2..4);
        let operator = prop::sample::select(Operator::ALL.to_vec());
        let fold = prop::sample::select(Fold::ALL.to_vec());
        prop_oneof![
            many.clone().prop_map(Kind::List),
            (one.clone(), name()).prop_map(|(of, name)| Kind::Field(of, name)),
            (one.clone(), name()).prop_map(|(of, name)| Kind::Has(of, name)),
            (one.clone(), one.clone()).prop_map(|(of, index)| Kind::Index(of, index)),
            (prop::option::of(one.clone()), name(), many)
                .prop_map(|(of, name, rest)| Kind::Call(of, name, rest)),
            (fold, one.clone(), name(), one.clone())
                .prop_map(|(fold, of, name, body)| Kind::Fold(fold, of, name, body)),
            one.clone().prop_map(Kind::Not),
            one.clone().prop_map(Kind::Negate),
            (operator, one.clone(), one.clone())
                .prop_map(|(operator, left, right)| Kind::Binary(operator, left, right)),
            run.clone().prop_map(Kind::And),
            run.prop_map(Kind::Or),
            (one.clone(), one.clone(), one)
                .prop_map(|(condition, then, other)| Kind::Choice(condition, then, other)),
        ]
        .prop_map(node)
    })
}

/// Whether macros are nested deeper than the parser accepts; generated trees may be.
fn is_refused_for_size(problem: &Problem) -> bool {
    ["too deeply", "bytes", "too many"].iter().any(|reason| problem.message.contains(reason))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_normal_form_reads_back_as_the_same_tree(tree in tree()) {
        let text = tree.to_string();
        match parse(&text) {
            Ok(parsed) => prop_assert_eq!(parsed, tree, "{}", text),
            Err(problem) => prop_assert!(is_refused_for_size(&problem), "{} in {}", problem, text),
        }
    }

    #[test]
    fn generated_expressions_compile_and_evaluate_without_panic(tree in tree()) {
        if let Ok(expr) = compile(&tree.to_string()) {
            let first = expr.evaluate(&bindings());
            prop_assert!(expr.cost() <= MAX_COST);
            prop_assert_eq!(format!("{first:?}"), format!("{:?}", expr.evaluate(&bindings())));
        }
    }

    #[test]
    fn any_text_is_parsed_without_panic(source in "\\PC{0,60}") {
        let _ = parse(&source);
    }

    #[test]
    fn token_soup_is_compiled_without_panic(
        tokens in prop::collection::vec(prop::sample::select(vec![
            "x", "s", "numbers", ".", "(", ")", "[", "]", ",", "+", "-", "*", "/", "%", "==", "<", "in", "&&", "||",
            "!", "?", ":", "1", "1.5", "'a'", "all", "map", "has", "size", "duration", "n", "true", "{", "//", "\n",
        ]), 0..40)
    ) {
        let source = tokens.join(" ");
        if let Err(problems) = Expr::compile(&source, &env(), &Type::Bool) {
            prop_assert!(!problems.is_empty());
            for problem in problems {
                prop_assert!(problem.start <= problem.end && problem.end <= source.len());
            }
        }
    }
}
