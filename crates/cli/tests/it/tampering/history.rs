//! Random histories: a platform in this process, on the shipped content, that alerts and people keep busy.

use std::{collections::BTreeMap, path::Path, sync::Arc};

use connectors::{Call, Connector, Outcome, Performing};
use domain::{
    access::{self, Holder, Role},
    action,
    alert::Received,
    content::Content,
    control::{self, SafeMode},
    event::{Actor, Stream},
    flow::Command,
    id::PersonId,
    incident::{self, Disposition},
    labels::Labels,
    matcher::{Matcher, Operator},
    run,
    severity::Severity,
    silence::{self, Terms},
    time::{Span, Timestamp},
};
use engine::{Page, Platform, Receipt};
use store::Store;
use tlog::SigningKey;
use tokio::runtime::Runtime;

const ALL: Page = Page { before: None, limit: 1_000 };

/// Chance from a seed (splitmix64).
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    pub(crate) fn of<'a, T>(&mut self, all: &'a [T]) -> Option<&'a T> {
        all.get(self.below(all.len()))
    }
}

/// Answers without a world behind it: mostly applied, sometimes not, by the call's own key and attempt.
struct Fickle;

impl Connector for Fickle {
    fn perform<'a>(&'a self, call: &'a Call) -> Performing<'a> {
        let sum = call
            .key
            .bytes()
            .chain(call.attempt.to_be_bytes())
            .fold(7_u64, |sum, byte| sum.wrapping_mul(31).wrapping_add(u64::from(byte)));
        let outcome = match (call.operation, sum % 8) {
            (action::Operation::ReadBack, _) => Outcome::Holds,
            (_, 0) => Outcome::Unknown { reason: "no answer".to_owned() },
            (_, 1) => Outcome::NotApplied { reason: "refused".to_owned(), retry: false, retry_after: None },
            _ => Outcome::Applied { verified: Some(true), artefact: None, duplicate: false },
        };
        Box::pin(async move { outcome })
    }
}

/// A platform in this process with one person.
pub(crate) struct Inside {
    pub(crate) platform: Platform,
    pub(crate) runtime: Runtime,
    person: Actor,
    now: Timestamp,
}

pub(crate) fn signing_key() -> SigningKey {
    SigningKey::from_seed("ringfence/0123456789abcdef", &[9; 32]).unwrap()
}

impl Inside {
    pub(crate) fn start(store: Arc<dyn Store>) -> Inside {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let platform = engine::start(engine::Options {
            store,
            channels: engine::Channels::new(),
            connectors: BTreeMap::from([("estate".to_owned(), Arc::new(Fickle) as Arc<dyn Connector>)]),
            content: Arc::new(shipped()),
            signing_key: signing_key(),
            incarnation: "0123456789abcdef".to_owned(),
            restored: None,
            runtime: runtime.handle().clone(),
            wall_clock: || Timestamp::from_jiff(jiff::Timestamp::now()),
            requests_max: 1_024,
            alerts_max: 10_000,
            disk: None,
        })
        .unwrap();
        let now = Timestamp::from_jiff(jiff::Timestamp::now());
        let mut inside = Inside { platform, runtime, person: Actor::Platform, now };
        let add = access::Command::AddPerson { name: "ada".to_owned(), role: Role::Admin };
        let added = inside.command(Command::Access(add)).unwrap();
        inside.person = Actor::Person(person_of(&added).unwrap());
        inside
    }

    pub(crate) fn command(&self, command: Command) -> Option<Receipt> {
        self.runtime.block_on(self.platform.handle.command(self.person.clone(), command)).ok()
    }

    pub(crate) fn alert(&self, labels: Labels, ends_at: Option<Timestamp>) {
        let received = Received { labels, ends_at, ..Received::default() };
        drop(self.runtime.block_on(self.platform.handle.receive(self.person.clone(), vec![received])));
    }

    /// Lets `steps` things happen, one after the other; what does not fit is refused and changes nothing.
    pub(crate) fn live(&self, random: &mut Random, steps: usize) {
        for step in 0..steps {
            match random.below(16) {
                0..=6 => self.some_alert(random, step),
                7..=9 => self.on_incidents(random),
                10 => self.on_silences(random),
                11 => self.on_people(random),
                12 => self.on_limits(random),
                13 => self.on_actions(random),
                14 => self.on_runs(random),
                _ => self.redact(random),
            }
        }
    }

    /// Ends with a signed checkpoint over everything.
    pub(crate) fn end(self) {
        self.platform.stop();
    }

    fn some_alert(&self, random: &mut Random, step: usize) {
        let types = [
            "validator_compromise",
            "key_compromise",
            "node_failure",
            "unauthorized_access",
            "something_else",
        ];
        let kind = random.of(&types).copied().unwrap();
        let node = format!("validator-{}", 1 + random.below(7));
        let key = format!("key-{}", 1 + random.below(7));
        let name = format!("Alert{}", if random.below(3) == 0 { random.below(step + 1) } else { step });
        let severity = random.of(&["critical", "high", "medium", "informational"]).copied().unwrap();
        let labels: [(&str, &str); 5] = [
            ("alertname", &name),
            ("incident_type", kind),
            ("severity", severity),
            ("node", &node),
            ("key", &key),
        ];
        let resolved = random.below(6) == 0;
        self.alert(labels.into(), resolved.then_some(self.now));
    }

