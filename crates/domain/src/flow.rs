//! From one command to all its facts: decide, apply, and the only link from one machine to the next.

use crate::{
    access, action, alert, approval, content, control, duty,
    event::{Context, Event, LogEvent, Meta, Rejected, Stream},
    evidence, exercise, health,
    id::{ActionId, AlertId, IncidentId, ReportId},
    incident, intake, notice, policy, report, review, run, sighting, silence,
    state::State,
    statement,
    time::Timestamp,
    upkeep,
};

mod at_once;
mod doubt;
mod enact;
mod exercises;
mod kept;
mod notices;
mod recover;
mod redact;
mod restored;
mod tell;
#[cfg(test)]
mod tests;
mod unanswered;
mod watch;

pub use watch::observe;

/// How far one input may reach through reactions.
const DEPTH_MAX: usize = 12;

/// A request, for the machine it names.
#[derive(Debug, Clone)]
pub enum Command {
    Silence(silence::Command),
    Incident(incident::Command),
    Run(run::Command),
    Action(action::Command),
    Control(control::Command),
    Access(access::Command),
    Approval(approval::Command),
    Notice(notice::Command),
    Review(review::Command),
    Health(health::Command),
    Report(report::Command),
    /// From a report: an alert of the platform's own making.
    Receive(Box<alert::Received>),
    Intake(intake::Command),
    Sighting(sighting::Command),
    Evidence(evidence::Command),
    Upkeep(upkeep::Command),
    Duty(duty::Command),
    Statement(statement::Command),
    Exercise(exercise::Command),
    /// The intent of this attempt is durable, and the platform itself performs it.
    Enact {
        action: ActionId,
        attempt: u32,
    },
    /// A rule made an alert of what it saw.
    Detect {
        rule: Box<str>,
        received: Box<alert::Received>,
    },
    /// Content was read and checked, and is in force from here on.
    LoadContent(std::sync::Arc<content::Content>),
    /// Erase the bodies of these entries; their leaves stay provable. `about` are the streams they are on.
    Redact {
        positions: Vec<u64>,
        about: Vec<Stream>,
        reason: String,
    },
    /// A silence that muted this alert has ended.
    Reroute {
        alert: AlertId,
    },
    /// Something else refused a request that must be on record.
    RecordRefusal {
        command: String,
        reason: String,
    },
}

impl Command {
    /// What it is about, for the record of a refusal.
    fn what(&self) -> &'static str {
        match self {
            Command::Silence(_) => "silence",
            Command::Incident(_) => "incident",
            Command::Run(_) => "run",
            Command::Action(_) => "action",
            Command::Control(_) => "control",
            Command::Access(_) => "access",
            Command::Approval(_) => "approval",
            Command::Notice(_) => "notice",
            Command::Review(_) => "review",
            Command::Health(_) => "health",
            Command::Report(_) => "report",
            Command::Receive(_) => "alert",
            Command::Intake(_) => "intake",
            Command::Sighting(_) => "sighting",
            Command::Evidence(_) => "evidence",
            Command::Upkeep(_) => "upkeep",
            Command::Duty(_) => "duty",
            Command::Statement(_) => "statement",
            Command::Exercise(_) => "exercise",
            Command::Enact { .. } => "enactment",
            Command::Detect { .. } => "detection",
            Command::LoadContent(_) => "content",
            Command::Redact { .. } => "redact",
            Command::Reroute { .. } => "reroute",
            Command::RecordRefusal { .. } => "refusal",
        }
    }
}

/// A fact with all that the journal needs of it.
#[derive(Debug, Clone, PartialEq)]
pub struct Fact {
    pub event: Event,
    pub meta: Meta,
    /// Its number in its stream, from 1.
    pub seq: u64,
    /// The incident on whose timeline it stands.
    pub incident: Option<IncidentId>,
}

