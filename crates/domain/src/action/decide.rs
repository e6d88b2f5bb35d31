//! What happens to an action next: the intent, what an outcome means by class, retries, leases, release.

use serde_json::Value;

use super::{
    Action, Event, GRACE, Goal, Intent, Next, Operation, Origin, Outcome, RECOVERIES_MAX, Spec, Status,
    Verdict, retry_delay,
};
use crate::{
    approval::{self, Pass},
    content::{ActionSpec, ArgKind, Class},
    control::own,
    event::{Context, Rejected},
    id::{ActionId, IncidentId},
    incident,
    limits::{self, Asked, Permit},
    playbook::{Lease, OnExpiry, Retry},
    severity::Risk,
    state::State,
    strategy,
    time::{Span, Timestamp},
};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// From a run: one step on one target.
    Request(Box<Spec>),
    /// A person asks for one directly.
    Apply {
        incident: IncidentId,
        verb: String,
        target: String,
        args: serde_json::Map<String, Value>,
        lease: Option<Lease>,
    },
    /// A person takes a strategy: on these targets of the incident, or on all that it does not hold yet.
    Take {
        incident: IncidentId,
        strategy: String,
        targets: Vec<String>,
    },
    /// What the connector found for the call of this attempt.
    Report {
        id: ActionId,
        attempt: u32,
        outcome: Outcome,
    },
    /// The shell refused to send it: limits changed since the decision.
    Withdraw {
        id: ActionId,
        attempt: u32,
        reason: String,
    },
    /// The incident is about to end: what was leased until then has its end now.
    EndLease {
        id: ActionId,
    },
    /// Take the containment back.
    Release {
        id: ActionId,
    },
    /// A person says what became of an action in doubt.
    Settle {
        id: ActionId,
        verdict: Verdict,
        why: String,
    },
    Extend {
        id: ActionId,
        span: Span,
    },
    /// Time has passed or limits have changed: look again.
    Wake {
        id: ActionId,
    },
    /// Its run was canceled or is being undone: what was not called yet is not called any more.
    Abandon {
        id: ActionId,
        reason: String,
    },
    /// A new epoch began while a call was open.
    Recover {
        id: ActionId,
    },
    /// What became of it is not known here any more: a person must say.
    Doubt {
        id: ActionId,
        reason: String,
    },
    /// People refused what waits for their approval.
    Deny {
        id: ActionId,
        reason: String,
    },
}

