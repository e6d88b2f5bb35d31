//! Figures on how well incidents are handled, made of one small row each incident leaves. Pure: the same rows, content
//! and time give the same figures. Drills are in none of them, and what is still open is counted as such, never guessed.

mod case;
mod define;
pub mod pace;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

pub use case::Case;
pub use define::{ALL, Definition, Measure, Took, Unit, named};

use crate::{
    content::Content,
    id::IncidentId,
    review::Lookback,
    severity::Severity,
    time::{Span, Timestamp},
};

/// Of the same type and on the same targets within this time, an incident is one that came back.
pub const REPEAT: Span = Span::secs(30 * 86_400);
/// A figure names at most so many incidents that it is made of, newest first.
pub const NAMED_MAX: usize = 200;
/// What looks after the response itself is of this category, and in no figure of it.
pub const UPKEEP: &str = "upkeep";
/// At most so many incidents make one set of figures.
pub const CASES_MAX: usize = 100_000;

/// Incidents opened from `since` on and before `until` are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    pub since: Timestamp,
    pub until: Timestamp,
}

impl Window {
    fn holds(&self, at: Timestamp) -> bool {
        self.since <= at && at < self.until
    }
}

/// A case with what only its neighbours and the content say of it.
#[derive(Debug)]
pub struct Seen<'a> {
    pub case: &'a Case,
    pub category: Option<&'a str>,
    /// The last one of the same type and targets within [`REPEAT`] before it.
    pub repeats: Option<IncidentId>,
    /// Whether it kept to every target that applies to it; open as long as it still may.
    pub in_time: Option<bool>,
}

/// One figure: what it comes to, over how many, and what it is made of.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    pub of: &'static Definition,
    /// The mean of a time, the share in percent, the count. None where nothing was measured.
    pub value: Option<f64>,
    pub p50: Option<f64>,
    pub p95: Option<f64>,
    /// How many were measured.
    pub n: usize,
    /// How many are still open, and since when the oldest of them is.
    pub open: usize,
    pub oldest: Option<Span>,
    pub incidents: Vec<IncidentId>,
    pub target: Option<f64>,
    pub met: Option<bool>,
}

/// All figures over some of the incidents.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub name: String,
    pub incidents: usize,
    pub figures: Vec<Figure>,
}

impl Group {
    pub fn named(&self, name: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.of.name == name)
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Figures {
    pub window: Window,
    pub all: Group,
    pub by_severity: Vec<Group>,
    pub by_category: Vec<Group>,
    /// In the window, and in no figure.
    pub drills: usize,
}

/// The figures of one window. `cases` reach [`REPEAT`] further back than it; their order does not matter.
pub fn figures(
    cases: &[Case],
    reviews: &[Lookback],
    content: &Content,
    window: Window,
    now: Timestamp,
) -> Figures {
    let of_upkeep =
        |case: &Case| content.types.get(&*case.incident_type).is_some_and(|known| known.category == UPKEEP);
    let mut sorted: Vec<&Case> = cases.iter().filter(|case| !case.drill && !of_upkeep(case)).collect();
    sorted.sort_by_key(|case| (case.opened_at, case.id));
    let drills = cases.iter().filter(|case| case.drill && window.holds(case.opened_at)).count();
    let seen = look(&sorted, content, window, now);
    let targets = &content.targets.figures;
    let group = |name: &str, of: &[&Seen<'_>], held: bool| Group {
        name: name.to_owned(),
        incidents: of.len(),
        figures: {
            let ids: BTreeSet<IncidentId> = of.iter().map(|one| one.case.id).collect();
            let looked: Vec<&Lookback> = reviews.iter().filter(|one| ids.contains(&one.incident)).collect();
            let target = |name: &str| targets.get(name).filter(|_| held);
            ALL.iter().map(|one| measure(one, of, &looked, target(one.name), now)).collect()
        },
    };
    let all: Vec<&Seen<'_>> = seen.iter().collect();
    let of_severity = |severity: Severity| -> Vec<&Seen<'_>> {
        seen.iter().filter(|one| one.case.severity == severity).collect()
    };
    let severities = Severity::ALL.into_iter().rev().map(|one| (one.name(), of_severity(one)));
    let categories: BTreeSet<&str> = seen.iter().filter_map(|one| one.category).collect();
    let of_category = |name| seen.iter().filter(|one| one.category == Some(name)).collect::<Vec<_>>();
    Figures {
        window,
        all: group("all", &all, true),
        by_severity: severities
            .filter(|(_, of)| !of.is_empty())
            .map(|(name, of)| group(name, &of, false))
            .collect(),
        by_category: categories.into_iter().map(|name| group(name, &of_category(name), false)).collect(),
        drills,
    }
}

