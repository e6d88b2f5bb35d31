//! Actions, calls and connectors as the tests want them.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
    time::Duration,
};

use connectors::{Call, Config, Connector, HttpConnector, Operation, Outcome, Secret};
use domain::{
    content::{ActionSpec, Class},
    request::Requests,
    severity::Risk,
    time::Span,
};
use serde_json::{Map, Value, json};

pub(crate) fn spec(verb: &str, revert: &str, requests: Option<Value>) -> ActionSpec {
    ActionSpec {
        verb: verb.to_owned(),
        summary: "Cut a node off".to_owned(),
        target: "node".to_owned(),
        args: BTreeMap::new(),
        connector: "test".to_owned(),
        class: Class::Keyed,
        risk: Risk::Low,
        containment: true,
        purpose: domain::content::Purpose::Containment,
        files: false,
        keeps: None,
        counts: None,
        revert: Some(revert.to_owned()),
        lasting: false,
        verify: true,
        blast_radius_max: 1,
        in_force_max: None,
        permissions: BTreeSet::new(),
        timeout: Span::secs(10),
        side_effects: Vec::new(),
        requests: requests.map(requests_of),
    }
}

pub(crate) fn requests_of(value: Value) -> Requests {
    serde_json::from_value(value).unwrap()
}

/// The API of the plain system in `conform.rs`.
pub(crate) fn node_requests() -> Value {
    json!({
        "apply": {
            "method": "PUT",
            "path": "/nodes/{{target}}/isolation",
            "query": {"for": "{{incident}}"},
            "headers": {"X-Ticket": "{{incident}}/{{key}}"},
            "body": {"level": "{{args.level}}", "reason": "asked by {{incident}}"},
            "expect": {"status": [200, 201], "json": {"/isolated": true}},
        },
        "verify": {
            "path": "/nodes/{{target}}/isolation",
            "holds": {"status": [200], "json": {"/isolated": true, "/level": "{{args.level}}"}},
        },
        "revert": {"method": "DELETE", "path": "/nodes/{{target}}/isolation"},
    })
}

pub(crate) fn call(operation: Operation, spec: ActionSpec) -> Call {
    Call {
        key: "ACT-7".to_owned(),
        epoch: 3,
        operation,
        verb: spec.verb.clone(),
        target_kind: spec.target.clone(),
        target: "validator-3".to_owned(),
        args: args(json!({"level": "full"})),
        incident: "INC-1".to_owned(),
        attempt: 1,
        timeout: Duration::from_secs(10),
        spec: Arc::new(spec),
    }
}

/// A call that posts to `/act` and looks at nothing but the status.
pub(crate) fn bare_call() -> Call {
    let requests = json!({"apply": {"method": "POST", "path": "/act", "body": {"target": "{{target}}"}}});
    let mut spec = spec("node.isolate", "node.release", Some(requests));
    spec.verify = false;
    call(Operation::Apply, spec)
}

pub(crate) fn args(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap()
}

pub(crate) fn config(url: &str) -> Config {
    let mut config = Config::new(url.parse().unwrap());
    config.allowed_networks = vec!["127.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()];
    config.headers.push(("Authorization".to_owned(), Secret::new("Bearer s3cr3t-token")));
    config
}

pub(crate) fn connector(url: &str) -> HttpConnector {
    HttpConnector::new(config(url)).unwrap()
}

pub(crate) async fn apply(url: &str) -> Outcome {
    connector(url).perform(&bare_call()).await
}

/// The reason and whether a retry makes sense.
pub(crate) fn not_applied(outcome: Outcome) -> (String, bool) {
    let Outcome::NotApplied { reason, retry, .. } = outcome else {
        panic!("expected not applied: {outcome:?}");
    };
    (reason, retry)
}

pub(crate) fn unknown(outcome: Outcome) -> String {
    let Outcome::Unknown { reason } = outcome else { panic!("expected unknown: {outcome:?}") };
    reason
}
