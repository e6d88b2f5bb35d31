//! Everything that is live, in memory: the machines, the indexes by which they find each other, and what is
//! due when. It is what the entries say so far; `apply` is the only way it changes.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    sync::Arc,
};

use crate::{
    access::{Person, Token},
    action::{self, Action},
    alert::{self, Alert, DedupKey, RESOLVE_TIMEOUT, Seen},
    approval::{self, Approval},
    content::{self, Content},
    control::{self, Control},
    correlate::GroupKey,
    duty::Duty,
    event::{Event, Meta, Stream},
    evidence::{self, Evidence},
    exercise::Exercise,
    flow::{Command, Fired},
    health,
    id::{
        ActionId, AlertId, ApprovalId, DutyId, EvidenceId, ExerciseId, IncidentId, NoticeId, PersonId, RawId,
        ReportId, ReviewId, RunId, SilenceId, StatementId, TokenId,
    },
    incident::{self, Incident},
    intake::{self, Raw},
    notice::{self, Notice},
    playbook::{Playbook, TextHash},
    report::{self, Report},
    review::{self, Review},
    run::{self, Run},
    sighting::{self, Sighting, Sightings},
    silence::{self, Silence},
    statement::Statement,
    time::Timestamp,
    upkeep::{self, Upkeep},
};

mod actions;
mod duties;
mod fire;
mod people;
mod ranks;
mod tally;

pub use actions::Actions;
use ranks::Ranks;

#[derive(Debug, Default)]
pub struct State {
    pub alerts: Alerts,
    pub silences: BTreeMap<SilenceId, Silence>,
    pub incidents: Incidents,
    pub runs: Runs,
    pub actions: Actions,
    pub control: Control,
    pub people: BTreeMap<PersonId, Person>,
    pub tokens: BTreeMap<TokenId, Token>,
    pub approvals: BTreeMap<ApprovalId, Approval>,
    /// The request that each held effect waits for.
    approval_of: BTreeMap<ActionId, ApprovalId>,
    pub notices: BTreeMap<NoticeId, Notice>,
    pub lines: notice::Lines,
    pub reviews: BTreeMap<ReviewId, Review>,
    /// What the last probes of services said.
    pub health: health::Health,
    pub reports: BTreeMap<ReportId, Report>,
    /// Until their rows are written.
    pub raw: BTreeMap<RawId, Raw>,
    pub sightings: Sightings,
    pub evidence: BTreeMap<EvidenceId, Evidence>,
    pub upkeep: Upkeep,
    pub duties: BTreeMap<DutyId, Duty>,
    pub statements: BTreeMap<StatementId, Statement>,
    pub exercises: BTreeMap<ExerciseId, Exercise>,
    /// The content in force.
    pub content: Arc<Content>,
    /// The hash of the content that the journal last named.
    pub loaded: TextHash,
    pub content_seq: u64,
    pub log_seq: u64,
    /// Every playbook version that a live run may be pinned to.
    pub playbooks: BTreeMap<TextHash, Arc<Playbook>>,
    /// The run that is being decided; when a decision ends in a panic, it is the suspect.
    pub working: Option<RunId>,
    /// The runs whose facts are being followed: what they have begun may be no actions yet.
    pub(crate) beginning: Vec<RunId>,
    staged: Option<Arc<Content>>,
    /// Calls in a row without success, by connector. Not journaled: a restart starts counting anew.
    failures: BTreeMap<Box<str>, u32>,
    timers: BTreeSet<(Timestamp, Stream)>,
    touched: BTreeSet<Stream>,
}

/// Active alerts, and those resolved in the batch under way.
#[derive(Debug, Default)]
pub struct Alerts {
    /// Boxed: tree nodes are never full, and what is in them is paid for all the same.
    live: BTreeMap<AlertId, Box<(Alert, Seen)>>,
    by_key: HashMap<DedupKey, AlertId>,
}

impl Alerts {
    pub fn get(&self, id: AlertId) -> Option<&Alert> {
        self.live.get(&id).map(|live| &live.0)
    }

    pub fn firing(&self, key: DedupKey) -> Option<&Alert> {
        self.by_key.get(&key).and_then(|id| self.get(*id))
    }

    /// Active alerts with what repeats moved, oldest first.
    pub fn iter(&self) -> impl Iterator<Item = (&Alert, Seen)> {
        self.live.values().map(|live| (&live.0, live.1))
    }

