//! `/api/v1/incidents/{id}/recovery` and `/api/v1/reports/recovery/{id}`.

use serde_json::json;

use crate::bench::Bench;

/// An incident that names a validator, which is cut off.
fn contained(bench: &Bench) -> String {
    let id = bench.incident();
    let body = json!({ "incident": id, "verb": "node.isolate", "target": "validator-3" });
    bench.post("/api/v1/containments", &body.to_string()).expect(201);
    bench.until("it is in force", |bench| {
        let list = bench.get("/api/v1/containments").expect(200);
        list["items"][0]["status"] == "in_force" || list["items"][0]["state"] == "in_force"
    });
    id
}

#[test]
fn what_was_hurt_comes_back_in_order_and_is_reported() {
    let bench = Bench::new();
    let id = contained(&bench);
    let path = format!("/api/v1/incidents/{id}/recovery");
    let preview = bench.get(&path).expect(200);
    assert_eq!(preview["state"], "not begun");
    let names: Vec<&str> =
        preview["services"].as_array().unwrap().iter().map(|one| one["service"].as_str().unwrap()).collect();
    assert_eq!(names, ["ledger", "api"], "what is hurt, and what needs it");
    assert_eq!(preview["services"][0]["hurt"], json!([{ "kind": "node", "name": "validator-3" }]));
    assert_eq!(bench.get("/api/v1/services/ledger").expect(200)["health"], "unknown");

    let recover = format!("/api/v1/incidents/{id}/recover");
    bench.ask("POST", &recover, &bench.responder, "").problem(403, "forbidden");
    bench.ask("POST", &recover, &bench.commander, "").expect(200);
    bench.until("it is complete", |bench| bench.get(&path).expect(200)["state"] == "complete");
    bench.ask("POST", &recover, &bench.commander, "").problem(409, "conflict");
    let recovery = bench.get(&path).expect(200);
    let ledger = &recovery["services"][0];
    assert_eq!(ledger["stage"], "healthy");
    assert_eq!(ledger["releases"][0]["read_back"], true);
    assert!(ledger["checks"].as_array().unwrap().iter().all(|check| check["passed"] == true), "{ledger}");
    let health = bench.get("/api/v1/services/ledger").expect(200);
    assert_eq!((&health["health"], &health["health_age_s"]), (&json!("healthy"), &json!(0)));
    assert_eq!(bench.get("/api/v1/services/storage").expect(200)["health"], "unknown", "nobody looked");

    let report = bench.get(&format!("/api/v1/reports/recovery/{id}")).expect(200);
    assert_eq!(report["in_time"], "2 of 2");
    assert_eq!(report["incident"], id.as_str());
    assert_eq!(report["services"], recovery["services"]);
    let timeline = bench.get(&format!("/api/v1/incidents/{id}/timeline")).expect(200);
    let said = timeline["items"].as_array().unwrap().iter().map(|entry| entry["summary"].as_str().unwrap());
    let said: Vec<&str> = said.collect();
    assert!(said.iter().any(|line| line.ends_with("in this order: ledger, api")), "{said:?}");
    assert!(said.iter().any(|line| line.ends_with("every service is healthy")), "{said:?}");
    bench.get("/api/v1/incidents/INC-999999/recovery").problem(404, "not_found");
    bench.get("/api/v1/reports/recovery/INC-999999").problem(404, "not_found");
}

#[test]
fn people_say_what_they_found() {
    let bench = Bench::new();
    let id = contained(&bench);
    let verify = format!("/api/v1/incidents/{id}/verify");
    let post = |body: serde_json::Value| bench.ask("POST", &verify, &bench.responder, body.to_string());
    post(json!({ "of": "luck", "passed": true, "note": "x" })).problem(400, "malformed");
    post(json!({ "of": "data", "service": "ledger", "passed": true, "note": "x" })).problem(404, "not_found");
    post(json!({ "of": "data", "passed": true, "note": " " })).problem(422, "invalid");
    let recovery = post(json!({ "of": "posture", "passed": false, "note": "port 22 is open" })).expect(200);
    assert_eq!(recovery["verdicts"][0]["note"], "port 22 is open");
    let resolve = format!("/api/v1/incidents/{id}/resolve");
    let refused = bench.post(&resolve, r#"{"summary": "over"}"#).problem(409, "conflict");
    assert!(refused.contains("the posture does not hold: port 22 is open"), "{refused}");
    post(json!({ "of": "posture", "passed": true, "note": "closed" })).expect(200);
    bench.post(&resolve, r#"{"summary": "over"}"#).expect(200);
}
