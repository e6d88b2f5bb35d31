//! The queue of open incidents.

use crate::bench::Bench;

fn ids(page: &serde_json::Value) -> Vec<String> {
    let items = page["items"].as_array().unwrap().iter();
    items
        .map(|item| format!("{} {}", item["title"].as_str().unwrap(), item["severity"].as_str().unwrap()))
        .collect()
}

#[test]
fn the_most_urgent_comes_first_and_of_equal_ones_the_one_that_waits_longest() {
    let bench = Bench::new();
    for (title, severity) in [
        ("first low", "low"),
        ("first high", "high"),
        ("critical", "critical"),
        ("second high", "high"),
        ("second low", "low"),
        ("seen", "critical"),
    ] {
        let body = serde_json::json!({ "title": title, "incident_type": "odd", "severity": severity });
        let opened = bench.ask("POST", "/api/v1/incidents", &bench.responder, body.to_string()).expect(201);
        if title == "seen" {
            let ack = format!("/api/v1/incidents/{}/ack", opened["id"].as_str().unwrap());
            bench.ask("POST", &ack, &bench.responder, "").expect(200);
        }
    }
    let all = bench.get("/api/v1/incidents?order=priority").expect(200);
    let wanted = [
        "critical critical",
        "seen critical",
        "first high high",
        "second high high",
        "first low low",
        "second low low",
    ];
    assert_eq!(ids(&all), wanted);
    assert!(all["next"].is_null());
    let urgency: Vec<u64> =
        all["items"].as_array().unwrap().iter().map(|i| i["priority"].as_u64().unwrap()).collect();
    assert!(urgency.is_sorted_by(|a, b| a >= b), "{urgency:?}");
    // Page by page it is the same list.
    let mut target = "/api/v1/incidents?order=priority&limit=2".to_owned();
    let mut paged = Vec::new();
    loop {
        let page = bench.get(&target).expect(200);
        paged.extend(ids(&page));
        let Some(next) = page["next"].as_str() else { break };
        target = format!("/api/v1/incidents?order=priority&limit=2&cursor={next}");
    }
    assert_eq!(paged, wanted);
    let newest = bench.get("/api/v1/incidents?order=newest").expect(200);
    assert_eq!(ids(&newest)[0], "seen critical");
    bench.get("/api/v1/incidents?order=oldest").problem(400, "malformed");
    bench.get("/api/v1/incidents?order=priority&status=closed").problem(400, "malformed");
}
