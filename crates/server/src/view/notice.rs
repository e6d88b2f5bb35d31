//! Notices as they are shown.

use domain::notice as notices;
use schemars::JsonSchema;
use serde::Serialize;

use super::{name, optional, text};

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Way {
    pub(crate) channel: String,
    /// Empty where the channel itself is the address.
    pub(crate) address: String,
}

#[derive(Debug, Serialize, JsonSchema)]
pub(crate) struct Notice {
    pub(crate) id: String,
    /// Null for what is about no single one.
    pub(crate) incident: Option<String>,
    /// Why somebody is told, such as `opened` or `update`.
    pub(crate) reason: String,
    pub(crate) to: String,
    pub(crate) about: String,
    pub(crate) subject: String,
    pub(crate) text: String,
    /// In the order in which they are tried.
    pub(crate) ways: Vec<Way>,
    /// `waiting`, `sending`, `delivered`, `undeliverable` or `cancelled`.
    pub(crate) status: String,
    /// The channel that took it, or that is in use.
    pub(crate) channel: Option<String>,
    /// What the channel gave, why it ended otherwise, or what went wrong last.
    pub(crate) detail: Option<String>,
    pub(crate) attempts: u32,
    pub(crate) queued_at: String,
    pub(crate) delivered_at: Option<String>,
    pub(crate) retry_at: Option<String>,
}

impl From<&notices::Notice> for Notice {
    fn from(notice: &notices::Notice) -> Notice {
        let in_use = notice.routes.get(notice.route as usize).map(|route| route.channel.to_string());
        let failure = notice.last_failure.as_deref();
        let (status, channel, detail) = match &notice.status {
            notices::Status::Waiting { .. } => ("waiting", in_use, failure),
            notices::Status::Sending { .. } => ("sending", in_use, failure),
            notices::Status::Delivered { channel, receipt, .. } => {
                ("delivered", Some(channel.to_string()), Some(&**receipt))
            }
            notices::Status::Undeliverable { reason } => ("undeliverable", None, Some(&**reason)),
            notices::Status::Cancelled { reason } => ("cancelled", None, Some(&**reason)),
        };
        let way = |route: &notices::Route| Way {
            channel: route.channel.to_string(),
            address: route.address.to_string(),
        };
        Notice {
            id: text(notice.id),
            incident: optional(notice.incident),
            reason: name(&notice.reason),
            to: notice.to.to_string(),
            about: notice.about.to_string(),
            subject: notice.message.subject.to_string(),
            text: notice.message.text.to_string(),
            ways: notice.routes.iter().map(way).collect(),
            status: status.to_owned(),
            channel,
            detail: detail.map(str::to_owned),
            attempts: notice.attempt,
            queued_at: text(notice.queued_at),
            delivered_at: optional(delivered_at(&notice.status)),
            retry_at: optional(retry_at(&notice.status)),
        }
    }
}

fn delivered_at(status: &notices::Status) -> Option<domain::time::Timestamp> {
    if let notices::Status::Delivered { at, .. } = status { Some(*at) } else { None }
}

fn retry_at(status: &notices::Status) -> Option<domain::time::Timestamp> {
    if let notices::Status::Waiting { at } = status { Some(*at) } else { None }
}
