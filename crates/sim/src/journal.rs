//! What the durable journal says, folded by the simulator's own few rules and not by the platform's: the checker's
//! view of alerts, incidents, runs, actions and limits.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use domain::{
    access::{self, Holder},
    action::{self, Goal, Intent, Next, Operation, Outcome, Spec, Verdict},
    alert, approval,
    content::Content,
    control::{self, SafeMode, own},
    event::{Event, Stream},
    id::{ActionId, AlertId, ApprovalId, IncidentId, PersonId, RunId, SilenceId, TokenId},
    incident,
    labels::Labels,
    playbook::{OnExpiry, Playbook, TextHash},
    recovery::plan::{self, Stage},
    run::{self, StepStatus},
    time::{Span, Timestamp},
};
use store::Entry;
use tlog::leaf::EnvelopeRef;

use crate::{
    clocks::Clocks,
    consent::Consents,
    moves::Moves,
    notices::Notices,
    reported::Reports,
    restored::Recoveries,
    violation::{Violation, ensure},
};

/// One label set, as the journal has it.
#[derive(Debug, Default, Clone)]
pub(crate) struct AlertView {
    pub(crate) firing: Option<AlertId>,
    pub(crate) resolved_at: Option<Timestamp>,
}

#[derive(Debug, Clone)]
pub(crate) struct IncidentView {
    pub(crate) group: Box<str>,
    pub(crate) last_alert_at: Timestamp,
}

#[derive(Debug, Clone)]
pub(crate) struct RunView {
    pub(crate) steps: Vec<StepStatus>,
    pub(crate) playbook: Option<Arc<Playbook>>,
    pub(crate) undoing: bool,
    /// What the run itself takes back now.
    pub(crate) releasing: Option<ActionId>,
    pub(crate) ended: bool,
}

impl RunView {
    /// Whether an earlier step has not ended and must have before this one begins.
    fn too_early(&self, step: u32) -> bool {
        let before = (0u32..).zip(&self.steps[..step as usize]);
        before
            .filter(|(_, status)| matches!(status, StepStatus::Pending | StepStatus::Active))
            .any(|(open, _)| !self.playbook.as_ref().is_some_and(|p| p.may_overlap(open, step)))
    }
}

#[derive(Debug, Clone)]
pub(crate) struct ActionView {
    pub(crate) spec: Spec,
    pub(crate) goal: Goal,
    /// Whether its effect may stand: applied or in doubt, and not released.
    pub(crate) may_stand: bool,
    pub(crate) in_doubt: bool,
    pub(crate) in_force: bool,
    pub(crate) over: bool,
    pub(crate) last_key: Box<str>,
    pub(crate) last_attempt: u32,
    /// The request that its last intent used.
    pub(crate) passed: Option<ApprovalId>,
    pub(crate) requested_at: Timestamp,
    /// How often a person said "retry".
    pub(crate) retries: u32,
}

/// A request that waits for people.
#[derive(Debug, Clone)]
pub(crate) struct ApprovalView {
    pub(crate) hash: Box<str>,
    pub(crate) open: BTreeSet<ActionId>,
    /// Nobody answered; a person has to have it asked again.
    pub(crate) lapsed: bool,
}

/// Names one call: there may be one intent of each, and one call for each.
pub(crate) type CallName = (ActionId, Box<str>, u32, u64);

#[derive(Debug, Default)]
pub(crate) struct Journal {
    /// Stream and kind by position.
    pub(crate) positions: Vec<(Stream, String)>,
    pub(crate) alerts: BTreeMap<Labels, AlertView>,
    pub(crate) alert_labels: BTreeMap<AlertId, Labels>,
    pub(crate) incidents: BTreeMap<IncidentId, IncidentView>,
    pub(crate) runs: BTreeMap<RunId, RunView>,
    pub(crate) actions: BTreeMap<ActionId, ActionView>,
    pub(crate) consents: Consents,
    /// Those that wait.
    pub(crate) approvals: BTreeMap<ApprovalId, ApprovalView>,
    /// Who allowed what, ever.
    pub(crate) grants: BTreeMap<ApprovalId, BTreeSet<PersonId>>,
    pub(crate) intents: BTreeMap<CallName, Operation>,
    pub(crate) silences: BTreeSet<SilenceId>,
    pub(crate) people: BTreeSet<PersonId>,
    pub(crate) epoch: u64,
    pub(crate) kill_switch_since: Option<Timestamp>,
    /// What comes back when the glass is mended.
    pub(crate) glass: Option<(Option<Timestamp>, SafeMode)>,
    pub(crate) safe_mode: SafeMode,
    pub(crate) breakers: BTreeSet<Box<str>>,
    pub(crate) clock_doubt: bool,
    pub(crate) redacted: BTreeSet<AlertId>,
    pub(crate) notices: Notices,
    pub(crate) reports: Reports,
    pub(crate) clocks: Clocks,
    pub(crate) moves: Moves,
    /// The tokens by which people report who are not known here.
    pub(crate) reporters: BTreeSet<TokenId>,
    /// When the process that writes now began.
    started_at: Timestamp,
    recoveries: Recoveries,
    /// How often a service was well again.
    pub(crate) restored: u64,
    windows: BTreeMap<String, Span>,
    playbooks: BTreeMap<TextHash, Arc<Playbook>>,
}

