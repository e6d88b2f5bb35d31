//! `/api/emergency`.

use axum::{body::Body, http::Request};

use crate::bench::Bench;

#[test]
fn limits_move_by_one_call_without_a_body() {
    let bench = Bench::new();
    let post = |path: &str| bench.ask("POST", &format!("/api/emergency/{path}"), &bench.commander, "");
    let status = || bench.get("/api/emergency/kill-switch/status").expect(200)["on"].clone();
    assert_eq!(status(), false);
    assert_eq!(post("safe-mode/emergency").expect(200)["safe_mode"], "emergency");
    post("safe-mode/emergency").problem(409, "conflict");
    post("safe-mode/cozy").problem(404, "not_found");
    assert_eq!(post("kill-switch/enable").expect(200)["kill_switch"]["on"], true);
    assert_eq!(status(), true);
    post("kill-switch/enable").problem(409, "conflict");
    assert_eq!(post("kill-switch/disable").expect(200)["kill_switch"]["on"], true, "one person asked");
    bench.ask("POST", "/api/emergency/kill-switch/disable", &bench.admin, "").expect(200);
    assert_eq!(status(), false);
    post("kill-switch/toggle").problem(404, "not_found");
}

#[test]
fn any_content_type_will_do_and_a_body_may_give_the_reason() {
    let bench = Bench::new();
    let send = |path: &str, kind: &str, body: &'static str| {
        let request = Request::post(format!("/api/emergency/{path}")).header("content-type", kind);
        let request = request.header("authorization", format!("Bearer {}", bench.commander));
        bench.send(request.body(Body::from(body)).unwrap())
    };
    send("kill-switch/enable", "application/x-www-form-urlencoded", "").expect(200);
    let off = send("kill-switch/disable", "text/plain", r#"{"reason": "all clear"}"#).expect(200);
    assert_eq!(off["leaving"][0]["reason"], "all clear");
    send("kill-switch/enable", "application/json", r#"{"on": false}"#).problem(400, "malformed");
    assert_eq!(bench.get("/api/emergency/kill-switch/status").expect(200)["on"], true);
}

#[test]
fn a_refused_hand_is_on_record_and_a_look_moves_nothing() {
    let bench = Bench::new();
    let enable = "/api/emergency/kill-switch/enable";
    bench.ask("POST", enable, &bench.responder, "").problem(403, "forbidden");
    bench.ask("POST", enable, &bench.source, "").problem(403, "forbidden");
    bench.ask("GET", enable, &bench.admin, "").problem(405, "method_not_allowed");
    assert_eq!(bench.get("/api/emergency/kill-switch/status").expect(200)["on"], false);
    bench.until("the refusal is kept", |bench| bench.journal().contains("kill-switch/enable"));
}
