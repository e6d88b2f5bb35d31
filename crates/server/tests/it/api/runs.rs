//! `/api/v1/runs`.

use domain::time::Timestamp;

use crate::bench::Bench;

/// An incident whose run is blocked: its only node refuses.
fn blocked(bench: &Bench) -> (String, String) {
    let labels = r#"{"alertname": "DoubleSign", "incident_type": "validator_compromise", "severity": "critical",
        "node": "refused"}"#;
    let incident = bench.alert(labels);
    bench.until("the run is blocked", |bench| {
        bench.get("/api/v1/runs").expect(200)["items"][0]["status"] == "blocked"
    });
    let run = bench.get("/api/v1/runs").expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    (incident, run)
}

#[test]
fn a_blocked_run_is_steered_by_people() {
    let bench = Bench::new();
    let (incident, run) = blocked(&bench);
    let post = |verb: &str, body: &str| {
        bench.ask("POST", &format!("/api/v1/runs/{run}/{verb}"), &bench.responder, body.to_owned())
    };
    let shown = bench.get(&format!("/api/v1/runs/{run}")).expect(200);
    assert_eq!(shown["incident"], incident.as_str());
    assert!(shown["reason"].is_string());
    let failed = shown["steps"].as_array().unwrap().iter().find(|step| step["status"] == "failed").unwrap();
    let step = failed["id"].as_str().unwrap();
    let paused = post("pause", "").expect(200);
    assert_eq!(paused["status"], "paused");
    let changed = |run: &serde_json::Value| run["updated_at"].as_str().unwrap().parse::<Timestamp>().unwrap();
    assert!(changed(&paused) > changed(&shown), "it says when it was last changed");
    post("pause", "").problem(409, "conflict");
    post("skip", r#"{"step": "no_such_step", "why": "x"}"#).problem(404, "not_found");
    post("resume", "").expect(200);
    post("retry", &format!("{{\"step\": \"{step}\"}}")).expect(200);
    bench.until("it failed again", |bench| {
        let run = bench.get(&format!("/api/v1/runs/{run}")).expect(200);
        run["steps"]
            .as_array()
            .unwrap()
            .iter()
            .any(|s| s["id"] == step && s["status"] == "failed" && s["round"] == 1)
    });
    post("skip", &format!("{{\"step\": \"{step}\", \"why\": \"the node is gone\"}}")).expect(200);
    assert_eq!(post("cancel", "{}").expect(200)["status"], "canceled");
    post("cancel", "{}").problem(404, "not_found");
    assert_eq!(bench.get("/api/v1/runs?state=ended").expect(200)["items"][0]["id"], run.as_str());
}

#[test]
fn a_run_is_started_by_hand_once() {
    let bench = Bench::new();
    let incident = bench.incident();
    let start = |playbook: &str| {
        let body = format!("{{\"incident\": \"{incident}\", \"playbook\": \"{playbook}\"}}");
        bench.ask("POST", "/api/v1/runs", &bench.responder, body)
    };
    start("no_such_playbook").problem(404, "not_found");
    let run = start("validator_compromise").expect(201);
    assert_eq!(run["incident"], incident.as_str());
    bench.get(&format!("/api/v1/runs/{}", run["id"].as_str().unwrap())).expect(200);
    bench.post("/api/v1/runs", r#"{"incident": "INC-999999"}"#).problem(404, "not_found");
}

#[test]
fn what_a_run_came_to_is_counted_from_its_calls() {
    let bench = Bench::new();
    bench.alert(
        r#"{"alertname": "DoubleSign", "incident_type": "validator_compromise", "severity": "critical",
            "node": "validator-3", "key": "key-3"}"#,
    );
    bench.until("it runs", |bench| !bench.runs().is_empty());
    let id = bench.runs()[0]["id"].as_str().unwrap().to_owned();
    let show = |id: &str| bench.get(&format!("/api/v1/runs/{id}")).expect(200)["result"].clone();
    bench.until("it is over", |_| !show(&id)["success"].is_null());
    let result = show(&id);
    assert_eq!((&result["success"], &result["systems_isolated"]), (&true.into(), &1.into()), "{result}");
    assert!(result["total_s"].as_f64().unwrap() >= 0.0);
    assert!(result["effects"].as_u64().unwrap() >= 2, "{result}");
    assert!(result["attempts"].as_u64() >= result["effects"].as_u64(), "{result}");
    let phases = |result: &serde_json::Value| -> Vec<(String, serde_json::Value)> {
        let phases = result["phases"].as_array().unwrap().iter();
        phases.map(|phase| (phase["stage"].as_str().unwrap().to_owned(), phase["success"].clone())).collect()
    };
    assert_eq!(phases(&result), [("contain".to_owned(), true.into()), ("verify".to_owned(), true.into())]);
    assert!(
        bench.get("/api/v1/runs?state=ended").expect(200)["items"][0]["result"].is_null(),
        "of one run only"
    );

    let bench = Bench::new();
    let (_, id) = blocked(&bench);
    let show = || bench.get(&format!("/api/v1/runs/{id}")).expect(200)["result"].clone();
    assert!(show()["success"].is_null() && show()["systems_isolated"] == 0, "it waits: {}", show());
    bench.ask("POST", &format!("/api/v1/runs/{id}/cancel"), &bench.responder, "{}").expect(200);
    let result = show();
    assert_eq!(result["success"], false, "a run that was canceled is none that went well");
    assert_eq!(phases(&result)[0].1, false, "{result}");
}
