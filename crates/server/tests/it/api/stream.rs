//! `/api/v1/stream`.

use axum::{
    body::Body,
    http::{Request, header},
};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use crate::bench::Bench;

/// An open stream, read piece by piece.
struct Open<'a> {
    bench: &'a Bench,
    body: Body,
}

impl Open<'_> {
    /// What comes until it holds this text, or until it ends. Fails when the stream goes quiet.
    fn until(&mut self, wanted: &str) -> Result<String, String> {
        let mut seen = String::new();
        let body = &mut self.body;
        self.bench.runtime.block_on(async {
            while !seen.contains(wanted) {
                let next = tokio::time::timeout(std::time::Duration::from_secs(20), body.frame());
                match next.await.unwrap() {
                    Some(Ok(frame)) => seen += &String::from_utf8_lossy(frame.data_ref().unwrap()),
                    Some(Err(_)) | None => return Err(seen),
                }
            }
            Ok(seen)
        })
    }
}

fn open<'a>(bench: &'a Bench, target: &str, token: &str) -> Open<'a> {
    let request = Request::get(target).header(header::AUTHORIZATION, format!("Bearer {token}"));
    let request = request.body(Body::empty()).unwrap();
    let response = bench.runtime.block_on(bench.router.clone().oneshot(request)).unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
    Open { bench, body: response.into_body() }
}

#[test]
fn facts_come_as_they_become_durable() {
    let bench = Bench::new();
    let mut all = open(&bench, "/api/v1/stream", &bench.viewer);
    let id = bench.incident();
    let seen = all.until("\"title\":\"Odd logins\"").unwrap();
    let (_, opened) = seen.split_once("event: incident.opened\ndata: ").unwrap();
    let data = opened.lines().next().unwrap();
    let fact: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!((&fact["incident"], &fact["kind"]), (&id.as_str().into(), &"incident.opened".into()));
    assert_eq!(fact["body"]["title"], "Odd logins");
}

#[test]
fn a_filter_leaves_only_one_incident() {
    let bench = Bench::new();
    let id = bench.incident();
    let mut one = open(&bench, &format!("/api/v1/stream?incident={id}"), &bench.viewer);
    let other = bench.incident();
    bench.post(&format!("/api/v1/incidents/{id}/notes"), r#"{"text": "line\nbreak"}"#).expect(200);
    let seen = one.until("incident.noted").unwrap();
    // Its own opening may still be told: an answer does not wait for the readers of streams.
    assert!(!seen.contains(&format!("\"{other}\"")), "{seen}");
    bench.get("/api/v1/stream?incident=13").problem(400, "malformed");
}

#[test]
fn a_stream_ends_with_the_right_to_read_it_and_with_the_server() {
    let bench = Bench::new();
    let person = bench.post("/api/v1/people", r#"{"name": "maria", "role": "viewer"}"#).expect(201);
    let id = person["id"].as_str().unwrap();
    let token = bench.post("/api/v1/tokens", &format!("{{\"person\": \"{id}\"}}")).expect(201);
    let text = token["token"].as_str().unwrap();
    bench.until("the token is known", |bench| bench.ask("GET", "/api/v1/me", text, "").status == 200);
    let mut hers = open(&bench, "/api/v1/stream", text);
    let mut other = open(&bench, "/api/v1/stream", &bench.viewer);
    bench.post(&format!("/api/v1/people/{id}/disable"), "").expect(200);
    bench.incident();
    assert!(hers.until("never said").is_err());
    other.until("incident.opened").unwrap();
    bench.stopping.send(true).unwrap();
    assert!(other.until("never said").is_err());
}
