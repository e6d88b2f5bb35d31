//! How a browser proves who sits before it: a cookie with a token that only reads, made when the person logged in with
//! their own token. It ends after [`domain::access::PAGE_LASTS`], with `logout`, or when it is revoked like any token.

use axum::http::{HeaderMap, HeaderValue, header};
use domain::access::PAGE_LASTS;

use crate::{Error, Problem, token};

const NAME: &str = "ringfence";

/// The hash of the token in the cookie (RFC 6265 section 4.2). Two of our name are none.
pub(crate) fn cookie_hash(headers: &HeaderMap) -> Result<Box<str>, Error> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let pairs = pairs.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    let mut ours = pairs.filter(|(name, _)| *name == NAME).map(|(_, value)| value);
    match (ours.next(), ours.next()) {
        (Some(text), None) if token::is_shaped(text) => Ok(token::token_hash(text)),
        (_, _) => Err(Error::unauthenticated()),
    }
}

/// Tells the browser to keep the token, for itself and for this site alone.
pub(crate) fn keep(text: &str, secure: bool) -> Result<HeaderValue, Error> {
    cookie(text, PAGE_LASTS.as_std().as_secs(), secure)
}

/// Tells the browser to forget it.
pub(crate) fn forget(secure: bool) -> Result<HeaderValue, Error> {
    cookie("", 0, secure)
}

fn cookie(text: &str, seconds: u64, secure: bool) -> Result<HeaderValue, Error> {
    let secure = if secure { "; Secure" } else { "" };
    let cookie = format!("{NAME}={text}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}");
    HeaderValue::from_str(&cookie).map_err(|error| Error::internal("setting the cookie", &error))
}

/// Refuses a form that another site sent: by Fetch Metadata where the browser tells, by the origin otherwise.
pub(crate) fn same_site(headers: &HeaderMap) -> Result<(), Error> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    let same = match (text("sec-fetch-site"), text("origin")) {
        (Some(site), _) => site == "same-origin" || site == "none",
        (None, Some(origin)) => {
            let from = origin.split_once("://").map(|(_, authority)| authority);
            from.is_some() && from == text("host")
        }
        (None, None) => true,
    };
    match same {
        true => Ok(()),
        false => Err(Error::new(Problem::Forbidden, "this form was sent by a page of another site")),
    }
}