/// Takes one delivery of an alert. A repeat makes no fact.
pub fn receive(
    state: &mut State,
    received: alert::Received,
    context: &Context,
    facts: &mut Vec<Fact>,
) -> Result<Option<AlertId>, Rejected> {
    match alert::receive(state, received, context)? {
        alert::Decision::Events(id, events) => {
            let events = events.into_iter().map(|event| Event::Alert(id, event)).collect();
            commit(state, events, context, facts, 0);
            Ok(Some(id))
        }
        alert::Decision::Repeat(id, seen) => {
            state.alerts.saw(id, seen);
            Ok(Some(id))
        }
        alert::Decision::Nothing => Ok(None),
    }
}

/// Decides a command and everything that follows from it. Refused means that nothing changed.
pub fn execute(
    state: &mut State,
    command: Command,
    context: &Context,
    facts: &mut Vec<Fact>,
) -> Result<(), Rejected> {
    policy::permit(state, &command, context)?;
    if let Command::LoadContent(content) = &command {
        state.stage_content(content.clone());
    }
    let events = by_hand(decide(state, command, context)?, context);
    commit(state, events, context, facts, 0);
    Ok(())
}

/// A run that a person's own command starts, however many reactions lie between, is by hand: whoever opens, classifies
/// or reports does not approve what follows from it.
fn by_hand(mut events: Vec<Event>, context: &Context) -> Vec<Event> {
    for event in &mut events {
        if let Event::Run(_, run::Event::Started { by, .. }) = event {
            *by = context.actor.person();
        }
    }
    events
}

fn decide(state: &State, command: Command, context: &Context) -> Result<Vec<Event>, Rejected> {
    Ok(match command {
        Command::Silence(c) => wrap(silence::decide(state, c, context)?, Event::Silence),
        Command::Incident(c) => wrap(incident::decide(state, c, context)?, Event::Incident),
        Command::Run(c) => wrap(run::decide(state, c, context)?, Event::Run),
        Command::Action(c) => wrap(action::decide(state, c, context)?, Event::Action),
        Command::Approval(c) => wrap(approval::decide(state, c, context)?, Event::Approval),
        Command::Notice(c) => wrap(notice::decide(state, c, context)?, Event::Notice),
        Command::Review(c) => wrap(review::decide(state, c, context)?, Event::Review),
        Command::Health(c) => health::decide(c).into_iter().map(Event::Health).collect(),
        Command::Report(c) => wrap(report::decide(state, c, context)?, Event::Report),
        Command::Receive(received) => match alert::receive(state, *received, context)? {
            alert::Decision::Events(id, events) => {
                events.into_iter().map(|event| Event::Alert(id, event)).collect()
            }
            alert::Decision::Repeat(..) | alert::Decision::Nothing => Vec::new(),
        },
        Command::Intake(c) => wrap(intake::decide(c, context)?, Event::Raw),
        Command::Sighting(c) => wrap(sighting::decide(state, c, context)?, Event::Sighting),
        Command::Evidence(c) => wrap(evidence::decide(state, c, context)?, Event::Evidence),
        Command::Upkeep(c) => upkeep::decide(state, c, context)?.into_iter().map(Event::Upkeep).collect(),
        Command::Duty(c) => wrap(duty::decide(state, c, context)?, Event::Duty),
        Command::Statement(statement::Command::Submit { id }) => {
            wrap(statement::ask(state, id, context)?, Event::Approval)
        }
        Command::Exercise(c) => wrap(exercise::decide(state, c, context)?, Event::Exercise),
        Command::Statement(c) => wrap(statement::decide(state, c, context)?, Event::Statement),
        Command::Enact { action, attempt } => enact::decide(state, action, attempt, context)?,
        Command::Detect { received, .. } => watch::decide(state, *received, context)?,
        Command::Control(c) => match approval::left_by(&state.control, &c) {
            Some((leave, reason)) => wrap(approval::ask(state, leave, reason, context)?, Event::Approval),
            None => control::decide(&state.control, c, context)?.into_iter().map(Event::Control).collect(),
        },
        Command::Access(c) => {
            let event = |decided| match decided {
                access::Decided::Person(id, event) => Event::Person(id, event),
                access::Decided::Token(id, event) => Event::Token(id, event),
            };
            access::decide(state, c, context)?.into_iter().map(event).collect()
        }
        Command::LoadContent(content) => {
            if content.hash == state.loaded {
                return Ok(Vec::new());
            }
            let (hash, files) = (content.hash.clone(), content.files.clone());
            vec![Event::Content(content::Event::Loaded { hash, files })]
        }
        Command::Redact { positions, about, reason } => {
            redact::decide(state, positions, about, reason, context)?
        }
        Command::Reroute { alert } => {
            let route = alert::reroute(state, alert, context);
            route.map(|route| Event::Alert(alert, alert::Event::Routed { route })).into_iter().collect()
        }
        Command::RecordRefusal { command, reason } => {
            vec![Event::Log(LogEvent::Refused { command, reason })]
        }
    })
}

