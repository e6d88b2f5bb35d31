//! Fields that stand for something else: what a reusable piece calls by its own names means, where it is used, other
//! steps and given values. The tree is changed, never the text, so a given value stays one value.

use std::collections::BTreeMap;
use std::ops::Range;

use super::ast::{Kind, Node};
use super::{Expr, MAX_NODES, Problem};

/// What `variable.field` stands for.
#[derive(Debug, Clone, Default)]
pub struct Stands(BTreeMap<(String, String), Node>);

/// A value that is known before anything is evaluated.
#[derive(Debug, Clone, PartialEq)]
pub enum Constant {
    Bool(bool),
    Int(i64),
    Text(String),
    Texts(Vec<String>),
}

impl Stands {
    /// Another field of the same variable.
    pub fn field(&mut self, variable: &str, field: &str, other: &str) {
        let of = Box::new(node(Kind::Name(variable.to_owned())));
        self.insert(variable, field, node(Kind::Field(of, other.to_owned())));
    }

    pub fn constant(&mut self, variable: &str, field: &str, value: Constant) {
        let text = |text: String| node(Kind::String(text));
        let value = match value {
            Constant::Bool(value) => node(Kind::Bool(value)),
            Constant::Int(value) => node(Kind::Int(value)),
            Constant::Text(value) => text(value),
            Constant::Texts(values) => node(Kind::List(values.into_iter().map(text).collect())),
        };
        self.insert(variable, field, value);
    }

    /// The value that this expression has when the field is read.
    pub fn expression(&mut self, variable: &str, field: &str, value: &Expr) {
        self.insert(variable, field, value.root.clone());
    }

    fn insert(&mut self, variable: &str, field: &str, value: Node) {
        self.0.insert((variable.to_owned(), field.to_owned()), value);
    }

    pub(super) fn replace(&self, mut root: Node) -> Result<Node, Problem> {
        if self.0.is_empty() {
            return Ok(root);
        }
        let mut work = Work { stands: &self.0, locals: Vec::new(), left: MAX_NODES };
        let span = root.span.clone();
        if work.visit(&mut root) {
            return Ok(root);
        }
        let message =
            format!("with what is given to the piece, the expression has more than {MAX_NODES} parts");
        Err(Problem::new(span, message))
    }
}

fn node(kind: Kind) -> Node {
    Node { span: 0..0, kind }
}

struct Work<'s> {
    stands: &'s BTreeMap<(String, String), Node>,
    locals: Vec<String>,
    left: usize,
}

impl Work<'_> {
    /// False when the tree has grown too large.
    fn visit(&mut self, part: &mut Node) -> bool {
        if let Some(other) = self.stood_for(&part.kind) {
            let span = part.span.clone();
            part.kind = match (&part.kind, other.kind) {
                (Kind::Has(..), Kind::Field(of, name)) => Kind::Has(of, name),
                (_, other) => other,
            };
            return self.place(part, &span);
        }
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        if let Kind::Fold(_, list, variable, body) = &mut part.kind {
            let listed = self.visit(list);
            self.locals.push(variable.clone());
            let all = listed && self.visit(body);
            self.locals.pop();
            return all;
        }
        part.children_mut().into_iter().all(|child| self.visit(child))
    }

    fn stood_for(&self, kind: &Kind) -> Option<Node> {
        let (Kind::Field(of, name) | Kind::Has(of, name)) = kind else { return None };
        let Kind::Name(variable) = &of.kind else { return None };
        if self.locals.contains(variable) {
            return None;
        }
        self.stands.get(&(variable.clone(), name.clone())).cloned()
    }

    /// What was put in has the place of what it replaces.
    fn place(&mut self, part: &mut Node, span: &Range<usize>) -> bool {
        part.span = span.clone();
        let Some(left) = self.left.checked_sub(1) else { return false };
        self.left = left;
        part.children_mut().into_iter().all(|child| self.place(child, span))
    }
}
