//! What holds for every route, asked of every route: who may call, how much is read, what is journaled.

use std::collections::BTreeMap;

use axum::{
    body::{Body, Bytes},
    http::{Request, header},
};
use domain::access::{Permission, Role};
use serde_json::{Value, json};
use server::RouteFacts;

use crate::bench::Bench;

/// A path that the route matches, with ids of the right form that nothing has.
fn target(route: &RouteFacts) -> String {
    let id = match route.path {
        path if path.contains("/incidents/") => "INC-999999",
        path if path.contains("/runs/") => "RUN-999999",
        path if path.contains("/containments/") => "ACT-999999",
        path if path.contains("/alerts/") => "ALERT-999999",
        path if path.contains("/silences/") => "SIL-999999",
        path if path.contains("/people/") => "P-999999",
        path if path.contains("/reviews/") => "REV-999999",
        path if path.contains("/approvals/") => "APR-999999",
        path if path.contains("/reports/") => "RPT-999999",
        path if path.contains("/intake/") => "RAW-999999",
        path if path.contains("/tokens/") => "TOK-999999",
        path if path.contains("/duties/") => "DTY-999999",
        path if path.contains("/statements/") => "STM-999999",
        path if path.contains("/exercises/") => "EXR-999999",
        _ => "nothing",
    };
    let path = route.path.replace("{id}", id).replace("{position}", "999999");
    path.replace("{name}", "estate")
        .replace("{level}", "restricted")
        .replace("{silenceID}", "00000000-0000-7000-8000-000000000000")
        .replace("{*path}", "000")
}

/// Every route but the pages, which know a browser by its cookie; `web.rs` asks them the same.
fn bearers() -> impl Iterator<Item = RouteFacts> {
    server::routes().into_iter().filter(|route| route.contract != "Pages")
}

/// What the shipped policies should come to, written without them.
fn permits(role: Option<Role>, permission: Permission) -> bool {
    let least = match permission {
        Permission::Read => Role::Viewer,
        Permission::Respond | Permission::Ingest | Permission::Report => Role::Responder,
        Permission::Command => Role::Commander,
        Permission::Administer => Role::Admin,
    };
    role.map_or(permission == Permission::Ingest, |role| role >= least)
}

/// Each kind of token: of every role, and of a source.
fn holders(bench: &Bench) -> [(&String, Option<Role>); 5] {
    [
        (&bench.admin, Some(Role::Admin)),
        (&bench.commander, Some(Role::Commander)),
        (&bench.responder, Some(Role::Responder)),
        (&bench.viewer, Some(Role::Viewer)),
        (&bench.source, None),
    ]
}

#[test]
fn these_routes_and_no_others_are_public() {
    let public: Vec<&str> =
        server::routes().iter().filter(|route| route.permission.is_none()).map(|route| route.path).collect();
    assert_eq!(public, ["/healthz", "/readyz", "/api/openapi.json", "/login", "/login", "/style.css"]);
    let log: Vec<&str> =
        server::routes().iter().filter(|route| route.log_reader).map(|route| route.path).collect();
    assert_eq!(log, ["/log/checkpoint", "/log/tile/{*path}", "/log/entries/{*path}"]);
}

#[test]
fn without_a_token_or_with_a_wrong_one_every_route_says_the_same() {
    let bench = Bench::new();
    let wrong =
        ["", " ", "Bearer", "Bearer ", "Bearer  ", "Bearer rf_unknown", "Basic cmY6cmY=", "bearer\u{a0}x"];
    let mut said = std::collections::BTreeSet::new();
    for route in bearers().filter(|route| route.permission.is_some()) {
        let request = || Request::builder().method(route.method).uri(target(&route));
        let mut answers = vec![bench.send(request().body(Body::empty()).unwrap())];
        for value in wrong {
            let value = axum::http::HeaderValue::from_bytes(value.as_bytes()).unwrap();
            answers.push(
                bench.send(request().header(header::AUTHORIZATION, value).body(Body::empty()).unwrap()),
            );
        }
        let twice = request().header(header::AUTHORIZATION, format!("Bearer {}", bench.admin));
        let twice = twice.header(header::AUTHORIZATION, format!("Bearer {}", bench.admin));
        answers.push(bench.send(twice.body(Body::empty()).unwrap()));
        for answer in answers {
            said.insert(answer.problem(401, "unauthenticated"));
            assert_eq!(answer.headers[header::WWW_AUTHENTICATE], "Bearer realm=\"ringfence\"");
        }
    }
    assert_eq!(said.len(), 1, "{said:?}");
}

