//! Templates rendered by place, and what an answer must be.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Expect, Rendered, Request, Requests, Values, excerpt};

fn args(value: Value) -> Map<String, Value> {
    value.as_object().cloned().unwrap_or_default()
}

fn request(value: Value) -> Request {
    serde_json::from_value(value).unwrap()
}

fn refused(value: Value) -> String {
    serde_json::from_value::<Requests>(json!({"apply": value})).unwrap_err().to_string()
}

fn render(template: Value, target: &str, arguments: Value) -> Result<Rendered, String> {
    let arguments = args(arguments);
    request(template).render(&Values { target, key: "ACT-7", incident: "INC-3", args: &arguments })
}

fn path(template: &str, target: &str) -> Result<String, String> {
    render(json!({"method": "PUT", "path": template}), target, json!({})).map(|r| r.path_and_query)
}

#[test]
fn values_stay_in_their_path_segment() {
    assert_eq!(path("/nodes/{{target}}/state", "validator-3").unwrap(), "/nodes/validator-3/state");
    assert_eq!(path("/nodes/{{target}}", "a/../b?x=1#y").unwrap(), "/nodes/a%2F..%2Fb%3Fx%3D1%23y");
    assert_eq!(path("/nodes/{{target}}", "%2e%2e").unwrap(), "/nodes/%252e%252e");
    assert_eq!(path("/nodes/{{ target }}", "é\r\n").unwrap(), "/nodes/%C3%A9%0D%0A");
    assert_eq!(path("/n:{{target}}", "..").unwrap(), "/n:..");
    for odd in ["", ".", ".."] {
        assert!(path("/nodes/{{target}}/x", odd).unwrap_err().contains("segment"), "{odd}");
        assert!(path("/nodes/{{target}}", odd).unwrap_err().contains("segment"), "{odd}");
    }
    assert!(path("/a.{{target}}/x", ".").is_ok());
    assert!(path("/.{{target}}/x", ".").unwrap_err().contains("segment"));
    assert_eq!(path("/", "x").unwrap(), "/");
    assert_eq!(path("/nodes/{{target}}/", "x").unwrap(), "/nodes/x/");
    assert!(path("/nodes/{{target}}/", "").unwrap_err().contains("segment"));
}

#[test]
fn values_are_escaped_in_queries() {
    let template = json!({"method": "GET", "path": "/q", "query": {"a b": "{{target}}", "n": "{{args.n}}", "no": "{{args.no}}"}});
    let rendered = render(template, "x&y=z+%", json!({"n": 3})).unwrap();
    assert_eq!(rendered.path_and_query, "/q?a%20b=x%26y%3Dz%2B%25&n=3");
}

#[test]
fn header_values_take_printable_ascii_only() {
    let template = json!({"method": "POST", "path": "/", "headers": {"X-Node": "n={{target}}"}});
    let rendered = render(template.clone(), "a", json!({})).unwrap();
    assert_eq!(rendered.headers, [("X-Node".to_owned(), "n=a".to_owned())]);
    for odd in ["a\r\nX-Evil: 1", "a\nb", "\0", "\u{7f}", "é"] {
        assert!(render(template.clone(), odd, json!({})).unwrap_err().contains("X-Node"), "{odd:?}");
    }
}

#[test]
fn bodies_keep_the_type_of_a_whole_placeholder() {
    let template = json!({"method": "POST", "path": "/", "body": {
        "id": "{{key}}", "text": "on {{target}} for {{incident}}, level {{args.level}}", "level": "{{args.level}}",
        "list": ["{{args.names}}", "{{args.none}}", true], "none": "{{args.none}}", "fixed": null,
    }});
    let rendered = render(template, "a\"b", json!({"level": 2, "names": ["x", "y"]})).unwrap();
    let body: Value = serde_json::from_str(&rendered.body.unwrap()).unwrap();
    let expected = json!({"id": "ACT-7", "text": "on a\"b for INC-3, level 2", "level": 2,
        "list": [["x", "y"], true], "fixed": null});
    assert_eq!(body, expected);
}

#[test]
fn what_is_filled_in_is_never_a_template() {
    let hostile =
        ["{{key}}", "{{args.secret}}", "{{", "}}", "{% x %}", "${7*7}", "{{{{target}}}}", "#{1}", "<%= 1 %>"];
    for hostile in hostile {
        let template = json!({"method": "POST", "path": "/p", "body": {"a": "{{args.v}}", "b": "-{{args.v}}-"},
            "headers": {"X-V": "{{args.v}}"}});
        let rendered = render(template, "t", json!({"v": hostile, "secret": "s"})).unwrap();
        let body: Value = serde_json::from_str(&rendered.body.unwrap()).unwrap();
        assert_eq!(body, json!({"a": hostile, "b": format!("-{hostile}-")}));
        assert_eq!(rendered.headers[0].1, hostile);
    }
}

