//! `/api/v1/incidents/{id}/analysis`.

use crate::bench::Bench;

#[test]
fn what_people_make_out_is_recorded_and_shown() {
    let bench = Bench::new();
    let id = bench.incident();
    let post = |verb: &str, body: &str| {
        bench.ask("POST", &format!("/api/v1/incidents/{id}/{verb}"), &bench.responder, body.to_owned())
    };
    let finding = r#"{"text": "used from elsewhere", "entries": [1]}"#;
    assert_eq!(post("analysis/finding", finding).expect(200)["findings"][0]["entries"][0], 1);
    let strange = r#"{"text": "x", "evidence": ["EVD-999999"]}"#;
    assert!(post("analysis/finding", strange).problem(404, "not_found").contains("EVD-999999"));
    let impact = r#"{"areas": {"business": "high", "data": "none"}, "text": "transfers wait"}"#;
    let rated = post("analysis/impact", impact).expect(200);
    assert_eq!(
        (&rated["impact"]["business"]["level"], &rated["impact"]["people"]),
        (&"high".into(), &().into())
    );
    post("analysis/impact", r#"{"areas": {"weather": "high"}, "text": "x"}"#).problem(400, "malformed");
    post("analysis/impact", r#"{"areas": {}, "text": "x"}"#).problem(422, "invalid");
    let threat =
        r#"{"techniques": ["T1078.004"], "indicators": [{"kind": "address", "value": "203.0.113.9"}]}"#;
    assert_eq!(post("analysis/threat", threat).expect(200)["threat"]["indicators"][0]["kind"], "address");
    post("analysis/threat", r#"{"techniques": ["T1"]}"#).problem(422, "invalid");
    let cause =
        r#"{"text": "it stood in a repository", "method": "five_whys", "measures": ["scan each push"]}"#;
    post("analysis/cause", cause).expect(200);
    let revised = r#"{"text": "a laptop was stolen", "method": "timeline"}"#;
    assert_eq!(post("analysis/cause", revised).expect(200)["cause"]["revised"], 1);
    post("analysis/cause", r#"{"text": "x", "method": "dice"}"#).problem(400, "malformed");
    post("update", r#"{"text": "soon", "eta": "2001-01-01T00:00:00Z"}"#).problem(422, "invalid");
    post("update", r#"{"text": "the new key is in place"}"#).expect(200);
    let room = r#"{"title": "Room", "url": "https://meet.example/42", "room": true}"#;
    assert_eq!(post("links", room).expect(200)["room"], "https://meet.example/42");

    let viewer =
        bench.ask("POST", &format!("/api/v1/incidents/{id}/update"), &bench.viewer, "{\"text\": \"x\"}");
    viewer.problem(403, "forbidden");
    let page = bench.get(&format!("/api/v1/incidents/{id}")).expect(200);
    assert_eq!(page["analysis"], bench.get(&format!("/api/v1/incidents/{id}/analysis")).expect(200));
    assert_eq!(page["analysis"]["cause"]["text"], "a laptop was stolen");
    let timeline = bench.get(&format!("/api/v1/incidents/{id}/timeline?limit=1000")).expect(200);
    let said: Vec<&str> =
        timeline["items"].as_array().unwrap().iter().filter_map(|entry| entry["summary"].as_str()).collect();
    for line in [
        "used from elsewhere (#1)",
        "data none, business high: transfers wait",
        "T1078.004, address 203.0.113.9",
        "it stood in a repository (by five_whys)",
        "a laptop was stolen (by timeline)",
    ] {
        assert!(said.iter().any(|said| said.ends_with(line)), "{line} in {said:#?}");
    }
}
