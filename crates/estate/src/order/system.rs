//! The verbs that touch services and their data, traffic, models and what trains them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{REASON_BYTES, Reader, Verb, plain, typed};

const NAME_BYTES: usize = 200;
const PER_MINUTE_MOST: u32 = 1_000_000;

/// One of these verbs with its arguments read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum System {
    /// Starts a service that has stopped.
    RestoreService,
    /// Whether the data of a service is what was written.
    VerifyData,
    /// A new key in place of this one; the old one is worth nothing.
    RotateKey,
    Block,
    Unblock,
    Limit {
        per_minute: u32,
    },
    Unlimit,
    /// Calls of a service go to another service.
    Reroute {
        to: String,
    },
    RouteBack,
    /// Without a checkpoint: the last clean one before the present.
    Rollback {
        checkpoint: Option<String>,
        reason: Option<String>,
    },
    Reinstate,
    IsolateModel,
    ReleaseModel,
    Throttle {
        per_minute: u32,
    },
    Unthrottle,
    VerifyModel,
    QuarantineData,
    RestoreData,
    Pause,
    Resume,
    Snapshot,
    /// Without a backup: the newest that verifies and is older than the damage.
    RestoreBackup {
        backup: Option<String>,
    },
    /// Files whose first bytes do not fit their name are refused.
    Tighten,
    Loosen,
    /// Logins from addresses that the service does not know are refused.
    Guard,
    Unguard,
    /// A node is set up anew from a trusted image.
    Rebuild,
    /// The monitors say something about a node.
    Raise {
        name: String,
        severity: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RateArgs {
    #[serde(default = "ten")]
    per_minute: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RouteArgs {
    to: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RollbackArgs {
    checkpoint: Option<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BackupArgs {
    backup: Option<String>,
}

pub(super) const READERS: [(Verb, Reader<System>); 28] = [
    (Verb::ServiceRestore, |verb, args| plain(verb, args, System::RestoreService)),
    (Verb::DataVerify, |verb, args| plain(verb, args, System::VerifyData)),
    (Verb::KeyRotate, |verb, args| plain(verb, args, System::RotateKey)),
    (Verb::TrafficBlock, |verb, args| plain(verb, args, System::Block)),
    (Verb::TrafficUnblock, |verb, args| plain(verb, args, System::Unblock)),
    (Verb::ModelIsolate, |verb, args| plain(verb, args, System::IsolateModel)),
    (Verb::ModelRelease, |verb, args| plain(verb, args, System::ReleaseModel)),
    (Verb::ModelVerify, |verb, args| plain(verb, args, System::VerifyModel)),
    (Verb::DatasetQuarantine, |verb, args| plain(verb, args, System::QuarantineData)),
    (Verb::DatasetRestore, |verb, args| plain(verb, args, System::RestoreData)),
    (Verb::PipelinePause, |verb, args| plain(verb, args, System::Pause)),
    (Verb::PipelineResume, |verb, args| plain(verb, args, System::Resume)),
    (Verb::BackupSnapshot, |verb, args| plain(verb, args, System::Snapshot)),
    (Verb::ValidationTighten, |verb, args| plain(verb, args, System::Tighten)),
    (Verb::ValidationLoosen, |verb, args| plain(verb, args, System::Loosen)),
    (Verb::PolicyTighten, |verb, args| plain(verb, args, System::Guard)),
    (Verb::PolicyLoosen, |verb, args| plain(verb, args, System::Unguard)),
    (Verb::NodeRebuild, rebuild),
    (Verb::TrafficLimit, |verb, args| Ok(System::Limit { per_minute: rate(verb, args)? })),
    (Verb::TrafficUnlimit, |verb, args| rate(verb, args).map(|_| System::Unlimit)),
    (Verb::TrafficReroute, |verb, args| Ok(System::Reroute { to: route(verb, args)? })),
    (Verb::TrafficRouteBack, |verb, args| route(verb, args).map(|_| System::RouteBack)),
    (Verb::ModelRollback, rollback),
    (Verb::AlertRaise, raise),
    (Verb::ModelReinstate, |verb, args| rollback(verb, args).map(|_| System::Reinstate)),
    (Verb::ModelThrottle, |verb, args| Ok(System::Throttle { per_minute: rate(verb, args)? })),
    (Verb::ModelUnthrottle, |verb, args| rate(verb, args).map(|_| System::Unthrottle)),
    (Verb::BackupRestore, |verb, args| Ok(System::RestoreBackup { backup: backup(verb, args)? })),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RaiseArgs {
    name: String,
    #[serde(default = "critical")]
    severity: String,
}

/// The image that nobody but its makers can change.
const TRUSTED: &str = "trusted";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RebuildArgs {
    #[serde(default = "trusted")]
    image: String,
}

fn trusted() -> String {
    TRUSTED.to_owned()
}

fn rebuild(verb: Verb, args: &Map<String, Value>) -> Result<System, String> {
    let RebuildArgs { image } = typed(verb, args)?;
    match image == TRUSTED {
        true => Ok(System::Rebuild),
        false => Err(format!("arguments of `{}`: image must be `{TRUSTED}`", verb.name())),
    }
}

fn critical() -> String {
    "critical".to_owned()
}

fn raise(verb: Verb, args: &Map<String, Value>) -> Result<System, String> {
    let RaiseArgs { name, severity } = typed(verb, args)?;
    Ok(System::Raise { name: named(verb, name)?, severity: named(verb, severity)? })
}

fn rate(verb: Verb, args: &Map<String, Value>) -> Result<u32, String> {
    let RateArgs { per_minute } = typed(verb, args)?;
    if (1..=PER_MINUTE_MOST).contains(&per_minute) {
        Ok(per_minute)
    } else {
        Err(format!("arguments of `{}`: per_minute must be 1 to {PER_MINUTE_MOST}", verb.name()))
    }
}

fn rollback(verb: Verb, args: &Map<String, Value>) -> Result<System, String> {
    let RollbackArgs { checkpoint, reason } = typed(verb, args)?;
    if reason.as_ref().is_some_and(|text| text.len() > REASON_BYTES) {
        return Err(format!("arguments of `{}`: reason is longer than {REASON_BYTES} bytes", verb.name()));
    }
    let checkpoint = checkpoint.map(|name| named(verb, name)).transpose()?;
    Ok(System::Rollback { checkpoint, reason })
}

fn route(verb: Verb, args: &Map<String, Value>) -> Result<String, String> {
    named(verb, typed::<RouteArgs>(verb, args)?.to)
}

/// `latest` is the same as none.
fn backup(verb: Verb, args: &Map<String, Value>) -> Result<Option<String>, String> {
    let BackupArgs { backup } = typed(verb, args)?;
    backup.filter(|name| name != "latest").map(|name| named(verb, name)).transpose()
}

fn named(verb: Verb, name: String) -> Result<String, String> {
    if name.is_empty() || name.len() > NAME_BYTES {
        return Err(format!("arguments of `{}`: a name has 1 to {NAME_BYTES} bytes", verb.name()));
    }
    Ok(name)
}

fn ten() -> u32 {
    10
}
