//! Controls that hold or do not, by what the records say. Pure: whoever asks brings the rows.

#[cfg(test)]
mod tests;

use crate::{
    access::{Person, Role},
    content::Content,
    evidence::Evidence,
    figures::{Case, Figures},
    review::Lookback,
    severity::Severity,
    time::{Span, Timestamp},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    Regulatory,
    Industry,
    Internal,
    Documentation,
}

impl Group {
    pub const ALL: [Group; 4] = [Group::Regulatory, Group::Industry, Group::Internal, Group::Documentation];

    pub fn name(self) -> &'static str {
        match self {
            Group::Regulatory => "regulatory",
            Group::Industry => "industry",
            Group::Internal => "internal",
            Group::Documentation => "documentation",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Check {
    /// Every report on an incident of this severity or more was there, or still may be, by its deadline.
    ReviewsInTime {
        from: Severity,
    },
    ActionsInTime,
    /// The figure meets its target; where nothing was measured it does.
    Figure {
        name: Box<str>,
    },
    LogSigned {
        within: Span,
    },
    EvidenceChecked {
        within: Span,
    },
    Drilled {
        within: Span,
    },
    TwoPeople,
    ClockTrusted,
    PlansWritten,
    LogVerifies,
    BackupRestores,
}

impl Check {
    pub const NAMES: [&str; 11] = [
        "reviews_in_time",
        "actions_in_time",
        "figure",
        "log_signed",
        "evidence_checked",
        "drilled",
        "two_people",
        "clock_trusted",
        "plans_written",
        "log_verifies",
        "backup_restores",
    ];
}

/// One line of `compliance.yaml`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    pub id: Box<str>,
    pub group: Group,
    pub title: Box<str>,
    pub check: Check,
}

/// What the records say, as far as controls ask.
#[derive(Debug)]
pub struct Known<'a> {
    pub now: Timestamp,
    pub content: &'a Content,
    pub figures: &'a Figures,
    pub cases: &'a [Case],
    pub reviews: &'a [Lookback],
    pub people: &'a [Person],
    pub evidence: &'a [Evidence],
    /// When the oldest entry was made that no signed checkpoint covers; None where all are covered.
    pub unsigned_since: Option<Timestamp>,
    pub clock_doubt: Option<&'a str>,
    /// Whether the log verifies, and whether a platform could go on from the newest backup, as just looked at.
    pub log: (bool, &'a str),
    pub backup: (bool, &'a str),
}

/// Whether one control holds, and what shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict<'a> {
    pub control: &'a Control,
    pub holds: bool,
    pub said: String,
}

pub fn evaluate<'a>(known: &Known<'a>) -> Vec<Verdict<'a>> {
    known
        .content
        .compliance
        .iter()
        .map(|control| {
            let (holds, said) = look(&control.check, known);
            Verdict { control, holds, said }
        })
        .collect()
}

fn look(check: &Check, known: &Known<'_>) -> (bool, String) {
    match check {
        Check::ReviewsInTime { from } => {
            let real = known.reviews.iter().filter(|one| !one.drill && one.severity >= Some(*from));
            let late: Vec<String> =
                real.clone().filter(|one| !one.is_in_time(known.now)).map(|one| one.id.to_string()).collect();
            none_of(&late, real.count(), "reviews", "late")
        }
        Check::ActionsInTime => {
            let real = known.reviews.iter().filter(|one| !one.drill && one.planned > 0);
            let due = |one: &&Lookback| one.action_due.is_some_and(|due| due < known.now);
            let late: Vec<String> = real.clone().filter(due).map(|one| one.id.to_string()).collect();
            none_of(&late, real.count(), "reviews with actions", "with an overdue one")
        }
        Check::Figure { name } => match known.figures.all.named(name) {
            Some(figure) => {
                let value =
                    figure.value.map_or_else(|| "nothing measured".to_owned(), |value| value.to_string());
                let target = figure.target.map_or_else(|| "none".to_owned(), |target| target.to_string());
                let said = format!("{} over {}, target {target}", value, figure.n);
                (figure.met != Some(false), said)
            }
            None => (false, format!("`{name}` is no figure")),
        },
        Check::LogSigned { within } => match known.unsigned_since {
            Some(since) => (known.now.since(since) <= *within, format!("not signed since {since}")),
            None => (true, "every entry is under a signed checkpoint".to_owned()),
        },
        Check::EvidenceChecked { within } => {
            let seen = |one: &Evidence| one.checked_at.unwrap_or(one.collected_at);
            let wrong = |one: &&Evidence| one.fault.is_some() || known.now.since(seen(one)) > *within;
            let wrong: Vec<String> =
                known.evidence.iter().filter(wrong).map(|one| one.id.to_string()).collect();
            none_of(&wrong, known.evidence.len(), "pieces", "not read anew or not as they were")
        }
        Check::Drilled { within } => {
            let last = known.cases.iter().filter(|case| case.drill).map(|case| case.opened_at).max();
            match last {
                Some(at) => (known.now.since(at) <= *within, format!("the last drill was at {at}")),
                None => (false, "no drill is on record; run `ringfence drill`".to_owned()),
            }
        }
        Check::TwoPeople => {
            let able = known.people.iter().filter(|one| !one.disabled && one.role >= Role::Commander).count();
            (able >= 2, format!("{able} people may command"))
        }
        Check::ClockTrusted => match known.clock_doubt {
            Some(doubt) => (false, doubt.to_owned()),
            None => (true, "nobody doubts it".to_owned()),
        },
        Check::LogVerifies => (known.log.0, known.log.1.to_owned()),
        Check::BackupRestores => (known.backup.0, known.backup.1.to_owned()),
        Check::PlansWritten => {
            let types = known.content.types.keys();
            let without = |name: &&String| known.content.playbook_for(name, Severity::Critical).is_none();
            let missing: Vec<String> = types.clone().filter(without).cloned().collect();
            none_of(&missing, types.count(), "types", "without a playbook")
        }
    }
}

/// Holds where nothing is wrong; names at most ten that are.
fn none_of(wrong: &[String], of: usize, what: &str, how: &str) -> (bool, String) {
    if wrong.is_empty() {
        return (true, format!("none of {of} {what} {how}"));
    }
    let named = wrong.iter().take(10).map(String::as_str).collect::<Vec<_>>().join(", ");
    (false, format!("{} of {of} {what} {how}: {named}", wrong.len()))
}
