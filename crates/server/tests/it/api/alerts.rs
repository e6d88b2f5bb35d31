//! `/api/v1/alerts`.

use expect_test::expect;

use crate::bench::Bench;

#[test]
fn an_alert_with_labels_is_taken_and_shown() {
    let bench = Bench::new();
    let body = r#"[{"labels": {"alertname": "Odd", "empty": ""}, "annotations": {"summary": "odd"},
        "startsAt": "2090-01-01T07:59:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "http://p/graph"}]"#;
    assert_eq!(bench.ask("POST", "/api/v1/alerts", &bench.source, body).expect(200)["taken"], 1);
    let page = bench.get("/api/v1/alerts").expect(200);
    let mut shown = page["items"][0].clone();
    let id = shown["id"].as_str().unwrap().to_owned();
    assert_eq!(bench.get(&format!("/api/v1/alerts/{id}")).expect(200), shown);
    for varies in ["id", "source", "ends_at", "raised_at", "updated_at"] {
        assert!(shown[varies].is_string(), "{varies}");
        shown[varies] = "…".into();
    }
    shown.sort_all_objects();
    expect![[r#"
        {
          "annotations": {
            "summary": "odd"
          },
          "ends_at": "…",
          "generator_url": "http://p/graph",
          "id": "…",
          "incident": null,
          "labels": {
            "alertname": "Odd"
          },
          "raised_at": "…",
          "redacted": false,
          "resolved_by": null,
          "silence": null,
          "source": "…",
          "starts_at": "2090-01-01T07:59:00Z",
          "state": "firing",
          "updated_at": "…",
          "why": "no incident_type label and no rule matches"
        }"#]]
    .assert_eq(&serde_json::to_string_pretty(&shown).unwrap());
    assert!(page["next"].is_null());
}

#[test]
fn the_native_form_of_an_alert_becomes_labels() {
    let bench = Bench::new();
    let body = r#"{"alert_id": "a-17", "alert_type": "disk_full", "severity": "high", "source_system": "node-exporter",
        "timestamp": "2090-01-01T07:59:00Z", "metrics": {"disk_used": 0.97, "disk_status": "worn"}, "description": "almost full"}"#;
    bench.ask("POST", "/api/v1/alerts", &bench.source, body).expect(200);
    let alert = bench.get("/api/v1/alerts").expect(200)["items"][0].clone();
    let labels = serde_json::json!({
        "alertname": "disk_full", "incident_type": "disk_full", "severity": "high", "source": "node-exporter",
    });
    assert_eq!(alert["labels"], labels);
    let annotations = serde_json::json!({ "alert_id": "a-17", "description": "almost full", "metric_disk_status": "worn", "metric_disk_used": "0.97" });
    assert_eq!(alert["annotations"], annotations);
    assert_eq!(alert["starts_at"], "2090-01-01T07:59:00Z");
    let incident = alert["incident"].as_str().unwrap();
    let incident = bench.get(&format!("/api/v1/incidents/{incident}")).expect(200);
    assert_eq!(
        (&incident["incident_type"], &incident["severity"]),
        (&"storage_issues".into(), &"high".into())
    );
}

#[test]
fn a_partly_wrong_delivery_says_so_and_keeps_the_rest() {
    let bench = Bench::new();
    let body = r#"[{"labels": {"alertname": "Good"}}, {"labels": {"only": ""}},
        {"labels": {"alertname": "B"}, "startsAt": "2090-01-01T10:00:00Z", "endsAt": "2090-01-01T09:00:00Z"}]"#;
    let detail = bench.ask("POST", "/api/v1/alerts", &bench.source, body).problem(422, "invalid");
    expect!["1 alerts were taken, 2 refused: [1] an alert needs at least one label with a value; [2] the alert ends at 2090-01-01T09:00:00Z, before it starts at 2090-01-01T10:00:00Z"].assert_eq(&detail);
    assert_eq!(bench.get("/api/v1/alerts").expect(200)["items"].as_array().unwrap().len(), 1);
}

#[test]
fn lists_go_page_by_page_and_filter_by_label() {
    let bench = Bench::new();
    for i in 0..7 {
        bench.alert(&format!("{{\"alertname\": \"A\", \"n\": \"{i}\", \"odd\": \"{}\"}}", i % 2));
    }
    let names = |target: &str| -> (Vec<String>, Option<String>) {
        let page = bench.get(target).expect(200);
        let n = |alert: &serde_json::Value| alert["labels"]["n"].as_str().unwrap().to_owned();
        let names = page["items"].as_array().unwrap().iter().map(n).collect();
        (names, page["next"].as_str().map(str::to_owned))
    };
    let (first, next) = names("/api/v1/alerts?limit=4");
    assert_eq!(first, ["6", "5", "4", "3"]);
    let (rest, end) = names(&format!("/api/v1/alerts?limit=4&cursor={}", next.unwrap()));
    assert_eq!((rest, end), (vec!["2".to_owned(), "1".into(), "0".into()], None));
    let (odd, next) = names("/api/v1/alerts?limit=2&filter=odd%3D1");
    assert_eq!(odd, ["5", "3"]);
    let (odd, _) = names(&format!("/api/v1/alerts?limit=2&filter=odd%3D1&cursor={}", next.unwrap()));
    assert_eq!(odd, ["1"]);
    assert_eq!(names("/api/v1/alerts?filter=n%3D~%5B12%5D&filter=odd!%3D1").0, ["2"]);
    bench.get("/api/v1/alerts?filter=%3D").problem(400, "malformed");
    bench.get("/api/v1/alerts?state=gone").problem(400, "malformed");
    bench.get("/api/v1/alerts?cursor=x").problem(400, "malformed");
}

#[test]
fn what_is_over_is_listed_as_resolved() {
    let bench = Bench::new();
    bench.alert(r#"{"alertname": "A"}"#);
    let over = r#"[{"labels": {"alertname": "A"}, "endsAt": "2090-01-01T08:00:00Z"}]"#;
    bench.ask("POST", "/api/v1/alerts", &bench.source, over).expect(200);
    assert_eq!(bench.get("/api/v1/alerts").expect(200)["items"].as_array().unwrap().len(), 0);
    let over = bench.get("/api/v1/alerts?state=resolved").expect(200)["items"][0].clone();
    assert_eq!((&over["state"], &over["resolved_by"]), (&"resolved".into(), &"source".into()));
}
