//! Quantiles, requests, answers, budgets and the table, text in and text out.

use std::time::Duration;

use super::{
    ROWS,
    alerts::{Delivery, Kind, rfc3339},
    http::{self, Head},
    parse,
    report::{Budget, Line, Report, number},
    server::socket_address,
    stats::Samples,
    target,
};

#[test]
fn quantiles_are_samples() {
    let samples = Samples::new((1..=100).rev().map(f64::from).collect());
    assert_eq!((samples.p50(), samples.p99(), samples.quantile(1.0)), (50.0, 99.0, 100.0));
    assert_eq!(Samples::new(vec![7.0]).p99(), 7.0);
    assert_eq!(Samples::default().p50(), 0.0);
}

#[test]
fn times_are_written_as_in_rfc_3339() {
    let at = |seconds| rfc3339(Duration::from_secs(seconds));
    assert_eq!(at(0), "1970-01-01T00:00:00Z");
    assert_eq!(at(951_782_400), "2000-02-29T00:00:00Z");
    assert_eq!(at(1_709_251_199), "2024-02-29T23:59:59Z");
    assert_eq!(at(4_102_444_800), "2100-01-01T00:00:00Z");
}

#[test]
fn deliveries_carry_their_numbers_and_their_length() {
    let mut delivery = Delivery::new(Kind::Incident("bench_open"), 2, "rf_x");
    assert_eq!(delivery.alerts(), 2);
    let request = String::from_utf8(delivery.from(41).to_vec()).unwrap();
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(&format!("content-length: {}\r\n", body.len()).trim_end().to_owned()), "{head}");
    let alerts: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(alerts[0]["labels"]["node"], "n00000041");
    assert_eq!(alerts[1]["labels"]["instance"], "host-00000042:9100");
    assert!(!body.contains('#'));
}

#[test]
fn heads_of_answers_are_read() {
    let read = |text: &str| http::head(text.as_bytes()).unwrap();
    assert_eq!(read("HTTP/1.1 200 OK\r\ncontent-length"), None);
    let whole = "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 12\r\n\r\n";
    assert_eq!(read(whole), Some(Head { status: 503, head: whole.len(), body: 12 }));
    let bare = "HTTP/1.1 204 No Content\r\n\r\n";
    assert_eq!(read(bare), Some(Head { status: 204, head: bare.len(), body: 0 }));
    assert!(http::head(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n").is_err());
}

#[test]
fn the_target_reads_requests_and_their_numbers() {
    let request = b"PUT /t/n00000042 HTTP/1.1\r\ncontent-length: 2\r\n\r\n{}PUT";
    assert_eq!(target::complete(request), Some(request.len() - 3));
    assert_eq!(target::complete(&request[..request.len() - 4]), None);
    assert_eq!(target::number(request), Some(42));
    assert_eq!(target::number(b"PUT /s/n00000042 HTTP/1.1\r\n\r\n"), None);
}

#[test]
fn budgets_are_met_or_not() {
    let line = |budget, measured| Line { sync_ms: 0.5, ..Line::new("x", "ms", budget, measured) };
    assert_eq!(line(Budget::AtMostAndSyncs(3.0, 2), 4.0).met(), Some(true));
    assert_eq!(line(Budget::AtMostAndSyncs(3.0, 2), 4.1).met(), Some(false));
    assert_eq!(line(Budget::AtLeast(30_000.0), 15_000.0).ratio(), Some(0.5));
    assert_eq!(line(Budget::AtLeast(30_000.0), 15_000.0).met(), Some(false));
    assert_eq!(line(Budget::None, 1.0).met(), None);
}

#[test]
fn numbers_are_short() {
    let shown = [0.0, 0.1234, 9.876, 12.34, 123.4, 1234.5, 1_234_567.0].map(number);
    assert_eq!(shown, ["0.00", "0.12", "9.88", "12.3", "123", "1,234", "1,234,567"]);
}

#[test]
fn the_report_lines_up_and_is_json_too() {
    let line = Line { sync_ms: 0.2, ..Line::new("binary", "MiB", Budget::AtMost(40.0), 20.0) };
    let report =
        Report { lines: vec![line], failed: vec![("act", "no server".to_owned())], ..Report::default() };
    let table = report.table();
    assert!(table.contains("binary  ≤ 40.0 MiB  20.0 MiB  0.20 ms  0.50   met"), "{table}");
    assert!(table.contains("act: could not be measured: no server"), "{table}");
    let json: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
    assert_eq!((&json["lines"][0]["met"], &json["failed"][0]["row"]), (&true.into(), &"act".into()));
}

#[test]
fn addresses_are_read_bare_and_as_urls() {
    let expect = "127.0.0.1:8080".parse().ok();
    assert_eq!(socket_address("127.0.0.1:8080\n"), expect);
    assert_eq!(socket_address("http://127.0.0.1:8080/"), expect);
    assert_eq!(socket_address("127.0.0.1"), None);
}

#[test]
fn rows_are_asked_for_by_name() {
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    let wanted = parse(&words("act --quick binary")).unwrap();
    assert_eq!(wanted.rows.iter().map(|row| row.name).collect::<Vec<_>>(), ["act", "binary"]);
    assert!(wanted.quick && !wanted.json);
    assert_eq!(parse(&[]).unwrap().rows.len(), ROWS.len());
    assert!(parse(&words("acts")).is_err() && parse(&words("--binary")).is_err());
}
