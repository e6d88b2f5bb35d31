//! `training.yaml` as it is in force: courses, and who takes them.

use std::collections::BTreeMap;

use crate::time::Span;

/// The courses by id.
pub type Training = BTreeMap<String, Course>;

#[derive(Debug, Clone, PartialEq)]
pub struct Course {
    pub id: String,
    pub name: String,
    pub about: String,
    /// Contacts, teams or roles.
    pub who: Vec<String>,
    /// So long it counts.
    pub valid: Span,
}
