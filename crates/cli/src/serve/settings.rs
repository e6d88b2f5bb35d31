//! What a server is started with: the command line first, then the configuration, then the defaults.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::bail;
use engine::{Channels, Connectors, backup::Schedule};

use super::Serve;
use crate::{
    config::{Config, Log, Trusted},
    content::Source,
    estate::Estate,
};

/// The connector that the shipped actions name.
const ESTATE: &str = "estate";

pub(crate) struct Settings {
    pub(crate) data_dir: PathBuf,
    pub(crate) listen: SocketAddr,
    pub(crate) tls: Option<server::Tls>,
    pub(crate) content: Source,
    pub(crate) connectors: Connectors,
    pub(crate) channels: Channels,
    /// Folders on whose files actions may act.
    pub(crate) roots: Vec<PathBuf>,
    /// Folders that a snapshot of evidence keeps.
    pub(crate) folders: Vec<server::Folder>,
    /// The simulated estate in this process, if actions may go there.
    pub(crate) estate: Option<Arc<Estate>>,
    pub(crate) public_log: bool,
    /// Browsers reach it by https only.
    pub(crate) secure: bool,
    /// Those that prove themselves by a secret.
    pub(crate) sources: Vec<Trusted>,
    /// Where backups lie, and when they make themselves.
    pub(crate) backups: PathBuf,
    pub(crate) schedule: Option<Schedule>,
    /// Name of the first person.
    pub(crate) admin: Option<String>,
}

impl Settings {
    pub(crate) fn read(serve: &Serve, data_dir: &Path) -> anyhow::Result<(Settings, Log)> {
        let config = match &serve.config {
            Some(path) => Config::read(path)?,
            None => Config::default(),
        };
        let listen = serve.listen.or(config.listen).unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080)));
        let tls = match &config.tls {
            Some(files) => Some(server::Tls::from_pem_files(files.cert.clone(), files.key.clone())?),
            None => None,
        };
        let behind_proxy = serve.behind_proxy || config.behind_proxy;
        refuse_open_doors(listen, tls.is_some(), behind_proxy)?;
        let secure = tls.is_some() || behind_proxy;
        let content = match serve.content.as_ref().or(config.content.as_ref()) {
            Some(folder) => Source::Folder(folder.clone()),
            None => Source::Shipped,
        };
        let (connectors, estate) = connectors(&config)?;
        let channels = config.channels.iter().map(|(name, channel)| Ok((name.clone(), channel.build(name)?)));
        let channels = channels.collect::<anyhow::Result<Channels>>()?;
        let by_default = data_dir == Path::new("ringfence-data");
        let data_dir = match &config.data_dir {
            Some(configured) if by_default => configured.clone(),
            Some(_) | None => data_dir.to_owned(),
        };
        let public_log = config.log.public;
        let sources =
            config.sources.iter().map(|(name, source)| source.read(name)).collect::<Result<_, _>>()?;
        let admin = serve.admin.clone();
        let (backups, schedule) = (config.backup.folder(&data_dir), config.backup.schedule()?);
        let settings = Settings {
            data_dir,
            listen,
            tls,
            content,
            connectors,
            channels,
            roots: config.files.roots,
            folders: config.evidence.folders()?,
            estate,
            public_log,
            secure,
            sources,
            backups,
            schedule,
            admin,
        };
        Ok((settings, config.log))
    }

    /// A server for a drill: the simulated estate, the shipped content, a free port of this machine.
    pub(crate) fn drill(data_dir: PathBuf) -> Settings {
        let estate = Estate::shipped();
        let connector: Arc<dyn connectors::Connector> = estate.clone();
        Settings {
            backups: data_dir.join("backups"),
            schedule: None,
            data_dir,
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            tls: None,
            content: Source::Shipped,
            connectors: Connectors::from([(ESTATE.to_owned(), connector)]),
            channels: Channels::new(),
            roots: Vec::new(),
            folders: Vec::new(),
            estate: Some(estate),
            public_log: false,
            secure: false,
            sources: Vec::new(),
            admin: Some("drill".to_owned()),
        }
    }
}

/// Tokens and alerts must not cross a network in the clear.
fn refuse_open_doors(listen: SocketAddr, tls: bool, behind_proxy: bool) -> anyhow::Result<()> {
    if listen.ip().is_loopback() || tls || behind_proxy {
        return Ok(());
    }
    bail!(
        "listening on {listen} would send tokens in the clear; name `[tls] cert` and `key` in ringfence.toml, or say \
         --behind-proxy if a proxy before it speaks TLS, or listen on loopback"
    )
}

fn connectors(config: &Config) -> anyhow::Result<(Connectors, Option<Arc<Estate>>)> {
    let (mut connectors, mut estate) = (Connectors::new(), None);
    for (name, connector) in &config.connectors {
        let built = match connector.build(name)? {
            Some(built) => built,
            None => estate.get_or_insert_with(Estate::shipped).clone(),
        };
        connectors.insert(name.clone(), built);
    }
    if config.connectors.is_empty() {
        let simulated = estate.get_or_insert_with(Estate::shipped).clone();
        connectors.insert(ESTATE.to_owned(), simulated);
    }
    Ok((connectors, estate))
}
