//! The routes without faults, and the ledger that they keep.

use estate::faults::Faults;
use estate::ledger::Effect;
use expect_test::expect;
use serde_json::json;

use crate::client::{Served, isolate};

#[test]
fn act_read_and_take_back() {
    let served = Served::with(Vec::new());
    let mut client = served.client();
    assert!(!client.isolated());
    let mut reply = client.isolate("a").unwrap().json();
    assert!(reply["state"]["since_us"].take().as_u64() > Some(1_600_000_000_000_000));
    reply.sort_all_objects();
    expect![[r#"
        {
          "artefact": {
            "before": null,
            "kind": "isolation",
            "level": "full"
          },
          "duplicate": false,
          "state": {
            "compromised": false,
            "id": "validator-3",
            "isolation": "full",
            "patches": [],
            "paths": {
              "outside": "cut",
              "peers": "cut",
              "security_tools": "open"
            },
            "segment": "core",
            "since_us": null
          },
          "status": "applied"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&reply).unwrap());
    assert!(client.isolated());
    let back =
        client.post("/v1/actions", &json!({"key": "b", "verb": "node.release", "target": "validator-3"}));
    assert_eq!(back.status, 200);
    assert!(!client.isolated());
    let events = client.get("/v1/events?since=1").json();
    assert_eq!(events[0]["text"], json!("validator-3 is back on the network."));
}

#[test]
fn refusals_have_their_status() {
    let served = Served::with(Vec::new());
    let mut client = served.client();
    client.isolate("used").unwrap();
    let mut status = |body| client.post("/v1/actions", &body).status;
    assert_eq!(status(json!({"verb": "node.isolate", "target": "validator-99"})), 404);
    assert_eq!(status(json!({"verb": "node.explode", "target": "validator-1"})), 404);
    assert_eq!(status(json!({"verb": "node.isolate", "target": "validator-1", "args": {"level": 7}})), 422);
    assert_eq!(status(json!({"key": "used", "verb": "node.isolate", "target": "validator-1"})), 409);
    assert_eq!(status(json!({"target": "validator-1"})), 400);
    assert_eq!(status(json!({"key": "x".repeat(513), "verb": "node.isolate", "target": "validator-1"})), 400);
    let effects: Vec<Effect> = served.lines().into_iter().map(|line| line.effect).collect();
    use Effect::{Applied, Malformed, Refused};
    assert_eq!(effects, [Applied, Refused, Refused, Refused, Refused, Malformed, Malformed]);
}

#[test]
fn the_line_stands_before_the_answer() {
    for sync in [false, true] {
        let served = Served::configured(Faults::none(), sync);
        let mut client = served.client();
        for n in 1..=20 {
            let key = format!("k{n}");
            client.isolate(&key).unwrap();
            let last = served.lines().pop().unwrap();
            assert_eq!((last.n, last.key), (n, key));
        }
    }
}

#[test]
fn key_and_epoch_from_headers() {
    let served = Served::with(Vec::new());
    let mut client = served.client();
    let body = isolate("").to_string();
    let headers = ["Idempotency-Key: from-header", "Ringfence-Epoch: 4"];
    let mut send = |body: &str| client.send("POST", "/v1/actions", &headers, body.as_bytes()).unwrap();
    assert_eq!(send(&body).json()["duplicate"], json!(false));
    assert_eq!(send(&body).json()["duplicate"], json!(true));
    assert_eq!(send(&isolate("other").to_string()).status, 400);
    let line = &served.lines()[0];
    assert_eq!((line.key.as_str(), line.epoch.as_deref()), ("from-header", Some("4")));
    assert_eq!(line.body_sha256.len(), 64);
    assert_eq!(served.story(), ["from-header ok Applied", "from-header ok Duplicate", " ok Malformed"]);
}

#[test]
fn tools_read_the_ledger_over_http() {
    let served = Served::with(Vec::new());
    let mut client = served.client();
    for key in ["a", "b", "c"] {
        client.isolate(key).unwrap();
    }
    let page = client.get("/v1/ledger?after=1").json();
    let keys: Vec<&str> = page.as_array().unwrap().iter().map(|line| line["key"].as_str().unwrap()).collect();
    assert_eq!(keys, ["b", "c"]);
}

#[test]
fn bad_input_is_refused_and_disturbs_nobody() {
    let served = Served::with(Vec::new());
    for body in [&b"{"[..], b"\xff\xfe", b"[]", b"", &vec![b'['; 500_000]] {
        let answer = served.client().send("POST", "/v1/actions", &[], body).unwrap();
        assert_eq!(answer.status, 400);
    }
    let large = vec![b' '; (1 << 20) + 1];
    assert_eq!(served.client().send("POST", "/v1/actions", &[], &large).unwrap().status, 413);
    assert_eq!(served.client().isolate("k").unwrap().status, 200);
}

#[test]
fn it_ends_when_told_with_idle_connections_open() {
    let served = Served::with(Vec::new());
    let mut idle = served.client();
    assert_eq!(idle.get("/v1/state").status, 200);
    served.stop().unwrap();
}
