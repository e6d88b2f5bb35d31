//! Approvals: people allow one exact set of effects before its intent is written.
//!
//! A request names the canonical expansion (verb, arguments, sorted targets) and is bound to it by SHA-256. An
//! approval is used once, by the intents it allows; retries under the same keys are covered, taking back is not.

mod leave;
#[cfg(test)]
mod tests;

pub use leave::{after_limits, ask, left_by};

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::{
    access,
    action::{self, Action, Goal, Origin},
    control::Leave,
    event::{Context, Meta, Rejected, Stream},
    flow,
    id::{ActionId, ApprovalId, IncidentId, PersonId, RunId, StatementId},
    incident, policy,
    recovery::plan,
    state::State,
    statement,
    time::{Span, Timestamp},
};

/// Who has to say yes, how many of them, and for how long one request stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    pub quorum: u32,
    /// Empty: anybody who may command.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<Box<str>>,
    pub expires: Span,
}

/// What is to be allowed, in its one canonical form.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Subject {
    pub verb: Box<str>,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub args: Map<String, Value>,
    /// Sorted, each once.
    pub targets: Vec<Box<str>>,
}

impl Subject {
    pub fn new(verb: Box<str>, args: Map<String, Value>, mut targets: Vec<Box<str>>) -> Subject {
        targets.sort_unstable();
        targets.dedup();
        Subject { verb, args, targets }
    }

    /// SHA-256 in lower-case hex over the JSON of verb, arguments by name, and sorted targets.
    pub fn hash(&self) -> Box<str> {
        let mut text = serde_json::json!({ "args": self.args, "targets": self.targets, "verb": self.verb });
        // However a map came to be, equal subjects have equal text.
        text.sort_all_objects();
        let digest = Sha256::digest(text.to_string().as_bytes());
        digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
    }
}

/// The approval that an intent used, and how many people it had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pass {
    pub approval: ApprovalId,
    pub quorum: u32,
}

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// From held effects that wait for people; those that ask for the same share a request.
    Request {
        actions: Vec<ActionId>,
    },
    /// The same for all that a step began together.
    RequestStep {
        run: RunId,
        step: u32,
        round: u32,
    },
    /// A person allows what has this hash.
    Approve {
        id: ApprovalId,
        hash: String,
    },
    Deny {
        id: ApprovalId,
        why: String,
    },
    /// Its time has passed.
    Expire {
        id: ApprovalId,
    },
    /// A person has it asked again after nobody answered.
    Renew {
        id: ApprovalId,
    },
    /// This effect began by it.
    Consume {
        id: ApprovalId,
        action: ActionId,
    },
    /// What it would change of the limits has changed.
    End {
        id: ApprovalId,
        why: String,
    },
    /// This effect needs it no more, or not as it stands.
    Void {
        id: ApprovalId,
        action: ActionId,
        why: String,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "requests are few, and what is asked reads best in one piece")]
pub enum Event {
    Requested {
        /// Absent for what is asked of the limits themselves.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        incident: Option<IncidentId>,
        /// The held effects that wait for it.
        actions: Vec<ActionId>,
        subject: Subject,
        hash: Box<str>,
        terms: Terms,
        /// Who started or changed the run by hand, or asked directly; none of them may approve.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        requesters: Vec<PersonId>,
        expires_at: Timestamp,
        /// The limit that people would leave.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        leave: Option<Leave>,
        /// The words that would go outside.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        statement: Option<StatementId>,
        #[serde(default, skip_serializing_if = "str::is_empty")]
        reason: Box<str>,
    },
    Granted {
        person: PersonId,
        hash: Box<str>,
    },
    Denied {
        person: PersonId,
        why: Box<str>,
    },
    /// What was granted counts no more.
    Expired {
        /// It is asked again until then; absent, it was asked often enough and waits for somebody to renew it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        again_until: Option<Timestamp>,
    },
    Renewed {
        expires_at: Timestamp,
    },
    Consumed {
        action: ActionId,
    },
    Voided {
        action: ActionId,
        why: Box<str>,
    },
    Ended {
        why: Box<str>,
    },
}