#[test]
fn every_route_refuses_each_role_that_lacks_its_permission() {
    let bench = Bench::new();
    let holders = holders(&bench);
    let mut cells = 0;
    for route in bearers() {
        let Some(permission) = route.permission else { continue };
        if route.path == "/api/v1/stream" {
            // It answers those it lets in without end; `api/stream.rs` asks it.
            assert_eq!(bench.ask("GET", route.path, &bench.source, "").status, 403);
            continue;
        }
        for (token, role) in &holders {
            let answer = bench.ask(route.method, &target(&route), token, "");
            let (method, path) = (route.method, route.path);
            assert_ne!(answer.status, 401, "{method} {path} by {role:?}");
            assert_eq!(
                answer.status == 403,
                !permits(*role, permission),
                "{method} {path} by {role:?}: {}",
                answer.body
            );
            cells += 1;
        }
    }
    assert!(cells > 250, "{cells} cells");
}

/// The ids of things that are there, by the path of their list.
fn objects(bench: &Bench) -> BTreeMap<String, Vec<String>> {
    // What goes through, and a run that stays.
    for node in ["validator-3", "refused"] {
        bench.alert(&format!(
            r#"{{"incident_type": "validator_compromise", "severity": "critical", "node": "{node}"}}"#
        ));
    }
    bench.incident();
    let silence = r#"{"matchers": ["alertname=Quiet"], "for": "1h", "comment": "works"}"#;
    bench.post("/api/v1/silences", silence).expect(201);
    bench.until("something is contained", |bench| {
        !bench.get("/api/v1/containments").expect(200)["items"].as_array().unwrap().is_empty()
    });
    let mut ids = BTreeMap::new();
    for route in bearers() {
        let Some((list, _)) = route.path.split_once("/{id}") else { continue };
        let answer = bench.ask("GET", list, &bench.admin, "");
        if answer.status != 200 {
            continue;
        }
        let of = |item: &Value| item["id"].as_str().map(str::to_owned);
        let items: Vec<String> =
            answer.json()["items"].as_array().into_iter().flatten().filter_map(of).collect();
        if !items.is_empty() {
            ids.insert(list.to_owned(), items);
        }
    }
    ids
}

/// Whoever may not call a route hears the same of what is there, of another of its kind and of what is not; whoever
/// may read reads each of them.
#[test]
fn every_route_by_every_role_says_nothing_of_an_object_to_whom_it_is_refused() {
    let bench = Bench::new();
    let objects = objects(&bench);
    for list in ["incidents", "alerts", "runs", "containments", "silences", "people", "playbooks"] {
        assert!(objects.contains_key(&format!("/api/v1/{list}")), "nothing there: {list}: {objects:?}");
    }
    let holders = holders(&bench);
    let mut cells = 0;
    for route in bearers() {
        let (Some(permission), Some((list, rest))) = (route.permission, route.path.split_once("/{id}"))
        else {
            continue;
        };
        let Some(there) = objects.get(list) else { continue };
        for (token, role) in &holders {
            let ask = |path: &str| bench.ask(route.method, path, token, "");
            let refused = |path: &str| {
                let answer = ask(path);
                assert_eq!(answer.status, 403, "{} {path} by {role:?}: {}", route.method, answer.body);
                let mut said = answer.json();
                said.as_object_mut().unwrap().remove("instance");
                said
            };
            let nowhere = target(&route);
            for id in there.iter().take(2) {
                let path = format!("{list}/{id}{rest}");
                if !permits(*role, permission) {
                    assert_eq!(refused(&path), refused(&nowhere), "{} {path} by {role:?}", route.method);
                    cells += 1;
                } else if route.method == "GET" {
                    let status = ask(&path).status;
                    assert!(!matches!(status, 401 | 403), "{path} by {role:?}: {status}");
                    cells += 1;
                }
            }
        }
    }
    assert!(cells >= 250, "{cells} cells");
}

