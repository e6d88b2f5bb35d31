//! The pages: who is let in and how, what stands on them, and that nothing an alert says becomes part of them.

use axum::{
    body::Body,
    http::{Request, header},
};
use domain::access::Role;
use server::RouteFacts;

use crate::bench::{Answered, Bench};

/// Logs in as the holder of this token; gives the cookie.
fn log_in(bench: &Bench, token: &str) -> String {
    let answer = form(bench, "/login", None, &format!("token={token}"));
    assert_eq!(answer.status, 303, "{}", answer.body);
    let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
    for word in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(word), "{cookie}");
    }
    let pair = cookie.split(';').next().unwrap().to_owned();
    bench.until("the browser is known", |bench| page(bench, "/", &pair).status == 200);
    pair
}

fn form(bench: &Bench, path: &str, cookie: Option<&str>, body: &str) -> Answered {
    let request = Request::post(path).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let request = match cookie {
        Some(cookie) => request.header(header::COOKIE, cookie),
        None => request,
    };
    bench.send(request.body(Body::from(body.to_owned())).unwrap())
}

fn page(bench: &Bench, path: &str, cookie: &str) -> Answered {
    bench.send(Request::get(path).header(header::COOKIE, cookie).body(Body::empty()).unwrap())
}

fn pages() -> impl Iterator<Item = RouteFacts> {
    server::routes().into_iter().filter(|route| route.contract == "Pages" && route.permission.is_some())
}

fn place(answer: &Answered) -> &str {
    assert_eq!(answer.status, 303, "{}", answer.body);
    answer.headers[header::LOCATION].to_str().unwrap()
}

