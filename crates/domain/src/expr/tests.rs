//! What expressions mean, what is refused, and that neither source nor data can do harm.

mod generated;
mod language;
mod limits;

use expect_test::Expect;
use jiff::{SignedDuration, Timestamp};

use super::*;

/// An environment shaped like that of a playbook.
fn env() -> Env {
    let strings = Type::list(Type::String);
    let step = Type::record("step", [("applied", Type::Bool), ("attempts", Type::Int)]);
    let steps = Type::record("steps", [("isolate", step.clone()), ("revoke", step)]);
    let containment = Type::record("containment", [("verified", Type::Bool), ("target", Type::String)]);
    let incident = Type::record(
        "incident",
        [
            ("severity", Type::Int),
            ("title", Type::String),
            ("opened", Type::Timestamp),
            ("tags", strings.clone()),
        ],
    );
    let risk = Type::record("risk", [("low", Type::Int), ("high", Type::Int)]);
    Env::new()
        .variable("incident", incident.clone())
        .variable("steps", steps)
        .variable("risk", risk)
        .variable("containments", Type::list(containment))
        .variable("labels", Type::map(Type::String))
        .variable("now", Type::Timestamp)
        .variable("numbers", Type::list(Type::Int))
        .variable("x", Type::Int)
        .variable("y", Type::Int)
        .variable("d", Type::Double)
        .variable("s", Type::String)
        .variable("yes", Type::Bool)
        .variable("fault", Type::Bool)
        .method(incident, "targets", vec![Type::String], strings)
        .function("today", vec![], Type::String)
}

fn bindings() -> Bindings<'static> {
    let step = Value::map([("applied", Value::Bool(true)), ("attempts", Value::Int(2))]);
    let containment = |target: &str, verified: bool| {
        Value::map([("target", Value::from(target)), ("verified", Value::Bool(verified))])
    };
    let opened: Timestamp = "2026-11-21T10:00:00Z".parse().expect("a timestamp");
    let incident = Value::map([
        ("severity", Value::Int(3)),
        ("title", Value::from("Größe ☃ \" && true || size(labels) > 0 //")),
        ("opened", Value::Timestamp(opened)),
        ("tags", Value::from(vec!["a", "b"])),
    ]);
    Bindings::new()
        .variable("incident", incident)
        .variable("steps", Value::map([("isolate", step)]))
        .variable("risk", Value::map([("low", Value::Int(1)), ("high", Value::Int(3))]))
        .variable("containments", Value::list([containment("n1", true), containment("n2", false)]))
        .variable("labels", Value::map([("zone", Value::from("eu"))]))
        .variable("now", opened + SignedDuration::from_mins(90))
        .variable("numbers", Value::from(vec![3_i64, 1, 2]))
        .variable("x", 7_i64)
        .variable("y", 0_i64)
        .variable("d", 2.5)
        .variable("s", "text")
        .variable("yes", true)
        .function("targets", |arguments| match arguments[1].as_str() {
            Some("node") => Ok(Value::from(vec!["n1", "n2"])),
            _ => Err(EvalError::new("no such kind of target")),
        })
        .function("today", |_| Ok(Value::from("Saturday")))
}

/// Compiles to whatever type fits, found by asking for one that cannot.
fn compile(source: &str) -> Result<Expr, Vec<Problem>> {
    let never = Type::record("never", [("x", Type::Bool)]);
    let problems = Expr::compile(source, &env(), &never).expect_err("no expression has this type");
    for ty in candidates() {
        let message = format!("the expression must be never, but is {ty}");
        if problems.len() == 1 && problems[0].message == message {
            return Expr::compile(source, &env(), &ty);
        }
    }
    Err(problems)
}

fn candidates() -> Vec<Type> {
    let scalars = [Type::Bool, Type::Int, Type::Double, Type::String, Type::Duration, Type::Timestamp];
    let lists = scalars.clone().map(Type::list);
    let nested = scalars.clone().map(|ty| Type::list(Type::list(ty)));
    scalars.into_iter().chain(lists).chain(nested).collect()
}

fn show(value: &Value) -> String {
    match value {
        Value::Bool(value) => value.to_string(),
        Value::Int(number) => number.to_string(),
        Value::Double(number) => format!("{number:?}"),
        Value::String(text) => format!("{text:?}"),
        Value::Duration(duration) => format!("{duration:?}"),
        Value::Timestamp(at) => at.to_string(),
        Value::List(items) => format!("[{}]", items.iter().map(show).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => format!("{:?}", entries.keys().collect::<Vec<_>>()),
    }
}

/// The value, the error, or the problems of a source, as text.
fn outcome(source: &str) -> String {
    match compile(source) {
        Ok(expr) => match expr.evaluate(&bindings()) {
            Ok(value) => show(&value),
            Err(error) => format!("error at {}: {error}", error.offset),
        },
        Err(problems) => problems
            .iter()
            .map(|problem| format!("{}..{}: {}", problem.start, problem.end, problem.message))
            .collect::<Vec<_>>()
            .join("; "),
    }
}

/// Checks a table of lines `source => outcome`, in which `⏎` stands for a line break.
fn table(expected: Expect) {
    let lines: Vec<String> = expected
        .data()
        .trim()
        .lines()
        .map(|line| {
            let source = line.trim().split_once(" => ").expect("a line of the table").0;
            format!("{source} => {}\n", outcome(&source.replace('⏎', "\n")))
        })
        .collect();
    expected.assert_eq(&lines.concat());
}
