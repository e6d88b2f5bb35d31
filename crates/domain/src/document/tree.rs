//! From YAML text to a bounded tree of placed nodes. Everything that could expand or hide is refused here.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeSet;

use granit_parser::{Event, Marker, Options, Parser, ScalarStyle, Span, Tag};

use super::spanned::Style;
use super::{MAX_BYTES, MAX_DEPTH, MAX_NODES, MAX_PROBLEMS, MAX_SCALAR_BYTES, Position, Problem};

/// A value as written. `dead` marks one that was reported and must not be read again.
#[derive(Debug)]
pub(super) struct Node {
    pub(super) position: Position,
    pub(super) style: Style,
    pub(super) content: Content,
    pub(super) dead: Cell<bool>,
}

#[derive(Debug)]
pub(super) enum Content {
    /// Unquoted text, whose type its spelling decides.
    Plain(String),
    /// Quoted or block text, always a string.
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<Entry>),
}

#[derive(Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) position: Position,
    pub(super) value: Node,
}

impl Node {
    fn new(position: Position, style: Style, content: Content) -> Self {
        Self { position, style, content, dead: Cell::new(false) }
    }

    /// Whether a direct part was reported, so that a complaint about the whole may only be its echo.
    pub(super) fn has_dead_part(&self) -> bool {
        match &self.content {
            Content::Plain(_) | Content::Text(_) => false,
            Content::List(items) => items.iter().any(|item| item.dead.get()),
            Content::Mapping(entries) => entries.iter().any(|entry| entry.value.dead.get()),
        }
    }
}

/// Parses one document. The tree is absent only when the text could not be parsed to its end.
pub(super) fn parse(path: &str, text: &str) -> (Option<Node>, Vec<Problem>) {
    let start = Position { line: 1, column: 1 };
    if text.len() > MAX_BYTES {
        let message = format!("the file has {} bytes; at most {MAX_BYTES} are read", text.len());
        return (None, vec![Problem::new(path, start, message)]);
    }
    let mut options = Options::default();
    options.emit_unresolved_aliases = true;
    options.disallow_directives = true;
    let mut builder =
        Builder { path, open: Vec::new(), root: None, documents: 0, nodes: 0, problems: Vec::new() };
    for event in Parser::new_from_str_with_options(text, options) {
        let step = match event {
            Ok((event, span)) => builder.event(event, span),
            Err(error) => Err(Stop(position(error.marker()), format!("not valid YAML: {}", error.info()))),
        };
        if let Err(Stop(position, message)) = step {
            builder.problem(position, message);
            return (None, builder.problems);
        }
    }
    if builder.root.is_none() {
        builder.problem(start, "the file is empty".to_owned());
    }
    (builder.root, builder.problems)
}

/// Ends the reading: what follows can no longer be told.
struct Stop(Position, String);

/// A list or mapping whose end has not been seen.
struct Open {
    node: Node,
    /// The key read last, in a mapping that waits for its value.
    key: Option<(String, Position)>,
    keys: BTreeSet<String>,
}

struct Builder<'p> {
    path: &'p str,
    open: Vec<Open>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
    problems: Vec<Problem>,
}

