//! For tests: a state with a small content, driven step by step, and the facts as text.

use std::{collections::BTreeMap, sync::Arc};

use crate::{
    access,
    action::{self, Outcome},
    alert::Received,
    content::{self, Content},
    control,
    event::{Actor, Context, Event, Rejected},
    flow::{self, Command, Fact},
    id::{ActionId, IncidentId, PersonId, RunId},
    policy,
    state::State,
    time::{Span, Timestamp},
};

pub(crate) struct Scene {
    pub(crate) state: State,
    pub(crate) now: Timestamp,
    pub(crate) epoch: u64,
    pub(crate) next: u64,
    pub(crate) facts: Vec<Fact>,
}

/// A validator is cut off and its keys and accounts put out of use; nothing waits for people.
pub(crate) const CUT_OFF: &str = include_str!("scene/cut_off.yaml");

/// The file that says what comes round.
pub(crate) const SCHEDULE: &str = "schedule.yaml";

/// The files of a content folder that name people.
const PEOPLE: [&str; 4] = ["contacts.yaml", "teams.yaml", "severities.yaml", "escalation.yaml"];

pub(crate) fn person() -> Actor {
    Actor::Person(PersonId::from_number(900))
}

impl Scene {
    /// A scene in its first epoch, on the shipped content with these playbooks in place of the shipped ones.
    pub(crate) fn new(playbooks: &[&str]) -> Scene {
        Scene::on(shipped(), playbooks)
    }

    /// A scene on the shipped content with its people.
    pub(crate) fn staffed(playbooks: &[&str]) -> Scene {
        Scene::on(all_shipped(), playbooks)
    }

    fn on(mut files: BTreeMap<String, String>, playbooks: &[&str]) -> Scene {
        if !playbooks.is_empty() {
            files.retain(|path, _| !path.starts_with("playbooks/") && !path.starts_with("drills/"));
        }
        for (number, text) in playbooks.iter().enumerate() {
            files.insert(format!("playbooks/scene_{number}.yaml"), (*text).to_owned());
        }
        let (content, problems) = content::load(&files);
        assert!(problems.is_empty(), "{problems:#?}");
        Scene::with(content)
    }

    pub(crate) fn with(content: impl Into<Arc<Content>>) -> Scene {
        let mut state = State::default();
        let now = Timestamp(1_800_000_000_000_000);
        // Whoever gives a command is known; what a test is about begins after that.
        let (id, name, role) = (PersonId::from_number(900), "scene".into(), access::Role::Admin);
        let known = access::Person { id, seq: 1, name, role, disabled: false, added_at: now };
        state.people.insert(id, known);
        let mut scene = Scene { state, now, epoch: 1, next: 0, facts: Vec::new() };
        scene.must(Command::LoadContent(content.into()));
        scene.start(1);
        scene.facts.clear();
        scene
    }

    /// A new epoch begins.
    pub(crate) fn start(&mut self, epoch: u64) {
        self.epoch = epoch;
        let start = control::Command::Start {
            epoch,
            incarnation: "scene".to_owned(),
            wall: self.now,
            restored: None,
        };
        self.must(Command::Control(start));
    }

    /// A new epoch begins, of a data directory that came from a backup.
    pub(crate) fn restored(&mut self, epoch: u64) {
        self.epoch = epoch;
        let restored = control::backup::Restored {
            backup: "20270115T080000Z-00c0ffee".into(),
            entries: self.next,
            root: "root".into(),
            made_at: self.now,
            lost: None,
            reason: "".into(),
        };
        let (incarnation, restored) = ("copy".to_owned(), Some(Box::new(restored)));
        let start = control::Command::Start { epoch, incarnation, wall: self.now, restored };
        self.must(Command::Control(start));
    }

    fn context(&self, actor: Actor) -> Context {
        Context { now: self.now, actor, next: self.next, epoch: self.epoch }
    }

    fn keep(&mut self, facts: Vec<Fact>) {
        self.next += facts.len() as u64;
        self.facts.extend(facts);
        for stream in self.state.take_touched() {
            if !self.state.is_live(stream) {
                self.state.forget(stream);
            }
        }
    }

