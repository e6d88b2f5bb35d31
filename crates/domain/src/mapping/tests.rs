//! The shipped mappings over bodies that real tools sent, and what a mapping refuses.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::Path as FilePath};

use expect_test::expect;
use serde_json::{Value, json};

use super::*;

const NOW: Timestamp = Timestamp(3_786_940_800_000_000);

#[expect(clippy::disallowed_methods, reason = "the shipped mappings are the input of these tests")]
fn shipped() -> BTreeMap<String, std::sync::Arc<Mapping>> {
    let folder = FilePath::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let mut files = BTreeMap::new();
    for name in ["actions.yaml", "taxonomy.yaml"] {
        files.insert(name.to_owned(), fs::read_to_string(folder.join(name)).unwrap());
    }
    for entry in fs::read_dir(folder.join("mappings")).unwrap() {
        let path = entry.unwrap().path();
        let name = format!("mappings/{}", path.file_name().unwrap().to_str().unwrap());
        files.insert(name, fs::read_to_string(path).unwrap());
    }
    let (content, problems) = crate::content::load(&files);
    assert_eq!(problems, []);
    content.mappings
}

#[expect(clippy::disallowed_methods, reason = "tests may read the corpus")]
fn corpus() -> Vec<(String, Value)> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let corpus = std::env::var("RINGFENCE_CORPUS").unwrap_or_else(|_| default.to_owned());
    let root = format!("{corpus}/alert-payloads/keep");
    let folders = fs::read_dir(&root)
        .unwrap_or_else(|error| panic!("{root}: {error}; set RINGFENCE_CORPUS to the corpus"));
    let mut bodies = Vec::new();
    for folder in folders {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            let case: Value = serde_json::from_slice(&fs::read(file.unwrap().path()).unwrap()).unwrap();
            bodies.push((case["provider"].as_str().unwrap().to_owned(), case));
        }
    }
    bodies.sort_by_key(|(_, case)| case["id"].as_str().unwrap().to_owned());
    bodies
}

fn map(mapping: &Mapping, body: Value) -> Result<Vec<Received>, Unmapped> {
    mapping.map(body, &Headers::new(), NOW)
}

/// What tells one alert from another, in a line.
fn digest(received: &Received) -> String {
    let label = |name| received.labels.get(name).unwrap_or("-");
    let over = received.ends_at.is_some_and(|end| end <= NOW);
    let names: Vec<&str> = received.labels.iter().map(|(name, _)| name).collect();
    let targets: Vec<String> = crate::correlate::targets(&received.labels)
        .iter()
        .map(|(kind, name)| format!("{kind} {name}"))
        .collect();
    let state = if over { "resolved" } else { "firing" };
    format!("{} {state} [{}] {}", label("severity"), targets.join(", "), names.join(" "))
}

