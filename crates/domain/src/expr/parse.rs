//! From tokens to the syntax tree, after the grammar of the CEL language definition, within fixed limits.

use std::ops::Range;

use super::ast::{Fold, Kind, Node, Operator, PRODUCT, RELATION};
use super::token::{Token, tokens};
use super::value::parse_duration;
use super::{MAX_DEPTH, MAX_LIST_ELEMENTS, MAX_MACRO_DEPTH, MAX_NODES, MAX_SOURCE_BYTES, Problem};

/// Words that CEL keeps from being names.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "var",
    "void",
    "while",
    "in",
    "null",
    "true",
    "false",
];

/// Parses a whole source.
pub(super) fn parse(source: &str) -> Result<Node, Problem> {
    if source.len() > MAX_SOURCE_BYTES {
        let message =
            format!("the expression has {} bytes; at most {MAX_SOURCE_BYTES} are allowed", source.len());
        return Err(Problem::new(0..source.len(), message));
    }
    let mut parser = Parser { tokens: tokens(source)?, at: 0, nodes: 0, nested: 0 };
    let root = parser.expression()?;
    if *parser.peek() != Token::End {
        return Err(parser.unexpected("an operator or the end"));
    }
    check_depth(&root, 1, 0)?;
    Ok(root)
}

fn check_depth(node: &Node, depth: usize, macros: usize) -> Result<(), Problem> {
    if depth > MAX_DEPTH {
        return Err(too_deep(node.span.clone()));
    }
    let macros = macros + usize::from(matches!(node.kind, Kind::Fold(..)));
    if macros > MAX_MACRO_DEPTH {
        let message = format!("list macros are nested too deeply; at most {MAX_MACRO_DEPTH} are allowed");
        return Err(Problem::new(node.span.clone(), message));
    }
    // The list a macro runs over is read once, outside of it.
    for (index, child) in node.children().into_iter().enumerate() {
        let inside = matches!(node.kind, Kind::Fold(..)) && index == 0;
        check_depth(child, depth + 1, macros - usize::from(inside))?;
    }
    Ok(())
}

fn too_deep(span: Range<usize>) -> Problem {
    Problem::new(span, format!("nested too deeply; at most {MAX_DEPTH} levels are allowed"))
}

struct Parser {
    tokens: Vec<(Token, Range<usize>)>,
    at: usize,
    nodes: usize,
    nested: usize,
}

