//! The fake world behind the connectors: it does as it is told, or refuses, dawdles, acts and says nothing, says it
//! twice, or lies; and it answers a read-back with the truth.

use std::collections::BTreeMap;

use connectors::Call;
use domain::{
    action::{Operation, Outcome},
    content::Class,
    time::{Span, Timestamp},
};

use crate::{
    chance::Chance,
    ledger::{Ledger, Line, Place},
    notices::Post,
};

/// How the world takes one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behaviour {
    Obey,
    /// Does nothing, says so, and that no retry will help.
    Refuse,
    /// Does nothing, says so, and asks to come back.
    RefuseForNow,
    /// Does it and answers late, but in time.
    Slow,
    /// Never answers; `acts` says whether it did it.
    Silent {
        acts: bool,
    },
    /// The connection breaks at once; `acts` says whether it did it.
    Drop {
        acts: bool,
    },
    /// Does it and answers twice.
    Twice,
    /// Does it and answers after everybody has given up.
    TooLate,
    /// Says that it is done without doing it; the connector reads back and sees.
    Lie,
}

/// What comes back: outcomes, each after a while.
pub(crate) type Replies = Vec<(Span, Outcome)>;

/// How the world's moods are chosen.
#[derive(Debug, Clone)]
pub(crate) enum Mood {
    Calm,
    /// By chance: how often in a thousand a call goes wrong.
    Moody(u32),
    /// By the number of the call, from 0.
    Scripted(BTreeMap<u64, Behaviour>),
}

pub(crate) struct World {
    pub(crate) ledger: Ledger,
    pub(crate) mood: Mood,
    pub(crate) post: Post,
}

impl World {
    pub(crate) fn new(mood: Mood) -> World {
        World { ledger: Ledger::default(), mood, post: Post::default() }
    }

    /// Receives one call.
    pub(crate) fn receive(
        &mut self,
        call: &Call,
        now: Timestamp,
        chance: &mut Chance,
    ) -> (Behaviour, Replies) {
        let behaviour = self.behaviour(call, chance);
        let place: Place = (call.verb.clone(), call.target.clone());
        let line = Line {
            at: now,
            key: call.key.clone(),
            operation: call.operation,
            place: place.clone(),
            effect: false,
            again: false,
        };
        let acts = call.operation != Operation::ReadBack && self.acts(call, &place, behaviour);
        self.ledger.receive(line, acts);
        let timeout = Span(u64::try_from(call.timeout.as_micros()).unwrap_or(u64::MAX));
        (behaviour, replies(behaviour, self.answer(call, &place), call, timeout))
    }

    fn behaviour(&self, call: &Call, chance: &mut Chance) -> Behaviour {
        let chosen = self.chosen(chance);
        // Without a read-back nobody can know of a lie.
        if chosen == Behaviour::Lie && !call.spec.verify { Behaviour::Obey } else { chosen }
    }

    fn chosen(&self, chance: &mut Chance) -> Behaviour {
        match &self.mood {
            Mood::Calm => Behaviour::Obey,
            Mood::Scripted(script) => {
                let number = self.ledger.lines.len() as u64;
                script.get(&number).copied().unwrap_or(Behaviour::Obey)
            }
            Mood::Moody(share) if chance.permille(*share) => chance.weighted(&[
                (3, Behaviour::Refuse),
                (5, Behaviour::RefuseForNow),
                (2, Behaviour::Slow),
                (2, Behaviour::Silent { acts: false }),
                (3, Behaviour::Silent { acts: true }),
                (3, Behaviour::Drop { acts: false }),
                (5, Behaviour::Drop { acts: true }),
                (3, Behaviour::Twice),
                (2, Behaviour::TooLate),
                (2, Behaviour::Lie),
            ]),
            Mood::Moody(_) => Behaviour::Obey,
        }
    }

    /// Whether this call changes the world, given what is known of its key and its place.
    fn acts(&self, call: &Call, place: &Place, behaviour: Behaviour) -> bool {
        let willing = match behaviour {
            Behaviour::Obey | Behaviour::Slow | Behaviour::Twice | Behaviour::TooLate => true,
            Behaviour::Silent { acts } | Behaviour::Drop { acts } => acts,
            Behaviour::Refuse | Behaviour::RefuseForNow | Behaviour::Lie => false,
        };
        let wanted = call.operation == Operation::Apply;
        willing
            && match call.spec.class {
                Class::Keyed => self.ledger.effects(&call.key) == 0,
                Class::Idempotent => self.ledger.is_on(place) != wanted,
                Class::ReadBack | Class::OneShot | Class::Notice => true,
            }
    }

    /// What an honest connector says once the world has taken the call.
    fn answer(&self, call: &Call, place: &Place) -> Outcome {
        let on = self.ledger.is_on(place);
        let verified = call.spec.verify.then_some(true);
        let done = Outcome::Applied { verified, artefact: None };
        match call.operation {
            // What only looks finds everything well.
            Operation::ReadBack if on || call.verb.ends_with(".look") => Outcome::Holds,
            Operation::ReadBack => Outcome::DoesNotHold,
            Operation::Apply if !call.spec.verify || on => done,
            Operation::Revert if !call.spec.verify || !on => done,
            Operation::Apply | Operation::Revert => Outcome::NotApplied {
                reason: "the call succeeded, but the read-back says otherwise".to_owned(),
                retry: true,
                retry_after: None,
            },
        }
    }
}

fn replies(behaviour: Behaviour, honest: Outcome, call: &Call, timeout: Span) -> Replies {
    let soon = Span::millis(3);
    let refused = |retry: bool, after: Option<Span>| Outcome::NotApplied {
        reason: "the world refuses".to_owned(),
        retry,
        retry_after: after,
    };
    let lost = || Outcome::Unknown { reason: "the connection broke".to_owned() };
    let reads = call.operation == Operation::ReadBack;
    match behaviour {
        Behaviour::Obey => vec![(soon, honest)],
        Behaviour::Slow => vec![(Span(timeout.0 / 10 * 9), honest)],
        Behaviour::Twice => vec![(soon, honest.clone()), (Span(soon.0 * 200), honest)],
        Behaviour::TooLate => vec![(Span(timeout.0 + 4_000_000), honest)],
        Behaviour::Silent { .. } => Vec::new(),
        Behaviour::Drop { .. } => vec![(soon, lost())],
        Behaviour::Lie if reads => vec![(soon, lost())],
        Behaviour::Lie => vec![(soon, honest)],
        Behaviour::Refuse => vec![(soon, refused(false, None))],
        Behaviour::RefuseForNow => vec![(soon, refused(true, Some(Span::secs(1))))],
    }
}
