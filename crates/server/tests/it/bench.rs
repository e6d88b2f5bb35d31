//! The router over a running platform, asked as each role.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, LazyLock},
    time::Instant,
};

use axum::{
    Router,
    body::Body,
    http::{HeaderMap, Request, header},
};
use connectors::{Call, Connector, Outcome, Performing};
use domain::{
    access::{Command, Holder, Role},
    content::Content,
    event::{Actor, Stream},
    flow,
    id::PersonId,
    time::{Span, Timestamp},
};
use engine::Platform;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tokio::sync::watch;
use tower::ServiceExt as _;

pub(crate) struct Bench {
    platform: Option<Platform>,
    pub(crate) router: Router,
    pub(crate) runtime: tokio::runtime::Runtime,
    pub(crate) stopping: watch::Sender<bool>,
    pub(crate) admin: String,
    pub(crate) commander: String,
    pub(crate) responder: String,
    pub(crate) viewer: String,
    pub(crate) source: String,
}

/// Does what it is asked, but for targets whose name says otherwise.
struct Obedient;

impl Connector for Obedient {
    fn perform<'a>(&'a self, call: &'a Call) -> Performing<'a> {
        let outcome = match call.target.as_str() {
            "in-the-dark" => Outcome::Unknown { reason: "no answer".to_owned() },
            "refused" => {
                let reason = "the target says no".to_owned();
                Outcome::NotApplied { reason, retry: false, retry_after: None }
            }
            _ => Outcome::Applied { verified: Some(true), artefact: None, duplicate: false },
        };
        Box::pin(async move { outcome })
    }
}

pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Answered {
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// The JSON of an answer with this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.json()
    }

    /// The detail of a problem with this status and name.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, name: &str) -> String {
        let body = self.expect(status);
        assert_eq!(self.headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(body["type"], format!("urn:ringfence:problem:{name}"));
        assert_eq!(body["status"], status);
        assert!(body["title"].is_string() && body["instance"].is_string(), "{body}");
        body["detail"].as_str().unwrap().to_owned()
    }
}

/// Goes on from a first of January, as a clock does: one that stands still is in doubt after seconds.
pub(crate) fn wall_clock() -> Timestamp {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    let began = Timestamp::from_jiff("2090-01-01T08:00:00Z".parse().unwrap());
    began.plus(Span(u64::try_from(BEGAN.elapsed().as_micros()).unwrap()))
}

impl Bench {
    pub(crate) fn new() -> Bench {
        Bench::with(false)
    }

    pub(crate) fn with(public_log: bool) -> Bench {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let key = tlog::note::SigningKey::from_seed("ringfence.test/log", &[7; 32]).unwrap();
        let content = Arc::new(shipped());
        let platform = engine::start(engine::Options {
            store: Arc::new(store::Memory::new()),
            channels: engine::Channels::new(),
            connectors: BTreeMap::from([("estate".to_owned(), Arc::new(Obedient) as Arc<dyn Connector>)]),
            content: content.clone(),
            signing_key: key.clone(),
            incarnation: "test".to_owned(),
            restored: None,
            runtime: runtime.handle().clone(),
            wall_clock,
            requests_max: 1_024,
            alerts_max: 100_000,
            disk: None,
        })
        .unwrap();
        let (stopping, stops) = watch::channel(false);
        let router = server::router(server::Options {
            handle: platform.handle.clone(),
            content: watch::channel(content).1,
            log_key: key.verifier().clone(),
            public_log,
            secure: false,
            sources: signed(&platform.handle, &runtime),
            stopping: stops,
            owner: Some(std::sync::Arc::new(|proof| proof == "written there")),
            backups: None,
            folders: Vec::new(),
        });
        let mut bench = Bench {
            platform: Some(platform),
            router,
            runtime,
            stopping,
            admin: String::new(),
            commander: String::new(),
            responder: String::new(),
            viewer: String::new(),
            source: String::new(),
        };
        bench.admin = bench.person("ada", Role::Admin);
        bench.commander = bench.person("cleo", Role::Commander);
        bench.responder = bench.person("rae", Role::Responder);
        bench.viewer = bench.person("vic", Role::Viewer);
        bench.source = bench.token(Holder::Source("monitors".into()));
        bench
    }

    pub(crate) fn person(&self, name: &str, role: Role) -> String {
        let id = self.access(Command::AddPerson { name: name.to_owned(), role }, "person.added");
        self.token(Holder::Person(PersonId::from_number(id)))
    }

    pub(crate) fn token(&self, holder: Holder) -> String {
        let (text, hash) = server::create_token().unwrap();
        let create = Command::CreateToken { holder, hash, label: String::new(), expires_at: None };
        self.access(create, "token.created");
        self.until("the token is known", |bench| {
            let who = bench.handle().principal(&server::token_hash(&text), bench.handle().now());
            who.is_some()
        });
        text
    }

    fn access(&self, command: Command, kind: &str) -> u64 {
        let command = self.handle().command(Actor::Platform, flow::Command::Access(command));
        match self.runtime.block_on(command).unwrap().created(kind) {
            Some(Stream::Person(id)) => id.0,
            Some(Stream::Token(id)) => id.0,
            other => panic!("{kind}: {other:?}"),
        }
    }

    pub(crate) fn content(&self) -> Arc<domain::content::Content> {
        Arc::new(shipped())
    }

    pub(crate) fn block_on<T>(&self, what: impl Future<Output = T>) -> T {
        self.runtime.block_on(what)
    }

    /// From here on policies let no person do this.
    pub(crate) fn forbid(&self, act: &str) {
        let text = format!(
            "@id(\"hands-off\")\n@text(\"nobody does this here\")\n\
             forbid (principal is Person, action == Action::\"{act}\", resource);\n"
        );
        self.load(&[("policies/hands_off.cedar", &text)]);
    }

