//! Reading what is committed: rows, timelines, entries, tiles and checkpoints. Nothing here waits for the node.

use std::sync::Arc;

use domain::{
    access::{Person, Token},
    action::Action,
    alert::Alert,
    approval::Approval,
    control::Control,
    duty::Duty,
    event::Stream,
    evidence::Evidence,
    exercise::Exercise,
    figures::Case,
    health::Health,
    id::{
        ActionId, AlertId, ApprovalId, DutyId, EvidenceId, ExerciseId, IncidentId, NoticeId, PersonId, RawId,
        ReportId, ReviewId, RunId, SilenceId, StatementId, TokenId,
    },
    incident::Incident,
    intake::Raw,
    notice::Notice,
    report::Report,
    review::{Lookback, Review},
    run::Run,
    silence::Silence,
    statement::Statement,
    time::Timestamp,
    upkeep::Upkeep,
};
use serde::de::DeserializeOwned;
use store::{Range, Store};
use tlog::{leaf::Envelope, tile::Tile};

use crate::{
    Error,
    rows::{self, Table},
};

/// At most this many rows a page.
const PAGE_MAX: usize = 1_000;

/// Which part of a list: newest first, behind the given id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    pub before: Option<u64>,
    pub limit: usize,
}

/// A cheap, cloneable way to what is committed.
#[derive(Clone)]
pub struct Reader {
    pub(crate) store: Arc<dyn Store>,
}

/// One entry of the journal with its body, if that was not redacted.
#[derive(Debug, Clone, PartialEq)]
pub struct TimelineEntry {
    pub envelope: Envelope,
    pub body: Option<Arc<str>>,
}

/// Entries about one incident, and where to go on.
#[derive(Debug, Clone, PartialEq)]
pub struct Timeline {
    pub entries: Vec<TimelineEntry>,
    pub next: Option<u64>,
}

impl Reader {
    pub fn new(store: Arc<dyn Store>) -> Reader {
        Reader { store }
    }

    pub fn incident(&self, id: IncidentId) -> Result<Option<Incident>, Error> {
        self.either(Table::Incident, Table::IncidentPast, id.0)
    }

    pub fn alert(&self, id: AlertId) -> Result<Option<Alert>, Error> {
        self.either(Table::Alert, Table::AlertPast, id.0)
    }

    pub fn silence(&self, id: SilenceId) -> Result<Option<Silence>, Error> {
        self.either(Table::Silence, Table::SilencePast, id.0)
    }

    pub fn run(&self, id: RunId) -> Result<Option<Run>, Error> {
        self.either(Table::Run, Table::RunPast, id.0)
    }

    pub fn action(&self, id: ActionId) -> Result<Option<Action>, Error> {
        self.either(Table::Action, Table::ActionPast, id.0)
    }

    pub fn approval(&self, id: ApprovalId) -> Result<Option<Approval>, Error> {
        self.either(Table::Approval, Table::ApprovalPast, id.0)
    }

    pub fn person(&self, id: PersonId) -> Result<Option<Person>, Error> {
        self.one(Table::Person, &rows::key(id.0))
    }

    pub fn token(&self, id: TokenId) -> Result<Option<Token>, Error> {
        self.one(Table::Token, &rows::key(id.0))
    }

    pub fn control(&self) -> Result<Control, Error> {
        Ok(self.one(Table::Control, &rows::key(0))?.unwrap_or_default())
    }

    /// Open incidents (with `past`: closed ones), newest first.
    pub fn incidents(&self, past: bool, page: Page) -> Result<Vec<Incident>, Error> {
        self.list(if past { Table::IncidentPast } else { Table::Incident }, page)
    }

    /// When the earliest of what is not closed began; exercises aside. As long as the number of open incidents.
    pub fn earliest_onset(&self) -> Result<Option<Timestamp>, Error> {
        let open: Vec<Incident> = self.all(Table::Incident)?;
        Ok(open.iter().filter(|incident| !incident.drill).map(Incident::began).min())
    }

    /// Firing alerts (with `past`: resolved ones), newest first.
    pub fn alerts(&self, past: bool, page: Page) -> Result<Vec<Alert>, Error> {
        self.list(if past { Table::AlertPast } else { Table::Alert }, page)
    }

