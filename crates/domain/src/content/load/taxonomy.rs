//! `taxonomy.yaml`: the types of incidents and the other names they go by.

use serde::Deserialize;

use super::{
    Files, Types,
    report::{Report, Seen, only, shorten},
};
use crate::{
    content::IncidentType,
    correlate::WINDOW_DEFAULT,
    document::{Problem, Spanned},
    severity::Severity,
    time::Span,
};

const WINDOW_LEAST: Span = Span::secs(1);
const WINDOW_MOST: Span = Span::secs(30 * 86_400);

#[derive(Deserialize)]
struct TaxonomyDocument {
    types: Vec<TypeDocument>,
}

#[derive(Deserialize)]
struct TypeDocument {
    name: Spanned<String>,
    category: Spanned<String>,
    severity: Severity,
    #[serde(default)]
    aliases: Vec<Spanned<String>>,
    #[serde(default)]
    group_by: Vec<Spanned<String>>,
    window: Option<Spanned<String>>,
}

/// The types of the folder, or `None` when the file is missing or cannot be read.
pub(super) fn read(files: &Files<'_>, problems: &mut Vec<Problem>) -> Option<Types> {
    let (document, mut report) = only::<TaxonomyDocument>(files, problems)?;
    let mut names = Seen::default();
    let mut types = Types::default();
    for entry in &document.types {
        if names.insert("the incident type", &entry.name, &mut report) {
            let entry = check(entry, &mut report);
            types.types.insert(entry.name.clone(), entry);
        }
    }
    // After all names, so that an alias collides with a type wherever that stands.
    for entry in &document.types {
        for alias in &entry.aliases {
            let lower = alias.clone().map(|text| text.trim().to_ascii_lowercase());
            report.line("the alias", alias);
            if names.insert("the name", &lower, &mut report) {
                types.aliases.insert(lower.value, entry.name.value.clone());
            }
        }
    }
    Some(types)
}

fn check(entry: &TypeDocument, report: &mut Report<'_>) -> IncidentType {
    report.id("the incident type", &entry.name);
    report.id("the category", &entry.category);
    report.unique("the label", &entry.group_by);
    for label in entry.group_by.iter().filter(|label| !is_label_name(label)) {
        let message = format!(
            "`{}` is not a label name: letters, digits and `_`, not starting with a digit",
            shorten(label)
        );
        report.at(label, message);
    }
    let window = entry.window.as_ref();
    IncidentType {
        name: entry.name.value.clone(),
        category: entry.category.value.clone(),
        severity: entry.severity,
        group_by: entry.group_by.iter().map(|label| label.value.clone()).collect(),
        window: window
            .map_or(WINDOW_DEFAULT, |text| report.span("the window", text, WINDOW_LEAST, WINDOW_MOST)),
        place: entry.name.position(),
    }
}

/// A label name as Prometheus has them.
fn is_label_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    bytes.next().is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}
