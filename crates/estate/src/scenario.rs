//! Attacks as scripts: what the attacker does when, which alerts the monitors send, and what must be contained.

mod intruders;
mod leaks;
mod models;
mod shipped;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::spec::{FileSpec, PatchSpec, TargetKind, TargetRef};

const SECOND_US: u64 = 1_000_000;

/// One attack from its first step to the containments that end it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scenario {
    pub id: String,
    pub name: String,
    pub summary: String,
    /// In order of time.
    pub beats: Vec<Beat>,
    /// What must hold at the end.
    pub goals: Vec<Goal>,
}

/// One moment of a scenario.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Beat {
    /// Microseconds after the start.
    pub at_us: u64,
    /// What happens, in words for the person who watches.
    pub text: String,
    #[serde(default)]
    pub deed: Option<Deed>,
    #[serde(default)]
    pub alert: Option<DrillAlert>,
}

/// What the attacker changes in the world.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// Takes over a node.
    Compromise { node: String },
    /// Opens a session for an account.
    LogIn { session: String, account: String, from: String },
    /// Puts a file under a root.
    Upload { file: FileSpec },
    /// A node stops; its peers lose it.
    Fail { node: String },
    /// A session sends prompts of a known kind of attack.
    Inject {
        session: String,
        signature: String,
        /// What the prompts make use of.
        #[serde(default)]
        techniques: Vec<String>,
    },
    /// Changes what a service has stored, what a data set contains, or what the weights of a model are.
    Damage { target: TargetRef },
    /// A service stops.
    Stop { service: String },
    /// A session asks a model so often, and takes so much away.
    Ask { session: String, prompts: u64, bytes_out: u64 },
    /// Changes what a data set contains, by a way.
    Poison { dataset: String, vector: String, percent: u64 },
    /// Data of persons leave a service.
    Leak { service: String, persons: u64, outside: bool, copies: u64 },
    /// Takes over a node by a hole that nobody knew.
    Exploit { node: String, hole: String },
    /// Somebody publishes a patch.
    Publish { patch: PatchSpec },
    /// Goes on doing damage until the target that it works through is contained.
    Work(Work),
}

/// Damage done again and again through one target.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Work {
    /// Damage of a fault ends when the node runs again, not when it is cut off.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fault: bool,
    pub through: TargetRef,
    /// One unit of damage in words, plural, for example `forged transfers`.
    pub doing: String,
    /// Units of damage in each period.
    pub damage: u64,
    /// Microseconds; not zero.
    pub period_us: u64,
}

/// An alert that a monitor sends, as Alertmanager takes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DrillAlert {
    pub labels: BTreeMap<String, String>,
    pub annotations: BTreeMap<String, String>,
}

/// A containment that must hold, as asked by [`crate::World::read`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    pub verb: String,
    pub target: TargetRef,
    #[serde(default)]
    pub args: Map<String, Value>,
}

impl Scenario {
    /// All scenarios that are shipped.
    pub fn shipped() -> Vec<Scenario> {
        vec![
            Scenario::validator_compromise(),
            shipped::malicious_file_upload(),
            shipped::blockchain_node_failure(),
            shipped::prompt_injection(),
            intruders::key_compromise(),
            intruders::system_compromise(),
            intruders::unauthorized_access(),
            intruders::generic_response(),
            models::data_poisoning(),
            models::model_extraction(),
            models::adversarial_attack(),
            leaks::privacy_breach(),
            leaks::zero_day_exploit(),
            leaks::consensus_failure(),
            leaks::security_incident(),
        ]
    }

    pub fn find(id: &str) -> Option<Scenario> {
        Scenario::shipped().into_iter().find(|scenario| scenario.id == id)
    }

    /// A stolen operator account leads to a validator, which then signs for the attacker.
    pub fn validator_compromise() -> Scenario {
        Scenario {
            id: "validator_compromise".to_owned(),
            name: "Validator compromise".to_owned(),
            summary:
                "A stolen operator account leads to validator-3. It votes twice, and its key is used from \
                      outside. The damage grows until the node is isolated and the key revoked."
                    .to_owned(),
            beats: vec![
                break_in(),
                take_over(),
                double_votes(),
                stolen_key(),
                votes_noticed(),
                key_noticed(),
                login_noticed(),
            ],
            goals: vec![isolated("validator-3"), revoked("key-3")],
        }
    }
}

