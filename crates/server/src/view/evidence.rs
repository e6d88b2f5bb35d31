//! A piece of evidence as it is shown. No path stands in it: what is stored is found by its hash alone.

use domain::evidence::{self, Source, fault};
use schemars::JsonSchema;
use serde::Serialize;

use super::{about, optional, text};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Evidence {
    pub(crate) id: String,
    pub(crate) incident: String,
    pub(crate) kind: String,
    pub(crate) name: String,
    pub(crate) sha256: String,
    pub(crate) bytes: u64,
    /// `upload`, `note`, `snapshot`, or the action that brought it.
    pub(crate) source: String,
    /// What its bytes say that it is.
    pub(crate) media: Option<String>,
    /// It is not what it was said to be, and leaves in a bundle only.
    pub(crate) quarantined: bool,
    pub(crate) collected_at: String,
    pub(crate) collected_by: String,
    /// Since then its bytes are in the store.
    pub(crate) sealed_at: Option<String>,
    /// Who answers for it, where it was handed over.
    pub(crate) custodian: Option<String>,
    pub(crate) checked_at: Option<String>,
    /// Its bytes are not what they were.
    pub(crate) fault: Option<String>,
    /// How often it was handled.
    pub(crate) handled: usize,
}

impl From<&evidence::Evidence> for Evidence {
    fn from(kept: &evidence::Evidence) -> Evidence {
        let item = &kept.item;
        Evidence {
            id: text(kept.id),
            incident: text(item.incident),
            kind: item.kind.name().to_owned(),
            name: item.name.to_string(),
            sha256: item.sha256.to_string(),
            bytes: item.bytes,
            source: match item.source {
                Source::Action(id) => text(id),
                Source::Upload => "upload".to_owned(),
                Source::Note => "note".to_owned(),
                Source::Snapshot => "snapshot".to_owned(),
            },
            media: optional(item.media.as_deref()),
            quarantined: item.quarantined,
            collected_at: text(kept.collected_at),
            collected_by: about(&kept.by),
            sealed_at: optional(kept.sealed_at),
            custodian: optional(kept.custodian.as_deref()),
            checked_at: optional(kept.checked_at),
            fault: kept.fault.as_ref().and_then(|found| fault(kept, found)),
            handled: kept.entries.len(),
        }
    }
}
