//! What policies may look at: who asks, what it is about, and how things stand. Plain data, read from the state.

use std::collections::BTreeSet;

use super::act::Kind;
use crate::{
    access::{self, Permission, Role},
    action::Spec,
    approval,
    content::ActionSpec,
    control::SafeMode,
    id::{ApprovalId, IncidentId, PersonId, TokenId},
    incident,
    severity::{Risk, Severity},
    state::State,
};

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Principal {
    Person(Who),
    Machine(TokenId),
}

/// A person, with all that they hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Who {
    pub id: PersonId,
    pub name: Box<str>,
    /// Absent for who is unknown or may not come in any more.
    pub role: Option<Role>,
    /// Of the roles that teams.yaml and playbooks name.
    pub team_roles: BTreeSet<String>,
    pub teams: BTreeSet<String>,
    /// Of escalation, counted from 1.
    pub levels: BTreeSet<u8>,
    pub capabilities: BTreeSet<String>,
}

/// What it is about. What a kind does not have stays empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Thing {
    pub kind: Kind,
    pub id: String,
    pub incident: Option<About>,
    pub effect: Option<Effect>,
    /// Of an approval: the team roles one of which it takes.
    pub roles: BTreeSet<String>,
    /// Of an approval: who asked. Of a run: who started or changed it by hand. Of an account: whose it is.
    pub people: BTreeSet<PersonId>,
    /// Of a notice: somebody outside hears it.
    pub external: bool,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct About {
    pub id: Option<IncidentId>,
    pub incident_type: Box<str>,
    pub category: Box<str>,
    pub severity: Severity,
    pub status: &'static str,
    pub assignee: Option<PersonId>,
    pub commander: Option<PersonId>,
    pub drill: bool,
}

/// What would be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    pub verb: Box<str>,
    pub connector: Box<str>,
    pub risk: Risk,
    pub purpose: &'static str,
    /// Capabilities that it takes.
    pub permissions: BTreeSet<String>,
}

/// How the limits stand.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Around {
    pub safe_mode: SafeMode,
    pub kill_switch: bool,
}

impl Around {
    pub fn of(state: &State) -> Around {
        Around { safe_mode: state.control.safe_mode, kill_switch: state.control.kill_switch.is_some() }
    }
}

impl Who {
    /// `roles` are looked at besides those of teams.yaml.
    pub fn of(state: &State, id: PersonId, roles: &BTreeSet<String>) -> Who {
        let people = &state.content.people;
        let account = state.people.get(&id).filter(|person| !person.disabled);
        let named = people.roles.keys().chain(roles).chain(state.content.policies.named("TeamRole"));
        let team_roles =
            named.filter(|role| access::holds_role(state, id, role, Permission::Command)).cloned().collect();
        let contact = account.and_then(|_| access::identity(state, id));
        let member = |team: &&crate::content::people::Team| {
            contact.is_some_and(|contact| team.members.iter().any(|member| member == contact))
        };
        let teams: BTreeSet<String> =
            people.teams.values().filter(member).map(|team| team.name.clone()).collect();
        let levels = (1..=people.last_level())
            .filter(|level| contact.is_some_and(|contact| people.of_level(*level).contains(contact)));
        Who {
            id,
            name: account.map_or_else(|| "nobody".into(), |account| account.name.clone()),
            role: account.map(|account| account.role),
            team_roles,
            teams,
            levels: levels.collect(),
            capabilities: access::capabilities(state, id),
        }
    }

    /// As the roles alone say, for a table of who may do what.
    pub fn with_role(role: Role) -> Who {
        Who {
            id: PersonId::from_number(0),
            name: role.name().into(),
            role: Some(role),
            team_roles: BTreeSet::new(),
            teams: BTreeSet::new(),
            levels: BTreeSet::new(),
            capabilities: BTreeSet::new(),
        }
    }
}

impl Thing {
    pub fn new(kind: Kind, id: impl Into<String>) -> Thing {
        Thing {
            kind,
            id: id.into(),
            incident: None,
            effect: None,
            roles: BTreeSet::new(),
            people: BTreeSet::new(),
            external: false,
        }
    }

    pub fn platform() -> Thing {
        Thing::new(Kind::Platform, "ringfence")
    }

    /// What does not exist is nobody's; the machine then says that it is not there.
    pub fn incident(state: &State, id: IncidentId) -> Thing {
        Thing { incident: About::of(state, id), ..Thing::new(Kind::Incident, id.to_string()) }
    }

    pub fn within(kind: Kind, id: impl Into<String>, state: &State, incident: Option<IncidentId>) -> Thing {
        let incident = incident.and_then(|id| About::of(state, id));
        Thing { incident, ..Thing::new(kind, id) }
    }

    pub fn approval(state: &State, id: ApprovalId) -> Thing {
        let Some(asked) = state.approvals.get(&id) else { return Thing::new(Kind::Approval, id.to_string()) };
        let mine = |person: &&PersonId| {
            let myself = approval::identity(state, **person);
            asked.requesters.iter().any(|other| approval::identity(state, *other) == myself)
        };
        let people = state.people.keys().chain(&asked.requesters).filter(mine).copied().collect();
        let roles = asked.terms.roles.iter().map(ToString::to_string).collect();
        let known = asked.actions.first().and_then(|action| state.actions.get(*action));
        let effect = known.map(|action| Effect::of(state, &action.spec));
        Thing {
            people,
            roles,
            effect,
            ..Thing::within(Kind::Approval, id.to_string(), state, asked.incident)
        }
    }
}

impl About {
    pub fn of(state: &State, id: IncidentId) -> Option<About> {
        let incident = state.incidents.open.get(&id)?;
        let status = match incident.status {
            incident::Status::Open => "open",
            incident::Status::Watching => "watching",
            incident::Status::Resolved => "resolved",
            incident::Status::Closed => "closed",
        };
        Some(About {
            id: Some(id),
            category: About::category(state, &incident.incident_type),
            incident_type: incident.incident_type.clone(),
            severity: incident.severity,
            status,
            assignee: incident.assignee,
            commander: incident.standing().commander,
            drill: incident.drill,
        })
    }

    /// One that would be opened.
    pub fn new(state: &State, incident_type: &str, severity: Severity) -> About {
        let name = state.content.type_name(incident_type);
        About {
            id: None,
            category: About::category(state, &name),
            incident_type: name.into(),
            severity,
            status: "new",
            assignee: None,
            commander: None,
            drill: false,
        }
    }

    fn category(state: &State, incident_type: &str) -> Box<str> {
        let known = state.content.types.get(incident_type);
        known.map_or_else(Box::default, |known| known.category.as_str().into())
    }
}

impl Effect {
    /// What actions.yaml says now counts, also for what began under other words.
    pub fn of(state: &State, spec: &Spec) -> Effect {
        let permissions = state.content.actions.get(&*spec.verb).map(|known| &known.permissions);
        Effect {
            verb: spec.verb.clone(),
            connector: spec.connector.clone(),
            risk: spec.risk,
            purpose: spec.purpose.name(),
            permissions: permissions.cloned().unwrap_or_default(),
        }
    }

    pub fn new(spec: &ActionSpec) -> Effect {
        Effect {
            verb: spec.verb.as_str().into(),
            connector: spec.connector.as_str().into(),
            risk: spec.risk,
            purpose: spec.purpose.name(),
            permissions: spec.permissions.clone(),
        }
    }
}
