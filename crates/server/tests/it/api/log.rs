//! `/api/v1/log`.

use tlog::{Hash, VerifierKey, leaf_hash, note::SigningKey, proof::InclusionProof};

use crate::bench::Bench;

fn keys() -> Vec<VerifierKey> {
    vec![SigningKey::from_seed("ringfence.test/log", &[7; 32]).unwrap().verifier().clone()]
}

fn leaf(bench: &Bench, position: u64) -> Hash {
    let stored = bench.handle().reader().stored(position, 1).unwrap();
    leaf_hash(&stored[0].envelope)
}

#[test]
fn each_entry_is_proven_offline() {
    let bench = Bench::new();
    for i in 0..300 {
        bench.alert(&format!("{{\"alertname\": \"A{i}\"}}"));
    }
    let last = bench.length() - 1;
    bench.until("the last entry is sealed", |bench| {
        bench.get(&format!("/api/v1/log/prove/{last}")).status == 200
    });
    for position in [0, 1, 255, 256, last] {
        let text = bench.get(&format!("/api/v1/log/prove/{position}"));
        assert_eq!(text.status, 200, "{}", text.body);
        let proof = InclusionProof::parse(&text.body).unwrap();
        proof.verify(&leaf(&bench, position), &keys()).unwrap();
        assert!(proof.verify(&leaf(&bench, position ^ 2), &keys()).is_err());
    }
    for wrong in ["999999", "-1", "01", "x", "18446744073709551616"] {
        bench.get(&format!("/api/v1/log/prove/{wrong}")).problem(404, "not_found");
    }
}

#[test]
fn entries_are_listed_in_order() {
    let bench = Bench::new();
    let page = bench.get("/api/v1/log/entries?from=1&limit=2").expect(200);
    let positions: Vec<u64> =
        page["items"].as_array().unwrap().iter().map(|entry| entry["position"].as_u64().unwrap()).collect();
    assert_eq!((positions, &page["next"]), (vec![1, 2], &"3".into()));
    let end = bench.length();
    assert_eq!(
        bench.get(&format!("/api/v1/log/entries?from={end}")).expect(200)["items"],
        serde_json::json!([])
    );
    bench.get("/api/v1/log/entries?from=x").problem(400, "malformed");
}

#[test]
fn an_export_verifies_offline() {
    let bench = Bench::new();
    bench.incident();
    let last = bench.length() - 1;
    bench.until("the last entry is sealed", |bench| {
        bench.get(&format!("/api/v1/log/prove/{last}")).status == 200
    });
    bench.get("/api/v1/log/export").problem(403, "forbidden");
    let bundle = bench.ask("GET", "/api/v1/log/export", &bench.admin, "");
    assert_eq!(bundle.status, 200);
    let mut reader = tlog::bundle::Reader::new(bundle.body.as_bytes()).unwrap();
    let mut entries = 0;
    while reader.entry().unwrap().is_some() {
        entries += 1;
    }
    assert!(entries > last, "{entries} entries");
}

#[test]
fn a_redacted_entry_is_gone_and_still_proven() {
    let bench = Bench::new();
    bench.alert(r#"{"alertname": "A", "account": "the-secret-name"}"#);
    let position = bench.length() - 1;
    let entry = |bench: &Bench| {
        bench.get(&format!("/api/v1/log/entries?from={position}&limit=1")).expect(200)["items"][0].clone()
    };
    assert_eq!(entry(&bench)["body"]["labels"]["account"], "the-secret-name");
    let ask = format!("{{\"positions\": [{position}], \"reason\": \"personal data\"}}");
    bench.ask("POST", "/api/v1/log/redact", &bench.commander, ask.clone()).problem(403, "forbidden");
    // Its next repeat would bring the text back.
    bench.post("/api/v1/log/redact", &ask).problem(409, "conflict");
    let over =
        r#"[{"labels": {"alertname": "A", "account": "the-secret-name"}, "endsAt": "2090-01-01T08:00:00Z"}]"#;
    bench.post("/api/v1/alerts", over).expect(200);
    let redacted = bench.post("/api/v1/log/redact", &ask).expect(200);
    assert!(redacted["position"].as_u64().unwrap() > position);
    assert_eq!(
        (&entry(&bench)["body"], &entry(&bench)["summary"]),
        (&serde_json::Value::Null, &"[redacted]".into())
    );
    assert!(!bench.journal().contains("the-secret-name"));
    bench.until("it is proven", |bench| bench.get(&format!("/api/v1/log/prove/{position}")).status == 200);
    let proof = InclusionProof::parse(&bench.get(&format!("/api/v1/log/prove/{position}")).body).unwrap();
    proof.verify(&leaf(&bench, position), &keys()).unwrap();
    bench.post("/api/v1/log/redact", r#"{"positions": [], "reason": "x"}"#).problem(422, "invalid");
    bench.post("/api/v1/log/redact", r#"{"positions": [1], "reason": " "}"#).problem(422, "invalid");
    bench.post("/api/v1/log/redact", r#"{"positions": [999999], "reason": "x"}"#).problem(404, "not_found");
    // What a token or a person rests on is needed to go on.
    let person = bench.journal().lines().position(|line| line.starts_with("person.added")).unwrap();
    let ask = format!("{{\"positions\": [{person}], \"reason\": \"x\"}}");
    bench.post("/api/v1/log/redact", &ask).problem(422, "invalid");
}