    pub(crate) fn ask(&mut self, actor: Actor, command: Command) -> Result<(), Rejected> {
        let context = self.context(actor);
        let mut facts = Vec::new();
        let result = flow::execute(&mut self.state, command, &context, &mut facts);
        self.keep(facts);
        result
    }

    /// What only the platform asks for comes from the platform, the rest from a person.
    pub(crate) fn must(&mut self, command: Command) {
        let own = policy::is_own(&self.state, &command);
        self.ask(if own { Actor::Platform } else { person() }, command).unwrap();
    }

    /// Two people who may command ask for the same.
    pub(crate) fn both(&mut self, command: Command) {
        for _ in 0..2 {
            let id = PersonId::from_number(self.next);
            let (name, role) = (format!("p{}", self.next), access::Role::Commander);
            self.must(Command::Access(access::Command::AddPerson { name, role }));
            self.ask(Actor::Person(id), command.clone()).unwrap();
        }
    }

    /// Why the command is refused.
    pub(crate) fn refused(&mut self, command: Command) -> String {
        self.ask(person(), command).unwrap_err().to_string()
    }

    pub(crate) fn alert<const N: usize>(&mut self, labels: [(&str, &str); N]) {
        self.received(Received { labels: labels.into(), ..Received::default() }).unwrap();
    }

    pub(crate) fn received(&mut self, received: Received) -> Result<(), Rejected> {
        self.received_from(Actor::Platform, received)
    }

    pub(crate) fn received_from(&mut self, actor: Actor, received: Received) -> Result<(), Rejected> {
        let context = self.context(actor);
        let mut facts = Vec::new();
        let result = flow::receive(&mut self.state, received, &context, &mut facts);
        self.keep(facts);
        result.map(|_| ())
    }

    pub(crate) fn record(&mut self, record: &crate::record::Record) {
        let context = self.context(Actor::Platform);
        let mut facts = Vec::new();
        flow::observe(&mut self.state, record, &context, &mut facts);
        self.keep(facts);
    }

    /// Time passes, and what comes due happens.
    pub(crate) fn wait(&mut self, span: Span) {
        let end = self.now.plus(span);
        while let Some(at) = self.state.next_wakeup().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            let context = self.context(Actor::Platform);
            let mut facts = Vec::new();
            flow::due(&mut self.state, &context, &mut facts);
            self.keep(facts);
        }
        self.now = end;
    }

    /// The connector answers the open call of this action.
    pub(crate) fn answer(&mut self, id: ActionId, outcome: Outcome) {
        let attempt = self.state.actions.get(id).unwrap().attempt;
        let report = action::Command::Report { id, attempt, outcome };
        self.ask(Actor::Platform, Command::Action(report)).unwrap();
    }

    pub(crate) fn applied(&mut self, id: ActionId) {
        self.answer(id, Outcome::Applied { verified: Some(true), artefact: None });
    }

    pub(crate) fn incident(&self) -> IncidentId {
        *self.state.incidents.open.keys().next().unwrap()
    }

    pub(crate) fn run(&self) -> RunId {
        self.state.runs.iter().next().unwrap().id
    }

    /// The actions that have a call open, oldest first.
    pub(crate) fn calling(&self) -> Vec<ActionId> {
        self.state.actions.calling().collect()
    }

    /// The facts since the last look, one a line: kind, stream, and what matters of the body.
    pub(crate) fn look(&mut self) -> String {
        self.facts.drain(..).map(|fact| line(&fact) + "\n").collect()
    }
}

