//! What the gates of a playbook may read. The declaration that `load` compiles against and the values that a
//! run binds stand side by side here, so that they cannot drift apart.

use std::collections::BTreeMap;

use crate::{
    expr::{Bindings, Env, EvalError, Type, Value},
    incident::{
        Analysis, Target,
        analysis::{Area, Level},
    },
    severity::Severity,
};

/// The incident as gates see it.
#[derive(Debug, Clone, PartialEq)]
pub struct IncidentFacts<'a> {
    pub id: String,
    pub incident_type: &'a str,
    pub severity: Severity,
    pub title: &'a str,
    /// Kind and name of each.
    pub targets: &'a [Target],
}

/// Not a name that an expression could use.
const FIGURES: &str = "figures of the step";

/// How far one step has come.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct StepFacts {
    /// Nothing is left to do: applied, failed for good or skipped.
    pub done: bool,
    /// Every target is applied; also true when there was no target.
    pub applied: bool,
    pub failed: bool,
    pub skipped: bool,
    pub targets: u32,
    pub applied_count: u32,
    /// Every applied target was read back and holds.
    pub verified: bool,
    /// How often the steps inside of it have begun.
    pub rounds: u32,
    /// The numbers in what its calls gave back, by target and name.
    pub figures: BTreeMap<Box<str>, BTreeMap<Box<str>, f64>>,
}

/// One containment of the incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContainmentFacts<'a> {
    pub verb: &'a str,
    pub target: &'a str,
    pub verified: bool,
    pub in_force: bool,
}

/// Everything that a gate can read.
#[derive(Debug, Clone, PartialEq)]
pub struct GateFacts<'a> {
    pub incident: IncidentFacts<'a>,
    /// All steps of the playbook by id.
    pub steps: BTreeMap<&'a str, StepFacts>,
    /// All decisions by id, and what was chosen.
    pub decisions: BTreeMap<&'a str, Option<&'a str>>,
    pub containments: Vec<ContainmentFacts<'a>>,
    /// What people made out about the incident.
    pub analysis: &'a Analysis,
}

/// The names that gates and `for_each` of a playbook with these steps may use:
///
/// - `incident`: `id`, `type`, `severity`, `title` and `incident.targets(kind)`, a list of names;
/// - `severity`: `severity.informational` (0) to `severity.critical` (4);
/// - `steps.ID`: `done`, `applied`, `failed`, `skipped`, `verified`, `targets`, `applied_count`, `rounds`, and
///   `steps.ID.figure(name)`, a number in what its calls gave back, the largest over its targets; where there is
///   none, the expression cannot be evaluated, which is not the same as zero;
/// - `steps.ID.above(name, bound)`, the targets whose call gave back a larger number of this name;
/// - `analysis.findings`, how many are recorded; `analysis.impact`: `recorded`, and `systems`, `data`, `people`,
///   `business`, `regulation`, each from `impact.none` (0) to `impact.severe` (4), none where nobody rated it;
///   `analysis.threat`: `recorded`, `techniques` (a list of ids), `indicators` (how many); `analysis.cause`: `recorded`,
///   and `method`, which is empty until then; `analysis.eta`: `recorded`;
/// - `containments`: a list with `verb`, `target`, `verified`, `in_force`;
/// - `decisions.ID`, of a decision or a switch: `made`, and `choice`, which is empty until then.
pub fn gate_env<'a>(
    step_ids: impl IntoIterator<Item = &'a str>,
    decision_ids: impl IntoIterator<Item = &'a str>,
) -> Env {
    let incident = incident_type();
    let severities = Severity::ALL.map(|level| (level.name(), Type::Int));
    let step = step_type();
    let steps = Type::record("steps", step_ids.into_iter().map(|id| (id, step.clone())));
    let decision = Type::record("decision", [("made", Type::Bool), ("choice", Type::String)]);
    let decisions = Type::record("decisions", decision_ids.into_iter().map(|id| (id, decision.clone())));
    Env::new()
        .method(incident.clone(), "targets", vec![Type::String], Type::list(Type::String))
        .method(step.clone(), "figure", vec![Type::String], Type::Double)
        .method(step.clone(), "above", vec![Type::String, Type::Double], Type::list(Type::String))
        .variable("incident", incident)
        .variable("severity", Type::record("severity", severities))
        .variable("steps", steps)
        .variable("decisions", decisions)
        .variable("containments", Type::list(containment_type()))
        .variable("impact", Type::record("impact", Level::ALL.map(|level| (level.name(), Type::Int))))
        .variable("analysis", analysis_type())
}

