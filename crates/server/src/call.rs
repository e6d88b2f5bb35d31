//! One call of a route, after the gate let it through: who asks, and what.

use std::{
    str::FromStr,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use domain::{
    alert::Received, event::Actor, flow::Command, policy, record::Record, state::State, time::Timestamp,
};
use engine::{Page, Principal, Reader, Receipt};
use serde::{Serialize, de::DeserializeOwned};

use crate::{Error, error::Problem, json, shared::Shared};

/// At most this many things on one page of a list.
const PAGE_MAX: usize = 1_000;
const PAGE_DEFAULT: usize = 100;

pub(crate) struct Call {
    pub(crate) shared: Arc<Shared>,
    /// `None` on public routes.
    pub(crate) principal: Option<Principal>,
    /// Path parameters, decoded.
    pub(crate) path: Vec<(Box<str>, Box<str>)>,
    /// Query parameters, decoded, in order; a name may come again.
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// The body of a route that takes it as it comes.
    pub(crate) stream: Mutex<Option<Body>>,
}

impl Call {
    /// Who is named as the cause of what this call does.
    pub(crate) fn actor(&self) -> Result<Actor, Error> {
        let principal = self.principal.as_ref().ok_or_else(Error::unauthenticated)?;
        Ok(principal.actor.clone())
    }

    /// A parameter of the path. What does not parse names nothing, so it is not found.
    pub(crate) fn param<T: FromStr<Err = String>>(&self, name: &str) -> Result<T, Error> {
        self.text_param(name)?.parse().map_err(|error| Error::new(Problem::NotFound, error))
    }

    pub(crate) fn text_param(&self, name: &str) -> Result<&str, Error> {
        let found = self.path.iter().find(|(n, _)| **n == *name);
        let missing = || Error::new(Problem::NotFound, format!("the path has no `{name}`"));
        found.map(|(_, value)| &**value).ok_or_else(missing)
    }

    /// A query parameter that may be given once.
    pub(crate) fn query_one(&self, name: &str) -> Result<Option<&str>, Error> {
        let mut all = self.query.iter().filter(|(n, _)| n == name).map(|(_, value)| value.as_str());
        let first = all.next();
        if all.next().is_some() {
            return Err(Error::new(Problem::Malformed, format!("the query gives `{name}` twice")));
        }
        Ok(first)
    }

    pub(crate) fn query_all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// A query parameter that may be given once, parsed.
    pub(crate) fn query_as<T: FromStr>(&self, name: &str, form: &str) -> Result<Option<T>, Error> {
        let wrong = |text: &str| Error::new(Problem::Malformed, format!("`{name}={text}` is not {form}"));
        self.query_one(name)?.map(|text| text.parse().map_err(|_| wrong(text))).transpose()
    }

    /// `limit` and `cursor` of the query.
    pub(crate) fn page(&self) -> Result<Page, Error> {
        let limit = self.query_as::<usize>("limit", "a number from 1 to 1000")?.unwrap_or(PAGE_DEFAULT);
        if !(1..=PAGE_MAX).contains(&limit) {
            let detail = format!("`limit={limit}` is not a number from 1 to {PAGE_MAX}");
            return Err(Error::new(Problem::Malformed, detail));
        }
        let before = self.query_as::<u64>("cursor", "a cursor that a list gave as `next`")?;
        Ok(Page { before, limit })
    }

    /// The body as a JSON object, whatever its declared type: a bearer token cannot be sent across sites.
    pub(crate) fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        json::read_object(&self.body)
    }

    /// The body as it comes; once.
    pub(crate) fn stream(&self) -> Body {
        self.stream.lock().unwrap_or_else(PoisonError::into_inner).take().unwrap_or_default()
    }

    /// Platform time.
    pub(crate) fn now(&self) -> Timestamp {
        self.shared.now()
    }

    /// Takes a delivery; returns once it is durable.
    pub(crate) async fn receive(&self, alerts: Vec<Received>) -> Result<Receipt, Error> {
        Ok(self.shared.handle.receive(self.actor()?, alerts).await?)
    }

    /// Takes telemetry; returns once what rules saw in it is durable.
    pub(crate) async fn observe(&self, records: Vec<Record>) -> Result<Receipt, Error> {
        Ok(self.shared.handle.observe(self.actor()?, records).await?)
    }

    /// Carries out a command; returns once it is durable.
    pub(crate) async fn command(&self, command: Command) -> Result<Receipt, Error> {
        Ok(self.shared.handle.command(self.actor()?, command).await?)
    }

    /// Refuses what policies would not let through, before work that costs much is done for it.
    pub(crate) async fn may(&self, command: Command) -> Result<(), Error> {
        let actor = self.actor()?;
        Ok(self.look(move |state, _| policy::may(state, &actor, &command)).await??)
    }

    /// Looks at how things stand for the next decision, once what was decided before is durable.
    pub(crate) async fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&State, Timestamp) -> T + Send + 'static,
    ) -> Result<T, Error> {
        Ok(self.shared.handle.look(look).await?)
    }

    /// Reads committed rows, away from the threads that serve connections.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Reader) -> Result<T, engine::Error> + Send + 'static,
    ) -> Result<T, Error> {
        self.shared.read(move |reader| read(reader).map_err(Error::from)).await
    }
}

/// A JSON answer.
pub(crate) fn answer(status: StatusCode, value: &impl Serialize) -> Result<Response, Error> {
    let body = serde_json::to_vec(value).map_err(|error| Error::internal("writing an answer", &error))?;
    Ok((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

pub(crate) fn ok(value: &impl Serialize) -> Result<Response, Error> {
    answer(StatusCode::OK, value)
}
