//! `scores.yaml`: how the answers of calls become scores; and `scores.test.yaml`, what signals must come to.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    Files, Kind, Known, of_kind,
    report::{Report, Seen, is_id, only, shorten, unknown},
    trial,
};
use crate::{
    document::{Problem, Spanned},
    score::{OF_INCIDENT, Part, Rule, Rules, WHOLE},
};

const SCORES_MOST: usize = 50;
const PARTS_MOST: usize = 50;

#[derive(Deserialize)]
struct ScoresDocument {
    scores: Vec<ScoreDocument>,
}

#[derive(Deserialize)]
struct ScoreDocument {
    score: Spanned<String>,
    of: Vec<Spanned<String>>,
    #[serde(default)]
    needs: Vec<Spanned<String>>,
    parts: Spanned<Vec<PartDocument>>,
}

#[derive(Deserialize)]
struct PartDocument {
    signal: Option<Spanned<String>>,
    share: Option<Spanned<String>>,
    above: Option<Spanned<f64>>,
    weight: Spanned<f64>,
}

/// The rules of the folder, tried out with the tests beside them; none where it has none.
pub(super) fn read(
    folder: &BTreeMap<String, String>,
    tests: &Files<'_>,
    known: Known<'_>,
    problems: &mut Vec<Problem>,
) -> Rules {
    let rules = rules(&of_kind(folder, Kind::Scores), known, problems);
    run_tests(tests, folder, &rules, problems);
    rules
}

fn rules(files: &Files<'_>, known: Known<'_>, problems: &mut Vec<Problem>) -> Rules {
    let Some((document, mut report)) = only::<ScoresDocument>(files, problems) else {
        return Rules::default();
    };
    let (mut rules, mut seen): (Vec<Rule>, _) = (Vec::new(), Seen::default());
    for document in &document.scores {
        if rules.len() >= SCORES_MOST {
            report.at(&document.score, format!("at most {SCORES_MOST} scores are read"));
            break;
        }
        report.id("the score", &document.score);
        seen.insert("the score", &document.score, &mut report);
        let rule = rule(document, &rules, known, &mut report);
        rules.push(rule);
    }
    Rules { rules }
}

fn rule(document: &ScoreDocument, earlier: &[Rule], known: Known<'_>, report: &mut Report<'_>) -> Rule {
    if document.of.is_empty() {
        report.at(&document.score, "no verb gives this score; name the actions whose answers do in `of`");
    }
    report.unique("the verb", &document.of);
    if let Some(actions) = known.actions {
        for verb in document.of.iter().filter(|verb| !actions.contains_key(&***verb)) {
            report.at(verb, unknown("action", verb, actions.keys().map(String::as_str)));
        }
    }
    for name in &document.needs {
        signal(name, report);
    }
    if document.parts.value.is_empty() || document.parts.value.len() > PARTS_MOST {
        report.at(&document.parts, format!("a score has 1 to {PARTS_MOST} parts"));
    }
    let parts = document.parts.value.iter().take(PARTS_MOST);
    let plain = |names: &[Spanned<String>]| names.iter().map(|name| name.value.clone()).collect();
    Rule {
        name: document.score.value.clone(),
        of: plain(&document.of),
        needs: plain(&document.needs),
        parts: parts.filter_map(|one| part(one, earlier, report)).collect(),
    }
}

fn part(document: &PartDocument, earlier: &[Rule], report: &mut Report<'_>) -> Option<Part> {
    let weight = weight(&document.weight, report);
    match (&document.signal, &document.share) {
        (Some(name), None) => {
            signal(name, report);
            let above = document.above.as_ref().map_or(0.0, |above| above.value);
            if let Some(above) = document.above.as_ref().filter(|above| !above.value.is_finite()) {
                report.at(above, "the bound is no number");
            }
            Some(Part::Signal { signal: name.value.clone(), above, weight })
        }
        (None, Some(name)) => {
            if !earlier.iter().any(|rule| rule.name == name.value) {
                let known = earlier.iter().map(|rule| rule.name.as_str());
                let message = unknown("score", name, known);
                report.at(name, format!("{message}; a share is of a score above this one"));
            }
            if let Some(above) = &document.above {
                report.at(above, "a share has no bound; leave `above` out");
            }
            Some(Part::Share { score: name.value.clone(), weight })
        }
        (Some(_), Some(_)) | (None, None) => {
            report.at(&document.weight, "a part has either `signal` or `share`");
            None
        }
    }
}

/// In thousandths.
fn weight(weight: &Spanned<f64>, report: &mut Report<'_>) -> u32 {
    let points = (weight.value * f64::from(WHOLE)).round();
    let exact = (weight.value * f64::from(WHOLE) - points).abs() < 1e-6;
    if !exact || !(1.0..=f64::from(WHOLE)).contains(&points) {
        report
            .at(weight, format!("{} is no weight; use 0.001 to 1 with at most three decimals", weight.value));
        return 1;
    }
    // INVARIANT: between one and a thousand, and whole.
    points as u32
}

fn signal(name: &Spanned<String>, report: &mut Report<'_>) {
    let (first, rest) = name.split_once('.').map_or((&***name, None), |(first, rest)| (first, Some(rest)));
    if first == "incident" && !OF_INCIDENT.contains(&&***name) {
        report.at(name, unknown("signal", name, OF_INCIDENT.into_iter()));
    } else if !is_id(first) || rest.is_some_and(|rest| rest.is_empty() || rest.chars().any(char::is_control))
    {
        let shown = shorten(name);
        report.at(name, format!("`{shown}` is no signal; write such as `attempts` or `techniques.encoding`"));
    }
}

#[derive(Deserialize)]
struct ScoreTest {
    name: Spanned<String>,
    signals: BTreeMap<String, f64>,
    #[serde(default)]
    expect: BTreeMap<String, Spanned<f64>>,
    /// Those that cannot be made of these signals.
    #[serde(default)]
    none: Vec<Spanned<String>>,
}

fn run_tests(
    files: &Files<'_>,
    folder: &BTreeMap<String, String>,
    rules: &Rules,
    problems: &mut Vec<Problem>,
) {
    for &(path, text) in files {
        let mut report = Report::new(path, problems);
        let tests = trial::tests::<ScoreTest>(path, text, folder, &mut report);
        for test in tests.into_iter().flatten() {
            run(&test, rules, &mut report);
        }
    }
}

fn run(test: &ScoreTest, rules: &Rules, report: &mut Report<'_>) {
    let made = rules.all(&test.signals);
    let of = |name: &str| made.iter().find(|score| *score.score == *name);
    let name = shorten(&test.name);
    let known = || rules.rules.iter().map(|rule| rule.name.as_str());
    for (score, wanted) in &test.expect {
        if !rules.is_score(score) {
            report.at(wanted, unknown("score", score, known()));
            continue;
        }
        match of(score) {
            None => report.at(wanted, format!("test `{name}`: `{score}` cannot be made of these signals")),
            Some(got) if (got.value() - wanted.value).abs() > 1e-9 => {
                report.at(wanted, format!("test `{name}`: got {}, expected {}", got.line(), wanted.value));
            }
            Some(_) => {}
        }
    }
    for score in &test.none {
        if let Some(got) = of(score) {
            report.at(score, format!("test `{name}`: got {}, expected none", got.line()));
        }
    }
}
