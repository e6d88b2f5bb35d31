//! The estate's connector against a served estate with each of its faults.

use std::{net::SocketAddr, time::Duration};

use connectors::{Connector, EstateConnector, Operation, Outcome, conformance::System};
use estate::{
    Spec, World,
    faults::{Faults, Mode, Route, Rule},
    ledger::{self, Effect, Line},
    server,
};
use serde_json::json;
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};

use crate::support::{args, call, config, not_applied, spec, unknown};

/// A served estate. Faults are set through its own API, from a thread of its own: the checks are not async.
pub(crate) struct Served {
    address: SocketAddr,
    folder: TempDir,
    task: JoinHandle<()>,
}

impl Served {
    pub(crate) async fn start() -> Served {
        Served::with(Vec::new()).await
    }

    pub(crate) async fn with(rules: Vec<Rule>) -> Served {
        let folder = tempfile::tempdir().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let config = server::Config {
            world: World::new(&Spec::shipped()).unwrap(),
            ledger: folder.path().join("ledger"),
            sync: false,
            faults: Faults { seed: 1, rules },
        };
        let task = tokio::spawn(async move {
            server::serve(listener, config, std::future::pending()).await.unwrap();
        });
        Served { address, folder, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn connector(&self) -> EstateConnector {
        EstateConnector::new(config(&self.url())).unwrap()
    }

    fn ledger(&self) -> Vec<Line> {
        let path = self.folder.path().join("ledger");
        // The server begins it when it first runs.
        if path.exists() { ledger::read_after(&path, 0, 10_000).unwrap().lines } else { Vec::new() }
    }

    fn set(&self, rules: Vec<Rule>) {
        let body = serde_json::to_string(&Faults { seed: 1, rules }).unwrap();
        let address = self.address;
        let post = std::thread::spawn(move || {
            use std::io::{Read, Write};
            let mut stream = std::net::TcpStream::connect(address).unwrap();
            let length = body.len();
            let head = format!(
                "POST /v1/faults HTTP/1.1\r\nHost: estate\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n"
            );
            stream.write_all((head + &body).as_bytes()).unwrap();
            let mut answer = String::new();
            stream.read_to_string(&mut answer).unwrap();
            assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
        });
        tokio::task::block_in_place(|| post.join().unwrap());
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl System for Served {
    fn changes(&self) -> u64 {
        self.ledger().iter().filter(|line| line.effect == Effect::Applied).count() as u64
    }

    fn hang(&self, hang: bool) {
        let silent = |route| Rule { route, ..Rule::always(Mode::Hang { applied: false }) };
        self.set(if hang { vec![silent(Route::Action), silent(Route::Read)] } else { Vec::new() });
    }

    fn drop_next_answer(&self) {
        self.set(vec![Rule::next(1, Mode::ApplyThenDrop)]);
    }
}

/// One apply against an estate that shows this fault to its first action.
async fn met(fault: Mode, timeout: Duration) -> (Outcome, Outcome, Vec<Line>) {
    let estate = Served::with(vec![Rule::next(1, fault)]).await;
    let connector = estate.connector();
    let mut call = call(Operation::Apply, spec("node.isolate", "node.release", None));
    call.timeout = timeout;
    let first = connector.perform(&call).await;
    call.timeout = AMPLE;
    call.attempt = 2;
    let second = connector.perform(&call).await;
    let ledger = estate.ledger();
    let applied = ledger.iter().filter(|line| line.effect == Effect::Applied).count();
    assert_eq!(applied, 1, "applied once over both attempts: {ledger:?}");
    (first, second, ledger)
}

const AMPLE: Duration = Duration::from_secs(10);
const SHORT: Duration = Duration::from_millis(300);

fn is_applied(outcome: &Outcome, said_duplicate: bool) -> bool {
    matches!(outcome, Outcome::Applied { verified: Some(true), duplicate, .. } if *duplicate == said_duplicate)
}

#[tokio::test]
async fn key_and_epoch_arrive() {
    let (first, second, ledger) = met(Mode::Ok, AMPLE).await;
    assert!(is_applied(&first, false) && is_applied(&second, true), "{first:?} {second:?}");
    assert_eq!(ledger[0].key, "ACT-7");
    assert_eq!(ledger[0].epoch.as_deref(), Some("3"));
    let routes: Vec<Route> = ledger.iter().map(|line| line.route).collect();
    assert_eq!(routes, [Route::Action, Route::Read, Route::Action, Route::Read]);
}

#[tokio::test]
async fn faults_before_the_effect_leave_it_to_the_repeat() {
    let (first, second, _) = met(Mode::DropBefore, AMPLE).await;
    unknown(first);
    assert!(is_applied(&second, false), "{second:?}");
    let (first, second, _) = met(Mode::Hang { applied: false }, SHORT).await;
    unknown(first);
    assert!(is_applied(&second, false), "{second:?}");
    let (first, second, _) = met(Mode::Error { applied: false }, AMPLE).await;
    assert!(unknown(first).contains("500"));
    assert!(is_applied(&second, false), "{second:?}");
}

#[tokio::test]
async fn faults_after_the_effect_are_unknown_and_not_repeated() {
    let faults = [
        (Mode::ApplyThenDrop, AMPLE),
        (Mode::Error { applied: true }, AMPLE),
        (Mode::Hang { applied: true }, SHORT),
        (Mode::Slow { ms: 60_000 }, SHORT),
        (Mode::Trickle { ms: 100 }, SHORT),
        (Mode::Huge { bytes: 1 << 40 }, AMPLE),
    ];
    for (fault, timeout) in faults {
        let (first, second, _) = met(fault, timeout).await;
        unknown(first);
        assert!(is_applied(&second, true), "{fault:?}: {second:?}");
    }
}

#[tokio::test]
async fn too_many_calls_say_when_to_come_back() {
    let (first, second, _) = met(Mode::TooMany { retry_after_s: 7 }, AMPLE).await;
    let Outcome::NotApplied { retry: true, retry_after: Some(wait), .. } = first else { panic!("{first:?}") };
    assert_eq!(wait, Duration::from_secs(7));
    assert!(is_applied(&second, false), "{second:?}");
}

#[tokio::test]
async fn a_success_that_is_none_is_found_by_reading_back() {
    let (first, second, _) = met(Mode::WrongSuccess, AMPLE).await;
    let (reason, retry) = not_applied(first);
    assert!(retry && reason.contains("read-back shows"), "{reason}");
    assert!(is_applied(&second, false), "{second:?}");
}

#[tokio::test]
async fn a_call_delivered_twice_is_carried_out_once() {
    let (first, _, _) = met(Mode::AnswerTwice, AMPLE).await;
    assert!(is_applied(&first, true), "{first:?}");
}

#[tokio::test]
async fn a_failing_read_back_leaves_it_unverified() {
    let broken = Rule { route: Route::Read, ..Rule::always(Mode::Error { applied: false }) };
    let estate = Served::with(vec![broken]).await;
    let call = call(Operation::Apply, spec("node.isolate", "node.release", None));
    let outcome = estate.connector().perform(&call).await;
    assert!(matches!(outcome, Outcome::Applied { verified: None, .. }), "{outcome:?}");
}

#[tokio::test]
async fn refusals_say_why() {
    let estate = Served::start().await;
    let connector = estate.connector();
    let mut wrong = call(Operation::Apply, spec("node.isolate", "node.release", None));
    "node-9".clone_into(&mut wrong.target);
    assert_eq!(not_applied(connector.perform(&wrong).await), ("unknown target".to_owned(), false));

    let mut wrong = call(Operation::Apply, spec("node.isolate", "node.release", None));
    "ACT-8".clone_into(&mut wrong.key);
    wrong.args = args(json!({"level": "some\u{1b}[2Jwhat"}));
    let (reason, retry) = not_applied(connector.perform(&wrong).await);
    assert!(!retry && reason.contains("what"), "{reason}");
    assert!(!reason.contains(char::is_control), "{reason:?}");

    let mut spec = spec("node.isolate", "node.release", None);
    spec.revert = None;
    let (reason, retry) = not_applied(connector.perform(&call(Operation::Revert, spec)).await);
    assert!(!retry && reason.contains("`revert`"), "{reason}");
}