    pub fn len(&self) -> usize {
        self.live.len()
    }

    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    /// A repeat moved these; nothing else changes.
    pub fn saw(&mut self, id: AlertId, seen: Seen) {
        if let Some(live) = self.live.get_mut(&id) {
            live.1 = seen;
        }
    }
}

#[derive(Debug, Default)]
pub struct Incidents {
    /// Not closed yet.
    pub open: BTreeMap<IncidentId, Box<Incident>>,
    by_group: HashMap<GroupKey, IncidentId>,
    /// The open ones that are for practice.
    drills: BTreeSet<IncidentId>,
    /// The others, by severity.
    pub ranks: Ranks,
}

impl Incidents {
    /// How many are open, those for practice left out.
    pub fn real(&self) -> usize {
        self.open.len() - self.drills.len()
    }

    pub fn by_group(&self, key: GroupKey) -> Option<&Incident> {
        self.by_group.get(&key).and_then(|id| self.open.get(id)).map(|incident| &**incident)
    }
}

#[derive(Debug, Default)]
pub struct Runs {
    live: BTreeMap<RunId, Run>,
    by_incident: BTreeMap<IncidentId, RunId>,
}

impl Runs {
    pub fn get(&self, id: RunId) -> Option<&Run> {
        self.live.get(&id)
    }

    pub fn of_incident(&self, id: IncidentId) -> Option<RunId> {
        self.by_incident.get(&id).copied()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Run> {
        self.live.values()
    }
}

/// One live thing as it stood in its row.
#[derive(Debug, Clone)]
pub enum Saved {
    Alert(Alert),
    Silence(Silence),
    Incident(Incident),
    Run(Run),
    Action(Box<Action>),
    Control(Control),
    Person(Person),
    Token(Token),
    Approval(Approval),
    Notice(Notice),
    Review(Review),
    Health(health::Health),
    Report(Box<Report>),
    Raw(Raw),
    Sighting(Box<Sighting>),
    Evidence(Box<Evidence>),
    Upkeep(Box<Upkeep>),
    Duty(Box<Duty>),
    Statement(Box<Statement>),
    Exercise(Box<Exercise>),
}

impl State {
    /// Puts back what a row holds. After a restart each firing alert gets the resolve timeout once more.
    pub fn restore(&mut self, saved: Saved, now: Timestamp) {
        let stream = match saved {
            Saved::Alert(alert) => self.restore_alert(alert, now),
            Saved::Silence(silence) => {
                let id = silence.id;
                self.silences.insert(id, silence);
                Stream::Silence(id)
            }
            Saved::Incident(incident) => self.restore_incident(incident),
            Saved::Run(run) => self.restore_run(run),
            Saved::Action(action) => {
                let id = action.id;
                self.actions.live.insert(id, *action);
                self.actions.index(id);
                Stream::Action(id)
            }
            Saved::Control(control) => {
                self.control = control;
                Stream::Control
            }
            Saved::Person(person) => self.restore_person(person),
            Saved::Token(token) => self.restore_token(token),
            Saved::Approval(approval) => {
                let id = approval.id;
                self.approval_of.extend(approval.open.iter().map(|action| (*action, id)));
                self.approvals.insert(id, approval);
                Stream::Approval(id)
            }
            Saved::Notice(notice) => {
                let id = notice.id;
                self.lines.enter(&notice);
                self.notices.insert(id, notice);
                Stream::Notice(id)
            }
            Saved::Review(review) => {
                let id = review.id;
                self.reviews.insert(id, review);
                Stream::Review(id)
            }
            Saved::Health(health) => {
                self.health = health;
                Stream::Health
            }
            Saved::Report(report) => {
                let id = report.id;
                self.reports.insert(id, *report);
                Stream::Report(id)
            }
            Saved::Raw(raw) => {
                let id = raw.id;
                self.raw.insert(id, raw);
                Stream::Raw(id)
            }
            Saved::Sighting(sighting) => {
                let id = sighting.id;
                self.sightings.insert(*sighting);
                Stream::Sighting(id)
            }
            Saved::Evidence(evidence) => self.restore_evidence(*evidence),
            Saved::Upkeep(upkeep) => self.restore_upkeep(*upkeep),
            Saved::Duty(duty) => self.restore_duty(*duty),
            Saved::Statement(statement) => self.restore_statement(*statement),
            Saved::Exercise(exercise) => self.restore_exercise(*exercise),
        };
        self.schedule(stream);
    }

