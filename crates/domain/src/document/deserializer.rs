//! From the tree to a type, collecting every problem.
//!
//! serde stops at the first error. So a node that does not fit is reported, marked dead, and the whole is read
//! again without it, until a pass finds nothing new. Each pass but the last marks a node, so the loop ends.

use std::cell::RefCell;
use std::fmt;

use serde::de::value::StrDeserializer;
use serde::de::{
    self, DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Expected, IntoDeserializer, MapAccess,
    SeqAccess, VariantAccess, Visitor,
};
use serde::forward_to_deserialize_any;

use super::spanned::MARKER;
use super::tree::{Content, Entry, Node};
use super::{MAX_PROBLEMS, Position, Problem, nearest};

/// Most passes over one file: enough for [`MAX_PROBLEMS`] problems and the structures they take down with them.
const MAX_PASSES: usize = 256;

/// Reads `root` as a `T`, adding to `problems`. `None` when anything was reported.
pub(super) fn deserialize<T: DeserializeOwned>(
    path: &str,
    root: &Node,
    problems: &mut Vec<Problem>,
) -> Option<T> {
    let log = Log { path, problems: RefCell::new(Vec::new()) };
    let mut value = None;
    for _ in 0..MAX_PASSES {
        let result = log.settle(root, T::deserialize(Reader { node: root, log: &log }));
        let full = log.problems.borrow().len() >= MAX_PROBLEMS;
        value = result.ok();
        if value.is_some() || root.dead.get() || full {
            break;
        }
    }
    problems.append(&mut log.problems.borrow_mut());
    value
}

/// Why a node could not be read.
#[derive(Debug)]
pub(super) enum Error {
    /// Already told and marked.
    Reported,
    /// A required field is absent.
    Missing(&'static str),
    Message(String),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reported => f.write_str("already reported"),
            Self::Missing(field) => write!(f, "the field `{field}` is missing"),
            Self::Message(message) => f.write_str(message),
        }
    }
}

impl std::error::Error for Error {}

impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::Message(message.to_string())
    }

    fn invalid_type(found: de::Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::invalid_value(found, expected)
    }

    fn invalid_value(found: de::Unexpected<'_>, expected: &dyn Expected) -> Self {
        Self::Message(format!("expected {}, found {}", spell(&expected.to_string()), describe(found)))
    }

    fn missing_field(field: &'static str) -> Self {
        Self::Missing(field)
    }

    fn unknown_field(field: &str, expected: &'static [&'static str]) -> Self {
        Self::Message(unknown("field", field, expected))
    }

    fn unknown_variant(variant: &str, expected: &'static [&'static str]) -> Self {
        Self::Message(unknown("value", variant, expected))
    }
}

/// The names of our number types in the words of a reader of YAML.
fn spell(expected: &str) -> &str {
    match expected {
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "usize" => "a whole number, not negative",
        "i8" | "i16" | "i32" | "i64" | "isize" => "a whole number in range",
        other => other,
    }
}

fn describe(found: de::Unexpected<'_>) -> String {
    if let de::Unexpected::Str(text) = found {
        return format!("the text `{}`", shorten(text));
    }
    let text = found.to_string();
    let number = text.strip_prefix("integer ").or_else(|| text.strip_prefix("floating point "));
    number.map_or(text.clone(), |number| format!("the number {number}"))
}

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let name: String = name.chars().take(64).collect();
    if let Some(nearest) = nearest(&name, known.iter().copied()) {
        return format!("unknown {what} `{name}`; did you mean `{nearest}`?");
    }
    let known = known.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if known.is_empty() {
        format!("unknown {what} `{name}`; none is expected here")
    } else {
        format!("unknown {what} `{name}`; expected one of {known}")
    }
}

struct Log<'p> {
    path: &'p str,
    problems: RefCell<Vec<Problem>>,
}

impl Log<'_> {
    fn report(&self, position: Position, message: String) {
        let mut problems = self.problems.borrow_mut();
        if problems.len() < MAX_PROBLEMS {
            problems.push(Problem::new(self.path, position, message));
        }
    }

    /// Reports what went wrong while `node` was read, unless it is told already, and marks the node.
    fn settle<T>(&self, node: &Node, result: Result<T, Error>) -> Result<T, Error> {
        self.settle_at(node.position, node, result)
    }

    fn settle_at<T>(&self, position: Position, node: &Node, result: Result<T, Error>) -> Result<T, Error> {
        let error = match result {
            Ok(value) => return Ok(value),
            Err(error) => error,
        };
        match error {
            Error::Reported => return Err(Error::Reported),
            Error::Missing(field) if is_dead_field(node, field) => {}
            Error::Message(_) if node.has_dead_part() => {}
            Error::Missing(_) | Error::Message(_) => self.report(position, error.to_string()),
        }
        node.dead.set(true);
        Err(Error::Reported)
    }
}

