//! From the files of a content folder to [`Content`], with every problem at once.
//!
//! Each file is read on its own first. What refers to another file is checked only when that file could be read,
//! so that one slip in `actions.yaml` is one problem and not one for each step that uses it.

mod action;
mod approval;
mod block;
mod calendar;
mod channels;
mod charter;
mod compliance;
mod condition;
mod confidence;
mod drill;
mod exercise;
mod factors;
mod kind;
mod mapping;
mod over;
mod own;
mod people;
mod piece;
mod playbook;
mod policy;
mod recovery;
mod report;
mod reports;
mod rule;
mod samples;
mod schedule;
mod scores;
mod services;
mod statements;
mod step;
mod strategies;
mod targets;
mod taxonomy;
#[cfg(test)]
mod tests;
mod training;
mod trial;

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

pub(super) use self::trial::{Answer, Call, EndStatus, PlaybookTest};

use sha2::{Digest, Sha256};

pub use self::piece::Pinned;
use self::report::Report;
use super::{ActionSpec, Content, IncidentType, people::People, rehearsal::rehearse};
use crate::{
    document::{Position, Problem},
    playbook::{Playbook, TextHash},
};

/// Most files in one content folder.
const MAX_FILES: usize = 2_000;

/// What a file of a content folder holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Actions,
    Taxonomy,
    Contacts,
    Teams,
    Severities,
    Escalation,
    Calendar,
    Rule,
    RuleTest,
    Piece,
    Playbook,
    PlaybookTest,
    Drill,
    Mapping,
    MappingTest,
    Channels,
    Template,
    Recovery,
    Targets,
    Confidence,
    Services,
    Strategies,
    Reports,
    Scores,
    ScoresTest,
    Compliance,
    Schedule,
    Statements,
    Training,
    Policy,
    /// Belongs to the folder, but another part of the product reads it.
    Elsewhere,
}

/// The files of a content folder; `*` stands for a name. The first that fits decides.
const KNOWN: &[(&str, Kind)] = &[
    ("actions.yaml", Kind::Actions),
    ("taxonomy.yaml", Kind::Taxonomy),
    ("contacts.yaml", Kind::Contacts),
    ("teams.yaml", Kind::Teams),
    ("severities.yaml", Kind::Severities),
    ("escalation.yaml", Kind::Escalation),
    ("calendar.yaml", Kind::Calendar),
    ("rules/*.test.yaml", Kind::RuleTest),
    ("rules/*.yaml", Kind::Rule),
    ("pieces/*.yaml", Kind::Piece),
    ("playbooks/*.test.yaml", Kind::PlaybookTest),
    ("playbooks/*.yaml", Kind::Playbook),
    ("mappings/*.test.yaml", Kind::MappingTest),
    ("mappings/*.yaml", Kind::Mapping),
    ("drills/*.yaml", Kind::Drill),
    ("channels.yaml", Kind::Channels),
    ("templates/*.txt", Kind::Template),
    ("recovery.yaml", Kind::Recovery),
    ("targets.yaml", Kind::Targets),
    ("confidence.yaml", Kind::Confidence),
    ("services.yaml", Kind::Services),
    ("strategies.yaml", Kind::Strategies),
    ("reports.yaml", Kind::Reports),
    ("scores.yaml", Kind::Scores),
    ("scores.test.yaml", Kind::ScoresTest),
    ("compliance.yaml", Kind::Compliance),
    ("schedule.yaml", Kind::Schedule),
    ("statements.yaml", Kind::Statements),
    ("training.yaml", Kind::Training),
    ("policies/*.cedar", Kind::Policy),
    ("estate.yaml", Kind::Elsewhere),
];

/// The files without which nothing can be decided.
const REQUIRED: [&str; 2] = ["actions.yaml", "taxonomy.yaml"];

/// What files refer to in one another; `None` where the file that defines it could not be read.
#[derive(Clone, Copy, Default)]
struct Known<'a> {
    actions: Option<&'a BTreeMap<String, Arc<ActionSpec>>>,
    types: Option<&'a Types>,
    pieces: Option<&'a piece::Pieces<'a>>,
}

