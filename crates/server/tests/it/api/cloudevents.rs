//! The conformance features of CloudEvents for HTTP, sent as they stand: each attribute arrives at its place.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::Value;

use crate::bench::Bench;

/// Where an attribute is found in the alert that an event becomes. The others say how it is read, no more.
const PLACES: &[(&str, &str)] = &[
    ("id", "/annotations/event_id"),
    ("type", "/labels/alertname"),
    ("source", "/labels/source"),
    ("time", "/starts_at"),
];
const HOW_IT_IS_READ: &[&str] = &["specversion", "datacontenttype"];

/// A scenario with one of its examples.
struct Case {
    name: String,
    /// As it goes over the wire.
    request: String,
    attributes: BTreeMap<String, String>,
    data: Value,
}

fn feature() -> String {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let corpus = std::env::var("RINGFENCE_CORPUS").unwrap_or_else(|_| default.to_owned());
    let path = format!("{corpus}/cloudevents/features__http-protocol-binding.feature");
    std::fs::read_to_string(&path)
        .unwrap_or_else(|error| panic!("{path}: {error}; set RINGFENCE_CORPUS to the corpus"))
}

/// The lines between the next two `"""`, as far left as the first.
fn quoted<'a>(lines: &mut impl Iterator<Item = &'a str>) -> String {
    let start = lines.find(|line| line.trim() == "\"\"\"").unwrap();
    let indent = start.len() - start.trim_start().len();
    let inside = lines.take_while(|line| line.trim() != "\"\"\"");
    inside.fold(String::new(), |all, line| all + line.get(indent..).unwrap_or("") + "\n")
}

fn cells(line: &str) -> Vec<&str> {
    line.trim().trim_matches('|').split('|').map(str::trim).collect()
}

fn cases(feature: &str) -> Vec<Case> {
    let mut all = Vec::new();
    for scenario in feature.split("Scenario Outline:").skip(1) {
        let mut lines = scenario.lines();
        let name = lines.next().unwrap().trim();
        let request = quoted(&mut lines);
        let table = lines.by_ref().skip_while(|line| !line.trim().starts_with('|')).skip(1);
        let rows: Vec<&str> = table.take_while(|line| line.trim().starts_with('|')).collect();
        let data = serde_json::from_str(&quoted(&mut lines)).unwrap();
        let mut examples = lines.skip_while(|line| !line.trim().starts_with('|'));
        let variable = format!("<{}>", cells(examples.next().unwrap())[0]);
        for example in examples.filter(|line| line.trim().starts_with('|')) {
            let value = cells(example)[0];
            let pair = |row: &&str| {
                let row = cells(row);
                (row[0].to_owned(), row[1].replace(&variable, value))
            };
            all.push(Case {
                name: name.replace(&variable, value),
                request: request.replace(&variable, value),
                attributes: rows.iter().map(pair).collect(),
                data: Value::clone(&data),
            });
        }
    }
    all
}

/// The request with our path and token; what it says of its length is the file's own.
fn sent(case: &Case, bench: &Bench) -> Request<Body> {
    let (head, body) = case.request.split_once("\n\n").unwrap();
    let mut request = Request::post("/api/v1/alerts/cloudevents")
        .header(header::AUTHORIZATION, format!("Bearer {}", bench.source));
    for line in head.lines().skip(1) {
        let (name, value) = line.split_once(": ").unwrap();
        if !name.eq_ignore_ascii_case("content-length") && !name.eq_ignore_ascii_case("host") {
            request = request.header(name, value);
        }
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

#[test]
fn the_features_of_the_http_binding_arrive_with_every_attribute() {
    let cases = cases(&feature());
    assert_eq!(cases.len(), 4, "two ways with two types of content each");
    for case in &cases {
        let bench = Bench::new();
        assert_eq!(bench.send(sent(case, &bench)).expect(200)["taken"], 1, "{}", case.name);
        let alert = bench.get("/api/v1/alerts").expect(200)["items"][0].clone();
        assert!(case.attributes.len() > PLACES.len(), "{}: {:?}", case.name, case.attributes);
        for (attribute, value) in &case.attributes {
            let Some((_, place)) = PLACES.iter().find(|(known, _)| known == attribute) else {
                assert!(HOW_IT_IS_READ.contains(&attribute.as_str()), "{}: {attribute}", case.name);
                continue;
            };
            let found = alert.pointer(place).and_then(Value::as_str).unwrap_or_default();
            let same = found == value || found.replace(".000", "").replace(".000000", "") == *value;
            assert!(same, "{}: {attribute} is `{found}`", case.name);
        }
        assert_eq!(alert["annotations"]["description"], case.data["message"], "{}", case.name);
    }
}

#[test]
fn an_event_without_what_makes_it_one_is_refused() {
    let cases = cases(&feature());
    for case in cases.iter().filter(|case| case.request.contains("specversion")) {
        let bench = Bench::new();
        let line = |line: &&str| !line.contains("specversion");
        let request = case.request.lines().filter(line).fold(String::new(), |all, line| all + line + "\n");
        let broken =
            Case { request, name: case.name.clone(), attributes: BTreeMap::new(), data: Value::Null };
        bench.send(sent(&broken, &bench)).problem(400, "malformed");
    }
}
