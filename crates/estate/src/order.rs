//! The verbs of the estate and their arguments: containments, their ways back, and what looks or saves.

mod ai;
mod breach;
mod response;
mod system;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

pub(crate) use self::{
    ai::{Ai, Focus},
    breach::Breach,
    response::Response,
    system::System,
};
use crate::spec::TargetKind;

/// Longest free text that a call may leave in the world, in bytes.
const REASON_BYTES: usize = 500;

/// What can be done to a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verb {
    NodeIsolate,
    NodeRelease,
    KeyRevoke,
    KeyReinstate,
    AccountSuspend,
    AccountRestore,
    ServiceDisable,
    ServiceEnable,
    SegmentIsolate,
    SegmentJoin,
    PatchApply,
    PatchRemove,
    FileQuarantine,
    FileRestore,
    FileFindSimilar,
    SessionTerminate,
    SessionScan,
    FilterUpdate,
    FilterRemove,
    AccountRequireReauth,
    AccountClearReauth,
    AccountFlag,
    AccountUnflag,
    NodeStatus,
    NodeLogs,
    NodeRestart,
    NodeSyncStatus,
    EvidencePreserve,
    ServiceProbe,
    ApiShutdown,
    ApiRestore,
    MonitoringEnhance,
    MonitoringReset,
    ServiceRestore,
    DataVerify,
    KeyRotate,
    TrafficBlock,
    TrafficUnblock,
    TrafficLimit,
    TrafficUnlimit,
    TrafficReroute,
    TrafficRouteBack,
    ModelRollback,
    ModelReinstate,
    ModelIsolate,
    ModelRelease,
    ModelThrottle,
    ModelUnthrottle,
    ModelVerify,
    DatasetQuarantine,
    DatasetRestore,
    PipelinePause,
    PipelineResume,
    BackupSnapshot,
    BackupRestore,
    ValidationTighten,
    ValidationLoosen,
    SessionAnalyze,
    AccountAssess,
    FilePreserve,
    AlertRaise,
    NodePreserve,
    NodeRebuild,
    AccountResetSessions,
    PolicyTighten,
    PolicyLoosen,
    ModelInspect,
    ModelWatch,
    ModelUnwatch,
    ModelCoarsen,
    ModelRefine,
    DatasetAnalyze,
    DatasetVerify,
    DatasetClean,
    PipelineProbe,
    ApiSuspendAccess,
    ApiRestoreAccess,
    TrafficAnalyze,
    FilterTighten,
    FilterRelax,
    ServiceShield,
    ServiceUnshield,
    LeakTrace,
    LeakPurge,
    PatchFind,
    NodeHunt,
    PatternRecord,
}

impl Verb {
    pub const ALL: [Verb; 87] = [
        Verb::NodeIsolate,
        Verb::NodeRelease,
        Verb::KeyRevoke,
        Verb::KeyReinstate,
        Verb::AccountSuspend,
        Verb::AccountRestore,
        Verb::ServiceDisable,
        Verb::ServiceEnable,
        Verb::SegmentIsolate,
        Verb::SegmentJoin,
        Verb::PatchApply,
        Verb::PatchRemove,
        Verb::FileQuarantine,
        Verb::FileRestore,
        Verb::FileFindSimilar,
        Verb::SessionTerminate,
        Verb::SessionScan,
        Verb::FilterUpdate,
        Verb::FilterRemove,
        Verb::AccountRequireReauth,
        Verb::AccountClearReauth,
        Verb::AccountFlag,
        Verb::AccountUnflag,
        Verb::NodeStatus,
        Verb::NodeLogs,
        Verb::NodeRestart,
        Verb::NodeSyncStatus,
        Verb::EvidencePreserve,
        Verb::ServiceProbe,
        Verb::ApiShutdown,
        Verb::ApiRestore,
        Verb::MonitoringEnhance,
        Verb::MonitoringReset,
        Verb::ServiceRestore,
        Verb::DataVerify,
        Verb::KeyRotate,
        Verb::TrafficBlock,
        Verb::TrafficUnblock,
        Verb::TrafficLimit,
        Verb::TrafficUnlimit,
        Verb::TrafficReroute,
        Verb::TrafficRouteBack,
        Verb::ModelRollback,
        Verb::ModelReinstate,
        Verb::ModelIsolate,
        Verb::ModelRelease,
        Verb::ModelThrottle,
        Verb::ModelUnthrottle,
        Verb::ModelVerify,
        Verb::DatasetQuarantine,
        Verb::DatasetRestore,
        Verb::PipelinePause,
        Verb::PipelineResume,
        Verb::BackupSnapshot,
        Verb::BackupRestore,
        Verb::ValidationTighten,
        Verb::ValidationLoosen,
        Verb::SessionAnalyze,
        Verb::AccountAssess,
        Verb::FilePreserve,
        Verb::AlertRaise,
        Verb::NodePreserve,
        Verb::NodeRebuild,
        Verb::AccountResetSessions,
        Verb::PolicyTighten,
        Verb::PolicyLoosen,
        Verb::ModelInspect,
        Verb::ModelWatch,
        Verb::ModelUnwatch,
        Verb::ModelCoarsen,
        Verb::ModelRefine,
        Verb::DatasetAnalyze,
        Verb::DatasetVerify,
        Verb::DatasetClean,
        Verb::PipelineProbe,
        Verb::ApiSuspendAccess,
        Verb::ApiRestoreAccess,
        Verb::TrafficAnalyze,
        Verb::FilterTighten,
        Verb::FilterRelax,
        Verb::ServiceShield,
        Verb::ServiceUnshield,
        Verb::LeakTrace,
        Verb::LeakPurge,
        Verb::PatchFind,
        Verb::NodeHunt,
        Verb::PatternRecord,
    ];

