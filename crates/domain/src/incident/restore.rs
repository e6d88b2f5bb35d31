//! Bringing services back in order: when it begins, what may go on now, and what stops it.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Event, Incident, Status, Target,
    decide::{bounded, open},
};
use crate::{
    action::{self, Action, Goal},
    content::{
        Class, Content, Purpose,
        services::{self, Check, ServiceSpec, Verifies},
    },
    event::{Context, Meta, Rejected},
    id::{ActionId, IncidentId},
    recovery::plan::{self, CALLS_MAX, Call, Part, Plan, Service, Stage},
    severity::Severity,
    state::State,
    time::Timestamp,
};

/// What people and actions ask of the recovery of an incident.
#[derive(Debug, Clone, PartialEq)]
pub enum Command {
    /// A person: begin, or begin anew with what failed.
    Begin,
    /// Something changed that it may wait for.
    Advance,
    /// One call has ended.
    Found { service: u32, call: u32, round: u32, action: Option<ActionId>, passed: bool, said: String },
    /// A containment is gone; whether that was read back.
    Released { action: ActionId, verified: bool },
    /// A containment could not be taken back.
    Stuck { action: ActionId, reason: String },
    /// A person looked.
    Judge { of: Verifies, service: Option<String>, passed: bool, note: String },
    /// From its timer: while it is watched, the probes are repeated.
    Repeat,
}

type Decided = Result<Vec<(IncidentId, Event)>, Rejected>;

pub(super) fn decide(state: &State, id: IncidentId, command: Command, context: &Context) -> Decided {
    let by_person = matches!(command, Command::Begin | Command::Judge { .. });
    let incident = match open(state, id) {
        Ok(incident) => incident,
        Err(rejected) if by_person => return Err(rejected),
        // Whatever ends after the incident has no plan to go on with.
        Err(_) => return Ok(Vec::new()),
    };
    let mut way = Way::of(state, incident, context);
    match command {
        Command::Begin => way.begin()?,
        Command::Advance => way.widen()?,
        Command::Found { service, call, round, action, passed, said } => {
            way.found(service, call, round, action, passed, said);
        }
        Command::Released { action, verified } => way.released(action, verified),
        Command::Stuck { action, reason } => way.stuck(action, &reason),
        Command::Judge { of, service, passed, note } => way.judge(of, service, passed, note)?,
        Command::Repeat => way.repeat(),
    }
    way.advance();
    let relapse = way.relapse();
    let events = way.events.into_iter().map(|fact| (id, Event::Recovery { fact: Box::new(fact) }));
    Ok(events.chain(relapse.map(|event| (id, event))).collect())
}

/// A decision in the making: the plan as the events so far leave it.
struct Way<'a> {
    state: &'a State,
    incident: &'a Incident,
    context: &'a Context,
    plan: Plan,
    events: Vec<plan::Event>,
}

