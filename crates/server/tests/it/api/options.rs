//! `/api/v1/incidents/{id}/options`.

use serde_json::{Value, json};

use crate::bench::Bench;

fn options(bench: &Bench, id: &str, token: &str) -> Vec<Value> {
    let list = bench.ask("GET", &format!("/api/v1/incidents/{id}/options"), token, String::new()).expect(200);
    list["items"].as_array().unwrap().clone()
}

#[test]
fn strategies_are_ranked_and_one_is_applied_to_each_target() {
    let bench = Bench::new();
    let body = r#"{"title": "Odd answers", "incident_type": "security_vulnerability", "severity": "high",
        "targets": [{"kind": "node", "name": "validator-3"}]}"#;
    let opened = bench.post("/api/v1/incidents", body).expect(201);
    let id = opened["id"].as_str().unwrap().to_owned();
    let found = options(&bench, &id, &bench.commander);
    let ranks: Vec<_> = found.iter().filter_map(|offer| offer["rank"].as_u64()).collect();
    assert!(!ranks.is_empty() && ranks.iter().copied().eq(1..=ranks.len() as u64), "{found:?}");
    let risk = |offer: &Value| match offer["risk"].as_str() {
        Some("low") => 0,
        Some("medium") => 1,
        Some("high") => 2,
        _ => 3,
    };
    let free: Vec<_> = found.iter().filter(|offer| offer["omitted"].is_null()).map(risk).collect();
    assert!(free.is_sorted(), "{found:?}");
    let left = found.iter().find(|offer| !offer["omitted"].is_null()).unwrap();
    assert!(left["rank"].is_null() && !left["reason"].as_str().unwrap().is_empty(), "{left}");

    let path = format!("/api/v1/incidents/{id}/options");
    let take = |token: &str, body: Value| bench.ask("POST", &path, token, body.to_string());
    take(&bench.commander, json!({ "strategy": "no_such" })).problem(422, "invalid");
    take(&bench.responder, json!({ "strategy": "watch_nodes" })).problem(403, "forbidden");
    let taken = take(&bench.commander, json!({ "strategy": "watch_nodes" })).expect(201);
    let action = &taken["items"][0];
    assert_eq!((&action["strategy"], &action["verb"]), (&json!("watch_nodes"), &json!("monitoring.enhance")));
    let shown = bench.get(&format!("/api/v1/containments/{}", action["id"].as_str().unwrap())).expect(200);
    assert_eq!((&shown["strategy"], &shown["run"]), (&json!("watch_nodes"), &Value::Null));
    take(&bench.commander, json!({ "strategy": "watch_nodes" })).problem(409, "conflict");
    let again = options(&bench, &id, &bench.commander);
    let watch = again.iter().find(|offer| offer["id"] == "watch_nodes").unwrap();
    assert_eq!((&watch["omitted"], &watch["in_force"][0]), (&json!("in_force"), &action["id"]));
    let viewer = options(&bench, &id, &bench.viewer);
    let isolate = viewer.iter().find(|offer| offer["id"] == "block_addresses").unwrap();
    assert_eq!(isolate["omitted"], "no_target", "what there is to act on is said before who may");
    let patch = viewer.iter().find(|offer| offer["id"] == "patch_nodes").unwrap();
    assert_eq!(patch["omitted"], "permission");
    bench.get("/api/v1/incidents/INC-999999/options").problem(404, "not_found");
}
