//! `backup`: encrypted copies of everything, made by a running server, and data directories made of them without one.

mod restore;
mod rewind;

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::{Args, Subcommand};
use engine::backup::{self, Key};
use serde_json::{Value, json};

use super::show;
use crate::{
    args::Global,
    client::encode,
    output::{Colour, Output, Verdict, escape},
    session,
};

const LIST: &str = "/api/v1/backups";
/// In a data directory.
const KEY_FILE: &str = "backup.key";

/// Back up, list, verify, restore
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    Create(Create),
    List(List),
    Verify(Verify),
    Restore(restore::Restore),
    Rewind(rewind::Rewind),
    Key(ShowKey),
}

/// Have the running server make a backup of everything, encrypted
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ringfence backup create\n  ringfence backup create --out /mnt/safe/today.backup\n\n\
                        The key is made with the first backup and lies in `backup.key` of the data directory.\n\
                        Without it no backup opens: keep a copy of it elsewhere."
)]
pub(crate) struct Create {
    /// Fetch the encrypted file as well, to this new file
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// List the backups of the running server's folder, newest first
#[derive(Debug, Args)]
#[command(after_help = "Example:\n  ringfence backup list")]
pub(crate) struct List {}

/// Open a backup file and look at everything within: SQLite's own check, the log, every row, every blob
#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  ringfence backup verify /mnt/safe/today.backup --key /mnt/keys/backup.key"
)]
pub(crate) struct Verify {
    file: PathBuf,
    /// The key; otherwise the one of the data directory
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

/// Print the key of the data directory's backups, to be kept elsewhere
#[derive(Debug, Args)]
#[command(name = "key", after_help = "Example:\n  ringfence backup key > /mnt/keys/backup.key")]
pub(crate) struct ShowKey {}

impl Command {
    pub(crate) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        match self {
            Command::Create(command) => create(command, global, output),
            Command::List(List {}) => {
                let items = session::client(global)?.whole(LIST)?;
                let columns = ["id", "made", "entries", "blobs", "bytes", "state"];
                Ok(show::list(output, items, &columns, "there is no backup", cells))
            }
            Command::Verify(command) => verify(command, global, output),
            Command::Restore(command) => command.run(global, output),
            Command::Rewind(command) => command.run(&session::client(global)?, output),
            Command::Key(ShowKey {}) => show_key(global, output),
        }
    }
}

fn cells(backup: &Value) -> Vec<String> {
    let problem = show::text(backup, "problem");
    vec![
        show::text(backup, "id"),
        show::time(backup, "made_at"),
        show::text(backup, "entries"),
        show::text(backup, "blobs"),
        show::text(backup, "bytes"),
        if problem.is_empty() { "opens".to_owned() } else { problem },
    ]
}

fn create(command: &Create, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let client = session::client(global)?;
    // Refused before the work, not after it.
    let mut file = match &command.out {
        Some(out) => {
            let file = File::options().write(true).create_new(true).open(out);
            Some((out, file.with_context(|| format!("cannot write `{}`; name a new file", out.display()))?))
        }
        None => None,
    };
    output.remark("backing up...");
    let made = client.post(LIST, &json!({}));
    let fetched = made.and_then(|made| {
        let Some((out, file)) = &mut file else { return Ok(made) };
        let length =
            client.download(&format!("{LIST}/{}/content", encode(&show::text(&made, "id"))), file)?;
        anyhow::ensure!(made["bytes"].as_u64() == Some(length), "`{}` broke off", out.display());
        file.sync_all().with_context(|| format!("cannot sync `{}`", out.display()))?;
        Ok(made)
    });
    if let (Err(_), Some((out, _))) = (&fetched, &file) {
        // Half a backup would be taken for one.
        drop(fs::remove_file(out));
    }
    let made = fetched?;
    let (id, entries, path) =
        (show::text(&made, "id"), show::text(&made, "entries"), show::text(&made, "path"));
    let verdict = show::done(output, &made, &format!("{id} holds {entries} entries: {path}"));
    if made["new_key"] == true && !output.json {
        let note = "Its key was made with it. Without the key no backup opens; keep a copy elsewhere:";
        output.line(output.paint(Colour::Yellow, note));
        let key_file = PathBuf::from(show::text(&made, "key_file"));
        match Key::read(&key_file) {
            Ok(key) => output.line(format!("  {}", key.text())),
            Err(_) => output.line(format!("  {} on the server", escape(&key_file.display().to_string()))),
        }
    }
    Ok(verdict)
}

/// The key that was named, or that of the data directory.
fn key(named: Option<&Path>, data_dir: &Path) -> anyhow::Result<Key> {
    let own = data_dir.join(KEY_FILE);
    let path = named.unwrap_or(&own);
    Key::read(path).with_context(|| format!("no key in `{}`; name it with --key", path.display()))
}

fn verify(command: &Verify, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let key = key(command.key.as_deref(), &global.data_dir)?;
    let work = tempfile::tempdir().context("cannot make a folder to look at it in")?;
    output.remark("looking at everything within...");
    let checked = backup::check(&command.file, &key, work.path(), &[])?;
    let manifest = &checked.manifest;
    let ok = checked.problems.is_empty();
    if output.json {
        output.json(&json!({
            "ok": ok, "id": manifest.id, "made_at": manifest.made_at.to_string(), "entries": manifest.entries,
            "root": manifest.root, "checkpoint": manifest.checkpoint, "log": manifest.log,
            "version": manifest.version, "content": manifest.content, "rows": checked.rows,
            "blobs": checked.blobs, "problems": checked.problems,
        }));
    } else {
        checked.problems.iter().for_each(|problem| output.line(escape(problem)));
        let found = if ok {
            "a platform can go on from it".to_owned()
        } else {
            format!("{} problems", checked.problems.len())
        };
        output.line(format!(
            "{} of {}, {} entries, {} rows, {} blobs: {found}",
            escape(&manifest.id),
            manifest.made_at,
            manifest.entries,
            checked.rows,
            checked.blobs
        ));
    }
    Ok(if ok { Verdict::Done } else { Verdict::NotMet })
}

fn show_key(global: &Global, output: &Output) -> anyhow::Result<Verdict> {
    let path = global.data_dir.join(KEY_FILE);
    if !path.exists() {
        bail!("there is no key yet; the first `ringfence backup create` makes it");
    }
    let key = Key::read(&path)?;
    if output.json {
        output.json(&json!({ "id": key.id(), "key": key.text(), "file": path.display().to_string() }));
    } else {
        output.line(key.text());
    }
    Ok(Verdict::Done)
}
