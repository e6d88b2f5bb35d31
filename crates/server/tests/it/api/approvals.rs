//! `/api/v1/approvals`.

use axum::{body::Body, http::Request};
use serde_json::{Value, json};

use crate::bench::Bench;

/// A containment that somebody asked for while the kill switch is on: it waits for two people.
fn request(bench: &Bench, token: &str) -> Value {
    bench.ask("POST", "/api/emergency/kill-switch/enable", &bench.admin, "").expect(200);
    let incident = bench.incident();
    let body =
        json!({ "incident": incident, "verb": "node.isolate", "target": "validator-3", "lease": "4h" });
    bench.ask("POST", "/api/v1/containments", token, body.to_string()).expect(201);
    let open = || bench.get("/api/v1/approvals").expect(200)["items"].clone();
    bench.until("it is asked", |_| open().as_array().is_some_and(|items| !items.is_empty()));
    open()[0].clone()
}

fn approve(bench: &Bench, token: &str, request: &Value, hash: &str) -> crate::bench::Answered {
    let path = format!("/api/v1/approvals/{}/approve", request["id"].as_str().unwrap());
    bench.ask("POST", &path, token, json!({ "hash": hash }).to_string())
}

#[test]
fn two_people_who_did_not_ask_allow_exactly_what_was_shown() {
    let bench = Bench::new();
    let dora = bench.person("dora", domain::access::Role::Commander);
    let asked = request(&bench, &dora);
    let hash = asked["hash"].as_str().unwrap();
    assert_eq!((&asked["verb"], &asked["quorum"]), (&json!("node.isolate"), &json!(2)));
    assert_eq!((&asked["targets"], &asked["status"]), (&json!(["validator-3"]), &json!("open")));
    approve(&bench, &bench.admin, &asked, &"0".repeat(64)).problem(409, "conflict");
    approve(&bench, &bench.admin, &asked, "").problem(409, "conflict");
    approve(&bench, &dora, &asked, hash).problem(403, "forbidden");
    approve(&bench, &bench.responder, &asked, hash).problem(403, "forbidden");
    approve(&bench, &bench.viewer, &asked, hash).problem(403, "forbidden");
    approve(&bench, &bench.source, &asked, hash).problem(403, "forbidden");
    approve(&bench, &bench.admin, &asked, hash).expect(200);
    approve(&bench, &bench.admin, &asked, hash).problem(409, "conflict");
    let action = format!("/api/v1/containments/{}", asked["actions"][0].as_str().unwrap());
    assert_eq!(bench.get(&action).expect(200)["status"], "held");
    approve(&bench, &bench.commander, &asked, hash).expect(200);
    bench.until("it is in force", |bench| bench.get(&action).expect(200)["status"] == "in_force");
    approve(&bench, &bench.commander, &asked, hash).problem(404, "not_found");
    let past = bench.get("/api/v1/approvals?state=past").expect(200);
    assert_eq!((&past["items"][0]["id"], &past["items"][0]["status"]), (&asked["id"], &json!("over")));
}

