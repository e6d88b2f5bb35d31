//! The state rows against the journal: folds every entry anew and compares each row with what it should hold.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use domain::{
    event::{Actor, Event, Meta, Stream},
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
const FOLDED: [Table; 15] = [
    Table::Alert,
    Table::AlertPast,
    Table::Silence,
    Table::SilencePast,
    Table::Incident,
    Table::IncidentPast,
    Table::Run,
    Table::RunPast,
    Table::Action,
    Table::ActionPast,
    Table::Control,
    Table::Person,
    Table::Token,
    Table::Content,
    Table::Timeline,
];

type RowKey = (u8, Vec<u8>);

struct Fold {
    state: State,
    expected: BTreeMap<RowKey, Hash>,
    /// Streams with a redacted entry: what they say cannot be folded.
    redacted: BTreeSet<Stream>,
    /// The last entry of each stream; what is over is forgotten only then.
    last: HashMap<Stream, u64>,
}

/// Folds the whole journal of `store` and compares every row with the result. Reads only.
pub fn verify_rows(store: &dyn Store) -> Result<Verified, Error> {
    let mut fold = Fold {
        state: State::default(),
        expected: BTreeMap::new(),
        redacted: BTreeSet::new(),
        last: last_of_streams(store)?,
    };
    let mut verified = Verified::default();
    each_entry(store, |stored| {
        if let Err(why) = fold.take(stored) {
            report(&mut verified, format!("entry {}: {why}", stored.position));
        }
    })?;
    for table in FOLDED {
        compare(store, table, &mut fold, &mut verified)?;
    }
    for (table, key) in std::mem::take(&mut fold.expected).into_keys() {
        report(&mut verified, format!("row {} is missing", name(table, &key)));
    }
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
            return Ok(());
        };
        if self.redacted.contains(&stream) {
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

    fn update_rows(&mut self, position: u64) -> Result<(), String> {
        for stream in self.state.take_touched() {
            let mut changes = Vec::new();
            rows::changes(&self.state, stream, false, &mut changes).map_err(|error| error.to_string())?;
            for RowChange { table, key, value } in changes {
                match value {
                    Some(value) => self.expected.insert((table.0, key), digest(&value)),
                    None => self.expected.remove(&(table.0, key)),
                };
            }
            let over = self.last.get(&stream).is_none_or(|last| *last <= position);
            if over && !self.state.is_live(stream) {
                self.state.forget(stream);
            }
        }
        Ok(())
    }

    /// Whether a row rests on an entry whose body is gone.
    fn rests_on_redacted(&self, table: Table, key: &[u8]) -> bool {
        let number = |at: usize| key.get(at..at + 8).and_then(|b| b.try_into().ok()).map(u64::from_be_bytes);
        let Some(first) = number(0) else { return false };
        self.redacted.iter().any(|stream| match (stream, table) {
            (Stream::Alert(id), Table::Alert | Table::AlertPast) => id.0 == first,
            (Stream::Incident(id), Table::Incident | Table::IncidentPast) => id.0 == first,
            (_, Table::Timeline) => true,
            _ => false,
        })
    }
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
            let expected = fold.expected.remove(&(table as u8, key.clone()));
            match expected {
                Some(expected) if expected == digest(value) => {}
                Some(_) => {
                    report(verified, format!("row {} is not what the entries say", name(table as u8, key)))
                }
                None if table == Table::Content && !key.is_empty() => {
                    if store::BlobId::of(value).to_string().as_bytes() != key {
                        let what = String::from_utf8_lossy(key).into_owned();
                        report(verified, format!("content text {what} does not have that hash"));
                    }
                }
                None if fold.rests_on_redacted(table, key) => verified.redacted += 1,
                None => report(verified, format!("row {} rests on no entry", name(table as u8, key))),
            }
        }
    }
}