fn break_in() -> Beat {
    Beat {
        at_us: 0,
        text: "Someone logs in as account-2 from 203.0.113.40, an address never seen before.".to_owned(),
        deed: Some(Deed::LogIn {
            session: "session-intruder".to_owned(),
            account: "account-2".to_owned(),
            from: "203.0.113.40".to_owned(),
        }),
        alert: None,
    }
}

fn take_over() -> Beat {
    Beat {
        at_us: SECOND_US,
        text: "With that account the intruder takes over validator-3.".to_owned(),
        deed: Some(Deed::Compromise { node: "validator-3".to_owned() }),
        alert: None,
    }
}

fn double_votes() -> Beat {
    Beat {
        at_us: SECOND_US * 3 / 2,
        text: "validator-3 signs two votes for the same height, and goes on doing so.".to_owned(),
        deed: Some(Deed::Work(Work {
            fault: false,
            through: TargetRef::new(TargetKind::Node, "validator-3"),
            doing: "conflicting votes".to_owned(),
            damage: 2,
            period_us: SECOND_US / 4,
        })),
        alert: None,
    }
}

fn stolen_key() -> Beat {
    Beat {
        at_us: 2 * SECOND_US,
        text: "key-3 signs transfers from 203.0.113.40: the key has left the building.".to_owned(),
        deed: Some(Deed::Work(Work {
            fault: false,
            through: TargetRef::new(TargetKind::Key, "key-3"),
            doing: "forged transfers".to_owned(),
            damage: 1,
            period_us: SECOND_US / 2,
        })),
        alert: None,
    }
}

fn votes_noticed() -> Beat {
    Beat {
        at_us: 2_500_000,
        text: "The other validators see that validator-3 votes twice.".to_owned(),
        deed: None,
        alert: Some(alert(
            "ValidatorDoubleVote",
            "critical",
            &[("key", "key-3")],
            "validator-3 signed two different votes for height 48210",
        )),
    }
}

fn key_noticed() -> Beat {
    Beat {
        at_us: 2_800_000,
        text: "The transfers signed from outside are noticed.".to_owned(),
        deed: None,
        alert: Some(alert(
            "KeyUsedElsewhere",
            "critical",
            &[("key", "key-3")],
            "key-3 signed transfers from 203.0.113.40, which is not validator-3",
        )),
    }
}

fn login_noticed() -> Beat {
    Beat {
        at_us: 3_200_000,
        text: "The login of account-2 is noticed at last.".to_owned(),
        deed: None,
        alert: Some(alert(
            "OperatorLoginUnusual",
            "high",
            &[("account", "account-2")],
            "account-2 logged in from 203.0.113.40 and opened a shell on validator-3",
        )),
    }
}

/// All alerts of one attack carry the type and the node, so that they belong to one incident.
fn alert(name: &str, severity: &str, targets: &[(&str, &str)], summary: &str) -> DrillAlert {
    let mut labels = BTreeMap::from([
        ("alertname".to_owned(), name.to_owned()),
        ("incident_type".to_owned(), "validator_compromise".to_owned()),
        ("severity".to_owned(), severity.to_owned()),
        ("node".to_owned(), "validator-3".to_owned()),
    ]);
    labels.extend(targets.iter().map(|(label, value)| ((*label).to_owned(), (*value).to_owned())));
    DrillAlert { labels, annotations: BTreeMap::from([("summary".to_owned(), summary.to_owned())]) }
}

fn isolated(node: &str) -> Goal {
    let args = Map::from_iter([("level".to_owned(), json!("full"))]);
    Goal { verb: "node.isolate".to_owned(), target: TargetRef::new(TargetKind::Node, node), args }
}

fn revoked(key: &str) -> Goal {
    let target = TargetRef::new(TargetKind::Key, key);
    Goal { verb: "key.revoke".to_owned(), target, args: Map::new() }
}
