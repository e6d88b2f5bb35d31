//! Proofs with verdicts from github.com/transparency-dev/merkle.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use tlog::{Error, Hash, tree};

use crate::corpus;

/// One case of any of the four kinds.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    leaf_idx: Option<u64>,
    tree_size: Option<u64>,
    start: Option<u64>,
    end: Option<u64>,
    size: Option<u64>,
    size1: Option<u64>,
    size2: Option<u64>,
    root: Option<String>,
    root1: Option<String>,
    root2: Option<String>,
    leaf_hash: Option<String>,
    proof: Option<Vec<String>>,
    want_err: bool,
}

/// Reads a hash. Some cases put the words "don't care" where a hash stands, and compare them with each
/// other; they get a hash of their own.
fn hash(text: Option<&String>) -> Result<Hash, Error> {
    let text = text.unwrap();
    let bytes = STANDARD.decode(text).unwrap();
    if bytes.starts_with(b"don't care") { Ok(Hash::of(&bytes)) } else { Hash::from_base64(text) }
}

impl Case {
    fn verdict(&self, kind: &str) -> Result<(), Error> {
        let proof = self.proof.iter().flatten().map(|text| hash(Some(text)));
        let proof = proof.collect::<Result<Vec<_>, _>>()?;
        let root = || hash(self.root.as_ref());
        let leaf = || hash(self.leaf_hash.as_ref());
        let (root1, root2) = (|| hash(self.root1.as_ref()), || hash(self.root2.as_ref()));
        match kind {
            "inclusion" => {
                let (index, size) = (self.leaf_idx.unwrap(), self.tree_size.unwrap());
                tree::verify_inclusion(&leaf()?, index, size, &proof, &root()?)
            }
            "consistency" => {
                let (old, new) = (self.size1.unwrap(), self.size2.unwrap());
                tree::verify_consistency(old, new, &root1()?, &root2()?, &proof)
            }
            "subtreeinclusion" => {
                let (index, start, end) = (self.leaf_idx.unwrap(), self.start.unwrap(), self.end.unwrap());
                tree::verify_subtree_inclusion(&leaf()?, index, start, end, &proof, &root()?)
            }
            "subtreeconsistency" => {
                let (start, end, size) = (self.start.unwrap(), self.end.unwrap(), self.size.unwrap());
                tree::verify_subtree_consistency(start, end, size, &root1()?, &root2()?, &proof)
            }
            other => panic!("unknown kind of case {other}"),
        }
    }
}

#[test]
fn all_309_verdicts() {
    let mut wrong = Vec::new();
    let (mut cases, mut valid) = (0, 0);
    for kind in ["inclusion", "consistency", "subtreeinclusion", "subtreeconsistency"] {
        for path in corpus::files(corpus::folder("merkle").join(kind), ".json") {
            let name = path.display().to_string();
            let case: Case = serde_json::from_slice(&corpus::read(path)).unwrap();
            let verdict = case.verdict(kind);
            cases += 1;
            valid += u32::from(verdict.is_ok());
            if verdict.is_err() != case.want_err {
                wrong.push(format!("{name}: {verdict:?}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong verdicts:\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!((cases, valid), (309, 27));
}
