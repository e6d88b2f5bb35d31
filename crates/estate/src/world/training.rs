//! What is done to models, to the data that they learn from, and to the pipelines between them.

use serde_json::{Value, json};

use super::World;
use super::effect::{Effect, Impossible, missing};
use super::response::sha256;
use super::target::Checkpoint;

impl World {
    pub(super) fn rolled_back(&self, id: &str, checkpoint: Option<&str>) -> bool {
        let Some(model) = self.targets.models.get(id) else { return false };
        let present = model.checkpoints.get(model.present);
        model.rolled_back.is_some()
            && model.is_sound()
            && checkpoint.is_none_or(|wanted| present.is_some_and(|point| point.id == wanted))
    }

    /// To the checkpoint that is named, or to the last clean one before the present.
    pub(super) fn roll_back(
        &mut self,
        id: &str,
        wanted: Option<&str>,
        reason: Option<String>,
    ) -> Result<Effect, Impossible> {
        if self.rolled_back(id, wanted) {
            return Ok(Effect::nothing(format!("{id} was rolled back already.")));
        }
        let Some(model) = self.targets.models.get_mut(id) else { return Ok(missing(id)) };
        let sound = |point: &Checkpoint| point.is_sound();
        let mut points = model.checkpoints.iter().enumerate().filter(|(_, point)| sound(point));
        let found = match wanted {
            Some(name) => points.find(|(_, point)| point.id == name),
            None => points.rfind(|(number, _)| *number < model.present),
        };
        let Some((to, name)) = found.map(|(to, point)| (to, point.id.clone())) else {
            let wanted = wanted.unwrap_or("one before the present");
            let why =
                format!("{id} has no clean checkpoint to go back to: {wanted}; a person has to review it");
            return Err(Impossible(why));
        };
        if !model.sealed {
            return Err(Impossible(format!("no evidence of {id} is sealed; `model.inspect` comes first")));
        }
        let before = model.rolled_back.take().map_or(model.present, |(before, _)| before);
        let reason = reason.or_else(|| Some("incident".to_owned()));
        (model.present, model.rolled_back) = (to, Some((before, reason.clone())));
        let artefact = json!({"kind": "rollback", "model": id, "checkpoint": name, "status": "rolled_back",
            "reason": reason});
        Ok(Effect::contained(format!("{id} runs {name}; what came after it is out of use."), artefact))
    }

    pub(super) fn reinstate_model(&mut self, id: &str) -> Effect {
        let Some(model) = self.targets.models.get_mut(id) else { return missing(id) };
        let Some((before, _)) = model.rolled_back.take() else {
            return Effect::nothing(format!("{id} was not rolled back."));
        };
        model.present = before;
        let name = model.checkpoints.get(before).map(|point| point.id.clone()).unwrap_or_default();
        Effect::reverted(format!("{id} runs {name} again."))
    }

    pub(super) fn isolate_model(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(model) = self.targets.models.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut model.isolated, wanted);
        match (before == wanted, wanted) {
            (true, true) => Effect::nothing(format!("{id} was isolated already.")),
            (true, false) => Effect::nothing(format!("{id} was not isolated.")),
            (false, true) => Effect::contained(
                format!("{id} answers nobody any more."),
                json!({"kind": "model_isolation", "model": id}),
            ),
            (false, false) => Effect::reverted(format!("{id} answers again.")),
        }
    }

    pub(super) fn throttle(&mut self, id: &str, per_minute: Option<u32>) -> Effect {
        let Some(model) = self.targets.models.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut model.per_minute, per_minute);
        match per_minute {
            _ if before == per_minute => Effect::nothing(format!("The limit of {id} stays as it was.")),
            Some(rate) => Effect::contained(
                format!("{id} answers {rate} prompts a minute and no more."),
                json!({"kind": "throttle", "model": id, "per_minute": rate}),
            ),
            None => Effect::reverted(format!("{id} answers without a limit again.")),
        }
    }

    /// By the hash of the weights, against what was noted when the checkpoint was registered.
    pub(super) fn verify_model(&self, id: &str) -> Effect {
        let Some(model) = self.targets.models.get(id) else { return missing(id) };
        let point = model.checkpoints.get(model.present);
        let sound = model.is_sound();
        let text =
            if sound { "are those that were registered" } else { "are NOT those that were registered" };
        let artefact = json!({
            "kind": "weight_check", "model": id, "sound": sound,
            "checkpoint": point.map(|point| &point.id),
            "registered": point.map(|point| sha256(&point.registered)),
            "present": point.map(|point| sha256(&point.weights)),
        });
        Effect::looked(format!("The weights of {id} {text}."), artefact)
    }

    pub(super) fn quarantine_data(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(data) = self.targets.datasets.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut data.quarantined, wanted);
        match (before == wanted, wanted) {
            (true, true) => Effect::nothing(format!("{id} was in quarantine already.")),
            (true, false) => Effect::nothing(format!("{id} was not in quarantine.")),
            (false, true) => Effect::contained(
                format!("Nothing learns from {id} any more."),
                json!({"kind": "dataset_quarantine", "dataset": id}),
            ),
            (false, false) => Effect::reverted(format!("{id} may be learned from again.")),
        }
    }

    pub(super) fn pause(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(line) = self.targets.pipelines.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut line.paused, wanted);
        match (before == wanted, wanted) {
            (true, true) => Effect::nothing(format!("{id} stood still already.")),
            (true, false) => Effect::nothing(format!("{id} was running.")),
            (false, true) => Effect::contained(
                format!("{id} stands still; {} learns nothing new.", line.model),
                json!({"kind": "pipeline_halt", "pipeline": id, "model": line.model, "dataset": line.dataset}),
            ),
            (false, false) => Effect::reverted(format!("{id} goes on.")),
        }
    }

    pub(super) fn model_state(&self, id: &str) -> Option<Value> {
        let model = self.targets.models.get(id)?;
        let point = model.checkpoints.get(model.present);
        let mut state = json!({
            "id": id,
            "status": if model.rolled_back.is_some() { "rolled_back" } else { "serving" },
            "checkpoint": point.map(|point| &point.id),
            "weights_sha256": point.map(|point| sha256(&point.weights)),
            "isolated": model.isolated,
        });
        if let Some((_, Some(reason))) = &model.rolled_back {
            state["reason"] = json!(reason);
        }
        for (name, is_so) in [("watched", model.watched), ("coarse", model.coarse)] {
            if is_so {
                state[name] = json!(true);
            }
        }
        if let Some(rate) = model.per_minute {
            state["per_minute"] = json!(rate);
        }
        Some(state)
    }

    pub(super) fn dataset_state(&self, id: &str) -> Option<Value> {
        let data = self.targets.datasets.get(id)?;
        Some(json!({"id": id, "quarantined": data.quarantined, "poisoned": data.poisoned}))
    }

    pub(super) fn pipeline_state(&self, id: &str) -> Option<Value> {
        let line = self.targets.pipelines.get(id)?;
        Some(json!({"id": id, "dataset": line.dataset, "model": line.model, "paused": line.paused}))
    }
}