    fn restore_evidence(&mut self, evidence: Evidence) -> Stream {
        let id = evidence.id;
        self.evidence.insert(id, evidence);
        Stream::Evidence(id)
    }

    fn restore_incident(&mut self, incident: Incident) -> Stream {
        let id = incident.id;
        self.index_group(&incident);
        self.incidents.ranks.moved(id, None, ranks::rank(&incident));
        self.incidents.open.insert(id, Box::new(incident));
        Stream::Incident(id)
    }

    fn restore_run(&mut self, run: Run) -> Stream {
        let id = run.id;
        if !run.is_ended() {
            self.runs.by_incident.insert(run.incident, id);
        }
        self.runs.live.insert(id, run);
        Stream::Run(id)
    }

    fn restore_alert(&mut self, alert: Alert, now: Timestamp) -> Stream {
        let id = alert.id;
        let ends_at = alert.ends_at.max(now.plus(RESOLVE_TIMEOUT));
        if alert.is_firing() {
            self.alerts.by_key.insert(alert.dedup_key(), id);
        }
        self.alerts.live.insert(id, Box::new((alert, Seen { at: now, ends_at })));
        Stream::Alert(id)
    }

    /// Content that was read and may come into force.
    pub fn stage_content(&mut self, content: Arc<Content>) {
        let same = content.hash == self.loaded;
        self.staged = Some(content);
        if same {
            self.enforce_staged();
        }
    }

    fn enforce_staged(&mut self) {
        let Some(content) = self.staged.take() else { return };
        for playbook in content.playbooks.values() {
            self.playbooks.insert(playbook.hash.clone(), playbook.clone());
        }
        self.content = content;
        // A restored run has its timers from here on: only its playbook tells them.
        let runs: Vec<RunId> = self.runs.live.keys().copied().collect();
        runs.into_iter().for_each(|id| self.schedule(Stream::Run(id)));
        self.schedule(Stream::Upkeep);
    }

    /// Changes the state by one fact and returns the fact's number in its stream.
    pub fn apply(&mut self, event: &Event, meta: &Meta) -> u64 {
        let stream = event.stream();
        let before = self.wakeup(stream);
        let seq = match event {
            Event::Alert(id, event) => self.apply_alert(*id, event, meta),
            Event::Silence(id, event) => self.apply_silence(*id, event, meta),
            Event::Incident(id, event) => self.apply_incident(*id, event, meta),
            Event::Run(id, event) => self.apply_run(*id, event, meta),
            Event::Action(id, event) => self.apply_action(*id, event, meta),
            Event::Control(event) => {
                control::apply(&mut self.control, event, meta);
                self.control.seq
            }
            Event::Person(id, event) => self.apply_person(*id, event, meta),
            Event::Token(id, event) => self.apply_token(*id, event, meta),
            Event::Approval(id, event) => self.apply_approval(*id, event, meta),
            Event::Notice(id, event) => self.apply_notice(*id, event, meta),
            Event::Review(id, event) => self.apply_review(*id, event, meta),
            Event::Health(event) => {
                health::apply(&mut self.health, event, meta);
                self.health.seq
            }
            Event::Report(id, event) => self.apply_report(*id, event, meta),
            Event::Raw(id, event) => {
                self.raw.insert(*id, intake::create(*id, event, meta));
                1
            }
            Event::Sighting(id, event) => self.sightings.apply(*id, event, meta),
            Event::Evidence(id, event) => self.apply_evidence(*id, event, meta),
            Event::Upkeep(event) => {
                upkeep::apply(&mut self.upkeep, event, meta);
                self.upkeep.seq
            }
            Event::Duty(id, event) => self.apply_duty(*id, event, meta),
            Event::Statement(id, event) => self.apply_statement(*id, event, meta),
            Event::Exercise(id, event) => self.apply_exercise(*id, event, meta),
            Event::Content(content::Event::Loaded { hash, .. }) => {
                self.loaded = hash.clone();
                self.content_seq += 1;
                self.enforce_staged();
                self.content_seq
            }
            Event::Log(_) => {
                self.log_seq += 1;
                self.log_seq
            }
        };
        self.touched.insert(stream);
        self.reschedule(stream, before);
        self.tally(event, meta);
        seq
    }