#[test]
fn a_denial_says_why_and_ends_it() {
    let bench = Bench::new();
    let asked = request(&bench, &bench.commander);
    let path = format!("/api/v1/approvals/{}/deny", asked["id"].as_str().unwrap());
    let deny = |body: &str| bench.ask("POST", &path, &bench.admin, body.to_owned());
    deny("{}").problem(400, "malformed");
    deny(r#"{"why": " "}"#).problem(422, "invalid");
    deny(r#"{"why": "a decoy", "also": 1}"#).problem(400, "malformed");
    let denied = deny(r#"{"why": "a decoy"}"#).expect(200);
    assert_eq!((&denied["status"], &denied["denied"]["why"]), (&json!("denied"), &json!("a decoy")));
    deny(r#"{"why": "a decoy"}"#).problem(404, "not_found");
    approve(&bench, &bench.admin, &asked, asked["hash"].as_str().unwrap()).problem(404, "not_found");
}

#[test]
fn looking_changes_nothing_and_nothing_but_a_token_in_the_header_counts() {
    let bench = Bench::new();
    let asked = request(&bench, &bench.commander);
    let (id, hash) = (asked["id"].as_str().unwrap(), asked["hash"].as_str().unwrap());
    let number = id.strip_prefix("APR-").unwrap();
    let before = bench.length();
    let path = |id: &str| format!("/api/v1/approvals/{id}/approve");
    for _ in 0..3 {
        bench.get("/api/v1/approvals").expect(200);
        bench.get(&format!("/api/v1/approvals/{id}")).expect(200);
        bench
            .ask("GET", &format!("{}?hash={hash}", path(id)), &bench.admin, "")
            .problem(405, "method_not_allowed");
        bench.ask("HEAD", &path(id), &bench.admin, "");
    }
    let spellings = [
        format!("apr-{number}"),
        format!("APR-0{number}"),
        format!("APR-+{number}"),
        format!("APR-{number}%20"),
        format!("{id}%00"),
        number.to_owned(),
        format!("ACT-{number}"),
    ];
    for other in spellings {
        let body = json!({ "hash": hash }).to_string();
        bench.ask("POST", &path(&other), &bench.admin, body).problem(404, "not_found");
    }
    let cookie = Request::post(path(id)).header("cookie", format!("token={0}; session={0}", bench.admin));
    let body = || Body::from(json!({ "hash": hash }).to_string());
    bench.send(cookie.body(body()).unwrap()).problem(401, "unauthenticated");
    let query = Request::post(format!("{}?token={}", path(id), bench.admin));
    bench.send(query.body(body()).unwrap()).problem(401, "unauthenticated");
    assert!(!bench.journal().contains("approval.granted"));
    let refusals = bench.journal().lines().skip(before as usize).filter(|l| !l.contains("refused")).count();
    assert_eq!(refusals, 0, "{}", bench.journal());
}

/// Who says it, with which method, to which spelling of the path, with which words: 600 ways, and none counts.
#[test]
fn no_way_around_two_people_in_the_matrix_of_calls() {
    let bench = Bench::new();
    let dora = bench.person("dora", domain::access::Role::Commander);
    let asked = request(&bench, &dora);
    let (id, hash) = (asked["id"].as_str().unwrap().to_owned(), asked["hash"].as_str().unwrap().to_owned());
    let who = [&bench.admin, &bench.commander, &dora, &bench.responder, &bench.viewer, &bench.source, ""];
    let path = format!("/api/v1/approvals/{id}/approve");
    let lower = path.replace("APR-", "apr-");
    let ways = [
        ("POST", path.clone()),
        ("GET", path.clone()),
        ("HEAD", path.clone()),
        ("PUT", path.clone()),
        ("POST", lower),
        ("POST", format!("{path}/")),
        ("POST", format!("{path}?hash={hash}")),
        ("POST", path.replace("/approvals/", "/Approvals/")),
        ("POST", path.replace("/approvals/", "//approvals/")),
        ("POST", path.replace("APR-", "APR-0")),
        ("POST", path.replace("/approve", "%2Fapprove")),
        ("POST", path.replace("/approvals/", "/approvals/../approvals/")),
    ];
    let words = [
        json!({ "hash": hash }).to_string(),
        json!({ "hash": hash.to_uppercase() }).to_string(),
        json!({ "hash": format!("{hash} ") }).to_string(),
        json!({ "hash": &hash[..63] }).to_string(),
        json!({ "hash": "" }).to_string(),
        json!({ "hash": hash, "person": "P-1" }).to_string(),
        json!({ "hash": [hash] }).to_string(),
        format!("hash={hash}"),
    ];
    let mut cases = 0;
    for (turn, token) in who.into_iter().enumerate() {
        for (number, (method, path)) in ways.iter().enumerate() {
            for (at, body) in words.iter().enumerate() {
                // The honest ones are another test.
                if turn < 2 && number == 0 && at == 0 {
                    continue;
                }
                let mut call = Request::builder().method(*method).uri(path);
                call = call.header("origin", ["https://evil.example", "null"][cases % 2]);
                call = match token {
                    "" => call.header("cookie", format!("token={0}; session={0}", bench.admin)),
                    token => call.header("authorization", format!("Bearer {token}")),
                };
                let answer = bench.send(call.body(Body::from(body.clone())).unwrap());
                assert!(answer.status >= 400, "{turn} {method} {path} {body}: {}", answer.status);
                cases += 1;
            }
        }
    }
    assert!(cases >= 600, "{cases}");
    assert!(!bench.journal().contains("approval.granted"), "{}", bench.journal());
    let action = format!("/api/v1/containments/{}", asked["actions"][0].as_str().unwrap());
    assert_eq!(bench.get(&action).expect(200)["status"], "held");
    assert_eq!(bench.get(&format!("/api/v1/approvals/{id}")).expect(200)["grants"], json!([]));
}
