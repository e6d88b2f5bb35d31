//! JSON to flat fields, within bounds.

use expect_test::expect;
use serde_json::json;

use super::*;

fn read(value: serde_json::Value) -> String {
    match Record::read(&value, "shipper") {
        Ok(record) => {
            let at = record.at.map_or_else(String::new, |at| format!("{at} "));
            format!("{at}{}", record.fields)
        }
        Err(error) => format!("refused: {error}"),
    }
}

#[test]
fn an_object_becomes_flat_fields() {
    let record = json!({
        "@timestamp": "2026-03-01T08:00:00Z", "event": "login_failed", "ok": false, "n": 7, "none": null,
        "user": {"name": "root", "roles": ["a", "b"]}, "hops": [{"ip": "192.0.2.1"}], "source": "ringfence.audit",
    });
    expect![[r#"2026-03-01T08:00:00Z {@timestamp="2026-03-01T08:00:00Z", event="login_failed", hops.0.ip="192.0.2.1", n="7", ok="false", source="shipper", user.name="root", user.roles="a,b"}"#]]
    .assert_eq(&read(record));
    expect![[r#"{source="shipper", time="next week"}"#]].assert_eq(&read(json!({"time": "next week"})));
}

#[test]
fn what_is_too_much_is_refused_or_cut() {
    expect!["refused: a record is a JSON object"].assert_eq(&read(json!(["a"])));
    let mut deep = json!(1);
    for _ in 0..20 {
        deep = json!({ "a": deep });
    }
    expect!["refused: `a.a.a.a.a.a.a.a.a` is nested deeper than 8 levels"].assert_eq(&read(deep));
    let wide: serde_json::Map<_, _> = (0..200).map(|n| (format!("f{n}"), json!(n))).collect();
    expect!["refused: a record has at most 128 fields"].assert_eq(&read(json!(wide)));
    expect!["refused: label `a.b` is given twice"].assert_eq(&read(json!({"a.b": 1, "a": {"b": 2}})));
    expect!["refused: the name of a field has 1 to 256 bytes"].assert_eq(&read(json!({"": 1})));
    let long = Record::read(&json!({"text": "ä".repeat(5_000)}), "s").unwrap();
    assert_eq!(long.fields.get("text").unwrap().len(), VALUE_MAX);
}
