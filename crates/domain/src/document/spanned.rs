//! A value together with the place it was written.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, SeqAccess, Visitor};
use serde::{Serialize, Serializer};

use super::Problem;

/// The newtype name by which our deserializer knows that a place is wanted; other formats see the bare value.
pub(super) const MARKER: &str = "$domain::document::Spanned";

/// A place in a file: line and column in characters, both from 1. The default, 0:0, means unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// How a scalar was written, as far as it matters for finding a place inside it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Style {
    Plain,
    SingleQuoted,
    DoubleQuoted,
    /// Block scalars, scalars of several lines, and everything that is not a scalar.
    #[default]
    Opaque,
}

impl Style {
    pub(super) fn code(self) -> u8 {
        match self {
            Self::Plain => 0,
            Self::SingleQuoted => 1,
            Self::DoubleQuoted => 2,
            Self::Opaque => 3,
        }
    }

    fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Plain,
            1 => Self::SingleQuoted,
            2 => Self::DoubleQuoted,
            _ => Self::Opaque,
        }
    }

    /// Columns one character of the value takes in the file.
    fn width(self, character: char) -> u32 {
        match self {
            Self::Plain | Self::Opaque => 1,
            Self::SingleQuoted => 1 + u32::from(character == '\''),
            Self::DoubleQuoted => 1 + u32::from(matches!(character, '"' | '\\' | '\t')),
        }
    }
}

/// A value and where it stands. Equality, order, hash and serialization look at the value only.
///
/// Inside `#[serde(flatten)]`, untagged and internally tagged enums, and in formats other than
/// [`document::read`](super::read), the place is unknown (0:0).
#[derive(Clone, Debug, Default)]
pub struct Spanned<T> {
    /// What was written.
    pub value: T,
    position: Position,
    style: Style,
}

impl<T> Spanned<T> {
    /// A value that was not read from a file.
    pub fn without_position(value: T) -> Self {
        Self { value, position: Position::default(), style: Style::Opaque }
    }

    /// Where the value starts.
    pub fn position(&self) -> Position {
        self.position
    }

    /// A problem with the value as a whole.
    pub fn problem_here(&self, path: impl Into<String>, message: impl Into<String>) -> Problem {
        Problem::new(path, self.position, message)
    }

    /// The same place around another value.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Spanned<U> {
        Spanned { value: change(self.value), position: self.position, style: self.style }
    }
}

impl<T: AsRef<str>> Spanned<T> {
    /// A problem at a byte `offset` of the text. Exact in plain and quoted text on one line without numeric
    /// escapes; elsewhere it points at where the text starts.
    pub fn problem(&self, path: impl Into<String>, offset: usize, message: impl Into<String>) -> Problem {
        Problem::new(path, self.locate(offset), message)
    }

    fn locate(&self, offset: usize) -> Position {
        let text = self.value.as_ref();
        let quote = match self.style {
            Style::Plain => 0,
            Style::SingleQuoted | Style::DoubleQuoted => 1,
            Style::Opaque => return self.position,
        };
        let columns: u32 = text
            .char_indices()
            .take_while(|&(start, _)| start < offset)
            .map(|(_, character)| self.style.width(character))
            .sum();
        Position { line: self.position.line, column: self.position.column + quote + columns }
    }
}

impl<T: PartialEq> PartialEq for Spanned<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

impl<T: Eq> Eq for Spanned<T> {}

impl<T: PartialOrd> PartialOrd for Spanned<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.value.partial_cmp(&other.value)
    }
}

impl<T: Ord> Ord for Spanned<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.value.cmp(&other.value)
    }
}

impl<T: Hash> Hash for Spanned<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
    }
}

impl<T: fmt::Display> fmt::Display for Spanned<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<T> std::ops::Deref for Spanned<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: Serialize> Serialize for Spanned<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Spanned<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(MARKER, SpannedVisitor(PhantomData))
    }
}

struct SpannedVisitor<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for SpannedVisitor<T> {
    type Value = Spanned<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        T::deserialize(deserializer).map(Spanned::without_position)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<Self::Value, A::Error> {
        let missing = || serde::de::Error::custom("a part of a placed value is missing");
        let line = parts.next_element::<u32>()?.ok_or_else(missing)?;
        let column = parts.next_element::<u32>()?.ok_or_else(missing)?;
        let style = Style::from_code(parts.next_element::<u8>()?.ok_or_else(missing)?);
        let value = parts.next_element::<T>()?.ok_or_else(missing)?;
        Ok(Spanned { value, position: Position { line, column }, style })
    }
}
