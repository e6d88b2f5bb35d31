//! `/api/v1/records`: telemetry for rules to look at. A 2xx means that every rule has looked and what they saw is
//! durable; records in which no rule sees anything are not kept.

use axum::response::Response;
use domain::{access::Permission, event::Actor, record::Record};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::{
    Error, Problem,
    call::{Call, ok},
    json,
    route::{Answer, Audit, Auth, Contract, DELIVERY_MAX, Method, Route, schema},
};

/// At most this many records in one delivery.
const RECORDS_MAX: usize = 20_000;

pub(crate) const ROUTES: &[Route] = &[Route {
    method: Method::Post,
    path: "/api/v1/records",
    contract: Contract::Native,
    auth: Auth::Token(Permission::Ingest),
    audit: Audit::Refusals,
    body_max: DELIVERY_MAX,
    query: &[],
    request: Some(schema::<Value>),
    answer: Answer::Json(200, schema::<Observed>),
    summary: "Take telemetry for detection rules: a JSON object, an array of them, or one a line.",
    handler: |call| Box::pin(take(call)),
}];

/// What became of a delivery.
#[derive(Debug, Serialize, JsonSchema)]
struct Observed {
    /// Records that every rule has looked at.
    evaluated: usize,
}

async fn take(call: Call) -> Result<Response, Error> {
    let records = read(&call.body, &source(&call)?)?;
    let receipt = call.observe(records).await?;
    ok(&Observed { evaluated: receipt.taken })
}

/// Who sent them: the name that the token was made for, or the person.
fn source(call: &Call) -> Result<String, Error> {
    let principal = call.principal.as_ref().ok_or_else(Error::unauthenticated)?;
    Ok(match principal.actor {
        Actor::Source(_) => principal.name.to_string(),
        Actor::Platform | Actor::Person(_) | Actor::Rule(_) => principal.actor.to_string(),
    })
}

/// All records, or the first thing that is wrong; then none is taken.
fn read(body: &[u8], source: &str) -> Result<Vec<Record>, Error> {
    let wrong = |number: usize, why: &str| Error::new(Problem::Malformed, format!("record {number}: {why}"));
    let values: Vec<Value> = match json::read::<Value>(body) {
        Ok(Value::Array(values)) => values,
        Ok(value) => vec![value],
        Err(whole) => match lines(body) {
            Some(lines) => {
                let mut values = Vec::new();
                for (number, line) in lines.enumerate().take(RECORDS_MAX + 1) {
                    values.push(json::read(line).map_err(|error| wrong(number, error.detail()))?);
                }
                values
            }
            None => return Err(whole),
        },
    };
    if values.len() > RECORDS_MAX {
        let detail = format!("more than {RECORDS_MAX} records in one delivery");
        return Err(Error::new(Problem::TooLarge, detail));
    }
    let one =
        |(number, value): (usize, &Value)| Record::read(value, source).map_err(|why| wrong(number, &why));
    values.iter().enumerate().map(one).collect()
}

/// The lines of a body of several, without empty ones; `None` for what was meant to be one value.
fn lines(body: &[u8]) -> Option<impl Iterator<Item = &[u8]>> {
    let all = || body.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii).filter(|line| !line.is_empty());
    let several = all().nth(1).is_some();
    let object = all().next().is_some_and(|line| line.starts_with(b"{") && line.ends_with(b"}"));
    (several && object).then(all)
}
