//! The part of an incident's page that says what people made out: findings, impact, who is behind it, why it happened.

use maud::{Markup, html};

use super::parts::{Names, instant};
use crate::view::{Analysis, Indicator};

/// Nothing where nobody has recorded anything.
pub(super) fn section(known: &Analysis, names: &Names) -> Markup {
    let Analysis { findings, impact, threat, cause, eta } = known;
    let empty =
        findings.is_empty() && impact.is_empty() && threat.is_none() && cause.is_none() && eta.is_none();
    let by = |by: &Option<String>| {
        html! { @if let Some(by) = by { span.fine { " · " (names.get(by)) } } }
    };
    html! {
        @if !empty {
            section {
                h2 { "Analysis" }
                dl.facts {
                    @if let Some(eta) = eta { div { dt { "Expected end" } dd { (instant(eta)) } } }
                    @for (area, rated) in impact {
                        div { dt { "Impact on " (area) } dd { strong { (rated.level) } ": " (rated.text) (by(&rated.by)) } }
                    }
                    @if let Some(cause) = cause {
                        div { dt { "Root cause" } dd { (cause.text) " (" (cause.method.replace('_', " ")) ")" (by(&cause.by)) } }
                        @if !cause.measures.is_empty() { div { dt { "Prevention" } dd { (cause.measures.join("; ")) } } }
                    }
                    @if let Some(threat) = threat {
                        @if let Some(actor) = &threat.actor { div { dt { "Behind it" } dd { (actor) } } }
                        @if !threat.techniques.is_empty() { div { dt { "Techniques" } dd { (threat.techniques.join(", ")) } } }
                        @if !threat.indicators.is_empty() { div { dt { "Indicators" } dd { (indicators(&threat.indicators)) } } }
                    }
                }
                @if !findings.is_empty() {
                    h3 { "Findings" }
                    ol { @for finding in findings {
                        li { (finding.text)
                            @if !finding.evidence.is_empty() { " · " (finding.evidence.join(", ")) }
                            @for entry in &finding.entries { " #" (entry) }
                            (by(&finding.by)) }
                    } }
                }
            }
        }
    }
}

fn indicators(known: &[Indicator]) -> String {
    known.iter().map(|one| format!("{} {}", one.kind, one.value)).collect::<Vec<_>>().join(", ")
}
