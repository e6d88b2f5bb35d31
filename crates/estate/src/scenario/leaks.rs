//! Shipped scenarios about holes and what comes of them: data of persons leave, a hole that nobody knew, a chain that
//! stands still, and a breach of which little is known.

use super::shipped::{alert, beat, goal, noticed};
use serde_json::{Map, json};

use super::{Deed, Goal, SECOND_US, Scenario, Work};
use crate::spec::{PatchSpec, TargetKind, TargetRef};

/// Data of persons leave the house.
pub(super) fn privacy_breach() -> Scenario {
    let leak = Deed::Leak { service: "storage".to_owned(), persons: 1_200, outside: true, copies: 3 };
    Scenario {
        id: "privacy_breach".to_owned(),
        name: "Privacy breach".to_owned(),
        summary: "account-5 reads records of persons through storage-read and sends them out of the house. It ends when \
                  the account is shut out, and the copies that can be reached are erased."
            .to_owned(),
        beats: vec![
            beat(0, "account-5 reads records of 1,200 persons.", leak),
            beat(
                SECOND_US / 4,
                "The records go to an address outside.",
                work(TargetKind::Account, "account-5", "records sent out"),
            ),
            noticed(
                SECOND_US,
                "Somebody finds the records on a public page.",
                alert(
                    "PrivacyBreach",
                    "privacy_breach",
                    &[
                        ("account", "account-5"),
                        ("session", "session-5"),
                        ("service", "storage"),
                        ("endpoint", "storage-read"),
                        ("address", "198.51.100.5"),
                    ],
                    "records of persons from storage stand on a public page",
                ),
            ),
        ],
        goals: vec![
            goal("account.suspend", TargetKind::Account, "account-5"),
            goal("api.shutdown", TargetKind::Endpoint, "storage-read"),
            goal("leak.purge", TargetKind::Service, "storage"),
        ],
    }
}

/// A hole that nobody knew; its patch comes while the response is under way.
pub(super) fn zero_day_exploit() -> Scenario {
    let patch = PatchSpec {
        id: "patch-4".to_owned(),
        summary: "the ledger checks the length of what peers send".to_owned(),
        closes: "peer-length".to_owned(),
    };
    let exploit = Deed::Exploit { node: "validator-6".to_owned(), hole: "peer-length".to_owned() };
    Scenario {
        id: "zero_day_exploit".to_owned(),
        name: "Zero-day exploit".to_owned(),
        summary: "Somebody comes into validator-6 through the ledger by a hole that nobody knew. It ends when the node is \
                  cut off, a rule stands in front of the ledger, and the patch is on the node."
            .to_owned(),
        beats: vec![
            beat(0, "A message that is too long gives somebody validator-6.", exploit),
            beat(
                SECOND_US / 4,
                "validator-6 signs what it is told.",
                work(TargetKind::Node, "validator-6", "forged transfers"),
            ),
            beat(
                SECOND_US / 4,
                "More such messages go to the ledger.",
                work(TargetKind::Service, "ledger", "attempts"),
            ),
            noticed(
                SECOND_US,
                "The ledger takes a message that no rule knows.",
                alert(
                    "ZeroDayExploit",
                    "zero_day_exploit",
                    &[("service", "ledger"), ("node", "validator-6")],
                    "validator-6 runs code that came with a message of a peer",
                ),
            ),
            beat(3 * SECOND_US / 2, "The maker publishes a patch.", Deed::Publish { patch }),
        ],
        goals: vec![
            goal("node.isolate", TargetKind::Node, "validator-6"),
            goal("service.shield", TargetKind::Service, "ledger"),
            goal("node.rebuild", TargetKind::Node, "validator-6"),
            Goal { args: Map::from_iter([("patch".to_owned(), json!("latest"))]), ..goal("patch.apply", TargetKind::Node, "validator-6") },
        ],
    }
}

/// Three of seven validators stop, and no block is final any more.
pub(super) fn consensus_failure() -> Scenario {
    let nodes = ["validator-5", "validator-6", "validator-7"];
    let fails =
        nodes.iter().map(|node| beat(0, &format!("{node} stops."), Deed::Fail { node: (*node).to_owned() }));
    let missed = Deed::Work(Work {
        fault: true,
        through: TargetRef::new(TargetKind::Node, "validator-5"),
        doing: "missed blocks".to_owned(),
        damage: 1,
        period_us: SECOND_US / 4,
    });
    let alerts = nodes.iter().map(|node| {
        let summary = "4 of 7 validators take part, and blocks take a minute";
        let alert = alert("ConsensusFailure", "consensus_failure", &[("node", *node)], summary);
        noticed(SECOND_US, "The others see that blocks are not final.", alert)
    });
    Scenario {
        id: "consensus_failure".to_owned(),
        name: "Consensus failure".to_owned(),
        summary: "validator-5, validator-6 and validator-7 stop; with 4 of 7 no block is final. It ends when people have \
                  allowed their start and they have caught up."
            .to_owned(),
        beats: fails
            .chain([beat(SECOND_US / 4, "No block is final any more.", missed)])
            .chain(alerts)
            .collect(),
        goals: nodes
            .iter()
            .flat_map(|node| {
                ["node.restart", "node.sync_status"].map(|verb| goal(verb, TargetKind::Node, node))
            })
            .collect(),
    }
}

/// A breach of which little is known.
pub(super) fn security_incident() -> Scenario {
    Scenario {
        id: "security_incident".to_owned(),
        name: "Security incident".to_owned(),
        summary: "A program that nobody put there speaks from validator-7 to an address outside. It ends when the node is \
                  cut off and comes back from the trusted image, after its evidence is sealed."
            .to_owned(),
        beats: vec![
            beat(0, "A program starts on validator-7.", Deed::Compromise { node: "validator-7".to_owned() }),
            beat(
                SECOND_US / 4,
                "It sends what it finds outside.",
                work(TargetKind::Node, "validator-7", "stolen records"),
            ),
            noticed(
                SECOND_US,
                "validator-7 speaks to an address that it has no business with.",
                alert(
                    "SecurityBreach",
                    "security_breach",
                    &[
                        ("node", "validator-7"),
                        ("account", "account-3"),
                        ("address", "203.0.113.99"),
                        ("service", "ledger"),
                    ],
                    "a program of no image on validator-7 sends to 203.0.113.99; account-3 started it",
                ),
            ),
        ],
        goals: vec![
            goal("node.isolate", TargetKind::Node, "validator-7"),
            goal("traffic.block", TargetKind::Address, "203.0.113.99"),
            goal("account.suspend", TargetKind::Account, "account-3"),
            goal("node.rebuild", TargetKind::Node, "validator-7"),
        ],
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