/// Incident types and the names that stand for them.
#[derive(Default)]
struct Types {
    types: BTreeMap<String, IncidentType>,
    /// Lower-case alias to type name.
    aliases: BTreeMap<String, String>,
}

impl Types {
    /// The type that a name or an alias in content stands for.
    fn resolve(&self, name: &str) -> Option<&IncidentType> {
        let lower = name.trim().to_ascii_lowercase();
        self.types.get(self.aliases.get(&lower).unwrap_or(&lower))
    }

    /// Every name that content may use for a type.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.types.keys().chain(self.aliases.keys()).map(String::as_str)
    }
}

/// Files of one kind: path and text, sorted by path.
type Files<'a> = Vec<(&'a str, &'a str)>;

/// What becomes of the tests that stand beside rules, mappings and playbooks.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tests {
    Run,
    /// They passed for these very files, so they are not even read.
    Passed,
}

/// Reads a content folder: relative path with `/` to text. The content is complete exactly when there is no
/// problem; problems are sorted by file and place, at most [`MAX_PROBLEMS`](crate::document::MAX_PROBLEMS) a
/// file. Tests of rules are run, and tests of playbooks where nothing else is wrong.
pub fn load(files: &BTreeMap<String, String>) -> (Content, Vec<Problem>) {
    read(files, Tests::Run)
}

/// The same for files whose tests passed when they were built: everything is read and checked, and nothing is
/// rehearsed, so that a start does not wait for it.
pub fn load_tested(files: &BTreeMap<String, String>) -> (Content, Vec<Problem>) {
    read(files, Tests::Passed)
}

fn read(files: &BTreeMap<String, String>, tests: Tests) -> (Content, Vec<Problem>) {
    let mut problems = Vec::new();
    if files.len() > MAX_FILES {
        let message = format!("the folder has {} files; at most {MAX_FILES} are read", files.len());
        return (Content::default(), vec![Problem::new("", Position::default(), message)]);
    }
    refuse_unknown(files, &mut problems);
    let complete = policy::with_shipped(files);
    let own_policies = matches!(complete, Cow::Borrowed(_));
    let (content, rehearsals) = whole(&complete, own_policies, tests, &mut problems);
    if problems.is_empty() {
        problems.extend(rehearsals.iter().flat_map(|test| rehearse(test, &content)));
    }
    (content, report::settle(problems))
}

