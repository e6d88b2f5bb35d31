//! `NAME.test.yaml` beside a rule or playbook: what it must do with given labels or a given incident. Tests of
//! rules are run here; tests of playbooks are read here and run by `rehearsal`.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Files, Known, Types,
    report::{Report, shorten, unknown},
    samples::{self, Samples},
};
use crate::{
    content::{
        Content, Rule,
        drill::{Act, Deed},
    },
    correlate::{Classification, TARGET_LABELS, classify},
    detect::{METRIC_PREFIX, Subject},
    document::{Position, Problem, Spanned, read as read_document},
    incident::Target,
    labels::Labels,
    severity::Severity,
};

/// Most tests in one file.
const MAX_TESTS: usize = 200;

#[derive(Deserialize)]
struct Tests<T> {
    tests: Spanned<Vec<T>>,
}

#[derive(Deserialize)]
struct RuleTest {
    name: Spanned<String>,
    #[serde(default)]
    labels: Labels,
    /// As a native alert carries them.
    #[serde(default)]
    metrics: BTreeMap<String, Value>,
    /// For a rule that looks at records or more than once: what comes in, and how long it is waited then.
    samples: Option<Spanned<Vec<Samples>>>,
    then: Option<Spanned<String>>,
    expect: Spanned<RuleExpectation>,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum RuleExpectation {
    /// The rule does not match.
    None,
    Opens {
        r#type: Spanned<String>,
        severity: Severity,
    },
}

/// One test of a playbook: an incident, what the calls come to, and what must follow.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::content) struct PlaybookTest {
    /// The file and place of the test, for messages.
    pub path: String,
    pub position: Position,
    /// The path of the playbook beside it.
    pub playbook: String,
    pub name: String,
    pub incident_type: String,
    pub severity: Severity,
    pub targets: Vec<Target>,
    /// What the calls of a verb to a target come to, in order; the last holds for all later ones. A call that is
    /// not listed is applied.
    pub answers: BTreeMap<Call, Vec<Answer>>,
    /// The numbers that a call gives back.
    pub gives: BTreeMap<Call, BTreeMap<String, f64>>,
    /// What people do when these steps ask for them; the others wait.
    pub people: BTreeMap<String, Act>,
    /// The calls that must be made, in order, each verb and target once however often it is tried.
    pub calls: Vec<Call>,
    pub status: EndStatus,
    /// The steps that wait for a person at the end, where the test says so.
    pub waits_for: Vec<String>,
}

/// A verb and the name of its target.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::content) struct Call {
    pub verb: String,
    pub target: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::content) enum Answer {
    Applied,
    NotApplied,
    Unknown,
}

/// How a run must end, or stop to wait for a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::content) enum EndStatus {
    Completed,
    Failed,
    Blocked,
    /// For what a person has to decide or to do.
    Waiting,
}

#[derive(Deserialize)]
struct PlaybookTestDocument {
    name: Spanned<String>,
    incident: IncidentDocument,
    #[serde(default)]
    answers: Vec<AnswersDocument>,
    #[serde(default)]
    people: Vec<PersonDocument>,
    expect: ExpectDocument,
}

#[derive(Deserialize)]
struct IncidentDocument {
    r#type: Spanned<String>,
    severity: Severity,
    #[serde(default)]
    targets: BTreeMap<String, Spanned<Vec<String>>>,
}

#[derive(Deserialize)]
struct AnswersDocument {
    call: Spanned<String>,
    answers: Spanned<Vec<Answer>>,
    #[serde(default)]
    gives: BTreeMap<String, f64>,
}

#[derive(Deserialize)]
struct PersonDocument {
    step: Spanned<String>,
    choose: Option<String>,
    complete: Option<String>,
    first: Option<Deed>,
}

#[derive(Deserialize)]
struct ExpectDocument {
    calls: Vec<Spanned<String>>,
    status: EndStatus,
    #[serde(default)]
    waits_for: Vec<String>,
}

