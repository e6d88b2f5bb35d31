//! `/api/v1/statements`: nothing goes outside that nobody agreed with.

use crate::bench::Bench;

#[test]
fn a_draft_goes_out_once_somebody_else_approved_its_exact_words() {
    let bench = Bench::new();
    let incident = bench.incident();
    let body = format!(r#"{{"incident": "{incident}", "kind": "media", "to": "public_relations"}}"#);
    bench.ask("POST", "/api/v1/statements", &bench.viewer, body.clone()).problem(403, "forbidden");
    let made = bench.ask("POST", "/api/v1/statements", &bench.responder, body).expect(201);
    let id = made["id"].as_str().unwrap();
    assert_eq!((&made["status"], &made["approval"]), (&"draft".into(), &serde_json::Value::Null));
    let page = format!("/api/v1/statements/{id}");
    let text = r#"{"text": "We are looking into it."}"#;
    let edited = bench.ask("POST", &format!("{page}/edit"), &bench.responder, text).expect(200);
    assert_ne!(edited["hash"], made["hash"]);
    let submit = || bench.ask("POST", &format!("{page}/submit"), &bench.responder, "");
    let refused = submit().problem(409, "conflict");
    assert!(refused.contains("reaches public_relations"), "the dashboard reaches nobody outside: {refused}");
    bench.mail();
    let asked = submit().expect(200);
    let approval = asked["approval"].as_str().unwrap();
    let yes = format!(r#"{{"hash": "{}"}}"#, asked["hash"].as_str().unwrap());
    let approve =
        |token: &str| bench.ask("POST", &format!("/api/v1/approvals/{approval}/approve"), token, yes.clone());
    approve(&bench.responder).problem(403, "forbidden");
    approve(&bench.commander).expect(200);
    bench.until("nobody took it", |bench| bench.get(&page).expect(200)["status"] == "undelivered");
    let sent = bench.get(&page).expect(200);
    assert_eq!(sent["approval"], approval);
    let why = sent["why"].as_str().unwrap();
    assert!(why.contains("there is no [channels.mail]"), "{why}");
    let notices = bench.get(&format!("/api/v1/notices?incident={incident}")).expect(200);
    let notice =
        notices["items"].as_array().unwrap().iter().find(|one| one["reason"] == "statement").unwrap();
    assert_eq!(
        (&notice["to"], &notice["text"]),
        (&"public_relations".into(), &"We are looking into it.".into())
    );
    assert_eq!(notice["status"], "undeliverable");
    let again = submit().expect(200);
    assert_eq!((&again["status"], &again["hash"]), (&"undelivered".into(), &asked["hash"]));
    assert_ne!(again["approval"], approval, "the first yes is used");
    let late = r#"{"why": "too late"}"#;
    let gone = bench.ask("POST", &format!("{page}/withdraw"), &bench.responder, late).expect(200);
    let over = bench.get("/api/v1/statements?state=over").expect(200);
    assert_eq!(over["items"][0], gone);
    bench.ask("POST", &format!("{page}/withdraw"), &bench.responder, late).problem(404, "not_found");
    bench.get("/api/v1/statements/STM-999999").problem(404, "not_found");
}
