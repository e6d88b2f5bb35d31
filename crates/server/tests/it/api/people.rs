//! `/api/v1/people` and `/api/v1/tokens`.

use crate::bench::Bench;

#[test]
fn a_person_comes_changes_and_goes() {
    let bench = Bench::new();
    let person = bench.post("/api/v1/people", r#"{"name": "maria", "role": "viewer"}"#).expect(201);
    let id = person["id"].as_str().unwrap();
    bench.post("/api/v1/people", r#"{"name": "maria", "role": "viewer"}"#).problem(409, "conflict");
    bench.post("/api/v1/people", r#"{"name": "a b", "role": "viewer"}"#).problem(422, "invalid");
    bench.post("/api/v1/people", r#"{"name": "x", "role": "emperor"}"#).problem(400, "malformed");
    let token =
        bench.post("/api/v1/tokens", &format!("{{\"person\": \"{id}\", \"label\": \"laptop\"}}")).expect(201);
    let text = token["token"].as_str().unwrap();
    let known = |path: &str| bench.ask("GET", path, text, "").status;
    bench.until("the token is known", |_| known("/api/v1/me") == 200);
    assert_eq!(known("/api/v1/tokens"), 403);
    bench.post(&format!("/api/v1/people/{id}/role"), r#"{"role": "admin"}"#).expect(200);
    bench.until("the role is known", |_| known("/api/v1/tokens") == 200);
    assert_eq!(bench.post(&format!("/api/v1/people/{id}/disable"), "").expect(200)["disabled"], true);
    bench.until("the token ends with its person", |_| known("/api/v1/me") == 401);
}

#[test]
fn the_last_administrator_stays() {
    let bench = Bench::new();
    let people = bench.get("/api/v1/people").expect(200);
    let ada = people["items"].as_array().unwrap().iter().find(|person| person["name"] == "ada").unwrap();
    let id = ada["id"].as_str().unwrap();
    bench.post(&format!("/api/v1/people/{id}/disable"), "").problem(409, "conflict");
    bench.post(&format!("/api/v1/people/{id}/role"), r#"{"role": "viewer"}"#).problem(409, "conflict");
}

#[test]
fn a_token_is_shown_once_listed_without_text_and_revoked() {
    let bench = Bench::new();
    let created = bench.post("/api/v1/tokens", r#"{"source": "grafana", "label": "rack 4"}"#).expect(201);
    let (id, text) = (created["id"].as_str().unwrap(), created["token"].as_str().unwrap());
    let list = bench.ask("GET", "/api/v1/tokens", &bench.admin, "");
    assert!(!list.body.contains(text) && !list.body.contains(&*server::token_hash(text)));
    let listed =
        list.expect(200)["items"].as_array().unwrap().iter().find(|token| token["id"] == id).unwrap().clone();
    assert_eq!((&listed["source"], &listed["label"]), (&"grafana".into(), &"rack 4".into()));
    assert_eq!(bench.post(&format!("/api/v1/tokens/{id}/revoke"), "").expect(200)["revoked"], true);
    bench.post(&format!("/api/v1/tokens/{id}/revoke"), "").problem(409, "conflict");
    bench.until("it is of no use", |bench| bench.ask("POST", "/api/v1/alerts", text, "[]").status == 401);
    for wrong in [r#"{"label": "x"}"#, r#"{"source": "a", "person": "P-1"}"#, r#"{"source": "a b"}"#] {
        bench.post("/api/v1/tokens", wrong).problem(422, "invalid");
    }
    bench
        .post("/api/v1/tokens", r#"{"source": "a", "expires_at": "2020-01-01T00:00:00Z"}"#)
        .problem(422, "invalid");
    bench.post("/api/v1/tokens", r#"{"person": "P-999999"}"#).problem(404, "not_found");
}
