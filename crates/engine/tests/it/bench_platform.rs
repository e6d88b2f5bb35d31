//! A platform on the shipped content, with a scripted connector that keeps what it was asked.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use connectors::{Call, Connector, Outcome, Performing};
use domain::{
    access::Role,
    content::Content,
    event::Actor,
    flow::Command,
    id::PersonId,
    time::{Span, Timestamp},
};
use engine::{Options, Platform, Receipt};
use store::{Memory, Store};

type Script = Box<dyn Fn(&Call) -> Outcome + Send + Sync>;

/// Answers as told and remembers each call as `operation verb target key attempt`.
pub(crate) struct Scripted {
    pub(crate) calls: Mutex<Vec<String>>,
    script: Script,
}

impl Connector for Scripted {
    fn perform<'a>(&'a self, call: &'a Call) -> Performing<'a> {
        let line =
            format!("{:?} {} {} {} {}", call.operation, call.verb, call.target, call.key, call.attempt);
        self.calls.lock().unwrap().push(line);
        let outcome = (self.script)(call);
        Box::pin(async move { outcome })
    }
}

pub(crate) fn applied(_: &Call) -> Outcome {
    Outcome::Applied { verified: Some(true), artefact: None, duplicate: false }
}

/// One running platform with a commander.
pub(crate) struct Bench {
    pub(crate) platform: Option<Platform>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) connector: Arc<Scripted>,
    pub(crate) person: Actor,
    pub(crate) runtime: tokio::runtime::Runtime,
}

impl Bench {
    pub(crate) fn new(script: impl Fn(&Call) -> Outcome + Send + Sync + 'static) -> Bench {
        Bench::over(Arc::new(Memory::new()), script)
    }

    pub(crate) fn over(
        store: Arc<dyn Store>,
        script: impl Fn(&Call) -> Outcome + Send + Sync + 'static,
    ) -> Bench {
        Bench::at(store, || Timestamp(1_800_000_000_000_000), script)
    }

    /// With a wall clock of its own.
    pub(crate) fn at(
        store: Arc<dyn Store>,
        wall_clock: fn() -> Timestamp,
        script: impl Fn(&Call) -> Outcome + Send + Sync + 'static,
    ) -> Bench {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap();
        let connector = Arc::new(Scripted { calls: Mutex::default(), script: Box::new(script) });
        let options = Options {
            store: store.clone(),
            channels: engine::Channels::new(),
            connectors: BTreeMap::from([("estate".to_owned(), connector.clone() as Arc<dyn Connector>)]),
            content: Arc::new(alone(CUT_OFF)),
            signing_key: tlog::note::SigningKey::from_seed("ringfence.test/log", &[7; 32]).unwrap(),
            incarnation: "test".to_owned(),
            restored: None,
            runtime: runtime.handle().clone(),
            wall_clock,
            requests_max: 1_024,
            alerts_max: 10_000,
            disk: None,
        };
        let platform = engine::start(options).unwrap();
        let mut bench = Bench {
            platform: Some(platform),
            store,
            connector,
            person: Actor::Person(PersonId::from_number(0)),
            runtime,
        };
        let people = bench.platform().handle.reader().people().unwrap();
        bench.person = match people.first() {
            Some(person) => Actor::Person(person.id),
            None => {
                let add = domain::access::Command::AddPerson { name: "ada".to_owned(), role: Role::Admin };
                let receipt = bench.command_as(Actor::Platform, Command::Access(add)).unwrap();
                match receipt.created("person.added") {
                    Some(domain::event::Stream::Person(id)) => Actor::Person(id),
                    other => panic!("no person was added: {other:?}"),
                }
            }
        };
        bench
    }

    /// One more who may command.
    pub(crate) fn another(&self) -> Actor {
        let add = domain::access::Command::AddPerson { name: "bob".to_owned(), role: Role::Commander };
        match self.command(Command::Access(add)).unwrap().created("person.added") {
            Some(domain::event::Stream::Person(id)) => Actor::Person(id),
            other => panic!("no person was added: {other:?}"),
        }
    }

    pub(crate) fn platform(&self) -> &Platform {
        self.platform.as_ref().expect("the platform runs")
    }

    pub(crate) fn command(&self, command: Command) -> Result<Receipt, engine::Refused> {
        self.command_as(self.person.clone(), command)
    }

    pub(crate) fn command_as(&self, actor: Actor, command: Command) -> Result<Receipt, engine::Refused> {
        self.runtime.block_on(self.platform().handle.command(actor, command))
    }

    /// Sends one alert with these labels.
    pub(crate) fn alert<const N: usize>(&self, labels: [(&str, &str); N]) -> Receipt {
        let received = domain::alert::Received { labels: labels.into(), ..Default::default() };
        let actor = self.person.clone();
        self.runtime.block_on(self.platform().handle.receive(actor, vec![received])).unwrap()
    }

    /// Waits until `done` says so of what is committed; fails after ten seconds.
    pub(crate) fn until(&self, what: &str, done: impl Fn(&engine::Reader) -> bool) {
        let began = std::time::Instant::now();
        let mut facts = self.platform().handle.subscribe();
        while !done(self.platform().handle.reader()) {
            assert!(began.elapsed().as_secs() < 10, "waited in vain until {what}");
            let wait = tokio::time::Duration::from_millis(20);
            let next = async { tokio::time::timeout(wait, facts.recv()).await };
            drop(self.runtime.block_on(next));
        }
    }

    /// The kinds of all entries from `from` on, one a line.
    pub(crate) fn kinds(&self, from: u64) -> String {
        let reader = self.platform().handle.reader();
        let mut lines = String::new();
        for position in from..reader.length().unwrap() {
            let entry = reader.entry(position).unwrap().unwrap();
            lines += &format!("{} {} {}\n", entry.envelope.stream, entry.envelope.seq, entry.envelope.kind);
        }
        lines
    }
}

/// A node is cut off and its key revoked, and nothing waits for people.
const CUT_OFF: &str = include_str!("../../../domain/src/scene/cut_off.yaml");

/// The shipped content with this playbook in place of the shipped ones.
pub(crate) fn alone(playbook: &str) -> Content {
    let mut files = files();
    files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
    files.insert("playbooks/alone.yaml".to_owned(), playbook.to_owned());
    checked(&files)
}

fn files() -> BTreeMap<String, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let mut files = BTreeMap::new();
    read_folder(&root, &root, &mut files);
    files
}

fn checked(files: &BTreeMap<String, String>) -> Content {
    let (content, problems) = domain::content::load(files);
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

/// A span in whole seconds.
pub(crate) fn seconds(s: u64) -> Span {
    Span::secs(s)
}
