//! How many notices are sent at once over each channel, and which waits for longest.

use std::collections::{BTreeMap, BTreeSet};

use super::{Notice, Status};
use crate::{id::NoticeId, time::Timestamp};

/// Most sendings over one channel at once. The rest wait their turn, so that a channel that hangs takes neither the
/// machine nor the attempts of those behind.
pub const SENDING_MAX: usize = 32;

/// The notices of each channel that are being sent, and those that wait by the time they waited since.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Lines {
    by_channel: BTreeMap<Box<str>, Line>,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Line {
    sending: BTreeSet<NoticeId>,
    waiting: BTreeSet<(Timestamp, NoticeId)>,
}

impl Lines {
    /// How many more may be sent over this channel now.
    pub(super) fn room(&self, channel: &str) -> usize {
        SENDING_MAX.saturating_sub(self.by_channel.get(channel).map_or(0, |line| line.sending.len()))
    }

    /// Whose turn it is over this channel.
    pub fn next(&self, channel: &str, now: Timestamp) -> Option<NoticeId> {
        let line = self.by_channel.get(channel).filter(|_| self.room(channel) > 0)?;
        line.waiting.first().filter(|(at, _)| *at <= now).map(|(_, id)| *id)
    }

    /// Before a notice changes or leaves.
    pub(crate) fn leave(&mut self, notice: &Notice) {
        let Some(channel) = notice.channel() else { return };
        let Some(line) = self.by_channel.get_mut(channel) else { return };
        match notice.status {
            Status::Sending { .. } => drop(line.sending.remove(&notice.id)),
            Status::Waiting { at } => drop(line.waiting.remove(&(at, notice.id))),
            Status::Delivered { .. } | Status::Undeliverable { .. } | Status::Cancelled { .. } => {}
        }
        if *line == Line::default() {
            self.by_channel.remove(channel);
        }
    }

    /// When it came, or has changed.
    pub(crate) fn enter(&mut self, notice: &Notice) {
        let Some(channel) = notice.channel().filter(|_| !super::is_over(notice)) else { return };
        let line = self.by_channel.entry(channel.into()).or_default();
        match notice.status {
            Status::Sending { .. } => drop(line.sending.insert(notice.id)),
            Status::Waiting { at } => drop(line.waiting.insert((at, notice.id))),
            Status::Delivered { .. } | Status::Undeliverable { .. } | Status::Cancelled { .. } => {}
        }
    }
}
