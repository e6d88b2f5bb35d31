//! `[evidence]`: folders of this machine that a snapshot of evidence keeps.

use std::path::{Path, PathBuf};

use serde::Deserialize;

const FOLDERS_MAX: usize = 32;

#[derive(Debug, Default, Clone, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Evidence {
    pub(crate) folders: Vec<Folder>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Folder {
    path: PathBuf,
    /// The kind of evidence; `system_log` if absent.
    kind: Option<String>,
}

impl Evidence {
    pub(super) fn resolve(&mut self, folder: &Path) {
        for one in &mut self.folders {
            one.path = folder.join(&one.path);
        }
    }

    pub(crate) fn folders(&self) -> anyhow::Result<Vec<server::Folder>> {
        let many = self.folders.len();
        anyhow::ensure!(many <= FOLDERS_MAX, "[evidence] names {many} folders; name at most {FOLDERS_MAX}");
        let folder = |one: &Folder| {
            let kind = one.kind.as_deref().unwrap_or("system_log");
            let kind = kind.parse().map_err(|why| anyhow::anyhow!("[evidence] kind: {why}"))?;
            let shown = one.path.display();
            anyhow::ensure!(one.path.is_dir(), "[evidence] folders: `{shown}` is no folder");
            Ok(server::Folder { path: one.path.clone(), kind })
        };
        self.folders.iter().map(folder).collect()
    }
}
