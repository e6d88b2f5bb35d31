//! Rules of this repository as tests: who may depend on whom, what a source file looks like, and that the
//! documents say what is true. Each rule is a pure function over text, so that planted mistakes can show that
//! it finds something.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a broken checkout should fail these tests on the spot"
)]

mod documents;
mod lints;
mod manifest;
mod markdown;
mod mission;
mod sources;
mod tree;
mod walls;
