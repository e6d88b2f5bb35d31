//! Servers that break, stall or never end.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use connectors::{Connector, HttpConnector, Outcome};
use serde_json::json;
use tokio::net::TcpListener;

use crate::{
    plain::{Answer, Server},
    support::{apply, bare_call, config, connector, not_applied, requests_of, unknown},
};

const SHORT: Duration = Duration::from_millis(300);

/// One short call; `json` makes the outcome depend on the body.
async fn meets(answer: Answer, json: bool) -> Outcome {
    let server = Server::start(move |_| answer.clone()).await;
    let mut call = bare_call();
    call.timeout = SHORT;
    if json {
        let expect = json!({"status": [200], "json": {"/ok": true}});
        let requests = json!({"apply": {"method": "POST", "path": "/", "expect": expect}});
        Arc::make_mut(&mut call.spec).requests = Some(requests_of(requests));
    }
    let outcome = connector(&server.url()).perform(&call).await;
    assert_eq!(server.received().len(), 1, "sent once");
    outcome
}

#[tokio::test]
async fn what_ends_before_the_status_is_unknown() {
    let answers = [
        Answer::Raw(String::new()),
        Answer::Raw("HTTP/1.1 20".to_owned()),
        Answer::Raw("no http at all\r\n\r\n".to_owned()),
        Answer::Raw("HTTP/1.1 200 OK\r\nX: \0\r\n\r\n".to_owned()),
        Answer::Stall(String::new()),
        Answer::Stall("HTTP/1.1 200 OK\r\nX-Slow: ".to_owned()),
        Answer::Trickle("HTTP/1.1 200 OK\r\nX-Slow: ".to_owned()),
        Answer::Endless("HTTP/1.1 200 OK\r\nX-Long: x".to_owned()),
        Answer::Raw(format!("HTTP/1.1 200 OK\r\n{}\r\n", "X: y\r\n".repeat(200))),
    ];
    for answer in answers {
        unknown(meets(answer, false).await);
    }
}

#[tokio::test]
async fn a_status_decides_where_the_body_does_not_matter() {
    let bodies = [
        Answer::Raw("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned()),
        Answer::Stall("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_owned()),
        Answer::Trickle("HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n".to_owned()),
        Answer::Endless("HTTP/1.1 200 OK\r\n\r\n ".to_owned()),
        Answer::Stall("HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_owned()),
        Answer::Raw("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n".to_owned()),
    ];
    for body in bodies {
        let outcome = meets(body.clone(), false).await;
        assert_eq!(
            outcome,
            Outcome::Applied { verified: None, artefact: None, duplicate: false },
            "{body:?}"
        );
        unknown(meets(body, true).await);
    }
}

#[tokio::test]
async fn what_is_not_sent_is_not_applied() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let (reason, retry) = not_applied(apply(&format!("http://{closed}")).await);
    assert!(retry && reason.contains("connect to 127.0.0.1"), "{reason}");
}

#[tokio::test]
async fn a_connection_that_was_closed_while_idle_is_replaced() {
    // The server closes each connection after its first answer, but does not say so.
    let text = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}".to_owned();
    let server = Server::start(move |_| Answer::Raw(text.clone())).await;
    let connector = connector(&server.url());
    for _ in 0..20 {
        let outcome = connector.perform(&bare_call()).await;
        // Only a close that crosses with the next request may be in doubt.
        assert!(!matches!(outcome, Outcome::NotApplied { .. }), "{outcome:?}");
    }
    assert!(server.connections() >= 10);
}

#[tokio::test]
async fn calls_beyond_the_limit_wait_and_then_are_not_sent() {
    let count = Arc::new(AtomicUsize::new(0));
    let seen = Arc::clone(&count);
    let server = Server::start(move |_| {
        seen.fetch_add(1, Ordering::SeqCst);
        Answer::Stall(String::new())
    })
    .await;
    let mut config = config(&server.url());
    config.concurrency_max = 1;
    let connector = HttpConnector::new(config).unwrap();
    let (mut first, mut second) = (bare_call(), bare_call());
    first.timeout = 4 * SHORT;
    second.timeout = SHORT;
    let (first, second) = tokio::join!(connector.perform(&first), connector.perform(&second));
    unknown(first);
    let (reason, retry) = not_applied(second);
    assert!(retry && reason.contains("too many calls"), "{reason}");
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_dropped_call_takes_its_connection_along() {
    let server = Server::start(|_| Answer::Stall(String::new())).await;
    let connector = connector(&server.url());
    let call = bare_call();
    let dropped = tokio::time::timeout(SHORT, connector.perform(&call)).await;
    assert!(dropped.is_err());
    let mut call = bare_call();
    call.timeout = SHORT;
    unknown(connector.perform(&call).await);
    assert_eq!(server.connections(), 2, "a connection with an open request is not used again");
}
