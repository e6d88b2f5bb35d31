//! `/api/v1/schedule`, `/api/v1/duties`, and the life of procedures.

use crate::bench::Bench;

#[test]
fn what_comes_round_is_listed_with_its_owner() {
    let bench = Bench::new();
    let list = bench.get("/api/v1/schedule").expect(200);
    let items = list["items"].as_array().unwrap();
    let of = |id: &str| items.iter().find(|one| one["id"] == id).unwrap();
    let every = |id: &str| of(id)["every"].as_str().unwrap().to_owned();
    assert_eq!(every("review_procedures"), "daily");
    assert_eq!(every("review_responses"), "weekly");
    assert_eq!(every("review_recoveries"), "monthly");
    assert_eq!(every("review_framework"), "quarterly");
    assert_eq!(of("review_framework")["owner"], "security");
    assert_eq!(of("review_framework")["next_at"], "2090-01-01T09:00:00Z");
    assert_eq!(bench.get("/api/v1/duties").expect(200)["items"], serde_json::json!([]));
    bench.get("/api/v1/duties/DTY-999999").problem(404, "not_found");
    let body = r#"{"note": "done"}"#;
    bench.post("/api/v1/duties/DTY-999999/complete", body).problem(404, "not_found");
}

#[test]
fn a_procedure_is_retired_reviewed_and_activated_on_record() {
    let bench = Bench::new();
    let page = "/api/v1/playbooks/validator_compromise";
    assert_eq!(bench.get(page).expect(200)["status"], "active");
    let moved = |verb: &str, token: &str| {
        bench.ask("POST", &format!("{page}/{verb}"), token, r#"{"why": "as agreed"}"#)
    };
    moved("retire", &bench.responder).problem(403, "forbidden");
    let retired = moved("retire", &bench.commander).expect(200);
    assert_eq!((&retired["status"], &retired["status_why"]), (&"retired".into(), &"as agreed".into()));
    assert!(retired["status_by"].as_str().unwrap().starts_with("P-"), "{retired}");
    let labels = r#"{"incident_type": "validator_compromise", "node": "validator-3"}"#;
    bench.alert(labels);
    moved("activate", &bench.commander).problem(409, "conflict");
    assert_eq!(moved("review", &bench.responder).expect(200)["status"], "review");
    assert_eq!(moved("activate", &bench.commander).expect(200)["status"], "active");
    let second = bench.alert(r#"{"incident_type": "validator_compromise", "node": "validator-4"}"#);
    bench.until("one starts", |bench| !bench.runs().is_empty());
    let runs = bench.runs();
    assert_eq!(runs.len(), 1, "nothing started for the first: {runs:?}");
    assert_eq!(runs[0]["incident"], second.as_str());
    for kind in ["procedure.retired", "procedure.in_review", "procedure.activated"] {
        assert!(bench.journal().contains(kind), "{kind}");
    }
}