fn analysis_type() -> Type {
    let areas = Area::ALL.map(|area| (area.name(), Type::Int));
    let rated = areas.into_iter().chain([("recorded", Type::Bool)]);
    let threat =
        [("recorded", Type::Bool), ("techniques", Type::list(Type::String)), ("indicators", Type::Int)];
    let cause = [("recorded", Type::Bool), ("method", Type::String)];
    Type::record(
        "analysis",
        [
            ("findings", Type::Int),
            ("impact", Type::record("analysis.impact", rated)),
            ("threat", Type::record("analysis.threat", threat)),
            ("cause", Type::record("analysis.cause", cause)),
            ("eta", Type::record("analysis.eta", [("recorded", Type::Bool)])),
        ],
    )
}

fn incident_type() -> Type {
    Type::record(
        "incident",
        [("id", Type::String), ("type", Type::String), ("severity", Type::Int), ("title", Type::String)],
    )
}

fn step_type() -> Type {
    Type::record(
        "step",
        [
            ("done", Type::Bool),
            ("applied", Type::Bool),
            ("failed", Type::Bool),
            ("skipped", Type::Bool),
            ("targets", Type::Int),
            ("applied_count", Type::Int),
            ("verified", Type::Bool),
            ("rounds", Type::Int),
        ],
    )
}

fn containment_type() -> Type {
    Type::record(
        "containment",
        [
            ("verb", Type::String),
            ("target", Type::String),
            ("verified", Type::Bool),
            ("in_force", Type::Bool),
        ],
    )
}

/// The values for what [`gate_env`] declares.
pub fn gate_bindings<'a>(facts: &GateFacts<'a>) -> Bindings<'a> {
    let incident = &facts.incident;
    let about = Value::map([
        ("id", Value::from(incident.id.as_str())),
        ("type", Value::from(incident.incident_type)),
        ("severity", Value::Int(level(incident.severity))),
        ("title", Value::from(incident.title)),
    ]);
    let severities = Severity::ALL.map(|severity| (severity.name(), Value::Int(level(severity))));
    let targets = incident.targets;
    Bindings::new()
        .variable("incident", about)
        .variable("severity", Value::map(severities))
        .variable("steps", Value::map(facts.steps.iter().map(|(id, step)| (*id, step_value(step)))))
        .variable(
            "decisions",
            Value::map(facts.decisions.iter().map(|(id, choice)| (*id, decision_value(*choice)))),
        )
        .variable("containments", Value::list(facts.containments.iter().map(containment_value)))
        .variable("impact", Value::map(Level::ALL.map(|level| (level.name(), Value::Int(level as i64)))))
        .variable("analysis", analysis_value(facts.analysis))
        .function("targets", move |arguments| match arguments {
            [_, Value::String(kind)] => Ok(names(targets, kind)),
            _ => Err(EvalError::new("`targets` needs the kind of target as text")),
        })
        .function("figure", figure)
        .function("above", above)
}

fn names(targets: &[Target], kind: &str) -> Value {
    Value::list(targets.iter().filter(|(k, _)| **k == *kind).map(|(_, name)| Value::from(&**name)))
}

/// Severity as the number that gates compare: 0 for informational up to 4 for critical.
fn level(severity: Severity) -> i64 {
    Severity::ALL.iter().zip(0..).find(|(one, _)| **one == severity).map_or(0, |(_, number)| number)
}

