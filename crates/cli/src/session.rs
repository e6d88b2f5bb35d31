//! Where a command finds its server and its token.
//!
//! Named on the command line or in the environment; otherwise in the data directory, where `serve` leaves both for
//! the owner of the machine. The token of a data directory goes only to the server of that directory.

use std::{fs, path::Path};

use anyhow::Context as _;

use crate::{
    args::Global,
    client::{Address, Client, Token},
};

/// Where a server listens when nobody says otherwise.
pub(crate) const DEFAULT_SERVER: &str = "http://127.0.0.1:8080";
/// In the data directory: the address of the running server.
pub(crate) const ADDRESS_FILE: &str = "server.addr";
/// In the data directory: the first person's token.
pub(crate) const TOKEN_FILE: &str = "admin.token";

/// The client for the server that this command line means.
pub(crate) fn client(global: &Global) -> anyhow::Result<Client> {
    let of_directory = read_line(&global.data_dir, ADDRESS_FILE)?;
    let address: Address = match (&global.server, &of_directory) {
        (Some(address), _) => address.clone(),
        (None, Some(line)) => parse(line)?,
        (None, None) => parse(DEFAULT_SERVER)?,
    };
    let home = match &of_directory {
        Some(line) => parse(line)? == address,
        None => global.server.is_none(),
    };
    let token = token(global, home)?;
    if token.is_some() && !address.tls && !address.is_loopback() && !global.insecure {
        anyhow::bail!(
            "a token would go to {address} in the clear; use https, or --insecure if the way there is safe"
        );
    }
    let ca = match &global.ca_file {
        Some(path) => {
            Some(fs::read(path).with_context(|| format!("cannot read --ca-file `{}`", path.display()))?)
        }
        None => None,
    };
    Client::new(address, token, ca.as_deref())
}

fn token(global: &Global, home: bool) -> anyhow::Result<Option<Token>> {
    if let Some(path) = &global.token_file {
        let text = fs::read_to_string(path);
        let text = text.with_context(|| format!("cannot read --token-file `{}`", path.display()))?;
        return Ok(Some(Token::new(&text)));
    }
    if let Some(text) = global.token.as_ref().filter(|text| !text.trim().is_empty()) {
        return Ok(Some(Token::new(text)));
    }
    if !home {
        return Ok(None);
    }
    Ok(read_line(&global.data_dir, TOKEN_FILE)?.map(|line| Token::new(&line)))
}

fn parse(text: &str) -> anyhow::Result<Address> {
    text.parse().map_err(anyhow::Error::msg)
}

fn read_line(directory: &Path, name: &str) -> anyhow::Result<Option<String>> {
    let path = directory.join(name);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(text.trim().to_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read `{}`; is it yours?", path.display())),
    }
}
