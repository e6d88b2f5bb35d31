//! Strategies held against an incident as it stands: what can be done now, the least risky first, and why the rest
//! cannot; and what is asked for when a person takes one.

#[cfg(test)]
mod tests;

use std::sync::Arc;

use crate::{
    action::{self, Goal, Spec},
    approval::Terms,
    content::strategies::Strategy,
    event::{Actor, Rejected},
    id::{ActionId, IncidentId},
    incident::{self, Incident},
    limits::{self, Asked, Permit},
    playbook::{Lease, OnExpiry},
    policy,
    state::State,
    time::Timestamp,
};

/// One strategy for one incident.
#[derive(Debug, Clone, PartialEq)]
pub struct Choice {
    pub strategy: Arc<Strategy>,
    /// Targets of the incident on which it would act now.
    pub targets: Vec<Box<str>>,
    /// What holds already, so it is not asked for again.
    pub in_force: Vec<ActionId>,
    /// At most so many of the targets at once, as things stand.
    pub targets_max: usize,
    /// Whose yes it needs before its first call, and why.
    pub needs: Option<(Terms, String)>,
    /// Why it cannot be taken now.
    pub omitted: Option<Omitted>,
}

/// Why a strategy is left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Omitted {
    pub because: Because,
    pub reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Because {
    Severity,
    NoTarget,
    InForce,
    Permission,
    Limit,
    Cap,
}

impl Because {
    pub fn name(self) -> &'static str {
        match self {
            Because::Severity => "severity",
            Because::NoTarget => "no_target",
            Because::InForce => "in_force",
            Because::Permission => "permission",
            Because::Limit => "limit",
            Because::Cap => "cap",
        }
    }
}

/// What people choose from: every strategy for the type of the incident, those that can be taken now first, by risk and
/// then by how much they cost beside it.
///
/// # Errors
/// [`Rejected::NotFound`] where the incident is not open.
pub fn options(
    state: &State,
    id: IncidentId,
    actor: &Actor,
    now: Timestamp,
) -> Result<Vec<Choice>, Rejected> {
    let incident = incident::open(state, id)?;
    let fitting = state.content.strategies.list.iter().filter(|one| one.is_for(&incident.incident_type));
    let mut choices: Vec<Choice> =
        fitting.map(|one| choice(state, incident, one, Some(actor), now)).collect();
    choices.sort_by(|one, other| {
        let key = |choice: &Choice| {
            let strategy = &choice.strategy;
            (choice.omitted.is_some(), strategy.risk, strategy.side_effects.len())
        };
        key(one).cmp(&key(other)).then_with(|| one.strategy.id.cmp(&other.strategy.id))
    });
    Ok(choices)
}

/// `actor` is asked about where policies were not asked before.
fn choice(
    state: &State,
    incident: &Incident,
    strategy: &Arc<Strategy>,
    actor: Option<&Actor>,
    now: Timestamp,
) -> Choice {
    let mut choice = Choice {
        strategy: strategy.clone(),
        targets: Vec::new(),
        in_force: Vec::new(),
        targets_max: 0,
        needs: None,
        omitted: None,
    };
    for target in incident.targets_of(&strategy.target) {
        match held(state, incident.id, &strategy.verb, target) {
            Some(id) => choice.in_force.push(id),
            None => choice.targets.push(target.into()),
        }
    }
    choice.omitted = omitted(state, incident, &mut choice, actor, now).err();
    choice
}

/// What does the same to the same target for this incident, in force or on its way.
pub(crate) fn held(state: &State, incident: IncidentId, verb: &str, target: &str) -> Option<ActionId> {
    let same = |action: &&action::Action| *action.spec.verb == *verb && *action.spec.target == *target;
    let mut own = state.actions.of_incident(incident).filter(|action| !action.is_final());
    own.find(same).map(|action| action.id)
}

