//! Between the recovery of an incident and the actions that carry it out.

use super::Command;
use crate::{
    action::{self, Action, Goal, Origin},
    event::Stream,
    health,
    id::{ActionId, IncidentId},
    incident::{self, restore},
    playbook::{Backoff, Retry},
    recovery::plan::{self, Part, Stage},
    state::State,
    time::Span,
};

/// What was released needs a moment before it answers.
const LOOKS: Retry = Retry { attempts: 6, backoff: Backoff::Exponential, delay: Span::secs(1), within: None };

fn recovery(id: IncidentId, command: restore::Command) -> Command {
    Command::Incident(incident::Command::Recovery { id, command })
}

/// What follows from a fact of the incident for its recovery.
pub(super) fn after_incident(state: &State, id: IncidentId, event: &incident::Event) -> Vec<Command> {
    let started = state.incidents.open.get(&id).and_then(|incident| incident.recovery.as_ref());
    let Some(plan) = started.filter(|plan| plan.is_started()) else { return Vec::new() };
    match event {
        incident::Event::Recovery { fact } => after_fact(state, id, plan, fact),
        incident::Event::AlertJoined { targets, .. } if !targets.is_empty() => {
            vec![recovery(id, restore::Command::Advance)]
        }
        incident::Event::Opened { .. }
        | incident::Event::AlertJoined { .. }
        | incident::Event::Acknowledged
        | incident::Event::Assigned { .. }
        | incident::Event::Classified { .. }
        | incident::Event::Noted { .. }
        | incident::Event::AtOnce { .. }
        | incident::Event::Linked { .. }
        | incident::Event::Analysis { .. }
        | incident::Event::Contained { .. }
        | incident::Event::AttentionRaised { .. }
        | incident::Event::AttentionCleared { .. }
        | incident::Event::ResponseStopped { .. }
        | incident::Event::Resolved { .. }
        | incident::Event::WatchEnded
        | incident::Event::Relapsed { .. }
        | incident::Event::SignedOff { .. }
        | incident::Event::Checked { .. }
        | incident::Event::Closed { .. }
        | incident::Event::People(_)
        | incident::Event::Redacted { .. } => Vec::new(),
    }
}

fn after_fact(state: &State, id: IncidentId, plan: &plan::Plan, fact: &plan::Event) -> Vec<Command> {
    let about = Stream::Incident(id);
    let clear = || vec![Command::Incident(incident::Command::ClearAttention { id, about })];
    match fact {
        plan::Event::Moved { service, to, calls, release } => {
            let index = plan.services.iter().position(|one| one.name == *service).unwrap_or_default();
            let mut commands: Vec<Command> =
                calls.iter().map(|call| call_of(state, id, plan, index, *call)).collect();
            commands.extend(release.iter().filter_map(|id| {
                let releasing = state.actions.get(*id).is_some_and(|action| {
                    action.goal == Goal::Release && !matches!(action.status, action::Status::InDoubt { .. })
                });
                (!releasing).then_some(Command::Action(action::Command::Release { id: *id }))
            }));
            if let Stage::Failed { reason } = to {
                let reason = format!("recovery of {service}: {reason}; then `incident recover {id}`");
                commands.push(Command::Incident(incident::Command::RaiseAttention { id, about, reason }));
            }
            commands
        }
        plan::Event::Started { .. } | plan::Event::Retried { .. } | plan::Event::Completed => clear(),
        plan::Event::Repeated { .. } => {
            let services = plan.services.iter().enumerate();
            let probes =
                services.flat_map(|(index, service)| service.part(Part::Probe).map(move |(n, _)| (index, n)));
            probes.map(|(index, number)| call_of(state, id, plan, index, number)).collect()
        }
        plan::Event::Found { service, call, action: Some(action), passed, said } => {
            let asked = plan.service(service).and_then(|service| service.calls.get(*call as usize));
            let probe = asked.filter(|call| call.part == Part::Probe);
            let probed = probe.map(|call| health::Probed {
                service: service.clone(),
                check: call.check.clone(),
                target: call.target.clone(),
                passed: *passed,
                said: said.clone(),
                action: *action,
                incident: id,
            });
            probed.map(|probed| Command::Health(health::Command::Record(probed))).into_iter().collect()
        }
        plan::Event::Widened { .. }
        | plan::Event::Found { action: None, .. }
        | plan::Event::Watched { .. }
        | plan::Event::Released { .. }
        | plan::Event::Judged { .. } => Vec::new(),
    }
}

/// The action that one call of a plan asks for; what cannot be asked any more has not held.
fn call_of(state: &State, id: IncidentId, plan: &plan::Plan, index: usize, number: u32) -> Command {
    // INVARIANT: a plan has far less than 2^32 services.
    let service = u32::try_from(index).unwrap_or(u32::MAX);
    let round = plan.services.get(index).map_or(0, |service| service.round);
    match spec_of(state, id, plan, service, number) {
        Ok(spec) => Command::Action(action::Command::Request(Box::new(spec))),
        Err(said) => {
            let (action, passed) = (None, false);
            recovery(id, restore::Command::Found { service, call: number, round, action, passed, said })
        }
    }
}

