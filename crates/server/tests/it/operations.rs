//! `/healthz`, `/readyz`, `/metrics`, `/api/openapi.json`.

use axum::{body::Body, http::Request};

use crate::bench::Bench;

fn plain(bench: &Bench, path: &str) -> crate::bench::Answered {
    bench.send(Request::get(path).body(Body::empty()).unwrap())
}

#[test]
fn health_and_readiness_need_no_token() {
    let bench = Bench::new();
    assert_eq!(plain(&bench, "/healthz").expect(200)["status"], "ok");
    assert_eq!(plain(&bench, "/readyz").expect(200)["status"], "ready");
    bench.stopping.send(true).unwrap();
    assert_eq!(plain(&bench, "/healthz").status, 200);
    plain(&bench, "/readyz").problem(503, "unavailable");
}

#[test]
fn metrics_are_in_the_text_format_of_prometheus() {
    let bench = Bench::new();
    bench.incident();
    let counted = "ringfence_incidents_open 1\n";
    bench.until("the incident counts", |bench| bench.get("/metrics").body.contains(counted));
    let metrics = bench.get("/metrics");
    assert_eq!(metrics.headers["content-type"], "text/plain; version=0.0.4; charset=utf-8");
    for line in metrics.body.lines() {
        let comment = line.starts_with("# HELP ringfence_") || line.starts_with("# TYPE ringfence_");
        let sample =
            line.starts_with("ringfence_") && line.rsplit(' ').next().unwrap().parse::<u64>().is_ok();
        assert!(comment || sample, "{line}");
    }
}

#[test]
fn every_reference_of_the_description_leads_somewhere() {
    let bench = Bench::new();
    let document = plain(&bench, "/api/openapi.json").expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let text = document.to_string();
    for part in text.split("\"$ref\":\"").skip(1) {
        let reference = part.split('"').next().unwrap();
        let name = reference.strip_prefix("#/components/schemas/").unwrap_or_else(|| panic!("{reference}"));
        assert!(schemas.contains_key(name), "{reference} leads nowhere");
    }
    let operations =
        document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len());
    let pages = server::routes().iter().filter(|route| route.contract == "Pages").count();
    assert_eq!(operations.sum::<usize>() + pages, server::routes().len());
}