impl<'a> Way<'a> {
    fn of(state: &'a State, incident: &'a Incident, context: &'a Context) -> Way<'a> {
        let plan = incident.recovery.as_deref().cloned().unwrap_or_default();
        Way { state, incident, context, plan, events: Vec::new() }
    }

    fn push(&mut self, event: plan::Event) {
        let (position, actor) = (self.context.next, self.context.actor.clone());
        plan::apply(&mut self.plan, &event, &Meta { position, time: self.context.now, actor });
        self.events.push(event);
    }

    fn begin(&mut self) -> Result<(), Rejected> {
        let id = self.incident.id;
        self.context.a_person("people begin a recovery")?;
        if self.incident.status != Status::Open && unmet(self.state, self.incident).is_empty() {
            return Err(Rejected::Conflict(format!(
                "incident {id} is resolved; there is nothing to recover"
            )));
        }
        if self.plan.is_started() {
            return self.retry();
        }
        let services = self.planned(&BTreeSet::new())?;
        if services.is_empty() {
            return Err(Rejected::Conflict(format!(
                "nothing that incident {id} names belongs to a service of services.yaml; release by hand"
            )));
        }
        self.push(plan::Event::Started { services });
        Ok(())
    }

    fn planned(&self, known: &BTreeSet<&str>) -> Result<Vec<Service>, Rejected> {
        let named = named(self.incident, self.state.actions.of_incident(self.incident.id));
        planned(&self.state.content, &named, known)
    }

    /// What failed begins anew, and what needs it is looked at again.
    fn retry(&mut self) -> Result<(), Rejected> {
        let failed = |service: &&Service| matches!(service.stage, Stage::Failed { .. });
        let mut anew: BTreeSet<Box<str>> =
            self.plan.services.iter().filter(failed).map(|service| service.name.clone()).collect();
        if anew.is_empty() {
            let id = self.incident.id;
            let how = if self.plan.completed_at.is_some() { "complete" } else { "under way" };
            return Err(Rejected::Conflict(format!(
                "the recovery of {id} is {how}; see `incident recovery {id}`"
            )));
        }
        for _ in 0..self.plan.services.len() {
            let needs = |service: &&Service| service.depends_on.iter().any(|name| anew.contains(name));
            let more: Vec<Box<str>> =
                self.plan.services.iter().filter(needs).map(|service| service.name.clone()).collect();
            anew.extend(more);
        }
        let services = anew.into_iter().collect();
        self.push(plan::Event::Retried { services });
        Ok(())
    }

    /// The incident may name more than when the plan was made.
    fn widen(&mut self) -> Result<(), Rejected> {
        if !self.plan.is_started() {
            return Ok(());
        }
        let known = self.plan.services.iter().map(|service| &*service.name).collect();
        let services = self.planned(&known)?;
        if !services.is_empty() {
            self.push(plan::Event::Widened { services });
        }
        Ok(())
    }

    fn found(
        &mut self,
        service: u32,
        call: u32,
        round: u32,
        action: Option<ActionId>,
        passed: bool,
        said: String,
    ) {
        let asked = self.plan.services.get(service as usize).filter(|service| service.round == round);
        let Some(asked) = asked else { return };
        let open = asked.calls.get(call as usize).is_some_and(|call| call.found.is_none());
        if open {
            let said = said.chars().take(500).collect::<String>().into();
            let service = asked.name.clone();
            self.push(plan::Event::Found { service, call, action, passed, said });
        }
    }

    fn released(&mut self, action: ActionId, verified: bool) {
        let waiting = self.plan.services.iter().find(|service| service.waits_on_release(action));
        if let Some(service) = waiting.map(|service| service.name.clone()) {
            self.push(plan::Event::Released { service, action, verified });
        }
    }

    fn stuck(&mut self, action: ActionId, reason: &str) {
        let waiting = self.plan.services.iter().find(|service| service.waits_on_release(action));
        if let Some(service) = waiting.map(|service| service.name.clone()) {
            self.fail(service, format!("{action} could not be released: {reason}"));
        }
    }

    fn fail(&mut self, service: Box<str>, reason: String) {
        let to = Stage::Failed { reason: reason.into() };
        self.push(plan::Event::Moved { service, to, calls: Vec::new(), release: Vec::new() });
    }

    fn judge(
        &mut self,
        of: Verifies,
        service: Option<String>,
        passed: bool,
        note: String,
    ) -> Result<(), Rejected> {
        let person = self.context.a_person("people give verdicts")?;
        let note = bounded("note", note)?;
        let named = service.as_deref().map(|name| {
            let shown: String = name.chars().take(64).collect();
            let unknown = || Rejected::NotFound(format!("the recovery has no service `{shown}`"));
            self.plan.service(name).cloned().ok_or_else(unknown)
        });
        let named = named.transpose()?;
        let service = named.as_ref().map(|service| service.name.clone());
        self.push(plan::Event::Judged { of, service, passed, note: note.clone() });
        let Some(service) = named else { return Ok(()) };
        let name = service.name.clone();
        let failed = matches!(service.stage, Stage::Failed { .. });
        if passed && failed && of == Verifies::Health {
            if let Some(held) = own(self.state, self.incident, &service).first() {
                let held = held.id;
                return Err(Rejected::Conflict(format!("`{name}` is not well while {held} holds it back")));
            }
            let (calls, release) = (Vec::new(), Vec::new());
            self.push(plan::Event::Moved { service: name, to: Stage::Well, calls, release });
        } else if !passed && !failed {
            self.fail(name, format!("{person} found that its {} does not hold: {note}", of.name()));
        }
        Ok(())
    }

    /// Once more where the content does not say how often any more: a watch ends with a look.
    fn repeat(&mut self) {
        let now = self.context.now;
        if self.plan.next_probe_at.is_some_and(|at| at <= now) {
            let every = self.state.content.recovery.probe_every;
            self.push(plan::Event::Repeated {
                next_at: every.map_or(Timestamp::MAX, |every| now.plus(every)),
            });
        }
    }

    /// While it is watched, a probe that does not hold any more is a relapse.
    fn relapse(&self) -> Option<Event> {
        let lost = self.events.iter().find_map(|event| match event {
            plan::Event::Found { service, passed: false, said, .. } => Some((service, said)),
            plan::Event::Found { .. }
            | plan::Event::Started { .. }
            | plan::Event::Widened { .. }
            | plan::Event::Retried { .. }
            | plan::Event::Moved { .. }
            | plan::Event::Released { .. }
            | plan::Event::Judged { .. }
            | plan::Event::Completed
            | plan::Event::Watched { .. }
            | plan::Event::Repeated { .. } => None,
        })?;
        let reason = format!("a probe of {} does not hold any more: {}", lost.0, lost.1);
        (self.incident.status == Status::Watching).then(|| Event::Relapsed { reason: reason.into() })
    }

    /// Everything that may go on now does.
    fn advance(&mut self) {
        if !self.plan.is_started() {
            return;
        }
        // Each service passes at most seven stages in one decision.
        for _ in 0..self.plan.services.len() * 7 + 1 {
            let Some(event) = self.next() else { return };
            self.push(event);
        }
    }

    fn next(&self) -> Option<plan::Event> {
        let moved = self.plan.services.iter().find_map(|service| {
            let (to, calls, release) = self.next_of(service)?;
            Some(plan::Event::Moved { service: service.name.clone(), to, calls, release })
        });
        let all_well = self.plan.services.iter().all(|service| service.stage == Stage::Well);
        let completes = all_well && self.plan.completed_at.is_none();
        moved.or_else(|| completes.then_some(plan::Event::Completed))
    }

    fn next_of(&self, service: &Service) -> Option<(Stage, Vec<u32>, Vec<ActionId>)> {
        let go = |to: Stage, part: Part| Some((to, service.part(part).map(|(n, _)| n).collect(), Vec::new()));
        let fail = |reason: String| Some((Stage::Failed { reason: reason.into() }, Vec::new(), Vec::new()));
        match service.stage {
            Stage::Waiting if self.plan.waits_for(service).is_empty() => go(Stage::Restoring, Part::Restore),
            Stage::Restoring => match service.came_to(Part::Restore) {
                (_, Some(call)) => fail(why(call)),
                (true, None) => go(Stage::Verifying, Part::Verify),
                (false, None) => None,
            },
            Stage::Verifying => match service.came_to(Part::Verify) {
                (_, Some(call)) => fail(why(call)),
                (true, None) => self.release(service),
                (false, None) => None,
            },
            Stage::Releasing => match self.contained_again(service) {
                Some(reason) => fail(reason),
                None => self.after_release(service),
            },
            Stage::Probing => match (self.contained_again(service), service.came_to(Part::Probe)) {
                (Some(reason), _) => fail(reason),
                (None, (_, Some(call))) => fail(why(call)),
                (None, (true, None)) => Some((Stage::Well, Vec::new(), Vec::new())),
                (None, (false, None)) => None,
            },
            Stage::Well => self.contained_again(service).and_then(fail),
            Stage::Waiting | Stage::Failed { .. } => None,
        }
    }

    /// Verified: what holds it back is taken back, the last first.
    fn release(&self, service: &Service) -> Option<(Stage, Vec<u32>, Vec<ActionId>)> {
        let held = own(self.state, self.incident, service);
        if let Some(action) = held.iter().find(|action| !can_release(action)) {
            let (verb, target) = (&action.spec.verb, &action.spec.target);
            let reason = format!("{} (`{verb}` on {target}) is neither in force nor over yet", action.id);
            return Some((Stage::Failed { reason: reason.into() }, Vec::new(), Vec::new()));
        }
        let release = held.iter().rev().map(|action| action.id).collect();
        Some((Stage::Releasing, Vec::new(), release))
    }

    fn after_release(&self, service: &Service) -> Option<(Stage, Vec<u32>, Vec<ActionId>)> {
        let unread = |release: &&plan::Release| release.done.is_some_and(|(_, verified)| !verified);
        if let Some(release) = service.releases.iter().find(unread) {
            let reason = format!("the release of {} was not read back", release.action);
            return Some((Stage::Failed { reason: reason.into() }, Vec::new(), Vec::new()));
        }
        let done = service.releases.iter().all(|release| release.done.is_some());
        let probes = || service.part(Part::Probe).map(|(number, _)| number).collect();
        done.then(|| (Stage::Probing, probes(), Vec::new()))
    }

    /// Something was contained that the plan did not see when it released.
    fn contained_again(&self, service: &Service) -> Option<String> {
        let held = own(self.state, self.incident, service);
        let asked = |id: ActionId| {
            service.stage == Stage::Releasing && service.releases.iter().any(|release| release.action == id)
        };
        let new = held.iter().find(|action| !asked(action.id))?;
        let (id, verb, target) = (new.id, &new.spec.verb, &new.spec.target);
        Some(format!("{target} was contained again by {id} (`{verb}`)"))
    }
}

fn why(call: &Call) -> String {
    let said = call.found.as_ref().map_or("", |found| &*found.said);
    format!("`{}` on {}: {said}", call.check, call.target)
}

/// What of the incident holds the service back, oldest first.
fn own<'a>(state: &'a State, incident: &Incident, service: &Service) -> Vec<&'a Action> {
    let declared = state.content.services.get(&*service.name);
    let is_own = |action: &&Action| {
        let target: Target = (action.spec.target_kind.clone(), action.spec.target.clone());
        let owned = declared.is_some_and(|service| service.owns(&target.0, &target.1));
        holds_back(action) && (owned || service.hurt.contains(&target))
    };
    state.actions.of_incident(incident.id).filter(is_own).collect()
}

