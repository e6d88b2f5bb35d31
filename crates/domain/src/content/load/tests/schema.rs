//! The published schema of playbooks names exactly the fields that are read.

use std::{cell::RefCell, collections::BTreeSet};

use serde::{
    Deserialize,
    de::{self, Deserializer, Visitor, value::Error},
    forward_to_deserialize_any,
};
use serde_json::Value;

use super::super::{
    approval::ApprovalDocument,
    kind::{CaseDocument, DefaultDocument, OptionDocument, WaitDocument},
    piece::{InputDocument, PieceDocument},
    playbook::{PlaybookDocument, StageDocument},
    step::{LeaseDocument, RetryDocument, StepDocument},
};

const SCHEMA: &str = include_str!("../../../../../../docs/reference/playbook.schema.json");

/// Learns the fields of a struct from what it asks for, and then gives nothing.
struct Spy<'s>(&'s RefCell<Vec<&'static str>>);

impl<'de> Deserializer<'de> for Spy<'_> {
    type Error = Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(de::Error::custom("nothing to read"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        _: V,
    ) -> Result<V::Value, Error> {
        self.0.borrow_mut().extend(fields);
        Err(de::Error::custom("nothing to read"))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 u8 u16 u32 u64 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

fn fields<T: for<'de> Deserialize<'de>>() -> BTreeSet<&'static str> {
    let found = RefCell::new(Vec::new());
    assert!(T::deserialize(Spy(&found)).is_err());
    found.into_inner().into_iter().collect()
}

#[test]
fn the_schema_and_the_reader_have_the_same_fields() {
    let schema: Value = serde_json::from_str(SCHEMA).unwrap();
    let check = |pointer: &str, fields: BTreeSet<&str>| {
        let part = schema.pointer(pointer).unwrap();
        assert_eq!(part["additionalProperties"], false, "{pointer}");
        let names: BTreeSet<&str> =
            part["properties"].as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, fields, "{pointer}");
    };
    check("", fields::<PlaybookDocument>());
    check("/$defs/stage", fields::<StageDocument>());
    check("/$defs/step", fields::<StepDocument>());
    check("/$defs/step/properties/retry", fields::<RetryDocument>());
    check("/$defs/step/properties/lease", fields::<LeaseDocument>());
    check("/$defs/step/properties/approval", fields::<ApprovalDocument>());
    check("/$defs/step/properties/wait", fields::<WaitDocument>());
    check("/$defs/step/properties/default", fields::<DefaultDocument>());
    check("/$defs/step/properties/options/additionalProperties", fields::<OptionDocument>());
    check("/$defs/piece", fields::<PieceDocument>());
    check("/$defs/piece/properties/inputs/additionalProperties", fields::<InputDocument>());
    check("/$defs/step/properties/switch/items", fields::<CaseDocument>());
}
