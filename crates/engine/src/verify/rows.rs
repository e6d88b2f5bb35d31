//! The state rows against the journal: folds every entry anew and compares each row with what it should hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{
    content::{self, Pinned},
    event::{Actor, Event, LogEvent, Meta, Stream},
    state::State,
    time::Timestamp,
};
use store::{Range, RowChange, Store};
use tlog::{Hash, leaf::EnvelopeRef};

use crate::{
    Error,
    rows::{self, Table},
};

/// What the comparison found.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Verified {
    /// Rows compared.
    pub rows: u64,
    /// Rows that rest on redacted entries and can only be counted.
    pub redacted: u64,
    /// What is wrong, in plain words with table and key.
    pub findings: Vec<String>,
}

/// At most this many findings are kept.
const FINDINGS_MAX: usize = 1_000;

/// The tables that follow from entries; tiles and checkpoints are checked with the tree.
fn folded() -> impl Iterator<Item = Table> {
    Table::ALL.into_iter().filter(|table| !matches!(table, Table::Tile | Table::Checkpoint))
}

type RowKey = (u8, Vec<u8>);

#[derive(Default)]
struct Fold {
    state: State,
    expected: BTreeMap<RowKey, Hash>,
    /// Streams with a redacted entry: what they say cannot be folded.
    redacted: BTreeSet<Stream>,
    /// Positions of entries that could not be folded for that.
    skipped: BTreeSet<u64>,
    /// Positions without a body, and those that some redaction names.
    erased: BTreeSet<u64>,
    named: BTreeSet<u64>,
    /// Hashes of content that was in force: of all its files, and of those whose text is kept.
    files: BTreeSet<Box<str>>,
    kept: BTreeSet<Box<str>>,
    /// The last entry of each stream; what is over is forgotten only then.
    last: HashMap<Stream, u64>,
}

/// Folds the whole journal of `store` and compares every row with the result. Reads only.
pub fn verify_rows(store: &dyn Store) -> Result<Verified, Error> {
    let mut fold = Fold { last: last_of_streams(store)?, ..Fold::default() };
    let mut verified = Verified::default();
    each_entry(store, |stored| {
        if let Err(why) = fold.take(stored) {
            report(&mut verified, format!("entry {}: {why}", stored.position));
        }
    })?;
    for table in folded() {
        compare(store, table, &mut fold, &mut verified)?;
    }
    for (table, key) in std::mem::take(&mut fold.expected).into_keys() {
        if fold.rests_on_redacted(table, &key) {
            verified.redacted += 1;
        } else {
            report(&mut verified, format!("row {} is missing", name(table, &key)));
        }
    }
    for hash in &fold.kept {
        report(&mut verified, format!("the text of the playbook with the hash {hash} is missing"));
    }
    fold.check_redactions(&mut verified);
    Ok(verified)
}

fn report(verified: &mut Verified, finding: String) {
    if verified.findings.len() < FINDINGS_MAX {
        verified.findings.push(finding);
    }
}

fn name(table: u8, key: &[u8]) -> String {
    let table = Table::ALL.iter().find(|known| **known as u8 == table).map_or("unknown", |t| t.name());
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    match <[u8; 8]>::try_from(key) {
        Ok(number) => format!("{} of table `{table}`", u64::from_be_bytes(number)),
        Err(_) => format!("{} of table `{table}`", hex(key)),
    }
}

fn each_entry(store: &dyn Store, mut take: impl FnMut(&store::Stored)) -> Result<(), Error> {
    let mut from = 0;
    loop {
        let page = store.read(from, 4_096)?;
        let Some(last) = page.last() else { return Ok(()) };
        from = last.position + 1;
        page.iter().for_each(&mut take);
    }
}

fn last_of_streams(store: &dyn Store) -> Result<HashMap<Stream, u64>, Error> {
    let mut last = HashMap::new();
    each_entry(store, |stored| {
        if let Ok(envelope) = EnvelopeRef::decode(&stored.envelope)
            && let Ok(stream) = envelope.stream.parse::<Stream>()
        {
            last.insert(stream, stored.position);
        }
    })?;
    Ok(last)
}

