//! `log`: the audit log, for those who must be able to believe it.

use std::{fs, path::PathBuf};

use anyhow::{Context as _, bail};
use clap::{ArgGroup, Args, Subcommand};
use domain::id::IncidentId;
use serde_json::{Value, json};
use tlog::VerifierKey;

use super::show;
use crate::{
    args::Global,
    client::{Address, Client},
    keys,
    output::{Output, Usage, Verdict, escape_lines},
    session, verify,
};

const EXPORT: &str = "/api/v1/log/export";
/// One redaction names at most this many entries.
const ENTRIES_MAX: usize = 1_000;

/// Checkpoints, proofs, verification, exports, redaction
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Checkpoint(Checkpoint),
    Prove(Prove),
    Verify(Verify),
    Export(Export),
    Redact(Redact),
}

/// Print the newest signed checkpoint; keep it, and give it to `log verify --since` later
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence log checkpoint > kept.checkpoint")]
pub(crate) struct Checkpoint {}

/// Print the proof that an entry is in the log (C2SP tlog-proof)
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence log prove 13")]
pub(crate) struct Prove {
    /// The entry's position; it is the number in the id of what it created
    position: u64,
}

/// Check a log from the first entry to the last: a data directory, an exported bundle, or a server
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence log verify ringfence-data --since kept.checkpoint\n  \
                        ringfence log verify export.bundle --key \"$(cat log.pub)\"\n  \
                        ringfence log verify https://ringfence.example")]
pub(crate) struct Verify {
    /// A data directory that no server uses, a bundle, or a URL; otherwise the data directory, or its server if one
    /// runs
    #[arg(value_name = "DIR|BUNDLE|URL")]
    what: Option<String>,
    /// A checkpoint that you kept; the log must have grown from it
    #[arg(long, value_name = "FILE")]
    since: Vec<PathBuf>,
    /// The log's public key as you kept it, name+id+base64
    #[arg(long, value_name = "KEY", value_parser = parse_key)]
    key: Vec<VerifierKey>,
}

/// Write a bundle that can be checked without a server
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence log export --out ringfence.bundle\n  \
                        ringfence log verify ringfence.bundle")]
pub(crate) struct Export {
    /// File to write, which must not exist; otherwise standard output
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// Erase the text of entries for ever; what is proved about them stays provable
#[derive(Debug, Args)]
#[command(
    group(ArgGroup::new("which").required(true).args(["positions", "incident"])),
    after_help = "Example:\n  ringfence log redact 17 18 --reason 'personal data'"
)]
pub(crate) struct Redact {
    /// Positions of entries
    positions: Vec<u64>,
    /// All entries about this incident
    #[arg(long, value_name = "ID")]
    incident: Option<IncidentId>,
    /// Why; it is journaled
    #[arg(long, value_name = "TEXT")]
    reason: String,
}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        match self {
            Command::Checkpoint(Checkpoint {}) => checkpoint(global, output),
            Command::Prove(command) => prove(command.position, global, output),
            Command::Verify(command) => Ok(command.check(global)?.print(output)),
            Command::Export(command) => export(command, global, output),
            Command::Redact(command) => redact(command, global, output),
        }
    }
}

fn checkpoint(global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let note = session::client(global)?.get_bytes("/log/checkpoint")?;
    let note = String::from_utf8_lossy(&note).into_owned();
    if output.json {
        output.json(&json!({ "checkpoint": note }));
    } else {
        output.raw(&format!("{}\n", escape_lines(&note)));
    }
    Ok(Verdict::Done)
}

fn prove(position: u64, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let proof = session::client(global)?.get_bytes(&format!("/api/v1/log/prove/{position}"))?;
    let proof = String::from_utf8_lossy(&proof).into_owned();
    if output.json {
        output.json(&json!({ "position": position, "proof": proof }));
    } else {
        output.line(escape_lines(&proof));
    }
    Ok(Verdict::Done)
}