    fn apply_alert(&mut self, id: AlertId, event: &alert::Event, meta: &Meta) -> u64 {
        if let Some(alert) = alert::create(id, event, meta) {
            let seen = Seen { at: meta.time, ends_at: alert.ends_at };
            self.alerts.by_key.insert(alert.dedup_key(), id);
            self.alerts.live.insert(id, Box::new((alert, seen)));
            return 1;
        }
        let Some(live) = self.alerts.live.get_mut(&id) else { return 0 };
        let (alert, seen) = &mut **live;
        let key = alert.dedup_key();
        alert::apply(alert, event, meta);
        match event {
            alert::Event::Resolved { .. } | alert::Event::Redacted { .. } => {
                // The key of an alert that is over may have passed on to a newer one.
                if self.alerts.by_key.get(&key) == Some(&id) {
                    self.alerts.by_key.remove(&key);
                }
            }
            alert::Event::Changed { .. } => {
                // A change is a delivery: it was seen now, and fires on.
                *seen = Seen { at: meta.time, ends_at: seen.ends_at.max(meta.time.plus(RESOLVE_TIMEOUT)) };
            }
            alert::Event::Raised { .. } | alert::Event::Routed { .. } => {}
        }
        alert.seq
    }

    fn apply_silence(&mut self, id: SilenceId, event: &silence::Event, meta: &Meta) -> u64 {
        match self.silences.get_mut(&id) {
            Some(silence) => {
                silence::apply(silence, event, meta);
                silence.seq
            }
            None => {
                let created = silence::create(id, event, meta);
                self.silences.extend(created.map(|silence| (id, silence)));
                1
            }
        }
    }

    fn apply_incident(&mut self, id: IncidentId, event: &incident::Event, meta: &Meta) -> u64 {
        if let Some(incident) = incident::create(id, event, meta) {
            self.index_group(&incident);
            self.incidents.ranks.moved(id, None, ranks::rank(&incident));
            self.incidents.open.insert(id, Box::new(incident));
            return 1;
        }
        let Some(incident) = self.incidents.open.get_mut(&id) else { return 0 };
        let before = ranks::rank(incident);
        incident::apply(incident, event, meta);
        self.incidents.ranks.moved(id, before, ranks::rank(incident));
        if let (incident::Event::Closed { .. }, Some(key)) = (event, incident.group_key())
            && self.incidents.by_group.get(&key) == Some(&id)
        {
            self.incidents.by_group.remove(&key);
        }
        incident.seq
    }

    fn index_group(&mut self, incident: &Incident) {
        if incident.drill {
            self.incidents.drills.insert(incident.id);
        }
        if let Some(key) = incident.group_key().filter(|_| incident.status != incident::Status::Closed) {
            self.incidents.by_group.insert(key, incident.id);
        }
    }

    fn apply_run(&mut self, id: RunId, event: &run::Event, meta: &Meta) -> u64 {
        let seq = match self.runs.live.get_mut(&id) {
            Some(run) => {
                run::apply(run, event, meta);
                run.seq
            }
            None => {
                self.runs.live.extend(run::create(id, event, meta).map(|run| (id, run)));
                1
            }
        };
        let Some(run) = self.runs.live.get(&id) else { return 0 };
        if run.is_ended() {
            self.runs.by_incident.remove(&run.incident);
            // Its actions leave with it.
            let own: Vec<Stream> = self.actions.of_run(id).map(|action| Stream::Action(action.id)).collect();
            self.touched.extend(own);
        } else {
            self.runs.by_incident.insert(run.incident, id);
        }
        seq
    }

