//! The files of a data directory that only its owner may read, and the key that signs its log.

use std::{
    fs::{self, OpenOptions},
    io::Write as _,
    os::unix::fs::OpenOptionsExt as _,
    path::Path,
};

use anyhow::{Context as _, bail};
use tlog::{SigningKey, VerifierKey};

/// The secret half: `PRIVATE+KEY+name+id+base64`.
const KEY_FILE: &str = "log.key";
/// The half that auditors keep: `name+id+base64`.
const VERIFIER_FILE: &str = "log.pub";
/// Before the name of this data directory in the name of its log.
const ORIGIN: &str = "ringfence/";

/// The key of a data directory; made at its first start, and only then: a log that lost its key is not given another.
pub(crate) fn open_or_create(directory: &Path, log_is_empty: bool) -> anyhow::Result<SigningKey> {
    let path = directory.join(KEY_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => {
            SigningKey::parse(text.trim()).with_context(|| format!("cannot use `{}`", path.display()))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && log_is_empty => create(directory),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => bail!(
            "`{}` is missing, and the log of this data directory was signed with it; restore it from a backup",
            path.display()
        ),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

fn create(directory: &Path) -> anyhow::Result<SigningKey> {
    let (mut name, mut seed) = ([0; 8], [0; 32]);
    getrandom::fill(&mut name)
        .and_then(|()| getrandom::fill(&mut seed))
        .map_err(|error| anyhow::anyhow!("the system gives no randomness for the log's key: {error}"))?;
    let name: String = name.iter().map(|byte| format!("{byte:02x}")).collect();
    let key = SigningKey::from_seed(&format!("{ORIGIN}{name}"), &seed)?;
    write_private(&directory.join(VERIFIER_FILE), &format!("{}\n", key.verifier()))?;
    write_private(&directory.join(KEY_FILE), &format!("{}\n", key.to_secret_text()))?;
    Ok(key)
}

/// The name of the data directory within the name of its log.
pub(crate) fn incarnation(key: &SigningKey) -> String {
    key.name().strip_prefix(ORIGIN).unwrap_or(key.name()).to_owned()
}

/// The public key that a data directory names, if it has one.
pub(crate) fn verifier(directory: &Path) -> anyhow::Result<Option<VerifierKey>> {
    let path = directory.join(VERIFIER_FILE);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(
            VerifierKey::parse(text.trim()).with_context(|| format!("cannot use `{}`", path.display()))?,
        )),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
}

/// The text of the first person's token: what an earlier start left in the file, or a new one that is in the file
/// when this returns.
pub(crate) fn first_token(path: &Path) -> anyhow::Result<String> {
    match fs::read_to_string(path) {
        Ok(text) if is_token(text.trim()) => return Ok(text.trim().to_owned()),
        Ok(_) => bail!("`{}` holds no token; remove it, and start again", path.display()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(error).with_context(|| format!("cannot read `{}`", path.display())),
    }
    let (token, _) = server::create_token().map_err(|error| anyhow::anyhow!("no randomness: {error}"))?;
    write_private(path, &format!("{token}\n"))?;
    Ok(token)
}

/// `rf_` and 32 bytes in base64url.
fn is_token(text: &str) -> bool {
    let digit = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    text.len() == 46 && text.starts_with("rf_") && text.bytes().all(digit)
}

/// Writes a file that its owner alone may read; whole and on disk, or not there.
pub(crate) fn write_private(path: &Path, text: &str) -> anyhow::Result<()> {
    let failed = || format!("cannot write `{}`", path.display());
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    let mut file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&part)
        .with_context(failed)?;
    file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).with_context(failed)?;
    fs::rename(&part, path).with_context(failed)?;
    if let Some(directory) = path.parent() {
        fs::File::open(directory).and_then(|directory| directory.sync_all()).with_context(failed)?;
    }
    Ok(())
}
