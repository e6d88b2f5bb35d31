//! `/api/v1/exercises` and `/api/v1/training`.

use crate::bench::Bench;

#[test]
fn an_exercise_at_a_table_is_held_answered_and_kept() {
    let bench = Bench::new();
    let start = r#"{"drill": "tabletop_data_breach"}"#;
    bench.ask("POST", "/api/v1/exercises", &bench.viewer, start).problem(403, "forbidden");
    let begun = bench.ask("POST", "/api/v1/exercises", &bench.responder, start).expect(201);
    let page = format!("/api/v1/exercises/{}", begun["id"].as_str().unwrap());
    assert_eq!((&begun["kind"], &begun["passed"]), (&"tabletop".into(), &serde_json::Value::Null));
    assert_eq!(begun["injects"][1]["says"], serde_json::Value::Null, "what comes is not told before");
    let body = r#"{"inject": 1, "question": 2, "text": "critical"}"#;
    let answered = bench.ask("POST", &format!("{page}/answer"), &bench.responder, body).expect(200);
    assert_eq!(answered["injects"][0]["questions"][1]["answer"], "critical");
    let ended = bench.post(&format!("{page}/end"), r#"{"note": "enough for today"}"#).expect(200);
    assert_eq!((&ended["passed"], &ended["note"]), (&false.into(), &"enough for today".into()));
    let over = bench.get("/api/v1/exercises?state=over").expect(200);
    assert_eq!(over["items"][0], ended);
    bench.get("/api/v1/exercises/EXR-999999").problem(404, "not_found");
}

#[test]
fn one_of_communication_needs_a_way_and_lists_everybody_with_theirs() {
    let bench = Bench::new();
    let refused = bench.post("/api/v1/exercises", r#"{"drill": "communication_test"}"#);
    let refused = refused.problem(409, "conflict");
    assert!(refused.contains("can call nobody"), "the dashboard reaches nobody: {refused}");
    bench.mail();
    let begun = bench.post("/api/v1/exercises", r#"{"drill": "communication_test"}"#).expect(201);
    let contacts = begun["contacts"].as_array().unwrap();
    assert_eq!(contacts.len(), 13, "{begun}");
    assert!(contacts.iter().all(|one| one["ways"]["mail"].is_object()), "{begun}");
    let page = format!("/api/v1/exercises/{}", begun["id"].as_str().unwrap());
    let said = bench.post(&format!("{page}/acknowledge"), r#"{"contact": "security_lead"}"#).expect(200);
    let lead =
        said["contacts"].as_array().unwrap().iter().find(|one| one["contact"] == "security_lead").unwrap();
    assert!(lead["acknowledged_at"].is_string() && lead["acknowledged_by"].is_string(), "{lead}");
    assert_eq!(bench.post(&format!("{page}/end"), "{}").expect(200)["passed"], false);
}

#[test]
fn what_a_technical_drill_came_to_and_who_is_trained_is_kept() {
    let bench = Bench::new();
    let body = r#"{"drill": "system_compromise", "passed": true, "measured": {"contained": "1.2 s"}}"#;
    let kept = bench.post("/api/v1/exercises/record", body).expect(201);
    assert_eq!((&kept["kind"], &kept["passed"]), (&"technical".into(), &true.into()));
    assert_eq!(kept["measured"]["contained"], "1.2 s");
    let find = |courses: &serde_json::Value, id: &str| {
        courses["items"].as_array().unwrap().iter().find(|one| one["id"] == id).unwrap().clone()
    };
    let before = find(&bench.get("/api/v1/training").expect(200), "basics");
    let gaps = before["gaps"].as_u64().unwrap();
    let took = r#"{"contact": "on_call_engineer"}"#;
    bench.ask("POST", "/api/v1/training/basics/complete", &bench.viewer, took).problem(403, "forbidden");
    let after = bench.post("/api/v1/training/basics/complete", took).expect(200);
    assert_eq!(after["gaps"].as_u64().unwrap(), gaps - 1);
    assert_eq!(find(&bench.get("/api/v1/training").expect(200), "basics"), after);
    bench.post("/api/v1/training/nothing/complete", took).problem(404, "not_found");
}
