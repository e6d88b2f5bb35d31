//! Bombs, both at compile time and in data, and texts that try to be code.

use expect_test::expect;

use super::*;

fn refusal(source: &str) -> String {
    let problems = Expr::compile(source, &env(), &Type::Bool).expect_err("too large");
    assert_eq!(problems.len(), 1, "{problems:?}");
    problems[0].message.clone()
}

#[test]
fn size_and_depth_are_bounded() {
    let nested = |depth: usize| format!("{}yes{}", "(".repeat(depth), ")".repeat(depth));
    assert!(Expr::compile(&nested(MAX_DEPTH - 1), &env(), &Type::Bool).is_ok());
    let sources = [
        format!("{}yes", " ".repeat(MAX_SOURCE_BYTES)),
        nested(MAX_DEPTH),
        nested(2_000),
        format!("{}yes", "!".repeat(2_000)),
        format!("x == {}1", "-".repeat(100)),
        format!("x == 1{}", " + 1".repeat(40)),
        format!("x{} == 1", ".y".repeat(40)),
        format!("{}[0]{} == 1", "[".repeat(40), "]".repeat(40)),
        format!("{}yes", "yes ? yes : ".repeat(40)),
        format!("yes{}", " && yes".repeat(MAX_NODES)),
        format!("1 in [{}1]", "1, ".repeat(MAX_LIST_ELEMENTS)),
        format!("s == '{}'", "x".repeat(MAX_STRING_BYTES + 1)),
        "numbers.all(a, numbers.all(b, [1].all(c, a == b)))".to_owned(),
    ];
    let refusals: Vec<String> = sources.iter().map(|source| refusal(source) + "\n").collect();
    expect![[r#"
        the expression has 4099 bytes; at most 4096 are allowed
        nested too deeply; at most 32 levels are allowed
        nested too deeply; at most 32 levels are allowed
        the expression has too many parts; at most 512 are allowed
        nested too deeply; at most 32 levels are allowed
        nested too deeply; at most 32 levels are allowed
        nested too deeply; at most 32 levels are allowed
        nested too deeply; at most 32 levels are allowed
        nested too deeply; at most 32 levels are allowed
        the expression has too many parts; at most 512 are allowed
        a list of 257; at most 256 are allowed
        a string of 1025 bytes; at most 1024 are allowed
        list macros are nested too deeply; at most 2 are allowed
    "#]]
    .assert_eq(&refusals.concat());
    assert!(Expr::compile(&format!("yes{}", " && yes".repeat(400)), &env(), &Type::Bool).is_ok());
}

#[test]
fn dear_expressions_are_refused_with_the_figure() {
    let sources = [
        "numbers.all(a, numbers.all(b, a == b))",
        "numbers.map(a, numbers + numbers).size() == 0",
        "numbers.all(a, numbers.map(b, [a, b, a, b, a, b]).size() > 0)",
        "(numbers + numbers + numbers + numbers).all(a, containments.exists(c, c.verified))",
    ];
    let refusals: Vec<String> = sources.iter().map(|source| refusal(source) + "\n").collect();
    expect![[r#"
        the expression may cost 4003002 steps with lists of 1000; at most 1000000 are allowed
        the expression may cost 2004008 steps with lists of 1000; at most 1000000 are allowed
        the expression may cost 8009002 steps with lists of 1000; at most 1000000 are allowed
        the expression may cost 12021008 steps with lists of 1000; at most 1000000 are allowed
    "#]]
    .assert_eq(&refusals.concat());
    for source in [
        "incident.targets('node').all(t, t in incident.tags)",
        "containments.all(c, ['a', 'b', 'c'].exists(p, c.target.startsWith(p)))",
        "numbers.filter(n, n > 1).map(n, n + 1).exists(n, n == 2)",
    ] {
        let expr = Expr::compile(source, &env(), &Type::Bool).expect("affordable");
        assert!(expr.cost() <= MAX_COST, "{source} costs {}", expr.cost());
    }
}

#[test]
fn data_larger_than_assumed_runs_out_of_fuel() {
    let env = Env::new().variable("xs", Type::list(Type::String)).variable("ys", Type::list(Type::String));
    let long: Vec<String> = (0..100_000).map(|number| format!("{number:0>100}")).collect();
    let bindings = Bindings::new().variable("xs", long.clone()).variable("ys", long);
    for source in [
        "xs.all(x, x in ys)",
        "xs.exists(x, x + 'a' in ys) || true",
        "xs.map(x, ys).size() > 0 && xs.all(x, xs == ys)",
    ] {
        let expr = Expr::compile(source, &env, &Type::Bool).expect("affordable as declared");
        let error = expr.evaluate(&bindings).expect_err("out of fuel");
        assert_eq!(
            error.message,
            format!("the evaluation took more than {EVALUATION_FUEL} steps"),
            "{source}"
        );
    }
}

#[test]
fn texts_cannot_grow_without_fuel() {
    let env = Env::new().variable("xs", Type::list(Type::String));
    let megabyte = Value::from("x".repeat(1 << 20));
    let bindings = Bindings::new().variable("xs", Value::list(vec![megabyte; 1_000]));
    let source = "xs.map(x, x + x + x + x)";
    let expr = Expr::compile(source, &env, &Type::list(Type::String)).expect("affordable as declared");
    assert!(expr.evaluate(&bindings).is_err());
}

#[test]
fn hostile_texts_stay_texts() {
    for hostile in [
        "\" || true || \"",
        "') || true || ('",
        "${7*7} {{7*7}} %{7*7}",
        "incident.targets('node')",
        "\u{0}\u{202e}'; drop table incident; --",
        "numbers.all(a, numbers.all(b, numbers.all(c, true)))",
    ] {
        let env = Env::new().variable("title", Type::String);
        let bindings = Bindings::new().variable("title", hostile);
        let holds = |source: &str| {
            Expr::compile(source, &env, &Type::Bool).expect("a good expression").holds(&bindings)
        };
        assert_eq!(holds("title == 'x'"), Ok(false));
        assert_eq!(holds("title + '' == title && title.contains(title)"), Ok(true));
        let literal = Expr::compile(&format!("title == {}", quoted(hostile)), &env, &Type::Bool);
        assert_eq!(literal.expect("a quoted text").holds(&bindings), Ok(true));
    }
}

/// The text as a literal, by the same rules the normal form uses.
fn quoted(text: &str) -> String {
    ast::Node { span: 0..0, kind: ast::Kind::String(text.to_owned()) }.to_string()
}