fn look<'a>(sorted: &[&'a Case], content: &'a Content, window: Window, now: Timestamp) -> Vec<Seen<'a>> {
    let mut last: BTreeMap<&str, (Timestamp, IncidentId)> = BTreeMap::new();
    let mut seen = Vec::new();
    for case in sorted {
        let before =
            if case.same.is_empty() { None } else { last.insert(&case.same, (case.opened_at, case.id)) };
        if !window.holds(case.opened_at) {
            continue;
        }
        let repeats = before.filter(|(at, _)| case.opened_at.since(*at) <= REPEAT).map(|(_, id)| id);
        let category = content.types.get(&*case.incident_type).map(|known| known.category.as_str());
        let in_time = case.in_time(&content.targets.of(category, case.severity), now);
        seen.push(Seen { case, category, repeats, in_time });
    }
    seen
}

fn measure(
    of: &'static Definition,
    seen: &[&Seen<'_>],
    looked: &[&Lookback],
    target: Option<&f64>,
    now: Timestamp,
) -> Figure {
    let mut figure = Figure {
        of,
        value: None,
        p50: None,
        p95: None,
        n: 0,
        open: 0,
        oldest: None,
        incidents: Vec::new(),
        target: target.copied(),
        met: None,
    };
    match of.measure {
        Measure::Time(took) => times(&mut figure, seen, took, now),
        Measure::Share(share) => shares(&mut figure, seen, share),
        Measure::Count(counts) => {
            figure.incidents = newest(seen.iter().filter(|one| counts(one)));
            figure.n = seen.iter().filter(|one| counts(one)).count();
            figure.value = Some(figure.n as f64);
        }
        Measure::Asked(answer) => answers(&mut figure, looked, answer),
        Measure::Sum(sum) => sums(&mut figure, looked, sum),
    }
    figure.met = figure.value.zip(figure.target).map(|(value, target)| of.is_met(value, target));
    figure
}

fn times(figure: &mut Figure, seen: &[&Seen<'_>], took: fn(&Case) -> Took, now: Timestamp) {
    let mut spans = Vec::new();
    for one in seen {
        match took(one.case) {
            Took::Done(span) => spans.push(span),
            Took::Open(since) => {
                figure.open += 1;
                figure.oldest = figure.oldest.max(Some(now.since(since)));
            }
            Took::Nothing => {}
        }
    }
    figure.incidents = newest(seen.iter().filter(|one| took(one.case) != Took::Nothing));
    figure.n = spans.len();
    spans.sort_unstable();
    let seconds = |span: Span| rounded(span.0 as f64 / 1e6, 1e3);
    // The nearest rank: a value that was measured, not one between two.
    let rank = |percent: usize| spans.get((spans.len() * percent).div_ceil(100).saturating_sub(1));
    (figure.p50, figure.p95) = (rank(50).copied().map(seconds), rank(95).copied().map(seconds));
    let total: u128 = spans.iter().map(|span| u128::from(span.0)).sum();
    figure.value = (!spans.is_empty()).then(|| rounded(total as f64 / 1e6 / spans.len() as f64, 1e3));
}

fn shares(figure: &mut Figure, seen: &[&Seen<'_>], share: fn(&Seen<'_>) -> (u32, u32)) {
    let (mut hits, mut of) = (0u64, 0u64);
    for one in seen {
        let (some, all) = share(one);
        hits += u64::from(some);
        of += u64::from(all);
    }
    figure.n = usize::try_from(of).unwrap_or(usize::MAX);
    figure.value = (of > 0).then(|| rounded(hits as f64 * 100.0 / of as f64, 1e2));
    figure.incidents = newest(seen.iter().filter(|one| share(one).1 > 0));
}

/// The mean of what people answered; whoever was not asked is not counted.
fn answers(figure: &mut Figure, looked: &[&Lookback], answer: fn(&Lookback) -> Option<f64>) {
    let given: Vec<f64> = looked.iter().filter_map(|one| answer(one)).collect();
    figure.n = given.len();
    figure.value = (!given.is_empty()).then(|| rounded(given.iter().sum::<f64>() / given.len() as f64, 1e2));
    let answered = looked.iter().filter(|one| answer(one).is_some());
    figure.incidents = answered.map(|one| one.incident).take(NAMED_MAX).collect();
}

fn sums(figure: &mut Figure, looked: &[&Lookback], sum: fn(&Lookback) -> u32) {
    figure.n = looked.len();
    // From integers: a sum of no numbers of this type would be -0.
    figure.value = Some(looked.iter().map(|one| u64::from(sum(one))).sum::<u64>() as f64);
    figure.incidents =
        looked.iter().filter(|one| sum(one) > 0).map(|one| one.incident).take(NAMED_MAX).collect();
}

fn newest<'a>(seen: impl DoubleEndedIterator<Item = &'a &'a Seen<'a>>) -> Vec<IncidentId> {
    seen.rev().map(|one| one.case.id).take(NAMED_MAX).collect()
}

fn rounded(value: f64, parts: f64) -> f64 {
    (value * parts).round() / parts
}
