//! `[backup]`: when backups make themselves, where they lie, and how many stay.

use std::path::{Path, PathBuf};

use domain::time::Span;
use engine::backup::Schedule;
use serde::Deserialize;

const KEEP: usize = 14;
const EVERY_LEAST: Span = Span::secs(1);

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Backup {
    pub(crate) every: Option<String>,
    pub(crate) keep: Option<usize>,
    pub(crate) dir: Option<PathBuf>,
}

impl Backup {
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(dir) = &mut self.dir {
            *dir = folder.join(&*dir);
        }
    }

    /// Nothing without `every`: then backups are made by hand.
    pub(crate) fn schedule(&self) -> anyhow::Result<Option<Schedule>> {
        let Some(every) = &self.every else { return Ok(None) };
        let span: Span = every.parse().map_err(|why| anyhow::anyhow!("[backup] every = `{every}`: {why}"))?;
        anyhow::ensure!(span >= EVERY_LEAST, "[backup] every = `{every}` is shorter than {EVERY_LEAST}");
        let keep = self.keep.unwrap_or(KEEP);
        anyhow::ensure!((1..=10_000).contains(&keep), "[backup] keep = {keep} is not within 1 to 10000");
        Ok(Some(Schedule { every: span, keep }))
    }

    /// Where backups of this data directory lie.
    pub(crate) fn folder(&self, data_dir: &Path) -> PathBuf {
        self.dir.clone().unwrap_or_else(|| data_dir.join("backups"))
    }
}
