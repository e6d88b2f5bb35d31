//! A folder with evidence that left: its log, what the log says that it is, and the bytes. Everything is checked from the
//! signed log outward, without a server.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, File},
    io::{BufReader, Read as _, Write as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use domain::{
    event::{Actor, Event, Meta, Stream},
    evidence::{self, Evidence},
    id::{EvidenceId, IncidentId},
    time::Timestamp,
};
use serde_json::{Value, json};
use tlog::{VerifierKey, bundle, leaf::Envelope};

use super::LIST;
use crate::{
    client::{Client, encode},
    commands::show,
    output::{Output, Verdict, escape},
};

const LOG: &str = "log.bundle";
const MANIFEST: &str = "manifest.json";
const MANIFEST_MAX: u64 = 64 << 20;
/// A checkpoint over the last entry is signed soon.
const CHECKPOINT_TRIES: u32 = 40;

type Items = BTreeMap<EvidenceId, Evidence>;

pub(super) fn export(
    client: &Client,
    incident: IncidentId,
    why: &str,
    out: &Path,
    output: &Output,
) -> anyhow::Result<Verdict> {
    fs::create_dir(out).with_context(|| format!("cannot make `{}`; name a new folder", out.display()))?;
    let body = json!({ "incident": incident.to_string(), "why": why });
    let left = client.post(&format!("{LIST}/export"), &body)?;
    for kept in show::items(&left, "items") {
        let (id, sha256) = (show::text(kept, "id"), show::text(kept, "sha256"));
        let path = out.join(&sha256);
        if path.exists() {
            continue;
        }
        let mut file = File::options().write(true).create_new(true).open(&path)?;
        client.download(&format!("{LIST}/{id}/content?bundle=yes&why={}", encode(why)), &mut file)?;
        file.sync_all()?;
    }
    let path = out.join(LOG);
    let mut tries = 0;
    loop {
        let mut file = File::create(&path)?;
        match client.download(&format!("{LIST}/bundle?incident={incident}"), &mut file) {
            Ok(_) => break file.sync_all()?,
            Err(_) if tries < CHECKPOINT_TRIES => {
                std::thread::park_timeout(std::time::Duration::from_millis(250))
            }
            Err(error) => return Err(error),
        }
        tries += 1;
    }
    let items: Vec<Evidence> = fold(&path)?.into_values().collect();
    let mut file = File::options().write(true).create_new(true).open(out.join(MANIFEST))?;
    file.write_all(serde_json::to_string_pretty(&items)?.as_bytes())?;
    file.sync_all()?;
    let line = format!(
        "{} pieces of {incident} are in `{}`; check them with `ringfence evidence verify`",
        items.len(),
        out.display()
    );
    Ok(show::done(output, &left, &line))
}

/// What the entries of the log say.
fn fold(path: &Path) -> anyhow::Result<Items> {
    let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let mut reader = bundle::Reader::new(BufReader::new(file))?;
    let mut items = Items::new();
    while let Some(entry) = reader.entry()? {
        let envelope = Envelope::decode(&entry.envelope)?;
        let Ok(stream @ Stream::Evidence(id)) = envelope.stream.parse::<Stream>() else {
            bail!("entry {} is about something else than evidence", envelope.position);
        };
        let (_, body) = entry.body.with_context(|| format!("entry {} has no body", envelope.position))?;
        let Event::Evidence(_, event) = Event::read_body(stream, &body)? else {
            bail!("entry {} does not read", envelope.position);
        };
        let actor: Actor = envelope.actor.parse().map_err(anyhow::Error::msg)?;
        let meta = Meta { position: envelope.position, time: Timestamp(envelope.time_us), actor };
        match items.get_mut(&id) {
            Some(kept) => evidence::apply(kept, &event, &meta),
            None => items.extend(evidence::create(id, &event, &meta).map(|kept| (id, kept))),
        }
    }
    Ok(items)
}

pub(super) fn verify(folder: &Path, keys: &[VerifierKey], output: &Output) -> anyhow::Result<Verdict> {
    let path = folder.join(LOG);
    let file = File::open(&path).with_context(|| format!("cannot open `{}`", path.display()))?;
    let report = bundle::verify(BufReader::new(file), None, keys, &[])?;
    let mut wrong: Vec<String> = report.findings.iter().map(ToString::to_string).collect();
    let items = match fold(&path) {
        Ok(items) => items,
        Err(error) => {
            wrong.push(format!("{LOG}: {error:#}"));
            Items::new()
        }
    };
    compare_manifest(folder, &items, &mut wrong);
    compare_bytes(folder, &items, &mut wrong)?;
    let answer = json!({ "ok": wrong.is_empty(), "items": items.len(), "entries": report.entries,
        "key_from_bundle": report.key_from_bundle, "wrong": wrong });
    if output.json {
        output.json(&answer);
    } else {
        output.line(format!("evidence    {} pieces, {} entries", items.len(), report.entries));
        if report.key_from_bundle {
            output.line("key         that of the bundle itself; compare with one you kept: --key");
        }
        wrong.iter().for_each(|wrong| output.line(escape(&format!("WRONG: {wrong}"))));
        if wrong.is_empty() {
            output.line("everything is what it was");
        }
    }
    Ok(if wrong.is_empty() { Verdict::Done } else { Verdict::NotMet })
}

/// What stands in the manifest is for people; what counts is in the log.
fn compare_manifest(folder: &Path, items: &Items, wrong: &mut Vec<String>) {
    let mut text = String::new();
    let read =
        File::open(folder.join(MANIFEST)).and_then(|file| file.take(MANIFEST_MAX).read_to_string(&mut text));
    let said = read.map_err(|error| error.to_string());
    let said =
        said.and_then(|_| serde_json::from_str::<Vec<Value>>(&text).map_err(|error| error.to_string()));
    let said = match said {
        Ok(said) => said,
        Err(why) => return wrong.push(format!("{MANIFEST} does not read: {why}")),
    };
    let by_id = |value: &Value| value["id"].as_u64().map(EvidenceId::from_number);
    let said: BTreeMap<Option<EvidenceId>, &Value> = said.iter().map(|value| (by_id(value), value)).collect();
    for (id, kept) in items {
        let real = serde_json::to_value(kept).unwrap_or_default();
        match said.get(&Some(*id)) {
            None => wrong.push(format!("{MANIFEST}: {id} is missing")),
            Some(said) if **said != real => wrong.push(format!("{MANIFEST}: {id} is not what the log says")),
            Some(_) => {}
        }
    }
    for id in said.keys().filter(|id| id.is_none_or(|id| !items.contains_key(&id))) {
        let id = id.map_or_else(|| "something".to_owned(), |id| id.to_string());
        wrong.push(format!("{MANIFEST}: the log does not know {id}"));
    }
}

fn compare_bytes(folder: &Path, items: &Items, wrong: &mut Vec<String>) -> anyhow::Result<()> {
    let mut known = BTreeSet::from([LOG.to_owned(), MANIFEST.to_owned()]);
    for (id, kept) in items {
        let name = kept.item.sha256.to_string();
        match File::open(folder.join(&name)) {
            Err(error) => wrong.push(format!("{id}: its bytes are missing: {error}")),
            Ok(mut file) => match store::hash(&mut file) {
                Err(error) => wrong.push(format!("{id}: its bytes do not read: {error}")),
                Ok((found, _)) if found.to_string() != name => {
                    wrong.push(format!("{id}: its bytes were changed: collected as {name}, now {found}"));
                }
                Ok(_) => {}
            },
        }
        known.insert(name);
    }
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if !known.contains(&name) {
            wrong.push(format!("`{name}` is no part of it"));
        }
    }
    Ok(())
}
