//! Actions by what they belong to and how they stand.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    action::{self, Action},
    id::{ActionId, IncidentId, RunId},
};

#[derive(Debug, Default)]
pub struct Actions {
    pub(super) live: BTreeMap<ActionId, Action>,
    by_step: BTreeSet<(RunId, u32, u32, ActionId)>,
    by_incident: BTreeSet<(IncidentId, ActionId)>,
    /// Those that can be taken back and are in force or on their way, by verb.
    out_by_verb: BTreeMap<Box<str>, BTreeSet<ActionId>>,
    held: BTreeSet<ActionId>,
    calling: BTreeSet<ActionId>,
}

impl Actions {
    pub fn get(&self, id: ActionId) -> Option<&Action> {
        self.live.get(&id)
    }

    pub fn len(&self) -> usize {
        self.live.len()
    }

    pub fn is_empty(&self) -> bool {
        self.live.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &Action> {
        self.live.values()
    }

    pub fn of_incident(&self, id: IncidentId) -> impl Iterator<Item = &Action> {
        let range = (id, ActionId::from_number(0))..=(id, ActionId::from_number(u64::MAX));
        self.by_incident.range(range).filter_map(|(_, action)| self.live.get(action))
    }

    pub fn of_run(&self, id: RunId) -> impl Iterator<Item = &Action> {
        let range =
            (id, 0, 0, ActionId::from_number(0))..=(id, u32::MAX, u32::MAX, ActionId::from_number(u64::MAX));
        self.by_step.range(range).filter_map(|(_, _, _, action)| self.live.get(action))
    }

    pub fn of_step(&self, run: RunId, step: u32, round: u32) -> impl Iterator<Item = &Action> {
        let range = (run, step, round, ActionId::from_number(0))
            ..=(run, step, round, ActionId::from_number(u64::MAX));
        self.by_step.range(range).filter_map(|(_, _, _, action)| self.live.get(action))
    }

    /// Another action that has the same in force as this one.
    pub fn same_in_force(&self, action: &Action) -> Option<ActionId> {
        let same = |other: &&Action| {
            other.id != action.id
                && other.spec.target == action.spec.target
                && other.spec.connector == action.spec.connector
                && matches!(other.status, action::Status::InForce)
        };
        let out = self.out_by_verb.get(&action.spec.verb)?;
        out.iter().filter_map(|id| self.live.get(id)).find(same).map(|other| other.id)
    }

    /// How many actions of this verb are in force or on their way, over all incidents.
    pub fn out(&self, verb: &str) -> usize {
        self.out_by_verb.get(verb).map_or(0, BTreeSet::len)
    }

    pub fn held(&self) -> impl Iterator<Item = ActionId> {
        self.held.iter().copied().collect::<Vec<_>>().into_iter()
    }

    /// Those with a call open.
    pub fn calling(&self) -> impl Iterator<Item = ActionId> {
        self.calling.iter().copied().collect::<Vec<_>>().into_iter()
    }

    pub(super) fn index(&mut self, id: ActionId) {
        let Some(action) = self.live.get(&id) else { return };
        if let action::Origin::Run { run, step, round } = action.spec.origin {
            self.by_step.insert((run, step, round, id));
        }
        self.by_incident.insert((action.spec.incident, id));
        if action.spec.revert.is_some() {
            let out = self.out_by_verb.entry(action.spec.verb.clone()).or_default();
            set(out, id, !action.is_final());
        }
        let (held, calling) = match action.status {
            action::Status::Held { .. } => (true, false),
            action::Status::Calling { .. } => (false, true),
            action::Status::Waiting { .. }
            | action::Status::InForce
            | action::Status::Done
            | action::Status::Failed { .. }
            | action::Status::InDoubt { .. }
            | action::Status::Released => (false, false),
        };
        set(&mut self.held, id, held);
        set(&mut self.calling, id, calling);
    }

    pub(super) fn remove(&mut self, id: ActionId) {
        let Some(action) = self.live.remove(&id) else { return };
        if let action::Origin::Run { run, step, round } = action.spec.origin {
            self.by_step.remove(&(run, step, round, id));
        }
        self.by_incident.remove(&(action.spec.incident, id));
        if let Some(out) = self.out_by_verb.get_mut(&action.spec.verb) {
            out.remove(&id);
        }
        self.held.remove(&id);
        self.calling.remove(&id);
    }
}

fn set<T: Ord>(of: &mut BTreeSet<T>, item: T, present: bool) {
    if present {
        of.insert(item);
    } else {
        of.remove(&item);
    }
}
