//! A small log, built with the public API, for the checks to check.

use std::collections::BTreeMap;

use tlog::leaf::{Body, Envelope, body_hash};
use tlog::tile::{Kind, Tile, encode_hashes};
use tlog::tree::{Frontier, inclusion_proof};
use tlog::{Checkpoint, Hash, SigningKey, VerifierKey, leaf_hash};

pub(crate) const ORIGIN: &str = "ringfence.example/log";

#[derive(Clone)]
pub(crate) struct Stored {
    pub(crate) envelope: Vec<u8>,
    /// Salt and body.
    pub(crate) body: Option<(Vec<u8>, Vec<u8>)>,
}

impl Stored {
    pub(crate) fn body(&self) -> Option<Body<'_>> {
        self.body.as_ref().map(|(salt, body)| Body { salt, body })
    }
}

#[derive(Clone)]
pub(crate) struct Log {
    pub(crate) entries: Vec<Stored>,
    nodes: BTreeMap<(u8, u64), Hash>,
    roots: Vec<Hash>,
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed(ORIGIN, &[42; 32]).unwrap()
}

pub(crate) fn keys() -> Vec<VerifierKey> {
    vec![key().verifier().clone()]
}

impl Log {
    /// A log of `count` entries in three streams; every seventh is redacted. Another `history` has other
    /// bodies.
    pub(crate) fn new(count: u64, history: u8) -> Self {
        let mut log = Self { entries: Vec::new(), nodes: BTreeMap::new(), roots: Vec::new() };
        let mut frontier = Frontier::new();
        log.roots.push(frontier.root());
        for position in 0..count {
            let stored = entry(position, history);
            frontier.append_with(leaf_hash(&stored.envelope), |level, index, hash| {
                log.nodes.insert((level, index), hash);
            });
            log.roots.push(frontier.root());
            log.entries.push(stored);
        }
        log
    }

    pub(crate) fn root(&self, size: u64) -> Hash {
        self.roots[size as usize]
    }

    pub(crate) fn checkpoint(&self, size: u64) -> String {
        Checkpoint::new(ORIGIN, size, self.root(size)).sign(&key()).unwrap()
    }

    pub(crate) fn proof(&self, index: u64, size: u64) -> Vec<Hash> {
        inclusion_proof(index, size, |level, index| self.nodes.get(&(level, index)).copied()).unwrap()
    }

    pub(crate) fn tile(&self, tile: &Tile) -> Vec<u8> {
        let Kind::Hashes(level) = tile.kind else { panic!("only tiles of hashes") };
        let first = tile.index * 256;
        let indexes = first..first + u64::from(tile.width);
        encode_hashes(&indexes.map(|index| self.nodes[&(level * 8, index)]).collect::<Vec<_>>())
    }
}

fn entry(position: u64, history: u8) -> Stored {
    let body = format!("{{\"position\":{position},\"history\":{history}}}").into_bytes();
    let salt = [position as u8; 16];
    let envelope = Envelope {
        actor: format!("person/{}", position % 5),
        body: body_hash(&salt, &body),
        kind: "incident.noted".into(),
        position,
        seq: position / 3 + 1,
        stream: format!("incident/{}", position % 3),
        time_us: 1_763_717_493_000_000 + position.cast_signed() / 2,
    };
    let mut bytes = Vec::new();
    envelope.encode(&mut bytes).unwrap();
    let body = (position % 7 != 6).then(|| (salt.to_vec(), body));
    Stored { envelope: bytes, body }
}