impl Event {
    pub fn kind(&self) -> &'static str {
        match self {
            Event::Requested { .. } => "approval.requested",
            Event::Granted { .. } => "approval.granted",
            Event::Denied { .. } => "approval.denied",
            Event::Expired { .. } => "approval.expired",
            Event::Renewed { .. } => "approval.renewed",
            Event::Consumed { .. } => "approval.consumed",
            Event::Voided { .. } => "approval.voided",
            Event::Ended { .. } => "approval.ended",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    pub person: PersonId,
    pub why: Box<str>,
    pub at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Approval {
    pub id: ApprovalId,
    pub seq: u64,
    pub incident: Option<IncidentId>,
    pub actions: Vec<ActionId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub leave: Option<Leave>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statement: Option<StatementId>,
    /// Why the limit is to be left.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub reason: Box<str>,
    #[serde(default)]
    pub ended: bool,
    /// Those that still wait for it.
    pub open: BTreeSet<ActionId>,
    pub subject: Subject,
    pub hash: Box<str>,
    pub terms: Terms,
    pub requesters: Vec<PersonId>,
    /// Who allowed it since it was last asked, and when.
    pub grants: BTreeMap<PersonId, Timestamp>,
    pub denied: Option<Denial>,
    /// How often nobody answered in time, since a person last had it asked.
    pub expired: u32,
    /// Nobody answered however often it was asked; nothing is asked until a person renews it.
    #[serde(default)]
    pub lapsed: bool,
    /// Effects that began by it.
    pub consumed: u32,
    pub requested_at: Timestamp,
    pub expires_at: Timestamp,
}

/// Two accounts of one contact are one person.
pub fn identity(state: &State, person: PersonId) -> Box<str> {
    match access::identity(state, person) {
        Some(contact) => format!("contact {contact}").into(),
        None => person.to_string().into(),
    }
}

/// How many people allow it now: each once, none of those who asked, all of them still entitled.
pub fn counted(state: &State, approval: &Approval) -> u32 {
    let who = approval.grants.keys().filter(|person| entitled(state, approval, **person).is_ok());
    who.map(|person| identity(state, *person)).collect::<BTreeSet<_>>().len() as u32
}

/// Whether this person's yes would count.
pub fn entitled(state: &State, approval: &Approval, person: PersonId) -> Result<(), String> {
    let id = approval.id;
    let myself = identity(state, person);
    if approval.requesters.iter().any(|asked| identity(state, *asked) == myself) {
        return Err(format!("{person} asked for what {id} allows, so somebody else has to approve it"));
    }
    policy::may_approve(state, id, person).map_err(|why| format!("{person} may not approve {id}: {why}"))
}

/// The approval by which this held effect may begin now, if people have given it.
pub fn pass(state: &State, action: &Action, needed: &Terms, now: Timestamp) -> Option<Pass> {
    let approval = state.approval_of(action.id)?;
    let subject = subject_of(action);
    let same = approval.subject.verb == subject.verb
        && approval.subject.args == subject.args
        && approval.subject.targets.contains(&action.spec.target)
        && approval.subject.hash() == approval.hash;
    let quorum = counted(state, approval);
    let enough = quorum >= approval.terms.quorum && quorum >= needed.quorum;
    let live = approval.denied.is_none() && !approval.lapsed && now < approval.expires_at;
    (same && enough && live).then_some(Pass { approval: approval.id, quorum })
}

/// What one effect asks people to allow.
fn subject_of(action: &Action) -> Subject {
    let verb = match (action.goal, &action.spec.revert) {
        (Goal::Release, Some(revert)) => revert.clone(),
        (Goal::Apply | Goal::Release, _) => action.spec.verb.clone(),
    };
    Subject::new(verb, action.spec.args.clone(), vec![action.spec.target.clone()])
}

pub fn decide(
    state: &State,
    command: Command,
    context: &Context,
) -> Result<Vec<(ApprovalId, Event)>, Rejected> {
    match command {
        Command::Request { actions } => Ok(request(state, actions, context)),
        Command::RequestStep { run, step, round } => {
            let held = state.actions.of_step(run, step, round).map(|action| action.id).collect();
            Ok(request(state, held, context))
        }
        Command::Approve { id, hash } => approve(state, id, &hash, context),
        Command::Deny { id, why } => deny(state, id, why, context),
        Command::Expire { id } => {
            let approval = state.approvals.get(&id).filter(|approval| due(approval, context.now).is_some());
            let expired = |approval: &Approval| {
                if approval.leave.is_some() {
                    return (id, Event::Ended { why: "nobody else asked for it in time".into() });
                }
                let more = approval.expired + 1 < ASKED_MAX;
                (id, Event::Expired { again_until: more.then(|| until(&approval.terms, context.now)) })
            };
            Ok(approval.map(expired).into_iter().collect())
        }
        Command::Renew { id } => renew(state, id, context),
        Command::End { id, why } => {
            let live = state.approvals.get(&id).filter(|approval| !is_over(approval));
            Ok(live.map(|_| (id, Event::Ended { why: why.into() })).into_iter().collect())
        }
        Command::Consume { id, action } => {
            let open = state.approvals.get(&id).is_some_and(|approval| approval.open.contains(&action));
            Ok(if open { vec![(id, Event::Consumed { action })] } else { Vec::new() })
        }
        Command::Void { id, action, why } => {
            let open = state.approvals.get(&id).is_some_and(|approval| approval.open.contains(&action));
            Ok(if open { vec![(id, Event::Voided { action, why: why.into() })] } else { Vec::new() })
        }
    }
}

/// A request that stands shorter than this would only ask and ask.
const EXPIRES_LEAST: Span = Span::secs(10);

/// So often nobody answers before it is only asked when a person wants it.
const ASKED_MAX: u32 = 3;

fn until(terms: &Terms, now: Timestamp) -> Timestamp {
    now.plus(terms.expires.max(EXPIRES_LEAST))
}

/// One request for all that ask for the same; what a request covers well enough already asks for nothing.
fn request(state: &State, actions: Vec<ActionId>, context: &Context) -> Vec<(ApprovalId, Event)> {
    let mut events = Vec::new();
    let mut groups: Vec<(Subject, Terms, Vec<&Action>)> = Vec::new();
    for action in actions.into_iter().filter_map(|id| state.actions.get(id)) {
        let Some(needs) = action.needs.as_ref() else { continue };
        match state.approval_of(action.id) {
            Some(asked) if asked.terms.quorum >= needs.quorum => continue,
            Some(weaker) => {
                let why = "the limits ask for more people now".into();
                events.push((weaker.id, Event::Voided { action: action.id, why }));
            }
            None => {}
        }
        let one = subject_of(action);
        match groups.iter_mut().find(|(s, t, _)| s.verb == one.verb && s.args == one.args && t == needs) {
            Some((subject, _, group)) => {
                subject.targets.extend(one.targets);
                group.push(action);
            }
            None => groups.push((one, needs.clone(), vec![action])),
        }
    }
    for (subject, terms, group) in groups {
        let id = ApprovalId::from_number(context.next + events.len() as u64);
        let subject = Subject::new(subject.verb, subject.args, subject.targets);
        let requesters = group.iter().flat_map(|action| requesters(state, action)).collect::<BTreeSet<_>>();
        events.push((
            id,
            Event::Requested {
                incident: Some(group[0].spec.incident),
                actions: group.iter().map(|action| action.id).collect(),
                hash: subject.hash(),
                subject,
                requesters: requesters.into_iter().collect(),
                expires_at: until(&terms, context.now),
                terms,
                leave: None,
                statement: None,
                reason: "".into(),
            },
        ));
    }
    events
}

/// Whoever asked by hand, whoever started or changed the run by hand, and whoever had the recovery begun that it
/// belongs to or that waits for its release.
fn requesters(state: &State, action: &Action) -> Vec<PersonId> {
    let run = action.spec.origin.run().and_then(|run| state.runs.get(run));
    let of_run = run.into_iter().flat_map(|run| run.by.iter().copied());
    let incident = state.incidents.open.get(&action.spec.incident);
    let plan = incident.and_then(|incident| incident.recovery.as_deref());
    let restores = matches!(action.spec.origin, Origin::Recovery { .. });
    let plan = plan.filter(|plan| restores || plan.waits_on_release(action.id));
    let of_recovery = plan.into_iter().flat_map(plan::Plan::beginners);
    action.by.into_iter().chain(of_run).chain(of_recovery).collect()
}

fn find(state: &State, id: ApprovalId) -> Result<&Approval, Rejected> {
    let over = || Rejected::NotFound(format!("there is no approval {id} that waits"));
    state.approvals.get(&id).filter(|approval| !is_over(approval)).ok_or_else(over)
}

/// The person who answers, if their answer counts.
fn voter(state: &State, approval: &Approval, context: &Context) -> Result<PersonId, Rejected> {
    let person = context.a_person("people approve")?;
    entitled(state, approval, person).map_err(Rejected::Forbidden)?;
    Ok(person)
}

/// Asked again by hand: what was granted before counts no more, and who asked stays who asked.
fn renew(state: &State, id: ApprovalId, context: &Context) -> Result<Vec<(ApprovalId, Event)>, Rejected> {
    let approval = find(state, id)?;
    context.a_person("people ask again")?;
    if !approval.lapsed {
        let text = format!("{id} is being asked until {}; answer it", approval.expires_at);
        return Err(Rejected::Conflict(text));
    }
    Ok(vec![(id, Event::Renewed { expires_at: until(&approval.terms, context.now) })])
}

fn approve(
    state: &State,
    id: ApprovalId,
    hash: &str,
    context: &Context,
) -> Result<Vec<(ApprovalId, Event)>, Rejected> {
    let approval = find(state, id)?;
    let person = voter(state, approval, context)?;
    if approval.lapsed || context.now >= approval.expires_at {
        let text = format!("{id} was not answered in time; have it asked again with `run ask {id}`");
        return Err(Rejected::Conflict(text));
    }
    if *hash != *approval.hash {
        let wrong = "the hash is not that of what would be done; look at it again and approve that";
        return Err(Rejected::Conflict(format!("{id}: {wrong}")));
    }
    let myself = identity(state, person);
    if approval.grants.keys().any(|other| identity(state, *other) == myself) {
        return Err(Rejected::Conflict(format!(
            "{person} has approved {id} already; each person counts once"
        )));
    }
    Ok(vec![(id, Event::Granted { person, hash: approval.hash.clone() })])
}

fn deny(
    state: &State,
    id: ApprovalId,
    why: String,
    context: &Context,
) -> Result<Vec<(ApprovalId, Event)>, Rejected> {
    let approval = find(state, id)?;
    let person = context.a_person("people decide")?;
    if !approval.requesters.contains(&person) {
        voter(state, approval, context)?;
    }
    if why.trim().is_empty() || why.len() > 4096 {
        return Err(Rejected::Invalid("say why, in 1 to 4096 bytes".to_owned()));
    }
    Ok(vec![(id, Event::Denied { person, why: why.into() })])
}

pub fn create(id: ApprovalId, event: &Event, meta: &Meta) -> Option<Approval> {
    let Event::Requested {
        incident,
        actions,
        subject,
        hash,
        terms,
        requesters,
        expires_at,
        leave,
        statement,
        reason,
    } = event
    else {
        return None;
    };
    Some(Approval {
        id,
        seq: 1,
        incident: *incident,
        actions: actions.clone(),
        leave: leave.clone(),
        statement: *statement,
        reason: reason.clone(),
        ended: false,
        open: actions.iter().copied().collect(),
        subject: subject.clone(),
        hash: hash.clone(),
        terms: terms.clone(),
        requesters: requesters.clone(),
        grants: BTreeMap::new(),
        denied: None,
        expired: 0,
        lapsed: false,
        consumed: 0,
        requested_at: meta.time,
        expires_at: *expires_at,
    })
}

pub fn apply(approval: &mut Approval, event: &Event, meta: &Meta) {
    approval.seq += 1;
    match event {
        Event::Requested { .. } => {}
        Event::Granted { person, .. } => {
            approval.grants.insert(*person, meta.time);
        }
        Event::Denied { person, why } => {
            approval.denied = Some(Denial { person: *person, why: why.clone(), at: meta.time });
        }
        Event::Expired { again_until } => {
            approval.grants.clear();
            approval.expired += 1;
            approval.lapsed = again_until.is_none();
            approval.expires_at = again_until.unwrap_or(approval.expires_at);
        }
        Event::Renewed { expires_at } => {
            approval.expired = 0;
            approval.lapsed = false;
            approval.expires_at = *expires_at;
        }
        Event::Consumed { action } => {
            approval.consumed += 1;
            approval.open.remove(action);
        }
        Event::Voided { action, .. } => {
            approval.open.remove(action);
        }
        Event::Ended { .. } => approval.ended = true,
    }
}

/// Nothing more will happen to it.
pub fn is_over(approval: &Approval) -> bool {
    let waits = approval.leave.is_some() || approval.statement.is_some() || !approval.open.is_empty();
    approval.denied.is_some() || approval.ended || !waits
}

/// When something happens by itself, and why.
pub fn next_wakeup(approval: &Approval) -> Option<(Timestamp, &'static str)> {
    let asked = !is_over(approval) && !approval.lapsed;
    asked.then_some((approval.expires_at, "approval expires"))
}

pub fn due(approval: &Approval, now: Timestamp) -> Option<Command> {
    next_wakeup(approval).filter(|(at, _)| *at <= now).map(|_| Command::Expire { id: approval.id })
}

/// The command that gathers what a step began together and may not begin yet.
pub fn of_step(run: RunId, step: u32, round: u32) -> flow::Command {
    flow::Command::Approval(Command::RequestStep { run, step, round })
}

/// What an effect's fact means for the request that it waits for, or has to make.
pub fn after_action(state: &State, action: &Action, event: &action::Event) -> Vec<flow::Command> {
    let id = action.id;
    let waits = state.approval_of(id).map(|approval| approval.id);
    let void =
        |why: &str| waits.map(|approval| Command::Void { id: approval, action: id, why: why.to_owned() });
    let command = match event {
        // What a step begins is asked for together, right after.
        action::Event::Held { spec: Some(spec), .. } if spec.origin.run().is_some() => None,
        action::Event::Held { needs: Some(_), .. } => Some(Command::Request { actions: vec![id] }),
        action::Event::Intended { intent, .. } => match intent.pass {
            Some(pass) if waits == Some(pass.approval) => {
                Some(Command::Consume { id: pass.approval, action: id })
            }
            Some(_) | None => void("it may begin without"),
        },
        action::Event::Abandoned { .. } => void("the action is over"),
        action::Event::Held { needs: None, .. }
        | action::Event::Withdrawn { .. }
        | action::Event::Applied { .. }
        | action::Event::Released { .. }
        | action::Event::NotApplied { .. }
        | action::Event::Unknown { .. }
        | action::Event::LeaseExtended { .. }
        | action::Event::LeaseExpired
        | action::Event::Yielded { .. }
        | action::Event::Settled { .. } => {
            if action.is_final() {
                void("the action is over")
            } else {
                None
            }
        }
    };
    command.map(flow::Command::Approval).into_iter().collect()
}

/// What follows from a fact of a request.
pub fn follows(state: &State, id: ApprovalId, event: &Event, now: Timestamp) -> Vec<flow::Command> {
    let Some(approval) = state.approvals.get(&id) else { return Vec::new() };
    let about = Stream::Approval(id);
    let ask = |reason: String| {
        let raise = |id| incident::Command::RaiseAttention { id, about, reason };
        approval.incident.map(raise).map(flow::Command::Incident)
    };
    let clear = || {
        let clear = |id| incident::Command::ClearAttention { id, about };
        approval.incident.map(clear).map(flow::Command::Incident)
    };
    let what = || format!("`{}` on {}", approval.subject.verb, approval.subject.targets.join(", "));
    let commands: Vec<Option<flow::Command>> = match event {
        Event::Requested { terms, .. } => {
            vec![ask(format!(
                "{} waits for the approval of {}; see `run approve {id}`",
                what(),
                terms.quorum
            ))]
        }
        Event::Granted { .. } => granted(state, approval, now).into_iter().map(Some).collect(),
        Event::Denied { person, why } => {
            let reason = format!("{person} denied {id}: {why}");
            let deny = |id: &ActionId| action::Command::Deny { id: *id, reason: reason.clone() };
            let denied = approval.open.iter().map(|id| Some(flow::Command::Action(deny(id))));
            std::iter::once(clear()).chain(denied).collect()
        }
        Event::Expired { again_until: Some(_) } => {
            let times = approval.expired;
            vec![clear(), ask(format!("{} was not approved in time and is asked again ({times})", what()))]
        }
        Event::Expired { again_until: None } => {
            let text = format!("{} was not approved in time and is held; see `run ask {id}`", what());
            vec![clear(), ask(text)]
        }
        Event::Renewed { .. } => {
            vec![clear(), ask(format!("{} is asked again; see `run approve {id}`", what()))]
        }
        Event::Consumed { .. } | Event::Voided { .. } | Event::Ended { .. } => {
            if is_over(approval) {
                vec![clear()]
            } else {
                Vec::new()
            }
        }
    };
    commands.into_iter().flatten().collect()
}

/// Once enough people allow it, it is done.
fn granted(state: &State, approval: &Approval, now: Timestamp) -> Vec<flow::Command> {
    let live = !approval.lapsed && now < approval.expires_at;
    if !live || counted(state, approval) < approval.terms.quorum {
        return Vec::new();
    }
    match (&approval.leave, approval.statement) {
        (Some(leave), _) => vec![leave::carry_out(approval, leave)],
        (None, Some(id)) => vec![statement::carry_out(approval, id)],
        (None, None) => {
            let wake = |id: &ActionId| flow::Command::Action(action::Command::Wake { id: *id });
            approval.open.iter().map(wake).collect()
        }
    }
}

/// What content no longer knows cannot be allowed any more.
pub fn after_content(state: &State) -> Vec<flow::Command> {
    let open = state.approvals.values().flat_map(|approval| approval.open.iter());
    let changed = |id: &&ActionId| {
        let action = state.actions.get(**id);
        action.is_some_and(|action| {
            let known = state.content.actions.get(&*action.spec.verb);
            let args = action.spec.args.clone();
            known.is_none_or(|known| {
                known.risk != action.spec.risk
                    || *known.connector != *action.spec.connector
                    || action::checked_args(known, args).as_ref() != Ok(&action.spec.args)
            })
        })
    };
    let reason = "actions.yaml says otherwise of it now, so what was asked is void".to_owned();
    let deny = |id: &ActionId| action::Command::Deny { id: *id, reason: reason.clone() };
    open.filter(changed).map(|id| flow::Command::Action(deny(id))).collect()
}