    /// All firing alerts, oldest first. As long as the number of active alerts.
    pub fn firing_alerts(&self) -> Result<Vec<Alert>, Error> {
        self.all(Table::Alert)
    }

    pub fn silences(&self, past: bool, page: Page) -> Result<Vec<Silence>, Error> {
        self.list(if past { Table::SilencePast } else { Table::Silence }, page)
    }

    pub fn runs(&self, past: bool, page: Page) -> Result<Vec<Run>, Error> {
        self.list(if past { Table::RunPast } else { Table::Run }, page)
    }

    /// Actions under way and containments in force (with `past`: over), newest first.
    pub fn actions(&self, past: bool, page: Page) -> Result<Vec<Action>, Error> {
        self.list(if past { Table::ActionPast } else { Table::Action }, page)
    }

    /// Notices on their way (with `past`: over), newest first.
    pub fn notices(&self, past: bool, page: Page) -> Result<Vec<Notice>, Error> {
        self.list(if past { Table::NoticePast } else { Table::Notice }, page)
    }

    pub fn notice(&self, id: NoticeId) -> Result<Option<Notice>, Error> {
        self.either(Table::Notice, Table::NoticePast, id.0)
    }

    /// Requests that wait for people (with `past`: answered or void ones), newest first.
    pub fn approvals(&self, past: bool, page: Page) -> Result<Vec<Approval>, Error> {
        self.list(if past { Table::ApprovalPast } else { Table::Approval }, page)
    }

    /// Bodies that could not be read, newest first.
    pub fn raws(&self, page: Page) -> Result<Vec<Raw>, Error> {
        self.list(Table::Raw, page)
    }

    pub fn raw(&self, id: RawId) -> Result<Option<Raw>, Error> {
        self.one(Table::Raw, &rows::key(id.0))
    }

    /// What the last probes of services said.
    pub fn health(&self) -> Result<Health, Error> {
        Ok(self.one(Table::Health, &rows::key(0))?.unwrap_or_default())
    }

    /// Which procedures are active, and what came round.
    pub fn upkeep(&self) -> Result<Upkeep, Error> {
        Ok(self.one(Table::Upkeep, &rows::key(0))?.unwrap_or_default())
    }

    /// Duties that are open (with `past`: done), newest first.
    pub fn duties(&self, past: bool, page: Page) -> Result<Vec<Duty>, Error> {
        self.list(if past { Table::DutyPast } else { Table::Duty }, page)
    }

    /// Drafts of words to the outside (with `past`: sent or withdrawn), newest first.
    pub fn statements(&self, past: bool, page: Page) -> Result<Vec<Statement>, Error> {
        self.list(if past { Table::StatementPast } else { Table::Statement }, page)
    }

    pub fn statement(&self, id: StatementId) -> Result<Option<Statement>, Error> {
        self.either(Table::Statement, Table::StatementPast, id.0)
    }

    /// Exercises under way (with `past`: over), newest first.
    pub fn exercises(&self, past: bool, page: Page) -> Result<Vec<Exercise>, Error> {
        self.list(if past { Table::ExercisePast } else { Table::Exercise }, page)
    }

    pub fn exercise(&self, id: ExerciseId) -> Result<Option<Exercise>, Error> {
        self.either(Table::Exercise, Table::ExercisePast, id.0)
    }

    pub fn duty(&self, id: DutyId) -> Result<Option<Duty>, Error> {
        self.either(Table::Duty, Table::DutyPast, id.0)
    }

    pub fn review(&self, id: ReviewId) -> Result<Option<Review>, Error> {
        self.either(Table::Review, Table::ReviewPast, id.0)
    }

    pub fn report(&self, id: ReportId) -> Result<Option<Report>, Error> {
        self.either(Table::Report, Table::ReportPast, id.0)
    }

    /// Reports that wait to be ended (with `past`: the others), newest first.
    pub fn reports(&self, past: bool, page: Page) -> Result<Vec<Report>, Error> {
        self.list(if past { Table::ReportPast } else { Table::Report }, page)
    }

