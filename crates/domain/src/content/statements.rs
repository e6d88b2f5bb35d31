//! `statements.yaml` as it is in force: words to the outside, and who has to agree with them.

use std::collections::BTreeMap;

use crate::approval::Terms;

/// By their kind, such as `media`.
pub type Statements = BTreeMap<String, StatementKind>;

#[derive(Debug, Clone, PartialEq)]
pub struct StatementKind {
    pub name: String,
    /// A file of `templates/`, by name.
    pub template: String,
    pub terms: Terms,
}
