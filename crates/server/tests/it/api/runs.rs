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
fn one_run_shows_stages_actions_decisions_team_status_and_times() {
    let bench = Bench::new();
    let incident = bench.alert(
        r#"{"alertname": "Exfiltration", "incident_type": "data_breach", "severity": "high", "account": "account-1"}"#,
    );
    let run = || bench.runs().first().and_then(|run| run["id"].as_str()).map(str::to_owned);
    bench.until("the run is there", |_| run().is_some());
    let id = run().unwrap();
    let show = || bench.get(&format!("/api/v1/runs/{id}")).expect(200);
    let step = |run: &serde_json::Value, name: &str| {
        let steps = run["steps"].as_array().unwrap();
        steps.iter().find(|step| step["id"] == name).cloned().unwrap_or_else(|| panic!("{name} in {run}"))
    };
    bench.until("the question is asked", |_| step(&show(), "scope")["status"] == "active");

    // Under way: where it is, what was done, what is open, who is on it.
    let open = show();
    assert_eq!((&open["incident"], &open["status"]), (&incident.as_str().into(), &"active".into()));
    assert!(open["started_at"].is_string() && open["ended_at"].is_null(), "{open}");
    let phases = open["result"]["phases"].as_array().unwrap();
    assert!(
        phases.iter().any(|phase| phase["stage"] == open["stage"] && phase["success"].is_null()),
        "{open}"
    );
    let done = |run: &serde_json::Value| {
        let steps = run["steps"].as_array().unwrap().iter();
        let acted = |step: &&serde_json::Value| step["kind"] == "action" && step["status"] == "done";
        let on = |step: &&serde_json::Value| step["targets"].as_array().is_some_and(|on| !on.is_empty());
        steps.filter(acted).filter(on).cloned().collect::<Vec<_>>()
    };
    let acted = done(&open);
    assert!(!acted.is_empty(), "{open}");
    assert!(
        acted.iter().all(|step| step["began_at"].is_string() && step["ended_at"].is_string()),
        "{acted:?}"
    );
    let asked = step(&open, "scope");
    assert_eq!((&asked["kind"], &asked["choice"]), (&"decision".into(), &serde_json::Value::Null));
    assert!(asked["options"].as_array().unwrap().len() == 3 && asked["by"].is_null(), "{asked}");
    let people: Vec<&str> = ["team", "unfilled"]
        .iter()
        .flat_map(|list| open[*list].as_array().unwrap().iter().filter_map(serde_json::Value::as_str))
        .collect();
    let commands = |role: &&str| role.split(':').next() == Some("incident_commander");
    assert!(people.iter().any(commands), "whom the decision is for: {people:?}");
    assert!(!open["team"].as_array().unwrap().is_empty(), "{open}");

    // Decided and through: the choice, who made it, and each stage with its end.
    let update = |body: &str| bench.post(&format!("/api/v1/runs/{id}/update"), body).expect(200);
    update(r#"{"decide": {"scope": "internal"}}"#);
    update(r#"{"complete": ["inside"]}"#);
    bench.until("it is through", |_| show()["status"] == "completed");
    let ended = show();
    let decided = step(&ended, "scope");
    assert_eq!((&decided["status"], &decided["choice"]), (&"done".into(), &"internal".into()));
    assert!(decided["by"].is_string() && decided["ended_at"].is_string(), "{decided}");
    assert!(ended["ended_at"].is_string() && ended["result"]["total_s"].is_number(), "{ended}");
    let phases = ended["result"]["phases"].as_array().unwrap();
    assert!(phases.iter().all(|phase| !phase["success"].is_null()), "{ended}");
    assert_eq!(ended["team"], open["team"], "a run that is over names its people as well");
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
