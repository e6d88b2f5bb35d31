//! How procedures go: per playbook and step how often it was used, failed or passed over and how long it took against what
//! was expected; per channel how soon a notice was delivered, and how soon somebody acknowledged what it told of.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::{
    notice::{Notice, Reason, Status},
    playbook::Playbook,
    run::{self, Run, StepStatus},
    time::{Span, Timestamp},
};

/// Times that were measured, in seconds.
#[derive(Debug, Default, Clone, PartialEq)]
pub struct Times {
    pub n: u64,
    pub sum_s: f64,
    pub longest_s: f64,
}

impl Times {
    fn add(&mut self, span: Span) {
        let seconds = span.0 as f64 / 1e6;
        self.n += 1;
        self.sum_s += seconds;
        self.longest_s = self.longest_s.max(seconds);
    }

    pub fn mean_s(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum_s / self.n as f64)
    }
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct StepPace {
    /// Begun at all.
    pub uses: u64,
    pub failures: u64,
    pub skips: u64,
    /// Took longer than expected.
    pub late: u64,
    pub took: Times,
    /// As the newest text says.
    pub expected: Option<Span>,
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct PlaybookPace {
    pub runs: u64,
    pub completed: u64,
    pub failed: u64,
    pub canceled: u64,
    pub took: Times,
    /// In the order of the newest text; steps that it has no more come last.
    pub steps: Vec<(String, StepPace)>,
}

/// Runs that are over, newest first, each with the text that it was pinned to, if that still reads.
pub fn of_runs<'a>(
    runs: impl Iterator<Item = (&'a Run, Option<&'a Playbook>)>,
) -> BTreeMap<String, PlaybookPace> {
    let mut paces: BTreeMap<String, PlaybookPace> = BTreeMap::new();
    for (run, playbook) in runs {
        let pace = paces.entry(run.playbook.to_string()).or_default();
        pace.runs += 1;
        match run.status {
            run::Status::Completed => pace.completed += 1,
            run::Status::Failed { .. } => pace.failed += 1,
            run::Status::Canceled => pace.canceled += 1,
            run::Status::Active
            | run::Status::Paused
            | run::Status::Blocked { .. }
            | run::Status::Undoing { .. }
            | run::Status::Quarantined { .. } => {}
        }
        run.ended_at.into_iter().for_each(|at| pace.took.add(at.since(run.started_at)));
        let steps = playbook.into_iter().flat_map(Playbook::steps).zip(&run.steps);
        for ((_, step), state) in steps {
            let known = pace.steps.iter().position(|(id, _)| *id == step.id);
            let index = known.unwrap_or_else(|| {
                let fresh = StepPace { expected: step.expected_duration, ..StepPace::default() };
                pace.steps.push((step.id.clone(), fresh));
                pace.steps.len() - 1
            });
            of_step(&mut pace.steps[index].1, state);
        }
    }
    paces
}

fn of_step(pace: &mut StepPace, state: &run::StepState) {
    match state.status {
        StepStatus::Failed => pace.failures += 1,
        StepStatus::Skipped => pace.skips += 1,
        StepStatus::Done | StepStatus::Pending | StepStatus::Active => {}
    }
    let Some(began) = state.began_at else { return };
    pace.uses += 1;
    pace.late += u64::from(state.late);
    state.ended_at.into_iter().for_each(|at| pace.took.add(at.since(began)));
}

#[derive(Debug, Default, Clone, PartialEq)]
pub struct ChannelPace {
    pub delivered: u64,
    /// Given up over this channel.
    pub failed: u64,
    pub delivery: Times,
    /// From a notice that calls for somebody to the acknowledgement of its incident.
    pub acknowledgement: Times,
}

/// Notices that are over; `acknowledged` is when somebody acknowledged the incident of one.
pub fn of_notices<'a>(
    notices: impl Iterator<Item = &'a Notice>,
    acknowledged: impl Fn(&Notice) -> Option<Timestamp>,
) -> BTreeMap<String, ChannelPace> {
    let mut paces: BTreeMap<String, ChannelPace> = BTreeMap::new();
    for notice in notices {
        let mut given_up = notice.routes.len();
        if let Status::Delivered { channel, at, .. } = &notice.status {
            let pace = paces.entry(channel.to_string()).or_default();
            pace.delivered += 1;
            pace.delivery.add(at.since(notice.queued_at));
            let calls = matches!(notice.reason, Reason::Opened | Reason::Escalated);
            let heard = acknowledged(notice).filter(|heard| calls && *heard >= *at);
            heard.into_iter().for_each(|heard| pace.acknowledgement.add(heard.since(notice.queued_at)));
            given_up = notice.route as usize;
        }
        if matches!(notice.status, Status::Cancelled { .. }) {
            continue;
        }
        for route in notice.routes.iter().take(given_up) {
            paces.entry(route.channel.to_string()).or_default().failed += 1;
        }
    }
    paces
}
