//! Inclusion proofs as text.

use super::*;
use crate::note::SigningKey;
use crate::{leaf_hash, node_hash};

#[test]
fn a_proof_is_checked_from_its_text_alone() {
    let key = SigningKey::from_seed("ringfence.example/log", &[1; 32]).unwrap();
    let keys = [key.verifier().clone()];
    let leaves = [leaf_hash(b"a"), leaf_hash(b"b"), leaf_hash(b"c")];
    let root = node_hash(&node_hash(&leaves[0], &leaves[1]), &leaves[2]);
    let checkpoint = Checkpoint::new("ringfence.example/log", 3, root);
    let proof = InclusionProof {
        index: 1,
        hashes: vec![leaves[0], leaves[2]],
        checkpoint: checkpoint.sign(&key).unwrap(),
    };
    let text = proof.render();
    assert!(text.starts_with("c2sp.org/tlog-proof@v1\nindex 1\n"));
    let read = InclusionProof::parse(&text).unwrap();
    assert_eq!(read, proof);
    assert_eq!(read.verify(&leaves[1], &keys).unwrap(), checkpoint);
    assert!(matches!(read.verify(&leaves[0], &keys), Err(Error::Proof(_))));
    let with_extra = text.replacen("index", "extra AAAA\nindex", 1);
    assert_eq!(InclusionProof::parse(&with_extra).unwrap(), proof);
}

#[test]
fn malformed_proofs_are_refused() {
    for wrong in [
        "",
        "c2sp.org/tlog-proof@v2\nindex 1\n\nlog\n",
        "c2sp.org/tlog-proof@v1\n\nlog\n",
        "c2sp.org/tlog-proof@v1\nindex 01\n\nlog\n",
        "c2sp.org/tlog-proof@v1\nindex 1\nAAAA\n\nlog\n",
        "c2sp.org/tlog-proof@v1\nindex 1\n",
    ] {
        assert!(InclusionProof::parse(wrong).is_err(), "{wrong:?} was accepted");
    }
}
