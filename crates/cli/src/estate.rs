//! The simulated estate in this process, as a connector: what the first minute and drills act on.

#[cfg(test)]
mod tests;

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use connectors::{Call, Connector, Operation, Outcome, Performing};
use estate::{DrillAlert, Reply, Scenario, World};
use serde_json::{Map, Value};

/// Calls that are remembered with their time, for the view of a drill.
const CALLS_KEPT: usize = 10_000;

/// A world that lives as long as this process, with real time.
pub(crate) struct Estate {
    world: Mutex<World>,
    calls: Mutex<Vec<Received>>,
    began: Instant,
}

/// One change as the estate received it.
#[derive(Debug, Clone)]
pub(crate) struct Received {
    pub(crate) at: Instant,
    pub(crate) verb: String,
    pub(crate) target: String,
}

impl Estate {
    pub(crate) fn shipped() -> Arc<Estate> {
        let (world, calls) = (Mutex::new(World::shipped()), Mutex::default());
        Arc::new(Estate { world, calls, began: Instant::now() })
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn calls(&self) -> Vec<Received> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Starts an attack now, in place of an earlier one.
    pub(crate) fn attack(&self, scenario: Scenario) {
        let now_us = self.now_us();
        self.world().start(scenario, now_us);
    }

    /// Lets the attacker work on; returns the alerts that monitors raised.
    pub(crate) fn tick(&self) -> Vec<DrillAlert> {
        let now_us = self.now_us();
        self.world().tick(now_us)
    }

    /// When something happened in the world.
    pub(crate) fn moment(&self, time_us: u64) -> Instant {
        self.began + Duration::from_micros(time_us)
    }

    fn now_us(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_micros()).unwrap_or(u64::MAX)
    }

    fn run(&self, call: &Call) -> Outcome {
        match (call.operation, &call.spec.revert) {
            (Operation::Apply, _) => self.change(call, &call.verb, true),
            (Operation::Revert, Some(opposite)) => self.change(call, opposite, false),
            (Operation::Revert, None) => {
                refused(format!("action `{}` names no `revert` in actions.yaml", call.verb))
            }
            (Operation::ReadBack, _) => match self.holds(call) {
                Ok(true) => Outcome::Applied { verified: Some(true), artefact: None, duplicate: false },
                Ok(false) => later("read-back: it does not hold".to_owned()),
                Err(reason) => Outcome::Unknown { reason: format!("read-back: {reason}") },
            },
        }
    }

    fn change(&self, call: &Call, verb: &str, wanted: bool) -> Outcome {
        let reply = self.world().apply(&estate::Call {
            key: call.key.clone(),
            verb: verb.to_owned(),
            target_kind: call.target_kind.clone(),
            target: call.target.clone(),
            args: call.args.clone(),
            incident: call.incident.clone(),
            time_us: self.now_us(),
        });
        self.remember(call, verb);
        if !reply.applied() {
            return refused(reply.reason.unwrap_or_else(|| "refused without a reason".to_owned()));
        }
        let Reply { duplicate, artefact, .. } = reply;
        if !call.spec.verify {
            return Outcome::Applied { verified: None, artefact, duplicate };
        }
        match self.holds(call) {
            Ok(holds) if holds == wanted => Outcome::Applied { verified: Some(true), artefact, duplicate },
            Ok(true) => later("the call succeeded, but read-back shows that it still holds".to_owned()),
            Ok(false) => later("the call succeeded, but read-back shows that it does not hold".to_owned()),
            Err(_) => Outcome::Applied { verified: None, artefact, duplicate },
        }
    }

    fn holds(&self, call: &Call) -> Result<bool, String> {
        let reading = self.world().read(&call.verb, &call.target_kind, &call.target, &call.args);
        match reading.reason {
            Some(reason) => Err(reason),
            None => Ok(reading.holds),
        }
    }

    fn remember(&self, call: &Call, verb: &str) {
        let mut calls = self.calls.lock().unwrap_or_else(PoisonError::into_inner);
        if calls.len() < CALLS_KEPT {
            calls.push(Received { at: Instant::now(), verb: verb.to_owned(), target: call.target.clone() });
        }
    }
}

impl Connector for Estate {
    fn perform<'a>(&'a self, call: &'a Call) -> Performing<'a> {
        Box::pin(async move { self.run(call) })
    }
}

/// An alert as the Alertmanager API takes it.
pub(crate) fn alert_body(alert: &DrillAlert) -> Value {
    let text = |map: &std::collections::BTreeMap<String, String>| {
        map.iter().map(|(name, value)| (name.clone(), Value::from(value.clone()))).collect::<Map<_, _>>()
    };
    let mut body = Map::new();
    body.insert("labels".to_owned(), text(&alert.labels).into());
    body.insert("annotations".to_owned(), text(&alert.annotations).into());
    Value::Array(vec![body.into()])
}

fn refused(reason: String) -> Outcome {
    Outcome::NotApplied { reason, retry: false, retry_after: None }
}

fn later(reason: String) -> Outcome {
    Outcome::NotApplied { reason, retry: true, retry_after: None }
}