fn wrap<I, E>(events: Vec<(I, E)>, make: impl Fn(I, E) -> Event) -> Vec<Event> {
    events.into_iter().map(|(id, event)| make(id, event)).collect()
}

/// Applies the events, then what follows from each, at the positions right behind.
fn commit(state: &mut State, events: Vec<Event>, context: &Context, facts: &mut Vec<Fact>, depth: usize) {
    let first = facts.len();
    for event in events {
        record(state, event, context, facts);
    }
    for index in first..facts.len() {
        let event = &facts[index].event;
        let (reactions, told) = (react(state, event, context.now), tell::after(state, event));
        let begins = event.begins();
        state.beginning.extend(begins);
        for command in reactions.into_iter().chain(told) {
            follow(state, command, context, facts, depth + 1);
        }
        if begins.is_some() {
            state.beginning.pop();
        }
        watch::after(state, index, context, facts, depth);
    }
}

fn record(state: &mut State, event: Event, context: &Context, facts: &mut Vec<Fact>) {
    let position = context.next + facts.len() as u64;
    let meta = Meta { position, time: context.now, actor: context.actor.clone() };
    let seq = state.apply(&event, &meta);
    let incident = state.incident_of(&event);
    facts.push(Fact { event, meta, seq, incident });
}

/// A reaction is the platform's own doing; one that is refused goes on record instead of being lost.
fn follow(state: &mut State, command: Command, context: &Context, facts: &mut Vec<Fact>, depth: usize) {
    // INVARIANT: every reaction moves some machine forward, so the chain ends by itself; the bound is for
    // playbooks whose steps all end at once.
    let mut here = Context { next: context.next + facts.len() as u64, ..context.clone() };
    if let Command::Detect { rule, .. } = &command {
        here.actor = crate::event::Actor::Rule(rule.clone());
    }
    state.working = match &command {
        Command::Run(run::Command::Advance { id, .. }) => Some(*id),
        Command::Silence(_)
        | Command::Incident(_)
        | Command::Run(_)
        | Command::Action(_)
        | Command::Control(_)
        | Command::Access(_)
        | Command::Approval(_)
        | Command::Notice(_)
        | Command::Review(_)
        | Command::Health(_)
        | Command::Report(_)
        | Command::Receive(_)
        | Command::Intake(_)
        | Command::Sighting(_)
        | Command::Evidence(_)
        | Command::Upkeep(_)
        | Command::Duty(_)
        | Command::Statement(_)
        | Command::Exercise(_)
        | Command::Enact { .. }
        | Command::Detect { .. }
        | Command::LoadContent(_)
        | Command::Redact { .. }
        | Command::Reroute { .. }
        | Command::RecordRefusal { .. } => None,
    };
    let what = command.what();
    let decided = if depth > DEPTH_MAX {
        Err(Rejected::Conflict(format!("more than {DEPTH_MAX} reactions in a row")))
    } else {
        decide(state, command, &here)
    };
    match decided {
        Ok(events) => {
            let mut own = Vec::new();
            commit(state, by_hand(events, &here), &here, &mut own, depth);
            facts.append(&mut own);
        }
        Err(rejected) => {
            let command = what.to_owned();
            let event = Event::Log(LogEvent::Refused { command, reason: rejected.to_string() });
            record(state, event, context, facts);
        }
    }
}