fn spec_of(
    state: &State,
    incident: IncidentId,
    plan: &plan::Plan,
    index: u32,
    number: u32,
) -> Result<action::Spec, String> {
    let service = plan.services.get(index as usize).ok_or("the plan has changed")?;
    let call = service.calls.get(number as usize).ok_or("the plan has changed")?;
    let known = state.content.actions.get(&*call.verb);
    let known = known.ok_or_else(|| format!("`{}` is not in actions.yaml any more", call.verb))?;
    let looks = call.part != Part::Restore;
    Ok(action::Spec {
        incident,
        origin: Origin::Recovery { service: index, call: number, round: service.round, looks },
        verb: call.verb.clone(),
        target_kind: call.kind.clone(),
        target: call.target.clone(),
        args: action::checked_args(known, call.with.clone())?,
        connector: known.connector_for(&call.target).into(),
        class: known.class,
        risk: known.risk,
        containment: known.containment,
        purpose: known.purpose,
        keeps: known.keeps,
        verify: known.verify,
        timeout: known.timeout,
        retry: if looks { LOOKS } else { Retry::default() },
        lease: None,
        approval: None,
        strategy: None,
        revert: known.held_until().map(Box::from),
    })
}

/// The end of what only looked: its result is the recovery's, and nobody is called for the action itself.
pub(super) fn after_look(state: &State, id: ActionId, event: &action::Event) -> Option<Vec<Command>> {
    let action = state.actions.get(id).filter(|action| action.spec.origin.looks())?;
    result(action, event).map(|found| vec![found])
}

/// What follows for the recovery from what happened to any other action of its incident.
pub(super) fn after_action(state: &State, id: ActionId, event: &action::Event) -> Vec<Command> {
    let Some(action) = state.actions.get(id).filter(|action| !action.spec.origin.looks()) else {
        return Vec::new();
    };
    let incident = action.spec.incident;
    let plan = state.incidents.open.get(&incident).and_then(|incident| incident.recovery.as_ref());
    let Some(plan) = plan.filter(|plan| plan.is_started()) else { return Vec::new() };
    if matches!(action.spec.origin, Origin::Recovery { .. }) {
        return result(action, event).into_iter().collect();
    }
    let waiting = plan.waits_on_release(id);
    let released = |verified: bool| recovery(incident, restore::Command::Released { action: id, verified });
    let stuck = |reason: &str| {
        let reason = reason.to_owned();
        recovery(incident, restore::Command::Stuck { action: id, reason })
    };
    let command = match event {
        action::Event::Released { verified, .. } => {
            released(*verified == Some(true) || (verified.is_none() && !action.spec.verify))
        }
        // Another incident holds the same; the probes say whether the service lives with that.
        action::Event::Yielded { .. } => released(true),
        action::Event::Settled { verdict: action::Verdict::Applied, .. } if waiting => released(true),
        action::Event::Settled { verdict: action::Verdict::NotApplied, .. } if waiting => {
            stuck("a person found it still in force")
        }
        action::Event::NotApplied { retry_at: None, reason, .. }
        | action::Event::Unknown { next: action::Next::InDoubt, reason, .. }
            if waiting =>
        {
            stuck(reason)
        }
        // People did not allow it.
        action::Event::Abandoned { reason } if waiting => stuck(reason),
        action::Event::Applied { .. } if action.spec.revert.is_some() => {
            recovery(incident, restore::Command::Advance)
        }
        action::Event::Applied { .. }
        | action::Event::Settled { .. }
        | action::Event::NotApplied { .. }
        | action::Event::Unknown { .. }
        | action::Event::Intended { .. }
        | action::Event::Held { .. }
        | action::Event::Withdrawn { .. }
        | action::Event::LeaseExtended { .. }
        | action::Event::LeaseExpired
        | action::Event::Abandoned { .. } => return Vec::new(),
    };
    vec![command]
}

/// What an ended call of a recovery says.
fn result(action: &Action, event: &action::Event) -> Option<Command> {
    let Origin::Recovery { service, call, round, looks } = action.spec.origin else { return None };
    let (passed, said) = match event {
        action::Event::Applied { verified, .. } => {
            let passed = *verified == Some(true) || (!looks && *verified != Some(false));
            (passed, if passed { "holds" } else { "was not read back" }.to_owned())
        }
        action::Event::NotApplied { retry_at: None, reason, .. } | action::Event::Abandoned { reason } => {
            (false, reason.to_string())
        }
        action::Event::Settled { verdict: action::Verdict::Applied, why } => (true, why.to_string()),
        action::Event::Settled { verdict: action::Verdict::NotApplied, why } => (false, why.to_string()),
        action::Event::Settled { verdict: action::Verdict::Retry, .. }
        | action::Event::NotApplied { .. }
        | action::Event::Unknown { .. }
        | action::Event::Released { .. }
        | action::Event::Yielded { .. }
        | action::Event::Intended { .. }
        | action::Event::Held { .. }
        | action::Event::Withdrawn { .. }
        | action::Event::LeaseExtended { .. }
        | action::Event::LeaseExpired => return None,
    };
    let command = restore::Command::Found { service, call, round, action: Some(action.id), passed, said };
    Some(recovery(action.spec.incident, command))
}