/// Runs the tests of rules. A rule that could not be read is not tested: its own problems stand for it.
pub(super) fn rules(
    files: &Files<'_>,
    folder: &BTreeMap<String, String>,
    rules: &BTreeMap<&str, Rule>,
    known: Known<'_>,
    problems: &mut Vec<Problem>,
) {
    for &(path, text) in files {
        let mut report = Report::new(path, problems);
        let Some(tests) = tests::<RuleTest>(path, text, folder, &mut report) else { continue };
        let (Some(rule), Some(types)) = (rules.get(beside(path).as_str()), known.types) else { continue };
        let content = Content {
            types: types.types.clone(),
            aliases: types.aliases.clone(),
            rules: vec![rule.clone()].into(),
            ..Content::default()
        };
        for test in &tests {
            run_rule(test, rule, &content, types, &mut report);
        }
    }
}

fn run_rule(test: &RuleTest, rule: &Rule, content: &Content, types: &Types, report: &mut Report<'_>) {
    if rule.detects() != test.samples.is_some() {
        let message =
            "a rule on records, with `for` or with `count` is tested with `samples`, any other without";
        return report.at(&test.name, message);
    }
    if let Some(list) = &test.samples {
        let Some(made) = samples::run(&list.value, test.then.as_ref(), rule, content, report) else { return };
        let none = Labels::default();
        let subject = |labels| Subject { labels, annotations: &none };
        let found = made.as_ref().and_then(|labels| classify(content, subject(labels)));
        return compare(test, found, types, report);
    }
    let metrics = test.metrics.iter().map(|(name, value)| {
        let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        (format!("{METRIC_PREFIX}{name}"), text)
    });
    let annotations = Labels::from_pairs(metrics.collect()).unwrap_or_default();
    let subject = Subject { labels: &test.labels, annotations: &annotations };
    let found = classify(content, subject).filter(|_| rule.matches(subject));
    compare(test, found, types, report);
}

