//! The estate as a value: calls change it, reads look at it, time is a parameter and nothing else comes from outside.

mod ai;
#[cfg(test)]
mod ai_tests;
mod analysis;
mod attack;
mod breach;
mod effect;
mod harm;
mod health;
mod rebuild;
#[cfg(test)]
mod rebuild_tests;
mod response;
#[cfg(test)]
mod response_tests;
mod state;
mod system;
#[cfg(test)]
mod system_tests;
mod target;
#[cfg(test)]
mod tests;
mod training;
mod upkeep;
#[cfg(test)]
mod upkeep_tests;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use self::attack::Attack;
use self::effect::{Impossible, LATEST};
use self::target::Targets;
use crate::call::{Call, Reading, Refusal, Reply, Status};
use crate::error::Error;
use crate::happening::{Happening, Kind, Story};
use crate::order::{Order, System, Verb};
use crate::replies::{Replies, Seen};
use crate::scenario::{DrillAlert, Scenario};
use crate::spec::{PatchSpec, Spec, TargetKind, TargetRef, TrafficRule};

/// Idempotency keys that a world remembers unless told otherwise, about 50 MB when full.
const KEYS_REMEMBERED: usize = 100_000;

/// The simulated estate.
///
/// The same calls in the same order with the same times give the same world and the same replies.
#[derive(Clone, Debug)]
pub struct World {
    now_us: u64,
    targets: Targets,
    patches: Vec<PatchSpec>,
    traffic: Vec<TrafficRule>,
    /// Signatures that the last scan of sessions found.
    scanned: BTreeSet<String>,
    /// Patterns of prompts that were recorded as known.
    catalogue: BTreeSet<String>,
    replies: Replies,
    effects: BTreeMap<Verb, BTreeMap<String, Effects>>,
    story: Story,
    attack: Option<Attack>,
    /// The incident for which the last call was made, as its caller said.
    asked_for: String,
    /// Alerts that came due and were not collected yet.
    alerts: Vec<DrillAlert>,
}

/// How often a verb was carried out on a target. Repeats under the same key count once; refusals do not count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Effects {
    pub carried_out: u64,
    /// Of these, how many changed the state of the target.
    pub changed: u64,
}

impl World {
    /// A world as described.
    ///
    /// # Errors
    /// [`Error::Spec`] if a name is used that is not defined, or defined twice.
    pub fn new(spec: &Spec) -> Result<World, Error> {
        spec.check()?;
        Ok(World::build(spec))
    }

    /// The estate that Ringfence acts on until another one is configured.
    pub fn shipped() -> World {
        World::build(&Spec::shipped())
    }

    fn build(spec: &Spec) -> World {
        World {
            now_us: 0,
            targets: Targets::new(spec),
            patches: spec.patches.clone(),
            traffic: spec.traffic.clone(),
            scanned: BTreeSet::new(),
            catalogue: BTreeSet::new(),
            replies: Replies::new(KEYS_REMEMBERED),
            effects: BTreeMap::new(),
            story: Story::default(),
            attack: None,
            asked_for: String::new(),
            alerts: Vec::new(),
        }
    }

    /// Remembers the replies to this many idempotency keys, about 500 bytes each; the oldest are forgotten first, and
    /// a forgotten key counts as new. Forgets all that it knew.
    pub fn remember(&mut self, keys: usize) {
        self.replies = Replies::new(keys);
    }

    /// Carries out a call, once for each idempotency key. Never fails: a call that makes no sense is refused.
    pub fn apply(&mut self, call: &Call) -> Reply {
        self.advance(call.time_us);
        if call.key.is_empty() {
            return self.decide(call);
        }
        let digest = call.digest();
        match self.replies.look_up(&call.key, digest) {
            Seen::Same(reply) => {
                let text = format!("{} on {} came again under the same key.", call.verb, call.target);
                self.tell(Kind::Nothing, text);
                reply
            }
            Seen::Other => {
                let reason =
                    format!("idempotency key `{}` was used for another call; use a new key", call.key);
                self.refuse(call, Refusal::KeyReused, reason)
            }
            Seen::Never => {
                let reply = self.decide(call);
                self.replies.record(&call.key, digest, &reply);
                reply
            }
        }
    }

