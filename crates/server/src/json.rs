//! Reading JSON bodies: what is wrong is said with line, column and the path of the field. Depth is bounded by
//! serde_json (128 levels), unknown and repeated fields are refused by the types.

use std::{collections::BTreeMap, fmt, marker::PhantomData, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _, MapAccess, Visitor},
};
use serde_json::Value;

use crate::{Error, error::Problem};

/// At most this many characters of a parser's message, which may quote the body.
const MESSAGE_MAX: usize = 300;
/// At most this many arguments of an action.
const ARGS_MAX: usize = 64;

/// Reads an object. An array, whose items serde would take for fields in order, is none.
pub(crate) fn read_object<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    match body.iter().find(|byte| !byte.is_ascii_whitespace()) {
        Some(b'[') => Err(Error::new(Problem::Malformed, "the body is an array where an object is expected")),
        Some(_) | None => read(body),
    }
}

pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(body).map_err(|_| Error::new(Problem::Malformed, explain::<T>(body)))
}

/// Reads once more, slower, to say where it went wrong.
fn explain<T: DeserializeOwned>(body: &[u8]) -> String {
    if body.iter().all(u8::is_ascii_whitespace) {
        return "the body is empty where JSON is expected".to_owned();
    }
    if let Err(error) = std::str::from_utf8(body) {
        let (line, column) = place(&body[..error.valid_up_to()]);
        return format!("the body is not UTF-8: line {line} column {column}");
    }
    let mut track = serde_path_to_error::Track::new();
    let mut reader = serde_json::Deserializer::from_slice(body);
    let tracked = serde_path_to_error::Deserializer::new(&mut reader, &mut track);
    let error = match T::deserialize(tracked) {
        Err(error) => error,
        Ok(_) => match reader.end() {
            Err(error) => return at(&error, "after the value"),
            Ok(()) => return "the body does not read".to_owned(),
        },
    };
    let path = track.path().to_string();
    if path == "." { at(&error, "in the body") } else { at(&error, &format!("at `{}`", cut(&path))) }
}

fn at(error: &serde_json::Error, place: &str) -> String {
    let text = error.to_string();
    let message = text.rfind(" at line ").map_or(&*text, |end| &text[..end]);
    format!("line {} column {}, {place}: {}", error.line(), error.column(), cut(message))
}

fn cut(text: &str) -> String {
    domain::text::clipped(text.to_owned(), MESSAGE_MAX)
}

fn place(before: &[u8]) -> (usize, usize) {
    let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
    let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
    (line, column)
}

/// A value that is text on the wire and has exactly one way of being read.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parsed<T>(pub(crate) T);

impl<'de, T: FromStr<Err = String>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(ParsedVisitor(PhantomData))
    }
}

struct ParsedVisitor<T>(PhantomData<T>);

impl<T: FromStr<Err = String>> Visitor<'_> for ParsedVisitor<T> {
    type Value = Parsed<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("text")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Parsed<T>, E> {
        text.parse().map(Parsed).map_err(E::custom)
    }
}

impl<T> JsonSchema for Parsed<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Text".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

/// Arguments of an action: scalars by name, none twice.
#[derive(Debug, Default, Clone, PartialEq, JsonSchema)]
pub(crate) struct Args(
    #[schemars(with = "BTreeMap<String, Value>")] pub(crate) serde_json::Map<String, Value>,
);

impl<'de> Deserialize<'de> for Args {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(ArgsVisitor)
    }
}

struct ArgsVisitor;

impl<'de> Visitor<'de> for ArgsVisitor {
    type Value = Args;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of arguments")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Args, A::Error> {
        let mut args = serde_json::Map::new();
        while let Some(name) = map.next_key::<String>()? {
            let value: Value = map.next_value()?;
            if value.is_array() || value.is_object() || value.is_null() {
                return Err(A::Error::custom(format!(
                    "argument `{name}` is neither text, number nor boolean"
                )));
            }
            if args.insert(name.clone(), value).is_some() {
                return Err(A::Error::custom(format!("argument `{name}` is given twice")));
            }
            if args.len() > ARGS_MAX {
                return Err(A::Error::custom(format!("more than {ARGS_MAX} arguments")));
            }
        }
        Ok(Args(args))
    }
}