    fn on_incidents(&self, random: &mut Random) {
        let open = self.platform.handle.reader().incidents(false, ALL).unwrap();
        let Some(id) = random.of(&open).map(|incident| incident.id).filter(|_| random.below(5) > 0) else {
            let targets = vec![("account".into(), format!("account-{}", 1 + random.below(9)).into())];
            let (title, incident_type) = ("Somebody saw it".to_owned(), "unauthorized_access".to_owned());
            let severity = Severity::High;
            let open = incident::Command::Open { title, incident_type, severity, targets };
            return drop(self.command(Command::Incident(open)));
        };
        let text = format!("note {}", random.next());
        let command = match random.below(6) {
            0 => incident::Command::Acknowledge { id },
            1 => incident::Command::Note { id, text },
            2 => {
                let (title, url) = (text, "https://example.com/1".to_owned());
                incident::Command::Link { id, title, url, room: false }
            }
            3 => {
                let severity = Some(Severity::Critical);
                incident::Command::Classify { id, incident_type: None, severity, onset: None, why: text }
            }
            4 => incident::Command::Resolve { id, summary: text },
            _ => incident::Command::Close { id, disposition: Disposition::FalsePositive },
        };
        drop(self.command(Command::Incident(command)));
    }

    fn on_silences(&self, random: &mut Random) {
        let active = self.platform.handle.reader().silences(false, ALL).unwrap();
        let command = match random.of(&active).filter(|_| random.below(3) == 0) {
            Some(silence) => silence::Command::Expire { id: silence.id },
            None => {
                let name = format!("Alert{}", random.below(40));
                let terms = Terms {
                    matchers: vec![Matcher::new("alertname", Operator::Equal, &name).unwrap()],
                    starts_at: self.now,
                    ends_at: self.now.plus(Span::secs(3_600)),
                    created_by: "ada".to_owned(),
                    comment: "known".to_owned(),
                };
                silence::Command::Set { id: None, terms }
            }
        };
        drop(self.command(Command::Silence(command)));
    }

    fn on_people(&self, random: &mut Random) {
        let tokens = self.platform.handle.reader().tokens().unwrap();
        let command = match random.of(&tokens).filter(|_| random.below(3) == 0) {
            Some(token) => access::Command::RevokeToken { id: token.id },
            None if random.below(2) == 0 => {
                let name = format!("person-{}", random.next());
                access::Command::AddPerson { name, role: Role::Responder }
            }
            None => {
                let hash = format!("{:064x}", random.next()).into();
                let holder = Holder::Source("prometheus".into());
                access::Command::CreateToken { holder, hash, label: "a".to_owned(), expires_at: None }
            }
        };
        drop(self.command(Command::Access(command)));
    }

    fn on_limits(&self, random: &mut Random) {
        let (on, reason) = (random.below(3) == 0, "drill".to_owned());
        let command = match random.below(3) {
            0 => control::Command::SetKillSwitch { on, reason },
            1 => {
                let level = if on { SafeMode::Paranoid } else { SafeMode::Disabled };
                control::Command::SetSafeMode { level, reason }
            }
            _ => control::Command::SetBreaker { name: "estate".to_owned(), on, reason },
        };
        drop(self.command(Command::Control(command)));
    }

    fn on_actions(&self, random: &mut Random) {
        let live = self.platform.handle.reader().actions(false, ALL).unwrap();
        let Some(id) = random.of(&live).map(|action| action.id) else { return };
        let command = match random.below(3) {
            0 => action::Command::Release { id },
            1 => action::Command::Extend { id, span: Span::secs(600) },
            _ => {
                let verdict = action::Verdict::NotApplied;
                action::Command::Settle { id, verdict, why: "looked".to_owned() }
            }
        };
        drop(self.command(Command::Action(command)));
    }

    fn on_runs(&self, random: &mut Random) {
        let live = self.platform.handle.reader().runs(false, ALL).unwrap();
        let Some(id) = random.of(&live).map(|run| run.id) else { return };
        let command = match random.below(3) {
            0 => run::Command::Pause { id },
            1 => run::Command::Resume { id },
            _ => run::Command::Cancel { id, undo: random.below(2) == 0 },
        };
        drop(self.command(Command::Run(command)));
    }

    fn redact(&self, random: &mut Random) {
        let length = self.platform.handle.reader().length().unwrap();
        // Most of what is there may not be erased.
        for _ in 0..20 {
            let positions = vec![random.next() % length.max(1)];
            let (about, reason) = (Vec::new(), "personal data".to_owned());
            if self.command(Command::Redact { positions, about, reason }).is_some() {
                return;
            }
        }
    }
}

fn person_of(receipt: &Receipt) -> Option<PersonId> {
    match receipt.created("person.added") {
        Some(Stream::Person(id)) => Some(id),
        Some(_) | None => None,
    }
}

/// A node is cut off and its key revoked, and nothing waits for people.
const CUT_OFF: &str = include_str!("../../../../domain/src/scene/cut_off.yaml");

fn shipped() -> Content {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let mut files = BTreeMap::new();
    read_folder(&root, &root, &mut files);
    // Notices would be most of the log, and leave too little of everything else in a few hundred entries.
    for people in ["contacts.yaml", "teams.yaml", "severities.yaml", "escalation.yaml"] {
        files.remove(people);
    }
    // So would responses that go on and on.
    files.retain(|path, _| !path.contains("/generic_response.") && !path.contains("/validator_compromise."));
    files.insert("playbooks/validator_compromise.yaml".to_owned(), CUT_OFF.to_owned());
    let (content, problems) = domain::content::load(&files);
    assert!(problems.is_empty(), "{problems:?}");
    content
}

fn read_folder(root: &Path, folder: &Path, files: &mut BTreeMap<String, String>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            read_folder(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_string_lossy().into_owned();
            files.insert(name, std::fs::read_to_string(&path).unwrap());
        }
    }
}
