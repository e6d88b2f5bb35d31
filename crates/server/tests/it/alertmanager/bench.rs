//! The router over a platform in memory, asked without sockets.

use std::sync::Arc;

use axum::{
    Router,
    body::Body,
    http::{Request, header},
};
use domain::{
    access::{Command, Holder, Role},
    content::Content,
    event::{Actor, Stream},
    flow,
    id::PersonId,
};
use engine::Platform;
use http_body_util::BodyExt as _;
use serde_json::Value;
use tower::ServiceExt as _;

pub(super) struct Bench {
    platform: Option<Platform>,
    router: Router,
    runtime: tokio::runtime::Runtime,
    responder: String,
}

pub(super) struct Answered {
    pub(super) status: u16,
    pub(super) body: String,
}

impl Answered {
    #[track_caller]
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    /// Status and body as one text, indented, with what no two runs share left out.
    #[track_caller]
    pub(super) fn shown(&self) -> String {
        let shown = match self.body.as_str() {
            "" => String::new(),
            _ => {
                let mut body = self.json();
                mask(&mut body);
                body.sort_all_objects();
                serde_json::to_string_pretty(&body).unwrap()
            }
        };
        format!("{}\n{shown}\n", self.status)
    }
}

fn mask(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(mask),
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "updatedAt" | "uptime" | "version" => *field = Value::from("…"),
                    "id" | "silenceID" => *field = Value::from("UUID"),
                    "silencedBy" => {
                        field.as_array_mut().unwrap().iter_mut().for_each(|id| *id = "UUID".into())
                    }
                    _ => mask(field),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

impl Bench {
    pub(super) fn new() -> Bench {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let key = tlog::note::SigningKey::from_seed("ringfence.test/log", &[7; 32]).unwrap();
        let platform = engine::start(engine::Options {
            store: Arc::new(store::Memory::new()),
            channels: engine::Channels::new(),
            connectors: engine::Connectors::new(),
            content: Arc::new(Content::default()),
            signing_key: key.clone(),
            incarnation: "test".to_owned(),
            restored: None,
            runtime: runtime.handle().clone(),
            wall_clock: crate::bench::wall_clock,
            requests_max: 64,
            alerts_max: 10_000,
            disk: None,
        })
        .unwrap();
        let router = server::router(server::Options {
            handle: platform.handle.clone(),
            content: tokio::sync::watch::channel(Arc::new(Content::default())).1,
            log_key: key.verifier().clone(),
            public_log: false,
            secure: false,
            sources: std::collections::BTreeMap::new(),
            stopping: tokio::sync::watch::channel(false).1,
            owner: None,
            backups: None,
            folders: Vec::new(),
        });
        let mut bench = Bench { platform: Some(platform), router, runtime, responder: String::new() };
        bench.responder = bench.person("rae", Role::Responder);
        bench
    }

    /// A token of a new person.
    pub(super) fn person(&self, name: &str, role: Role) -> String {
        let id = self.command(Command::AddPerson { name: name.to_owned(), role }, "person.added");
        self.token(Holder::Person(PersonId::from_number(id)))
    }

    pub(super) fn token(&self, holder: Holder) -> String {
        let (text, hash) = server::create_token().unwrap();
        let create = Command::CreateToken { holder, hash, label: String::new(), expires_at: None };
        self.command(create, "token.created");
        self.until_known(&text);
        text
    }

    /// A token is known a moment after it is durable.
    fn until_known(&self, token: &str) {
        let began = std::time::Instant::now();
        while self.ask("GET", "/status", token, "").status == 401 {
            assert!(began.elapsed().as_secs() < 10, "the token is not known after ten seconds");
            std::thread::yield_now();
        }
    }

    fn command(&self, command: Command, kind: &str) -> u64 {
        let handle = &self.platform.as_ref().unwrap().handle;
        let command = handle.command(Actor::Platform, flow::Command::Access(command));
        match self.runtime.block_on(command).unwrap().created(kind) {
            Some(Stream::Person(id)) => id.0,
            Some(Stream::Token(id)) => id.0,
            other => panic!("{kind}: {other:?}"),
        }
    }

    pub(super) fn get(&self, target: &str) -> Answered {
        self.ask("GET", target, &self.responder, "")
    }

    pub(super) fn post(&self, target: &str, body: &str) -> Answered {
        self.ask("POST", target, &self.responder, body)
    }

    pub(super) fn delete(&self, target: &str) -> Answered {
        self.ask("DELETE", target, &self.responder, "")
    }

    pub(super) fn ask(&self, method: &str, target: &str, token: &str, body: &str) -> Answered {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v2{target}"))
            .header(header::AUTHORIZATION, format!("Bearer {token}"))
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_owned()))
            .unwrap();
        self.runtime.block_on(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let bytes = response.into_body().collect().await.unwrap().to_bytes();
            Answered { status, body: String::from_utf8(bytes.to_vec()).unwrap() }
        })
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        if let Some(platform) = self.platform.take() {
            platform.stop();
        }
    }
}