impl Parser {
    fn peek(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn span(&self) -> Range<usize> {
        self.tokens[self.at].1.clone()
    }

    /// Moves past the current token; the end stays where it is.
    fn advance(&mut self) {
        if self.at + 1 < self.tokens.len() {
            self.at += 1;
        }
    }

    fn eat(&mut self, symbol: &str) -> bool {
        let found = matches!(self.peek(), Token::Symbol(found) if *found == symbol);
        if found {
            self.advance();
        }
        found
    }

    fn expect(&mut self, symbol: &str) -> Result<usize, Problem> {
        let end = self.span().end;
        if self.eat(symbol) { Ok(end) } else { Err(self.unexpected(&format!("`{symbol}`"))) }
    }

    fn unexpected(&self, wanted: &str) -> Problem {
        let found = match self.peek() {
            Token::Int(number) => format!("`{number}`"),
            Token::Double(number) => format!("`{number:?}`"),
            Token::String(_) => "a string".to_owned(),
            Token::Name(name) => format!("`{name}`"),
            Token::Symbol(symbol) => format!("`{symbol}`"),
            Token::End => "the end".to_owned(),
        };
        Problem::new(self.span(), format!("expected {wanted}, found {found}"))
    }

    fn node(&mut self, span: Range<usize>, kind: Kind) -> Result<Node, Problem> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            let message = format!("the expression has too many parts; at most {MAX_NODES} are allowed");
            return Err(Problem::new(span, message));
        }
        Ok(Node { span, kind })
    }

    /// `or [? or : expression]`
    fn expression(&mut self) -> Result<Node, Problem> {
        self.nested += 1;
        if self.nested > MAX_DEPTH {
            return Err(too_deep(self.span()));
        }
        let condition = self.or()?;
        let node = if self.eat("?") {
            let then = self.or()?;
            self.expect(":")?;
            let otherwise = self.expression()?;
            let span = condition.span.start..otherwise.span.end;
            self.node(span, Kind::Choice(Box::new(condition), Box::new(then), Box::new(otherwise)))?
        } else {
            condition
        };
        self.nested -= 1;
        Ok(node)
    }

    fn or(&mut self) -> Result<Node, Problem> {
        let first = self.and()?;
        self.run(first, "||", Self::and, Kind::Or)
    }

    fn and(&mut self) -> Result<Node, Problem> {
        let first = self.binary(RELATION)?;
        self.run(first, "&&", |parser| parser.binary(RELATION), Kind::And)
    }

    fn run(
        &mut self,
        first: Node,
        symbol: &str,
        next: impl Fn(&mut Self) -> Result<Node, Problem>,
        kind: impl Fn(Vec<Node>) -> Kind,
    ) -> Result<Node, Problem> {
        let start = first.span.start;
        let mut end = first.span.end;
        let mut parts = vec![first];
        while self.eat(symbol) {
            let part = next(self)?;
            end = part.span.end;
            parts.push(part);
        }
        if parts.len() == 1
            && let Some(only) = parts.pop()
        {
            return Ok(only);
        }
        self.node(start..end, kind(parts))
    }

    /// Relations, sums and products, all grouping to the left.
    fn binary(&mut self, level: u8) -> Result<Node, Problem> {
        if level > PRODUCT {
            return self.unary();
        }
        let mut left = self.binary(level + 1)?;
        while let Some(operator) = self.operator(level) {
            self.advance();
            let right = self.binary(level + 1)?;
            let span = left.span.start..right.span.end;
            left = self.node(span, Kind::Binary(operator, Box::new(left), Box::new(right)))?;
        }
        Ok(left)
    }

    fn operator(&self, level: u8) -> Option<Operator> {
        let symbol = match self.peek() {
            Token::Symbol(symbol) => symbol,
            Token::Name(name) => name.as_str(),
            Token::Int(_) | Token::Double(_) | Token::String(_) | Token::End => return None,
        };
        Operator::ALL.into_iter().find(|operator| operator.level() == level && operator.symbol() == symbol)
    }

    /// A run of `!` or of `-` before a member. The last `-` before a number is the number's own sign.
    fn unary(&mut self) -> Result<Node, Problem> {
        let mut starts = Vec::new();
        let not = *self.peek() == Token::Symbol("!");
        let sign = if not { "!" } else { "-" };
        loop {
            let start = self.span().start;
            if !self.eat(sign) {
                break;
            }
            starts.push(start);
        }
        let negative = !not && matches!(self.peek(), Token::Int(_) | Token::Double(_));
        let minus = if negative { starts.pop() } else { None };
        let mut node = self.member(minus)?;
        for start in starts.into_iter().rev() {
            let span = start..node.span.end;
            let operand = Box::new(node);
            node = self.node(span, if not { Kind::Not(operand) } else { Kind::Negate(operand) })?;
        }
        Ok(node)
    }

    fn member(&mut self, minus: Option<usize>) -> Result<Node, Problem> {
        let mut node = self.primary(minus)?;
        loop {
            let start = node.span.start;
            if self.eat(".") {
                let (name, span) = self.name("a field or function name")?;
                node = if self.eat("(") {
                    self.method(node, name, span)?
                } else {
                    self.node(start..span.end, Kind::Field(Box::new(node), name))?
                };
            } else if self.eat("[") {
                let index = self.expression()?;
                let end = self.expect("]")?;
                node = self.node(start..end, Kind::Index(Box::new(node), Box::new(index)))?;
            } else {
                return Ok(node);
            }
        }
    }

    fn name(&mut self, wanted: &str) -> Result<(String, Range<usize>), Problem> {
        let span = self.span();
        match self.peek() {
            Token::Name(name) if !RESERVED.contains(&name.as_str()) => {
                let name = name.clone();
                self.advance();
                Ok((name, span))
            }
            Token::Name(name) => {
                Err(Problem::new(span, format!("`{name}` is a reserved word; use another name")))
            }
            Token::Int(_) | Token::Double(_) | Token::String(_) | Token::Symbol(_) | Token::End => {
                Err(self.unexpected(wanted))
            }
        }
    }

    /// A call on `receiver`, after its opening parenthesis: a macro or a method.
    fn method(&mut self, receiver: Node, name: String, at: Range<usize>) -> Result<Node, Problem> {
        let start = receiver.span.start;
        let (mut arguments, end) = self.list(")")?;
        let receiver = Box::new(receiver);
        let Some(fold) = Fold::from_name(&name) else {
            return self.node(start..end, Kind::Call(Some(receiver), name, arguments));
        };
        let (Some(body), Some(variable), true) = (arguments.pop(), arguments.pop(), arguments.is_empty())
        else {
            return Err(Problem::new(at, format!("`{name}` takes a name and an expression")));
        };
        let Kind::Name(variable) = variable.kind else {
            return Err(Problem::new(variable.span, format!("`{name}` takes a plain name first")));
        };
        self.node(start..end, Kind::Fold(fold, receiver, variable, Box::new(body)))
    }

    /// Expressions up to the closing symbol, and the end of that symbol. A last comma is allowed in `[…]` only.
    fn list(&mut self, close: &str) -> Result<(Vec<Node>, usize), Problem> {
        let mut items = Vec::new();
        loop {
            let end = self.span().end;
            let may_end = items.is_empty() || close == "]";
            if may_end && self.eat(close) {
                return Ok((items, end));
            }
            items.push(self.expression()?);
            if !self.eat(",") {
                return Ok((items, self.expect(close)?));
            }
        }
    }

    fn primary(&mut self, minus: Option<usize>) -> Result<Node, Problem> {
        let span = self.span();
        let token = self.peek().clone();
        match token {
            Token::Int(number) => {
                self.advance();
                self.int(number, minus, span)
            }
            Token::Double(number) => {
                self.advance();
                let start = minus.unwrap_or(span.start);
                let number = if minus.is_some() { -number } else { number };
                self.node(start..span.end, Kind::Double(number))
            }
            Token::String(text) => {
                self.advance();
                self.node(span, Kind::String(text))
            }
            Token::Name(name) => self.named(&name, span),
            Token::Symbol("(") => {
                self.advance();
                let inner = self.expression()?;
                let end = self.expect(")")?;
                Ok(Node { span: span.start..end, kind: inner.kind })
            }
            Token::Symbol("[") => {
                self.advance();
                let (items, end) = self.list("]")?;
                if items.len() > MAX_LIST_ELEMENTS {
                    let message =
                        format!("a list of {}; at most {MAX_LIST_ELEMENTS} are allowed", items.len());
                    return Err(Problem::new(span.start..end, message));
                }
                self.node(span.start..end, Kind::List(items))
            }
            Token::Symbol("{") => Err(Problem::new(span, "map literals are not supported")),
            Token::Symbol(_) | Token::End => Err(self.unexpected("a value")),
        }
    }

    fn int(&mut self, number: u64, minus: Option<usize>, span: Range<usize>) -> Result<Node, Problem> {
        let start = minus.unwrap_or(span.start);
        let signed = match minus {
            Some(_) => 0_i64.checked_sub_unsigned(number),
            None => i64::try_from(number).ok(),
        };
        match signed {
            Some(signed) => self.node(start..span.end, Kind::Int(signed)),
            None => Err(Problem::new(start..span.end, "this number does not fit in 64 bits")),
        }
    }

    fn named(&mut self, name: &str, span: Range<usize>) -> Result<Node, Problem> {
        match name {
            "true" | "false" => {
                self.advance();
                return self.node(span, Kind::Bool(name == "true"));
            }
            "null" => return Err(Problem::new(span, "there is no null; ask with `has(x.field)`")),
            _ => {}
        }
        let (name, _) = self.name("a value")?;
        if !self.eat("(") {
            return self.node(span, Kind::Name(name));
        }
        let (arguments, end) = self.list(")")?;
        let span = span.start..end;
        match name.as_str() {
            "has" => self.has(arguments, span),
            "duration" => self.duration(arguments, span),
            _ => self.node(span, Kind::Call(None, name, arguments)),
        }
    }

    fn has(&mut self, arguments: Vec<Node>, span: Range<usize>) -> Result<Node, Problem> {
        let mut arguments = arguments.into_iter();
        match (arguments.next().map(|argument| argument.kind), arguments.next()) {
            (Some(Kind::Field(of, name)), None) => self.node(span, Kind::Has(of, name)),
            _ => Err(Problem::new(span, "`has` takes one field, as in `has(incident.owner)`")),
        }
    }

    fn duration(&mut self, arguments: Vec<Node>, span: Range<usize>) -> Result<Node, Problem> {
        let mut arguments = arguments.into_iter();
        let (Some(Kind::String(text)), None) =
            (arguments.next().map(|argument| argument.kind), arguments.next())
        else {
            return Err(Problem::new(span, "`duration` takes one string literal, as in `duration(\"5m\")`"));
        };
        match parse_duration(&text) {
            Some(duration) => self.node(span, Kind::Duration(duration, text)),
            None => {
                let message =
                    format!("`{}` is not a duration; write `90s`, `5m` or `1h30m`", text.escape_debug());
                Err(Problem::new(span, message))
            }
        }
    }
}