/// All files, each against those that it refers to; with the tests of playbooks, which need the whole.
fn whole(
    files: &BTreeMap<String, String>,
    own_policies: bool,
    tests: Tests,
    problems: &mut Vec<Problem>,
) -> (Content, Vec<PlaybookTest>) {
    let of_tests = |kind| if tests == Tests::Run { of_kind(files, kind) } else { Files::new() };
    let mut people = people::read(&everybody(files), problems);
    let actions = action::read(&of_kind(files, Kind::Actions), &people, problems);
    let types = taxonomy::read(&of_kind(files, Kind::Taxonomy), problems);
    let targets = targets::read(&of_kind(files, Kind::Targets), types.as_ref(), problems);
    let confidence = confidence::read(&of_kind(files, Kind::Confidence), problems);
    let reports = reports::read(&of_kind(files, Kind::Reports), confidence.act_from, problems);
    let known = Known { actions: actions.as_ref(), types: types.as_ref(), pieces: None };
    let scores = scores::read(files, &of_tests(Kind::ScoresTest), known, problems);
    let called = (&of_kind(files, Kind::Escalation), &of_kind(files, Kind::Teams));
    factors::read(called, known, &mut people, problems);
    let services = services::read(&of_kind(files, Kind::Services), known, problems);
    let strategies = strategies::read(&of_kind(files, Kind::Strategies), known, &people, problems);
    let pieces = piece::read(&of_kind(files, Kind::Piece), known, problems);
    let known = Known { pieces: Some(&pieces), ..known };
    let rules = rule::read(&of_kind(files, Kind::Rule), known, problems);
    let playbooks = playbook::read(&of_kind(files, Kind::Playbook), known, problems);
    let mappings = mapping::read(&of_kind(files, Kind::Mapping), problems);
    mapping::run_tests(&of_tests(Kind::MappingTest), files, &mappings, problems);
    people::check_roles(&people, playbooks.values().map(|read| &*read.playbook), problems);
    let charters = playbooks.iter().map(|(path, read)| (*path, &*read.playbook));
    charter::check_people(&people, charters, problems);
    trial::rules(&of_tests(Kind::RuleTest), files, &rules, known, problems);
    let rehearsals = trial::playbooks(&of_tests(Kind::PlaybookTest), files, known, problems);

    let held = |playbook: &Playbook| targets.of_playbook(playbook, types.as_ref().map(|types| &types.types));
    let of_playbooks = playbooks.values().map(|p| &*p.playbook);
    let left_out = |id: &str| {
        let path = format!("playbooks/{id}.yaml");
        files.contains_key(&path) && !playbooks.contains_key(path.as_str())
    };
    let drills = drill::read(&of_kind(files, Kind::Drill), of_playbooks, left_out, held, problems);
    let ready = ready(files, &people, types.as_ref(), problems);
    let policies = policy::read(&of_kind(files, Kind::Policy), own_policies.then_some(&people), problems);
    let hashes: BTreeMap<_, _> = files.iter().map(|(path, text)| (path.clone(), hash(text))).collect();
    let types = types.unwrap_or_default();
    let content = Content {
        hash: folder_hash(&hashes),
        files: hashes,
        playbook_texts: playbooks.values().map(|p| (p.playbook.hash.clone(), p.text.clone())).collect(),
        playbooks: playbooks.values().map(|p| (p.playbook.id.clone(), p.playbook.clone())).collect(),
        pieces: files_of(files, Kind::Piece),
        actions: actions.unwrap_or_default(),
        types: types.types,
        aliases: types.aliases,
        rules: rules.into_values().collect::<Vec<_>>().into(),
        mappings: mappings.into_values().map(|mapping| (mapping.name.clone(), mapping)).collect(),
        drills,
        targets,
        confidence,
        services,
        scores,
        people,
        reports,
        policies,
        strategies,
        ..ready
    };
    (content, rehearsals)
}

/// What is done between incidents and after them, and how people are reached; nothing else.
fn ready(
    files: &BTreeMap<String, String>,
    people: &People,
    types: Option<&Types>,
    problems: &mut Vec<Problem>,
) -> Content {
    let drills = of_kind(files, Kind::Drill);
    let names = drills.iter().filter_map(|(path, _)| drill::name_of(path));
    let templates = channels::templates(&of_kind(files, Kind::Template), problems);
    Content {
        channels: channels::read(&of_kind(files, Kind::Channels), problems),
        recovery: recovery::read(&of_kind(files, Kind::Recovery), types, problems),
        compliance: compliance::read(&of_kind(files, Kind::Compliance), problems),
        exercises: exercise::read(&drills, people, problems),
        schedule: schedule::read(&of_kind(files, Kind::Schedule), people, names, problems),
        statements: statements::read(&of_kind(files, Kind::Statements), people, &templates, problems),
        training: training::read(&of_kind(files, Kind::Training), people, problems),
        templates,
        ..Content::default()
    }
}

fn everybody(files: &BTreeMap<String, String>) -> people::PeopleFiles<'_> {
    people::PeopleFiles {
        contacts: of_kind(files, Kind::Contacts),
        teams: of_kind(files, Kind::Teams),
        severities: of_kind(files, Kind::Severities),
        escalation: of_kind(files, Kind::Escalation),
        calendar: of_kind(files, Kind::Calendar),
    }
}