/// What only records may go on while services come back.
fn holds_back(action: &Action) -> bool {
    action.spec.revert.is_some() && !action.is_final() && action.spec.purpose != Purpose::Evidence
}

fn can_release(action: &Action) -> bool {
    match action.status {
        action::Status::InForce => true,
        // Taking it back may have happened, and must not happen twice: a person says first what is so.
        action::Status::InDoubt { .. } => action.goal == Goal::Apply || action.spec.class != Class::OneShot,
        // It is being released already; the plan waits for it.
        action::Status::Held { .. } | action::Status::Calling { .. } | action::Status::Waiting { .. } => {
            action.goal == Goal::Release
        }
        action::Status::Done | action::Status::Failed { .. } | action::Status::Released => false,
    }
}

/// What the incident names, and what is contained for it.
pub fn named<'a>(incident: &Incident, actions: impl Iterator<Item = &'a Action>) -> Vec<Target> {
    let held = actions.filter(|action| holds_back(action));
    let mut named = incident.targets.clone();
    named.extend(held.map(|action| (action.spec.target_kind.clone(), action.spec.target.clone())));
    named.sort_unstable();
    named.dedup();
    named
}

/// The services that are hurt and those that need them, in order, without those that are known.
pub fn planned(
    content: &Content,
    named: &[Target],
    known: &BTreeSet<&str>,
) -> Result<Vec<Service>, Rejected> {
    let affected = services::affected(&content.services, named);
    let ordered = services::in_order(&content.services, &affected);
    let fresh = ordered.into_iter().filter(|service| !known.contains(&*service.name));
    fresh.map(|service| item(content, service, named)).collect()
}