#[test]
fn a_public_log_needs_no_token_and_the_rest_still_does() {
    let bench = Bench::with(true);
    let ask = |path: &str| bench.send(Request::get(path).body(Body::empty()).unwrap()).status;
    bench.until("a checkpoint is signed", |_| ask("/log/checkpoint") == 200);
    assert_eq!(ask("/log/tile/0/x999/000"), 404);
    assert_eq!(ask("/api/v1/log/entries"), 401);
}

#[test]
fn every_route_counts_the_body_that_arrives() {
    let bench = Bench::new();
    for route in bearers() {
        if route.permission.is_none() {
            continue;
        }
        let announced = Request::builder()
            .method(route.method)
            .uri(target(&route))
            .header(header::AUTHORIZATION, format!("Bearer {}", bench.admin))
            .header(header::CONTENT_LENGTH, (route.body_max + 100_000_000).to_string())
            .body(Body::from("{"));
        bench.send(announced.unwrap()).problem(413, "too_large");
        if is_file(&route) {
            continue;
        }
        // Not announced: the body comes in pieces without a length.
        let piece = Bytes::from(vec![b' '; 256 * 1024]);
        let pieces = Body::new(Pieces { piece, left: route.body_max / (256 * 1024) + 2 });
        bench.ask(route.method, &target(&route), &bench.admin, pieces).problem(413, "too_large");
    }
}

/// A file is taken as it comes and counted on its way to the disk; its tests are those of evidence.
fn is_file(route: &server::RouteFacts) -> bool {
    route.body_max > 16 << 20
}

/// A body of unknown length.
struct Pieces {
    piece: Bytes,
    left: usize,
}

impl axum::body::HttpBody for Pieces {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>> {
        if self.left == 0 {
            return std::task::Poll::Ready(None);
        }
        self.left -= 1;
        std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(self.piece.clone()))))
    }
}

#[test]
fn every_body_of_ours_refuses_fields_that_it_does_not_know() {
    let bench = Bench::new();
    let before = bench.length();
    for route in server::routes() {
        // What another tool sends is not ours: its mapping says what of it counts.
        let theirs =
            route.method == "POST" && ["/api/v1/alerts/{id}", "/api/v1/records"].contains(&route.path);
        let ours = route.path.starts_with("/api/v1/") && route.body_max > 0 && !theirs && !is_file(&route);
        if !ours {
            continue;
        }
        for field in ["surprise", "id"] {
            let body = format!("{{\"{field}\": \"INC-1\"}}");
            let detail =
                bench.ask(route.method, &target(&route), &bench.admin, body).problem(400, "malformed");
            assert!(
                detail.contains(&format!("unknown field `{field}`")),
                "{} {}: {detail}",
                route.method,
                route.path
            );
        }
    }
    assert_eq!(bench.length(), before);
}

#[test]
fn our_routes_refuse_query_parameters_that_they_do_not_know() {
    let bench = Bench::new();
    for route in server::routes().iter().filter(|route| route.contract == "API") {
        let target = format!("{}?surprise=1", target(route));
        let detail = bench.ask(route.method, &target, &bench.admin, "").problem(400, "malformed");
        assert!(detail.contains("`surprise` is not a query parameter"), "{detail}");
    }
    bench.get("/api/v1/alerts?limit=1&limit=2").problem(400, "malformed");
    for limit in ["0", "1001", "-1", "x", ""] {
        bench.get(&format!("/api/v1/alerts?limit={limit}")).problem(400, "malformed");
    }
}