    /// From here on contacts have a way by mail; nothing takes it.
    pub(crate) fn mail(&self) {
        let text = "channels:\n  - { name: mail, kind: email, timeout: 20s, attempts: 1 }\n\
                    orders:\n  - channels: [mail]\n";
        self.load(&[("channels.yaml", text)]);
    }

    fn load(&self, more: &[(&str, &str)]) {
        let content = Arc::new(shipped_with(more));
        let load = self.handle().command(Actor::Platform, flow::Command::LoadContent(content));
        self.block_on(load).unwrap();
    }

    pub(crate) fn handle(&self) -> &engine::Handle {
        &self.platform.as_ref().unwrap().handle
    }

    /// The runs that there are and were; one that ends between the two looks is there once.
    #[track_caller]
    pub(crate) fn runs(&self) -> Vec<Value> {
        let mut runs = BTreeMap::new();
        for state in ["live", "ended"] {
            let page = self.get(&format!("/api/v1/runs?state={state}")).expect(200);
            for run in page["items"].as_array().unwrap() {
                runs.insert(run["id"].as_str().unwrap().to_owned(), run.clone());
            }
        }
        runs.into_values().collect()
    }

    /// Asks until it is so; gives up after a minute.
    #[track_caller]
    pub(crate) fn until(&self, what: &str, done: impl Fn(&Bench) -> bool) {
        let began = Instant::now();
        while !done(self) {
            assert!(began.elapsed().as_secs() < 60, "waited in vain until {what}");
            std::thread::yield_now();
        }
    }

    pub(crate) fn get(&self, target: &str) -> Answered {
        self.ask("GET", target, &self.viewer, "")
    }

    /// As the administrator.
    pub(crate) fn post(&self, target: &str, body: &str) -> Answered {
        self.ask("POST", target, &self.admin, body.to_owned())
    }

    pub(crate) fn ask(&self, method: &str, target: &str, token: &str, body: impl Into<Body>) -> Answered {
        let request = Request::builder().method(method).uri(target);
        self.send(request.header(header::AUTHORIZATION, format!("Bearer {token}")).body(body.into()).unwrap())
    }

    pub(crate) fn send(&self, request: Request<Body>) -> Answered {
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            let bytes = body.collect().await.unwrap().to_bytes();
            let body = String::from_utf8_lossy(&bytes).into_owned();
            Answered { status: parts.status.as_u16(), headers: parts.headers, body }
        })
    }

    /// Posts one alert; gives the incident that it opened or joined.
    #[track_caller]
    pub(crate) fn alert(&self, labels: &str) -> String {
        let body = format!("[{{\"labels\": {labels}}}]");
        assert_eq!(self.ask("POST", "/api/v1/alerts", &self.source, body).expect(200)["taken"], 1);
        let newest = &self.get("/api/v1/alerts?limit=1").expect(200)["items"][0];
        newest["incident"].as_str().unwrap_or_default().to_owned()
    }

    /// An incident opened by hand, of a type without a playbook.
    #[track_caller]
    pub(crate) fn incident(&self) -> String {
        let body = r#"{"title": "Odd logins", "incident_type": "power_systems", "severity": "low",
            "targets": [{"kind": "node", "name": "validator-3"}]}"#;
        self.post("/api/v1/incidents", body).expect(201)["id"].as_str().unwrap().to_owned()
    }

    /// The number of entries in the journal.
    pub(crate) fn length(&self) -> u64 {
        self.handle().reader().length().unwrap()
    }

    /// The bodies and kinds of all entries, one a line.
    pub(crate) fn journal(&self) -> String {
        let reader = self.handle().reader();
        let mut lines = String::new();
        for position in 0..self.length() {
            let entry = reader.entry(position).unwrap().unwrap();
            lines += &format!("{} {}\n", entry.envelope.kind, entry.body.unwrap_or_default());
        }
        lines
    }
}

/// The secret of the source `signed`.
pub(crate) const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn signed(handle: &engine::Handle, runtime: &tokio::runtime::Runtime) -> BTreeMap<String, server::Source> {
    let (_, hash) = server::create_token().unwrap();
    let holder = Holder::Source("signed".into());
    let create = Command::CreateToken { holder, hash: hash.clone(), label: String::new(), expires_at: None };
    runtime.block_on(handle.command(Actor::Platform, flow::Command::Access(create))).unwrap();
    let signature = server::Signature::StandardWebhooks;
    BTreeMap::from([("signed".to_owned(), server::Source::new("generic", signature, SECRET, &hash).unwrap())])
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(platform) = self.platform.take() {
            platform.stop();
        }
    }
}

/// A node is cut off and its key revoked, and nothing waits for people.
const CUT_OFF: &str = include_str!("../../../domain/src/scene/cut_off.yaml");

/// The shipped content, but nothing begins for what has no playbook of its own, and a compromise waits for nobody.
fn shipped() -> Content {
    shipped_with(&[])
}

fn shipped_with(more: &[(&str, &str)]) -> Content {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let mut files = BTreeMap::new();
    read_folder(&root, &root, &mut files);
    files.retain(|path, _| !path.contains("/generic_response.") && !path.contains("/validator_compromise."));
    files.insert("playbooks/validator_compromise.yaml".to_owned(), CUT_OFF.to_owned());
    files.extend(more.iter().map(|(path, text)| ((*path).to_owned(), (*text).to_owned())));
    let (content, problems) = domain::content::load(&files);
    assert!(problems.is_empty(), "{problems:?}");
    content
}

fn read_folder(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    let paths = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    for path in paths.collect::<Vec<PathBuf>>() {
        if path.is_dir() {
            read_folder(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}
