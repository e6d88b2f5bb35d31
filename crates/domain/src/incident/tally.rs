//! What an incident is measured by, counted as its facts come: who did what, and how containments ended. Looks at
//! nothing but the facts, so the row that the figures are made of follows from the journal alone.

use serde::{Deserialize, Serialize};

use super::people;
use crate::{
    action::{self, Action, Verdict},
    event::Meta,
    limits::Asked,
    run::{Finished, StepStatus},
    time::Timestamp,
};

/// What is at its default is left out of the row.
#[derive(Debug, Default, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    /// A machine noticed it, not a person.
    #[serde(skip_serializing_if = "is_default")]
    pub noticed: bool,
    /// Effects that the platform had, asking nobody.
    #[serde(skip_serializing_if = "is_default")]
    pub alone: u32,
    /// Effects that a person asked for or allowed.
    #[serde(skip_serializing_if = "is_default")]
    pub asked: u32,
    /// Steps that people did or decided.
    #[serde(skip_serializing_if = "is_default")]
    pub by_hand: u32,
    /// Containments that took hold, and those that did not.
    #[serde(skip_serializing_if = "is_default")]
    pub contained: u32,
    #[serde(skip_serializing_if = "is_default")]
    pub uncontained: u32,
    /// When the last of its containments was read back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified_at: Option<Timestamp>,
    /// How often it went one level up.
    #[serde(skip_serializing_if = "is_default")]
    pub escalated: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
}

pub(super) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl Tally {
    /// Counts what came of an action, which already stands as the fact says; whether that moved anything.
    pub(crate) fn action(&mut self, action: &Action, event: &action::Event, meta: &Meta) -> bool {
        let held = match event {
            action::Event::Applied { verified, .. } => *verified != Some(false),
            action::Event::Settled { verdict: Verdict::Applied, .. } => true,
            action::Event::NotApplied { retry_at: None, .. }
            | action::Event::Settled { verdict: Verdict::NotApplied, .. } => false,
            action::Event::Settled { verdict: Verdict::Retry, .. }
            | action::Event::NotApplied { .. }
            | action::Event::Intended { .. }
            | action::Event::Held { .. }
            | action::Event::Withdrawn { .. }
            | action::Event::Released { .. }
            | action::Event::Unknown { .. }
            | action::Event::LeaseExtended { .. }
            | action::Event::LeaseExpired
            | action::Event::Yielded { .. }
            | action::Event::Abandoned { .. } => return false,
        };
        if action.spec.origin.looks() || action.goal == action::Goal::Release {
            return false;
        }
        if action.spec.containment {
            self.contained += u32::from(held);
            self.uncontained += u32::from(!held);
            if held && action.verified == Some(true) {
                self.verified_at = Some(meta.time);
            }
        }
        let people = action.asked == Asked::ByPerson || action.pass.is_some() || action.by.is_some();
        self.asked += u32::from(held && people);
        self.alone += u32::from(held && !people);
        held || action.spec.containment
    }

    /// Counts the steps that a person completed or decided.
    pub(crate) fn steps(&mut self, finished: &[Finished], meta: &Meta) -> bool {
        let done = finished.iter().filter(|one| one.status == StepStatus::Done).count();
        let done = if meta.actor.person().is_some() { done } else { 0 };
        self.by_hand += u32::try_from(done).unwrap_or(u32::MAX);
        done > 0
    }

    pub(super) fn people(&mut self, event: &people::Event) {
        self.escalated += u32::from(matches!(event, people::Event::Escalated { .. }));
    }
}
