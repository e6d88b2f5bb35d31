//! Who may do what: policies of content decide every command that a person gives, in this one place.
//!
//! A command becomes questions (`asked`: which act, on what), the state gives what policies may look at (`thing`),
//! and Cedar answers (`cedar`). Alerts and reports of machines are authorised by the scope of their token and ask
//! nothing here. What holds whatever policies say stands in the machines: whoever asked for an effect never approves
//! it, and machines never do.

pub mod act;
mod asked;
mod cedar;
#[cfg(test)]
mod tests;
mod thing;

use std::{collections::BTreeSet, sync::LazyLock};

use self::asked::Asked;
pub use self::{
    act::{Act, Kind},
    cedar::{Policies, SCHEMA, Verdict, schema_text},
    thing::{About, Around, Effect, Principal, Thing, Who},
};
use crate::{
    access::{Permission, Role},
    content::strategies::Strategy,
    event::{Actor, Context, Rejected},
    flow::Command,
    id::{ApprovalId, IncidentId, PersonId},
    state::State,
};

/// The policies that a folder without any has.
pub const SHIPPED: &[(&str, &str)] = &[
    ("policies/duties.cedar", include_str!("../../../content/policies/duties.cedar")),
    ("policies/roles.cedar", include_str!("../../../content/policies/roles.cedar")),
];

impl Default for Policies {
    /// The shipped ones, compiled once.
    fn default() -> Policies {
        static COMPILED: LazyLock<Policies> = LazyLock::new(Policies::shipped);
        COMPILED.clone()
    }
}

impl Policies {
    /// The names of this kind that policies use.
    pub fn named(&self, kind: &str) -> impl Iterator<Item = &String> {
        self.names.iter().filter(move |(own, _)| own == kind).map(|(_, name)| name)
    }

    /// The policies with these ids, and what each says.
    fn say(&self, ids: &BTreeSet<String>) -> String {
        let one = |id: &String| {
            format!("policy `{id}`: {}", self.texts.get(id).map_or("it is gone", String::as_str))
        };
        ids.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    /// Why this is refused, with the policies that decided.
    fn refusal(&self, who: &Principal, act: Act, thing: &Thing, verdict: &Verdict) -> String {
        let what = format!("`{}` of {}", act.name, thing.id);
        if let Some(broken) = &verdict.broken {
            return format!("{what} is refused: a policy could not be evaluated: {broken}");
        }
        if !verdict.by.is_empty() {
            return format!("{what} is refused by {}", self.say(&verdict.by));
        }
        let whom = match who {
            Principal::Person(who) => {
                let role = who.role.map_or("nobody here", Role::name);
                format!("`{}`, who is {role}", who.name)
            }
            Principal::Machine(token) => format!("the machine {token}"),
        };
        let named: Vec<&str> = thing.roles.iter().map(String::as_str).collect();
        let named = match named.is_empty() {
            true => String::new(),
            false => format!(" (here the role {})", named.join(" or ")),
        };
        match self.permitting(act) {
            ids if ids.is_empty() => format!("{what}: no policy permits it to anybody"),
            ids => format!("{what}: no policy permits it to {whom}; it takes {}{named}", self.say(&ids)),
        }
    }
}

/// Whether policies let this command through, asked once before it is decided.
///
/// # Errors
/// [`Rejected::Forbidden`] with the policies that decided.
pub(crate) fn permit(state: &State, command: &Command, context: &Context) -> Result<(), Rejected> {
    may(state, &context.actor, command)
}

/// Whether policies would let this command through, asked before work that costs much is done for it. They are asked
/// anew when it is decided.
///
/// # Errors
/// [`Rejected::Forbidden`] with the policies that decided.
pub fn may(state: &State, actor: &Actor, command: &Command) -> Result<(), Rejected> {
    let acts = match asked::by(state, command) {
        Asked::Scope | Asked::Record => return Ok(()),
        Asked::Own => {
            // What time, connectors and the owner of the machine bring in.
            let own = principal(state, actor, &Thing::platform()).is_none();
            let text = format!("{actor} may not ask for this: only the platform itself does");
            return if own { Ok(()) } else { Err(Rejected::Forbidden(text)) };
        }
        Asked::Acts(acts) => acts,
    };
    acts.into_iter().try_for_each(|(act, thing)| ask(state, actor, act, &thing).map_err(Rejected::Forbidden))
}

#[cfg(test)]
pub(crate) fn is_own(state: &State, command: &Command) -> bool {
    matches!(asked::by(state, command), Asked::Own)
}

/// Whom policies are asked about; the platform itself is not.
fn principal(state: &State, actor: &Actor, thing: &Thing) -> Option<Principal> {
    match actor {
        Actor::Person(id) => Some(Principal::Person(Who::of(state, *id, &thing.roles))),
        Actor::Source(token) => Some(Principal::Machine(*token)),
        Actor::Platform | Actor::Rule(_) => None,
    }
}

fn ask(state: &State, actor: &Actor, act: Act, thing: &Thing) -> Result<(), String> {
    let Some(who) = principal(state, actor, thing) else { return Ok(()) };
    let policies = &state.content.policies;
    let verdict = policies.decide(&who, act, thing, Around::of(state));
    if verdict.allowed { Ok(()) } else { Err(policies.refusal(&who, act, thing, &verdict)) }
}

/// Whether this person's yes to a request counts: the act itself, and for a limit the right to leave it.
///
/// # Errors
/// Why not, with the policies that decided.
pub fn may_approve(state: &State, id: ApprovalId, person: PersonId) -> Result<(), String> {
    let mut acts = asked::of_approval(state, id).into_iter();
    acts.try_for_each(|(act, thing)| ask(state, &Actor::Person(person), act, &thing))
}

/// Whether policies let this one take the strategy for the incident.
///
/// # Errors
/// Why not, with the policies that decided.
pub(crate) fn may_contain(
    state: &State,
    actor: &Actor,
    incident: IncidentId,
    strategy: &Strategy,
) -> Result<(), String> {
    ask(state, actor, act::CONTAINMENT_APPLY, &asked::of_strategy(state, incident, strategy))
}

/// The doors that are open to a person.
pub fn doors(state: &State, person: PersonId) -> BTreeSet<Permission> {
    let who = Principal::Person(Who::of(state, person, &BTreeSet::new()));
    let open = |door: &Permission| {
        let act = Act::enter(*door);
        state.content.policies.decide(&who, act, &Thing::platform(), Around::default()).allowed
    };
    Permission::ALL.into_iter().filter(open).collect()
}
