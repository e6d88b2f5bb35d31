//! Evaluation: a walk over the tree that spends fuel for all it does.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::ast::{Arithmetic, Comparison, Fold, Kind, Node, Operator};
use super::operate::{self, COMPARED_PER_UNIT, TEXT_BYTES_PER_UNIT};
use super::value::{Bindings, Value};
use super::{EVALUATION_FUEL, EvalError};

/// The value of `root` under `bindings`.
pub(super) fn evaluate(root: &Node, bindings: &Bindings<'_>) -> Result<Value, EvalError> {
    Evaluation { bindings, locals: Vec::new(), fuel: EVALUATION_FUEL, spent: false }.value(root)
}

struct Evaluation<'b, 'n> {
    bindings: &'b Bindings<'b>,
    locals: Vec<(&'n str, Value)>,
    fuel: u64,
    /// Set when the fuel is gone, so that `&&` and `||` do not swallow that error and go on.
    spent: bool,
}

type Outcome = Result<Value, EvalError>;

fn error(span: &Range<usize>, message: impl Into<String>) -> EvalError {
    EvalError { offset: span.start, message: message.into() }
}

fn mismatch(span: &Range<usize>, wanted: &str, found: &Value) -> EvalError {
    error(span, format!("expected {wanted}, got {}", found.kind()))
}

impl<'n> Evaluation<'_, 'n> {
    fn spend(&mut self, span: &Range<usize>, units: usize) -> Result<(), EvalError> {
        let units = u64::try_from(units).unwrap_or(u64::MAX);
        match self.fuel.checked_sub(units) {
            Some(fuel) => self.fuel = fuel,
            None => {
                self.spent = true;
                self.fuel = 0;
                return Err(error(span, format!("the evaluation took more than {EVALUATION_FUEL} steps")));
            }
        }
        Ok(())
    }

    fn value(&mut self, node: &'n Node) -> Outcome {
        self.spend(&node.span, 1)?;
        match &node.kind {
            Kind::Bool(value) => Ok(Value::Bool(*value)),
            Kind::Int(number) => Ok(Value::Int(*number)),
            Kind::Double(number) => Ok(Value::Double(*number)),
            Kind::String(text) => Ok(Value::from(text.as_str())),
            Kind::Duration(duration, _) => Ok(Value::Duration(*duration)),
            Kind::List(items) => {
                items.iter().map(|item| self.value(item)).collect::<Result<_, _>>().map(Value::List)
            }
            Kind::Name(name) => self.name(node, name),
            Kind::Field(of, name) => {
                let value = self.map(of)?.get(name).cloned();
                value.ok_or_else(|| error(&node.span, format!("the field `{name}` is absent")))
            }
            Kind::Has(of, name) => Ok(Value::Bool(self.map(of)?.contains_key(name))),
            Kind::Index(of, index) => self.index(node, of, index),
            Kind::Call(receiver, name, arguments) => self.call(node, receiver.as_deref(), name, arguments),
            Kind::Fold(fold, list, variable, body) => self.fold(node, *fold, list, variable, body),
            Kind::Not(operand) => self.bool(operand).map(|value| Value::Bool(!value)),
            Kind::Negate(operand) => {
                let value = self.value(operand)?;
                operate::negate(&value).map_err(|message| error(&node.span, message))
            }
            Kind::Binary(operator, left, right) => {
                let left = self.value(left)?;
                let right = self.value(right)?;
                self.binary(&node.span, *operator, left, right)
            }
            Kind::And(parts) => self.decide(parts, false),
            Kind::Or(parts) => self.decide(parts, true),
            Kind::Choice(condition, then, otherwise) => {
                let chosen = if self.bool(condition)? { then } else { otherwise };
                self.value(chosen)
            }
        }
    }

    fn bool(&mut self, node: &'n Node) -> Result<bool, EvalError> {
        let value = self.value(node)?;
        value.as_bool().ok_or_else(|| mismatch(&node.span, "a bool", &value))
    }

