//! `/api/v1/records`.

use expect_test::expect;

use crate::bench::Bench;

fn login(address: &str) -> String {
    format!(r#"{{"event": "login_failed", "source_ip": "{address}", "user": "of {address}"}}"#)
}

fn send(bench: &Bench, body: &str) -> serde_json::Value {
    bench.ask("POST", "/api/v1/records", &bench.source, body.to_owned()).expect(200)
}

#[test]
fn ten_failed_logins_of_one_address_open_an_incident() {
    let bench = Bench::new();
    // As one object, an array, and one a line.
    assert_eq!(send(&bench, &login("203.0.113.7"))["evaluated"], 1);
    let array = format!("[{},{}]", login("203.0.113.7"), login("198.51.100.1"));
    assert_eq!(send(&bench, &array)["evaluated"], 2);
    let lines = format!("{}\n", login("203.0.113.7")).repeat(7);
    assert_eq!(send(&bench, &lines)["evaluated"], 7);
    assert_eq!(bench.get("/api/v1/incidents").expect(200)["items"].as_array().unwrap().len(), 0);

    send(&bench, &login("203.0.113.7"));
    let incident = bench.get("/api/v1/incidents").expect(200)["items"][0].clone();
    assert_eq!(
        (&incident["incident_type"], &incident["severity"]),
        (&"unauthorized_access".into(), &"high".into())
    );
    // The rule itself is named as who raised it.
    let alerts = bench.get("/api/v1/alerts").expect(200);
    assert_eq!(alerts["items"].as_array().unwrap().len(), 1);
    assert_eq!(alerts["items"][0]["labels"]["rule"], "failed_logins");
    let id = incident["id"].as_str().unwrap();
    let entries = bench.get(&format!("/api/v1/incidents/{id}/timeline")).expect(200);
    assert_eq!(entries["items"][0]["actor"], "rule/failed_logins");

    bench.until("the response waits for people", |bench| {
        let runs = bench.runs();
        let Some(run) = runs.first().and_then(|run| run["id"].as_str()) else { return false };
        let page = bench.get(&format!("/api/v1/runs/{run}")).expect(200);
        page["steps"].as_array().unwrap().iter().any(|s| s["id"] == "reached" && s["status"] == "active")
    });
    // A thousand more of them are the same alert, and leave nothing in the journal.
    let before = bench.length();
    send(&bench, &format!("{}\n", login("203.0.113.7")).repeat(1_000));
    assert_eq!(bench.length(), before);
    // And so do records that no rule is about.
    send(&bench, &"{\"event\": \"login\", \"source_ip\": \"203.0.113.7\"}\n".repeat(1_000));
    assert_eq!(bench.length(), before);
}

#[test]
fn what_is_no_record_is_refused_with_its_place_and_nothing_is_taken() {
    let bench = Bench::new();
    let mut refused = String::new();
    let deep = format!("{}1{}", "{\"a\":".repeat(20), "}".repeat(20));
    let lines = format!("{}\n{{\"event\": }}\n", login("203.0.113.7"));
    for body in ["", "7", "[1]", "{\"event\"", "[{}, \"x\"]", deep.as_str(), lines.as_str()] {
        let answer =
            bench.ask("POST", "/api/v1/records", &bench.source, body.to_owned()).problem(400, "malformed");
        refused.push_str(&format!("{answer}\n"));
    }
    expect![[r#"
        the body is empty where JSON is expected
        record 0: a record is a JSON object
        record 0: a record is a JSON object
        line 1 column 8, in the body: EOF while parsing an object
        record 1: a record is a JSON object
        record 0: `a.a.a.a.a.a.a.a.a` is nested deeper than 8 levels
        record 1: line 1 column 11, at `event`: expected value
    "#]]
    .assert_eq(&refused);
    let many = format!("[{}]", vec!["{}"; 20_001].join(","));
    let answer = bench.ask("POST", "/api/v1/records", &bench.source, many).problem(413, "too_large");
    expect!["more than 20000 records in one delivery"].assert_eq(&answer);
}

#[test]
fn who_may_not_send_records_is_refused_and_counted() {
    let bench = Bench::new();
    bench.ask("POST", "/api/v1/records", "no-token", "{}").problem(401, "unauthenticated");
    // What a record says of its source does not count: it would pass for the platform's own log.
    let forged =
        r#"{"source": "ringfence.audit", "kind": "log.refused", "actor": "person/1", "command": "x"}"#;
    send(&bench, &format!("{forged}\n").repeat(30));
    assert_eq!(bench.get("/api/v1/incidents").expect(200)["items"].as_array().unwrap().len(), 0);
}
