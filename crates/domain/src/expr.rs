//! Expressions in content: a checked subset of the Common Expression Language (CEL).
//!
//! An expression is compiled once, against declared variables and functions and an expected type, and evaluated
//! often. Compiling refuses what is unknown, ill-typed, too large or too dear; evaluating is a pure function of
//! the bindings, ends within a fixed amount of work, and never panics. Data is only ever a value: nothing parses
//! a value as an expression. What is kept of CEL and why is in `docs/decisions/0002-expressions.md`.

mod ast;
mod check;
mod evaluate;
mod operate;
mod parse;
mod stands;
#[cfg(test)]
mod tests;
mod token;
mod types;
mod value;

use std::collections::BTreeSet;
use std::fmt;
use std::ops::Range;

pub use stands::{Constant, Stands};
pub use types::{Env, Function, Record, Type};
pub use value::{Bindings, Value, parse_duration};

/// Longest source, in bytes.
pub const MAX_SOURCE_BYTES: usize = 4096;
/// Deepest nesting of an expression.
pub const MAX_DEPTH: usize = 32;
/// Most operators, calls, names and literals in one expression.
pub const MAX_NODES: usize = 512;
/// Most elements of a list literal.
pub const MAX_LIST_ELEMENTS: usize = 256;
/// Longest string literal, in bytes.
pub const MAX_STRING_BYTES: usize = 1024;
/// Deepest nesting of `all`, `exists`, `exists_one`, `filter` and `map`.
pub const MAX_MACRO_DEPTH: usize = 2;
/// Length assumed of a list whose length is not known before evaluation.
pub const ASSUMED_LIST_LENGTH: u64 = 1_000;
/// Highest cost an expression may have; a unit is about one operator on small values.
pub const MAX_COST: u64 = 1_000_000;
/// Work one evaluation may do, in the units of [`MAX_COST`]; double, because real lists and texts may be longer.
pub const EVALUATION_FUEL: u64 = 2_000_000;

/// What is wrong with an expression, and where in its source.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Byte offset of the first byte concerned.
    pub start: usize,
    /// Byte offset after the last byte concerned.
    pub end: usize,
    /// What is wrong and what to do, as a lower-case fragment.
    pub message: String,
}

impl Problem {
    fn new(span: Range<usize>, message: impl Into<String>) -> Self {
        Self { start: span.start, end: span.end, message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "at {}: {}", self.start, self.message)
    }
}

/// Why an evaluation gave no value: an absent field, an index out of range, an overflow, or too much work.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EvalError {
    /// Byte offset in the source where it happened; 0 when a bound function made the error.
    pub offset: usize,
    /// What happened, as a lower-case fragment.
    pub message: String,
}

impl EvalError {
    /// An error from a bound function.
    pub fn new(message: impl Into<String>) -> Self {
        Self { offset: 0, message: message.into() }
    }
}

/// A compiled expression. Equal when the source is equal and stands for the same.
#[derive(Clone, Debug)]
pub struct Expr {
    source: String,
    root: ast::Node,
    result: Type,
    cost: u64,
    reads: BTreeSet<String>,
}

impl Expr {
    /// Compiles `source` against what `env` declares; its value must be of type `expected`.
    ///
    /// # Errors
    /// The problems found, at least one, in source order. A syntax error comes alone.
    pub fn compile(source: &str, env: &Env, expected: &Type) -> Result<Self, Vec<Problem>> {
        Self::compile_where(source, &Stands::default(), env, expected)
    }

    /// As [`Expr::compile`], with fields that stand for something else.
    ///
    /// # Errors
    /// As [`Expr::compile`].
    pub fn compile_where(
        source: &str,
        stands: &Stands,
        env: &Env,
        expected: &Type,
    ) -> Result<Self, Vec<Problem>> {
        let parsed = parse::parse(source).and_then(|root| stands.replace(root));
        let root = parsed.map_err(|problem| vec![problem])?;
        let checked = check::check(&root, env, expected)?;
        let (cost, reads) = (checked.cost, checked.reads);
        Ok(Self { source: source.to_owned(), root, result: expected.clone(), cost, reads })
    }

    /// The value under these bindings.
    ///
    /// # Errors
    /// See [`EvalError`]. The same bindings always give the same value or error.
    pub fn evaluate(&self, bindings: &Bindings<'_>) -> Result<Value, EvalError> {
        evaluate::evaluate(&self.root, bindings)
    }

    /// The value of a condition.
    ///
    /// # Errors
    /// As [`Expr::evaluate`], and when the expression was not compiled to a boolean.
    pub fn holds(&self, bindings: &Bindings<'_>) -> Result<bool, EvalError> {
        let value = self.evaluate(bindings)?;
        value.as_bool().ok_or_else(|| EvalError::new(format!("expected a bool, got {}", value.kind())))
    }

    /// The text it was compiled from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The type of its value.
    pub fn result(&self) -> &Type {
        &self.result
    }

    /// The bound on its work, at most [`MAX_COST`].
    pub fn cost(&self) -> u64 {
        self.cost
    }

    /// The declared variables it reads.
    pub fn reads(&self) -> &BTreeSet<String> {
        &self.reads
    }
}

impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.source == other.source && self.root == other.root
    }
}

impl Eq for Expr {}

/// The normal form: single spaces, double quotes, no needless parentheses.
impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.root)
    }
}
