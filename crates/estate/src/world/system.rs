//! What is done to services and their data, to keys for good, and to traffic.

use serde_json::{Value, json};

use super::World;
use super::effect::{Effect, Impossible, missing};
use super::target::{Backup, Hold};
use crate::happening::Kind;
use crate::order::{RevocationReason, System};
use crate::scenario::DrillAlert;
use crate::spec::{FileSpec, TargetKind, TargetRef};

impl World {
    pub(super) fn operate(&mut self, system: &System, id: &str) -> Result<Effect, Impossible> {
        let effect = match system {
            System::RestoreService => self.start_service(id),
            System::VerifyData => self.verify_data(id),
            System::RotateKey => self.rotate_key(id),
            System::Block => self.block(id, true),
            System::Unblock => self.block(id, false),
            System::Limit { per_minute } => self.limit(id, Some(*per_minute)),
            System::Unlimit => self.limit(id, None),
            System::Reroute { to } => return self.reroute(id, to),
            System::RouteBack => self.route_back(id),
            System::Rollback { checkpoint, reason } => {
                return self.roll_back(id, checkpoint.as_deref(), reason.clone());
            }
            System::Reinstate => self.reinstate_model(id),
            System::IsolateModel => self.isolate_model(id, true),
            System::ReleaseModel => self.isolate_model(id, false),
            System::Throttle { per_minute } => self.throttle(id, Some(*per_minute)),
            System::Unthrottle => self.throttle(id, None),
            System::VerifyModel => self.verify_model(id),
            System::QuarantineData => self.quarantine_data(id, true),
            System::RestoreData => self.quarantine_data(id, false),
            System::Pause => self.pause(id, true),
            System::Resume => self.pause(id, false),
            System::Snapshot => self.snapshot_of(id),
            System::RestoreBackup { backup } => return self.restore_backup(id, backup.as_deref()),
            System::Tighten => self.tighten(id, true),
            System::Loosen => self.tighten(id, false),
            System::Guard => self.guard(id, true),
            System::Unguard => self.guard(id, false),
            System::Rebuild => return self.rebuild(id),
            System::Raise { name, severity } => self.raise(id, name, severity),
        };
        Ok(effect)
    }

    pub(super) fn system_holds(&self, system: &System, id: &str) -> bool {
        let service = self.targets.services.get(id);
        let model = self.targets.models.get(id);
        let limit = self.targets.limits.get(id);
        match system {
            System::RestoreService => service.is_some_and(|service| !service.down),
            System::VerifyData => service.is_some_and(|service| service.damaged_us.is_none()),
            System::RotateKey => self.targets.keys.get(id).is_some_and(|key| key.generation > 0),
            System::Block => self.targets.blocked.contains(id),
            System::Unblock => !self.targets.blocked.contains(id),
            System::Limit { per_minute } => limit.is_some_and(|present| present <= per_minute),
            System::Unlimit => limit.is_none(),
            System::Reroute { to } => service.is_some_and(|service| service.rerouted.as_ref() == Some(to)),
            System::RouteBack => service.is_some_and(|service| service.rerouted.is_none()),
            System::Rollback { checkpoint, .. } => self.rolled_back(id, checkpoint.as_deref()),
            System::Reinstate => model.is_some_and(|model| model.rolled_back.is_none()),
            System::IsolateModel => model.is_some_and(|model| model.isolated),
            System::ReleaseModel => model.is_some_and(|model| !model.isolated),
            System::Throttle { per_minute } => {
                model.and_then(|model| model.per_minute).is_some_and(|present| present <= *per_minute)
            }
            System::Unthrottle => model.is_some_and(|model| model.per_minute.is_none()),
            System::VerifyModel => model.is_some_and(super::target::Model::is_sound),
            System::QuarantineData => self.targets.datasets.get(id).is_some_and(|data| data.quarantined),
            System::RestoreData => self.targets.datasets.get(id).is_some_and(|data| !data.quarantined),
            System::Pause => self.targets.pipelines.get(id).is_some_and(|line| line.paused),
            System::Resume => self.targets.pipelines.get(id).is_some_and(|line| !line.paused),
            System::RestoreBackup { backup } => self.restored(id, backup.as_deref()),
            System::Tighten => service.is_some_and(|service| service.strict),
            System::Loosen => service.is_some_and(|service| !service.strict),
            System::Guard => service.is_some_and(|service| service.guarded),
            System::Unguard => service.is_some_and(|service| !service.guarded),
            System::Rebuild => self.rebuilt(id),
            // These are done as soon as they were carried out.
            System::Snapshot | System::Raise { .. } => true,
        }
    }

