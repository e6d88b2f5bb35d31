//! What a snapshot of evidence is made of: the platform's own log since an incident began, what the newest backup says
//! of itself, and the folders that ringfence.toml names. Asked for by a person each is a piece of its own; a step of a
//! playbook keeps one piece, with all of them in it.

use std::{
    io::{self, Read, Write},
    path::Path,
    sync::{
        Arc,
        mpsc::{Receiver, SyncSender, sync_channel},
    },
    time::Duration,
};

use domain::id::IncidentId;
use engine::{
    Handle,
    backup::{Listed, Shelf},
};
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tlog::{
    VerifierKey,
    bundle::{self, Header, Scope},
    leaf::Body,
    tile, tree,
};

use crate::{Error, Folder, Options, Problem, api::log::newest, archive, route::FILE_MAX, shared::Shared};

/// Entries that are read at once.
const PART: usize = 1_000;
/// Pieces of an archive that wait to be written, and bytes of one.
const PIECES: usize = 8;
const PIECE: usize = 64 * 1024;
/// How often it is asked whether the log is signed up to now, and how long that is waited for.
const ASK: Duration = Duration::from_millis(50);
const ASKED_MAX: usize = 200;

/// Packs what proves an incident as it is now.
#[derive(Clone)]
pub struct Packing {
    handle: Handle,
    log_key: VerifierKey,
    backups: Option<Arc<Shelf>>,
    folders: Vec<Folder>,
}

/// What was kept as one piece.
#[derive(Debug)]
pub struct Packed {
    pub sha256: String,
    pub bytes: u64,
    /// So much could not be kept; `missing.json` in it says what, and why.
    pub missing: usize,
}

#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "MissingEvidence")]
pub(crate) struct Missing {
    pub(crate) what: String,
    pub(crate) why: String,
}

/// The entries since the first about an incident, up to a checkpoint that signs them.
pub(crate) struct Log {
    checkpoint: String,
    from: u64,
    size: u64,
}

impl Packing {
    pub fn of(options: &Options) -> Packing {
        let (handle, log_key) = (options.handle.clone(), options.log_key.clone());
        Packing { handle, log_key, backups: options.backups.clone(), folders: options.folders.clone() }
    }

    pub(crate) fn shared(shared: &Shared) -> Packing {
        let (handle, log_key) = (shared.handle.clone(), shared.log_key.clone());
        Packing { handle, log_key, backups: shared.backups.clone(), folders: shared.folders.clone() }
    }

    /// Keeps all of it as one archive (tar). A backup is named where there is one; none is made for it.
    pub async fn keep(&self, incident: IncidentId) -> Result<Packed, String> {
        let log = self.log(incident).await.map_err(|error| error.to_string())?;
        let own = self.clone();
        let kept = blocking(move || {
            // Folders that do not fit keep nobody from having the rest.
            match own.kept(&log, &own.folders, None) {
                Err(why @ Unkept::TooLong) if !own.folders.is_empty() => {
                    own.kept(&log, &[], Some(why.into()))
                }
                kept => kept,
            }
        });
        Ok(kept.await.map_err(|error| error.to_string())??)
    }

    fn kept(&self, log: &Log, folders: &[Folder], without: Option<String>) -> Result<Packed, Unkept> {
        let (sha256, bytes, missing) = fed(&self.handle, |out| {
            let mut missing = Vec::new();
            missing.extend(without.map(|why| Missing { what: "folders".to_owned(), why }));
            self.pack(log, folders, out, &mut missing).map(|()| missing.len())
        })?;
        Ok(Packed { sha256, bytes, missing })
    }

