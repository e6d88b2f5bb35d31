//! Exercises as content: drills in which people talk or are reached, and nothing outside is touched.

use serde::{Deserialize, Serialize};

use crate::time::Span;

#[derive(Debug, Clone, PartialEq)]
pub struct Exercise {
    pub name: String,
    pub part: Part,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// People sit together; what happens is told at its time, and they say what they would do.
    Tabletop(Vec<Inject>),
    /// Everybody is called over every channel, and says that it came.
    Communication {
        /// Contacts, teams or roles.
        reach: Vec<String>,
        within: Span,
    },
}

/// Something that is told in the course of an exercise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inject {
    /// From the beginning.
    pub at: Span,
    pub says: Box<str>,
    pub asks: Vec<Box<str>>,
}
