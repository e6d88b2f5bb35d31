//! `/api/v1/reports/procedures`.

use crate::bench::Bench;

#[test]
fn each_step_and_each_channel_says_how_it_goes() {
    let bench = Bench::new();
    let labels = r#"{"alertname": "DoubleSign", "incident_type": "validator_compromise", "severity": "critical",
        "node": "refused", "key": "key-1"}"#;
    let incident = bench.alert(labels);
    bench.until("the run is blocked", |bench| {
        bench.get("/api/v1/runs").expect(200)["items"][0]["status"] == "blocked"
    });
    let none = bench.get("/api/v1/reports/procedures").expect(200);
    assert_eq!(none["playbooks"], serde_json::json!([]), "what is under way is in no figure");
    let run = bench.get("/api/v1/runs").expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    bench
        .post(&format!("/api/v1/runs/{run}/skip"), r#"{"step": "isolate", "why": "the node is gone"}"#)
        .expect(200);
    bench.post(&format!("/api/v1/runs/{run}/cancel"), "{}").expect(200);
    bench.post(&format!("/api/v1/incidents/{incident}/ack"), "").expect(200);
    let report = bench.get("/api/v1/reports/procedures").expect(200);
    let playbook = &report["playbooks"][0];
    assert_eq!(playbook["playbook"], "validator_compromise");
    assert_eq!((&playbook["runs"], &playbook["canceled"]), (&1.into(), &1.into()));
    let steps = playbook["steps"].as_array().unwrap();
    let step = |id: &str| steps.iter().find(|one| one["step"] == id).unwrap();
    assert_eq!((&step("isolate")["uses"], &step("isolate")["skips"]), (&1.into(), &1.into()));
    assert!(steps.iter().any(|one| one["uses"] == 1 && one["mean_s"].is_number()), "{report}");
    let dashboard =
        report["channels"].as_array().unwrap().iter().find(|one| one["channel"] == "dashboard").unwrap();
    assert!(dashboard["delivered"].as_u64().unwrap() > 0 && dashboard["failed"] == 0, "{dashboard}");
    assert!(dashboard["acknowledged"].as_u64().unwrap() > 0, "{dashboard}");
    assert!(dashboard["acknowledgement_mean_s"].is_number(), "{dashboard}");
    let later = bench.get("/api/v1/reports/procedures?since=2091-01-01T00:00:00Z").expect(200);
    assert_eq!((&later["playbooks"], &later["channels"]), (&serde_json::json!([]), &serde_json::json!([])));
    bench.get("/api/v1/reports/procedures?since=yesterday").problem(400, "malformed");
}