/// What the checker looks at when an entry becomes durable.
pub(crate) enum Noted {
    Applied(ActionId),
    Released(ActionId),
    Nothing,
}

impl Journal {
    pub(crate) fn new(contents: &[Arc<Content>]) -> Journal {
        let windows = contents.iter().take(1).flat_map(|content| &content.types);
        let windows = windows.map(|(name, kind)| (name.clone(), kind.window)).collect();
        let playbooks = contents.iter().flat_map(|content| content.playbooks.values());
        let playbooks = playbooks.map(|playbook| (playbook.hash.clone(), playbook.clone())).collect();
        let terms = contents.first().map(|content| content.reports.clone()).unwrap_or_default();
        Journal { windows, playbooks, reports: Reports::new(terms), ..Journal::default() }
    }

    /// Takes a durable entry; the caller compares it with the world before it takes the next.
    pub(crate) fn take(&mut self, entry: &Entry) -> Result<Noted, Violation> {
        let unreadable = |why: String| Violation::new("I11", format!("an entry does not read: {why}"));
        let (envelope, event) = read_entry(entry).map_err(unreadable)?;
        let at = Timestamp(envelope.time_us);
        ensure(envelope.position == self.positions.len() as u64, "I11", || {
            format!("entry {} stands at {}", envelope.position, self.positions.len())
        })?;
        self.positions.push((event.stream(), envelope.kind.to_owned()));
        match event {
            Event::Alert(id, event) => self.alert(id, event, at)?,
            Event::Incident(id, event) => {
                self.incident(id, event, envelope.actor.starts_with("person/"), at)?;
            }
            Event::Run(id, event) => self.run(id, &event)?,
            Event::Action(id, event) => {
                let by_person = envelope.actor.starts_with("person/");
                return self.action(id, event, by_person, at);
            }
            Event::Control(event) => {
                self.moves.moved(&event, &self.actions)?;
                self.control(&event, at);
            }
            Event::Silence(id, _) => {
                self.silences.insert(id);
            }
            Event::Person(id, _) => {
                self.people.insert(id);
            }
            Event::Approval(id, event) => {
                self.consents.take(id, &event, at)?;
                self.approval(id, event);
            }
            Event::Notice(id, event) => self.notices.take(id, event)?,
            Event::Token(id, event) => self.token(id, &event),
            Event::Report(id, event) => self.reports.take(id, &event, at, self.started_at)?,
            Event::Review(..)
            | Event::Health(_)
            | Event::Raw(..)
            | Event::Sighting(..)
            | Event::Evidence(..)
            | Event::Upkeep(_)
            | Event::Duty(..)
            | Event::Statement(..)
            | Event::Exercise(..)
            | Event::Content(_)
            | Event::Log(_) => {}
        }
        Ok(Noted::Nothing)
    }

    fn alert(&mut self, id: AlertId, event: alert::Event, at: Timestamp) -> Result<(), Violation> {
        match event {
            alert::Event::Raised { labels, .. } => {
                let view = self.alerts.entry(labels.clone()).or_default();
                let already = view.firing.replace(id);
                self.alert_labels.insert(id, labels);
                ensure(already.is_none(), "I2", || format!("{id} is raised while {already:?} fires"))?;
            }
            alert::Event::Resolved { .. } => {
                if let Some(view) = self.view_of(id)
                    && view.firing == Some(id)
                {
                    (view.firing, view.resolved_at) = (None, Some(at));
                }
            }
            alert::Event::Redacted { .. } => {
                // A redacted alert has no labels any more, so the next delivery of them is a new alert.
                self.redacted.insert(id);
                if let Some(view) = self.view_of(id)
                    && view.firing == Some(id)
                {
                    (view.firing, view.resolved_at) = (None, Some(at));
                }
            }
            alert::Event::Changed { .. } | alert::Event::Routed { .. } => {}
        }
        Ok(())
    }

