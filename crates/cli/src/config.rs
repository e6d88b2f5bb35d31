//! `ringfence.toml`: what differs from one machine to the next. Unknown keys are refused, secrets stand elsewhere.

mod backup;
mod channel;
mod connector;
mod evidence;
mod place;
mod source;
#[cfg(test)]
mod tests;

use std::{
    collections::BTreeMap,
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use serde::Deserialize;

use crate::logs::{Format, Threshold};

pub(crate) use backup::Backup;
pub(crate) use channel::Channel;
pub(crate) use connector::Connector;
pub(crate) use evidence::Evidence;
pub(crate) use place::problem;
pub(crate) use source::{Source, Trusted};

/// Largest configuration that is read, in bytes.
const BYTES_MAX: u64 = 1024 * 1024;

/// The file as it is written. Paths are relative to the folder of the file.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Config {
    pub(crate) listen: Option<SocketAddr>,
    pub(crate) data_dir: Option<PathBuf>,
    pub(crate) content: Option<PathBuf>,
    pub(crate) behind_proxy: bool,
    pub(crate) tls: Option<Tls>,
    pub(crate) log: Log,
    pub(crate) backup: Backup,
    pub(crate) connectors: BTreeMap<String, Connector>,
    pub(crate) channels: BTreeMap<String, Channel>,
    pub(crate) sources: BTreeMap<String, Source>,
    pub(crate) files: Files,
    pub(crate) evidence: Evidence,
}

/// Folders of this machine on whose files actions may act.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Files {
    pub(crate) roots: Vec<PathBuf>,
}

/// Files in PEM.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Tls {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Log {
    /// Serve checkpoint and tiles without a token.
    pub(crate) public: bool,
    pub(crate) format: Option<Format>,
    pub(crate) level: Option<Threshold>,
}

impl Config {
    /// Reads the file. Problems name line and column, and the key that was probably meant.
    pub(crate) fn read(path: &Path) -> anyhow::Result<Config> {
        let shown = path.display();
        let failed = || format!("cannot read --config `{shown}`");
        let size = fs::metadata(path).with_context(failed)?.len();
        anyhow::ensure!(
            size <= BYTES_MAX,
            "`{shown}` has {size} bytes; a configuration has at most {BYTES_MAX}"
        );
        let text = fs::read_to_string(path).with_context(failed)?;
        let mut config = Config::parse(&text).map_err(|why| anyhow::anyhow!("{shown}:{why}"))?;
        let folder = path.parent().unwrap_or(Path::new("."));
        config.resolve(folder);
        Ok(config)
    }

    fn parse(text: &str) -> Result<Config, String> {
        toml::from_str(text).map_err(|error| problem(text, &error))
    }

    fn resolve(&mut self, folder: &Path) {
        let tls = self.tls.iter_mut().flat_map(|tls| [&mut tls.cert, &mut tls.key]);
        let roots = self.files.roots.iter_mut();
        let own = [&mut self.data_dir, &mut self.content].into_iter().flatten();
        for path in own.chain(tls).chain(roots) {
            *path = folder.join(&*path);
        }
        self.backup.resolve(folder);
        self.evidence.resolve(folder);
        self.sources.values_mut().for_each(|source| source.resolve(folder));
        for channel in self.channels.values_mut() {
            channel.resolve(folder);
        }
        for connector in self.connectors.values_mut() {
            connector.resolve(folder);
        }
    }
}