/// A number that the calls of a step gave back.
fn figure(arguments: &[Value]) -> Result<Value, EvalError> {
    let [Value::Map(step), Value::String(name)] = arguments else {
        return Err(EvalError::new("`figure` needs the name of a number as text"));
    };
    let Some(Value::Map(figures)) = step.get(FIGURES) else {
        return Err(EvalError::new("`figure` is asked of a step"));
    };
    let numbers = figures.values().filter_map(|of| of.as_map()?.get(&**name));
    let largest = numbers.filter_map(as_double).reduce(f64::max).map(Value::Double);
    largest.ok_or_else(|| EvalError::new(format!("the step gave back no number `{name}`")))
}

/// The targets for which a number that came back is above a bound.
fn above(arguments: &[Value]) -> Result<Value, EvalError> {
    let [Value::Map(step), Value::String(name), Value::Double(bound)] = arguments else {
        return Err(EvalError::new("`above` needs the name of a number as text, and a number"));
    };
    let Some(Value::Map(figures)) = step.get(FIGURES) else {
        return Err(EvalError::new("`above` is asked of a step"));
    };
    let number = |of: &Value| as_double(of.as_map()?.get(&**name)?);
    let found = figures.iter().filter(|(_, of)| number(of).is_some_and(|number| number > *bound));
    Ok(Value::list(found.map(|(target, _)| Value::from(target.as_str()))))
}

fn as_double(value: &Value) -> Option<f64> {
    if let Value::Double(number) = value { Some(*number) } else { None }
}

fn step_value(step: &StepFacts) -> Value {
    let of = |figures: &BTreeMap<Box<str>, f64>| {
        Value::map(figures.iter().map(|(name, number)| (&**name, Value::Double(*number))))
    };
    let figures = step.figures.iter().map(|(target, figures)| (&**target, of(figures)));
    Value::map([
        (FIGURES, Value::map(figures)),
        ("done", Value::Bool(step.done)),
        ("applied", Value::Bool(step.applied)),
        ("failed", Value::Bool(step.failed)),
        ("skipped", Value::Bool(step.skipped)),
        ("targets", Value::Int(step.targets.into())),
        ("applied_count", Value::Int(step.applied_count.into())),
        ("verified", Value::Bool(step.verified)),
        ("rounds", Value::Int(step.rounds.into())),
    ])
}

fn decision_value(choice: Option<&str>) -> Value {
    Value::map([("made", Value::Bool(choice.is_some())), ("choice", Value::from(choice.unwrap_or_default()))])
}

fn analysis_value(known: &Analysis) -> Value {
    let recorded = |is: bool| ("recorded", Value::Bool(is));
    let count = |number: usize| Value::Int(i64::try_from(number).unwrap_or(i64::MAX));
    let areas = Area::ALL.map(|area| (area.name(), Value::Int(known.level(area) as i64)));
    let (threat, cause) = (known.threat.as_ref(), known.cause.as_ref());
    let techniques = threat.map_or(&[][..], |threat| &threat.techniques);
    let indicators = threat.map_or(0, |threat| threat.indicators.len());
    let profile = [
        recorded(threat.is_some()),
        ("techniques", Value::list(techniques.iter().map(|id| Value::from(&**id)))),
        ("indicators", count(indicators)),
    ];
    let method = cause.map_or("", |cause| cause.method.name());
    Value::map([
        ("findings", count(known.findings.len())),
        ("impact", Value::map(areas.into_iter().chain([recorded(!known.impact.is_empty())]))),
        ("threat", Value::map(profile)),
        ("cause", Value::map([recorded(cause.is_some()), ("method", Value::from(method))])),
        ("eta", Value::map([recorded(known.eta.is_some())])),
    ])
}

fn containment_value(containment: &ContainmentFacts<'_>) -> Value {
    Value::map([
        ("verb", Value::from(containment.verb)),
        ("target", Value::from(containment.target)),
        ("verified", Value::Bool(containment.verified)),
        ("in_force", Value::Bool(containment.in_force)),
    ])
}