fn is_dead_field(node: &Node, field: &str) -> bool {
    match &node.content {
        Content::Mapping(entries) => entries.iter().any(|entry| entry.key == field && entry.value.dead.get()),
        Content::Plain(_) | Content::Text(_) | Content::List(_) => false,
    }
}

/// What an unquoted text means by the YAML 1.2 core schema (§10.3.2).
enum Plain<'t> {
    Null,
    Bool(bool),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
    Text(&'t str),
}

fn resolve(text: &str) -> Plain<'_> {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Plain::Null,
        "true" | "True" | "TRUE" => return Plain::Bool(true),
        "false" | "False" | "FALSE" => return Plain::Bool(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" => return Plain::Float(f64::INFINITY),
        "-.inf" | "-.Inf" | "-.INF" => return Plain::Float(f64::NEG_INFINITY),
        ".nan" | ".NaN" | ".NAN" => return Plain::Float(f64::NAN),
        _ => {}
    }
    resolve_number(text).unwrap_or(Plain::Text(text))
}

fn resolve_number(text: &str) -> Option<Plain<'_>> {
    let prefixed = |digits: &str, radix| u64::from_str_radix(digits, radix).ok().map(Plain::Unsigned);
    if let Some(digits) = text.strip_prefix("0x") {
        return digits.bytes().all(|byte| byte.is_ascii_hexdigit()).then(|| prefixed(digits, 16))?;
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| prefixed(digits, 8))?;
    }
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !unsigned.is_empty() && unsigned.bytes().all(|byte| byte.is_ascii_digit()) {
        let whole = text.parse::<u64>().map(Plain::Unsigned);
        let whole = whole.or_else(|_| text.parse::<i64>().map(Plain::Signed)).ok();
        return whole.or_else(|| text.parse().ok().map(Plain::Float));
    }
    let starts_as_number =
        unsigned.strip_prefix('.').unwrap_or(unsigned).starts_with(|c: char| c.is_ascii_digit());
    let spelled_as_number = unsigned
        .bytes()
        .all(|byte| byte.is_ascii_digit() || matches!(byte, b'.' | b'e' | b'E' | b'+' | b'-'));
    if starts_as_number && spelled_as_number { text.parse().ok().map(Plain::Float) } else { None }
}

#[derive(Clone, Copy)]
struct Reader<'t> {
    node: &'t Node,
    log: &'t Log<'t>,
}

impl<'t> Reader<'t> {
    fn found(self) -> String {
        match &self.node.content {
            Content::List(_) => "a list".to_owned(),
            Content::Mapping(_) => "a mapping".to_owned(),
            Content::Text(text) => format!("the text `{}`", shorten(text)),
            Content::Plain(text) => match resolve(text) {
                Plain::Null => "nothing".to_owned(),
                Plain::Bool(_) => format!("the boolean `{}`", shorten(text)),
                Plain::Unsigned(_) | Plain::Signed(_) | Plain::Float(_) => {
                    format!("the number `{}`", shorten(text))
                }
                Plain::Text(_) => format!("the text `{}`", shorten(text)),
            },
        }
    }

    fn mismatch<T>(self, expected: impl fmt::Display) -> Result<T, Error> {
        Err(Error::Message(format!("expected {expected}, found {}", self.found())))
    }

    fn list<V: Visitor<'t>>(self, items: &'t [Node], visitor: V) -> Result<V::Value, Error> {
        let mut access = List { items: items.iter(), log: self.log };
        let value = visitor.visit_seq(&mut access)?;
        if access.items.all(|item| item.dead.get()) {
            Ok(value)
        } else {
            Err(Error::Message(format!("the list of {} is too long", items.len())))
        }
    }

    fn mapping<V: Visitor<'t>>(
        self,
        entries: &'t [Entry],
        fields: Option<&'static [&'static str]>,
        visitor: V,
    ) -> Result<V::Value, Error> {
        visitor.visit_map(Mapping { entries: entries.iter(), fields, log: self.log, value: None })
    }

    fn number<V: Visitor<'t>>(self, visitor: V, expected: &str) -> Result<V::Value, Error> {
        match &self.node.content {
            Content::Plain(text) => match resolve(text) {
                Plain::Unsigned(number) => visitor.visit_u64(number),
                Plain::Signed(number) => visitor.visit_i64(number),
                Plain::Float(number) => visitor.visit_f64(number),
                Plain::Null | Plain::Bool(_) | Plain::Text(_) => self.mismatch(expected),
            },
            Content::Text(_) | Content::List(_) | Content::Mapping(_) => self.mismatch(expected),
        }
    }
}

