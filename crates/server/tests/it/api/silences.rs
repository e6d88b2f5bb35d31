//! `/api/v1/silences`.

use crate::bench::Bench;

const SET: &str =
    r#"{"matchers": ["node=\"validator-3\"", "severity=~low|medium"], "for": "2h", "comment": "restart"}"#;

#[test]
fn a_silence_mutes_until_it_is_ended() {
    let bench = Bench::new();
    let silence = bench.ask("POST", "/api/v1/silences", &bench.responder, SET).expect(201);
    let id = silence["id"].as_str().unwrap();
    assert_eq!((&silence["state"], &silence["created_by"]), (&"active".into(), &"rae".into()));
    assert_eq!(silence["matchers"], serde_json::json!(["node=\"validator-3\"", "severity=~\"low|medium\""]));
    let labels =
        r#"{"alertname": "A", "incident_type": "power_systems", "severity": "low", "node": "validator-3"}"#;
    assert_eq!(bench.alert(labels), "");
    let muted = bench.get("/api/v1/alerts").expect(200)["items"][0].clone();
    assert_eq!(muted["silence"], id);
    assert_eq!(
        bench.get("/api/v1/silences").expect(200)["items"][0],
        bench.get(&format!("/api/v1/silences/{id}")).expect(200)
    );
    let ended = bench.ask("DELETE", &format!("/api/v1/silences/{id}"), &bench.responder, "").expect(200);
    assert_eq!(ended["state"], "expired");
    bench.ask("DELETE", &format!("/api/v1/silences/{id}"), &bench.responder, "").problem(404, "not_found");
    assert!(bench.get("/api/v1/alerts").expect(200)["items"][0]["incident"].is_string());
}

#[test]
fn wrong_silences_are_refused() {
    let bench = Bench::new();
    let wrong = [
        r#"{"matchers": [], "for": "1h", "comment": "x"}"#,
        r#"{"matchers": ["a=~.*"], "for": "1h", "comment": "x"}"#,
        r#"{"matchers": ["a=~("], "for": "1h", "comment": "x"}"#,
        r#"{"matchers": ["a=b"], "comment": "x"}"#,
        r#"{"matchers": ["a=b"], "for": "1h", "ends_at": "2090-01-02T00:00:00Z", "comment": "x"}"#,
        r#"{"matchers": ["a=b"], "ends_at": "2020-01-01T00:00:00Z", "comment": "x"}"#,
    ];
    for body in wrong {
        bench.post("/api/v1/silences", body).problem(422, "invalid");
    }
    bench
        .post("/api/v1/silences", r#"{"matchers": ["a=b"], "for": "long", "comment": "x"}"#)
        .problem(400, "malformed");
    bench.get("/api/v1/silences/SIL-999999").problem(404, "not_found");
}
