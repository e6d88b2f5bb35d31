//! Reports by hand, through a form, and from outside.

use domain::access::Holder;
use serde_json::{Value, json};

use crate::bench::{Answered, Bench};

const REPORTS: &str = "/api/v1/reports";

fn told() -> Value {
    json!({ "title": "sign-ins that are not mine", "description": "two this morning",
            "incident_type": "unauthorized_access", "targets": [{ "kind": "account", "name": "account-3" }] })
}

fn send(bench: &Bench, token: &str, body: &Value) -> Answered {
    bench.ask("POST", REPORTS, token, body.to_string())
}

#[test]
fn a_person_reports_and_is_named() {
    let bench = Bench::new();
    let receipt = send(&bench, &bench.responder, &told()).expect(201);
    let id = receipt["id"].as_str().unwrap();
    let incident = receipt["incident"].as_str().unwrap();
    let page = bench.get(&format!("/api/v1/incidents/{incident}")).expect(200);
    assert!(page["why"].as_str().unwrap().starts_with("reported by rae"), "{page}");
    assert_eq!(page["runs"][0]["playbook"], "unauthorized_access");
    let report = bench.get(&format!("{REPORTS}/{id}")).expect(200);
    assert_eq!((&report["reporter"], &report["channel"]), (&json!("rae"), &json!("hand")));
    let alert = bench.get(&format!("/api/v1/alerts/{}", report["alert"].as_str().unwrap())).expect(200);
    assert_eq!((&alert["labels"]["source"], &alert["labels"]["report"]), (&json!("report"), &json!(id)));
    assert_eq!(alert["annotations"]["reported_by"], "rae");

    send(&bench, &bench.viewer, &told()).problem(403, "forbidden");
    send(&bench, &bench.source, &told()).problem(403, "forbidden");
    let mut odd = told();
    odd["surprise"] = json!(1);
    send(&bench, &bench.responder, &odd).problem(400, "malformed");
}

#[test]
fn a_form_may_report_and_nothing_else() {
    let bench = Bench::new();
    let made = bench.post("/api/v1/tokens", r#"{"form": "intranet"}"#).expect(201);
    let form = made["token"].as_str().unwrap();
    let receipt = send(&bench, form, &told()).expect(201);
    assert!(receipt.get("incident").is_none(), "{receipt}");
    let id = receipt["id"].as_str().unwrap();
    let incident = bench.get("/api/v1/incidents").expect(200)["items"][0].clone();
    let incident = bench.get(&format!("/api/v1/incidents/{}", incident["id"].as_str().unwrap())).expect(200);
    assert_eq!(incident["runs"], json!([]));

    let what = bench.ask("GET", &format!("{REPORTS}/{id}"), form, "").problem(403, "forbidden");
    assert_eq!(what, "this needs the permission read; `intranet` is a form, which may only report");
    for (method, path) in [
        ("GET", REPORTS),
        ("GET", "/api/v1/alerts"),
        ("GET", "/api/v1/incidents"),
        ("POST", "/api/v1/alerts"),
        ("POST", "/api/v1/alerts/generic"),
        ("POST", "/api/v2/alerts"),
        ("GET", "/api/v2/alerts"),
        ("POST", "/api/v1/incidents"),
        ("POST", &format!("{REPORTS}/{id}/acknowledge")),
        ("POST", &format!("{REPORTS}/{id}/close")),
        ("POST", "/api/v1/tokens"),
        ("GET", "/metrics"),
        ("GET", "/api/v1/stream"),
    ] {
        assert_eq!(bench.ask(method, path, form, "{}").status, 403, "{method} {path}");
    }
    let tokens = bench.ask("GET", "/api/v1/tokens", &bench.admin, "").expect(200);
    assert!(tokens["items"].as_array().unwrap().iter().any(|token| token["form"] == "intranet"), "{tokens}");
    bench.post("/api/v1/tokens", r#"{"form": "a", "source": "b"}"#).problem(422, "invalid");
}

#[test]
fn who_reports_from_outside_is_told_of_deadlines_and_not_too_often() {
    let bench = Bench::new();
    let page = bench.token(Holder::Outside("security.txt".into()));
    let why = send(&bench, &page, &told()).problem(422, "invalid");
    assert_eq!(why, "a report from outside needs a `contact` for the answer");
    let mut body = told();
    body["contact"] = json!("noor@example.org");
    body["reporter"] = json!("Noor");
    let receipt = send(&bench, &page, &body).expect(201);
    assert_eq!(receipt["acknowledge_by"].as_str().unwrap()[..10], receipt_day(&receipt, 1));
    assert_eq!(receipt["disclose_by"].as_str().unwrap()[..10], receipt_day(&receipt, 90));
    for _ in 1..20 {
        send(&bench, &page, &body).expect(201);
    }
    let refused = send(&bench, &page, &body);
    assert!(refused.headers.contains_key("retry-after"));
    refused.problem(429, "busy");
    assert_eq!(bench.get(&format!("{REPORTS}?limit=100")).expect(200)["items"].as_array().unwrap().len(), 20);

    let one = format!("{REPORTS}/{}", receipt["id"].as_str().unwrap());
    let answered =
        bench.ask("POST", &format!("{one}/acknowledge"), &bench.responder, r#"{"note": "thanks"}"#);
    assert!(answered.expect(200)["acknowledged_by"].is_string());
    let again = bench.ask("POST", &format!("{one}/acknowledge"), &bench.responder, "{}");
    assert!(again.problem(409, "conflict").contains("was acknowledged"));
    let close = |body: &str| bench.ask("POST", &format!("{one}/close"), &bench.responder, body.to_owned());
    close(r#"{"outcome": "forgotten"}"#).problem(400, "malformed");
    assert_eq!(close(r#"{"outcome": "fixed", "note": "release 2.4"}"#).expect(200)["outcome"], "fixed");
    close(r#"{"outcome": "fixed"}"#).problem(404, "not_found");
    assert_eq!(
        bench.get(&format!("{REPORTS}?state=closed")).expect(200)["items"].as_array().unwrap().len(),
        1
    );
}

/// The day so many days after the report came.
fn receipt_day(receipt: &Value, days: i64) -> String {
    let came: jiff::Timestamp = receipt["received_at"].as_str().unwrap().parse().unwrap();
    let day = came + jiff::SignedDuration::from_hours(24 * days);
    day.to_string()[..10].to_owned()
}
