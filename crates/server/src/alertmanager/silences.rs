//! Silences as Alertmanager shows, makes, changes and ends them.

use std::{cmp::Reverse, collections::BTreeMap};

use axum::{http::StatusCode, response::Response};
use domain::{
    event::{Rejected, Stream},
    flow,
    matcher::{Matcher, Operator},
    silence::{Command, Silence, Terms},
    time::{Span, Timestamp},
};
use engine::{Page, Reader, Refused};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{
    Refusal, done, now, ok, query, silence_id,
    time::{self, WireTime},
};
use crate::{Error, call::Call};

/// Rows read at a time.
const PAGE: usize = 1_000;
/// How long expired silences are shown, as by Alertmanager unless configured otherwise.
const RETENTION: Span = Span::secs(120 * 3_600);

/// A silence.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct GettableSilence {
    id: String,
    status: SilenceStatus,
    updated_at: WireTime,
    annotations: BTreeMap<String, String>,
    comment: String,
    created_by: String,
    ends_at: WireTime,
    matchers: Vec<WireMatcher>,
    starts_at: WireTime,
}

#[derive(Debug, Serialize, JsonSchema)]
struct SilenceStatus {
    state: SilenceState,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum SilenceState {
    Active,
    Pending,
    Expired,
}

/// A silence to be made, or with an id, other terms for one.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub(super) struct PostableSilence {
    id: Option<String>,
    matchers: Option<Vec<WireMatcher>>,
    #[schemars(with = "Option<WireTime>")]
    starts_at: Option<String>,
    #[schemars(with = "Option<WireTime>")]
    ends_at: Option<String>,
    created_by: Option<String>,
    comment: Option<String>,
}

#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct WireMatcher {
    #[serde(default = "yes")]
    is_equal: bool,
    is_regex: bool,
    name: String,
    value: String,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Posted {
    #[serde(rename = "silenceID")]
    silence_id: String,
}

pub(super) async fn list(call: Call) -> Result<Response, Refusal> {
    let matchers = query::matchers(&call, "filter")?;
    let now = now(&call);
    let mut silences = call.read(move |reader| all(reader, &matchers, now)).await?;
    let asked = |state| match state {
        SilenceState::Active => query::flag(&call, "active"),
        SilenceState::Pending => query::flag(&call, "pending"),
        SilenceState::Expired => query::flag(&call, "expired"),
    };
    silences.retain(|silence| asked(silence.status.state));
    silences.sort_by_key(|silence| {
        let (starts_at, ends_at) = (silence.starts_at.0, silence.ends_at.0);
        let soonest_first = match silence.status.state {
            SilenceState::Active => (ends_at, Reverse(Timestamp::MAX)),
            SilenceState::Pending => (starts_at, Reverse(Timestamp::MAX)),
            SilenceState::Expired => (Timestamp::MAX, Reverse(ends_at)),
        };
        (silence.status.state, soonest_first)
    });
    ok(&silences)
}

pub(super) async fn get(call: Call) -> Result<Response, Refusal> {
    let now = now(&call);
    let uuid = uuid(&call)?;
    let found = call.read(move |reader| {
        let found = silence_id::find(reader, &uuid)?;
        found.map(|silence| show(reader, silence, now)).transpose()
    });
    ok(&found.await?.ok_or(Refusal::Absent)?)
}

pub(super) async fn post(call: Call) -> Result<Response, Refusal> {
    let wrong = |error| Refusal::unreadable("the silence", &error);
    let posted: PostableSilence = match call.body.trim_ascii() {
        [] => return Err(Refusal::required("silence")),
        body => serde_json::from_slice(body).map_err(wrong)?,
    };
    let now = now(&call);
    let uuid = posted.id.clone().filter(|id| !id.is_empty());
    let mut terms = terms(posted, now)?;
    let id = match uuid {
        None => None,
        Some(uuid) => {
            let missing = Refusal::Text(StatusCode::NOT_FOUND, format!("there is no silence `{uuid}`"));
            let old = call.read(move |reader| silence_id::find(reader, &uuid)).await?.ok_or(missing)?;
            keep_start(&old, &mut terms);
            // An expired one cannot live again; its terms make a new one.
            Some(old.id).filter(|_| !is_over(&old, now))
        }
    };
    let command = flow::Command::Silence(Command::Set { id, terms });
    let receipt = call.shared.handle.command(call.actor()?, command).await?;
    let Some(Stream::Silence(id)) = receipt.created("silence.set") else {
        return Err(Error::internal("making a silence", &"no fact came of it").into());
    };
    let silence_id = call.read(move |reader| silence_id::of(reader, id)).await?;
    ok(&Posted { silence_id })
}

pub(super) async fn delete(call: Call) -> Result<Response, Refusal> {
    let now = now(&call);
    let uuid = uuid(&call)?;
    let expired = format!("silence `{uuid}` has already expired");
    let failed = |text| Refusal::Text(StatusCode::INTERNAL_SERVER_ERROR, text);
    let silence = call.read(move |reader| silence_id::find(reader, &uuid)).await?.ok_or(Refusal::Absent)?;
    if is_over(&silence, now) {
        return Err(failed(expired));
    }
    let command = flow::Command::Silence(Command::Expire { id: silence.id });
    match call.shared.handle.command(call.actor()?, command).await {
        Ok(_) => done(),
        // It ended between the look and the command.
        Err(Refused::Rejected(Rejected::Conflict(_) | Rejected::NotFound(_))) => Err(failed(expired)),
        Err(refused) => Err(refused.into()),
    }
}

