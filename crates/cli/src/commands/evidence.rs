//! `evidence`: what was kept of an incident, by hash, and through whose hands it went.

mod offline;

use std::{fs::File, io::Read as _, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args, Subcommand};
use domain::{
    evidence::Kind,
    id::{EvidenceId, IncidentId},
};
use serde_json::{Value, json};
use tlog::VerifierKey;

use super::show;
use crate::{
    args::Global,
    client::{Client, encode},
    output::{Output, Verdict, escape},
    session,
};

const LIST: &str = "/api/v1/evidence";
/// As many handlings as are shown.
const CUSTODY_MAX: usize = 10_000;
/// Longest text that is read for a note.
const NOTE_MAX: u64 = 64 * 1024;

/// Keep, list, hand over and check evidence
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Add(Add),
    List(List),
    Show(Show),
    Get(Get),
    Transfer(Transfer),
    Verify(Verify),
    Export(Export),
    Snapshot(Snapshot),
}

/// Keep a file or a short text as evidence of an incident
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("what").required(true).args(["file", "note"])),
    after_help = "Example:\n  ringfence evidence add INC-13 capture.pcap --kind network_capture\n  \
                  ringfence evidence add INC-13 --note 'the door stood open' --name entrance"
)]
pub(crate) struct Add {
    incident: IncidentId,
    /// The file; it is taken as it is, never unpacked
    file: Option<PathBuf>,
    /// A short text; `-` reads it from standard input
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// audit_log, system_log, configuration_backup, memory_image, network_capture or file
    #[arg(long, default_value = "file", conflicts_with = "note")]
    kind: Kind,
    /// Its name; otherwise that of the file
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

/// List what is kept, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence evidence list INC-13")]
pub(crate) struct List {
    /// Only what belongs to this incident
    incident: Option<IncidentId>,
    #[arg(long, value_name = "N", default_value_t = show::LIMIT)]
    limit: usize,
}

/// Show one piece with its custody log
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence evidence show EVD-21")]
pub(crate) struct Show {
    id: EvidenceId,
}

/// Take a copy of its bytes; that you did, and why, goes on record
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence evidence get EVD-21 --why 'look for the key' --out core.img")]
pub(crate) struct Get {
    id: EvidenceId,
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// File to write, which must not exist
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
}

/// Put on record who answers for it from here on
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence evidence transfer EVD-21 --to 'Forensics Ltd' --why 'disk work' --receipt R-17"
)]
pub(crate) struct Transfer {
    id: EvidenceId,
    #[arg(long, value_name = "NAME")]
    to: String,
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// What they signed
    #[arg(long, value_name = "TEXT")]
    receipt: String,
}

/// Hash the stored bytes anew, or check an exported folder without a server
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence evidence verify EVD-21\n  ringfence evidence verify case-13 --key \"$(cat log.pub)\""
)]
pub(crate) struct Verify {
    /// A piece of evidence, or a folder that `evidence export` wrote
    #[arg(value_name = "EVD|DIR")]
    what: String,
    /// For a folder: the log's public key as you kept it, name+id+base64
    #[arg(long, value_name = "KEY", value_parser = super::log::parse_key)]
    key: Vec<VerifierKey>,
}

/// Write all evidence of an incident with its log and proofs into a folder; that it left goes on record
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence evidence export INC-13 --why 'for the court' --out case-13")]
pub(crate) struct Export {
    incident: IncidentId,
    #[arg(long, value_name = "TEXT")]
    why: String,
    /// Folder to make, which must not exist
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// Keep the platform's log since the incident began, the newest backup, and the folders of ringfence.toml
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence evidence snapshot INC-13 --fresh-backup")]
pub(crate) struct Snapshot {
    incident: IncidentId,
    /// Make a backup first, even where there is one
    #[arg(long)]
    fresh_backup: bool,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        if let Command::Verify(Verify { what, key }) = self
            && what.parse::<EvidenceId>().is_err()
        {
            return offline::verify(what.as_ref(), key, output);
        }
        let client = session::client(global)?;
        match self {
            Command::Add(command) => add(&client, command, output),
            Command::List(List { incident, limit }) => {
                let query = incident.map_or_else(|| LIST.to_owned(), |id| format!("{LIST}?incident={id}"));
                let items = client.list(&query, *limit)?;
                let columns = ["id", "incident", "kind", "name", "bytes", "collected", "state"];
                Ok(show::list(output, items, &columns, "there is no evidence", cells))
            }
            Command::Show(Show { id }) => one(&client, *id, output),
            Command::Get(command) => get(&client, command, output),
            Command::Transfer(Transfer { id, to, why, receipt }) => {
                let body = json!({ "to": to, "why": why, "receipt": receipt });
                let kept = client.post(&format!("{LIST}/{id}/transfer"), &body)?;
                Ok(show::done(output, &kept, &format!("{id} is with {to}")))
            }
            Command::Snapshot(command) => snapshot(&client, command, output),
            Command::Export(Export { incident, why, out }) => {
                offline::export(&client, *incident, why, out, output)
            }
            Command::Verify(Verify { what, .. }) => {
                let kept = client.post(&format!("{LIST}/{what}/verify"), &json!({}))?;
                Ok(verified(&kept, output))
            }
        }
    }
}