    fn apply_action(&mut self, id: ActionId, event: &action::Event, meta: &Meta) -> u64 {
        if let Some(action) = action::create(id, event, meta) {
            self.actions.live.insert(id, action);
        } else if let Some(action) = self.actions.live.get_mut(&id) {
            action::apply(action, event, meta);
        }
        self.actions.index(id);
        let Some(action) = self.actions.live.get(&id) else { return 0 };
        match event {
            // That a service is not well yet says nothing against the connector that looked.
            action::Event::NotApplied { .. }
                if action.spec.origin.looks() || action.spec.purpose == content::Purpose::Evidence => {}
            action::Event::Unknown { .. } | action::Event::NotApplied { retry_at: Some(_), .. } => {
                *self.failures.entry(action.spec.connector.clone()).or_default() += 1;
            }
            action::Event::Applied { .. } | action::Event::Released { .. } => {
                self.failures.remove(&action.spec.connector);
            }
            action::Event::Intended { .. }
            | action::Event::Held { .. }
            | action::Event::Withdrawn { .. }
            | action::Event::NotApplied { retry_at: None, .. }
            | action::Event::LeaseExtended { .. }
            | action::Event::LeaseExpired
            | action::Event::Yielded { .. }
            | action::Event::Abandoned { .. }
            | action::Event::Settled { .. } => {}
        }
        action.seq
    }

    fn apply_approval(&mut self, id: ApprovalId, event: &approval::Event, meta: &Meta) -> u64 {
        match self.approvals.get_mut(&id) {
            Some(approval) => {
                let before = approval.open.clone();
                approval::apply(approval, event, meta);
                let open = if approval::is_over(approval) { &BTreeSet::new() } else { &approval.open };
                for action in before.difference(open) {
                    if self.approval_of.get(action) == Some(&id) {
                        self.approval_of.remove(action);
                    }
                }
            }
            None => {
                let created = approval::create(id, event, meta);
                let open = created.iter().flat_map(|approval| approval.open.iter());
                self.approval_of.extend(open.map(|action| (*action, id)));
                self.approvals.extend(created.map(|approval| (id, approval)));
            }
        }
        self.approvals.get(&id).map_or(0, |approval| approval.seq)
    }

    fn apply_notice(&mut self, id: NoticeId, event: &notice::Event, meta: &Meta) -> u64 {
        let notice = match self.notices.remove(&id) {
            Some(mut notice) => {
                self.lines.leave(&notice);
                notice::apply(&mut notice, event, meta);
                Some(notice)
            }
            None => notice::create(id, event, meta),
        };
        let seq = notice.as_ref().map_or(0, |notice| notice.seq);
        notice.iter().for_each(|notice| self.lines.enter(notice));
        self.notices.extend(notice.map(|notice| (id, notice)));
        seq
    }

    fn apply_review(&mut self, id: ReviewId, event: &review::Event, meta: &Meta) -> u64 {
        match self.reviews.get_mut(&id) {
            Some(review) => review::apply(review, event, meta),
            None => self.reviews.extend(review::create(id, event, meta).map(|review| (id, review))),
        }
        self.reviews.get(&id).map_or(0, |review| review.seq)
    }

    /// The live request that covers this effect.
    pub fn approval_of(&self, action: ActionId) -> Option<&Approval> {
        self.approval_of.get(&action).and_then(|id| self.approvals.get(id))
    }

    fn apply_report(&mut self, id: ReportId, event: &report::Event, meta: &Meta) -> u64 {
        match self.reports.get_mut(&id) {
            Some(report) => report::apply(report, event, meta),
            None => self.reports.extend(report::create(id, event, meta).map(|report| (id, report))),
        }
        self.reports.get(&id).map_or(0, |report| report.seq)
    }

    fn apply_evidence(&mut self, id: EvidenceId, event: &evidence::Event, meta: &Meta) -> u64 {
        match self.evidence.get_mut(&id) {
            Some(evidence) => evidence::apply(evidence, event, meta),
            None => self.evidence.extend(evidence::create(id, event, meta).map(|evidence| (id, evidence))),
        }
        self.evidence.get(&id).map_or(0, |evidence| evidence.seq)
    }

    /// Calls in a row without success on this connector.
    pub fn failures(&self, connector: &str) -> u32 {
        self.failures.get(connector).copied().unwrap_or(0)
    }

