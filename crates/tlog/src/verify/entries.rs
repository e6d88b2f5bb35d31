//! What can be checked of one entry and its stream, without the tree.

use std::collections::HashMap;

use super::{Finding, Findings};
use crate::leaf::{Body, EnvelopeRef};

pub(crate) struct EntryCheck {
    /// Last sequence number of each stream.
    streams: HashMap<Box<str>, u64>,
    /// Whether the first entry of a stream must have number 1.
    from_start: bool,
    last_time: Option<i64>,
    pub(crate) entries: u64,
    pub(crate) redacted: u64,
}

impl EntryCheck {
    /// For entries from position 0 on, or for whole streams.
    pub(crate) fn whole_log() -> Self {
        Self { streams: HashMap::new(), from_start: true, last_time: None, entries: 0, redacted: 0 }
    }

    /// For a range from some position: streams may have begun before it.
    pub(crate) fn range() -> Self {
        Self { from_start: false, ..Self::whole_log() }
    }

    pub(crate) fn check(
        &mut self,
        position: u64,
        bytes: &[u8],
        body: Option<Body<'_>>,
        findings: &mut Findings,
    ) {
        self.entries += 1;
        self.redacted += u64::from(body.is_none());
        let envelope = match EnvelopeRef::decode(bytes) {
            Ok(envelope) => envelope,
            Err(error) => {
                findings.push(Finding::EnvelopeAltered { position, detail: error.to_string() });
                return;
            }
        };
        if envelope.position != position {
            findings.push(Finding::WrongPosition { position, stated: envelope.position });
        }
        if body.is_some_and(|body| !body.fits(&envelope.body)) {
            findings.push(Finding::BodyAltered { position });
        }
        self.check_seq(position, &envelope, findings);
        self.check_time(position, envelope.time_us, findings);
    }

    fn check_seq(&mut self, position: u64, envelope: &EnvelopeRef<'_>, findings: &mut Findings) {
        let expected = match self.streams.get_mut(envelope.stream) {
            Some(last) => std::mem::replace(last, envelope.seq) + 1,
            None => {
                self.streams.insert(envelope.stream.into(), envelope.seq);
                if self.from_start { 1 } else { envelope.seq }
            }
        };
        if envelope.seq != expected {
            let (stream, found) = (envelope.stream.to_owned(), envelope.seq);
            findings.push(Finding::SeqGap { position, stream, expected, found });
        }
    }

    fn check_time(&mut self, position: u64, found: i64, findings: &mut Findings) {
        let previous = self.last_time.replace(found);
        if let Some(previous) = previous.filter(|previous| *previous > found) {
            findings.push(Finding::TimeBackward { position, previous, found });
        }
    }
}
