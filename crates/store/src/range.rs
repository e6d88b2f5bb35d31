//! Which rows a page holds: bounds, a prefix, a direction and a cursor, brought to one half-open interval.

use crate::limits;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Direction {
    #[default]
    Ascending,
    Descending,
}

/// A range of row keys. A key is in it when every part that is set agrees; the default is the whole table,
/// ascending.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Range {
    /// The key begins with these bytes.
    pub prefix: Vec<u8>,
    /// Inclusive lower bound.
    pub from: Option<Vec<u8>>,
    /// Exclusive upper bound.
    pub below: Option<Vec<u8>>,
    /// The cursor: only keys past this one in the range's direction, so smaller ones when descending.
    pub after: Option<Vec<u8>>,
    pub direction: Direction,
}

impl Range {
    /// The whole table, ascending.
    #[must_use]
    pub fn all() -> Range {
        Range::default()
    }

    /// All keys that begin with `prefix`, ascending.
    #[must_use]
    pub fn prefix(prefix: impl Into<Vec<u8>>) -> Range {
        Range { prefix: prefix.into(), ..Range::default() }
    }

    #[must_use]
    pub fn from(mut self, key: impl Into<Vec<u8>>) -> Range {
        self.from = Some(key.into());
        self
    }

    #[must_use]
    pub fn below(mut self, key: impl Into<Vec<u8>>) -> Range {
        self.below = Some(key.into());
        self
    }

    #[must_use]
    pub fn after(mut self, key: impl Into<Vec<u8>>) -> Range {
        self.after = Some(key.into());
        self
    }

    #[must_use]
    pub fn descending(mut self) -> Range {
        self.direction = Direction::Descending;
        self
    }

    /// The same range as `low <= key < high`; empty when `low >= high`. As keys have a limited length, there
    /// is a bound above all of them.
    pub(crate) fn interval(&self) -> (Vec<u8>, Vec<u8>) {
        let mut low = self.prefix.clone();
        let mut high = past_prefix(&self.prefix);
        if let Some(from) = &self.from {
            low = low.max(from.clone());
        }
        if let Some(below) = &self.below {
            high = high.min(below.clone());
        }
        match (&self.after, self.direction) {
            (Some(after), Direction::Ascending) => {
                let mut next = after.clone();
                next.push(0);
                low = low.max(next);
            }
            (Some(after), Direction::Descending) => high = high.min(after.clone()),
            (None, Direction::Ascending | Direction::Descending) => {}
        }
        (low, high)
    }
}

/// The least bytes above every key that begins with `prefix`.
fn past_prefix(prefix: &[u8]) -> Vec<u8> {
    let Some(last) = prefix.iter().rposition(|byte| *byte != 0xff) else {
        return vec![0xff; limits::KEY + 1];
    };
    let mut high = prefix[..=last].to_vec();
    high[last] += 1;
    high
}

#[cfg(test)]
mod tests;
