//! Sources by mapping, and what of them could not be read.

use axum::{
    body::Body,
    http::{Request, header},
};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, Mac as _};
use sha2::Sha256;

use crate::bench::{Bench, SECRET};

fn post(bench: &Bench, source: &str, body: &str) -> crate::bench::Answered {
    bench.ask("POST", &format!("/api/v1/alerts/{source}"), &bench.source, body.to_owned())
}

#[test]
fn a_source_is_read_by_its_mapping() {
    let bench = Bench::new();
    let body =
        r#"{"rule": "Terminal shell in container", "priority": "Critical", "hostname": "validator-3"}"#;
    assert_eq!(post(&bench, "falco", body).expect(200)["taken"], 1);
    let alert = bench.get("/api/v1/alerts").expect(200)["items"][0].clone();
    assert_eq!(alert["labels"]["node"], "validator-3");
    assert_eq!(alert["labels"]["severity"], "critical");
}

#[test]
fn binary_cloudevents_come_by_headers_and_secrets_are_kept_nowhere() {
    let bench = Bench::new();
    let request = |body: &'static str| {
        let request = Request::post("/api/v1/alerts/cloudevents").header("cookie", "canary-1");
        let request = request.header("x-api-key", "canary-2").header(header::CONTENT_TYPE, "text/plain");
        let request = request.header(header::AUTHORIZATION, format!("Bearer {}", bench.source));
        request.header("ce-type", "a.b").header("ce-source", "/s").header("ce-id", "1").body(Body::from(body))
    };
    let mut sent = request("hello").unwrap();
    sent.headers_mut().insert("ce-specversion", "1.0".parse().unwrap());
    bench.send(sent).expect(200);
    let alert = bench.get("/api/v1/alerts").expect(200)["items"][0].clone();
    assert_eq!(
        (&alert["labels"]["alertname"], &alert["annotations"]["event_id"]),
        (&"a.b".into(), &"1".into())
    );
    bench.send(request("{}").unwrap()).problem(400, "malformed");
    assert!(!bench.journal().contains("canary") && !bench.journal().contains(&bench.source));
}

#[test]
fn what_cannot_be_read_is_kept_and_shown() {
    let bench = Bench::new();
    let broken = post(&bench, "falco", "{\"rule\":\n  nonsense}").problem(400, "malformed");
    assert!(broken.contains("line 2 column"), "{broken}");
    let other = post(&bench, "falco", "{\"value\": 1}").problem(400, "malformed");
    assert!(other.contains("at `./rule`"), "{other}");
    let id = other.rsplit(' ').next().unwrap();
    let page = bench.get("/api/v1/intake").expect(200);
    assert_eq!(page["items"].as_array().unwrap().len(), 2);
    assert!(page["items"][0].get("body").is_none());
    let shown = bench.get(&format!("/api/v1/intake/{id}")).expect(200);
    assert_eq!((&shown["source"], &shown["body"]), (&"falco".into(), &"{\"value\": 1}".into()));
    let long = format!("\u{0}{}", "ä".repeat(100_000));
    let detail = post(&bench, "falco", &long).problem(400, "malformed");
    let id = detail.rsplit(' ').next().unwrap();
    let kept = bench.get(&format!("/api/v1/intake/{id}")).expect(200);
    assert!(kept["length"].as_u64().unwrap() <= 65_536);
}

#[test]
fn an_unknown_or_shortened_name_is_not_found_in_one_form() {
    let bench = Bench::new();
    let said: std::collections::BTreeSet<String> = ["falc", "falcoo", "FALCO", "nothing", "ALERT-1"]
        .iter()
        .map(|name| post(&bench, name, "{}").problem(404, "not_found"))
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
}

/// A delivery of the source `signed`, as Standard Webhooks signs it.
fn signed(id: &str, at: i64, body: &str) -> Request<Body> {
    let key = STANDARD.decode(&SECRET["whsec_".len()..]).unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(format!("{id}.{at}.{body}").as_bytes());
    let signature = format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()));
    let request = Request::post("/api/v1/alerts/signed").header("webhook-id", id);
    let request = request.header("webhook-timestamp", at.to_string()).header("webhook-signature", signature);
    request.body(Body::from(body.to_owned())).unwrap()
}

