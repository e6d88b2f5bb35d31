//! The syntax tree and its normal form in text.

use std::fmt;
use std::ops::Range;

use jiff::SignedDuration;

/// A part of an expression and the bytes of the source it came from.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub(super) span: Range<usize>,
    pub(super) kind: Kind,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    Bool(bool),
    Int(i64),
    Double(f64),
    String(String),
    /// `duration("…")` of a literal, read when it is parsed; the text is kept for printing.
    Duration(SignedDuration, String),
    List(Vec<Node>),
    Name(String),
    Field(Box<Node>, String),
    Has(Box<Node>, String),
    Index(Box<Node>, Box<Node>),
    Call(Option<Box<Node>>, String, Vec<Node>),
    Fold(Fold, Box<Node>, String, Box<Node>),
    Not(Box<Node>),
    Negate(Box<Node>),
    Binary(Operator, Box<Node>, Box<Node>),
    /// A run of `&&`, kept flat so that a long one is not deep.
    And(Vec<Node>),
    /// A run of `||`.
    Or(Vec<Node>),
    Choice(Box<Node>, Box<Node>, Box<Node>),
}

/// Trees are equal when their meaning is; the place does not count.
impl PartialEq for Node {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// The macros over lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fold {
    All,
    Exists,
    ExistsOne,
    Filter,
    Map,
}

impl Fold {
    pub(super) const ALL: [Self; 5] = [Self::All, Self::Exists, Self::ExistsOne, Self::Filter, Self::Map];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::Exists => "exists",
            Self::ExistsOne => "exists_one",
            Self::Filter => "filter",
            Self::Map => "map",
        }
    }

    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fold| fold.name() == name)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Operator {
    Compare(Comparison),
    In,
    Compute(Arithmetic),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Arithmetic {
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

impl Operator {
    pub(super) const ALL: [Self; 12] = [
        Self::Compare(Comparison::Equal),
        Self::Compare(Comparison::NotEqual),
        Self::Compare(Comparison::Less),
        Self::Compare(Comparison::LessOrEqual),
        Self::Compare(Comparison::Greater),
        Self::Compare(Comparison::GreaterOrEqual),
        Self::In,
        Self::Compute(Arithmetic::Add),
        Self::Compute(Arithmetic::Subtract),
        Self::Compute(Arithmetic::Multiply),
        Self::Compute(Arithmetic::Divide),
        Self::Compute(Arithmetic::Remainder),
    ];

    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Compare(comparison) => comparison.symbol(),
            Self::In => "in",
            Self::Compute(arithmetic) => arithmetic.symbol(),
        }
    }

    /// How tightly it binds: relations, then sums, then products.
    pub(super) fn level(self) -> u8 {
        match self {
            Self::Compare(_) | Self::In => RELATION,
            Self::Compute(Arithmetic::Add | Arithmetic::Subtract) => SUM,
            Self::Compute(Arithmetic::Multiply | Arithmetic::Divide | Arithmetic::Remainder) => PRODUCT,
        }
    }
}

impl Comparison {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

impl Arithmetic {
    pub(super) fn symbol(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Remainder => "%",
        }
    }
}

const CHOICE: u8 = 0;
const OR: u8 = 1;
const AND: u8 = 2;
pub(super) const RELATION: u8 = 3;
pub(super) const SUM: u8 = 4;
pub(super) const PRODUCT: u8 = 5;
const UNARY: u8 = 6;
const MEMBER: u8 = 7;

impl Node {
    /// The parts directly below.
    pub(super) fn children(&self) -> Vec<&Node> {
        match &self.kind {
            Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Double(_)
            | Kind::String(_)
            | Kind::Duration(..)
            | Kind::Name(_) => Vec::new(),
            Kind::List(items) | Kind::And(items) | Kind::Or(items) => items.iter().collect(),
            Kind::Field(of, _) | Kind::Has(of, _) | Kind::Not(of) | Kind::Negate(of) => vec![&**of],
            Kind::Index(left, right) | Kind::Fold(_, left, _, right) | Kind::Binary(_, left, right) => {
                vec![&**left, &**right]
            }
            Kind::Call(receiver, _, arguments) => {
                receiver.iter().map(|receiver| &**receiver).chain(arguments).collect()
            }
            Kind::Choice(condition, then, otherwise) => vec![&**condition, &**then, &**otherwise],
        }
    }

    /// As [`Node::children`].
    pub(super) fn children_mut(&mut self) -> Vec<&mut Node> {
        match &mut self.kind {
            Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Double(_)
            | Kind::String(_)
            | Kind::Duration(..)
            | Kind::Name(_) => Vec::new(),
            Kind::List(items) | Kind::And(items) | Kind::Or(items) => items.iter_mut().collect(),
            Kind::Field(of, _) | Kind::Has(of, _) | Kind::Not(of) | Kind::Negate(of) => vec![&mut **of],
            Kind::Index(left, right) | Kind::Fold(_, left, _, right) | Kind::Binary(_, left, right) => {
                vec![&mut **left, &mut **right]
            }
            Kind::Call(receiver, _, arguments) => {
                receiver.iter_mut().map(|receiver| &mut **receiver).chain(arguments).collect()
            }
            Kind::Choice(condition, then, otherwise) => vec![&mut **condition, &mut **then, &mut **otherwise],
        }
    }