    #[expect(clippy::too_many_lines, reason = "one line a verb")]
    pub fn name(self) -> &'static str {
        match self {
            Verb::NodeIsolate => "node.isolate",
            Verb::NodeRelease => "node.release",
            Verb::KeyRevoke => "key.revoke",
            Verb::KeyReinstate => "key.reinstate",
            Verb::AccountSuspend => "account.suspend",
            Verb::AccountRestore => "account.restore",
            Verb::ServiceDisable => "service.disable",
            Verb::ServiceEnable => "service.enable",
            Verb::SegmentIsolate => "segment.isolate",
            Verb::SegmentJoin => "segment.join",
            Verb::PatchApply => "patch.apply",
            Verb::PatchRemove => "patch.remove",
            Verb::FileQuarantine => "file.quarantine",
            Verb::FileRestore => "file.restore",
            Verb::FileFindSimilar => "file.find_similar",
            Verb::SessionTerminate => "session.terminate",
            Verb::SessionScan => "session.scan",
            Verb::FilterUpdate => "filter.update",
            Verb::FilterRemove => "filter.remove",
            Verb::AccountRequireReauth => "account.require_reauth",
            Verb::AccountClearReauth => "account.clear_reauth",
            Verb::AccountFlag => "account.flag",
            Verb::AccountUnflag => "account.unflag",
            Verb::NodeStatus => "node.status",
            Verb::NodeLogs => "node.logs",
            Verb::NodeRestart => "node.restart",
            Verb::NodeSyncStatus => "node.sync_status",
            Verb::EvidencePreserve => "evidence.preserve",
            Verb::ServiceProbe => "service.probe",
            Verb::ApiShutdown => "api.shutdown",
            Verb::ApiRestore => "api.restore",
            Verb::MonitoringEnhance => "monitoring.enhance",
            Verb::MonitoringReset => "monitoring.reset",
            Verb::ServiceRestore => "service.restore",
            Verb::DataVerify => "data.verify",
            Verb::KeyRotate => "key.rotate",
            Verb::TrafficBlock => "traffic.block",
            Verb::TrafficUnblock => "traffic.unblock",
            Verb::TrafficLimit => "traffic.limit",
            Verb::TrafficUnlimit => "traffic.unlimit",
            Verb::TrafficReroute => "traffic.reroute",
            Verb::TrafficRouteBack => "traffic.route_back",
            Verb::ModelRollback => "model.rollback",
            Verb::ModelReinstate => "model.reinstate",
            Verb::ModelIsolate => "model.isolate",
            Verb::ModelRelease => "model.release",
            Verb::ModelThrottle => "model.throttle",
            Verb::ModelUnthrottle => "model.unthrottle",
            Verb::ModelVerify => "model.verify",
            Verb::DatasetQuarantine => "dataset.quarantine",
            Verb::DatasetRestore => "dataset.restore",
            Verb::PipelinePause => "pipeline.pause",
            Verb::PipelineResume => "pipeline.resume",
            Verb::BackupSnapshot => "backup.snapshot",
            Verb::BackupRestore => "backup.restore",
            Verb::ValidationTighten => "validation.tighten",
            Verb::ValidationLoosen => "validation.loosen",
            Verb::SessionAnalyze => "session.analyze",
            Verb::AccountAssess => "account.assess",
            Verb::FilePreserve => "file.preserve",
            Verb::AlertRaise => "alert.raise",
            Verb::NodePreserve => "node.preserve",
            Verb::NodeRebuild => "node.rebuild",
            Verb::AccountResetSessions => "account.reset_sessions",
            Verb::PolicyTighten => "policy.tighten",
            Verb::PolicyLoosen => "policy.loosen",
            Verb::ModelInspect => "model.inspect",
            Verb::ModelWatch => "model.watch",
            Verb::ModelUnwatch => "model.unwatch",
            Verb::ModelCoarsen => "model.coarsen",
            Verb::ModelRefine => "model.refine",
            Verb::DatasetAnalyze => "dataset.analyze",
            Verb::DatasetVerify => "dataset.verify",
            Verb::DatasetClean => "dataset.clean",
            Verb::PipelineProbe => "pipeline.probe",
            Verb::ApiSuspendAccess => "api.suspend_access",
            Verb::ApiRestoreAccess => "api.restore_access",
            Verb::TrafficAnalyze => "traffic.analyze",
            Verb::FilterTighten => "filter.tighten",
            Verb::FilterRelax => "filter.relax",
            Verb::ServiceShield => "service.shield",
            Verb::ServiceUnshield => "service.unshield",
            Verb::LeakTrace => "leak.trace",
            Verb::LeakPurge => "leak.purge",
            Verb::PatchFind => "patch.find",
            Verb::NodeHunt => "node.hunt",
            Verb::PatternRecord => "pattern.record",
        }
    }

    pub fn parse(name: &str) -> Option<Verb> {
        Verb::ALL.into_iter().find(|verb| verb.name() == name)
    }

    /// The verb that takes this one back, where there is one.
    #[expect(clippy::too_many_lines, reason = "one line a verb")]
    pub fn opposite(self) -> Option<Verb> {
        let opposite = match self {
            Verb::NodeIsolate => Verb::NodeRelease,
            Verb::NodeRelease => Verb::NodeIsolate,
            Verb::KeyRevoke => Verb::KeyReinstate,
            Verb::KeyReinstate => Verb::KeyRevoke,
            Verb::AccountSuspend => Verb::AccountRestore,
            Verb::AccountRestore => Verb::AccountSuspend,
            Verb::ServiceDisable => Verb::ServiceEnable,
            Verb::ServiceEnable => Verb::ServiceDisable,
            Verb::SegmentIsolate => Verb::SegmentJoin,
            Verb::SegmentJoin => Verb::SegmentIsolate,
            Verb::PatchApply => Verb::PatchRemove,
            Verb::PatchRemove => Verb::PatchApply,
            Verb::FileQuarantine => Verb::FileRestore,
            Verb::FilterUpdate => Verb::FilterRemove,
            Verb::AccountRequireReauth => Verb::AccountClearReauth,
            Verb::AccountFlag => Verb::AccountUnflag,
            Verb::ApiShutdown => Verb::ApiRestore,
            Verb::ApiRestore => Verb::ApiShutdown,
            Verb::MonitoringEnhance => Verb::MonitoringReset,
            Verb::MonitoringReset => Verb::MonitoringEnhance,
            Verb::FileRestore => Verb::FileQuarantine,
            Verb::FilterRemove => Verb::FilterUpdate,
            Verb::AccountClearReauth => Verb::AccountRequireReauth,
            Verb::AccountUnflag => Verb::AccountFlag,
            Verb::TrafficBlock => Verb::TrafficUnblock,
            Verb::TrafficUnblock => Verb::TrafficBlock,
            Verb::TrafficLimit => Verb::TrafficUnlimit,
            Verb::TrafficUnlimit => Verb::TrafficLimit,
            Verb::TrafficReroute => Verb::TrafficRouteBack,
            Verb::TrafficRouteBack => Verb::TrafficReroute,
            Verb::ModelRollback => Verb::ModelReinstate,
            Verb::ModelReinstate => Verb::ModelRollback,
            Verb::ModelIsolate => Verb::ModelRelease,
            Verb::ModelRelease => Verb::ModelIsolate,
            Verb::ModelThrottle => Verb::ModelUnthrottle,
            Verb::ModelUnthrottle => Verb::ModelThrottle,
            Verb::DatasetQuarantine => Verb::DatasetRestore,
            Verb::DatasetRestore => Verb::DatasetQuarantine,
            Verb::PipelinePause => Verb::PipelineResume,
            Verb::PipelineResume => Verb::PipelinePause,
            Verb::ValidationTighten => Verb::ValidationLoosen,
            Verb::ValidationLoosen => Verb::ValidationTighten,
            Verb::PolicyTighten => Verb::PolicyLoosen,
            Verb::PolicyLoosen => Verb::PolicyTighten,
            Verb::ModelWatch => Verb::ModelUnwatch,
            Verb::ModelUnwatch => Verb::ModelWatch,
            Verb::ModelCoarsen => Verb::ModelRefine,
            Verb::ModelRefine => Verb::ModelCoarsen,
            Verb::ApiSuspendAccess => Verb::ApiRestoreAccess,
            Verb::ApiRestoreAccess => Verb::ApiSuspendAccess,
            Verb::FilterTighten => Verb::FilterRelax,
            Verb::FilterRelax => Verb::FilterTighten,
            Verb::ServiceShield => Verb::ServiceUnshield,
            Verb::ServiceUnshield => Verb::ServiceShield,
            Verb::FileFindSimilar
            | Verb::SessionTerminate
            | Verb::SessionScan
            | Verb::NodeStatus
            | Verb::NodeLogs
            | Verb::NodeRestart
            | Verb::NodeSyncStatus
            | Verb::EvidencePreserve
            | Verb::ServiceProbe
            | Verb::ServiceRestore
            | Verb::DataVerify
            | Verb::KeyRotate
            | Verb::ModelVerify
            | Verb::BackupSnapshot
            | Verb::BackupRestore
            | Verb::SessionAnalyze
            | Verb::AccountAssess
            | Verb::FilePreserve
            | Verb::AlertRaise
            | Verb::NodePreserve
            | Verb::NodeRebuild
            | Verb::AccountResetSessions
            | Verb::ModelInspect
            | Verb::DatasetAnalyze
            | Verb::DatasetVerify
            | Verb::DatasetClean
            | Verb::PipelineProbe
            | Verb::TrafficAnalyze
            | Verb::LeakTrace
            | Verb::LeakPurge
            | Verb::PatchFind
            | Verb::NodeHunt
            | Verb::PatternRecord => return None,
        };
        Some(opposite)
    }

    /// The kinds of target that it can be asked of.
    pub fn kinds(self) -> &'static [TargetKind] {
        match self {
            Verb::NodeIsolate | Verb::NodeRelease => &[TargetKind::Node],
            Verb::KeyRevoke | Verb::KeyReinstate => &[TargetKind::Key],
            Verb::AccountSuspend | Verb::AccountRestore => &[TargetKind::Account],
            Verb::ServiceDisable | Verb::ServiceEnable => &[TargetKind::Service],
            Verb::SegmentIsolate | Verb::SegmentJoin => &[TargetKind::Segment],
            Verb::PatchApply | Verb::PatchRemove => &[TargetKind::Node, TargetKind::Service],
            Verb::FileQuarantine | Verb::FileRestore | Verb::FileFindSimilar => &[TargetKind::File],
            Verb::SessionTerminate | Verb::SessionScan => &[TargetKind::Session],
            Verb::FilterUpdate | Verb::FilterRemove | Verb::ServiceProbe => &[TargetKind::Service],
            Verb::ApiShutdown | Verb::ApiRestore => &[TargetKind::Endpoint],
            Verb::AccountRequireReauth
            | Verb::AccountClearReauth
            | Verb::AccountFlag
            | Verb::AccountUnflag
            | Verb::AccountResetSessions => &[TargetKind::Account],
            Verb::NodeStatus
            | Verb::NodeLogs
            | Verb::NodeRestart
            | Verb::NodeSyncStatus
            | Verb::NodePreserve
            | Verb::NodeRebuild
            | Verb::MonitoringEnhance
            | Verb::MonitoringReset => &[TargetKind::Node],
            Verb::EvidencePreserve => &TargetKind::ALL,
            Verb::KeyRotate => &[TargetKind::Key],
            Verb::FilePreserve => &[TargetKind::File],
            Verb::AlertRaise => &[TargetKind::Node],
            Verb::SessionAnalyze => &[TargetKind::Session],
            Verb::AccountAssess => &[TargetKind::Account],
            Verb::TrafficBlock | Verb::TrafficUnblock => &[TargetKind::Address],
            Verb::TrafficLimit | Verb::TrafficUnlimit => &[TargetKind::Endpoint],
            Verb::ServiceRestore
            | Verb::DataVerify
            | Verb::TrafficReroute
            | Verb::TrafficRouteBack
            | Verb::BackupSnapshot
            | Verb::BackupRestore
            | Verb::ValidationTighten
            | Verb::ValidationLoosen
            | Verb::PolicyTighten
            | Verb::PolicyLoosen => &[TargetKind::Service],
            Verb::ModelRollback
            | Verb::ModelReinstate
            | Verb::ModelIsolate
            | Verb::ModelRelease
            | Verb::ModelThrottle
            | Verb::ModelUnthrottle
            | Verb::ModelVerify => &[TargetKind::Model],
            Verb::DatasetQuarantine | Verb::DatasetRestore => &[TargetKind::Dataset],
            Verb::PipelinePause | Verb::PipelineResume => &[TargetKind::Pipeline],
            Verb::ModelInspect
            | Verb::ModelWatch
            | Verb::ModelUnwatch
            | Verb::ModelCoarsen
            | Verb::ModelRefine => &[TargetKind::Model],
            Verb::DatasetAnalyze | Verb::DatasetVerify | Verb::DatasetClean => &[TargetKind::Dataset],
            Verb::PipelineProbe => &[TargetKind::Pipeline],
            Verb::ApiSuspendAccess | Verb::ApiRestoreAccess => &[TargetKind::Account],
            Verb::TrafficAnalyze | Verb::PatternRecord => &[TargetKind::Session],
            Verb::FilterTighten
            | Verb::FilterRelax
            | Verb::ServiceShield
            | Verb::ServiceUnshield
            | Verb::LeakTrace
            | Verb::LeakPurge => &[TargetKind::Service],
            Verb::PatchFind | Verb::NodeHunt => &[TargetKind::Node],
        }
    }
}

