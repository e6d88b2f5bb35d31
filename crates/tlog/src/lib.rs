//! The audit log as mathematics: Merkle tree, tiles, signed checkpoints, proofs, the stored envelope
//! of an entry, export bundles, and everything that checks them.
//!
//! This crate knows nothing of the rest of Ringfence. It has no input or output of its own, no clock
//! and no randomness: bytes, readers and writers come in as parameters, so an auditor's check and the
//! platform's own check are the same code.
//!
//! Standards: RFC 6962 section 2.1 (tree), RFC 9162 sections 2.1.3 and 2.1.4 (verification of proofs),
//! C2SP tlog-tiles, tlog-checkpoint, signed-note and tlog-proof. The formats of our own, the envelope
//! and the bundle, are described in `docs/log-format.md`.
//!
//! Start with [`tree::Frontier`], which a log appends to; [`Checkpoint`], which it signs; and
//! [`verify::Verifier`], which checks what came out.

pub mod bundle;
pub mod checkpoint;
mod error;
pub mod hash;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod tile;
pub mod tree;
pub mod verify;

pub use checkpoint::Checkpoint;
pub use error::Error;
pub use hash::{Hash, empty_root, leaf_hash, node_hash};
pub use leaf::{Envelope, body_hash};
pub use note::{Note, SigningKey, VerifierKey};
pub use verify::{Finding, Report, Verifier};
