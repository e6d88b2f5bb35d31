//! The one error type of this crate. Errors stop an operation; what is wrong with a log as a whole is
//! collected as findings (`verify`).

/// Why an operation of this crate did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Bytes that should follow a documented format do not.
    #[error("cannot read {what}: {detail}")]
    Malformed {
        /// The thing read: `checkpoint`, `envelope`, `tile path`.
        what: &'static str,
        /// Where and why.
        detail: String,
    },
    /// A value given to a writer cannot be represented in the format.
    #[error("cannot write {what}: {detail}")]
    Unrepresentable {
        /// The thing written.
        what: &'static str,
        /// Which field and why.
        detail: String,
    },
    /// A proof does not connect what it should connect.
    #[error("{0}; the log or the proof was altered, or the proof belongs to another tree")]
    Proof(String),
    /// A proof was asked for an index or a size outside the tree.
    #[error("cannot build a proof: {0}")]
    OutOfRange(String),
    /// The reader had no node that lies inside the tree.
    #[error(
        "cannot build a proof: node {index} of level {level} is missing; rebuild the tree from the entries"
    )]
    MissingNode {
        /// Level, 0 for leaves.
        level: u8,
        /// Index within the level.
        index: u64,
    },
    /// A signed note is signed by none of the known keys.
    #[error(
        "the note is signed by {found}, none of the known keys; check that the verifier key is the log's"
    )]
    UnknownSigner {
        /// Names and ids of the signers.
        found: String,
    },
    /// A signature of a known key does not fit the text.
    #[error("the signature of `{key}` does not fit the text; the text or the signature was altered")]
    BadSignature {
        /// Name of the key.
        key: String,
    },
    /// Reading or writing a bundle failed.
    #[error("cannot {operation} the bundle")]
    Io {
        /// `read` or `write`.
        operation: &'static str,
        /// The cause.
        #[source]
        source: std::io::Error,
    },
}

impl Error {
    pub(crate) fn malformed(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Malformed { what, detail: detail.into() }
    }

    pub(crate) fn unrepresentable(what: &'static str, detail: impl Into<String>) -> Self {
        Self::Unrepresentable { what, detail: detail.into() }
    }
}