    /// Spoils what is stored in a target. Weights and stored data change; what was noted of them does not.
    pub(super) fn spoil(&mut self, target: &TargetRef) {
        let (id, now_us) = (target.id.as_str(), self.now_us);
        match target.kind {
            TargetKind::Service => {
                if let Some(service) = self.targets.services.get_mut(id) {
                    service.damaged_us.get_or_insert(now_us);
                }
            }
            TargetKind::Model => {
                let model = self.targets.models.get_mut(id);
                if let Some(point) = model.and_then(|model| model.checkpoints.get_mut(model.present)) {
                    point.weights.push_str(", changed");
                }
            }
            TargetKind::Dataset => {
                if let Some(data) = self.targets.datasets.get_mut(id) {
                    data.poisoned = true;
                }
            }
            TargetKind::Node
            | TargetKind::Key
            | TargetKind::Account
            | TargetKind::Session
            | TargetKind::Endpoint
            | TargetKind::Segment
            | TargetKind::File
            | TargetKind::Pipeline
            | TargetKind::Address => {}
        }
    }

    /// A service that looks at first bytes takes no file that calls itself something else.
    pub(super) fn refuses(&self, file: &FileSpec) -> bool {
        file.is_disguised() && self.targets.services.values().any(|service| service.strict)
    }

    pub(super) fn address_state(&self, id: &str) -> Value {
        let sessions = self.targets.sessions.iter().filter(|(_, session)| session.from == id);
        let sessions: Vec<&String> = sessions.map(|(session, _)| session).collect();
        json!({"id": id, "blocked": self.targets.blocked.contains(id), "sessions": sessions})
    }

    /// Monitors and platform speak to each other by alerts, so this one goes the way of all others.
    fn raise(&mut self, id: &str, name: &str, severity: &str) -> Effect {
        let active = self.active_validators();
        let alert = DrillAlert::raised(name, severity, id, active, &self.asked_for);
        self.alerts.push(alert);
        let artefact = json!({"kind": "alert", "name": name, "severity": severity, "node": id,
            "active_validators": active});
        Effect::looked(format!("A monitor raises {name} about {id}."), artefact)
    }

    fn start_service(&mut self, id: &str) -> Effect {
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        if !std::mem::take(&mut service.down) {
            return Effect::nothing(format!("The service {id} runs already."));
        }
        Effect::contained(
            format!("The service {id} is started again."),
            json!({"kind": "service_start", "service": id}),
        )
    }

    fn verify_data(&self, id: &str) -> Effect {
        let Some(service) = self.targets.services.get(id) else { return missing(id) };
        let sound = service.damaged_us.is_none();
        let text = if sound { "are what was written" } else { "are NOT what was written" };
        let artefact = json!({"kind": "data_check", "service": id, "sound": sound,
            "restored_from": service.restored});
        Effect::looked(format!("The data of {id} {text}."), artefact)
    }

    fn rotate_key(&mut self, id: &str) -> Effect {
        let hold = Hold { since_us: self.now_us, reason: None };
        let Some(key) = self.targets.keys.get_mut(id) else { return missing(id) };
        key.generation += 1;
        key.revoked.get_or_insert((RevocationReason::Superseded, hold));
        let successor = format!("{id}.{}", key.generation + 1);
        let text = format!("{} signs with {successor} from now on; {id} is worth nothing.", key.node);
        Effect::contained(text, json!({"kind": "rotation", "key": id, "successor": successor}))
    }

    fn block(&mut self, id: &str, wanted: bool) -> Effect {
        let blocked = &mut self.targets.blocked;
        let changed = if wanted { blocked.insert(id.to_owned()) } else { blocked.remove(id) };
        match (changed, wanted) {
            (true, true) => Effect::contained(
                format!("Nothing comes through from {id} any more."),
                json!({"kind": "network_block", "address": id}),
            ),
            (true, false) => Effect::reverted(format!("Traffic from {id} comes through again.")),
            (false, true) => Effect::nothing(format!("{id} was blocked already.")),
            (false, false) => Effect::nothing(format!("{id} was not blocked.")),
        }
    }

