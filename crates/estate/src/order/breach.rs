//! The verbs for holes and leaks: a rule in front of a service, patches, other victims, and data that left.

use super::{Reader, Verb, plain};

/// One of these verbs; none takes arguments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Breach {
    /// Requests that fit what is known of an exploit are refused in front of a service.
    Shield,
    Unshield,
    /// Of a service: whose data left it, and how far they came.
    Trace,
    /// Copies of what left a service are erased where they can be reached.
    Purge,
    /// Of a node: whether there is a patch for the hole that it was entered by.
    FindPatch,
    /// Which other nodes show what this one shows.
    Hunt,
}

pub(super) const READERS: [(Verb, Reader<Breach>); 6] = [
    (Verb::ServiceShield, |verb, args| plain(verb, args, Breach::Shield)),
    (Verb::ServiceUnshield, |verb, args| plain(verb, args, Breach::Unshield)),
    (Verb::LeakTrace, |verb, args| plain(verb, args, Breach::Trace)),
    (Verb::LeakPurge, |verb, args| plain(verb, args, Breach::Purge)),
    (Verb::PatchFind, |verb, args| plain(verb, args, Breach::FindPatch)),
    (Verb::NodeHunt, |verb, args| plain(verb, args, Breach::Hunt)),
];
