//! `contacts.yaml`, `teams.yaml`, `severities.yaml`, `escalation.yaml` and `calendar.yaml`: who there is and when they
//! are called.

use std::collections::BTreeMap;

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use super::{
    Files, calendar,
    report::{Report, Seen, read_reported, unknown},
};
use crate::{
    content::{
        calendar::{Beat, Every, Wait},
        people::{Contact, Level, People, SeverityTerms, Team},
    },
    document::{Problem, Spanned},
    playbook::Playbook,
    severity::Severity,
    time::Span,
};

const LEVELS_MAX: usize = 20;
const WAIT_LEAST: Span = Span::secs(1);
const WAIT_MOST: Span = Span::secs(365 * 86_400);

#[derive(Deserialize)]
struct ContactsDocument {
    contacts: Vec<ContactDocument>,
}

#[derive(Deserialize)]
struct ContactDocument {
    name: Spanned<String>,
    title: Option<Spanned<String>>,
    #[serde(default)]
    accounts: Vec<Spanned<String>>,
    mail: Option<Spanned<String>>,
    phone: Option<Spanned<String>>,
    #[serde(default)]
    chat: BTreeMap<String, Spanned<String>>,
    #[serde(default)]
    external: bool,
    #[serde(default)]
    roles: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
struct TeamsDocument {
    #[serde(default)]
    #[expect(dead_code, reason = "read once the types of incidents are known")]
    specialists: Value,
    teams: Vec<TeamDocument>,
    #[serde(default)]
    roles: BTreeMap<String, Vec<Spanned<String>>>,
}

#[derive(Deserialize)]
struct TeamDocument {
    name: Spanned<String>,
    role: Spanned<String>,
    members: Vec<Spanned<String>>,
    #[serde(default)]
    responsibilities: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
struct SeveritiesDocument {
    severities: Vec<SeverityDocument>,
    /// Which of the profiles is in force over them.
    profile: Option<Spanned<String>>,
    #[serde(default)]
    profiles: BTreeMap<String, Vec<ProfileDocument>>,
}

/// What a profile says otherwise; the rest stays.
#[derive(Deserialize)]
struct ProfileDocument {
    severity: Spanned<Severity>,
    tell: Option<Vec<Spanned<String>>>,
    acknowledge: Option<Spanned<String>>,
    escalate: Option<Spanned<String>>,
    update: Option<Spanned<String>>,
}

#[derive(Deserialize)]
struct SeverityDocument {
    severity: Spanned<Severity>,
    #[serde(default)]
    tell: Vec<Spanned<String>>,
    acknowledge: Spanned<String>,
    escalate: Option<Spanned<String>>,
    update: Option<Spanned<String>>,
}

#[derive(Deserialize)]
struct EscalationDocument {
    #[serde(default)]
    #[expect(dead_code, reason = "read once the types of incidents are known")]
    factors: Value,
    levels: Vec<LevelDocument>,
}

#[derive(Deserialize)]
struct LevelDocument {
    title: Spanned<String>,
    teams: Vec<Spanned<String>>,
    acknowledge: Spanned<String>,
    #[serde(default)]
    capabilities: Vec<Spanned<String>>,
    #[serde(default)]
    includes_lower: bool,
    #[serde(default)]
    specialists: bool,
    improvement: Option<Spanned<String>>,
    #[serde(default)]
    criteria: Vec<Spanned<String>>,
}

/// The files, each of which may be missing.
pub(super) struct PeopleFiles<'a> {
    pub(super) contacts: Files<'a>,
    pub(super) teams: Files<'a>,
    pub(super) severities: Files<'a>,
    pub(super) escalation: Files<'a>,
    pub(super) calendar: Files<'a>,
}

/// Everybody there is. Where one of the files cannot be read, what refers to it is not looked at.
pub(super) fn read(files: &PeopleFiles<'_>, problems: &mut Vec<Problem>) -> People {
    let mut people = People { calendar: calendar::read(&files.calendar, problems), ..People::default() };
    let read_contacts = one(&files.contacts, problems, |document, report| {
        contacts(document, &mut people, report);
    });
    if !read_contacts {
        return people;
    }
    let read_teams = one(&files.teams, problems, |document, report| teams(document, &mut people, report));
    if !read_teams {
        return people;
    }
    one(&files.severities, problems, |document, report| severities(document, &mut people, report));
    one(&files.escalation, problems, |document, report| levels(document, &mut people, report));
    people
}

/// Roles that playbooks name and `teams.yaml` does not know.
pub(super) fn check_roles<'a>(
    people: &People,
    playbooks: impl Iterator<Item = &'a Playbook>,
    problems: &mut Vec<Problem>,
) {
    if people.teams.is_empty() {
        return;
    }
    let mut report = Report::new("teams.yaml", problems);
    for playbook in playbooks {
        for role in playbook.roles.iter().filter(|role| !people.roles.contains_key(role.as_str())) {
            report.file(format!(
                "no contact holds the role `{role}` that playbook `{}` needs; list it under `roles`, empty if it is vacant",
                playbook.id
            ));
        }
    }
}

