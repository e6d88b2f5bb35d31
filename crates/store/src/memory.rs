//! The store in memory, for tests and the simulator. It keeps nothing after the process ends, and is otherwise
//! held to the same guarantees.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{Batch, BlobId, Direction, Error, Range, Row, RowChange, Store, Stored, Table, limits};

/// A clone is another handle on the same store; [`Memory::snapshot`] is an independent store.
#[derive(Clone, Default)]
pub struct Memory {
    state: Arc<Mutex<Arc<State>>>,
}

/// Copied on the first write after a snapshot; the copy shares the bytes, tables and blobs that did not change.
#[derive(Clone, Default)]
struct State {
    entries: Vec<Arc<Stored>>,
    tables: BTreeMap<Table, Arc<Rows>>,
    leases: BTreeMap<String, u64>,
    blobs: Arc<BTreeMap<BlobId, Arc<[u8]>>>,
}

type Rows = BTreeMap<Arc<[u8]>, Arc<[u8]>>;

impl Memory {
    #[must_use]
    pub fn new() -> Memory {
        Memory::default()
    }

    /// An independent store with the present content. Costs one pointer; the first write to either store
    /// afterwards costs one pointer for each entry and each row of the tables it touches.
    #[must_use]
    pub fn snapshot(&self) -> Memory {
        Memory { state: Arc::new(Mutex::new(Arc::clone(&self.lock()))) }
    }

    /// Every write checks first and changes after, so a panic elsewhere leaves the state whole.
    fn lock(&self) -> MutexGuard<'_, Arc<State>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn view(&self) -> Arc<State> {
        Arc::clone(&self.lock())
    }
}

impl Store for Memory {
    fn append(&self, batch: &Batch) -> Result<u64, Error> {
        limits::check_batch(batch)?;
        let mut state = self.lock();
        state.check_epoch(batch.epoch)?;
        let found = state.entries.len() as u64;
        if found != batch.expected {
            return Err(Error::Conflict { expected: batch.expected, found });
        }
        limits::check_redactions(batch)?;
        let state = Arc::make_mut(&mut state);
        for (position, entry) in (batch.expected..).zip(&batch.entries) {
            let content = Some((entry.salt, entry.body.clone()));
            state.entries.push(Arc::new(Stored { position, envelope: entry.envelope.clone(), content }));
        }
        state.change(&batch.rows);
        for position in &batch.redact {
            Arc::make_mut(&mut state.entries[*position as usize]).content = None;
        }
        Ok(state.entries.len() as u64)
    }

    fn read(&self, from: u64, limit: usize) -> Result<Vec<Stored>, Error> {
        let state = self.view();
        let from = usize::try_from(from).unwrap_or(usize::MAX).min(state.entries.len());
        let entries = state.entries[from..].iter().map(|entry| Ok(Stored::clone(entry)));
        limits::page(entries, limit, Stored::size)
    }

    fn length(&self) -> Result<u64, Error> {
        Ok(self.lock().entries.len() as u64)
    }

    fn lease(&self, name: &str, holder: &str) -> Result<u64, Error> {
        limits::check_lease(name, holder)?;
        let mut state = self.lock();
        let epoch = state.newest_epoch() + 1;
        Arc::make_mut(&mut state).leases.insert(name.to_owned(), epoch);
        Ok(epoch)
    }

    fn row(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Error> {
        let state = self.view();
        Ok(state.tables.get(&table).and_then(|rows| rows.get(key)).map(|value| value.to_vec()))
    }

    fn rows(&self, table: Table, range: &Range, limit: usize) -> Result<Vec<Row>, Error> {
        let state = self.view();
        let (low, high) = range.interval();
        let Some(rows) = state.tables.get(&table).filter(|_| low < high) else {
            return Ok(Vec::new());
        };
        let found = rows
            .range::<[u8], _>((
                std::ops::Bound::Included(low.as_slice()),
                std::ops::Bound::Excluded(high.as_slice()),
            ))
            .map(|(key, value)| Ok((key.to_vec(), value.to_vec())));
        let size = |row: &Row| row.0.len() + row.1.len();
        match range.direction {
            Direction::Ascending => limits::page(found, limit, size),
            Direction::Descending => limits::page(found.rev(), limit, size),
        }
    }

    fn put_rows(&self, epoch: u64, rows: &[RowChange]) -> Result<(), Error> {
        limits::check_rows(rows)?;
        let mut state = self.lock();
        state.check_epoch(epoch)?;
        Arc::make_mut(&mut state).change(rows);
        Ok(())
    }

    fn put_blob(&self, bytes: &[u8]) -> Result<BlobId, Error> {
        limits::check_blob(bytes)?;
        let id = BlobId::of(bytes);
        let mut state = self.lock();
        Arc::make_mut(&mut Arc::make_mut(&mut state).blobs).insert(id, bytes.into());
        Ok(id)
    }

    fn put_blob_from(&self, stream: &mut dyn Read, most: u64) -> Result<(BlobId, u64), Error> {
        let most = most.min(limits::STREAMED);
        let mut bytes = Vec::new();
        let read = crate::copy(stream, most, &mut |part| {
            bytes.extend_from_slice(part);
            Ok(())
        });
        let (id, length) = read.map_err(|error| Error::NotWritten(Arc::new(error)))?;
        limits::check_streamed(length, most)?;
        let mut state = self.lock();
        Arc::make_mut(&mut Arc::make_mut(&mut state).blobs).insert(id, bytes.into());
        Ok((id, length))
    }

    fn open_blob(&self, id: &BlobId) -> Result<Option<Box<dyn Read + Send>>, Error> {
        let found = self.view().blobs.get(id).cloned();
        Ok(found.map(|bytes| Box::new(Cursor::new(bytes)) as Box<dyn Read + Send>))
    }

    fn blob(&self, id: &BlobId) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.view().blobs.get(id).map(|bytes| bytes.to_vec()))
    }
}

impl State {
    fn check_epoch(&self, epoch: u64) -> Result<(), Error> {
        if self.leases.values().any(|current| *current == epoch) {
            return Ok(());
        }
        Err(Error::Fenced { epoch, newest: self.newest_epoch() })
    }

    fn newest_epoch(&self) -> u64 {
        self.leases.values().copied().max().unwrap_or(0)
    }

    fn change(&mut self, rows: &[RowChange]) {
        for row in rows {
            let table = Arc::make_mut(self.tables.entry(row.table).or_default());
            match &row.value {
                Some(value) => drop(table.insert(row.key.as_slice().into(), value.as_slice().into())),
                None => drop(table.remove(row.key.as_slice())),
            }
        }
    }
}

impl Stored {
    pub(crate) fn size(&self) -> usize {
        self.envelope.len() + self.content.as_ref().map_or(0, |(_, body)| body.len())
    }
}