    fn view_of(&mut self, id: AlertId) -> Option<&mut AlertView> {
        let labels = self.alert_labels.get(&id)?;
        self.alerts.get_mut(labels)
    }

    fn token(&mut self, id: TokenId, event: &access::TokenEvent) {
        match event {
            access::TokenEvent::Created { holder: Holder::Form(_) | Holder::Outside(_), .. } => {
                self.reporters.insert(id);
            }
            access::TokenEvent::Created { .. } => {}
            access::TokenEvent::Revoked => {
                self.reporters.remove(&id);
            }
        }
    }

    fn incident(
        &mut self,
        id: IncidentId,
        event: incident::Event,
        by_person: bool,
        at: Timestamp,
    ) -> Result<(), Violation> {
        match event {
            incident::Event::Opened { group, incident_type, .. } => {
                let window = self.windows.get(&*incident_type).copied().unwrap_or(Span::secs(3_600));
                let same = |(_, open): &(&IncidentId, &IncidentView)| {
                    !group.is_empty() && open.group == group && at.since(open.last_alert_at) <= window
                };
                let twin = self.incidents.iter().find(same).map(|(id, _)| *id);
                ensure(twin.is_none(), "I2", || format!("{id} opens beside {twin:?} of the same group"))?;
                let view = IncidentView { group, last_alert_at: at };
                self.incidents.insert(id, view);
            }
            incident::Event::AlertJoined { .. } => {
                if let Some(view) = self.incidents.get_mut(&id) {
                    view.last_alert_at = at;
                }
            }
            // One that is watched takes what comes back; a resolved one takes no more alerts.
            incident::Event::Resolved { watch_until: Some(_), .. } => self.clocks.stop(id),
            incident::Event::Resolved { watch_until: None, .. }
            | incident::Event::WatchEnded
            | incident::Event::Closed { .. } => {
                self.incidents.remove(&id);
                self.clocks.stop(id);
            }
            incident::Event::Relapsed { .. } => {
                self.recoveries.forget(id);
                self.clocks.stop(id);
            }
            incident::Event::People(event) => {
                self.notices.engaged(id, &event, by_person)?;
                self.clocks.take(id, &event, by_person, at, self.started_at)?;
            }
            incident::Event::Recovery { fact } => {
                self.restored += u64::from(matches!(*fact, plan::Event::Moved { to: Stage::Well, .. }));
                self.recoveries.take(id, &fact)?;
            }
            incident::Event::Acknowledged => self.clocks.stop(id),
            incident::Event::Classified { .. } if by_person => self.reports.confirmed(id),
            incident::Event::Classified { .. }
            | incident::Event::SignedOff { .. }
            | incident::Event::Checked { .. }
            | incident::Event::Assigned { .. }
            | incident::Event::Noted { .. }
            | incident::Event::AtOnce { .. }
            | incident::Event::Linked { .. }
            | incident::Event::Analysis { .. }
            | incident::Event::Contained { .. }
            | incident::Event::AttentionRaised { .. }
            | incident::Event::AttentionCleared { .. }
            | incident::Event::ResponseStopped { .. }
            | incident::Event::Redacted { .. } => {}
        }
        Ok(())
    }

