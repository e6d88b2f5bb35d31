//! Who there is: contacts, teams, roles, what a severity means for them, and the levels of escalation.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    calendar::{Beat, Calendar, Wait},
    factors::{Factors, Specialists},
};
use crate::{
    severity::Severity,
    time::{Span, Timestamp},
};

#[derive(Debug, Clone, Default, PartialEq)]
pub struct People {
    pub severities: BTreeMap<Severity, SeverityTerms>,
    pub teams: BTreeMap<String, Team>,
    /// Role to the contacts that hold it; a role with none is known to be vacant.
    pub roles: BTreeMap<String, BTreeSet<String>>,
    pub contacts: BTreeMap<String, Contact>,
    /// Lowest first.
    pub levels: Vec<Level>,
    /// Without one, every hour is working time.
    pub calendar: Option<Calendar>,
    /// By what incidents go up by themselves.
    pub factors: Factors,
    pub specialists: Vec<Specialists>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct SeverityTerms {
    /// Teams, roles or contacts.
    pub tell: Vec<String>,
    /// Zero means immediately.
    pub acknowledge: Wait,
    pub escalate: Option<Wait>,
    /// How often the state of each is told.
    pub update: Option<Span>,
    /// When the state of all that are open is told, in one notice.
    pub digest: Option<Beat>,
}

impl SeverityTerms {
    /// When the state is told next, where each is told `span` after the last time.
    pub fn told_next(
        &self,
        now: Timestamp,
        span: Option<Span>,
        calendar: Option<&Calendar>,
    ) -> Option<Timestamp> {
        let digest = self.digest.map(|beat| beat.next(now, calendar));
        digest.or_else(|| span.map(|span| now.plus(span)))
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct Team {
    pub name: String,
    pub role: String,
    pub members: Vec<String>,
    pub responsibilities: Vec<String>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Contact {
    pub name: String,
    pub title: String,
    /// Names of the accounts of this person.
    pub accounts: Vec<String>,
    pub mail: Option<String>,
    pub phone: Option<String>,
    /// Chat system to the handle there.
    pub chat: BTreeMap<String, String>,
    pub external: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Level {
    pub title: String,
    pub teams: Vec<String>,
    /// Zero means immediately: this level sets no clock of its own.
    pub acknowledge: Span,
    pub capabilities: Vec<String>,
    /// Its teams may also do what the levels below may.
    pub includes_lower: bool,
    /// Those who know the type of the incident are called in place of its teams.
    pub specialists: bool,
    /// What calling it should change.
    pub improvement: String,
    pub criteria: Vec<String>,
}

impl People {
    /// The contacts behind names of teams, roles and contacts, each once.
    pub fn expand<'a>(&'a self, names: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        let mut found = BTreeSet::new();
        for name in names {
            if let Some(team) = self.teams.get(name) {
                found.extend(team.members.iter().map(String::as_str));
            } else if let Some(holders) = self.roles.get(name) {
                found.extend(holders.iter().map(String::as_str));
            } else if let Some(contact) = self.contacts.get(name) {
                found.insert(contact.name.as_str());
            }
        }
        found
    }

    /// Of these contacts those inside; to the others words go by statements alone.
    pub fn inside<'a>(&self, contacts: impl IntoIterator<Item = &'a str>) -> BTreeSet<&'a str> {
        contacts.into_iter().filter(|contact| !self.is_outside(contact)).collect()
    }

    pub fn is_outside(&self, contact: &str) -> bool {
        self.contacts.get(contact).is_some_and(|contact| contact.external)
    }

    /// Every name that stands for somebody: of teams, roles and contacts.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.teams.keys().chain(self.roles.keys()).chain(self.contacts.keys()).map(String::as_str)
    }

    pub fn knows(&self, name: &str) -> bool {
        self.teams.contains_key(name) || self.roles.contains_key(name) || self.contacts.contains_key(name)
    }

    /// The contacts of one level, counted from 1.
    pub fn of_level(&self, level: u8) -> BTreeSet<&str> {
        let level = usize::from(level).checked_sub(1).and_then(|index| self.levels.get(index));
        self.expand(level.into_iter().flat_map(|level| level.teams.iter().map(String::as_str)))
    }

    /// Who hears that an incident of this severity opened: whom it names inside, and of a critical one the last level.
    pub fn told_of(&self, severity: Severity) -> BTreeSet<&str> {
        let terms = self.severities.get(&severity);
        let named = terms.into_iter().flat_map(|terms| terms.tell.iter().map(String::as_str));
        let mut told = self.inside(self.expand(named));
        if severity == Severity::Critical {
            told.extend(self.of_level(self.last_level()));
        }
        told
    }

    /// The number of the last level; zero where there is none.
    pub fn last_level(&self) -> u8 {
        u8::try_from(self.levels.len()).unwrap_or(u8::MAX)
    }

    /// The level that a criterion engages, counted from 1.
    pub fn level_for(&self, criterion: &str) -> Option<u8> {
        let index = self.levels.iter().position(|level| level.criteria.iter().any(|own| own == criterion))?;
        u8::try_from(index + 2).ok().map(|level| level.min(self.last_level()))
    }

    /// The contact to whom an account belongs.
    pub fn of_account(&self, account: &str) -> Option<&Contact> {
        self.contacts.values().find(|contact| contact.accounts.iter().any(|own| own == account))
    }

    /// Whether the contact holds the role.
    pub fn holds(&self, contact: &str, role: &str) -> bool {
        self.roles.get(role).is_some_and(|holders| holders.contains(contact))
    }

    /// Whether at least one contact that holds the role has an account here.
    pub fn is_linked(&self, role: &str) -> bool {
        self.have_accounts(self.roles.get(role).into_iter().flatten())
    }

    /// Whether at least one of these contacts has an account here.
    pub fn have_accounts<'a>(&self, names: impl IntoIterator<Item = impl AsRef<str> + 'a>) -> bool {
        let mut contacts = names.into_iter().filter_map(|name| self.contacts.get(name.as_ref()));
        contacts.any(|contact| !contact.accounts.is_empty())
    }

    /// The capabilities that levels have.
    pub fn capabilities(&self) -> impl Iterator<Item = &str> {
        self.levels.iter().flat_map(|level| level.capabilities.iter().map(String::as_str))
    }

    /// The contacts whose level has this capability, or lies above one that has it and includes it.
    pub fn of_capability(&self, name: &str) -> BTreeSet<&str> {
        let has = |level: &Level| level.capabilities.iter().any(|own| own == name);
        let lowest = self.levels.iter().position(has);
        let levels = self.levels.iter().enumerate().filter(|(index, level)| {
            has(level) || (level.includes_lower && lowest.is_some_and(|lowest| lowest < *index))
        });
        self.expand(levels.flat_map(|(_, level)| level.teams.iter().map(String::as_str)))
    }

    pub fn is_empty(&self) -> bool {
        self.contacts.is_empty() && self.levels.is_empty() && self.severities.is_empty()
    }
}
