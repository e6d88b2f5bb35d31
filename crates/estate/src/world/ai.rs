//! What guards models, what they learn from, and who asks them.

use serde_json::{Value, json};

use super::World;
use super::effect::{Effect, Impossible, missing};
use super::response::sha256;
use super::target::{Checkpoint, Session};
use crate::order::{Ai, Focus};

/// Prompts of one session, and bytes that it took away, from which on nobody works like that by hand.
const PROMPTS_USUAL: u64 = 200;
const BYTES_USUAL: u64 = 1_000_000;
/// The ways by which poison comes into a data set.
const VECTORS: [&str; 3] = ["upstream", "insider", "feedback"];

impl World {
    pub(super) fn learned(&mut self, ai: Ai, id: &str) -> Result<Effect, Impossible> {
        let effect = match ai {
            Ai::Inspect => self.inspect(id),
            Ai::Watch => self.watch_model(id, true),
            Ai::Unwatch => self.watch_model(id, false),
            Ai::Coarsen => self.coarsen(id, true),
            Ai::Refine => self.coarsen(id, false),
            Ai::Analyze => self.analyze_data(id),
            Ai::VerifyData => self.verify_dataset(id),
            Ai::Clean => return self.clean(id),
            Ai::Probe => self.probe_pipeline(id),
            Ai::SuspendAccess => self.suspend_access(id, true),
            Ai::RestoreAccess => self.suspend_access(id, false),
            Ai::Traffic { focus } => self.analyze_traffic(id, focus),
            Ai::Tighten => self.tighten_filter(id, true),
            Ai::Relax => self.tighten_filter(id, false),
            Ai::Record => self.record_pattern(id),
        };
        Ok(effect)
    }

    pub(super) fn learned_holds(&self, ai: Ai, id: &str) -> bool {
        let (model, service) = (self.targets.models.get(id), self.targets.services.get(id));
        let account = self.targets.accounts.get(id);
        match ai {
            Ai::Watch => model.is_some_and(|model| model.watched),
            Ai::Unwatch => model.is_some_and(|model| !model.watched),
            Ai::Coarsen => model.is_some_and(|model| model.coarse),
            Ai::Refine => model.is_some_and(|model| !model.coarse),
            Ai::VerifyData | Ai::Clean => self.targets.datasets.get(id).is_some_and(|data| !data.poisoned),
            Ai::Probe => self.pipeline_trouble(id).is_none(),
            Ai::SuspendAccess => account.is_some_and(|account| account.no_api),
            Ai::RestoreAccess => account.is_some_and(|account| !account.no_api),
            Ai::Tighten => service.is_some_and(|service| service.tight),
            Ai::Relax => service.is_some_and(|service| !service.tight),
            Ai::Record => {
                let signature = self.targets.sessions.get(id).and_then(|session| session.signature.as_ref());
                signature.is_none_or(|signature| self.catalogue.contains(signature))
            }
            // These are done as soon as they were carried out.
            Ai::Inspect | Ai::Analyze | Ai::Traffic { .. } => true,
        }
    }

    /// Whether calls of this session are refused, though it is open and comes through.
    pub(super) fn turned_away(&self, session: &Session) -> bool {
        let no_api = self.targets.accounts.get(&session.account).is_some_and(|account| account.no_api);
        let tight = self.targets.services.values().any(|service| service.tight);
        no_api || (tight && !session.techniques.is_empty())
    }

    /// By the hash of the weights; an earlier checkpoint is clean when its own hash is the registered one.
    fn inspect(&mut self, id: &str) -> Effect {
        let Some(model) = self.targets.models.get_mut(id) else { return missing(id) };
        model.sealed = true;
        let sound = model.is_sound();
        let mut earlier = model.checkpoints.iter().take(model.present);
        let clean = earlier.rfind(|point| point.is_sound()).map(|point| &point.id);
        let present = model.checkpoints.get(model.present);
        let hash = |of: fn(&Checkpoint) -> &String| present.map(|point| sha256(of(point)));
        let text = match (sound, clean) {
            (true, _) => format!("The weights of {id} are those that were registered."),
            (false, Some(clean)) => {
                format!("The weights of {id} are NOT those registered; {clean} is clean.")
            }
            (false, None) => {
                format!("The weights of {id} are NOT those registered, and no checkpoint is clean.")
            }
        };
        let artefact = json!({
            "kind": "weight_inspection", "model": id, "checkpoint": present.map(|point| &point.id),
            "registered": hash(|point| &point.registered), "present": hash(|point| &point.weights),
            "clean_checkpoint": clean, "unsound": flag(!sound),
            "restorable": flag(!sound && clean.is_some()), "unrestorable": flag(!sound && clean.is_none()),
        });
        Effect::looked(text, artefact)
    }

