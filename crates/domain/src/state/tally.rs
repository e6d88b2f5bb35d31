//! Counts for an incident what the facts of its actions and runs say of it.

use super::State;
use crate::{
    event::{Event, Meta, Stream},
    id::IncidentId,
    incident::{Incident, Status},
    run,
};

impl State {
    /// A closed incident is counted no more: its row is written, and what follows is on its timeline alone.
    pub(super) fn tally(&mut self, event: &Event, meta: &Meta) {
        let (incident, moved) = match event {
            Event::Action(id, event) => {
                let Some(action) = self.actions.get(*id) else { return };
                let Some(incident) = counted(&mut self.incidents.open, action.spec.incident) else { return };
                (incident.id, incident.tally.action(action, event, meta))
            }
            Event::Run(id, run::Event::Updated { finished }) => {
                let Some(run) = self.runs.get(*id) else { return };
                let Some(incident) = counted(&mut self.incidents.open, run.incident) else { return };
                (incident.id, incident.tally.steps(finished, meta))
            }
            Event::Alert(..)
            | Event::Silence(..)
            | Event::Incident(..)
            | Event::Run(..)
            | Event::Control(_)
            | Event::Person(..)
            | Event::Token(..)
            | Event::Approval(..)
            | Event::Notice(..)
            | Event::Review(..)
            | Event::Health(_)
            | Event::Report(..)
            | Event::Raw(..)
            | Event::Evidence(..)
            | Event::Upkeep(_)
            | Event::Duty(..)
            | Event::Statement(..)
            | Event::Exercise(..)
            | Event::Sighting(..)
            | Event::Content(_)
            | Event::Log(_) => return,
        };
        if moved {
            self.touched.insert(Stream::Incident(incident));
        }
    }
}

fn counted(
    open: &mut std::collections::BTreeMap<IncidentId, Box<Incident>>,
    id: IncidentId,
) -> Option<&mut Incident> {
    open.get_mut(&id).map(|incident| &mut **incident).filter(|incident| incident.status != Status::Closed)
}
