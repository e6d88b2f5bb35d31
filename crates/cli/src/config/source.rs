//! One `[sources.NAME]`: which mapping reads what it sends, and how it proves itself.

use std::path::Path;

use anyhow::{Context as _, anyhow};
use connectors::Secret;
use serde::Deserialize;
use server::Signature;

use super::connector::Reference;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Source {
    mapping: String,
    #[serde(default)]
    secret: Option<Reference>,
    signature: String,
}

/// A source whose secret was read.
#[derive(Debug, Clone)]
pub(crate) struct Trusted {
    pub(crate) name: String,
    pub(crate) mapping: String,
    pub(crate) signature: Signature,
    pub(crate) secret: Secret,
}

impl Source {
    pub(super) fn resolve(&mut self, folder: &Path) {
        if let Some(Reference::File(path)) = &mut self.secret {
            *path = folder.join(&*path);
        }
    }

    /// Refuses a source without a secret: anybody could send in its name.
    pub(crate) fn read(&self, name: &str) -> anyhow::Result<Trusted> {
        let missing = || anyhow!("`secret` is missing; a source cannot be enabled without one");
        let read = || -> anyhow::Result<Trusted> {
            let secret = self.secret.as_ref().ok_or_else(missing)?.read()?;
            let signature: Signature = self.signature.parse().map_err(|why: String| anyhow!(why))?;
            let trusted = Trusted { name: name.to_owned(), mapping: self.mapping.clone(), signature, secret };
            trusted.enable("")?;
            Ok(trusted)
        };
        read().with_context(|| format!("source `{name}`"))
    }
}

impl Trusted {
    /// The source as the server knows it; `holder` is the hash of the token that stands for it.
    pub(crate) fn enable(&self, holder: &str) -> anyhow::Result<server::Source> {
        let made = server::Source::new(&self.mapping, self.signature.clone(), self.secret.expose(), holder);
        made.map_err(|why| anyhow!(why))
    }
}