/// How far a node is cut off, weakest first. The path to the security tools stays open at every level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IsolationLevel {
    /// Nothing is cut; traffic is mirrored to the security tools.
    Monitor,
    /// The outside is cut, peers are not.
    Partial,
    /// The outside and the peers are cut.
    Full,
}

impl IsolationLevel {
    pub fn name(self) -> &'static str {
        match self {
            IsolationLevel::Monitor => "monitor",
            IsolationLevel::Partial => "partial",
            IsolationLevel::Full => "full",
        }
    }
}

/// Why a key is revoked: the reason codes of RFC 5280 section 5.3.1 that fit a key of a node, and the incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    SecurityIncident,
    KeyCompromise,
    Superseded,
    CessationOfOperation,
    CertificateHold,
    PrivilegeWithdrawn,
    Unspecified,
}

impl RevocationReason {
    pub fn name(self) -> &'static str {
        match self {
            RevocationReason::SecurityIncident => "security_incident",
            RevocationReason::KeyCompromise => "key_compromise",
            RevocationReason::Superseded => "superseded",
            RevocationReason::CessationOfOperation => "cessation_of_operation",
            RevocationReason::CertificateHold => "certificate_hold",
            RevocationReason::PrivilegeWithdrawn => "privilege_withdrawn",
            RevocationReason::Unspecified => "unspecified",
        }
    }
}

