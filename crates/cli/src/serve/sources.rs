//! Enabling the sources of the configuration: each is known to the journal as the holder of a token that nobody has.

use std::collections::BTreeMap;

use anyhow::{anyhow, ensure};
use domain::{access::Holder, content::Content};
use engine::Handle;
use tokio::runtime::Runtime;

use super::running::create_token;
use crate::config::Trusted;

/// The label by which the token of a source is found again.
const LABEL: &str = "proves itself by the secret in ringfence.toml";

/// Refuses sources whose mapping is not there.
pub(super) fn check(sources: &[Trusted], content: &Content) -> anyhow::Result<()> {
    for source in sources {
        let (name, mapping) = (&source.name, &source.mapping);
        let known = content.mappings.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        ensure!(
            content.mappings.contains_key(mapping),
            "source `{name}`: there is no mapping `{mapping}`; the content has {known}"
        );
    }
    Ok(())
}

pub(super) fn enable(
    sources: &[Trusted],
    handle: &Handle,
    runtime: &Runtime,
) -> anyhow::Result<BTreeMap<String, server::Source>> {
    let known = if sources.is_empty() { Vec::new() } else { handle.reader().tokens()? };
    let mut enabled = BTreeMap::new();
    for source in sources {
        let holder = Holder::Source(source.name.as_str().into());
        let found =
            known.iter().find(|token| token.holder == holder && *token.label == *LABEL && !token.revoked);
        let hash = match found {
            Some(token) => token.hash.clone(),
            None => {
                let (_, hash) = server::create_token().map_err(|error| anyhow!("no randomness: {error}"))?;
                runtime.block_on(create_token(handle, holder, hash.clone(), LABEL))?;
                hash
            }
        };
        enabled.insert(source.name.clone(), source.enable(&hash)?);
    }
    Ok(enabled)
}
