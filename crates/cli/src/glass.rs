//! How the owner of a data directory shows that it is theirs: by a file that only they can write there, whose words
//! they say to the server. It is read once.

use std::{fs, path::Path, sync::Arc};

use crate::keys;

const FILE: &str = "break-glass";
const BYTES: usize = 32;

/// Writes fresh words and returns them.
pub(crate) fn write(data_dir: &Path) -> anyhow::Result<String> {
    let mut words = [0; BYTES];
    getrandom::fill(&mut words)
        .map_err(|error| anyhow::anyhow!("the system gives no randomness for the proof: {error}"))?;
    let words: String = words.iter().map(|byte| format!("{byte:02x}")).collect();
    keys::write_private(&data_dir.join(FILE), &words)?;
    Ok(words)
}

/// Nothing is left behind, whatever the server said.
pub(crate) fn remove(data_dir: &Path) {
    drop(fs::remove_file(data_dir.join(FILE)));
}

/// Compares what a caller says with what stands there, and takes it away: a proof is good once.
pub(crate) fn owner(data_dir: &Path) -> server::Owner {
    let path = data_dir.join(FILE);
    Arc::new(move |said| {
        let plain = fs::symlink_metadata(&path).is_ok_and(|found| found.is_file() && found.len() < 1_024);
        let Some(words) = plain.then(|| fs::read(&path).ok()).flatten() else { return false };
        let taken = fs::remove_file(&path).is_ok();
        taken && words.len() == 2 * BYTES && server::Secret::new(words).is(said.as_bytes())
    })
}