    fn pack(
        &self,
        log: &Log,
        folders: &[Folder],
        out: &mut dyn Write,
        missing: &mut Vec<Missing>,
    ) -> Result<(), String> {
        let at = u64::try_from(self.handle.now().0 / 1_000_000).unwrap_or(0);
        let said = |error: io::Error| error.to_string();
        let mut sink = io::sink();
        let mut counted = archive::Counted::new(&mut sink);
        self.write_log(log, &mut counted)?;
        let length = counted.bytes;
        archive::file(out, "log.bundle", at, length, |out| self.write_log(log, out))?;
        let text = self.newest_backup().and_then(|listed| {
            described(&listed.ok_or("none was made yet; `ringfence backup create` makes one")?)
        });
        match text {
            Ok(text) => archive::text(out, "backup.json", at, &text)?,
            Err(why) => missing.push(Missing { what: "backup".to_owned(), why }),
        }
        for (number, folder) in folders.iter().enumerate() {
            let last = folder.path.file_name().unwrap_or("root".as_ref());
            let name = Path::new("folders").join((number + 1).to_string()).join(last);
            match archive::add(&folder.path, &name, out) {
                Ok(packed) => {
                    missing.extend(packed.unread.into_iter().map(|(what, why)| Missing { what, why }));
                }
                Err(error) => {
                    let what = folder.path.display().to_string();
                    missing.push(Missing { what, why: error.to_string() });
                }
            }
        }
        if !missing.is_empty() {
            let text = serde_json::to_string_pretty(missing).map_err(|error| error.to_string())?;
            archive::text(out, "missing.json", at, &text)?;
        }
        archive::end(out).map_err(said)
    }

    /// Which entries of the log belong to it. Waits until they are signed.
    pub(crate) async fn log(&self, incident: IncidentId) -> Result<Log, Error> {
        let handle = self.handle.clone();
        let (from, end) = blocking(move || {
            let reader = handle.reader();
            let first = reader.timeline(incident, 0, 1)?.entries.first().map(|entry| entry.envelope.position);
            Ok::<_, Error>((first.unwrap_or(incident.0), reader.length()?))
        })
        .await??;
        let mut asked = 0;
        loop {
            let handle = self.handle.clone();
            match blocking(move || newest(handle.reader())).await? {
                Ok((text, checkpoint)) if checkpoint.size >= end => {
                    return Ok(Log { checkpoint: text, from, size: checkpoint.size });
                }
                Ok(_) | Err(_) if asked < ASKED_MAX => tokio::time::sleep(ASK).await,
                Ok(_) => {
                    let detail = "the log is not signed up to now; try again in a moment";
                    return Err(Error::new(Problem::Unavailable, detail));
                }
                Err(error) => return Err(error),
            }
            asked += 1;
        }
    }

    /// Each entry with its proof under the one checkpoint.
    pub(crate) fn write_log(&self, log: &Log, out: &mut dyn Write) -> Result<(), String> {
        let &Log { ref checkpoint, from, size } = log;
        let reader = self.handle.reader();
        let origin = self.log_key.name().to_owned();
        let header = Header { origin, key: self.log_key.clone(), scope: Scope::Range { from, to: size } };
        let said = |error: &dyn std::fmt::Display| error.to_string();
        let mut bundle = bundle::Writer::new(out, &header, checkpoint).map_err(|error| said(&error))?;
        let fetch = |tile: &tile::Tile| reader.tile(tile).ok().flatten();
        let mut position = from;
        while position < size {
            let wanted = usize::try_from(size - position).unwrap_or(PART).min(PART);
            let part = reader.stored(position, wanted).map_err(|error| said(&error))?;
            if part.is_empty() {
                return Err(format!("entry {position} is missing"));
            }
            for stored in &part {
                let node = |level, index| tile::read_node(level, index, size, fetch);
                let proof = tree::inclusion_proof(position, size, node).map_err(|error| said(&error))?;
                let body = stored.content.as_ref().map(|(salt, body)| Body { salt, body });
                bundle.entry(&stored.envelope, body, Some(&proof)).map_err(|error| said(&error))?;
                position += 1;
            }
        }
        bundle.finish().map(drop).map_err(|error| said(&error))
    }

