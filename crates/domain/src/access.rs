//! People, their roles, and the tokens by which people and machine sources speak.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::{
    event::{Context, Meta, Rejected},
    id::{PersonId, TokenId},
    state::State,
    time::{Span, Timestamp},
};

/// The contact to whom the account belongs.
pub fn identity(state: &State, person: PersonId) -> Option<&str> {
    let account = state.people.get(&person)?;
    state.content.people.of_account(&account.name).map(|contact| contact.name.as_str())
}

/// What a person may do. Each role may do all that the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    Viewer,
    Responder,
    Commander,
    Admin,
}

/// The door of a route. Policies say whom it lets in; what lies behind is decided by them once more, exactly.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Permission {
    /// Send alerts.
    Ingest,
    /// Tell what one saw.
    Report,
    /// Read everything but secrets.
    Read,
    /// Work on incidents, runs, silences.
    Respond,
    /// Apply and release containments, move the limits.
    Command,
    /// People, tokens, redaction.
    Administer,
}

impl Permission {
    pub const ALL: [Permission; 6] = [
        Permission::Ingest,
        Permission::Report,
        Permission::Read,
        Permission::Respond,
        Permission::Command,
        Permission::Administer,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Permission::Ingest => "ingest",
            Permission::Report => "report",
            Permission::Read => "read",
            Permission::Respond => "respond",
            Permission::Command => "command",
            Permission::Administer => "administer",
        }
    }
}

impl Role {
    pub const ALL: [Role; 4] = [Role::Viewer, Role::Responder, Role::Commander, Role::Admin];

    pub fn name(self) -> &'static str {
        match self {
            Role::Viewer => "viewer",
            Role::Responder => "responder",
            Role::Commander => "commander",
            Role::Admin => "admin",
        }
    }
}

impl Role {
    /// Whether the rank stands in for a role of content that nobody with an account holds. What a person may do is
    /// for policies to say.
    fn permits(self, permission: Permission) -> bool {
        let least = match permission {
            Permission::Read => Role::Viewer,
            Permission::Respond | Permission::Ingest | Permission::Report => Role::Responder,
            Permission::Command => Role::Commander,
            Permission::Administer => Role::Admin,
        };
        self >= least
    }
}

impl std::str::FromStr for Role {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a role; use viewer, responder, commander or admin");
        Role::ALL.into_iter().find(|role| role.name() == text).ok_or_else(wrong)
    }
}

/// Whom a token speaks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Holder {
    Person(PersonId),
    /// A machine that may send alerts and nothing else.
    Source(Box<str>),
    /// The same, and all that it sends is for practice.
    Drill(Box<str>),
    /// A form whose users may report what they saw, and nothing else.
    Form(Box<str>),
    /// The page by which people outside report, and nothing else.
    Outside(Box<str>),
    /// A browser in which a person logged in; it may read, whatever the person may.
    Page(PersonId),
}

/// A browser has to log in again after this.
pub const PAGE_LASTS: Span = Span::secs(12 * 3_600);
/// A person's browsers at once; one more ends the oldest.
pub const PAGES_MAX: usize = 8;

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    AddPerson {
        name: String,
        role: Role,
    },
    SetRole {
        id: PersonId,
        role: Role,
    },
    DisablePerson {
        id: PersonId,
    },
    /// `hash` is the SHA-256 of the token's text, which the platform never keeps.
    CreateToken {
        holder: Holder,
        hash: Box<str>,
        label: String,
        expires_at: Option<Timestamp>,
    },
    RevokeToken {
        id: TokenId,
    },
    /// Lets a browser read for the person who asks; `hash` as for `CreateToken`.
    LogIn {
        hash: Box<str>,
    },
    /// Ends what `LogIn` began.
    LogOut {
        id: TokenId,
    },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum PersonEvent {
    Added { name: Box<str>, role: Role },
    RoleSet { role: Role },
    Disabled,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum TokenEvent {
    Created {
        holder: Holder,
        hash: Box<str>,
        label: Box<str>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        expires_at: Option<Timestamp>,
    },
    Revoked,
}

impl PersonEvent {
    pub fn kind(&self) -> &'static str {
        match self {
            PersonEvent::Added { .. } => "person.added",
            PersonEvent::RoleSet { .. } => "person.role_set",
            PersonEvent::Disabled => "person.disabled",
        }
    }
}