impl Builder<'_> {
    fn problem(&mut self, position: Position, message: String) {
        if self.problems.len() < MAX_PROBLEMS {
            self.problems.push(Problem::new(self.path, position, message));
        }
    }

    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Stop> {
        let position = position(&span.start);
        match event {
            Event::StreamStart | Event::StreamEnd | Event::DocumentEnd | Event::Anchor(..) => Ok(()),
            Event::DocumentStart(..) => self.document(position),
            Event::Alias(_) | Event::UnresolvedAlias(_) => {
                self.problem(position, "aliases (`*name`) are not read; write the value out".to_owned());
                let node = Node::new(position, Style::Opaque, Content::Plain(String::new()));
                node.dead.set(true);
                self.place(node)
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.properties(position, anchor, tag.as_ref());
                self.scalar(text, style, span)
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.properties(position, anchor, tag.as_ref());
                self.enter(Node::new(position, Style::Opaque, Content::List(Vec::new())))
            }
            Event::MappingStart(_, anchor, tag) => {
                self.properties(position, anchor, tag.as_ref());
                self.enter(Node::new(position, Style::Opaque, Content::Mapping(Vec::new())))
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(open) => self.place(open.node),
                None => Ok(()),
            },
            _ => Err(Stop(position, "this kind of YAML is not read".to_owned())),
        }
    }

    fn document(&mut self, position: Position) -> Result<(), Stop> {
        self.documents += 1;
        if self.documents > 1 {
            return Err(Stop(
                position,
                "a second document starts here; one file holds one document".to_owned(),
            ));
        }
        Ok(())
    }

    fn properties(&mut self, position: Position, anchor: usize, tag: Option<&Cow<'_, Tag>>) {
        if anchor != 0 {
            self.problem(position, "anchors (`&name`) are not read; write the value out".to_owned());
        }
        if tag.is_some() {
            self.problem(position, "tags (`!name`) are not read; remove the tag".to_owned());
        }
    }

    fn scalar(&mut self, text: Cow<'_, str>, style: ScalarStyle, span: Span) -> Result<(), Stop> {
        let position = position(&span.start);
        if text.len() > MAX_SCALAR_BYTES {
            let message = format!("a text of {} bytes; at most {MAX_SCALAR_BYTES} are read", text.len());
            return Err(Stop(position, message));
        }
        let one_line = span.start.line() == span.end.line();
        let (style, plain) = match style {
            ScalarStyle::Plain if one_line => (Style::Plain, true),
            ScalarStyle::Plain => (Style::Opaque, true),
            ScalarStyle::SingleQuoted if one_line => (Style::SingleQuoted, false),
            ScalarStyle::DoubleQuoted if one_line => (Style::DoubleQuoted, false),
            ScalarStyle::SingleQuoted
            | ScalarStyle::DoubleQuoted
            | ScalarStyle::Literal
            | ScalarStyle::Folded => (Style::Opaque, false),
        };
        let text = text.into_owned();
        let content = if plain { Content::Plain(text) } else { Content::Text(text) };
        self.place(Node::new(position, style, content))
    }

    fn enter(&mut self, node: Node) -> Result<(), Stop> {
        if self.open.len() >= MAX_DEPTH {
            let message = format!("nested too deeply; at most {MAX_DEPTH} levels are read");
            return Err(Stop(node.position, message));
        }
        self.open.push(Open { node, key: None, keys: BTreeSet::new() });
        Ok(())
    }

    /// Puts a finished node where it belongs: the document's root, a list, or a mapping as key or value.
    fn place(&mut self, node: Node) -> Result<(), Stop> {
        self.nodes += 1;
        if self.nodes > MAX_NODES {
            return Err(Stop(node.position, format!("too many values; at most {MAX_NODES} are read")));
        }
        let Some(open) = self.open.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        let entries = match &mut open.node.content {
            Content::List(items) => {
                items.push(node);
                return Ok(());
            }
            Content::Mapping(entries) => entries,
            Content::Plain(_) | Content::Text(_) => return Ok(()),
        };
        let Some((key, position)) = open.key.take() else {
            return self.key(node);
        };
        let merge = key == "<<";
        if !merge && open.keys.insert(key.clone()) {
            entries.push(Entry { key, position, value: node });
            return Ok(());
        }
        let message = if merge {
            "merge keys (`<<`) are not read; write the fields out".to_owned()
        } else {
            format!("`{key}` is given twice; keep one")
        };
        self.problem(position, message);
        Ok(())
    }

    fn key(&mut self, node: Node) -> Result<(), Stop> {
        let position = node.position;
        let text = match node.content {
            Content::Plain(text) | Content::Text(text) => text,
            Content::List(_) | Content::Mapping(_) => {
                return Err(Stop(position, "a key must be plain text".to_owned()));
            }
        };
        if let Some(open) = self.open.last_mut() {
            open.key = Some((text, position));
        }
        Ok(())
    }
}

fn position(marker: &Marker) -> Position {
    let number = |value: usize| u32::try_from(value).unwrap_or(u32::MAX);
    Position { line: number(marker.line()), column: number(marker.col()).saturating_add(1) }
}
