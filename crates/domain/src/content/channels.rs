//! `channels.yaml` as it is in force: ways to reach people, and which are tried in which order for what.

use crate::{notice::Reason, severity::Severity, time::Span};

#[derive(Debug, Default, Clone, PartialEq)]
pub struct Channels {
    pub channels: Vec<Channel>,
    pub orders: Vec<Order>,
}

#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    pub name: String,
    pub kind: ChannelKind,
    /// Where a notice goes whose recipient has no address of their own for it: a list of mail, a number on call.
    pub address: Option<String>,
    pub timeout: Span,
    /// Sendings before the next channel is taken.
    pub attempts: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ChannelKind {
    Dashboard,
    Email,
    Sms,
    Slack,
    Webhook,
    Pagerduty,
}

/// Which channels are tried, in this order; the first that takes a notice ends it.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    /// Empty: any reason.
    pub reasons: Vec<Reason>,
    pub min_severity: Severity,
    pub channels: Vec<String>,
}

impl Channels {
    /// Everything stands on the dashboard, which needs no configuration.
    pub fn dashboard() -> Channels {
        let name = "dashboard".to_owned();
        let order = Order {
            reasons: Vec::new(),
            min_severity: Severity::Informational,
            channels: vec![name.clone()],
        };
        let kind = ChannelKind::Dashboard;
        let channel = Channel { name, kind, address: None, timeout: Span::secs(15), attempts: 1 };
        Channels { channels: vec![channel], orders: vec![order] }
    }

    pub fn named(&self, name: &str) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.name == name)
    }

    /// The channels for a notice: those of the first order that fits.
    pub fn order(&self, reason: Reason, severity: Severity) -> impl Iterator<Item = &Channel> {
        let fits = |order: &&Order| {
            (order.reasons.is_empty() || order.reasons.contains(&reason)) && order.min_severity <= severity
        };
        let names = self.orders.iter().find(fits).map_or(&[][..], |order| &order.channels);
        names.iter().filter_map(|name| self.channels.iter().find(|channel| channel.name == *name))
    }
}