    fn map(&mut self, node: &'n Node) -> Result<Arc<BTreeMap<String, Value>>, EvalError> {
        let value = self.value(node)?;
        if let Value::Map(entries) = value { Ok(entries) } else { Err(mismatch(&node.span, "a map", &value)) }
    }

    fn name(&self, node: &Node, name: &str) -> Outcome {
        let local = self.locals.iter().rev().find(|(local, _)| *local == name).map(|(_, value)| value);
        let value = local.or_else(|| self.bindings.get(name)).cloned();
        value.ok_or_else(|| error(&node.span, format!("the variable `{name}` is not bound")))
    }

    fn index(&mut self, node: &'n Node, of: &'n Node, index: &'n Node) -> Outcome {
        let of = self.value(of)?;
        let index = self.value(index)?;
        match (&of, &index) {
            (Value::List(items), Value::Int(number)) => {
                let item = usize::try_from(*number).ok().and_then(|number| items.get(number)).cloned();
                item.ok_or_else(|| {
                    error(&node.span, format!("the index {number} is outside a list of {}", items.len()))
                })
            }
            (Value::Map(entries), Value::String(key)) => {
                entries.get(&**key).cloned().ok_or_else(|| error(&node.span, "the key is absent"))
            }
            _ => Err(mismatch(&node.span, "a list or map", &of)),
        }
    }

    /// `&&` (decided by false) and `||` (decided by true): a deciding operand wins over errors on either side.
    fn decide(&mut self, parts: &'n [Node], decisive: bool) -> Outcome {
        let mut failed = None;
        for part in parts {
            match self.bool(part) {
                Ok(value) if value == decisive => return Ok(Value::Bool(decisive)),
                Ok(_) => {}
                Err(error) if self.spent => return Err(error),
                Err(error) => failed = failed.or(Some(error)),
            }
        }
        failed.map_or(Ok(Value::Bool(!decisive)), Err)
    }

    fn fold(
        &mut self,
        node: &'n Node,
        fold: Fold,
        list: &'n Node,
        variable: &'n str,
        body: &'n Node,
    ) -> Outcome {
        let value = self.value(list)?;
        let Some(items) = value.as_list() else {
            return Err(mismatch(&list.span, "a list", &value));
        };
        let mut kept = Vec::new();
        let mut count = 0_usize;
        let mut failed = None;
        for item in items {
            self.spend(&node.span, 1)?;
            self.locals.push((variable, item.clone()));
            let outcome = self.value(body);
            self.locals.pop();
            match (fold, outcome) {
                (_, Err(error)) if self.spent => return Err(error),
                (Fold::All | Fold::Exists, Err(error)) => failed = failed.or(Some(error)),
                (Fold::ExistsOne | Fold::Filter | Fold::Map, Err(error)) => return Err(error),
                (Fold::All, Ok(Value::Bool(false))) => return Ok(Value::Bool(false)),
                (Fold::Exists, Ok(Value::Bool(true))) => return Ok(Value::Bool(true)),
                (Fold::ExistsOne, Ok(Value::Bool(true))) => count += 1,
                (Fold::Filter, Ok(Value::Bool(true))) => kept.push(item.clone()),
                (Fold::Map, Ok(value)) => kept.push(value),
                (Fold::All | Fold::Exists | Fold::ExistsOne | Fold::Filter, Ok(Value::Bool(_))) => {}
                (Fold::All | Fold::Exists | Fold::ExistsOne | Fold::Filter, Ok(other)) => {
                    return Err(mismatch(&body.span, "a bool", &other));
                }
            }
        }
        match fold {
            Fold::All | Fold::Exists => failed.map_or(Ok(Value::Bool(fold == Fold::All)), Err),
            Fold::ExistsOne => Ok(Value::Bool(count == 1)),
            Fold::Filter | Fold::Map => Ok(Value::List(kept.into())),
        }
    }

