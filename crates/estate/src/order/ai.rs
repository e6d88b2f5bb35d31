//! The verbs that guard models, what they learn from, and who asks them: what looks into them, and what narrows them.

use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Reader, Verb, plain, typed};

/// One of these verbs with its arguments read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ai {
    /// Of a model: whether its weights are those that were registered, and whether there is a clean checkpoint.
    Inspect,
    /// Every prompt and every answer of a model is recorded.
    Watch,
    Unwatch,
    /// A model answers without its scores.
    Coarsen,
    Refine,
    /// Of a data set: how much of it was tampered with, and by which way.
    Analyze,
    /// Whether a data set is as it was registered.
    VerifyData,
    /// A data set is put back to what was registered.
    Clean,
    /// Whether a pipeline can run.
    Probe,
    /// Calls of an account are refused at every endpoint; it may log in.
    SuspendAccess,
    RestoreAccess,
    /// Of a session: what went over the line.
    Traffic {
        focus: Focus,
    },
    /// A service refuses whatever uses a known technique, with or without a signature.
    Tighten,
    Relax,
    /// The signature of a session goes among the known ones.
    Record,
}

/// What forensics of traffic look at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Focus {
    #[default]
    All,
    Exfiltration,
    UnusualPatterns,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TrafficArgs {
    #[serde(default)]
    focus: Focus,
}

pub(super) const READERS: [(Verb, Reader<Ai>); 15] = [
    (Verb::ModelInspect, |verb, args| plain(verb, args, Ai::Inspect)),
    (Verb::ModelWatch, |verb, args| plain(verb, args, Ai::Watch)),
    (Verb::ModelUnwatch, |verb, args| plain(verb, args, Ai::Unwatch)),
    (Verb::ModelCoarsen, |verb, args| plain(verb, args, Ai::Coarsen)),
    (Verb::ModelRefine, |verb, args| plain(verb, args, Ai::Refine)),
    (Verb::DatasetAnalyze, |verb, args| plain(verb, args, Ai::Analyze)),
    (Verb::DatasetVerify, |verb, args| plain(verb, args, Ai::VerifyData)),
    (Verb::DatasetClean, |verb, args| plain(verb, args, Ai::Clean)),
    (Verb::PipelineProbe, |verb, args| plain(verb, args, Ai::Probe)),
    (Verb::ApiSuspendAccess, |verb, args| plain(verb, args, Ai::SuspendAccess)),
    (Verb::ApiRestoreAccess, |verb, args| plain(verb, args, Ai::RestoreAccess)),
    (Verb::TrafficAnalyze, traffic),
    (Verb::FilterTighten, |verb, args| plain(verb, args, Ai::Tighten)),
    (Verb::PatternRecord, |verb, args| plain(verb, args, Ai::Record)),
    (Verb::FilterRelax, |verb, args| plain(verb, args, Ai::Relax)),
];

fn traffic(verb: Verb, args: &Map<String, Value>) -> Result<Ai, String> {
    let TrafficArgs { focus } = typed(verb, args)?;
    Ok(Ai::Traffic { focus })
}
