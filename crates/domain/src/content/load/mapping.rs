//! `mappings/NAME.yaml`: how a source's JSON becomes alerts; and the tests beside them, which are run here.

use std::{collections::BTreeMap, fmt, sync::Arc};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use super::{
    Files,
    report::{Report, read_reported, shorten, unknown},
    trial,
};
use crate::{
    correlate::TARGET_LABELS,
    document::{Problem, Spanned},
    mapping::{Headers, LABELS_MAX, Mapping, Path, Pick, Text},
    time::{Span, Timestamp},
};

/// Most alternatives of one value.
const FROM_MAX: usize = 32;
/// Most words of one table.
const TABLE_MAX: usize = 200;
/// The time at which tests are run.
const TEST_NOW: &str = "2090-01-01T08:00:00Z";

#[derive(Deserialize)]
struct MappingDocument {
    name: Spanned<String>,
    about: Spanned<String>,
    #[serde(default)]
    body: Body,
    #[serde(default)]
    decode: Vec<Spanned<String>>,
    #[serde(default)]
    alerts: Vec<Spanned<String>>,
    #[serde(default)]
    needs: Vec<Spanned<String>>,
    #[serde(default)]
    labels: BTreeMap<String, PickDocument>,
    #[serde(default)]
    labels_from: Vec<Spanned<String>>,
    #[serde(default)]
    tags_from: Vec<Spanned<String>>,
    #[serde(default)]
    metrics: BTreeMap<String, PickDocument>,
    #[serde(default)]
    metrics_from: Vec<Spanned<String>>,
    #[serde(default)]
    annotations: BTreeMap<String, PickDocument>,
    #[serde(default)]
    annotations_from: Vec<Spanned<String>>,
    #[serde(default)]
    targets: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    severity: PickDocument,
    #[serde(default)]
    state: PickDocument,
    #[serde(default)]
    resolved: Vec<Spanned<String>>,
    #[serde(default)]
    starts_at: PickDocument,
    #[serde(default)]
    ends_at: PickDocument,
    #[serde(default)]
    url: PickDocument,
    fires_for: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    #[default]
    Json,
    Any,
}

/// One text, a list of which the first that gives something counts, or that list with a table.
#[derive(Default)]
struct PickDocument {
    from: Vec<Spanned<String>>,
    table: BTreeMap<String, Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Tabled {
    from: Vec<Spanned<String>>,
    table: BTreeMap<String, Spanned<String>>,
}

impl<'de> Deserialize<'de> for PickDocument {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(PickVisitor)
    }
}

struct PickVisitor;

impl<'de> Visitor<'de> for PickVisitor {
    type Value = PickDocument;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a place, a list of places, or `from` and `table`")
    }

    fn visit_str<E>(self, text: &str) -> Result<PickDocument, E> {
        let from = vec![Spanned::without_position(text.to_owned())];
        Ok(PickDocument { from, table: BTreeMap::new() })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<PickDocument, A::Error> {
        let mut from = Vec::new();
        while let Some(text) = items.next_element()? {
            from.push(text);
        }
        Ok(PickDocument { from, table: BTreeMap::new() })
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<PickDocument, A::Error> {
        let Tabled { from, table } = Tabled::deserialize(MapAccessDeserializer::new(map))?;
        Ok(PickDocument { from, table })
    }
}

/// The mappings by path. A mapping with a problem is left out.
pub(super) fn read<'a>(files: &Files<'a>, problems: &mut Vec<Problem>) -> BTreeMap<&'a str, Arc<Mapping>> {
    let mut mappings = BTreeMap::new();
    for &(path, text) in files {
        let (document, mut report) = read_reported::<MappingDocument>(path, text, problems);
        let Some(document) = document else { continue };
        let before = report.count();
        let mapping = check(document, path, &mut report);
        if report.count() == before {
            mappings.insert(path, Arc::new(mapping));
        }
    }
    mappings
}

fn check(document: MappingDocument, path: &str, report: &mut Report<'_>) -> Mapping {
    report.id("the mapping", &document.name);
    report.line("`about`", &document.about);
    if path != format!("mappings/{}.yaml", document.name.value) {
        report.at(&document.name, "the mapping must have the name of its file");
    }
    for kind in document.targets.keys().filter(|kind| !TARGET_LABELS.contains(&kind.as_str())) {
        let message = unknown("kind of target", kind, TARGET_LABELS.into_iter());
        report.at(&document.targets[kind], message);
    }
    if !document.labels.contains_key("alertname") {
        report.at(&document.name, "the labels need an `alertname`, by which people know the alert");
    }
    let counts = [
        ("labels", document.labels.len()),
        ("metrics", document.metrics.len()),
        ("annotations", document.annotations.len()),
    ];
    for (what, count) in counts {
        if count > LABELS_MAX {
            report.at(&document.name, format!("{count} {what}; use at most {LABELS_MAX}"));
        }
    }
    let fires_for = document.fires_for.as_ref();
    let fires_for =
        fires_for.map(|text| report.span("`fires_for`", text, Span::secs(60), Span::secs(7 * 86_400)));
    let targets = document.targets.into_iter().map(|(kind, label)| (label.value, kind)).collect();
    Mapping {
        any_body: matches!(document.body, Body::Any),
        decode: paths(&document.decode, report),
        alerts: paths(&document.alerts, report),
        needs: texts(&document.needs, report),
        labels: picks(document.labels, report),
        labels_from: paths(&document.labels_from, report),
        tags_from: paths(&document.tags_from, report),
        metrics: picks(document.metrics, report),
        metrics_from: paths(&document.metrics_from, report),
        annotations: picks(document.annotations, report),
        annotations_from: paths(&document.annotations_from, report),
        targets,
        severity: pick(document.severity, report),
        state: pick(document.state, report),
        resolved: document.resolved.iter().map(|word| word.trim().to_lowercase()).collect(),
        starts_at: pick(document.starts_at, report),
        ends_at: pick(document.ends_at, report),
        url: pick(document.url, report),
        fires_for,
        name: document.name.value,
        about: document.about.value,
    }
}

