//! The checks for every connector, with a system that has an API of its own, and with an estate.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, Mutex},
};

use connectors::{
    Connector, EstateConnector, Operation, Outcome,
    conformance::{Subject, System, check},
};
use domain::content::{ActionSpec, Class, load};
use serde_json::{Map, Value, json};

use crate::{
    estate::Served,
    plain::{Answer, Received, Server},
    support::{args, call, config, connector, node_requests, spec},
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

/// Every shipped action that can be taken back: one change each way under one key, lost answers, silence, strangers.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn every_shipped_action_with_a_way_back_conforms() {
    let mut checks = tokio::task::JoinSet::new();
    for action in shipped_actions().into_values().filter(|action| action.containment) {
        checks.spawn(conforms(action));
    }
    assert!(checks.len() > 20, "{} actions", checks.len());
    while let Some(checked) = checks.join_next().await {
        checked.unwrap();
    }
}

async fn conforms(action: Arc<ActionSpec>) {
    let estate = Served::start().await;
    let connector = estate.connector();
    let (target, given) = sample(&action.target, &action.verb);
    let defaults = action.args.iter().filter_map(|(name, arg)| Some((name.clone(), arg.default.clone()?)));
    let mut args: Map<String, Value> = defaults.collect();
    args.extend(given);
    if action.verb == "model.rollback" {
        // What it ran is kept before, or it is refused.
        let inspect = shipped_actions().remove("model.inspect").unwrap();
        let mut asked = call(Operation::Apply, ActionSpec::clone(&inspect));
        (asked.key, asked.args) = ("k-inspect".to_owned(), Map::new());
        target.clone_into(&mut asked.target);
        assert!(matches!(connector.perform(&asked).await, Outcome::Applied { .. }));
    }
    // The estate takes keys for every class; what a class is for is the platform's side.
    let spec = Arc::new(ActionSpec { class: Class::Keyed, ..ActionSpec::clone(&action) });
    let (connector, unknown_target, system) = (&connector, "nobody", &estate);
    check(&Subject { connector, spec, target, unknown_target, args, system }).await;
}

/// What only looks, saves or goes one way: carried out, read back where the action says so, refused for a stranger.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn every_other_shipped_action_answers_as_declared() {
    let estate = Served::start().await;
    let connector = estate.connector();
    let actions = shipped_actions();
    let ways_back: Vec<&String> = actions.values().filter_map(|action| action.revert.as_ref()).collect();
    for (number, action) in actions.values().enumerate() {
        if action.containment || ways_back.contains(&&action.verb) {
            continue;
        }
        let (target, args) = sample(&action.target, &action.verb);
        let mut asked = call(Operation::Apply, ActionSpec::clone(action));
        (asked.key, asked.args) = (format!("k-{number}"), args);
        target.clone_into(&mut asked.target);
        let done = connector.perform(&asked).await;
        let Outcome::Applied { verified, artefact, .. } = &done else { panic!("{}: {done:?}", action.verb) };
        assert_eq!(*verified, action.verify.then_some(true), "{}", action.verb);
        assert!(artefact.is_some() || action.verify, "{} leaves something to show", action.verb);
        asked.key.push_str("-stranger");
        "nobody".clone_into(&mut asked.target);
        let refused = connector.perform(&asked).await;
        assert!(matches!(refused, Outcome::NotApplied { retry: false, .. }), "{}: {refused:?}", action.verb);
    }
}

fn shipped_actions() -> BTreeMap<String, Arc<ActionSpec>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let read = |name: &str| (name.to_owned(), std::fs::read_to_string(root.join(name)).unwrap());
    let (content, _) = load(&BTreeMap::from([read("actions.yaml")]));
    assert!(content.actions.len() > 50, "actions.yaml is read");
    content.actions.into_iter().filter(|(_, action)| action.connector == "estate").collect()
}

/// A target of this kind in the shipped estate, and the arguments that the verb cannot do without.
fn sample(kind: &str, verb: &str) -> (&'static str, Map<String, Value>) {
    let target = match kind {
        // The other was built anew before it is asked, and has not caught up yet.
        "node" if verb == "node.sync_status" => "validator-3",
        "node" => "validator-2",
        "key" => "key-2",
        "account" => "account-6",
        "session" => "session-6",
        "service" => "ledger",
        "endpoint" => "api-public",
        "segment" => "edge",
        "model" => "model-a",
        "file" => "upload-1",
        "dataset" => "dataset-1",
        "pipeline" => "pipeline-1",
        "address" => "203.0.113.9",
        other => panic!("the estate has no {other}"),
    };
    let given = match verb {
        "patch.apply" => json!({"patch": "patch-1"}),
        "alert.raise" => json!({"name": "BlockchainConsensusRisk"}),
        "traffic.reroute" => json!({"to": "storage"}),
        "filter.update" => json!({"signature": "role-override/7"}),
        _ => json!({}),
    };
    (target, args(given))
}