    fn run(&mut self, id: RunId, event: &run::Event) -> Result<(), Violation> {
        if let run::Event::Started { incident, steps, hash, by, .. } = event {
            if by.is_none() {
                self.reports.ran(*incident)?;
            }
            let steps = vec![StepStatus::Pending; *steps as usize];
            let playbook = self.playbooks.get(hash).cloned();
            let run = RunView { steps, playbook, undoing: false, releasing: None, ended: false };
            self.runs.insert(id, run);
        }
        let missing = || Violation::new("I11", format!("{id} has facts before it started"));
        let run = self.runs.get_mut(&id).ok_or_else(missing)?;
        match event {
            run::Event::Updated { finished } => {
                finished.iter().for_each(|one| run.steps[one.step as usize] = one.status);
            }
            run::Event::StepSkipped { step, .. } => run.steps[*step as usize] = StepStatus::Skipped,
            run::Event::StepRetried { step, .. } => run.steps[*step as usize] = StepStatus::Pending,
            run::Event::UndoStarted { .. } => run.undoing = true,
            run::Event::Canceled => run.ended = true,
            run::Event::Started { .. }
            | run::Event::Advanced { .. }
            | run::Event::Paused
            | run::Event::Resumed
            | run::Event::Quarantined { .. } => {}
        }
        let Some(progress) = event.progress() else { return Ok(()) };
        run.releasing = progress.release.or(run.releasing);
        for finished in &progress.finished {
            run.steps[finished.step as usize] = finished.status;
        }
        for begun in &progress.begun {
            ensure(!run.undoing, "I7", || format!("{id} begins step {} while it is undone", begun.step))?;
            ensure(!run.too_early(begun.step), "I3", || {
                format!("{id} begins step {} before an earlier one ended", begun.step)
            })?;
            run.steps[begun.step as usize] = StepStatus::Active;
        }
        if let Some(opened) = &progress.opened {
            let (step, inner) = (opened.step as usize, opened.inner as usize);
            run.steps[step] = StepStatus::Active;
            run.steps[step + 1..=step + inner].fill(StepStatus::Pending);
        }
        match &progress.status {
            Some(run::Status::Undoing { .. }) => run.undoing = true,
            Some(run::Status::Completed | run::Status::Failed { .. } | run::Status::Canceled) => {
                run.ended = true;
            }
            Some(
                run::Status::Active
                | run::Status::Paused
                | run::Status::Blocked { .. }
                | run::Status::Quarantined { .. },
            )
            | None => {}
        }
        Ok(())
    }

    fn action(
        &mut self,
        id: ActionId,
        event: action::Event,
        by_person: bool,
        at: Timestamp,
    ) -> Result<Noted, Violation> {
        match event {
            action::Event::Intended { spec, goal, intent } => {
                self.create(id, spec, at)?;
                self.intended(id, goal, &intent, by_person, at).map(|()| Noted::Nothing)
            }
            action::Event::Held { spec, goal, .. } => {
                self.create(id, spec, at)?;
                if let Some(action) = self.actions.get_mut(&id) {
                    action.retries += u32::from(by_person && action.in_doubt && action.goal == goal);
                    (action.goal, action.in_doubt) = (goal, false);
                }
                Ok(Noted::Nothing)
            }
            outcome @ (action::Event::Withdrawn { .. }
            | action::Event::LeaseExtended { .. }
            | action::Event::LeaseExpired
            | action::Event::Applied { .. }
            | action::Event::Released { .. }
            | action::Event::NotApplied { .. }
            | action::Event::Unknown { .. }
            | action::Event::Yielded { .. }
            | action::Event::Abandoned { .. }
            | action::Event::Settled { .. }) => {
                self.own_outcome(id, &outcome)?;
                self.outcome(id, &outcome)
            }
        }
    }

    /// What the platform itself performed is held against the limits, and not against the world.
    fn own_outcome(&mut self, id: ActionId, event: &action::Event) -> Result<(), Violation> {
        let Some(view) = self.actions.get(&id).filter(|view| own::is_own(&view.spec)) else { return Ok(()) };
        if !matches!(event, action::Event::Applied { .. } | action::Event::Released { .. }) {
            return Ok(());
        }
        let holds = self.limit_is_as(view);
        self.moves.ended(id, view, holds)
    }

    fn outcome(&mut self, id: ActionId, event: &action::Event) -> Result<Noted, Violation> {
        let missing = || Violation::new("I11", format!("{id} has facts before its intent"));
        let action = self.actions.get_mut(&id).ok_or_else(missing)?;
        match event {
            action::Event::Applied { .. } => {
                applied(action);
                return Ok(Noted::Applied(id));
            }
            action::Event::Released { .. } => {
                (action.may_stand, action.in_force, action.over) = (false, false, true);
                return Ok(Noted::Released(id));
            }
            action::Event::NotApplied { retry_at: None, .. } if action.goal == Goal::Apply => {
                (action.over, action.may_stand) = (true, false);
            }
            action::Event::NotApplied { retry_at: None, .. } => action.in_doubt = true,
            action::Event::Unknown { next, .. } => {
                action.may_stand = true;
                action.in_doubt = *next == Next::InDoubt;
            }
            // Its effect is another's from here on.
            action::Event::Yielded { .. } => {
                (action.may_stand, action.in_force, action.over) = (false, false, true);
            }
            action::Event::Abandoned { .. } if action.goal == Goal::Apply => {
                (action.over, action.may_stand) = (true, false);
            }
            // What was not taken back stays in force.
            action::Event::Abandoned { .. } => action.goal = Goal::Apply,
            action::Event::Settled { verdict, .. } => settled(action, *verdict),
            action::Event::Intended { .. }
            | action::Event::Held { .. }
            | action::Event::Withdrawn { .. }
            | action::Event::LeaseExtended { .. }
            | action::Event::LeaseExpired
            | action::Event::NotApplied { retry_at: Some(_), .. } => {}
        }
        Ok(Noted::Nothing)
    }