#[test]
fn a_missing_argument_inside_a_text_fails() {
    let template = json!({"method": "POST", "path": "/x/{{args.v}}"});
    assert_eq!(render(template.clone(), "t", json!({})).unwrap_err(), "argument `v` is missing");
    assert!(render(template, "t", json!({"v": [1]})).unwrap_err().contains("list or mapping"));
}

#[test]
fn bad_content_is_refused_with_the_way_out() {
    let check = |value: Value, expect: &str| {
        let text = refused(value.clone());
        assert!(text.contains(expect), "{value}: {text}");
    };
    check(
        json!({"method": "POST", "path": "/{{host}}"}),
        "unknown placeholder `host`; allowed are {{target}}",
    );
    check(json!({"method": "POST", "path": "/{{args.}}"}), "unknown placeholder");
    check(json!({"method": "POST", "path": "/{{args.a.b}}"}), "unknown placeholder");
    check(json!({"method": "POST", "path": "/{{target"}), "not closed");
    check(json!({"method": "POST", "path": "nodes"}), "must start with `/`");
    check(json!({"method": "POST", "path": "{{target}}"}), "must start with `/`");
    check(json!({"method": "POST", "path": "//evil.example/"}), "segment");
    check(json!({"method": "POST", "path": "/a/../b"}), "segment");
    check(json!({"method": "POST", "path": "/a?b=c"}), "use `query`");
    check(json!({"method": "POST", "path": "/a b"}), "percent-encode");
    check(json!({"method": "TRACE", "path": "/"}), "TRACE");
    check(json!({"method": "GET", "path": "/", "body": {}}), "no body");
    check(json!({"method": "POST", "path": "/", "headers": {"Authorization": "x"}}), "configuration");
    check(json!({"method": "POST", "path": "/", "headers": {"host": "x"}}), "configuration");
    check(json!({"method": "POST", "path": "/", "headers": {"a b": "x"}}), "not the name");
    check(json!({"method": "POST", "path": "/", "body": {"{{key}}": 1}}), "only values");
    check(json!({"method": "POST", "path": "/", "expect": {"status": [99]}}), "not an HTTP status");
    check(json!({"method": "POST", "path": "/", "expect": {"status": ["300-200"]}}), "not an HTTP status");
    check(json!({"method": "POST", "path": "/", "expect": {"status": []}}), "empty");
    check(json!({"method": "POST", "path": "/", "expect": {"json": {"state": 1}}}), "JSON pointer");
    check(json!({"method": "POST", "path": "/", "url": "http://x/"}), "unknown field");
}

#[test]
fn expectations_say_what_differs() {
    let expect: Expect = serde_json::from_value(
        json!({"status": [200, "202-204"], "json": {"/state": "{{args.level}}", "/n": 1}}),
    )
    .unwrap();
    let arguments = args(json!({"level": "full"}));
    let values = Values { target: "t", key: "k", incident: "i", args: &arguments };
    let check = |status, body: Option<Value>| expect.check(status, body.as_ref(), &values);
    assert_eq!(check(203, Some(json!({"state": "full", "n": 1.0}))), Ok(()));
    assert_eq!(check(201, Some(json!({}))).unwrap_err(), "the status is 201, expected 200, 202-204");
    assert_eq!(check(200, None).unwrap_err(), "the body is not JSON");
    let wrong = check(200, Some(json!({"state": "\u{1b}[31mnone", "n": 1}))).unwrap_err();
    assert!(wrong.starts_with("`/state` is `"), "{wrong}");
    assert!(!wrong.contains('\u{1b}'), "{wrong:?}");
    assert_eq!(check(200, Some(json!({"state": "full"}))).unwrap_err(), "`/n` is missing, expected `1`");
}

#[test]
fn all_argument_names_are_known() {
    let requests: Requests = serde_json::from_value(json!({
        "apply": {"method": "POST", "path": "/{{args.a}}", "query": {"b": "{{args.b}}"}, "body": [{"c": "{{args.c}}"}]},
        "verify": {"path": "/", "holds": {"json": {"/x": "{{args.d}}"}}},
        "revert": {"method": "DELETE", "path": "/x", "headers": {"X": "{{args.e}}"}},
    }))
    .unwrap();
    assert_eq!(requests.arguments(), BTreeSet::from(["a", "b", "c", "d", "e"]));
}

#[test]
fn excerpts_are_short_and_inert() {
    assert_eq!(excerpt("plain 'text' \"x\"", 50), "plain 'text' \"x\"");
    assert_eq!(excerpt("a\r\n\u{1b}[2J\u{202e}", 50), "a\\r\\n\\u{1b}[2J\\u{202e}");
    assert_eq!(excerpt("äöü", 2), "äö…");
}