impl Verify {
    fn check(&self, global: &Global) -> anyhow::Result<verify::Checked> {
        let kept = self.since.iter().map(|path| {
            fs::read_to_string(path).with_context(|| format!("cannot read --since `{}`", path.display()))
        });
        let kept = kept.collect::<anyhow::Result<Vec<String>>>()?;
        let Some(what) = &self.what else {
            return self.check_own(global, &kept);
        };
        if what.contains("://") {
            let address: Address = what.parse().map_err(Usage)?;
            let there = Global { server: Some(address), ..global.clone() };
            return verify::server(&session::client(&there)?, self.keys(global)?, &kept);
        }
        let path = PathBuf::from(what);
        if path.is_dir() {
            return verify::directory(&path, &self.key, &kept);
        }
        verify::bundle(&path, &self.key, &kept)
    }

    /// Without a name: the server that was named otherwise, else the data directory, else the server that has it open.
    fn check_own(&self, global: &Global, kept: &[String]) -> anyhow::Result<verify::Checked> {
        let remote = || verify::server(&session::client(global)?, self.keys(global)?, kept);
        if global.server.is_some() {
            return remote();
        }
        match verify::directory(&global.data_dir, &self.key, kept) {
            Err(error) if matches!(error.downcast_ref(), Some(store::Error::InUse { .. })) => remote(),
            checked => checked,
        }
    }

    /// For a server: the key that was given, or that of the data directory.
    fn keys(&self, global: &Global) -> anyhow::Result<Vec<VerifierKey>> {
        if !self.key.is_empty() {
            return Ok(self.key.clone());
        }
        match keys::verifier(&global.data_dir)? {
            Some(key) => Ok(vec![key]),
            None => bail!("give the log's key with --key; it is in `log.pub` of the server's data directory"),
        }
    }
}

fn export(command: &Export, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let client = session::client(global)?;
    let Some(out) = &command.out else {
        // A bundle is JSON lines, in which no control character stands raw.
        client.download(EXPORT, &mut std::io::stdout().lock())?;
        return Ok(Verdict::Done);
    };
    let failed = || format!("cannot write `{}`", out.display());
    let mut file = fs::File::create_new(out).with_context(failed)?;
    let written = client.download(EXPORT, &mut file).and_then(|bytes| {
        file.sync_all().with_context(failed)?;
        Ok(bytes)
    });
    if written.is_err() {
        // Half an export would only be found wanting later.
        fs::remove_file(out).with_context(failed)?;
    }
    let shown = out.display().to_string();
    let answer = json!({ "out": shown, "bytes": written? });
    let line = format!("{shown} is written; check it with `ringfence log verify {shown}`");
    Ok(show::done(output, &answer, &line))
}

fn redact(command: &Redact, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let client = session::client(global)?;
    let positions = match command.incident {
        Some(id) => texts_of(&client, id)?,
        None => command.positions.clone(),
    };
    let body = json!({ "positions": positions, "reason": command.reason });
    let answer = client.post("/api/v1/log/redact", &body)?;
    let count = positions.len();
    Ok(show::done(output, &answer, &format!("the text of {count} entries is erased; proofs still hold")))
}

/// The entries of an incident and its alerts: those that hold text of people and monitors.
fn texts_of(client: &Client, id: IncidentId) -> anyhow::Result<Vec<u64>> {
    let entries = client.list(&format!("/api/v1/incidents/{id}/timeline"), ENTRIES_MAX)?;
    let with_text = entries.iter().filter(|entry| {
        let stream = show::text(entry, "stream");
        stream.starts_with("incident/") || stream.starts_with("alert/")
    });
    Ok(with_text.filter_map(|entry| entry.get("position").and_then(Value::as_u64)).collect())
}

pub(super) fn parse_key(text: &str) -> Result<VerifierKey, String> {
    VerifierKey::parse(text.trim()).map_err(|error| error.to_string())
}