    pub fn evidence(&self, id: EvidenceId) -> Result<Option<Evidence>, Error> {
        self.one(Table::Evidence, &rows::key(id.0))
    }

    /// What is kept as evidence, newest first.
    pub fn evidence_page(&self, page: Page) -> Result<Vec<Evidence>, Error> {
        self.list(Table::Evidence, page)
    }

    /// Reviews that owe a report (with `past`: complete ones), newest first.
    pub fn reviews(&self, past: bool, page: Page) -> Result<Vec<Review>, Error> {
        self.list(if past { Table::ReviewPast } else { Table::Review }, page)
    }

    /// What every incident opened from `since` on leaves for the figures, the open ones as they stand, newest first; at
    /// most `most`. Reads one small row for each.
    pub fn cases(&self, since: Timestamp, most: usize) -> Result<Vec<Case>, Error> {
        let open: Vec<Incident> = self.all(Table::Incident)?;
        let mut cases: Vec<Case> = open.iter().rev().map(Case::of).collect();
        cases.retain(|case| case.opened_at >= since);
        let mut before = None;
        // Ids grow with time, so the first that is older ends the search.
        while cases.len() < most {
            let page: Vec<Case> = self.list(Table::Case, Page { before, limit: PAGE_MAX })?;
            before = page.last().map(|case| case.id.0);
            let read = page.len();
            cases.extend(page.into_iter().take_while(|case| case.opened_at >= since));
            let Some(before) = before.filter(|_| read == PAGE_MAX) else { break };
            if self.one::<Case>(Table::Case, &rows::key(before))?.is_none_or(|case| case.opened_at < since) {
                break;
            }
        }
        cases.truncate(most);
        Ok(cases)
    }

