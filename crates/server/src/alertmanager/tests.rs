//! Fingerprints, ids, times and bodies, without a server.

mod merge;

use domain::{alert::Received, id::SilenceId, labels::Labels, time::Timestamp};

use super::{Refusal, fingerprint::fingerprint, intake, silence_id, time};

#[test]
fn fingerprints_are_those_of_prometheus() {
    assert_eq!(fingerprint(&Labels::default()), 14_695_981_039_346_656_037);
    let labels = Labels::from([("name", "garland, briggs"), ("fear", "love is not enough")]);
    assert_eq!(fingerprint(&labels), 5_799_056_148_416_392_346);
}

#[test]
fn a_silence_id_is_a_uuid_that_leads_back() {
    let created = Timestamp(1_767_225_600_123_456);
    let uuid = silence_id::format(SilenceId::from_number(4_711), created);
    assert_eq!(uuid, "019b76da-a87b-71c8-8000-000000001267");
    let (high, low) = silence_id::parse(&uuid).unwrap();
    assert_eq!(low & ((1 << 62) - 1), 4_711);
    assert_eq!(high >> 16, 1_767_225_600_123);
    assert_eq!(silence_id::parse(&uuid.to_uppercase()), Some((high, low)));
}

#[test]
fn what_is_no_uuid_does_not_parse() {
    for text in [
        "",
        "SIL-12",
        "019b76daa87b71c88000000000001267",
        "019b76da-a87b-71c8-8000-00000000126",
        "019b76da-a87b-71c8-8000-0000000012670",
        "019b76da-a87b-71c8-8000_000000001267",
        "+19b76da-a87b-71c8-8000-000000001267",
        "019b76da-a87b-71c8-8000-0000000é1267",
    ] {
        assert_eq!(silence_id::parse(text), None, "{text}");
    }
}

#[track_caller]
fn read_time(text: &str, want: &str) {
    let read = time::read(text).map(|at| at.map_or("none".to_owned(), |at| at.to_string()));
    assert_eq!(read.unwrap_or_else(|error| error), want);
}

#[test]
fn times_are_read_in_the_forms_that_senders_use() {
    read_time("2026-01-31T08:00:00Z", "2026-01-31T08:00:00Z");
    read_time("2026-01-31T08:00:00.123Z", "2026-01-31T08:00:00.123Z");
    read_time("2026-01-31T08:00:00.123456789+02:00", "2026-01-31T06:00:00.123456Z");
    read_time("2026-01-31T08:00:00-0530", "2026-01-31T13:30:00Z");
    read_time("2026-01-31T08:00:00", "2026-01-31T08:00:00Z");
    read_time("0001-01-01T00:00:00Z", "none");
    read_time("0001-01-01T00:00:00.000Z", "none");
    read_time("", "none");
    read_time("tomorrow", "`tomorrow` is not a time such as 2026-01-31T08:00:00Z");
}

#[test]
fn times_are_written_with_milliseconds() {
    let written = |us| serde_json::to_string(&time::WireTime(Timestamp(us))).unwrap();
    assert_eq!(written(1_767_225_600_123_999), r#""2026-01-01T00:00:00.123Z""#);
    assert_eq!(written(1_767_225_600_000_000), r#""2026-01-01T00:00:00.000Z""#);
}

fn read(body: &str) -> Vec<Result<Received, String>> {
    intake::read(body.as_bytes()).unwrap_or_else(|refusal| panic!("{body}: {refusal:?}"))
}

fn pairs(labels: &Labels) -> Vec<(&str, &str)> {
    labels.iter().collect()
}

#[test]
fn a_delivery_is_read_into_the_form_of_the_domain() {
    let body = r#"[{
        "labels": {"node": "validator-3", "alertname": "Equivocation", "empty": "", "null": null},
        "annotations": {"summary": "two votes at \"height\" 7", "empty": ""},
        "startsAt": "2026-01-31T08:00:00.5Z", "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph?a=1", "valueString": {"ignored": [1, 2]}
    }]"#;
    let received = read(body).remove(0).unwrap();
    assert_eq!(pairs(&received.labels), [("alertname", "Equivocation"), ("node", "validator-3")]);
    assert_eq!(pairs(&received.annotations), [("empty", ""), ("summary", "two votes at \"height\" 7")]);
    assert_eq!(received.starts_at.map(|at| at.to_string()).as_deref(), Some("2026-01-31T08:00:00.5Z"));
    assert_eq!(received.ends_at, None);
    assert_eq!(&*received.generator_url, "http://prometheus/graph?a=1");
}

#[test]
fn of_two_values_for_one_name_the_later_counts() {
    let received = read(r#"[{"labels": {"b": "1", "a": "x", "b": "2", "b": "3"}}]"#).remove(0).unwrap();
    assert_eq!(pairs(&received.labels), [("a", "x"), ("b", "3")]);
}

#[track_caller]
fn refused_alone(alert: &str, because: &str) {
    let read = read(&format!(r#"[{{"labels": {{"a": "b"}}}}, {alert}, {{"labels": {{"c": "d"}}}}]"#));
    assert!(read[0].is_ok() && read[2].is_ok(), "{alert}");
    let why = read[1].as_ref().unwrap_err();
    assert!(why.contains(because), "{why}");
}

#[test]
fn what_is_wrong_with_one_alert_refuses_that_one() {
    refused_alone("{}", "at least one label");
    refused_alone(r#"{"labels": null}"#, "at least one label");
    refused_alone(r#"{"labels": {"a": ""}}"#, "at least one label");
    refused_alone(r#"{"labels": {"": "a"}}"#, "name of a label is empty");
    refused_alone(r#"{"labels": {"a": "b"}, "annotations": {"": "x"}}"#, "annotations: the name");
    refused_alone(r#"{"labels": {"a": "b"}, "startsAt": "soon"}"#, "startsAt: `soon` is not a time");
    refused_alone(r#"{"labels": {"a": "b"}, "endsAt": "late"}"#, "endsAt: `late` is not a time");
    let many: Vec<String> = (0..257).map(|i| format!(r#""l{i}": "v""#)).collect();
    refused_alone(&format!(r#"{{"labels": {{{}}}}}"#, many.join(",")), "more than 256 labels");
    refused_alone(&format!(r#"{{"labels": {{"a": "{}"}}}}"#, "x".repeat(20_000)), "longer than 16384 bytes");
}

#[test]
fn a_body_that_is_not_a_list_of_alerts_is_refused_as_a_whole() {
    for (body, code) in [
        ("", 602),
        (" \n", 602),
        ("null", 602),
        ("{}", 400),
        ("[", 400),
        (r#"[{"labels": {"a": 1}}]"#, 400),
        (r#"[{"labels": {"a": "b"}, "startsAt": 7}]"#, 400),
        (r#"[{"labels": {"a": "b"}}] more"#, 400),
    ] {
        match intake::read(body.as_bytes()) {
            Err(Refusal::Shape { code: found, .. }) => assert_eq!(found, code, "{body}"),
            other => panic!("{body}: {other:?}"),
        }
    }
}