/// What follows from a fact. The only link from one machine to the next.
fn react(state: &State, event: &Event, now: Timestamp) -> Vec<Command> {
    match event {
        Event::Alert(id, alert::Event::Raised { route, report, .. }) => {
            let from = Command::Incident(incident::Command::FromAlert { alert: *id, again: false });
            let (alert, incident) = (*id, route.incident);
            let link = report.map(|id| Command::Report(report::Command::Link { id, alert, incident }));
            incident.map(|_| from).into_iter().chain(link).collect()
        }
        Event::Alert(id, alert::Event::Routed { route }) => {
            let from = Command::Incident(incident::Command::FromAlert { alert: *id, again: false });
            if route.incident.is_some() { vec![from] } else { Vec::new() }
        }
        // What it measures may mean more than before.
        Event::Alert(id, alert::Event::Changed { .. }) => {
            let routed = state.alerts.get(*id).and_then(|alert| alert.route.incident);
            vec![match routed {
                Some(_) => Command::Incident(incident::Command::FromAlert { alert: *id, again: true }),
                None => Command::Reroute { alert: *id },
            }]
        }
        Event::Alert(id, alert::Event::Resolved { .. }) => watch::ended(state, *id),
        Event::Alert(_, alert::Event::Redacted { .. }) => Vec::new(),
        Event::Incident(id, event) => {
            let mut commands = after_incident(state, *id, event);
            commands.extend(recover::after_incident(state, *id, event));
            commands.extend(at_once::after_incident(state, *id, event));
            commands
        }
        Event::Report(id, event) => after_report(state, *id, event),
        Event::Run(id, event) => after_run(state, *id, event),
        Event::Action(id, event) => {
            let looked = recover::after_look(state, *id, event);
            let mut commands = kept::after_action(state, *id, event);
            commands.extend(looked.unwrap_or_else(|| after_action(state, *id, event)));
            commands.extend(recover::after_action(state, *id, event));
            commands
        }
        Event::Control(event) => after_control(state, event),
        Event::Silence(_, silence::Event::Expired { .. }) => state.unmuted(now),
        Event::Silence(_, silence::Event::Set { .. })
        | Event::Person(..)
        | Event::Token(..)
        | Event::Review(..)
        | Event::Health(_)
        | Event::Raw(..)
        | Event::Duty(..)
        | Event::Log(_) => Vec::new(),
        Event::Exercise(id, event) => exercises::after(state, *id, event),
        Event::Statement(id, event) => statement::follows(state, *id, event),
        Event::Upkeep(event) => upkeep::follows(event, now),
        Event::Sighting(id, event) => watch::after_sighting(state, *id, event, now),
        Event::Evidence(id, event) => kept::after(state, *id, event),
        Event::Notice(id, event) => notices::after(state, *id, event, now),
        Event::Approval(id, event) => approval::follows(state, *id, event, now),
        Event::Content(_) => {
            let revise = Command::Sighting(sighting::Command::Revise);
            std::iter::once(revise).chain(approval::after_content(state)).collect()
        }
    }
}