fn shorten(text: &str) -> String {
    let mut short: String = text.chars().take(40).flat_map(char::escape_debug).collect();
    if text.chars().nth(40).is_some() {
        short.push('…');
    }
    short
}

macro_rules! numbers {
    ($($method:ident => $expected:literal,)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            self.number(visitor, $expected)
        })*
    };
}

impl<'de> Deserializer<'de> for Reader<'de> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.content {
            Content::Plain(text) => match resolve(text) {
                Plain::Null => visitor.visit_unit(),
                Plain::Bool(value) => visitor.visit_bool(value),
                Plain::Unsigned(number) => visitor.visit_u64(number),
                Plain::Signed(number) => visitor.visit_i64(number),
                Plain::Float(number) => visitor.visit_f64(number),
                Plain::Text(text) => visitor.visit_borrowed_str(text),
            },
            Content::Text(text) => visitor.visit_borrowed_str(text),
            Content::List(items) => self.list(items, visitor),
            Content::Mapping(entries) => self.mapping(entries, None, visitor),
        }
    }

    numbers! {
        deserialize_u8 => "a whole number",
        deserialize_u16 => "a whole number",
        deserialize_u32 => "a whole number",
        deserialize_u64 => "a whole number",
        deserialize_i8 => "a whole number",
        deserialize_i16 => "a whole number",
        deserialize_i32 => "a whole number",
        deserialize_i64 => "a whole number",
        deserialize_f32 => "a number",
        deserialize_f64 => "a number",
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if let Content::Plain(text) = &self.node.content
            && let Plain::Bool(value) = resolve(text)
        {
            return visitor.visit_bool(value);
        }
        self.mismatch("true or false")
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.content {
            Content::Text(text) => visitor.visit_borrowed_str(text),
            Content::Plain(text) => match resolve(text) {
                Plain::Text(text) => visitor.visit_borrowed_str(text),
                Plain::Null => self.mismatch("text"),
                Plain::Bool(_) | Plain::Unsigned(_) | Plain::Signed(_) | Plain::Float(_) => {
                    Err(Error::Message(format!("expected text, found {}; put it in quotes", self.found())))
                }
            },
            Content::List(_) | Content::Mapping(_) => self.mismatch("text"),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_char<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.content {
            Content::Plain(text) if matches!(resolve(text), Plain::Null) => visitor.visit_none(),
            Content::Plain(_) | Content::Text(_) | Content::List(_) | Content::Mapping(_) => {
                visitor.visit_some(self)
            }
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Error> {
        if name == MARKER {
            visitor.visit_seq(Placed { reader: self, part: 0 })
        } else {
            visitor.visit_newtype_struct(self)
        }
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.content {
            Content::List(items) => self.list(items, visitor),
            Content::Plain(_) | Content::Text(_) | Content::Mapping(_) => self.mismatch("a list"),
        }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match &self.node.content {
            Content::Mapping(entries) => self.mapping(entries, None, visitor),
            Content::Plain(_) | Content::Text(_) | Content::List(_) => self.mismatch("a mapping"),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match &self.node.content {
            Content::Mapping(entries) => self.mapping(entries, Some(fields), visitor),
            Content::Plain(_) | Content::Text(_) | Content::List(_) => self.mismatch("a mapping"),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let (name, content) = match &self.node.content {
            Content::Plain(name) | Content::Text(name) => (name, None),
            Content::Mapping(entries) => match entries.as_slice() {
                [entry] => (&entry.key, Some(&entry.value)),
                _ => return Err(Error::Message(format!("expected one field, found {}", entries.len()))),
            },
            Content::List(_) => return self.mismatch("one of the known values"),
        };
        if !variants.contains(&name.as_str()) {
            return Err(<Error as de::Error>::unknown_variant(name, variants));
        }
        if content.is_some_and(|content| content.dead.get()) {
            self.node.dead.set(true);
            return Err(Error::Reported);
        }
        visitor.visit_enum(Variant { name, content, log: self.log })
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! { i128 u128 bytes byte_buf unit unit_struct }
}

/// The parts a [`Spanned`](super::Spanned) asks for: line, column, style, value.
struct Placed<'t> {
    reader: Reader<'t>,
    part: u8,
}

impl<'t> SeqAccess<'t> for Placed<'t> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let node = self.reader.node;
        let part = self.part;
        self.part = part.saturating_add(1);
        match part {
            0 => seed.deserialize(node.position.line.into_deserializer()).map(Some),
            1 => seed.deserialize(node.position.column.into_deserializer()).map(Some),
            2 => seed.deserialize(node.style.code().into_deserializer()).map(Some),
            3 => seed.deserialize(self.reader).map(Some),
            _ => Ok(None),
        }
    }
}

struct List<'t> {
    items: std::slice::Iter<'t, Node>,
    log: &'t Log<'t>,
}

impl<'t> SeqAccess<'t> for &mut List<'t> {
    type Error = Error;

    fn next_element_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(node) = self.items.by_ref().find(|item| !item.dead.get()) else {
            return Ok(None);
        };
        self.log.settle(node, seed.deserialize(Reader { node, log: self.log })).map(Some)
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.items.len())
    }
}