fn item(content: &Content, spec: &ServiceSpec, named: &[Target]) -> Result<Service, Rejected> {
    let hurt: Vec<Target> = spec.share(named).cloned().collect();
    let mut calls = Vec::new();
    let parts = [(Part::Restore, &spec.restore), (Part::Verify, &spec.verify), (Part::Probe, &spec.probes)];
    for (part, checks) in parts {
        for check in checks {
            let before = calls.len();
            calls.extend(calls_of(spec, check, part, &hurt));
            let known = content.actions.get(&check.verb);
            let radius = known.map_or(u32::MAX, |known| known.blast_radius_max);
            let count = calls.len() - before;
            if part == Part::Restore && count > radius as usize {
                let (check, verb) = (&check.id, &check.verb);
                return Err(Rejected::Limited(format!(
                    "`{check}` would reach {count} targets, and `{verb}` may reach {radius} at once"
                )));
            }
        }
    }
    if calls.len() > CALLS_MAX {
        let (name, count) = (&spec.name, calls.len());
        return Err(Rejected::Limited(format!("`{name}` needs {count} calls; at most {CALLS_MAX} are made")));
    }
    Ok(Service {
        name: spec.name.as_str().into(),
        group: spec.group,
        owner: spec.owner.as_str().into(),
        depends_on: spec.depends_on.iter().map(|name| name.as_str().into()).collect(),
        hurt,
        within: spec.restore_within,
        calls,
        stage: Stage::Waiting,
        round: 0,
        releases: Vec::new(),
        began_at: None,
        verified_at: None,
        released_at: None,
        well_at: None,
        failed_at: None,
    })
}

