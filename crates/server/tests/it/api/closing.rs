//! `/api/v1/incidents/{id}/checks`: who may have the platform look at itself for an incident, and for which.

use crate::bench::Bench;

fn checks(bench: &Bench, id: &str) -> crate::bench::Answered {
    bench.ask("POST", &format!("/api/v1/incidents/{id}/checks"), &bench.responder, "")
}

fn looks(bench: &Bench) -> usize {
    bench.journal().lines().filter(|line| line.starts_with("incident.checked")).count()
}

#[test]
fn nothing_is_looked_at_for_whom_policies_keep_from_closing_it() {
    let bench = Bench::new();
    let id = bench.incident();
    checks(&bench, &id).expect(200);
    let before = looks(&bench);
    assert!(before > 0, "what a look found is on record");
    bench.forbid("incident.close");
    let said = checks(&bench, &id).problem(403, "forbidden");
    assert!(said.contains("nobody does this here"), "{said}");
    assert_eq!(looks(&bench), before);
}

#[test]
fn nothing_is_looked_at_for_a_closed_incident() {
    let bench = Bench::new();
    let id = bench.incident();
    let close = r#"{"disposition": "false_positive"}"#;
    bench.ask("POST", &format!("/api/v1/incidents/{id}/close"), &bench.responder, close).expect(200);
    let said = checks(&bench, &id).problem(404, "not_found");
    assert!(said.contains("open incident"), "{said}");
    assert_eq!(looks(&bench), 0);
}
