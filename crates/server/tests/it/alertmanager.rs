//! The Alertmanager API as its clients meet it. Platform time begins in 2090.

mod alerts;
mod bench;
mod silences;

use domain::access::{Holder, Role};
use expect_test::expect;

use bench::Bench;

#[test]
fn status_and_receivers() {
    let bench = Bench::new();
    expect![[r##"
        200
        {
          "cluster": {
            "peers": [],
            "status": "disabled"
          },
          "config": {
            "original": "# Ringfence takes alerts itself and groups them by incident.\nroute:\n  receiver: ringfence\nreceivers:\n  - name: ringfence\n"
          },
          "uptime": "…",
          "versionInfo": {
            "branch": "",
            "buildDate": "",
            "buildUser": "",
            "goVersion": "",
            "revision": "",
            "version": "…"
          }
        }
    "##]].assert_eq(&bench.get("/status").shown());
    expect![[r#"
        200
        [
          {
            "labels": {},
            "name": "ringfence"
          }
        ]
    "#]]
    .assert_eq(&bench.get("/receivers").shown());
    assert_eq!(bench.get("/receivers?receiver_matchers=owner%3Dops").body, "[]");
    assert_eq!(bench.get("/receivers?receiver_matchers=owner").status, 400);
}

const ROUTES: [(&str, &str); 9] = [
    ("GET", "/status"),
    ("GET", "/receivers"),
    ("GET", "/alerts"),
    ("GET", "/alerts/groups"),
    ("GET", "/silences"),
    ("GET", "/silence/00000000-0000-7000-8000-000000000000"),
    ("POST", "/alerts"),
    ("POST", "/silences"),
    ("DELETE", "/silence/00000000-0000-7000-8000-000000000000"),
];

#[test]
fn each_route_asks_who_calls_and_what_they_may() {
    let bench = Bench::new();
    let viewer = bench.person("vic", Role::Viewer);
    let source = bench.token(Holder::Source("prometheus".into()));
    for (method, target) in ROUTES {
        assert_eq!(bench.ask(method, target, "rf_unknown", "").status, 401, "{method} {target}");
        let forbidden = |token| bench.ask(method, target, token, "").status == 403;
        assert_eq!(forbidden(&viewer), method != "GET", "{method} {target} by a viewer");
        assert_eq!(
            forbidden(&source),
            target != "/alerts" || method == "GET",
            "{method} {target} by a source"
        );
    }
    let body = r#"[{"labels": {"alertname": "FromSource"}}]"#;
    assert_eq!(bench.ask("POST", "/alerts", &source, body).status, 200);
}

#[test]
fn unknown_parameters_are_ignored_and_unknown_words_mean_no() {
    let bench = Bench::new();
    assert_eq!(bench.post("/alerts", r#"[{"labels": {"alertname": "A"}}]"#).status, 200);
    let count = |query: &str| bench.get(&format!("/alerts?{query}")).json().as_array().unwrap().len();
    assert_eq!(count("surprise=1&active=true"), 1);
    assert_eq!((count("active=Yes"), count("active="), count("active=maybe")), (1, 1, 0));
    assert_eq!(
        (count("active=false&active=true"), count("receiver=ring.*"), count("receiver=ring")),
        (1, 1, 0)
    );
    assert_eq!(bench.get("/alerts?receiver=%28").status, 400);
}
