//! The checks for every connector, with a system that has an API of its own, and with an estate.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use connectors::{
    EstateConnector,
    conformance::{Subject, System, check},
};
use serde_json::{Value, json};

use crate::{
    estate::Served,
    plain::{Answer, Received, Server},
    support::{args, config, connector, node_requests, spec},
};

#[derive(Default)]
struct Nodes {
    /// Isolated nodes with their level.
    isolated: BTreeMap<String, String>,
    keys: BTreeMap<String, Value>,
    changes: u64,
    hang: bool,
    drop_next: bool,
}

impl Nodes {
    fn answer(&mut self, request: &Received) -> Answer {
        if self.hang {
            return Answer::Stall(String::new());
        }
        let path = request.target.split('?').next().unwrap();
        let node = path.strip_prefix("/nodes/").and_then(|rest| rest.strip_suffix("/isolation")).unwrap();
        if !node.starts_with("validator-") {
            return Answer::json(404, &json!({"error": format!("no node {node}")}));
        }
        if request.method == "GET" {
            return match self.isolated.get(node) {
                Some(level) => Answer::json(200, &json!({"isolated": true, "level": level})),
                None => Answer::empty(404),
            };
        }
        let key = request.header("idempotency-key").unwrap().to_owned();
        if let Some(known) = self.keys.get(&key) {
            let headers = "Idempotent-Replayed: true\r\n".to_owned();
            return Answer::Whole(200, headers, known.to_string());
        }
        let body = self.change(request, node);
        self.keys.insert(key, body.clone());
        if std::mem::take(&mut self.drop_next) {
            return Answer::Raw(String::new());
        }
        Answer::json(201, &body)
    }

    fn change(&mut self, request: &Received, node: &str) -> Value {
        self.changes += 1;
        if request.method == "DELETE" {
            self.isolated.remove(node);
            return json!({"isolated": false});
        }
        let body: Value = serde_json::from_str(&request.body).unwrap();
        self.isolated.insert(node.to_owned(), body["level"].as_str().unwrap().to_owned());
        json!({"isolated": true, "ticket": request.header("x-ticket")})
    }
}

struct PlainSystem(Arc<Mutex<Nodes>>);

impl System for PlainSystem {
    fn changes(&self) -> u64 {
        self.0.lock().unwrap().changes
    }

    fn hang(&self, hang: bool) {
        self.0.lock().unwrap().hang = hang;
    }

    fn drop_next_answer(&self) {
        self.0.lock().unwrap().drop_next = true;
    }
}

#[tokio::test]
async fn http_connector_conforms() {
    let nodes = Arc::new(Mutex::new(Nodes::default()));
    let system = PlainSystem(Arc::clone(&nodes));
    let server = Server::start(move |request| nodes.lock().unwrap().answer(request)).await;
    check(&Subject {
        connector: &connector(&server.url()),
        spec: Arc::new(spec("node.isolate", "node.release", Some(node_requests()))),
        target: "validator-3",
        unknown_target: "no-such-node",
        args: args(json!({"level": "full"})),
        system: &system,
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn estate_connector_conforms() {
    let estate = Served::start().await;
    check(&Subject {
        connector: &EstateConnector::new(config(&estate.url())).unwrap(),
        spec: Arc::new(spec("node.isolate", "node.release", None)),
        target: "validator-3",
        unknown_target: "no-such-node",
        args: args(json!({"level": "full"})),
        system: &estate,
    })
    .await;
}
