//! The connector for an estate that is served over HTTP. It takes its idempotency keys for every class of action.

use domain::{action::Operation, request::excerpt};
use hyper::{
    Method,
    header::{HeaderName, HeaderValue},
};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::time::Instant;

use crate::{
    ARTEFACT_BYTES_MAX,
    answer::{failed, quoted},
    call::{Call, Connector, Outcome, Performing, Reading},
    client::{Answer, Client, Config, Failure, Outgoing, Resolve, system_resolver},
    error::Error,
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");
const EPOCH: HeaderName = HeaderName::from_static("ringfence-epoch");
const QUOTED_CHARS: usize = 200;

/// Actions on a served estate.
pub struct EstateConnector {
    client: Client,
}

/// What is asked.
#[derive(Serialize)]
struct Order<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<&'a str>,
    verb: &'a str,
    target_kind: &'a str,
    target: &'a str,
    args: &'a Map<String, Value>,
    incident: &'a str,
}

#[derive(Deserialize)]
struct Reply {
    status: Status,
    reason: Option<String>,
    #[serde(default)]
    duplicate: bool,
    artefact: Option<Value>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Status {
    Applied,
    Refused,
}

#[derive(Deserialize)]
struct Seen {
    holds: bool,
    #[serde(default)]
    state: Value,
    reason: Option<String>,
}

impl EstateConnector {
    /// # Errors
    /// [`Error::Config`] says which part of the configuration cannot be used.
    pub fn new(config: Config) -> Result<EstateConnector, Error> {
        EstateConnector::with_resolver(config, system_resolver())
    }

    /// With another way to turn names into addresses.
    ///
    /// # Errors
    /// As for [`EstateConnector::new`].
    pub fn with_resolver(config: Config, resolve: Resolve) -> Result<EstateConnector, Error> {
        Ok(EstateConnector { client: Client::new(config, resolve)? })
    }

    async fn run(&self, call: &Call) -> Outcome {
        let deadline = self.client.deadline(call.timeout);
        match (call.operation, &call.spec.revert) {
            (Operation::Apply, _) => self.change(call, &call.verb, true, deadline).await,
            (Operation::Revert, Some(opposite)) => self.change(call, opposite, false, deadline).await,
            (Operation::Revert, None) => {
                Outcome::refused(format!("action `{}` names no `revert` in actions.yaml", call.verb))
            }
            (Operation::ReadBack, _) => self.read(call, deadline).await.outcome(),
        }
    }

    async fn change(&self, call: &Call, verb: &str, wanted: bool, deadline: Instant) -> Outcome {
        let order = order(call, Some(&call.key), verb);
        let change = match self.post("/v1/actions", call, &order, deadline).await {
            Ok(answer) => self.judge(call, &answer),
            Err(failure) => return failure.outcome(),
        };
        if !call.spec.verify || !matches!(change, Outcome::Applied { .. }) {
            return change;
        }
        self.read(call, deadline).await.confirm(change, wanted)
    }

    fn judge(&self, call: &Call, answer: &Answer) -> Outcome {
        let reply = answer.body.as_deref().ok().and_then(|body| serde_json::from_slice::<Reply>(body).ok());
        match (reply, answer.status) {
            (Some(Reply { status: Status::Applied, duplicate, artefact, .. }), 200..=299) => {
                let artefact = artefact.filter(|value| is_small(answer, value));
                Outcome::Applied { verified: None, artefact, duplicate }
            }
            (Some(Reply { status: Status::Refused, reason, .. }), _) => {
                Outcome::refused(self.reason(reason.as_deref().unwrap_or("refused without a reason")))
            }
            (None, 200..=299) => {
                Outcome::unknown(format!("the answer cannot be read{}", quoted(&self.client, answer)))
            }
            (Some(_) | None, _) => failed(&self.client, answer, call.attempt),
        }
    }

    async fn read(&self, call: &Call, deadline: Instant) -> Reading {
        let answer = match self.post("/v1/read", call, &order(call, None, &call.verb), deadline).await {
            Ok(answer) => answer,
            Err(failure) => return Reading::Unreadable(failure.into_reason()),
        };
        let seen = answer.body.as_deref().ok().and_then(|body| serde_json::from_slice::<Seen>(body).ok());
        match seen {
            Some(Seen { holds: true, .. }) => Reading::Holds,
            Some(Seen { reason: Some(reason), .. }) => Reading::DoesNotHold(self.reason(&reason)),
            Some(Seen { state, .. }) => Reading::DoesNotHold(self.reason(&state.to_string())),
            None => Reading::Unreadable(format!("status {}{}", answer.status, quoted(&self.client, &answer))),
        }
    }

    async fn post(
        &self,
        path: &str,
        call: &Call,
        order: &Order<'_>,
        deadline: Instant,
    ) -> Result<Answer, Failure> {
        let refused = |reason: String| Failure::NotSent { reason, retry: false };
        let body = serde_json::to_vec(order).map_err(|error| refused(format!("call: {error}")))?;
        let mut headers = Vec::with_capacity(2);
        headers.push((EPOCH, HeaderValue::from(call.epoch)));
        if let Some(key) = order.key {
            let key = HeaderValue::from_str(key);
            headers.push((KEY, key.map_err(|_| refused("the idempotency key cannot be sent".to_owned()))?));
        }
        let outgoing =
            Outgoing { method: Method::POST, path_and_query: path, headers, body: Some(body.into()) };
        self.client.send(outgoing, deadline).await
    }

    fn reason(&self, text: &str) -> String {
        excerpt(&self.client.redact(text), QUOTED_CHARS)
    }
}

impl Connector for EstateConnector {
    fn perform<'a>(&'a self, call: &'a Call) -> Performing<'a> {
        Box::pin(self.run(call))
    }
}

fn order<'a>(call: &'a Call, key: Option<&'a str>, verb: &'a str) -> Order<'a> {
    Order {
        key,
        verb,
        target_kind: &call.target_kind,
        target: &call.target,
        args: &call.args,
        incident: &call.incident,
    }
}

/// A value is not larger than the answer that it came in.
fn is_small(answer: &Answer, value: &Value) -> bool {
    answer.body.as_ref().is_ok_and(|body| body.len() <= ARTEFACT_BYTES_MAX)
        || value.to_string().len() <= ARTEFACT_BYTES_MAX
}