    fn create(&mut self, id: ActionId, spec: Option<Box<Spec>>, at: Timestamp) -> Result<(), Violation> {
        let Some(spec) = spec else { return Ok(()) };
        if let action::Origin::Run { run, step, .. } = spec.origin
            && let Some(run) = self.runs.get(&run)
        {
            ensure(!run.too_early(step), "I3", || {
                format!("{id} of step {step} begins before an earlier step has ended")
            })?;
        }
        let view = ActionView {
            spec: *spec,
            goal: Goal::Apply,
            may_stand: false,
            in_doubt: false,
            in_force: false,
            over: false,
            last_key: "".into(),
            last_attempt: 0,
            passed: None,
            requested_at: at,
            retries: 0,
        };
        self.actions.insert(id, view);
        Ok(())
    }

    fn intended(
        &mut self,
        id: ActionId,
        goal: Goal,
        intent: &Intent,
        by_person: bool,
        at: Timestamp,
    ) -> Result<(), Violation> {
        if goal == Goal::Release {
            self.check_undo(id)?;
            self.check_turn(id, by_person)?;
        }
        let missing = || Violation::new("I11", format!("{id} has an intent without a spec"));
        let action = self.actions.get_mut(&id).ok_or_else(missing)?;
        ensure(!action.over, "I7", || format!("{id} is over and gets another intent"))?;
        ensure(intent.epoch == self.epoch, "I9", || {
            format!("{id} has an intent of epoch {} in epoch {}", intent.epoch, self.epoch)
        })?;
        // A release that is in doubt and asked for once more.
        action.retries += u32::from(by_person && action.in_doubt && action.goal == goal);
        action.goal = goal;
        action.in_doubt = false;
        let passed = intent.pass.map(|pass| pass.approval);
        if action.passed != passed || action.last_key != intent.key {
            self.consents.used(&action.spec, goal, intent, at)?;
        }
        action.last_key = intent.key.clone();
        action.last_attempt = intent.attempt;
        action.passed = passed;
        let name = (id, intent.key.clone(), intent.attempt, intent.epoch);
        self.intents.insert(name, intent.operation);
        Ok(())
    }

    /// What neither a person nor an undo nor the end of a lease takes back waits for the turn of its service.
    fn check_turn(&self, id: ActionId, by_person: bool) -> Result<(), Violation> {
        let Some(action) = self.actions.get(&id).filter(|action| action.goal != Goal::Release) else {
            return Ok(());
        };
        let lifts = action.spec.lease.is_some_and(|lease| lease.on_expiry == OnExpiry::Lift);
        let run = action.spec.origin.run().and_then(|run| self.runs.get(&run));
        if by_person || lifts || run.is_some_and(|run| run.releasing == Some(id)) {
            return Ok(());
        }
        let target = (&*action.spec.target_kind, &*action.spec.target);
        self.recoveries.check_release(action.spec.incident, id, target)
    }

    /// A release: only of what may stand, and in a run that is undone nothing later may stand.
    fn check_undo(&self, id: ActionId) -> Result<(), Violation> {
        let Some(action) = self.actions.get(&id) else { return Ok(()) };
        ensure(action.may_stand, "I7", || format!("{id} is taken back and was never applied"))?;
        let action::Origin::Run { run, step, .. } = action.spec.origin else { return Ok(()) };
        if self.runs.get(&run).is_none_or(|run| run.releasing != Some(id)) || action.goal == Goal::Release {
            return Ok(());
        }
        // Of branches side by side the one that was applied last goes first, whatever its number.
        let playbook = self.runs.get(&run).and_then(|view| view.playbook.as_ref());
        let beside = |at| playbook.is_some_and(|playbook| playbook.may_overlap(step, at));
        let later = self.actions.iter().find(|(_, other)| {
            let action::Origin::Run { run: its, step: at, .. } = other.spec.origin else { return false };
            let stands = other.may_stand && other.spec.revert.is_some() && !other.over;
            its == run && at > step && stands && !beside(at)
        });
        ensure(later.is_none(), "I7", || {
            format!("{id} of step {step} is taken back before {:?} of a later step", later.map(|l| l.0))
        })
    }