impl Fold {
    fn take(&mut self, stored: &store::Stored) -> Result<(), String> {
        let envelope = EnvelopeRef::decode(&stored.envelope).map_err(|error| error.to_string())?;
        let stream: Stream = envelope.stream.parse()?;
        let Some((_, body)) = &stored.content else {
            self.redacted.insert(stream);
            self.skipped.insert(stored.position);
            self.erased.insert(stored.position);
            return Ok(());
        };
        if self.redacted.contains(&stream) {
            self.skipped.insert(stored.position);
            return Ok(());
        }
        let event =
            Event::read_body(stream, body).map_err(|error| format!("its body does not read: {error}"))?;
        if event.kind() != envelope.kind {
            return Err(format!(
                "its body is of kind {} and its envelope says {}",
                event.kind(),
                envelope.kind
            ));
        }
        self.note(&event);
        let actor: Actor = envelope.actor.parse()?;
        let meta = Meta { position: stored.position, time: Timestamp(envelope.time_us), actor };
        let seq = self.state.apply(&event, &meta);
        if seq != envelope.seq {
            return Err(format!("it is number {} of {stream} where the fold has {seq}", envelope.seq));
        }
        if let Some(incident) = self.state.incident_of(&event) {
            let key = rows::timeline_key(incident, stored.position);
            self.expected.insert((Table::Timeline as u8, key), digest(&[]));
        }
        self.update_rows(stored.position)
    }

    /// What an entry says of other entries and of texts.
    fn note(&mut self, event: &Event) {
        match event {
            Event::Log(LogEvent::Redacted { positions, .. }) => self.named.extend(positions),
            Event::Content(content::Event::Loaded { files, .. }) => {
                self.files.extend(files.values().cloned());
                let kept = files.iter().filter(|(path, _)| is_kept(path));
                self.kept.extend(kept.map(|(_, hash)| hash.clone()));
            }
            Event::Log(LogEvent::Refused { .. })
            | Event::Alert(..)
            | Event::Silence(..)
            | Event::Incident(..)
            | Event::Run(..)
            | Event::Action(..)
            | Event::Control(_)
            | Event::Person(..)
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
            | Event::Token(..) => {}
        }
    }

    /// A body is gone exactly where a redaction says so.
    fn check_redactions(&self, verified: &mut Verified) {
        for position in self.erased.difference(&self.named) {
            report(
                verified,
                format!(
                    "entry {position}: its body is gone, and no redaction names it; look for it in a backup"
                ),
            );
        }
        for position in self.named.difference(&self.erased) {
            report(
                verified,
                format!("entry {position}: it was redacted, and its body is there; it was put back"),
            );
        }
    }

    fn update_rows(&mut self, position: u64) -> Result<(), String> {
        for stream in self.state.take_touched() {
            // Only the last word on a thing is in its row.
            if self.last.get(&stream).is_some_and(|last| *last > position) {
                continue;
            }
            let mut changes = Vec::new();
            rows::changes(&self.state, stream, false, &mut changes).map_err(|error| error.to_string())?;
            for RowChange { table, key, value } in changes {
                match value {
                    Some(value) => self.expected.insert((table.0, key), digest(&value)),
                    None => self.expected.remove(&(table.0, key)),
                };
            }
            if !self.state.is_live(stream) {
                self.state.forget(stream);
            }
        }
        Ok(())
    }