/// Whether the file is absent or could be read.
fn one<D: DeserializeOwned>(
    files: &Files<'_>,
    problems: &mut Vec<Problem>,
    take: impl FnOnce(D, &mut Report<'_>),
) -> bool {
    let Some((path, text)) = files.first() else { return true };
    let (document, mut report) = read_reported::<D>(path, text, problems);
    let Some(document) = document else { return false };
    take(document, &mut report);
    true
}

fn contacts(document: ContactsDocument, people: &mut People, report: &mut Report<'_>) {
    let (mut names, mut accounts) = (Seen::default(), Seen::default());
    for entry in document.contacts {
        report.id("the contact", &entry.name);
        if !names.insert("the contact", &entry.name, report) {
            continue;
        }
        for account in &entry.accounts {
            accounts.insert("the account", account, report);
        }
        for text in entry.title.iter().chain(&entry.phone).chain(entry.chat.values()) {
            report.line("the text", text);
        }
        if let Some(mail) = entry.mail.as_ref().filter(|mail| !is_mail(mail)) {
            report.at(mail, "not a mail address such as on-call@example.com".to_owned());
        }
        if entry.mail.is_none() && entry.phone.is_none() && entry.chat.is_empty() {
            report.at(&entry.name, "no way to reach this contact; give `mail`, `phone` or `chat`");
        }
        for role in &entry.roles {
            report.id("the role", role);
            people.roles.entry(role.value.clone()).or_default().insert(entry.name.value.clone());
        }
        let name = entry.name.value;
        let contact = Contact {
            title: entry.title.map_or_else(|| name.clone(), |title| title.value),
            accounts: values(&entry.accounts),
            mail: entry.mail.map(|mail| mail.value),
            phone: entry.phone.map(|phone| phone.value),
            chat: entry.chat.into_iter().map(|(system, handle)| (system, handle.value)).collect(),
            external: entry.external,
            name: name.clone(),
        };
        people.contacts.insert(name, contact);
    }
}

fn teams(document: TeamsDocument, people: &mut People, report: &mut Report<'_>) {
    let mut names = Seen::default();
    for entry in document.teams {
        report.id("the team", &entry.name);
        report.line("the role", &entry.role);
        entry.responsibilities.iter().for_each(|text| report.line("the responsibility", text));
        known_contacts(&entry.members, people, report);
        if entry.members.is_empty() {
            report.at(&entry.name, "a team without members can be told nothing; list `members`");
        }
        if people.contacts.contains_key(&entry.name.value) {
            report.at(&entry.name, "a contact has this name as well; rename one");
        }
        if names.insert("the team", &entry.name, report) {
            let team = Team {
                name: entry.name.value.clone(),
                role: entry.role.value,
                members: values(&entry.members),
                responsibilities: values(&entry.responsibilities),
            };
            people.teams.insert(entry.name.value, team);
        }
    }
    for (role, holders) in document.roles {
        known_contacts(&holders, people, report);
        people.roles.entry(role).or_default().extend(values::<Vec<_>>(&holders));
    }
}

fn severities(document: SeveritiesDocument, people: &mut People, report: &mut Report<'_>) {
    let mut seen = Seen::default();
    for entry in document.severities {
        let name = entry.severity.clone().map(|severity| severity.name().to_owned());
        seen.insert("the severity", &name, report);
        let (update, digest) = updates(entry.update, report);
        let terms = SeverityTerms {
            tell: recipients(&entry.tell, people, report),
            acknowledge: acknowledgement(&entry.acknowledge, report),
            escalate: entry.escalate.map(|text| escalation(&text, report)),
            update,
            digest,
        };
        people.severities.insert(entry.severity.value, terms);
    }
    if let Some(profile) =
        document.profile.as_ref().filter(|name| !document.profiles.contains_key(&name.value))
    {
        report.at(profile, unknown("profile", profile, document.profiles.keys().map(String::as_str)));
    }
    for (name, entries) in document.profiles {
        let over: Vec<_> = entries.into_iter().map(|entry| over(entry, people, report)).collect();
        if document.profile.as_ref().is_some_and(|chosen| chosen.value == name) {
            people.severities.extend(over.into_iter().flatten());
        }
    }
}

/// The terms of one severity as a profile changes them.
fn over(
    entry: ProfileDocument,
    people: &People,
    report: &mut Report<'_>,
) -> Option<(Severity, SeverityTerms)> {
    let Some(mut terms) = people.severities.get(&entry.severity.value).cloned() else {
        report.at(&entry.severity, "a profile changes a severity of `severities`; list it there");
        return None;
    };
    if let Some(tell) = &entry.tell {
        terms.tell = recipients(tell, people, report);
    }
    if let Some(text) = &entry.acknowledge {
        terms.acknowledge = acknowledgement(text, report);
    }
    if let Some(text) = &entry.escalate {
        terms.escalate = Some(escalation(text, report));
    }
    if entry.update.is_some() {
        (terms.update, terms.digest) = updates(entry.update, report);
    }
    Some((entry.severity.value, terms))
}

fn recipients(tell: &[Spanned<String>], people: &People, report: &mut Report<'_>) -> Vec<String> {
    report.unique("the recipient", tell);
    for name in tell.iter().filter(|name| !people.knows(name)) {
        report.at(name, unknown("team, role or contact", name, people.names()));
    }
    values(tell)
}

fn acknowledgement(text: &Spanned<String>, report: &mut Report<'_>) -> Wait {
    match text.as_str() {
        "immediate" => Wait::Plain(Span::default()),
        _ => calendar::wait("the time", text, WAIT_LEAST, WAIT_MOST, report),
    }
}

fn escalation(text: &Spanned<String>, report: &mut Report<'_>) -> Wait {
    calendar::wait("the escalation time", text, WAIT_LEAST, WAIT_MOST, report)
}

/// How often each is told of, or all together.
fn updates(text: Option<Spanned<String>>, report: &mut Report<'_>) -> (Option<Span>, Option<Beat>) {
    let digest = text.as_ref().and_then(|text| digest(text));
    let each = text.filter(|_| digest.is_none());
    (each.map(|text| report.span("the update time", &text, Span::secs(60), WAIT_MOST)), digest)
}

/// `daily`, `weekly`, `monthly` or `quarterly`: all that are open in one notice.
fn digest(text: &str) -> Option<Beat> {
    let every = Every::ALL.into_iter().find(|every| every.name() == text)?;
    Some(Beat { every, at: None })
}

fn levels(document: EscalationDocument, people: &mut People, report: &mut Report<'_>) {
    if document.levels.is_empty() || document.levels.len() > LEVELS_MAX {
        report.file(format!("list 1 to {LEVELS_MAX} levels"));
    }
    let mut criteria = Seen::default();
    for (index, entry) in document.levels.into_iter().enumerate() {
        report.line("the title", &entry.title);
        entry.criteria.iter().chain(&entry.capabilities).for_each(|name| report.id("the name", name));
        for criterion in &entry.criteria {
            criteria.insert("the criterion", criterion, report);
        }
        if entry.teams.is_empty() {
            report.at(&entry.title, "a level without teams reaches nobody; list `teams`");
        }
        for team in entry.teams.iter().filter(|team| !people.teams.contains_key(&team.value)) {
            report.at(team, unknown("team", team, people.teams.keys().map(String::as_str)));
        }
        entry.improvement.iter().for_each(|text| report.line("the improvement", text));
        let acknowledge = wait(&entry.acknowledge, report);
        if index > 0 && acknowledge == Span::default() {
            report.at(&entry.acknowledge, "only the first level may be `immediate`; give it a time");
        }
        people.levels.push(Level {
            title: entry.title.value,
            teams: values(&entry.teams),
            acknowledge,
            capabilities: values(&entry.capabilities),
            includes_lower: entry.includes_lower,
            specialists: entry.specialists,
            improvement: entry.improvement.map(|text| text.value).unwrap_or_default(),
            criteria: values(&entry.criteria),
        });
    }
}

fn wait(text: &Spanned<String>, report: &mut Report<'_>) -> Span {
    match text.as_str() {
        "immediate" => Span::default(),
        _ => report.span("the time", text, WAIT_LEAST, WAIT_MOST),
    }
}

pub(super) fn known_contacts(names: &[Spanned<String>], people: &People, report: &mut Report<'_>) {
    report.unique("the contact", names);
    for name in names.iter().filter(|name| !people.contacts.contains_key(&name.value)) {
        report.at(name, unknown("contact", name, people.contacts.keys().map(String::as_str)));
    }
}

fn values<C: FromIterator<String>>(names: &[Spanned<String>]) -> C {
    names.iter().map(|name| name.value.clone()).collect()
}

fn is_mail(text: &str) -> bool {
    let sound = |part: &str| !part.is_empty() && !part.chars().any(|c| c.is_whitespace() || c.is_control());
    text.len() <= 254
        && text.split_once('@').is_some_and(|(name, host)| sound(name) && sound(host) && !host.contains('@'))
}
