//! Duties and upkeep among the live things.

use super::State;
use crate::{
    duty::{self, Duty},
    event::{Meta, Stream},
    id::DutyId,
    upkeep::Upkeep,
};

impl State {
    pub(super) fn restore_upkeep(&mut self, upkeep: Upkeep) -> Stream {
        self.upkeep = upkeep;
        Stream::Upkeep
    }

    pub(super) fn restore_duty(&mut self, duty: Duty) -> Stream {
        let id = duty.id;
        self.duties.insert(id, duty);
        Stream::Duty(id)
    }

    pub(super) fn apply_duty(&mut self, id: DutyId, event: &duty::Event, meta: &Meta) -> u64 {
        match self.duties.get_mut(&id) {
            Some(duty) => duty::apply(duty, event, meta),
            None => self.duties.extend(duty::create(id, event, meta).map(|duty| (id, duty))),
        }
        self.duties.get(&id).map_or(0, |duty| duty.seq)
    }

    /// The playbook that may start for an incident.
    pub fn playbook_for(
        &self,
        incident_type: &str,
        severity: crate::severity::Severity,
    ) -> Option<&std::sync::Arc<crate::playbook::Playbook>> {
        let active = |playbook: &crate::playbook::Playbook| {
            self.upkeep.life(playbook) == crate::playbook::Life::Active
        };
        self.content.choose(incident_type, severity, active)
    }
}
