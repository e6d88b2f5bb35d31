//! Every figure with its unit, its formula and where it is asked for: the one place that says what a figure means.
//! `docs/reference/figures.md` is made of this table.

use super::{Case, Seen};
use crate::{
    incident::Disposition,
    review::Lookback,
    severity::Severity,
    time::{Span, Timestamp},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Percent,
    Count,
    /// From 1 to 5.
    Score,
}

impl Unit {
    pub fn name(self) -> &'static str {
        match self {
            Unit::Seconds => "seconds",
            Unit::Percent => "percent",
            Unit::Count => "count",
            Unit::Score => "score",
        }
    }
}

/// What one incident says of a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Took {
    Done(Span),
    /// It has not come to it yet; since when it is waited for.
    Open(Timestamp),
    /// It never came to it, or never will.
    Nothing,
}

#[derive(Debug, Clone, Copy)]
pub enum Measure {
    Time(fn(&Case) -> Took),
    /// How many of how many: the sums over all incidents are set against each other.
    Share(fn(&Seen<'_>) -> (u32, u32)),
    Count(fn(&Seen<'_>) -> bool),
    /// What reviews answer; the mean over those that do.
    Asked(fn(&Lookback) -> Option<f64>),
    /// Over all reviews.
    Sum(fn(&Lookback) -> u32),
}

#[derive(Debug)]
pub struct Definition {
    pub name: &'static str,
    pub title: &'static str,
    pub unit: Unit,
    /// Whether less of it is better; a target is a bound on that side.
    pub less: bool,
    pub formula: &'static str,
    /// The entries or rows it is read from.
    pub source: &'static str,
    pub measure: Measure,
}

impl PartialEq for Definition {
    fn eq(&self, other: &Definition) -> bool {
        self.name == other.name
    }
}

impl Definition {
    pub fn is_met(&self, value: f64, target: f64) -> bool {
        if self.less { value <= target } else { value >= target }
    }
}

pub fn named(name: &str) -> Option<&'static Definition> {
    ALL.iter().find(|one| one.name == name)
}

const fn time(
    name: &'static str,
    title: &'static str,
    formula: &'static str,
    source: &'static str,
    took: fn(&Case) -> Took,
) -> Definition {
    Definition { name, title, unit: Unit::Seconds, less: true, formula, source, measure: Measure::Time(took) }
}

const fn share(
    name: &'static str,
    title: &'static str,
    less: bool,
    formula: &'static str,
    source: &'static str,
    of: fn(&Seen<'_>) -> (u32, u32),
) -> Definition {
    Definition { name, title, unit: Unit::Percent, less, formula, source, measure: Measure::Share(of) }
}

const fn count(
    name: &'static str,
    title: &'static str,
    formula: &'static str,
    source: &'static str,
    of: fn(&Seen<'_>) -> bool,
) -> Definition {
    Definition { name, title, unit: Unit::Count, less: true, formula, source, measure: Measure::Count(of) }
}

const fn asked(
    name: &'static str,
    title: &'static str,
    unit: Unit,
    formula: &'static str,
    answer: fn(&Lookback) -> Option<f64>,
) -> Definition {
    let source = "`review.answered`";
    Definition { name, title, unit, less: false, formula, source, measure: Measure::Asked(answer) }
}

pub const ALL: &[Definition] = &[
    time(
        "time_to_detect",
        "Time to detect",
        "opened − onset, where the onset is known",
        "`incident.opened`, `incident.classified`",
        |case| case.onset.map_or(Took::Nothing, |onset| Took::Done(case.opened_at.since(onset))),
    ),
    time(
        "time_to_acknowledge",
        "Time to acknowledge",
        "acknowledged − opened; open: nobody has, and it is not resolved",
        "`incident.acknowledged`",
        |case| from_opening(case, case.acknowledged_at),
    ),
    time(
        "time_to_contain",
        "Time to first containment",
        "first containment in force − opened; open: none is, and it is not resolved",
        "`incident.contained`",
        |case| from_opening(case, case.contained_at),
    ),
    time(
        "time_to_verify",
        "Time to verified containment",
        "last containment read back − opened; open: something is contained, nothing read back",
        "`action.applied` of containments",
        |case| match case.tally.verified_at {
            None if case.contained_at.is_none() => Took::Nothing,
            at => from_opening(case, at),
        },
    ),
    time(
        "time_to_resolve",
        "Time to resolve",
        "resolved − opened; open: it is not resolved, or came back since",
        "`incident.resolved`, `incident.relapsed`",
        |case| from_opening(case, case.resolved_at),
    ),
    time(
        "time_to_recover",
        "Recovery time",
        "recovery completed − recovery started; open: services are on their way back",
        "`incident.recovery_started`, `incident.recovery_completed`",
        |case| match (case.recovery_at, case.recovered_at) {
            (Some(from), Some(at)) => Took::Done(at.since(from)),
            (Some(from), None) if case.open => Took::Open(from),
            (Some(_) | None, _) => Took::Nothing,
        },
    ),
    time(
        "time_to_close",
        "Time to close",
        "closed − resolved, the watch and the sign-off; open: it is resolved and not closed",
        "`incident.closed`",
        |case| match (case.resolved_at, case.tally.closed_at) {
            (Some(from), Some(at)) => Took::Done(at.since(from)),
            (Some(from), None) => Took::Open(from),
            (None, _) => Took::Nothing,
        },
    ),
    time(
        "phase_detection",
        "Phase of detection",
        "opened − onset, where the onset is known",
        "`incident.opened`, `incident.classified`",
        |case| case.onset.map_or(Took::Nothing, |onset| Took::Done(case.opened_at.since(onset))),
    ),
    time(
        "phase_analysis",
        "Phase of analysis",
        "first containment in force − opened; where nothing was contained: resolved − opened",
        "`incident.contained`, `incident.resolved`",
        |case| from_opening(case, case.contained_at.or(case.resolved_at)),
    ),
    time(
        "phase_response",
        "Phase of response",
        "recovery started − first containment in force; where nothing was brought back: resolved − the same",
        "`incident.contained`, `incident.recovery_started`, `incident.resolved`",
        |case| {
            let end = case.recovery_at.filter(|at| Some(*at) >= case.contained_at).or(case.resolved_at);
            between(case, case.contained_at, end)
        },
    ),
    time(
        "phase_recovery",
        "Phase of recovery",
        "resolved − recovery started",
        "`incident.recovery_started`, `incident.resolved`",
        |case| between(case, case.recovery_at, case.resolved_at),
    ),
    share(
        "resolution_rate",
        "Resolution rate",
        false,
        "resolved or closed by now ÷ all",
        "`incident.resolved`, `incident.closed`",
        |one| (u32::from(!one.case.open), 1),
    ),
    share(
        "automation_rate",
        "Automation rate",
        false,
        "effects that the platform had alone ÷ (those + effects that people asked for or allowed + steps that people did \
         or decided)",
        "`action.applied`, `action.settled`, `run.updated`",
        |one| (one.case.tally.alone, work(one.case)),
    ),
    share(
        "manual_rate",
        "Manual intervention rate",
        true,
        "(effects that people asked for or allowed + steps that people did or decided) ÷ all effects and such steps",
        "`action.applied`, `action.settled`, `run.updated`",
        |one| (one.case.tally.asked + one.case.tally.by_hand, work(one.case)),
    ),
    share(
        "escalation_rate",
        "Escalation rate",
        true,
        "incidents that went at least one level up ÷ all",
        "`incident.escalated`",
        |one| (u32::from(one.case.tally.escalated > 0), 1),
    ),
    share(
        "false_positive_rate",
        "False positive rate",
        true,
        "closed as a false positive ÷ closed",
        "`incident.closed`",
        |one| (u32::from(is_false(one)), u32::from(one.case.disposition.is_some())),
    ),
    share(
        "automated_detection_rate",
        "Automated detection rate",
        false,
        "opened by an alert of a machine ÷ all; what a person opened or reported is the rest",
        "`incident.opened`",
        |one| (u32::from(one.case.tally.noticed), 1),
    ),
    share(
        "repeat_rate",
        "Repeat incident rate",
        true,
        "opened within 30 d of another of the same type and the same targets ÷ all that name targets",
        "`incident.opened`",
        |one| (u32::from(one.repeats.is_some()), u32::from(!one.case.same.is_empty())),
    ),
    share(
        "relapse_rate",
        "Relapse rate",
        true,
        "came back after they were resolved ÷ resolved at least once",
        "`incident.relapsed`",
        |one| {
            let resolved = one.case.resolved_at.is_some() || one.case.relapses > 0;
            (u32::from(one.case.relapses > 0), u32::from(resolved))
        },
    ),
    share(
        "containment_success_rate",
        "Containment success rate",
        false,
        "containments that took hold ÷ containments that came to an end; read back as not in force is not held",
        "`action.applied`, `action.not_applied`, `action.settled`",
        |one| (one.case.tally.contained, one.case.tally.contained + one.case.tally.uncontained),
    ),
    share(
        "recovery_success_rate",
        "Recovery success rate",
        false,
        "recoveries that completed with all services well, and did not relapse ÷ recoveries of incidents that are over",
        "`incident.recovery_completed`, `incident.relapsed`",
        |one| {
            let over = one.case.recovery_at.is_some() && !one.case.open;
            let well = over && one.case.recovered_at.is_some() && one.case.relapses == 0;
            (u32::from(well), u32::from(over))
        },
    ),
    share(
        "sla_compliance",
        "SLA compliance",
        false,
        "incidents that kept to every target of `targets.yaml` that applies to them ÷ incidents of which that is known",
        "`incident.*` against `targets.yaml`",
        |one| (u32::from(one.in_time == Some(true)), u32::from(one.in_time.is_some())),
    ),
    count("total_incidents", "Incidents", "opened in the window", "`incident.opened`", |_| true),
    count(
        "critical_incidents",
        "Critical incidents",
        "opened in the window, and critical by now",
        "`incident.opened`, `incident.classified`",
        |one| one.case.severity == Severity::Critical,
    ),
    count(
        "resolved_incidents",
        "Resolved incidents",
        "opened in the window, and resolved or closed by now",
        "`incident.resolved`, `incident.closed`",
        |one| !one.case.open,
    ),
    count("open_incidents", "Open incidents", "opened in the window, and open now", "`incident.*`", |one| {
        one.case.open
    }),
    count(
        "false_positives",
        "False positives",
        "opened in the window, and closed as false positives",
        "`incident.closed`",
        is_false,
    ),
    asked(
        "satisfaction",
        "Satisfaction of those who were hurt",
        Unit::Score,
        "mean of the answers, from 1 to 5, of reviews of incidents opened in the window",
        |one| one.answers.satisfaction.map(f64::from),
    ),
    asked(
        "escalation_accuracy",
        "Escalation accuracy",
        Unit::Percent,
        "reviews that say it went to the right people at the right time ÷ reviews that answer that",
        |one| one.answers.escalated_rightly.map(|right| if right { 100.0 } else { 0.0 }),
    ),
    asked(
        "impact_avoided",
        "Business impact avoided",
        Unit::Percent,
        "mean of the answers, in percent of the harm that it could have done",
        |one| one.answers.impact_avoided.map(f64::from),
    ),
    Definition {
        name: "lessons_applied",
        title: "Lessons applied",
        unit: Unit::Count,
        less: false,
        formula: "corrective actions of reviews of incidents opened in the window that are finished; one that names a \
                  file of the content is finished only with a newer version of it in force",
        source: "`review.action_finished`",
        measure: Measure::Sum(|one| one.finished),
    },
];

fn from_opening(case: &Case, at: Option<Timestamp>) -> Took {
    match at {
        Some(at) => Took::Done(at.since(case.opened_at)),
        None if case.open => Took::Open(case.opened_at),
        None => Took::Nothing,
    }
}

/// From one of its times to a later one.
fn between(case: &Case, from: Option<Timestamp>, to: Option<Timestamp>) -> Took {
    match (from, to) {
        (Some(from), Some(to)) => Took::Done(to.since(from)),
        (Some(from), None) if case.open => Took::Open(from),
        (Some(_) | None, _) => Took::Nothing,
    }
}

fn work(case: &Case) -> u32 {
    case.tally.alone + case.tally.asked + case.tally.by_hand
}

fn is_false(one: &Seen<'_>) -> bool {
    one.case.disposition == Some(Disposition::FalsePositive)
}