#[test]
fn a_signed_source_needs_no_token_and_its_repeat_changes_nothing() {
    let bench = Bench::new();
    let now = bench.handle().now().0 / 1_000_000;
    let firing = r#"{"title": "A", "status": "firing"}"#;
    bench.send(signed("msg_1", now, firing)).expect(200);
    bench.send(signed("msg_2", now, r#"{"title": "A", "status": "resolved"}"#)).expect(200);
    let before = bench.length();
    // Without the signed id this would fire again.
    assert_eq!(bench.send(signed("msg_1", now, firing)).expect(200)["taken"], 1);
    assert_eq!(bench.length(), before);
    assert_eq!(bench.get("/api/v1/alerts").expect(200)["items"].as_array().unwrap().len(), 0);
}

#[test]
fn a_proof_that_does_not_hold_is_refused_as_a_missing_token_is() {
    let bench = Bench::new();
    let now = bench.handle().now().0 / 1_000_000;
    let body = r#"{"title": "A"}"#;
    let old = signed("msg_1", now - 400, body);
    let mut moved = signed("msg_1", now, body);
    *moved.uri_mut() = "/api/v1/alerts/generic".parse().unwrap();
    let mut elsewhere = signed("msg_1", now, body);
    *elsewhere.uri_mut() = "/api/v1/alerts".parse().unwrap();
    let mut changed = signed("msg_1", now, body);
    *changed.body_mut() = Body::from("{}");
    let mut shorter = signed("msg_1", now, body);
    shorter.headers_mut().insert("webhook-signature", "v1,AAAA".parse().unwrap());
    let mut without = signed("msg_1", now, body);
    without.headers_mut().remove("webhook-signature");
    let said: std::collections::BTreeSet<String> = [old, moved, elsewhere, changed, shorter, without]
        .into_iter()
        .map(|request| bench.send(request).problem(401, "unauthenticated"))
        .collect();
    assert_eq!(said.len(), 1, "{said:?}");
    assert_eq!(bench.get("/api/v1/alerts").expect(200)["items"].as_array().unwrap().len(), 0);
}

#[test]
fn a_token_of_one_source_speaks_for_no_other() {
    let bench = Bench::new();
    let grafana = bench.token(domain::access::Holder::Source("grafana".into()));
    let body = r#"{"title": "Odd", "labels": {"alertname": "Odd"}}"#;
    bench.ask("POST", "/api/v1/alerts/grafana", &grafana, body).expect(200);
    let detail = bench.ask("POST", "/api/v1/alerts/generic", &grafana, body).problem(403, "forbidden");
    assert_eq!(detail, "the token is that of the source `grafana`; `generic` needs one of its own");
    // A name that is no source's is that of a machine which gathers for several.
    bench.ask("POST", "/api/v1/alerts/generic", &bench.source, body).expect(200);
    bench.ask("POST", "/api/v1/alerts/grafana", &bench.source, body).expect(200);
}

#[test]
fn what_a_source_measures_is_what_rules_ask_for() {
    let bench = Bench::new();
    let body =
        r#"{"title": "Peers", "node": "validator-4", "metrics": {"node_status": "down", "peer_count": 2}}"#;
    bench.ask("POST", "/api/v1/alerts/generic", &bench.source, body).expect(200);
    let incident = bench.get("/api/v1/incidents").expect(200)["items"][0].clone();
    assert_eq!(
        (&incident["incident_type"], &incident["severity"]),
        (&"node_failure".into(), &"critical".into())
    );
    assert!(incident["why"].as_str().unwrap().contains("blockchain_node_down"), "{incident}");
    // The next measurement is the same alert.
    let better = body.replace("2}", "7}").replace("down", "up");
    bench.ask("POST", "/api/v1/alerts/generic", &bench.source, better).expect(200);
    assert_eq!(bench.get("/api/v1/alerts").expect(200)["items"].as_array().unwrap().len(), 1);
}
