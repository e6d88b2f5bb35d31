//! The verbs beyond containment of nodes, keys, accounts, services and segments: files, sessions, filters, and what is
//! saved and looked up for an investigation.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Reader, Verb, plain, typed};

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
    /// Of a node: its memory, its log and its traffic.
    Seal,
    /// Of an account: everybody who uses it logs in again.
    ResetSessions,
    /// Of a service: whether it answers.
    Probe,
    /// Of one endpoint; the rest of its service goes on.
    CloseApi,
    OpenApi,
    /// Of a node: every call it makes is recorded.
    Watch,
    Unwatch,
    /// Of a session: what its prompts are, and how practised whoever writes them.
    Analyze,
    /// Of an account: how much of a risk it is.
    Assess,
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

pub(super) const READERS: [(Verb, Reader<Response>); 26] = [
    (Verb::FileQuarantine, |verb, args| Ok(Response::Quarantine { copies: copies(verb, args)? })),
    (Verb::FileRestore, |verb, args| Ok(Response::Unquarantine { copies: copies(verb, args)? })),
    (Verb::FilterUpdate, |verb, args| Ok(Response::Filter { signature: signature(verb, args)? })),
    (Verb::FilterRemove, |verb, args| Ok(Response::Unfilter { signature: signature(verb, args)? })),
    (Verb::AccountFlag, |verb, args| Ok(Response::Flag { days: days(verb, args)? })),
    (Verb::AccountUnflag, |verb, args| days(verb, args).map(|_| Response::Unflag)),
    (Verb::FileFindSimilar, |verb, args| plain(verb, args, Response::FindSimilar)),
    (Verb::SessionTerminate, |verb, args| plain(verb, args, Response::Terminate)),
    (Verb::SessionScan, |verb, args| plain(verb, args, Response::Scan)),
    (Verb::AccountRequireReauth, |verb, args| plain(verb, args, Response::RequireReauth)),
    (Verb::AccountClearReauth, |verb, args| plain(verb, args, Response::AllowWithoutReauth)),
    (Verb::NodeStatus, |verb, args| plain(verb, args, Response::Status)),
    (Verb::NodeLogs, |verb, args| plain(verb, args, Response::Logs)),
    (Verb::NodeRestart, |verb, args| plain(verb, args, Response::Restart)),
    (Verb::NodeSyncStatus, |verb, args| plain(verb, args, Response::SyncStatus)),
    (Verb::FilePreserve, |verb, args| plain(verb, args, Response::Preserve)),
    (Verb::EvidencePreserve, |verb, args| plain(verb, args, Response::Preserve)),
    (Verb::NodePreserve, |verb, args| plain(verb, args, Response::Seal)),
    (Verb::AccountResetSessions, |verb, args| plain(verb, args, Response::ResetSessions)),
    (Verb::ServiceProbe, |verb, args| plain(verb, args, Response::Probe)),
    (Verb::ApiShutdown, |verb, args| plain(verb, args, Response::CloseApi)),
    (Verb::ApiRestore, |verb, args| plain(verb, args, Response::OpenApi)),
    (Verb::MonitoringEnhance, |verb, args| plain(verb, args, Response::Watch)),
    (Verb::MonitoringReset, |verb, args| plain(verb, args, Response::Unwatch)),
    (Verb::SessionAnalyze, |verb, args| plain(verb, args, Response::Analyze)),
    (Verb::AccountAssess, |verb, args| plain(verb, args, Response::Assess)),
];

fn copies(verb: Verb, args: &Map<String, Value>) -> Result<bool, String> {
    Ok(typed::<FileArgs>(verb, args)?.copies)
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
