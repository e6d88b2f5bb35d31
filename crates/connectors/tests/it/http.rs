//! What the connector for HTTP APIs sends, and what it makes of answers.

use std::{sync::Arc, time::Duration};

use connectors::{Connector, Operation, Outcome};
use domain::content::Class;
use serde_json::json;

use crate::{
    plain::{Answer, Server},
    support::{
        apply, args, bare_call, call, connector, node_requests, not_applied, requests_of, spec, unknown,
    },
};

#[tokio::test]
async fn requests_are_sent_as_content_says() {
    let server = Server::start(|request| match request.method.as_str() {
        "GET" => Answer::json(200, &json!({"isolated": true, "level": "full"})),
        _ => Answer::json(200, &json!({"isolated": true, "rule": 12})),
    })
    .await;
    let mut call = call(Operation::Apply, spec("node.isolate", "node.release", Some(node_requests())));
    "a/b?c".clone_into(&mut call.target);
    let outcome = connector(&format!("{}/api/", server.url())).perform(&call).await;
    let artefact = Some(json!({"isolated": true, "rule": 12}));
    assert_eq!(outcome, Outcome::Applied { verified: Some(true), artefact, duplicate: false });

    let received = server.received();
    assert_eq!(received.len(), 2);
    assert_eq!((received[0].method.as_str(), received[1].method.as_str()), ("PUT", "GET"));
    assert_eq!(received[0].target, "/api/nodes/a%2Fb%3Fc/isolation?for=INC-1");
    assert_eq!(received[1].target, "/api/nodes/a%2Fb%3Fc/isolation");
    assert_eq!(received[0].body, r#"{"level":"full","reason":"asked by INC-1"}"#);
    assert_eq!(received[0].header("x-ticket"), Some("INC-1/ACT-7"));
    assert_eq!(received[0].header("content-type"), Some("application/json"));
    for request in &received {
        assert_eq!(request.header("idempotency-key"), Some("ACT-7"));
        assert_eq!(request.header("authorization"), Some("Bearer s3cr3t-token"));
        assert_eq!(request.header("host"), Some(server.address.to_string().as_str()));
        assert!(request.header("user-agent").unwrap().starts_with("ringfence/"));
    }
    assert_eq!(server.connections(), 1, "the connection is used again");
}

#[tokio::test]
async fn only_keyed_actions_send_a_key() {
    let server = Server::start(|_| Answer::empty(204)).await;
    for class in [Class::ReadBack, Class::Idempotent, Class::OneShot, Class::Notice] {
        let mut call = bare_call();
        Arc::make_mut(&mut call.spec).class = class;
        let outcome = connector(&server.url()).perform(&call).await;
        assert_eq!(outcome, Outcome::Applied { verified: None, artefact: None, duplicate: false });
    }
    assert!(server.received().iter().all(|request| request.header("idempotency-key").is_none()));
}

#[tokio::test]
async fn read_back_decides() {
    let server = Server::start(|request| match (request.method.as_str(), request.target.as_str()) {
        ("GET", "/nodes/gone/isolation") => Answer::empty(404),
        ("GET", "/nodes/open/isolation") => Answer::json(200, &json!({"isolated": false})),
        ("GET", "/nodes/weak/isolation") => Answer::json(200, &json!({"isolated": true, "level": "monitor"})),
        ("GET", "/nodes/page/isolation") => {
            Answer::Whole(200, String::new(), "<html>please log in</html>".to_owned())
        }
        ("GET", "/nodes/dark/isolation") => Answer::empty(500),
        ("GET", "/nodes/shut/isolation") => Answer::empty(403),
        _ => Answer::json(200, &json!({"isolated": true})),
    })
    .await;
    let connector = connector(&server.url());
    let run = async |operation, target: &str| {
        let mut call = call(operation, spec("node.isolate", "node.release", Some(node_requests())));
        target.clone_into(&mut call.target);
        connector.perform(&call).await
    };
    for target in ["gone", "open", "weak"] {
        let (reason, retry) = not_applied(run(Operation::Apply, target).await);
        assert!(retry && reason.contains("read-back shows"), "{target}: {reason}");
        let seen = run(Operation::ReadBack, target).await;
        assert!(matches!(seen, Outcome::DoesNotHold { .. }), "{target}: {seen:?}");
        let reverted = run(Operation::Revert, target).await;
        assert!(matches!(reverted, Outcome::Applied { verified: Some(true), .. }), "{target}: {reverted:?}");
    }
    for target in ["dark", "shut", "page"] {
        for operation in [Operation::Apply, Operation::Revert] {
            let outcome = run(operation, target).await;
            assert!(matches!(outcome, Outcome::Applied { verified: None, .. }), "{target}: {outcome:?}");
        }
        unknown(run(Operation::ReadBack, target).await);
    }
}

#[tokio::test]
async fn what_content_does_not_say_is_not_done() {
    let server = Server::start(|_| Answer::empty(200)).await;
    let connector = connector(&server.url());
    let bare = json!({"apply": {"method": "POST", "path": "/x/{{args.level}}"}});
    let run = async |operation, requests: Option<&serde_json::Value>| {
        let mut call = call(operation, spec("node.isolate", "node.release", requests.cloned()));
        call.args = args(json!({}));
        connector.perform(&call).await
    };
    assert!(not_applied(run(Operation::Apply, None).await).0.contains("no `requests`"));
    assert!(not_applied(run(Operation::Revert, Some(&bare)).await).0.contains("`requests.revert`"));
    assert!(unknown(run(Operation::ReadBack, Some(&bare)).await).contains("cannot be read back"));
    assert_eq!(
        not_applied(run(Operation::Apply, Some(&bare)).await),
        ("argument `level` is missing".to_owned(), false)
    );
    assert!(server.received().is_empty());
}

#[tokio::test]
async fn an_answer_other_than_described_is_unknown() {
    let server =
        Server::start(|_| Answer::json(200, &json!({"isolated": "s3cr3t-token", "echo": "s3cr3t-token"})))
            .await;
    let call = call(Operation::Apply, spec("node.isolate", "node.release", Some(node_requests())));
    let reason = unknown(connector(&server.url()).perform(&call).await);
    assert!(reason.contains("`/isolated`"), "{reason}");
    assert!(!reason.contains("s3cr3t"), "{reason}");
}

#[tokio::test]
async fn content_may_expect_what_is_otherwise_a_failure() {
    let server = Server::start(|_| Answer::empty(503)).await;
    let requests = json!({"apply": {"method": "POST", "path": "/", "expect": {"status": ["503"]}}});
    let mut call = bare_call();
    Arc::make_mut(&mut call.spec).requests = Some(requests_of(requests));
    let outcome = connector(&server.url()).perform(&call).await;
    assert!(matches!(outcome, Outcome::Applied { .. }), "{outcome:?}");
}

#[tokio::test]
async fn redirects_are_never_followed() {
    let elsewhere = Server::start(|_| Answer::empty(200)).await;
    let url = elsewhere.url();
    for status in [301, 302, 303, 307, 308] {
        let location = format!("Location: {url}/steal\r\n");
        let server = Server::start(move |_| Answer::Whole(status, location.clone(), String::new())).await;
        let outcome = apply(&server.url()).await;
        let may_be_done = matches!(outcome, Outcome::Unknown { .. });
        let reason = if may_be_done { unknown(outcome) } else { not_applied(outcome).0 };
        assert!(reason.contains("redirect"), "{reason}");
        assert_eq!(may_be_done, matches!(status, 302 | 303), "{status}");
        assert_eq!(server.received().len(), 1);
    }
    assert!(elsewhere.received().is_empty());
}

#[tokio::test]
async fn retry_after_is_honoured_in_both_forms() {
    let wait = async |header: &str, status: u16| {
        let headers = format!("Retry-After: {header}\r\n");
        let server = Server::start(move |_| Answer::Whole(status, headers.clone(), String::new())).await;
        let outcome = apply(&server.url()).await;
        let Outcome::NotApplied { retry: true, retry_after, .. } = outcome else { panic!("{outcome:?}") };
        retry_after
    };
    assert_eq!(wait("3", 429).await, Some(Duration::from_secs(3)));
    assert_eq!(wait("3", 503).await, Some(Duration::from_secs(3)));
    assert_eq!(wait("99999999", 503).await, Some(Duration::from_secs(3600)));
    assert_eq!(wait("Sun, 06 Nov 1994 08:49:37 GMT", 503).await, Some(Duration::ZERO));
    assert_eq!(wait("soon", 503).await, None);
    assert_eq!(wait("-1", 503).await, None);
}