    fn limit(&mut self, id: &str, per_minute: Option<u32>) -> Effect {
        let before = self.targets.limits.get(id).copied();
        match per_minute {
            _ if before == per_minute => Effect::nothing(format!("The limit of {id} stays as it was.")),
            Some(rate) => {
                self.targets.limits.insert(id.to_owned(), rate);
                let artefact = json!({"kind": "rate_limit", "endpoint": id, "per_minute": rate});
                Effect::contained(format!("{id} takes {rate} calls a minute and no more."), artefact)
            }
            None => {
                self.targets.limits.remove(id);
                Effect::reverted(format!("{id} takes calls without a limit again."))
            }
        }
    }

    fn reroute(&mut self, id: &str, to: &str) -> Result<Effect, Impossible> {
        if id == to {
            return Err(Impossible(format!("calls of {id} cannot go to {id}; name another service")));
        }
        if let Some(trouble) = self.service_trouble(to) {
            return Err(Impossible(format!("calls of {id} cannot go there: {trouble}")));
        }
        let Some(service) = self.targets.services.get_mut(id) else { return Ok(missing(id)) };
        if service.rerouted.as_deref() == Some(to) {
            return Ok(Effect::nothing(format!("Calls of {id} went to {to} already.")));
        }
        service.rerouted = Some(to.to_owned());
        let artefact = json!({"kind": "reroute", "service": id, "to": to});
        Ok(Effect::contained(format!("Calls of {id} go to {to}."), artefact))
    }

    fn route_back(&mut self, id: &str) -> Effect {
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        match service.rerouted.take() {
            Some(_) => Effect::reverted(format!("Calls of {id} go to {id} again.")),
            None => Effect::nothing(format!("Calls of {id} were not rerouted.")),
        }
    }

    fn snapshot_of(&mut self, id: &str) -> Effect {
        let taken_us = self.now_us;
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        let name = format!("{id}-{}", service.backups.len() + 1);
        let damaged = service.damaged_us.is_some();
        service.backups.push(Backup { id: name.clone(), taken_us, broken: false, damaged });
        let artefact = json!({"kind": "backup", "service": id, "backup": name, "taken_us": taken_us});
        Effect {
            changed: true,
            kind: Kind::Nothing,
            text: format!("The data of {id} are saved as {name}."),
            artefact: Some(artefact),
        }
    }

    fn restored(&self, id: &str, backup: Option<&str>) -> bool {
        let Some(service) = self.targets.services.get(id) else { return false };
        match backup {
            Some(backup) => service.restored.as_deref() == Some(backup),
            None => service.restored.is_some() && service.damaged_us.is_none(),
        }
    }

    /// The newest backup is of no use when it was taken after the damage.
    fn restore_backup(&mut self, id: &str, wanted: Option<&str>) -> Result<Effect, Impossible> {
        let Some(service) = self.targets.services.get_mut(id) else { return Ok(missing(id)) };
        let older = |backup: &&Backup| service.damaged_us.is_none_or(|since| backup.taken_us < since);
        let mut whole = service.backups.iter().filter(|backup| !backup.broken);
        let backup = match wanted {
            Some(name) => whole.find(|backup| backup.id == name),
            None => whole.rfind(|backup| !backup.damaged && older(backup)),
        };
        let Some(Backup { id: name, damaged, .. }) = backup.cloned() else {
            let wanted = wanted.unwrap_or("one that is whole and older than the damage");
            return Err(Impossible(format!("{id} has no backup to restore: {wanted}; a person has to look")));
        };
        if service.restored.as_ref() == Some(&name) && service.damaged_us.is_none() {
            return Ok(Effect::nothing(format!("The data of {id} come from {name} already.")));
        }
        service.damaged_us = if damaged { Some(self.now_us) } else { None };
        service.restored = Some(name.clone());
        let artefact = json!({"kind": "restore", "service": id, "backup": name});
        Ok(Effect::contained(format!("The data of {id} come from {name}."), artefact))
    }

    fn tighten(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut service.strict, wanted);
        match (before == wanted, wanted) {
            (true, _) => Effect::nothing(format!("The rules of {id} for files stay as they were.")),
            (false, true) => Effect::contained(
                format!("{id} refuses files whose first bytes do not fit their name."),
                json!({"kind": "validation", "service": id, "rule": "magic_number"}),
            ),
            (false, false) => Effect::reverted(format!("{id} looks at names of files only again.")),
        }
    }
}
