//! Typed ids. An id is the position in the journal of the entry that created the thing, so it is unique,
//! time-ordered, needs no randomness, and points at its own proof.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// The position of the creating entry, typed by the letter of its kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Id<const KIND: char>(pub u64);

impl<const KIND: char> Id<KIND> {
    pub const fn from_number(position: u64) -> Self {
        Id(position)
    }
}

pub type AlertId = Id<'A'>;
pub type SilenceId = Id<'S'>;
pub type IncidentId = Id<'I'>;
pub type RunId = Id<'R'>;
pub type ActionId = Id<'C'>;
pub type PersonId = Id<'P'>;
pub type TokenId = Id<'T'>;
pub type ApprovalId = Id<'V'>;
pub type NoticeId = Id<'N'>;
pub type ReviewId = Id<'W'>;
pub type ReportId = Id<'Q'>;
/// A body that came in and could not be read.
pub type RawId = Id<'B'>;

/// Something kept as evidence.
pub type EvidenceId = Id<'E'>;

/// What a rule has seen so far.
pub type SightingId = Id<'G'>;

/// What came round and has to be done.
pub type DutyId = Id<'D'>;

/// Words to the outside.
pub type StatementId = Id<'O'>;

/// A drill at a table, of communication, or what a technical one came to.
pub type ExerciseId = Id<'X'>;

/// What people write before the number, by kind.
const fn prefix(kind: char) -> &'static str {
    match kind {
        'A' => "ALERT",
        'S' => "SIL",
        'I' => "INC",
        'R' => "RUN",
        'C' => "ACT",
        'P' => "P",
        'T' => "TOK",
        'V' => "APR",
        'N' => "NTC",
        'W' => "REV",
        'Q' => "RPT",
        'B' => "RAW",
        'G' => "SIG",
        'E' => "EVD",
        'D' => "DTY",
        'O' => "STM",
        'X' => "EXR",
        _ => panic!("an id kind without a prefix"),
    }
}

impl<const KIND: char> fmt::Display for Id<KIND> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", const { prefix(KIND) }, self.0)
    }
}

impl<const KIND: char> FromStr for Id<KIND> {
    type Err = String;

    /// Accepts exactly what `Display` writes: one spelling per thing.
    fn from_str(text: &str) -> Result<Self, String> {
        let prefix = const { prefix(KIND) };
        let number = text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('-'));
        number
            .filter(|n| n.bytes().all(|b| b.is_ascii_digit()) && (*n == "0" || !n.starts_with('0')))
            .and_then(|n| n.parse().ok())
            .map(Id)
            .ok_or_else(|| format!("`{text}` is not an id of the form {prefix}-123"))
    }
}
