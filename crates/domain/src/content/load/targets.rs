//! `targets.yaml`: what a response is held to.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Files, Types,
    report::{Report, only, unknown},
};
use crate::{
    document::{Problem, Spanned},
    figures::{self, Unit},
    severity::Severity,
    targets::{Target, Targets},
    time::Span,
};

const LEAST: Span = Span::secs(1);
const MOST: Span = Span::secs(365 * 86_400);

#[derive(Deserialize)]
struct TargetsDocument {
    #[serde(default)]
    all: TargetDocument,
    #[serde(default)]
    severities: BTreeMap<String, Spanned<TargetDocument>>,
    #[serde(default)]
    categories: BTreeMap<String, Spanned<TargetDocument>>,
    #[serde(default)]
    figures: BTreeMap<String, Spanned<String>>,
}

#[derive(Default, Deserialize)]
struct TargetDocument {
    detection: Option<Spanned<String>>,
    first_containment: Option<Spanned<String>>,
    verified: Option<Spanned<String>>,
    recovery: Option<Spanned<String>>,
}

/// What the folder demands; nothing where it says nothing.
pub(super) fn read(files: &Files<'_>, types: Option<&Types>, problems: &mut Vec<Problem>) -> Targets {
    let Some((document, mut report)) = only::<TargetsDocument>(files, problems) else {
        return Targets::default();
    };
    let all = target(&document.all, &mut report);
    let mut severities = BTreeMap::new();
    for (name, line) in &document.severities {
        match name.parse::<Severity>() {
            Ok(severity) if severity.name() == name => {
                severities.insert(severity, target(&line.value, &mut report));
            }
            Ok(_) | Err(_) => {
                let names = Severity::ALL.into_iter().map(Severity::name);
                report.at(line, unknown("severity", name, names));
            }
        }
    }
    let mut categories = BTreeMap::new();
    for (name, line) in &document.categories {
        let known = |types: &Types| types.types.values().any(|known| known.category == *name);
        if let Some(types) = types.filter(|types| !known(types)) {
            let names = types.types.values().map(|known| known.category.as_str());
            let names = names.collect::<std::collections::BTreeSet<_>>();
            report.at(line, unknown("category", name, names.into_iter()));
        }
        categories.insert(name.clone(), target(&line.value, &mut report));
    }
    let figures =
        document.figures.iter().filter_map(|(name, text)| figure(name, text, &mut report)).collect();
    Targets { all, severities, categories, figures }
}

/// A bound on one figure, in its unit.
fn figure(name: &str, text: &Spanned<String>, report: &mut Report<'_>) -> Option<(String, f64)> {
    let Some(known) = figures::named(name) else {
        report.at(text, unknown("figure", name, figures::ALL.iter().map(|known| known.name)));
        return None;
    };
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| *number >= 0.0);
    let value = match known.unit {
        Unit::Seconds => Some(report.span(known.title, text, LEAST, MOST).0 as f64 / 1e6),
        Unit::Percent => {
            let percent = text.strip_suffix('%').and_then(number).filter(|percent| *percent <= 100.0);
            if percent.is_none() {
                report.at(text, format!("{} is a share; write such as 95%", known.title));
            }
            percent
        }
        Unit::Score => {
            let score = number(text).filter(|score| (1.0..=5.0).contains(score));
            if score.is_none() {
                report.at(text, format!("{} is from 1 to 5; write such as '4.0'", known.title));
            }
            score
        }
        Unit::Count => {
            report.at(text, format!("{} is a count, which has no target", known.title));
            None
        }
    };
    Some((name.to_owned(), value?))
}

fn target(line: &TargetDocument, report: &mut Report<'_>) -> Target {
    let mut span = |what: &str, text: &Option<Spanned<String>>| {
        text.as_ref().map(|text| report.span(what, text, LEAST, MOST))
    };
    let target = Target {
        detection: span("the time to detection", &line.detection),
        first_containment: span("the time to the first containment", &line.first_containment),
        verified: span("the time to verified containment", &line.verified),
        recovery: span("the time to recovery", &line.recovery),
    };
    if let (Some(first), Some(all), Some(place)) = (target.first_containment, target.verified, &line.verified)
        && all < first
    {
        report.at(place, "everything would be verified before the first containment; make it later");
    }
    target
}
