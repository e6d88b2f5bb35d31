//! The envelope: one spelling, strict reading.

use expect_test::expect;

use super::*;

fn sample() -> Envelope {
    Envelope {
        actor: "person/12".into(),
        body: body_hash(&[7; 16], b"{\"title\":\"Disk full\"}"),
        kind: "incident.opened".into(),
        position: 1042,
        seq: 1,
        stream: "incident/1042".into(),
        time_us: 1_763_717_493_123_456,
    }
}

fn encode(envelope: &Envelope) -> String {
    let mut out = Vec::new();
    envelope.encode(&mut out).unwrap();
    String::from_utf8(out).unwrap()
}

/// The format is a promise: these bytes must never change.
#[test]
fn golden_bytes_of_format_1() {
    expect![[r#"{"actor":"person/12","body":"4c7f7907034f41eb4377b9f70b4be58ec66f1651c58f0e63d5f70b4b7ab1b568","kind":"incident.opened","pos":1042,"seq":1,"stream":"incident/1042","time":1763717493123456,"v":1}"#]]
    .assert_eq(&encode(&sample()));
}

#[test]
fn envelopes_come_back() {
    let extremes = Envelope {
        actor: "a".repeat(MAX_FIELD),
        kind: "z0._/-".into(),
        position: MAX_NUMBER,
        seq: 0,
        time_us: -1,
        ..sample()
    };
    for envelope in [sample(), extremes, Envelope { time_us: 0, position: 0, ..sample() }] {
        let text = encode(&envelope);
        assert_eq!(Envelope::decode(text.as_bytes()).unwrap(), envelope);
        let json: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert_eq!(serde_json::to_string(&json).unwrap(), text, "keys are in canonical order");
    }
}

#[test]
fn fields_outside_the_format_are_not_written() {
    let wrong = [
        Envelope { actor: String::new(), ..sample() },
        Envelope { actor: "a".repeat(MAX_FIELD + 1), ..sample() },
        Envelope { kind: "Incident".into(), ..sample() },
        Envelope { stream: "a\"b".into(), ..sample() },
        Envelope { stream: "é".into(), ..sample() },
        Envelope { position: MAX_NUMBER + 1, ..sample() },
        Envelope { seq: u64::MAX, ..sample() },
        Envelope { time_us: i64::MIN, ..sample() },
    ];
    for envelope in wrong {
        let mut out = b"before".to_vec();
        assert!(envelope.encode(&mut out).is_err(), "{envelope:?} was written");
        assert_eq!(out, b"before");
    }
}

fn refused(from: &str, to: &str, why: &str) {
    let text = encode(&sample());
    assert!(text.contains(from));
    let error = Envelope::decode(text.replacen(from, to, 1).as_bytes()).unwrap_err().to_string();
    assert!(error.contains(why), "{error}");
}

#[test]
fn bytes_outside_the_canonical_form_are_refused() {
    refused(r#""v":1}"#, r#""v":2}"#, "expected");
    refused(r#""v":1}"#, r#""v":1} "#, "nothing more");
    refused(r#""v":1}"#, "", "expected");
    refused(r#","kind""#, r#", "kind""#, "expected");
    refused(r#""pos":1042"#, r#""pos":01042"#, "leading zeroes");
    refused(r#""pos":1042"#, r#""pos":-1042"#, "leading zeroes");
    refused(r#""pos":1042"#, r#""pos":1042.0"#, "expected");
    refused(r#""pos":1042"#, r#""pos":9007199254740992"#, "below 2^53");
    refused(r#""pos":1042"#, r#""pos":99999999999999999999"#, "leading zeroes");
    refused(r#""time":1763717493123456"#, r#""time":-0"#, "no sign");
    refused("person/12", "person/\\u0031", "expected");
    refused("person/12", "", "at byte 10");
    refused("person/12", &"p".repeat(256), "1 to 255");
    refused("4c7f79", "4C7F79", "hex");
    assert!(Envelope::decode(b"").is_err());
}

#[test]
fn a_body_fits_with_its_own_salt_only() {
    let hash = body_hash(&[7; 16], b"body");
    assert!(Body { salt: &[7; 16], body: b"body" }.fits(&hash));
    assert!(!Body { salt: &[8; 16], body: b"body" }.fits(&hash));
    assert!(!Body { salt: &[7; 15], body: b"\x07body" }.fits(&hash));
    assert!(!Body { salt: &[7; 16], body: b"Body" }.fits(&hash));
}