fn after_incident(state: &State, id: IncidentId, event: &incident::Event) -> Vec<Command> {
    let run = state.runs.of_incident(id);
    let advance =
        || run.map(|id| Command::Run(run::Command::Advance { id, widened: true })).into_iter().collect();
    match event {
        incident::Event::Opened { incident_type, .. } if **incident_type == *incident::GLASS => {
            let about = Stream::Control;
            let reason = "one person left the limits alone; look at what was done, then review it".to_owned();
            let told = Command::Incident(incident::Command::RaiseAttention { id, about, reason });
            std::iter::once(told).chain(review_of(state, id)).collect()
        }
        incident::Event::Opened { .. } => respond(state, id),
        // The answer follows from the relapse itself.
        incident::Event::AlertJoined { relapse: true, .. } if run.is_none() => Vec::new(),
        // The earlier run has ended, or there was none, and now there is more to do.
        incident::Event::AlertJoined { targets, severity, .. }
            if run.is_none() && (!targets.is_empty() || severity.is_some()) =>
        {
            respond(state, id)
        }
        incident::Event::AlertJoined { alert, .. } if run.is_none() => {
            unanswered::uncontained(state, id, *alert)
        }
        incident::Event::Classified { .. } if run.is_none() => respond(state, id),
        incident::Event::Classified { moved_from: Some(old), .. } => {
            let cancel = Command::Run(run::Command::Cancel { id: *old, undo: false });
            std::iter::once(cancel).chain(respond(state, id)).collect()
        }
        // A gate may have waited for what is known now.
        incident::Event::AlertJoined { .. }
        | incident::Event::Classified { .. }
        | incident::Event::Analysis { .. } => advance(),
        incident::Event::Relapsed { reason } => {
            let about = Stream::Incident(id);
            let reason = format!("relapse: {reason}");
            let told = Command::Incident(incident::Command::RaiseAttention { id, about, reason });
            let again = if run.is_none() { respond(state, id) } else { Vec::new() };
            std::iter::once(told).chain(again).collect()
        }
        incident::Event::WatchEnded | incident::Event::Resolved { watch_until: None, .. } => {
            let held = state.actions.of_incident(id).filter(|action| action.ends_with_incident());
            held.map(|action| Command::Action(action::Command::EndLease { id: action.id })).collect()
        }
        // What was real is looked back at.
        incident::Event::Closed { disposition: incident::Disposition::TruePositive } => review_of(state, id),
        incident::Event::Acknowledged
        | incident::Event::Assigned { .. }
        | incident::Event::Noted { .. }
        | incident::Event::Linked { .. }
        | incident::Event::Contained { .. }
        | incident::Event::People(_)
        | incident::Event::AtOnce { .. }
        | incident::Event::AttentionRaised { .. }
        | incident::Event::AttentionCleared { .. }
        | incident::Event::Resolved { .. }
        | incident::Event::SignedOff { .. }
        | incident::Event::Checked { .. }
        | incident::Event::Recovery { .. }
        | incident::Event::Closed { .. }
        | incident::Event::ResponseStopped { .. }
        | incident::Event::Redacted { .. } => Vec::new(),
    }
}

/// One review, however the incident came to it.
fn review_of(state: &State, id: IncidentId) -> Vec<Command> {
    let known = state.reviews.values().any(|review| review.incident == id);
    if known { Vec::new() } else { vec![Command::Review(review::Command::Open { incident: id })] }
}

/// Starts the playbook that fits, or asks a person to.
fn respond(state: &State, id: IncidentId) -> Vec<Command> {
    let Some(incident) = state.incidents.open.get(&id) else { return Vec::new() };
    let ask = |reason: String| {
        let about = Stream::Incident(id);
        vec![Command::Incident(incident::Command::RaiseAttention { id, about, reason })]
    };
    match state.playbook_for(&incident.incident_type, incident.severity) {
        Some(_) if incident.acts_alone(state.content.confidence.act_from) => {
            vec![Command::Run(run::Command::Start { incident: id, playbook: None })]
        }
        Some(playbook) => {
            ask(format!("nothing starts by itself here; start playbook {} by hand", playbook.id))
        }
        None => {
            let (of, severity) = (&incident.incident_type, incident.severity);
            ask(format!("no playbook fits type {of} at severity {severity}"))
        }
    }
}

