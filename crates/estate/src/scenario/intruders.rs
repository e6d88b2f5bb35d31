//! Shipped scenarios about people who are where they should not be: with a key, on a system, in an account, and one of
//! those who are allowed in and go too far.

use super::shipped::{alert, beat, goal, noticed};
use super::{Deed, SECOND_US, Scenario, Work};
use crate::spec::{TargetKind, TargetRef};

const STRANGER: &str = "203.0.113.77";

/// A key lay where everybody could read it, and somebody signs with it.
pub(super) fn key_compromise() -> Scenario {
    Scenario {
        id: "key_compromise".to_owned(),
        name: "Key compromise".to_owned(),
        summary: "key-2 stood in a repository, and somebody signs transfers with it from outside. It ends when the key \
                  is revoked and another one is in its place."
            .to_owned(),
        beats: vec![
            beat(0, "Somebody reads key-2 in a repository.", work(TargetKind::Key, "key-2", "forged transfers")),
            noticed(
                SECOND_US,
                "The transfers come from an address that signs nothing.",
                alert(
                    "KeyExposed",
                    "key_compromise",
                    &[("key", "key-2"), ("account", "account-4"), ("node", "validator-2")],
                    "key-2 signed transfers from 203.0.113.77; account-4 had put it into a repository",
                ),
            ),
        ],
        goals: vec![
            goal("key.revoke", TargetKind::Key, "key-2"),
            goal("account.suspend", TargetKind::Account, "account-4"),
            goal("key.rotate", TargetKind::Key, "key-2"),
        ],
    }
}

/// A system belongs to somebody else; it is cut off by people, and comes back from a trusted image.
pub(super) fn system_compromise() -> Scenario {
    Scenario {
        id: "system_compromise".to_owned(),
        name: "System compromise".to_owned(),
        summary: "Somebody rules validator-5 and copies records from it. Automation stops, people cut the node off, and \
                  it comes back from the trusted image after its evidence is sealed."
            .to_owned(),
        beats: vec![
            beat(
                0,
                "Somebody takes over validator-5 through an old library.",
                Deed::Compromise { node: "validator-5".to_owned() },
            ),
            beat(
                SECOND_US / 4,
                "Records leave validator-5.",
                work(TargetKind::Node, "validator-5", "stolen records"),
            ),
            noticed(
                SECOND_US,
                "A program runs on validator-5 that nobody put there.",
                alert(
                    "SystemCompromise",
                    "system_compromise",
                    &[("node", "validator-5"), ("key", "key-5"), ("account", "account-1")],
                    "validator-5 runs a program that is in no image; account-1 started it",
                ),
            ),
        ],
        goals: vec![
            goal("node.isolate", TargetKind::Node, "validator-5"),
            goal("node.rebuild", TargetKind::Node, "validator-5"),
            goal("key.rotate", TargetKind::Key, "key-5"),
        ],
    }
}

/// Somebody has the password of somebody else.
pub(super) fn unauthorized_access() -> Scenario {
    let session = "session-stranger".to_owned();
    let log_in = Deed::LogIn { session, account: "account-6".to_owned(), from: STRANGER.to_owned() };
    Scenario {
        id: "unauthorized_access".to_owned(),
        name: "Unauthorized access".to_owned(),
        summary: "Somebody logs in as account-6 with a password from elsewhere and reads on. It ends when the account is \
                  suspended, its sessions are over and the api takes logins from known addresses only."
            .to_owned(),
        beats: vec![
            beat(0, "Somebody logs in as account-6 from an address never seen before.", log_in),
            beat(
                SECOND_US / 4,
                "They read what account-6 may read.",
                work(TargetKind::Session, "session-stranger", "records read"),
            ),
            noticed(
                SECOND_US,
                "account-6 is in two countries at once.",
                alert(
                    "ImpossibleTravel",
                    "unauthorized_access",
                    &[
                        ("account", "account-6"),
                        ("session", "session-stranger"),
                        ("address", STRANGER),
                        ("service", "api"),
                    ],
                    "account-6 logged in from two countries within a minute",
                ),
            ),
        ],
        goals: vec![
            goal("account.suspend", TargetKind::Account, "account-6"),
            goal("account.reset_sessions", TargetKind::Account, "account-6"),
            goal("policy.tighten", TargetKind::Service, "api"),
        ],
    }
}

/// What has no playbook of its own: somebody copies what they may only read.
pub(super) fn generic_response() -> Scenario {
    Scenario {
        id: "generic_response".to_owned(),
        name: "Generic response".to_owned(),
        summary: "account-7 copies what it may only read. No playbook is for that, so people judge it with the generic \
                  one, and it ends when they shut the account out."
            .to_owned(),
        beats: vec![
            beat(
                0,
                "account-7 copies records to a disk of its own.",
                work(TargetKind::Account, "account-7", "records copied"),
            ),
            noticed(
                SECOND_US,
                "The copies are noticed.",
                alert(
                    "PolicyViolation",
                    "policy_violation",
                    &[("account", "account-7"), ("service", "storage")],
                    "account-7 copied 40,000 records that it may only read",
                ),
            ),
        ],
        goals: vec![goal("account.suspend", TargetKind::Account, "account-7")],
    }
}

fn work(kind: TargetKind, through: &str, doing: &str) -> Deed {
    Deed::Work(Work {
        fault: false,
        through: TargetRef::new(kind, through),
        doing: doing.to_owned(),
        damage: 1,
        period_us: SECOND_US / 4,
    })
}
