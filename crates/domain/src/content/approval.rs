//! What the condition of an `approval` block reads beside what gates read: the action, and the words for risk.
//! Declaration and values stand side by side, so that they cannot drift apart.

use super::ActionSpec;
use crate::{
    expr::{Bindings, Env, Type, Value},
    severity::Risk,
};

/// - `action`: `risk`, `verb`, `target` (its kind), `containment`;
/// - `risk`: `risk.low` (0) to `risk.critical` (3).
pub fn approval_env(gates: Env) -> Env {
    let action =
        [("risk", Type::Int), ("verb", Type::String), ("target", Type::String), ("containment", Type::Bool)];
    gates
        .variable("action", Type::record("action", action))
        .variable("risk", Type::record("risk", Risk::ALL.map(|risk| (risk.name(), Type::Int))))
}

/// The values for what [`approval_env`] declares.
pub fn approval_bindings<'a>(gates: Bindings<'a>, action: &ActionSpec) -> Bindings<'a> {
    let about = Value::map([
        ("risk", Value::Int(level(action.risk))),
        ("verb", Value::from(action.verb.as_str())),
        ("target", Value::from(action.target.as_str())),
        ("containment", Value::Bool(action.containment)),
    ]);
    let levels = Risk::ALL.map(|risk| (risk.name(), Value::Int(level(risk))));
    gates.variable("action", about).variable("risk", Value::map(levels))
}

fn level(risk: Risk) -> i64 {
    Risk::ALL.iter().zip(0..).find(|(one, _)| **one == risk).map_or(0, |(_, number)| number)
}