struct Mapping<'t> {
    entries: std::slice::Iter<'t, Entry>,
    /// The fields of a struct; a map takes any key.
    fields: Option<&'static [&'static str]>,
    log: &'t Log<'t>,
    value: Option<&'t Node>,
}

impl<'t> Mapping<'t> {
    fn next(&mut self) -> Option<&'t Entry> {
        loop {
            let entry = self.entries.next()?;
            if entry.value.dead.get() {
                continue;
            }
            match self.fields {
                Some(fields) if !fields.contains(&entry.key.as_str()) => {
                    self.log.report(entry.position, unknown("field", &entry.key, fields));
                    entry.value.dead.set(true);
                }
                Some(_) | None => return Some(entry),
            }
        }
    }
}

impl<'t> MapAccess<'t> for Mapping<'t> {
    type Error = Error;

    fn next_key_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<Option<S::Value>, Error> {
        let Some(entry) = self.next() else {
            return Ok(None);
        };
        self.value = Some(&entry.value);
        let key = StrDeserializer::new(&entry.key);
        self.log.settle_at(entry.position, &entry.value, seed.deserialize(key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'t>>(&mut self, seed: S) -> Result<S::Value, Error> {
        let Some(node) = self.value.take() else {
            return Err(Error::Message("a value was asked for before its key".to_owned()));
        };
        self.log.settle(node, seed.deserialize(Reader { node, log: self.log }))
    }
}

struct Variant<'t> {
    name: &'t str,
    content: Option<&'t Node>,
    log: &'t Log<'t>,
}

impl<'t> Variant<'t> {
    fn read<T>(&self, read: impl FnOnce(Reader<'t>) -> Result<T, Error>) -> Result<T, Error> {
        let Some(node) = self.content else {
            return Err(Error::Message(format!("`{}` needs a value: write `{}: …`", self.name, self.name)));
        };
        self.log.settle(node, read(Reader { node, log: self.log }))
    }
}

impl<'t> EnumAccess<'t> for Variant<'t> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<(S::Value, Self), Error> {
        let name = seed.deserialize(StrDeserializer::<Error>::new(self.name))?;
        Ok((name, self))
    }
}

impl<'t> VariantAccess<'t> for Variant<'t> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        let Some(node) = self.content else {
            return Ok(());
        };
        let reader = Reader { node, log: self.log };
        match &node.content {
            Content::Plain(text) if matches!(resolve(text), Plain::Null) => Ok(()),
            Content::Plain(_) | Content::Text(_) | Content::List(_) | Content::Mapping(_) => {
                self.log.settle(node, reader.mismatch("nothing"))
            }
        }
    }

    fn newtype_variant_seed<S: DeserializeSeed<'t>>(self, seed: S) -> Result<S::Value, Error> {
        self.read(|reader| seed.deserialize(reader))
    }

    fn tuple_variant<V: Visitor<'t>>(self, _: usize, visitor: V) -> Result<V::Value, Error> {
        self.read(|reader| reader.deserialize_seq(visitor))
    }

    fn struct_variant<V: Visitor<'t>>(
        self,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        self.read(|reader| reader.deserialize_struct("", fields, visitor))
    }
}
