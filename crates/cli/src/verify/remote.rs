//! The log of a running server: its checkpoint, and every tile and entry below it, as C2SP tlog-tiles serves them.
//! Bodies are not served there, so they are not checked.

use anyhow::Context as _;
use tlog::{
    Checkpoint, Verifier, VerifierKey,
    tile::{self, Tile},
};

use super::Checked;
use crate::client::Client;

pub(crate) fn server(client: &Client, keys: Vec<VerifierKey>, kept: &[String]) -> anyhow::Result<Checked> {
    let note = String::from_utf8_lossy(&client.get_bytes("/log/checkpoint")?).into_owned();
    let size = Checkpoint::open(&note, &keys).context("the server's checkpoint")?.size;
    let key = keys.first().cloned();
    let mut verifier = Verifier::new(None, keys);
    verifier.push_checkpoint(&note);
    kept.iter().for_each(|note| verifier.push_kept(note));
    let mut problems = Vec::new();
    let mut above: Vec<Tile> = tile::tiles(size).collect();
    above.sort_by_key(Tile::first_position);
    let mut above = above.into_iter().peekable();
    for bundle in tile::entry_bundles_since(0, size) {
        let until = bundle.end_position().unwrap_or(u64::MAX);
        while let Some(tile) = above.next_if(|tile| tile.first_position().is_some_and(|first| first < until))
        {
            verifier.push_tile(&tile, &fetch(client, &tile)?);
        }
        push_entries(&mut verifier, &bundle, &fetch(client, &bundle)?, &mut problems);
    }
    Ok(Checked {
        what: format!("server {}", client.address()),
        report: verifier.finish(),
        key,
        key_note: None,
        rows: None,
        bodies: false,
        rows_redacted: 0,
        blobs: None,
        problems,
    })
}

fn fetch(client: &Client, tile: &Tile) -> anyhow::Result<Vec<u8>> {
    client.get_bytes(&format!("/log/{}", tile.path()))
}

fn push_entries(verifier: &mut Verifier, bundle: &Tile, bytes: &[u8], problems: &mut Vec<String>) {
    match tile::decode_entries(bytes, bundle.width) {
        Ok(entries) => {
            let first = bundle.first_position().unwrap_or(0);
            for (position, entry) in (first..).zip(entries) {
                verifier.push_entry(position, entry, None);
            }
        }
        Err(error) => problems.push(format!("{bundle}: {error}")),
    }
}