fn after_run(state: &State, id: crate::id::RunId, event: &run::Event) -> Vec<Command> {
    let Some(run) = state.runs.get(id) else { return Vec::new() };
    let about = Stream::Run(id);
    let attention = |reason: &str| {
        let reason = reason.to_owned();
        Command::Incident(incident::Command::RaiseAttention { id: run.incident, about, reason })
    };
    let clear = || Command::Incident(incident::Command::ClearAttention { id: run.incident, about });
    let advance = || Command::Run(run::Command::Advance { id, widened: false });
    let stop = || Command::Incident(incident::Command::StopResponse { id: run.incident, run: id });
    let abandon = || {
        let reason = "its run was canceled or is being undone".to_owned();
        let own = state.actions.of_run(id).map(|action| action.id);
        own.map(move |id| Command::Action(action::Command::Abandon { id, reason: reason.clone() }))
    };
    // Said again when something else was cleared away.
    let overdue = || {
        let step = run::overdue(run, state.playbooks.get(&run.hash)?)?;
        let what = if step.kind.chooses() { "decision" } else { "task" };
        Some(attention(&format!("{what} `{}` is overdue; answer or skip it", step.id)))
    };
    let mut commands = Vec::new();
    if let Some(progress) = event.progress() {
        if let Some(playbook) = state.playbooks.get(&run.hash) {
            for begun in &progress.begun {
                let specs = step_specs(state, run, playbook, begun);
                commands.extend(specs.map(|spec| Command::Action(action::Command::Request(Box::new(spec)))));
                commands.push(approval::of_step(id, begun.step, run.steps[begun.step as usize].round));
            }
        }
        commands.extend(progress.release.map(|id| Command::Action(action::Command::Release { id })));
        let chosen = run.status == run::Status::Active && doubt::called_for(run, &progress.finished);
        commands.extend(chosen.then(clear));
        match &progress.status {
            Some(run::Status::Blocked { reason } | run::Status::Failed { reason }) => {
                commands.push(attention(reason));
            }
            Some(
                run::Status::Active
                | run::Status::Completed
                | run::Status::Undoing { .. }
                | run::Status::Paused
                | run::Status::Canceled
                | run::Status::Quarantined { .. },
            ) => commands.push(clear()),
            None => {}
        }
        commands.extend(unanswered::did_nothing(state, run));
        let new = progress.flagged.iter().any(|flagged| flagged.flag == run::Flag::Overdue);
        commands.extend(overdue().filter(|_| new || chosen || progress.status == Some(run::Status::Active)));
        // Steps that ended at once, or a status that allows more, may let the run go further.
        if matches!(progress.status, Some(run::Status::Undoing { .. })) {
            commands.extend(abandon());
            commands.push(advance());
        }
        return commands;
    }
    match event {
        run::Event::Updated { finished } => doubt::called_for(run, finished)
            .then(clear)
            .into_iter()
            .chain(overdue())
            .chain([advance()])
            .collect(),
        run::Event::Resumed => vec![clear(), advance()],
        // What else blocks it stays as it is, and people have been told.
        run::Event::StepSkipped { .. } | run::Event::StepRetried { .. } => vec![advance()],
        run::Event::UndoStarted { .. } => {
            [clear(), stop()].into_iter().chain(abandon()).chain([advance()]).collect()
        }
        run::Event::Canceled => [clear(), stop()].into_iter().chain(abandon()).collect(),
        run::Event::Quarantined { reason } => vec![attention(reason)],
        run::Event::Paused | run::Event::Started { .. } | run::Event::Advanced { .. } => Vec::new(),
    }
}