fn compare(test: &RuleTest, found: Option<Classification>, types: &Types, report: &mut Report<'_>) {
    let came =
        found.as_ref().map(|found| format!("type `{}`, severity {}", found.incident_type, found.severity));
    let name = shorten(&test.name);
    match (&test.expect.value, found) {
        (RuleExpectation::None, None) => {}
        (RuleExpectation::None, Some(_)) => {
            let came = came.unwrap_or_default();
            report.at(&test.expect, format!("test `{name}`: the rule matches ({came}), expected none"));
        }
        (RuleExpectation::Opens { r#type, .. }, _) if types.resolve(r#type).is_none() => {
            report.at(r#type, unknown("incident type", r#type, types.names()));
        }
        (RuleExpectation::Opens { .. }, None) => {
            report.at(&test.expect, format!("test `{name}`: the rule does not match"));
        }
        (RuleExpectation::Opens { r#type, severity }, Some(found)) => {
            let wanted = types.resolve(r#type).map_or(r#type.as_str(), |found| found.name.as_str());
            if (wanted, *severity) != (found.incident_type.as_str(), found.severity) {
                let came = came.unwrap_or_default();
                let message =
                    format!("test `{name}`: got {came}, expected type `{wanted}`, severity {severity}");
                report.at(&test.expect, message);
            }
        }
    }
}

/// Reads and checks the tests of playbooks.
pub(super) fn playbooks(
    files: &Files<'_>,
    folder: &BTreeMap<String, String>,
    known: Known<'_>,
    problems: &mut Vec<Problem>,
) -> Vec<PlaybookTest> {
    let mut all = Vec::new();
    for &(path, text) in files {
        let mut report = Report::new(path, problems);
        let tests = tests::<PlaybookTestDocument>(path, text, folder, &mut report);
        for test in tests.into_iter().flatten() {
            all.extend(playbook_test(test, known, &mut report));
        }
    }
    all
}

/// One test, or `None` when a part of it could not be understood.
fn playbook_test(
    document: PlaybookTestDocument,
    known: Known<'_>,
    report: &mut Report<'_>,
) -> Option<PlaybookTest> {
    let before = report.count();
    let written = &document.incident.r#type;
    let found = known.types.map(|types| types.resolve(written).ok_or(types));
    if let Some(Err(types)) = found {
        report.at(written, unknown("incident type", written, types.names()));
    }
    let incident_type = match found {
        Some(Ok(found)) => found.name.clone(),
        Some(Err(_)) | None => written.value.clone(),
    };
    let mut targets: Vec<Target> = Vec::new();
    for (kind, names) in &document.incident.targets {
        if !TARGET_LABELS.contains(&kind.as_str()) {
            report.at(names, unknown("kind of target", kind, TARGET_LABELS.into_iter()));
        }
        targets.extend(names.value.iter().map(|name| (kind.as_str().into(), name.as_str().into())));
    }
    let (mut answers, mut gives) = (BTreeMap::new(), BTreeMap::new());
    for document in document.answers {
        if document.answers.value.is_empty() {
            report.at(&document.answers, "the list of answers is empty; use applied, not_applied or unknown");
        }
        let Some(call) = call(&document.call, known, report) else { continue };
        gives.insert(call.clone(), document.gives);
        if answers.insert(call, document.answers.value).is_some() {
            report.at(&document.call, "the answers to this call are given twice; write one list");
        }
    }
    let people = people(document.people, report);
    let calls = document.expect.calls.iter().filter_map(|text| call(text, known, report)).collect();
    (report.count() == before).then(|| PlaybookTest {
        path: report.path().to_owned(),
        position: document.name.position(),
        playbook: beside(report.path()),
        name: document.name.value,
        incident_type,
        severity: document.incident.severity,
        targets,
        answers,
        gives,
        people,
        calls,
        status: document.expect.status,
        waits_for: document.expect.waits_for,
    })
}

fn people(documents: Vec<PersonDocument>, report: &mut Report<'_>) -> BTreeMap<String, Act> {
    let mut people = BTreeMap::new();
    for PersonDocument { step, choose, complete, first } in documents {
        let act = match (choose, complete) {
            (Some(option), None) if first.is_none() => Act::Choose(option),
            (None, Some(note)) => Act::Complete { first, note },
            (Some(_), _) | (None, None) => {
                report.at(&step, "a person has either `choose`, for a decision, or `complete`, for a task");
                continue;
            }
        };
        if people.insert(step.value.clone(), act).is_some() {
            report.at(&step, "this step is answered twice; keep one");
        }
    }
    people
}

/// A call written as `verb target`.
fn call(text: &Spanned<String>, known: Known<'_>, report: &mut Report<'_>) -> Option<Call> {
    let Some((verb, target)) = text.trim().split_once(' ') else {
        report.at(text, "a call is written as verb and target, such as `node.isolate validator-1`");
        return None;
    };
    let actions = known.actions;
    if let Some(actions) = actions.filter(|actions| !actions.contains_key(verb)) {
        report.at(text, unknown("action", verb, actions.keys().map(String::as_str)));
    }
    Some(Call { verb: verb.to_owned(), target: target.trim().to_owned() })
}

/// The tests in a file, after the checks that all test files share.
pub(super) fn tests<T: for<'de> Deserialize<'de>>(
    path: &str,
    text: &str,
    folder: &BTreeMap<String, String>,
    report: &mut Report<'_>,
) -> Option<Vec<T>> {
    let (document, found) = read_document::<Tests<T>>(path, text);
    report.add(found);
    let tests = document?.tests;
    let tested = beside(path);
    if !folder.contains_key(&tested) {
        report.file(format!("tests `{tested}`, which is not there; name the test after the file it tests"));
    }
    if tests.value.is_empty() {
        report.at(&tests, "the file has no test; add one, or remove the file");
    }
    if tests.value.len() > MAX_TESTS {
        report.at(&tests, format!("the file has {} tests; at most {MAX_TESTS}", tests.value.len()));
        return None;
    }
    Some(tests.value)
}

/// The file that a test file tests.
pub(super) fn beside(path: &str) -> String {
    path.strip_suffix(".test.yaml").map_or_else(|| path.to_owned(), |stem| format!("{stem}.yaml"))
}
