//! One `[connectors.NAME]`: where a system is, which networks may be reached, and how it is spoken to.

use std::{
    collections::BTreeMap,
    env, fs,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};

use anyhow::{Context as _, anyhow, bail};
use connectors::{Config, Endpoint, EstateConnector, HttpConnector, IpNet, Secret};
use domain::time::Span;
use serde::{Deserialize, Deserializer, de::Error as _};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Connector {
    pub(crate) kind: Kind,
    /// Left out for the estate in this process.
    #[serde(default, deserialize_with = "parsed")]
    pub(crate) endpoint: Option<Endpoint>,
    #[serde(default, deserialize_with = "parsed_list")]
    allowed_networks: Vec<IpNet>,
    /// Sent as `Authorization: Bearer …`.
    #[serde(default)]
    secret: Option<Reference>,
    #[serde(default)]
    headers: BTreeMap<String, Reference>,
    /// A file with the certificates, in PEM, that may vouch for the endpoint.
    #[serde(default)]
    trusted_ca: Option<PathBuf>,
    #[serde(default, deserialize_with = "parsed")]
    timeout: Option<Span>,
    #[serde(default, deserialize_with = "parsed")]
    connect_timeout: Option<Span>,
    #[serde(default)]
    concurrency_max: Option<usize>,
    #[serde(default)]
    body_max: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Kind {
    Http,
    Estate,
}

/// Where a secret stands: `file:PATH` or `env:NAME`. A secret itself is not taken from a configuration.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub(super) enum Reference {
    File(PathBuf),
    Env(String),
}

impl TryFrom<String> for Reference {
    type Error = String;

    fn try_from(text: String) -> Result<Reference, String> {
        match text.split_once(':') {
            Some(("file", path)) if !path.is_empty() => Ok(Reference::File(path.into())),
            Some(("env", name)) if !name.is_empty() => Ok(Reference::Env(name.to_owned())),
            // The text is not quoted: it may be the secret.
            Some(_) | None => {
                Err("a secret must be `file:PATH` or `env:NAME`; it does not stand here itself".to_owned())
            }
        }
    }
}

impl Reference {
    pub(super) fn read(&self) -> anyhow::Result<Secret> {
        let text = match self {
            Reference::File(path) => fs::read_to_string(path)
                .with_context(|| format!("cannot read the secret in `{}`", path.display()))?,
            Reference::Env(name) => env::var(name)
                .map_err(|_| anyhow!("the environment has no `{name}`, where a secret should be"))?,
        };
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() {
            bail!("the secret is empty");
        }
        Ok(Secret::new(text))
    }
}

impl Connector {
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(path) = &mut self.trusted_ca {
            *path = folder.join(&*path);
        }
        for reference in self.headers.values_mut().chain(&mut self.secret) {
            if let Reference::File(path) = reference {
                *path = folder.join(&*path);
            }
        }
    }

    /// The connector over HTTP; `None` for the estate in this process.
    pub(crate) fn build(&self, name: &str) -> anyhow::Result<Option<Arc<dyn connectors::Connector>>> {
        if name == domain::control::own::CONNECTOR {
            bail!("[connectors.{name}] names the platform itself, which needs none; give it another name");
        }
        if name == domain::content::FILES {
            bail!("[connectors.{name}] is the platform's own; name folders in `[files] roots` instead");
        }
        let Some(endpoint) = &self.endpoint else {
            return match self.kind {
                Kind::Estate => Ok(None),
                Kind::Http => bail!("connector `{name}`: `endpoint` is missing; write `https://host:port`"),
            };
        };
        let built = self.config(endpoint.clone()).and_then(|config| self.connect(config));
        built.map(Some).with_context(|| format!("connector `{name}`"))
    }

    fn connect(&self, config: Config) -> anyhow::Result<Arc<dyn connectors::Connector>> {
        Ok(match self.kind {
            Kind::Http => Arc::new(HttpConnector::new(config)?),
            Kind::Estate => Arc::new(EstateConnector::new(config)?),
        })
    }

    fn config(&self, endpoint: Endpoint) -> anyhow::Result<Config> {
        let mut config = Config::new(endpoint);
        config.allowed_networks.clone_from(&self.allowed_networks);
        if let Some(secret) = &self.secret {
            let bearer = Secret::new(format!("Bearer {}", secret.read()?.expose()));
            config.headers.push(("Authorization".to_owned(), bearer));
        }
        for (header, reference) in &self.headers {
            let secret = reference.read().with_context(|| format!("header `{header}`"))?;
            config.headers.push((header.clone(), secret));
        }
        if let Some(path) = &self.trusted_ca {
            let pem = fs::read_to_string(path)
                .with_context(|| format!("cannot read `trusted_ca` `{}`", path.display()))?;
            config.trusted_ca_pem = Some(pem);
        }
        config.timeout = self.timeout.map_or(config.timeout, Span::as_std);
        config.connect_timeout = self.connect_timeout.map_or(config.connect_timeout, Span::as_std);
        config.concurrency_max = self.concurrency_max.unwrap_or(config.concurrency_max);
        config.body_max = self.body_max.unwrap_or(config.body_max);
        anyhow::ensure!(config.timeout > Duration::ZERO, "`timeout` must be longer than 0s");
        Ok(config)
    }
}

pub(super) fn parsed<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    text.parse().map(Some).map_err(D::Error::custom)
}

pub(super) fn parsed_list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(D::Error::custom)).collect()
}