/// The id in the path, which must at least look like one.
fn uuid(call: &Call) -> Result<String, Refusal> {
    let text = call.text_param("silenceID")?;
    let wrong = || Refusal::form(format!("silenceID in path must be of type uuid: {text:?}"));
    silence_id::parse(text).map(|_| text.to_owned()).ok_or_else(wrong)
}

/// All silences that have not ended.
pub(super) fn live(reader: &Reader) -> Result<Vec<Silence>, engine::Error> {
    let mut silences = Vec::new();
    loop {
        let before = silences.last().map(|silence: &Silence| silence.id.0);
        let page = reader.silences(false, Page { before, limit: PAGE })?;
        let full = page.len() == PAGE;
        silences.extend(page);
        if !full {
            return Ok(silences);
        }
    }
}

fn all(reader: &Reader, filter: &[Matcher], now: Timestamp) -> Result<Vec<GettableSilence>, engine::Error> {
    let mut silences = live(reader)?;
    let past = reader.silences(true, Page { before: None, limit: PAGE })?;
    silences.extend(past.into_iter().filter(|silence| now.since(silence.terms.ends_at) <= RETENTION));
    let matching = |silence: &Silence| filter.iter().all(|m| silence.terms.matchers.contains(m));
    silences.into_iter().filter(matching).map(|silence| show(reader, silence, now)).collect()
}

fn show(reader: &Reader, silence: Silence, now: Timestamp) -> Result<GettableSilence, engine::Error> {
    let id = silence_id::of(reader, silence.id)?;
    let state = state(&silence, now);
    let Terms { matchers, starts_at, ends_at, created_by, comment } = silence.terms;
    Ok(GettableSilence {
        id,
        status: SilenceStatus { state },
        updated_at: WireTime(silence.updated_at),
        annotations: BTreeMap::new(),
        comment,
        created_by,
        ends_at: WireTime(ends_at),
        matchers: matchers.into_iter().map(WireMatcher::from).collect(),
        starts_at: WireTime(starts_at),
    })
}

fn state(silence: &Silence, now: Timestamp) -> SilenceState {
    match (is_over(silence, now), silence.terms.starts_at <= now) {
        (true, _) => SilenceState::Expired,
        (false, true) => SilenceState::Active,
        (false, false) => SilenceState::Pending,
    }
}

fn is_over(silence: &Silence, now: Timestamp) -> bool {
    silence.expired || silence.terms.ends_at <= now
}

/// Answers show milliseconds, so a start that comes back in the same second is the start it was.
fn keep_start(old: &Silence, terms: &mut Terms) {
    let second = |at: Timestamp| at.0.div_euclid(1_000_000);
    if second(old.terms.starts_at) == second(terms.starts_at) {
        terms.starts_at = old.terms.starts_at;
    }
}

fn terms(posted: PostableSilence, now: Timestamp) -> Result<Terms, Refusal> {
    let matchers = posted.matchers.ok_or_else(|| Refusal::required("silence.matchers"))?;
    let time = |name: &str, text: Option<String>| {
        let text = text.ok_or_else(|| Refusal::required(&format!("silence.{name}")))?;
        time::read(&text).map_err(|why| Refusal::bad_request(format!("{name}: {why}")))
    };
    let starts_at = time("startsAt", posted.starts_at)?.unwrap_or(now);
    let missing_end = || Refusal::bad_request("endsAt: the silence needs an end");
    let ends_at = time("endsAt", posted.ends_at)?.ok_or_else(missing_end)?;
    let created_by = posted.created_by.ok_or_else(|| Refusal::required("silence.createdBy"))?;
    let comment = posted.comment.ok_or_else(|| Refusal::required("silence.comment"))?;
    let matchers: Result<Vec<Matcher>, String> = matchers.into_iter().map(Matcher::try_from).collect();
    let matchers = matchers.map_err(Refusal::bad_request)?;
    Ok(Terms { matchers, starts_at, ends_at, created_by, comment })
}

impl From<Matcher> for WireMatcher {
    fn from(matcher: Matcher) -> WireMatcher {
        let (is_equal, is_regex) = match matcher.operator {
            Operator::Equal => (true, false),
            Operator::NotEqual => (false, false),
            Operator::Match => (true, true),
            Operator::NotMatch => (false, true),
        };
        WireMatcher { is_equal, is_regex, name: matcher.name.into(), value: matcher.value.into() }
    }
}

impl TryFrom<WireMatcher> for Matcher {
    type Error = String;

    fn try_from(wire: WireMatcher) -> Result<Matcher, String> {
        let operator = match (wire.is_equal, wire.is_regex) {
            (true, false) => Operator::Equal,
            (false, false) => Operator::NotEqual,
            (true, true) => Operator::Match,
            (false, true) => Operator::NotMatch,
        };
        Matcher::new(&wire.name, operator, &wire.value)
    }
}
