//! What the durable journal says of reports, folded by the simulator's own rules: each deadline is told once and in
//! time, no token sends more than it may, and nothing follows from a claim before a person has said what it is.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    id::{IncidentId, ReportId, TokenId},
    report::{Channel, Event, Terms},
    time::{Span, Timestamp},
};

use crate::{
    clocks::in_time,
    violation::{Violation, ensure},
};

#[derive(Debug)]
struct View {
    claim: bool,
    answer: Option<Timestamp>,
    remind: Option<Timestamp>,
    disclose: Option<Timestamp>,
    closed: bool,
}

#[derive(Debug, Default)]
pub(crate) struct Reports {
    terms: Terms,
    views: BTreeMap<ReportId, View>,
    /// When reports came by each token, within the last hour.
    came: BTreeMap<TokenId, Vec<Timestamp>>,
    /// Incidents that stand on a claim which nobody has confirmed.
    claims: BTreeSet<IncidentId>,
    /// Incidents with a run that nobody started.
    started: BTreeSet<IncidentId>,
    /// Deadlines that were told.
    pub(crate) told: u64,
}

impl Reports {
    pub(crate) fn new(terms: Terms) -> Reports {
        Reports { terms, ..Reports::default() }
    }

    /// Those that are not closed.
    pub(crate) fn open(&self) -> impl Iterator<Item = ReportId> {
        self.views.iter().filter(|(_, view)| !view.closed).map(|(id, _)| *id)
    }

    pub(crate) fn len(&self) -> usize {
        self.views.len()
    }

    /// `started_at` is when the process began that says so.
    pub(crate) fn take(
        &mut self,
        id: ReportId,
        event: &Event,
        at: Timestamp,
        started_at: Timestamp,
    ) -> Result<(), Violation> {
        if let Event::Received { channel, token, acknowledge_by, remind_at, disclose_by, .. } = event {
            let claim = *channel != Channel::Hand;
            let (answer, remind, disclose) = (*acknowledge_by, *remind_at, *disclose_by);
            self.views.insert(id, View { claim, answer, remind, disclose, closed: false });
            return self.counted(*channel, *token, at);
        }
        let missing = || Violation::new("P1", format!("{id} has facts before it was received"));
        let view = self.views.get_mut(&id).ok_or_else(missing)?;
        // Each deadline is taken away when it is told, so a second time finds none.
        let deadline = match event {
            Event::Unanswered => view.answer.take(),
            Event::Reminded => view.remind.take(),
            Event::Overdue => {
                view.remind = None;
                view.disclose.take()
            }
            Event::Acknowledged { .. } => {
                view.answer = None;
                return Ok(());
            }
            Event::Closed { .. } => {
                view.closed = true;
                return Ok(());
            }
            Event::Linked { incident: Some(incident), .. } if view.claim => {
                self.claims.insert(*incident);
                let ran = self.started.contains(incident);
                return ensure(!ran, "P3", || {
                    format!("{incident} stands on {id}, and a run began by itself")
                });
            }
            Event::Received { .. } | Event::Linked { .. } | Event::Redacted { .. } => return Ok(()),
        };
        let due = deadline.filter(|_| !view.closed);
        self.told += 1;
        let none = || Violation::new("P1", format!("{} of {id}, which has no such deadline", event.kind()));
        in_time("P1", &format!("{} of {id}", event.kind()), due.ok_or_else(none)?, at, started_at)
    }

    fn counted(&mut self, channel: Channel, token: Option<TokenId>, at: Timestamp) -> Result<(), Violation> {
        let most = match channel {
            Channel::Hand => return Ok(()),
            Channel::Form => self.terms.form_per_hour,
            Channel::Outside => self.terms.outside_per_hour,
        };
        let none = || Violation::new("P2", "a report that is a claim came by no token");
        let came = self.came.entry(token.ok_or_else(none)?).or_default();
        came.retain(|before| at.since(*before) < Span::secs(3_600));
        came.push(at);
        ensure(came.len() <= most as usize, "P2", || {
            format!("{} reports came by one token within an hour, and {most} may", came.len())
        })
    }

    /// A person said what it is.
    pub(crate) fn confirmed(&mut self, id: IncidentId) {
        self.claims.remove(&id);
    }

    /// A run began by itself.
    pub(crate) fn ran(&mut self, id: IncidentId) -> Result<(), Violation> {
        self.started.insert(id);
        ensure(!self.claims.contains(&id), "P3", || format!("a run of {id} began by itself on a claim"))
    }

    /// At rest no deadline has passed in silence.
    pub(crate) fn last_look(&self, now: Timestamp) -> Result<(), Violation> {
        let passed = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        let silent = |view: &View| passed(view.answer) || passed(view.remind) || passed(view.disclose);
        let silent = self.views.iter().find(|(_, view)| !view.closed && silent(view));
        ensure(silent.is_none(), "P1", || format!("a deadline passed in silence: {silent:?}"))
    }
}