    /// What the reviews opened from `since` on leave, newest first, at most `most`.
    pub fn lookbacks(&self, since: Timestamp, most: usize) -> Result<Vec<Lookback>, Error> {
        let mut found: Vec<Lookback> = Vec::new();
        let mut before = None;
        while found.len() < most {
            let page: Vec<Lookback> = self.list(Table::Lookback, Page { before, limit: PAGE_MAX })?;
            before = page.last().map(|one| one.id.0);
            let over = page.len() < PAGE_MAX || page.last().is_some_and(|one| one.opened_at < since);
            found.extend(page.into_iter().take_while(|one| one.opened_at >= since));
            if over {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    }

    /// The runs that are over and began from `since` on, newest first, at most `most`.
    pub fn runs_since(&self, since: Timestamp, most: usize) -> Result<Vec<Run>, Error> {
        self.recent(Table::RunPast, most, |run: &Run| (run.id.0, run.started_at >= since))
    }

    /// The notices that are over and were queued from `since` on, newest first, at most `most`.
    pub fn notices_since(&self, since: Timestamp, most: usize) -> Result<Vec<Notice>, Error> {
        self.recent(Table::NoticePast, most, |notice: &Notice| (notice.id.0, notice.queued_at >= since))
    }

    /// The newest rows, until one is too old; ids grow with time.
    fn recent<T: DeserializeOwned>(
        &self,
        table: Table,
        most: usize,
        look: impl Fn(&T) -> (u64, bool),
    ) -> Result<Vec<T>, Error> {
        let mut found = Vec::new();
        let mut before = None;
        while found.len() < most {
            let page: Vec<T> = self.list(table, Page { before, limit: PAGE_MAX })?;
            let Some((last, fresh)) = page.last().map(&look) else { break };
            let over = page.len() < PAGE_MAX || !fresh;
            before = Some(last);
            found.extend(page.into_iter().take_while(|one| look(one).1));
            if over {
                break;
            }
        }
        found.truncate(most);
        Ok(found)
    }

    pub fn people(&self) -> Result<Vec<Person>, Error> {
        self.all(Table::Person)
    }

    pub fn tokens(&self) -> Result<Vec<Token>, Error> {
        self.all(Table::Token)
    }

    /// The text of a content file by its hash.
    pub fn content_text(&self, hash: &str) -> Result<Option<String>, Error> {
        let row = self.store.row(Table::Content.of(), hash.as_bytes())?;
        Ok(row.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
    }

    /// The entries about an incident from position `from` on, oldest first.
    pub fn timeline(&self, id: IncidentId, from: u64, limit: usize) -> Result<Timeline, Error> {
        let limit = limit.clamp(1, PAGE_MAX);
        let mut positions = self.timeline_positions(id, from, limit + 1)?;
        let next = positions.get(limit).copied();
        positions.truncate(limit);
        let mut entries = Vec::with_capacity(positions.len());
        for position in positions {
            entries.extend(self.entry(position)?);
        }
        Ok(Timeline { entries, next })
    }

    /// The last `limit` entries about an incident, before position `before` where it is given; oldest first. `next` is
    /// what to give as `before` to go further back.
    pub fn latest(&self, id: IncidentId, before: Option<u64>, limit: usize) -> Result<Timeline, Error> {
        let limit = limit.clamp(1, PAGE_MAX);
        let mut range = Range::prefix(rows::key(id.0)).descending();
        if let Some(before) = before {
            range = range.below(rows::timeline_key(id, before));
        }
        let mut positions = Vec::new();
        // Each row holds at least one position.
        for (key, value) in self.store.rows(Table::Timeline.of(), &range, limit + 1)? {
            positions.extend(timeline_row(&key, &value)?.into_iter().rev());
        }
        positions.retain(|position| before.is_none_or(|before| *position < before));
        let more = positions.len() > limit;
        positions.truncate(limit);
        positions.reverse();
        let next = positions.first().copied().filter(|_| more);
        let mut entries = Vec::with_capacity(positions.len());
        for position in positions {
            entries.extend(self.entry(position)?);
        }
        Ok(Timeline { entries, next })
    }

    /// The first `limit` positions of the timeline from `from` on.
    fn timeline_positions(&self, id: IncidentId, from: u64, limit: usize) -> Result<Vec<u64>, Error> {
        let whole = Range::prefix(rows::key(id.0));
        // The row that holds `from` may begin before it.
        let upto = whole.clone().below(rows::timeline_key(id, from.saturating_add(1))).descending();
        let begin = self.store.rows(Table::Timeline.of(), &upto, 1)?;
        let first = begin.into_iter().next().map_or_else(|| rows::timeline_key(id, from), |(key, _)| key);
        let mut range = whole.clone().from(first);
        let mut positions = Vec::new();
        while positions.len() < limit {
            let found = self.store.rows(Table::Timeline.of(), &range, limit - positions.len())?;
            let Some((last, _)) = found.last() else { break };
            range = whole.clone().after(last.clone());
            for (key, value) in &found {
                let row = timeline_row(key, value)?;
                positions.extend(row.into_iter().filter(|position| *position >= from));
            }
        }
        positions.truncate(limit);
        Ok(positions)
    }

    /// One entry.
    pub fn entry(&self, position: u64) -> Result<Option<TimelineEntry>, Error> {
        let found = self.store.read(position, 1)?;
        let Some(stored) = found.into_iter().find(|stored| stored.position == position) else {
            return Ok(None);
        };
        let envelope = Envelope::decode(&stored.envelope).map_err(|error| corrupt(position, &error))?;
        let body = stored.content.map(|(_, body)| Arc::from(String::from_utf8_lossy(&body).as_ref()));
        Ok(Some(TimelineEntry { envelope, body }))
    }

    /// The streams that an incident's timeline touches: its alerts, runs and actions. Looks at the first
    /// `limit` entries.
    pub fn streams_of(&self, id: IncidentId, limit: usize) -> Result<Vec<Stream>, Error> {
        let mut streams = Vec::new();
        for entry in self.timeline(id, 0, limit)?.entries {
            if let Ok(stream) = entry.envelope.stream.parse::<Stream>()
                && !streams.contains(&stream)
            {
                streams.push(stream);
            }
        }
        Ok(streams)
    }

    /// The number of entries.
    pub fn length(&self) -> Result<u64, Error> {
        Ok(self.store.length()?)
    }

    /// When the last entry was decided.
    pub fn last_time(&self) -> Result<Option<Timestamp>, Error> {
        let length = self.store.length()?;
        let last = if length == 0 { None } else { self.entry(length - 1)? };
        Ok(last.map(|entry| Timestamp(entry.envelope.time_us)))
    }

    /// The newest signed checkpoint.
    pub fn checkpoint(&self) -> Result<Option<String>, Error> {
        let range = Range::all().descending();
        let found = self.store.rows(Table::Checkpoint.of(), &range, 1)?;
        Ok(found.into_iter().next().map(|(_, note)| String::from_utf8_lossy(&note).into_owned()))
    }

    /// Every checkpoint that is kept, oldest first.
    pub fn checkpoints(&self) -> Result<Vec<String>, Error> {
        let mut notes = Vec::new();
        self.each(Table::Checkpoint, |_, note| notes.push(String::from_utf8_lossy(note).into_owned()))?;
        Ok(notes)
    }

    /// Every complete tile that is kept, by level and index. A row whose key names no tile comes as `None`.
    pub fn kept_tiles(&self, mut take: impl FnMut(Option<Tile>, &[u8])) -> Result<(), Error> {
        self.each(Table::Tile, |key, bytes| take(crate::seal::tile_of_key(key), bytes))
    }

    /// Entries as they are stored, in order from `from`; for auditors.
    pub fn stored(&self, from: u64, limit: usize) -> Result<Vec<store::Stored>, Error> {
        Ok(self.store.read(from, limit)?)
    }

    /// A tile of hashes or a bundle of entries, as bytes; `None` when the log does not reach it yet.
    pub fn tile(&self, tile: &Tile) -> Result<Option<Vec<u8>>, Error> {
        crate::seal::read_tile(&*self.store, tile)
    }

    fn one<T: DeserializeOwned>(&self, table: Table, key: &[u8]) -> Result<Option<T>, Error> {
        self.store.row(table.of(), key)?.map(|value| decode(table, &value)).transpose()
    }

    fn either<T: DeserializeOwned>(&self, live: Table, past: Table, id: u64) -> Result<Option<T>, Error> {
        let key = rows::key(id);
        match self.one(live, &key)? {
            Some(found) => Ok(Some(found)),
            None => self.one(past, &key),
        }
    }

    fn list<T: DeserializeOwned>(&self, table: Table, page: Page) -> Result<Vec<T>, Error> {
        let mut range = Range::all().descending();
        if let Some(before) = page.before {
            range = range.after(rows::key(before));
        }
        let found = self.store.rows(table.of(), &range, page.limit.clamp(1, PAGE_MAX))?;
        found.iter().map(|(_, value)| decode(table, value)).collect()
    }

    fn all<T: DeserializeOwned>(&self, table: Table) -> Result<Vec<T>, Error> {
        let mut all = Vec::new();
        self.each(table, |_, value| all.push(decode(table, value)))?;
        all.into_iter().collect()
    }

    fn each(&self, table: Table, mut take: impl FnMut(&[u8], &[u8])) -> Result<(), Error> {
        let mut range = Range::all();
        loop {
            let found = self.store.rows(table.of(), &range, PAGE_MAX)?;
            let Some((last, _)) = found.last() else { return Ok(()) };
            range = Range::all().after(last.clone());
            found.iter().for_each(|(key, value)| take(key, value));
        }
    }
}

fn decode<T: DeserializeOwned>(table: Table, value: &[u8]) -> Result<T, Error> {
    serde_json::from_slice(value).map_err(|error| Error::Corrupt {
        what: format!("a row of {}", table.name()),
        why: error.to_string(),
    })
}

pub(crate) fn corrupt(position: u64, error: &tlog::Error) -> Error {
    Error::Corrupt { what: format!("entry {position}"), why: error.to_string() }
}

fn timeline_row(key: &[u8], value: &[u8]) -> Result<Vec<u64>, Error> {
    let corrupt = || Error::Corrupt {
        what: "a row of timeline".to_owned(),
        why: format!("{} bytes under {} bytes of key", value.len(), key.len()),
    };
    Ok(rows::timeline_row(key, value).ok_or_else(corrupt)?.1)
}