fn paths(written: &[Spanned<String>], report: &mut Report<'_>) -> Vec<Path> {
    parsed(written, report)
}

fn texts(written: &[Spanned<String>], report: &mut Report<'_>) -> Vec<Text> {
    parsed(written, report)
}

fn parsed<T: std::str::FromStr<Err = String>>(
    written: &[Spanned<String>],
    report: &mut Report<'_>,
) -> Vec<T> {
    if let Some(over) = written.get(FROM_MAX) {
        report.at(over, format!("more than {FROM_MAX} places"));
    }
    let mut all = Vec::new();
    for text in written {
        match text.value.parse::<T>() {
            Ok(place) => all.push(place),
            Err(message) => report.at(text, shorten(&message)),
        }
    }
    all
}

fn picks(documents: BTreeMap<String, PickDocument>, report: &mut Report<'_>) -> Vec<(String, Pick)> {
    documents.into_iter().map(|(name, document)| (name, pick(document, report))).collect()
}

fn pick(document: PickDocument, report: &mut Report<'_>) -> Pick {
    if let Some(over) = document.table.values().nth(TABLE_MAX) {
        report.at(over, format!("more than {TABLE_MAX} words in a table"));
    }
    let table = document.table.into_iter().map(|(word, means)| (word.to_lowercase(), means.value));
    Pick { from: texts(&document.from, report), table: table.collect() }
}

#[derive(Deserialize)]
struct MappingTest {
    name: Spanned<String>,
    #[serde(default)]
    headers: Headers,
    body: Spanned<String>,
    #[serde(default)]
    alerts: Vec<Spanned<AlertExpectation>>,
    /// A part of the reason for which the body must be refused.
    refused: Option<Spanned<String>>,
}

#[derive(Deserialize)]
struct AlertExpectation {
    labels: BTreeMap<String, String>,
    state: State,
}

#[derive(Debug, PartialEq, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum State {
    Firing,
    Resolved,
}

/// Runs the tests beside the mappings. A mapping that could not be read is not tested.
pub(super) fn run_tests(
    files: &Files<'_>,
    folder: &BTreeMap<String, String>,
    mappings: &BTreeMap<&str, Arc<Mapping>>,
    problems: &mut Vec<Problem>,
) {
    for &(path, text) in files {
        let mut report = Report::new(path, problems);
        let Some(tests) = trial::tests::<MappingTest>(path, text, folder, &mut report) else { continue };
        let Some(mapping) = mappings.get(trial::beside(path).as_str()) else { continue };
        for test in &tests {
            run(test, mapping, &mut report);
        }
    }
}

fn run(test: &MappingTest, mapping: &Mapping, report: &mut Report<'_>) {
    let name = shorten(&test.name);
    // INVARIANT: the constant is a time, which the tests of shipped content would show.
    let now = TEST_NOW.parse::<Timestamp>().unwrap_or_default();
    let body = match serde_json::from_str(&test.body) {
        Ok(body) => body,
        Err(_) if mapping.any_body => serde_json::Value::String(test.body.value.clone()),
        Err(error) => return report.at(&test.body, format!("test `{name}`: the body is not JSON: {error}")),
    };
    let mapped = match (mapping.map(body, &test.headers, now), &test.refused) {
        (Err(why), Some(wanted)) if why.to_string().contains(&wanted.value) => return,
        (Err(why), _) => {
            return report.at(&test.name, format!("test `{name}`: refused {}", shorten(&why.to_string())));
        }
        (Ok(_), Some(wanted)) => {
            return report.at(wanted, format!("test `{name}`: the body was mapped, not refused"));
        }
        (Ok(mapped), None) => mapped,
    };
    if mapped.len() != test.alerts.len() {
        let message = format!("test `{name}`: {} alerts, expected {}", mapped.len(), test.alerts.len());
        return report.at(&test.name, message);
    }
    for (came, wanted) in mapped.iter().zip(&test.alerts) {
        let state = match came.ends_at {
            Some(end) if end <= now => State::Resolved,
            Some(_) | None => State::Firing,
        };
        let labels: BTreeMap<String, String> =
            came.labels.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        if (&labels, state) != (&wanted.labels, wanted.state) {
            report.at(wanted, format!("test `{name}`: got {state:?} {}", shorten(&came.labels.to_string())));
        }
    }
}