    fn approval(&mut self, id: ApprovalId, event: approval::Event) {
        if let approval::Event::Requested { actions, hash, .. } = event {
            let view = ApprovalView { hash, open: actions.into_iter().collect(), lapsed: false };
            self.approvals.insert(id, view);
            return;
        }
        if let approval::Event::Granted { person, .. } = event {
            self.grants.entry(id).or_default().insert(person);
            return;
        }
        let Some(view) = self.approvals.get_mut(&id) else { return };
        match event {
            approval::Event::Requested { .. } | approval::Event::Granted { .. } => {}
            approval::Event::Denied { .. } | approval::Event::Ended { .. } => view.open.clear(),
            approval::Event::Expired { again_until } => {
                view.lapsed = again_until.is_none();
                self.grants.remove(&id);
            }
            approval::Event::Renewed { .. } => view.lapsed = false,
            approval::Event::Consumed { action } | approval::Event::Voided { action, .. } => {
                view.open.remove(&action);
            }
        }
        if view.open.is_empty() {
            self.approvals.remove(&id);
        }
    }

    fn control(&mut self, event: &control::Event, at: Timestamp) {
        match event {
            control::Event::Started { epoch, .. } => {
                self.epoch = *epoch;
                self.started_at = at;
            }
            control::Event::KillSwitchOn { .. } => self.kill_switch_since = Some(at),
            control::Event::KillSwitchOff { .. } => self.kill_switch_since = None,
            control::Event::SafeModeSet { level, .. } => self.safe_mode = *level,
            control::Event::BreakerOpened { name, .. } => {
                self.breakers.insert(name.clone());
            }
            control::Event::BreakerClosed { name } => {
                self.breakers.remove(name);
            }
            control::Event::ClockDoubted { .. } | control::Event::Restored { .. } => self.clock_doubt = true,
            control::Event::BackedUp { .. }
            | control::Event::BackupFailed { .. }
            | control::Event::RestoreApproved { .. }
            | control::Event::RestoreReady { .. }
            | control::Event::RestoreEnded { .. } => {}
            control::Event::ClockConfirmed => self.clock_doubt = false,
            control::Event::GlassBroken { until, .. } => {
                self.glass = until.map(|_| (self.kill_switch_since, self.safe_mode));
                (self.kill_switch_since, self.safe_mode) = (None, SafeMode::Disabled);
            }
            control::Event::GlassMended => {
                let (since, level) = self.glass.take().unwrap_or_default();
                self.kill_switch_since = self.kill_switch_since.or(since);
                self.safe_mode = self.safe_mode.max(level);
            }
        }
    }
}

fn applied(action: &mut ActionView) {
    (action.may_stand, action.in_doubt) = (true, false);
    action.in_force = action.spec.revert.is_some();
    action.over = !action.in_force;
}

fn settled(action: &mut ActionView, verdict: Verdict) {
    action.in_doubt = false;
    match (verdict, action.goal) {
        (Verdict::Applied, Goal::Apply) => applied(action),
        (Verdict::NotApplied, Goal::Apply) => (action.over, action.may_stand) = (true, false),
        (Verdict::Applied, Goal::Release) => {
            (action.over, action.may_stand, action.in_force) = (true, false, false);
        }
        (Verdict::NotApplied, Goal::Release) => {
            (action.goal, action.in_force, action.may_stand) = (Goal::Apply, true, true);
        }
        (Verdict::Retry, _) => action.retries += 1,
    }
}

/// The envelope and the fact of an entry that is being appended.
pub(crate) fn read_entry(entry: &Entry) -> Result<(EnvelopeRef<'_>, Event), String> {
    let envelope = EnvelopeRef::decode(&entry.envelope).map_err(|error| error.to_string())?;
    let stream: Stream = envelope.stream.parse()?;
    let event = Event::read_body(stream, &entry.body).map_err(|error| error.to_string())?;
    Ok((envelope, event))
}

/// A word for an outcome, for traces.
pub(crate) fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Applied { .. } => "applied",
        Outcome::NotApplied { retry: true, .. } => "not applied, retry",
        Outcome::NotApplied { retry: false, .. } => "not applied",
        Outcome::Unknown { .. } => "unknown",
        Outcome::Holds => "holds",
        Outcome::DoesNotHold => "does not hold",
    }
}
