//! What may be collected, who may handle it, and what a look at its bytes comes to.

use sha2::{Digest, Sha256};

use super::{
    Event, Evidence, Found, HANDLED_MAX, INLINE_MAX, Item, KEPT_MAX, Kind, NAME_MAX, Source, WHY_MAX,
};
use crate::{
    action::Action,
    event::{Context, Rejected},
    id::{EvidenceId, IncidentId},
    state::State,
};

#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// Its bytes are in the store, synced, under their hash.
    Collect(Box<Item>),
    /// A text that is kept with the entry until the store has it.
    Write {
        incident: IncidentId,
        kind: Kind,
        name: String,
        text: String,
        source: Source,
    },
    /// From the keeper: the text of the entry is in the store, and was read back.
    Seal {
        id: EvidenceId,
    },
    Access {
        id: EvidenceId,
        why: String,
    },
    Export {
        ids: Vec<EvidenceId>,
        why: String,
    },
    Transfer {
        id: EvidenceId,
        to: String,
        why: String,
        receipt: String,
    },
    /// From whoever read the bytes anew.
    Verify {
        id: EvidenceId,
        found: Found,
    },
}

type Decided = Result<Vec<(EvidenceId, Event)>, Rejected>;

pub fn decide(state: &State, command: Command, context: &Context) -> Decided {
    match command {
        Command::Collect(item) => {
            check(state, &item)?;
            let id = EvidenceId::from_number(context.next);
            Ok(vec![(id, Event::Collected { item, inline: None }), (id, Event::Sealed)])
        }
        Command::Write { incident, kind, name, text, source } => {
            write(state, (incident, kind, name.into(), source), text, context)
        }
        Command::Seal { id } => {
            let waits = find(state, id)?.sealed_at.is_none();
            Ok(if waits { vec![(id, Event::Sealed)] } else { Vec::new() })
        }
        Command::Access { id, why } => {
            handled(state, id, context)?;
            Ok(vec![(id, Event::Accessed { why: words("the reason", why, WHY_MAX)? })])
        }
        Command::Export { ids, why } => {
            let why = words("the reason", why, WHY_MAX)?;
            let one = |id| Ok((id, Event::Exported { why: why.clone() }));
            ids.into_iter().map(|id| handled(state, id, context).and_then(|_| one(id))).collect()
        }
        Command::Transfer { id, to, why, receipt } => {
            handled(state, id, context)?;
            let to = words("who takes it", to, NAME_MAX)?;
            let why = words("the reason", why, WHY_MAX)?;
            Ok(vec![(id, Event::Transferred { to, why, receipt: words("the receipt", receipt, NAME_MAX)? })])
        }
        Command::Verify { id, found } => {
            find(state, id)?;
            Ok(vec![(id, Event::Verified { found })])
        }
    }
}

/// What a call that keeps evidence brought: the platform's own word about bytes that it has stored, or the answer.
pub fn from_action(action: &Action, artefact: &serde_json::Value) -> Option<Command> {
    let (kind, incident) = (action.spec.keeps?, action.spec.incident);
    let name = format!("{} {}", action.spec.verb, action.spec.target);
    let name = shorten(name);
    let source = Source::Action(action.id);
    if &*action.spec.connector == crate::content::FILES
        && let Some((sha256, bytes)) = stored(artefact)
    {
        let (name, media) = (name.into(), None);
        let item = Item { incident, kind, name, sha256, bytes, source, media, quarantined: false };
        return Some(Command::Collect(Box::new(item)));
    }
    Some(Command::Write { incident, kind, name, text: artefact.to_string(), source })
}

fn stored(artefact: &serde_json::Value) -> Option<(Box<str>, u64)> {
    let stored = artefact.get("stored")?;
    Some((stored.get("sha256")?.as_str()?.into(), stored.get("bytes")?.as_u64()?))
}

fn shorten(mut name: String) -> String {
    if name.len() > NAME_MAX {
        let end = (0..=NAME_MAX).rev().find(|at| name.is_char_boundary(*at)).unwrap_or(0);
        name.truncate(end);
    }
    name
}

fn write(
    state: &State,
    (incident, kind, name, source): (IncidentId, Kind, Box<str>, Source),
    text: String,
    context: &Context,
) -> Decided {
    if text.is_empty() || text.len() > INLINE_MAX {
        let reason = format!("the text has {} bytes; give 1 to {INLINE_MAX}, or upload a file", text.len());
        return Err(Rejected::Invalid(reason));
    }
    let sha256: String = Sha256::digest(&text).iter().map(|byte| format!("{byte:02x}")).collect();
    let (sha256, bytes) = (sha256.into(), text.len() as u64);
    let media = Some("text/plain".into());
    let item = Item { incident, kind, name, sha256, bytes, source, media, quarantined: false };
    check(state, &item)?;
    let id = EvidenceId::from_number(context.next);
    Ok(vec![(id, Event::Collected { item: Box::new(item), inline: Some(text.into()) })])
}

/// Evidence is taken at every level of the limits; what bounds it is its own form, and room.
fn check(state: &State, item: &Item) -> Result<(), Rejected> {
    if !state.incidents.open.contains_key(&item.incident) {
        let reason = format!("there is no open incident {}; evidence belongs to one", item.incident);
        return Err(Rejected::NotFound(reason));
    }
    words("the name", item.name.to_string(), NAME_MAX)?;
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if item.sha256.len() != 64 || !item.sha256.bytes().all(hex) {
        return Err(Rejected::Invalid(format!("`{}` is no SHA-256", item.sha256.escape_debug())));
    }
    if state.evidence.len() >= KEPT_MAX {
        return Err(Rejected::Limited(format!("{KEPT_MAX} pieces of evidence are kept already")));
    }
    let same = |kept: &&Evidence| kept.item == *item;
    match state.evidence.values().rev().take(1_000).find(same) {
        Some(kept) => Err(Rejected::Conflict(format!("the same is kept as {} already", kept.id))),
        None => Ok(()),
    }
}

fn words(what: &str, text: String, most: usize) -> Result<Box<str>, Rejected> {
    if text.trim().is_empty() || text.len() > most {
        return Err(Rejected::Invalid(format!("{what} is empty or longer than {most} bytes")));
    }
    Ok(text.into())
}

fn find(state: &State, id: EvidenceId) -> Result<&Evidence, Rejected> {
    state.evidence.get(&id).ok_or_else(|| Rejected::NotFound(format!("there is no evidence {id}")))
}

/// People handle evidence, and every time is on record.
fn handled<'a>(state: &'a State, id: EvidenceId, context: &Context) -> Result<&'a Evidence, Rejected> {
    let evidence = find(state, id)?;
    if context.actor.person().is_none() {
        return Err(Rejected::Forbidden("evidence is handled by people".to_owned()));
    }
    if evidence.entries.len() >= HANDLED_MAX {
        return Err(Rejected::Limited(format!("{id} was handled {HANDLED_MAX} times; collect it anew")));
    }
    Ok(evidence)
}