    fn level(&self) -> u8 {
        match &self.kind {
            Kind::Choice(..) => CHOICE,
            Kind::Or(_) => OR,
            Kind::And(_) => AND,
            Kind::Binary(operator, ..) => operator.level(),
            Kind::Not(_) | Kind::Negate(_) => UNARY,
            Kind::Int(number) if *number < 0 => UNARY,
            Kind::Double(number) if number.is_sign_negative() => UNARY,
            Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Double(_)
            | Kind::String(_)
            | Kind::Duration(..)
            | Kind::List(_)
            | Kind::Name(_)
            | Kind::Field(..)
            | Kind::Has(..)
            | Kind::Index(..)
            | Kind::Call(..)
            | Kind::Fold(..) => MEMBER,
        }
    }

    /// Prints itself, in parentheses when it binds less tightly than its place asks.
    fn print(&self, f: &mut fmt::Formatter<'_>, least: u8) -> fmt::Result {
        if self.level() < least { write!(f, "({self})") } else { write!(f, "{self}") }
    }

    /// Prints an operand of `!` or unary `-`, or what a `.` or `[` follows. A number is kept apart, because it
    /// would take a sign before it for its own.
    fn print_operand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if matches!(self.kind, Kind::Int(_) | Kind::Double(_)) {
            write!(f, "({self})")
        } else {
            self.print(f, MEMBER)
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            Kind::Bool(value) => write!(f, "{value}"),
            Kind::Int(number) => write!(f, "{number}"),
            Kind::Double(number) => write!(f, "{number:?}"),
            Kind::String(text) => quote(f, text),
            Kind::Duration(_, text) => {
                f.write_str("duration(")?;
                quote(f, text)?;
                f.write_str(")")
            }
            Kind::List(items) => {
                f.write_str("[")?;
                join(f, items)?;
                f.write_str("]")
            }
            Kind::Name(name) => f.write_str(name),
            Kind::Field(of, name) => {
                of.print_operand(f)?;
                write!(f, ".{name}")
            }
            Kind::Has(of, name) => {
                f.write_str("has(")?;
                of.print_operand(f)?;
                write!(f, ".{name})")
            }
            Kind::Index(of, index) => {
                of.print_operand(f)?;
                write!(f, "[{index}]")
            }
            Kind::Call(receiver, name, arguments) => {
                if let Some(receiver) = receiver {
                    receiver.print_operand(f)?;
                    f.write_str(".")?;
                }
                write!(f, "{name}(")?;
                join(f, arguments)?;
                f.write_str(")")
            }
            Kind::Fold(fold, list, variable, body) => {
                list.print_operand(f)?;
                write!(f, ".{}({variable}, {body})", fold.name())
            }
            Kind::Not(operand) => {
                f.write_str("!")?;
                operand.print_operand(f)
            }
            Kind::Negate(operand) => {
                f.write_str("-")?;
                operand.print_operand(f)
            }
            Kind::Binary(operator, left, right) => {
                left.print(f, operator.level())?;
                write!(f, " {} ", operator.symbol())?;
                right.print(f, operator.level() + 1)
            }
            Kind::And(parts) => chain(f, parts, " && ", AND),
            Kind::Or(parts) => chain(f, parts, " || ", OR),
            Kind::Choice(condition, then, otherwise) => {
                condition.print(f, OR)?;
                f.write_str(" ? ")?;
                then.print(f, OR)?;
                write!(f, " : {otherwise}")
            }
        }
    }
}

fn join(f: &mut fmt::Formatter<'_>, items: &[Node]) -> fmt::Result {
    for (index, item) in items.iter().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(f, "{separator}{item}")?;
    }
    Ok(())
}

fn chain(f: &mut fmt::Formatter<'_>, parts: &[Node], symbol: &str, level: u8) -> fmt::Result {
    for (index, part) in parts.iter().enumerate() {
        if index > 0 {
            f.write_str(symbol)?;
        }
        part.print(f, level + 1)?;
    }
    Ok(())
}

/// A string literal: only quotes, backslashes and control characters are escaped.
fn quote(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    f.write_str("\"")?;
    for character in text.chars() {
        match character {
            '"' => f.write_str("\\\"")?,
            '\\' => f.write_str("\\\\")?,
            '\n' => f.write_str("\\n")?,
            '\r' => f.write_str("\\r")?,
            '\t' => f.write_str("\\t")?,
            other if other.is_control() => write!(f, "\\U{:08x}", u32::from(other))?,
            other => write!(f, "{other}")?,
        }
    }
    f.write_str("\"")
}
