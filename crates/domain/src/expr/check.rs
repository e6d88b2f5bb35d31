//! Types, names and the static cost bound of an expression.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::ast::{Arithmetic, Comparison, Fold, Kind, Node, Operator};
use super::types::{Env, Type};
use super::{ASSUMED_LIST_LENGTH, MAX_COST, Problem};
use crate::document::nearest;

/// Cost of an operation on two texts; texts are assumed short.
const TEXT_COST: u64 = 4;
/// Scalars compared for one unit.
const COMPARED_PER_UNIT: u64 = 4;

/// What is known of an expression that has no problem.
pub(super) struct Checked {
    pub(super) cost: u64,
    pub(super) reads: BTreeSet<String>,
}

/// Checks `root` and that its type is `expected`.
pub(super) fn check(root: &Node, env: &Env, expected: &Type) -> Result<Checked, Vec<Problem>> {
    let mut checker = Checker { env, locals: Vec::new(), reads: BTreeSet::new(), problems: Vec::new() };
    let found = checker.expect(root, expected, "the expression");
    let cost = found.map_or(0, |found| found.cost);
    if cost > MAX_COST {
        let message = format!(
            "the expression may cost {cost} steps with lists of {ASSUMED_LIST_LENGTH}; at most {MAX_COST} are allowed"
        );
        checker.problems.push(Problem::new(root.span.clone(), message));
    }
    if checker.problems.is_empty() {
        return Ok(Checked { cost, reads: checker.reads });
    }
    checker.problems.sort();
    checker.problems.dedup();
    Err(checker.problems)
}

/// What is known of a part: its type, the work to get it, and how long it may be if it is a list.
#[derive(Clone)]
struct Known {
    ty: Type,
    cost: u64,
    length: u64,
}

impl Known {
    fn new(ty: Type, cost: u64) -> Self {
        Self { ty, cost, length: ASSUMED_LIST_LENGTH }
    }

    /// Scalars in the whole value, for the cost of comparing it.
    fn size(&self) -> u64 {
        match &self.ty {
            Type::List(element) => self.length.saturating_mul(size(element)),
            Type::Bool
            | Type::Int
            | Type::Double
            | Type::String
            | Type::Duration
            | Type::Timestamp
            | Type::Map(_)
            | Type::Record(_) => size(&self.ty),
        }
    }
}

fn size(ty: &Type) -> u64 {
    match ty {
        Type::Bool | Type::Int | Type::Double | Type::Duration | Type::Timestamp => 1,
        Type::String => 2,
        Type::List(element) | Type::Map(element) => ASSUMED_LIST_LENGTH.saturating_mul(size(element)),
        Type::Record(record) => record.fields.values().map(size).fold(1, u64::saturating_add),
    }
}

fn sum(costs: impl IntoIterator<Item = u64>) -> u64 {
    costs.into_iter().fold(0, u64::saturating_add)
}

struct Checker<'e> {
    env: &'e Env,
    locals: Vec<(String, Known)>,
    reads: BTreeSet<String>,
    problems: Vec<Problem>,
}

/// `None` means that a problem was reported for the part, so nothing more is said about it.
type Outcome = Option<Known>;