    /// Says whether what `verb` and `args` ask for holds on the target now. Changes nothing. Besides the verbs of
    /// [`Verb`] it answers `node.health`, `service.health`, `endpoint.health` and `segment.health`.
    pub fn read(
        &self,
        verb: &str,
        target_kind: &str,
        target: &str,
        args: &serde_json::Map<String, Value>,
    ) -> Reading {
        if let Some(kind) = health::asked(verb) {
            return self.read_health(kind, target);
        }
        let (order, place) = match self.understand(verb, target_kind, target, args) {
            Ok(understood) => understood,
            Err((refusal, reason)) => {
                return Reading::refused(refusal, reason, self.state_of(target_kind, target));
            }
        };
        Reading { holds: self.holds(&order, &place), state: self.state(&place), refusal: None, reason: None }
    }

    /// The present state of a target, or null if there is no such target.
    pub fn state_of(&self, target_kind: &str, target: &str) -> Value {
        match TargetKind::parse(target_kind) {
            Some(kind) => self.state(&TargetRef::new(kind, target)),
            None => Value::Null,
        }
    }

    /// How often `verb` took effect on `target`.
    pub fn effects(&self, verb: Verb, target: &str) -> Effects {
        self.effects.get(&verb).and_then(|by_target| by_target.get(target)).copied().unwrap_or_default()
    }

    /// Everything, for live views.
    pub fn snapshot(&self) -> Value {
        let mut all = serde_json::Map::new();
        all.insert("time_us".to_owned(), json!(self.now_us));
        for kind in TargetKind::ALL {
            let states: Vec<Value> =
                self.targets.ids(kind).into_iter().map(|id| self.state(&TargetRef { kind, id })).collect();
            all.insert(kind.plural(), Value::Array(states));
        }
        all.insert("effects".to_owned(), self.effects_view());
        all.insert(
            "attack".to_owned(),
            self.attack.as_ref().map_or(Value::Null, |attack| self.attack_view(attack)),
        );
        Value::Object(all)
    }

    /// What happened from number `number` on, oldest first; only the last 10,000 are kept.
    pub fn events_since(&self, number: u64) -> Vec<Happening> {
        self.story.since(number)
    }

    /// Starts an attack at `now_us`, in place of an earlier one.
    pub fn start(&mut self, scenario: Scenario, now_us: u64) {
        self.advance(now_us);
        self.attack = Some(Attack::new(scenario, self.now_us));
        self.advance(now_us);
    }

    /// Lets the time pass: attackers go on with their work. Returns the alerts that monitors raised since the last
    /// tick, to be sent as they are.
    pub fn tick(&mut self, now_us: u64) -> Vec<DrillAlert> {
        self.advance(now_us);
        std::mem::take(&mut self.alerts)
    }

    fn decide(&mut self, call: &Call) -> Reply {
        match self.understand(&call.verb, &call.target_kind, &call.target, &call.args) {
            Ok((order, place)) => self.perform(call, &order, &place),
            Err((refusal, reason)) => self.refuse(call, refusal, reason),
        }
    }

    fn understand(
        &self,
        verb: &str,
        target_kind: &str,
        target: &str,
        args: &serde_json::Map<String, Value>,
    ) -> Result<(Order, TargetRef), (Refusal, String)> {
        let Some(verb) = Verb::parse(verb) else {
            return Err((Refusal::UnknownVerb, format!("unknown verb `{verb}`")));
        };
        let kind = self.kind_for(verb, target_kind, target)?;
        let place = TargetRef::new(kind, target);
        if !self.targets.contains(&place) {
            return Err((Refusal::UnknownTarget, "unknown target".to_owned()));
        }
        let order = Order::read(verb, args).map_err(|reason| (Refusal::BadArguments, reason))?;
        self.known_names(&order, verb).map_err(|reason| (Refusal::BadArguments, reason))?;
        Ok((order, place))
    }

