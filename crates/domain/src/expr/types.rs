//! Types, and the variables and functions an expression may use.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// The type of an expression. There is no null and no dynamic type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Type {
    Bool,
    /// Signed, 64 bits; overflow is an error.
    Int,
    Double,
    String,
    /// A length of time.
    Duration,
    /// A point in time.
    Timestamp,
    List(Box<Type>),
    /// From strings to one type.
    Map(Box<Type>),
    Record(Arc<Record>),
}

impl Type {
    /// A list of `element`.
    pub fn list(element: Type) -> Self {
        Self::List(Box::new(element))
    }

    /// A map from strings to `value`.
    pub fn map(value: Type) -> Self {
        Self::Map(Box::new(value))
    }

    /// A record with these fields. Two records are the same type when name and fields are equal.
    pub fn record<N: Into<String>>(
        name: impl Into<String>,
        fields: impl IntoIterator<Item = (N, Type)>,
    ) -> Self {
        let fields = fields.into_iter().map(|(name, ty)| (name.into(), ty)).collect();
        Self::Record(Arc::new(Record { name: name.into(), fields }))
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool => f.write_str("bool"),
            Self::Int => f.write_str("int"),
            Self::Double => f.write_str("double"),
            Self::String => f.write_str("string"),
            Self::Duration => f.write_str("duration"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::List(element) => write!(f, "list({element})"),
            Self::Map(value) => write!(f, "map(string, {value})"),
            Self::Record(record) => f.write_str(&record.name),
        }
    }
}

/// A named set of fields. Any field may be absent from a value: `has(x.field)` tells, reading it is an error.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub name: String,
    pub fields: BTreeMap<String, Type>,
}

/// The signature of a bound function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    /// The type it is called on, as in `incident.targets("node")`; `None` for a plain call.
    pub receiver: Option<Type>,
    pub arguments: Vec<Type>,
    pub result: Type,
}

/// What an expression may use. Names are fixed by code, never by data of an incident.
#[derive(Clone, Debug, Default)]
pub struct Env {
    variables: BTreeMap<String, Type>,
    functions: BTreeMap<String, Function>,
}

impl Env {
    /// With nothing declared but the built-in functions.
    pub fn new() -> Self {
        Self::default()
    }

    /// Declares a variable, replacing one of the same name.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, ty: Type) -> Self {
        self.variables.insert(name.into(), ty);
        self
    }

    /// Declares a function called as `name(arguments)`. A name has one signature.
    #[must_use]
    pub fn function(mut self, name: impl Into<String>, arguments: Vec<Type>, result: Type) -> Self {
        self.functions.insert(name.into(), Function { receiver: None, arguments, result });
        self
    }

    /// Declares a function called as `receiver.name(arguments)`. A name has one signature.
    #[must_use]
    pub fn method(
        mut self,
        receiver: Type,
        name: impl Into<String>,
        arguments: Vec<Type>,
        result: Type,
    ) -> Self {
        self.functions.insert(name.into(), Function { receiver: Some(receiver), arguments, result });
        self
    }

    /// The declared variables, by name.
    pub fn variables(&self) -> &BTreeMap<String, Type> {
        &self.variables
    }

    /// The declared functions, by name.
    pub fn functions(&self) -> &BTreeMap<String, Function> {
        &self.functions
    }
}
