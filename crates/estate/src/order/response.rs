//! The verbs beyond containment of nodes, keys, accounts, services and segments: files, sessions, filters, and what is
//! saved and looked up for an investigation.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Verb, typed};

const SIGNATURE_BYTES: usize = 200;
const DAYS_MOST: u32 = 90;

/// One of these verbs with its arguments read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Response {
    /// With `copies`, every file of the same content goes as well.
    Quarantine {
        copies: bool,
    },
    Unquarantine {
        copies: bool,
    },
    FindSimilar,
    Terminate,
    Scan,
    /// Without a signature: those that the last scan of sessions found.
    Filter {
        signature: Option<String>,
    },
    Unfilter {
        signature: Option<String>,
    },
    RequireReauth,
    AllowWithoutReauth,
    Flag {
        days: u32,
    },
    Unflag,
    Status,
    Logs,
    Restart,
    SyncStatus,
    Preserve,
    /// Of a service: whether it answers.
    Probe,
    /// Of one endpoint; the rest of its service goes on.
    CloseApi,
    OpenApi,
    /// Of a node: every call it makes is recorded.
    Watch,
    Unwatch,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FileArgs {
    #[serde(default = "super::yes")]
    copies: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FilterArgs {
    signature: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlagArgs {
    #[serde(default = "week")]
    days: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NoArgs {}

impl Response {
    /// `None` for a verb of another kind.
    pub(super) fn read(verb: Verb, args: &Map<String, Value>) -> Result<Option<Response>, String> {
        let response = match verb {
            Verb::FileQuarantine => Response::Quarantine { copies: typed::<FileArgs>(verb, args)?.copies },
            Verb::FileRestore => Response::Unquarantine { copies: typed::<FileArgs>(verb, args)?.copies },
            Verb::FilterUpdate => Response::Filter { signature: signature(verb, args)? },
            Verb::FilterRemove => Response::Unfilter { signature: signature(verb, args)? },
            Verb::AccountFlag => Response::Flag { days: days(verb, args)? },
            Verb::AccountUnflag => days(verb, args).map(|_| Response::Unflag)?,
            Verb::FileFindSimilar => plain(verb, args, Response::FindSimilar)?,
            Verb::SessionTerminate => plain(verb, args, Response::Terminate)?,
            Verb::SessionScan => plain(verb, args, Response::Scan)?,
            Verb::AccountRequireReauth => plain(verb, args, Response::RequireReauth)?,
            Verb::AccountClearReauth => plain(verb, args, Response::AllowWithoutReauth)?,
            Verb::NodeStatus => plain(verb, args, Response::Status)?,
            Verb::NodeLogs => plain(verb, args, Response::Logs)?,
            Verb::NodeRestart => plain(verb, args, Response::Restart)?,
            Verb::NodeSyncStatus => plain(verb, args, Response::SyncStatus)?,
            Verb::EvidencePreserve => plain(verb, args, Response::Preserve)?,
            Verb::ServiceProbe => plain(verb, args, Response::Probe)?,
            Verb::ApiShutdown => plain(verb, args, Response::CloseApi)?,
            Verb::ApiRestore => plain(verb, args, Response::OpenApi)?,
            Verb::MonitoringEnhance => plain(verb, args, Response::Watch)?,
            Verb::MonitoringReset => plain(verb, args, Response::Unwatch)?,
            Verb::NodeIsolate
            | Verb::NodeRelease
            | Verb::KeyRevoke
            | Verb::KeyReinstate
            | Verb::AccountSuspend
            | Verb::AccountRestore
            | Verb::ServiceDisable
            | Verb::ServiceEnable
            | Verb::SegmentIsolate
            | Verb::SegmentJoin
            | Verb::PatchApply
            | Verb::PatchRemove => return Ok(None),
        };
        Ok(Some(response))
    }
}

fn plain(verb: Verb, args: &Map<String, Value>, response: Response) -> Result<Response, String> {
    typed::<NoArgs>(verb, args).map(|NoArgs {}| response)
}

fn signature(verb: Verb, args: &Map<String, Value>) -> Result<Option<String>, String> {
    let FilterArgs { signature } = typed(verb, args)?;
    match &signature {
        Some(text) if text.is_empty() || text.len() > SIGNATURE_BYTES => {
            Err(format!("arguments of `{}`: a signature has 1 to {SIGNATURE_BYTES} bytes", verb.name()))
        }
        Some(_) | None => Ok(signature),
    }
}

fn days(verb: Verb, args: &Map<String, Value>) -> Result<u32, String> {
    let FlagArgs { days } = typed(verb, args)?;
    if (1..=DAYS_MOST).contains(&days) {
        Ok(days)
    } else {
        Err(format!("arguments of `{}`: days must be 1 to {DAYS_MOST}", verb.name()))
    }
}

fn week() -> u32 {
    7
}