    /// A kind that is not said is found by the name of the target.
    fn kind_for(&self, verb: Verb, target_kind: &str, target: &str) -> Result<TargetKind, (Refusal, String)> {
        let kinds = verb.kinds();
        if target_kind.is_empty() {
            let known =
                kinds.iter().copied().find(|kind| self.targets.contains(&TargetRef::new(*kind, target)));
            return known.ok_or((Refusal::UnknownTarget, "unknown target".to_owned()));
        }
        let asked = TargetKind::parse(target_kind);
        kinds.iter().copied().find(|kind| Some(*kind) == asked).ok_or_else(|| {
            let reason = format!("`{}` cannot be asked of a target of kind `{target_kind}`", verb.name());
            (Refusal::BadArguments, reason)
        })
    }

    /// Patches and segments that arguments name must exist.
    fn known_names(&self, order: &Order, verb: Verb) -> Result<(), String> {
        match order {
            Order::Patch { patch } | Order::Unpatch { patch } => {
                if patch != LATEST && self.patches.iter().all(|known| known.id != *patch) {
                    return Err(format!("arguments of `{}`: unknown patch `{patch}`", verb.name()));
                }
            }
            Order::Segregate { allow, .. } => {
                let known = |id: &String| self.targets.contains(&TargetRef::new(TargetKind::Segment, id));
                if let Some(stranger) = allow.iter().find(|id| !known(id)) {
                    return Err(format!("arguments of `{}`: unknown segment `{stranger}`", verb.name()));
                }
            }
            Order::Operate(System::Reroute { to }) => {
                if !self.targets.services.contains_key(to) {
                    return Err(format!("arguments of `{}`: unknown service `{to}`", verb.name()));
                }
            }
            Order::Isolate { .. }
            | Order::Release
            | Order::Revoke { .. }
            | Order::Reinstate
            | Order::Suspend { .. }
            | Order::Restore
            | Order::Disable { .. }
            | Order::Enable
            | Order::Join
            | Order::Respond(_)
            | Order::Operate(_)
            | Order::Learned(_)
            | Order::Breached(_) => {}
        }
        Ok(())
    }

    fn perform(&mut self, call: &Call, order: &Order, place: &TargetRef) -> Reply {
        self.asked_for.clone_from(&call.incident);
        let effect = match self.carry_out(order, &place.id, place.kind) {
            Ok(effect) => effect,
            Err(Impossible(reason)) => return self.refuse(call, Refusal::Impossible, reason),
        };
        if let Some(verb) = Verb::parse(&call.verb) {
            self.count(verb, &place.id, effect.changed);
        }
        self.tell(if effect.changed { effect.kind } else { Kind::Nothing }, effect.text);
        if effect.changed {
            self.notice_lost_ways();
        }
        Reply {
            status: Status::Applied,
            refusal: None,
            reason: None,
            duplicate: false,
            state: self.state(place),
            artefact: effect.artefact,
        }
    }

    fn refuse(&mut self, call: &Call, refusal: Refusal, reason: String) -> Reply {
        self.tell(Kind::Nothing, format!("Refused {} on {}: {reason}.", call.verb, call.target));
        Reply::refused(refusal, reason, self.state_of(&call.target_kind, &call.target))
    }

    fn count(&mut self, verb: Verb, target: &str, changed: bool) {
        let by_target = self.effects.entry(verb).or_default();
        if !by_target.contains_key(target) {
            by_target.insert(target.to_owned(), Effects::default());
        }
        if let Some(effects) = by_target.get_mut(target) {
            effects.carried_out += 1;
            effects.changed += u64::from(changed);
        }
    }

    fn tell(&mut self, kind: Kind, text: String) {
        self.story.tell(self.now_us, kind, text);
    }
}
