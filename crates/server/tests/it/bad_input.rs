//! Bodies that are broken, too large, too deep or ambiguous: refused with place and reason, and nothing else is
//! disturbed.

use expect_test::{Expect, expect};

use crate::bench::Bench;

#[track_caller]
fn refused(bench: &Bench, body: &[u8], expected: Expect) {
    let before = bench.length();
    let detail = bench.ask("POST", "/api/v1/alerts", &bench.source, body.to_vec()).problem(400, "malformed");
    expected.assert_eq(&detail);
    assert_eq!(bench.length(), before);
}

#[test]
fn broken_json_is_refused_with_its_place() {
    let bench = Bench::new();
    refused(&bench, b"", expect!["the body is empty where JSON is expected"]);
    refused(&bench, b" \n ", expect!["the body is empty where JSON is expected"]);
    refused(
        &bench,
        br#"[{"labels": {"a": "#,
        expect!["line 1 column 18, at `[0].labels.a`: EOF while parsing a value"],
    );
    refused(
        &bench,
        br#"[{"labels": {"a": "b"}}"#,
        expect!["line 1 column 23, in the body: EOF while parsing a list"],
    );
    refused(
        &bench,
        br#"[{"labels": {"a": "b"}}] x"#,
        expect!["line 1 column 26, after the value: trailing characters"],
    );
    refused(
        &bench,
        b"[\n {\"labels\": {\"a\": 1}}]",
        expect!["line 2 column 19, at `[0].labels.a`: invalid type: integer `1`, expected a string"],
    );
    refused(
        &bench,
        br#""text""#,
        expect![[
            r#"line 1 column 6, in the body: invalid type: string "text", expected an array of alerts, or one alert"#
        ]],
    );
    refused(&bench, b"[{\"labels\": {\"a\": \"\xff\"}}]", expect!["the body is not UTF-8: line 1 column 20"]);
    refused(
        &bench,
        b"[{\"labels\": {\"a\": \"\\ud800\"}}]",
        expect!["line 1 column 26, at `[0].labels.a`: unexpected end of hex escape"],
    );
}

#[test]
fn wrong_alerts_are_refused_with_their_path() {
    let bench = Bench::new();
    refused(
        &bench,
        br#"[{"labels": {"a": "b"}}, {"labels": {"a": "b"}, "surprise": 1}]"#,
        expect![
            "line 1 column 58, at `[1].surprise`: unknown field `surprise`, expected one of `labels`, `annotations`, `startsAt`, `endsAt`, `generatorURL`, `alert_id`, `alert_type`, `severity`, `source_system`, `timestamp`, `metrics`, `description`"
        ],
    );
    refused(
        &bench,
        br#"[{"labels": {"a": "b", "a": "c"}}]"#,
        expect!["line 1 column 32, at `[0].labels`: label `a` is given twice"],
    );
    refused(
        &bench,
        br#"[{"labels": {"a": "b"}, "labels": {"a": "c"}}]"#,
        expect!["line 1 column 32, at `[0]`: duplicate field `labels`"],
    );
    refused(
        &bench,
        br#"[{"labels": {"a": "b"}, "startsAt": "yesterday"}]"#,
        expect![
            "line 1 column 47, at `[0].startsAt`: `yesterday` is not an RFC 3339 time such as 2026-01-31T08:00:00Z"
        ],
    );
    refused(
        &bench,
        br#"[{"labels": {"": "b"}}]"#,
        expect!["line 1 column 22, at `[0]`: a label has an empty name"],
    );
    refused(
        &bench,
        br#"[{"annotations": {"a": "b"}}]"#,
        expect!["line 1 column 28, at `[0]`: an alert needs `labels`, or `alert_type`"],
    );
    refused(
        &bench,
        br#"{"alert_type": "disk_full", "labels": {"a": "b"}}"#,
        expect![
            "line 1 column 49, in the body: an alert has either `labels` or `alert_type` and what belongs to it, not both"
        ],
    );
    refused(
        &bench,
        br#"{"alert_type": "disk_full", "metrics": {"cpu": 1, "cpu": 2}}"#,
        expect!["line 1 column 59, at `metrics`: a metric is given twice"],
    );
    refused(
        &bench,
        br#"{"alert_type": "disk_full", "metrics": {"cpu": [1]}}"#,
        expect!["line 1 column 51, at `metrics.cpu`: expected a number or a text"],
    );
}

#[test]
fn too_much_is_refused_before_it_is_kept() {
    let bench = Bench::new();
    let labels: Vec<String> = (0..100_000).map(|i| format!("\"label_{i}\": \"v\"")).collect();
    let many = format!("[{{\"labels\": {{{}}}}}]", labels.join(","));
    refused(&bench, many.as_bytes(), expect!["line 1 column 4271, at `[0].labels`: more than 256 labels"]);
    let deep = format!("[{{\"labels\": {}1{}}}]", "{\"a\":".repeat(10_000), "}".repeat(10_000));
    refused(
        &bench,
        deep.as_bytes(),
        expect!["line 1 column 17, at `[0].labels.a`: invalid type: map, expected a string"],
    );
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    refused(
        &bench,
        deep.as_bytes(),
        expect!["line 1 column 1, at `[0]`: invalid type: sequence, expected an alert"],
    );
    let long = format!("[{{\"labels\": {{\"a\": \"{}\"}}}}]", "v".repeat(20_000));
    refused(
        &bench,
        long.as_bytes(),
        expect!["line 1 column 20021, at `[0].labels`: label `a` is longer than 16384 bytes"],
    );
    let hundred = vec![b' '; 100_000_000];
    bench.ask("POST", "/api/v1/alerts", &bench.source, hundred).problem(413, "too_large");
    let alerts = vec!["{\"labels\":{\"a\":\"b\"}}"; 20_001].join(",");
    refused(
        &bench,
        format!("[{alerts}]").as_bytes(),
        expect!["line 1 column 420022, in the body: more than 20000 alerts in one delivery"],
    );
}

#[test]
fn after_all_that_it_still_takes_alerts() {
    let bench = Bench::new();
    for body in ["[", "{}", "[[]]", "nul"] {
        bench.ask("POST", "/api/v1/alerts", &bench.source, body).problem(400, "malformed");
    }
    assert_eq!(bench.ask("POST", "/api/v1/alerts", &bench.source, "[]").expect(200)["taken"], 0);
    bench.alert(r#"{"alertname": "A"}"#);
}

#[test]
fn arguments_are_scalars_given_once() {
    let bench = Bench::new();
    let incident = bench.incident();
    for args in [
        r#"{"level": "full", "level": "full"}"#,
        r#"{"level": {"a": 1}}"#,
        r#"{"level": [1]}"#,
        r#"{"level": null}"#,
    ] {
        let body = format!(
            "{{\"incident\": \"{incident}\", \"verb\": \"node.isolate\", \"target\": \"validator-3\", \"args\": {args}}}"
        );
        let detail = bench.post("/api/v1/containments", &body).problem(400, "malformed");
        assert!(detail.contains("argument `level`"), "{detail}");
    }
}