    /// The incident on whose timeline a fact stands.
    pub fn incident_of(&self, event: &Event) -> Option<IncidentId> {
        match event {
            Event::Alert(id, _) => self.alerts.get(*id).and_then(|alert| alert.route.incident),
            Event::Incident(id, _) => Some(*id),
            Event::Run(id, _) => self.runs.get(*id).map(|run| run.incident),
            Event::Action(id, _) => self.actions.get(*id).map(|action| action.spec.incident),
            Event::Approval(id, _) => self.approvals.get(id).and_then(|approval| approval.incident),
            Event::Notice(id, _) => self.notices.get(id).and_then(|notice| notice.incident),
            Event::Review(id, _) => self.reviews.get(id).map(|review| review.incident),
            Event::Report(id, _) => self.reports.get(id).and_then(|report| report.incident),
            Event::Evidence(id, _) => self.evidence.get(id).map(|evidence| evidence.item.incident),
            Event::Statement(id, _) => self.statements.get(id).map(|statement| statement.incident),
            Event::Silence(..)
            | Event::Control(_)
            | Event::Health(_)
            | Event::Person(..)
            | Event::Token(..)
            | Event::Raw(..)
            | Event::Sighting(..)
            | Event::Upkeep(_)
            | Event::Duty(..)
            | Event::Exercise(..)
            | Event::Content(_)
            | Event::Log(_) => None,
        }
    }

    /// The alerts that nothing mutes any more.
    pub fn unmuted(&self, now: Timestamp) -> Vec<Command> {
        let muted = |alert: &&Alert| alert.is_firing() && alert.route.silence.is_some();
        let silenced =
            |alert: &Alert| self.silences.values().any(|s| s.is_active(now) && s.matches(&alert.labels));
        let alerts = self.alerts.iter().map(|(alert, _)| alert).filter(muted);
        alerts.filter(|alert| !silenced(alert)).map(|alert| Command::Reroute { alert: alert.id }).collect()
    }

    /// What changed since the last call; the store's rows are brought up to date from it.
    pub fn take_touched(&mut self) -> BTreeSet<Stream> {
        std::mem::take(&mut self.touched)
    }

    /// Whether the thing must stay in memory: something may still happen to it.
    pub fn is_live(&self, stream: Stream) -> bool {
        match stream {
            Stream::Alert(id) => self.alerts.get(id).is_some_and(Alert::is_firing),
            Stream::Silence(id) => self.silences.get(&id).is_some_and(|silence| !silence.expired),
            Stream::Incident(id) => self
                .incidents
                .open
                .get(&id)
                .is_some_and(|incident| incident.status != incident::Status::Closed),
            Stream::Run(id) => self.runs.get(id).is_some_and(|run| !run.is_ended()),
            Stream::Action(id) => self.actions.get(id).is_some_and(|action| {
                let run = action.spec.origin.run().and_then(|run| self.runs.get(run));
                !action.is_final() || run.is_some_and(|run| !run.is_ended())
            }),
            Stream::Approval(id) => {
                self.approvals.get(&id).is_some_and(|approval| !approval::is_over(approval))
            }
            Stream::Notice(id) => self.notices.get(&id).is_some_and(|notice| !notice::is_over(notice)),
            Stream::Review(id) => self.reviews.get(&id).is_some_and(|review| !review::is_over(review)),
            Stream::Report(id) => self.reports.get(&id).is_some_and(|report| !report::is_over(report)),
            Stream::Raw(_) => false,
            Stream::Duty(id) => self.duties.get(&id).is_some_and(|duty| !crate::duty::is_over(duty)),
            Stream::Statement(id) => self.statements.get(&id).is_some_and(|s| !crate::statement::is_over(s)),
            Stream::Exercise(id) => self.exercises.get(&id).is_some_and(|e| !crate::exercise::is_over(e)),
            Stream::Sighting(id) => {
                self.sightings.get(id).is_some_and(|sighting| !sighting::is_over(sighting))
            }
            // It is looked at every day as long as it is kept.
            Stream::Evidence(_)
            | Stream::Control
            | Stream::Health
            | Stream::Person(_)
            | Stream::Token(_)
            | Stream::Upkeep
            | Stream::Content
            | Stream::Log => true,
        }
    }

