//! The fake world's own ledger: every call it received, written before it answers, and what each did.

use std::collections::BTreeMap;

use domain::{action::Operation, time::Timestamp};

/// One received call.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    pub(crate) at: Timestamp,
    pub(crate) key: String,
    pub(crate) operation: Operation,
    pub(crate) place: Place,
    /// Whether this call changed the world.
    pub(crate) effect: bool,
    /// The world stood as this call asks, by an earlier call of the same key.
    pub(crate) again: bool,
}

/// What an effect is about: the verb that is applied or taken back, and its target.
pub(crate) type Place = (String, String);

/// How one place stands.
#[derive(Debug, Clone, Default)]
pub(crate) struct Standing {
    pub(crate) on: bool,
    /// The key of the call that made it so.
    pub(crate) by: String,
    pub(crate) last_on: Option<Timestamp>,
    pub(crate) last_off: Option<Timestamp>,
}

#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) lines: Vec<Line>,
    places: BTreeMap<Place, Standing>,
    /// Effects by key.
    effects: BTreeMap<String, u32>,
    /// Calls by key, whether they did anything or not.
    calls: BTreeMap<String, u32>,
}

impl Ledger {
    pub(crate) fn standing(&self, place: &Place) -> Option<&Standing> {
        self.places.get(place)
    }

    pub(crate) fn is_on(&self, place: &Place) -> bool {
        self.places.get(place).is_some_and(|standing| standing.on)
    }

    pub(crate) fn effects(&self, key: &str) -> u32 {
        self.effects.get(key).copied().unwrap_or(0)
    }

    pub(crate) fn calls(&self, key: &str) -> u32 {
        self.calls.get(key).copied().unwrap_or(0)
    }

    /// Writes the call down and lets it change the world where it `acts`.
    pub(crate) fn receive(&mut self, mut line: Line, acts: bool) -> &Line {
        let wanted = line.operation == Operation::Apply;
        let standing = self.places.entry(line.place.clone()).or_default();
        line.again = standing.on == wanted && standing.by == line.key;
        line.effect = acts;
        if acts {
            standing.on = wanted;
            standing.by = line.key.clone();
            let last = if wanted { &mut standing.last_on } else { &mut standing.last_off };
            *last = Some(line.at);
            *self.effects.entry(line.key.clone()).or_default() += 1;
        }
        if line.operation != Operation::ReadBack {
            *self.calls.entry(line.key.clone()).or_default() += 1;
        }
        self.lines.push(line);
        &self.lines[self.lines.len() - 1]
    }
}
