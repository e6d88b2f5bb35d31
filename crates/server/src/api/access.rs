//! `/api/v1/me`, `/api/v1/people` and `/api/v1/tokens`.

use std::future::ready;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
};
use domain::{
    access::{Command as Access, Holder, Permission, Role},
    event::Stream,
    flow::Command,
    id::{PersonId, TokenId},
    time::Timestamp,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{change, no_fields, read, shown};
use crate::{
    Error, Problem,
    call::{Call, answer, ok},
    json::Parsed,
    route::{Answer, Auth, Route, schema},
    token,
    view::{Page, Person, Token, text},
};

const ONE: Answer = Answer::Json(200, schema::<Person>);

pub(crate) const ROUTES: &[Route] = &[
    read("/api/v1/me", &[], Answer::Json(200, schema::<Me>), "Whom the token speaks for.", |call| {
        Box::pin(ready(me(&call)))
    }),
    read(
        "/api/v1/people",
        &[],
        Answer::Json(200, schema::<Page<Person>>),
        "People and their roles.",
        |call| Box::pin(people(call)),
    ),
    change(
        "/api/v1/people",
        Permission::Administer,
        Some(schema::<NewPerson>),
        Answer::Json(201, schema::<Person>),
        "Add a person.",
        |call| Box::pin(add(call)),
    ),
    change(
        "/api/v1/people/{id}/role",
        Permission::Administer,
        Some(schema::<SetRole>),
        ONE,
        "Change a person's role.",
        |call| Box::pin(set_role(call)),
    ),
    change(
        "/api/v1/people/{id}/disable",
        Permission::Administer,
        None,
        ONE,
        "End a person's access; their tokens stop working at once.",
        |call| Box::pin(disable(call)),
    ),
    Route {
        auth: Auth::Token(Permission::Administer),
        ..read(
            "/api/v1/tokens",
            &[],
            Answer::Json(200, schema::<Page<Token>>),
            "Tokens, without their text.",
            |call| Box::pin(tokens(call)),
        )
    },
    change(
        "/api/v1/tokens",
        Permission::Administer,
        Some(schema::<NewToken>),
        Answer::Json(201, schema::<Created>),
        "Make a token; its text is in this answer and nowhere else.",
        |call| Box::pin(create(call)),
    ),
    change(
        "/api/v1/tokens/{id}/revoke",
        Permission::Administer,
        None,
        Answer::Json(200, schema::<Token>),
        "End a token at once.",
        |call| Box::pin(revoke(call)),
    ),
];

/// Whom a token speaks for.
#[derive(Debug, Serialize, JsonSchema)]
struct Me {
    name: String,
    actor: String,
    role: Option<String>,
    token: String,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewPerson {
    name: String,
    /// `viewer`, `responder`, `commander` or `admin`.
    role: Parsed<Role>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct SetRole {
    role: Parsed<Role>,
}

/// For a person, a machine source, or those who report.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    person: Option<Parsed<PersonId>>,
    /// The name of a machine that may send alerts and nothing else.
    source: Option<String>,
    /// All that the source sends is for practice: incidents of their own, nobody outside told, no figure moved.
    #[serde(default)]
    drill: bool,
    /// The name of a form whose users may report and nothing else.
    form: Option<String>,
    /// The name of the page by which people outside may report and nothing else.
    outside: Option<String>,
    #[serde(default)]
    label: String,
    expires_at: Option<Parsed<Timestamp>>,
}

#[derive(Serialize, JsonSchema)]
struct Created {
    id: String,
    /// The secret, shown this once.
    token: String,
    expires_at: Option<String>,
}

fn me(call: &Call) -> Result<Response, Error> {
    let who = call.principal.as_ref().ok_or_else(Error::unauthenticated)?;
    ok(&Me {
        name: who.name.to_string(),
        actor: text(&who.actor),
        role: who.role.map(|role| role.name().to_owned()),
        token: text(who.token),
    })
}

async fn people(call: Call) -> Result<Response, Error> {
    let people = call.read(|reader| reader.people()).await?;
    ok(&Page::whole(people.iter().map(Person::from).collect()))
}

async fn add(call: Call) -> Result<Response, Error> {
    let NewPerson { name, role: Parsed(role) } = call.json()?;
    let receipt = call.command(Command::Access(Access::AddPerson { name, role })).await?;
    let Some(Stream::Person(id)) = receipt.created("person.added") else {
        return Err(Error::internal("adding a person", &"no fact names them"));
    };
    let found = call.read(move |reader| reader.person(id)).await?;
    shown(StatusCode::CREATED, found.as_ref().map(Person::from))
}

async fn carry_out(call: &Call, id: PersonId, command: Access) -> Result<Response, Error> {
    call.command(Command::Access(command)).await?;
    let found = call.read(move |reader| reader.person(id)).await?;
    shown(StatusCode::OK, found.as_ref().map(Person::from))
}

async fn set_role(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    let SetRole { role: Parsed(role) } = call.json()?;
    carry_out(&call, id, Access::SetRole { id, role }).await
}

async fn disable(call: Call) -> Result<Response, Error> {
    let id = call.param("id")?;
    no_fields(&call)?;
    carry_out(&call, id, Access::DisablePerson { id }).await
}

async fn tokens(call: Call) -> Result<Response, Error> {
    let tokens = call.read(|reader| reader.tokens()).await?;
    ok(&Page::whole(tokens.iter().map(Token::from).collect()))
}

async fn create(call: Call) -> Result<Response, Error> {
    let NewToken { person, source, drill, form, outside, label, expires_at } = call.json()?;
    if drill && source.is_none() {
        let detail = "`drill` is for a `source`: what people do and tell is never only for practice";
        return Err(Error::new(Problem::Invalid, detail));
    }
    let holder = match (person, source, form, outside) {
        (Some(Parsed(id)), None, None, None) => Holder::Person(id),
        (None, Some(name), None, None) if drill => Holder::Drill(name.into()),
        (None, Some(name), None, None) => Holder::Source(name.into()),
        (None, None, Some(name), None) => Holder::Form(name.into()),
        (None, None, None, Some(name)) => Holder::Outside(name.into()),
        (_, _, _, _) => {
            let detail = "a token is for exactly one of `person`, `source`, `form` and `outside`";
            return Err(Error::new(Problem::Invalid, detail));
        }
    };
    let expires_at = expires_at.map(|Parsed(at)| at);
    let (secret, hash) = token::create_token().map_err(|error| Error::internal("making a token", &error))?;
    let receipt =
        call.command(Command::Access(Access::CreateToken { holder, hash, label, expires_at })).await?;
    let Some(Stream::Token(id)) = receipt.created("token.created") else {
        return Err(Error::internal("making a token", &"no fact names it"));
    };
    let created = Created { id: text(id), token: secret, expires_at: expires_at.map(text) };
    let mut response = answer(StatusCode::CREATED, &created)?;
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

async fn revoke(call: Call) -> Result<Response, Error> {
    let id: TokenId = call.param("id")?;
    no_fields(&call)?;
    call.command(Command::Access(Access::RevokeToken { id })).await?;
    let found = call.read(move |reader| reader.token(id)).await?;
    shown(StatusCode::OK, found.as_ref().map(Token::from))
}