#[test]
fn reading_changes_nothing() {
    let bench = Bench::new();
    let incident = bench.alert(r#"{"alertname": "A", "incident_type": "power_systems", "severity": "low"}"#);
    let before = bench.length();
    for route in
        server::routes().iter().filter(|route| route.method == "GET" && route.path != "/api/v1/stream")
    {
        let path = target(route).replace("INC-999999", &incident);
        for method in ["GET", "HEAD"] {
            bench.ask(method, &path, &bench.admin, "");
        }
    }
    assert_eq!(bench.length(), before);
}

#[test]
fn what_no_route_takes_is_a_problem_as_well() {
    let bench = Bench::new();
    bench.get("/api/v1/nothing").problem(404, "not_found");
    bench.get("/api/v1/incidents/").problem(404, "not_found");
    bench.get("//api/v1/incidents").problem(404, "not_found");
    for method in ["PUT", "PATCH", "TRACE", "OPTIONS", "DELETE", "BREW"] {
        bench.ask(method, "/api/v1/incidents", &bench.admin, "").problem(405, "method_not_allowed");
    }
}

#[test]
fn an_id_has_one_spelling() {
    let bench = Bench::new();
    let id = bench.incident();
    let number = id.strip_prefix("INC-").unwrap();
    bench.get(&format!("/api/v1/incidents/{id}")).expect(200);
    bench.get(&format!("/api/v1/incidents/%49NC-{number}")).expect(200);
    let lower = format!("inc-{number}");
    let (padded, other) = (format!("INC-0{number}"), format!("ALERT-{number}"));
    for wrong in [
        number,
        &lower,
        &padded,
        &other,
        &format!("{id}%00"),
        &format!("{id}%20"),
        "INC-",
        "INC--1",
        "INC-+1",
    ] {
        bench.get(&format!("/api/v1/incidents/{wrong}")).problem(404, "not_found");
    }
    bench.get("/api/v1/incidents/INC-99999999999999999999").problem(404, "not_found");
}

#[test]
fn json_is_read_under_any_content_type() {
    let bench = Bench::new();
    let incident = bench.incident();
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "image/png"]
    {
        let request = Request::post(format!("/api/v1/incidents/{incident}/notes"))
            .header(header::AUTHORIZATION, format!("Bearer {}", bench.responder))
            .header(header::CONTENT_TYPE, kind)
            .body(Body::from(r#"{"text": "seen"}"#));
        bench.send(request.unwrap()).expect(200);
    }
    let request = Request::post("/api/v1/alerts")
        .header(header::AUTHORIZATION, format!("Bearer {}", bench.responder))
        .header(header::CONTENT_ENCODING, "gzip")
        .body(Body::from("[]"));
    bench.send(request.unwrap()).problem(400, "malformed");
}

#[test]
fn refusals_are_journaled_where_the_table_says_so_and_not_without_end() {
    let bench = Bench::new();
    let recorded = || bench.journal().lines().filter(|line| line.starts_with("log.refused")).count();
    bench
        .ask("POST", "/api/v1/control/kill-switch", &bench.responder, r#"{"on": true}"#)
        .problem(403, "forbidden");
    assert_eq!(recorded(), 1);
    let journal = bench.journal();
    let line = journal.lines().rfind(|line| line.starts_with("log.refused")).unwrap();
    assert!(
        line.contains("POST /api/v1/control/kill-switch") && line.contains("needs the permission command"),
        "{line}"
    );
    bench.ask("GET", "/api/v1/incidents", &bench.source, "").problem(403, "forbidden");
    assert_eq!(recorded(), 1, "a refused read is not journaled");
    for _ in 0..100 {
        bench.ask("POST", "/api/v1/people", "rf_wrong", "{}").problem(401, "unauthenticated");
    }
    let metrics = bench.get("/metrics").body;
    let count = |name: &str| -> usize {
        let line = metrics.lines().find(|line| line.starts_with(&format!("ringfence_{name} "))).unwrap();
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert_eq!(count("refusals_journaled_total"), recorded());
    assert_eq!(count("refusals_journaled_total") + count("refusals_dropped_total"), 101);
    assert!(count("refusals_dropped_total") >= 50, "{metrics}");
}

#[test]
fn what_the_limits_forbid_is_locked_and_journaled() {
    let bench = Bench::new();
    let incident = bench.incident();
    bench.post("/api/v1/control/kill-switch", r#"{"on": true, "reason": "test"}"#).expect(200);
    let apply = json!({ "incident": incident, "verb": "account.restore", "target": "account-3" }).to_string();
    let detail = bench.ask("POST", "/api/v1/containments", &bench.commander, apply).problem(423, "limited");
    assert!(detail.contains("the kill switch is on"), "{detail}");
    assert!(
        bench
            .journal()
            .lines()
            .any(|line| line.starts_with("log.refused") && line.contains("kill switch is on"))
    );
}

#[test]
fn headers_never_reach_the_journal() {
    let bench = Bench::new();
    let canaries = ["canary-cookie", "canary-forwarded", "canary-custom"];
    let request = Request::post("/api/v1/alerts")
        .header(header::AUTHORIZATION, format!("Bearer {}", bench.source))
        .header(header::COOKIE, canaries[0])
        .header("x-forwarded-for", canaries[1])
        .header("x-api-key", canaries[2])
        .body(Body::from(r#"[{"labels": {"alertname": "A"}}]"#));
    bench.send(request.unwrap()).expect(200);
    bench.ask("POST", "/api/v1/people", "rf_canary-token", "{}").problem(401, "unauthenticated");
    let journal = bench.journal();
    for canary in canaries.into_iter().chain([bench.source.as_str(), bench.admin.as_str(), "rf_canary-token"])
    {
        assert!(!journal.contains(canary), "{canary} stands in the journal");
    }
}

fn keyed(bench: &Bench, key: &str, target: &str, token: &str, body: &str) -> crate::bench::Answered {
    let request = Request::post(target).header(header::AUTHORIZATION, format!("Bearer {token}"));
    bench.send(request.header("idempotency-key", key).body(Body::from(body.to_owned())).unwrap())
}

#[test]
fn a_repeat_under_the_same_key_gets_the_same_answer_and_does_nothing() {
    let bench = Bench::new();
    let open = r#"{"title": "Odd", "incident_type": "power_systems", "severity": "low"}"#;
    let first = keyed(&bench, "one", "/api/v1/incidents", &bench.responder, open);
    first.expect(201);
    let before = bench.length();
    let again = keyed(&bench, "one", "/api/v1/incidents", &bench.responder, open);
    assert_eq!((again.expect(201), &again.body), (first.json(), &first.body));
    assert_eq!(again.headers["idempotency-replayed"], "true");
    let other = open.replace("Odd", "Other");
    keyed(&bench, "one", "/api/v1/incidents", &bench.responder, &other).problem(422, "invalid");
    assert_eq!(bench.length(), before);
    // Another token or another key is another request.
    keyed(&bench, "one", "/api/v1/incidents", &bench.admin, open).expect(201);
    keyed(&bench, "two", "/api/v1/incidents", &bench.responder, open).expect(201);
    assert!(bench.length() > before);
}

#[test]
fn keys_are_checked_refusals_are_kept_and_secrets_are_not() {
    let bench = Bench::new();
    let long = "k".repeat(256);
    for key in ["", " ", &long] {
        keyed(&bench, key, "/api/v1/incidents", &bench.responder, "{}").problem(400, "malformed");
    }
    let token = r#"{"source": "grafana", "label": "rack 4"}"#;
    let created = keyed(&bench, "t", "/api/v1/tokens", &bench.admin, token);
    assert!(created.expect(201)["token"].as_str().unwrap().starts_with("rf_"));
    assert_eq!(created.headers[header::CACHE_CONTROL], "no-store");
    let again = keyed(&bench, "t", "/api/v1/tokens", &bench.admin, token);
    assert!(again.problem(409, "conflict").contains("not kept"));
    let wrong = keyed(&bench, "w", "/api/v1/runs", &bench.responder, r#"{"incident": "INC-999999"}"#);
    let (first, again) = (
        wrong.problem(404, "not_found"),
        keyed(&bench, "w", "/api/v1/runs", &bench.responder, r#"{"incident": "INC-999999"}"#),
    );
    assert_eq!(again.problem(404, "not_found"), first);
}

#[test]
fn secrets_are_compared_in_full() {
    let is = |secret: &str, said: &str| server::Secret::new(secret.as_bytes()).is(said.as_bytes());
    assert!(is("same", "same") && is("", ""));
    for (a, b) in [("same", "sane"), ("same", "sam"), ("same", "samex"), ("", "x"), ("xsame", "ysame")] {
        assert!(!is(a, b), "{a} {b}");
    }
    let (text, hash) = server::create_token().unwrap();
    assert_eq!((text.len(), &*hash), (46, &*server::token_hash(&text)));
    assert_ne!(server::create_token().unwrap().0, text);
}
