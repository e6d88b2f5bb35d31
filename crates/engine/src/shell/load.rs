//! Reading the live rows into memory, and the rows of things that are over, for a redaction.

use std::collections::BTreeMap;

use domain::{
    content::{self, Content},
    event::{Rejected, Stream},
    state::{Saved, State},
    time::Timestamp,
};
use store::{Range, Store};
use tlog::leaf::EnvelopeRef;

use crate::{
    Error,
    rows::{self, InForce, LIVE, Table},
};

/// Everything live, as of the last commit. The start and the restart after a failed commit are this.
pub fn load_state(store: &dyn Store, content: &Content, now: Timestamp) -> Result<State, Error> {
    let mut state = State::default();
    for table in LIVE {
        let mut range = Range::all();
        loop {
            let page = store.rows(table.of(), &range, 1_000)?;
            let Some((last, _)) = page.last() else { break };
            range = Range::all().after(last.clone());
            for (_, value) in &page {
                if let Some(saved) = rows::live_rows(table, value)? {
                    state.restore(saved, now);
                }
            }
        }
    }
    if let Some(value) = store.row(Table::Content.of(), &[])? {
        let in_force: InForce = serde_json::from_slice(&value)
            .map_err(|error| Error::Corrupt { what: "the content row".to_owned(), why: error.to_string() })?;
        state.loaded = in_force.hash;
        (state.content_seq, state.log_seq) = (in_force.content_seq, in_force.log_seq);
    }
    pinned_playbooks(store, content, &mut state)?;
    Ok(state)
}

/// The versions that live runs are pinned to and that are not in force any more.
fn pinned_playbooks(store: &dyn Store, content: &Content, state: &mut State) -> Result<(), Error> {
    let current: BTreeMap<_, _> = content.playbooks.values().map(|p| (p.hash.clone(), p.clone())).collect();
    let hashes: Vec<_> = state.runs.iter().map(|run| (run.hash.clone(), run.playbook.clone())).collect();
    for (hash, name) in hashes {
        if current.contains_key(&hash) || state.playbooks.contains_key(&hash) {
            continue;
        }
        let Some(bytes) = store.row(Table::Content.of(), hash.as_bytes())? else {
            tracing::error!(%hash, playbook = %name, "a run is pinned to a playbook version that is missing");
            continue;
        };
        let text = String::from_utf8_lossy(&bytes);
        let (playbook, problems) = content::read_playbook(&name, &text, content);
        match playbook {
            Some(playbook) => {
                state.playbooks.insert(hash, playbook.into());
            }
            None => {
                tracing::error!(playbook = %name, problem = ?problems.first(), "a pinned playbook version no longer reads")
            }
        }
    }
    Ok(())
}

/// The streams of these entries, and the things among them that are over, put back from their rows.
pub(crate) fn revive(
    store: &dyn Store,
    positions: &[u64],
    live: impl Fn(Stream) -> bool,
) -> Result<(Vec<Stream>, Vec<Saved>), Error> {
    let mut streams = Vec::new();
    let mut revived = Vec::new();
    for &position in positions.iter().take(1_000) {
        let Some(stored) = store.read(position, 1)?.into_iter().next() else {
            return Err(Rejected::NotFound(format!("there is no entry {position}")).into());
        };
        let Ok(envelope) = EnvelopeRef::decode(&stored.envelope) else { continue };
        let Ok(stream) = envelope.stream.parse::<Stream>() else { continue };
        if streams.contains(&stream) {
            continue;
        }
        streams.push(stream);
        let past = match stream {
            Stream::Alert(id) => Some((Table::AlertPast, Table::Alert, id.0)),
            Stream::Incident(id) => Some((Table::IncidentPast, Table::Incident, id.0)),
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
            | Stream::Report(_)
            | Stream::Raw(_)
            | Stream::Sighting(_)
            | Stream::Evidence(_)
            | Stream::Upkeep
            | Stream::Duty(_)
            | Stream::Statement(_)
            | Stream::Exercise(_)
            | Stream::Content
            | Stream::Log => None,
        };
        if let Some((past, as_live, number)) = past.filter(|_| !live(stream))
            && let Some(value) = store.row(past.of(), &rows::key(number))?
        {
            revived.extend(rows::live_rows(as_live, &value)?);
        }
    }
    Ok((streams, revived))
}
