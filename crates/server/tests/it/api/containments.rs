//! `/api/v1/containments`.

use serde_json::Value;

use crate::bench::Bench;

fn apply(bench: &Bench, target: &str) -> String {
    let incident = bench.incident();
    let body = format!(
        "{{\"incident\": \"{incident}\", \"verb\": \"node.isolate\", \"target\": \"{target}\", \"args\": {{\"level\": \"full\"}}, \"lease\": \"4h\"}}"
    );
    let action = bench.ask("POST", "/api/v1/containments", &bench.commander, body).expect(201);
    action["id"].as_str().unwrap().to_owned()
}

fn until_status(bench: &Bench, id: &str, status: &str) -> Value {
    let show = || bench.get(&format!("/api/v1/containments/{id}")).expect(200);
    bench.until(&format!("{id} is {status}"), |_| show()["status"] == status);
    show()
}

#[test]
fn a_containment_is_applied_extended_and_released() {
    let bench = Bench::new();
    let id = apply(&bench, "validator-3");
    let shown = until_status(&bench, &id, "in_force");
    assert_eq!((&shown["verified"], &shown["run"]), (&true.into(), &Value::Null));
    assert_eq!(shown["target"], serde_json::json!({ "kind": "node", "name": "validator-3" }));
    assert!(shown["lease_until"].is_string());
    let post = |verb: &str, body: &str| {
        bench.ask("POST", &format!("/api/v1/containments/{id}/{verb}"), &bench.commander, body.to_owned())
    };
    let extended = post("extend", r#"{"for": "8h"}"#).expect(200);
    assert!(extended["lease_until"].as_str() > shown["lease_until"].as_str());
    post("extend", r#"{"for": "900d"}"#).problem(422, "invalid");
    post("extend", r#"{"for": 8}"#).problem(400, "malformed");
    post("settle", r#"{"verdict": "applied", "why": "seen"}"#).problem(409, "conflict");
    assert_eq!(bench.get("/api/v1/containments").expect(200)["items"][0]["id"], id.as_str());
    post("release", "").expect(200);
    until_status(&bench, &id, "released");
    post("release", "").problem(404, "not_found");
    assert_eq!(bench.get("/api/v1/containments?state=past").expect(200)["items"][0]["id"], id.as_str());
}

#[test]
fn what_is_asked_for_is_checked() {
    let bench = Bench::new();
    let incident = bench.incident();
    let ask = |verb: &str, args: &str| {
        let body = format!(
            "{{\"incident\": \"{incident}\", \"verb\": \"{verb}\", \"target\": \"validator-3\", \"args\": {args}}}"
        );
        bench.ask("POST", "/api/v1/containments", &bench.commander, body)
    };
    ask("node.launch", "{}").problem(422, "invalid");
    ask("node.isolate", r#"{"level": "sideways"}"#).problem(422, "invalid");
    ask("node.isolate", r#"{"surprise": true}"#).problem(422, "invalid");
    let detail = ask("node.isolate", r#"{"level": {"deep": 1}}"#).problem(400, "malformed");
    assert!(detail.contains("at `args"), "{detail}");
    bench.get("/api/v1/containments/ACT-999999").problem(404, "not_found");
}
