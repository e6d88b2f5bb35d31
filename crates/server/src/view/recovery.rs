//! What the API shows of a recovery.

use domain::{
    action, incident as incidents,
    recovery::plan::{self, Plan, Stage},
};
use schemars::JsonSchema;
use serde::Serialize;

use super::{Target, name, optional, text};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Recovery {
    /// `not begun`, `under way`, `stopped` or `complete`; `nothing to do` where no service is hurt.
    pub(crate) state: String,
    pub(crate) started_by: Option<String>,
    pub(crate) started_at: Option<String>,
    pub(crate) completed_at: Option<String>,
    /// While the incident is watched: when the probes are repeated.
    pub(crate) next_probe_at: Option<String>,
    /// In the order in which they come back.
    pub(crate) services: Vec<Service>,
    /// What people found.
    pub(crate) verdicts: Vec<Verdict>,
    /// Containments in force that belong to no service; people release them.
    pub(crate) left_to_people: Vec<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Service {
    pub(crate) service: String,
    pub(crate) group: u32,
    pub(crate) owner: String,
    pub(crate) depends_on: Vec<String>,
    /// What of it the incident names; nothing where it only needs another that was hurt.
    pub(crate) hurt: Vec<Target>,
    /// `waiting`, `restoring`, `verifying`, `verified`, `released`, `healthy` or `failed`.
    pub(crate) stage: String,
    pub(crate) waits_for: Vec<String>,
    /// Why it failed.
    pub(crate) reason: Option<String>,
    pub(crate) began_at: Option<String>,
    pub(crate) verified_at: Option<String>,
    pub(crate) released_at: Option<String>,
    pub(crate) healthy_at: Option<String>,
    pub(crate) failed_at: Option<String>,
    /// From the opening of the incident until it was well.
    pub(crate) took_s: Option<u64>,
    /// What that may be.
    pub(crate) within_s: Option<u64>,
    pub(crate) in_time: Option<bool>,
    pub(crate) checks: Vec<Check>,
    pub(crate) releases: Vec<Release>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Check {
    pub(crate) check: String,
    /// restore, verify or probe.
    pub(crate) part: String,
    /// data, posture or health.
    pub(crate) verifies: String,
    pub(crate) verb: String,
    pub(crate) target: String,
    /// Null until it came to an answer.
    pub(crate) passed: Option<bool>,
    pub(crate) said: Option<String>,
    pub(crate) action: Option<String>,
    pub(crate) at: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Release {
    pub(crate) action: String,
    pub(crate) released_at: Option<String>,
    pub(crate) read_back: Option<bool>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Verdict {
    pub(crate) of: String,
    pub(crate) service: Option<String>,
    pub(crate) passed: bool,
    pub(crate) note: String,
    pub(crate) by: Option<String>,
    pub(crate) at: String,
}

impl Recovery {
    pub(crate) fn of<'a>(
        incident: &incidents::Incident,
        plan: &Plan,
        left: impl Iterator<Item = &'a action::Action>,
    ) -> Recovery {
        let verdict = |verdict: &plan::Verdict| Verdict {
            of: verdict.of.name().to_owned(),
            service: verdict.service.as_deref().map(str::to_owned),
            passed: verdict.passed,
            note: verdict.note.to_string(),
            by: optional(verdict.by),
            at: text(verdict.at),
        };
        Recovery {
            state: state(plan).to_owned(),
            started_by: plan.started.map(|(by, _)| text(by)),
            started_at: plan.started.map(|(_, at)| text(at)),
            completed_at: optional(plan.completed_at),
            next_probe_at: optional(plan.next_probe_at.filter(|_| incident.watch_until.is_some())),
            services: plan.services.iter().map(|one| Service::of(incident, plan, one)).collect(),
            verdicts: plan.verdicts.iter().map(verdict).collect(),
            left_to_people: left.map(|action| text(action.id)).collect(),
        }
    }
}

fn state(plan: &Plan) -> &'static str {
    let failed = |service: &plan::Service| matches!(service.stage, Stage::Failed { .. });
    match () {
        () if plan.services.is_empty() => "nothing to do",
        () if !plan.is_started() => "not begun",
        () if plan.completed_at.is_some() => "complete",
        () if plan.services.iter().any(failed) => "stopped",
        () => "under way",
    }
}

impl Service {
    fn of(incident: &incidents::Incident, plan: &Plan, service: &plan::Service) -> Service {
        let waits = service.stage == Stage::Waiting;
        let waits_for = plan.waits_for(service).into_iter().filter(|_| waits).map(str::to_owned);
        let took = service.well_at.map(|at| at.since(incident.opened_at));
        let target = |(kind, name): &incidents::Target| Target { kind: kind.clone(), name: name.clone() };
        Service {
            service: service.name.to_string(),
            group: service.group,
            owner: service.owner.to_string(),
            depends_on: service.depends_on.iter().map(|name| name.to_string()).collect(),
            hurt: service.hurt.iter().map(target).collect(),
            stage: service.stage.name().to_owned(),
            waits_for: waits_for.collect(),
            reason: match &service.stage {
                Stage::Failed { reason } => Some(reason.to_string()),
                Stage::Waiting
                | Stage::Restoring
                | Stage::Verifying
                | Stage::Releasing
                | Stage::Probing
                | Stage::Well => None,
            },
            began_at: optional(service.began_at),
            verified_at: optional(service.verified_at),
            released_at: optional(service.released_at),
            healthy_at: optional(service.well_at),
            failed_at: optional(service.failed_at),
            took_s: took.map(|took| took.0 / 1_000_000),
            within_s: service.within.map(|within| within.0 / 1_000_000),
            in_time: took.zip(service.within).map(|(took, within)| took <= within),
            checks: service.calls.iter().map(Check::of).collect(),
            releases: service.releases.iter().map(Release::of).collect(),
        }
    }
}

impl Check {
    fn of(call: &plan::Call) -> Check {
        let found = call.found.as_ref();
        Check {
            check: call.check.to_string(),
            part: name(&call.part),
            verifies: call.verifies.name().to_owned(),
            verb: call.verb.to_string(),
            target: call.target.to_string(),
            passed: found.map(|found| found.passed),
            said: found.map(|found| found.said.to_string()),
            action: found.and_then(|found| optional(found.action)),
            at: found.map(|found| text(found.at)),
        }
    }
}

impl Release {
    fn of(release: &plan::Release) -> Release {
        Release {
            action: text(release.action),
            released_at: release.done.map(|(at, _)| text(at)),
            read_back: release.done.map(|(_, verified)| verified),
        }
    }
}