#[test]
fn who_is_not_logged_in_is_asked_to_and_comes_back_to_where_they_wanted_to_go() {
    let bench = Bench::new();
    let bearer = bench.ask("GET", "/", &bench.admin, "");
    assert_eq!(place(&bearer), "/login", "a bearer token is for programs");
    for cookie in ["", "ringfence=", "ringfence=rf_unknown", "other=x"] {
        assert_eq!(place(&page(&bench, "/incidents/INC-7", cookie)), "/login?next=/incidents/INC-7");
    }
    let asked = bench.send(Request::get("/login?next=/incidents/INC-7").body(Body::empty()).unwrap());
    assert!(asked.body.contains(r#"action="/login?next=/incidents/INC-7""#), "{}", asked.body);
    let token = format!("token={}", bench.viewer);
    assert_eq!(place(&form(&bench, "/login?next=/incidents/INC-7", None, &token)), "/incidents/INC-7");
    for elsewhere in ["//evil.example", "https://evil.example", "/%5Cevil.example", "javascript:1"] {
        assert_eq!(place(&form(&bench, &format!("/login?next={elsewhere}"), None, &token)), "/");
    }
}

#[test]
fn only_a_persons_token_opens_the_pages_and_failures_are_on_record() {
    let bench = Bench::new();
    for token in [bench.source.as_str(), "rf_unknown", "", "%00", "x y"] {
        let before = bench.length();
        let answer = form(&bench, "/login", None, &format!("token={token}"));
        assert_eq!(answer.status, 401, "{token}: {}", answer.body);
        assert!(answer.body.contains("not a person") && !answer.headers.contains_key(header::SET_COOKIE));
        assert!(bench.length() > before, "a refused login is journaled");
    }
    // What a browser got does not buy another.
    let cookie = log_in(&bench, &bench.viewer);
    let text = cookie.split_once('=').unwrap().1;
    assert_eq!(form(&bench, "/login", None, &format!("token={text}")).status, 401);
}

#[test]
fn every_page_is_shown_to_every_role_and_to_nobody_whose_access_ended() {
    let bench = Bench::new();
    let incident = bench.incident();
    let paths: Vec<String> = pages()
        .filter(|route| route.method == "GET")
        .map(|route| route.path.replace("{id}", &incident))
        .collect();
    assert!(paths.len() >= 3, "{paths:?}");
    for token in [&bench.viewer, &bench.responder, &bench.commander, &bench.admin] {
        let cookie = log_in(&bench, token);
        for path in &paths {
            let answer = page(&bench, path, &cookie);
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);
            assert_eq!(answer.headers[header::CACHE_CONTROL], "no-store");
            let policy = answer.headers[header::CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(policy.starts_with("default-src 'none'") && !answer.body.contains("<script"), "{policy}");
        }
        let out = form(&bench, "/logout", Some(&cookie), "");
        assert_eq!(place(&out), "/login");
        bench.until("the browser is forgotten", |bench| page(bench, "/", &cookie).status == 303);
    }
    let vera = bench.person("vera", Role::Viewer);
    let cookie = log_in(&bench, &vera);
    let people = bench.get("/api/v1/people").expect(200);
    let people = people["items"].as_array().unwrap();
    let id = people.iter().find(|person| person["name"] == "vera").unwrap()["id"].as_str().unwrap();
    bench.post(&format!("/api/v1/people/{id}/disable"), "").expect(200);
    bench.until("her browser is out", |bench| page(bench, "/", &cookie).status == 303);
}

#[test]
fn a_cookie_reads_pages_and_nothing_else() {
    let bench = Bench::new();
    let cookie = log_in(&bench, &bench.admin);
    let text = cookie.split_once('=').unwrap().1;
    let incident = bench.incident();
    for (method, path) in
        [("POST", format!("/api/v1/incidents/{incident}/ack")), ("GET", "/api/v1/tokens".to_owned())]
    {
        let request = Request::builder().method(method).uri(&path).header(header::COOKIE, &cookie);
        bench.send(request.body(Body::empty()).unwrap()).problem(401, "unauthenticated");
        // Even sent as a bearer token it only reads.
        bench.ask(method, &path, text, "").problem(403, "forbidden");
    }
    assert_eq!(bench.ask("GET", "/api/v1/incidents", text, "").status, 200);
}

#[test]
fn forms_of_other_sites_are_refused() {
    let bench = Bench::new();
    let cookie = log_in(&bench, &bench.viewer);
    let token = format!("token={}", bench.viewer);
    let foreign = [
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("origin", "https://evil.example"),
        ("origin", "null"),
    ];
    for (name, value) in foreign {
        for path in ["/login", "/logout"] {
            let request = Request::post(path)
                .header(name, value)
                .header(header::HOST, "ringfence.example")
                .header(header::COOKIE, &cookie);
            let answer = bench.send(request.body(Body::from(token.clone())).unwrap());
            assert_eq!(answer.status, 403, "{path} {name}: {value}");
        }
    }
    assert_eq!(page(&bench, "/", &cookie).status, 200);
    let own = Request::post("/logout")
        .header("origin", "https://ringfence.example")
        .header(header::HOST, "ringfence.example");
    assert_eq!(bench.send(own.header(header::COOKIE, &cookie).body(Body::empty()).unwrap()).status, 303);
}

#[test]
fn a_ninth_browser_ends_the_oldest() {
    let bench = Bench::new();
    let cookies: Vec<String> = (0..9).map(|_| log_in(&bench, &bench.viewer)).collect();
    bench.until("the first is out", |bench| page(bench, "/", &cookies[0]).status == 303);
    for cookie in &cookies[1..] {
        assert_eq!(page(&bench, "/", cookie).status, 200);
    }
}

#[test]
fn what_an_alert_says_stays_text() {
    let bench = Bench::new();
    let cookie = log_in(&bench, &bench.viewer);
    let hostile = r#"<script>alert(1)</script>"#;
    let body = format!(
        r#"{{"title": "{hostile}\" onload=\"x", "incident_type": "power_systems", "severity": "low",
        "targets": [{{"kind": "node", "name": "<img src=x onerror=alert(1)>"}}]}}"#
    );
    let id = bench.post("/api/v1/incidents", &body).expect(201)["id"].as_str().unwrap().to_owned();
    bench
        .post(&format!("/api/v1/incidents/{id}/notes"), r#"{"text": "</ol><iframe src=//evil.example>"}"#)
        .expect(200);
    for path in ["/".to_owned(), format!("/incidents/{id}")] {
        let shown = page(&bench, &path, &cookie).body;
        assert!(shown.contains("&lt;script&gt;alert(1)"), "{shown}");
        for live in ["<script", "<img", "<iframe", "\" onload"] {
            assert!(!shown.contains(live), "{path} has {live}");
        }
    }
}

#[test]
fn an_incident_under_way_is_live_until_it_is_paused_or_closed() {
    let bench = Bench::new();
    let cookie = log_in(&bench, &bench.viewer);
    let id = bench.incident();
    let path = format!("/incidents/{id}");
    let shown = page(&bench, &path, &cookie);
    assert_eq!(shown.headers[header::REFRESH], "5");
    assert!(shown.body.contains("incident.opened") && shown.body.contains("validator-3"), "{}", shown.body);
    let paused = page(&bench, &format!("{path}?live=off"), &cookie);
    assert!(!paused.headers.contains_key(header::REFRESH) && paused.body.contains("go on"));
    assert_eq!(page(&bench, "/incidents/INC-999999", &cookie).status, 404);
    assert_eq!(page(&bench, "/incidents/nothing", &cookie).status, 404);
    assert_eq!(page(&bench, "/?status=strange", &cookie).status, 400);
}

#[test]
fn a_long_timeline_is_read_backwards_without_a_gap() {
    let bench = Bench::new();
    let cookie = log_in(&bench, &bench.viewer);
    let id = bench.incident();
    for n in 0..230 {
        bench
            .post(&format!("/api/v1/incidents/{id}/notes"), &format!(r#"{{"text": "remark {n}."}}"#))
            .expect(200);
    }
    let (mut path, mut seen) = (format!("/incidents/{id}"), String::new());
    loop {
        let shown = page(&bench, &path, &cookie).body;
        let (_, timeline) = shown.split_once("<ol class=\"timeline\">").unwrap();
        seen.push_str(timeline);
        let Some((_, rest)) = timeline.split_once(&format!("/incidents/{id}?cursor=")) else { break };
        path = format!("/incidents/{id}?cursor={}", rest.split('"').next().unwrap());
    }
    for n in 0..230 {
        assert_eq!(seen.matches(&format!("remark {n}.")).count(), 1, "{n}");
    }
    assert!(seen.contains("incident.opened"));
}
