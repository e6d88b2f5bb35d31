//! `/api/v1/notices`.

use crate::bench::Bench;

#[test]
fn a_notice_stands_on_the_dashboard_and_is_explained() {
    let bench = Bench::new();
    let incident = bench.incident();
    let body = format!(r#"{{"incident": "{incident}", "to": "duty", "about": "{{{{ 7 * 7 }}}}"}}"#);
    let sent = bench.ask("POST", "/api/v1/notices", &bench.commander, body).expect(201);
    assert_eq!((&sent["status"], &sent["channel"]), (&"delivered".into(), &"dashboard".into()));
    assert!(sent["text"].as_str().unwrap().contains("{{ 7 * 7 }}"), "data is not a template: {sent}");
    let id = sent["id"].as_str().unwrap();
    assert_eq!(bench.get(&format!("/api/v1/notices/{id}")).expect(200), sent);
    let of_incident = bench.get(&format!("/api/v1/notices?incident={incident}")).expect(200);
    assert!(of_incident["items"].as_array().unwrap().contains(&sent), "{of_incident}");
    let past = bench.get("/api/v1/notices?state=past").expect(200);
    assert!(past["items"].as_array().unwrap().contains(&sent), "{past}");
    let page = bench.get(&format!("/api/v1/incidents/{incident}")).expect(200);
    assert!(page["notices"].as_array().unwrap().contains(&sent), "{page}");
    let why = bench.get(&format!("/api/v1/why/{id}")).expect(200);
    assert_eq!(why["reasons"][0]["about"], "delivered");
    let kinds: Vec<_> =
        why["entries"].as_array().unwrap().iter().map(|entry| entry["kind"].clone()).collect();
    assert_eq!(kinds, ["notice.queued", "notice.delivered"]);
}

#[test]
fn what_is_asked_for_is_checked() {
    let bench = Bench::new();
    let ask = |body: &str| bench.ask("POST", "/api/v1/notices", &bench.commander, body.to_owned());
    ask(r#"{"incident": "INC-999999", "to": "duty", "about": "x"}"#).problem(404, "not_found");
    ask(r#"{"incident": "INC-1", "to": "duty", "about": "x", "cc": "y"}"#).problem(400, "malformed");
    bench.get("/api/v1/notices/NTC-999999").problem(404, "not_found");
    bench.get("/api/v1/notices?incident=everything").problem(400, "malformed");
}

#[test]
fn the_team_is_shown_with_its_roles_and_levels() {
    let bench = Bench::new();
    let team = bench.get("/api/v1/team").expect(200);
    let find = |list: &str, name: &str| {
        let all = team[list].as_array().unwrap();
        all.iter().find(|one| one["name"] == name).cloned().unwrap_or_else(|| panic!("{name} in {team}"))
    };
    assert_eq!(find("contacts", "security_lead")["mail"], "security-lead@example.com");
    assert_eq!(find("contacts", "security_lead")["roles"], serde_json::json!(["security_lead"]));
    assert_eq!(
        find("roles", "incident_commander")["holders"],
        serde_json::json!(["ops_manager", "technical_lead"])
    );
    assert_eq!(team["levels"][3]["contacts"].as_array().unwrap().len(), 3);
    assert_eq!(team["levels"][1]["acknowledge"], "15m");
    assert_eq!(team["severities"][0]["severity"], "critical");
}

#[test]
fn one_channel_is_tried_alone() {
    let bench = Bench::new();
    let incident = bench.incident();
    let ask = |channel: &str| {
        let body = format!(r#"{{"incident": "{incident}", "to": "on_call_engineer"}}"#);
        bench.ask("POST", &format!("/api/v1/channels/{channel}/test"), &bench.commander, body)
    };
    let sent = ask("dashboard").expect(201);
    assert_eq!((&sent["status"], &sent["to"]), (&"delivered".into(), &"on_call_engineer".into()));
    assert!(sent["about"].as_str().unwrap().contains("test of the channel dashboard"), "{sent}");
    ask("fax").problem(404, "not_found");
}