    /// The newest backup that can be read. May block.
    pub(crate) fn newest_backup(&self) -> Result<Option<Listed>, String> {
        let shelf =
            self.backups.as_ref().ok_or("this server has no data directory, so nothing to back up")?;
        let listed = shelf.list().map_err(|error| error.to_string())?;
        Ok(listed.into_iter().find(|listed| listed.manifest.is_ok()))
    }
}

/// What a backup says of itself, with the hash of its file; the file itself stays where backups lie. May block.
pub(crate) fn described(listed: &Listed) -> Result<String, String> {
    let manifest = listed.manifest.as_ref()?;
    let said = |error: io::Error| format!("{}: {error}", listed.path.display());
    let mut file = std::fs::File::open(&listed.path).map_err(said)?;
    let (mut digest, mut part) = (Sha256::new(), vec![0; PIECE]);
    loop {
        let read = file.read(&mut part).map_err(said)?;
        if read == 0 {
            break;
        }
        digest.update(&part[..read]);
    }
    let hash: String = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
    let text = serde_json::to_string_pretty(&json!({
        "backup": listed.id, "path": listed.path.display().to_string(), "bytes": listed.bytes, "sha256": hash,
        "manifest": manifest,
    }));
    text.map_err(|error| error.to_string())
}

pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| Error::internal("keeping a snapshot", &error))
}

/// Why nothing was kept.
pub(crate) enum Unkept {
    TooLong,
    Failed(String),
}

impl From<Unkept> for String {
    fn from(unkept: Unkept) -> String {
        match unkept {
            Unkept::TooLong => format!("it is longer than {FILE_MAX} bytes"),
            Unkept::Failed(why) => why,
        }
    }
}

/// Takes into the store what `write` writes, as it is written. Where that fails, nothing is kept.
pub(crate) fn fed<T: Send>(
    handle: &Handle,
    write: impl FnOnce(&mut dyn Write) -> Result<T, String> + Send,
) -> Result<(String, u64, T), Unkept> {
    let (sender, receiver) = sync_channel(PIECES);
    std::thread::scope(|scope| {
        let writing = scope.spawn(move || {
            let mut out = Out { sender, piece: Vec::new() };
            let written = write(&mut out)
                .and_then(|done| out.flush().map(|()| done).map_err(|error| error.to_string()));
            if let Err(why) = &written {
                drop(out.sender.send(Err(io::Error::other(why.clone()))));
            }
            written
        });
        let mut stream = In { receiver, piece: Vec::new(), at: 0 };
        let taken = handle.take_in(&mut stream, FILE_MAX as u64);
        // Nobody reads any more, so nobody waits to write.
        drop(stream);
        let written = writing.join();
        let written = written.map_err(|_| Unkept::Failed("writing it ended in a panic".to_owned()))?;
        match taken {
            Ok(Some((sha256, bytes))) => written.map(|done| (sha256, bytes, done)).map_err(Unkept::Failed),
            Ok(None) => Err(Unkept::TooLong),
            Err(error) => Err(Unkept::Failed(written.err().unwrap_or_else(|| error.to_string()))),
        }
    })
}

type Part = Result<Vec<u8>, io::Error>;

struct Out {
    sender: SyncSender<Part>,
    piece: Vec<u8>,
}

impl Write for Out {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.flush()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        self.sender.send(Ok(std::mem::take(&mut self.piece))).map_err(|_| io::ErrorKind::BrokenPipe.into())
    }
}

struct In {
    receiver: Receiver<Part>,
    piece: Vec<u8>,
    at: usize,
}

impl Read for In {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            match self.receiver.recv() {
                Ok(piece) => (self.piece, self.at) = (piece?, 0),
                Err(_) => return Ok(0),
            }
        }
        let count = out.len().min(self.piece.len() - self.at);
        out[..count].copy_from_slice(&self.piece[self.at..self.at + count]);
        self.at += count;
        Ok(count)
    }
}
