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
    post("kill-switch", r#"{"on": false}"#).expect(200);
    assert_eq!(bench.get("/api/v1/control").expect(200)["breakers"], serde_json::json!([]));
    post("confirm-clock", "").problem(409, "conflict");
}
