//! What happened in the world, in words for the person who watches a drill. Bounded: the oldest are forgotten.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

const KEPT: usize = 10_000;

/// One thing that happened. Numbers rise by one and are never used again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    pub number: u64,
    pub time_us: u64,
    pub kind: Kind,
    pub text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The attacker did something.
    Attack,
    /// A monitor noticed something; an alert goes out.
    Alert,
    /// Damage was done since the last look.
    Damage,
    /// The attacker lost a way in, or all of them.
    Stopped,
    /// A containment was applied.
    Contained,
    /// A containment was taken back.
    Reverted,
    /// A call changed nothing: refused, or a repeat.
    Nothing,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    kept: VecDeque<Happening>,
    next: u64,
}

impl Story {
    pub(crate) fn tell(&mut self, time_us: u64, kind: Kind, text: String) {
        if self.kept.len() == KEPT {
            self.kept.pop_front();
        }
        self.kept.push_back(Happening { number: self.next, time_us, kind, text });
        self.next += 1;
    }

    pub(crate) fn since(&self, number: u64) -> Vec<Happening> {
        let first = self.next - self.kept.len() as u64;
        let skip = usize::try_from(number.saturating_sub(first)).unwrap_or(usize::MAX);
        self.kept.iter().skip(skip).cloned().collect()
    }
}
