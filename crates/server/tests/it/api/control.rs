//! `/api/v1/control`.

use crate::bench::Bench;

#[test]
fn limits_are_set_shown_and_lifted() {
    let bench = Bench::new();
    let post = |path: &str, body: &str| {
        bench.ask("POST", &format!("/api/v1/control/{path}"), &bench.commander, body.to_owned())
    };
    let quiet = bench.get("/api/v1/control").expect(200);
    assert_eq!((&quiet["kill_switch"]["on"], &quiet["safe_mode"]), (&false.into(), &"disabled".into()));
    assert_eq!(post("safe-mode", r#"{"level": "restricted"}"#).expect(200)["safe_mode"], "restricted");
    post("safe-mode", r#"{"level": "restricted"}"#).problem(409, "conflict");
    post("safe-mode", r#"{"level": "cozy"}"#).problem(400, "malformed");
    let on = post("kill-switch", r#"{"on": true, "reason": "false alarms"}"#).expect(200);
    assert_eq!(
        (&on["kill_switch"]["on"], &on["kill_switch"]["reason"]),
        (&true.into(), &"false alarms".into())
    );
    post("kill-switch", r#"{"on": true}"#).problem(409, "conflict");
    let open = post("breakers/estate", r#"{"on": true, "reason": "maintenance"}"#).expect(200);
    assert_eq!(open["breakers"][0]["name"], "estate");
    post("breakers/a%20b", r#"{"on": true}"#).problem(422, "invalid");
    post("breakers/estate", r#"{"on": false}"#).expect(200);
    let asked = post("kill-switch", r#"{"on": false}"#).expect(200);
    assert_eq!(asked["kill_switch"]["on"], true);
    assert_eq!(asked["leaving"][0]["verb"], "control.kill_switch");
    post("kill-switch", r#"{"on": false}"#).problem(409, "conflict");
    let off = bench.post("/api/v1/control/kill-switch", r#"{"on": false}"#).expect(200);
    assert_eq!((&off["kill_switch"]["on"], &off["leaving"]), (&false.into(), &serde_json::json!([])));
    assert_eq!(bench.get("/api/v1/control").expect(200)["breakers"], serde_json::json!([]));
    post("confirm-clock", "").problem(409, "conflict");
}

#[test]
fn the_glass_is_broken_by_the_owner_of_the_machine_alone() {
    let bench = Bench::new();
    let glass = |token: &str, proof: &str| {
        let body = format!(r#"{{"reason": "alone", "for": "5m", "proof": "{proof}"}}"#);
        bench.ask("POST", "/api/v1/control/break-glass", token, body)
    };
    glass(&bench.admin, "written there").problem(409, "conflict");
    bench.post("/api/v1/control/kill-switch", r#"{"on": true}"#).expect(200);
    for token in [&bench.commander, &bench.responder, &bench.viewer, &bench.source] {
        glass(token, "written there").problem(403, "forbidden");
    }
    for guess in ["", "written", "written there "] {
        glass(&bench.admin, guess).problem(403, "forbidden");
    }
    assert!(!bench.journal().contains("glass_broken"));
    let broken = glass(&bench.admin, "written there").expect(200);
    assert_eq!((&broken["kill_switch"]["on"], &broken["glass"]["reason"]), (&false.into(), &"alone".into()));
    assert!(bench.journal().contains("review.opened"));
    let mended = bench.ask("POST", "/api/v1/control/mend-glass", &bench.commander, "").expect(200);
    assert_eq!((&mended["kill_switch"]["on"], &mended["glass"]), (&true.into(), &serde_json::Value::Null));
}