fn calls_of(spec: &ServiceSpec, check: &Check, part: Part, hurt: &[Target]) -> Vec<Call> {
    let of_kind = || hurt.iter().filter(|(kind, _)| **kind == *check.kind).map(|(_, name)| name.to_string());
    let targets: Vec<String> = match (&check.targets, part) {
        (Some(targets), _) => targets.clone(),
        (None, Part::Probe) => spec.probed(check).map(str::to_owned).collect(),
        (None, Part::Restore | Part::Verify) => of_kind().collect(),
    };
    let call = |target: String| Call {
        check: check.id.as_str().into(),
        part,
        verifies: check.verifies,
        verb: check.verb.as_str().into(),
        kind: check.kind.as_str().into(),
        target: target.into(),
        with: check.with.iter().map(|(name, value)| (name.clone(), value.clone())).collect(),
        found: None,
    };
    targets.into_iter().map(call).collect()
}

/// What has to be shown before what was real may be over, each with what to do about it.
pub(super) fn unmet(state: &State, incident: &Incident) -> Vec<String> {
    let (id, severity) = (incident.id, incident.severity);
    let needs = &state.content.recovery.require;
    let from = |from: Option<Severity>| from.is_some_and(|from| severity >= from);
    let hurt = !services::affected(&state.content.services, &incident.targets).is_empty();
    let begun = incident.recovery.as_deref().filter(|plan| plan.is_started());
    let mut unmet: Vec<String> = begun.map_or_else(Vec::new, |plan| {
        let open = plan.services.iter().filter(|service| service.stage != Stage::Well);
        open.map(|service| on_the_way(plan, service)).collect()
    });
    if hurt && begun.is_none() && from(needs.restored) {
        unmet.push(format!("the services that it hurt were not brought back; see `incident recover {id}`"));
    }
    let kinds = [(Verifies::Data, needs.data), (Verifies::Posture, needs.posture), (Verifies::Health, None)];
    for (of, needed) in kinds {
        match incident.recovery.as_deref().and_then(|plan| shown(plan, of)) {
            Some(Some(why)) => unmet.push(why),
            Some(None) => {}
            None if hurt && from(needed) => {
                let name = of.name();
                unmet.push(format!("nobody verified its {name}; see `incident verify {id} {name}`"));
            }
            None => {}
        }
    }
    unmet
}

fn on_the_way(plan: &Plan, service: &Service) -> String {
    let name = &service.name;
    match &service.stage {
        Stage::Failed { reason } => format!("service {name} failed: {reason}"),
        Stage::Waiting => format!("service {name} waits for {}", plan.waits_for(service).join(", ")),
        Stage::Restoring | Stage::Verifying | Stage::Releasing | Stage::Probing | Stage::Well => {
            format!("service {name} is {}", service.stage.name())
        }
    }
}

/// Whether this was verified at all, and what says that it does not hold. The later word on a service counts.
fn shown(plan: &Plan, of: Verifies) -> Option<Option<String>> {
    let mut any = false;
    let mut against: BTreeMap<Option<&str>, String> = BTreeMap::new();
    for service in &plan.services {
        for call in service.calls.iter().filter(|call| call.verifies == of) {
            let Some(found) = &call.found else { continue };
            any |= found.passed;
            // Where the service failed of it, that is said already.
            if !found.passed && !matches!(service.stage, Stage::Failed { .. }) {
                any = true;
                against.insert(Some(&service.name), format!("{}: {}", service.name, why(call)));
            }
        }
    }
    for verdict in plan.verdicts.iter().filter(|verdict| verdict.of == of) {
        any = true;
        match (&verdict.service, verdict.passed) {
            (None, true) => against.clear(),
            (Some(service), true) => drop(against.remove(&Some(&**service))),
            (service, false) => {
                let about = service.as_deref().map_or_else(String::new, |service| format!(" of {service}"));
                let note = &verdict.note;
                against.insert(service.as_deref(), format!("the {}{about} does not hold: {note}", of.name()));
            }
        }
    }
    any.then(|| against.into_values().next())
}