fn line(fact: &Fact) -> String {
    let detail = match &fact.event {
        Event::Action(_, action::Event::Intended { intent, spec, .. }) => {
            let what =
                spec.as_ref().map_or_else(String::new, |spec| format!(" {} {}", spec.verb, spec.target));
            format!("{:?}{what} #{} {}", intent.operation, intent.attempt, intent.key)
        }
        Event::Action(_, action::Event::Held { reason, .. } | action::Event::Withdrawn { reason, .. }) => {
            reason.to_string()
        }
        Event::Action(_, action::Event::Unknown { reason, next, .. }) => match next {
            action::Next::InDoubt => format!("in doubt: {reason}"),
            action::Next::Call { operation, .. } => format!("{operation:?} next: {reason}"),
        },
        Event::Action(_, action::Event::NotApplied { reason, retry_at, .. }) => {
            format!("{reason}{}", if retry_at.is_some() { ", retried" } else { "" })
        }
        Event::Run(_, event) => event.progress().map_or_else(String::new, progress),
        Event::Incident(_, crate::incident::Event::Recovery { fact }) => recovered(fact),
        Event::Incident(_, crate::incident::Event::AttentionRaised { reason, .. }) => reason.to_string(),
        Event::Alert(_, crate::alert::Event::Raised { route, .. }) => route.why.to_string(),
        Event::Log(crate::event::LogEvent::Refused { reason, .. }) => reason.clone(),
        Event::Alert(..)
        | Event::Silence(..)
        | Event::Incident(..)
        | Event::Action(..)
        | Event::Control(_)
        | Event::Person(..)
        | Event::Token(..)
        | Event::Approval(..)
        | Event::Notice(..)
        | Event::Review(..)
        | Event::Health(_)
        | Event::Report(..)
        | Event::Raw(..)
        | Event::Sighting(..)
        | Event::Evidence(..)
        | Event::Upkeep(_)
        | Event::Duty(..)
        | Event::Statement(..)
        | Event::Exercise(..)
        | Event::Content(_)
        | Event::Log(_) => String::new(),
    };
    format!("{} {} {detail}", fact.event.kind(), fact.event.stream()).trim_end().to_owned()
}

fn recovered(fact: &crate::recovery::plan::Event) -> String {
    use crate::recovery::plan::Event as Fact;
    let names = |services: &[crate::recovery::plan::Service]| {
        services.iter().map(|service| &*service.name).collect::<Vec<_>>().join(", ")
    };
    match fact {
        Fact::Started { services } | Fact::Widened { services } => names(services),
        Fact::Retried { services } => services.join(", "),
        Fact::Moved { service, to, .. } => format!("{service} {}", to.name()),
        Fact::Found { service, passed, said, .. } => format!("{service} {passed}: {said}"),
        Fact::Released { service, action, verified } => format!("{service} {action} {verified}"),
        Fact::Judged { of, passed, note, .. } => format!("{} {passed}: {note}", of.name()),
        Fact::Watched { next_at } | Fact::Repeated { next_at } => next_at.to_string(),
        Fact::Completed => String::new(),
    }
}

fn progress(progress: &crate::run::Progress) -> String {
    let mut words = Vec::new();
    for finished in &progress.finished {
        words.push(format!("step {} {:?}", finished.step, finished.status));
    }
    words.extend(progress.stage.map(|stage| format!("stage {stage}")));
    for begun in &progress.begun {
        words.push(format!("begin {} on {}", begun.step, begun.targets.join(" ")));
    }
    words.extend(progress.opened.as_ref().map(|opened| format!("open {}", opened.step)));
    words.extend(progress.release.map(|id| format!("release {id}")));
    words.extend(progress.status.as_ref().map(|status| format!("{status:?}")));
    words.join(", ")
}

/// The texts of the shipped content without its people: nobody is told, which keeps the facts to what a test is
/// about.
pub(crate) fn shipped() -> BTreeMap<String, String> {
    let mut files = all_shipped();
    files.retain(|path, _| !PEOPLE.contains(&path.as_str()));
    files
}

/// The texts of the shipped content, without what comes round by itself: that is no part of what other tests are about.
pub(crate) fn all_shipped() -> BTreeMap<String, String> {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content");
    let mut files = BTreeMap::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                #[expect(clippy::disallowed_methods, reason = "a test reads the content that it runs")]
                let text = std::fs::read_to_string(&path).unwrap();
                files.insert(path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned(), text);
            }
        }
    }
    files.remove(SCHEDULE);
    files
}