pub fn decide(
    state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(ActionId, Event)>, Rejected> {
    match command {
        Command::Request(spec) => Ok(begin(state, *spec, context)),
        Command::Apply { incident, verb, target, args, lease } => {
            let spec = by_person(state, incident, &verb, &target, args, lease)?;
            if let Permit::Refused(reason) =
                limits::permits(&state.control, &spec, Goal::Apply, Asked::ByPerson, context.now)
            {
                return Err(Rejected::Limited(reason));
            }
            Ok(begin(state, spec, context))
        }
        Command::Take { incident, strategy, targets } => {
            let specs = strategy::specs(state, incident, &strategy, &targets, context.now)?;
            let nth = |(index, spec): (u64, Spec)| {
                let here = Context { next: context.next + index, ..context.clone() };
                begin(state, spec, &here)
            };
            Ok((0..).zip(specs).flat_map(nth).collect())
        }
        Command::Report { id, attempt, outcome } => {
            Ok(report(state, find(state, id)?, attempt, outcome, context))
        }
        Command::Withdraw { id, attempt, reason } => {
            let action = find(state, id)?;
            let open = open_intent(action).is_some_and(|intent| intent.attempt == attempt);
            let withdrawn = Event::Withdrawn { attempt, reason: reason.into() };
            Ok(if open { vec![(id, withdrawn)] } else { Vec::new() })
        }
        Command::Release { id } => release(state, find(state, id)?, context),
        Command::Settle { id, verdict, why } => settle(find(state, id)?, verdict, &why),
        Command::Extend { id, span } => extend(find(state, id)?, span, context.now),
        Command::EndLease { id } => {
            let action = find(state, id)?;
            let ended = action.ends_with_incident().then(|| (id, lease_ended(state, action, context)));
            Ok(ended.into_iter().collect())
        }
        Command::Wake { id } => Ok(wake(state, find(state, id)?, context)),
        Command::Abandon { id, reason } => Ok(abandon(find(state, id)?, reason)),
        Command::Deny { id, reason } => Ok(deny(find(state, id)?, reason)),
        Command::Recover { id } => Ok(recover(state, find(state, id)?, context)),
        Command::Doubt { id, reason } => Ok(doubt(find(state, id)?, reason)),
    }
}

fn find(state: &State, id: ActionId) -> Result<&Action, Rejected> {
    state
        .actions
        .get(id)
        .ok_or_else(|| Rejected::NotFound(format!("there is no action {id} in force or under way")))
}

fn open_intent(action: &Action) -> Option<&Intent> {
    match &action.status {
        Status::Calling { intent } => Some(intent),
        Status::Held { .. }
        | Status::Waiting { .. }
        | Status::InForce
        | Status::Done
        | Status::Failed { .. }
        | Status::InDoubt { .. }
        | Status::Released => None,
    }
}

/// The first fact of an action: an intent when limits allow it, else that it is held.
fn begin(state: &State, spec: Spec, context: &Context) -> Vec<(ActionId, Event)> {
    let id = ActionId::from_number(context.next);
    let goal = Goal::Apply;
    let asked = match spec.origin {
        Origin::Person | Origin::Recovery { .. } => Asked::ByPerson,
        Origin::Run { .. } | Origin::AtOnce => Asked::Automatically,
    };
    let looks = spec.origin.looks();
    let permit = match looks {
        true => Permit::Allowed,
        false => limits::permits(&state.control, &spec, goal, asked, context.now),
    };
    let event = match permit {
        Permit::Allowed => {
            let intent = Intent {
                operation: if looks { Operation::ReadBack } else { Operation::Apply },
                key: key(state, id, 0),
                attempt: 1,
                epoch: context.epoch,
                deadline: context.now.plus(spec.timeout),
                asked,
                pass: None,
            };
            Event::Intended { spec: Some(Box::new(spec)), goal, intent }
        }
        held @ (Permit::NeedsApproval(..) | Permit::Refused(_)) => {
            hold(Some(Box::new(spec)), goal, asked, held)
        }
    };
    vec![(id, event)]
}

/// It waits: for people, or for limits to go.
fn hold(spec: Option<Box<Spec>>, goal: Goal, asked: Asked, permit: Permit) -> Event {
    let (reason, needs) = match permit {
        Permit::NeedsApproval(terms, why) => (why, Some(terms)),
        Permit::Refused(why) => (why, None),
        Permit::Allowed => (String::new(), None),
    };
    Event::Held { spec, goal, reason: reason.into(), asked, needs }
}

fn key(state: &State, id: ActionId, round: u32) -> Box<str> {
    format!("rf-{}-{}-{round}", state.control.incarnation, id.0).into()
}

/// What a person asks for outside any run; nothing is begun.
pub(crate) fn by_person(
    state: &State,
    incident: IncidentId,
    verb: &str,
    target: &str,
    args: serde_json::Map<String, Value>,
    lease: Option<Lease>,
) -> Result<Spec, Rejected> {
    incident::open(state, incident)?;
    let Some(known) = state.content.actions.get(verb) else {
        let near = crate::document::nearest(verb, state.content.actions.keys().map(String::as_str));
        let hint = near.map_or_else(String::new, |name| format!("; did you mean `{name}`?"));
        return Err(Rejected::Invalid(format!("`{verb}` is not an action in actions.yaml{hint}")));
    };
    if known.connector == own::CONNECTOR {
        let message = format!("`{verb}` is for playbooks; people ask for it with `control`");
        return Err(Rejected::Invalid(message));
    }
    cap(state, known, 1, 0).map_err(Rejected::Limited)?;
    if target.is_empty() || target.len() > 1024 {
        return Err(Rejected::Invalid("the target is empty or longer than 1024 bytes".to_owned()));
    }
    Ok(Spec {
        incident,
        origin: Origin::Person,
        verb: verb.into(),
        target_kind: known.target.as_str().into(),
        target: target.into(),
        args: checked_args(known, args).map_err(Rejected::Invalid)?,
        connector: known.connector_for(target).into(),
        class: known.class,
        risk: known.risk,
        containment: known.containment,
        purpose: known.purpose,
        keeps: known.keeps,
        revert: known.held_until().map(Into::into),
        verify: known.verify,
        timeout: known.timeout,
        retry: Retry::default(),
        lease: lease.or_else(|| known.held_until().map(|_| DEFAULT_LEASE)),
        approval: None,
        strategy: None,
    })
}

const DEFAULT_LEASE: Lease = Lease { span: Some(Span::secs(4 * 3600)), on_expiry: OnExpiry::Ask };

/// Whether that many more may begin: at once, and beside what is in force, on its way anywhere, or promised in the
/// same move.
pub fn cap(state: &State, known: &ActionSpec, more: usize, promised: usize) -> Result<(), String> {
    let verb = &known.verb;
    if more > known.blast_radius_max as usize {
        let most = known.blast_radius_max;
        return Err(format!("{more} targets, and `{verb}` may reach {most} at once"));
    }
    let out = state.actions.out(verb) + promised;
    match known.in_force_max {
        Some(most) if more > 0 && out + more > most as usize => Err(format!(
            "`{verb}` is in force on {out} and may be on {most} at once; release one or raise in_force_max"
        )),
        _ => Ok(()),
    }
}

/// Completes and checks arguments against what the action declares.
pub fn checked_args(
    known: &ActionSpec,
    mut args: serde_json::Map<String, Value>,
) -> Result<serde_json::Map<String, Value>, String> {
    if let Some(name) = args.keys().find(|name| !known.args.contains_key(*name)) {
        let names: Vec<&str> = known.args.keys().map(String::as_str).collect();
        return Err(format!("`{}` takes no argument `{name}`; it takes {}", known.verb, names.join(", ")));
    }
    for (name, arg) in &known.args {
        match (args.get(name), &arg.default) {
            (None, Some(default)) => {
                args.insert(name.clone(), default.clone());
            }
            (None, None) if arg.required => {
                return Err(format!("`{}` needs the argument `{name}`", known.verb));
            }
            (None, None) => {}
            (Some(value), _) => arg.accepts(value).map_err(|why| format!("argument `{name}` {why}"))?,
        }
    }
    Ok(args)
}

impl crate::content::ArgSpec {
    /// Whether the value has the declared kind and is one of the allowed ones.
    pub fn accepts(&self, value: &Value) -> Result<(), String> {
        let fits = match self.kind {
            ArgKind::Text => value.is_string(),
            ArgKind::Integer => value.is_i64() || value.is_u64(),
            ArgKind::Number => value.is_number(),
            ArgKind::Boolean => value.is_boolean(),
        };
        if !fits {
            let kind = format!("{:?}", self.kind).to_lowercase();
            return Err(format!("must be of kind {kind}, not {value}"));
        }
        let allowed = self.one_of.is_empty()
            || value.as_str().is_some_and(|text| self.one_of.iter().any(|one| one == text));
        if allowed { Ok(()) } else { Err(format!("must be one of {}, not {value}", self.one_of.join(", "))) }
    }
}

fn report(
    state: &State,
    action: &Action,
    attempt: u32,
    outcome: Outcome,
    context: &Context,
) -> Vec<(ActionId, Event)> {
    // An answer for another attempt is late: its call was given up, and another speaks for it.
    let Some(intent) = open_intent(action).filter(|intent| intent.attempt == attempt) else {
        return Vec::new();
    };
    let event = match (outcome, intent.operation, action.goal) {
        (Outcome::Applied { verified: None, .. }, Operation::Apply | Operation::Revert, _)
            if action.spec.verify =>
        {
            let reason = "the call succeeded and could not be read back yet";
            again(action, intent, reason, Operation::ReadBack, context)
        }
        (Outcome::Applied { verified, artefact }, Operation::Apply | Operation::ReadBack, Goal::Apply) => {
            let incident = state.incidents.open.get(&action.spec.incident).map(|open| &**open);
            let scores = state.content.scores.of(&action.spec.verb, artefact.as_ref(), incident);
            Event::Applied { attempt, verified, artefact, scores }
        }
        (Outcome::Applied { verified, .. }, Operation::Revert | Operation::ReadBack, Goal::Release) => {
            Event::Released { attempt, verified }
        }
        (Outcome::Holds, _, Goal::Apply) => {
            Event::Applied { attempt, verified: Some(true), artefact: None, scores: Vec::new() }
        }
        (Outcome::DoesNotHold, _, Goal::Release) => Event::Released { attempt, verified: Some(true) },
        (Outcome::DoesNotHold, _, Goal::Apply) => {
            let reason = "the read-back says that it does not hold".to_owned();
            not_applied(action, intent, reason, true, None, context)
        }
        (Outcome::Holds, _, Goal::Release) => {
            let reason = "the read-back says that it still holds".to_owned();
            not_applied(action, intent, reason, true, None, context)
        }
        // Nothing was read, so what an earlier call did is as open as before.
        (Outcome::NotApplied { reason, .. }, Operation::ReadBack, _) => {
            unknown(action, intent, &reason, context)
        }
        (Outcome::NotApplied { reason, retry, retry_after }, Operation::Apply | Operation::Revert, _) => {
            not_applied(action, intent, reason, retry, retry_after, context)
        }
        (Outcome::Unknown { reason }, _, _) => unknown(action, intent, &reason, context),
        (Outcome::Applied { .. }, operation, goal) => {
            let reason = format!("the connector answered `applied` to {operation:?} for {goal:?}");
            unknown(action, intent, &reason, context)
        }
    };
    vec![(action.id, event)]
}

fn not_applied(
    action: &Action,
    intent: &Intent,
    reason: String,
    retry: bool,
    retry_after: Option<Span>,
    context: &Context,
) -> Event {
    let repeatable = action.spec.class != Class::OneShot;
    let made = made(action, intent);
    let delay = retry_delay(&action.spec.retry, &intent.key, made);
    let delay = retry_after.map_or(delay, |asked| asked.max(delay).min(Span::secs(600)));
    let (delay, in_time) = in_window(action, delay, context);
    let more = retry && repeatable && in_time && made < attempts_max(action);
    if !more && action.unsure && intent.operation != Operation::ReadBack {
        // This call did nothing, but an earlier one may have.
        let reason = format!("{reason}; an earlier call may have had its effect");
        return Event::Unknown { attempt: intent.attempt, reason: reason.into(), next: Next::InDoubt };
    }
    let retry_at = more.then(|| context.now.plus(delay));
    Event::NotApplied { attempt: intent.attempt, reason: reason.into(), retry_at }
}

/// The class decides: re-send, read back, or ask. Nothing is guessed.
fn unknown(action: &Action, intent: &Intent, reason: &str, context: &Context) -> Event {
    let operation = match (action.spec.class, intent.operation) {
        // Looking again does no harm, whatever the class.
        (_, Operation::ReadBack) | (Class::ReadBack, _) => Operation::ReadBack,
        (Class::Keyed | Class::Idempotent | Class::Notice, _) => intent.operation,
        (Class::OneShot, _) => {
            let reason = format!("{reason}; it may have happened, and it must not happen twice");
            return Event::Unknown { attempt: intent.attempt, reason: reason.into(), next: Next::InDoubt };
        }
    };
    again(action, intent, reason, operation, context)
}

/// A read-back belongs to the attempt it asks about, so that class may make as many calls again.
fn attempts_max(action: &Action) -> u32 {
    if action.spec.origin.looks() {
        return action.spec.retry.attempts;
    }
    match action.spec.class {
        Class::ReadBack => action.spec.retry.attempts.saturating_mul(2),
        Class::Keyed | Class::Idempotent | Class::OneShot | Class::Notice => action.spec.retry.attempts,
    }
}

/// The delay cut to what is left of the time within which it has to come about, and whether any is left.
fn in_window(action: &Action, delay: Span, context: &Context) -> (Span, bool) {
    // What a person had tried anew, or takes back, began later than it was requested.
    let first_try = action.goal == Goal::Apply && action.attempts_before == 0;
    let Some(within) = action.spec.retry.within.filter(|_| first_try) else { return (delay, true) };
    let left = action.requested_at.plus(within).since(context.now);
    (delay.min(left), left > Span::default())
}

/// How many calls count for the present goal.
fn made(action: &Action, intent: &Intent) -> u32 {
    intent.attempt.saturating_sub(action.attempts_before)
}

fn again(action: &Action, intent: &Intent, reason: &str, operation: Operation, context: &Context) -> Event {
    let made = made(action, intent);
    let (delay, in_time) = in_window(action, retry_delay(&action.spec.retry, &intent.key, made), context);
    let over = made >= attempts_max(action) || !in_time;
    if over && action.spec.origin.looks() {
        return Event::NotApplied { attempt: intent.attempt, reason: reason.into(), retry_at: None };
    }
    let next = if over { Next::InDoubt } else { Next::Call { operation, at: context.now.plus(delay) } };
    Event::Unknown { attempt: intent.attempt, reason: reason.into(), next }
}

fn release(state: &State, action: &Action, context: &Context) -> Result<Vec<(ActionId, Event)>, Rejected> {
    let id = action.id;
    let may_release = matches!(action.status, Status::InForce | Status::InDoubt { .. });
    if !may_release {
        return Err(Rejected::Conflict(format!("{id} is not in force, so there is nothing to release")));
    }
    if action.spec.revert.is_none() {
        return Err(Rejected::Conflict(format!("`{}` cannot be taken back", action.spec.verb)));
    }
    if matches!(action.status, Status::InForce)
        && let Some(to) = state.actions.same_in_force(action)
    {
        // Another incident holds the same; taking it back would take that one's back too.
        return Ok(vec![(id, Event::Yielded { to })]);
    }
    let by_person = context.actor.person().is_some();
    let recovering = is_recovered(state, action);
    let undoing = action.spec.origin.run().and_then(|run| state.runs.get(run)?.undoing.as_ref());
    let asked = match undoing {
        Some(undoing) if undoing.by_person => Asked::ByPerson,
        Some(_) | None if by_person || recovering => Asked::ByPerson,
        Some(_) | None => Asked::Automatically,
    };
    let goal = Goal::Release;
    let operation = if action.goal == goal { action.next_operation() } else { Operation::Revert };
    let event = match limits::permits(&state.control, &action.spec, goal, asked, context.now) {
        // A run that is undone goes on when the limit has gone; a person asks again.
        Permit::Refused(reason) if by_person && undoing.is_none() && !recovering => {
            return Err(Rejected::Limited(reason));
        }
        held @ (Permit::Refused(_) | Permit::NeedsApproval(..)) => hold(None, goal, asked, held),
        Permit::Allowed => intend(state, action, goal, operation, asked, None, context),
    };
    Ok(vec![(id, event)])
}

/// People had what it holds back brought back, and its turn has come.
fn is_recovered(state: &State, action: &Action) -> bool {
    let incident = state.incidents.open.get(&action.spec.incident);
    let plan = incident.and_then(|incident| incident.recovery.as_ref());
    plan.is_some_and(|plan| plan.waits_on_release(action.id))
}

/// The next intent for an existing action. A change of goal starts a new round, and so a new key.
fn intend(
    state: &State,
    action: &Action,
    goal: Goal,
    operation: Operation,
    asked: Asked,
    pass: Option<Pass>,
    context: &Context,
) -> Event {
    let round = action.round + u32::from(goal != action.goal);
    let intent = Intent {
        operation,
        key: key(state, action.id, round),
        attempt: action.attempt + 1,
        epoch: context.epoch,
        deadline: context.now.plus(action.spec.timeout),
        asked,
        pass,
    };
    Event::Intended { spec: None, goal, intent }
}

fn settle(action: &Action, verdict: Verdict, why: &str) -> Result<Vec<(ActionId, Event)>, Rejected> {
    let id = action.id;
    if !matches!(action.status, Status::InDoubt { .. }) {
        return Err(Rejected::Conflict(format!("{id} is not in doubt, so there is nothing to settle")));
    }
    if why.len() > 4096 {
        return Err(Rejected::Invalid("the reason is longer than 4096 bytes".to_owned()));
    }
    Ok(vec![(id, Event::Settled { verdict, why: why.into() })])
}

fn extend(action: &Action, span: Span, now: Timestamp) -> Result<Vec<(ActionId, Event)>, Rejected> {
    let id = action.id;
    if !matches!(action.status, Status::InForce) || action.spec.lease.is_none() {
        return Err(Rejected::Conflict(format!("{id} is not in force under a lease")));
    }
    if span == Span(0) || span > Span::secs(90 * 86_400) {
        return Err(Rejected::Invalid("a lease lasts from a second to 90 days".to_owned()));
    }
    Ok(vec![(id, Event::LeaseExtended { until: now.plus(span) })])
}

/// When something happens by itself, and why.
pub fn next_wakeup(action: &Action) -> Option<(Timestamp, &'static str)> {
    match &action.status {
        Status::Waiting { until, .. } => Some((*until, "next attempt")),
        Status::Calling { intent } => Some((intent.deadline.plus(GRACE), "call without answer")),
        Status::InForce if !action.lease_expired => action.lease_until.map(|at| (at, "lease ends")),
        Status::Held { .. }
        | Status::InForce
        | Status::Done
        | Status::Failed { .. }
        | Status::InDoubt { .. }
        | Status::Released => None,
    }
}

/// What is due now: `Wake` when its time has come.
pub fn due(action: &Action, now: Timestamp) -> Option<Command> {
    next_wakeup(action).filter(|(at, _)| *at <= now).map(|_| Command::Wake { id: action.id })
}

fn wake(state: &State, action: &Action, context: &Context) -> Vec<(ActionId, Event)> {
    let due = next_wakeup(action).is_some_and(|(at, _)| at <= context.now);
    let event = match &action.status {
        Status::Waiting { operation, .. } if due => call_or_hold(state, action, *operation, context),
        Status::Held { reason } => {
            let next = call_or_hold(state, action, action.next_operation(), context);
            if matches!(&next, Event::Held { reason: now, needs, .. } if now == reason && *needs == action.needs)
            {
                return Vec::new();
            }
            next
        }
        Status::Calling { intent } if due => unknown(action, intent, "no answer by the deadline", context),
        Status::InForce if due => lease_ended(state, action, context),
        Status::Waiting { .. }
        | Status::Calling { .. }
        | Status::InForce
        | Status::Done
        | Status::Failed { .. }
        | Status::InDoubt { .. }
        | Status::Released => return Vec::new(),
    };
    vec![(action.id, event)]
}

/// Waiting or held, it is given up; if an earlier call may have had its effect, a person has to look.
fn abandon(action: &Action, reason: String) -> Vec<(ActionId, Event)> {
    let idle = matches!(action.status, Status::Held { .. } | Status::Waiting { .. });
    if !idle || action.goal != Goal::Apply {
        return Vec::new();
    }
    let reason = reason.into();
    let event = if action.unsure {
        Event::Unknown { attempt: action.attempt, reason, next: Next::InDoubt }
    } else {
        Event::Abandoned { reason }
    };
    vec![(action.id, event)]
}

/// Not allowed by people: it is not called, and what was to be taken back stays. Where an earlier call may have taken
/// it back, a person has to look.
fn deny(action: &Action, reason: String) -> Vec<(ActionId, Event)> {
    match (&action.status, action.goal) {
        (Status::Held { .. }, Goal::Release) if action.unsure => {
            let reason = format!("{reason}; an earlier call may have taken it back").into();
            vec![(action.id, Event::Unknown { attempt: action.attempt, reason, next: Next::InDoubt })]
        }
        (Status::Held { .. }, Goal::Release) => {
            vec![(action.id, Event::Abandoned { reason: reason.into() })]
        }
        (_, Goal::Apply | Goal::Release) => abandon(action, reason),
    }
}

fn call_or_hold(state: &State, action: &Action, operation: Operation, context: &Context) -> Event {
    let (goal, asked) = (action.goal, action.asked);
    if operation == Operation::ReadBack {
        // Looking changes nothing, so no limit holds it back.
        return intend(state, action, goal, operation, asked, action.pass, context);
    }
    let permit = limits::permits(&state.control, &action.spec, goal, asked, context.now);
    let pass = match &permit {
        Permit::Allowed => return intend(state, action, goal, operation, asked, action.pass, context),
        Permit::NeedsApproval(terms, _) => {
            let used = action.pass.filter(|pass| pass.quorum >= terms.quorum);
            used.or_else(|| approval::pass(state, action, terms, context.now))
        }
        Permit::Refused(_) => None,
    };
    match pass {
        Some(_) => intend(state, action, goal, operation, asked, pass, context),
        None => hold(None, goal, asked, permit),
    }
}

/// `lift` takes back low risk only, never under a limit and never while the clock is in doubt.
fn lease_ended(state: &State, action: &Action, context: &Context) -> Event {
    let lift = action.spec.lease.is_some_and(|lease| lease.on_expiry == OnExpiry::Lift)
        && action.spec.risk == Risk::Low
        && state.control.clock_doubt.is_none();
    let allowed = || {
        limits::permits(&state.control, &action.spec, Goal::Release, Asked::Automatically, context.now)
            == Permit::Allowed
    };
    if lift && allowed() {
        intend(state, action, Goal::Release, Operation::Revert, Asked::Automatically, None, context)
    } else {
        Event::LeaseExpired
    }
}

/// A call of an older epoch: nobody knows whether it was sent. The class says what is safe.
fn doubt(action: &Action, reason: String) -> Vec<(ActionId, Event)> {
    let open = matches!(action.status, Status::Calling { .. } | Status::Waiting { .. });
    let unknown = || Event::Unknown { attempt: action.attempt, reason: reason.into(), next: Next::InDoubt };
    open.then(|| (action.id, unknown())).into_iter().collect()
}

fn recover(state: &State, action: &Action, context: &Context) -> Vec<(ActionId, Event)> {
    let Some(intent) = open_intent(action).filter(|intent| intent.epoch < context.epoch) else {
        return Vec::new();
    };
    let reason = "the process ended while the call was open";
    let operation = match (action.spec.class, intent.operation) {
        (_, Operation::ReadBack) | (Class::ReadBack, _) => Operation::ReadBack,
        (Class::Keyed | Class::Idempotent | Class::Notice, _) => intent.operation,
        (Class::OneShot, _) => return vec![(action.id, unknown(action, intent, reason, context))],
    };
    if action.recoveries >= RECOVERIES_MAX {
        let next = Next::InDoubt;
        return vec![(action.id, Event::Unknown { attempt: intent.attempt, reason: reason.into(), next })];
    }
    vec![(action.id, call_or_hold(state, action, operation, context))]
}
