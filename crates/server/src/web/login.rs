//! `/login` and `/logout`: a person's own token buys a cookie that only reads.

use std::future::ready;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use domain::{
    access::{Command as Access, Permission},
    event::Actor,
    flow::Command,
};
use maud::{Markup, html};

use super::{HTML, answer, document, page, session};
use crate::{
    Error, Problem,
    call::Call,
    route::{Audit, Auth, Method, Parameter, Route},
    token,
};

pub(super) const PATH: &str = "/login";
const WRONG: &str = "This token is not a person's, or was revoked, or has expired.";

/// A form with one token.
const BODY_MAX: usize = 4 * 1024;

const NEXT: Parameter = Parameter { name: "next", about: "The page to go to after logging in." };

pub(super) const FORM: Route = Route {
    auth: Auth::Public,
    ..page(PATH, &[NEXT], "Asks for a token.", |call| Box::pin(ready(form(&call))))
};

pub(super) const LOG_IN: Route = Route {
    method: Method::Post,
    auth: Auth::Public,
    audit: Audit::Refusals,
    body_max: BODY_MAX,
    answer: HTML,
    ..page(PATH, &[NEXT], "Lets a browser read for the person whose token this is.", |call| {
        Box::pin(log_in(call))
    })
};

pub(super) const LOG_OUT: Route = Route {
    method: Method::Post,
    body_max: BODY_MAX,
    ..page("/logout", &[], "Ends what the browser may read.", |call| Box::pin(log_out(call)))
};

/// To the form, and from there back to where somebody wanted to go.
pub(super) fn send_there(wanted: &str) -> Response {
    let to = if wanted == "/" { PATH.to_owned() } else { format!("{PATH}?next={wanted}") };
    go(&to)
}

fn go(to: &str) -> Response {
    let place = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    (StatusCode::SEE_OTHER, [(header::LOCATION, place)]).into_response()
}

/// The form again, with what was wrong.
pub(super) fn again(error: &Error) -> Response {
    answer(StatusCode::UNAUTHORIZED, asks(None, Some(error.detail())))
}

/// A path of ours; anything else would let a link send people elsewhere after they logged in.
fn next(call: &Call) -> Result<Option<&str>, Error> {
    let ours = |path: &&str| {
        path.starts_with('/')
            && path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-_".contains(&b))
            && !path.starts_with("//")
    };
    Ok(call.query_one("next")?.filter(ours))
}

fn form(call: &Call) -> Result<Response, Error> {
    Ok(answer(StatusCode::OK, asks(next(call)?, None)))
}

fn asks(next: Option<&str>, wrong: Option<&str>) -> Markup {
    let action = next.map_or_else(|| PATH.to_owned(), |next| format!("{PATH}?next={next}"));
    document(
        "Log in",
        html! {
            main.alone {
                h1 { "Ringfence" }
                p { "Log in with your token. The pages only read; commands need the token itself." }
                form.login method="post" action=(action) {
                    label for="token" { "Token" }
                    input #token name="token" type="password" autocomplete="current-password" required
                        autofocus aria-describedby="hint" spellcheck="false";
                    @if let Some(wrong) = wrong { p.wrong role="alert" { (wrong) } }
                    button { "Log in" }
                }
                p #hint.fine {
                    "The first person's token stands in " code { "admin.token" } " of the data directory. "
                    "An administrator makes others with " code { "ringfence token create" } "."
                }
            }
        },
    )
}

async fn log_in(call: Call) -> Result<Response, Error> {
    session::same_site(&call.headers)?;
    let given = given(&call.body);
    let known = given.and_then(|text| call.shared.handle.principal(&token::token_hash(&text), call.now()));
    let Some(who) = known.filter(|who| who.role.is_some() && who.may(Permission::Read)) else {
        return Err(Error::new(Problem::Unauthenticated, WRONG));
    };
    let (text, hash) = token::create_token().map_err(|error| Error::internal("making a token", &error))?;
    carry_out(&call, who.actor, Access::LogIn { hash }).await?;
    let mut response = go(next(&call)?.unwrap_or("/"));
    response.headers_mut().insert(header::SET_COOKIE, session::keep(&text, call.shared.secure)?);
    Ok(response)
}

async fn log_out(call: Call) -> Result<Response, Error> {
    session::same_site(&call.headers)?;
    let who = call.principal.as_ref().ok_or_else(Error::unauthenticated)?;
    carry_out(&call, who.actor.clone(), Access::LogOut { id: who.token }).await?;
    let mut response = go(PATH);
    response.headers_mut().insert(header::SET_COOKIE, session::forget(call.shared.secure)?);
    Ok(response)
}

async fn carry_out(call: &Call, actor: Actor, command: Access) -> Result<(), Error> {
    call.shared.handle.command(actor, Command::Access(command)).await?;
    Ok(())
}

/// The token of a form (application/x-www-form-urlencoded), spaces around it left out.
fn given(body: &[u8]) -> Option<String> {
    let (name, value) = std::str::from_utf8(body).ok()?.split_once('=')?;
    let value = value.trim_matches('+').trim_start_matches("%20").trim_end_matches("%20");
    (name == "token" && token::is_shaped(value)).then(|| value.to_owned())
}