fn add(client: &Client, command: &Add, output: &Output) -> anyhow::Result<Verdict> {
    let incident = command.incident;
    let kept = match (&command.file, &command.note) {
        (Some(path), _) => {
            let file = File::open(path).with_context(|| format!("cannot open `{}`", path.display()))?;
            let own = || path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
            let name = command.name.clone().unwrap_or_else(own);
            let (kind, name) = (command.kind.name(), encode(&name));
            client.upload(&format!("{LIST}?incident={incident}&kind={kind}&name={name}"), file)?
        }
        (None, note) => {
            let text = match note.as_deref() {
                Some("-") => {
                    let mut text = String::new();
                    std::io::stdin()
                        .take(NOTE_MAX)
                        .read_to_string(&mut text)
                        .context("cannot read the note")?;
                    text
                }
                text => text.unwrap_or_default().to_owned(),
            };
            let name = command.name.clone().unwrap_or_else(|| "note".to_owned());
            let body = json!({ "incident": incident.to_string(), "name": name, "text": text });
            client.post(&format!("{LIST}/notes"), &body)?
        }
    };
    let line = format!("{} is kept, SHA-256 {}", show::text(&kept, "id"), show::text(&kept, "sha256"));
    Ok(show::done(output, &kept, &line))
}

/// What could not be kept is not hidden behind what was.
fn snapshot(client: &Client, command: &Snapshot, output: &Output) -> anyhow::Result<Verdict> {
    let body = json!({ "incident": command.incident.to_string(), "fresh_backup": command.fresh_backup });
    output.remark("keeping...");
    let answer = client.post(&format!("{LIST}/snapshot"), &body)?;
    let missing = show::items(&answer, "missing");
    if output.json {
        output.json(&answer);
    } else {
        for kept in show::items(&answer, "items") {
            let [id, kind, name, sha256] =
                ["id", "kind", "name", "sha256"].map(|field| show::text(kept, field));
            output.line(escape(&format!("{id} {kind} {name}, SHA-256 {sha256}")));
        }
        for one in missing {
            output.line(escape(&format!(
                "not kept: {}: {}",
                show::text(one, "what"),
                show::text(one, "why")
            )));
        }
    }
    Ok(if missing.is_empty() { Verdict::Done } else { Verdict::NotMet })
}

fn state(kept: &Value) -> String {
    let said = |name: &str| !show::text(kept, name).is_empty();
    match (said("fault"), kept["quarantined"] == true, said("sealed_at")) {
        (true, _, _) => "ALTERED".to_owned(),
        (false, true, _) => "in quarantine".to_owned(),
        (false, false, true) => "sealed".to_owned(),
        (false, false, false) => "collected".to_owned(),
    }
}

fn cells(kept: &Value) -> Vec<String> {
    let plain = ["id", "incident", "kind", "name", "bytes"];
    let mut cells: Vec<String> = plain.iter().map(|name| show::text(kept, name)).collect();
    cells.push(show::short_time(kept, "collected_at"));
    cells.push(state(kept));
    cells
}

fn one(client: &Client, id: EvidenceId, output: &Output) -> anyhow::Result<Verdict> {
    let mut kept = client.get(&format!("{LIST}/{id}"))?;
    let custody = client.list(&format!("{LIST}/{id}/custody"), CUSTODY_MAX)?;
    if output.json {
        kept["custody"] = custody.into();
        output.json(&kept);
        return Ok(Verdict::Done);
    }
    let line = |entry: &Value| {
        let who = show::text(entry, "actor");
        format!(
            "{} {who} {}: {}",
            show::time(entry, "time"),
            show::text(entry, "kind"),
            show::text(entry, "summary")
        )
    };
    let mut fields: Vec<(&str, String)> =
        ["id", "incident", "kind", "name", "sha256", "bytes", "media", "source"]
            .into_iter()
            .map(|name| (name, show::text(&kept, name)))
            .collect();
    fields.extend([
        ("state", state(&kept)),
        ("collected", show::time(&kept, "collected_at")),
        ("by", show::text(&kept, "collected_by")),
        ("with", show::text(&kept, "custodian")),
        ("checked", show::time(&kept, "checked_at")),
        ("fault", show::text(&kept, "fault")),
        ("custody", custody.iter().map(line).collect::<Vec<_>>().join("\n")),
    ]);
    show::fields(output, &fields);
    Ok(Verdict::Done)
}

fn get(client: &Client, command: &Get, output: &Output) -> anyhow::Result<Verdict> {
    let Get { id, why, out } = command;
    let kept = client.get(&format!("{LIST}/{id}"))?;
    let file = File::options().write(true).create_new(true).open(out);
    let mut file = file.with_context(|| format!("cannot write `{}`; name a new file", out.display()))?;
    let fetched = client.download(&format!("{LIST}/{id}/content?why={}", encode(why)), &mut file);
    let expected = kept["bytes"].as_u64();
    match fetched {
        Ok(length) if Some(length) == expected => {}
        Ok(length) => bail!("`{}` has {length} bytes of {}", out.display(), show::text(&kept, "bytes")),
        Err(error) => {
            // Nothing of it is worth keeping.
            drop(std::fs::remove_file(out));
            return Err(error);
        }
    }
    file.sync_all().with_context(|| format!("cannot sync `{}`", out.display()))?;
    let line = format!("{id} is in {}, SHA-256 {}", out.display(), show::text(&kept, "sha256"));
    Ok(show::done(output, &kept, &line))
}

fn verified(kept: &Value, output: &Output) -> Verdict {
    let (id, fault) = (show::text(kept, "id"), show::text(kept, "fault"));
    let line = if fault.is_empty() { format!("{id} is what it was") } else { fault.clone() };
    show::done(output, kept, &line);
    if fault.is_empty() { Verdict::Done } else { Verdict::NotMet }
}