    fn watch_model(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(model) = self.targets.models.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut model.watched, wanted);
        match (before == wanted, wanted) {
            (true, _) => Effect::nothing(format!("What is recorded of {id} stays as it was.")),
            (false, true) => Effect::contained(
                format!("Every prompt and every answer of {id} is recorded."),
                json!({"kind": "model_watch", "model": id}),
            ),
            (false, false) => Effect::reverted(format!("Of {id} no more is recorded than usual.")),
        }
    }

    fn coarsen(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(model) = self.targets.models.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut model.coarse, wanted);
        match (before == wanted, wanted) {
            (true, _) => Effect::nothing(format!("The answers of {id} stay as they were.")),
            (false, true) => Effect::contained(
                format!("{id} answers without scores."),
                json!({"kind": "coarse_answers", "model": id}),
            ),
            (false, false) => Effect::reverted(format!("{id} gives its scores again.")),
        }
    }

    /// How much of it is not as registered, and by which way that came in.
    fn analyze_data(&self, id: &str) -> Effect {
        let Some(data) = self.targets.datasets.get(id) else { return missing(id) };
        let vector = data.vector.as_deref().unwrap_or("none");
        let models: Vec<&String> = self
            .targets
            .pipelines
            .values()
            .filter(|line| line.dataset == id)
            .map(|line| &line.model)
            .collect();
        let mut artefact = json!({
            "kind": "contamination_analysis", "dataset": id, "attack_vector": vector,
            "contaminated_percent": data.percent, "models": models, "sha256": sha256(&format!("{id} {vector}")),
        });
        for known in VECTORS {
            artefact[known] = flag(vector == known);
        }
        Effect::looked(format!("{} % of {id} was tampered with; way in: {vector}.", data.percent), artefact)
    }

    fn verify_dataset(&self, id: &str) -> Effect {
        let Some(data) = self.targets.datasets.get(id) else { return missing(id) };
        let text = if data.poisoned { "is NOT what was registered" } else { "is what was registered" };
        Effect::looked(
            format!("{id} {text}."),
            json!({"kind": "dataset_check", "dataset": id, "sound": !data.poisoned}),
        )
    }

    /// Under quarantine only: a pipeline that reads it meanwhile would learn from half of it.
    fn clean(&mut self, id: &str) -> Result<Effect, Impossible> {
        let Some(data) = self.targets.datasets.get_mut(id) else { return Ok(missing(id)) };
        if !data.poisoned {
            return Ok(Effect::nothing(format!("{id} is what was registered already.")));
        }
        if !data.quarantined {
            return Err(Impossible(format!("{id} is in use; `dataset.quarantine` comes first")));
        }
        data.poisoned = false;
        let percent = std::mem::take(&mut data.percent);
        let artefact = json!({"kind": "dataset_restored", "dataset": id, "removed_percent": percent});
        Ok(Effect::contained(format!("{id} is put back to what was registered."), artefact))
    }

    fn pipeline_trouble(&self, id: &str) -> Option<String> {
        let line = self.targets.pipelines.get(id)?;
        let quarantined = self.targets.datasets.get(&line.dataset).is_some_and(|data| data.quarantined);
        match (line.paused, quarantined) {
            (true, _) => Some(format!("{id} stands still")),
            (false, true) => Some(format!("{id} cannot read {}", line.dataset)),
            (false, false) => None,
        }
    }

    fn probe_pipeline(&self, id: &str) -> Effect {
        let trouble = self.pipeline_trouble(id);
        let artefact = json!({"kind": "pipeline_probe", "pipeline": id, "runs": trouble.is_none()});
        Effect::looked(trouble.unwrap_or_else(|| format!("{id} can run")) + ".", artefact)
    }

    fn suspend_access(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(account) = self.targets.accounts.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut account.no_api, wanted);
        match (before == wanted, wanted) {
            (true, _) => Effect::nothing(format!("What {id} may call stays as it was.")),
            (false, true) => Effect::contained(
                format!("Calls of {id} are refused at every endpoint."),
                json!({"kind": "access_suspension", "account": id}),
            ),
            (false, false) => Effect::reverted(format!("{id} may call endpoints again.")),
        }
    }

    fn analyze_traffic(&self, id: &str, focus: Focus) -> Effect {
        let Some(session) = self.targets.sessions.get(id) else { return missing(id) };
        let mut artefact = json!({"kind": "traffic_analysis", "session": id, "from": session.from,
            "evidence_sha256": sha256(&format!("{id} {} {}", session.prompts, session.bytes_out))});
        if focus != Focus::UnusualPatterns {
            artefact["bytes_out"] = json!(session.bytes_out);
            artefact["exfiltration"] = ratio(session.bytes_out, BYTES_USUAL);
        }
        if focus != Focus::Exfiltration {
            artefact["prompts"] = json!(session.prompts);
            artefact["unusual"] = ratio(session.prompts, PROMPTS_USUAL);
        }
        let (prompts, bytes) = (session.prompts, session.bytes_out);
        Effect::looked(format!("{id} asked {prompts} times and took {bytes} bytes away."), artefact)
    }

    fn record_pattern(&mut self, id: &str) -> Effect {
        let Some(session) = self.targets.sessions.get(id) else { return missing(id) };
        let Some(signature) = session.signature.clone() else {
            return Effect::nothing(format!("{id} shows no pattern."));
        };
        let text = format!("The pattern {signature} is known from now on.");
        let artefact = json!({"kind": "pattern", "session": id, "signature": signature,
            "techniques": session.techniques});
        match self.catalogue.insert(signature) {
            true => Effect { changed: true, ..Effect::looked(text, artefact) },
            false => Effect::looked(text, artefact),
        }
    }

    fn tighten_filter(&mut self, id: &str, wanted: bool) -> Effect {
        let Some(service) = self.targets.services.get_mut(id) else { return missing(id) };
        let before = std::mem::replace(&mut service.tight, wanted);
        match (before == wanted, wanted) {
            (true, _) => Effect::nothing(format!("The filter of {id} stays as it was.")),
            (false, true) => Effect::contained(
                format!("{id} refuses whatever uses a known technique."),
                json!({"kind": "filter_level", "service": id, "level": "tight"}),
            ),
            (false, false) => Effect::reverted(format!("The filter of {id} is as usual again.")),
        }
    }
}

/// A yes or no as a number, for conditions.
fn flag(is_so: bool) -> Value {
    json!(u8::from(is_so))
}

/// From 0 to 1 in hundredths: how near something came to twice of what is usual.
fn ratio(found: u64, usual: u64) -> Value {
    let hundredths = u32::try_from((found.saturating_mul(50) / usual.max(1)).min(100)).unwrap_or(100);
    json!(f64::from(hundredths) / 100.0)
}