    fn call(
        &mut self,
        node: &'n Node,
        receiver: Option<&'n Node>,
        name: &str,
        arguments: &'n [Node],
    ) -> Outcome {
        let values = receiver
            .into_iter()
            .chain(arguments)
            .map(|part| self.value(part))
            .collect::<Result<Vec<_>, _>>()?;
        let span = &node.span;
        match (name, values.as_slice()) {
            ("size", [of]) => self.size(span, of),
            ("contains" | "startsWith" | "endsWith", [Value::String(of), Value::String(text)]) => {
                self.spend(span, of.len() / TEXT_BYTES_PER_UNIT)?;
                Ok(Value::Bool(match name {
                    "contains" => of.contains(&**text),
                    "startsWith" => of.starts_with(&**text),
                    _ => of.ends_with(&**text),
                }))
            }
            _ => {
                let unbound = || Err(error(span, format!("the function `{name}` is not bound")));
                let value = self.bindings.call(name, &values).unwrap_or_else(unbound);
                let value = value.map_err(|failed| EvalError { offset: span.start, ..failed })?;
                if let Value::List(items) = &value {
                    self.spend(span, items.len())?;
                }
                Ok(value)
            }
        }
    }

    fn size(&mut self, span: &Range<usize>, of: &Value) -> Outcome {
        let size = if let Value::String(text) = of {
            self.spend(span, text.len() / TEXT_BYTES_PER_UNIT)?;
            text.chars().count()
        } else {
            let size = of.as_list().map(<[Value]>::len).or_else(|| of.as_map().map(BTreeMap::len));
            size.ok_or_else(|| mismatch(span, "a string, list or map", of))?
        };
        Ok(Value::Int(i64::try_from(size).unwrap_or(i64::MAX)))
    }

    fn binary(&mut self, span: &Range<usize>, operator: Operator, left: Value, right: Value) -> Outcome {
        match operator {
            Operator::Compare(Comparison::Equal) => self.equal(span, &left, &right).map(Value::Bool),
            Operator::Compare(Comparison::NotEqual) => {
                self.equal(span, &left, &right).map(|equal| Value::Bool(!equal))
            }
            Operator::Compare(comparison) => {
                self.spend(span, operate::text_units(&left).min(operate::text_units(&right)))?;
                let held = operate::ordered(comparison, &left, &right);
                held.map(Value::Bool).ok_or_else(|| mismatch(span, left.kind(), &right))
            }
            Operator::In => self.contains(span, &left, &right),
            Operator::Compute(arithmetic) => {
                if arithmetic == Arithmetic::Add {
                    // Texts and lists grow here, so this is charged by what is copied.
                    self.spend(span, operate::text_units(&left) + operate::text_units(&right))?;
                    let length = |value: &Value| value.as_list().map_or(0, <[Value]>::len);
                    self.spend(span, length(&left) + length(&right))?;
                }
                operate::compute(arithmetic, &left, &right).map_err(|message| error(span, message))
            }
        }
    }

    /// Equality; NaN is unequal to itself. Values of different kinds are unequal.
    fn equal(&mut self, span: &Range<usize>, left: &Value, right: &Value) -> Result<bool, EvalError> {
        let fuel = usize::try_from(self.fuel).unwrap_or(usize::MAX);
        let limit = fuel.saturating_add(1).saturating_mul(COMPARED_PER_UNIT);
        let mut compared = 0;
        let equal = operate::equal(left, right, &mut compared, limit);
        self.spend(span, compared / COMPARED_PER_UNIT)?;
        // Without an answer the comparison has used up the limit, so the line above has already failed.
        Ok(equal.unwrap_or(false))
    }

    fn contains(&mut self, span: &Range<usize>, item: &Value, of: &Value) -> Outcome {
        if let (Value::String(key), Value::Map(entries)) = (item, of) {
            return Ok(Value::Bool(entries.contains_key(&**key)));
        }
        let items = of.as_list().ok_or_else(|| mismatch(span, "a list or map", of))?;
        for (index, other) in items.iter().enumerate() {
            if index % COMPARED_PER_UNIT == 0 {
                self.spend(span, 1)?;
            }
            if self.equal(span, item, other)? {
                return Ok(Value::Bool(true));
            }
        }
        Ok(Value::Bool(false))
    }
}
