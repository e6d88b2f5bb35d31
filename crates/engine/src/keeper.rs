//! The keeper of evidence: puts texts that ride in entries into the store, and reads every byte anew each day.
//!
//! It decides nothing. What it finds goes to the node as commands, like everything else.

use std::{io::Read, time::Duration};

use domain::{
    event::{Actor, Stream},
    evidence::{Command, Evidence, Found},
    flow,
    id::EvidenceId,
};
use store::BlobId;
use tokio::sync::broadcast::error::RecvError;

use crate::{Error, Handle, Page, handle::Refused};

/// All evidence is gone through this often; what is due is looked at.
const ROUND: Duration = Duration::from_secs(600);
const PAGE: usize = 500;

impl Handle {
    /// Takes the bytes of a stream into the store; they are synced when this returns. `None`: there are more than
    /// `most`, and nothing was kept. May block.
    pub fn take_in(&self, stream: &mut dyn Read, most: u64) -> Result<Option<(String, u64)>, Error> {
        match self.reader().store.put_blob_from(stream, most) {
            Ok((id, length)) => Ok(Some((id.to_string(), length))),
            Err(store::Error::Limit { .. }) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// The stored bytes with this SHA-256, unchecked. May block.
    pub fn stored(&self, sha256: &str) -> Result<Option<Box<dyn Read + Send>>, Error> {
        Ok(self.reader().store.open_blob(&sha256.parse::<BlobId>()?)?)
    }

    /// Reads the bytes of a piece of evidence anew. May block.
    pub fn look_at(&self, evidence: &Evidence) -> Found {
        let unreadable = |why: String| Found::Unreadable { why: why.into() };
        match self.stored(&evidence.item.sha256) {
            Err(error) => unreadable(error.to_string()),
            Ok(None) => Found::Missing,
            Ok(Some(mut stream)) => match store::hash(&mut stream) {
                Err(error) => unreadable(error.to_string()),
                Ok((id, _)) if id.to_string() == *evidence.item.sha256 => Found::Same,
                Ok((id, _)) => Found::Changed { sha256: id.to_string().into() },
            },
        }
    }

    /// Looks at the bytes and puts on record what was found.
    pub async fn verify_evidence(&self, actor: Actor, evidence: Evidence) -> Result<Found, Refused> {
        let (handle, id) = (self.clone(), evidence.id);
        let looked = tokio::task::spawn_blocking(move || handle.look_at(&evidence)).await;
        let found = looked.unwrap_or_else(|error| Found::Unreadable { why: error.to_string().into() });
        let verify = Command::Verify { id, found: found.clone() };
        self.command(actor, flow::Command::Evidence(verify)).await?;
        Ok(found)
    }
}

/// Runs until it is aborted.
pub(crate) async fn keep(handle: Handle) {
    let mut facts = handle.subscribe();
    let mut rounds = tokio::time::interval(ROUND);
    loop {
        tokio::select! {
            _ = rounds.tick() => told(round(&handle).await),
            came = facts.recv() => match came {
                Ok(came) => {
                    for fact in came.iter().filter(|fact| fact.kind == "evidence.collected") {
                        if let Stream::Evidence(id) = fact.stream {
                            told(seal(&handle, id).await);
                        }
                    }
                }
                Err(RecvError::Lagged(_)) => told(round(&handle).await),
                Err(RecvError::Closed) => return,
            },
        }
    }
}

fn told(done: Result<(), String>) {
    if let Err(why) = done {
        tracing::error!(%why, "evidence was not looked after; it is tried again");
    }
}

/// Seals what waits and looks at what is due, oldest first by page from the newest.
async fn round(handle: &Handle) -> Result<(), String> {
    let mut before = None;
    loop {
        let reader = handle.reader().clone();
        let page = blocking(move || reader.evidence_page(Page { before, limit: PAGE })).await?;
        let Some(last) = page.last() else { return Ok(()) };
        before = Some(last.id.0);
        for evidence in page {
            if evidence.sealed_at.is_none() {
                seal(handle, evidence.id).await?;
            } else if evidence.check_at() <= handle.now() {
                let verified = handle.verify_evidence(Actor::Platform, evidence).await;
                verified.map_err(|error| error.to_string())?;
            }
        }
    }
}

async fn seal(handle: &Handle, id: EvidenceId) -> Result<(), String> {
    let here = handle.clone();
    let stored = blocking(move || {
        let Some(evidence) = here.reader().evidence(id)? else { return Ok(false) };
        let Some(text) = evidence.inline.as_deref().filter(|_| evidence.sealed_at.is_none()) else {
            return Ok(false);
        };
        here.reader().store.put_blob(text.as_bytes())?;
        match here.look_at(&evidence) {
            Found::Same => Ok(true),
            found @ (Found::Changed { .. } | Found::Missing | Found::Unreadable { .. }) => {
                Err(Error::Corrupt { what: format!("the bytes of {id}"), why: format!("{found:?}") })
            }
        }
    });
    if !stored.await? {
        return Ok(());
    }
    let seal = flow::Command::Evidence(Command::Seal { id });
    handle.command(Actor::Platform, seal).await.map_err(|error| error.to_string()).map(|_| ())
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, String> {
    let done = tokio::task::spawn_blocking(work).await.map_err(|error| error.to_string())?;
    done.map_err(|error| error.to_string())
}