    /// Whether a row rests on an entry whose body is gone.
    fn rests_on_redacted(&self, table: u8, key: &[u8]) -> bool {
        let number = |at: usize| key.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_be_bytes);
        let Some(first) = number(0) else { return false };
        if table == Table::Timeline as u8 {
            return number(8).is_some_and(|position| self.skipped.contains(&position));
        }
        let is = |of: [Table; 2]| of.into_iter().any(|of| of as u8 == table);
        self.redacted.iter().any(|stream| match stream {
            Stream::Alert(id) => is([Table::Alert, Table::AlertPast]) && id.0 == first,
            Stream::Incident(id) => {
                (is([Table::Incident, Table::IncidentPast]) || table == Table::Case as u8) && id.0 == first
            }
            Stream::Report(id) => is([Table::Report, Table::ReportPast]) && id.0 == first,
            Stream::Silence(_)
            | Stream::Run(_)
            | Stream::Action(_)
            | Stream::Control
            | Stream::Person(_)
            | Stream::Token(_)
            | Stream::Approval(_)
            | Stream::Notice(_)
            | Stream::Review(_)
            | Stream::Health
            | Stream::Raw(_)
            | Stream::Sighting(_)
            | Stream::Evidence(_)
            | Stream::Upkeep
            | Stream::Duty(_)
            | Stream::Statement(_)
            | Stream::Exercise(_)
            | Stream::Content
            | Stream::Log => false,
        })
    }

    /// A row holds what one commit added; every position in it must be one that an entry put there.
    fn judge_timeline(&mut self, key: &[u8], value: &[u8], verified: &mut Verified) -> Option<String> {
        let row = || name(Table::Timeline as u8, key);
        let Some((incident, positions)) = rows::timeline_row(key, value) else {
            return Some(format!("row {} does not read", row()));
        };
        let mut stray = Vec::new();
        for position in positions {
            let one = (Table::Timeline as u8, rows::timeline_key(incident, position));
            if self.expected.remove(&one).is_some() {
                continue;
            }
            if self.skipped.contains(&position) {
                verified.redacted += 1;
            } else {
                stray.push(position.to_string());
            }
        }
        let told = || format!("row {} names entries that are not of {incident}: {}", row(), stray.join(", "));
        (!stray.is_empty()).then(told)
    }

    /// What is wrong with a row that is there, if anything; counts what cannot be compared.
    fn judge(&mut self, table: Table, key: &[u8], value: &[u8], verified: &mut Verified) -> Option<String> {
        if table == Table::Timeline {
            return self.judge_timeline(key, value, verified);
        }
        let expected = self.expected.remove(&(table as u8, key.to_vec()));
        let row = || name(table as u8, key);
        if expected.is_some_and(|expected| expected == digest(value)) {
            return None;
        }
        if table == Table::Content && !key.is_empty() {
            return self.judge_text(key, value);
        }
        if self.rests_on_redacted(table as u8, key) {
            verified.redacted += 1;
            return None;
        }
        Some(match expected {
            Some(_) => format!("row {} is not what the entries say", row()),
            None => format!("row {} rests on no entry", row()),
        })
    }

    /// A playbook's text, alone or with the pieces that it calls: each of them was a file in force.
    fn judge_text(&mut self, key: &[u8], value: &[u8]) -> Option<String> {
        let hash = String::from_utf8_lossy(key);
        if store::BlobId::of(value).to_string() != *hash {
            self.kept.remove(&*hash);
            return Some(format!("content text {hash} does not have that hash"));
        }
        let pinned = Pinned::of(&String::from_utf8_lossy(value));
        let own = store::BlobId::of(pinned.playbook.as_bytes()).to_string();
        self.kept.remove(own.as_str());
        let pieces = pinned.pieces.values().map(|text| store::BlobId::of(text.as_bytes()).to_string());
        let strange = std::iter::once(own).chain(pieces).find(|file| !self.files.contains(file.as_str()));
        strange.map(|file| format!("content text {file} was never in force"))
    }
}

/// Whether a file of content is kept as text, because a run may be pinned to it.
fn is_kept(path: &str) -> bool {
    path.starts_with("playbooks/") && !path.ends_with(".test.yaml")
}

fn digest(value: &[u8]) -> Hash {
    tlog::leaf_hash(value)
}

fn compare(store: &dyn Store, table: Table, fold: &mut Fold, verified: &mut Verified) -> Result<(), Error> {
    let mut range = Range::all();
    loop {
        let page = store.rows(table.of(), &range, 1_000)?;
        let Some((last, _)) = page.last() else { return Ok(()) };
        range = Range::all().after(last.clone());
        for (key, value) in &page {
            verified.rows += 1;
            if let Some(finding) = fold.judge(table, key, value, verified) {
                report(verified, finding);
            }
        }
    }
}