impl TokenEvent {
    pub fn kind(&self) -> &'static str {
        match self {
            TokenEvent::Created { .. } => "token.created",
            TokenEvent::Revoked => "token.revoked",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Person {
    pub id: PersonId,
    pub seq: u64,
    pub name: Box<str>,
    pub role: Role,
    pub disabled: bool,
    pub added_at: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Token {
    pub id: TokenId,
    pub seq: u64,
    pub holder: Holder,
    pub hash: Box<str>,
    pub label: Box<str>,
    pub created_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub revoked: bool,
}

impl Token {
    pub fn is_valid(&self, now: Timestamp) -> bool {
        !self.revoked && self.expires_at.is_none_or(|at| now < at)
    }
}

pub enum Decided {
    Person(PersonId, PersonEvent),
    Token(TokenId, TokenEvent),
}

pub fn decide(state: &State, command: Command, context: &Context) -> Result<Vec<Decided>, Rejected> {
    match command {
        Command::AddPerson { name, role } => {
            let name = well_formed("name of a person", &name)?;
            if let Some(person) = state.people.values().find(|person| person.name == name) {
                return Err(Rejected::Conflict(format!("`{name}` exists already, as {}", person.id)));
            }
            let id = PersonId::from_number(context.next);
            Ok(vec![Decided::Person(id, PersonEvent::Added { name, role })])
        }
        Command::SetRole { id, role } => {
            let person = person(state, id)?;
            keep_an_admin(state, person, role < Role::Admin)?;
            Ok(vec![Decided::Person(id, PersonEvent::RoleSet { role })])
        }
        Command::DisablePerson { id } => {
            let person = person(state, id)?;
            keep_an_admin(state, person, true)?;
            if person.disabled {
                return Err(Rejected::Conflict(format!("`{}` is disabled already", person.name)));
            }
            Ok(vec![Decided::Person(id, PersonEvent::Disabled)])
        }
        Command::CreateToken { holder, hash, label, expires_at } => {
            create_token(state, holder, hash, label, expires_at, context)
        }
        Command::RevokeToken { id } => match state.tokens.get(&id) {
            None => Err(Rejected::NotFound(format!("token {id} does not exist"))),
            Some(token) if token.revoked => Err(Rejected::Conflict(format!("{id} is revoked already"))),
            Some(_) => Ok(vec![Decided::Token(id, TokenEvent::Revoked)]),
        },
        Command::LogIn { hash } => log_in(state, hash, context),
        Command::LogOut { id } => {
            let mine = pages(state, asks(context)?, context.now).any(|page| page.id == id);
            match mine {
                true => Ok(vec![Decided::Token(id, TokenEvent::Revoked)]),
                false => Err(Rejected::NotFound(format!("no browser of yours reads by {id}"))),
            }
        }
    }
}

fn asks(context: &Context) -> Result<PersonId, Rejected> {
    let nobody = || Rejected::Forbidden("only a person logs in or out".to_owned());
    context.actor.person().ok_or_else(nobody)
}

/// The browsers that read for a person now, the oldest first.
fn pages(state: &State, person: PersonId, now: Timestamp) -> impl Iterator<Item = &Token> {
    state.tokens.values().filter(move |token| token.holder == Holder::Page(person) && token.is_valid(now))
}

fn log_in(state: &State, hash: Box<str>, context: &Context) -> Result<Vec<Decided>, Rejected> {
    let person = asks(context)?;
    let open: Vec<TokenId> = pages(state, person, context.now).map(|page| page.id).collect();
    let ended = open.iter().take((open.len() + 1).saturating_sub(PAGES_MAX));
    let expires_at = Some(context.now.plus(PAGE_LASTS));
    let created =
        TokenEvent::Created { holder: Holder::Page(person), hash, label: "page".into(), expires_at };
    // The new one first: its id is the position of its fact.
    let opened = Decided::Token(TokenId::from_number(context.next), created);
    let ended = ended.map(|id| Decided::Token(*id, TokenEvent::Revoked));
    Ok(std::iter::once(opened).chain(ended).collect())
}

fn create_token(
    state: &State,
    holder: Holder,
    hash: Box<str>,
    label: String,
    expires_at: Option<Timestamp>,
    context: &Context,
) -> Result<Vec<Decided>, Rejected> {
    let holder = match holder {
        Holder::Person(id) => {
            person(state, id)?;
            Holder::Person(id)
        }
        Holder::Source(name) => Holder::Source(well_formed("name of a source", &name)?),
        Holder::Drill(name) => Holder::Drill(well_formed("name of a source", &name)?),
        Holder::Form(name) => Holder::Form(well_formed("name of a form", &name)?),
        Holder::Outside(name) => Holder::Outside(well_formed("name of a page", &name)?),
        Holder::Page(_) => {
            return Err(Rejected::Invalid("a browser gets its token by logging in".to_owned()));
        }
    };
    if label.len() > 256 {
        return Err(Rejected::Invalid("the label is longer than 256 bytes".to_owned()));
    }
    if expires_at.is_some_and(|at| at <= context.now) {
        return Err(Rejected::Invalid("the token would expire in the past".to_owned()));
    }
    let created = TokenEvent::Created { holder, hash, label: label.into(), expires_at };
    Ok(vec![Decided::Token(TokenId::from_number(context.next), created)])
}

fn person(state: &State, id: PersonId) -> Result<&Person, Rejected> {
    state.people.get(&id).ok_or_else(|| Rejected::NotFound(format!("person {id} does not exist")))
}

/// The last active administrator stays one, or nobody could let people in again.
fn keep_an_admin(state: &State, person: &Person, loses: bool) -> Result<(), Rejected> {
    let active = |p: &&Person| p.role == Role::Admin && !p.disabled;
    let others = state.people.values().filter(active).any(|p| p.id != person.id);
    if loses && person.role == Role::Admin && !others {
        return Err(Rejected::Conflict(format!("`{}` is the last administrator", person.name)));
    }
    Ok(())
}

fn well_formed(what: &str, name: &str) -> Result<Box<str>, Rejected> {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._@-".contains(&b);
    if name.is_empty() || name.len() > 64 || !name.bytes().all(good) {
        return Err(Rejected::Invalid(format!(
            "`{name}` is not a {what}: use 1 to 64 of letters, digits, dot, underscore, hyphen and @"
        )));
    }
    Ok(name.into())
}

/// Whether a person may work on incidents now.
pub fn responds(state: &State, person: PersonId) -> bool {
    may(state, person, Permission::Respond)
}

fn may(state: &State, person: PersonId, what: Permission) -> bool {
    let known = state.people.get(&person).filter(|person| !person.disabled);
    known.is_some_and(|person| person.role.permits(what))
}

/// Whether a person holds a role that content names. Where contacts of the role have accounts, these alone hold it;
/// otherwise who has this permission holds every role, and others those that their own includes.
pub fn holds_role(state: &State, person: PersonId, role: &str, otherwise: Permission) -> bool {
    let Some(account) = state.people.get(&person).filter(|person| !person.disabled) else { return false };
    let people = &state.content.people;
    if people.is_linked(role) {
        return identity(state, person).is_some_and(|contact| people.holds(contact, role));
    }
    account.role.permits(otherwise) || role.parse::<Role>().is_ok_and(|role| account.role >= role)
}

/// The capabilities of levels that a person holds. Where contacts of the levels that give one have accounts, these alone
/// hold it; otherwise who commands holds it.
pub fn capabilities(state: &State, person: PersonId) -> BTreeSet<String> {
    let Some(account) = state.people.get(&person).filter(|person| !person.disabled) else {
        return BTreeSet::new();
    };
    let people = &state.content.people;
    let myself = identity(state, person);
    let holds = |name: &&String| {
        let holders = people.of_capability(name);
        match people.have_accounts(&holders) {
            true => myself.is_some_and(|myself| holders.contains(myself)),
            false => account.role >= Role::Commander,
        }
    };
    let of_actions = state.content.actions.values().flat_map(|action| &action.permissions);
    let of_levels = people.levels.iter().flat_map(|level| &level.capabilities);
    let named = state.content.policies.named("Capability");
    of_levels.chain(of_actions).chain(named).filter(holds).cloned().collect()
}

pub fn create_person(id: PersonId, event: &PersonEvent, meta: &Meta) -> Option<Person> {
    let PersonEvent::Added { name, role } = event else { return None };
    let added_at = meta.time;
    Some(Person { id, seq: 1, name: name.clone(), role: *role, disabled: false, added_at })
}

pub fn apply_person(person: &mut Person, event: &PersonEvent) {
    person.seq += 1;
    match event {
        PersonEvent::Added { .. } => {}
        PersonEvent::RoleSet { role } => person.role = *role,
        PersonEvent::Disabled => person.disabled = true,
    }
}

pub fn token_from(id: TokenId, event: &TokenEvent, meta: &Meta) -> Option<Token> {
    let TokenEvent::Created { holder, hash, label, expires_at } = event else { return None };
    Some(Token {
        id,
        seq: 1,
        holder: holder.clone(),
        hash: hash.clone(),
        label: label.clone(),
        created_at: meta.time,
        expires_at: *expires_at,
        revoked: false,
    })
}

pub fn apply_token(token: &mut Token, event: &TokenEvent) {
    token.seq += 1;
    match event {
        TokenEvent::Created { .. } => {}
        TokenEvent::Revoked => token.revoked = true,
    }
}
