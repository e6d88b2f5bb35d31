//! `/api/v1/reviews`.

use crate::bench::Bench;

#[test]
fn what_was_real_is_reviewed_report_by_report() {
    let bench = Bench::new();
    let id = bench.incident();
    let post = |path: &str, body: &str| bench.ask("POST", path, &bench.responder, body.to_owned());
    post(&format!("/api/v1/incidents/{id}/sign-off"), r#"{"note": "all is well"}"#).problem(403, "forbidden");
    post(&format!("/api/v1/incidents/{id}/resolve"), r#"{"summary": "rebuilt"}"#).expect(200);
    post(&format!("/api/v1/incidents/{id}/close"), r#"{"disposition": "true_positive"}"#).expect(200);
    let reviews = bench.get("/api/v1/reviews").expect(200);
    let review = reviews["items"][0].clone();
    assert_eq!(review["incident"], id.as_str());
    assert_eq!(review["reports"].as_array().unwrap().len(), 3);
    let at = format!("/api/v1/reviews/{}", review["id"].as_str().unwrap());
    let complete = format!("{at}/complete");
    post(&complete, r#"{"report": "last", "text": "x"}"#).problem(422, "invalid");
    for report in ["initial", "detailed", "final"] {
        let body = format!(r#"{{"report": "{report}", "text": "https://docs.example/{report}"}}"#);
        post(&complete, &body).expect(200);
    }
    let done = bench.get(&at).expect(200);
    assert_eq!(done["reports"][2]["text"], "https://docs.example/final");
    assert!(done["reports"][2]["done_by"].is_string());
    assert_eq!(bench.get("/api/v1/reviews").expect(200)["items"].as_array().unwrap().len(), 0);
    assert_eq!(bench.get("/api/v1/reviews?state=complete").expect(200)["items"][0]["id"], review["id"]);
    bench.get("/api/v1/reviews/REV-999999").problem(404, "not_found");
}
