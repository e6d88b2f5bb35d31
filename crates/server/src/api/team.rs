//! `/api/v1/team`: who there is, who holds which role, and who is called in which order.

use std::future::ready;

use axum::response::Response;
use domain::content::people::{Contact as Known, People};
use schemars::JsonSchema;
use serde::Serialize;

use super::read;
use crate::{
    Error,
    call::{Call, ok},
    route::{Answer, Route, schema},
    view::text,
};

pub(crate) const ROUTES: &[Route] = &[read(
    "/api/v1/team",
    &[],
    Answer::Json(200, schema::<Team>),
    "Contacts, teams, roles with their holders, and the levels of escalation, as the content names them.",
    |call| Box::pin(ready(show(&call))),
)];

#[derive(Debug, Serialize, JsonSchema)]
struct Team {
    contacts: Vec<TeamContact>,
    teams: Vec<TeamGroup>,
    roles: Vec<TeamRole>,
    levels: Vec<TeamLevel>,
    severities: Vec<TeamSeverity>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TeamContact {
    name: String,
    title: String,
    mail: Option<String>,
    phone: Option<String>,
    /// Outside of the organisation.
    external: bool,
    roles: Vec<String>,
    /// Accounts here that are this person.
    accounts: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TeamGroup {
    name: String,
    role: String,
    members: Vec<String>,
    responsibilities: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TeamRole {
    name: String,
    /// Empty: it is vacant.
    holders: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TeamLevel {
    /// From 1.
    level: u32,
    title: String,
    teams: Vec<String>,
    /// Everybody in those teams.
    contacts: Vec<String>,
    acknowledge: String,
    capabilities: Vec<String>,
    criteria: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TeamSeverity {
    severity: String,
    tell: Vec<String>,
    acknowledge: String,
    escalate: Option<String>,
    update: Option<String>,
}

impl TeamContact {
    fn of(contact: &Known, people: &People) -> TeamContact {
        let roles = people.roles.iter().filter(|(_, holders)| holders.contains(&contact.name));
        TeamContact {
            name: contact.name.clone(),
            title: contact.title.clone(),
            mail: contact.mail.clone(),
            phone: contact.phone.clone(),
            external: contact.external,
            roles: roles.map(|(role, _)| role.clone()).collect(),
            accounts: contact.accounts.clone(),
        }
    }
}

fn show(call: &Call) -> Result<Response, Error> {
    let content = call.shared.content();
    let people = &content.people;
    let group = |team: &domain::content::people::Team| TeamGroup {
        name: team.name.clone(),
        role: team.role.clone(),
        members: team.members.clone(),
        responsibilities: team.responsibilities.clone(),
    };
    let severity =
        |(severity, terms): (&domain::severity::Severity, &domain::content::people::SeverityTerms)| {
            TeamSeverity {
                severity: severity.name().to_owned(),
                tell: terms.tell.clone(),
                acknowledge: text(terms.acknowledge),
                escalate: terms.escalate.map(text),
                update: terms
                    .update
                    .map(text)
                    .or_else(|| terms.digest.map(|beat| beat.every.name().to_owned())),
            }
        };
    ok(&Team {
        contacts: people.contacts.values().map(|contact| TeamContact::of(contact, people)).collect(),
        teams: people.teams.values().map(group).collect(),
        roles: people
            .roles
            .iter()
            .map(|(name, holders)| TeamRole {
                name: name.clone(),
                holders: holders.iter().cloned().collect(),
            })
            .collect(),
        levels: (1..=people.last_level()).filter_map(|number| level(people, number)).collect(),
        severities: people.severities.iter().rev().map(severity).collect(),
    })
}

fn level(people: &People, number: u8) -> Option<TeamLevel> {
    let level = people.levels.get(usize::from(number) - 1)?;
    Some(TeamLevel {
        level: u32::from(number),
        title: level.title.clone(),
        teams: level.teams.clone(),
        contacts: people.of_level(number).into_iter().map(str::to_owned).collect(),
        acknowledge: text(level.acknowledge),
        capabilities: level.capabilities.clone(),
        criteria: level.criteria.clone(),
    })
}
