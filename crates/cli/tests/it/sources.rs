//! What stands between a source and the platform: proofs, names, forms of bodies, and what is kept of them. The
//! real server is asked, with one source for each mapping and each way to prove oneself.

pub(crate) mod proof;

use std::{collections::BTreeSet, fs, path::Path};

use self::proof::{Kind, Sent, delivered, headers};
use crate::{
    bad_input::raw::{Answer, Connection},
    support::{Server, ringfence, stderr, stdout},
};

/// A body of each source that its mapping reads.
const BODIES: [(&str, &str); 13] = [
    ("cloudevents", r#"{"specversion":"1.0","type":"a.b","source":"/s","id":"1"}"#),
    ("cloudwatch", r#"{"AlarmName":"A","NewStateValue":"ALARM"}"#),
    ("datadog", r#"{"monitor_id":1,"alert_title":"A"}"#),
    ("falco", r#"{"rule":"A","priority":"Error"}"#),
    ("gcpmonitoring", r#"{"incident":{"incident_id":"1","policy_name":"A","state":"open"}}"#),
    ("generic", r#"{"title":"A"}"#),
    ("grafana", r#"{"alerts":[{"labels":{"alertname":"A"}}]}"#),
    ("graylog", r#"{"event_definition_title":"A","event":{"event_definition_id":"d","id":"1"}}"#),
    ("netbox", r#"{"event":"updated","model":"site","data":{"url":"/api/1/","display":"A"}}"#),
    ("prometheus", r#"{"alerts":[{"labels":{"alertname":"A"}}]}"#),
    ("sentry", r#"{"event":{"event_id":"1","title":"A"}}"#),
    ("signalfx", r#"{"incidentId":"1","detector":"A","severity":"Critical"}"#),
    ("thousandeyes", r#"{"alert":{"alertId":1,"ruleName":"A"},"eventType":"ALERT_NOTIFICATION_TRIGGER"}"#),
];

/// A server with a source for each mapping and each kind of proof.
fn server() -> Server {
    let folder = tempfile::tempdir().unwrap();
    let mut config = String::new();
    for (mapping, _) in BODIES {
        for kind in Kind::ALL {
            let name = kind.source(mapping);
            fs::write(folder.path().join(&name), kind.secret(mapping)).unwrap();
            let signature = kind.configured();
            config += &format!(
                "[sources.{name}]\nmapping = \"{mapping}\"\nsecret = \"file:{name}\"\nsignature = \"{signature}\"\n"
            );
        }
    }
    let path = folder.path().join("ringfence.toml");
    fs::write(&path, config).unwrap();
    Server::start_in(folder, &["--log-level", "error", "--config", path.to_str().unwrap()])
}

pub(crate) fn token(server: &Server) -> String {
    fs::read_to_string(server.data().join("admin.token")).unwrap().trim().to_owned()
}

pub(crate) fn send(server: &Server, path: &str, headers: &[(&str, String)], body: &[u8]) -> Answer {
    let mut connection = Connection::open(&server.address);
    let mut head = format!("POST {path} HTTP/1.1\r\nhost: test\r\ncontent-length: {}\r\n", body.len());
    headers.iter().for_each(|(name, value)| head += &format!("{name}: {value}\r\n"));
    connection.send(format!("{head}\r\n").as_bytes());
    connection.send(body);
    connection.answer().unwrap()
}

fn detail(answer: &Answer) -> String {
    let body: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    body["detail"].as_str().unwrap().to_owned()
}

#[test]
fn every_source_refuses_a_proof_that_is_not_its_own() {
    let server = server();
    let mut said = BTreeSet::new();
    for (index, (mapping, body)) in BODIES.into_iter().enumerate() {
        let (other, _) = BODIES[(index + 1) % BODIES.len()];
        for kind in Kind::ALL {
            let path = format!("/api/v1/alerts/{}", kind.source(mapping));
            let good = Sent::now(mapping, kind, body);
            let answer = send(&server, &path, &headers(&good), body.as_bytes());
            assert_eq!(answer.status, 200, "{path}: {}", answer.body);

            let wrong = Sent { body: "{}".to_owned(), ..good.clone() };
            let foreign = Sent { secret: kind.secret(other), ..good.clone() };
            let (mut cut, mut twice) = (headers(&good), headers(&good));
            cut.last_mut().unwrap().1.truncate(12);
            twice.push(twice.last().unwrap().clone());
            let proofs = [
                ("none", Vec::new()),
                ("wrong", if kind == Kind::Token { headers(&foreign) } else { headers(&wrong) }),
                ("cut off", cut),
                ("of another key", headers(&foreign)),
                ("given twice", twice),
                ("empty", headers(&good).into_iter().map(|(name, _)| (name, String::new())).collect()),
            ];
            for (what, proof) in proofs {
                let answer = send(&server, &path, &proof, body.as_bytes());
                assert_eq!(answer.status, 401, "{path}, proof {what}: {}", answer.body);
                said.insert(detail(&answer));
            }
        }
    }
    assert_eq!(said.len(), 1, "the refusal is the same whatever was wrong: {said:?}");
}

#[test]
fn a_source_without_a_secret_does_not_start() {
    let cases = [
        ("", "`secret` is missing"),
        ("secret = \"\"\n", "secret"),
        ("secret = \"file:absent\"\n", "absent"),
        ("secret = \"file:empty\"\n", "the secret is empty"),
        ("secret = \"file:blank\"\n", "the secret"),
        ("secret = \"file:short\"\n", "shorter than 16 bytes"),
        ("secret = \"env:RINGFENCE_TEST_UNSET\"\n", "RINGFENCE_TEST_UNSET"),
    ];
    for kind in Kind::ALL {
        for (secret, expected) in cases {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join("empty"), "").unwrap();
            fs::write(folder.path().join("blank"), " \n\n").unwrap();
            fs::write(folder.path().join("short"), "c2hvcnQ=").unwrap();
            let signature = kind.configured();
            let config =
                format!("[sources.rack]\nmapping = \"generic\"\n{secret}signature = \"{signature}\"\n");
            let path = folder.path().join("ringfence.toml");
            fs::write(&path, config).unwrap();
            let mut serve = ringfence();
            serve.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder.path().join("data"));
            let ended = serve.arg("--config").arg(&path).output().unwrap();
            assert!(!ended.status.success(), "{signature}, {secret:?}: it started");
            let why = stderr(&ended);
            assert!(why.contains(expected) && !why.contains("c2hvcnQ"), "{signature}, {secret:?}: {why}");
        }
    }
}

#[test]
fn a_name_that_is_not_whole_names_nothing() {
    let server = server();
    let sent = Sent::now("generic", Kind::Standard, r#"{"title":"A"}"#);
    let body = sent.body.clone();
    let mut shapes = BTreeSet::new();
    for name in
        ["generic-st", "eneric-standard", "generic", "GENERIC-STANDARD", "generic-standard2", "nothing"]
    {
        let answer = send(&server, &format!("/api/v1/alerts/{name}"), &headers(&sent), body.as_bytes());
        assert!(matches!(answer.status, 401 | 404), "{name}: {}", answer.body);
        shapes.insert((answer.status, detail(&answer)));
    }
    // Who proves nothing that we know learns nothing of what there is.
    assert_eq!(shapes.len(), 1, "{shapes:?}");
    let authorization = [("authorization", format!("Bearer {}", token(&server)))];
    let mut shapes = BTreeSet::new();
    for name in ["generi", "eneric", "GENERIC", "generic2", "nothing", "%2e%2e", "generic%00"] {
        let answer = send(&server, &format!("/api/v1/alerts/{name}"), &authorization, body.as_bytes());
        assert_eq!(answer.status, 404, "{name}: {}", answer.body);
        shapes.insert(detail(&answer));
    }
    assert_eq!(shapes.len(), 1, "{shapes:?}");
    for path in ["/api/v1/alerts/generic/", "/api/v1/alerts/generic/x", "/api/v1/alerts//generic"] {
        assert_eq!(send(&server, path, &authorization, body.as_bytes()).status, 404, "{path}");
    }
}

#[test]
fn a_signed_body_counts_once_and_in_its_time() {
    let server = server();
    let path = format!("/api/v1/alerts/{}", Kind::Standard.source("generic"));
    let deliver = |id: &str, ago: i64, status: &str| {
        let body = format!(r#"{{"title":"A","status":"{status}"}}"#);
        let sent = Sent { id: id.to_owned(), ..Sent::now("generic", Kind::Standard, &body) };
        let sent = Sent { at: sent.at - ago, ..sent };
        send(&server, &path, &headers(&sent), body.as_bytes()).status
    };
    for ago in [310, 86_400, -310, -86_400, i64::MIN / 4_000_000] {
        assert_eq!(deliver("msg_0", ago, "firing"), 401, "{ago} s ago");
    }
    assert_eq!(server.json(&["alert", "list"])["items"].as_array().map(Vec::len), Some(0));
    assert_eq!(deliver("msg_1", 200, "firing"), 200);
    assert_eq!(deliver("msg_2", -200, "resolved"), 200);
    let after = server.json(&["alert", "list"]);
    assert_eq!(after["items"].as_array().map(Vec::len), Some(0), "{after}");
    // Without the signed id this would fire again.
    assert_eq!(deliver("msg_1", 200, "firing"), 200);
    assert_eq!(server.json(&["alert", "list"]), after);
}

#[test]
fn a_body_is_what_it_says_and_never_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let secret = folder.path().join("canary.txt");
    fs::write(&secret, "canary-of-a-file").unwrap();
    let server = server();
    let file = secret.to_str().unwrap();
    let bodies = [
        format!(
            "--b\r\ncontent-disposition: form-data; name=\"title\"; filename=\"{file}\"\r\n\r\nx\r\n--b--\r\n"
        ),
        format!("title=@{file}&path={file}&file=file://{file}"),
        format!("<?xml version=\"1.0\"?><!DOCTYPE a [<!ENTITY x SYSTEM \"file://{file}\">]><a>&x;</a>"),
        format!("title: !include {file}\n"),
        format!("{{\"$ref\":\"file://{file}\",\"files\":{{\"title\":{{\"filepath\":\"{file}\"}}}}}}"),
        format!(
            "{{\"title\":\"A\",\"incident\":\"file://{file}\",\"description\":\"{{{{ include('{file}') }}}}\"}}"
        ),
    ];
    let types = [
        "application/json",
        "multipart/form-data; boundary=b",
        "application/x-www-form-urlencoded",
        "application/xml",
        "application/yaml",
        "application/octet-stream",
        "text/plain",
        "application/json; charset=utf-16",
        "",
    ];
    let handlers: Vec<String> = BODIES.iter().map(|(name, _)| format!("/api/v1/alerts/{name}")).collect();
    let fixed =
        ["/api/v1/alerts", "/api/v2/alerts", "/api/v2/silences", "/api/v1/reports", "/api/v1/incidents"];
    let authorization = format!("Bearer {}", token(&server));
    for path in handlers.iter().map(String::as_str).chain(fixed) {
        for body in &bodies {
            // The declared type changes nothing: a body is JSON, or it is refused.
            let mut statuses = BTreeSet::new();
            for kind in types {
                let headers = [("authorization", authorization.clone()), ("content-type", kind.to_owned())];
                let answer = send(&server, path, &headers, body.as_bytes());
                assert!(!answer.body.contains("canary-of-a-file"), "{path} {kind}: {}", answer.body);
                assert!(body.starts_with('{') || (400..500).contains(&answer.status), "{path} {kind} {body}");
                statuses.insert(answer.status);
            }
            assert_eq!(statuses.len(), 1, "{path} reads {body} by its declared type: {statuses:?}");
        }
    }
    let packed = [("authorization", authorization), ("content-encoding", "gzip".to_owned())];
    assert_eq!(send(&server, "/api/v1/alerts/generic", &packed, b"\x1f\x8b").status, 400);
    let (_, _, folder) = server.end("TERM");
    assert_eq!(found(&folder.path().join("data"), &["canary-of-a-file"]), Vec::<String>::new());
}

#[test]
fn nothing_secret_of_a_delivery_is_kept() {
    let server = server();
    let made = server.json(&["token", "create", "--source", "rack-4"]);
    let ours = made["token"].as_str().unwrap().to_owned();
    let listed = stdout(&server.ask(&["--json", "token", "list", "--all"]));
    assert!(listed.contains("rack-4") && !listed.contains(&ours), "a token is shown once: {listed}");

    let mut canaries = vec![ours.clone()];
    let names =
        ["cookie", "x-api-key", "proxy-authorization", "x-auth-token", "x-hub-signature", "x-webhook-secret"];
    for (mapping, body) in BODIES {
        let mut sent = vec![("authorization", format!("Bearer {ours}"))];
        for name in names {
            let canary = format!("canary-{mapping}-{name}");
            sent.push((name, canary.clone()));
            canaries.push(canary);
        }
        for body in [body, "no JSON at all"] {
            let answer = send(&server, &format!("/api/v1/alerts/{mapping}"), &sent, body.as_bytes());
            assert!(!answer.body.contains("canary"), "{}", answer.body);
        }
        for kind in Kind::ALL {
            let proof = Sent::now(mapping, kind, body);
            let path = format!("/api/v1/alerts/{}", kind.source(mapping));
            assert_eq!(send(&server, &path, &headers(&proof), body.as_bytes()).status, 200);
            canaries.push(delivered(&proof));
            canaries.push(kind.secret(mapping));
        }
    }
    assert!(
        !server.json(&["alert", "raw", "list"])["items"].as_array().unwrap().is_empty(),
        "bodies are kept"
    );
    let (_, _, folder) = server.end("TERM");
    let canaries: Vec<&str> = canaries.iter().map(String::as_str).collect();
    assert_eq!(found(&folder.path().join("data"), &canaries), Vec::<String>::new());
    // The search itself finds what is there.
    assert!(!found(&folder.path().join("data"), &["no JSON at all"]).is_empty());
}

/// Where in the files of a folder one of these texts stands.
pub(crate) fn found(folder: &Path, texts: &[&str]) -> Vec<String> {
    let mut hits = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let bytes = fs::read(&path).unwrap();
            let bytes = String::from_utf8_lossy(&bytes).into_owned();
            hits.extend(
                texts.iter().filter(|text| bytes.contains(**text)).map(|text| format!("{path:?}: {text}")),
            );
        }
    }
    hits
}