#[test]
fn every_body_of_the_corpus_becomes_an_alert() {
    let mappings = shipped();
    let mut shown = String::new();
    for (provider, case) in corpus() {
        let mapped = map(&mappings[&provider], case["body"].clone()).unwrap();
        let [received] = &mapped[..] else { panic!("{}: {} alerts", case["id"], mapped.len()) };
        writeln!(shown, "{}: {}", case["id"].as_str().unwrap(), digest(received)).unwrap();
    }
    expect![[r#"
        cloudwatch:high_cpu_usage: medium firing [] alertname metric namespace severity source
        cloudwatch:high_error_rate: critical firing [] alertname metric namespace severity source
        cloudwatch:high_memory_usage: high firing [] alertname metric namespace severity source
        datadog:high_cpu_usage: medium firing [] alertname environment monitor severity source team
        datadog:low_disk_space: low firing [] alertname environment monitor severity source team
        datadog:mq_consumer_struggling: low firing [] alertname environment monitor severity source team
        gcpmonitoring:database_latency: medium firing [service prod-mysql-main] alertname environment policy project resource_type service severity source team
        gcpmonitoring:high_memory_usage: medium firing [node prod-web-1] alertname environment node policy project resource_type severity source team
        grafana:HighMemoryConsumption: medium firing [] alertname monitor severity
        grafana:NetworkLatencyIsHigh: informational firing [] alertname monitor severity
        graylog:event: high firing [node server] alertname definition node severity source
        netbox:data: informational firing [] alertname object severity site source status
        prometheus:DiskSpaceLow: medium firing [] alertname severity
        prometheus:HighCPUUsage: critical firing [] alertname instance job severity workload
        prometheus:MQThirdFull (Message queue is over 33%): medium firing [] alertname customer_id severity
        prometheus:NetworkLatencyHigh: informational firing [] alertname severity
        sentry:browser_timeout: high firing [service frontend-app] alertname environment issue service severity source
        signalfx:simulate: critical firing [] alertname metric severity signalfx_incident source
        thousandeyes:0: informational firing [node te] alertname kind node severity source
        thousandeyes:1: informational resolved [] alertname kind severity source test
    "#]].assert_eq(&shown);
}

#[test]
fn every_variant_of_the_corpus_becomes_an_alert() {
    let mappings = shipped();
    let mut variants = 0;
    for (provider, case) in corpus() {
        for (place, values) in case["variants"].as_object().into_iter().flatten() {
            for value in values.as_array().unwrap() {
                let mut body = case["body"].clone();
                let at = place.split('.').fold(&mut body, |at, part| &mut at[part]);
                *at = value.clone();
                let mapped =
                    map(&mappings[&provider], body).unwrap_or_else(|why| panic!("{}: {why}", case["id"]));
                assert_eq!(mapped.len(), 1);
                variants += 1;
            }
        }
    }
    assert!(variants > 100, "{variants} variants");
}

#[test]
fn a_body_of_another_source_is_refused_with_the_place() {
    let mappings = shipped();
    for (name, mapping) in mappings.iter().filter(|(name, _)| *name != "generic") {
        let why = map(mapping, json!({"nothing": "here"})).unwrap_err();
        assert!(!why.place.is_empty() && !why.reason.is_empty(), "{name}: {why}");
    }
    let why = map(&mappings["generic"], json!({"alerts": [{"title": "a"}, {}]})).unwrap_err();
    assert_eq!(why.alert, Some(1));
}

#[test]
fn what_is_too_much_is_refused_or_cut() {
    let generic = &shipped()["generic"];
    let mut deep = json!(1);
    for _ in 0..=DEPTH_MAX {
        deep = json!([deep]);
    }
    assert!(map(generic, json!({"title": "a", "x": deep})).unwrap_err().reason.contains("deeper"));
    let many: Vec<Value> = (0..=ALERTS_MAX).map(|i| json!({"title": i.to_string()})).collect();
    assert!(map(generic, json!(many)).unwrap_err().reason.contains("at most 1000"));
    let labels: BTreeMap<String, String> = (0..100).map(|i| (format!("l{i}"), "x".to_owned())).collect();
    assert!(map(generic, json!({"title": "a", "labels": labels})).unwrap_err().reason.contains("at most 64"));
    let long = map(generic, json!({"title": "a", "message": "ä".repeat(50_000), "host": "h".repeat(5_000)}));
    let long = &long.unwrap()[0];
    assert!(long.annotations.get("description").unwrap().len() <= ANNOTATION_MAX + '…'.len_utf8());
    assert_eq!(long.labels.get("host"), None);
    assert_eq!(long.annotations.get("host").unwrap().len(), 5_000);
}

#[test]
fn data_is_never_read_as_a_template() {
    let mapped = map(&shipped()["generic"], json!({"title": "={/secret} {{7*7}}", "secret": "s"})).unwrap();
    assert_eq!(mapped[0].labels.get("alertname"), Some("={/secret} {{7*7}}"));
}

#[test]
fn times_are_read_as_tools_write_them() {
    let check = |text: &str, expected: &str| {
        let shown = match time::read(text) {
            Ok(Some(at)) => at.to_string(),
            Ok(None) => "none".to_owned(),
            Err(()) => "wrong".to_owned(),
        };
        assert_eq!(shown, expected, "{text}");
    };
    check("2025-03-24T17:28:40Z", "2025-03-24T17:28:40Z");
    check("2025-03-24 17:28:40 UTC", "2025-03-24T17:28:40Z");
    check("2025-03-24 17:28:40", "2025-03-24T17:28:40Z");
    check("2017-01-12T16:30:42.236+0000", "2017-01-12T16:30:42.236Z");
    check("1709991285.5", "2024-03-09T13:34:45.5Z");
    check("1709991285500", "2024-03-09T13:34:45.5Z");
    check("0", "none");
    check("0001-01-01T00:00:00Z", "none");
    check("soon", "wrong");
    check("NaN", "wrong");
    check("1e300", "wrong");
}
