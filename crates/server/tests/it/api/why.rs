//! `/api/v1/why/{id}`.

use crate::bench::Bench;

#[test]
fn everything_says_why_with_the_entries_that_prove_it() {
    let bench = Bench::new();
    let labels = r#"{"alertname": "DoubleSign", "incident_type": "validator_compromise", "severity": "critical",
        "node": "refused"}"#;
    let incident = bench.alert(labels);
    let page = || bench.get(&format!("/api/v1/incidents/{incident}")).expect(200);
    bench.until("a person is asked", |_| !page()["attention"].as_array().unwrap().is_empty());
    bench.until("the run is blocked", |_| page()["runs"][0]["status"] == "blocked");
    let page = page();
    let ids = [
        (incident.as_str(), "opened"),
        (page["raised_by"][0]["id"].as_str().unwrap(), "goes to"),
        (page["runs"][0]["id"].as_str().unwrap(), "blocked"),
        (page["actions"][0]["id"].as_str().unwrap(), "failed"),
    ];
    for (id, about) in ids {
        let why = bench.get(&format!("/api/v1/why/{id}")).expect(200);
        let first = &why["reasons"][0];
        assert!(first["about"].as_str().unwrap().starts_with(about), "{why}");
        let position = first["position"].as_u64().unwrap();
        let proof = why["entries"].as_array().unwrap().iter().find(|entry| entry["position"] == position);
        assert!(proof.is_some(), "the entry {position} is not among the proofs of {id}");
    }
    let why = bench.get(&format!("/api/v1/why/{incident}")).expect(200);
    assert!(
        why["reasons"].as_array().unwrap().iter().any(|r| r["about"].as_str().unwrap().starts_with("waits")),
        "{why}"
    );
}

#[test]
fn muted_alerts_and_silences_explain_each_other() {
    let bench = Bench::new();
    let set = r#"{"matchers": ["node=validator-3"], "for": "2h", "comment": "planned restart"}"#;
    let silence = bench.post("/api/v1/silences", set).expect(201)["id"].as_str().unwrap().to_owned();
    bench.alert(r#"{"alertname": "A", "incident_type": "power_systems", "node": "validator-3"}"#);
    let alert = bench.get("/api/v1/alerts").expect(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let why = bench.get(&format!("/api/v1/why/{alert}")).expect(200);
    assert_eq!(why["reasons"][0]["about"], format!("muted by {silence}"));
    let why = bench.get(&format!("/api/v1/why/{silence}")).expect(200);
    assert!(why["reasons"][0]["why"].as_str().unwrap().contains("planned restart"));
}

#[test]
fn what_does_not_exist_has_no_reason() {
    let bench = Bench::new();
    for id in ["INC-999999", "RUN-0", "nonsense", "P-1", "%E2%82%AC", "%ff"] {
        bench.get(&format!("/api/v1/why/{id}")).problem(404, "not_found");
    }
}

#[test]
fn a_level_is_explained_factor_by_factor() {
    let bench = Bench::new();
    let labels = r#"{"alertname": "DataLeak", "incident_type": "data_breach", "severity": "high", "service": "ledger"}"#;
    let id = bench.alert(labels);
    let page = || bench.get(&format!("/api/v1/incidents/{id}")).expect(200);
    bench.until("it goes up by itself", |_| page()["level"] == 3);
    let escalation = &page()["escalation"];
    assert_eq!(
        (&escalation["rule"], &escalation["urgency"]),
        (&"regulator_has_to_hear".into(), &"high".into())
    );
    assert_eq!(escalation["improvement"], "Duties to report are kept");
    let why = |about: &str| {
        let found = bench.get(&format!("/api/v1/why/{id}")).expect(200);
        let reasons = found["reasons"].as_array().unwrap().clone();
        let one = reasons.into_iter().find(|reason| reason["about"] == about).unwrap_or_default();
        one["why"].as_str().unwrap_or_default().to_owned()
    };
    assert_eq!(why("factor regulation"), "yes: a regulator has to hear of data_breach");
    assert!(why("escalated").contains("by `regulator_has_to_hear`, urgency high"), "{}", why("escalated"));
    let answer = |token: &str, body: &str| {
        bench.ask("POST", &format!("/api/v1/incidents/{id}/answer"), token, body.to_owned())
    };
    answer(&bench.responder, r#"{"contact": "executive_lead"}"#).problem(409, "conflict");
    bench
        .post(&format!("/api/v1/incidents/{id}/escalate"), r#"{"level": 4, "why": "the press calls"}"#)
        .expect(200);
    assert!(
        why("crisis team").contains("no answer yet from communications_lead, executive_lead, legal_counsel")
    );
    answer(&bench.viewer, r#"{"contact": "executive_lead"}"#).problem(403, "forbidden");
    let crisis = &answer(&bench.responder, r#"{"contact": "executive_lead"}"#).expect(200)["crisis"];
    assert_eq!(crisis["open"], serde_json::json!(["communications_lead", "legal_counsel"]));
    answer(&bench.responder, "").problem(422, "invalid");
}