/// Reads one playbook against content that was loaded before: for `check FILE`, and for a run that was started
/// with a version that is no longer in the folder. `path` only labels the problems. The playbook is there exactly
/// when there is no problem.
pub fn read_playbook(path: &str, text: &str, content: &Content) -> (Option<Playbook>, Vec<Problem>) {
    let types = Types { types: content.types.clone(), aliases: content.aliases.clone() };
    let pinned = Pinned::of(text);
    let pieces = if pinned.pieces.is_empty() { &content.pieces } else { &pinned.pieces };
    let files: Files<'_> = pieces.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let mut problems = Vec::new();
    let known = Known { actions: Some(&content.actions), types: Some(&types), pieces: None };
    let pieces = piece::read(&files, known, &mut problems);
    let known = Known { pieces: Some(&pieces), ..known };
    let playbook = playbook::read_one(path, &pinned.playbook, known, &mut problems);
    let playbook = playbook.map(|read| Arc::unwrap_or_clone(read.playbook));
    (playbook.filter(|_| problems.is_empty()), report::settle(problems))
}

/// The text of a file, or the place where it stops being UTF-8. A byte order mark at the start is left out.
///
/// # Errors
/// The problem to show, when the bytes are not text.
pub fn decode(path: &str, bytes: &[u8]) -> Result<String, Problem> {
    let error = match std::str::from_utf8(bytes) {
        Ok(text) => return Ok(text.strip_prefix('\u{feff}').unwrap_or(text).to_owned()),
        Err(error) => error,
    };
    let valid = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
    let line = valid.matches('\n').count() + 1;
    let column = valid.rsplit('\n').next().unwrap_or("").chars().count() + 1;
    let clamp = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
    let place = Position { line: clamp(line), column: clamp(column) };
    Err(Problem::new(path, place, "not UTF-8 text; save the file as UTF-8"))
}

fn refuse_unknown(files: &BTreeMap<String, String>, problems: &mut Vec<Problem>) {
    for path in files.keys().filter(|path| kind_of(path).is_none()) {
        let known = KNOWN.iter().map(|(pattern, _)| format!("`{pattern}`")).collect::<Vec<_>>().join(", ");
        let message = format!("not a file that a content folder has; it has {known}");
        Report::new(path, problems).file(message);
    }
    for path in REQUIRED.into_iter().filter(|path| !files.contains_key(*path)) {
        let message =
            "the file is missing; `ringfence init DIR` writes a folder with all files to start from";
        Report::new(path, problems).file(message);
    }
}

fn kind_of(path: &str) -> Option<Kind> {
    KNOWN.iter().find(|(pattern, _)| fits(pattern, path)).map(|(_, kind)| *kind)
}

fn fits(pattern: &str, path: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else {
        return pattern == path;
    };
    let name = path.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
    name.is_some_and(|name| !name.is_empty() && !name.contains('/'))
}

fn of_kind(files: &BTreeMap<String, String>, kind: Kind) -> Files<'_> {
    let wanted = files.iter().filter(|(path, _)| kind_of(path) == Some(kind));
    wanted.map(|(path, text)| (path.as_str(), text.as_str())).collect()
}

fn files_of(files: &BTreeMap<String, String>, kind: Kind) -> BTreeMap<String, String> {
    let wanted = of_kind(files, kind).into_iter();
    wanted.map(|(path, text)| (path.to_owned(), text.to_owned())).collect()
}

/// The SHA-256 of a text in lower-case hex.
fn hash(text: &str) -> TextHash {
    hex(Sha256::digest(text.as_bytes()).as_slice())
}

/// One hash for a whole folder: over each path with its length, and the hash of the file.
fn folder_hash(files: &BTreeMap<String, TextHash>) -> TextHash {
    let mut all = Sha256::new();
    for (path, hash) in files {
        all.update((path.len() as u64).to_le_bytes());
        all.update(path.as_bytes());
        all.update(hash.as_bytes());
    }
    hex(all.finalize().as_slice())
}

fn hex(bytes: &[u8]) -> TextHash {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}