fn omitted(
    state: &State,
    incident: &Incident,
    choice: &mut Choice,
    actor: Option<&Actor>,
    now: Timestamp,
) -> Result<(), Omitted> {
    let strategy = choice.strategy.clone();
    let because = |because, reason: String| Err(Omitted { because, reason });
    if !strategy.fits(incident.severity) {
        let (from, to, is) = (strategy.from, strategy.to, incident.severity);
        return because(Because::Severity, format!("it is for {from} to {to}, and the incident is {is}"));
    }
    let Some(first) = choice.targets.first() else {
        let kind = &strategy.target;
        return match choice.in_force.first() {
            Some(id) => because(Because::InForce, format!("it holds already on every {kind}, see {id}")),
            None => because(Because::NoTarget, format!("the incident names no {kind}")),
        };
    };
    if let Some(actor) = actor
        && let Err(reason) = policy::may_contain(state, actor, incident.id, &strategy)
    {
        return because(Because::Permission, reason);
    }
    let spec = match spec(state, incident.id, &strategy, first) {
        Ok(spec) => spec,
        Err(rejected) => return because(Because::Cap, rejected.to_string()),
    };
    choice.targets_max = most(state, &strategy).min(choice.targets.len());
    match limits::permits(&state.control, &spec, Goal::Apply, Asked::ByPerson, now) {
        Permit::Refused(reason) => because(Because::Limit, reason),
        Permit::NeedsApproval(terms, why) => {
            choice.needs = Some((terms, why));
            Ok(())
        }
        Permit::Allowed => Ok(()),
    }
}

/// How many targets its action may reach at once now.
pub(crate) fn most(state: &State, strategy: &Strategy) -> usize {
    let Some(known) = state.content.actions.get(&strategy.verb) else { return 0 };
    let free = |most: u32| (most as usize).saturating_sub(state.actions.out(&strategy.verb));
    (known.blast_radius_max as usize).min(known.in_force_max.map_or(usize::MAX, free))
}

/// What a person asks for with a strategy on one target: the same as by its verb, under its name.
pub(crate) fn spec(
    state: &State,
    incident: IncidentId,
    strategy: &Strategy,
    target: &str,
) -> Result<Spec, Rejected> {
    let lease = strategy.lease.map(|span| Lease { span: Some(span), on_expiry: OnExpiry::Ask });
    let spec = action::by_person(state, incident, &strategy.verb, target, strategy.args.clone(), lease)?;
    let risk = spec.risk.max(strategy.risk);
    Ok(Spec { strategy: Some(strategy.id.as_str().into()), risk, ..spec })
}

/// What a person asks for: this strategy on these targets of the incident, or on all that it does not hold yet.
///
/// # Errors
/// Why not, as [`options`] says it; nothing is asked for then.
pub(crate) fn specs(
    state: &State,
    id: IncidentId,
    name: &str,
    targets: &[String],
    now: Timestamp,
) -> Result<Vec<Spec>, Rejected> {
    let incident = incident::open(state, id)?;
    let strategies = &state.content.strategies;
    let fits = |strategy: &&Arc<Strategy>| strategy.is_for(&incident.incident_type);
    let Some(strategy) = strategies.get(name).filter(fits) else {
        let known: Vec<&str> = strategies.list.iter().filter(fits).map(|one| one.id.as_str()).collect();
        let (kind, known) = (&incident.incident_type, known.join(", "));
        let message = format!("`{name}` is no strategy of strategies.yaml for {kind}; it has {known}");
        return Err(Rejected::Invalid(message));
    };
    let choice = choice(state, incident, strategy, None, now);
    if let Some(Omitted { because, reason }) = choice.omitted {
        let reason = format!("`{name}` cannot be applied: {reason}");
        return Err(match because {
            Because::Limit | Because::Cap => Rejected::Limited(reason),
            Because::Permission => Rejected::Forbidden(reason),
            Because::Severity | Because::NoTarget | Because::InForce => Rejected::Conflict(reason),
        });
    }
    let mut wanted: Vec<&str> = match targets {
        [] => choice.targets.iter().map(|target| &**target).collect(),
        named => named.iter().map(String::as_str).collect(),
    };
    // What is named twice is one target all the same.
    wanted.sort_unstable();
    wanted.dedup();
    if let Some(other) = wanted.iter().find(|name| !choice.targets.iter().any(|target| **target == ***name)) {
        let free = choice.targets.join(", ");
        let kind = &strategy.target;
        return Err(Rejected::Invalid(format!(
            "`{other}` is no {kind} that it can act on here; those are {free}"
        )));
    }
    if wanted.len() > choice.targets_max {
        let (count, most) = (wanted.len(), choice.targets_max);
        return Err(Rejected::Limited(format!(
            "{count} targets, and `{}` may reach {most} now; name those that matter most",
            strategy.verb
        )));
    }
    wanted.into_iter().map(|target| spec(state, id, strategy, target)).collect()
}
