//! What an entry of the analysis says, in a line.

use domain::incident::analysis::Fact;

pub(super) fn said(fact: &Fact) -> String {
    match fact {
        Fact::Found { text, evidence, entries } => {
            let shown =
                evidence.iter().map(ToString::to_string).chain(entries.iter().map(|at| format!("#{at}")));
            let shown: Vec<String> = shown.collect();
            if shown.is_empty() { text.to_string() } else { format!("{text} ({})", shown.join(", ")) }
        }
        Fact::Assessed { areas, text } => {
            let rated = areas.iter().map(|(area, level)| format!("{} {}", area.name(), level.name()));
            format!("{}: {text}", rated.collect::<Vec<_>>().join(", "))
        }
        Fact::Profiled { techniques, indicators, actor } => {
            let known = indicators.iter().map(|(kind, value)| format!("{kind} {value}"));
            let all = techniques.iter().chain(actor).map(ToString::to_string).chain(known);
            all.collect::<Vec<_>>().join(", ")
        }
        Fact::Explained { text, method, .. } => format!("{text} (by {})", method.name()),
        Fact::Updated { text, eta: Some(eta) } => format!("{text}; expected to end {eta}"),
        Fact::Updated { text, eta: None } => text.to_string(),
    }
}