impl Checker<'_> {
    fn problem(&mut self, span: &Range<usize>, message: impl Into<String>) -> Outcome {
        self.problems.push(Problem::new(span.clone(), message));
        None
    }

    /// Checks a part whose type is known beforehand.
    fn expect(&mut self, node: &Node, expected: &Type, what: &str) -> Outcome {
        let found = self.part(node, Some(expected))?;
        if found.ty == *expected {
            return Some(found);
        }
        self.problem(&node.span, format!("{what} must be {expected}, but is {}", found.ty))
    }

    /// Checks a part; `hint` is the type its place suggests, which only an empty list needs.
    fn part(&mut self, node: &Node, hint: Option<&Type>) -> Outcome {
        match &node.kind {
            Kind::Bool(_) => Some(Known::new(Type::Bool, 1)),
            Kind::Int(_) => Some(Known::new(Type::Int, 1)),
            Kind::Double(_) => Some(Known::new(Type::Double, 1)),
            Kind::String(_) => Some(Known::new(Type::String, 1)),
            Kind::Duration(..) => Some(Known::new(Type::Duration, 1)),
            Kind::List(items) => self.list(node, items, hint),
            Kind::Name(name) => self.name(node, name),
            Kind::Field(of, name) => self.field(node, of, name),
            Kind::Has(of, name) => {
                let found = self.field(node, of, name)?;
                Some(Known::new(Type::Bool, found.cost))
            }
            Kind::Index(of, index) => self.index(of, index),
            Kind::Call(receiver, name, arguments) => self.call(node, receiver.as_deref(), name, arguments),
            Kind::Fold(fold, list, variable, body) => self.fold(*fold, list, variable, body),
            Kind::Not(operand) => {
                let found = self.expect(operand, &Type::Bool, "the operand of `!`")?;
                Some(Known::new(Type::Bool, found.cost.saturating_add(1)))
            }
            Kind::Negate(operand) => self.negate(operand),
            Kind::Binary(operator, left, right) => self.binary(node, *operator, left, right),
            Kind::And(parts) => self.chain(parts, "an operand of `&&`"),
            Kind::Or(parts) => self.chain(parts, "an operand of `||`"),
            Kind::Choice(condition, then, otherwise) => self.choice(condition, then, otherwise, hint),
        }
    }

    fn list(&mut self, node: &Node, items: &[Node], hint: Option<&Type>) -> Outcome {
        let hint = match hint {
            Some(Type::List(element)) => Some(&**element),
            _ => None,
        };
        let Some((first, rest)) = items.split_first() else {
            return match hint {
                Some(element) => Some(Known { ty: Type::list(element.clone()), cost: 1, length: 0 }),
                None => self.problem(&node.span, "an empty list here has no type; ask with `size(…) == 0`"),
            };
        };
        let first = self.part(first, hint);
        let mut cost = first.as_ref().map_or(0, |first| first.cost);
        let mut complete = true;
        for item in rest {
            let found = match &first {
                Some(first) => self.expect(item, &first.ty, "every element of the list"),
                None => self.part(item, hint),
            };
            complete &= found.is_some();
            cost = cost.saturating_add(found.map_or(0, |found| found.cost));
        }
        let first = first.filter(|_| complete)?;
        let length = u64::try_from(items.len()).unwrap_or(u64::MAX);
        Some(Known { ty: Type::list(first.ty), cost: cost.saturating_add(1), length })
    }

    fn name(&mut self, node: &Node, name: &str) -> Outcome {
        if let Some((_, known)) = self.locals.iter().rev().find(|(local, _)| local == name) {
            return Some(known.clone());
        }
        if let Some(ty) = self.env.variables().get(name) {
            self.reads.insert(name.to_owned());
            return Some(Known::new(ty.clone(), 1));
        }
        let locals = self.locals.iter().map(|(local, _)| local.as_str());
        let known: Vec<&str> = self.env.variables().keys().map(String::as_str).chain(locals).collect();
        let message = unknown("variable", name, &known);
        self.problem(&node.span, message)
    }

    fn field(&mut self, node: &Node, of: &Node, name: &str) -> Outcome {
        let found = self.part(of, None)?;
        let cost = found.cost.saturating_add(1);
        match &found.ty {
            Type::Map(value) => Some(Known::new((**value).clone(), cost)),
            Type::Record(record) => {
                if let Some(ty) = record.fields.get(name) {
                    return Some(Known::new(ty.clone(), cost));
                }
                let known: Vec<&str> = record.fields.keys().map(String::as_str).collect();
                let message = unknown(&format!("field of {}", record.name), name, &known);
                self.problem(&(of.span.end..node.span.end), message)
            }
            Type::Bool
            | Type::Int
            | Type::Double
            | Type::String
            | Type::Duration
            | Type::Timestamp
            | Type::List(_) => {
                self.problem(&node.span, format!("{} has no fields, so no `{name}`", found.ty))
            }
        }
    }

    fn index(&mut self, of: &Node, index: &Node) -> Outcome {
        let found = self.part(of, None);
        let Some(found) = found else {
            self.part(index, None);
            return None;
        };
        let (key, value) = match &found.ty {
            Type::List(element) => (Type::Int, element),
            Type::Map(value) => (Type::String, value),
            Type::Bool
            | Type::Int
            | Type::Double
            | Type::String
            | Type::Duration
            | Type::Timestamp
            | Type::Record(_) => {
                let message = format!("{} cannot be indexed; only lists and maps can", found.ty);
                return self.problem(&of.span, message);
            }
        };
        let index = self.expect(index, &key, "the index")?;
        Some(Known::new((**value).clone(), sum([1, found.cost, index.cost])))
    }

    fn negate(&mut self, operand: &Node) -> Outcome {
        let found = self.part(operand, None)?;
        if matches!(found.ty, Type::Int | Type::Double) {
            return Some(Known::new(found.ty, found.cost.saturating_add(1)));
        }
        self.problem(&operand.span, format!("the operand of `-` must be a number, but is {}", found.ty))
    }

    fn chain(&mut self, parts: &[Node], what: &str) -> Outcome {
        let found: Vec<Outcome> = parts.iter().map(|part| self.expect(part, &Type::Bool, what)).collect();
        let found: Vec<Known> = found.into_iter().collect::<Option<_>>()?;
        Some(Known::new(Type::Bool, sum(found.iter().map(|part| part.cost.saturating_add(1)))))
    }

    fn choice(&mut self, condition: &Node, then: &Node, otherwise: &Node, hint: Option<&Type>) -> Outcome {
        let condition = self.expect(condition, &Type::Bool, "the condition before `?`");
        let at = &otherwise.span;
        let sides = self.pair(then, otherwise, hint);
        let (condition, (then, otherwise)) = (condition?, sides?);
        if then.ty != otherwise.ty {
            let message =
                format!("both sides of `:` must have one type, but are {} and {}", then.ty, otherwise.ty);
            return self.problem(at, message);
        }
        let cost = sum([1, condition.cost, then.cost.max(otherwise.cost)]);
        Some(Known { length: then.length.max(otherwise.length), ..Known::new(then.ty, cost) })
    }

    /// Two parts that should have one type; whichever is not an empty list tells the other.
    fn pair(&mut self, left: &Node, right: &Node, hint: Option<&Type>) -> Option<(Known, Known)> {
        let empty = matches!(&left.kind, Kind::List(items) if items.is_empty());
        let (first, second) = if empty { (right, left) } else { (left, right) };
        let one = self.part(first, hint);
        let ty = one.as_ref().map(|one| one.ty.clone());
        let other = self.part(second, ty.as_ref().or(hint));
        let (one, other) = (one?, other?);
        Some(if empty { (other, one) } else { (one, other) })
    }

    fn binary(&mut self, node: &Node, operator: Operator, left: &Node, right: &Node) -> Outcome {
        match operator {
            Operator::In => self.membership(left, right),
            Operator::Compare(comparison) => self.comparison(comparison, left, right),
            Operator::Compute(arithmetic) => self.arithmetic(node, arithmetic, left, right),
        }
    }

    fn comparison(&mut self, comparison: Comparison, left: &Node, right: &Node) -> Outcome {
        let at = &right.span;
        let (left, right) = self.pair(left, right, None)?;
        let cost = sum([1, left.cost, right.cost]);
        let orders = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        if left.ty != right.ty || orders && !is_ordered(&left.ty) {
            let symbol = comparison.symbol();
            return self.problem(at, format!("`{symbol}` cannot compare {} with {}", left.ty, right.ty));
        }
        let compared = match left.ty {
            Type::String => TEXT_COST,
            Type::Bool
            | Type::Int
            | Type::Double
            | Type::Duration
            | Type::Timestamp
            | Type::List(_)
            | Type::Map(_)
            | Type::Record(_) => left.size().min(right.size()) / COMPARED_PER_UNIT,
        };
        Some(Known::new(Type::Bool, cost.saturating_add(compared)))
    }

    fn membership(&mut self, item: &Node, of: &Node) -> Outcome {
        let item_known = self.part(item, None);
        let hint = item_known.as_ref().map(|item| Type::list(item.ty.clone()));
        let of_known = self.part(of, hint.as_ref());
        let (item_known, of_known) = (item_known?, of_known?);
        let cost = sum([1, item_known.cost, of_known.cost]);
        if matches!(&of_known.ty, Type::List(element) if **element == item_known.ty) {
            let compared = of_known.size().div_ceil(COMPARED_PER_UNIT);
            return Some(Known::new(Type::Bool, cost.saturating_add(compared)));
        }
        if matches!(of_known.ty, Type::Map(_)) && item_known.ty == Type::String {
            return Some(Known::new(Type::Bool, cost.saturating_add(TEXT_COST)));
        }
        self.problem(&item.span, format!("`in` cannot look for {} in {}", item_known.ty, of_known.ty))
    }

    fn arithmetic(&mut self, node: &Node, operator: Arithmetic, left: &Node, right: &Node) -> Outcome {
        let (left, right) = self.pair(left, right, None)?;
        let cost = sum([1, left.cost, right.cost]);
        let adds = operator == Arithmetic::Add;
        let subtracts = operator == Arithmetic::Subtract;
        let ty = match (&left.ty, &right.ty) {
            (Type::Int, Type::Int) => Type::Int,
            (Type::Double, Type::Double) if operator != Arithmetic::Remainder => Type::Double,
            (Type::Duration, Type::Duration) if adds || subtracts => Type::Duration,
            (Type::Timestamp, Type::Duration) if adds || subtracts => Type::Timestamp,
            (Type::Duration, Type::Timestamp) if adds => Type::Timestamp,
            (Type::Timestamp, Type::Timestamp) if subtracts => Type::Duration,
            (Type::String, Type::String) if adds => {
                return Some(Known::new(Type::String, cost.saturating_add(TEXT_COST)));
            }
            (Type::List(one), Type::List(other)) if adds && one == other => {
                let length = left.length.saturating_add(right.length);
                return Some(Known { ty: left.ty.clone(), cost: cost.saturating_add(length), length });
            }
            (one, other) => {
                let message = format!("`{}` does not take {one} and {other}", operator.symbol());
                return self.problem(&node.span, message);
            }
        };
        Some(Known::new(ty, cost))
    }

    fn fold(&mut self, fold: Fold, list: &Node, variable: &str, body: &Node) -> Outcome {
        let found = self.part(list, None)?;
        let Type::List(element) = &found.ty else {
            let name = fold.name();
            let message = format!("`{name}` runs over lists only, but this is {}", found.ty);
            return self.problem(&list.span, message);
        };
        self.locals.push((variable.to_owned(), Known::new((**element).clone(), 1)));
        let inner = match fold {
            Fold::All | Fold::Exists | Fold::ExistsOne | Fold::Filter => {
                self.expect(body, &Type::Bool, &format!("the condition of `{}`", fold.name()))
            }
            Fold::Map => self.part(body, None),
        };
        self.locals.pop();
        let inner = inner?;
        let rounds = found.length.saturating_mul(inner.cost.saturating_add(1));
        let cost = sum([1, found.cost, rounds]);
        let ty = match fold {
            Fold::All | Fold::Exists | Fold::ExistsOne => Type::Bool,
            Fold::Filter => found.ty.clone(),
            Fold::Map => Type::list(inner.ty),
        };
        Some(Known { ty, cost, length: found.length })
    }

    fn call(&mut self, node: &Node, receiver: Option<&Node>, name: &str, arguments: &[Node]) -> Outcome {
        match (receiver, name, arguments) {
            (None, "size", [of]) | (Some(of), "size", []) => return self.size_of(of),
            (Some(of), "contains" | "startsWith" | "endsWith", [text]) => {
                let what = format!("what `{name}` is called on");
                let of = self.expect(of, &Type::String, &what);
                let text = self.expect(text, &Type::String, &format!("the argument of `{name}`"));
                return Some(Known::new(Type::Bool, sum([1, TEXT_COST, of?.cost, text?.cost])));
            }
            _ => {}
        }
        let Some(function) = self.env.functions().get(name).cloned() else {
            return self.unknown_function(node, receiver.is_some(), name);
        };
        let receiver = match (receiver, &function.receiver) {
            (Some(node), Some(ty)) => self.expect(node, ty, &format!("what `{name}` is called on"))?.cost,
            (None, None) => 0,
            (Some(_), None) => {
                return self.problem(&node.span, format!("`{name}` is called as `{name}(…)`"));
            }
            (None, Some(ty)) => {
                return self.problem(&node.span, format!("`{name}` is called on {ty}, as `x.{name}(…)`"));
            }
        };
        if arguments.len() != function.arguments.len() {
            let (wanted, found) = (function.arguments.len(), arguments.len());
            return self.problem(&node.span, format!("`{name}` takes {wanted} arguments, but has {found}"));
        }
        let what = format!("an argument of `{name}`");
        let found: Vec<Outcome> = arguments
            .iter()
            .zip(&function.arguments)
            .map(|(argument, ty)| self.expect(argument, ty, &what))
            .collect();
        let found: Vec<Known> = found.into_iter().collect::<Option<_>>()?;
        // A bound function may walk a list of its own.
        let own = size(&function.result).max(1);
        let cost = sum(found.iter().map(|argument| argument.cost)).saturating_add(receiver);
        Some(Known::new(function.result, cost.saturating_add(own)))
    }

    fn size_of(&mut self, of: &Node) -> Outcome {
        let found = self.part(of, None)?;
        if matches!(found.ty, Type::String | Type::List(_) | Type::Map(_)) {
            return Some(Known::new(Type::Int, found.cost.saturating_add(TEXT_COST)));
        }
        self.problem(&of.span, format!("`size` takes a string, list or map, but this is {}", found.ty))
    }

    fn unknown_function(&mut self, node: &Node, method: bool, name: &str) -> Outcome {
        let built_in: &[&str] = if method {
            &["size", "contains", "startsWith", "endsWith"]
        } else {
            &["size", "has", "duration"]
        };
        let macros = Fold::ALL.map(Fold::name);
        let mut known: Vec<&str> = built_in.to_vec();
        if method {
            known.extend(macros);
        }
        let declared: BTreeMap<_, _> = self
            .env
            .functions()
            .iter()
            .filter(|(_, function)| function.receiver.is_some() == method)
            .collect();
        known.extend(declared.keys().map(|name| name.as_str()));
        let message = if name == "matches" {
            "`matches` is not supported; use `contains`, `startsWith` or `endsWith`".to_owned()
        } else {
            unknown("function", name, &known)
        };
        self.problem(&node.span, message)
    }
}

fn is_ordered(ty: &Type) -> bool {
    match ty {
        Type::Bool | Type::Int | Type::Double | Type::String | Type::Duration | Type::Timestamp => true,
        Type::List(_) | Type::Map(_) | Type::Record(_) => false,
    }
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    match nearest(name, known.iter().copied()) {
        Some(nearest) => format!("unknown {what} `{name}`; did you mean `{nearest}`?"),
        None if known.is_empty() => format!("unknown {what} `{name}`; none is known here"),
        None => format!("unknown {what} `{name}`; known are {}", listed(known)),
    }
}

/// At most a dozen names, so that a message stays one line.
fn listed(known: &[&str]) -> String {
    let mut text = known.iter().take(12).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if known.len() > 12 {
        text.push_str(", …");
    }
    text
}