    /// Forgets what is over; its row remains.
    pub fn forget(&mut self, stream: Stream) {
        match stream {
            Stream::Alert(id) => {
                self.alerts.live.remove(&id);
            }
            Stream::Silence(id) => {
                self.silences.remove(&id);
            }
            Stream::Incident(id) => {
                self.incidents.open.remove(&id);
                self.incidents.drills.remove(&id);
            }
            Stream::Run(id) => {
                self.runs.live.remove(&id);
            }
            Stream::Action(id) => self.actions.remove(id),
            Stream::Approval(id) => {
                self.approvals.remove(&id);
            }
            Stream::Notice(id) => {
                let gone = self.notices.remove(&id);
                gone.iter().for_each(|notice| self.lines.leave(notice));
            }
            Stream::Review(id) => {
                self.reviews.remove(&id);
            }
            Stream::Report(id) => {
                self.reports.remove(&id);
            }
            Stream::Raw(id) => {
                self.raw.remove(&id);
            }
            Stream::Sighting(id) => self.sightings.remove(id),
            Stream::Duty(id) => drop(self.duties.remove(&id)),
            Stream::Statement(id) => drop(self.statements.remove(&id)),
            Stream::Exercise(id) => drop(self.exercises.remove(&id)),
            Stream::Evidence(_)
            | Stream::Upkeep
            | Stream::Control
            | Stream::Health
            | Stream::Person(_)
            | Stream::Token(_)
            | Stream::Content
            | Stream::Log => {}
        }
    }

    fn wakeup(&self, stream: Stream) -> Option<Timestamp> {
        match stream {
            Stream::Alert(id) => {
                let live = self.alerts.live.get(&id).filter(|live| live.0.is_firing());
                live.map(|live| live.1.ends_at)
            }
            Stream::Silence(id) => self.silences.get(&id).and_then(silence::next_wakeup).map(|(at, _)| at),
            Stream::Action(id) => self.actions.get(id).and_then(action::next_wakeup).map(|(at, _)| at),
            Stream::Control => control::next_wakeup(&self.control).map(|(at, _)| at),
            Stream::Approval(id) => self.approvals.get(&id).and_then(approval::next_wakeup).map(|(at, _)| at),
            Stream::Notice(id) => self.notices.get(&id).and_then(notice::next_wakeup).map(|(at, _)| at),
            Stream::Review(id) => self.reviews.get(&id).and_then(review::next_wakeup).map(|(at, _)| at),
            Stream::Report(id) => self.reports.get(&id).and_then(report::next_wakeup).map(|(at, _)| at),
            Stream::Run(id) => {
                let run = self.runs.get(id)?;
                run::next_wakeup(run, self.playbooks.get(&run.hash)?, self.control.clock_doubt.is_some())
            }
            Stream::Incident(id) => {
                let incident = self.incidents.open.get(&id);
                incident.and_then(|incident| incident::next_wakeup(incident)).map(|(at, _)| at)
            }
            Stream::Sighting(id) => self.sightings.get(id).and_then(sighting::next_wakeup),
            Stream::Upkeep => upkeep::next_wakeup(self),
            Stream::Duty(id) => self.duties.get(&id).and_then(crate::duty::next_wakeup).map(|(at, _)| at),
            Stream::Exercise(id) => self.exercise_wakeup(id),
            Stream::Evidence(_)
            | Stream::Health
            | Stream::Person(_)
            | Stream::Token(_)
            | Stream::Raw(_)
            | Stream::Statement(_)
            | Stream::Content
            | Stream::Log => None,
        }
    }

    fn schedule(&mut self, stream: Stream) {
        if let Some(at) = self.wakeup(stream) {
            self.timers.insert((at, stream));
        }
    }

    /// A timer that moved leaves nothing where it was.
    fn reschedule(&mut self, stream: Stream, before: Option<Timestamp>) {
        if let Some(before) = before {
            self.timers.remove(&(before, stream));
        }
        self.schedule(stream);
    }

    /// When something next happens by itself.
    pub fn next_wakeup(&self) -> Option<Timestamp> {
        self.timers.first().map(|(at, _)| *at)
    }

    /// Everything that will happen by itself, if nothing else does before.
    pub fn timers(&self) -> impl Iterator<Item = (Timestamp, Stream)> {
        self.timers.iter().filter_map(|(_, stream)| Some((self.wakeup(*stream)?, *stream)))
    }

    /// The earliest timer that has come. A timer that moved meanwhile is set anew, not fired.
    pub fn pop_due(&mut self, now: Timestamp) -> Option<Stream> {
        loop {
            let (at, stream) = *self.timers.first().filter(|(at, _)| *at <= now)?;
            self.timers.remove(&(at, stream));
            match self.wakeup(stream) {
                Some(real) if real > now => {
                    self.timers.insert((real, stream));
                }
                Some(_) => return Some(stream),
                None => {}
            }
        }
    }
}
