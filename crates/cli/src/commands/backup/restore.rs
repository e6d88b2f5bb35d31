//! `backup restore`: a new data directory out of a backup, without a server.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail};
use clap::Args;
use domain::{id::IncidentId, time::Timestamp};
use engine::backup::{self, Key, Newest};
use serde_json::json;

use crate::{
    args::Global,
    commands::moment::moment,
    output::{Colour, Output, Verdict, escape},
};

const LATEST: &str = "latest";

/// Make a new data directory of a backup; it is verified first, and nothing is overwritten
#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  ringfence backup restore /mnt/safe/today.backup --key /mnt/keys/backup.key \
                        --data-dir restored\n  ringfence backup restore latest --data-dir restored --at-onset INC-13\n\n\
                        The restored platform has a new name in idempotency keys, pauses every run, takes open calls \
                        for doubtful\nand waits for `ringfence control confirm-clock` before it lifts anything."
)]
pub(crate) struct Restore {
    /// A file, or `latest`: the newest of --dir that verifies
    #[arg(value_name = "FILE|latest")]
    what: String,
    /// Where `latest` looks
    #[arg(long, value_name = "DIR", default_value = "ringfence-data/backups")]
    dir: PathBuf,
    /// The key; otherwise `backup.key` beside the folder of the backups
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Only from before this incident began, as the newest backup that knows it says
    #[arg(long, value_name = "INCIDENT", conflicts_with = "before")]
    at_onset: Option<IncidentId>,
    /// Only from before this time
    #[arg(long, value_name = "TIME", value_parser = moment)]
    before: Option<Timestamp>,
    /// Take the named file although it was made after the onset
    #[arg(long)]
    accept_newer: bool,
    /// A checkpoint that you kept: it shows how much is lost, and that nothing before was changed
    #[arg(long, value_name = "FILE")]
    kept: Vec<PathBuf>,
    /// Why; it goes on record at the first start
    #[arg(long, value_name = "TEXT", default_value = "")]
    reason: String,
}

impl Restore {
    pub(super) fn run(&self, global: &Global, output: &Output) -> anyhow::Result<Verdict> {
        let target = &global.data_dir;
        if fs::read_dir(target).is_ok_and(|mut found| found.next().is_some()) {
            bail!(
                "`{}` holds something already, and nothing is overwritten; name a new one with --data-dir",
                target.display()
            );
        }
        let file = (self.what != LATEST).then(|| PathBuf::from(&self.what));
        let folder = match &file {
            Some(file) => file.parent().map(Path::to_owned).unwrap_or_default(),
            None => self.dir.clone(),
        };
        let key = self.key(&folder)?;
        let kept = self.kept.iter().map(|path| {
            fs::read_to_string(path).with_context(|| format!("cannot read --kept `{}`", path.display()))
        });
        let kept = kept.collect::<anyhow::Result<Vec<String>>>()?;
        let onset = self.onset(&folder, &key)?;
        let (file, skipped) = match file {
            Some(file) => {
                self.refuse_newer(&file, &key, onset)?;
                (file, Vec::new())
            }
            None => {
                let work = tempfile::tempdir().context("cannot make a folder to look in")?;
                let newest = Newest::of(&folder, &key, onset, &work.path().join("look"))?;
                (newest.path, newest.skipped)
            }
        };
        output.remark("verifying and restoring...");
        let (checked, origin) = backup::restore(&file, &key, target, &kept, &self.reason)?;
        let (manifest, restored) = (&checked.manifest, &origin.restored);
        if output.json {
            output.json(&json!({
                "data_dir": target.display().to_string(), "backup": manifest.id, "file": file.display().to_string(),
                "made_at": manifest.made_at.to_string(), "entries": manifest.entries, "root": manifest.root,
                "incarnation": origin.incarnation, "lost": restored.lost,
                "skipped": skipped.iter().map(|(id, why)| json!({ "id": id, "why": why })).collect::<Vec<_>>(),
            }));
            return Ok(Verdict::Done);
        }
        for (id, why) in &skipped {
            output
                .line(output.paint(Colour::Yellow, &format!("passed over {}: {}", escape(id), escape(why))));
        }
        output.line(format!(
            "`{}` is backup {} of {}: {} entries, verified",
            escape(&target.display().to_string()),
            escape(&manifest.id),
            manifest.made_at,
            manifest.entries
        ));
        output.line(match restored.lost {
            Some(0) => "lost      nothing that the kept checkpoints speak of".to_owned(),
            Some(lost) => format!("lost      at least {lost} entries that the kept checkpoints speak of"),
            None => {
                "lost      unknown: whatever came after the backup; --kept CHECKPOINT would show how much"
                    .to_owned()
            }
        });
        output.line("then      tokens that were revoked since are valid again; revoke them anew");
        let dir = escape(&target.display().to_string());
        output.line(format!(
            "Next: ringfence serve --data-dir {dir}   (with the configuration and content as before)"
        ));
        Ok(Verdict::Done)
    }

    /// The key lies in the data directory whose folder `backups` this is, unless somebody says otherwise.
    fn key(&self, folder: &Path) -> anyhow::Result<Key> {
        let beside = folder.join("..").join(super::KEY_FILE);
        let path = self.key.as_ref().unwrap_or(&beside);
        Key::read(path).with_context(|| format!("no key in `{}`; name it with --key", path.display()))
    }

    fn onset(&self, folder: &Path, key: &Key) -> anyhow::Result<Option<Timestamp>> {
        let Some(incident) = self.at_onset else { return Ok(self.before) };
        for listed in backup::listed(folder, key)?.into_iter().filter(|listed| listed.manifest.is_ok()) {
            let work = tempfile::tempdir().context("cannot make a folder to look in")?;
            // One that is damaged knows nothing; the next may.
            if let Ok(Some(onset)) = backup::onset(&listed.path, key, work.path(), incident) {
                return Ok(Some(onset));
            }
        }
        bail!("no backup in `{}` knows {incident}; say when it began with --before", folder.display())
    }

    fn refuse_newer(&self, file: &Path, key: &Key, onset: Option<Timestamp>) -> anyhow::Result<()> {
        let made_at = backup::manifest(file, key)?.made_at;
        let newer = onset.filter(|onset| made_at >= *onset && !self.accept_newer);
        if let Some(onset) = newer {
            bail!(
                "`{}` was made at {made_at}, not before the onset at {onset}, so it may hold what the attacker left; \
                 say --accept-newer to take it all the same",
                file.display()
            );
        }
        Ok(())
    }
}
