//! `/api/v1/incidents`.

use crate::bench::Bench;

#[test]
fn an_incident_is_worked_on_to_its_end() {
    let bench = Bench::new();
    let id = bench.incident();
    let at = |verb: &str| format!("/api/v1/incidents/{id}{verb}");
    let post = |verb: &str, body: &str| bench.ask("POST", &at(verb), &bench.responder, body.to_owned());
    let me = bench.ask("GET", "/api/v1/me", &bench.responder, "").expect(200);
    assert_eq!((&me["name"], &me["role"]), (&"rae".into(), &"responder".into()));
    let person = me["actor"].as_str().unwrap().replace("person/", "P-");

    assert_eq!(post("/ack", "").expect(200)["acknowledged"]["by"], person.as_str());
    assert!(post("/ack", "{}").problem(409, "conflict").contains("already"));
    assert_eq!(
        post("/assign", &format!("{{\"person\": \"{person}\"}}")).expect(200)["assignee"],
        person.as_str()
    );
    post("/assign", r#"{"person": "P-999999"}"#).problem(404, "not_found");
    post("/assign", r#"{"person": "rae"}"#).problem(400, "malformed");
    let classified = post("/classify", r#"{"severity": "medium", "why": "one node"}"#).expect(200);
    assert_eq!((&classified["severity"], &classified["confidence"]), (&"medium".into(), &1.0.into()));
    assert!(classified["priority_why"].as_str().unwrap().starts_with("severity medium"));
    let set = r#"{"onset": "2020-01-01T00:00:00Z", "why": "as the logs show"}"#;
    assert!(post("/classify", set).expect(200)["onset"].as_str().unwrap().starts_with("2020-01-01T00:00:00"));
    post("/classify", r#"{"onset": "2999-01-01T00:00:00Z", "why": "later"}"#).problem(422, "invalid");
    post("/classify", r#"{"severity": "very", "why": "two nodes"}"#).problem(400, "malformed");
    post("/classify", r#"{"why": " "}"#).problem(422, "invalid");
    post("/notes", r#"{"text": "not us"}"#).expect(200);
    post("/links", r#"{"title": "room", "url": "https://chat.example/42"}"#).expect(200);
    post("/links", r#"{"title": "room", "url": "javascript:alert(1)"}"#).problem(422, "invalid");
    assert_eq!(post("/resolve", r#"{"summary": "rebuilt"}"#).expect(200)["status"], "watching");
    post("/close", r#"{"disposition": "maybe"}"#).problem(400, "malformed");
    post("/close", r#"{"disposition": "true_positive"}"#).problem(409, "conflict");
    let closed = post("/close", r#"{"disposition": "benign"}"#).expect(200);
    assert_eq!((&closed["status"], &closed["disposition"]), (&"closed".into(), &"benign".into()));
    post("/notes", r#"{"text": "late"}"#).problem(404, "not_found");

    assert_eq!(bench.get("/api/v1/incidents").expect(200)["items"].as_array().unwrap().len(), 0);
    assert_eq!(bench.get("/api/v1/incidents?status=closed").expect(200)["items"][0]["id"], id.as_str());
    let timeline = bench.get(&at("/timeline?limit=1000")).expect(200);
    let kinds: Vec<&str> =
        timeline["items"].as_array().unwrap().iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
    for kind in
        ["incident.opened", "incident.acknowledged", "incident.noted", "incident.linked", "incident.closed"]
    {
        assert!(kinds.contains(&kind), "{kind} is missing in {kinds:?}");
    }
    let note =
        timeline["items"].as_array().unwrap().iter().find(|entry| entry["kind"] == "incident.noted").unwrap();
    assert_eq!(
        (&note["summary"], &note["body"]["text"]),
        (&format!("{id}: not us").into(), &"not us".into())
    );
}

#[test]
fn a_timeline_goes_page_by_page() {
    let bench = Bench::new();
    let id = bench.incident();
    for i in 0..5 {
        bench
            .post(&format!("/api/v1/incidents/{id}/notes"), &format!("{{\"text\": \"note {i}\"}}"))
            .expect(200);
    }
    let mut positions = Vec::new();
    let mut cursor = String::new();
    loop {
        let page = bench.get(&format!("/api/v1/incidents/{id}/timeline?limit=2{cursor}")).expect(200);
        positions.extend(
            page["items"].as_array().unwrap().iter().map(|entry| entry["position"].as_u64().unwrap()),
        );
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert!(positions.len() >= 6 && positions.is_sorted_by(|a, b| a < b), "{positions:?}");
    bench.get("/api/v1/incidents/INC-999999/timeline").problem(404, "not_found");
}

#[test]
fn a_page_holds_alerts_runs_and_actions() {
    let bench = Bench::new();
    let labels = r#"{"alertname": "DoubleSign", "incident_type": "validator_compromise", "severity": "critical",
        "node": "validator-3", "key": "key-3"}"#;
    let id = bench.alert(labels);
    bench.until("it is contained", |bench| {
        bench.get(&format!("/api/v1/incidents/{id}")).expect(200)["contained_at"].is_string()
    });
    let page = bench.get(&format!("/api/v1/incidents/{id}")).expect(200);
    assert_eq!(page["alerts"], 1);
    assert_eq!(page["raised_by"][0]["labels"]["alertname"], "DoubleSign");
    assert_eq!(page["runs"][0]["playbook"], "validator_compromise");
    assert!(
        page["runs"][0]["steps"][0]["id"].as_str().unwrap().parse::<u32>().is_err(),
        "steps have their ids"
    );
    assert_eq!(page["actions"][0]["target"]["kind"], "node");
}

#[test]
fn wrong_incidents_are_refused() {
    let bench = Bench::new();
    let open = |body: &str| bench.post("/api/v1/incidents", body);
    open(r#"{"title": " ", "incident_type": "power_systems", "severity": "low"}"#).problem(422, "invalid");
    open(r#"{"title": "x", "incident_type": "", "severity": "low"}"#).problem(422, "invalid");
    open(r#"{"title": "x", "incident_type": "y", "severity": "low", "targets": [{"kind": "moon", "name": "z"}]}"#)
        .problem(422, "invalid");
    open(r#"{"title": "x", "incident_type": "y"}"#).problem(400, "malformed");
    open(r#"{"title": "x", "incident_type": "y", "severity": "low", "targets": [{"kind": "node", "name": "z", "id": 1}]}"#)
        .problem(400, "malformed");
}

#[test]
fn one_person_commands_and_what_calls_the_next_is_shown() {
    let bench = Bench::new();
    let id = bench.incident();
    let post = |verb: &str, token: &str, body: &str| {
        bench.ask("POST", &format!("/api/v1/incidents/{id}{verb}"), token, body.to_owned())
    };
    let me = bench.ask("GET", "/api/v1/me", &bench.responder, "").expect(200);
    let person = me["actor"].as_str().unwrap().replace("person/", "P-");
    assert_eq!(post("/claim", &bench.responder, "").expect(200)["commander"], person.as_str());
    assert!(post("/claim", &bench.responder, "").problem(409, "conflict").contains("already"));
    assert!(post("/accept", &bench.responder, "").problem(409, "conflict").contains("nobody offered"));
    let body = format!(r#"{{"person": "{person}"}}"#);
    post("/hand-over", &bench.responder, &body).problem(404, "not_found");
    post("/escalate", &bench.responder, r#"{"why": "x", "levels": 2}"#).problem(400, "malformed");
    let shown = bench.get(&format!("/api/v1/incidents/{id}")).expect(200);
    assert!(shown["level"].is_u64() && shown["unfilled"].is_array());
}