/// The effects that a step asks for, one a target.
fn step_specs<'a>(
    state: &'a State,
    run: &'a run::Run,
    playbook: &'a crate::playbook::Playbook,
    begun: &'a run::Begun,
) -> impl Iterator<Item = action::Spec> + 'a {
    let step = playbook.steps().nth(begun.step as usize).map(|(_, step)| step);
    let known = step.and_then(|step| state.content.actions.get(&step.verb));
    let round = run.steps[begun.step as usize].round;
    let pair = step.zip(known);
    let asks = pair.and_then(|(step, known)| Some((step.approval.as_ref()?, known)));
    let terms = asks.and_then(|(consent, known)| run::terms(state, run, playbook, consent, known));
    begun.targets.iter().filter_map(move |target| {
        let (step, known) = pair?;
        let args = step.with.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let revert = known.held_until().map(Box::from);
        Some(action::Spec {
            incident: run.incident,
            origin: action::Origin::Run { run: run.id, step: begun.step, round },
            verb: step.verb.as_str().into(),
            target_kind: known.target.as_str().into(),
            target: target.clone(),
            args: action::checked_args(known, args).ok()?,
            connector: known.connector_for(target).into(),
            class: known.class,
            risk: known.risk,
            containment: known.containment,
            purpose: known.purpose,
            keeps: known.keeps,
            verify: known.verify,
            timeout: step.timeout.unwrap_or(known.timeout),
            retry: step.retry,
            lease: step.lease,
            approval: terms.clone(),
            strategy: None,
            revert,
        })
    })
}

fn after_action(state: &State, id: ActionId, event: &action::Event) -> Vec<Command> {
    let Some(action) = state.actions.get(id) else { return Vec::new() };
    let mut commands = approval::after_action(state, action, event);
    commands.extend(after_effect(state, action, event));
    commands
}

fn after_effect(state: &State, action: &action::Action, event: &action::Event) -> Vec<Command> {
    let id = action.id;
    let incident = action.spec.incident;
    let about = Stream::Action(id);
    let advance = || {
        action
            .spec
            .origin
            .run()
            .map(|id| Command::Run(run::Command::Advance { id, widened: false }))
            .into_iter()
    };
    let ask =
        |reason: String| Command::Incident(incident::Command::RaiseAttention { id: incident, about, reason });
    let clear = || Command::Incident(incident::Command::ClearAttention { id: incident, about });
    let what = format!("`{}` on {}", action.spec.verb, action.spec.target);
    match event {
        action::Event::Applied { .. } => {
            let contained = action
                .spec
                .containment
                .then_some(Command::Incident(incident::Command::Contained { id: incident, action: id }));
            contained.into_iter().chain([clear()]).chain(advance()).collect()
        }
        action::Event::Released { .. }
        | action::Event::Yielded { .. }
        | action::Event::Settled {
            verdict: action::Verdict::Applied | action::Verdict::NotApplied, ..
        } => std::iter::once(clear()).chain(advance()).collect(),
        action::Event::Settled { verdict: action::Verdict::Retry, .. } => {
            vec![clear(), Command::Action(action::Command::Wake { id })]
        }
        action::Event::NotApplied { retry_at: None, reason, .. } => {
            std::iter::once(ask(format!("{what} failed: {reason}"))).chain(advance()).collect()
        }
        action::Event::Unknown { next: action::Next::InDoubt, reason, .. } => {
            let ask = ask(format!("{what} is in doubt: {reason}; settle it with `containment settle`"));
            std::iter::once(ask).chain(advance()).collect()
        }
        action::Event::Held { needs: Some(_), .. } => Vec::new(),
        action::Event::Held { reason, .. } => vec![ask(format!("{what} is held: {reason}"))],
        action::Event::Withdrawn { reason, .. } => {
            // The limit may have gone since it was asked.
            vec![ask(format!("{what} is held: {reason}")), Command::Action(action::Command::Wake { id })]
        }
        action::Event::LeaseExpired => {
            vec![ask(format!("the lease of {what} has ended and it stays in force; release or extend it"))]
        }
        action::Event::LeaseExtended { .. } => vec![clear()],
        action::Event::Abandoned { .. } => std::iter::once(clear()).chain(advance()).collect(),
        action::Event::Intended { .. } => Vec::new(),
        action::Event::NotApplied { retry_at: Some(_), reason, .. }
        | action::Event::Unknown { next: action::Next::Call { .. }, reason, .. } => {
            let name = action.spec.connector.to_string();
            let trip = state.failures(&name) >= control::FAILURES_MAX;
            let reason =
                format!("{} calls in a row without success, the last: {reason}", control::FAILURES_MAX);
            let trip = trip.then_some(Command::Control(control::Command::TripBreaker { name, reason }));
            trip.into_iter().chain(abandoned(state, action)).collect()
        }
    }
}