/// A verb with its arguments read. A way back takes the arguments of its containment too, so that whoever reverts can
/// send what it applied; it heeds only those that say what to take back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    Isolate { level: IsolationLevel, reason: Option<String> },
    Release,
    Revoke { reason: RevocationReason },
    Reinstate,
    Suspend { end_sessions: bool, reason: Option<String> },
    Restore,
    Disable { reason: Option<String> },
    Enable,
    Segregate { allow: Vec<String>, reason: Option<String> },
    Join,
    Patch { patch: String },
    Unpatch { patch: String },
    Respond(Response),
    Operate(System),
    Learned(Ai),
    Breached(Breach),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NodeArgs {
    #[serde(default = "full")]
    level: IsolationLevel,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyArgs {
    #[serde(default = "security_incident")]
    reason: RevocationReason,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AccountArgs {
    #[serde(default = "yes")]
    end_sessions: bool,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServiceArgs {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SegmentArgs {
    /// Segments that may still exchange traffic with the isolated one.
    #[serde(default)]
    allow: Vec<String>,
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PatchArgs {
    patch: String,
}

/// Reads the arguments of one verb.
type Reader<T> = fn(Verb, &Map<String, Value>) -> Result<T, String>;

const READERS: [(Verb, Reader<Order>); 12] = [
    (Verb::NodeIsolate, |verb, args| {
        let NodeArgs { level, reason } = typed(verb, args)?;
        Ok(Order::Isolate { level, reason })
    }),
    (Verb::NodeRelease, |verb, args| typed::<NodeArgs>(verb, args).map(|_| Order::Release)),
    (Verb::KeyRevoke, |verb, args| Ok(Order::Revoke { reason: typed::<KeyArgs>(verb, args)?.reason })),
    (Verb::KeyReinstate, |verb, args| typed::<KeyArgs>(verb, args).map(|_| Order::Reinstate)),
    (Verb::AccountSuspend, |verb, args| {
        let AccountArgs { end_sessions, reason } = typed(verb, args)?;
        Ok(Order::Suspend { end_sessions, reason })
    }),
    (Verb::AccountRestore, |verb, args| typed::<AccountArgs>(verb, args).map(|_| Order::Restore)),
    (Verb::ServiceDisable, |verb, args| {
        Ok(Order::Disable { reason: typed::<ServiceArgs>(verb, args)?.reason })
    }),
    (Verb::ServiceEnable, |verb, args| typed::<ServiceArgs>(verb, args).map(|_| Order::Enable)),
    (Verb::SegmentIsolate, |verb, args| {
        let SegmentArgs { allow, reason } = typed(verb, args)?;
        Ok(Order::Segregate { allow, reason })
    }),
    (Verb::SegmentJoin, |verb, args| typed::<SegmentArgs>(verb, args).map(|_| Order::Join)),
    (Verb::PatchApply, |verb, args| Ok(Order::Patch { patch: typed::<PatchArgs>(verb, args)?.patch })),
    (Verb::PatchRemove, |verb, args| Ok(Order::Unpatch { patch: typed::<PatchArgs>(verb, args)?.patch })),
];

impl Order {
    pub(crate) fn read(verb: Verb, args: &Map<String, Value>) -> Result<Order, String> {
        if let Some(order) = look_up(&READERS, verb, args) {
            return order?.within_limits(verb);
        }
        if let Some(response) = look_up(&response::READERS, verb, args) {
            return response.map(Order::Respond);
        }
        if let Some(ai) = look_up(&ai::READERS, verb, args) {
            return ai.map(Order::Learned);
        }
        if let Some(breach) = look_up(&breach::READERS, verb, args) {
            return breach.map(Order::Breached);
        }
        let system = look_up(&system::READERS, verb, args).map(|system| system.map(Order::Operate));
        system.unwrap_or_else(|| Err(format!("`{}` has no reading of its arguments", verb.name())))
    }

    fn within_limits(self, verb: Verb) -> Result<Order, String> {
        let reason = match &self {
            Order::Isolate { reason, .. }
            | Order::Suspend { reason, .. }
            | Order::Disable { reason }
            | Order::Segregate { reason, .. } => reason.as_deref(),
            Order::Release
            | Order::Revoke { .. }
            | Order::Reinstate
            | Order::Restore
            | Order::Enable
            | Order::Join
            | Order::Patch { .. }
            | Order::Unpatch { .. }
            | Order::Respond(_)
            | Order::Operate(_)
            | Order::Learned(_)
            | Order::Breached(_) => None,
        };
        match reason {
            Some(text) if text.len() > REASON_BYTES => {
                Err(format!("arguments of `{}`: reason is longer than {REASON_BYTES} bytes", verb.name()))
            }
            Some(_) | None => Ok(self),
        }
    }
}

fn look_up<T>(
    readers: &[(Verb, Reader<T>)],
    verb: Verb,
    args: &Map<String, Value>,
) -> Option<Result<T, String>> {
    readers.iter().find(|(known, _)| *known == verb).map(|(_, read)| read(verb, args))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArgs {}

/// For a verb that takes no arguments.
fn plain<T>(verb: Verb, args: &Map<String, Value>, order: T) -> Result<T, String> {
    typed::<NoArgs>(verb, args).map(|NoArgs {}| order)
}

fn typed<T: for<'de> Deserialize<'de>>(verb: Verb, args: &Map<String, Value>) -> Result<T, String> {
    T::deserialize(args).map_err(|error| format!("arguments of `{}`: {error}", verb.name()))
}

fn full() -> IsolationLevel {
    IsolationLevel::Full
}

fn security_incident() -> RevocationReason {
    RevocationReason::SecurityIncident
}

fn yes() -> bool {
    true
}
