//! Proofs that hold, and all the ways in which they do not.

use super::*;

const NOW: Timestamp = Timestamp(1_614_265_330_000_000);
/// The example of the Standard Webhooks libraries.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY: &[u8] = br#"{"test": 2432232314}"#;
const SIGNED: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

fn source(signature: &str, secret: &str) -> Source {
    Source::new("generic", signature.parse().unwrap(), secret, "").unwrap()
}

fn holds(source: &Source, headers: &[(&'static str, &str)], body: &[u8], now: Timestamp) -> bool {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(*name, value.parse().unwrap());
    }
    source.holds(&map, body, now).unwrap_or(false)
}

#[test]
fn a_standard_webhook_holds_only_as_it_was_signed() {
    let source = source("standard-webhooks", SECRET);
    let (id, at) = (("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek"), ("webhook-timestamp", "1614265330"));
    let ask = |signature: &str| holds(&source, &[id, at, ("webhook-signature", signature)], BODY, NOW);
    assert!(ask(SIGNED));
    assert!(ask(&format!("v1,AAAA v2,x {SIGNED}")));
    for wrong in ["", "v1,", "v1,AAAA", &SIGNED[..20], &SIGNED[3..], &SIGNED.replace("v1", "v2"), "v1,%%"] {
        assert!(!ask(wrong), "{wrong}");
    }
    assert!(!ask(&format!("{}{SIGNED}", "v1,AAAA ".repeat(SIGNATURES_MAX))));
    let signature = ("webhook-signature", SIGNED);
    assert!(!holds(&source, &[id, signature], BODY, NOW));
    assert!(!holds(&source, &[at, signature], BODY, NOW));
    assert!(!holds(&source, &[id, at], BODY, NOW));
    assert!(!holds(&source, &[id, at, signature, signature], BODY, NOW));
    assert!(!holds(&source, &[id, at, signature], b"{}", NOW));
    assert!(!holds(&source, &[("webhook-id", "msg_other"), at, signature], BODY, NOW));
    let other =
        Source::new("generic", Signature::StandardWebhooks, &SECRET.replace("MfKQ", "MfKR"), "").unwrap();
    assert!(!holds(&other, &[id, at, signature], BODY, NOW));
    let edges = [(300, true), (301, false), (-300, true), (-301, false)];
    for (seconds, expected) in edges {
        let now = Timestamp(NOW.0 + seconds * 1_000_000);
        assert_eq!(holds(&source, &[id, at, signature], BODY, now), expected, "{seconds} s");
    }
}

#[test]
fn an_hmac_or_a_token_in_a_header_holds_only_if_it_is_the_same() {
    let hmac = source("hmac-sha256-header: X-Hub-Signature-256", "It's a Secret to Everybody");
    // The example of GitHub's documentation.
    let sent = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let name = "x-hub-signature-256";
    assert!(holds(&hmac, &[(name, sent)], b"Hello, World!", NOW));
    assert!(!holds(&hmac, &[(name, &sent[..30])], b"Hello, World!", NOW));
    assert!(!holds(&hmac, &[(name, "")], b"Hello, World!", NOW));
    assert!(!holds(&hmac, &[(name, sent)], b"Hello, World", NOW));
    assert!(!holds(&hmac, &[], b"Hello, World!", NOW));
    let token = source("token-header: X-Gitlab-Token", "0123456789abcdef");
    let name = "x-gitlab-token";
    assert!(holds(&token, &[(name, "0123456789abcdef")], b"", NOW));
    for wrong in ["", "0123456789abcde", "0123456789abcdeg", "0123456789abcdef0"] {
        assert!(!holds(&token, &[(name, wrong)], b"", NOW), "{wrong}");
    }
}

#[test]
fn a_secret_that_is_none_enables_nothing_and_is_never_shown() {
    let check = |signature: &str, secret: &str| {
        Source::new("generic", signature.parse().unwrap(), secret, "").unwrap_err()
    };
    assert!(check("token", "").contains("shorter than 16 bytes"));
    assert!(check("standard-webhooks", "whsec_").contains("shorter than 16 bytes"));
    assert!(check("standard-webhooks", "not base64 at all!").contains("not base64"));
    for wrong in
        ["", "none", "hmac-sha256-header", "hmac-sha256-header: a b", "token: x", "standard-webhooks: x"]
    {
        assert!(wrong.parse::<Signature>().is_err(), "{wrong}");
    }
    assert!(!format!("{:?}", source("token", "0123456789abcdef")).contains("0123"));
}
