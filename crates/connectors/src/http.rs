//! The connector for any system with an HTTP API: it sends what `actions.yaml` says for the verb.

use domain::{
    action::Operation,
    content::Class,
    request::{Expect, Request, Values, Verify},
};
use hyper::{
    Method,
    body::Bytes,
    header::{HeaderName, HeaderValue},
};
use serde::de::IgnoredAny;
use serde_json::Value;
use tokio::time::Instant;

use crate::{
    answer::{artefact, failed, quoted},
    call::{Call, Connector, Outcome, Performing, Reading},
    client::{Answer, Client, Config, Failure, Outgoing, Resolve, system_resolver},
    error::Error,
};

const KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Actions by HTTP requests that content describes.
pub struct HttpConnector {
    client: Client,
}

impl HttpConnector {
    /// # Errors
    /// [`Error::Config`] says which part of the configuration cannot be used.
    pub fn new(config: Config) -> Result<HttpConnector, Error> {
        HttpConnector::with_resolver(config, system_resolver())
    }

    /// With another way to turn names into addresses.
    ///
    /// # Errors
    /// As for [`HttpConnector::new`].
    pub fn with_resolver(config: Config, resolve: Resolve) -> Result<HttpConnector, Error> {
        Ok(HttpConnector { client: Client::new(config, resolve)? })
    }

    async fn run(&self, call: &Call) -> Outcome {
        let deadline = self.client.deadline(call.timeout);
        let Some(requests) = &call.spec.requests else {
            return Outcome::refused(format!("action `{}` has no `requests` in actions.yaml", call.verb));
        };
        let verify = requests.verify.as_ref();
        match (call.operation, &requests.revert, verify) {
            (Operation::Apply, _, _) => self.change(call, &requests.apply, verify, true, deadline).await,
            (Operation::Revert, Some(revert), _) => self.change(call, revert, verify, false, deadline).await,
            (Operation::Revert, None, _) => {
                Outcome::refused(format!("action `{}` has no `requests.revert` in actions.yaml", call.verb))
            }
            (Operation::ReadBack, _, Some(verify)) => self.read(call, verify, deadline).await.outcome(),
            (Operation::ReadBack, _, None) => Outcome::unknown(format!(
                "action `{}` cannot be read back: it has no `requests.verify` in actions.yaml",
                call.verb
            )),
        }
    }

    async fn change(
        &self,
        call: &Call,
        request: &Request,
        verify: Option<&Verify>,
        wanted: bool,
        deadline: Instant,
    ) -> Outcome {
        let answer = match self.send(call, request, deadline).await {
            Ok(answer) => answer,
            Err(failure) => return failure.outcome(),
        };
        let change = self.judge(call, &request.expect, &answer);
        match verify {
            Some(verify) if call.spec.verify && matches!(change, Outcome::Applied { .. }) => {
                self.read(call, verify, deadline).await.confirm(change, wanted)
            }
            Some(_) | None => change,
        }
    }

    fn judge(&self, call: &Call, expect: &Expect, answer: &Answer) -> Outcome {
        if !expect.allows(answer.status) {
            return failed(&self.client, answer, call.attempt);
        }
        if let Err(differs) = check(expect, answer, call) {
            let (differs, said) = (self.client.redact(&differs), quoted(&self.client, answer));
            // It was accepted, but not as content describes it: nobody knows what was done.
            return Outcome::unknown(format!("unexpected answer: {differs}{said}"));
        }
        let artefact = answer.body.as_ref().ok().and_then(|body| artefact(&self.client, body));
        Outcome::Applied { verified: None, artefact, duplicate: answer.replayed }
    }

    async fn read(&self, call: &Call, verify: &Verify, deadline: Instant) -> Reading {
        let answer = match self.send(call, &verify.request, deadline).await {
            Ok(answer) => answer,
            Err(failure) => return Reading::Unreadable(failure.into_reason()),
        };
        let Err(differs) = check(&verify.holds, &answer, call) else { return Reading::Holds };
        let differs = self.client.redact(&differs).into_owned();
        match (answer.status, &answer.body) {
            // The thing itself is not there.
            (404 | 410, _) => Reading::DoesNotHold(differs),
            (200..=299, Ok(body)) if verify.holds.json.is_empty() || is_json(body) => {
                Reading::DoesNotHold(differs)
            }
            (_, Err(reason)) => Reading::Unreadable(reason.clone()),
            (_, Ok(_)) => Reading::Unreadable(differs),
        }
    }

    async fn send(&self, call: &Call, request: &Request, deadline: Instant) -> Result<Answer, Failure> {
        let refused = |reason: String| Failure::NotSent { reason, retry: false };
        let rendered = request.render(&values(call)).map_err(refused)?;
        let mut headers = Vec::with_capacity(rendered.headers.len() + 1);
        for (name, value) in rendered.headers {
            let wrong = |_| refused(format!("header `{name}`: it cannot be sent"));
            let header =
                HeaderName::from_bytes(name.as_bytes()).map_err(|_| refused(format!("header `{name}`")))?;
            headers.push((header, HeaderValue::from_str(&value).map_err(wrong)?));
        }
        if call.spec.class == Class::Keyed {
            let key = HeaderValue::from_str(&call.key);
            headers.push((KEY, key.map_err(|_| refused("the idempotency key cannot be sent".to_owned()))?));
        }
        let outgoing = Outgoing {
            method: method(rendered.method),
            path_and_query: &rendered.path_and_query,
            headers,
            body: rendered.body.map(Bytes::from),
        };
        self.client.send(outgoing, deadline).await
    }
}

impl Connector for HttpConnector {
    fn perform<'a>(&'a self, call: &'a Call) -> Performing<'a> {
        Box::pin(self.run(call))
    }
}

fn values(call: &Call) -> Values<'_> {
    Values { target: &call.target, key: &call.key, incident: &call.incident, args: &call.args }
}

fn check(expect: &Expect, answer: &Answer, call: &Call) -> Result<(), String> {
    let json = match (&answer.body, expect.json.is_empty()) {
        (Ok(body), false) => serde_json::from_slice::<Value>(body).ok(),
        (Ok(_), true) | (Err(_), true) => None,
        (Err(reason), false) => return Err(reason.clone()),
    };
    expect.check(answer.status, json.as_ref(), &values(call))
}

fn is_json(body: &[u8]) -> bool {
    serde_json::from_slice::<IgnoredAny>(body).is_ok()
}

fn method(method: domain::request::Method) -> Method {
    match method {
        domain::request::Method::Get => Method::GET,
        domain::request::Method::Post => Method::POST,
        domain::request::Method::Put => Method::PUT,
        domain::request::Method::Patch => Method::PATCH,
        domain::request::Method::Delete => Method::DELETE,
    }
}
