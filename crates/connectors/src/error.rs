//! What can be wrong with a connector before it is used; what comes of a call is an [`crate::Outcome`].

/// A configuration that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The text says which part, and what to write instead.
    #[error("connector configuration: {0}")]
    Config(String),
}
