//! What the durable journal says of recoveries, folded by the simulator's own rules: nothing is released before it
//! and what it needs were shown to be well.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    content::services::Verifies,
    id::{ActionId, IncidentId},
    recovery::plan::{Event, Part, Service, Stage},
};

use crate::violation::{Violation, ensure};

#[derive(Debug, Clone)]
struct View {
    service: Service,
    stage: Stage,
    held: BTreeSet<u32>,
    releases: BTreeMap<ActionId, bool>,
}

/// The recoveries under way, by incident and service.
#[derive(Debug, Default)]
pub(crate) struct Recoveries(BTreeMap<(IncidentId, Box<str>), View>);

impl Recoveries {
    /// A relapse ends what was planned.
    pub(crate) fn forget(&mut self, id: IncidentId) {
        self.0.retain(|(incident, _), _| *incident != id);
    }

    pub(crate) fn take(&mut self, id: IncidentId, fact: &Event) -> Result<(), Violation> {
        match fact {
            Event::Started { services } => {
                self.forget(id);
                self.add(id, services);
            }
            Event::Widened { services } => self.add(id, services),
            Event::Retried { services } => {
                for name in services {
                    if let Some(view) = self.0.get_mut(&(id, name.clone())) {
                        (view.stage, view.held) = (Stage::Waiting, BTreeSet::new());
                        view.releases = BTreeMap::new();
                    }
                }
            }
            Event::Moved { service, to, release, .. } => return self.moved(id, service, to, release),
            Event::Found { service, call, passed, .. } => {
                if let Some(view) = self.0.get_mut(&(id, service.clone())).filter(|_| *passed) {
                    view.held.insert(*call);
                }
            }
            Event::Released { service, action, verified } => {
                if let Some(view) = self.0.get_mut(&(id, service.clone())) {
                    view.releases.insert(*action, *verified);
                }
            }
            // A person who looked may stand for the probes.
            Event::Judged { of: Verifies::Health, service: Some(service), passed: true, .. } => {
                if let Some(view) = self.0.get_mut(&(id, service.clone())) {
                    view.held.extend(view.service.part(Part::Probe).map(|(call, _)| call));
                    view.releases.values_mut().for_each(|verified| *verified = true);
                }
            }
            Event::Judged { .. } | Event::Completed | Event::Watched { .. } | Event::Repeated { .. } => {}
        }
        Ok(())
    }

    fn add(&mut self, id: IncidentId, services: &[Service]) {
        for service in services {
            let (stage, held, releases) = (Stage::Waiting, BTreeSet::new(), BTreeMap::new());
            let view = View { service: service.clone(), stage, held, releases };
            self.0.insert((id, service.name.clone()), view);
        }
    }

    fn moved(
        &mut self,
        id: IncidentId,
        name: &str,
        to: &Stage,
        release: &[ActionId],
    ) -> Result<(), Violation> {
        let key = (id, Box::from(name));
        let Some(view) = self.0.get(&key) else {
            return Err(Violation::new("R1", format!("{name} of {id} moves and is in no plan")));
        };
        let holds = |part: Part| view.service.part(part).all(|(call, _)| view.held.contains(&call));
        let needed = view.service.depends_on.iter().filter_map(|needed| self.0.get(&(id, needed.clone())));
        let ready = needed.into_iter().all(|needed| needed.stage == Stage::Well);
        let gone = view.releases.values().all(|verified| *verified);
        let right = match to {
            Stage::Restoring => ready,
            Stage::Verifying => ready && holds(Part::Restore),
            Stage::Releasing => ready && holds(Part::Restore) && holds(Part::Verify),
            Stage::Probing => gone && holds(Part::Verify),
            Stage::Well => holds(Part::Probe) && gone,
            Stage::Waiting | Stage::Failed { .. } => true,
        };
        ensure(right, "R1", || format!("{name} of {id} is {} before its time: {view:?}", to.name()))?;
        if let Some(view) = self.0.get_mut(&key) {
            view.stage = to.clone();
            if *to == Stage::Releasing {
                view.releases = release.iter().map(|action| (*action, false)).collect();
            }
        }
        Ok(())
    }

    /// By itself, nothing of a service that is on its way back is released before its turn.
    pub(crate) fn check_release(
        &self,
        id: IncidentId,
        action: ActionId,
        target: (&str, &str),
    ) -> Result<(), Violation> {
        let owns = |view: &&View| view.service.hurt.iter().any(|(kind, name)| (&**kind, &**name) == target);
        let own = self.0.iter().filter(|((incident, _), _)| *incident == id).map(|(_, view)| view);
        let Some(view) = own.into_iter().find(owns) else { return Ok(()) };
        let turn = view.stage == Stage::Releasing && view.releases.contains_key(&action);
        ensure(turn, "R1", || {
            format!(
                "{action} on {target:?} is released while `{}` is {}",
                view.service.name,
                view.stage.name()
            )
        })
    }
}