/// A report becomes an alert; one whose deadline passes calls a person.
fn after_report(state: &State, id: ReportId, event: &report::Event) -> Vec<Command> {
    let Some(report) = state.reports.get(&id) else { return Vec::new() };
    let about = Stream::Report(id);
    match event {
        report::Event::Received { .. } => {
            vec![Command::Receive(Box::new(report.alert(&state.content.reports)))]
        }
        report::Event::Unanswered | report::Event::Reminded | report::Event::Overdue => {
            let call = report.incident.zip(report.asks(event)).map(|(id, reason)| {
                Command::Incident(incident::Command::RaiseAttention { id, about, reason })
            });
            call.into_iter().collect()
        }
        report::Event::Acknowledged { .. } | report::Event::Closed { .. } => {
            let clear = |id| Command::Incident(incident::Command::ClearAttention { id, about });
            report.incident.map(clear).into_iter().collect()
        }
        report::Event::Linked { .. } | report::Event::Redacted { .. } => Vec::new(),
    }
}

/// What waits for another call of a run that is over or being undone is not called again.
fn abandoned(state: &State, action: &action::Action) -> Option<Command> {
    let run = state.runs.get(action.spec.origin.run()?);
    let over = run.is_none_or(|run| run.is_ended() || run.undoing.is_some());
    let reason = "its run was canceled or is being undone".to_owned();
    over.then_some(Command::Action(action::Command::Abandon { id: action.id, reason }))
}

fn after_control(state: &State, event: &control::Event) -> Vec<Command> {
    let wake = || -> Vec<Command> {
        let held = state.actions.held();
        held.map(|id| Command::Action(action::Command::Wake { id })).collect()
    };
    match event {
        control::Event::Started { .. } => {
            let open = state.actions.calling();
            let actions = open.map(|id| Command::Action(action::Command::Recover { id }));
            let notices =
                state.notices.keys().map(|id| Command::Notice(notice::Command::Recover { id: *id }));
            actions.chain(notices).collect()
        }
        control::Event::KillSwitchOff { .. } | control::Event::SafeModeSet { .. } => {
            approval::after_limits(state).into_iter().chain(wake()).collect()
        }
        control::Event::GlassBroken { reason, .. } => {
            let loud = Command::Incident(incident::glass_broken(reason));
            std::iter::once(loud).chain(approval::after_limits(state)).chain(wake()).collect()
        }
        control::Event::BreakerClosed { .. } => wake(),
        control::Event::KillSwitchOn { .. }
        | control::Event::GlassMended
        | control::Event::RestoreApproved { .. } => approval::after_limits(state),
        control::Event::BreakerOpened { .. }
        | control::Event::RestoreReady { .. }
        | control::Event::RestoreEnded { .. } => Vec::new(),
        control::Event::ClockDoubted { reason } => doubt::began(state, reason),
        control::Event::ClockConfirmed => doubt::ended(state),
        control::Event::Restored { restored, .. } => restored::began(state, restored),
        control::Event::BackupFailed { why } => restored::failed(why),
        control::Event::BackedUp { .. } => restored::made(),
    }
}

/// Everything whose time has come, in the order of time.
pub fn due(state: &mut State, context: &Context, facts: &mut Vec<Fact>) {
    while let Some(timer) = state.pop_due(context.now) {
        let here = Context { next: context.next + facts.len() as u64, ..context.clone() };
        let mut own = Vec::new();
        match state.fire(timer, &here) {
            Fired::Events(events) => commit(state, events, &here, &mut own, 0),
            Fired::Command(command) => follow(state, command, &here, &mut own, 0),
            Fired::Nothing => {}
        }
        facts.append(&mut own);
    }
}

/// What a timer came to.
pub enum Fired {
    Events(Vec<Event>),
    Command(Command),
    Nothing,
}
