//! Every fault as a client meets it, and what the ledger says of it.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use estate::faults::{Mode, Rule};
use serde_json::json;

use crate::client::{Client, Served, isolate};

/// The faults that are the same for all modes: one call meets the fault, and the truth is read afterwards.
fn one(mode: Mode) -> (Served, Client) {
    let served = Served::with(vec![Rule::next(1, mode)]);
    let client = served.client();
    (served, client)
}

#[test]
fn error_changes_nothing_or_not() {
    for applied in [false, true] {
        let (served, mut client) = one(Mode::Error { applied });
        assert_eq!(client.isolate("k").unwrap().status, 500);
        assert_eq!(client.isolated(), applied);
        let effect = if applied { "k error Applied" } else { "k error NotDelivered" };
        assert_eq!(served.story()[0], effect);
    }
}

#[test]
fn slow_is_applied_at_once_and_answered_late() {
    let (served, mut client) = one(Mode::Slow { ms: 80 });
    let begun = Instant::now();
    assert_eq!(client.isolate("k").unwrap().status, 200);
    assert!(begun.elapsed() >= Duration::from_millis(80));
    assert_eq!(served.story(), ["k slow Applied"]);
}

#[test]
fn hang_never_answers() {
    for applied in [false, true] {
        let (served, _) = one(Mode::Hang { applied });
        let mut impatient = Client::connect(served.address, Duration::from_millis(150));
        let error = impatient.isolate("k").unwrap_err();
        assert!(matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut), "{error}");
        assert_eq!(served.client().isolated(), applied);
    }
}

#[test]
fn a_hanging_call_does_not_hold_up_the_end() {
    let (served, _) = one(Mode::Hang { applied: false });
    let mut impatient = Client::connect(served.address, Duration::from_millis(50));
    impatient.isolate("k").unwrap_err();
    served.stop().unwrap();
}

#[test]
fn drop_before_closes_and_changes_nothing() {
    let (served, mut client) = one(Mode::DropBefore);
    assert_eq!(client.isolate("k").unwrap_err().kind(), ErrorKind::UnexpectedEof);
    let mut client = served.client();
    assert!(!client.isolated());
    assert!(client.isolate("k").unwrap().json()["duplicate"] == json!(false));
    assert_eq!(served.story(), ["k drop_before NotDelivered", " ok Looked", "k ok Applied"]);
}

#[test]
fn apply_then_drop_leaves_the_client_in_doubt() {
    let (served, mut client) = one(Mode::ApplyThenDrop);
    assert_eq!(client.isolate("k").unwrap_err().kind(), ErrorKind::UnexpectedEof);
    assert_eq!(served.story(), ["k apply_then_drop Applied"], "the line was there before the end");
    let mut client = served.client();
    assert!(client.isolated());
    let again = client.isolate("k").unwrap().json();
    assert_eq!((&again["status"], &again["duplicate"]), (&json!("applied"), &json!(true)));
    assert_eq!(
        client.get("/v1/state").json()["effects"]["node.isolate"]["validator-3"]["carried_out"],
        json!(1)
    );
}

#[test]
fn answer_twice_answers_as_to_a_repeat() {
    let (served, mut client) = one(Mode::AnswerTwice);
    let answer = client.isolate("k").unwrap();
    assert_eq!((answer.status, &answer.json()["duplicate"]), (200, &json!(true)));
    assert!(client.isolated());
    assert_eq!(served.story()[0], "k answer_twice Applied");
}

#[test]
fn wrong_success_lies_but_reads_do_not() {
    let (served, mut client) = one(Mode::WrongSuccess);
    let answer = client.isolate("k").unwrap();
    assert_eq!((answer.status, &answer.json()["status"]), (200, &json!("applied")));
    assert!(!client.isolated());
    assert_eq!(served.story()[0], "k wrong_success NotDelivered");
    assert_eq!(client.isolate("k").unwrap().json()["duplicate"], json!(false), "the key was never seen");
}

#[test]
fn too_many_says_when_to_come_back() {
    let (_served, mut client) = one(Mode::TooMany { retry_after_s: 3 });
    let answer = client.isolate("k").unwrap();
    assert_eq!(answer.status, 429);
    assert!(answer.headers.contains(&"retry-after: 3".to_owned()));
    assert!(!client.isolated());
}

#[test]
fn trickle_comes_byte_by_byte() {
    let (served, _) = one(Mode::Trickle { ms: 1 });
    let begun = Instant::now();
    let mut client = served.client();
    let answer = client.isolate("k").unwrap();
    assert_eq!(answer.json()["status"], json!("applied"));
    assert!(begun.elapsed() >= Duration::from_millis(answer.body.len() as u64));
}

#[test]
fn huge_is_as_long_as_asked_and_announces_no_length() {
    let (_served, mut client) = one(Mode::Huge { bytes: 3_000_000 });
    let answer = client.isolate("k").unwrap();
    assert_eq!((answer.status, answer.body.len()), (200, 3_000_000));
    assert!(!answer.headers.iter().any(|header| header.starts_with("content-length")));
}

#[test]
fn faults_are_changed_while_it_runs() {
    let served = Served::with(Vec::new());
    let mut client = served.client();
    let wanted =
        json!({"seed": 1, "rules": [{"fault": {"mode": "too_many"}, "verb": "node.isolate", "count": 1}]});
    assert_eq!(client.post("/v1/faults", &wanted).status, 200);
    assert_eq!(client.isolate("a").unwrap().status, 429);
    assert_eq!(client.isolate("a").unwrap().status, 200);
    let left = client.get("/v1/faults").json();
    assert_eq!(left["rules"][0]["count"], json!(0));
    let wrong = client.post("/v1/faults", &json!({"rules": [{"fault": {"mode": "melt"}}]}));
    assert_eq!(wrong.status, 400);
    let wrong = client.post("/v1/faults", &json!({"rules": [{"fault": {"mode": "ok"}, "probability": 2.0}]}));
    assert_eq!(wrong.status, 422);
    let detail = "faults: probability `2` is not from 0 to 1";
    assert_eq!(wrong.json(), json!({ "status": 422, "detail": detail }));
    assert_eq!(client.get("/v1/faults").json(), left, "a wrong document changes nothing");
}

#[test]
fn a_fault_of_one_connection_leaves_the_others_alone() {
    let served = Served::with(vec![Rule {
        verb: Some("key.revoke".to_owned()),
        ..Rule::always(Mode::Hang { applied: false })
    }]);
    let mut stuck = Client::connect(served.address, Duration::from_millis(50));
    let revoke = json!({"key": "r", "verb": "key.revoke", "target": "key-3"});
    stuck.try_post("/v1/actions", &revoke).unwrap_err();
    let mut client = served.client();
    for n in 0..50 {
        assert_eq!(client.post("/v1/actions", &isolate(&format!("k{n}"))).status, 200);
    }
}
